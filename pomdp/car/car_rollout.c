#include "pomdp/car/car_kernel.h"
#include "pomdp/car/car_wait.h"

/* Particles on their way, in lockstep: one column of words for each of their numbers. Whoever has
 * arrived is dropped as the others are written back, so that the lanes of the next step are full.
 */
enum {
    COL_S,
    COL_SPEED,
    COL_ACCEL,
    COL_MEMORY,
    COL_ROW, /* of the path, at the ego: four */
    COL_INDEX = COL_ROW + 4,
    COL_DRAW,
    COL_FREE,                 /* who ended on a free road: place, speed, reward, index */
    COL_OTHER = COL_FREE + 4, /* place, velocity, code: five for each other */
    OTHER_COLS = 5,
    MAX_COLS = COL_OTHER + OTHER_COLS * CAR_MAX_AGENTS,
    LEAST_ROOM = CAR_LANES, /* particles for which there is always room */
};

/** A call's work: what does not change, and who is on his way. */
typedef struct job {
    const car_scene *scene;
    const unsigned char *states;
    const pomdp_draws *draws;
    double *returned;
    uint32_t *words; /* [columns][room] */
    uint32_t room;   /* particles */
    uint32_t alive, on_free;
    uint32_t t, n_steps;
    double discount; /* of step t */
} job;

/** Eight of them. */
typedef struct group {
    step_lanes step; /* its ego is where they are now */
    other_lanes others[CAR_MAX_AGENTS];
    car_columns row;
    car_i8 live;
    car_i8 index, draw;
} group;

static inline uint32_t *column(const job *j, uint32_t c, uint32_t at)
{
    return &j->words[(size_t)c * j->room + at];
}

static inline car_u8 get(const job *j, uint32_t c, uint32_t at)
{
    car_u8 v;
    memcpy(&v, column(j, c, at), sizeof v);
    return v;
}

static inline void put(const job *j, uint32_t c, uint32_t at, car_u8 v)
{
    memcpy(column(j, c, at), &v, sizeof v);
}

static inline void keep(const job *j, uint32_t c, uint32_t at, car_u8 v, car_i8 order)
{
    lanes_store_ordered(v, order, column(j, c, at));
}

/** Fills the columns with n particles from first on. */
static __attribute__((noinline)) void board(job *j, uint32_t first, uint32_t n)
{
    const car_scene *scene = j->scene;
    block b = block_begin(scene);
    for (uint32_t i = 0; i < n; i += CAR_LANES) {
        const unsigned char *at = j->states + (size_t)(first + i) * scene->state_bytes;
        block_move(&b, n, i);
        const ego_lanes e = load_ego(at, &b);
        const car_columns row = pose_at(scene, e.s_m).row;
        put(j, COL_S, i, (car_u8)e.s_m);
        put(j, COL_SPEED, i, (car_u8)e.speed_mps);
        put(j, COL_ACCEL, i, (car_u8)e.accel_mps2);
        put(j, COL_MEMORY, i, e.memory);
        for (uint32_t c = 0; c < 4; ++c) {
            put(j, COL_ROW + c, i, (car_u8)row.c[c]);
        }
        put(j, COL_INDEX, i,
            (car_u8)lanes_pick_i(LANE < lanes_all_i((int32_t)b.live), LANE + (int32_t)(first + i),
                                 lanes_all_i((int32_t)first)));
        for (uint32_t k = 0; k < scene->n_others; ++k) {
            const other_lanes o = load_other(at, &b, k);
            const uint32_t c = COL_OTHER + OTHER_COLS * k;
            put(j, c, i, (car_u8)o.x_m);
            put(j, c + 1, i, (car_u8)o.y_m);
            put(j, c + 2, i, (car_u8)o.vx_mps);
            put(j, c + 3, i, (car_u8)o.vy_mps);
            put(j, c + 4, i, o.code);
        }
        for (uint32_t lane_of = 0; lane_of < CAR_LANES; ++lane_of) {
            const uint32_t who = lane_of < b.live ? lane_of : b.live - 1;
            *column(j, COL_DRAW, i + lane_of) = j->draws->column[first + i + who];
        }
    }
    for (uint32_t i = first; i < first + n; ++i) {
        j->returned[i] = 0.0;
    }
    j->alive = n;
    j->t = 0;
    j->discount = 1.0;
}

static void load_group(const job *j, uint32_t at, group *g)
{
    ego_lanes *e = &g->step.ego;
    g->live = LANE < lanes_all_i((int32_t)(j->alive - at));
    e->s_m = (car_f8)get(j, COL_S, at);
    e->speed_mps = (car_f8)get(j, COL_SPEED, at);
    e->accel_mps2 = (car_f8)get(j, COL_ACCEL, at);
    e->memory = get(j, COL_MEMORY, at);
    /* lanes behind the last have been somewhere else; all of a group are to be at the same step */
    const car_i8 first = lanes_all_i((int32_t)e->memory[0]);
    e->memory = (car_u8)lanes_pick_i(g->live, (car_i8)e->memory, first);
    for (uint32_t c = 0; c < 4; ++c) {
        g->row.c[c] = (car_f8)get(j, COL_ROW + c, at);
    }
    g->index = (car_i8)get(j, COL_INDEX, at);
    g->draw = (car_i8)get(j, COL_DRAW, at);
    for (uint32_t k = 0; k < j->scene->n_others; ++k) {
        const uint32_t c = COL_OTHER + OTHER_COLS * k;
        other_lanes *o = &g->others[k];
        o->x_m = (car_f8)get(j, c, at);
        o->y_m = (car_f8)get(j, c + 1, at);
        o->vx_mps = (car_f8)get(j, c + 2, at);
        o->vy_mps = (car_f8)get(j, c + 3, at);
        o->code = get(j, c + 4, at);
        o->motion = (car_i8)(o->code & 0xff);
    }
}

/** Writes those who go on behind the others that do. */
static uint32_t keep_group(const job *j, const group *g, uint32_t bits, uint32_t at)
{
    const car_i8 order = lanes_order(bits);
    const ego_lanes *e = &g->step.ego;
    keep(j, COL_S, at, (car_u8)e->s_m, order);
    keep(j, COL_SPEED, at, (car_u8)e->speed_mps, order);
    keep(j, COL_ACCEL, at, (car_u8)e->accel_mps2, order);
    keep(j, COL_MEMORY, at, e->memory, order);
    for (uint32_t c = 0; c < 4; ++c) {
        keep(j, COL_ROW + c, at, (car_u8)g->step.end.row.c[c], order);
    }
    keep(j, COL_INDEX, at, (car_u8)g->index, order);
    keep(j, COL_DRAW, at, (car_u8)g->draw, order);
    for (uint32_t k = 0; k < j->scene->n_others; ++k) {
        const uint32_t c = COL_OTHER + OTHER_COLS * k;
        const other_lanes *o = &g->others[k];
        keep(j, c, at, (car_u8)o->x_m, order);
        keep(j, c + 1, at, (car_u8)o->y_m, order);
        keep(j, c + 2, at, (car_u8)o->vx_mps, order);
        keep(j, c + 3, at, (car_u8)o->vy_mps, order);
        keep(j, c + 4, at, (o->code & ~255U) | (car_u8)o->motion, order);
    }
    return at + (uint32_t)__builtin_popcount(bits);
}

static void draw(const job *j, group *g)
{
    const uint64_t *row = &j->draws->rows[(size_t)j->t * j->draws->stride];
    uint64_t keys[CAR_LANES];
    size_t at[CAR_LANES];
    lanes_to_sizes(g->draw, at);
    for (uint32_t lane = 0; lane < CAR_LANES; ++lane) {
        keys[lane] = row[at[lane]];
    }
    lanes_load_words(keys, &g->step.key_low, &g->step.key_high);
}

/** Adds what some lanes earned, in doubles as the solver does. */
static void earn(const job *j, const group *g, car_i8 who, double discount, car_f8 reward)
{
    double x[CAR_LANES];
    size_t index[CAR_LANES];
    lanes_store_doubles((car_f8)((car_i8)reward & who), x);
    lanes_to_sizes(g->index, index);
    for (uint32_t lane = 0; lane < CAR_LANES; ++lane) { /* the rest add nothing, to anybody */
        j->returned[index[lane]] += discount * x[lane];
    }
}

/** Ends the lanes that stand and wait: what is left of them is known. Rare enough for a frame of
 * its own. */
static __attribute__((noinline)) void settle(const job *j, car_i8 stands, group *g)
{
    car_f8 value;
    const car_i8 decided =
        stands & wait_is_decided(j->scene, &g->step.ego, &g->row, g->others,
                                 lanes_all_i((int32_t)(j->n_steps - j->t)), &value);
    earn(j, g, decided, j->discount, value);
    g->live &= ~decided;
}

/** Puts those who ended on a free road with this step aside: what that is worth is found for eight
 * at a time. */
static void set_free(job *j, const group *g, car_i8 is_free, car_f8 reward)
{
    const uint32_t bits = lanes_bits(is_free);
    const car_i8 order = lanes_order(bits);
    keep(j, COL_FREE, j->on_free, (car_u8)g->step.ego.s_m, order);
    keep(j, COL_FREE + 1, j->on_free, (car_u8)g->step.ego.speed_mps, order);
    keep(j, COL_FREE + 2, j->on_free, (car_u8)reward, order);
    keep(j, COL_FREE + 3, j->on_free, (car_u8)g->index, order);
    j->on_free += (uint32_t)__builtin_popcount(bits);
}

static __attribute__((noinline)) void value_free(job *j)
{
    for (uint32_t i = 0; i < j->on_free; i += CAR_LANES) {
        const ego_lanes e = {.s_m = (car_f8)get(j, COL_FREE, i),
                             .speed_mps = (car_f8)get(j, COL_FREE + 1, i)};
        const car_f8 reward = (car_f8)get(j, COL_FREE + 2, i);
        const car_i8 live = LANE < lanes_all_i((int32_t)(j->on_free - i));
        const group g = {.index = (car_i8)get(j, COL_FREE + 3, i) & live};
        earn(j, &g, live, j->discount, with_free_road(j->scene, &e, reward));
    }
    j->on_free = 0;
}

/** One step of a group; gives those that go on. */
static car_i8 advance(job *j, group *g)
{
    const car_scene *scene = j->scene;
    car_i8 ends;
    car_i8 is_free;
    const car_i8 brakes = must_brake(scene, &g->step.ego, &g->row, g->others);
    const car_f8 command = lanes_pick(brakes, lanes_all(scene->rules.slowest_mps2),
                                      lanes_all(scene->rules.fastest_mps2));
    const car_i8 stands = g->live & brakes & (g->step.ego.speed_mps == (car_f8){0});
    if (lanes_any(stands)) {
        settle(j, stands, g);
    }
    draw(j, g);
    begin_step(scene, default_action(scene, brakes), command, g->step.ego, &g->step);
    for (uint32_t k = 0; k < scene->n_others; ++k) {
        (void)step_other(scene, k, false, &g->step, &g->others[k]);
    }
    const car_f8 reward = judge_step(scene, &g->step, &ends, &is_free);
    is_free &= g->live;
    earn(j, g, g->live & ~is_free, j->discount, reward);
    if (lanes_any(is_free)) {
        set_free(j, g, is_free, reward);
    }
    return g->live & ~ends;
}

/** One step of all; gives how many took it. */
static uint32_t step_all(job *j)
{
    const uint32_t n = j->alive;
    uint32_t kept = 0;
    group g;
    for (uint32_t i = 0; i < n; i += CAR_LANES) {
        load_group(j, i, &g);
        const uint32_t bits = lanes_bits(advance(j, &g));
        if (bits != 0) {
            kept = keep_group(j, &g, bits, kept);
        }
    }
    value_free(j);
    j->alive = kept;
    ++j->t;
    j->discount *= j->scene->config->discount;
    return n;
}

/** Those whose steps are used up: the road counts as free. */
static __attribute__((noinline)) void tail(job *j)
{
    group g;
    for (uint32_t i = 0; i < j->alive; i += CAR_LANES) {
        load_group(j, i, &g);
        earn(j, &g, g.live, j->discount, free_road_value(j->scene, &g.step.ego));
    }
}

/** All of a job's n particles, as many at a time as there is room. */
static __attribute__((noinline)) uint64_t run(job *j, uint32_t n)
{
    uint64_t taken = 0;
    for (uint32_t first = 0; first < n; first += j->room) {
        board(j, first, n - first < j->room ? n - first : j->room);
        while (j->alive > 0 && j->t < j->n_steps) {
            taken += step_all(j);
        }
        tail(j);
    }
    return taken;
}

uint64_t CAR_ROLLOUT(const void *ctx, const void *states, uint32_t n, const pomdp_draws *draws,
                     uint32_t n_steps, double *returned)
{
    const car_scene *scene = ctx;
    uint32_t least[MAX_COLS * LEAST_ROOM];
    const size_t bytes =
        (COL_OTHER + OTHER_COLS * (size_t)scene->n_others) * CAR_LANES * sizeof least[0];
    const size_t groups = draws->room_bytes / bytes;
    job j = {.scene = scene,
             .states = states,
             .draws = draws,
             .returned = returned,
             .words = groups > 0 ? draws->room : least,
             .room = groups > 0 ? (uint32_t)groups * CAR_LANES : LEAST_ROOM,
             .n_steps = n_steps};
    return run(&j, n);
}
