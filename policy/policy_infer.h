/** @file policy_infer.h A loaded policy, asked: rows of features in, values and choices out.
 *
 *  Both networks are packed for the kernel once. A row gives the same bits alone and in any batch.
 *  What is not finite, in a row or in what comes out of it, is marked and never leaves as a number.
 *  Ownership: create/destroy; the model may go afterwards. Threads: one user. Allocation: in create
 *  only. Determinism: bit-identical for one kind of kernel. */
#ifndef POLICY_INFER_H
#define POLICY_INFER_H

#include "policy/policy_kernel.h"
#include "policy/policy_model.h"

typedef enum policy_ask {
    POLICY_ASK_VALUE = 1,  /* value, spread, width, crash_p */
    POLICY_ASK_CHOICE = 2, /* choice_p, best */
} policy_ask;

/** What the networks say of one row. Values are in reward units. */
typedef struct policy_answer {
    bool valid;     /* false: everything else is 0 */
    double value;   /* mean of the heads */
    double spread;  /* standard deviation between the heads */
    double width;   /* from the lowest to the highest quantile, mean of the heads */
    double crash_p; /* of ending in a crash */
    double choice_p[POLICY_MOST_CHOICES];
    uint32_t best; /* most probable choice, the lower index of equals */
} policy_answer;

typedef struct policy_infer policy_infer;

/** kernel: "auto", "scalar", "avx2" or "avx512"; HP_EUNAVAILABLE if this processor has it not. */
HP_NODISCARD hp_status policy_infer_create(const policy_model *model, const char *kernel,
                                           uint32_t max_rows, policy_infer **out, hp_error *error);
void policy_infer_destroy(policy_infer **infer);
/** rows [n][row width], n <= max_rows; ask: any of policy_ask. */
void policy_infer_run(policy_infer *infer, unsigned ask, const float *rows, uint32_t n,
                      policy_answer *answers);
/** The scene of the looks that follow, [policy_shape_scene]: a network over an image encodes it
 * here, once. Any other has none, and nothing happens. */
void policy_infer_see(policy_infer *infer, const float *scene);
/** Looks [n][policy_shape_look] at what was seen last. The bits are those of whole rows. */
void policy_infer_look(policy_infer *infer, unsigned ask, const float *looks, uint32_t n,
                       policy_answer *answers);
/** Of both networks: what their rows are like. */
const policy_shape *policy_infer_shape(const policy_infer *infer);
const char *policy_infer_kernel(const policy_infer *infer);

#endif
