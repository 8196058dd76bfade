/** @file pred_measure.h How good predictions are, as published tables count: errors in metres,
 * likelihoods in nats per point, shares in [0, 1]. Ownership: plain data. Threads: pure.
 * Determinism: by stream. Allocation: none. */
#ifndef PRED_MEASURE_H
#define PRED_MEASURE_H

#include "common/hp_rng.h"
#include "predictor/pred_region.h"
#include "predictor/pred_sample.h"

typedef struct pred_pair {
    double ade, fde; /* m: mean over the path, at its end */
} pred_pair;

/** Means over trajectories; a NAN where the predictor gives no such thing. */
typedef struct pred_scores {
    size_t n;
    pred_pair best;   /* of 20 modes, for each agent his own; ADE and FDE apart */
    pred_pair single; /* the one path */
    pred_pair top;    /* the most probable mode */
    pred_pair joint;  /* of 20, the same rank for all of a window; modes ranked by probability */
    double nll;       /* of the mixture, scales at least 0.05 m */
    double collision; /* share whose single path comes within 0.2 m of another's at some step */
    double cover[2];  /* share of points within the 50 % and 90 % regions of highest density */
} pred_scores;

/** Sums while windows are added. */
typedef struct pred_tally {
    pred_scores sums;
    bool has_scales;
} pred_tally;

/** Adds one window's agents: answers[i] for samples[i]. stream: for the regions. */
void pred_tally_add(pred_tally *tally, const pred_sample *const *samples,
                    const pred_answer *const *answers, uint32_t n, hp_rng stream);
pred_scores pred_tally_scores(const pred_tally *tally);
/** The share of the points to predict that lie outside their 90 % regions. */
double pred_missed(const pred_sample *sample, const pred_answer *answer, hp_rng stream);

#endif
