/* A pole on a cart, to be kept upright for 500 steps. */
#include "common/hp_geom.h"
#include "policy/envs/classic.h"

#include <stdlib.h>

static const double GRAVITY = 9.8, POLE_KG = 0.1, HALF_LENGTH_M = 0.5, PUSH_N = 10.0, STEP_S = 0.02,
                    MAX_X = 2.4;
static const double TOTAL_KG = 1.1, MOMENT = 0.05; /* pole mass times half its length */
static const double MAX_ANGLE = 12.0 * HP_PI / 180.0;
enum { LIMIT = 500 };

void cartpole_step(cartpole *c, bool right, policy_step *out)
{
    const double sine = sin(c->angle);
    const double cosine = cos(c->angle);
    const double push = right ? PUSH_N : -PUSH_N;
    const double common = (push + MOMENT * c->rate * c->rate * sine) / TOTAL_KG;
    const double turn = (GRAVITY * sine - cosine * common) /
                        (HALF_LENGTH_M * (4.0 / 3.0 - POLE_KG * cosine * cosine / TOTAL_KG));
    const double accel = common - MOMENT * turn * cosine / TOTAL_KG;
    c->x += STEP_S * c->v; /* explicit Euler: places move with the old speeds */
    c->v += STEP_S * accel;
    c->angle += STEP_S * c->rate;
    c->rate += STEP_S * turn;
    c->steps++;
    *out = (policy_step){.reward = 1.0};
    out->terminated = fabs(c->x) > MAX_X || fabs(c->angle) > MAX_ANGLE;
    out->truncated = !out->terminated && c->steps >= LIMIT;
}

static hp_status create(void *ctx, uint32_t index, void **env, hp_error *error)
{
    (void)ctx;
    (void)index;
    *env = calloc(1, sizeof(cartpole));
    return *env != NULL ? HP_OK : hp_fail(error, HP_ENOMEM, "no memory for cartpole");
}

static void look(const cartpole *c, float *row)
{
    row[0] = (float)c->x;
    row[1] = (float)c->v;
    row[2] = (float)c->angle;
    row[3] = (float)c->rate;
}

static void reset(void *env, hp_rng stream, float *row)
{
    cartpole *c = env;
    *c = (cartpole){.x = hp_rng_range(stream, 0, -0.05, 0.05),
                    .v = hp_rng_range(stream, 1, -0.05, 0.05),
                    .angle = hp_rng_range(stream, 2, -0.05, 0.05),
                    .rate = hp_rng_range(stream, 3, -0.05, 0.05)};
    look(c, row);
}

static void step(void *env, const float *action, policy_step *out, float *row)
{
    cartpole_step(env, action[0] > 0.5F, out);
    look(env, row);
}

const policy_task CARTPOLE_TASK = {.name = "cartpole",
                                   .n_plain = 4,
                                   .n_actions = 2,
                                   .create = create,
                                   .destroy = free,
                                   .reset = reset,
                                   .step = step};
