/** @file hp_ground.h What the ground is beside a route that has edges.
 *  Threads: pure. Allocation: none. */
#ifndef HP_GROUND_H
#define HP_GROUND_H

#include "proto/hp_msgs.h"

typedef enum hp_ground { HP_GROUND_ROAD, HP_GROUND_PAVEMENT, HP_GROUND_OFF } hp_ground;

/** At `share` [0, 1] of the way from a point of the route to the next, left_m beside it. */
static inline hp_ground hp_ground_beside(const hp_world_info *info, uint32_t segment, double share,
                                         double left_m)
{
    const hp_edges *a = &info->edges[segment];
    const hp_edges *b = a + 1;
    const bool left = left_m >= 0.0;
    const double road_a = left ? a->road_left_m : a->road_right_m;
    const double road_b = left ? b->road_left_m : b->road_right_m;
    const double walk_a = left ? a->pavement_left_m : a->pavement_right_m;
    const double walk_b = left ? b->pavement_left_m : b->pavement_right_m;
    const double road_m = road_a + share * (road_b - road_a);
    const double walk_m = walk_a + share * (walk_b - walk_a);
    const double away_m = fabs(left_m);
    if (away_m <= road_m) {
        return HP_GROUND_ROAD;
    }
    return away_m <= road_m + walk_m ? HP_GROUND_PAVEMENT : HP_GROUND_OFF;
}

#endif
