#include "predictor/pred_grad.h"

#include "common/hp_linalg.h"

#include <stdlib.h>
#include <string.h>

#ifdef PRED_DOUBLE
#define GEMM hp_linalg_gemm64
#else
#define GEMM hp_linalg_gemm
#endif

void pred_product_blas(uint32_t m, uint32_t n, uint32_t k, const pred_real *x, const pred_real *w,
                       pred_real *y)
{
    const hp_gemm shape = {.m = m, .n = n, .k = k};
    GEMM(&shape, x, w, y);
}

hp_status pred_grads_create(uint32_t capacity, pred_grads *out)
{
    *out = (pred_grads){0};
    const size_t pairs = (size_t)capacity * PRED_NEIGHBOURS;
    const struct {
        pred_real **to;
        size_t n;
    } rooms[] = {
        {&out->d_out, (size_t)capacity * PRED_MODES * PRED_OUTPUTS},
        {&out->d_single, (size_t)capacity * PRED_PATH},
        {&out->d_mode[0], (size_t)capacity * PRED_MODES * PRED_WIDTH},
        {&out->d_mode[1], (size_t)capacity * PRED_MODES * PRED_WIDTH},
        {&out->d_h[0], (size_t)capacity * PRED_WIDTH},
        {&out->d_h[1], (size_t)capacity * PRED_WIDTH},
        {&out->d_h[2], (size_t)capacity * PRED_WIDTH},
        {&out->d_fed, (size_t)capacity * PRED_FEED},
        {&out->d_gathered, (size_t)capacity * PRED_WIDTH},
        {&out->d_query, (size_t)capacity * PRED_WIDTH},
        {&out->d_row, (size_t)capacity * PRED_WIDTH},
        {&out->d_key, pairs * PRED_WIDTH},
        {&out->d_value, pairs * PRED_WIDTH},
        {&out->d_pair[0], pairs * PRED_PAIR_WIDTH},
        {&out->d_pair[1], pairs * PRED_PAIR_WIDTH},
    };
    size_t total = 0;
    for (size_t i = 0; i < HP_ARRAY_LEN(rooms); ++i) {
        total += rooms[i].n;
    }
    out->weights = calloc(1, sizeof *out->weights);
    out->block = calloc(total, sizeof(pred_real));
    if (out->weights == NULL || out->block == NULL) {
        pred_grads_destroy(out);
        return HP_ENOMEM;
    }
    pred_real *next = out->block;
    for (size_t i = 0; i < HP_ARRAY_LEN(rooms); ++i) {
        *rooms[i].to = next;
        next += rooms[i].n;
    }
    return HP_OK;
}

void pred_grads_destroy(pred_grads *grads)
{
    free(grads->weights);
    free(grads->block);
    *grads = (pred_grads){0};
}

/** One layer y = x w + bias with its derivatives. */
typedef struct layer {
    uint32_t rows, in, out;
    const pred_real *x, *w;
    pred_real *dw, *dbias; /* dbias: NULL if there is none */
} layer;

/** Adds to dw and dbias; dx = dy w' (beta 1: added to dx; NULL: not wanted). */
static void back(const layer *l, const pred_real *dy, pred_real *dx, double beta)
{
    const hp_gemm by_w = {.a_transposed = true, .m = l->in, .n = l->out, .k = l->rows, .beta = 1.0};
    const hp_gemm by_x = {
        .b_transposed = true, .m = l->rows, .n = l->in, .k = l->out, .beta = beta};
    GEMM(&by_w, l->x, dy, l->dw);
    if (dx != NULL) {
        GEMM(&by_x, dy, l->w, dx);
    }
    for (uint32_t r = 0; l->dbias != NULL && r < l->rows; ++r) {
        for (uint32_t c = 0; c < l->out; ++c) {
            l->dbias[c] += dy[(size_t)r * l->out + c];
        }
    }
}

static void back_relu(size_t n, const pred_real *y, pred_real *dy)
{
    for (size_t i = 0; i < n; ++i) {
        dy[i] = y[i] > 0 ? dy[i] : 0;
    }
}

typedef struct norm_layer {
    const pred_real *gain, *hat, *inverse;
    pred_real *dgain, *dbias;
} norm_layer;

static void back_norm(uint32_t rows, const norm_layer *l, const pred_real *dh, pred_real *dx)
{
    for (uint32_t r = 0; r < rows; ++r) {
        const size_t at = (size_t)r * PRED_WIDTH;
        pred_real mean = 0;
        pred_real along = 0;
        for (uint32_t c = 0; c < PRED_WIDTH; ++c) {
            const pred_real g = dh[at + c] * l->gain[c];
            l->dgain[c] += dh[at + c] * l->hat[at + c];
            l->dbias[c] += dh[at + c];
            mean += g;
            along += g * l->hat[at + c];
        }
        mean /= PRED_WIDTH;
        along /= PRED_WIDTH;
        for (uint32_t c = 0; c < PRED_WIDTH; ++c) {
            dx[at + c] = l->inverse[r] * (dh[at + c] * l->gain[c] - mean - l->hat[at + c] * along);
        }
    }
}

static void back_modes(const pred_weights *w, const pred_acts *a, pred_grads *g)
{
    const uint32_t n = a->batch.n;
    const uint32_t rows = n * PRED_MODES;
    const size_t wide = (size_t)rows * PRED_WIDTH;
    pred_weights *d = g->weights;
    const layer head = {rows, PRED_WIDTH, PRED_OUTPUTS, a->decoded2, w->head, d->head, NULL};
    const layer second = {rows,       PRED_WIDTH, PRED_WIDTH,     a->decoded1,
                          w->decode2, d->decode2, d->decode2_bias};
    const layer first = {rows,       PRED_WIDTH, PRED_WIDTH,     a->seed,
                         w->decode1, d->decode1, d->decode1_bias};
    for (uint32_t i = 0; i < rows; ++i) {
        for (uint32_t c = 0; c < PRED_OUTPUTS; ++c) {
            d->anchor[(i % PRED_MODES) * PRED_OUTPUTS + c] +=
                g->d_out[(size_t)i * PRED_OUTPUTS + c];
        }
    }
    back(&head, g->d_out, g->d_mode[0], 0.0);
    back_relu(wide, a->decoded2, g->d_mode[0]);
    back(&second, g->d_mode[0], g->d_mode[1], 0.0);
    back_relu(wide, a->decoded1, g->d_mode[1]);
    back(&first, g->d_mode[1], g->d_mode[0], 0.0);
    back_relu(wide, a->seed, g->d_mode[0]);
    for (uint32_t i = 0; i < rows; ++i) {
        for (uint32_t c = 0; c < PRED_WIDTH; ++c) {
            const pred_real by = g->d_mode[0][(size_t)i * PRED_WIDTH + c];
            d->mode[(i % PRED_MODES) * PRED_WIDTH + c] += by;
            g->d_h[2][(size_t)(i / PRED_MODES) * PRED_WIDTH + c] += by;
        }
    }
}

static void back_feed(const pred_weights *w, const pred_acts *a, pred_grads *g)
{
    const uint32_t n = a->batch.n;
    pred_weights *d = g->weights;
    const norm_layer norm = {w->norm2_gain, a->norm2_hat, a->norm2_inverse, d->norm2_gain,
                             d->norm2_bias};
    const layer second = {n, PRED_FEED, PRED_WIDTH, a->fed, w->feed2, d->feed2, d->feed2_bias};
    const layer first = {n, PRED_WIDTH, PRED_FEED, a->h1, w->feed1, d->feed1, d->feed1_bias};
    back_norm(n, &norm, g->d_h[2], g->d_h[1]); /* h1 also goes around the layers */
    back(&second, g->d_h[1], g->d_fed, 0.0);
    back_relu((size_t)n * PRED_FEED, a->fed, g->d_fed);
    back(&first, g->d_fed, g->d_h[1], 1.0);
}

static void back_attend(const pred_acts *a, pred_grads *g, uint32_t agent, uint32_t head)
{
    const uint32_t begin = a->batch.first[agent];
    const uint32_t end = a->batch.first[agent + 1];
    const size_t at = (size_t)head * PRED_HEAD_WIDTH;
    const size_t own = (size_t)agent * PRED_WIDTH + at;
    const pred_real *by = &g->d_gathered[own];
    pred_real mean = 0;
    for (uint32_t j = begin; j < end; ++j) {
        const pred_real weight = a->attention[(size_t)j * PRED_HEADS + head];
        const size_t other = (size_t)j * PRED_WIDTH + at;
        for (uint32_t c = 0; c < PRED_HEAD_WIDTH; ++c) {
            mean += weight * by[c] * a->value[other + c];
            g->d_value[other + c] = weight * by[c];
        }
    }
    for (uint32_t j = begin; j < end; ++j) {
        const pred_real weight = a->attention[(size_t)j * PRED_HEADS + head];
        const size_t other = (size_t)j * PRED_WIDTH + at;
        pred_real by_weight = 0;
        for (uint32_t c = 0; c < PRED_HEAD_WIDTH; ++c) {
            by_weight += by[c] * a->value[other + c];
        }
        const pred_real by_score = weight * (by_weight - mean) / 4;
        for (uint32_t c = 0; c < PRED_HEAD_WIDTH; ++c) {
            g->d_query[own + c] += by_score * a->key[other + c];
            g->d_key[other + c] = by_score * a->query[own + c];
        }
    }
}

static void back_pairs(const pred_weights *w, const pred_acts *a, pred_grads *g)
{
    const uint32_t pairs = a->batch.n_pairs;
    const size_t wide = (size_t)pairs * PRED_PAIR_WIDTH;
    pred_weights *d = g->weights;
    const layer key = {pairs, PRED_PAIR_WIDTH, PRED_WIDTH, a->pair2, w->key, d->key, NULL};
    const layer value = {pairs, PRED_PAIR_WIDTH, PRED_WIDTH, a->pair2, w->value, d->value, NULL};
    const layer second = {pairs,    PRED_PAIR_WIDTH, PRED_PAIR_WIDTH, a->pair1,
                          w->pair2, d->pair2,        d->pair2_bias};
    const layer first = {pairs,    PRED_PAIRS, PRED_PAIR_WIDTH, a->batch.pairs,
                         w->pair1, d->pair1,   d->pair1_bias};
    if (pairs == 0) {
        return;
    }
    back(&key, g->d_key, g->d_pair[0], 0.0);
    back(&value, g->d_value, g->d_pair[0], 1.0);
    back_relu(wide, a->pair2, g->d_pair[0]);
    back(&second, g->d_pair[0], g->d_pair[1], 0.0);
    back_relu(wide, a->pair1, g->d_pair[1]);
    back(&first, g->d_pair[1], NULL, 0.0);
}

static void back_look(const pred_weights *w, const pred_acts *a, pred_grads *g)
{
    const uint32_t n = a->batch.n;
    pred_weights *d = g->weights;
    const norm_layer norm = {w->norm1_gain, a->norm1_hat, a->norm1_inverse, d->norm1_gain,
                             d->norm1_bias};
    const layer mix = {n, PRED_WIDTH, PRED_WIDTH, a->gathered, w->mix, d->mix, d->mix_bias};
    const layer query = {n, PRED_WIDTH, PRED_WIDTH, a->h0, w->query, d->query, NULL};
    back_norm(n, &norm, g->d_h[1], g->d_h[0]); /* h0 also goes around the look */
    back(&mix, g->d_h[0], g->d_gathered, 0.0);
    memset(g->d_query, 0, (size_t)n * PRED_WIDTH * sizeof *g->d_query);
    for (uint32_t i = 0; i < n; ++i) {
        for (uint32_t h = 0; h < PRED_HEADS; ++h) {
            back_attend(a, g, i, h);
        }
    }
    back_pairs(w, a, g);
    back(&query, g->d_query, g->d_h[0], 1.0);
}

static void back_encode(const pred_weights *w, const pred_acts *a, pred_grads *g)
{
    const uint32_t n = a->batch.n;
    pred_weights *d = g->weights;
    const norm_layer norm = {w->norm0_gain, a->norm0_hat, a->norm0_inverse, d->norm0_gain,
                             d->norm0_bias};
    const layer second = {n,          PRED_WIDTH, PRED_WIDTH,     a->encoded,
                          w->encode2, d->encode2, d->encode2_bias};
    const layer first = {n,          PRED_INPUTS, PRED_WIDTH,     a->batch.x,
                         w->encode1, d->encode1,  d->encode1_bias};
    back_norm(n, &norm, g->d_h[0], g->d_row);
    back(&second, g->d_row, g->d_query, 0.0); /* d_query is free again */
    back_relu((size_t)n * PRED_WIDTH, a->encoded, g->d_query);
    back(&first, g->d_query, NULL, 0.0);
}

/** The base path is part of every mode and of the single path. */
static void back_lean(const pred_weights *w, const pred_acts *a, pred_grads *g)
{
    const uint32_t n = a->batch.n;
    const layer lean = {n, PRED_LEAN, PRED_PATH, a->steps, w->lean, g->weights->lean, NULL};
    memcpy(g->d_row, g->d_single, (size_t)n * PRED_PATH * sizeof *g->d_row);
    for (uint32_t i = 0; i < n * PRED_MODES; ++i) {
        for (uint32_t c = 0; c < PRED_PATH; ++c) {
            g->d_row[(i / PRED_MODES) * PRED_PATH + c] += g->d_out[(size_t)i * PRED_OUTPUTS + c];
        }
    }
    back(&lean, g->d_row, NULL, 0.0);
}

void pred_net_backward(const pred_weights *w, const pred_acts *acts, pred_grads *grads)
{
    const uint32_t n = acts->batch.n;
    pred_weights *d = grads->weights;
    const layer single = {n, PRED_WIDTH, PRED_PATH, acts->h2, w->single, d->single, d->single_bias};
    memset(d, 0, sizeof *d);
    back(&single, grads->d_single, grads->d_h[2], 0.0);
    back_lean(w, acts, grads);
    back_modes(w, acts, grads);
    back_feed(w, acts, grads);
    back_look(w, acts, grads);
    back_encode(w, acts, grads);
}
