/** @file plan_guard.h The last check of every command, after the Simplex idea: a command passes if,
 *  after the response time under it and then full braking along the path, nobody within his bounds
 * can be touched while the ego moves. Otherwise the gentlest of these that passes: no faster, a
 * comfortable brake; else the hard one, unless braking would stop in the way of somebody whom the
 * ego passes as asked, if all keep their velocities.
 *
 *  Walkers: wherever their acceleration and top speed let them come. Vehicles: the strip ahead
 * between braking and accelerating along their heading. Standing boxes: as they are. Walkers behind
 * the ego, and those who stand beside it and let it leave (plan_leave.h), may come to its rear and
 * flanks, but it must not drive upon them. Vehicles that follow the ego in its lane are not
 * counted. The promise holds within these bounds, for agents in the
 * frame, while the vehicle follows its path. Ownership: plain data. Threads: a pure function of its
 * arguments. Allocation: none. */
#ifndef PLAN_GUARD_H
#define PLAN_GUARD_H

#include "planner/plan_path.h"
#include "proto/hp_msgs.h"

typedef struct plan_guard_verdict {
    double accel_mps2; /* what may be commanded */
    bool intervened;   /* it is not what was asked */
    bool hard;         /* the baseline brakes hard */
    bool unsafe;       /* nothing passes: somebody is out of his bounds, or was from the start */
} plan_guard_verdict;

/** waits: of each of the frame's agents, whether he does, as plan_leave_update says; NULL: nobody.
 */
plan_guard_verdict plan_guard_check(const plan_guard_config *config, const hp_world_info *info,
                                    const plan_path *path, const hp_frame *frame, const bool *waits,
                                    double accel_mps2);

#endif
