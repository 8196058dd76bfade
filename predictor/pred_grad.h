/** @file pred_grad.h The way back through the network, and the loss that starts it. Written by
 * hand; tests compare every part with differences in double numbers. Ownership: the caller's.
 * Threads: one user of OpenBLAS at a time. Determinism: sums in a fixed order, so the same bits on
 * one machine. Allocation: in pred_grads_create only. */
#ifndef PRED_GRAD_H
#define PRED_GRAD_H

#include "predictor/pred_net.h"

typedef struct pred_grads {
    pred_weights *weights; /* what comes out: derivatives of the loss */
    pred_real *d_out;      /* [n][PRED_MODES][PRED_OUTPUTS]: by path, raw scale, logit */
    pred_real *d_single;   /* [n][PRED_PATH] */
    pred_real *d_mode[2];  /* [n][PRED_MODES][PRED_WIDTH] */
    pred_real *d_h[3];     /* [n][PRED_WIDTH], of h0, h1, h2 */
    pred_real *d_fed, *d_gathered, *d_query, *d_row;
    pred_real *d_key, *d_value, *d_pair[2];
    void *block;
} pred_grads;

HP_NODISCARD hp_status pred_grads_create(uint32_t capacity, pred_grads *out);
void pred_grads_destroy(pred_grads *grads);

/** Means over a batch. */
typedef struct pred_loss {
    double total;
    double best;   /* ADE + FDE of the nearest mode, in units */
    double single; /* ADE + FDE of the single path, in units */
    double nll;    /* of the mixture, nats per point, in units */
    double choice; /* cross-entropy of the probabilities */
} pred_loss;

/** The loss after pred_net_forward; fills d_out and d_single unless grads is NULL.
 *
 *  Per agent, with ADE_k and FDE_k of mode k and k* the mode of least ADE + FDE:
 *  4 (ADE_k* + 0.5 FDE_k*) + 0.05 mean_k ADE_k
 *  + 0.3 cross-entropy of p against softmax(-3 (ADE + FDE))
 *  + 0.2 negative log likelihood of the mixture, means held fixed
 *  + ADE + 0.3 FDE of the single path. */
pred_loss pred_loss_of(const pred_acts *acts, pred_grads *grads);
/** From d_out and d_single to grads->weights, which is overwritten. */
void pred_net_backward(const pred_weights *w, const pred_acts *acts, pred_grads *grads);
/** The product for training: OpenBLAS. */
void pred_product_blas(uint32_t m, uint32_t n, uint32_t k, const pred_real *x, const pred_real *w,
                       pred_real *y);

#endif
