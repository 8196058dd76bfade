/* Two links and a motor between them, to be swung up above a line. */
#include "common/hp_geom.h"
#include "policy/envs/classic.h"

#include <stdlib.h>

static const double GRAVITY = 9.8, CENTRE_M = 0.5, STEP_S = 0.2; /* lengths and masses are 1 */
static const double MAX_RATE1 = 4.0 * HP_PI, MAX_RATE2 = 9.0 * HP_PI;
enum { LIMIT = 500 };

typedef struct motion {
    double v[4]; /* angle1, angle2, rate1, rate2, or how fast they change */
} motion;

static motion change(motion s, double torque)
{
    const double c2 = cos(s.v[1]);
    const double s2 = sin(s.v[1]);
    const double w1 = s.v[2];
    const double w2 = s.v[3];
    const double c = CENTRE_M;
    const double d1 = c * c + (1.0 + c * c + 2.0 * c * c2) + 2.0;
    const double d2 = c * c + c * c2 + 1.0;
    const double phi2 = c * GRAVITY * cos(s.v[0] + s.v[1] - HP_PI / 2.0);
    const double phi1 = -c * w2 * w2 * s2 - 2.0 * c * w2 * w1 * s2 +
                        (c + 1.0) * GRAVITY * cos(s.v[0] - HP_PI / 2.0) + phi2;
    const double a2 =
        (torque + d2 / d1 * phi1 - c * w1 * w1 * s2 - phi2) / (c * c + 1.0 - d2 * d2 / d1);
    return (motion){{w1, w2, -(d2 * a2 + phi1) / d1, a2}};
}

static motion along(motion s, motion d, double h)
{
    for (int i = 0; i < 4; i++) {
        s.v[i] += h * d.v[i];
    }
    return s;
}

void acrobot_step(acrobot *a, double torque, policy_step *out)
{
    motion s = {{a->angle1, a->angle2, a->rate1, a->rate2}};
    const motion k1 = change(s, torque); /* Runge and Kutta, fourth order */
    const motion k2 = change(along(s, k1, STEP_S / 2.0), torque);
    const motion k3 = change(along(s, k2, STEP_S / 2.0), torque);
    const motion k4 = change(along(s, k3, STEP_S), torque);
    for (int i = 0; i < 4; i++) {
        s.v[i] += STEP_S / 6.0 * (k1.v[i] + 2.0 * k2.v[i] + 2.0 * k3.v[i] + k4.v[i]);
    }
    a->angle1 = hp_angle_wrap(s.v[0]);
    a->angle2 = hp_angle_wrap(s.v[1]);
    a->rate1 = hp_clamp(s.v[2], -MAX_RATE1, MAX_RATE1);
    a->rate2 = hp_clamp(s.v[3], -MAX_RATE2, MAX_RATE2);
    a->steps++;
    *out = (policy_step){0};
    out->terminated = -cos(a->angle1) - cos(a->angle1 + a->angle2) > 1.0;
    out->truncated = !out->terminated && a->steps >= LIMIT;
    out->reward = out->terminated ? 0.0 : -1.0;
}

static hp_status create(void *ctx, uint32_t index, void **env, hp_error *error)
{
    (void)ctx;
    (void)index;
    *env = calloc(1, sizeof(acrobot));
    return *env != NULL ? HP_OK : hp_fail(error, HP_ENOMEM, "no memory for acrobot");
}

/* Rates are scaled to the size of the other features. */
static void look(const acrobot *a, float *row)
{
    row[0] = (float)cos(a->angle1);
    row[1] = (float)sin(a->angle1);
    row[2] = (float)cos(a->angle2);
    row[3] = (float)sin(a->angle2);
    row[4] = (float)(a->rate1 / 3.0);
    row[5] = (float)(a->rate2 / 5.0);
}

static void reset(void *env, hp_rng stream, float *row)
{
    acrobot *a = env;
    *a = (acrobot){.angle1 = hp_rng_range(stream, 0, -0.1, 0.1),
                   .angle2 = hp_rng_range(stream, 1, -0.1, 0.1),
                   .rate1 = hp_rng_range(stream, 2, -0.1, 0.1),
                   .rate2 = hp_rng_range(stream, 3, -0.1, 0.1)};
    look(a, row);
}

static void step(void *env, const float *action, policy_step *out, float *row)
{
    acrobot_step(env, (double)action[0] - 1.0, out);
    look(env, row);
}

const policy_task ACROBOT_TASK = {.name = "acrobot",
                                  .n_plain = 6,
                                  .n_actions = 3,
                                  .create = create,
                                  .destroy = free,
                                  .reset = reset,
                                  .step = step};
