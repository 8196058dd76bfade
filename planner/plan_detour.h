/** @file plan_detour.h Whether to leave the route, and by which way: the route as long as it is
 *  free, else the cheapest of going on as before, going back, and what hybrid A* finds.
 *
 *  The route counts as blocked by a standing box, by a vehicle that is expected in the way for
 *  longer than planner.path.blocked_s (one that is headed along the route and waits itself: after
 *  planner.path.queue_s), by a walker for longer than planner.path.walker_blocked_s, and, if the
 * car cannot be held below a speed, by anybody it would probably meet. With no way found the car
 * keeps its path and its speeds end in front of the obstacle. Ownership: plain data, large: reserve
 * it once. Threads: one user. Allocation: none. */
#ifndef PLAN_DETOUR_H
#define PLAN_DETOUR_H

#include "planner/plan_astar.h"

typedef struct plan_detour {
    bool away;      /* the path is not the route */
    bool stops;     /* the path's speeds end before an obstacle, or because the goal was missed */
    double queue_s; /* since when a queue has been ahead; INFINITY: there is none */
    plan_path route;
    plan_map map;
    plan_astar search;
    plan_way ways[3];
    hp_vec2 line[PLAN_PATH_MAX_LINE];
    uint32_t searches; /* since the episode began */
} plan_detour;

/** Starts an episode: path becomes the route. */
void plan_detour_begin(const plan_path_config *config, const hp_world_info *info,
                       plan_detour *detour, plan_path *path);
/** Lays the path for this decision. deadline_ns 0: max_nodes decide, and no clock is read. */
typedef struct plan_detour_task {
    const plan_path_config *config;
    const hp_world_info *info;
    const hp_plan_request *belief; /* agents and occluders */
    const hp_ego_state *ego;
    double now_s; /* episode time */
    int64_t deadline_ns;
    const hp_clock *clock;
} plan_detour_task;

void plan_detour_update(plan_detour *detour, const plan_detour_task *task, plan_path *path);

#endif
