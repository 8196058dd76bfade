#include "pomdp/models/tiger.h"

#define REWARD_LISTEN (-1.0)
#define REWARD_GOLD 10.0
#define REWARD_TIGER (-100.0)
enum { SURE = 2, HEARD_MAX = 100 };

static int8_t count_growl(int8_t heard_left, bool left)
{
    const int count = heard_left + (left ? 1 : -1);
    return (int8_t)(count > HEARD_MAX ? HEARD_MAX : count < -HEARD_MAX ? -HEARD_MAX : count);
}

static uint64_t listen_at_doors(tiger_state *s, hp_rng draw)
{
    const bool correct = hp_rng_unit(draw, 0) < TIGER_HEARING_P;
    const bool left = correct == (s->is_right == 0);
    s->heard_left = count_growl(s->heard_left, left);
    return left ? TIGER_HEARD_LEFT : TIGER_HEARD_RIGHT;
}

static double open_door(tiger_state *s, uint32_t action, hp_rng draw)
{
    const bool met = (action == TIGER_OPEN_RIGHT) == (s->is_right != 0);
    s->is_right = hp_rng_unit(draw, 0) < 0.5;
    s->heard_left = 0;
    return met ? REWARD_TIGER : REWARD_GOLD;
}

static void step(const void *ctx, void *states, uint32_t n, const uint32_t *actions,
                 const uint64_t *keys, pomdp_steps *out)
{
    tiger_state *s = states;
    (void)ctx;
    for (uint32_t i = 0; i < n; i++) {
        const hp_rng draw = {keys[i]};
        uint64_t obs = TIGER_HEARD_NOTHING;
        if (actions[i] == TIGER_LISTEN) {
            obs = listen_at_doors(&s[i], draw);
            out->reward[i] = REWARD_LISTEN;
        } else {
            out->reward[i] = open_door(&s[i], actions[i], draw);
        }
        if (out->obs != NULL) {
            out->obs[i] = obs;
        }
        out->terminal[i] = 0;
    }
}

static void default_policy(const void *ctx, const void *states, uint32_t n, uint32_t *actions)
{
    const tiger_state *s = states;
    (void)ctx;
    for (uint32_t i = 0; i < n; i++) {
        actions[i] = s[i].heard_left >= SURE    ? TIGER_OPEN_RIGHT
                     : s[i].heard_left <= -SURE ? TIGER_OPEN_LEFT
                                                : TIGER_LISTEN;
    }
}

/** Whoever only listens, for ever, loses no more than this. */
static void tail(const void *ctx, const void *states, uint32_t n, double *values)
{
    (void)ctx;
    (void)states;
    for (uint32_t i = 0; i < n; i++) {
        values[i] = REWARD_LISTEN / (1.0 - TIGER_DISCOUNT);
    }
}

/** The action's reward, and gold ever after. */
static void action_upper(const void *ctx, const void *states, const double *weights, uint32_t n,
                         double *values)
{
    const tiger_state *s = states;
    double behind[2] = {0.0, 0.0}; /* left, right: the tiger's weight */
    (void)ctx;
    for (uint32_t i = 0; i < n; i++) {
        behind[s[i].is_right != 0] += weights[i];
    }
    const double weight = behind[0] + behind[1];
    const double later = weight * TIGER_DISCOUNT * REWARD_GOLD / (1.0 - TIGER_DISCOUNT);
    values[TIGER_LISTEN] = weight * REWARD_LISTEN + later;
    values[TIGER_OPEN_LEFT] = behind[0] * REWARD_TIGER + behind[1] * REWARD_GOLD + later;
    values[TIGER_OPEN_RIGHT] = behind[1] * REWARD_TIGER + behind[0] * REWARD_GOLD + later;
}

static double obs_probability(const void *ctx, const void *state, uint32_t action, uint64_t obs)
{
    const tiger_state *s = state;
    (void)ctx;
    if (action != TIGER_LISTEN) {
        return obs == TIGER_HEARD_NOTHING ? 1.0 : 0.0;
    }
    if (obs == TIGER_HEARD_NOTHING) {
        return 0.0;
    }
    const bool correct = (obs == TIGER_HEARD_LEFT) == (s->is_right == 0);
    return correct ? TIGER_HEARING_P : 1.0 - TIGER_HEARING_P;
}

static void remember(const void *ctx, const void *before, uint32_t action, uint64_t obs,
                     void *after)
{
    (void)ctx;
    if (action == TIGER_LISTEN) {
        const tiger_state *was = before;
        ((tiger_state *)after)->heard_left = count_growl(was->heard_left, obs == TIGER_HEARD_LEFT);
    }
}

pomdp_model tiger_model(void)
{
    return (pomdp_model){.name = "tiger",
                         .n_actions = 3,
                         .state_size = sizeof(tiger_state),
                         .discount = TIGER_DISCOUNT,
                         .reward_max = REWARD_GOLD,
                         .step = step,
                         .default_policy = default_policy,
                         .tail = tail,
                         .action_upper = action_upper,
                         .obs_probability = obs_probability,
                         .remember = remember};
}

void tiger_sample(const void *ctx, hp_rng stream, uint32_t n, void *states)
{
    tiger_state *s = states;
    (void)ctx;
    for (uint32_t i = 0; i < n; i++) {
        s[i] = (tiger_state){.is_right = hp_rng_unit(stream, i) < 0.5};
    }
}
