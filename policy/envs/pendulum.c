/* A pendulum with a weak motor, to be swung up and held. It never ends by itself. */
#include "common/hp_geom.h"
#include "policy/envs/classic.h"

#include <stdlib.h>
#include <string.h>

static const double STEP_S = 0.05, MAX_TORQUE = 2.0, MAX_RATE = 8.0;
enum { LIMIT = 200 };

void pendulum_step(pendulum *p, double torque, policy_step *out)
{
    const double u = hp_clamp(torque, -MAX_TORQUE, MAX_TORQUE);
    const double angle = hp_angle_wrap(p->angle);
    *out = (policy_step){.reward = -(angle * angle + 0.1 * p->rate * p->rate + 0.001 * u * u)};
    p->rate = hp_clamp(p->rate + (15.0 * sin(p->angle) + 3.0 * u) * STEP_S, -MAX_RATE, MAX_RATE);
    p->angle += STEP_S * p->rate;
    p->steps++;
    out->truncated = p->steps >= LIMIT;
}

static hp_status create(void *ctx, uint32_t index, void **env, hp_error *error)
{
    (void)ctx;
    (void)index;
    *env = calloc(1, sizeof(pendulum));
    return *env != NULL ? HP_OK : hp_fail(error, HP_ENOMEM, "no memory for pendulum");
}

static void look(const pendulum *p, float *row)
{
    row[0] = (float)cos(p->angle);
    row[1] = (float)sin(p->angle);
    row[2] = (float)(p->rate / 4.0);
}

static void reset(void *env, hp_rng stream, float *row)
{
    pendulum *p = env;
    *p = (pendulum){.angle = hp_rng_range(stream, 0, -HP_PI, HP_PI),
                    .rate = hp_rng_range(stream, 1, -1.0, 1.0)};
    look(p, row);
}

/* The network speaks in shares of the greatest torque. */
static void step(void *env, const float *action, policy_step *out, float *row)
{
    pendulum_step(env, MAX_TORQUE * (double)action[0], out);
    look(env, row);
}

const policy_task PENDULUM_TASK = {.name = "pendulum",
                                   .n_plain = 3,
                                   .n_actions = 1,
                                   .continuous = true,
                                   .create = create,
                                   .destroy = free,
                                   .reset = reset,
                                   .step = step};

const policy_task *classic_task_find(const char *name)
{
    static const policy_task *const TASKS[] = {&CARTPOLE_TASK, &ACROBOT_TASK, &PENDULUM_TASK};
    for (size_t i = 0; i < sizeof TASKS / sizeof TASKS[0]; i++) {
        if (strcmp(TASKS[i]->name, name) == 0) {
            return TASKS[i];
        }
    }
    return NULL;
}
