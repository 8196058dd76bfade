/** @file pred_model.h A trained network as a file and as something that answers.
 *  Ownership: the caller's. Threads: read only after reading; acts belong to one thread.
 *  Determinism: with pred_product_best() the same bits whatever the company, order and instruction
 *  set. Allocation: while reading and writing only. */
#ifndef PRED_MODEL_H
#define PRED_MODEL_H

#include "predictor/pred_net.h"

typedef struct pred_model {
    pred_weights weights;
    float temperature; /* logits are divided by it */
    float spread;      /* scales are multiplied by it */
} pred_model;

enum { PRED_NOTE = 256 };

/** What a model's file says about itself. */
typedef struct pred_notes {
    char trained_on[PRED_NOTE], recipe[PRED_NOTE];
} pred_notes;

HP_NODISCARD hp_status pred_model_read(const char *path, pred_model *out, hp_error *error);
HP_NODISCARD hp_status pred_model_write(const char *dir, const char *file, const pred_model *model,
                                        const pred_notes *notes, hp_error *error);

/** One agent's futures in metres, written in his frame: origin at him, x the way he came. */
typedef struct pred_answer {
    uint32_t n_modes;
    bool has_scales; /* false: paths without a density */
    pred_frame frame;
    float p[PRED_MODES];
    float path[PRED_MODES][PRED_PATH];
    float scale[PRED_MODES][PRED_PATH]; /* of a Laplace distribution per axis */
    float single[PRED_PATH];
} pred_answer;

void pred_batch_clear(pred_acts *acts);
/** Adds an agent's rows; acts must have room for him. */
void pred_batch_add(pred_acts *acts, const pred_input *input, const pred_change *change,
                    pred_frame *frame);
/** Answers for n agents, as many at a time as acts has room for. inputs[i] lie stride bytes apart.
 */
void pred_model_answer(const pred_model *model, pred_acts *acts, const pred_input *inputs,
                       size_t stride, uint32_t n, pred_answer *answers);

#endif
