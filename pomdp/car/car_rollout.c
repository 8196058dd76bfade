#include "pomdp/car/car_march.h"
#include "pomdp/car/car_wait.h"

enum {
    COL_ROW = COL_OWN,     /* of the path, at the ego: four */
    COL_FREE = COL_ROW + 4 /* who ended on a free road: place, speed, reward, index */
};

/** A call's work: who is on his way, and what does not change. Every kernel reads the same. */
struct car_rollout_job {
    march m;
    const unsigned char *states;
    const pomdp_draws *draws;
    double *returned;
    uint32_t n_steps;
    double discount; /* of step t */
};

typedef struct car_rollout_job job;

/** Fills the columns with n particles from first on. */
static __attribute__((noinline)) void board(job *j, uint32_t first, uint32_t n)
{
    march *m = &j->m;
    block b = block_begin(m->scene);
    for (uint32_t i = 0; i < n; i += CAR_LANES) {
        const unsigned char *at = j->states + (size_t)(first + i) * m->scene->state_bytes;
        block_move(&b, n, i);
        const ego_lanes e = load_ego(at, &b);
        const car_columns row = pose_at(m->scene, e.s_m).row;
        march_board(m, at, &b, &e, i);
        for (uint32_t c = 0; c < 4; ++c) {
            march_put(m, COL_ROW + c, i, (car_u)row.c[c]);
        }
        march_put(m, COL_INDEX, i,
                  (car_u)lanes_pick_i(LANE < lanes_all_i((int32_t)b.live),
                                      LANE + (int32_t)(first + i), lanes_all_i((int32_t)first)));
        for (uint32_t lane_of = 0; lane_of < CAR_LANES; ++lane_of) {
            const uint32_t who = lane_of < b.live ? lane_of : b.live - 1;
            *march_column(m, COL_DRAW, i + lane_of) = j->draws->column[first + i + who];
        }
    }
    for (uint32_t i = first; i < first + n; ++i) {
        j->returned[i] = 0.0;
    }
    m->alive = n;
    m->t = 0;
    j->discount = 1.0;
}

static void draw(const job *j, group *g)
{
    const uint64_t *row = &j->draws->rows[(size_t)j->m.t * j->draws->stride];
    uint64_t keys[CAR_LANES];
    size_t at[CAR_LANES];
    lanes_to_sizes(g->draw, at);
    for (uint32_t lane = 0; lane < CAR_LANES; ++lane) {
        keys[lane] = row[at[lane]];
    }
    lanes_load_words(keys, &g->step.key_low, &g->step.key_high);
}

/** Adds what some lanes earned, in doubles as the solver does. */
static void earn(const job *j, car_i index, car_i who, double discount, car_f reward)
{
    double x[CAR_LANES];
    size_t at[CAR_LANES];
    lanes_store_doubles((car_f)((car_i)reward & who), x);
    lanes_to_sizes(index, at);
    for (uint32_t lane = 0; lane < CAR_LANES; ++lane) { /* the rest add nothing, to anybody */
        j->returned[at[lane]] += discount * x[lane];
    }
}

/** Ends the lanes that stand and wait: what is left of them is known. Rare enough for a frame of
 * its own. */
static __attribute__((noinline)) void settle(const job *j, car_i stands, const car_columns *row,
                                             group *g)
{
    car_f value;
    const car_i decided =
        stands & wait_is_decided(j->m.scene, &g->step.ego, row, g->others,
                                 lanes_all_i((int32_t)(j->n_steps - j->m.t)), &value);
    earn(j, g->index, decided, j->discount, value);
    g->live &= ~decided;
}

/** Puts those who ended on a free road with this step aside: what that is worth is found for a
 * group at a time. */
static void set_free(job *j, const group *g, car_i is_free, car_f reward)
{
    march *m = &j->m;
    const uint32_t bits = lanes_bits(is_free);
    const car_order order = lanes_order(bits);
    march_keep(m, COL_FREE, m->on_free, (car_u)g->step.ego.s_m, order);
    march_keep(m, COL_FREE + 1, m->on_free, (car_u)g->step.ego.speed_mps, order);
    march_keep(m, COL_FREE + 2, m->on_free, (car_u)reward, order);
    march_keep(m, COL_FREE + 3, m->on_free, (car_u)g->index, order);
    m->on_free += (uint32_t)__builtin_popcount(bits);
}

static __attribute__((noinline)) void value_free(job *j)
{
    march *m = &j->m;
    for (uint32_t i = 0; i < m->on_free; i += CAR_LANES) {
        const ego_lanes e = {.s_m = (car_f)march_get(m, COL_FREE, i),
                             .speed_mps = (car_f)march_get(m, COL_FREE + 1, i)};
        const car_f reward = (car_f)march_get(m, COL_FREE + 2, i);
        const car_i live = LANE < lanes_all_i((int32_t)(m->on_free - i));
        const car_i index = (car_i)march_get(m, COL_FREE + 3, i) & live;
        earn(j, index, live, j->discount, with_free_road(m->scene, &e, reward));
    }
    m->on_free = 0;
}

/** One step of a group, whose egos stand at a row of the path; gives those that go on. */
static car_i advance(job *j, const car_columns *row, group *g)
{
    const car_scene *scene = j->m.scene;
    car_i ends;
    car_i is_free;
    const car_i brakes = must_brake(scene, &g->step.ego, row, g->others);
    const car_f command = lanes_pick(brakes, lanes_all(scene->rules.slowest_mps2),
                                     lanes_all(scene->rules.fastest_mps2));
    const car_i stands = g->live & brakes & (g->step.ego.speed_mps == (car_f){0});
    if (lanes_any(stands)) {
        settle(j, stands, row, g);
    }
    draw(j, g);
    begin_step(scene, default_action(scene, brakes), command, g->step.ego, &g->step);
    for (uint32_t k = 0; k < scene->n_others; ++k) {
        (void)step_other(scene, k, false, &g->step, &g->others[k]);
    }
    const car_f reward = judge_step(scene, &g->step, &ends, &is_free);
    is_free &= g->live;
    earn(j, g->index, g->live & ~is_free, j->discount, reward);
    if (lanes_any(is_free)) {
        set_free(j, g, is_free, reward);
    }
    return g->live & ~ends;
}

uint32_t CAR_OWN(car_rollout_step)(job *j, uint32_t from, uint32_t kept)
{
    march *m = &j->m;
    group g;
    for (uint32_t i = from; i < m->alive; i += CAR_LANES) {
#ifdef CAR_NARROW
        if (m->alive - i <= CAR_LANES / 2) {
            return CAR_NARROW(car_rollout_step)(j, i, kept);
        }
#endif
        car_columns row;
        march_load(m, i, &g);
        for (uint32_t c = 0; c < 4; ++c) {
            row.c[c] = (car_f)march_get(m, COL_ROW + c, i);
        }
        const uint32_t bits = lanes_bits(advance(j, &row, &g));
        if (bits != 0) {
            const car_order order = lanes_order(bits);
            march_keep_group(m, &g, order, kept);
            for (uint32_t c = 0; c < 4; ++c) {
                march_keep(m, COL_ROW + c, kept, (car_u)g.step.end.row.c[c], order);
            }
            kept += (uint32_t)__builtin_popcount(bits);
        }
    }
    return kept;
}

/** One step of all; gives how many took it. */
static uint32_t step_all(job *j)
{
    const uint32_t n = j->m.alive;
    const uint32_t kept = CAR_OWN(car_rollout_step)(j, 0, 0);
    value_free(j);
    j->m.alive = kept;
    ++j->m.t;
    j->discount *= j->m.scene->config->discount;
    return n;
}

/** Those whose steps are used up: the road counts as free. */
static __attribute__((noinline)) void tail(job *j)
{
    group g;
    for (uint32_t i = 0; i < j->m.alive; i += CAR_LANES) {
        march_load(&j->m, i, &g);
        earn(j, g.index, g.live, j->discount, free_road_value(j->m.scene, &g.step.ego));
    }
}

/** All of a job's n particles, as many at a time as there is room. */
static __attribute__((noinline)) uint64_t run(job *j, uint32_t n)
{
    const uint32_t room = j->m.room;
    uint64_t taken = 0;
    for (uint32_t first = 0; first < n; first += room) {
        board(j, first, n - first < room ? n - first : room);
        while (j->m.alive > 0 && j->m.t < j->n_steps) {
            taken += step_all(j);
        }
        tail(j);
    }
    return taken;
}

uint64_t CAR_OWN(car_rollout)(const void *ctx, const void *states, uint32_t n,
                              const pomdp_draws *draws, uint32_t n_steps, double *returned)
{
    uint32_t least[MAX_COLS * LEAST_ROOM];
    job j = {.states = states, .draws = draws, .n_steps = n_steps};
    j.returned = returned;
    march_settle_in(&j.m, ctx, draws->room, draws->room_bytes, least);
    return run(&j, n);
}
