#include "pomdp/models/pursuit.h"

#include "pomdp/models/pursuit_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ENOUGH = 10 }; /* particles that count as a belief */

enum { OBS_SAME, OBS_ELSEWHERE };

/** True if they meet. */
static bool move_both(const pursuit *p, pursuit_state *s, uint32_t action, hp_rng draw)
{
    const uint8_t goal = pursuit_next_goal(p, s->robot, s->goal);
    const uint8_t target = pursuit_flee(p, s->robot, s->target, draw);
    const uint8_t robot = p->move[s->robot][action];
    s->goal = goal;
    s->target = target;
    s->robot = robot;
    s->met = robot == target;
    return robot == target;
}

static void step(const void *ctx, void *states, uint32_t n, const uint32_t *actions,
                 const uint64_t *keys, pomdp_steps *out)
{
    const pursuit *p = ctx;
    pursuit_state *s = states;
    const pomdp_steps to = *out; /* bytes that are written might be its pointers, to a compiler */
    for (uint32_t i = 0; i < n; i++) {
        const bool caught = actions[i] == PURSUIT_TAG && s[i].robot == s[i].target;
        const bool same = caught || move_both(p, &s[i], actions[i], (hp_rng){keys[i]});
        to.reward[i] = pursuit_reward(actions[i], caught);
        to.terminal[i] = caught;
        if (to.obs != NULL) {
            to.obs[i] = same ? OBS_SAME : OBS_ELSEWHERE;
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
        const double weight = at[target];
        const uint32_t goals = weight > 0.0 ? p->n_cells : 0;
        for (uint32_t g = 0; g < goals && unfelt; g++) {
            sums[g] += weight * pursuit_patrol_value(p, target, target, (uint8_t)g);
        }
        for (uint32_t g = 0; g < goals && !unfelt; g++) {
            sums[g] += weight * values[g];
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
    const pursuit_state *s = state;
    (void)ctx;
    (void)action;
    return (s->robot == s->target) == (obs == OBS_SAME) ? 1.0 : 0.0;
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

hp_status tag_open(uint64_t seed, pomdp_problem *out)
{
    static const char *const FLOOR[] = {"#####...##", "#####...##", "#####...##", "..........",
                                        ".........."};
    pursuit *p = calloc(1, sizeof(*p));
    if (p == NULL) {
        return HP_ENOMEM;
    }
    pursuit_build(p, FLOOR, HP_ARRAY_LEN(FLOOR));
    pursuit_solve_patrols(p);
    p->start = pursuit_start(p, seed);
    *out = (pomdp_problem){.model = {.name = "tag",
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
