/** @file pred_people.h People to learn from. */
#ifndef PRED_PEOPLE_H
#define PRED_PEOPLE_H

#include "common/hp_rng.h"
#include "predictor/pred_sample.h"
#include "tests/support/hp_test.h"

#include <stdlib.h>
#include <string.h>

/** The truth's points lie on the network's grid. */
static inline void pred_even_truth(pred_sample *s)
{
    for (uint32_t k = 0; k < PRED_FUTURE; ++k) {
        s->truth_s[k] = (float)((k + 1) * PRED_STEP_S);
    }
}

/** Walkers on arcs: those who have turned go on to turn, which constant velocity does not know. */
static inline void pred_make_people(uint64_t seed, uint32_t n, pred_samples *out)
{
    out->items = calloc(n, sizeof *out->items);
    assert_non_null(out->items);
    out->n = n;
    out->n_windows = n;
    for (uint32_t i = 0; i < n; ++i) {
        const hp_rng lane = hp_rng_lane(hp_rng_seed(seed), i);
        pred_sample *s = &out->items[i];
        const double speed = hp_rng_range(lane, 0, 0.3, 0.7);
        const double turn = hp_rng_range(lane, 1, -0.1, 0.1);
        const double yaw = hp_rng_range(lane, 2, -3.0, 3.0);
        double x = 0.0;
        double y = 0.0;
        s->window = i;
        s->id = i;
        s->input = (pred_input){.kind = PRED_WALKER, .n_past = PRED_PAST, .yaw_rad = NAN};
        s->n_future = PRED_FUTURE;
        s->n_truth = PRED_FUTURE;
        pred_even_truth(s);
        for (int k = PRED_PAST - 2; k >= 0; --k) {
            const double heading = yaw - turn * (PRED_PAST - 2 - k);
            x -= speed * cos(heading);
            y -= speed * sin(heading);
            s->input.past[k][0] = (float)x;
            s->input.past[k][1] = (float)y;
        }
        x = 0.0;
        y = 0.0;
        for (int k = 0; k < PRED_FUTURE; ++k) {
            x += speed * cos(yaw + turn * (k + 1));
            y += speed * sin(yaw + turn * (k + 1));
            s->future[k][0] = (float)x;
            s->future[k][1] = (float)y;
        }
        memcpy(s->truth, s->future, sizeof s->truth);
    }
}

#endif
