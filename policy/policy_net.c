#include "policy/policy_net.h"

#include "policy/policy_kernel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static policy_real *reals(size_t n)
{
    return calloc(n > 0 ? n : 1, sizeof(policy_real));
}

hp_status policy_tape_create(const policy_shape *shape, uint32_t max_rows, policy_tape *out)
{
    memset(out, 0, sizeof *out);
    out->shape = *shape;
    const hp_status st = policy_shape_layers(shape, &out->layers);
    if (st != HP_OK) {
        return st;
    }
    const size_t rows = max_rows;
    const size_t slots = rows * shape->n_slots;
    const policy_layer *first = &out->layers.items[out->layers.n_encoders];
    out->max_rows = max_rows;
    out->owner = calloc(slots + 1, sizeof *out->owner);
    out->winner = calloc(rows * shape->n_encode + 1, sizeof *out->winner);
    out->slots = reals(slots * shape->n_slot);
    out->joint = reals(rows * first->n_in);
    out->d_joint = reals(rows * first->n_in);
    bool whole = out->owner != NULL && out->winner != NULL && out->slots != NULL &&
                 out->joint != NULL && out->d_joint != NULL;
    for (uint32_t i = 0; i < out->layers.n; i++) {
        const size_t n = (i < out->layers.n_encoders ? slots : rows) * out->layers.items[i].n_out;
        out->y[i] = reals(n);
        out->dy[i] = reals(n);
        whole = whole && out->y[i] != NULL && out->dy[i] != NULL;
    }
    if (!whole) {
        policy_tape_destroy(out);
        return HP_ENOMEM;
    }
    return HP_OK;
}

void policy_tape_destroy(policy_tape *tape)
{
    free(tape->owner);
    free(tape->winner);
    free(tape->slots);
    free(tape->joint);
    free(tape->d_joint);
    for (uint32_t i = 0; i < POLICY_MAX_LAYERS; i++) {
        free(tape->y[i]);
        free(tape->dy[i]);
    }
    memset(tape, 0, sizeof *tape);
}

/** Makes vectors [n][dim], at stride and step, orthonormal (Gram and Schmidt, twice is enough). */
static void orthonormalise(policy_real *w, uint32_t n, uint32_t dim, size_t stride, size_t step)
{
    for (uint32_t i = 0; i < n; i++) {
        policy_real *v = w + i * stride;
        for (int pass = 0; pass < 2; pass++) {
            for (uint32_t j = 0; j < i; j++) {
                const policy_real *u = w + j * stride;
                policy_real dot = 0;
                for (uint32_t k = 0; k < dim; k++) {
                    dot += u[k * step] * v[k * step];
                }
                for (uint32_t k = 0; k < dim; k++) {
                    v[k * step] -= dot * u[k * step];
                }
            }
        }
        double norm = 0.0;
        for (uint32_t k = 0; k < dim; k++) {
            norm += (double)v[k * step] * (double)v[k * step];
        }
        const policy_real scale = (policy_real)(1.0 / sqrt(fmax(norm, 1e-30)));
        for (uint32_t k = 0; k < dim; k++) {
            v[k * step] *= scale;
        }
    }
}

void policy_net_init(const policy_layers *layers, hp_rng stream, double out_gain,
                     policy_real *params)
{
    for (uint32_t l = 0; l < layers->n; l++) {
        const policy_layer *layer = &layers->items[l];
        const size_t n = (size_t)layer->n_in * layer->n_out;
        const hp_rng lane = hp_rng_lane(stream, l);
        policy_real *w = params + layer->weights;
        for (size_t i = 0; i < n; i++) {
            w[i] = (policy_real)hp_rng_normal(lane, i);
        }
        if (layer->n_in >= layer->n_out) {
            orthonormalise(w, layer->n_out, layer->n_in, 1, layer->n_out);
        } else {
            orthonormalise(w, layer->n_in, layer->n_out, layer->n_out, 1);
        }
        const policy_real gain = (policy_real)(l + 1 < layers->n ? sqrt(2.0) : out_gain);
        for (size_t i = 0; i < n; i++) {
            w[i] *= gain;
        }
        memset(params + layer->biases, 0, layer->n_out * sizeof *params);
    }
}

enum { LINEAR = -1 }; /* beside policy_activation */

/** Adds the biases and bends. */
static void finish(int kind, const policy_real *biases, uint32_t rows, uint32_t n, policy_real *y)
{
    if (kind == POLICY_TANH) {
#ifdef POLICY_DOUBLE
        for (size_t i = 0; i < (size_t)rows * n; i++) {
            y[i] = tanh(y[i] + biases[i % n]);
        }
#else
        policy_kernel_best()->tanh_biased(biases, rows, n, y);
#endif
        return;
    }
    for (uint32_t i = 0; i < rows; i++) {
        policy_real *row = y + (size_t)i * n;
        for (uint32_t j = 0; j < n; j++) {
            const policy_real sum = row[j] + biases[j];
            row[j] = kind == LINEAR || sum > 0 ? sum : 0;
        }
    }
}

/** Multiplies dy by the activation's slope, which its output y tells. */
static void deactivate(policy_activation kind, const policy_real *y, policy_real *dy, size_t n)
{
    if (kind == POLICY_TANH) {
#ifdef POLICY_DOUBLE
        for (size_t i = 0; i < n; i++) {
            dy[i] *= 1 - y[i] * y[i];
        }
#else
        policy_kernel_best()->tanh_back(y, dy, n);
#endif
        return;
    }
    for (size_t i = 0; i < n; i++) {
        dy[i] = y[i] > 0 ? dy[i] : 0;
    }
}

static void add_rows(const policy_real *x, uint32_t rows, uint32_t n, policy_real *sum)
{
#ifdef POLICY_DOUBLE
    for (size_t i = 0; i < (size_t)rows * n; i++) {
        sum[i % n] += x[i];
    }
#else
    policy_kernel_best()->add_rows(x, rows, n, sum);
#endif
}

/** y = bend(x W + b). */
static void dense(const policy_layer *layer, int kind, const policy_real *params,
                  const policy_real *x, uint32_t rows, policy_real *y)
{
    if (rows == 0) {
        return;
    }
    const hp_gemm g = {.m = rows, .n = layer->n_out, .k = layer->n_in};
    policy_gemm(&g, x, params + layer->weights, y);
    finish(kind, params + layer->biases, rows, layer->n_out, y);
}

/** Adds dW = x' dy and db = sum dy to grads; dx = dy W' unless dx is NULL. */
static void dense_back(const policy_layer *layer, const policy_real *params, const policy_real *x,
                       const policy_real *dy, uint32_t rows, policy_real *grads, policy_real *dx)
{
    if (rows == 0) {
        return;
    }
    const hp_gemm into_w = {
        .a_transposed = true, .m = layer->n_in, .n = layer->n_out, .k = rows, .beta = 1.0};
    policy_gemm(&into_w, x, dy, grads + layer->weights);
    add_rows(dy, rows, layer->n_out, grads + layer->biases);
    if (dx != NULL) {
        const hp_gemm into_x = {
            .b_transposed = true, .m = rows, .n = layer->n_in, .k = layer->n_out};
        policy_gemm(&into_x, dy, params + layer->weights, dx);
    }
}

/** Packs the slots that are not empty, row after row. */
static void gather_slots(policy_tape *t, const policy_real *rows, uint32_t n)
{
    const policy_shape *s = &t->shape;
    const uint32_t width = policy_shape_row(s);
    t->n_present = 0;
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t j = 0; j < s->n_slots; j++) {
            const policy_real *slot = rows + (size_t)i * width + s->n_plain + j * s->n_slot;
            if (slot[0] != 0 || s->n_merge > 0) {
                memcpy(t->slots + (size_t)t->n_present * s->n_slot, slot, s->n_slot * sizeof *slot);
                t->owner[t->n_present++] = i;
            }
        }
    }
}

/** What the patches became, beside the plain features. */
static void join_patches(policy_tape *t, const policy_real *rows, uint32_t n)
{
    const policy_shape *s = &t->shape;
    const uint32_t encoded = policy_shape_encoded(s);
    for (uint32_t i = 0; i < n; i++) {
        policy_real *to = t->joint + (size_t)i * (s->n_plain + encoded);
        memcpy(to, rows + (size_t)i * policy_shape_row(s), s->n_plain * sizeof *to);
        memcpy(to + s->n_plain, t->y[1] + (size_t)i * encoded, encoded * sizeof *to);
    }
}

/** Greatest value of each output over a row's slots; 0 if there are none, as ReLU gives no less. */
static void join_slots(policy_tape *t, const policy_real *rows, uint32_t n)
{
    const policy_shape *s = &t->shape;
    const uint32_t width = policy_shape_row(s);
    const uint32_t joint = s->n_plain + s->n_encode;
    for (uint32_t i = 0; i < n; i++) {
        policy_real *to = t->joint + (size_t)i * joint;
        memcpy(to, rows + (size_t)i * width, s->n_plain * sizeof *to);
        memset(to + s->n_plain, 0, s->n_encode * sizeof *to);
    }
    memset(t->winner, 0xff, (size_t)n * s->n_encode * sizeof *t->winner);
    for (uint32_t p = 0; p < t->n_present; p++) {
        const policy_real *code = t->y[1] + (size_t)p * s->n_encode;
        policy_real *best = t->joint + (size_t)t->owner[p] * joint + s->n_plain;
        int32_t *winner = t->winner + (size_t)t->owner[p] * s->n_encode;
        for (uint32_t c = 0; c < s->n_encode; c++) {
            if (code[c] > best[c]) {
                best[c] = code[c];
                winner[c] = (int32_t)p;
            }
        }
    }
}

const policy_real *policy_net_forward(policy_tape *t, const policy_real *params,
                                      const policy_real *rows, uint32_t n)
{
    const policy_layers *layers = &t->layers;
    const policy_real *x = rows;
    t->rows = n;
    if (layers->n_encoders > 0) {
        gather_slots(t, rows, n);
        dense(&layers->items[0], POLICY_RELU, params, t->slots, t->n_present, t->y[0]);
        const uint32_t merge = t->shape.n_merge > 0 ? t->shape.n_merge : 1;
        dense(&layers->items[1], POLICY_RELU, params, t->y[0], t->n_present / merge, t->y[1]);
        if (t->shape.n_merge > 0) {
            join_patches(t, rows, n);
        } else {
            join_slots(t, rows, n);
        }
        x = t->joint;
    } else {
        memcpy(t->joint, rows, (size_t)n * t->shape.n_plain * sizeof *rows);
    }
    for (uint32_t l = layers->n_encoders; l < layers->n; l++) {
        const int kind = l + 1 < layers->n ? (int)t->shape.activation : LINEAR;
        dense(&layers->items[l], kind, params, x, n, t->y[l]);
        x = t->y[l];
    }
    return x;
}

policy_real *policy_net_d_out(policy_tape *tape)
{
    return tape->dy[tape->layers.n - 1];
}

static void patches_apart(policy_tape *t)
{
    const policy_shape *s = &t->shape;
    const uint32_t encoded = policy_shape_encoded(s);
    for (uint32_t i = 0; i < t->rows; i++) {
        memcpy(t->dy[1] + (size_t)i * encoded,
               t->d_joint + (size_t)i * (s->n_plain + encoded) + s->n_plain,
               encoded * sizeof *t->d_joint);
    }
    deactivate(POLICY_RELU, t->y[1], t->dy[1], (size_t)t->rows * encoded);
}

static void slots_apart(policy_tape *t)
{
    const policy_shape *s = &t->shape;
    const uint32_t joint = s->n_plain + s->n_encode;
    memset(t->dy[1], 0, (size_t)t->n_present * s->n_encode * sizeof *t->dy[1]);
    for (uint32_t i = 0; i < t->rows; i++) {
        for (uint32_t c = 0; c < s->n_encode; c++) {
            const int32_t p = t->winner[(size_t)i * s->n_encode + c];
            if (p >= 0) {
                t->dy[1][(size_t)p * s->n_encode + c] =
                    t->d_joint[(size_t)i * joint + s->n_plain + c];
            }
        }
    }
}

static void encoders_back(policy_tape *t, const policy_real *params, policy_real *grads)
{
    const policy_shape *s = &t->shape;
    const uint32_t merge = s->n_merge > 0 ? s->n_merge : 1;
    if (s->n_merge > 0) {
        patches_apart(t);
    } else {
        slots_apart(t);
    }
    dense_back(&t->layers.items[1], params, t->y[0], t->dy[1], t->n_present / merge, grads,
               t->dy[0]);
    deactivate(POLICY_RELU, t->y[0], t->dy[0], (size_t)t->n_present * s->n_encode);
    dense_back(&t->layers.items[0], params, t->slots, t->dy[0], t->n_present, grads, NULL);
}

void policy_net_backward(policy_tape *t, const policy_real *params, policy_real *grads)
{
    const uint32_t first = t->layers.n_encoders;
    for (uint32_t l = t->layers.n; l-- > first;) {
        const policy_layer *layer = &t->layers.items[l];
        if (l + 1 < t->layers.n) {
            deactivate(t->shape.activation, t->y[l], t->dy[l], (size_t)t->rows * layer->n_out);
        }
        policy_real *dx = l > first ? t->dy[l - 1] : (first > 0 ? t->d_joint : NULL);
        dense_back(layer, params, l > first ? t->y[l - 1] : t->joint, t->dy[l], t->rows, grads, dx);
    }
    if (first > 0) {
        encoders_back(t, params, grads);
    }
}
