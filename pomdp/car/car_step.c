#include "pomdp/car/car_block.h"
#include "pomdp/car/car_kernel.h"
#include "pomdp/car/car_scene_lanes.h"

#include <math.h>

#define WALK_MPS 0.1f /* slower than this is standing */
#define BESIDE_M ((float)CAR_BESIDE_M)
#define STANDING_MPS 0.05f /* an ego slower than this cannot collide by its own doing */
#define PASSED_M 1.0f      /* somebody this far behind the ego cannot matter any more */
#define REACTION_S 0.4f    /* in which the speed settles on the path's, as in the planner */

enum {
    FEW_FUTURES = 3, /* up to here choosing among broadcast rows is quicker than gathering */
};

/** Where the ego is and how it is turned. */
typedef struct pose_lanes {
    car_f8 x_m, y_m, cos_yaw, sin_yaw;
    car_f8 off_m; /* past the table's point */
} pose_lanes;

/** What a step needs to know of the ego, and what it adds up over the others. */
typedef struct step_lanes {
    const block *place;
    ego_lanes ego;
    car_i8 moves, step, switches;
    bool in_step; /* all have come equally far */
    car_f8 eye_before_m, eye_after_m;
    car_f8 middle_m; /* half-way */
    pose_lanes end;
    car_u8 key_low, key_high;
    car_i8 hit, near, ahead;
    car_f8 weight;
    car_u8 seen[2]; /* four others in each */
} step_lanes;

static car_i8 path_index(const car_scene *scene, car_f8 s_m)
{
    const car_lane_rules *r = &scene->rules;
    return lanes_to_int(lanes_clamp(s_m * r->per_spacing, 0.0f, r->last_point) + 0.5f);
}

static pose_lanes pose_at(const car_scene *scene, car_f8 s_m)
{
    const car_i8 at = path_index(scene, s_m);
    const car_columns m = lanes_table_rows(scene->place, at);
    const car_f8 off = s_m - lanes_to_float(at) * scene->rules.spacing_m;
    return (pose_lanes){m.c[0] + off * m.c[2], m.c[1] + off * m.c[3], m.c[2], m.c[3], off};
}

/** Speed and place after one step under an acceleration command, with the vehicle's lag and the
 * limits that the planner and the vehicle keep anyway. */
static void drive(const car_scene *scene, car_f8 command_mps2, ego_lanes *e)
{
    const car_lane_rules *r = &scene->rules;
    const car_f8 v = e->speed_mps;
    const car_f8 zero = {0};
    const car_f8 v_path =
        lanes_table(scene->path_speed, path_index(scene, e->s_m + v * REACTION_S));
    car_f8 a = lanes_min(command_mps2, (v_path - v) * (1.0f / REACTION_S));
    a = lanes_pick(v < lanes_all(r->speed_floor_mps), lanes_all(r->fastest_mps2), a);
    const car_f8 change = e->accel_mps2 - a;
    const car_f8 v_next = lanes_max(v + a * r->step_s + change * r->lag_gain_mps, zero);
    const car_f8 way = v * r->step_s + a * r->half_step2 + change * r->lag_gain_m;
    const car_i8 rolls = v_next > zero;
    const car_f8 stops = lanes_min(way, v * (0.5f * r->step_s));
    e->s_m += lanes_max(lanes_pick(rolls, way, stops), zero);
    e->speed_mps = v_next;
    e->accel_mps2 = lanes_pick(rolls, a, zero);
}

/** Straight over to the path, at his pace or, from standing, at any: u in [0, 1) says which. */
static void start_crossing(const car_scene *scene, const car_lane_other *f, car_i8 who, car_f8 u,
                           other_lanes *o)
{
    const car_lane_rules *r = &scene->rules;
    const car_f8 speed2 = o->vx_mps * o->vx_mps + o->vy_mps * o->vy_mps;
    const car_f8 any = r->standing_min_mps + r->standing_range_mps * u;
    car_f8 own;
    for (int j = 0; j < CAR_LANES; ++j) {
        own[j] = sqrtf(speed2[j]);
    }
    const car_f8 speed = lanes_pick(own < lanes_all(WALK_MPS), any, own);
    o->vx_mps = lanes_pick(who, speed * f->toward_x, o->vx_mps);
    o->vy_mps = lanes_pick(who, speed * f->toward_y, o->vy_mps);
    o->motion = lanes_pick_i(who, lanes_all_i(CAR_MOTION_STRAIGHT), o->motion);
}

/** What the draws weigh. */
static void weigh(const car_odds odds[2], car_i8 may_start, car_i8 starts, car_i8 crosses,
                  car_i8 stops, step_lanes *s)
{
    const car_odds *start = &odds[CAR_ODDS_START];
    const car_odds *stop = &odds[CAR_ODDS_STOP];
    car_f8 factor = lanes_pick(may_start, lanes_all(start->no), lanes_all(1.0f));
    factor = lanes_pick(crosses, lanes_all(stop->no), factor);
    if (lanes_any(starts | stops)) {
        factor = lanes_pick(starts, lanes_all(start->yes), factor);
        factor = lanes_pick(stops, lanes_all(stop->yes), factor);
    }
    s->weight *= factor;
}

/** Sudden changes of a walker: starts to cross, stops, steps out. True if any lane's did. */
static bool change_mind(const car_scene *scene, const car_lane_other *f, car_u8 word, bool boosted,
                        step_lanes *s, other_lanes *o)
{
    const car_odds *odds = f->odds[boosted];
    const car_i8 u = (car_i8)(word >> 1);
    const car_i8 crosses = o->motion == CAR_MOTION_STRAIGHT;
    const car_i8 waits = (toward(f, o) < lanes_all(WALK_MPS)) & (across(f, o) > lanes_all(0.0f));
    car_i8 may_start = waits & ~crosses & lanes_all_i(f->beside);
    car_i8 appears = {0};
    car_f8 edge = {0};
    if (f->phantom) {
        const car_i8 hidden = o->motion == CAR_MOTION_HIDDEN;
        edge = edge_of_sight(f, s->eye_before_m);
        may_start = lanes_pick_i(hidden, edge < lanes_all(BESIDE_M), may_start);
        appears = hidden;
    }
    const car_i8 starts = may_start & (u < lanes_all_i(odds[CAR_ODDS_START].limit));
    const car_i8 stops = crosses & (u < lanes_all_i(odds[CAR_ODDS_STOP].limit));
    if (boosted) {
        weigh(odds, may_start, starts, crosses, stops, s);
    }
    if (!lanes_any(starts | stops)) {
        return false;
    }
    const car_f8 come = f->lateral_m - edge;
    o->x_m = lanes_pick(starts & appears, f->x_m + come * f->toward_x, o->x_m);
    o->y_m = lanes_pick(starts & appears, f->y_m + come * f->toward_y, o->y_m);
    start_crossing(scene, f, starts, lanes_to_float(u) * odds[CAR_ODDS_START].per_limit, o);
    o->motion = lanes_pick_i(stops, lanes_all_i(CAR_MOTION_STANDS), o->motion);
    o->vx_mps = (car_f8)((car_i8)o->vx_mps & ~stops);
    o->vy_mps = (car_f8)((car_i8)o->vy_mps & ~stops);
    return true;
}

/** Rows of the futures that the lanes follow. Where all have come equally far, as in a search, one
 * row of each future serves every lane. */
static car_columns future_rows(const car_scene *scene, uint32_t k, const step_lanes *s,
                               const other_lanes *o)
{
    const car_i8 future = (car_i8)((o->code >> 8) & 0xff);
    const uint32_t n = scene->others[k].n_futures;
    if (!s->in_step || n > FEW_FUTURES) {
        return lanes_table_rows(scene->futures[k][0], future * CAR_MAX_STEPS + s->step);
    }
    const float *row = scene->futures[k][0][s->step[0]];
    car_columns m = {{lanes_all(row[0]), lanes_all(row[1]), lanes_all(row[2])}};
    for (uint32_t i = 1; i < n; ++i) {
        const car_i8 mine = future == lanes_all_i((int32_t)i);
        row = scene->futures[k][i][s->step[0]];
        for (int j = 0; j < 3; ++j) {
            m.c[j] = lanes_pick(mine, lanes_all(row[j]), m.c[j]);
        }
    }
    return m;
}

static void follow(const car_scene *scene, uint32_t k, const step_lanes *s, other_lanes *o)
{
    const car_lane_rules *r = &scene->rules;
    const car_columns m = future_rows(scene, k, s, o);
    const car_f8 sigma = m.c[2] * CAR_DEVIATION_UNIT;
    const car_i8 dx = (car_i8)(o->code << 8) >> 24;
    const car_i8 dy = (car_i8)o->code >> 24;
    const car_f8 x = m.c[0] + sigma * lanes_to_float(dx);
    const car_f8 y = m.c[1] + sigma * lanes_to_float(dy);
    const car_i8 follows = o->motion == CAR_MOTION_FUTURE;
    o->vx_mps = lanes_pick(follows, (x - o->x_m) * r->per_step_s, o->vx_mps);
    o->vy_mps = lanes_pick(follows, (y - o->y_m) * r->per_step_s, o->vy_mps);
    o->x_m = lanes_pick(follows, x, o->x_m);
    o->y_m = lanes_pick(follows, y, o->y_m);
}

/** Those who cross go straight on. */
static void go_on(const car_scene *scene, other_lanes *o)
{
    const car_i8 straight = o->motion == CAR_MOTION_STRAIGHT;
    const float dt = scene->rules.step_s;
    o->x_m += (car_f8)((car_i8)(o->vx_mps * dt) & straight);
    o->y_m += (car_f8)((car_i8)(o->vy_mps * dt) & straight);
}

/** How somebody at dx, dy from the ego lies to its box. */
static void look(const car_lane_other *f, const pose_lanes *p, car_f8 dx, car_f8 dy, car_i8 there,
                 step_lanes *s)
{
    const car_f8 ahead = dx * p->cos_yaw + dy * p->sin_yaw;
    const car_f8 aside = lanes_abs(dy * p->cos_yaw - dx * p->sin_yaw);
    s->hit |=
        there & (lanes_abs(ahead) < lanes_all(f->reach_x_m)) & (aside < lanes_all(f->reach_y_m));
    s->near |= there & (lanes_abs(ahead - f->near_centre_m) < lanes_all(f->near_half_m)) &
               (aside < lanes_all(f->near_side_m));
}

/** Who is still ahead, who is near, who is hit: half-way and at the end of the step. */
static void meet(const car_scene *scene, const car_lane_other *f, const other_lanes *o,
                 step_lanes *s)
{
    const float back_s = 0.5f * scene->rules.step_s;
    const car_f8 dx = o->x_m - s->end.x_m;
    const car_f8 dy = o->y_m - s->end.y_m;
    const car_f8 ahead = dx * s->end.cos_yaw + dy * s->end.sin_yaw + s->end.off_m;
    const car_f8 apart = lanes_max(lanes_abs(dx), lanes_abs(dy));
    const car_f8 walked = (lanes_abs(o->vx_mps) + lanes_abs(o->vy_mps)) * back_s;
    const car_i8 close = apart - walked < s->ego.s_m - s->middle_m + f->far_m;
    car_i8 there = lanes_all_i(-1);
    car_i8 waits = ahead > lanes_all(-f->reach_x_m - PASSED_M);
    if (f->phantom) {
        const car_i8 could_come = f->corner_s_m - s->eye_after_m > lanes_all(CORNER_M);
        there = o->motion != CAR_MOTION_HIDDEN;
        waits = lanes_pick_i(there, waits, could_come);
    }
    s->ahead |= waits;
    if (!lanes_any(close & there)) {
        return;
    }
    const pose_lanes middle = pose_at(scene, s->middle_m);
    look(f, &middle, o->x_m - o->vx_mps * back_s - middle.x_m,
         o->y_m - o->vy_mps * back_s - middle.y_m, there, s);
    look(f, &s->end, dx, dy, there, s);
}

/** What an observer can tell apart: how each visible other moves, and how fast, in bins. */
static void observe(const car_lane_other *f, uint32_t k, const other_lanes *o, step_lanes *s)
{
    const car_f8 along = lanes_abs(o->vx_mps * f->toward_y - o->vy_mps * f->toward_x);
    const car_i8 across_bin =
        lanes_to_int(lanes_clamp(toward(f, o) * f->per_bin + 4.5f, 0.0f, 11.5f));
    const car_i8 along_bin = lanes_to_int(lanes_clamp(along * f->per_bin + 0.5f, 0.0f, 9.5f));
    const car_i8 seen = (1 + across_bin * 10 + along_bin) & is_seen(f, o, s->eye_after_m);
    s->seen[k / 4] = s->seen[k / 4] * 128 + (car_u8)seen;
}

/** gamma^(time to the goal) when nobody is in the way any more. */
static car_f8 free_road_value(const car_scene *scene, const ego_lanes *e)
{
    const car_lane_rules *r = &scene->rules;
    const car_i8 at = path_index(scene, e->s_m);
    const car_columns m = lanes_table_rows(scene->pace, at); /* speed, time to goal, 1 / speed */
    const car_f8 zero = {0};
    const car_f8 off = e->s_m - lanes_to_float(at) * r->spacing_m;
    const car_f8 lack = lanes_max(m.c[0] - e->speed_mps, zero);
    const car_f8 t =
        lanes_max(m.c[1] - off * m.c[2], zero) + lack * lack * m.c[2] * r->per_two_accel;
    return r->goal * lanes_exp(t * r->discount_per_s);
}

static car_u8 load_actions(const uint32_t *actions, const block *b)
{
    car_u8 v;
    if (b->live == CAR_LANES) {
        memcpy(&v, &actions[b->first], sizeof v);
        return v;
    }
    for (uint32_t j = 0; j < CAR_LANES; ++j) {
        v[j] = actions[b->first + (j < b->live ? j : b->live - 1)];
    }
    return v;
}

/** The ego's part of a step. */
static void begin(const car_scene *scene, void *states, const uint32_t *actions, step_lanes *s)
{
    const car_lane_rules *r = &scene->rules;
    const block *b = s->place;
    ego_lanes e = load_ego(states, b);
    const car_f8 before = e.s_m;
    const car_u8 action = load_actions(actions, b);
    car_f8 command = {0};
    for (uint32_t i = 0; i < scene->config->n_actions; ++i) {
        const car_i8 mine = action == (car_u8)lanes_all_i((int32_t)i);
        command = lanes_pick(mine, lanes_all(r->actions_mps2[i]), command);
    }
    drive(scene, command, &e);
    s->eye_before_m = before + r->eye_ahead_m;
    s->eye_after_m = e.s_m + r->eye_ahead_m;
    s->end = pose_at(scene, e.s_m);
    s->middle_m = 0.5f * (before + e.s_m);
    s->moves = (e.speed_mps > lanes_all(STANDING_MPS)) | (e.s_m > before);
    s->step = (car_i8)(e.memory & 0xff);
    s->in_step = !lanes_any(s->step - s->step[0]);
    s->switches = (e.memory >> 8) != action;
    e.memory = (car_u8)(s->step - (s->step < r->last_step)) | (action << 8);
    s->ego = e;
    s->hit = s->near = s->ahead = lanes_all_i(0);
    s->seen[0] = s->seen[1] = (car_u8){0};
    s->weight = lanes_all(1.0f);
    lanes_store_rows(states, b->place,
                     (car_columns){{e.s_m, e.speed_mps, e.accel_mps2, (car_f8)e.memory}});
}

static car_f8 collision_cost(const car_scene *scene, car_f8 speed_mps)
{
    const car_f8 at = lanes_min(speed_mps * scene->rules.cost_per_mps, lanes_all(63.0f));
    return lanes_table(scene->collision_cost, lanes_to_int(at));
}

/** Reward, and which episodes end. */
static car_f8 judge(const car_scene *scene, step_lanes *s, car_i8 *ends)
{
    const car_lane_rules *r = &scene->rules;
    const car_f8 zero = {0};
    const car_f8 speed = s->ego.speed_mps;
    const car_i8 arrived = s->ego.s_m >= lanes_all(r->goal_s_m);
    const car_i8 crashed = (s->hit & s->moves) | (s->ego.s_m > lanes_all(r->blocked_s_m));
    car_f8 reward = lanes_pick(s->switches, lanes_all(-r->switching), zero) +
                    (speed * r->slowness_per_mps - r->slowness);
    const car_f8 well = lanes_pick(arrived, lanes_all(r->goal), zero) -
                        lanes_pick(s->near & s->moves, lanes_all(r->near_miss), zero);
    reward += lanes_pick(crashed, zero, well);
    if (lanes_any(crashed)) {
        reward -= lanes_pick(crashed, collision_cost(scene, speed), zero);
    }
    *ends = crashed | arrived;
    const car_i8 is_free = ~*ends & ~s->ahead & lanes_all_i(r->may_be_free);
    if (lanes_any(is_free)) {
        const car_f8 rest = r->discount * free_road_value(scene, &s->ego);
        reward += lanes_pick(is_free, rest, zero);
        *ends |= is_free;
    }
    return reward;
}

static void put_doubles(const block *b, car_f8 x, double *out)
{
    double values[CAR_LANES];
    lanes_store_doubles(x, values);
    lanes_copy(&out[b->first], values, b->live, sizeof values[0]);
}

static void put(const step_lanes *s, car_f8 reward, car_i8 ends, pomdp_steps *out)
{
    const block *b = s->place;
    const car_b8 end = __builtin_convertvector(ends & 1, car_b8);
    put_doubles(b, reward, out->reward);
    lanes_copy(&out->terminal[b->first], &end, b->live, sizeof out->terminal[0]);
    if (out->weight != NULL) {
        put_doubles(b, s->weight, out->weight);
    }
    if (out->obs != NULL) {
        uint64_t seen[CAR_LANES];
        lanes_store_words(s->seen[0], s->seen[1], seen);
        lanes_copy(&out->obs[b->first], seen, b->live, sizeof seen[0]);
    }
}

static void load_keys(const uint64_t *keys, step_lanes *s)
{
    const block *b = s->place;
    uint64_t padded[CAR_LANES];
    if (b->live == CAR_LANES) {
        lanes_load_words(&keys[b->first], &s->key_low, &s->key_high);
        return;
    }
    for (uint32_t j = 0; j < CAR_LANES; ++j) {
        padded[j] = keys[b->first + (j < b->live ? j : b->live - 1)];
    }
    lanes_load_words(padded, &s->key_low, &s->key_high);
}

/** One other's step beside the egos. */
static void step_other(const car_scene *scene, void *states, uint32_t k, bool boosted,
                       bool observed, step_lanes *s)
{
    const car_lane_other *f = &scene->lane_others[k];
    other_lanes o = load_other(states, s->place, k);
    if (f->walks) {
        const car_u8 word = lanes_mix(s->key_low + UINT32_C(0x9e3779b9) * (k + 1));
        if (change_mind(scene, f, word ^ s->key_high, boosted, s, &o)) {
            store_motion(states, s->place, k, &o);
        }
    }
    if (!f->phantom) {
        follow(scene, k, s, &o);
    }
    go_on(scene, &o);
    store_other(states, s->place, k, &o);
    meet(scene, f, &o, s);
    if (observed) {
        observe(f, k, &o, s);
    }
}

static void step_all(const car_scene *scene, void *states, uint32_t n, const uint32_t *actions,
                     const uint64_t *keys, bool boosted, pomdp_steps *out)
{
    block b = block_begin(scene);
    for (uint32_t i = 0; i < n; i += CAR_LANES) {
        unsigned char *at = (unsigned char *)states + i * scene->state_bytes;
        step_lanes s;
        car_i8 ends;
        block_move(&b, n, i);
        s.place = &b;
        load_keys(keys, &s);
        begin(scene, at, actions, &s);
        for (uint32_t k = 0; k < scene->n_others; ++k) {
            step_other(scene, at, k, boosted, out->obs != NULL, &s);
        }
        const car_f8 reward = judge(scene, &s, &ends);
        put(&s, reward, ends, out);
    }
}

static void step_plain(const void *ctx, void *states, uint32_t n, const uint32_t *actions,
                       const uint64_t *keys, pomdp_steps *out)
{
    step_all(ctx, states, n, actions, keys, false, out);
}

static void step_boosted(const void *ctx, void *states, uint32_t n, const uint32_t *actions,
                         const uint64_t *keys, pomdp_steps *out)
{
    step_all(ctx, states, n, actions, keys, true, out);
}

/** Whether somebody will be in the way if the ego drives on: both are in the corridor's stretch at
 * the same time, by constant velocities. Times to meet and to clear are compared without dividing,
 * both sides times both speeds. */
static car_i8 in_the_way(const car_lane_other *f, const car_columns *place, car_f8 speed_mps,
                         car_f8 stop_m, const other_lanes *o)
{
    const car_f8 zero = {0};
    const car_f8 c = place->c[2];
    const car_f8 n = place->c[3];
    const car_f8 dx = o->x_m - place->c[0];
    const car_f8 dy = o->y_m - place->c[1];
    const car_f8 ahead = dx * c + dy * n;
    const car_f8 first = ahead - f->reach_x_m;
    const car_f8 last = ahead + f->reach_x_m;
    const car_i8 soon = (last >= zero) & (first <= stop_m);
    if (!lanes_any(soon)) {
        return soon;
    }
    const car_f8 aside = dy * c - dx * n;
    const car_f8 v_aside = o->vy_mps * c - o->vx_mps * n;
    const car_f8 closing = speed_mps + 0.5f - (o->vx_mps * c + o->vy_mps * n);
    const car_f8 reach_y = lanes_all(f->reach_y_m + 0.2f);
    const car_f8 pace = lanes_abs(v_aside);
    const car_f8 side = lanes_pick(v_aside < zero, zero - aside, aside); /* he goes to the left */
    const car_i8 enters = (zero - reach_y - side) * closing < last * pace;
    const car_i8 is_in = (reach_y - side) * closing > lanes_max(first, zero) * pace;
    const car_i8 stays = lanes_abs(aside) < reach_y;
    return soon & (closing > zero) &
           lanes_pick_i(pace < lanes_all(0.1f), stays, enters & is_in & (last > zero));
}

/** Brakes for whoever is in the way, else drives on. */
static void default_policy(const void *ctx, const void *states, uint32_t n, uint32_t *actions)
{
    const car_scene *scene = ctx;
    const car_lane_rules *r = &scene->rules;
    block b = block_begin(scene);
    for (uint32_t i = 0; i < n; i += CAR_LANES) {
        const unsigned char *at = (const unsigned char *)states + i * scene->state_bytes;
        block_move(&b, n, i);
        const ego_lanes e = load_ego(at, &b);
        const car_f8 v = e.speed_mps;
        const car_f8 stop_m = v * v * r->per_two_brake + v * 0.5f;
        const car_f8 eye = e.s_m + r->eye_ahead_m;
        const car_columns place = lanes_table_rows(scene->place, path_index(scene, e.s_m));
        car_i8 danger = e.s_m + stop_m + 1.0f > lanes_all(r->blocked_s_m);
        for (uint32_t k = 0; k < scene->n_others; ++k) {
            const car_lane_other *f = &scene->lane_others[k];
            const other_lanes o = load_other(at, &b, k);
            danger |= in_the_way(f, &place, v, stop_m + 1.5f, &o) & is_seen(f, &o, eye);
        }
        const car_i8 action = lanes_pick_i(danger, lanes_all_i((int32_t)scene->slowest),
                                           lanes_all_i((int32_t)scene->fastest));
        lanes_copy(&actions[i], &action, b.live, sizeof actions[0]);
    }
}

/** What is left after the rollout, and the upper bound. */
static void free_road(const void *ctx, const void *states, uint32_t n, double *values)
{
    const car_scene *scene = ctx;
    block b = block_begin(scene);
    for (uint32_t i = 0; i < n; i += CAR_LANES) {
        const unsigned char *at = (const unsigned char *)states + i * scene->state_bytes;
        block_move(&b, n, i);
        const ego_lanes e = load_ego(at, &b);
        put_doubles(&b, free_road_value(scene, &e), values);
    }
}

const car_kernel CAR_KERNEL = {.step = step_plain,
                               .step_proposal = step_boosted,
                               .default_policy = default_policy,
                               .free_road = free_road};
