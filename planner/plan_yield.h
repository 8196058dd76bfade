/** @file plan_yield.h Who goes first where somebody crosses: the guard lets nobody be touched, but
 *  it does so at the last moment, and a car that stops then stands in his way. Here the car looks
 *  ahead: can it be past before he is near, at speeds that the guard allows beside him? Otherwise
 *  it stops before his line and lets him walk on. No promise rests on this: it takes people to
 *  keep their velocities, and only ever asks for less. Ownership: plain data. Threads: pure.
 *  Allocation: none. */
#ifndef PLAN_YIELD_H
#define PLAN_YIELD_H

#include "planner/plan_path.h"
#include "proto/hp_msgs.h"

/** The wish, or what it takes to stop before those who go first. waits: of each of the frame's
 * agents, as plan_leave_update says. */
double plan_yield_accel(const plan_guard_config *config, const hp_world_info *info,
                        const plan_path *path, const hp_frame *frame, const bool *waits,
                        double accel_mps2);

#endif
