#include "pomdp/models/pursuit.h"

#include "pomdp/models/pursuit_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ENOUGH = 10 }; /* particles that count as a belief */

/* What is observed: eight readings of four bits, or one of these. */
#define OBS_SAME (UINT64_C(1) << 32)
#define OBS_ELSEWHERE (UINT64_C(1) << 33)

static const double *reading_table(const pursuit *p, uint32_t robot, uint32_t target, uint32_t d)
{
    const uint32_t steps =
        p->beam[robot][target] == d ? p->steps[robot][target] : p->wall_steps[robot][d];
    return p->cumulated[d >= 4][steps];
}

static uint64_t read_beams(const pursuit *p, uint32_t robot, uint32_t target, hp_rng draw)
{
    uint64_t obs = 0;
    for (uint32_t d = 0; d < PURSUIT_BEAMS; d++) {
        const double *cumulated = reading_table(p, robot, target, d);
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
    if (robot == target) {
        return OBS_SAME;
    }
    return p->has_laser ? read_beams(p, robot, target, draw) : OBS_ELSEWHERE;
}

static void move_both(const pursuit *p, pursuit_state *s, uint32_t action, hp_rng draw)
{
    const uint32_t flight = (uint32_t)(hp_rng_unit(draw, 0) * PURSUIT_FLIGHTS);
    s->goal = pursuit_next_goal(p, s->robot, s->goal);
    s->target = p->flight[s->robot][s->target][flight];
    s->robot = p->move[s->robot][action];
    s->met = s->robot == s->target;
}

static void step(const void *ctx, void *states, uint32_t n, const uint32_t *actions,
                 const uint64_t *keys, pomdp_steps *out)
{
    const pursuit *p = ctx;
    pursuit_state *s = states;
    for (uint32_t i = 0; i < n; i++) {
        const bool caught = actions[i] == PURSUIT_TAG && s[i].robot == s[i].target;
        out->reward[i] = actions[i] != PURSUIT_TAG ? PURSUIT_REWARD_MOVE
                         : caught                  ? PURSUIT_REWARD_TAG
                                                   : -PURSUIT_REWARD_TAG;
        out->terminal[i] = caught;
        if (!caught) {
            move_both(p, &s[i], actions[i], (hp_rng){keys[i]});
        }
        if (out->obs != NULL) {
            out->obs[i] = observe(p, s[i].robot, s[i].target, (hp_rng){keys[i]});
        }
    }
}

/** On the way to goal; tags when the target is here. */
static uint32_t patrol_action(const pursuit *p, const pursuit_state *s, uint8_t goal)
{
    const uint8_t next_goal = pursuit_next_goal(p, s->robot, goal);
    return s->met != 0 ? PURSUIT_TAG : (uint32_t)p->toward[s->robot][next_goal];
}

static void default_policy(const void *ctx, const void *states, uint32_t n, uint32_t *actions)
{
    const pursuit_state *s = states;
    for (uint32_t i = 0; i < n; i++) {
        actions[i] = patrol_action(ctx, &s[i], s[i].goal);
    }
}

static double patrol_return(const pursuit *p, const pursuit_state *s, uint8_t goal)
{
    return s->robot == s->target && s->met == 0 ? pursuit_patrol_value(p, s->robot, s->target, goal)
                                                : p->patrol[s->robot][s->target][goal];
}

static void tail(const void *ctx, const void *states, uint32_t n, double *values)
{
    const pursuit_state *s = states;
    for (uint32_t i = 0; i < n; i++) {
        values[i] = patrol_return(ctx, &s[i], s[i].goal);
    }
}

/** The best goal for all of them together: the robot's place and whether it met are common
 * knowledge, so that the weight on each target's cell is all that counts. A few particles are not a
 * belief, though: choosing a goal for each of them would be hindsight, and a search that trusts it
 * dithers, sure that the next look will tell. */
static double belief_lower(const void *ctx, const void *states, const double *weights, uint32_t n,
                           double known, uint32_t *action)
{
    (void)known;
    const pursuit *p = ctx;
    const pursuit_state *s = states;
    double at[PURSUIT_MAX_CELLS] = {0.0};
    double sums[PURSUIT_MAX_CELLS] = {0.0};
    uint8_t best = 0;
    if (n < ENOUGH) {
        return -HUGE_VAL;
    }
    for (uint32_t i = 0; i < n; i++) {
        at[s[i].target] += weights[i];
    }
    for (uint32_t target = 0; target < p->n_cells; target++) {
        const bool unfelt = target == s[0].robot && s[0].met == 0;
        const double *values = p->patrol[s[0].robot][target];
        for (uint32_t g = 0; g < p->n_cells && at[target] > 0.0; g++) {
            sums[g] += at[target] *
                       (unfelt ? pursuit_patrol_value(p, target, target, (uint8_t)g) : values[g]);
        }
    }
    for (uint32_t g = 1; g < p->n_cells; g++) {
        best = sums[g] > sums[best] ? (uint8_t)g : best;
    }
    *action = patrol_action(p, &s[0], best);
    return sums[best];
}

static void upper(const void *ctx, const void *states, uint32_t n, double *values)
{
    const pursuit *p = ctx;
    const pursuit_state *s = states;
    for (uint32_t i = 0; i < n; i++) {
        values[i] = p->value[s[i].robot][s[i].target];
    }
}

static void action_upper(const void *ctx, const void *states, const double *weights, uint32_t n,
                         double *values)
{
    const pursuit *p = ctx;
    const pursuit_state *s = states;
    double sums[PURSUIT_N_ACTIONS] = {0.0};
    for (uint32_t i = 0; i < n; i++) {
        const double *each = p->action_value[s[i].robot][s[i].target];
        for (uint32_t a = 0; a < PURSUIT_N_ACTIONS; a++) {
            sums[a] += weights[i] * each[a];
        }
    }
    memcpy(values, sums, sizeof(sums));
}

static double obs_probability(const void *ctx, const void *state, uint32_t action, uint64_t obs)
{
    const pursuit *p = ctx;
    const pursuit_state *s = state;
    double product = 1.0;
    (void)action;
    if (s->robot == s->target || obs == OBS_SAME || !p->has_laser) {
        return (s->robot == s->target) == (obs == OBS_SAME) ? 1.0 : 0.0;
    }
    for (uint32_t d = 0; d < PURSUIT_BEAMS; d++) {
        const double *cumulated = reading_table(p, s->robot, s->target, d);
        const uint32_t reading = obs >> (4 * d) & 15;
        product *= cumulated[reading] - (reading > 0 ? cumulated[reading - 1] : 0.0);
    }
    return product;
}

static void sample(const void *ctx, hp_rng stream, uint32_t n, void *states)
{
    const pursuit *p = ctx;
    pursuit_state *s = states;
    for (uint32_t i = 0; i < n; i++) {
        s[i] = (pursuit_state){.robot = (uint8_t)p->start,
                               .target = (uint8_t)(hp_rng_u64(stream, i) % p->n_cells),
                               .goal = (uint8_t)p->start};
    }
}

static hp_status open_floor(const char *const *rows, uint32_t n_rows, bool has_laser, uint64_t seed,
                            pomdp_problem *out)
{
    pursuit *p = calloc(1, sizeof(*p));
    if (p == NULL) {
        return HP_ENOMEM;
    }
    pursuit_build(p, rows, n_rows, has_laser);
    p->start = (uint32_t)(hp_rng_u64(hp_rng_seed(seed), 0) % p->n_cells);
    *out = (pomdp_problem){.model = {.name = has_laser ? "lasertag" : "tag",
                                     .n_actions = PURSUIT_N_ACTIONS,
                                     .state_size = sizeof(pursuit_state),
                                     .discount = PURSUIT_DISCOUNT,
                                     .reward_max = PURSUIT_REWARD_TAG,
                                     .step = step,
                                     .default_policy = default_policy,
                                     .tail = tail,
                                     .belief_lower = belief_lower,
                                     .upper = upper,
                                     .action_upper = action_upper,
                                     .obs_probability = obs_probability,
                                     .ctx = p},
                           .sample = sample,
                           .max_steps = 90,
                           .n_belief = 10000,
                           .ctx = p,
                           .destroy = free};
    pomdp_config_default(&out->config);
    out->config.regularisation = 0.01;
    out->config.rollout_depth = 0; /* the patrols' values are known */
    out->config.max_nodes = 1u << 18;
    out->config.max_particles = 1u << 21;
    return HP_OK;
}

hp_status tag_open(uint64_t seed, pomdp_problem *out)
{
    static const char *const FLOOR[] = {"#####...##", "#####...##", "#####...##", "..........",
                                        ".........."};
    return open_floor(FLOOR, HP_ARRAY_LEN(FLOOR), false, seed, out);
}

hp_status lasertag_open(uint64_t seed, pomdp_problem *out)
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
    return open_floor(rows, ROWS, true, seed, out);
}
