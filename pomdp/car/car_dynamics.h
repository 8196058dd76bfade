/** @file car_dynamics.h What one step does to eight or sixteen particles, in registers: how the ego
 * drives, how others move and change their minds, who meets whom, what it costs, and when to brake.
 * The batch hooks (car_step.c) and whole rollouts (car_rollout.c) are made of it, so that both mean
 * the same world. Ownership: the caller's lanes. Threads: pure. Allocation: none. */
#ifndef CAR_DYNAMICS_H
#define CAR_DYNAMICS_H

#include "pomdp/car/car_block.h"
#include "pomdp/car/car_scene_lanes.h"

#define WALK_MPS 0.1f /* slower than this is standing */
#define BESIDE_M ((float)CAR_BESIDE_M)
#define STANDING_MPS 0.05f /* an ego slower than this cannot collide by its own doing */
#define CORRIDOR_M ((float)CAR_CORRIDOR_M)
#define AHEAD_M 2.5f    /* and ahead of where it stops */
#define PASSED_M 1.0f   /* somebody this far behind the ego cannot matter any more */
#define REACTION_S 0.4f /* in which the speed settles on the path's, as in the planner */

enum {
    FEW_FUTURES = 3, /* up to here choosing among broadcast rows is quicker than gathering */
};

/** Where the ego is and how it is turned. */
typedef struct pose_lanes {
    car_columns row; /* of the path's table: x, y, cos yaw, sin yaw */
    car_f x_m, y_m, cos_yaw, sin_yaw;
    car_f off_m; /* past the table's point */
} pose_lanes;

/** What a step needs to know of the ego, and what it adds up over the others. */
typedef struct step_lanes {
    ego_lanes ego;
    car_i moves, step, switches;
    bool in_step; /* all have come equally far */
    car_f eye_before_m, eye_after_m;
    car_f middle_m; /* half-way */
    pose_lanes end;
    car_u key_low, key_high;
    car_i hit, near, ahead;
    car_f least_m; /* how far past the path the other under way is from now on, if he keeps to it */
    car_f weight;
} step_lanes;

static inline car_i path_index(const car_scene *scene, car_f s_m)
{
    const car_lane_rules *r = &scene->rules;
    return lanes_to_int(lanes_clamp(s_m * r->per_spacing, 0.0f, r->last_point) + 0.5f);
}

static inline pose_lanes pose_at(const car_scene *scene, car_f s_m)
{
    if (scene->rules.is_straight) { /* no table needed: most roads, most of the time */
        const float *p = scene->place[0];
        const car_columns m = {
            {p[0] + s_m * p[2], p[1] + s_m * p[3], lanes_all(p[2]), lanes_all(p[3])}};
        return (pose_lanes){m, m.c[0], m.c[1], m.c[2], m.c[3], lanes_all(0.0f)};
    }
    const car_i at = path_index(scene, s_m);
    const car_columns m = lanes_table_rows(scene->place, at);
    const car_f off = s_m - lanes_to_float(at) * scene->rules.spacing_m;
    return (pose_lanes){m, m.c[0] + off * m.c[2], m.c[1] + off * m.c[3], m.c[2], m.c[3], off};
}

static inline car_f path_speed(const car_scene *scene, car_f s_m)
{
    if (scene->rules.is_even) {
        return lanes_all(scene->rules.even_speed_mps);
    }
    return lanes_table(scene->path_speed, path_index(scene, s_m));
}

/** Speed and place after one step under an acceleration command, with the vehicle's lag and the
 * limits that the planner and the vehicle keep anyway. */
static inline void drive(const car_scene *scene, car_f command_mps2, ego_lanes *e)
{
    const car_lane_rules *r = &scene->rules;
    const car_f v = e->speed_mps;
    const car_f zero = {0};
    const car_f v_path = path_speed(scene, e->s_m + v * REACTION_S);
    car_f a = lanes_min(command_mps2, (v_path - v) * (1.0f / REACTION_S));
    a = lanes_pick(v < lanes_all(r->speed_floor_mps), lanes_all(r->fastest_mps2), a);
    const car_f change = e->accel_mps2 - a;
    const car_f v_next = lanes_max(v + a * r->step_s + change * r->lag_gain_mps, zero);
    const car_f way = v * r->step_s + a * r->half_step2 + change * r->lag_gain_m;
    const car_i rolls = v_next > zero;
    const car_f stops = lanes_min(way, v * (0.5f * r->step_s));
    e->s_m += lanes_max(lanes_pick(rolls, way, stops), zero);
    e->speed_mps = v_next;
    e->accel_mps2 = lanes_pick(rolls, a, zero);
}

/** Straight over to the path, at his pace or, from standing, at any: u in [0, 1) says which. */
static inline void start_crossing(const car_scene *scene, const car_lane_other *f, car_i who,
                                  car_f u, other_lanes *o)
{
    const car_lane_rules *r = &scene->rules;
    const car_f speed2 = o->vx_mps * o->vx_mps + o->vy_mps * o->vy_mps;
    const car_f any = r->standing_min_mps + r->standing_range_mps * u;
    const car_f own = lanes_sqrt(speed2);
    const car_f speed = lanes_pick(own < lanes_all(WALK_MPS), any, own);
    o->vx_mps = lanes_pick(who, speed * f->toward_x, o->vx_mps);
    o->vy_mps = lanes_pick(who, speed * f->toward_y, o->vy_mps);
    o->motion = lanes_pick_i(who, lanes_all_i(CAR_MOTION_STRAIGHT), o->motion);
}

/** What the draws weigh. */
static inline void weigh(const car_odds odds[2], car_i may_start, car_i starts, car_i crosses,
                         car_i stops, step_lanes *s)
{
    const car_odds *start = &odds[CAR_ODDS_START];
    const car_odds *stop = &odds[CAR_ODDS_STOP];
    car_f factor = lanes_pick(may_start, lanes_all(start->no), lanes_all(1.0f));
    factor = lanes_pick(crosses, lanes_all(stop->no), factor);
    if (lanes_any(starts | stops)) {
        factor = lanes_pick(starts, lanes_all(start->yes), factor);
        factor = lanes_pick(stops, lanes_all(stop->yes), factor);
    }
    s->weight *= factor;
}

/** Sudden changes of a walker: starts to cross, stops, steps out. True if any lane's did. */
static inline bool change_mind(const car_scene *scene, const car_lane_other *f, car_u word,
                               bool boosted, step_lanes *s, other_lanes *o)
{
    const car_odds *odds = f->odds[boosted];
    const car_i u = (car_i)(word >> 1);
    const car_i crosses = o->motion == CAR_MOTION_STRAIGHT;
    const car_i waits = (toward(f, o) < lanes_all(WALK_MPS)) & (across(f, o) > lanes_all(0.0f));
    car_i may_start = waits & ~crosses & lanes_all_i(f->beside);
    car_i appears = {0};
    car_f edge = {0};
    if (f->phantom) {
        const car_i hidden = o->motion == CAR_MOTION_HIDDEN;
        edge = edge_of_sight(f, s->eye_before_m);
        may_start = lanes_pick_i(hidden, edge < lanes_all(BESIDE_M), may_start);
        appears = hidden;
    }
    const car_i starts = may_start & (u < lanes_all_i(odds[CAR_ODDS_START].limit));
    const car_i stops = crosses & (u < lanes_all_i(odds[CAR_ODDS_STOP].limit));
    if (boosted) {
        weigh(odds, may_start, starts, crosses, stops, s);
    }
    if (!lanes_any(starts | stops)) {
        return false;
    }
    const car_f come = f->lateral_m - edge;
    o->x_m = lanes_pick(starts & appears, f->x_m + come * f->toward_x, o->x_m);
    o->y_m = lanes_pick(starts & appears, f->y_m + come * f->toward_y, o->y_m);
    start_crossing(scene, f, starts, lanes_to_float(u) * odds[CAR_ODDS_START].per_limit, o);
    o->motion = lanes_pick_i(stops, lanes_all_i(CAR_MOTION_STANDS), o->motion);
    o->vx_mps = (car_f)((car_i)o->vx_mps & ~stops);
    o->vy_mps = (car_f)((car_i)o->vy_mps & ~stops);
    return true;
}

/** A vehicle ahead begins to brake hard. True if any lane's did. */
static inline bool brake_suddenly(const car_lane_other *f, car_u word, bool boosted, step_lanes *s,
                                  other_lanes *o)
{
    const car_odds *odds = &f->odds[boosted][CAR_ODDS_STOP];
    const car_i may = o->motion == CAR_MOTION_FUTURE;
    const car_i brakes = may & ((car_i)(word >> 1) < lanes_all_i(odds->limit));
    if (boosted) {
        s->weight *= lanes_pick(brakes, lanes_all(odds->yes),
                                lanes_pick(may, lanes_all(odds->no), lanes_all(1.0f)));
    }
    o->motion = lanes_pick_i(brakes, lanes_all_i(CAR_MOTION_BRAKES), o->motion);
    return lanes_any(brakes);
}

/** Those who brake, until they stand. */
static inline void slow_down(const car_scene *scene, other_lanes *o)
{
    const car_i brakes = o->motion == CAR_MOTION_BRAKES;
    const float half_dt = 0.5f * scene->rules.step_s;
    if (!lanes_any(brakes)) {
        return;
    }
    const car_f speed2 = o->vx_mps * o->vx_mps + o->vy_mps * o->vy_mps;
    const car_f speed = lanes_sqrt(speed2);
    const car_f left = lanes_max(speed - scene->rules.braked_mps, lanes_all(0.0f));
    const car_f share =
        lanes_pick(brakes, left / lanes_max(speed, lanes_all(WALK_MPS)), lanes_all(1.0f));
    const car_f way = (car_f)((car_i)((1.0f + share) * half_dt) & brakes);
    o->x_m += way * o->vx_mps;
    o->y_m += way * o->vy_mps;
    o->vx_mps *= share;
    o->vy_mps *= share;
}

/** Rows of the futures that the lanes follow. Where all have come equally far, as in a search, one
 * row of each future serves every lane. */
static inline car_columns future_rows(const car_scene *scene, uint32_t k, const step_lanes *s,
                                      const other_lanes *o)
{
    const car_i future = (car_i)((o->code >> 8) & 0xff);
    const uint32_t n = scene->others[k].n_futures;
    if (!s->in_step || n > FEW_FUTURES) {
        return lanes_table_rows(scene->futures[k][0], future * CAR_MAX_STEPS + s->step);
    }
    const float *row = scene->futures[k][0][s->step[0]];
    car_columns m = {{lanes_all(row[0]), lanes_all(row[1]), lanes_all(row[2]), lanes_all(row[3])}};
    for (uint32_t i = 1; i < n; ++i) {
        const car_i mine = future == lanes_all_i((int32_t)i);
        row = scene->futures[k][i][s->step[0]];
        for (int j = 0; j < 4; ++j) {
            m.c[j] = lanes_pick(mine, lanes_all(row[j]), m.c[j]);
        }
    }
    return m;
}

static inline void follow(const car_scene *scene, uint32_t k, step_lanes *s, other_lanes *o)
{
    const car_lane_rules *r = &scene->rules;
    const car_columns m = future_rows(scene, k, s, o);
    const car_f sigma = m.c[2] * CAR_DEVIATION_UNIT;
    const car_i dx = (car_i)(o->code << 8) >> 24;
    const car_i dy = (car_i)o->code >> 24;
    const car_f x = m.c[0] + sigma * lanes_to_float(dx);
    const car_f y = m.c[1] + sigma * lanes_to_float(dy);
    const car_i follows = o->motion == CAR_MOTION_FUTURE;
    s->least_m = m.c[3];
    o->vx_mps = lanes_pick(follows, (x - o->x_m) * r->per_step_s, o->vx_mps);
    o->vy_mps = lanes_pick(follows, (y - o->y_m) * r->per_step_s, o->vy_mps);
    o->x_m = lanes_pick(follows, x, o->x_m);
    o->y_m = lanes_pick(follows, y, o->y_m);
}

/** Those who cross go straight on. */
static inline void go_on(const car_scene *scene, other_lanes *o)
{
    const car_i straight = o->motion == CAR_MOTION_STRAIGHT;
    const float dt = scene->rules.step_s;
    o->x_m += (car_f)((car_i)(o->vx_mps * dt) & straight);
    o->y_m += (car_f)((car_i)(o->vy_mps * dt) & straight);
}

/** How somebody at dx, dy from the ego lies to its box. */
static inline void look(const car_lane_other *f, const pose_lanes *p, car_f dx, car_f dy,
                        car_i there, step_lanes *s)
{
    const car_f ahead = dx * p->cos_yaw + dy * p->sin_yaw;
    const car_f aside = lanes_abs(dy * p->cos_yaw - dx * p->sin_yaw);
    s->hit |=
        there & (lanes_abs(ahead) < lanes_all(f->reach_x_m)) & (aside < lanes_all(f->reach_y_m));
    s->near |= there & (lanes_abs(ahead - f->near_centre_m) < lanes_all(f->near_half_m)) &
               (aside < lanes_all(f->near_side_m));
}

/** Who has crossed and leaves for good: beyond all of the path, and his future keeps him there, or
 * he walks on or stands. On that side nobody sets off again. */
static inline car_i has_crossed(const car_lane_other *f, const other_lanes *o, const step_lanes *s)
{
    const car_f zero = {0};
    const car_i follows = o->motion == CAR_MOTION_FUTURE;
    const car_f past = lanes_pick(follows, s->least_m, zero - across(f, o));
    return (past > lanes_all(f->clear_m)) & (follows | (toward(f, o) >= zero));
}

/** Who is still ahead, who is near, who is hit: half-way and at the end of the step. */
static inline void meet(const car_scene *scene, const car_lane_other *f, const other_lanes *o,
                        step_lanes *s)
{
    const float back_s = 0.5f * scene->rules.step_s;
    const car_f dx = o->x_m - s->end.x_m;
    const car_f dy = o->y_m - s->end.y_m;
    const car_f ahead = dx * s->end.cos_yaw + dy * s->end.sin_yaw + s->end.off_m;
    const car_f apart = lanes_max(lanes_abs(dx), lanes_abs(dy));
    const car_f walked = (lanes_abs(o->vx_mps) + lanes_abs(o->vy_mps)) * back_s;
    const car_i close = apart - walked < s->ego.s_m - s->middle_m + f->far_m;
    car_i there = lanes_all_i(-1);
    car_i waits = ahead > lanes_all(-f->reach_x_m - PASSED_M);
    if (f->phantom) {
        const car_i could_come = f->corner_s_m - s->eye_after_m > lanes_all(CORNER_M);
        there = o->motion != CAR_MOTION_HIDDEN;
        waits = lanes_pick_i(there, waits, could_come);
        s->ahead |= waits & ~(there & has_crossed(f, o, s));
    } else {
        s->ahead |= waits & ~has_crossed(f, o, s);
    }
    if (!lanes_any(close & there)) {
        return;
    }
    const pose_lanes middle = pose_at(scene, s->middle_m);
    look(f, &middle, o->x_m - o->vx_mps * back_s - middle.x_m,
         o->y_m - o->vy_mps * back_s - middle.y_m, there, s);
    look(f, &s->end, dx, dy, there, s);
}

/** gamma^(time to the goal) when nobody is in the way any more. */
static inline car_f free_road_value(const car_scene *scene, const ego_lanes *e)
{
    const car_lane_rules *r = &scene->rules;
    const car_i at = path_index(scene, e->s_m);
    const car_columns m = lanes_table_rows(scene->pace, at); /* speed, time to goal, 1 / speed */
    const car_f zero = {0};
    const car_f off = e->s_m - lanes_to_float(at) * r->spacing_m;
    const car_f lack = lanes_max(m.c[0] - e->speed_mps, zero);
    const car_f t =
        lanes_max(m.c[1] - off * m.c[2], zero) + lack * lack * m.c[2] * r->per_two_accel;
    return r->goal * lanes_exp(t * r->discount_per_s);
}

static inline car_f command_of(const car_scene *scene, car_u action)
{
    car_f command = {0};
    for (uint32_t i = 0; i < scene->config->n_actions; ++i) {
        const car_i mine = action == (car_u)lanes_all_i((int32_t)i);
        command = lanes_pick(mine, lanes_all(scene->rules.actions_mps2[i]), command);
    }
    return command;
}

/** Before the first of the others. */
static inline void meet_nobody(step_lanes *s)
{
    s->hit = s->near = s->ahead = lanes_all_i(0);
    s->weight = lanes_all(1.0f);
    s->least_m = lanes_all(0.0f);
}

/** The ego's part of a step: it drives, and everything that its others need is made ready. */
static inline void begin_step(const car_scene *scene, car_u action, car_f command, ego_lanes e,
                              step_lanes *s)
{
    const car_lane_rules *r = &scene->rules;
    const car_f before = e.s_m;
    drive(scene, command, &e);
    s->eye_before_m = before + r->eye_ahead_m;
    s->eye_after_m = e.s_m + r->eye_ahead_m;
    s->end = pose_at(scene, e.s_m);
    s->middle_m = 0.5f * (before + e.s_m);
    s->moves = (e.speed_mps > lanes_all(STANDING_MPS)) | (e.s_m > before);
    s->step = (car_i)(e.memory & 0xff);
    s->in_step = !lanes_any(s->step != lanes_all_i(s->step[0]));
    s->switches = (e.memory >> 8) != action;
    e.memory = (car_u)(s->step - (s->step < r->last_step)) | (action << 8);
    s->ego = e;
    meet_nobody(s);
}

/** One other's step beside the egos. True if somebody changed his mind. */
static inline bool step_other(const car_scene *scene, uint32_t k, bool boosted, step_lanes *s,
                              other_lanes *o)
{
    const car_lane_other *f = &scene->lane_others[k];
    bool changed = false;
    if (f->walks) {
        const car_u word = lanes_mix(s->key_low + UINT32_C(0x9e3779b9) * (k + 1));
        changed = change_mind(scene, f, word ^ s->key_high, boosted, s, o);
    } else if (f->may_brake) {
        const car_u word = lanes_mix(s->key_low + UINT32_C(0x9e3779b9) * (k + 1));
        changed = brake_suddenly(f, word ^ s->key_high, boosted, s, o);
    }
    if (!f->phantom && lanes_any(o->motion == CAR_MOTION_FUTURE)) {
        follow(scene, k, s, o);
    }
    go_on(scene, o);
    if (f->may_brake) {
        slow_down(scene, o);
    }
    meet(scene, f, o, s);
    return changed;
}

static inline car_f collision_cost(const car_scene *scene, car_f speed_mps)
{
    const car_f at = lanes_min(speed_mps * scene->rules.cost_per_mps, lanes_all(63.0f));
    return lanes_table(scene->collision_cost, lanes_to_int(at));
}

/** Reward, and which episodes end; *is_free: with the value of a free road, which is not in it. */
static inline car_f judge_step(const car_scene *scene, const step_lanes *s, car_i *ends,
                               car_i *is_free)
{
    const car_lane_rules *r = &scene->rules;
    const car_f zero = {0};
    const car_f speed = s->ego.speed_mps;
    const car_i arrived = s->ego.s_m >= lanes_all(r->goal_s_m);
    const car_i crashed = (s->hit & s->moves) | (s->ego.s_m > lanes_all(r->blocked_s_m));
    car_f reward = lanes_pick(s->switches, lanes_all(-r->switching), zero) +
                   (speed * r->slowness_per_mps - r->slowness);
    const car_f well = lanes_pick(arrived, lanes_all(r->goal), zero) -
                       lanes_pick(s->near & s->moves, lanes_all(r->near_miss), zero);
    reward += lanes_pick(crashed, zero, well);
    if (lanes_any(crashed)) {
        reward -= lanes_pick(crashed, collision_cost(scene, speed), zero);
    }
    *is_free = ~(crashed | arrived) & ~s->ahead & lanes_all_i(r->may_be_free);
    *ends = crashed | arrived | *is_free;
    return reward;
}

/** What a step's reward comes to with a free road after it. */
static inline car_f with_free_road(const car_scene *scene, const ego_lanes *e, car_f reward)
{
    return reward + scene->rules.discount * free_road_value(scene, e);
}

/** Whether somebody will be in the way if the ego drives on: both are in the corridor's stretch at
 * the same time, by constant velocities. Times to meet and to clear are compared without dividing,
 * both sides times both speeds. */
static inline car_i in_the_way(const car_lane_other *f, const car_columns *place, car_f speed_mps,
                               car_f stop_m, const other_lanes *o)
{
    const car_f zero = {0};
    const car_f c = place->c[2];
    const car_f n = place->c[3];
    const car_f dx = o->x_m - place->c[0];
    const car_f dy = o->y_m - place->c[1];
    const car_f ahead = dx * c + dy * n;
    const car_f first = ahead - f->reach_x_m;
    const car_f last = ahead + f->reach_x_m;
    const car_i soon = (last >= zero) & (first <= stop_m);
    if (!lanes_any(soon)) {
        return soon;
    }
    const car_f aside = dy * c - dx * n;
    const car_f v_aside = o->vy_mps * c - o->vx_mps * n;
    const car_f closing = speed_mps + 0.5f - (o->vx_mps * c + o->vy_mps * n);
    const car_f reach_y = lanes_all(f->reach_y_m + CORRIDOR_M);
    const car_f pace = lanes_abs(v_aside);
    const car_f side = lanes_pick(v_aside < zero, zero - aside, aside); /* he goes to the left */
    const car_i enters = (zero - reach_y - side) * closing < last * pace;
    const car_i is_in = (reach_y - side) * closing > lanes_max(first, zero) * pace;
    const car_i stays = lanes_abs(aside) < reach_y;
    return soon & (closing > zero) &
           lanes_pick_i(pace < lanes_all(0.1f), stays, enters & is_in & (last > zero));
}

/** The default policy brakes where somebody is in the way, else it drives on. row: of the path, at
 * the ego. */
static inline car_i must_brake(const car_scene *scene, const ego_lanes *e, const car_columns *row,
                               const other_lanes *others)
{
    const car_lane_rules *r = &scene->rules;
    const car_f v = e->speed_mps;
    const car_f stop_m = v * v * r->per_two_brake + v * 0.5f;
    const car_f eye = e->s_m + r->eye_ahead_m;
    car_i danger = e->s_m + stop_m + 1.0f > lanes_all(r->blocked_s_m);
    for (uint32_t k = 0; k < scene->n_others; ++k) {
        const car_lane_other *f = &scene->lane_others[k];
        danger |= in_the_way(f, row, v, stop_m + AHEAD_M, &others[k]) & is_seen(f, &others[k], eye);
    }
    return danger;
}

static inline car_u default_action(const car_scene *scene, car_i brakes)
{
    return (car_u)lanes_pick_i(brakes, lanes_all_i((int32_t)scene->slowest),
                               lanes_all_i((int32_t)scene->fastest));
}

#endif
