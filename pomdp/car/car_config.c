#include "pomdp/car/car_config.h"

#include "pomdp/pomdp_team.h"

static const hp_field BUDGET_FIELDS[] = {
    HP_F_DOUBLE(car_budget_config, time_ms, 0.5, 60000.0, "ms", "time of one search"),
    HP_F_UINT(car_budget_config, trials, 0, 1000000, NULL,
              "above 0: so many trials instead, the same bits every time"),
    HP_F_UINT(
        car_budget_config, steps, 0, 4000000000U, NULL,
        "above 0: a search takes no more steps of particles among two others, fewer among more"),
    HP_F_DOUBLE(car_budget_config, target_gap, 0.0, 10.0, "reward",
                "the search ends when its bounds are this close"),
    HP_F_END,
};

static const hp_field REWARD_FIELDS[] = {
    HP_F_DOUBLE(car_reward_config, goal, 0.0, 100.0, "reward", "for arriving"),
    HP_F_DOUBLE(car_reward_config, collision_base, 0.0, 100.0, "reward",
                "a collision costs base + (offset + v / v_max)^power"),
    HP_F_DOUBLE(car_reward_config, collision_offset, 0.0, 10.0, NULL, "see collision_base"),
    HP_F_DOUBLE(car_reward_config, collision_power, 0.1, 10.0, NULL, "see collision_base"),
    HP_F_DOUBLE(car_reward_config, near_miss, 0.0, 10.0, "reward",
                "cost of a step in which somebody is in the near-miss zone"),
    HP_F_DOUBLE(car_reward_config, slowness, 0.0, 1.0, "reward",
                "cost of a step at standstill; less in proportion to speed"),
    HP_F_DOUBLE(car_reward_config, switching, 0.0, 1.0, "reward", "cost of changing the action"),
    HP_F_END,
};

static const hp_field TRAFFIC_FIELDS[] = {
    HP_F_DOUBLE(car_traffic_config, stop_hz, 0.0, 5.0, "1/s",
                "rate at which a crossing walker stops"),
    HP_F_DOUBLE(car_traffic_config, brake_hz, 0.0, 5.0, "1/s",
                "rate at which a vehicle that drives ahead brakes to a stop"),
    HP_F_DOUBLE(car_traffic_config, brake_mps2, 0.5, 10.0, "m/s^2",
                "deceleration of a vehicle that brakes to a stop"),
    HP_F_DOUBLE(car_traffic_config, standing_speed_min_mps, 0.05, 5.0, "m/s",
                "slowest pace of somebody who starts from standing"),
    HP_F_DOUBLE(car_traffic_config, standing_speed_max_mps, 0.05, 5.0, "m/s",
                "fastest pace of somebody who starts from standing"),
    HP_F_DOUBLE(car_traffic_config, proposal, 1.0, 100.0, NULL,
                "importance sampling draws rare events this many times as often"),
    HP_F_DOUBLE(car_traffic_config, walker_margin_m, 0.0, 2.0, "m", "added around walkers"),
    HP_F_DOUBLE(car_traffic_config, car_margin_m, 0.0, 2.0, "m", "added around vehicles"),
    HP_F_DOUBLE(car_traffic_config, near_front_m, 0.0, 10.0, "m", "near-miss zone, ahead"),
    HP_F_DOUBLE(car_traffic_config, near_side_m, 0.0, 5.0, "m", "near-miss zone, beside"),
    HP_F_END,
};

static const char *const EVALUATOR_WORDS[] = {"local", "remote", "zeromq", NULL};

_Static_assert(offsetof(car_prune_config, rule) == 0, "the rule's keys are the first of the table");

static const hp_field PRUNE_FIELDS[] = {
    HP_F_ENUM(pomdp_prune_config, method, POMDP_PRUNE_WORDS,
              "which values of the network stand for what lies below a node"),
    HP_F_DOUBLE(pomdp_prune_config, confidence_threshold, 0.0, 1.01, NULL,
                "crude: prune from this confidence on; above 1 never"),
    HP_F_DOUBLE(pomdp_prune_config, value_tolerance, 0.0001, 10.0, "reward",
                "tolerated error of a value"),
    HP_F_UINT(pomdp_prune_config, min_depth, 1, 64, NULL, "nodes nearer to the root are searched"),
    HP_F_DOUBLE(pomdp_prune_config, guard_ttc_s, 0.0, 60.0, "s",
                "nodes in which anybody may be met sooner are searched"),
    HP_F_DOUBLE(pomdp_prune_config, max_collision_probability, 0.0, 1.0, NULL,
                "nodes in which the network fears a crash more than this are searched"),
    HP_F_BOOL(pomdp_prune_config, use_value_bound,
              "crude, selective: values also bound the other nodes from above"),
    HP_F_BOOL(pomdp_prune_config, use_prior,
              "the network's choice is tried first where bounds tie"),
    HP_F_BOOL(pomdp_prune_config, decision_aware,
              "search a pruned node after all where its error could change the action"),
    HP_F_BOOL(pomdp_prune_config, glance,
              "no search where a quarter of the futures leaves nothing to find"),
    HP_F_DOUBLE(car_prune_config, alpha, 0.001, 0.9, NULL, "intervals miss so often at most"),
    HP_F_DOUBLE(car_prune_config, risk, 0.0001, 0.9, NULL,
                "selective: greatest share of pruned nodes off by more than value_tolerance"),
    HP_F_DOUBLE(car_prune_config, delta, 0.0001, 0.9, NULL,
                "selective: chance that the calibration misjudges that share"),
    HP_F_DOUBLE(car_prune_config, limit_mps, 0.0, 60.0, "m/s",
                "speed limit of the calibration's scenes; nothing is pruned under others; 0: any"),
    HP_F_UINT(car_prune_config, batch, 1, POMDP_MAX_WAITING, "nodes", "valued in one call"),
    HP_F_STRING(car_prune_config, calibration, "errors of the network, by hyplan calibrate prune"),
    HP_F_STRING(
        car_prune_config, mix,
        "mix of scenes that the calibration must be of, as bench and run fill it in; empty: any"),
    HP_F_END,
};

const hp_field CAR_FIELDS[] = {
    HP_F_UINT(car_config, scenarios, 1, 4096, NULL, "sampled futures per decision"),
    HP_F_UINT(car_config, threads, 1, POMDP_MAX_THREADS, NULL,
              "searches side by side, each with its own futures and memory"),
    HP_F_UINT(car_config, max_depth, 1, 64, NULL, "steps that the tree looks ahead"),
    HP_F_UINT(car_config, rollout_depth, 0, 128, NULL,
              "steps of the default policy below a leaf of the tree"),
    HP_F_DOUBLE(car_config, step_s, 0.05, 1.0, "s", "one step of the search"),
    HP_F_DOUBLE(car_config, discount, 0.5, 0.9999, NULL, "per step"),
    HP_F_DOUBLE(car_config, xi, 0.01, 0.999, NULL,
                "a trial goes on while a node's gap exceeds this share of the root's"),
    HP_F_DOUBLE(car_config, regularisation, 0.0, 1.0, "reward", "cost of a policy node"),
    HP_F_BOOL(car_config, importance_sampling, "draw rare dangers more often and weigh them down"),
    HP_F_UINT(car_config, max_nodes, 1000, 10000000, NULL, "tree nodes reserved"),
    HP_F_UINT(car_config, max_particles, 10000, 100000000, NULL, "particles reserved"),
    {.key = "actions_mps2",
     .type = HP_FIELD_DOUBLES,
     .offset = offsetof(car_config, actions_mps2),
     .min = -9.0,
     .max = 5.0,
     .capacity = HP_MAX_ACTIONS,
     .min_count = 1,
     .count_offset = offsetof(car_config, n_actions),
     .unit = "m/s^2",
     .help = "accelerations to choose from"},
    HP_F_DOUBLE(car_config, response_s, 0.0, 1.0, "s", "lag of the vehicle behind its command"),
    HP_F_STRUCT(car_config, budget, BUDGET_FIELDS, "what ends a search"),
    HP_F_STRUCT(car_config, reward, REWARD_FIELDS, "what is good and bad, per step"),
    HP_F_STRUCT(car_config, traffic, TRAFFIC_FIELDS, "what others may do"),
    HP_F_ENUM(
        car_config, evaluator, EVALUATOR_WORDS,
        "where the network runs: in the search's process, or in hyplan-policy, asked by a direct "
        "line if that is on the same machine; zeromq: never by one"),
    HP_F_UINT(car_config, evaluator_watch_us, 0, 1000, "us",
              "remote: for so long search and hyplan-policy look out for each other, on two "
              "processors, before they sleep; 0: never, they share one"),
    HP_F_STRUCT(car_config, prune, PRUNE_FIELDS, "what is not searched, on the network's word"),
    HP_F_END,
};

void car_config_default(car_config *config)
{
    *config = (car_config){
        .evaluator_watch_us = 200,
        .scenarios = 500,
        .threads = 1,
        .max_depth = 20,
        .rollout_depth = 40,
        .step_s = 0.25,
        .discount = 0.98,
        .xi = 0.95,
        .regularisation = 0.0,
        .importance_sampling = true,
        .max_nodes = 60000,
        .max_particles = 400000,
        .n_actions = 4,
        .actions_mps2 = {3.0, 0.0, -5.5, -8.0},
        .response_s = 0.15,
        .budget = {.time_ms = 20.0, .trials = 0, .steps = 200000, .target_gap = 0.02},
        .reward = {.goal = 1.0,
                   .collision_base = 0.2,
                   .collision_offset = 0.5,
                   .collision_power = 1.4,
                   .near_miss = 0.1,
                   .slowness = 0.005,
                   .switching = 0.01},
        .traffic = {.stop_hz = 0.05,
                    .brake_hz = 0.1,
                    .brake_mps2 = 7.0,
                    .standing_speed_min_mps = 0.5,
                    .standing_speed_max_mps = 3.0,
                    .proposal = 4.0,
                    .walker_margin_m = 0.1,
                    .car_margin_m = 0.3,
                    .near_front_m = 1.5,
                    .near_side_m = 0.5},
        .prune = {.alpha = 0.1,
                  .risk = 0.1,
                  .delta = 0.01,
                  .limit_mps = 13.89,
                  .batch = 8,
                  .calibration = "models/prune.calibration.safetensors"},
    };
    pomdp_prune_config_default(&config->prune.rule);
}

hp_status car_config_check(const car_config *config, hp_error *error)
{
    const car_traffic_config *traffic = &config->traffic;
    if (traffic->standing_speed_min_mps > traffic->standing_speed_max_mps) {
        return hp_fail(
            error, HP_ECONFIG,
            "pomdp.traffic.standing_speed_min_mps = %g is more than "
            "pomdp.traffic.standing_speed_max_mps = %g: the slowest is no faster than the fastest",
            traffic->standing_speed_min_mps, traffic->standing_speed_max_mps);
    }
    const double shortest_particles = (double)config->scenarios * (config->n_actions + 1.0);
    if (config->max_particles < shortest_particles) {
        return hp_fail(error, HP_ECONFIG,
                       "pomdp.max_particles = %u cannot hold one expansion of the root by "
                       "pomdp.scenarios = %u: "
                       "at least %g",
                       config->max_particles, config->scenarios, shortest_particles);
    }
    if (config->evaluator != CAR_EVALUATOR_LOCAL && config->threads > 1 &&
        config->prune.rule.method != POMDP_PRUNE_OFF) {
        return hp_fail(error, HP_ECONFIG,
                       "pomdp.evaluator = %s serves one thread, pomdp.threads = %u: take local",
                       EVALUATOR_WORDS[config->evaluator], config->threads);
    }
    return HP_OK;
}
