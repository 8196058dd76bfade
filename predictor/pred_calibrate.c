#include "predictor/pred_measure.h"
#include "predictor/pred_train.h"

#include <stdlib.h>

enum { LOOKED_AT = 1500, HALVINGS = 7 };

typedef struct bench {
    const pred_samples *val;
    pred_acts acts;
    pred_answer *answer; /* one */
} bench;

/** Scores of the model as it is, on samples spread evenly over all. */
static pred_scores look(bench *b, const pred_model *model)
{
    pred_tally tally = {0};
    const size_t stride = b->val->n / LOOKED_AT + 1;
    for (size_t i = 0; i < b->val->n; i += stride) {
        const pred_sample *s = &b->val->items[i];
        const pred_answer *answer = b->answer;
        if (s->jumps) {
            continue;
        }
        pred_model_answer(model, &b->acts, &s->input, 0, 1, b->answer);
        pred_tally_add(&tally, &s, &answer, 1, hp_rng_lane(hp_rng_seed(1), i));
    }
    return pred_tally_scores(&tally);
}

static void find_temperature(bench *b, pred_model *model)
{
    static const float TRIED[] = {0.4F, 0.5F, 0.6F, 0.7F, 0.85F, 1.0F, 1.2F, 1.4F, 1.7F};
    float best = 1.0F;
    double least = (double)INFINITY;
    for (size_t i = 0; i < HP_ARRAY_LEN(TRIED); ++i) {
        model->temperature = TRIED[i];
        const double nll = look(b, model).nll;
        if (nll < least) {
            least = nll;
            best = TRIED[i];
        }
    }
    model->temperature = best;
}

/** Wider regions cover more: halves the range of the spread's logarithm. */
static void find_spread(bench *b, pred_model *model)
{
    double lo = log(0.6);
    double hi = log(2.0);
    for (int i = 0; i < HALVINGS; ++i) {
        const double middle = 0.5 * (lo + hi);
        model->spread = (float)exp(middle);
        if (look(b, model).cover[1] < 0.9) {
            lo = middle;
        } else {
            hi = middle;
        }
    }
}

hp_status pred_calibrate(const pred_samples *val, pred_model *model, hp_error *error)
{
    bench b = {.val = val, .answer = calloc(1, sizeof(pred_answer))};
    const hp_status st = b.answer == NULL ? HP_ENOMEM : pred_acts_create(1, &b.acts);
    if (st == HP_OK) {
        model->spread = 1.0F;
        find_temperature(&b, model);
        find_spread(&b, model);
        pred_acts_destroy(&b.acts);
    }
    free(b.answer);
    return st == HP_OK ? st : hp_fail(error, st, "no memory to calibrate");
}
