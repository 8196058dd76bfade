#include "predictor/pred_measure.h"

#include <string.h>

#define TOUCH_M 0.2

static const double REGIONS[2] = {0.5, PRED_REGION_SHARE};

/** Where the path is when the k-th step of the recording is expected, at its end after that. */
static hp_vec2 path_at(const float *path, const pred_sample *s, uint32_t k)
{
    const double at = fmin((double)s->truth_s[k] / PRED_STEP_S, PRED_FUTURE) - 1.0;
    const double whole = floor(at + 1e-6);
    const double u = fmax(at - whole, 0.0);
    const size_t j = (size_t)fmax(whole, 0.0);
    const size_t next = j + 1 < PRED_FUTURE ? j + 1 : PRED_FUTURE - 1;
    return (hp_vec2){(1.0 - u) * (double)path[2 * j] + u * (double)path[2 * next],
                     (1.0 - u) * (double)path[2 * j + 1] + u * (double)path[2 * next + 1]};
}

/** The truth in the answer's frame. */
static hp_vec2 truth_at(const pred_answer *a, const pred_sample *s, uint32_t k)
{
    float p[2];
    pred_frame_in(&a->frame, s->truth[k], p);
    return (hp_vec2){(double)p[0], (double)p[1]};
}

static pred_pair error_of(const float *path, const pred_answer *a, const pred_sample *s)
{
    pred_pair e = {0.0, 0.0};
    for (uint32_t k = 0; k < s->n_truth; ++k) {
        e.fde = hp_dist(path_at(path, s, k), truth_at(a, s, k));
        e.ade += e.fde / s->n_truth;
    }
    return e;
}

/** Modes from the most probable on; equal ones in their order. */
static void rank_modes(const pred_answer *a, uint32_t order[PRED_MODES])
{
    for (uint32_t k = 0; k < a->n_modes; ++k) {
        uint32_t at = k;
        while (at > 0 && a->p[k] > a->p[order[at - 1]]) {
            order[at] = order[at - 1];
            --at;
        }
        order[at] = k;
    }
}

/** The mixture at a step of the recording's clock. */
static void mixture_at(const pred_answer *a, const pred_sample *s, uint32_t step, pred_mixture *out)
{
    out->n = a->n_modes;
    for (uint32_t k = 0; k < a->n_modes; ++k) {
        const hp_vec2 raw = path_at(a->scale[k], s, step);
        out->mean[k] = path_at(a->path[k], s, step);
        out->scale[k] = (hp_vec2){fmax(raw.x_m, PRED_MIN_SCALE_M), fmax(raw.y_m, PRED_MIN_SCALE_M)};
        out->p[k] = (double)a->p[k];
    }
}

/** Likelihood, and in which regions of highest density the truth lies. */
static void add_density(const pred_answer *a, const pred_sample *s, hp_rng stream,
                        pred_scores *sums)
{
    for (uint32_t step = 0; step < s->n_truth; ++step) {
        pred_mixture m;
        mixture_at(a, s, step, &m);
        const double at_truth = pred_mixture_density(&m, truth_at(a, s, step));
        const double rank = pred_mixture_rank(&m, at_truth, hp_rng_lane(stream, step));
        sums->nll -= log(fmax(at_truth, 1e-300)) / s->n_truth;
        for (int r = 0; r < 2; ++r) {
            sums->cover[r] += rank < REGIONS[r] * PRED_RANKS ? 1.0 / s->n_truth : 0.0;
        }
    }
}

double pred_missed(const pred_sample *s, const pred_answer *a, hp_rng stream)
{
    pred_scores one = {0};
    add_density(a, s, stream, &one);
    return 1.0 - one.cover[1];
}

static void add_pair(pred_pair *to, pred_pair e)
{
    to->ade += e.ade;
    to->fde += e.fde;
}

static void add_agent(const pred_sample *s, const pred_answer *a, pred_scores *sums)
{
    uint32_t order[PRED_MODES];
    pred_pair best = {(double)INFINITY, (double)INFINITY};
    rank_modes(a, order);
    for (uint32_t k = 0; k < a->n_modes; ++k) {
        const pred_pair e = error_of(a->path[k], a, s);
        best.ade = fmin(best.ade, e.ade);
        best.fde = fmin(best.fde, e.fde);
    }
    add_pair(&sums->best, best);
    add_pair(&sums->single, error_of(a->single, a, s));
    add_pair(&sums->top, error_of(a->path[order[0]], a, s));
}

/** Least sum over the window when all take the mode of the same rank. */
static void add_joint(const pred_sample *const *samples, const pred_answer *const *answers,
                      uint32_t n, pred_scores *sums)
{
    pred_pair ranks[PRED_MODES] = {{0.0, 0.0}};
    pred_pair best = {(double)INFINITY, (double)INFINITY};
    const uint32_t n_modes = answers[0]->n_modes;
    for (uint32_t i = 0; i < n; ++i) {
        uint32_t order[PRED_MODES];
        rank_modes(answers[i], order);
        for (uint32_t k = 0; k < n_modes; ++k) {
            add_pair(&ranks[k], error_of(answers[i]->path[order[k]], answers[i], samples[i]));
        }
    }
    for (uint32_t k = 0; k < n_modes; ++k) {
        best.ade = fmin(best.ade, ranks[k].ade);
        best.fde = fmin(best.fde, ranks[k].fde);
    }
    add_pair(&sums->joint, best);
}

/** The single path in the world. */
static hp_vec2 single_at(const pred_sample *s, const pred_answer *a, uint32_t k)
{
    const hp_vec2 p = path_at(a->single, s, k);
    const float in[2] = {(float)p.x_m, (float)p.y_m};
    float world[2];
    pred_frame_out(&a->frame, in, world);
    return (hp_vec2){s->here.x_m + (double)world[0], s->here.y_m + (double)world[1]};
}

static bool touches(const pred_sample *const *samples, const pred_answer *const *answers,
                    uint32_t i, uint32_t j)
{
    for (uint32_t k = 0; k < samples[i]->n_truth; ++k) {
        if (hp_dist(single_at(samples[i], answers[i], k), single_at(samples[j], answers[j], k)) <
            TOUCH_M) {
            return true;
        }
    }
    return false;
}

static double touching(const pred_sample *const *samples, const pred_answer *const *answers,
                       uint32_t n)
{
    double count = 0.0;
    for (uint32_t i = 0; i < n; ++i) {
        bool any = false;
        for (uint32_t j = 0; j < n && !any; ++j) {
            any = j != i && touches(samples, answers, i, j);
        }
        count += any ? 1.0 : 0.0;
    }
    return count;
}

void pred_tally_add(pred_tally *tally, const pred_sample *const *samples,
                    const pred_answer *const *answers, uint32_t n, hp_rng stream)
{
    pred_scores *sums = &tally->sums;
    if (n == 0) {
        return;
    }
    for (uint32_t i = 0; i < n; ++i) {
        add_agent(samples[i], answers[i], sums);
        if (answers[i]->has_scales) {
            tally->has_scales = true;
            add_density(answers[i], samples[i], hp_rng_lane(stream, samples[i]->id), sums);
        }
    }
    add_joint(samples, answers, n, sums);
    sums->collision += touching(samples, answers, n);
    sums->n += n;
}

pred_scores pred_tally_scores(const pred_tally *tally)
{
    pred_scores s = tally->sums;
    const double n = s.n > 0 ? (double)s.n : (double)NAN;
    pred_pair *pairs[] = {&s.best, &s.single, &s.top, &s.joint};
    for (size_t i = 0; i < HP_ARRAY_LEN(pairs); ++i) {
        pairs[i]->ade /= n;
        pairs[i]->fde /= n;
    }
    s.collision /= n;
    s.nll = tally->has_scales ? s.nll / n : (double)NAN;
    for (int r = 0; r < 2; ++r) {
        s.cover[r] = tally->has_scales ? s.cover[r] / n : (double)NAN;
    }
    return s;
}
