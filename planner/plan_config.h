/** @file plan_config.h Every knob of the planner, with its table for YAML.
 *  Ownership: plain data. Threads: pure. Allocation: none. */
#ifndef PLAN_CONFIG_H
#define PLAN_CONFIG_H

#include "common/hp_realtime.h"
#include "common/hp_yaml.h"

/** Section "control": how often what runs. */
typedef struct plan_control_config {
    double rate_hz;          /* frames and commands */
    double decision_rate_hz; /* searches; divides rate_hz */
    double surprise_mps;     /* a change of velocity that is decided upon at once; 0: none is */
    double deadline_ms;      /* from frame to command, in real-time worlds */
    uint32_t delay_ticks;    /* from a command to its effect */
    double sensor_delay_s;   /* age of what frames say about others */
    double engine_lag_s;     /* of the engine behind its command, made up for; 0: not */
    double engine_mps2;      /* most that is asked of it to that end */
    hp_realtime_config realtime;
} plan_control_config;

typedef struct plan_path_config {
    double spacing_m;                      /* between points of the path */
    double max_lateral_mps2, max_turn_mps; /* speed in bends: v^2 * curvature, and flat */
    double slow_down_mps2;                 /* deceleration with which lower speeds are approached */
    bool detours;                          /* look for a way round what blocks the route */
    double min_radius_m;                   /* of a detour's curves */
    double margin_m, clearance_m;          /* kept free for sure, and if it is cheap */
    double pavement_price, off_limits_price, contact_price, close_price; /* a metre of road: 1 */
    double blocked_s;        /* a vehicle expected in the way for longer blocks the lane */
    double queue_s;          /* one that waits in the lane itself does after this time */
    double walker_blocked_s; /* and a walker for longer than this */
    uint32_t max_nodes;
    double time_ms; /* of one search, in worlds that do not wait */
    double room_m;  /* no key: more, beside walkers, as plan_room.h says now */
} plan_path_config;

typedef struct plan_steer_config {
    double lookahead_s, lookahead_min_m; /* pure pursuit: how far ahead to aim */
} plan_steer_config;

typedef struct plan_belief_config {
    double forget_hz;      /* rate at which evidence for a mode fades */
    double min_weight;     /* no mode falls below this */
    double remember_s;     /* how long an agent out of sight is kept */
    double cross_hz;       /* rate at which a walker just met starts to cross the path */
    double patience_s;     /* who has not for this long is half as likely to (Gamma-Poisson) */
    double return_share;   /* of that rate, for who has crossed already */
    double car_stray_s;    /* a vehicle's spread is at most this times its speed */
    double walker_stray_s; /* and a walker's this times his */
    double pass_margin_m;  /* agents further than this behind the ego are left out */
    double observed_s;     /* no key: as in plan_guard_config */
} plan_belief_config;

typedef struct plan_phantom_config {
    bool enabled;
    double rate_hz;       /* walkers who step out per occluded edge and second */
    double speed_mps;     /* their mean speed */
    double max_lateral_m; /* edges further than this from the path do not count */
    double range_m;       /* nor those further ahead */
    double beyond_m;      /* how far behind the occluder's edge he walks */
} plan_phantom_config;

typedef struct plan_guard_config {
    bool enabled;
    double response_s;              /* rho: until the baseline's braking takes hold */
    double comfort_mps2, hard_mps2; /* decelerations of the two baselines, > 0 */
    double walker_accel_mps2, walker_speed_mps, walker_speed_over_mps; /* bounds of walkers */
    double car_accel_mps2, car_brake_mps2;                             /* bounds of vehicles */
    double margin_m;          /* kept around the ego's box */
    double wait_s, leave_mps; /* who has stood for so long is passed at no more than this */
    double yield_s;           /* who has crossed within so long goes first */
    double room_m;            /* paths keep so much more room beside walkers */
    double observed_s; /* no key: age of what is known about others, from control.sensor_delay_s */
} plan_guard_config;

enum { PLAN_MAX_CHANGES = 6 };

/** A threshold that changes by itself, as if somebody had set it then. */
typedef struct plan_change {
    uint32_t tick; /* of the run's first episode; the first that is driven with it */
    char key[64];  /* "planner.guard.margin_m" */
    double value;
} plan_change;

/** Sections "control" and "planner" together. */
typedef struct plan_config {
    plan_control_config control;
    plan_path_config path;
    plan_steer_config steer;
    plan_belief_config belief;
    plan_phantom_config phantom;
    plan_guard_config guard;
    uint32_t n_changes;
    plan_change changes[PLAN_MAX_CHANGES]; /* in the order in which they are made */
} plan_config;

extern const hp_field PLAN_CONTROL_FIELDS[]; /* of plan_control_config */
extern const hp_field PLAN_FIELDS[];         /* of plan_config, without control */

void plan_config_default(plan_config *config);
/** Rules between keys: rates divide, response_s covers delay and rate. HP_ECONFIG with a text. */
HP_NODISCARD hp_status plan_config_check(const plan_config *config, hp_error *error);

#endif
