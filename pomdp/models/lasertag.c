#include "pomdp/models/lasertag.h"

#include "pomdp/models/pursuit_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NEARER 0.8f /* a cell is worth so much less for each step that it is away */
/* After one observation each scenario is alone, and a plan made for it alone knows what the laser
 * has yet to say. It can gain one of 500 scenarios' weight times some 20: less than this. */
#define LAMBDA 0.05

/* What is observed: eight readings of four bits, or this. */
#define OBS_SAME (UINT64_C(1) << 32)
enum {
    QUAD = 4,
    QUADS = 2, /* whose sums or maxima do not wait for each other's */
    LANES = QUADS * QUAD,
    MAX_STEPS = 90,
    ROLLOUT = 60,
    N_BELIEF = 2000,
    ROWS = 7,
    COLUMNS = 11,
    BLOCKED = 8,
    MARGIN = 16, /* nothing, before and behind the grid */
    BUCKET_BITS = 6,
    BUCKETS = 1 << BUCKET_BITS,
    WORD_BITS = 53, /* of a random number: what hp_rng_unit makes its number of */
};

/* Four cells side by side: what every machine's registers hold. */
typedef float quad __attribute__((vector_size(QUAD * sizeof(float))));
typedef int32_t quad_index __attribute__((vector_size(QUAD * sizeof(int32_t))));

/** A cell that a beam passes. */
typedef struct beam_cell {
    uint8_t place, beam, steps;
} beam_cell;

typedef struct lasertag {
    pursuit floor;
    uint8_t place[PURSUIT_MAX_CELLS]; /* cell's place in the grid */
    /* [robot][way][place] how much comes to a place of what runs away north, east, south, west, or
     * stays
     */
    float inflow[PURSUIT_MAX_CELLS][PURSUIT_FLIGHTS][LASERTAG_GRID];
    float near[PURSUIT_MAX_CELLS][LASERTAG_GRID];     /* [robot][place] NEARER^steps */
    uint8_t toward[PURSUIT_MAX_CELLS][LASERTAG_GRID]; /* [robot][place] first move of a way */
    beam_cell passed[PURSUIT_MAX_CELLS][PURSUIT_MAX_CELLS];
    uint32_t n_passed[PURSUIT_MAX_CELLS];
    /* [diagonal][steps to the wall][steps][reading] of a beam that ends after so many steps to one
     * that reaches the wall */
    float odds[2][PURSUIT_MAX_SIDE + 1][PURSUIT_MAX_SIDE + 1][PURSUIT_READINGS];
    /* [diagonal][steps][bucket of a word] the least reading that the word may give */
    uint8_t least[2][PURSUIT_MAX_SIDE + 1][BUCKETS];
    /* [diagonal][steps][reading] words of WORD_BITS below this give no higher one */
    uint64_t limit[2][PURSUIT_MAX_SIDE + 1][PURSUIT_READINGS];
} lasertag;

static inline quad quad_at(const float *x)
{
    quad v;
    memcpy(&v, x, sizeof(v));
    return v;
}

static uint32_t beam_steps(const pursuit *p, uint32_t robot, uint32_t target, uint32_t d)
{
    return p->beam[robot][target] == d ? p->steps[robot][target] : p->wall_steps[robot][d];
}

static uint64_t read_beams(const lasertag *l, uint32_t robot, uint32_t target, hp_rng draw)
{
    const pursuit *p = &l->floor;
    uint64_t obs = 0;
    for (uint32_t d = 0; d < PURSUIT_BEAMS; d++) {
        const uint32_t steps = beam_steps(p, robot, target, d);
        const uint64_t *limit = l->limit[d >= 4][steps];
        const uint64_t word = hp_rng_u64(draw, 1 + d) >> (64 - WORD_BITS);
        uint64_t reading = l->least[d >= 4][steps][word >> (WORD_BITS - BUCKET_BITS)];
        reading += limit[reading] <= word; /* twice without a branch: buckets that hold more are */
        reading += limit[reading] <= word; /* rare, and a wrong guess costs more than this */
        while (limit[reading] <= word) {
            reading++;
        }
        obs |= reading << (4 * d);
    }
    return obs;
}

/** Where the target may be after its move, as the robot stood at robot: what flows in. */
static void spread(const lasertag *l, uint32_t robot, float *at)
{
    const float(*from)[LASERTAG_GRID] = l->inflow[robot];
    float around[MARGIN + LASERTAG_GRID + MARGIN];
    const float *before = around + MARGIN;
    memset(around, 0, MARGIN * sizeof(*at));
    for (int i = 0; i < LASERTAG_GRID; i += LANES) { /* moves; one copy of all would be a call */
        memcpy(around + MARGIN + i, at + i, LANES * sizeof(*at));
    }
    memset(around + MARGIN + LASERTAG_GRID, 0, MARGIN * sizeof(*at));
    for (int i = 0; i < LASERTAG_GRID; i++) {
        at[i] = before[i] * from[4][i] + before[i - LASERTAG_STRIDE] * from[0][i] +
                before[i - 1] * from[1][i] + before[i + LASERTAG_STRIDE] * from[2][i] +
                before[i + 1] * from[3][i];
    }
}

/** Makes the sum one; false if there is nothing left. */
static bool level(float *at)
{
    float sums[LANES] = {0.0f};
    float sum = 0.0f;
    for (uint32_t t = 0; t < LASERTAG_GRID; t += LANES) {
        for (uint32_t j = 0; j < LANES; j++) {
            sums[j] += at[t + j];
        }
    }
    for (uint32_t j = 0; j < LANES; j++) {
        sum += sums[j];
    }
    if (!(sum > 0.0f)) {
        return false;
    }
    const float scale = 1.0f / sum;
    for (uint32_t t = 0; t < LASERTAG_GRID; t++) {
        at[t] *= scale;
    }
    return true;
}

/** What the readings at robot say of the cells: the odds of the beam that would end there to the
 * same beam at the wall. All other beams are the same for every cell. */
static void weigh(const lasertag *l, uint32_t robot, uint64_t obs, float *at)
{
    const beam_cell *passed = l->passed[robot];
    const float *odds[PURSUIT_BEAMS];
    at[l->place[robot]] = 0.0f;
    for (uint32_t d = 0; d < PURSUIT_BEAMS; d++) {
        odds[d] = &l->odds[d >= 4][l->floor.wall_steps[robot][d]][0][obs >> (4 * d) & 15];
    }
    for (uint32_t i = 0; i < l->n_passed[robot]; i++) {
        at[passed[i].place] *= odds[passed[i].beam][(size_t)passed[i].steps * PURSUIT_READINGS];
    }
}

/** The filter's step: the robot was at from, did action, is at robot and observed obs. False if the
 * filter had thought that impossible; then it knows nothing but that. */
static bool track(const lasertag *l, uint32_t from, uint32_t robot, uint32_t action, uint64_t obs,
                  float *at)
{
    if (action == PURSUIT_TAG) {
        at[l->place[from]] = 0.0f; /* or the game would be over */
    }
    spread(l, from, at);
    if (obs == OBS_SAME) {
        const bool possible = at[l->place[robot]] > 0.0f;
        memset(at, 0, LASERTAG_GRID * sizeof(*at));
        at[l->place[robot]] = 1.0f;
        return possible;
    }
    weigh(l, robot, obs, at);
    if (level(at)) {
        return true;
    }
    for (uint32_t t = 0; t < l->floor.n_cells; t++) {
        at[l->place[t]] = t != robot ? 1.0f / (float)(l->floor.n_cells - 1) : 0.0f;
    }
    return false;
}

static void step(const void *ctx, void *states, uint32_t n, const uint32_t *actions,
                 const uint64_t *keys, pomdp_steps *out)
{
    const lasertag *l = ctx;
    const pursuit *p = &l->floor;
    for (uint32_t i = 0; i < n; i++) {
        lasertag_state *s = (lasertag_state *)states + i;
        const hp_rng draw = {keys[i]};
        const uint32_t from = s->robot;
        const bool caught = actions[i] == PURSUIT_TAG && s->robot == s->target;
        uint64_t obs = OBS_SAME;
        out->reward[i] = pursuit_reward(actions[i], caught);
        out->terminal[i] = caught;
        if (!caught) {
            s->target = pursuit_flee(p, s->robot, s->target, draw);
            s->robot = p->move[from][actions[i]];
            s->met = s->robot == s->target;
            obs = s->met != 0 ? OBS_SAME : read_beams(l, s->robot, s->target, draw);
            (void)track(l, from, s->robot, actions[i], obs, s->at);
        }
        if (out->obs != NULL) {
            out->obs[i] = obs;
        }
    }
}

/** The place where the target is likeliest to be, for its distance. */
static uint32_t place_to_go(const lasertag *l, const lasertag_state *s)
{
    const float *near = l->near[s->robot];
    /* no worth is negative: its bits are in the same order as worths are */
    quad_index most[QUADS] = {{-1, -1, -1, -1}, {-1, -1, -1, -1}};
    quad_index where[QUADS] = {{0}}; /* the first such */
    for (uint32_t c = 0; c < LASERTAG_GRID; c += QUADS * QUAD) {
        for (uint32_t q = 0; q < QUADS; q++) {
            const int32_t at = (int32_t)(c + q * QUAD);
            const quad_index here = {at, at + 1, at + 2, at + 3};
            const quad_index worth = (quad_index)(quad_at(s->at + at) * quad_at(near + at));
            const quad_index more = worth > most[q];
            where[q] = (more & here) | (~more & where[q]);
            most[q] = (more & worth) | (~more & most[q]);
        }
    }
    uint64_t best = 0;
    for (uint32_t j = 0; j < QUADS * QUAD; j++) {
        const uint64_t before = LASERTAG_GRID - (uint32_t)where[j / QUAD][j % QUAD];
        const uint64_t key = (uint64_t)(uint32_t)most[j / QUAD][j % QUAD] << 32 | before;
        best = key > best ? key : best;
    }
    return LASERTAG_GRID - (uint32_t)best;
}

/** Tags who was felt, else goes to where the target is likely to be, and near. */
static void default_policy(const void *ctx, const void *states, uint32_t n, uint32_t *actions)
{
    const lasertag *l = ctx;
    for (uint32_t i = 0; i < n; i++) {
        const lasertag_state *s = (const lasertag_state *)states + i;
        actions[i] = s->met != 0 ? PURSUIT_TAG : (uint32_t)l->toward[s->robot][place_to_go(l, s)];
    }
}

/** Whoever only walks, for ever, loses no more than this. */
static void tail(const void *ctx, const void *states, uint32_t n, double *values)
{
    (void)ctx;
    (void)states;
    for (uint32_t i = 0; i < n; i++) {
        values[i] = PURSUIT_REWARD_MOVE / (1.0 - PURSUIT_DISCOUNT);
    }
}

static void upper(const void *ctx, const void *states, uint32_t n, double *values)
{
    const lasertag *l = ctx;
    const lasertag_state *s = states;
    for (uint32_t i = 0; i < n; i++) {
        values[i] = l->floor.value[s[i].robot][s[i].target];
    }
}

static void action_upper(const void *ctx, const void *states, const double *weights, uint32_t n,
                         double *values)
{
    const lasertag *l = ctx;
    const lasertag_state *s = states;
    double sums[PURSUIT_N_ACTIONS] = {0.0};
    for (uint32_t i = 0; i < n; i++) {
        const double *each = l->floor.action_value[s[i].robot][s[i].target];
        for (uint32_t a = 0; a < PURSUIT_N_ACTIONS; a++) {
            sums[a] += weights[i] * each[a];
        }
    }
    memcpy(values, sums, sizeof(sums));
}

/** Particles hardly ever draw what was observed. The filter that they carry is exact, so that their
 * targets are drawn from it. */
static bool repair(const void *ctx, const void *before, uint32_t action, uint64_t obs, uint64_t key,
                   void *after)
{
    const lasertag *l = ctx;
    const lasertag_state *was = before;
    lasertag_state *is = after;
    double left = hp_rng_unit((hp_rng){key}, 0);
    uint32_t target = 0;
    memcpy(is->at, was->at, sizeof(is->at));
    if (!track(l, was->robot, is->robot, action, obs, is->at)) {
        return false;
    }
    for (uint32_t t = 0; t < l->floor.n_cells && left >= 0.0; t++) {
        left -= (double)is->at[l->place[t]];
        target = is->at[l->place[t]] > 0.0f ? t : target;
    }
    is->target = (uint8_t)target;
    is->met = obs == OBS_SAME;
    return true;
}

static void sample(const void *ctx, hp_rng stream, uint32_t n, void *states)
{
    const lasertag *l = ctx;
    const pursuit *p = &l->floor;
    lasertag_state *s = states;
    for (uint32_t i = 0; i < n; i++) {
        s[i] = (lasertag_state){.robot = (uint8_t)p->start,
                                .target = (uint8_t)(hp_rng_u64(stream, i) % p->n_cells)};
        for (uint32_t t = 0; t < p->n_cells; t++) {
            s[i].at[l->place[t]] = 1.0f / (float)p->n_cells;
        }
    }
}

static double likely(const double *cumulated, uint32_t reading)
{
    return cumulated[reading] - (reading > 0 ? cumulated[reading - 1] : 0.0);
}

static void build_readings(lasertag *l)
{
    for (uint32_t at = 0; at < 2 * PURSUIT_MAX_SIDE; at++) {
        const uint32_t diagonal = at % 2;
        const uint32_t steps = 1 + at / 2;
        const double *cumulated = l->floor.cumulated[diagonal][steps];
        for (uint32_t wall = steps; wall <= PURSUIT_MAX_SIDE; wall++) {
            const double *to_wall = l->floor.cumulated[diagonal][wall];
            for (uint32_t k = 0; k < PURSUIT_READINGS; k++) {
                const double p_wall = likely(to_wall, k);
                l->odds[diagonal][wall][steps][k] =
                    p_wall > 0.0 ? (float)(likely(cumulated, k) / p_wall) : 0.0f;
            }
        }
        for (uint32_t k = 0; k < PURSUIT_READINGS; k++) {
            l->limit[diagonal][steps][k] = (uint64_t)ceil(ldexp(cumulated[k], WORD_BITS));
        }
        for (uint32_t bucket = 0; bucket < BUCKETS; bucket++) {
            uint8_t reading = 0;
            while (cumulated[reading] <= (double)bucket / BUCKETS) {
                reading++;
            }
            l->least[diagonal][steps][bucket] = reading;
        }
    }
}

/** What flows along the grid, and the cells that beams pass. */
static void build_cells(lasertag *l)
{
    static const int WAY[PURSUIT_FLIGHTS] = {LASERTAG_STRIDE, 1, -LASERTAG_STRIDE, -1, 0};
    const pursuit *p = &l->floor;
    for (uint32_t t = 0; t < p->n_cells; t++) {
        l->place[t] = (uint8_t)lasertag_place(p->x[t], p->y[t]);
    }
    for (uint32_t robot = 0; robot < p->n_cells; robot++) {
        for (uint32_t t = 0; t < p->n_cells; t++) {
            for (uint32_t i = 0; i < PURSUIT_FLIGHTS; i++) {
                const int to = l->place[p->flight[robot][t][i]];
                for (uint32_t way = 0; way < PURSUIT_FLIGHTS; way++) {
                    l->inflow[robot][way][to] +=
                        to - l->place[t] == WAY[way] ? 1.0f / PURSUIT_FLIGHTS : 0.0f;
                }
            }
            if (p->beam[robot][t] != PURSUIT_OFF_BEAM) {
                l->passed[robot][l->n_passed[robot]++] =
                    (beam_cell){l->place[t], p->beam[robot][t], p->steps[robot][t]};
            }
        }
    }
}

/** Where to go, and how. The robot's own cell is nowhere to go to. */
static void build_ways(lasertag *l)
{
    for (uint32_t robot = 0; robot < l->floor.n_cells; robot++) {
        for (uint32_t t = 0; t < l->floor.n_cells; t++) {
            const uint32_t steps = l->floor.distance[robot][t];
            l->near[robot][l->place[t]] = t != robot ? powf(NEARER, (float)steps) : 0.0f;
            l->toward[robot][l->place[t]] = l->floor.toward[robot][t];
        }
    }
}

/** The floor: which cells are blocked is up to the seed. */
static void draw_floor(uint64_t seed, lasertag *l)
{
    char floor[ROWS][COLUMNS + 1];
    const char *rows[ROWS];
    const hp_rng stream = hp_rng_lane(hp_rng_seed(seed), 1);
    for (uint32_t r = 0; r < ROWS; r++) {
        memset(floor[r], '.', COLUMNS);
        floor[r][COLUMNS] = '\0';
        rows[r] = floor[r];
    }
    uint64_t draw = 0;
    for (uint32_t blocked = 0; blocked < BLOCKED; draw++) {
        const uint64_t at = hp_rng_u64(stream, draw) % ((uint64_t)ROWS * COLUMNS);
        char *cell = &floor[at / COLUMNS][at % COLUMNS];
        blocked += *cell == '.';
        *cell = '#';
    }
    pursuit_build(&l->floor, rows, ROWS);
}

hp_status lasertag_open(uint64_t seed, pomdp_problem *out)
{
    lasertag *l = calloc(1, sizeof(*l));
    if (l == NULL) {
        return HP_ENOMEM;
    }
    draw_floor(seed, l);
    build_readings(l);
    build_cells(l);
    build_ways(l);
    l->floor.start = pursuit_start(&l->floor, seed);
    *out = (pomdp_problem){.model = {.name = "lasertag",
                                     .n_actions = PURSUIT_N_ACTIONS,
                                     .state_size = sizeof(lasertag_state),
                                     .discount = PURSUIT_DISCOUNT,
                                     .reward_max = PURSUIT_REWARD_TAG,
                                     .step = step,
                                     .default_policy = default_policy,
                                     .tail = tail,
                                     .upper = upper,
                                     .action_upper = action_upper,
                                     .repair = repair,
                                     .ctx = l},
                           .sample = sample,
                           .max_steps = MAX_STEPS,
                           .n_belief = N_BELIEF,
                           .ctx = l,
                           .destroy = free};
    pomdp_config_default(&out->config);
    out->config.regularisation = LAMBDA;
    out->config.rollout_depth = ROLLOUT;
    out->config.max_nodes = 1U << 17;
    out->config.max_particles = 1U << 17;
    return HP_OK;
}
