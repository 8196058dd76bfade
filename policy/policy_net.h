/** @file policy_net.h Forward and backward through a network, for training. Inference is in
 *  policy_infer.h.
 *  Ownership: a tape owns its arrays; parameters and rows are borrowed. Threads: one tape, one
 *  thread. Allocation: in policy_tape_create only. Determinism: as OpenBLAS's, hp_linalg.h. */
#ifndef POLICY_NET_H
#define POLICY_NET_H

#include "common/hp_rng.h"
#include "policy/policy_real.h"
#include "policy/policy_shape.h"

/** What a forward pass leaves behind for the backward pass. */
typedef struct policy_tape {
    policy_shape shape;
    policy_layers layers;
    uint32_t max_rows, rows;
    uint32_t n_present;                 /* slots that are not empty, over all rows */
    uint32_t *owner;                    /* [n_present] row of each */
    policy_real *slots;                 /* [n_present][n_slot] */
    int32_t *winner;                    /* [rows][n_encode] which slot was greatest; -1: none */
    policy_real *joint;                 /* [rows][n_plain + n_encode] */
    policy_real *y[POLICY_MAX_LAYERS];  /* output of each layer */
    policy_real *dy[POLICY_MAX_LAYERS]; /* and the loss's gradient there */
    policy_real *d_joint;
} policy_tape;

HP_NODISCARD hp_status policy_tape_create(const policy_shape *shape, uint32_t max_rows,
                                          policy_tape *out);
void policy_tape_destroy(policy_tape *tape);

/** Orthogonal weights (gain sqrt 2, out_gain in the last layer), zero biases. */
void policy_net_init(const policy_layers *layers, hp_rng stream, double out_gain,
                     policy_real *params);
/** Rows [n][row] to outputs [n][n_out], which stay in the tape. n <= max_rows. */
const policy_real *policy_net_forward(policy_tape *tape, const policy_real *params,
                                      const policy_real *rows, uint32_t n);
/** Adds the gradient of the loss to grads, given its gradient by the outputs of the last forward
 *  pass, which the caller has written to policy_net_d_out. */
void policy_net_backward(policy_tape *tape, const policy_real *params, policy_real *grads);
policy_real *policy_net_d_out(policy_tape *tape); /* [rows][n_out] */

#endif
