#include "pomdp/models/lasertag.h"

#include "pomdp/models/pursuit_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NEARER 0.8f /* a cell is worth so much less for each step that it is away */

/* What is observed: eight readings of four bits, or this. */
#define OBS_SAME (UINT64_C(1) << 32)
enum { LANES = 8, MAX_STEPS = 90, ROLLOUT = 60, N_BELIEF = 2000 };

typedef struct lasertag {
    pursuit floor;
    float likely[2][PURSUIT_MAX_SIDE + 1][PURSUIT_READINGS]; /* [diagonal][steps][reading] */
    float near[PURSUIT_MAX_CELLS][LASERTAG_CELLS];           /* [robot][cell] NEARER^steps */
} lasertag;

static uint32_t beam_steps(const pursuit *p, uint32_t robot, uint32_t target, uint32_t d)
{
    return p->beam[robot][target] == d ? p->steps[robot][target] : p->wall_steps[robot][d];
}

static uint64_t read_beams(const pursuit *p, uint32_t robot, uint32_t target, hp_rng draw)
{
    uint64_t obs = 0;
    for (uint32_t d = 0; d < PURSUIT_BEAMS; d++) {
        const double *cumulated = p->cumulated[d >= 4][beam_steps(p, robot, target, d)];
        const double u = hp_rng_unit(draw, 1 + d);
        uint64_t reading = 0;
        while (cumulated[reading] <= u) {
            reading++;
        }
        obs |= reading << (4 * d);
    }
    return obs;
}

static uint64_t observe(const pursuit *p, uint32_t robot, uint32_t target, hp_rng draw)
{
    return robot == target ? OBS_SAME : read_beams(p, robot, target, draw);
}

/** Where the target may be after its move, as the robot stood at robot. */
static void spread(const pursuit *p, uint32_t robot, float *at)
{
    float next[LASERTAG_CELLS] = {0.0f};
    for (uint32_t t = 0; t < p->n_cells; t++) {
        const uint8_t *to = p->flight[robot][t];
        const float share = at[t] * (1.0f / PURSUIT_FLIGHTS);
        next[to[4]] += share;
        for (uint32_t i = 0; i < 4; i += 2) { /* along an axis: mostly one way only */
            if (to[i] == to[i + 1]) {
                next[to[i]] += 2.0f * share;
            } else {
                next[to[i]] += share;
                next[to[i + 1]] += share;
            }
        }
    }
    memcpy(at, next, sizeof(next));
}

/** Makes the sum one; false if there is nothing left. */
static bool level(float *at)
{
    float sums[LANES] = {0.0f};
    float sum = 0.0f;
    for (uint32_t t = 0; t < LASERTAG_CELLS; t += LANES) {
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
    for (uint32_t t = 0; t < LASERTAG_CELLS; t++) {
        at[t] *= scale;
    }
    return true;
}

/** What the readings at robot say of the cells: the odds of each beam that would end at the target
 * to the same beam at the wall. All other beams are the same for every cell. */
static void weigh(const lasertag *l, uint32_t robot, uint64_t obs, float *at)
{
    const pursuit *p = &l->floor;
    float to_wall[PURSUIT_BEAMS];
    at[robot] = 0.0f;
    for (uint32_t d = 0; d < PURSUIT_BEAMS; d++) {
        to_wall[d] = l->likely[d >= 4][p->wall_steps[robot][d]][obs >> (4 * d) & 15];
    }
    for (uint32_t t = 0; t < p->n_cells; t++) {
        const uint32_t d = p->beam[robot][t];
        if (d != PURSUIT_OFF_BEAM) {
            at[t] *= l->likely[d >= 4][p->steps[robot][t]][obs >> (4 * d) & 15] / to_wall[d];
        }
    }
}

/** The filter's step: the robot was at from, did action, is at robot and observed obs. False if the
 * filter had thought that impossible; then it knows nothing but that. */
static bool track(const lasertag *l, uint32_t from, uint32_t robot, uint32_t action, uint64_t obs,
                  float *at)
{
    if (action == PURSUIT_TAG) {
        at[from] = 0.0f; /* or the game would be over */
    }
    spread(&l->floor, from, at);
    if (obs == OBS_SAME) {
        const bool possible = at[robot] > 0.0f;
        memset(at, 0, LASERTAG_CELLS * sizeof(*at));
        at[robot] = 1.0f;
        return possible;
    }
    weigh(l, robot, obs, at);
    if (level(at)) {
        return true;
    }
    for (uint32_t t = 0; t < l->floor.n_cells; t++) {
        at[t] = t != robot ? 1.0f / (float)(l->floor.n_cells - 1) : 0.0f;
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
            obs = observe(p, s->robot, s->target, draw);
            (void)track(l, from, s->robot, actions[i], obs, s->at);
        }
        if (out->obs != NULL) {
            out->obs[i] = obs;
        }
    }
}

/** Tags who was felt, else goes to where the target is likely to be, and near. */
static void default_policy(const void *ctx, const void *states, uint32_t n, uint32_t *actions)
{
    const lasertag *l = ctx;
    for (uint32_t i = 0; i < n; i++) {
        const lasertag_state *s = (const lasertag_state *)states + i;
        const float *near = l->near[s->robot];
        float most = 0.0f;
        uint32_t best = 0;
        for (uint32_t t = 0; t < l->floor.n_cells; t++) {
            const float worth = s->at[t] * near[t];
            if (worth > most) {
                most = worth;
                best = t;
            }
        }
        actions[i] = s->met != 0 ? PURSUIT_TAG : (uint32_t)l->floor.toward[s->robot][best];
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
        left -= (double)is->at[t];
        target = is->at[t] > 0.0f ? t : target;
    }
    is->target = (uint8_t)target;
    is->met = obs == OBS_SAME;
    return true;
}

static void sample(const void *ctx, hp_rng stream, uint32_t n, void *states)
{
    const pursuit *p = &((const lasertag *)ctx)->floor;
    lasertag_state *s = states;
    for (uint32_t i = 0; i < n; i++) {
        s[i] = (lasertag_state){.robot = (uint8_t)p->start,
                                .target = (uint8_t)(hp_rng_u64(stream, i) % p->n_cells)};
        for (uint32_t t = 0; t < p->n_cells; t++) {
            s[i].at[t] = 1.0f / (float)p->n_cells;
        }
    }
}

static void build_likelihoods(lasertag *l)
{
    for (uint32_t diagonal = 0; diagonal < 2; diagonal++) {
        for (uint32_t steps = 1; steps <= PURSUIT_MAX_SIDE; steps++) {
            const double *cumulated = l->floor.cumulated[diagonal][steps];
            for (uint32_t k = 0; k < PURSUIT_READINGS; k++) {
                l->likely[diagonal][steps][k] =
                    (float)(cumulated[k] - (k > 0 ? cumulated[k - 1] : 0.0));
            }
        }
    }
}

/** The robot's own cell is nowhere to go to. */
static void build_nearness(lasertag *l)
{
    for (uint32_t robot = 0; robot < l->floor.n_cells; robot++) {
        for (uint32_t t = 0; t < l->floor.n_cells; t++) {
            const uint32_t steps = l->floor.distance[robot][t];
            l->near[robot][t] = t != robot ? powf(NEARER, (float)steps) : 0.0f;
        }
    }
}

/** The floor: which cells are blocked is up to the seed. */
static void draw_floor(uint64_t seed, lasertag *l)
{
    enum { ROWS = 7, COLUMNS = 11, BLOCKED = 8 };
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
    build_likelihoods(l);
    build_nearness(l);
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
    out->config.regularisation = 0.01;
    out->config.rollout_depth = ROLLOUT;
    out->config.max_nodes = 1U << 17;
    out->config.max_particles = 1U << 17;
    return HP_OK;
}
