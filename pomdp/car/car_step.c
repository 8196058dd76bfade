#include "pomdp/car/car_dynamics.h"
#include "pomdp/car/car_kernel.h"

/** A block of the batch within a step. */
typedef struct batch_lanes {
    block place;
    step_lanes step;
    bool observed;
    car_u seen[2]; /* four others in each */
} batch_lanes;

/** What an observer can tell apart: how each visible other moves, and how fast, in bins. */
static void observe(const car_lane_other *f, uint32_t k, const other_lanes *o, batch_lanes *l)
{
    const car_f along = lanes_abs(o->vx_mps * f->toward_y - o->vy_mps * f->toward_x);
    const car_i across_bin =
        lanes_to_int(lanes_clamp(toward(f, o) * f->per_bin + 4.5f, 0.0f, 11.5f));
    const car_i along_bin = lanes_to_int(lanes_clamp(along * f->per_bin + 0.5f, 0.0f, 9.5f));
    const car_i seen = (1 + across_bin * 10 + along_bin) & is_seen(f, o, l->step.eye_after_m);
    l->seen[k / 4] = l->seen[k / 4] * 128 + (car_u)seen;
}

static car_u load_actions(const uint32_t *actions, const block *b)
{
    car_u v;
    if (b->live == CAR_LANES) {
        memcpy(&v, &actions[b->first], sizeof v);
        return v;
    }
    for (uint32_t j = 0; j < CAR_LANES; ++j) {
        v[j] = actions[b->first + (j < b->live ? j : b->live - 1)];
    }
    return v;
}

static void put_doubles(const block *b, car_f x, double *out)
{
    double values[CAR_LANES];
    lanes_store_doubles(x, values);
    lanes_copy(&out[b->first], values, b->live, sizeof values[0]);
}

static void put(const batch_lanes *l, car_f reward, car_i ends, const pomdp_steps *out)
{
    const block *b = &l->place;
    uint8_t end[CAR_LANES];
    lanes_store_flags(ends, end);
    put_doubles(b, reward, out->reward);
    lanes_copy(&out->terminal[b->first], end, b->live, sizeof out->terminal[0]);
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

#ifdef CAR_NARROW
static pomdp_steps steps_from(const pomdp_steps *out, uint32_t i)
{
    return (pomdp_steps){.reward = out->reward + i,
                         .weight = out->weight != NULL ? out->weight + i : NULL,
                         .obs = out->obs != NULL ? out->obs + i : NULL,
                         .terminal = out->terminal + i};
}
#endif

void CAR_OWN(car_step)(const car_scene *scene, void *states, uint32_t n, const uint32_t *actions,
                       const uint64_t *keys, const pomdp_steps *out)
{
    const bool boosted = out->weight != NULL;
    batch_lanes l; /* large: not to be cleared for every call */
    l.place = block_begin(scene);
    l.observed = out->obs != NULL;
    for (uint32_t i = 0; i < n; i += CAR_LANES) {
        unsigned char *at = (unsigned char *)states + i * scene->state_bytes;
        car_i ends;
        car_i is_free;
#ifdef CAR_NARROW
        if (n - i <= CAR_LANES / 2) {
            const pomdp_steps rest = steps_from(out, i);
            CAR_NARROW(car_step)(scene, at, n - i, &actions[i], &keys[i], &rest);
            return;
        }
#endif
        block_move(&l.place, n, i);
        load_keys(keys, &l);
        const car_u action = load_actions(actions, &l.place);
        begin_step(scene, action, command_of(scene, action), load_ego(at, &l.place), &l.step);
        store_ego(at, &l.place, &l.step.ego);
        l.seen[0] = l.seen[1] = (car_u){0};
        for (uint32_t k = 0; k < scene->n_others; ++k) {
            advance_other(scene, at, k, boosted, &l);
        }
        car_f reward = judge_step(scene, &l.step, &ends, &is_free);
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
    CAR_OWN(car_step)(ctx, states, n, actions, keys, &plain);
}

static void step_boosted(const void *ctx, void *states, uint32_t n, const uint32_t *actions,
                         const uint64_t *keys, pomdp_steps *out)
{
    CAR_OWN(car_step)(ctx, states, n, actions, keys, out);
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
        const car_u action = default_action(scene, must_brake(scene, &e, &row, others));
        lanes_copy(&actions[i], &action, b.live, sizeof actions[0]);
    }
}

/** What is left after the rollout, and the upper bound. */
void CAR_OWN(car_free_road)(const void *ctx, const void *states, uint32_t n, double *values)
{
    const car_scene *scene = ctx;
    block b = block_begin(scene);
    for (uint32_t i = 0; i < n; i += CAR_LANES) {
        const unsigned char *at = (const unsigned char *)states + i * scene->state_bytes;
#ifdef CAR_NARROW
        if (n - i <= CAR_LANES / 2) {
            CAR_NARROW(car_free_road)(scene, at, n - i, &values[i]);
            return;
        }
#endif
        block_move(&b, n, i);
        const ego_lanes e = load_ego(at, &b);
        put_doubles(&b, free_road_value(scene, &e), values);
    }
}

const car_kernel CAR_KERNEL = {.step = step_plain,
                               .step_proposal = step_boosted,
                               .default_policy = default_policy,
                               .rollout = CAR_OWN(car_rollout),
                               .free_road = CAR_OWN(car_free_road),
                               .stop = CAR_OWN(car_stop)};
