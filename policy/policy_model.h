/** @file policy_model.h A trained policy as a file: safetensors with a tensor "shape" of counts
 * and, for each network ("actor", "critic") and layer, NAME.I.weight [n_in][n_out] and NAME.I.bias.
 *
 *  Tensor "choices" says what each choice stands for: accelerations, where the policy drives.
 *  A file is refused, with the place and what is wrong, unless every tensor is there with the right
 *  type and size and all numbers are finite (hp_safetensors.h).
 *  Ownership: the model owns its parameters. Threads: read only. Allocation: while reading and
 *  writing only. */
#ifndef POLICY_MODEL_H
#define POLICY_MODEL_H

#include "common/hp_safetensors.h"
#include "policy/policy_shape.h"

#include <stdbool.h>

enum { POLICY_MODEL_VERSION = 3, POLICY_MOST_CHOICES = 8 };

typedef struct policy_model {
    policy_shape actor, critic; /* of the same row; they differ in n_out */
    uint32_t n_heads, n_quantiles;
    bool continuous;
    double choices[POLICY_MOST_CHOICES]; /* [actor.n_out] */
    size_t critic_at, n_params; /* actor first, log deviations of continuous actions, critic */
    float *params;              /* [n_params] */
} policy_model;

/** Fills in where what begins; params is left alone. HP_EINVAL for shapes out of bounds. */
HP_NODISCARD hp_status policy_model_lay_out(policy_model *model);

HP_NODISCARD hp_status policy_model_read(const char *path, policy_model *out, hp_error *error);
/** From tensors that were read already; name stands for the file in errors. */
HP_NODISCARD hp_status policy_model_take(const hp_tensors *tensors, const char *name,
                                         policy_model *out, hp_error *error);
void policy_model_destroy(policy_model *model);
/** Writes DIR/FILE with further tensors and notes beside the model's own. */
HP_NODISCARD hp_status policy_model_write(const policy_model *model, const char *dir,
                                          const char *file, const hp_tensor_list *more,
                                          hp_error *error);
/** XXH3-64 over shapes and parameters: what a calibration belongs to. */
uint64_t policy_model_hash(const policy_model *model);

#endif
