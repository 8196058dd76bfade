#include "predictor/pred_merge.h"

#include <string.h>

#define SAME_END_M 0.5

typedef struct cluster {
    double p;
    hp_vec2 mean[PRED_FUTURE];  /* in the agent's frame */
    double square[PRED_FUTURE]; /* mean over both axes of variance */
} cluster;

static double end_distance2(const cluster *a, const cluster *b)
{
    const double d = hp_dist(a->mean[PRED_FUTURE - 1], b->mean[PRED_FUTURE - 1]);
    return d * d;
}

/** b joins a: weighted means, and variances with what the means differ. */
static void join(cluster *a, const cluster *b)
{
    const double sum = a->p + b->p;
    const double u = sum > 0.0 ? b->p / sum : 0.5;
    for (uint32_t k = 0; k < PRED_FUTURE; ++k) {
        const double dx = b->mean[k].x_m - a->mean[k].x_m;
        const double dy = b->mean[k].y_m - a->mean[k].y_m;
        a->square[k] =
            (1.0 - u) * a->square[k] + u * b->square[k] + 0.5 * u * (1.0 - u) * (dx * dx + dy * dy);
        a->mean[k].x_m += u * dx;
        a->mean[k].y_m += u * dy;
    }
    a->p = sum;
}

/** The pair to merge next; false: none has to be. */
static bool find_pair(const cluster *c, uint32_t n, uint32_t *first, uint32_t *second)
{
    double least = (double)INFINITY;
    bool needed = n > HP_MAX_MODES;
    for (uint32_t i = 0; i < n; ++i) {
        for (uint32_t j = i + 1; j < n; ++j) {
            const double d2 = end_distance2(&c[i], &c[j]);
            const double cost = c[i].p * c[j].p / (c[i].p + c[j].p) * d2;
            const bool same = d2 < SAME_END_M * SAME_END_M;
            needed |= same;
            if ((n > HP_MAX_MODES || same) && cost < least) {
                least = cost;
                *first = i;
                *second = j;
            }
        }
    }
    return needed && least < (double)INFINITY;
}

static void take_mode(const pred_answer *a, uint32_t k, cluster *out)
{
    out->p = fmax((double)a->p[k], 1e-9);
    for (uint32_t t = 0; t < PRED_FUTURE; ++t) {
        const double bx = (double)a->scale[k][2 * t];
        const double by = (double)a->scale[k][2 * t + 1];
        out->mean[t] = (hp_vec2){(double)a->path[k][2 * t], (double)a->path[k][2 * t + 1]};
        out->square[t] = bx * bx + by * by; /* a Laplace distribution's variance is 2 b^2 */
    }
}

static void write_mode(const pred_answer *a, const cluster *c, hp_mode *out)
{
    memset(out, 0, sizeof *out);
    out->probability = c->p;
    for (uint32_t t = 0; t < PRED_FUTURE; ++t) {
        const float in[2] = {(float)c->mean[t].x_m, (float)c->mean[t].y_m};
        float world[2];
        pred_frame_out(&a->frame, in, world);
        out->mean[t] = (hp_vec2){(double)world[0], (double)world[1]};
        out->sigma_m[t] = sqrt(c->square[t]);
    }
}

void pred_merge(const pred_answer *answer, hp_forecast *out)
{
    cluster c[PRED_MODES];
    uint32_t n = answer->n_modes;
    uint32_t i = 0;
    uint32_t j = 0;
    double sum = 0.0;
    for (uint32_t k = 0; k < n; ++k) {
        take_mode(answer, k, &c[k]);
    }
    while (n > 1 && find_pair(c, n, &i, &j)) {
        join(&c[i], &c[j]);
        memmove(&c[j], &c[j + 1], (n - j - 1) * sizeof c[0]);
        --n;
    }
    out->n_modes = n;
    for (uint32_t k = 0; k < n; ++k) {
        sum += c[k].p;
    }
    for (uint32_t k = 0; k < n; ++k) {
        uint32_t best = k;
        for (uint32_t m = k + 1; m < n; ++m) {
            best = c[m].p > c[best].p ? m : best;
        }
        const cluster swap = c[k];
        c[k] = c[best];
        c[best] = swap;
        write_mode(answer, &c[k], &out->modes[k]);
        out->modes[k].probability /= sum;
    }
}
