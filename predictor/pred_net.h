/** @file pred_net.h The network: an encoder of an agent's past, one look at his neighbours, and
 * twenty futures, each a path of Laplace distributions with a probability. About 60,000 weights.
 *
 *  h0 = LN(W relu(W x));  h1 = LN(h0 + attention(h0, neighbours));  h2 = LN(h1 + W relu(W h1));
 *  base = constant velocity or turn rate + W_class (steps of the past): how far the last step is to
 * be believed; for each mode k: W relu(W relu(W relu(h2 + m_k))) -> correction of base + anchor_k,
 * scales, logit; and one more path straight from h2. Rows do not mix: an agent's result depends on
 * his own rows only. Built once more with double numbers for tests of the derivatives. Ownership:
 * the caller's. Threads: pure. Determinism: given the product's. Allocation: in pred_acts_create
 * only.
 */
#ifndef PRED_NET_H
#define PRED_NET_H

#include "common/hp_status.h"
#include "predictor/pred_input.h"

#ifdef PRED_DOUBLE
typedef double pred_real;
#else
typedef float pred_real;
#endif

enum {
    PRED_WIDTH = 64,
    PRED_PAIR_WIDTH = 48,
    PRED_FEED = 128,
    PRED_HEADS = 4,
    PRED_HEAD_WIDTH = PRED_WIDTH / PRED_HEADS,
    PRED_MODES = 20,
    PRED_OUTPUTS = 2 * PRED_PATH + 1, /* of a mode: path, scales, logit */
    PRED_STEPS = 2 * (PRED_PAST - 1), /* numbers of the past's steps */
    PRED_LEAN = PRED_CLASSES * PRED_STEPS,
};

/** All weights, in the order in which they are used. Matrices are [in][out]. */
typedef struct pred_weights {
    pred_real encode1[PRED_INPUTS * PRED_WIDTH], encode1_bias[PRED_WIDTH];
    pred_real encode2[PRED_WIDTH * PRED_WIDTH], encode2_bias[PRED_WIDTH];
    pred_real norm0_gain[PRED_WIDTH], norm0_bias[PRED_WIDTH];
    pred_real pair1[PRED_PAIRS * PRED_PAIR_WIDTH], pair1_bias[PRED_PAIR_WIDTH];
    pred_real pair2[PRED_PAIR_WIDTH * PRED_PAIR_WIDTH], pair2_bias[PRED_PAIR_WIDTH];
    pred_real query[PRED_WIDTH * PRED_WIDTH];
    pred_real key[PRED_PAIR_WIDTH * PRED_WIDTH];
    pred_real value[PRED_PAIR_WIDTH * PRED_WIDTH];
    pred_real mix[PRED_WIDTH * PRED_WIDTH], mix_bias[PRED_WIDTH];
    pred_real norm1_gain[PRED_WIDTH], norm1_bias[PRED_WIDTH];
    pred_real feed1[PRED_WIDTH * PRED_FEED], feed1_bias[PRED_FEED];
    pred_real feed2[PRED_FEED * PRED_WIDTH], feed2_bias[PRED_WIDTH];
    pred_real norm2_gain[PRED_WIDTH], norm2_bias[PRED_WIDTH];
    pred_real mode[PRED_MODES * PRED_WIDTH];
    pred_real decode1[PRED_WIDTH * PRED_WIDTH], decode1_bias[PRED_WIDTH];
    pred_real decode2[PRED_WIDTH * PRED_WIDTH], decode2_bias[PRED_WIDTH];
    pred_real head[PRED_WIDTH * PRED_OUTPUTS];
    pred_real anchor[PRED_MODES * PRED_OUTPUTS]; /* paths, raw scales and logits to start from */
    pred_real single[PRED_WIDTH * PRED_PATH], single_bias[PRED_PATH];
    pred_real lean[PRED_LEAN * PRED_PATH];
} pred_weights;

#define PRED_SCALE_GAIN 0.3 /* a scale is floor + 0.3 softplus(raw) */

enum { PRED_N_WEIGHTS = sizeof(pred_weights) / sizeof(pred_real) };

/** Where each named matrix lies. */
typedef struct pred_part {
    const char *name;
    size_t offset; /* in numbers */
    uint32_t rows, columns;
} pred_part;

enum { PRED_PARTS = 33 };
extern const pred_part PRED_PART[PRED_PARTS];

/** y[m][n] = x[m][k] w[k][n]. */
typedef void (*pred_product)(uint32_t m, uint32_t n, uint32_t k, const pred_real *x,
                             const pred_real *w, pred_real *y);

/** Rows of n agents; pairs[first[i]] .. pairs[first[i + 1] - 1] are the neighbours of agent i. */
typedef struct pred_batch {
    uint32_t n, n_pairs;
    pred_real *x;      /* [n][PRED_INPUTS] */
    pred_real *base;   /* [n][PRED_PATH] */
    pred_real *floor;  /* [n]: least scale */
    uint32_t *first;   /* [n + 1] */
    pred_real *pairs;  /* [n_pairs][PRED_PAIRS] */
    pred_real *truth;  /* [n][PRED_PATH], for training */
    uint32_t *n_truth; /* [n]: steps whose truth is known, [1, PRED_FUTURE] */
} pred_batch;

/** What the network computes on its way, kept for the way back. */
typedef struct pred_acts {
    uint32_t capacity; /* agents */
    pred_batch batch;
    pred_real *encoded, *norm0_hat, *norm0_inverse, *h0;
    pred_real *pair1, *pair2, *query, *key, *value, *attention, *gathered;
    pred_real *norm1_hat, *norm1_inverse, *h1;
    pred_real *fed, *norm2_hat, *norm2_inverse, *h2;
    pred_real *seed, *decoded1, *decoded2;
    pred_real *out;     /* [n][PRED_MODES][PRED_OUTPUTS]: path, raw scales, logit */
    pred_real *scale;   /* [n][PRED_MODES][PRED_PATH] */
    pred_real *log_p;   /* [n][PRED_MODES] */
    pred_real *single;  /* [n][PRED_PATH] */
    pred_real *steps;   /* [n][PRED_LEAN]: those of the past, in the place of his class */
    pred_real *base;    /* [n][PRED_PATH]: the batch's, leant */
    pred_real *scratch; /* [n][PRED_FEED] */
    void *block;
} pred_acts;

HP_NODISCARD hp_status pred_acts_create(uint32_t capacity, pred_acts *out);
void pred_acts_destroy(pred_acts *acts);

void pred_net_forward(const pred_weights *w, pred_product product, pred_acts *acts);

/** Products for the road: each element is a sum in one fixed order, the same bits for every row,
 *  instruction set and company. The second exists where PRED_HAS_AVX2 is defined. */
void pred_product_base(uint32_t m, uint32_t n, uint32_t k, const pred_real *x, const pred_real *w,
                       pred_real *y);
void pred_product_avx2(uint32_t m, uint32_t n, uint32_t k, const pred_real *x, const pred_real *w,
                       pred_real *y);
/** The fastest that this machine runs. */
pred_product pred_product_best(void);

#endif
