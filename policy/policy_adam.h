/** @file policy_adam.h Adam (Kingma and Ba, 2015) over one array of parameters, with the gradient's
 *  norm bounded first.
 *  Ownership: create/destroy. Threads: one user. Allocation: in create only. */
#ifndef POLICY_ADAM_H
#define POLICY_ADAM_H

#include "common/hp_status.h"

#include <stddef.h>
#include <stdint.h>

typedef struct policy_adam {
    size_t n;
    float *params, *grads, *m, *v; /* [n] */
    uint64_t updates;
} policy_adam;

HP_NODISCARD hp_status policy_adam_create(size_t n, policy_adam *out);
void policy_adam_destroy(policy_adam *adam);
/** One step down grads, scaled so that their norm is at most max_norm. Returns the norm before. */
double policy_adam_step(policy_adam *adam, double rate, double max_norm);

#endif
