/** @file plan_path.h The path that the car follows: points at even spacing, with a speed for each.
 *  Ownership: plain data. Threads: pure. Allocation: none. */
#ifndef PLAN_PATH_H
#define PLAN_PATH_H

#include "planner/plan_config.h"
#include "proto/hp_msgs.h"

enum { PLAN_PATH_MAX_LINE = HP_MAX_PATH + 128 }; /* points of a line that a path is laid through */

typedef struct plan_path {
    uint32_t n;                    /* [2, HP_MAX_PATH] */
    hp_vec2 points[HP_MAX_PATH];   /* m, map frame */
    double s_m[HP_MAX_PATH];       /* arc length at each point */
    double speed_mps[HP_MAX_PATH]; /* highest speed there */
    double goal_s_m;               /* the goal counts as reached from here on */
} plan_path;

/** The route itself as a path, prolonged straight past its end so that there is always a point to
 * aim at. Speeds: the limit, v^2 * curvature <= max_lateral, and a gentle way down to what lies
 * ahead. */
void plan_path_follow_route(const plan_path_config *config, const hp_world_info *info,
                            plan_path *path);
/** A path through given points [n >= 2]: even spacing, speeds and goal as for the route. */
void plan_path_through(const plan_path_config *config, const hp_world_info *info,
                       const hp_vec2 *points, uint32_t n, plan_path *path);
/** Sets the speeds anew. */
void plan_path_set_speeds(const plan_path_config *config, double limit_mps, plan_path *path);
/** Lowers the speeds so that the car comes to rest at arc length s. */
void plan_path_stop_at(const plan_path_config *config, double s_m, plan_path *path);
/** Pose at arc length s, clamped to the ends. */
hp_pose plan_path_at(const plan_path *path, double s_m);
hp_projection plan_path_project(const plan_path *path, hp_vec2 p);
/** Highest speed at arc length s. */
double plan_path_speed(const plan_path *path, double s_m);

#endif
