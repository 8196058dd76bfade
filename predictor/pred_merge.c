#include "predictor/pred_merge.h"

#include <string.h>

#define SAME_END_M 0.5

/** b joins a: weighted means, and variances with what the means differ. */
static void join(pred_cluster *a, const pred_cluster *b)
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

static void weigh_pair(uint32_t i, uint32_t j, pred_merge_room *p)
{
    const pred_cluster *c = p->clusters;
    const hp_vec2 a = c[i].mean[PRED_FUTURE - 1];
    const hp_vec2 b = c[j].mean[PRED_FUTURE - 1];
    const double dx = a.x_m - b.x_m;
    const double dy = a.y_m - b.y_m;
    p->apart2[i][j] = dx * dx + dy * dy;
    p->cost[i][j] = c[i].p * c[j].p / (c[i].p + c[j].p) * p->apart2[i][j];
}

/** The pair to merge next among those that are alive; false: none has to be. Where there are too
 * many, there is one even if costs are no numbers. */
static bool find_pair(const pred_merge_room *p, const bool *alive, uint32_t n, uint32_t *first,
                      uint32_t *second)
{
    double least = (double)INFINITY;
    bool found = false;
    for (uint32_t i = 0; i < PRED_MODES; ++i) {
        for (uint32_t j = i + 1; alive[i] && j < PRED_MODES; ++j) {
            const bool may = n > HP_MAX_MODES || p->apart2[i][j] < SAME_END_M * SAME_END_M;
            if (alive[j] && may && (!found || p->cost[i][j] < least)) {
                found = true;
                least = p->cost[i][j];
                *first = i;
                *second = j;
            }
        }
    }
    return found;
}

/** Merges among the first n clusters and closes the gaps; returns how many are left. */
static uint32_t merge_all(pred_merge_room *p, uint32_t n)
{
    pred_cluster *c = p->clusters;
    bool alive[PRED_MODES] = {false};
    uint32_t left = n;
    uint32_t i = 0;
    uint32_t j = 0;
    for (i = 0; i < n; ++i) {
        alive[i] = true;
        for (j = i + 1; j < n; ++j) {
            weigh_pair(i, j, p);
        }
    }
    while (left > 1 && find_pair(p, alive, left, &i, &j)) {
        join(&c[i], &c[j]);
        alive[j] = false;
        --left;
        for (uint32_t m = 0; m < n; ++m) {
            if (alive[m] && m != i) {
                weigh_pair(m < i ? m : i, m < i ? i : m, p);
            }
        }
    }
    left = 0;
    for (i = 0; i < n; ++i) {
        if (alive[i]) {
            c[left++] = c[i];
        }
    }
    return left;
}

static void take_mode(const pred_answer *a, uint32_t k, pred_cluster *out)
{
    out->p = fmax((double)a->p[k], 1e-9);
    for (size_t t = 0; t < PRED_FUTURE; ++t) {
        const double bx = (double)a->scale[k][2 * t];
        const double by = (double)a->scale[k][2 * t + 1];
        out->mean[t] = (hp_vec2){(double)a->path[k][2 * t], (double)a->path[k][2 * t + 1]};
        out->square[t] = bx * bx + by * by; /* a Laplace distribution's variance is 2 b^2 */
    }
}

static void write_mode(const pred_answer *a, const pred_cluster *c, hp_mode *out)
{
    memset(out, 0, sizeof *out);
    out->probability = c->p;
    for (size_t t = 0; t < PRED_FUTURE; ++t) {
        const float in[2] = {(float)c->mean[t].x_m, (float)c->mean[t].y_m};
        float world[2];
        pred_frame_out(&a->frame, in, world);
        out->mean[t] = (hp_vec2){(double)world[0], (double)world[1]};
        out->sigma_m[t] = sqrt(c->square[t]);
    }
}

void pred_merge(const pred_answer *answer, pred_merge_room *room, hp_forecast *out)
{
    pred_cluster *c = room->clusters;
    double sum = 0.0;
    for (uint32_t k = 0; k < answer->n_modes; ++k) {
        take_mode(answer, k, &c[k]);
    }
    const uint32_t n = merge_all(room, answer->n_modes);
    out->n_modes = n;
    for (uint32_t k = 0; k < n; ++k) {
        sum += c[k].p;
    }
    for (uint32_t k = 0; k < n; ++k) {
        uint32_t best = k;
        for (uint32_t m = k + 1; m < n; ++m) {
            best = c[m].p > c[best].p ? m : best;
        }
        const pred_cluster swap = c[k];
        c[k] = c[best];
        c[best] = swap;
        write_mode(answer, &c[k], &out->modes[k]);
        out->modes[k].probability /= sum;
    }
}
