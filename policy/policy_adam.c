#include "policy/policy_adam.h"

#include "policy/policy_kernel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double EPSILON = 1e-5;

hp_status policy_adam_create(size_t n, policy_adam *out)
{
    memset(out, 0, sizeof *out);
    out->n = n;
    out->params = calloc(n, sizeof *out->params);
    out->grads = calloc(n, sizeof *out->grads);
    out->m = calloc(n, sizeof *out->m);
    out->v = calloc(n, sizeof *out->v);
    if (out->params == NULL || out->grads == NULL || out->m == NULL || out->v == NULL) {
        policy_adam_destroy(out);
        return HP_ENOMEM;
    }
    return HP_OK;
}

void policy_adam_destroy(policy_adam *adam)
{
    free(adam->params);
    free(adam->grads);
    free(adam->m);
    free(adam->v);
    memset(adam, 0, sizeof *adam);
}

/** In eight sums, so that they run side by side. */
static double norm(const float *x, size_t n)
{
    float sums[8] = {0};
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        for (size_t k = 0; k < 8; k++) {
            sums[k] += x[i + k] * x[i + k];
        }
    }
    double sum = 0.0;
    for (; i < n; i++) {
        sum += (double)x[i] * (double)x[i];
    }
    for (size_t k = 0; k < 8; k++) {
        sum += (double)sums[k];
    }
    return sqrt(sum);
}

double policy_adam_step(policy_adam *a, double rate, double max_norm)
{
    const double length = norm(a->grads, a->n);
    const double t = (double)++a->updates;
    const double late2 = sqrt(1.0 - pow(HP_ADAM_KEEP_V, t));
    const float keep_m = (float)HP_ADAM_KEEP_M;
    const float keep_v = (float)HP_ADAM_KEEP_V;
    const hp_adam_rule rule = {
        .scale = (float)(length > max_norm ? max_norm / length : 1.0),
        .keep_m = keep_m,
        .add_m = 1.0F - keep_m,
        .keep_v = keep_v,
        .add_v = 1.0F - keep_v,
        .rate = (float)(rate * late2 / (1.0 - pow(HP_ADAM_KEEP_M, t))),
        .unbias = 1.0F,
        .epsilon = (float)(EPSILON * late2),
    };
    policy_kernel_best()->adam(&rule, a->n, a->grads, a->m, a->v, a->params);
    return length;
}
