#include "pomdp/car/car_march.h"

/* A safe stop as a bound: who brakes, stands and waits until the horizon earns at least that. The
 * particles of several beliefs march together, so that lanes are full. */
enum {
    MOST_BRAKING = 24, /* steps until it stands */
    COL_VALUE = COL_OWN,
    COL_BACK,                /* what came of it; not kept: by INDEX */
    COL_FREE,                /* who ended on a free road: place, speed, reward, index, value */
    COL_PART = COL_FREE + 5, /* of a belief: which, its first particle, how many: three */
};
_Static_assert(COL_PART + 3 == COL_OTHER, "a march has room for a stop's own columns");
#define WORTH 0.01 /* a stop that would earn less than this more is not looked into */

/** A call's work. */
struct car_stop_job {
    march m;
    const pomdp_beliefs *beliefs;
    double *lower;
    uint32_t n, n_parts;       /* particles, and parts of beliefs, that march */
    const unsigned char *last; /* of them */
    float discount;            /* of step t */
    uint64_t taken;
};

typedef struct car_stop_job job;

/** What a stop is worth from its end on: nothing moves until the horizon, and then the road is
 * free, as it is after any rollout. */
static car_f stand_until_horizon(const car_scene *scene, const ego_lanes *e, double discount)
{
    const car_lane_rules *r = &scene->rules;
    const float horizon = (float)(r->horizon_discount / discount);
    return horizon * free_road_value(scene, e) - (1.0f - horizon) * r->slowness_for_ever;
}

/** Puts down what came of some lanes. */
static void put_back(const march *m, car_i index, car_i who, car_f value)
{
    uint32_t at[CAR_LANES];
    float x[CAR_LANES];
    memcpy(at, &index, sizeof at);
    memcpy(x, &value, sizeof x);
    for (uint32_t bits = lanes_bits(who); bits != 0; bits &= bits - 1) {
        const int lane = __builtin_ctz(bits);
        memcpy(march_column(m, COL_BACK, at[lane]), &x[lane], sizeof x[lane]);
    }
}

/** Ends the lanes whose egos stand. */
static void settle(const job *j, car_f value, group *g)
{
    const car_i moves = g->step.ego.speed_mps > (car_f){0};
    const car_i stands = g->live & ~(moves & lanes_all_i(j->m.t < MOST_BRAKING ? -1 : 0));
    if (lanes_any(stands)) {
        const car_f rest = stand_until_horizon(j->m.scene, &g->step.ego, (double)j->discount);
        put_back(&j->m, g->index, stands, value + j->discount * rest);
        g->live &= ~stands;
    }
}

/** Puts those who ended on a free road with this step aside: what that is worth is found for a
 * group at a time. */
static void set_free(job *j, const group *g, car_i is_free, car_f reward, car_f value)
{
    march *m = &j->m;
    const uint32_t bits = lanes_bits(is_free);
    const car_order order = lanes_order(bits);
    march_keep(m, COL_FREE, m->on_free, (car_u)g->step.ego.s_m, order);
    march_keep(m, COL_FREE + 1, m->on_free, (car_u)g->step.ego.speed_mps, order);
    march_keep(m, COL_FREE + 2, m->on_free, (car_u)reward, order);
    march_keep(m, COL_FREE + 3, m->on_free, (car_u)g->index, order);
    march_keep(m, COL_FREE + 4, m->on_free, (car_u)value, order);
    m->on_free += (uint32_t)__builtin_popcount(bits);
}

static void value_free(job *j)
{
    march *m = &j->m;
    for (uint32_t i = 0; i < m->on_free; i += CAR_LANES) {
        const ego_lanes e = {.s_m = (car_f)march_get(m, COL_FREE, i),
                             .speed_mps = (car_f)march_get(m, COL_FREE + 1, i)};
        const car_f reward = with_free_road(m->scene, &e, (car_f)march_get(m, COL_FREE + 2, i));
        const car_f value = (car_f)march_get(m, COL_FREE + 4, i) + j->discount * reward;
        put_back(m, (car_i)march_get(m, COL_FREE + 3, i),
                 LANE < lanes_all_i((int32_t)(m->on_free - i)), value);
    }
    m->on_free = 0;
}

/** One step of a group; gives those that go on. */
static car_i advance(job *j, group *g, car_f *value)
{
    const car_scene *scene = j->m.scene;
    step_lanes *s = &g->step;
    car_i ends;
    car_i is_free;
    s->key_low = lanes_mix((car_u)g->draw + (j->m.t << 16));
    s->key_high = lanes_mix(s->key_low + 1);
    begin_step(scene, (car_u)lanes_all_i((int32_t)scene->slowest),
               lanes_all(scene->rules.slowest_mps2), s->ego, s);
    for (uint32_t k = 0; k < scene->n_others; ++k) {
        (void)step_other(scene, k, false, s, &g->others[k]);
    }
    const car_f reward = judge_step(scene, s, &ends, &is_free);
    is_free &= g->live;
    ends &= g->live;
    if (lanes_any(is_free)) {
        set_free(j, g, is_free, reward, *value);
    }
    *value += j->discount * reward;
    if (lanes_any(ends & ~is_free)) {
        put_back(&j->m, g->index, ends & ~is_free, *value);
    }
    return g->live & ~ends;
}

uint32_t CAR_OWN(car_stop_step)(job *j, uint32_t from, uint32_t kept)
{
    march *m = &j->m;
    group g;
    for (uint32_t i = from; i < m->alive; i += CAR_LANES) {
#ifdef CAR_NARROW
        if (m->alive - i <= CAR_LANES / 2) {
            return CAR_NARROW(car_stop_step)(j, i, kept);
        }
#endif
        march_load(m, i, &g);
        car_f value = (car_f)march_get(m, COL_VALUE, i);
        settle(j, value, &g);
        if (!lanes_any(g.live)) {
            continue;
        }
        j->taken += (uint32_t)__builtin_popcount(lanes_bits(g.live));
        const uint32_t bits = lanes_bits(advance(j, &g, &value));
        if (bits != 0) {
            const car_order order = lanes_order(bits);
            march_keep_group(m, &g, order, kept);
            march_keep(m, COL_VALUE, kept, (car_u)value, order);
            kept += (uint32_t)__builtin_popcount(bits);
        }
    }
    return kept;
}

/** Puts a part of a belief behind those who are there. */
static void board(job *j, uint32_t belief, uint32_t first, uint32_t from, uint32_t n)
{
    march *m = &j->m;
    const size_t bytes = m->scene->state_bytes;
    const unsigned char *states = (const unsigned char *)j->beliefs->states + first * bytes;
    block b = block_begin(m->scene);
    for (uint32_t i = 0; i < n; i += CAR_LANES) {
        const unsigned char *at = states + i * bytes;
        const uint32_t place = j->n + i;
        block_move(&b, n, i);
        const ego_lanes e = load_ego(at, &b);
        march_board(m, at, &b, &e, place);
        march_put(m, COL_INDEX, place, (car_u)LANE + place);
        march_put(m, COL_DRAW, place, (car_u)LANE + (from + i));
        march_put(m, COL_VALUE, place, (car_u){0});
    }
    *march_column(m, COL_PART, j->n_parts) = belief;
    *march_column(m, COL_PART + 1, j->n_parts) = first;
    *march_column(m, COL_PART + 2, j->n_parts) = n;
    j->last = states + (n - 1) * bytes;
    j->n_parts++;
    j->n += n;
}

/** Adds what the particles earned to their beliefs, in their order. */
static void sum_up(const job *j)
{
    const march *m = &j->m;
    uint32_t at = 0;
    for (uint32_t p = 0; p < j->n_parts; ++p) {
        const uint32_t n = *march_column(m, COL_PART + 2, p);
        const double *weights = j->beliefs->weights + *march_column(m, COL_PART + 1, p);
        double *lower = &j->lower[*march_column(m, COL_PART, p)];
        double sum = *lower;
        for (uint32_t i = 0; i < n; ++i) {
            float value;
            memcpy(&value, march_column(m, COL_BACK, at + i), sizeof value);
            sum += weights[i] * (double)value;
        }
        *lower = sum;
        at += n;
    }
}

/** Repeats the last who boarded, so that the last group's other lanes are somebody, too. */
static void fill_up(const job *j)
{
    block b = block_begin(j->m.scene);
    block_move(&b, 1, 0);
    const ego_lanes e = load_ego(j->last, &b);
    march_board(&j->m, j->last, &b, &e, j->n);
}

/** All who boarded, to their ends. */
static void march_all(job *j)
{
    march *m = &j->m;
    if (j->n_parts > 1) { /* a part alone has filled its groups */
        fill_up(j);
    }
    m->alive = j->n;
    m->t = 0;
    j->discount = 1.0f;
    while (m->alive > 0) {
        m->alive = CAR_OWN(car_stop_step)(j, 0, 0);
        value_free(j);
        j->discount *= m->scene->rules.discount;
        ++m->t;
    }
    sum_up(j);
    j->n = 0;
    j->n_parts = 0;
}

static void add_belief(job *j, uint32_t belief, uint32_t first)
{
    const uint32_t n = j->beliefs->n[belief];
    const uint32_t room = j->m.room;
    for (uint32_t i = 0; i < n; i += room) {
        const uint32_t part = n - i < room ? n - i : room;
        if (j->n > 0 && part + 2 * CAR_LANES > room - j->n) { /* its last group, and one more */
            march_all(j);
        }
        board(j, belief, first + i, i, part);
    }
}

/** At most what a stop earns, of so many beliefs as there are lanes from one on, whose particles
 * begin at first. */
static car_f best_stops(const job *j, uint32_t from, uint32_t first)
{
    const car_scene *scene = j->m.scene;
    block b = block_begin(scene);
    for (uint32_t i = 0; i < CAR_LANES; ++i) {
        const uint32_t belief = from + i;
        b.place[i] = first * scene->state_bytes;
        first += belief + 1 < j->beliefs->n_beliefs ? j->beliefs->n[belief] : 0;
    }
    ego_lanes e = load_ego(j->beliefs->states, &b);
    e.s_m += e.speed_mps * (e.speed_mps * scene->rules.per_two_brake + 1.0f); /* at most */
    return stand_until_horizon(scene, &e, 1.0);
}

/** Whether a stop that earns best at most may earn more than is known. */
static bool is_worth_it(const job *j, uint32_t belief, uint32_t first, float best)
{
    const double *weights = j->beliefs->weights + first;
    double weight = 0.0;
    for (uint32_t i = 0; i < j->beliefs->n[belief]; ++i) {
        weight += weights[i];
    }
    return !(j->lower[belief] >= weight * ((double)best - WORTH));
}

static __attribute__((noinline)) void stop_all(job *j)
{
    uint32_t first = 0;
    float best[CAR_LANES];
    for (uint32_t i = 0; i < j->beliefs->n_beliefs; ++i) {
        const uint32_t lane = i % CAR_LANES;
        if (lane == 0) {
            const car_f stops = best_stops(j, i, first);
            memcpy(best, &stops, sizeof best);
        }
        if (is_worth_it(j, i, first, best[lane])) {
            j->lower[i] = 0.0;
            add_belief(j, i, first);
        }
        first += j->beliefs->n[i];
    }
    march_all(j);
}

uint64_t CAR_OWN(car_stop)(const void *ctx, const pomdp_beliefs *beliefs, double *lower)
{
    const car_scene *scene = ctx;
    uint32_t least[MAX_COLS * LEAST_ROOM];
    job j = {.beliefs = beliefs};
    j.lower = lower;
    if (scene->rules.speed_floor_mps > 0.0f) {
        return 0; /* it cannot stop */
    }
    march_settle_in(&j.m, scene, beliefs->room, beliefs->room_bytes, least);
    stop_all(&j);
    return j.taken;
}
