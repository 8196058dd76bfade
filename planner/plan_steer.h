/** @file plan_steer.h Pure pursuit: the front wheel angle that brings the car back to its path.
 *  Ownership: plain data. Threads: pure. Allocation: none. */
#ifndef PLAN_STEER_H
#define PLAN_STEER_H

#include "planner/plan_path.h"

/** delta = atan(2 L sin(alpha) / d), seen from the rear axle; bounded by max_steer_rad. */
double plan_steer_angle(const plan_steer_config *config, const plan_path *path,
                        const hp_ego_state *ego, double wheelbase_m, double max_steer_rad);

#endif
