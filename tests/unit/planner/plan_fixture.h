/** @file plan_fixture.h A straight street along x, and frames on it, for the planner's tests. */
#ifndef PLAN_FIXTURE_H
#define PLAN_FIXTURE_H

#include "planner/plan_config.h"
#include "proto/hp_msgs.h"

#include <string.h>

static inline void fixture_info(hp_world_info *info)
{
    memset(info, 0, sizeof *info);
    info->world_id = 5;
    info->synchronous = true;
    info->tick_s = 0.05;
    info->ego_length_m = 4.2;
    info->ego_width_m = 2.0;
    info->ego_wheelbase_m = 2.5;
    info->speed_limit_mps = 13.9;
    info->max_steer_rad = 1.2;
    info->sensor_range_m = 50.0;
    info->goal = (hp_pose){100.0, 0.0, 0.0};
    info->goal_radius_m = 3.0;
    info->n_route = 2;
    info->route[0] = (hp_vec2){0.0, 0.0};
    info->route[1] = (hp_vec2){100.0, 0.0};
}

static inline void fixture_frame(uint32_t tick, double x_m, double speed_mps, hp_frame *frame)
{
    memset(frame, 0, sizeof *frame);
    frame->world_id = 5;
    frame->tick = tick;
    frame->stamp_ns = (int64_t)tick * 50000000;
    frame->ego.pose.x_m = x_m;
    frame->ego.speed_mps = speed_mps;
}

static inline void fixture_add_walker(hp_frame *frame, uint32_t id, double x_m, double y_m,
                                      double vx_mps, double vy_mps)
{
    frame->agents[frame->n_agents++] = (hp_agent){.id = id,
                                                  .kind = HP_CLASS_WALKER,
                                                  .pose = {x_m, y_m, 0.0},
                                                  .vx_mps = vx_mps,
                                                  .vy_mps = vy_mps,
                                                  .length_m = 0.4,
                                                  .width_m = 0.4};
}

static inline void fixture_add_parked_car(hp_frame *frame, uint32_t id, double x_m, double y_m)
{
    frame->occluders[frame->n_occluders++] =
        (hp_occluder){.id = id, .box = {{x_m, y_m, 0.0}, 4.0, 1.8}};
}

#endif
