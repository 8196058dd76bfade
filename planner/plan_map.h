/** @file plan_map.h What it costs to be somewhere at some time: ground, standing boxes, and others
 *  where they are expected then. Prices are per metre of way; a road costs 1.
 *  Ownership: plain data; config and info are borrowed. Threads: pure. Allocation: none. */
#ifndef PLAN_MAP_H
#define PLAN_MAP_H

#include "planner/plan_path.h"
#include "proto/hp_msgs.h"

enum {
    PLAN_MAP_STEPS = 33,   /* places of a future, PLAN_MAP_STEP_S apart, the first now: 8 s */
    PLAN_MAP_FUTURES = 128 /* of others near the way */
};
#define PLAN_MAP_STEP_S 0.25

/** One future of one agent. */
typedef struct plan_future {
    double probability;
    double radius_m; /* of the circle around its box */
    bool walks;
    double room_m;  /* kept beside it, besides the margin */
    uint32_t agent; /* index in the belief */
    hp_box at[PLAN_MAP_STEPS];
} plan_future;

typedef struct plan_map {
    const plan_path_config *config;
    const hp_world_info *info;
    double ego_radius_m;
    double pavement_price; /* may be raised after build() */
    bool outside;          /* the ego is on neither road nor pavement */
    uint32_t first, last;  /* points of the route that are near, if it has edges */
    uint32_t n_boxes, n_futures;
    hp_box boxes[HP_MAX_OCCLUDERS];
    double box_radius_m[HP_MAX_OCCLUDERS];
    plan_future futures[PLAN_MAP_FUTURES];
} plan_map;

/** Fills the map with the belief's boxes and futures within reach of where. */
void plan_map_build(const plan_path_config *config, const hp_world_info *info,
                    const hp_plan_request *belief, hp_vec2 where, plan_map *map);
/** What vehicles make of the lane. */
typedef enum plan_map_lane {
    PLAN_MAP_FREE,
    PLAN_MAP_QUEUE,   /* some stand in it, headed along it: they wait for something, too */
    PLAN_MAP_BLOCKED, /* some will be in it for longer than blocked_s */
} plan_map_lane;

/** Looks how long each agent is expected in the ego's way along path between two arc lengths, and
 * leaves out walkers who are gone within walker_blocked_s: the search lets those pass. Returns
 * what the vehicles that do not drive away make of the lane. */
plan_map_lane plan_map_sift(plan_map *map, const plan_path *path, double from_m, double to_m);
/** Price of a metre with the ego's box there at that time; INFINITY in a standing box. */
double plan_map_price(const plan_map *map, const hp_pose *ego, double t_s);
/** Probability, summed over agents, that somebody is in the ego's box at that time;
 * vehicles only if asked for. */
double plan_map_risk(const plan_map *map, const hp_pose *ego, double t_s, bool cars);
/** True if a standing box is there. */
bool plan_map_taken(const plan_map *map, const hp_pose *ego);

#endif
