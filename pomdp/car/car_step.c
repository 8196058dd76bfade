#include "pomdp/car/car_dynamics.h"
#include "pomdp/car/car_kernel.h"

enum {
    MOST_BRAKING = 24, /* steps until it stands */
    STOP_BLOCKS = 2,   /* of particles, whose egos' stop is driven once */
    STOP_PIECE = STOP_BLOCKS * CAR_LANES,
};
#define WORTH 0.01 /* a stop that would earn less than this more is not looked into */

/** A block of the batch within a step. */
typedef struct batch_lanes {
    block place;
    step_lanes step;
    bool observed;
    car_u8 seen[2]; /* four others in each */
} batch_lanes;

/** What an observer can tell apart: how each visible other moves, and how fast, in bins. */
static void observe(const car_lane_other *f, uint32_t k, const other_lanes *o, batch_lanes *l)
{
    const car_f8 along = lanes_abs(o->vx_mps * f->toward_y - o->vy_mps * f->toward_x);
    const car_i8 across_bin =
        lanes_to_int(lanes_clamp(toward(f, o) * f->per_bin + 4.5f, 0.0f, 11.5f));
    const car_i8 along_bin = lanes_to_int(lanes_clamp(along * f->per_bin + 0.5f, 0.0f, 9.5f));
    const car_i8 seen = (1 + across_bin * 10 + along_bin) & is_seen(f, o, l->step.eye_after_m);
    l->seen[k / 4] = l->seen[k / 4] * 128 + (car_u8)seen;
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

static void put_doubles(const block *b, car_f8 x, double *out)
{
    double values[CAR_LANES];
    lanes_store_doubles(x, values);
    lanes_copy(&out[b->first], values, b->live, sizeof values[0]);
}

static void put(const batch_lanes *l, car_f8 reward, car_i8 ends, const pomdp_steps *out)
{
    const block *b = &l->place;
    const car_b8 end = __builtin_convertvector(ends & 1, car_b8);
    put_doubles(b, reward, out->reward);
    lanes_copy(&out->terminal[b->first], &end, b->live, sizeof out->terminal[0]);
    if (out->weight != NULL) {
        put_doubles(b, l->step.weight, out->weight);
    }
    if (out->obs != NULL) {
        uint64_t seen[CAR_LANES];
        lanes_store_words(l->seen[0], l->seen[1], seen);
        lanes_copy(&out->obs[b->first], seen, b->live, sizeof seen[0]);
    }
}

static void load_keys(const uint64_t *keys, batch_lanes *l)
{
    const block *b = &l->place;
    step_lanes *s = &l->step;
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

/** One other's step, from the batch and back to it. */
static void advance_other(const car_scene *scene, unsigned char *states, uint32_t k, bool boosted,
                          batch_lanes *l)
{
    other_lanes o = load_other(states, &l->place, k);
    if (step_other(scene, k, boosted, &l->step, &o)) {
        store_motion(states, &l->place, k, &o);
    }
    store_other(states, &l->place, k, &o);
    if (l->observed) {
        observe(&scene->lane_others[k], k, &o, l);
    }
}

/** By the proposal where weights are wanted. */
static void step_all(const car_scene *scene, void *states, uint32_t n, const uint32_t *actions,
                     const uint64_t *keys, const pomdp_steps *out)
{
    const bool boosted = out->weight != NULL;
    batch_lanes l = {.place = block_begin(scene), .observed = out->obs != NULL};
    for (uint32_t i = 0; i < n; i += CAR_LANES) {
        unsigned char *at = (unsigned char *)states + i * scene->state_bytes;
        car_i8 ends;
        car_i8 is_free;
        block_move(&l.place, n, i);
        load_keys(keys, &l);
        const car_u8 action = load_actions(actions, &l.place);
        begin_step(scene, action, command_of(scene, action), load_ego(at, &l.place), &l.step);
        store_ego(at, &l.place, &l.step.ego);
        l.seen[0] = l.seen[1] = (car_u8){0};
        for (uint32_t k = 0; k < scene->n_others; ++k) {
            advance_other(scene, at, k, boosted, &l);
        }
        car_f8 reward = judge_step(scene, &l.step, &ends, &is_free);
        if (lanes_any(is_free)) {
            reward = lanes_pick(is_free, with_free_road(scene, &l.step.ego, reward), reward);
        }
        put(&l, reward, ends, out);
    }
}

static void step_plain(const void *ctx, void *states, uint32_t n, const uint32_t *actions,
                       const uint64_t *keys, pomdp_steps *out)
{
    const pomdp_steps plain = {.reward = out->reward, .obs = out->obs, .terminal = out->terminal};
    step_all(ctx, states, n, actions, keys, &plain);
}

static void step_boosted(const void *ctx, void *states, uint32_t n, const uint32_t *actions,
                         const uint64_t *keys, pomdp_steps *out)
{
    step_all(ctx, states, n, actions, keys, out);
}

static void default_policy(const void *ctx, const void *states, uint32_t n, uint32_t *actions)
{
    const car_scene *scene = ctx;
    block b = block_begin(scene);
    for (uint32_t i = 0; i < n; i += CAR_LANES) {
        const unsigned char *at = (const unsigned char *)states + i * scene->state_bytes;
        other_lanes others[CAR_MAX_AGENTS];
        block_move(&b, n, i);
        const ego_lanes e = load_ego(at, &b);
        for (uint32_t k = 0; k < scene->n_others; ++k) {
            others[k] = load_other(at, &b, k);
        }
        const car_columns row = pose_at(scene, e.s_m).row;
        const car_u8 action = default_action(scene, must_brake(scene, &e, &row, others));
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

/** What a stop is worth from its end on: nothing moves until the horizon, and then the road is
 * free, as it is after any rollout. */
static car_f8 stand_until_horizon(const car_scene *scene, const ego_lanes *e, double discount)
{
    const car_lane_rules *r = &scene->rules;
    const float horizon = (float)(r->horizon_discount / discount);
    return horizon * free_road_value(scene, e) - (1.0f - horizon) * r->slowness_for_ever;
}

/** Eight particles whose egos brake. */
typedef struct stop_lanes {
    other_lanes others[CAR_MAX_AGENTS];
    car_i8 live;
    car_f8 value;
} stop_lanes;

/** A piece of a node's particles. Their egos drive alike, so that one ego's step serves them all.
 */
typedef struct stop_piece {
    uint32_t first, n; /* of the node's particles; n of them, STOP_PIECE at most */
    stop_lanes lanes[STOP_BLOCKS];
    step_lanes step;
    float discount; /* of step t */
    uint32_t t;
    bool free_known;
    car_f8 free_road; /* what a free road after this step is worth, once it is known */
} stop_piece;

static void begin_stop(const car_scene *scene, const unsigned char *states, uint32_t n,
                       uint32_t first, stop_piece *p)
{
    block b = block_begin(scene);
    p->first = first;
    p->n = n - first < STOP_PIECE ? n - first : STOP_PIECE;
    p->discount = 1.0f;
    p->t = 0;
    for (uint32_t i = 0; i < p->n; i += CAR_LANES) {
        const unsigned char *at = states + (first + i) * scene->state_bytes;
        stop_lanes *l = &p->lanes[i / CAR_LANES];
        block_move(&b, p->n, i);
        if (i == 0) {
            p->step.ego = load_ego(at, &b);
        }
        for (uint32_t k = 0; k < scene->n_others; ++k) {
            l->others[k] = load_other(at, &b, k);
        }
        l->live = LANE < lanes_all_i((int32_t)b.live);
        l->value = (car_f8){0};
    }
}

/** What eight of them meet in a step that their egos have made. */
static void meet_while_stopping(const car_scene *scene, uint32_t i, stop_piece *p)
{
    step_lanes *s = &p->step;
    stop_lanes *l = &p->lanes[i / CAR_LANES];
    car_i8 ends;
    car_i8 is_free;
    s->key_low = lanes_mix((car_u8)LANE + (p->first + i) + (p->t << 16));
    s->key_high = lanes_mix(s->key_low + 1);
    meet_nobody(s);
    for (uint32_t k = 0; k < scene->n_others; ++k) {
        (void)step_other(scene, k, false, s, &l->others[k]);
    }
    car_f8 reward = judge_step(scene, s, &ends, &is_free);
    if (lanes_any(is_free)) {
        if (!p->free_known) {
            p->free_road = scene->rules.discount * free_road_value(scene, &s->ego);
            p->free_known = true;
        }
        reward = lanes_pick(is_free, reward + p->free_road, reward);
    }
    l->value += p->discount * (car_f8)((car_i8)reward & l->live);
    l->live &= ~ends;
}

/** One step of all who are not done; false if nobody is left. */
static bool brake_on(const car_scene *scene, stop_piece *p)
{
    const car_u8 brake = (car_u8)lanes_all_i((int32_t)scene->slowest);
    bool any = false;
    begin_step(scene, brake, lanes_all(scene->rules.slowest_mps2), p->step.ego, &p->step);
    p->free_known = false;
    for (uint32_t i = 0; i < p->n; i += CAR_LANES) {
        if (lanes_any(p->lanes[i / CAR_LANES].live)) {
            meet_while_stopping(scene, i, p);
            any |= lanes_any(p->lanes[i / CAR_LANES].live);
        }
    }
    p->discount *= scene->rules.discount;
    ++p->t;
    return any;
}

/** The returns of a piece's particles until the horizon, by their weights, added to *sum. */
static void sum_stop(const car_scene *scene, const double *weights, stop_piece *p, double *sum)
{
    bool any = true;
    while (any && p->t < MOST_BRAKING && p->step.ego.speed_mps[0] > 0.0f) {
        any = brake_on(scene, p);
    }
    const car_f8 rest =
        any ? stand_until_horizon(scene, &p->step.ego, (double)p->discount) : (car_f8){0};
    for (uint32_t i = 0; i < p->n; i += CAR_LANES) {
        const stop_lanes *l = &p->lanes[i / CAR_LANES];
        double returned[CAR_LANES];
        lanes_store_doubles(l->value + p->discount * (car_f8)((car_i8)rest & l->live), returned);
        for (uint32_t j = 0; j < CAR_LANES && i + j < p->n; ++j) {
            *sum += weights[p->first + i + j] * returned[j];
        }
    }
}

/** Braking to a stop and waiting there: whatever else the default policy runs into, that can be
 * done as well. Every particle's ego drives alike, so that this is a policy for the belief. */
static double stop_for_good(const void *ctx, const void *states, const double *weights, uint32_t n,
                            double known, uint32_t *action)
{
    const car_scene *scene = ctx;
    block b = block_begin(scene);
    stop_piece piece;
    double sum = 0.0;
    double weight = 0.0;
    *action = scene->slowest;
    if (scene->rules.speed_floor_mps > 0.0f) {
        return -INFINITY; /* it cannot stop */
    }
    for (uint32_t i = 0; i < n; ++i) {
        weight += weights[i];
    }
    block_move(&b, n, 0);
    ego_lanes first = load_ego(states, &b);
    first.s_m +=
        first.speed_mps * (first.speed_mps * scene->rules.per_two_brake + 1.0f); /* at most */
    const car_f8 best = stand_until_horizon(scene, &first, 1.0);
    if (known >= weight * ((double)best[0] - WORTH)) {
        return known;
    }
    for (uint32_t i = 0; i < n; i += STOP_PIECE) {
        begin_stop(scene, states, n, i, &piece);
        sum_stop(scene, weights, &piece, &sum);
    }
    return sum;
}

const car_kernel CAR_KERNEL = {.step = step_plain,
                               .step_proposal = step_boosted,
                               .default_policy = default_policy,
                               .rollout = CAR_ROLLOUT,
                               .free_road = free_road,
                               .stop_for_good = stop_for_good};
