/** @file car_config.h Section "pomdp" of the configuration: the search and its model of traffic.
 *  Ownership: plain data. Threads: pure. Allocation: none. */
#ifndef CAR_CONFIG_H
#define CAR_CONFIG_H

#include "common/hp_yaml.h"
#include "pomdp/pomdp_prune.h"
#include "proto/hp_msgs.h"

enum { CAR_PATH = 512 };

/** Reward units per 0.25 s step: goal +1 sets the scale. */
typedef struct car_reward_config {
    double goal;
    double collision_base, collision_offset,
        collision_power; /* -(base + (offset + v/v_max)^power) */
    double near_miss;    /* per step in which somebody is closer than the near-miss zone */
    double slowness;     /* times (v - v_max) / v_max */
    double switching;    /* per change of action */
} car_reward_config;

/** What others may do, beyond the predictor's futures. */
typedef struct car_traffic_config {
    double stop_hz;              /* rate at which a crossing walker stops */
    double brake_hz, brake_mps2; /* at which a vehicle ahead brakes to a stop, and how hard */
    double standing_speed_min_mps, standing_speed_max_mps; /* of those who start from standing */
    double proposal; /* importance sampling draws rare events this many times as often */
    double walker_margin_m, car_margin_m; /* added around others' boxes */
    double near_front_m, near_side_m;     /* near-miss zone */
} car_traffic_config;

typedef struct car_budget_config {
    double time_ms;
    uint32_t trials; /* > 0: a fixed number of trials, bit-identical from run to run */
    uint32_t steps;  /* > 0: no more particle steps than that, or little more */
    double target_gap;
} car_budget_config;

/** Who values leaves, and what is done on his word. */
typedef struct car_prune_config {
    pomdp_prune_config rule; /* first: its keys stand in the same table */
    double alpha;            /* intervals miss so often at most */
    double risk, delta;      /* of accepted values; chance that calibration misjudges it */
    double limit_mps;        /* speed limit that the calibration is for; 0: any */
    uint32_t batch;          /* leaves valued together */
    char calibration[CAR_PATH];
    char mix[20]; /* hash of the scenes' mix that the calibration must be of, "" any */
} car_prune_config;

typedef enum car_evaluator {
    CAR_EVALUATOR_LOCAL,  /* the network in the search's own process */
    CAR_EVALUATOR_REMOTE, /* hyplan-policy, asked by a direct line where there is one */
    CAR_EVALUATOR_ZEROMQ, /* hyplan-policy, asked over ZeroMQ in any case */
} car_evaluator;

typedef struct car_config {
    uint32_t scenarios, threads, max_depth, rollout_depth;
    double step_s, discount;
    double xi, regularisation;
    bool importance_sampling;
    uint32_t max_nodes, max_particles;
    uint32_t n_actions;
    double actions_mps2[HP_MAX_ACTIONS];
    double response_s; /* lag of the vehicle behind its command */
    car_budget_config budget;
    car_reward_config reward;
    car_traffic_config traffic;
    uint32_t evaluator; /* car_evaluator */
    uint32_t evaluator_watch_us;
    car_prune_config prune;
} car_config;

/** Paths of what may change between two searches: nothing that memory was laid out for, nor what
 * the model was made with. See common/hp_setting.h. */
#define CAR_LIVE_PATHS "pomdp.budget.time_ms", "pomdp.budget.trials", "pomdp.traffic", "pomdp.prune"

extern const hp_field CAR_FIELDS[];
void car_config_default(car_config *config);
/** Rules between keys. HP_ECONFIG with a text. */
HP_NODISCARD hp_status car_config_check(const car_config *config, hp_error *error);

#endif
