#include "pomdp/models/pocman_internal.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#define DISCOUNT 0.95
#define REWARD_STEP (-1.0)
#define REWARD_WALL (-25.0)
#define REWARD_FOOD 10.0
#define REWARD_CLEARED 1000.0
#define REWARD_GHOST 25.0
#define REWARD_DEATH (-100.0)
#define CHASE_P 0.75
#define DITHER_P 0.25 /* of a ghost in flight */
enum { POWER_STEPS = 15, MAX_STEPS = 90, MAX_TIME = 255, LANE_FOOD = 1 };

typedef struct pocman {
    pocman_maze maze;
    double discount[MAX_TIME + 1];
} pocman;

static bool has_bit(const uint64_t *words, uint32_t bit)
{
    return (words[bit / 64] >> bit % 64 & 1) != 0;
}

static void clear_bit(uint64_t *words, uint32_t bit)
{
    words[bit / 64] &= ~(UINT64_C(1) << bit % 64);
}

static bool overlap(const uint64_t *a, const uint64_t *b)
{
    uint64_t both = 0;
    for (uint32_t w = 0; w < POCMAN_WORDS; w++) {
        both |= a[w] & b[w];
    }
    return both != 0;
}

static uint32_t opposite(uint32_t way)
{
    return way < POCMAN_N_ACTIONS ? (way + 2) % POCMAN_N_ACTIONS : POCMAN_N_ACTIONS;
}

/** Any way on but back: the maze has no dead ends. */
static void wander(const pocman_maze *m, uint8_t *ghost, uint8_t *way, double u)
{
    uint32_t ways[POCMAN_N_ACTIONS] = {0};
    uint32_t n = 0;
    for (uint32_t d = 0; d < POCMAN_N_ACTIONS; d++) {
        if (m->move[*ghost][d] != POCMAN_NO_CELL && d != opposite(*way)) {
            ways[n++] = d;
        }
    }
    assert(n > 0);
    const uint32_t d = ways[(uint32_t)(u * n)];
    *ghost = m->move[*ghost][d];
    *way = (uint8_t)d;
}

/** How much nearer to (or, in flight, farther from) the player a step in a direction leads, with
 *  the other axis left out: ghosts do not know the maze. */
static int gain(const pocman_maze *m, uint32_t ghost, uint32_t player, uint32_t d, bool flees)
{
    const int dx = m->x[player] - m->x[ghost];
    const int dy = m->y[player] - m->y[ghost];
    const int toward = d == POCMAN_NORTH   ? dy
                       : d == POCMAN_EAST  ? dx
                       : d == POCMAN_SOUTH ? -dy
                                           : -dx;
    return flees ? -toward : toward;
}

/** The step of most gain, ties to the last direction; afterwards the ghost may turn round. One in
 *  flight stays where nothing leads away. */
static void hunt(const pocman_maze *m, uint8_t *ghost, uint8_t *way, uint32_t player, bool flees)
{
    int best = flees ? 0 : -(POCMAN_COLUMNS + POCMAN_ROWS);
    uint8_t next = *ghost;
    for (uint32_t d = 0; d < POCMAN_N_ACTIONS; d++) {
        const uint8_t to = m->move[*ghost][d];
        const int g = gain(m, *ghost, player, d, flees);
        if (to != POCMAN_NO_CELL && d != opposite(*way) && g >= best) {
            best = g;
            next = to;
        }
    }
    *ghost = next;
    *way = POCMAN_N_ACTIONS;
}

static void move_ghost(const pocman_maze *m, pocman_state *s, uint32_t g, hp_rng draw)
{
    uint8_t *ghost = &s->ghost[g];
    uint8_t *way = &s->ghost_way[g];
    const double choice = hp_rng_unit(draw, (uint64_t)2 * g);
    if ((m->relation[s->cell][*ghost] & POCMAN_IN_RANGE) == 0) {
        wander(m, ghost, way, choice);
    } else if (s->power > 0) {
        if (choice < DITHER_P && *way != POCMAN_N_ACTIONS) {
            *way = POCMAN_N_ACTIONS;
        } else {
            hunt(m, ghost, way, s->cell, true);
        }
    } else if (choice >= CHASE_P) {
        wander(m, ghost, way, hp_rng_unit(draw, (uint64_t)2 * g + 1));
    } else {
        hunt(m, ghost, way, s->cell, false);
    }
}

/** Moves all ghosts; the last one that met the player, before or after its step, or GHOSTS. */
static uint32_t move_ghosts(const pocman_maze *m, pocman_state *s, hp_rng draw)
{
    uint32_t met = POCMAN_GHOSTS;
    for (uint32_t g = 0; g < POCMAN_GHOSTS; g++) {
        const bool before = s->ghost[g] == s->cell;
        move_ghost(m, s, g, draw);
        met = before || s->ghost[g] == s->cell ? g : met;
    }
    return met;
}

/** Bits for ghosts in sight and in earshot. */
static uint32_t notice_ghosts(const pocman_maze *m, const pocman_state *s)
{
    uint32_t relation = 0;
    for (uint32_t g = 0; g < POCMAN_GHOSTS; g++) {
        relation |= m->relation[s->cell][s->ghost[g]];
    }
    return (relation & POCMAN_IN_SIGHT) |
           ((relation & POCMAN_IN_EAR) != 0 ? 1U << POCMAN_HEARS : 0);
}

static uint32_t observe(const pocman_maze *m, const pocman_state *s)
{
    uint32_t obs = notice_ghosts(m, s);
    for (uint32_t d = 0; d < POCMAN_N_ACTIONS; d++) {
        obs |= m->move[s->cell][d] != POCMAN_NO_CELL ? 1U << (POCMAN_CAN_MOVE + d) : 0;
    }
    return obs | (overlap(s->food, m->smell[s->cell]) ? 1U << POCMAN_SMELLS : 0);
}

/** What the player knows after an observation and after having eaten what lay in its cell. */
static void learn(const pocman_maze *m, pocman_state *s, uint32_t action, uint32_t obs)
{
    s->seen = obs & POCMAN_IN_SIGHT;
    s->way = (uint8_t)action;
    for (uint32_t w = 0; w < POCMAN_WORDS && (obs >> POCMAN_SMELLS & 1) == 0; w++) {
        s->maybe[w] &= ~m->smell[s->cell][w];
    }
    if (m->food_at[s->cell] != POCMAN_NO_CELL) {
        clear_bit(s->maybe, m->food_at[s->cell]);
    }
}

static double eat(const pocman_maze *m, pocman_state *s, uint8_t *terminal)
{
    const uint32_t pellet = m->food_at[s->cell];
    if (pellet == POCMAN_NO_CELL || !has_bit(s->food, pellet)) {
        return 0.0;
    }
    clear_bit(s->food, pellet);
    if (!overlap(s->food, m->all_food)) {
        *terminal = 1;
        return REWARD_CLEARED;
    }
    s->power = has_bit(m->pills, pellet) ? POWER_STEPS : s->power;
    return REWARD_FOOD;
}

static double play(const pocman_maze *m, pocman_state *s, uint32_t action, hp_rng draw,
                   uint8_t *terminal, uint64_t *obs)
{
    const uint8_t next = m->move[s->cell][action];
    double reward = REWARD_STEP + (next == POCMAN_NO_CELL ? REWARD_WALL : 0.0);
    s->cell = next == POCMAN_NO_CELL ? s->cell : next;
    s->power = (uint8_t)(s->power - (s->power > 0));
    *terminal = 0;
    *obs = 0;
    const uint32_t met = move_ghosts(m, s, draw);
    if (met < POCMAN_GHOSTS) {
        if (s->power == 0) {
            *terminal = 1;
            return reward + REWARD_DEATH;
        }
        reward += REWARD_GHOST;
        s->ghost[met] = m->ghost_home[0];
        s->ghost_way[met] = POCMAN_N_ACTIONS;
    }
    const uint32_t seen = observe(m, s);
    *obs = seen;
    reward += eat(m, s, terminal);
    learn(m, s, action, seen);
    return reward;
}

static void step(const void *ctx, void *states, uint32_t n, const uint32_t *actions,
                 const uint64_t *keys, pomdp_steps *out)
{
    const pocman *p = ctx;
    pocman_state *s = states;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t obs = 0;
        out->reward[i] =
            play(&p->maze, &s[i], actions[i], (hp_rng){keys[i]}, &out->terminal[i], &obs);
        if (out->obs != NULL) {
            out->obs[i] = obs;
        }
    }
}

/** Steps from a cell to the nearest one, but the player's own, that may hold a pellet. */
static uint32_t steps_to_food(const pocman_maze *m, const pocman_state *s, uint32_t from,
                              uint32_t *target)
{
    for (uint32_t i = 0; i < m->n_food; i++) {
        const uint32_t pellet = m->by_distance[from][i];
        if (has_bit(s->maybe, pellet) && m->food_cell[pellet] != s->cell) {
            *target = m->food_cell[pellet];
            return m->distance[from][*target];
        }
    }
    return MAX_TIME;
}

/** The way to the nearest pellet among those that lead to no ghost in sight. */
static uint32_t way_round_ghosts(const pocman_maze *m, const pocman_state *s)
{
    uint32_t best = POCMAN_N_ACTIONS;
    uint32_t best_steps = MAX_TIME + 1;
    uint32_t any = 0;
    for (uint32_t d = 0; d < POCMAN_N_ACTIONS; d++) {
        uint32_t target = 0;
        if (m->move[s->cell][d] == POCMAN_NO_CELL) {
            continue;
        }
        any = d;
        const uint32_t steps = steps_to_food(m, s, m->move[s->cell][d], &target);
        if ((s->seen >> d & 1) == 0 && steps < best_steps) {
            best_steps = steps;
            best = d;
        }
    }
    return best < POCMAN_N_ACTIONS ? best : any;
}

static uint32_t policy_action(const pocman_maze *m, const pocman_state *s)
{
    uint32_t target = 0;
    if (s->seen != 0 && s->power > 0) {
        return (uint32_t)__builtin_ctz(s->seen);
    }
    if (s->seen != 0 || steps_to_food(m, s, s->cell, &target) == MAX_TIME) {
        return way_round_ghosts(m, s);
    }
    return m->toward[s->cell][target];
}

static void default_policy(const void *ctx, const void *states, uint32_t n, uint32_t *actions)
{
    const pocman *p = ctx;
    const pocman_state *s = states;
    for (uint32_t i = 0; i < n; i++) {
        actions[i] = policy_action(&p->maze, &s[i]);
    }
}

/** Nobody who keeps off the walls loses more than all steps and a death. */
static void tail(const void *ctx, const void *states, uint32_t n, double *values)
{
    (void)ctx;
    (void)states;
    for (uint32_t i = 0; i < n; i++) {
        values[i] = REWARD_STEP / (1.0 - DISCOUNT) + REWARD_DEATH;
    }
}

/** What ghosts may be worth: those near enough while the pill lasts, and for each pill all four,
 * one after the other. */
static double hope_for_ghosts(const pocman *p, const pocman_state *s)
{
    const pocman_maze *m = &p->maze;
    double sum = 0.0;
    for (uint32_t g = 0; g < POCMAN_GHOSTS && s->power > 1; g++) {
        const uint32_t steps = (m->distance[s->cell][s->ghost[g]] + 1U) / 2U;
        sum += steps < s->power ? REWARD_GHOST * p->discount[steps > 0 ? steps - 1 : 0] : 0.0;
    }
    for (uint32_t w = 0; w < POCMAN_WORDS; w++) {
        for (uint64_t left = s->food[w] & m->pills[w]; left != 0; left &= left - 1) {
            const uint32_t pill = 64 * w + (uint32_t)__builtin_ctzll(left);
            const uint32_t steps = m->distance[s->cell][m->food_cell[pill]];
            for (uint32_t g = 0; g < POCMAN_GHOSTS; g++) {
                sum += REWARD_GHOST * p->discount[steps + g];
            }
        }
    }
    return sum;
}

static double hope(const pocman *p, const pocman_state *s)
{
    const pocman_maze *m = &p->maze;
    double sum = hope_for_ghosts(p, s);
    uint32_t time = 0; /* of the pellet that was eaten last */
    for (uint32_t i = 0; i < m->n_food; i++) {
        const uint32_t pellet = m->by_distance[s->cell][i];
        if (!has_bit(s->food, pellet)) {
            continue;
        }
        const uint32_t steps = m->distance[s->cell][m->food_cell[pellet]];
        time = time + 1 > steps ? time + 1 : steps;
        sum += REWARD_FOOD * p->discount[time - 1];
    }
    return sum + REWARD_STEP * (1.0 - p->discount[time]) / (1.0 - DISCOUNT) +
           (time > 0 ? REWARD_CLEARED * p->discount[time - 1] : 0.0);
}

static void upper(const void *ctx, const void *states, uint32_t n, double *values)
{
    const pocman_state *s = states;
    for (uint32_t i = 0; i < n; i++) {
        values[i] = hope(ctx, &s[i]);
    }
}

/** A pellet where something smelled but the particle had none, on a cell that may hold one; none
 *  where nothing smelled. */
static void repair_food(const pocman_maze *m, const pocman_state *before, uint64_t obs, hp_rng draw,
                        pocman_state *after)
{
    const uint64_t *smell = m->smell[after->cell];
    const bool smelled = (obs >> POCMAN_SMELLS & 1) != 0;
    if (smelled == overlap(before->food, smell)) {
        return;
    }
    uint32_t n = 0;
    for (uint32_t w = 0; w < POCMAN_WORDS; w++) {
        after->food[w] &= ~smell[w];
        n += (uint32_t)__builtin_popcountll(before->maybe[w] & smell[w]);
    }
    uint32_t chosen = n > 0 ? (uint32_t)(hp_rng_unit(draw, 0) * n) : 0;
    for (uint32_t w = 0; smelled && w < POCMAN_WORDS; w++) {
        for (uint64_t left = before->maybe[w] & smell[w]; left != 0; left &= left - 1) {
            if (chosen-- == 0) {
                after->food[w] |= left & -left;
            }
        }
    }
    if (m->food_at[after->cell] != POCMAN_NO_CELL) {
        clear_bit(after->food, m->food_at[after->cell]); /* it has been eaten by now */
    }
}

/** One or two ghosts somewhere else, so that what was seen and heard of them agrees. */
static bool repair_ghosts(const pocman_maze *m, uint64_t obs, hp_rng draw, pocman_state *after)
{
    enum { TRIES = 40 };
    const uint64_t ghosts = POCMAN_IN_SIGHT | 1U << POCMAN_HEARS;
    const pocman_state was = *after;
    uint64_t at = 0;
    for (uint32_t i = 0; i < TRIES; i++) {
        if (notice_ghosts(m, after) == (obs & ghosts)) {
            return true;
        }
        *after = was;
        for (uint32_t moved = 0; moved <= i % 2; moved++, at += 2) {
            const uint32_t g = (uint32_t)(hp_rng_u64(draw, at) % POCMAN_GHOSTS);
            const uint8_t to = (uint8_t)(hp_rng_u64(draw, at + 1) % m->n_cells);
            after->ghost[g] = to != after->cell ? to : after->ghost[g];
            after->ghost_way[g] = POCMAN_N_ACTIONS;
        }
    }
    return false;
}

static bool repair(const void *ctx, const void *before, uint32_t action, uint64_t obs, uint64_t key,
                   void *after)
{
    const pocman *p = ctx;
    const pocman_state *was = before;
    pocman_state *is = after;
    const hp_rng draw = {key};
    if (!repair_ghosts(&p->maze, obs, draw, is)) {
        return false;
    }
    repair_food(&p->maze, was, obs, hp_rng_lane(draw, LANE_FOOD), is);
    for (uint32_t w = 0; w < POCMAN_WORDS; w++) {
        is->maybe[w] = was->maybe[w];
    }
    learn(&p->maze, is, action, (uint32_t)obs);
    return overlap(is->food, p->maze.all_food);
}

static void sample(const void *ctx, hp_rng stream, uint32_t n, void *states)
{
    const pocman_maze *m = &((const pocman *)ctx)->maze;
    pocman_state *s = states;
    for (uint32_t i = 0; i < n; i++) {
        s[i] = (pocman_state){.cell = m->home, .way = POCMAN_N_ACTIONS};
        for (uint32_t w = 0; w < POCMAN_WORDS; w++) { /* bits are one with 0.5 */
            s[i].food[w] = m->all_food[w] & (m->pills[w] | hp_rng_u64(hp_rng_lane(stream, i), w));
            s[i].maybe[w] = m->all_food[w];
        }
        for (uint32_t g = 0; g < POCMAN_GHOSTS; g++) {
            s[i].ghost[g] = m->ghost_home[g];
            s[i].ghost_way[g] = POCMAN_N_ACTIONS;
        }
    }
}

hp_status pocman_open(uint64_t seed, pomdp_problem *out)
{
    pocman *p = calloc(1, sizeof(*p));
    (void)seed; /* pellets are drawn with the belief */
    if (p == NULL) {
        return HP_ENOMEM;
    }
    pocman_build(&p->maze);
    for (uint32_t t = 0; t <= MAX_TIME; t++) {
        p->discount[t] = pow(DISCOUNT, t);
    }
    *out = (pomdp_problem){.model = {.name = "pocman",
                                     .n_actions = POCMAN_N_ACTIONS,
                                     .state_size = sizeof(pocman_state),
                                     .discount = DISCOUNT,
                                     .reward_max = REWARD_CLEARED,
                                     .step = step,
                                     .default_policy = default_policy,
                                     .tail = tail,
                                     .upper = upper,
                                     .repair = repair,
                                     .ctx = p},
                           .sample = sample,
                           .max_steps = MAX_STEPS,
                           .n_belief = 20000,
                           .ctx = p,
                           .destroy = free};
    pomdp_config_default(&out->config);
    out->config.n_scenarios = 100;
    out->config.max_nodes = 1U << 18;
    out->config.max_particles = 1U << 20;
    return HP_OK;
}
