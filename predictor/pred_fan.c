#include "predictor/pred_fan.h"

#include <stdlib.h>
#include <string.h>

enum { DRAWN = 20000, ROUNDS = 40 };
#define NOISE_RAD 0.4363323129985824 /* 25 degrees */

static void go_on(float vx, float vy, float path[PRED_PATH])
{
    for (size_t k = 0; k < PRED_FUTURE; ++k) {
        path[2 * k] = (float)(k + 1) * vx;
        path[2 * k + 1] = (float)(k + 1) * vy;
    }
}

/** The base path that the network corrects, in metres and along the world's axes. */
static void turn_on(const pred_sample *sample, float path[PRED_PATH])
{
    float x[PRED_INPUTS];
    float pairs[PRED_NEIGHBOURS * PRED_PAIRS];
    float base[PRED_PATH];
    const pred_frame frame = pred_frame_of(&sample->input, &PRED_AS_IT_IS);
    pred_input_write(&sample->input, &frame, 1.0, x, pairs, base);
    for (size_t k = 0; k < PRED_FUTURE; ++k) {
        pred_frame_out(&frame, &base[2 * k], &path[2 * k]);
    }
}

void pred_rival_answer(pred_rival rival, const pred_sample *sample, hp_rng stream,
                       pred_answer *answer)
{
    const float *last = sample->input.past[PRED_PAST - 2];
    memset(answer, 0, sizeof *answer);
    answer->frame = (pred_frame){.cos = 1.0, .flip = 1.0, .scale = 1.0};
    answer->n_modes = rival == PRED_CV_SAMPLED ? PRED_MODES : 1;
    go_on(-last[0], -last[1], answer->single);
    if (rival == PRED_CV3) {
        go_on(sample->mean_step_m[0], sample->mean_step_m[1], answer->single);
    } else if (rival == PRED_CV_TURN) {
        turn_on(sample, answer->single);
    }
    for (uint32_t k = 0; k < answer->n_modes; ++k) {
        answer->p[k] = 1.0F / (float)answer->n_modes;
        memcpy(answer->path[k], answer->single, sizeof answer->single);
        if (rival == PRED_CV_SAMPLED) {
            const double turn = NOISE_RAD * hp_rng_normal(stream, k);
            const double vx = -(double)last[0];
            const double vy = -(double)last[1];
            go_on((float)(cos(turn) * vx - sin(turn) * vy),
                  (float)(sin(turn) * vx + cos(turn) * vy), answer->path[k]);
        }
    }
}

typedef struct fan {
    uint32_t n;
    float (*misses)[PRED_PATH]; /* truth - base, in the agent's frame, units */
    uint32_t *cluster;
    double centres[PRED_MODES][2];
} fan;

/** What the base misses of one sample's future, or of its mirror image. */
static bool miss_of(const pred_sample *sample, bool mirrored, float miss[PRED_PATH])
{
    float x[PRED_INPUTS];
    float pairs[PRED_NEIGHBOURS * PRED_PAIRS];
    float base[PRED_PATH];
    const pred_change change = {.size = 1.0, .flip = mirrored ? -1.0 : 1.0};
    if (sample->n_future < PRED_FUTURE) {
        return false;
    }
    const pred_frame frame = pred_frame_of(&sample->input, &change);
    pred_input_write(&sample->input, &frame, 1.0, x, pairs, base);
    for (size_t k = 0; k < PRED_FUTURE; ++k) {
        pred_frame_in(&frame, sample->future[k], &miss[2 * k]);
        miss[2 * k] -= base[2 * k];
        miss[2 * k + 1] -= base[2 * k + 1];
    }
    return true;
}

static void draw(const pred_samples *samples, hp_rng stream, fan *f)
{
    for (uint64_t i = 0; i < 4 * (uint64_t)DRAWN && f->n < DRAWN; ++i) {
        const uint64_t word = hp_rng_u64(stream, i);
        const pred_sample *s = &samples->items[(word >> 1) % samples->n];
        f->n += miss_of(s, (word & 1) != 0, f->misses[f->n]) ? 1 : 0;
    }
}

static double apart2(const float *miss, const double centre[2])
{
    const double dx = (double)miss[PRED_PATH - 2] - centre[0];
    const double dy = (double)miss[PRED_PATH - 1] - centre[1];
    return dx * dx + dy * dy;
}

static uint32_t nearest(const fan *f, uint32_t i, uint32_t n_centres, double *distance2)
{
    uint32_t best = 0;
    *distance2 = apart2(f->misses[i], f->centres[0]);
    for (uint32_t k = 1; k < n_centres; ++k) {
        const double d2 = apart2(f->misses[i], f->centres[k]);
        if (d2 < *distance2) {
            *distance2 = d2;
            best = k;
        }
    }
    return best;
}

/** k-means++: a point becomes a centre with chances as its squared distance from the others. */
static void seed_centres(fan *f, hp_rng stream)
{
    for (uint32_t k = 0; k < PRED_MODES; ++k) {
        double total = 0.0;
        double d2 = 1.0;
        for (uint32_t i = 0; k > 0 && i < f->n; ++i) {
            (void)nearest(f, i, k, &d2);
            total += d2;
        }
        double left = hp_rng_unit(stream, k) * (k > 0 ? total : f->n);
        uint32_t chosen = f->n - 1;
        for (uint32_t i = 0; i < f->n; ++i) {
            d2 = 1.0;
            if (k > 0) {
                (void)nearest(f, i, k, &d2);
            }
            left -= d2;
            if (left < 0.0) {
                chosen = i;
                break;
            }
        }
        f->centres[k][0] = (double)f->misses[chosen][PRED_PATH - 2];
        f->centres[k][1] = (double)f->misses[chosen][PRED_PATH - 1];
    }
}

static void move_centres(fan *f)
{
    double sums[PRED_MODES][3] = {{0.0}};
    for (uint32_t i = 0; i < f->n; ++i) {
        double d2 = 0.0;
        f->cluster[i] = nearest(f, i, PRED_MODES, &d2);
        double *sum = sums[f->cluster[i]];
        sum[0] += (double)f->misses[i][PRED_PATH - 2];
        sum[1] += (double)f->misses[i][PRED_PATH - 1];
        sum[2] += 1.0;
    }
    for (uint32_t k = 0; k < PRED_MODES; ++k) {
        if (sums[k][2] > 0.0) {
            f->centres[k][0] = sums[k][0] / sums[k][2];
            f->centres[k][1] = sums[k][1] / sums[k][2];
        }
    }
}

/** Mean path, scale about it and share of one cluster, as the network's anchor. */
static void write_anchor(const fan *f, uint32_t k, float anchor[PRED_OUTPUTS])
{
    double mean[PRED_PATH] = {0.0};
    double off[PRED_PATH] = {0.0};
    double n = 0.0;
    for (uint32_t i = 0; i < f->n; ++i) {
        n += f->cluster[i] == k ? 1.0 : 0.0;
        for (uint32_t c = 0; f->cluster[i] == k && c < PRED_PATH; ++c) {
            mean[c] += (double)f->misses[i][c];
        }
    }
    const double share = fmax(n, 1.0);
    for (uint32_t i = 0; i < f->n; ++i) {
        for (uint32_t c = 0; f->cluster[i] == k && c < PRED_PATH; ++c) {
            off[c] += fabs((double)f->misses[i][c] - mean[c] / share) / share;
        }
    }
    for (uint32_t c = 0; c < PRED_PATH; ++c) {
        const double above = fmax(off[c] - PRED_MIN_SCALE_M, 1e-4) / PRED_SCALE_GAIN;
        anchor[c] = (float)(mean[c] / share);
        anchor[PRED_PATH + c] = (float)log(expm1(above)); /* softplus, backwards */
    }
    anchor[PRED_OUTPUTS - 1] = (float)log(share / f->n);
}

hp_status pred_fan_fit(const pred_samples *samples, uint64_t seed, pred_model *out, hp_error *error)
{
    const hp_rng stream = hp_rng_seed(seed);
    fan *f = calloc(1, sizeof *f);
    memset(out, 0, sizeof *out);
    out->temperature = 1.0F;
    out->spread = 1.0F;
    if (f != NULL) {
        f->misses = calloc(DRAWN, sizeof *f->misses);
        f->cluster = calloc(DRAWN, sizeof *f->cluster);
    }
    hp_status st = HP_OK;
    if (f == NULL || f->misses == NULL || f->cluster == NULL) {
        st = hp_fail(error, HP_ENOMEM, "no memory for %d paths", DRAWN);
    } else {
        draw(samples, hp_rng_lane(stream, 1), f);
        if (f->n < PRED_MODES) {
            st = hp_fail(error, HP_EINVAL, "too few recorded paths to learn from: %u", f->n);
        }
    }
    if (st == HP_OK) {
        seed_centres(f, hp_rng_lane(stream, 2));
        for (uint32_t round = 0; round < ROUNDS; ++round) {
            move_centres(f);
        }
        for (uint32_t k = 0; k < PRED_MODES; ++k) {
            write_anchor(f, k, &out->weights.anchor[(size_t)k * PRED_OUTPUTS]);
        }
    }
    if (f != NULL) {
        free(f->misses);
        free(f->cluster);
    }
    free(f);
    return st;
}
