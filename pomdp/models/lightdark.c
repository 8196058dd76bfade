#include "pomdp/models/lightdark.h"

#include <math.h>
#include <stdlib.h>

#define DISCOUNT 0.95
#define REWARD_HERE 100.0
#define REWARD_STEP (-1.0)
#define SIGMA_MIN 1e-4 /* in the light itself */
#define SURE 0.95F     /* probability of the likeliest cell */
enum { LIGHT = 10, Y_MAX = 60, START_MAX = LIGHTDARK_START_MAX, N_STARTS = 2 * START_MAX + 1 };
enum { SHIFT_MAX = 90, COLUMN_MAX = START_MAX + SHIFT_MAX };
enum { N_EDGES = 16, N_SEEN = 2 * N_EDGES + 1 };
enum { COST_PER_UNIT = 8, COST_MAX = 255 };

/** Observations are told apart by their distance from the light, finely near it: as the error grows
 *  with it, coarse ones lose little, and particles that saw about the same stay together. The first
 *  cell is the light itself: who is there sees it, ten standard deviations wide, and nobody else
 * does. */
static const double EDGE[N_EDGES] = {0.001, 0.5,  1.5,  2.5,  3.5,  5.0,  7.0,  9.5,
                                     13.0,  18.0, 25.0, 34.0, 46.0, 62.0, 84.0, 115.0};

/** What an observation costs at each true cell: units of 1 / COST_PER_UNIT of the log-likelihood.
 */
typedef struct lightdark {
    uint8_t cost[N_SEEN][2 * COLUMN_MAX + 1]; /* [seen][true] */
    float weight[COST_MAX + 1];               /* exp(-cost) */
} lightdark;

static const int32_t MOVE[LIGHTDARK_N_ACTIONS] = {0, -1, 1, -10, 10};

static double sigma_at(double y)
{
    return fmax(SIGMA_MIN, fabs(y - LIGHT));
}

/** Which of the N_SEEN observations it is, in order of place. */
static uint64_t key_of(double seen)
{
    const double off = fabs(seen - LIGHT);
    int32_t beyond = 0; /* edges */
    while (beyond < N_EDGES && off > EDGE[beyond]) {
        beyond++;
    }
    return (uint64_t)(seen < LIGHT ? N_EDGES - beyond : N_EDGES + beyond);
}

static int32_t clamp(int32_t v, int32_t most)
{
    return v > most ? most : v < -most ? -most : (int32_t)v;
}

/** The filter after a move and an observation: each start's cost rises by what was seen from there,
 *  and the likeliest start costs nothing. Beyond the walls it is not exact. */
static void believe(const lightdark *l, lightdark_state *s, uint32_t action, uint64_t obs)
{
    s->shift = (int8_t)clamp(s->shift + MOVE[action], SHIFT_MAX);
    const uint8_t *cost = &l->cost[obs][s->shift - START_MAX + COLUMN_MAX];
    uint32_t least = COST_MAX;
    for (uint32_t i = 0; i < N_STARTS; i++) {
        const uint32_t sum = (uint32_t)s->cost[i] + cost[i];
        s->cost[i] = (uint8_t)(sum < COST_MAX ? sum : COST_MAX);
        least = s->cost[i] < least ? s->cost[i] : least;
    }
    for (uint32_t i = 0; i < N_STARTS; i++) {
        s->cost[i] = (uint8_t)(s->cost[i] - least);
    }
}

static uint64_t look(const lightdark_state *s, hp_rng draw)
{
    return key_of(s->y + sigma_at(s->y) * hp_rng_normal(draw, 0));
}

static void step(const void *ctx, void *states, uint32_t n, const uint32_t *actions,
                 const uint64_t *keys, pomdp_steps *out)
{
    lightdark_state *s = states;
    for (uint32_t i = 0; i < n; i++) {
        out->terminal[i] = actions[i] == LIGHTDARK_HERE;
        out->reward[i] = actions[i] != LIGHTDARK_HERE ? REWARD_STEP
                         : s[i].y == 0                ? REWARD_HERE
                                                      : -REWARD_HERE;
        s[i].y = (int8_t)clamp(s[i].y + MOVE[actions[i]], Y_MAX);
        const uint64_t obs = look(&s[i], (hp_rng){keys[i]});
        believe(ctx, &s[i], actions[i], obs);
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
static uint32_t act(const lightdark *l, const lightdark_state *s)
{
    float sum = 0.0F;
    float mean = 0.0F;
    int32_t likeliest = 0;
    for (int32_t i = 0; i < N_STARTS; i++) {
        const float weight = l->weight[s->cost[i]];
        sum += weight;
        mean += weight * (float)i;
        likeliest = s->cost[i] == 0 ? i : likeliest;
    }
    if (sum * SURE < 1.0F) { /* the likeliest weighs 1 */
        const int32_t y = likeliest - START_MAX + s->shift;
        return y == 0 ? LIGHTDARK_HERE : move_towards(-y);
    }
    return move_towards(LIGHT - s->shift + START_MAX - (int32_t)lroundf(mean / sum));
}

static void default_policy(const void *ctx, const void *states, uint32_t n, uint32_t *actions)
{
    const lightdark_state *s = states;
    for (uint32_t i = 0; i < n; i++) {
        actions[i] = act(ctx, &s[i]);
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

/** P(noise > v), of the standard normal. */
static double above(double v)
{
    return 0.5 * erfc(v / sqrt(2.0));
}

/** Of what is seen from y. */
static double probability(int32_t y, uint64_t obs)
{
    const int32_t beyond = abs((int32_t)obs - N_EDGES);
    const double near = beyond > 0 ? EDGE[beyond - 1] : -EDGE[0];
    const double far = beyond < N_EDGES ? EDGE[beyond] : HUGE_VAL;
    const double at = (int32_t)obs < N_EDGES ? LIGHT - y : y - LIGHT; /* mirrored where below */
    const double low = (near - at) / sigma_at(y);
    const double high = (far - at) / sigma_at(y);
    return low > 0.0 ? above(low) - above(high) : above(-high) - above(-low); /* the tail's side */
}

static double obs_probability(const void *ctx, const void *state, uint32_t action, uint64_t obs)
{
    const lightdark_state *s = state;
    (void)ctx;
    (void)action;
    return probability(s->y, obs);
}

static void remember(const void *ctx, const void *before, uint32_t action, uint64_t obs,
                     void *after)
{
    lightdark_state *is = after;
    const int8_t y = is->y;
    *is = *(const lightdark_state *)before;
    is->y = y;
    believe(ctx, is, action, obs);
}

static void sample(const void *ctx, hp_rng stream, uint32_t n, void *states)
{
    lightdark_state *s = states;
    (void)ctx;
    for (uint32_t i = 0; i < n; i++) {
        const uint64_t cell = hp_rng_u64(stream, i) % N_STARTS;
        s[i] = (lightdark_state){.y = (int8_t)((int32_t)cell - START_MAX)};
    }
}

static void build(lightdark *l)
{
    for (uint32_t seen = 0; seen < N_SEEN; seen++) {
        for (int32_t y = -COLUMN_MAX; y <= COLUMN_MAX; y++) {
            const double p = probability(clamp(y, Y_MAX), seen);
            const double cost = -COST_PER_UNIT * log(fmax(p, 1e-300));
            l->cost[seen][y + COLUMN_MAX] = (uint8_t)lround(fmin(cost, COST_MAX));
        }
    }
    for (uint32_t cost = 0; cost <= COST_MAX; cost++) {
        l->weight[cost] = (float)exp(-(double)cost / COST_PER_UNIT);
    }
}

hp_status lightdark_open(uint64_t seed, pomdp_problem *out)
{
    lightdark *l = calloc(1, sizeof(*l));
    (void)seed;
    if (l == NULL) {
        return HP_ENOMEM;
    }
    build(l);
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
                                     .remember = remember,
                                     .ctx = l},
                           .sample = sample,
                           .max_steps = 100,
                           .n_belief = 10000,
                           .ctx = l,
                           .destroy = free};
    pomdp_config_default(&out->config);
    out->config.rollout_depth = 40;
    out->config.regularisation = 0.1;
    out->config.max_nodes = 1u << 16;
    out->config.max_particles = 1u << 18;
    return HP_OK;
}
