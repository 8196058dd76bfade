/** @file pred_fan.h Predictors without a network, for comparison; and where training starts.
 *  Ownership: the caller's. Threads: pure. Determinism: by seed. Allocation: in pred_fan_fit. */
#ifndef PRED_FAN_H
#define PRED_FAN_H

#include "common/hp_rng.h"
#include "predictor/pred_model.h"
#include "predictor/pred_sample.h"

typedef enum pred_rival {
    PRED_CV,         /* the last step goes on */
    PRED_CV3,        /* the mean of the last three recorded steps goes on */
    PRED_CV_TURN,    /* the last step goes on, fast vehicles keep their turn rate */
    PRED_CV_SAMPLED, /* twenty times the last step, turned by 25 degrees of noise */
    PRED_RIVALS,
} pred_rival;

void pred_rival_answer(pred_rival rival, const pred_sample *sample, hp_rng stream,
                       pred_answer *answer);

/** Twenty fixed corrections of constant velocity: k-means over the end points of what constant
 * velocity misses, each recorded path counted with its mirror image, 20,000 of them drawn. As a
 * network whose weights are zero but for the anchors. Schöller et al. (RA-L 2020) show how strong
 * such rules are. */
HP_NODISCARD hp_status pred_fan_fit(const pred_samples *samples, uint64_t seed, pred_model *out,
                                    hp_error *error);

#endif
