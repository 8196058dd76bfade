#include "predictor/pred_grad.h"

#include <string.h>
#include <tgmath.h>

#define W_BEST 4.0
#define W_BEST_END 0.5
#define W_ALL 0.05
#define W_CHOICE 0.3
#define W_NLL 0.2
#define W_SINGLE_END 0.3
#define SHARPNESS 3.0

enum { LOGIT = 2 * PRED_PATH }; /* its place among a mode's outputs */

/** Errors of one path. */
typedef struct path_error {
    pred_real mean, end;
} path_error;

static path_error measure(const pred_real *path, const pred_real *truth, uint32_t n)
{
    path_error e = {0, 0};
    for (size_t t = 0; t < n; ++t) {
        const pred_real dx = path[2 * t] - truth[2 * t];
        const pred_real dy = path[2 * t + 1] - truth[2 * t + 1];
        e.end = sqrt(dx * dx + dy * dy);
        e.mean += e.end / (pred_real)n;
    }
    return e;
}

/** Adds the derivative of mean_w * mean + end_w * end by the path. */
static void measure_back(const pred_real *path, const pred_real *truth, uint32_t n,
                         const path_error *by, pred_real *d)
{
    for (size_t t = 0; t < n; ++t) {
        const pred_real dx = path[2 * t] - truth[2 * t];
        const pred_real dy = path[2 * t + 1] - truth[2 * t + 1];
        const pred_real r = sqrt(dx * dx + dy * dy);
        if (r > (pred_real)1e-9) {
            const pred_real w = (by->mean / (pred_real)n + (t + 1 == n ? by->end : 0)) / r;
            d[2 * t] += w * dx;
            d[2 * t + 1] += w * dy;
        }
    }
}

/** One agent's share: his rows, and where the derivatives go (NULL: nowhere). */
typedef struct agent {
    const pred_real *out, *scale, *log_p, *truth;
    pred_real *d_out;
    uint32_t n; /* steps with truth */
    pred_real floor, share;
    path_error errors[PRED_MODES];
} agent;

static pred_real *by_mode(const agent *a, uint32_t k)
{
    return &a->d_out[(size_t)k * PRED_OUTPUTS];
}

static const pred_real *path_of(const agent *a, uint32_t k)
{
    return &a->out[(size_t)k * PRED_OUTPUTS];
}

/** The nearest mode is pulled, all are pulled a little. Returns its index. */
static uint32_t pull(agent *a)
{
    uint32_t best = 0;
    for (uint32_t k = 0; k < PRED_MODES; ++k) {
        a->errors[k] = measure(path_of(a, k), a->truth, a->n);
        if (a->errors[k].mean + a->errors[k].end < a->errors[best].mean + a->errors[best].end) {
            best = k;
        }
    }
    for (uint32_t k = 0; a->d_out != NULL && k < PRED_MODES; ++k) {
        const pred_real won = k == best ? (pred_real)W_BEST : 0;
        const path_error by = {a->share * (won + (pred_real)(W_ALL / PRED_MODES)),
                               a->share * won * (pred_real)W_BEST_END};
        measure_back(path_of(a, k), a->truth, a->n, &by, by_mode(a, k));
    }
    return best;
}

/** Cross-entropy of the probabilities against how near each mode came. */
static double choose(const agent *a)
{
    pred_real target[PRED_MODES];
    pred_real best = -INFINITY;
    pred_real sum = 0;
    double loss = 0.0;
    for (uint32_t k = 0; k < PRED_MODES; ++k) {
        target[k] = (pred_real)-SHARPNESS * (a->errors[k].mean + a->errors[k].end);
        best = target[k] > best ? target[k] : best;
    }
    for (uint32_t k = 0; k < PRED_MODES; ++k) {
        target[k] = exp(target[k] - best);
        sum += target[k];
    }
    for (uint32_t k = 0; k < PRED_MODES; ++k) {
        const pred_real want = target[k] / sum;
        loss -= (double)(want * a->log_p[k]);
        if (a->d_out != NULL) {
            by_mode(a, k)[LOGIT] += a->share * (pred_real)W_CHOICE * (exp(a->log_p[k]) - want);
        }
    }
    return loss;
}

/** Log density of the truth at step t under mode k. */
static pred_real log_density(const agent *a, uint32_t k, size_t t)
{
    pred_real sum = a->log_p[k];
    for (size_t i = 2 * t; i < 2 * t + 2; ++i) {
        const pred_real b = a->scale[(size_t)k * PRED_PATH + i];
        sum -= log(2 * b) + fabs(path_of(a, k)[i] - a->truth[i]) / b;
    }
    return sum;
}

static void likely_back(const agent *a, uint32_t k, size_t t, pred_real posterior)
{
    const pred_real weight = a->share * (pred_real)W_NLL / (pred_real)a->n;
    pred_real *d = by_mode(a, k);
    d[LOGIT] += weight * (exp(a->log_p[k]) - posterior);
    for (size_t i = 2 * t; i < 2 * t + 2; ++i) {
        const pred_real b = a->scale[(size_t)k * PRED_PATH + i];
        const pred_real off = fabs(path_of(a, k)[i] - a->truth[i]);
        /* b = floor + gain softplus(raw): its slope is gain (1 - exp(-softplus)). */
        const pred_real slope =
            (pred_real)PRED_SCALE_GAIN * (1 - exp(-(b - a->floor) / (pred_real)PRED_SCALE_GAIN));
        d[PRED_PATH + i] += weight * posterior * (1 / b - off / (b * b)) * slope;
    }
}

/** Negative log likelihood of the mixture, step by step. */
static double likely(const agent *a)
{
    double loss = 0.0;
    for (size_t t = 0; t < a->n; ++t) {
        pred_real each[PRED_MODES];
        pred_real best = -INFINITY;
        pred_real sum = 0;
        for (uint32_t k = 0; k < PRED_MODES; ++k) {
            each[k] = log_density(a, k, t);
            best = each[k] > best ? each[k] : best;
        }
        for (uint32_t k = 0; k < PRED_MODES; ++k) {
            each[k] = exp(each[k] - best);
            sum += each[k];
        }
        loss -= (double)(best + log(sum)) / a->n;
        for (uint32_t k = 0; a->d_out != NULL && k < PRED_MODES; ++k) {
            likely_back(a, k, t, each[k] / sum);
        }
    }
    return loss;
}

static agent agent_of(const pred_acts *acts, const pred_grads *grads, uint32_t i)
{
    const size_t modes = (size_t)i * PRED_MODES;
    return (agent){.out = &acts->out[modes * PRED_OUTPUTS],
                   .scale = &acts->scale[modes * PRED_PATH],
                   .log_p = &acts->log_p[modes],
                   .truth = &acts->batch.truth[(size_t)i * PRED_PATH],
                   .d_out = grads != NULL ? &grads->d_out[modes * PRED_OUTPUTS] : NULL,
                   .n = acts->batch.n_truth[i],
                   .floor = acts->batch.floor[i],
                   .share = (pred_real)1 / (pred_real)acts->batch.n};
}

pred_loss pred_loss_of(const pred_acts *acts, pred_grads *grads)
{
    pred_loss sum = {0};
    const uint32_t n = acts->batch.n;
    if (grads != NULL) {
        memset(grads->d_out, 0, (size_t)n * PRED_MODES * PRED_OUTPUTS * sizeof(pred_real));
        memset(grads->d_single, 0, (size_t)n * PRED_PATH * sizeof(pred_real));
    }
    for (uint32_t i = 0; i < n; ++i) {
        agent a = agent_of(acts, grads, i);
        const pred_real *single = &acts->single[(size_t)i * PRED_PATH];
        const path_error one = measure(single, a.truth, a.n);
        const path_error best = a.errors[pull(&a)];
        const double nll = likely(&a);
        const double choice = choose(&a);
        double all = 0.0;
        for (uint32_t k = 0; k < PRED_MODES; ++k) {
            all += (double)a.errors[k].mean / PRED_MODES;
        }
        if (grads != NULL) {
            const path_error by = {a.share, a.share * (pred_real)W_SINGLE_END};
            measure_back(single, a.truth, a.n, &by, &grads->d_single[(size_t)i * PRED_PATH]);
        }
        sum.best += (double)(best.mean + best.end) / n;
        sum.single += (double)(one.mean + one.end) / n;
        sum.nll += nll / n;
        sum.choice += choice / n;
        sum.total +=
            (W_BEST * ((double)best.mean + W_BEST_END * (double)best.end) + W_ALL * all +
             W_CHOICE * choice + W_NLL * nll + (double)one.mean + W_SINGLE_END * (double)one.end) /
            n;
    }
    return sum;
}
