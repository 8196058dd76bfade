/** @file plan_yield.h Who goes first where somebody crosses: the guard lets nobody be touched, but
 *  it does so at the last moment, and a car that stops then stands in his way. Here the car looks
 *  ahead: can it be past before he is near, at speeds that the guard allows beside him? Otherwise
 *  it stops before his line and lets him walk on. No promise rests on this: it takes people to
 *  keep their velocities, and only ever asks for less. Ownership: plain data. Threads: pure.
 *  Allocation: none. */
#ifndef PLAN_YIELD_H
#define PLAN_YIELD_H

#include "planner/plan_path.h"
#include "planner/plan_track.h"

/** The wish, or what it takes to be slow enough beside those who cross, or to stop before them.
 * Marks their tracks as met at speed: while it stands or crawls, the ego lets nobody else go first,
 * or it would stand before a crowd for ever. To be called after plan_leave_update with the same
 * frame. */
double plan_yield_accel(const plan_guard_config *config, const hp_world_info *info,
                        const plan_path *path, const hp_frame *frame, plan_tracks *tracks,
                        double accel_mps2);

#endif
