#include "predictor/pred_net.h"

#include <stdlib.h>
#include <string.h>
#include <tgmath.h>

#define NORM_EPSILON 1e-5

#define PART(member, rows, columns)                                                                \
    {                                                                                              \
#member, offsetof(pred_weights, member) / sizeof(pred_real), rows, columns                 \
    }

const pred_part PRED_PART[PRED_PARTS] = {
    PART(encode1, PRED_INPUTS, PRED_WIDTH),
    PART(encode1_bias, 1, PRED_WIDTH),
    PART(encode2, PRED_WIDTH, PRED_WIDTH),
    PART(encode2_bias, 1, PRED_WIDTH),
    PART(norm0_gain, 1, PRED_WIDTH),
    PART(norm0_bias, 1, PRED_WIDTH),
    PART(pair1, PRED_PAIRS, PRED_PAIR_WIDTH),
    PART(pair1_bias, 1, PRED_PAIR_WIDTH),
    PART(pair2, PRED_PAIR_WIDTH, PRED_PAIR_WIDTH),
    PART(pair2_bias, 1, PRED_PAIR_WIDTH),
    PART(query, PRED_WIDTH, PRED_WIDTH),
    PART(key, PRED_PAIR_WIDTH, PRED_WIDTH),
    PART(value, PRED_PAIR_WIDTH, PRED_WIDTH),
    PART(mix, PRED_WIDTH, PRED_WIDTH),
    PART(mix_bias, 1, PRED_WIDTH),
    PART(norm1_gain, 1, PRED_WIDTH),
    PART(norm1_bias, 1, PRED_WIDTH),
    PART(feed1, PRED_WIDTH, PRED_FEED),
    PART(feed1_bias, 1, PRED_FEED),
    PART(feed2, PRED_FEED, PRED_WIDTH),
    PART(feed2_bias, 1, PRED_WIDTH),
    PART(norm2_gain, 1, PRED_WIDTH),
    PART(norm2_bias, 1, PRED_WIDTH),
    PART(mode, PRED_MODES, PRED_WIDTH),
    PART(decode1, PRED_WIDTH, PRED_WIDTH),
    PART(decode1_bias, 1, PRED_WIDTH),
    PART(decode2, PRED_WIDTH, PRED_WIDTH),
    PART(decode2_bias, 1, PRED_WIDTH),
    PART(head, PRED_WIDTH, PRED_OUTPUTS),
    PART(anchor, PRED_MODES, PRED_OUTPUTS),
    PART(single, PRED_WIDTH, PRED_PATH),
    PART(single_bias, 1, PRED_PATH),
    PART(lean, PRED_LEAN, PRED_PATH),
};

/** A member of pred_acts and how many numbers it takes per agent and per pair. */
typedef struct room {
    size_t offset;
    uint32_t per_agent, per_pair;
} room;

#define ROOM(member, per_agent, per_pair)                                                          \
    {                                                                                              \
        offsetof(pred_acts, member), per_agent, per_pair                                           \
    }

static const room ROOMS[] = {
    ROOM(batch.x, PRED_INPUTS, 0),
    ROOM(batch.base, PRED_PATH, 0),
    ROOM(batch.floor, 1, 0),
    ROOM(batch.pairs, 0, PRED_PAIRS),
    ROOM(batch.truth, PRED_PATH, 0),
    ROOM(encoded, PRED_WIDTH, 0),
    ROOM(norm0_hat, PRED_WIDTH, 0),
    ROOM(norm0_inverse, 1, 0),
    ROOM(h0, PRED_WIDTH, 0),
    ROOM(pair1, 0, PRED_PAIR_WIDTH),
    ROOM(pair2, 0, PRED_PAIR_WIDTH),
    ROOM(query, PRED_WIDTH, 0),
    ROOM(key, 0, PRED_WIDTH),
    ROOM(value, 0, PRED_WIDTH),
    ROOM(attention, 0, PRED_HEADS),
    ROOM(gathered, PRED_WIDTH, 0),
    ROOM(norm1_hat, PRED_WIDTH, 0),
    ROOM(norm1_inverse, 1, 0),
    ROOM(h1, PRED_WIDTH, 0),
    ROOM(fed, PRED_FEED, 0),
    ROOM(norm2_hat, PRED_WIDTH, 0),
    ROOM(norm2_inverse, 1, 0),
    ROOM(h2, PRED_WIDTH, 0),
    ROOM(seed, PRED_MODES *PRED_WIDTH, 0),
    ROOM(decoded1, PRED_MODES *PRED_WIDTH, 0),
    ROOM(decoded2, PRED_MODES *PRED_WIDTH, 0),
    ROOM(out, PRED_MODES *PRED_OUTPUTS, 0),
    ROOM(scale, PRED_MODES *PRED_PATH, 0),
    ROOM(log_p, PRED_MODES, 0),
    ROOM(single, PRED_PATH, 0),
    ROOM(steps, PRED_LEAN, 0),
    ROOM(base, PRED_PATH, 0),
    ROOM(scratch, PRED_FEED, 0),
};

hp_status pred_acts_create(uint32_t capacity, pred_acts *out)
{
    const size_t pairs = (size_t)capacity * PRED_NEIGHBOURS;
    size_t total = 0;
    *out = (pred_acts){.capacity = capacity};
    for (size_t i = 0; i < HP_ARRAY_LEN(ROOMS); ++i) {
        total += ROOMS[i].per_agent * (size_t)capacity + ROOMS[i].per_pair * pairs;
    }
    out->block = calloc(total, sizeof(pred_real));
    out->batch.first = calloc((size_t)capacity + 1, sizeof(uint32_t));
    out->batch.n_truth = calloc(capacity, sizeof(uint32_t));
    if (out->block == NULL || out->batch.first == NULL || out->batch.n_truth == NULL) {
        pred_acts_destroy(out);
        return HP_ENOMEM;
    }
    pred_real *next = out->block;
    for (size_t i = 0; i < HP_ARRAY_LEN(ROOMS); ++i) {
        memcpy((char *)out + ROOMS[i].offset, &next, sizeof next);
        next += ROOMS[i].per_agent * (size_t)capacity + ROOMS[i].per_pair * pairs;
    }
    return HP_OK;
}

void pred_acts_destroy(pred_acts *acts)
{
    free(acts->block);
    free(acts->batch.first);
    free(acts->batch.n_truth);
    *acts = (pred_acts){0};
}

static void add_bias(uint32_t rows, uint32_t n, const pred_real *bias, bool relu, pred_real *y)
{
    for (uint32_t r = 0; r < rows; ++r) {
        pred_real *row = &y[(size_t)r * n];
        for (uint32_t c = 0; c < n; ++c) {
            row[c] += bias[c];
        }
        for (uint32_t c = 0; relu && c < n; ++c) {
            row[c] = row[c] > 0 ? row[c] : 0;
        }
    }
}

/** h = gain * (x - mean) / deviation + bias for each row; keeps what the way back needs. */
typedef struct norm {
    const pred_real *gain, *bias;
    pred_real *hat, *inverse, *h;
} norm;

static void norm_rows(uint32_t rows, const pred_real *x, const norm *to)
{
    for (uint32_t r = 0; r < rows; ++r) {
        const size_t at = (size_t)r * PRED_WIDTH;
        pred_real mean = 0;
        pred_real square = 0;
        for (uint32_t c = 0; c < PRED_WIDTH; ++c) {
            mean += x[at + c];
        }
        mean /= PRED_WIDTH;
        for (uint32_t c = 0; c < PRED_WIDTH; ++c) {
            square += (x[at + c] - mean) * (x[at + c] - mean);
        }
        const pred_real inverse = 1 / sqrt(square / PRED_WIDTH + (pred_real)NORM_EPSILON);
        to->inverse[r] = inverse;
        for (uint32_t c = 0; c < PRED_WIDTH; ++c) {
            to->hat[at + c] = (x[at + c] - mean) * inverse;
            to->h[at + c] = to->gain[c] * to->hat[at + c] + to->bias[c];
        }
    }
}

/** One head of one agent: weights over his neighbours beside a silent one of score 0. */
static void attend(pred_acts *a, uint32_t agent, uint32_t head)
{
    const uint32_t begin = a->batch.first[agent];
    const uint32_t end = a->batch.first[agent + 1];
    const size_t at = (size_t)head * PRED_HEAD_WIDTH;
    const pred_real *q = &a->query[(size_t)agent * PRED_WIDTH + at];
    pred_real *out = &a->gathered[(size_t)agent * PRED_WIDTH + at];
    pred_real best = 0;
    memset(out, 0, PRED_HEAD_WIDTH * sizeof *out);
    for (uint32_t j = begin; j < end; ++j) {
        const pred_real *k = &a->key[(size_t)j * PRED_WIDTH + at];
        pred_real score = 0;
        for (uint32_t c = 0; c < PRED_HEAD_WIDTH; ++c) {
            score += q[c] * k[c];
        }
        score /= 4; /* the root of PRED_HEAD_WIDTH */
        a->attention[(size_t)j * PRED_HEADS + head] = score;
        best = score > best ? score : best;
    }
    pred_real sum = exp(-best);
    for (uint32_t j = begin; j < end; ++j) {
        pred_real *weight = &a->attention[(size_t)j * PRED_HEADS + head];
        *weight = exp(*weight - best);
        sum += *weight;
    }
    for (uint32_t j = begin; j < end; ++j) {
        pred_real *weight = &a->attention[(size_t)j * PRED_HEADS + head];
        const pred_real *v = &a->value[(size_t)j * PRED_WIDTH + at];
        *weight /= sum;
        for (uint32_t c = 0; c < PRED_HEAD_WIDTH; ++c) {
            out[c] += *weight * v[c];
        }
    }
}

static void encode(const pred_weights *w, pred_product product, pred_acts *a)
{
    const uint32_t n = a->batch.n;
    const norm to = {w->norm0_gain, w->norm0_bias, a->norm0_hat, a->norm0_inverse, a->h0};
    product(n, PRED_WIDTH, PRED_INPUTS, a->batch.x, w->encode1, a->encoded);
    add_bias(n, PRED_WIDTH, w->encode1_bias, true, a->encoded);
    product(n, PRED_WIDTH, PRED_WIDTH, a->encoded, w->encode2, a->scratch);
    add_bias(n, PRED_WIDTH, w->encode2_bias, false, a->scratch);
    norm_rows(n, a->scratch, &to);
}

static void add_rows(size_t n, const pred_real *x, pred_real *y)
{
    for (size_t i = 0; i < n; ++i) {
        y[i] += x[i];
    }
}

static void look_around(const pred_weights *w, pred_product product, pred_acts *a)
{
    const uint32_t n = a->batch.n;
    const uint32_t pairs = a->batch.n_pairs;
    const norm to = {w->norm1_gain, w->norm1_bias, a->norm1_hat, a->norm1_inverse, a->h1};
    if (pairs > 0) {
        product(pairs, PRED_PAIR_WIDTH, PRED_PAIRS, a->batch.pairs, w->pair1, a->pair1);
        add_bias(pairs, PRED_PAIR_WIDTH, w->pair1_bias, true, a->pair1);
        product(pairs, PRED_PAIR_WIDTH, PRED_PAIR_WIDTH, a->pair1, w->pair2, a->pair2);
        add_bias(pairs, PRED_PAIR_WIDTH, w->pair2_bias, true, a->pair2);
        product(pairs, PRED_WIDTH, PRED_PAIR_WIDTH, a->pair2, w->key, a->key);
        product(pairs, PRED_WIDTH, PRED_PAIR_WIDTH, a->pair2, w->value, a->value);
    }
    product(n, PRED_WIDTH, PRED_WIDTH, a->h0, w->query, a->query);
    for (uint32_t i = 0; i < n; ++i) {
        for (uint32_t h = 0; h < PRED_HEADS; ++h) {
            attend(a, i, h);
        }
    }
    product(n, PRED_WIDTH, PRED_WIDTH, a->gathered, w->mix, a->scratch);
    add_bias(n, PRED_WIDTH, w->mix_bias, false, a->scratch);
    add_rows((size_t)n * PRED_WIDTH, a->h0, a->scratch);
    norm_rows(n, a->scratch, &to);
}

static void think(const pred_weights *w, pred_product product, pred_acts *a)
{
    const uint32_t n = a->batch.n;
    const norm to = {w->norm2_gain, w->norm2_bias, a->norm2_hat, a->norm2_inverse, a->h2};
    product(n, PRED_FEED, PRED_WIDTH, a->h1, w->feed1, a->fed);
    add_bias(n, PRED_FEED, w->feed1_bias, true, a->fed);
    product(n, PRED_WIDTH, PRED_FEED, a->fed, w->feed2, a->scratch);
    add_bias(n, PRED_WIDTH, w->feed2_bias, false, a->scratch);
    add_rows((size_t)n * PRED_WIDTH, a->h1, a->scratch);
    norm_rows(n, a->scratch, &to);
}

/** The base paths: what the batch brings and what each class makes of the past's steps. */
static void lean(const pred_weights *w, pred_product product, pred_acts *a)
{
    const uint32_t n = a->batch.n;
    for (uint32_t i = 0; i < n; ++i) {
        const pred_real *x = &a->batch.x[(size_t)i * PRED_INPUTS];
        for (uint32_t c = 0; c < PRED_LEAN; ++c) {
            a->steps[(size_t)i * PRED_LEAN + c] =
                x[PRED_AT_CLASS + c / PRED_STEPS] * x[PRED_AT_STEPS + c % PRED_STEPS];
        }
    }
    product(n, PRED_PATH, PRED_LEAN, a->steps, w->lean, a->base);
    add_rows((size_t)n * PRED_PATH, a->batch.base, a->base);
}

static void finish_mode(const pred_acts *a, const pred_weights *w, uint32_t agent, uint32_t k)
{
    const pred_real *base = &a->base[(size_t)agent * PRED_PATH];
    const pred_real *anchor = &w->anchor[(size_t)k * PRED_OUTPUTS];
    pred_real *out = &a->out[((size_t)agent * PRED_MODES + k) * PRED_OUTPUTS];
    pred_real *scale = &a->scale[((size_t)agent * PRED_MODES + k) * PRED_PATH];
    for (uint32_t i = 0; i < PRED_OUTPUTS; ++i) {
        out[i] += anchor[i];
    }
    for (uint32_t i = 0; i < PRED_PATH; ++i) {
        const pred_real raw = out[PRED_PATH + i];
        out[i] += base[i];
        scale[i] =
            a->batch.floor[agent] + (pred_real)PRED_SCALE_GAIN * (raw > 20 ? raw : log1p(exp(raw)));
    }
}

static void soften(const pred_acts *a, uint32_t agent)
{
    pred_real best = -INFINITY;
    pred_real sum = 0;
    pred_real *log_p = &a->log_p[(size_t)agent * PRED_MODES];
    for (uint32_t k = 0; k < PRED_MODES; ++k) {
        log_p[k] = a->out[((size_t)agent * PRED_MODES + k) * PRED_OUTPUTS + PRED_OUTPUTS - 1];
        best = log_p[k] > best ? log_p[k] : best;
    }
    for (uint32_t k = 0; k < PRED_MODES; ++k) {
        sum += exp(log_p[k] - best);
    }
    const pred_real total = best + log(sum);
    for (uint32_t k = 0; k < PRED_MODES; ++k) {
        log_p[k] -= total;
    }
}

static void decode(const pred_weights *w, pred_product product, pred_acts *a)
{
    const uint32_t n = a->batch.n;
    const uint32_t rows = n * PRED_MODES;
    for (uint32_t i = 0; i < rows; ++i) {
        const pred_real *h = &a->h2[(size_t)(i / PRED_MODES) * PRED_WIDTH];
        const pred_real *m = &w->mode[(size_t)(i % PRED_MODES) * PRED_WIDTH];
        pred_real *seed = &a->seed[(size_t)i * PRED_WIDTH];
        for (uint32_t c = 0; c < PRED_WIDTH; ++c) {
            const pred_real sum = h[c] + m[c];
            seed[c] = sum > 0 ? sum : 0;
        }
    }
    product(rows, PRED_WIDTH, PRED_WIDTH, a->seed, w->decode1, a->decoded1);
    add_bias(rows, PRED_WIDTH, w->decode1_bias, true, a->decoded1);
    product(rows, PRED_WIDTH, PRED_WIDTH, a->decoded1, w->decode2, a->decoded2);
    add_bias(rows, PRED_WIDTH, w->decode2_bias, true, a->decoded2);
    product(rows, PRED_OUTPUTS, PRED_WIDTH, a->decoded2, w->head, a->out);
    lean(w, product, a);
    for (uint32_t i = 0; i < rows; ++i) {
        finish_mode(a, w, i / PRED_MODES, i % PRED_MODES);
    }
    for (uint32_t i = 0; i < n; ++i) {
        soften(a, i);
    }
    product(n, PRED_PATH, PRED_WIDTH, a->h2, w->single, a->single);
    add_bias(n, PRED_PATH, w->single_bias, false, a->single);
    add_rows((size_t)n * PRED_PATH, a->base, a->single);
}

pred_product pred_product_best(void)
{
#ifdef PRED_HAS_AVX2
    if (__builtin_cpu_supports("avx2")) {
        return pred_product_avx2;
    }
#endif
    return pred_product_base;
}

void pred_net_forward(const pred_weights *w, pred_product product, pred_acts *acts)
{
    encode(w, product, acts);
    look_around(w, product, acts);
    think(w, product, acts);
    decode(w, product, acts);
}
