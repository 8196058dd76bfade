#include "pomdp/car/car_scene_lanes.h"

#include "pomdp/car/car_model.h"

#define STRAIGHT_M 0.01
#define MOVES_MPS 0.5 /* slower vehicles are not expected to brake */
#define STRAIGHT_RAD 1e-3

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

/** How far the ego and its near-miss zone reach past the path's foot in the direction in which
 * somebody crosses, over all of the way ahead, with his own extent added. */
static double clear_past_m(const car_scene *scene, const car_other *other)
{
    const car_traffic_config *traffic = &scene->config->traffic;
    const double ahead_m = scene->half_length_m + traffic->near_front_m;
    const double aside_m = scene->half_width_m + traffic->near_side_m;
    const uint32_t begin = (uint32_t)hp_max(scene->ego_s_m / scene->spacing_m, 0.0);
    double clear_m = -INFINITY;
    for (uint32_t i = begin; i < scene->n_points; ++i) {
        const float *p = scene->place[i];
        const double along = (double)p[2] * other->to_path_x + (double)p[3] * other->to_path_y;
        const double beside = (double)p[2] * other->to_path_y - (double)p[3] * other->to_path_x;
        const double past = ((double)p[0] - other->x_m) * other->to_path_x +
                            ((double)p[1] - other->y_m) * other->to_path_y - other->lateral_m;
        clear_m = hp_max(clear_m, past + ahead_m * fabs(along) + aside_m * fabs(beside));
    }
    return clear_m + hypot(other->reach_x_m, other->reach_y_m);
}

/** Expected discount until an event of probability p per step. */
static float discount_until(double p, double discount)
{
    return (float)(p * discount / (1.0 - (1.0 - p) * discount));
}

static car_lane_other make_other(const car_scene *scene, const car_other *other)
{
    const car_traffic_config *traffic = &scene->config->traffic;
    const double dt = scene->config->step_s;
    const double reach_x = scene->half_length_m + other->reach_x_m;
    const double reach_y = scene->half_width_m + other->reach_y_m;
    const double near_y = /* his centre counts, not his box */
        scene->half_width_m + traffic->near_side_m + traffic->walker_margin_m;
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
    f.near_side_m = other->walks ? (float)near_y : -1.0f;
    f.clear_side_m = (float)hp_max(other->walks ? near_y : 0.0, reach_y + CAR_CORRIDOR_M);
    f.clear_m = (float)clear_past_m(scene, other);
    f.far_m = (float)(hypot(reach_x + traffic->near_front_m, reach_y + traffic->near_side_m) +
                      2.0 * scene->spacing_m);
    f.corner_s_m = (float)other->corner_s_m;
    f.corner_lateral_m = (float)other->corner_lateral_m;
    f.beyond_m = (float)hp_max(other->s_m - other->corner_s_m, 0.0);
    f.per_bin = other->walks ? 1.0f : 0.5f;
    f.starts = other->walks
                   ? discount_until(hp_min(other->rate_hz * dt, 1.0), scene->config->discount)
                   : 0.0f;
    f.stops = discount_until(hp_min(traffic->stop_hz * dt, 1.0), scene->config->discount);
    f.log_goes_on = (float)log(scene->config->discount * hp_max(1.0 - traffic->stop_hz * dt, 1e-6));
    const double along_mps = other->vx_mps * other->along_x + other->vy_mps * other->along_y;
    f.may_brake = !other->walks && along_mps > MOVES_MPS && other->s_m > scene->ego_s_m;
    const double stop_hz = other->walks ? traffic->stop_hz : traffic->brake_hz;
    for (int proposal = 0; proposal < 2; ++proposal) {
        const double boost = proposal != 0 ? traffic->proposal : 1.0;
        f.odds[proposal][CAR_ODDS_START] = make_odds(other->rate_hz * dt, boost);
        f.odds[proposal][CAR_ODDS_STOP] = make_odds(stop_hz * dt, boost);
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
    r->slowness_for_ever = (float)(reward->slowness / (1.0 - config->discount));
    r->log_discount = (float)log(config->discount);
    r->slowness_per_mps = (float)(reward->slowness / scene->speed_limit_mps);
    r->cost_per_mps = (float)(32.0 / scene->speed_limit_mps);
    r->discount = (float)config->discount;
    r->horizon_discount = pow((double)r->discount, config->rollout_depth);
    r->discount_per_s = (float)(log(config->discount) / config->step_s);
    r->per_two_accel = (float)(1.0 / (2.0 * accel));
    r->per_two_brake = (float)(1.0 / (2.0 * brake));
}

/** Whether the path's points lie where a straight line from the first has them. */
static bool is_straight(const car_scene *scene)
{
    const float *first = scene->place[0];
    for (uint32_t i = 1; i < scene->n_points; ++i) {
        const float *p = scene->place[i];
        const double s = i * scene->spacing_m;
        if (fabs((double)first[0] + s * (double)first[2] - (double)p[0]) > STRAIGHT_M ||
            fabs((double)first[1] + s * (double)first[3] - (double)p[1]) > STRAIGHT_M ||
            fabs((double)(first[2] - p[2])) + fabs((double)(first[3] - p[3])) > STRAIGHT_RAD) {
            return false;
        }
    }
    return true;
}

static bool is_even(const car_scene *scene)
{
    for (uint32_t i = 1; i < scene->n_points; ++i) {
        if (scene->path_speed[i] != scene->path_speed[0]) {
            return false;
        }
    }
    return true;
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
    r->slowest_mps2 = (float)config->actions_mps2[scene->slowest];
    r->eye_ahead_m = (float)scene->eye_ahead_m;
    r->goal_s_m = (float)scene->goal_s_m;
    r->blocked_s_m = (float)scene->blocked_s_m;
    r->is_straight = is_straight(scene);
    r->is_even = is_even(scene);
    r->even_speed_mps = scene->path_speed[0];
    r->last_step = (int32_t)car_scene_steps(config) - 1;
    r->may_be_free = isfinite(scene->blocked_s_m) ? 0 : -1;
    r->standing_min_mps = (float)config->traffic.standing_speed_min_mps;
    r->standing_range_mps =
        (float)(config->traffic.standing_speed_max_mps - config->traffic.standing_speed_min_mps);
    r->braked_mps = (float)(config->traffic.brake_mps2 * dt);
    r->per_standing_step = (float)(2.0 / (dt * (config->traffic.standing_speed_min_mps +
                                                config->traffic.standing_speed_max_mps)));
    for (uint32_t a = 0; a < config->n_actions; ++a) {
        r->actions_mps2[a] = (float)config->actions_mps2[a];
    }
}

/** Fills the last column of somebody's futures, from their ends backwards. Deviations are two
 * sigmas at most, in x and in y. */
static void look_ahead(car_scene *scene, uint32_t k)
{
    const car_other *other = &scene->others[k];
    const double spread = 2.0 * (fabs(other->to_path_x) + fabs(other->to_path_y));
    for (uint32_t m = 0; m < other->n_futures; ++m) {
        double least_m = INFINITY;
        for (uint32_t i = car_scene_steps(scene->config); i-- > 0;) {
            float *row = scene->futures[k][m][i];
            const double past = ((double)row[0] - other->x_m) * other->to_path_x +
                                ((double)row[1] - other->y_m) * other->to_path_y - other->lateral_m;
            least_m = hp_min(least_m, past - spread * (double)row[2]);
            row[3] = (float)least_m;
        }
    }
}

void car_lanes_build(car_scene *scene)
{
    build_rules(scene, &scene->rules);
    build_rewards(scene, &scene->rules);
    scene->state_bytes = sizeof(car_state);
    for (uint32_t i = 0; i < scene->n_others; ++i) {
        scene->lane_others[i] = make_other(scene, &scene->others[i]);
        look_ahead(scene, i);
    }
}
