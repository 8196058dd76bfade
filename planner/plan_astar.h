/** @file plan_astar.h Weighted hybrid A* along a route: from where the car is to further along the
 *  route, as the kinematic bicycle can drive it, past what the map says is dear.
 *
 *  Nodes are poses in continuous space, one per cell of arc length, offset and heading. They are
 *  guided by the exact costs of a coarser problem (dynamic programming over arc length and offset,
 *  which knows obstacles but no steering) and completed by driving back to the route by pure
 *  pursuit. Anytime: the best complete way so far is kept, and counts when the budget ends.
 *  Ownership: plain data, large: reserve it once. Threads: one user. Allocation: none.
 *  Determinism: with no deadline, a function of its arguments; ties go to the older node. */
#ifndef PLAN_ASTAR_H
#define PLAN_ASTAR_H

#include "common/hp_clock.h"
#include "planner/plan_map.h"

enum {
    PLAN_ASTAR_AHEAD = 45, /* layers of the coarse problem, a metre apart */
    PLAN_ASTAR_ASIDE = 57, /* offsets from the route, PLAN_ASTAR_SIDE_M apart */
    PLAN_ASTAR_TURNS = 13, /* cells of heading */
    PLAN_ASTAR_NODES = 6000,
    PLAN_ASTAR_WAY = 96 /* poses of a way, a metre apart */
};
#define PLAN_ASTAR_SIDE_M 0.25

/** Speed that the way is priced with: towards top_mps with accel_mps2 (which may be negative). */
typedef struct plan_pace {
    double from_mps, top_mps, accel_mps2;
} plan_pace;

/** Poses a metre apart, the first at the start. */
typedef struct plan_way {
    uint32_t n;
    hp_pose poses[PLAN_ASTAR_WAY];
    double cost; /* INFINITY: no way */
} plan_way;

typedef struct plan_astar_task {
    const plan_map *map;
    const plan_path *route;
    hp_pose start;
    plan_pace pace;
    uint32_t max_nodes;    /* expanded at most */
    int64_t deadline_ns;   /* 0: none */
    const hp_clock *clock; /* read only if there is a deadline */
} plan_astar_task;

typedef struct plan_astar_node {
    hp_pose pose;
    double s_m, lateral_m; /* on the route */
    double cost, curvature;
    int32_t parent;
    uint32_t depth_m; /* way from the start */
} plan_astar_node;

typedef struct plan_astar_frame {
    hp_pose pose;
    double cos_yaw, sin_yaw, curvature;
} plan_astar_frame;

typedef struct plan_astar {
    /* of the present task */
    double start_s_m, end_s_m, max_curvature[PLAN_ASTAR_WAY];
    double time_s[PLAN_ASTAR_WAY]; /* after so many metres of way */
    uint32_t n_frames;
    plan_astar_frame frames[2 * (PLAN_ASTAR_AHEAD + 12)]; /* of the route, half a metre apart */
    float to_go[PLAN_ASTAR_AHEAD + 1][PLAN_ASTAR_ASIDE];
    float best[PLAN_ASTAR_AHEAD + 12][PLAN_ASTAR_ASIDE][PLAN_ASTAR_TURNS];
    uint32_t n_nodes, n_heap, expanded;
    plan_astar_node nodes[PLAN_ASTAR_NODES];
    struct {
        double f;
        int32_t node;
    } heap[PLAN_ASTAR_NODES];
} plan_astar;

/** Prepares route, times and curvature limits for the task; do this first. */
void plan_astar_begin(plan_astar *a, const plan_astar_task *task);
/** Straight back to the route by pure pursuit; false if something stands there. */
bool plan_astar_return(plan_astar *a, const plan_astar_task *task, plan_way *way);
/** The search. way->cost is INFINITY if none was found. */
void plan_astar_search(plan_astar *a, const plan_astar_task *task, plan_way *way);
/** Prices a way with the same measure; INFINITY if something stands there. */
double plan_astar_price(const plan_astar *a, const plan_astar_task *task, const hp_pose *poses,
                        uint32_t n);

#endif
