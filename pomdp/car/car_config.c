#include "pomdp/car/car_config.h"

#include "pomdp/pomdp_team.h"

static const hp_field BUDGET_FIELDS[] = {
    HP_F_DOUBLE(car_budget_config, time_ms, 0.5, 60000.0, "ms", "time of one search"),
    HP_F_UINT(car_budget_config, trials, 0, 1000000, NULL,
              "above 0: so many trials instead, the same bits every time"),
    HP_F_UINT(
        car_budget_config, steps, 0, 4000000000U, NULL,
        "above 0: a search takes no more steps of particles than that, whatever else ends it"),
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
    HP_F_DOUBLE(car_traffic_config, standing_speed_min_mps, 0.05, 5.0, "m/s",
                "slowest pace of somebody who starts from standing"),
    HP_F_DOUBLE(car_traffic_config, standing_speed_max_mps, 0.05, 5.0, "m/s", "and the fastest"),
    HP_F_DOUBLE(car_traffic_config, proposal, 1.0, 100.0, NULL,
                "importance sampling draws rare events this many times as often"),
    HP_F_DOUBLE(car_traffic_config, walker_margin_m, 0.0, 2.0, "m", "added around walkers"),
    HP_F_DOUBLE(car_traffic_config, car_margin_m, 0.0, 2.0, "m", "added around vehicles"),
    HP_F_DOUBLE(car_traffic_config, near_front_m, 0.0, 10.0, "m", "near-miss zone, ahead"),
    HP_F_DOUBLE(car_traffic_config, near_side_m, 0.0, 5.0, "m", "near-miss zone, beside"),
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
    HP_F_END,
};

void car_config_default(car_config *config)
{
    *config = (car_config){
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
        .budget = {.time_ms = 20.0, .trials = 0, .steps = 350000, .target_gap = 0.02},
        .reward = {.goal = 1.0,
                   .collision_base = 0.2,
                   .collision_offset = 0.5,
                   .collision_power = 1.4,
                   .near_miss = 0.1,
                   .slowness = 0.005,
                   .switching = 0.01},
        .traffic = {.stop_hz = 0.05,
                    .standing_speed_min_mps = 0.5,
                    .standing_speed_max_mps = 3.0,
                    .proposal = 4.0,
                    .walker_margin_m = 0.1,
                    .car_margin_m = 0.3,
                    .near_front_m = 1.5,
                    .near_side_m = 0.5},
    };
}

hp_status car_config_check(const car_config *config, hp_error *error)
{
    const car_traffic_config *traffic = &config->traffic;
    if (traffic->standing_speed_min_mps > traffic->standing_speed_max_mps) {
        return hp_fail(
            error, HP_ECONFIG,
            "pomdp.traffic.standing_speed_min_mps = %g exceeds standing_speed_max_mps = %g",
            traffic->standing_speed_min_mps, traffic->standing_speed_max_mps);
    }
    const double shortest_particles = (double)config->scenarios * (config->n_actions + 1.0);
    if (config->max_particles < shortest_particles) {
        return hp_fail(
            error, HP_ECONFIG,
            "pomdp.max_particles = %u cannot hold one expansion of the root: at least %g",
            config->max_particles, shortest_particles);
    }
    return HP_OK;
}
