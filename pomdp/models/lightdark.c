#include "pomdp/models/lightdark.h"

#include <math.h>
#include <stdlib.h>

#define DISCOUNT 0.9
#define REWARD_HERE 100.0
#define REWARD_STEP (-1.0)
#define START_MEAN 2.0
#define START_DEVIATION 3.0
#define SIGMA_MIN 0.1 /* in the light itself */
#define ROUNDING_VARIANCE (1.0 / 12.0)
#define SURE_VARIANCE 0.25F
enum { LIGHT = 10, Y_MAX = 1000 };

static const int32_t MOVE[LIGHTDARK_N_ACTIONS] = {0, -1, 1, -10, 10};

static double sigma_at(double y)
{
    return fmax(SIGMA_MIN, fabs(y - LIGHT));
}

/** Observed cells as keys and back: keys are unsigned. */
static uint64_t key_of_cell(int64_t cell)
{
    return (uint64_t)(cell + INT64_C(1000000));
}

static double cell_of_key(uint64_t key)
{
    return (double)((int64_t)key - INT64_C(1000000));
}

/** The filter after a move and an observation. Its error's variance is the mean of (y - 10)^2 over
 *  what is believed: taking it at the mean alone would trust the dark. */
static void believe(lightdark_state *s, uint32_t action, uint64_t obs)
{
    const double mean = (double)s->mean + MOVE[action];
    const double variance = (double)s->variance;
    const double error = (mean - LIGHT) * (mean - LIGHT) + variance + ROUNDING_VARIANCE;
    const double gain = variance / (variance + error);
    s->mean = (float)(mean + gain * (cell_of_key(obs) - mean));
    s->variance = (float)((1.0 - gain) * variance);
}

static uint64_t look(const lightdark_state *s, hp_rng draw)
{
    const double seen = s->y + sigma_at(s->y) * hp_rng_normal(draw, 0);
    return key_of_cell((int64_t)floor(seen + 0.5));
}

static void step(const void *ctx, void *states, uint32_t n, const uint32_t *actions,
                 const uint64_t *keys, pomdp_steps *out)
{
    lightdark_state *s = states;
    (void)ctx;
    for (uint32_t i = 0; i < n; i++) {
        const int32_t y = s[i].y + MOVE[actions[i]];
        out->terminal[i] = actions[i] == LIGHTDARK_HERE;
        out->reward[i] = actions[i] != LIGHTDARK_HERE ? REWARD_STEP
                         : s[i].y == 0                ? REWARD_HERE
                                                      : -REWARD_HERE;
        s[i].y = y > Y_MAX ? Y_MAX : y < -Y_MAX ? -Y_MAX : y;
        const uint64_t obs = look(&s[i], (hp_rng){keys[i]});
        believe(&s[i], actions[i], obs);
        if (out->obs != NULL) {
            out->obs[i] = obs;
        }
    }
}

/** The move that brings y nearest to the goal, by tens first. */
static uint32_t move_towards(int32_t distance)
{
    if (distance > 5 || distance < -5) {
        return distance > 0 ? LIGHTDARK_RIGHT_10 : LIGHTDARK_LEFT_10;
    }
    return distance > 0 ? LIGHTDARK_RIGHT : LIGHTDARK_LEFT;
}

/** To the light while unsure (and about in it: whoever stops, says "here"), then home. */
static void default_policy(const void *ctx, const void *states, uint32_t n, uint32_t *actions)
{
    const lightdark_state *s = states;
    (void)ctx;
    for (uint32_t i = 0; i < n; i++) {
        const int32_t y = (int32_t)lroundf(s[i].mean);
        const bool sure = s[i].variance < SURE_VARIANCE;
        actions[i] = sure && y == 0 ? LIGHTDARK_HERE : move_towards((sure ? 0 : LIGHT) - y);
    }
}

/** Whoever never says "here" loses no more than this. */
static void tail(const void *ctx, const void *states, uint32_t n, double *values)
{
    (void)ctx;
    (void)states;
    for (uint32_t i = 0; i < n; i++) {
        values[i] = REWARD_STEP / (1.0 - DISCOUNT);
    }
}

/** Who sees y walks straight home: by tens, perhaps past it, and by ones. */
static void upper(const void *ctx, const void *states, uint32_t n, double *values)
{
    const lightdark_state *s = states;
    (void)ctx;
    for (uint32_t i = 0; i < n; i++) {
        const int32_t tens = abs(s[i].y) / 10;
        const int32_t ones = abs(s[i].y) % 10;
        const int32_t moves = tens + (ones <= 5 ? ones : 11 - ones);
        const double discount = pow(DISCOUNT, moves);
        values[i] = REWARD_HERE * discount + REWARD_STEP * (1.0 - discount) / (1.0 - DISCOUNT);
    }
}

static double obs_probability(const void *ctx, const void *state, uint32_t action, uint64_t obs)
{
    const lightdark_state *s = state;
    const double scale = sigma_at(s->y) * sqrt(2.0);
    const double off = fabs(cell_of_key(obs) - s->y); /* the tail's side: no cancellation */
    (void)ctx;
    (void)action;
    return 0.5 * (erfc((off - 0.5) / scale) - erfc((off + 0.5) / scale));
}

static void remember(const void *ctx, const void *before, uint32_t action, uint64_t obs,
                     void *after)
{
    const lightdark_state *was = before;
    lightdark_state *is = after;
    (void)ctx;
    is->mean = was->mean;
    is->variance = was->variance;
    believe(is, action, obs);
}

static void sample(const void *ctx, hp_rng stream, uint32_t n, void *states)
{
    lightdark_state *s = states;
    (void)ctx;
    for (uint32_t i = 0; i < n; i++) {
        const double y = START_MEAN + START_DEVIATION * hp_rng_normal(stream, i);
        s[i] = (lightdark_state){.y = (int32_t)lround(y),
                                 .mean = (float)START_MEAN,
                                 .variance = (float)(START_DEVIATION * START_DEVIATION)};
    }
}

hp_status lightdark_open(uint64_t seed, pomdp_problem *out)
{
    (void)seed;
    *out = (pomdp_problem){.model = {.name = "lightdark",
                                     .n_actions = LIGHTDARK_N_ACTIONS,
                                     .state_size = sizeof(lightdark_state),
                                     .discount = DISCOUNT,
                                     .reward_max = REWARD_HERE,
                                     .step = step,
                                     .default_policy = default_policy,
                                     .tail = tail,
                                     .upper = upper,
                                     .obs_probability = obs_probability,
                                     .remember = remember},
                           .sample = sample,
                           .max_steps = 60,
                           .n_belief = 10000};
    pomdp_config_default(&out->config);
    out->config.rollout_depth = 40;
    out->config.regularisation = 0.1;
    out->config.max_nodes = 1u << 18;
    out->config.max_particles = 1u << 20;
    return HP_OK;
}
