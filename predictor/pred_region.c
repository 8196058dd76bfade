#include "predictor/pred_region.h"

#include <math.h>

#define RATE_FIRST 0.2 /* of the factor's logarithm per point, at first ... */
#define RATE_LAST 0.05 /* ... and in the long run */
#define MOST 1.5       /* of its size */

void pred_mixture_at(const pred_answer *answer, uint32_t k, pred_mixture *out)
{
    out->n = answer->n_modes;
    for (uint32_t m = 0; m < answer->n_modes; ++m) {
        const float *path = &answer->path[m][(size_t)2 * k];
        const float *scale = &answer->scale[m][(size_t)2 * k];
        out->mean[m] = (hp_vec2){(double)path[0], (double)path[1]};
        out->scale[m] = (hp_vec2){(double)fmaxf(scale[0], (float)PRED_MIN_SCALE_M),
                                  (double)fmaxf(scale[1], (float)PRED_MIN_SCALE_M)};
        out->p[m] = (double)answer->p[m];
    }
}

double pred_mixture_density(const pred_mixture *m, hp_vec2 p)
{
    double sum = 0.0;
    for (uint32_t k = 0; k < m->n; ++k) {
        const hp_vec2 b = m->scale[k];
        sum += m->p[k] / (4.0 * b.x_m * b.y_m) *
               exp(-fabs(p.x_m - m->mean[k].x_m) / b.x_m - fabs(p.y_m - m->mean[k].y_m) / b.y_m);
    }
    return sum;
}

static double laplace(double u, double scale)
{
    const double side = u - 0.5;
    return -scale * copysign(1.0, side) * log(fmax(1.0 - 2.0 * fabs(side), 1e-300));
}

static hp_vec2 draw(const pred_mixture *m, hp_rng stream)
{
    uint32_t k = 0;
    double left = hp_rng_unit(stream, 0);
    while (k + 1 < m->n && left >= m->p[k]) {
        left -= m->p[k++];
    }
    return (hp_vec2){m->mean[k].x_m + laplace(hp_rng_unit(stream, 1), m->scale[k].x_m),
                     m->mean[k].y_m + laplace(hp_rng_unit(stream, 2), m->scale[k].y_m)};
}

double pred_mixture_rank(const pred_mixture *m, double density, hp_rng stream)
{
    double denser = 0.5; /* of 39 draws: half of 40 ranks are 20, nine tenths are 36, no rounding */
    for (uint32_t i = 0; i + 1 < PRED_RANKS; ++i) {
        denser += pred_mixture_density(m, draw(m, hp_rng_lane(stream, i))) > density ? 1.0 : 0.0;
    }
    return denser;
}

void pred_adapt_note(pred_adapt *adapt, pred_class kind, double missed, double n)
{
    const double rate = fmax(1.0 / (1.0 / RATE_FIRST + adapt->n[kind]), RATE_LAST);
    const double by = rate * (missed - (1.0 - PRED_REGION_SHARE) * n);
    adapt->log_factor[kind] = hp_clamp(adapt->log_factor[kind] + by, -MOST, MOST);
    adapt->n[kind] += n;
}

void pred_adapt_apply(const pred_adapt *adapt, pred_class kind, pred_answer *answer)
{
    const float factor = (float)exp(adapt->log_factor[kind]);
    for (uint32_t m = 0; m < answer->n_modes; ++m) {
        for (uint32_t c = 0; c < PRED_PATH; ++c) {
            answer->scale[m][c] = fmaxf(factor * answer->scale[m][c], (float)PRED_MIN_SCALE_M);
        }
    }
}
