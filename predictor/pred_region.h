/** @file pred_region.h Where an agent may be at one moment: a mixture of Laplace distributions, and
 * its regions of highest density, the smallest that hold a given share of it. And how their size
 * follows what really comes. Ownership: plain data. Threads: pure. Determinism: by stream.
 * Allocation: none. */
#ifndef PRED_REGION_H
#define PRED_REGION_H

#include "common/hp_rng.h"
#include "predictor/pred_model.h"

#define PRED_REGION_SHARE 0.9 /* of the region that is held to its word */

typedef struct pred_mixture {
    uint32_t n;
    hp_vec2 mean[PRED_MODES], scale[PRED_MODES]; /* m, in the answer's frame */
    double p[PRED_MODES];
} pred_mixture;

/** The answer at step k of the network's grid, from 0. */
void pred_mixture_at(const pred_answer *answer, uint32_t k, pred_mixture *out);
double pred_mixture_density(const pred_mixture *m, hp_vec2 p);
/** The share of the mixture that is denser than at a place where it has this density, in units of
 *  1 / PRED_RANKS and estimated by drawing: the place lies inside the region of share q if this is
 *  below q * PRED_RANKS. */
enum { PRED_RANKS = 40 };
double pred_mixture_rank(const pred_mixture *m, double density, hp_rng stream);

/** Factors on the scales, one per class. They start at 1, as calibrated, and follow the share of
 *  points that fell outside the 90 % regions, so that in the long run a tenth does, wherever the
 *  car has come to (adaptive conformal inference: Gibbs and Candes, NeurIPS 2021). */
typedef struct pred_adapt {
    double log_factor[PRED_CLASSES];
    double n[PRED_CLASSES]; /* points so far: the first ones move the factor further */
} pred_adapt;

/** n points of agents of this class have come, missed of them outside the 90 % region. */
void pred_adapt_note(pred_adapt *adapt, pred_class kind, double missed, double n);
void pred_adapt_apply(const pred_adapt *adapt, pred_class kind, pred_answer *answer);

#endif
