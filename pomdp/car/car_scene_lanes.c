#include "pomdp/car/car_scene_lanes.h"

#include "pomdp/car/car_model.h"

/** An event of probability p, drawn boost times as often, but not in more than half of all cases.
 */
static car_odds make_odds(double p_any, double boost)
{
    const double p = hp_min(p_any, 1.0);
    const double q = hp_min(p * boost, hp_max(0.5, p));
    const double limit = hp_min(q * 0x1.0p31, (double)INT32_MAX);
    return (car_odds){.limit = (int32_t)limit,
                      .per_limit = limit >= 1.0 ? (float)(1.0 / limit) : 0.0f,
                      .yes = q > 0.0 ? (float)(p / q) : 1.0f,
                      .no = q < 1.0 ? (float)((1.0 - p) / (1.0 - q)) : 1.0f};
}

static car_lane_other make_other(const car_scene *scene, const car_other *other)
{
    const car_traffic_config *traffic = &scene->config->traffic;
    const double dt = scene->config->step_s;
    const double reach_x = scene->half_length_m + other->reach_x_m;
    const double reach_y = scene->half_width_m + other->reach_y_m;
    car_lane_other f = {.walks = other->walks, .phantom = other->phantom};
    f.may_hide = other->may_hide;
    f.beside = other->lateral_m < CAR_BESIDE_M ? -1 : 0;
    f.x_m = (float)other->x_m;
    f.y_m = (float)other->y_m;
    f.toward_x = (float)other->to_path_x;
    f.toward_y = (float)other->to_path_y;
    f.lateral_m = (float)other->lateral_m;
    f.reach_x_m = (float)reach_x;
    f.reach_y_m = (float)reach_y;
    f.near_centre_m = (float)(0.5 * traffic->near_front_m);
    f.near_half_m = (float)(reach_x + 0.5 * traffic->near_front_m);
    f.near_side_m = other->walks ? (float)(reach_y + traffic->near_side_m) : -1.0f;
    f.far_m = (float)(hypot(reach_x + traffic->near_front_m, reach_y + traffic->near_side_m) +
                      2.0 * scene->spacing_m);
    f.corner_s_m = (float)other->corner_s_m;
    f.corner_lateral_m = (float)other->corner_lateral_m;
    f.beyond_m = (float)hp_max(other->s_m - other->corner_s_m, 0.0);
    f.per_bin = other->walks ? 1.0f : 0.5f;
    for (int proposal = 0; proposal < 2; ++proposal) {
        const double boost = proposal != 0 ? traffic->proposal : 1.0;
        f.odds[proposal][CAR_ODDS_START] = make_odds(other->rate_hz * dt, boost);
        f.odds[proposal][CAR_ODDS_STOP] = make_odds(traffic->stop_hz * dt, boost);
    }
    return f;
}

static void build_rewards(const car_scene *scene, car_lane_rules *r)
{
    const car_config *config = scene->config;
    const car_reward_config *reward = &config->reward;
    const double accel = hp_max(config->actions_mps2[scene->fastest], 0.1);
    const double brake = -config->actions_mps2[scene->slowest];
    r->goal = (float)reward->goal;
    r->near_miss = (float)reward->near_miss;
    r->switching = (float)reward->switching;
    r->slowness = (float)reward->slowness;
    r->slowness_per_mps = (float)(reward->slowness / scene->speed_limit_mps);
    r->cost_per_mps = (float)(32.0 / scene->speed_limit_mps);
    r->discount = (float)config->discount;
    r->discount_per_s = (float)(log(config->discount) / config->step_s);
    r->per_two_accel = (float)(1.0 / (2.0 * accel));
    r->per_two_brake = (float)(1.0 / (2.0 * brake));
}

static void build_rules(const car_scene *scene, car_lane_rules *r)
{
    const car_config *config = scene->config;
    const double dt = config->step_s;
    r->spacing_m = (float)scene->spacing_m;
    r->per_spacing = (float)(1.0 / scene->spacing_m);
    r->last_point = (float)(scene->n_points - 1);
    r->step_s = (float)dt;
    r->per_step_s = (float)(1.0 / dt);
    r->half_step2 = (float)(0.5 * dt * dt);
    r->lag_gain_mps = (float)scene->lag_gain_mps;
    r->lag_gain_m = (float)scene->lag_gain_m;
    r->speed_floor_mps = (float)scene->speed_floor_mps;
    r->fastest_mps2 = (float)config->actions_mps2[scene->fastest];
    r->eye_ahead_m = (float)scene->eye_ahead_m;
    r->goal_s_m = (float)scene->goal_s_m;
    r->blocked_s_m = (float)scene->blocked_s_m;
    r->last_step = (int32_t)car_scene_steps(config) - 1;
    r->may_be_free = isfinite(scene->blocked_s_m) ? 0 : -1;
    r->standing_min_mps = (float)config->traffic.standing_speed_min_mps;
    r->standing_range_mps =
        (float)(config->traffic.standing_speed_max_mps - config->traffic.standing_speed_min_mps);
    for (uint32_t a = 0; a < config->n_actions; ++a) {
        r->actions_mps2[a] = (float)config->actions_mps2[a];
    }
}

void car_lanes_build(car_scene *scene)
{
    build_rules(scene, &scene->rules);
    build_rewards(scene, &scene->rules);
    scene->state_bytes = sizeof(car_state);
    for (uint32_t i = 0; i < scene->n_others; ++i) {
        scene->lane_others[i] = make_other(scene, &scene->others[i]);
    }
}
