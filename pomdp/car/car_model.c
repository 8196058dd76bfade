#include "pomdp/car/car_model.h"

#include <string.h>

#define WALK_MPS 0.1f      /* slower than this is standing */
#define BESIDE_M 8.0       /* walkers within this of the path may start to cross */
#define STANDING_MPS 0.05f /* an ego slower than this cannot collide by its own doing */
#define PASSED_M 1.0       /* somebody this far behind the ego cannot matter any more */
#define SPEED_REACTION_S                                                                           \
    0.4f /* time in which the speed settles on the path's, as in the planner                       \
          */

/** Path point below arc length s. */
static const car_path_point *path_at(const car_scene *scene, float s_m)
{
    const double at = hp_clamp((double)s_m / scene->spacing_m, 0.0, scene->n_points - 1.0);
    return &scene->points[(uint32_t)(at + 0.5)];
}

/** Speed and place after one step under an acceleration command, with the vehicle's lag and the
 * limits that the planner and the vehicle keep anyway. */
static void drive(const car_scene *scene, car_state *state, double command_mps2)
{
    const double dt = scene->config->step_s;
    const double v = (double)state->speed_mps;
    const double v_path =
        (double)path_at(scene, state->s_m + state->speed_mps * SPEED_REACTION_S)->speed_mps;
    double a = hp_min(command_mps2, (v_path - v) / (double)SPEED_REACTION_S);
    if (v < scene->speed_floor_mps) {
        a = scene->config->actions_mps2[scene->fastest];
    }
    const double change = (double)state->accel_mps2 - a;
    const double v_next = hp_max(v + a * dt + change * scene->lag_gain_mps, 0.0);
    const double way = v * dt + 0.5 * a * dt * dt + change * scene->lag_gain_m;
    state->s_m += (float)hp_max(v_next > 0.0 ? way : hp_min(way, 0.5 * v * dt), 0.0);
    state->speed_mps = (float)v_next;
    state->accel_mps2 = (float)(v_next > 0.0 ? a : 0.0);
}

/** Whether rare events are drawn by their rates (1) or more often. */
typedef struct draw {
    double boost;
    double weight; /* p/q so far */
} draw;

/** An event of probability p, drawn with u; books its weight. */
static bool happens(draw *d, double p, double u)
{
    const double q = hp_min(p * d->boost, hp_max(0.5, p));
    if (u < q) {
        d->weight *= q > 0.0 ? p / q : 1.0;
        return true;
    }
    d->weight *= (1.0 - p) / (1.0 - q);
    return false;
}

/** Starts to cross: straight over to the path, at his pace or, from standing, at any. */
static void start_crossing(const car_scene *scene, const car_other *other, hp_rng numbers,
                           uint64_t lane, car_other_state *o)
{
    const car_traffic_config *traffic = &scene->config->traffic;
    double speed = hypot((double)o->vx_mps, (double)o->vy_mps);
    if (speed < (double)WALK_MPS) {
        speed = hp_rng_range(numbers, lane, traffic->standing_speed_min_mps,
                             traffic->standing_speed_max_mps);
    }
    o->motion = CAR_MOTION_STRAIGHT;
    o->vx_mps = (float)(speed * other->to_path_x);
    o->vy_mps = (float)(speed * other->to_path_y);
}

/** Distance across, from the path to the walker, on the side where he began; negative beyond it. */
static double across(const car_other *other, const car_other_state *o)
{
    return other->lateral_m - ((double)o->x_m - other->x_m) * other->to_path_x -
           ((double)o->y_m - other->y_m) * other->to_path_y;
}

/** Sudden changes of a walker: starts to cross, stops, steps out. */
static void change_mind(const car_scene *scene, const car_other *other, double eye_s_m,
                        hp_rng numbers, uint64_t lane, draw *d, car_other_state *o)
{
    const car_traffic_config *traffic = &scene->config->traffic;
    const double dt = scene->config->step_s;
    const double u = hp_rng_unit(numbers, lane);
    const double toward =
        (double)o->vx_mps * other->to_path_x + (double)o->vy_mps * other->to_path_y;
    if (o->motion == CAR_MOTION_HIDDEN) {
        const double edge = car_scene_edge_of_sight(other, eye_s_m);
        if (edge < BESIDE_M && happens(d, other->rate_hz * dt, u)) {
            o->x_m = (float)(other->x_m + (other->lateral_m - edge) * other->to_path_x);
            o->y_m = (float)(other->y_m + (other->lateral_m - edge) * other->to_path_y);
            start_crossing(scene, other, numbers, lane + 1, o);
        }
    } else if (o->motion == CAR_MOTION_STRAIGHT) {
        if (happens(d, traffic->stop_hz * dt, u)) {
            o->motion = CAR_MOTION_STANDS;
            o->vx_mps = 0.0f;
            o->vy_mps = 0.0f;
        }
    } else if (toward < (double)WALK_MPS && across(other, o) > 0.0 && other->lateral_m < BESIDE_M) {
        if (happens(d, other->rate_hz * dt, u)) {
            start_crossing(scene, other, numbers, lane + 1, o);
        }
    }
}

static void move_other(const car_scene *scene, const car_other *other, uint32_t step,
                       car_other_state *o)
{
    const float dt = (float)scene->config->step_s;
    if (o->motion == CAR_MOTION_FUTURE) {
        const car_future *f = &other->futures[o->future];
        const uint32_t k = step < CAR_MAX_STEPS ? step : CAR_MAX_STEPS - 1;
        const float x = f->x_m[k] + f->sigma_m[k] * o->dx;
        const float y = f->y_m[k] + f->sigma_m[k] * o->dy;
        o->vx_mps = (x - o->x_m) / dt;
        o->vy_mps = (y - o->y_m) / dt;
        o->x_m = x;
        o->y_m = y;
    } else if (o->motion == CAR_MOTION_STRAIGHT) {
        o->x_m += o->vx_mps * dt;
        o->y_m += o->vy_mps * dt;
    }
}

/** A walker who may be hidden is seen once he is past the edge of sight. */
static bool is_seen(const car_other *other, const car_other_state *o, double eye_s_m)
{
    if (o->motion == CAR_MOTION_HIDDEN) {
        return false;
    }
    if (!other->may_hide) {
        return true;
    }
    const double edge = car_scene_edge_of_sight(other, eye_s_m);
    return across(other, o) <= edge || !isfinite(edge);
}

/** How others lie to the ego's box at one instant. */
typedef struct contact {
    bool hit, near;
} contact;

static void look(const car_scene *scene, const car_state *state, float s_m, float back, contact *c)
{
    const car_traffic_config *traffic = &scene->config->traffic;
    const car_path_point *p = path_at(scene, s_m);
    const float off = s_m - (float)((double)(p - scene->points) * scene->spacing_m);
    const float ego_x = p->x_m + off * p->cos_yaw;
    const float ego_y = p->y_m + off * p->sin_yaw;
    for (uint32_t i = 0; i < scene->n_others; ++i) {
        const car_other_state *o = &state->others[i];
        const car_other *other = &scene->others[i];
        if (o->motion == CAR_MOTION_HIDDEN) {
            continue;
        }
        const float dx = o->x_m - back * o->vx_mps - ego_x;
        const float dy = o->y_m - back * o->vy_mps - ego_y;
        const double ahead = (double)(dx * p->cos_yaw + dy * p->sin_yaw);
        const double aside = fabs((double)(dy * p->cos_yaw - dx * p->sin_yaw));
        const double reach_x = scene->half_length_m + other->reach_x_m;
        const double reach_y = scene->half_width_m + other->reach_y_m;
        c->hit |= fabs(ahead) < reach_x && aside < reach_y;
        c->near |= other->walks && ahead > -reach_x && ahead < reach_x + traffic->near_front_m &&
                   aside < reach_y + traffic->near_side_m;
    }
}

static double collision_cost(const car_scene *scene, float speed_mps)
{
    const double at = (double)speed_mps / scene->speed_limit_mps * 32.0;
    return (double)scene->collision_cost[(uint32_t)hp_min(at, 63.0)];
}

/** What an observer can tell apart: how each visible other moves, and how fast, in bins. */
static uint64_t observe(const car_scene *scene, const car_state *state, double eye_s_m)
{
    uint64_t key = 0;
    for (uint32_t i = 0; i < scene->n_others; ++i) {
        const car_other_state *o = &state->others[i];
        const car_other *other = &scene->others[i];
        uint64_t seen = 0;
        if (is_seen(other, o, eye_s_m)) {
            const double toward =
                (double)o->vx_mps * other->to_path_x + (double)o->vy_mps * other->to_path_y;
            const double along =
                fabs((double)o->vx_mps * other->to_path_y - (double)o->vy_mps * other->to_path_x);
            const double bin = other->walks ? 1.0 : 2.0;
            const int across_bin = (int)hp_clamp(floor(toward / bin + 0.5), -4.0, 7.0);
            const int along_bin = (int)hp_clamp(floor(along / bin + 0.5), 0.0, 9.0);
            seen = 1 + (uint64_t)(across_bin + 4) * 10 + (uint64_t)along_bin;
        }
        key = key * 128 + seen;
    }
    return key;
}

/** gamma^(time to the goal) when nobody is in the way any more. */
static double free_road_value(const car_scene *scene, const car_state *state)
{
    const double accel = hp_max(scene->config->actions_mps2[scene->fastest], 0.1);
    const car_path_point *p = path_at(scene, state->s_m);
    const double off = (double)state->s_m - (double)(p - scene->points) * scene->spacing_m;
    const double v_path = (double)p->speed_mps;
    const double lack = hp_max(v_path - (double)state->speed_mps, 0.0);
    const double t =
        hp_max((double)p->free_time_s - off / v_path, 0.0) + lack * lack / (2.0 * accel * v_path);
    return scene->config->reward.goal * exp((double)scene->discount_per_s * t);
}

/** True once everybody lies behind and no standing box ahead: from here on the road is free. */
static bool all_passed(const car_scene *scene, const car_state *state, double eye_s_m)
{
    const car_path_point *p = path_at(scene, state->s_m);
    if (isfinite(scene->blocked_s_m)) {
        return false;
    }
    for (uint32_t i = 0; i < scene->n_others; ++i) {
        const car_other_state *o = &state->others[i];
        const car_other *other = &scene->others[i];
        if (o->motion == CAR_MOTION_HIDDEN) {
            if (isfinite(car_scene_edge_of_sight(other, eye_s_m))) {
                return false;
            }
            continue;
        }
        const float ahead = (o->x_m - p->x_m) * p->cos_yaw + (o->y_m - p->y_m) * p->sin_yaw;
        if ((double)ahead > -(scene->half_length_m + other->reach_x_m + PASSED_M)) {
            return false;
        }
    }
    return true;
}

/** One particle, one step. */
static void step_one(const car_scene *scene, car_state *state, uint32_t action, uint64_t key,
                     double boost, uint32_t i, pomdp_steps *out)
{
    const car_config *config = scene->config;
    const hp_rng numbers = {key};
    draw d = {.boost = boost, .weight = 1.0};
    const float s_before = state->s_m;
    const double eye_s = (double)s_before + scene->eye_ahead_m;
    double reward = action != state->last_action ? -config->reward.switching : 0.0;

    drive(scene, state, config->actions_mps2[action]);
    for (uint32_t k = 0; k < scene->n_others; ++k) {
        const car_other *other = &scene->others[k];
        if (other->walks) {
            change_mind(scene, other, eye_s, numbers, 2 * k, &d, &state->others[k]);
        }
        move_other(scene, other, state->step, &state->others[k]);
    }
    state->step = state->step < CAR_MAX_STEPS ? state->step + 1 : CAR_MAX_STEPS;
    state->last_action = (uint8_t)action;

    contact c = {false, false};
    if (state->speed_mps > STANDING_MPS || state->s_m > s_before) {
        look(scene, state, 0.5f * (s_before + state->s_m), 0.5f * (float)config->step_s, &c);
        look(scene, state, state->s_m, 0.0f, &c);
    }
    const bool blocked = (double)state->s_m > scene->blocked_s_m;
    const bool arrived = (double)state->s_m >= scene->goal_s_m;
    const double share = (double)state->speed_mps / scene->speed_limit_mps;
    reward += config->reward.slowness * (share - 1.0);
    if (c.hit || blocked) {
        reward -= collision_cost(scene, state->speed_mps);
    } else {
        reward -= c.near ? config->reward.near_miss : 0.0;
        reward += arrived ? config->reward.goal : 0.0;
    }
    out->reward[i] = reward;
    out->terminal[i] = c.hit || blocked || arrived;
    const double eye_after = (double)state->s_m + scene->eye_ahead_m;
    if (!out->terminal[i] && all_passed(scene, state, eye_after)) {
        out->reward[i] += config->discount * free_road_value(scene, state);
        out->terminal[i] = true;
    }
    if (out->weight != NULL) {
        out->weight[i] = d.weight;
    }
    if (out->obs != NULL) {
        out->obs[i] = observe(scene, state, eye_after);
    }
}

static void step_all(const void *ctx, void *states, uint32_t n, const uint32_t *actions,
                     const uint64_t *keys, pomdp_steps *out)
{
    car_state *s = states;
    for (uint32_t i = 0; i < n; ++i) {
        step_one(ctx, &s[i], actions[i], keys[i], 1.0, i, out);
    }
}

static void step_proposal_all(const void *ctx, void *states, uint32_t n, const uint32_t *actions,
                              const uint64_t *keys, pomdp_steps *out)
{
    const car_scene *scene = ctx;
    car_state *s = states;
    for (uint32_t i = 0; i < n; ++i) {
        step_one(scene, &s[i], actions[i], keys[i], scene->config->traffic.proposal, i, out);
    }
}

/** Whether somebody visible will be in the way if the ego drives on: both are in the corridor's
 * stretch at the same time, by constant velocities. */
static bool in_the_way(const car_scene *scene, const car_state *state, const car_other *other,
                       const car_other_state *o)
{
    const car_path_point *p = path_at(scene, state->s_m);
    const double dx = (double)(o->x_m - p->x_m);
    const double dy = (double)(o->y_m - p->y_m);
    const double c = (double)p->cos_yaw;
    const double s = (double)p->sin_yaw;
    const double ahead = dx * c + dy * s;
    const double aside = dy * c - dx * s;
    const double v_ahead = (double)o->vx_mps * c + (double)o->vy_mps * s;
    const double v_aside = (double)o->vy_mps * c - (double)o->vx_mps * s;
    const double reach_x = scene->half_length_m + other->reach_x_m;
    const double reach_y = scene->half_width_m + other->reach_y_m + 0.2;
    const double closing = (double)state->speed_mps + 0.5 - v_ahead;
    const double brake = -scene->config->actions_mps2[scene->slowest];
    const double stop_m = (double)state->speed_mps * (double)state->speed_mps / (2.0 * brake) +
                          (double)state->speed_mps * 0.5 + 1.5;
    if (ahead < -reach_x || closing <= 0.0 || ahead - reach_x > stop_m) {
        return false;
    }
    const double t_meet = hp_max(ahead - reach_x, 0.0) / closing;
    const double t_clear = (ahead + reach_x) / closing;
    if (fabs(v_aside) < 0.1) {
        return fabs(aside) < reach_y;
    }
    const double t_a = (-reach_y - aside) / v_aside;
    const double t_b = (reach_y - aside) / v_aside;
    return hp_max(hp_min(t_a, t_b), 0.0) < t_clear && hp_max(t_a, t_b) > t_meet;
}

/** Brakes for whoever is in the way, else drives on. */
static void default_policy(const void *ctx, const void *states, uint32_t n, uint32_t *actions)
{
    const car_scene *scene = ctx;
    const car_state *s = states;
    for (uint32_t i = 0; i < n; ++i) {
        const double eye_s = (double)s[i].s_m + scene->eye_ahead_m;
        const double v = (double)s[i].speed_mps;
        const double brake = -scene->config->actions_mps2[scene->slowest];
        bool danger = (double)s[i].s_m + v * v / (2.0 * brake) + v * 0.5 + 1.0 > scene->blocked_s_m;
        for (uint32_t k = 0; k < scene->n_others && !danger; ++k) {
            const car_other_state *o = &s[i].others[k];
            danger = is_seen(&scene->others[k], o, eye_s) &&
                     in_the_way(scene, &s[i], &scene->others[k], o);
        }
        actions[i] = danger ? scene->slowest : scene->fastest;
    }
}

/** What is left after the rollout, and the upper bound. */
static void free_road(const void *ctx, const void *states, uint32_t n, double *values)
{
    const car_state *s = states;
    for (uint32_t i = 0; i < n; ++i) {
        values[i] = free_road_value(ctx, &s[i]);
    }
}

pomdp_model car_model_make(const car_config *config, const car_scene *scene)
{
    return (pomdp_model){
        .name = "car",
        .n_actions = config->n_actions,
        .state_size = sizeof(car_state),
        .discount = config->discount,
        .reward_max = config->reward.goal,
        .step = step_all,
        .step_proposal = step_proposal_all,
        .default_policy = default_policy,
        .tail = free_road,
        .upper = free_road,
        .ctx = scene,
    };
}

/** Draws a future: half by its probability, half evenly, so that unlikely ones are not missed. */
static uint8_t draw_future(const car_other *other, bool importance, double u, double *weight)
{
    const double even = importance ? 0.5 / other->n_futures : 0.0;
    const double own = importance ? 0.5 : 1.0;
    double sum = 0.0;
    uint32_t m = 0;
    for (; m + 1 < other->n_futures; ++m) {
        sum += own * other->futures[m].probability + even;
        if (u < sum) {
            break;
        }
    }
    const double p = other->futures[m].probability;
    *weight *= p / (own * p + even);
    return (uint8_t)m;
}

/** Somebody last seen standing, now hidden: may have set off already, but has not come into view.
 */
static void draw_hidden(const car_scene *scene, const car_other *other, hp_rng numbers,
                        car_other_state *o)
{
    const double eye_s = scene->ego_s_m + scene->eye_ahead_m;
    const double edge = car_scene_edge_of_sight(other, eye_s);
    const double p = hp_min(other->rate_hz * other->age_s, 0.3);
    if (!(edge < other->lateral_m) || hp_rng_unit(numbers, 3) >= p) {
        return;
    }
    const double come = (other->lateral_m - edge) * hp_rng_unit(numbers, 4);
    o->x_m += (float)(come * other->to_path_x);
    o->y_m += (float)(come * other->to_path_y);
    start_crossing(scene, other, numbers, 5, o);
}

static void sample_other(const car_scene *scene, const car_other *other, hp_rng numbers,
                         double *weight, car_other_state *o)
{
    memset(o, 0, sizeof *o);
    o->x_m = (float)other->x_m;
    o->y_m = (float)other->y_m;
    o->vx_mps = (float)other->vx_mps;
    o->vy_mps = (float)other->vy_mps;
    if (other->phantom) {
        o->motion = CAR_MOTION_HIDDEN;
        return;
    }
    o->motion = CAR_MOTION_FUTURE;
    o->future =
        draw_future(other, scene->config->importance_sampling, hp_rng_unit(numbers, 0), weight);
    o->dx = (float)hp_clamp(hp_rng_normal(numbers, 100), -2.0, 2.0);
    o->dy = (float)hp_clamp(hp_rng_normal(numbers, 101), -2.0, 2.0);
    if (other->walks && other->may_hide && hypot(other->vx_mps, other->vy_mps) < (double)WALK_MPS) {
        draw_hidden(scene, other, numbers, o);
    }
}

void car_model_sample(const car_scene *scene, hp_rng stream, uint32_t n, car_state *states,
                      double *weights)
{
    double sum = 0.0;
    for (uint32_t i = 0; i < n; ++i) {
        car_state *state = &states[i];
        const hp_rng numbers = hp_rng_lane(stream, i);
        weights[i] = 1.0;
        memset(state, 0, sizeof *state);
        state->s_m = (float)scene->ego_s_m;
        state->speed_mps = (float)scene->ego_speed_mps;
        state->accel_mps2 = (float)scene->ego_accel_mps2;
        state->last_action = (uint8_t)scene->last_action;
        for (uint32_t k = 0; k < scene->n_others; ++k) {
            sample_other(scene, &scene->others[k], hp_rng_lane(numbers, k), &weights[i],
                         &state->others[k]);
        }
        sum += weights[i];
    }
    for (uint32_t i = 0; i < n; ++i) {
        weights[i] /= sum;
    }
}
