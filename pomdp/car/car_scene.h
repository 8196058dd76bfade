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

/** One future at the search's steps: row [k] is k + 1 steps after now: x, y, sigma,
 * and how far past the path he is at least from then on (negative: before it). */
typedef float car_future[CAR_MAX_STEPS][4];

/** Somebody the search reckons with. */
typedef struct car_other {
    bool walks;      /* a walker: may start to cross, may stop */
    bool phantom;    /* nobody has seen him */
    bool may_hide;   /* behind the corner below until he passes the edge of sight */
    uint32_t index;  /* in the request: of its agents, or of its phantoms */
    double x_m, y_m; /* now; of a phantom: where he would come into view */
    double vx_mps, vy_mps;
    double reach_x_m,
        reach_y_m; /* half extents in the ego's frame, with margin, at the root's heading */
    double to_path_x, to_path_y;   /* unit vector across to the path */
    double s_m, lateral_m;         /* foot on the path, and distance from it >= 0 */
    double side, along_x, along_y; /* 1: left of the path; the path's direction at the foot */
    double corner_s_m, corner_lateral_m;
    double age_s;   /* since last seen */
    double rate_hz; /* of starting to cross; phantoms: of stepping out */
    uint32_t n_futures;
    double probability[HP_MAX_MODES]; /* of futures */
} car_other;

/** A random event's draw: it happens if a 31-bit word is below the limit, and weighs p/q. */
typedef struct car_odds {
    int32_t limit;
    float per_limit; /* word * per_limit is uniform in [0, 1) if the event happened */
    float yes, no;   /* p/q */
} car_odds;

enum { CAR_ODDS_START, CAR_ODDS_STOP, CAR_ODDS };

/** What the step's kernels need of an other, in their type. */
typedef struct car_lane_other {
    bool walks, phantom, may_hide;
    bool may_brake; /* a vehicle ahead, driving along the path */
    int32_t beside; /* mask: near enough to the path to start to cross */
    float x_m, y_m, toward_x, toward_y, lateral_m;
    float reach_x_m, reach_y_m; /* with the ego's half extents */
    float near_centre_m, near_half_m, near_side_m;
    float clear_m; /* farther than this past the path he is out of the ego's way, wherever it is */
    float far_m;   /* apart by more at the end of a step: neither hit nor near all the while */
    float corner_s_m, corner_lateral_m, beyond_m;
    float clear_side_m;  /* beside the path, neither in the way nor near any more */
    float per_bin;       /* of the observed speed */
    float starts, stops; /* expected discount of the wait until he sets off; until he stops */
    float log_goes_on;   /* of a step's discount times the odds that he does not stop */
    car_odds odds[2][CAR_ODDS]; /* [0] the plain dynamics, [1] the proposal */
} car_lane_other;

/** What they need of everything else. */
typedef struct car_lane_rules {
    float spacing_m, per_spacing, last_point;
    float step_s, per_step_s, half_step2;
    float lag_gain_mps, lag_gain_m, speed_floor_mps, fastest_mps2, slowest_mps2, eye_ahead_m;
    float goal_s_m, blocked_s_m;
    float even_speed_mps; /* of the path, where it is the same everywhere */
    float standing_min_mps, standing_range_mps;
    float goal, near_miss, switching, slowness, slowness_per_mps, cost_per_mps;
    float slowness_for_ever, log_discount, per_standing_step;
    float braked_mps; /* in a step, by a vehicle that brakes */
    float discount, discount_per_s, per_two_accel, per_two_brake;
    double horizon_discount; /* of a rollout's end */
    float actions_mps2[HP_MAX_ACTIONS];
    bool is_even, is_straight;
    int32_t last_step;   /* of futures */
    int32_t may_be_free; /* mask: no standing box on the path */
} car_lane_rules;

typedef struct car_scene {
    const car_config *config;
    uint32_t n_points;
    double spacing_m;              /* of the path's points */
    float place[HP_MAX_PATH][4];   /* x, y, cos yaw, sin yaw */
    float pace[HP_MAX_PATH][4];    /* highest speed, time to the goal at such speeds, 1 / speed */
    float path_speed[HP_MAX_PATH]; /* highest speed */
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
    car_future futures[CAR_MAX_AGENTS][HP_MAX_MODES];
    car_lane_rules rules;
    car_lane_other lane_others[CAR_MAX_AGENTS];
    size_t state_bytes;       /* from one particle's state to the next */
    float collision_cost[64]; /* by speed, in steps of speed_limit / 32 */
} car_scene;

/** False if the request has no usable path. */
bool car_scene_build(const car_config *config, const hp_plan_request *request, car_scene *scene);

/** Rows of a future that a search can ask for. */
static inline uint32_t car_scene_steps(const car_config *config)
{
    const uint32_t depth = config->max_depth + config->rollout_depth;
    return depth < CAR_MAX_STEPS ? depth : CAR_MAX_STEPS;
}

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
