/** @file car_scene.h One decision's traffic, made ready for the search: the path as a table,
 * others' futures at the search's steps, edges of sight. Ownership: plain data, fixed size.
 * Threads: read only once built. Allocation: none. */
#ifndef CAR_SCENE_H
#define CAR_SCENE_H

#include "pomdp/car/car_config.h"
#include "proto/hp_msgs.h"

enum {
    CAR_MAX_AGENTS = 8, /* agents and phantoms in a state: those nearest to the path */
    CAR_MAX_STEPS = 96, /* steps of a future: tree and rollout */
};

/** Where the ego is at an arc length of the path. */
typedef struct car_path_point {
    float x_m, y_m, cos_yaw, sin_yaw;
    float speed_mps;   /* highest allowed */
    float free_time_s; /* to the goal at those speeds */
} car_path_point;

/** One future at the search's steps: [k] is k + 1 steps after now. */
typedef struct car_future {
    double probability;
    float x_m[CAR_MAX_STEPS], y_m[CAR_MAX_STEPS];
    float sigma_m[CAR_MAX_STEPS];
} car_future;

/** Somebody the search reckons with. */
typedef struct car_other {
    bool walks;      /* a walker: may start to cross, may stop */
    bool phantom;    /* nobody has seen him */
    bool may_hide;   /* behind the corner below until he passes the edge of sight */
    double x_m, y_m; /* now; of a phantom: where he would come into view */
    double vx_mps, vy_mps;
    double reach_x_m,
        reach_y_m; /* half extents in the ego's frame, with margin, at the root's heading */
    double to_path_x, to_path_y; /* unit vector across to the path */
    double s_m, lateral_m;       /* foot on the path, and distance from it >= 0 */
    double corner_s_m, corner_lateral_m;
    double age_s;   /* since last seen */
    double rate_hz; /* of starting to cross; phantoms: of stepping out */
    uint32_t n_futures;
    car_future futures[HP_MAX_MODES];
} car_other;

typedef struct car_scene {
    const car_config *config;
    uint32_t n_points;
    double spacing_m; /* of the path's points */
    car_path_point points[HP_MAX_PATH];
    double goal_s_m;
    double blocked_s_m; /* a standing box lies on the path from here on; INFINITY: none */
    double speed_limit_mps, speed_floor_mps;
    double half_length_m, half_width_m, eye_ahead_m;
    double ego_s_m, ego_speed_mps, ego_accel_mps2;
    uint32_t last_action;
    uint32_t fastest, slowest, steady; /* actions: largest, smallest, nearest to zero */
    double lag_gain_mps, lag_gain_m;   /* what the vehicle's lag costs per m/s^2 of change */
    uint32_t n_others;
    car_other others[CAR_MAX_AGENTS];
    float collision_cost[64]; /* by speed, in steps of speed_limit / 32 */
    float discount_per_s;     /* natural logarithm */
} car_scene;

/** False if the request has no usable path. */
bool car_scene_build(const car_config *config, const hp_plan_request *request, car_scene *scene);

/** Lateral distance up to which a walker at arc length s is hidden from an eye at eye_s: infinity
 * if the eye has passed the corner. */
static inline double car_scene_edge_of_sight(const car_other *other, double eye_s_m)
{
    const double to_corner = other->corner_s_m - eye_s_m;
    const double beyond = other->s_m - other->corner_s_m;
    if (to_corner <= 0.3) {
        return INFINITY;
    }
    return other->corner_lateral_m * (1.0 + (beyond > 0.0 ? beyond : 0.0) / to_corner);
}

#endif
