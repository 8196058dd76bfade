/** @file carla_frame.h The simulator's left-handed frame in degrees, and ours.
 *  Threads: pure. Allocation: none. */
#ifndef CARLA_FRAME_H
#define CARLA_FRAME_H

#include "common/hp_geom.h"
#include "sim-bridge/carla/carla_types.h"

static inline hp_vec2 carla_to_vec2(carla_vec3 v)
{
    return (hp_vec2){(double)v.x, -(double)v.y};
}

static inline hp_pose carla_to_pose(const carla_transform *t)
{
    return (hp_pose){(double)t->location.x, -(double)t->location.y,
                     hp_angle_wrap(-(double)t->rotation.yaw * HP_PI / 180.0)};
}

static inline carla_vec3 carla_from_vec2(hp_vec2 v, double z)
{
    return (carla_vec3){(float)v.x_m, (float)-v.y_m, (float)z};
}

static inline carla_transform carla_from_pose(hp_pose pose, double z_m)
{
    return (carla_transform){
        .location = carla_from_vec2((hp_vec2){pose.x_m, pose.y_m}, z_m),
        .rotation = {.yaw = (float)(-pose.yaw_rad * 180.0 / HP_PI)},
    };
}

#endif
