#include "policy/policy_infer.h"

#include "common/hp_geom.h"

#include <stdlib.h>
#include <string.h>

/** A network, packed. */
typedef struct packed_net {
    uint32_t n, n_encoders;
    policy_dense layers[POLICY_MAX_LAYERS];
    float *numbers; /* all weights and biases */
    float *seen;    /* the image's code, policy_shape_encoded numbers */
    bool tanh;
} packed_net;

struct policy_infer {
    const policy_kernel *kernel;
    policy_shape shape; /* of the actor; the critic's row is the same */
    uint32_t n_heads, n_quantiles, max_rows;
    packed_net actor, critic;
    float *slots;      /* [max_rows * n_slots][n_slot] */
    uint32_t *owner;   /* [max_rows * n_slots] */
    float *joint;      /* [max_rows][n_plain + n_encode] */
    float *buffers[2]; /* [max_rows (* n_slots)][widest layer, padded] */
    uint8_t *finite;   /* [max_rows] */
    bool scene_finite; /* what was seen last */
};

static void pack_layer(const policy_layer *layer, const float *params, policy_dense *out, float *to)
{
    const uint32_t padded = policy_padded(layer->n_out);
    float *biases = to + (size_t)padded * layer->n_in;
    out->n_in = layer->n_in;
    out->n_panels = padded / POLICY_PANEL;
    out->weights = to;
    out->biases = biases;
    for (uint32_t j = 0; j < layer->n_out; j++) {
        const size_t panel = (size_t)(j / POLICY_PANEL) * layer->n_in * POLICY_PANEL;
        for (uint32_t k = 0; k < layer->n_in; k++) {
            to[panel + (size_t)k * POLICY_PANEL + j % POLICY_PANEL] =
                params[layer->weights + (size_t)k * layer->n_out + j];
        }
        biases[j] = params[layer->biases + j];
    }
}

static hp_status pack(const policy_shape *shape, const float *params, packed_net *net)
{
    policy_layers layers;
    size_t size = 0;
    const hp_status st = policy_shape_layers(shape, &layers);
    if (st != HP_OK) {
        return st;
    }
    for (uint32_t l = 0; l < layers.n; l++) {
        size += (size_t)policy_padded(layers.items[l].n_out) * (layers.items[l].n_in + 1);
    }
    net->numbers = calloc(size, sizeof *net->numbers);
    if (net->numbers == NULL) {
        return HP_ENOMEM;
    }
    net->n = layers.n;
    net->n_encoders = layers.n_encoders;
    net->tanh = shape->activation == POLICY_TANH;
    float *to = net->numbers;
    for (uint32_t l = 0; l < layers.n; l++) {
        const policy_layer *layer = &layers.items[l];
        policy_dense *d = &net->layers[l];
        pack_layer(layer, params, d, to);
        to += (size_t)policy_padded(layer->n_out) * (layer->n_in + 1);
        d->relu = l < layers.n_encoders || (l + 1 < layers.n && !net->tanh);
        d->y_stride = (size_t)d->n_panels * POLICY_PANEL;
        const bool packed = l == 0 || l == layers.n_encoders || (l == 1 && shape->n_merge > 0);
        d->x_stride = packed ? layer->n_in : net->layers[l - 1].y_stride;
    }
    return HP_OK;
}

static size_t widest(const packed_net *net)
{
    size_t most = 0;
    for (uint32_t l = 0; l < net->n; l++) {
        most = net->layers[l].y_stride > most ? net->layers[l].y_stride : most;
    }
    return most;
}

static hp_status reserve(policy_infer *f)
{
    const policy_shape *s = &f->shape;
    const size_t encoded = policy_shape_encoded(s) + 1; /* there may be none */
    const size_t rows = f->max_rows;
    const size_t slots = rows * (s->n_slots > 0 ? s->n_slots : 1);
    const size_t a = widest(&f->actor);
    const size_t b = widest(&f->critic);
    f->slots = calloc(slots * (s->n_slot + 1), sizeof *f->slots);
    f->owner = calloc(slots, sizeof *f->owner);
    f->joint = calloc(rows * (s->n_plain + policy_shape_encoded(s)), sizeof *f->joint);
    f->finite = calloc(rows, sizeof *f->finite);
    f->actor.seen = calloc(encoded, sizeof *f->actor.seen);
    f->critic.seen = calloc(encoded, sizeof *f->critic.seen);
    for (int i = 0; i < 2; i++) {
        f->buffers[i] = calloc(slots * (a > b ? a : b), sizeof *f->buffers[i]);
    }
    return f->actor.seen != NULL && f->critic.seen != NULL && f->slots != NULL &&
                   f->owner != NULL && f->joint != NULL && f->finite != NULL &&
                   f->buffers[0] != NULL && f->buffers[1] != NULL
               ? HP_OK
               : HP_ENOMEM;
}

hp_status policy_infer_create(const policy_model *model, const char *kernel, uint32_t max_rows,
                              policy_infer **out, hp_error *error)
{
    *out = NULL;
    const policy_kernel *chosen = policy_kernel_find(kernel);
    if (chosen == NULL) {
        return hp_fail(error, HP_EUNAVAILABLE,
                       "this processor has no '%s' kernel; use auto, scalar, avx2 or avx512",
                       kernel);
    }
    if (model->actor.n_out > POLICY_MOST_CHOICES) {
        return hp_fail(error, HP_ECONFIG,
                       "the policy chooses among %u actions, at most %d are possible",
                       model->actor.n_out, POLICY_MOST_CHOICES);
    }
    policy_infer *f = calloc(1, sizeof *f);
    hp_status st = f != NULL ? HP_OK : HP_ENOMEM;
    if (st == HP_OK) {
        f->kernel = chosen;
        f->shape = model->actor;
        f->n_heads = model->n_heads;
        f->n_quantiles = model->n_quantiles;
        f->max_rows = max_rows;
        st = pack(&model->actor, model->params, &f->actor);
    }
    st = st == HP_OK ? pack(&model->critic, model->params + model->critic_at, &f->critic) : st;
    st = st == HP_OK ? reserve(f) : st;
    if (st != HP_OK) {
        policy_infer_destroy(&f);
        return hp_fail(error, st, "the policy's network: %s", hp_status_text(st));
    }
    *out = f;
    return HP_OK;
}

void policy_infer_destroy(policy_infer **infer)
{
    policy_infer *f = *infer;
    *infer = NULL;
    if (f == NULL) {
        return;
    }
    free(f->actor.numbers);
    free(f->critic.numbers);
    free(f->actor.seen);
    free(f->critic.seen);
    free(f->slots);
    free(f->owner);
    free(f->joint);
    free(f->finite);
    free(f->buffers[0]);
    free(f->buffers[1]);
    free(f);
}

const policy_shape *policy_infer_shape(const policy_infer *infer)
{
    return &infer->shape;
}

const char *policy_infer_kernel(const policy_infer *infer)
{
    return infer->kernel->name;
}

static bool all_finite(const float *x, size_t n)
{
    bool good = true;
    for (size_t i = 0; i < n; i++) {
        good = isfinite(x[i]) && good;
    }
    return good;
}

/** Packs the slots that are not empty; returns how many there are. */
static uint32_t pack_slots(policy_infer *f, const float *rows, uint32_t n)
{
    const policy_shape *s = &f->shape;
    const uint32_t width = policy_shape_row(s);
    uint32_t present = 0;
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t j = 0; j < s->n_slots; j++) {
            const float *slot = rows + (size_t)i * width + s->n_plain + (size_t)j * s->n_slot;
            if (slot[0] != 0.0F || s->n_merge > 0) {
                memcpy(f->slots + (size_t)present * s->n_slot, slot, s->n_slot * sizeof *slot);
                f->owner[present++] = i;
            }
        }
    }
    return present;
}

/** Starts every joint row with the plain features of rows that are width apart. */
static void begin_joint(policy_infer *f, const float *rows, uint32_t width, uint32_t n)
{
    const policy_shape *s = &f->shape;
    const size_t stride = s->n_plain + policy_shape_encoded(s);
    for (uint32_t i = 0; i < n; i++) {
        const float *row = rows + (size_t)i * width;
        memcpy(f->joint + i * stride, row, s->n_plain * sizeof *row);
        f->finite[i] = all_finite(row, width) ? 1 : 0;
    }
}

/** The code of every patch in the slots; what comes out of the second layer stays in its place. */
static const float *encode_patches(policy_infer *f, const packed_net *net, uint32_t present)
{
    f->kernel->dense(&net->layers[0], f->slots, present, f->buffers[0]);
    f->kernel->dense(&net->layers[1], f->buffers[0], present / f->shape.n_merge, f->buffers[1]);
    return f->buffers[1];
}

/** Codes into the joint rows: stride 0 gives all of them the same one. */
static void join_codes(policy_infer *f, const float *codes, size_t stride, uint32_t n)
{
    const size_t plain = f->shape.n_plain;
    const size_t encoded = policy_shape_encoded(&f->shape);
    for (uint32_t i = 0; i < n; i++) {
        memcpy(f->joint + i * (plain + encoded) + plain, codes + i * stride,
               encoded * sizeof *codes);
    }
}

static void encode_set(policy_infer *f, const packed_net *net, uint32_t n, uint32_t present)
{
    const policy_shape *s = &f->shape;
    const size_t stride = net->layers[1].y_stride;
    for (uint32_t i = 0; i < n; i++) {
        memset(f->joint + (size_t)i * (s->n_plain + s->n_encode) + s->n_plain, 0,
               s->n_encode * sizeof *f->joint);
    }
    f->kernel->dense(&net->layers[0], f->slots, present, f->buffers[0]);
    f->kernel->dense(&net->layers[1], f->buffers[0], present, f->buffers[1]);
    for (uint32_t p = 0; p < present; p++) {
        const float *code = f->buffers[1] + p * stride;
        float *best = f->joint + (size_t)f->owner[p] * (s->n_plain + s->n_encode) + s->n_plain;
        for (uint32_t c = 0; c < s->n_encode; c++) {
            best[c] = code[c] > best[c] ? code[c] : best[c];
        }
    }
}

/** What a batch is made of. */
typedef struct batch {
    uint32_t n;       /* rows */
    uint32_t present; /* slots that are not empty */
    bool looks;       /* the image was seen before */
} batch;

/** Outputs [n][y_stride of the last layer]. */
static const float *forward(policy_infer *f, const packed_net *net, const batch *b)
{
    const float *x = f->joint;
    if (b->looks) {
        join_codes(f, net->seen, 0, b->n);
    } else if (f->shape.n_merge > 0) {
        join_codes(f, encode_patches(f, net, b->present), policy_shape_encoded(&f->shape), b->n);
    } else if (net->n_encoders > 0) {
        encode_set(f, net, b->n, b->present);
    }
    for (uint32_t l = net->n_encoders; l < net->n; l++) {
        float *y = f->buffers[l % 2];
        f->kernel->dense(&net->layers[l], x, b->n, y);
        if (net->tanh && l + 1 < net->n) {
            f->kernel->tanh(y, b->n * net->layers[l].y_stride);
        }
        x = y;
    }
    return x;
}

static void read_value(const policy_infer *f, const float *out, policy_answer *a)
{
    const uint32_t per_head = 1 + f->n_quantiles;
    double sum = 0.0;
    double squares = 0.0;
    for (uint32_t h = 0; h < f->n_heads; h++) {
        const double v = (double)out[h * per_head];
        sum += v;
        squares += v * v;
        if (f->n_quantiles > 1) {
            a->width +=
                ((double)out[h * per_head + f->n_quantiles] - (double)out[h * per_head + 1]) /
                f->n_heads;
        }
    }
    a->value = sum / f->n_heads;
    a->spread = sqrt(hp_max(squares / f->n_heads - a->value * a->value, 0.0));
    a->width = hp_max(a->width, 0.0);
    a->crash_p = 1.0 / (1.0 + exp(-(double)out[f->n_heads * per_head]));
    a->valid = a->valid && isfinite(a->value) && isfinite(a->spread) && isfinite(a->width) &&
               isfinite(a->crash_p);
}

static void read_choice(const policy_infer *f, const float *out, policy_answer *a)
{
    double top = (double)out[0];
    double sum = 0.0;
    for (uint32_t i = 1; i < f->shape.n_out; i++) {
        if ((double)out[i] > top) {
            top = (double)out[i];
            a->best = i;
        }
    }
    for (uint32_t i = 0; i < f->shape.n_out; i++) {
        a->choice_p[i] = exp((double)out[i] - top);
        sum += a->choice_p[i];
    }
    for (uint32_t i = 0; i < f->shape.n_out; i++) {
        a->choice_p[i] /= sum;
    }
    a->valid = a->valid && isfinite(sum) && isfinite(top);
}

static void answer(policy_infer *f, unsigned ask, const batch *b, policy_answer *answers)
{
    for (uint32_t i = 0; i < b->n; i++) {
        answers[i] = (policy_answer){.valid = f->finite[i] != 0 && (!b->looks || f->scene_finite)};
    }
    if ((ask & POLICY_ASK_VALUE) != 0) {
        const float *out = forward(f, &f->critic, b);
        for (uint32_t i = 0; i < b->n; i++) {
            read_value(f, out + i * f->critic.layers[f->critic.n - 1].y_stride, &answers[i]);
        }
    }
    if ((ask & POLICY_ASK_CHOICE) != 0) {
        const float *out = forward(f, &f->actor, b);
        for (uint32_t i = 0; i < b->n; i++) {
            read_choice(f, out + i * f->actor.layers[f->actor.n - 1].y_stride, &answers[i]);
        }
    }
    for (uint32_t i = 0; i < b->n; i++) {
        if (!answers[i].valid) {
            answers[i] = (policy_answer){.valid = false};
        }
    }
}

void policy_infer_run(policy_infer *f, unsigned ask, const float *rows, uint32_t n,
                      policy_answer *answers)
{
    const batch b = {.n = n, .present = pack_slots(f, rows, n)};
    begin_joint(f, rows, policy_shape_row(&f->shape), n);
    answer(f, ask, &b, answers);
}

void policy_infer_see(policy_infer *f, const float *scene)
{
    const size_t n = policy_shape_scene(&f->shape);
    const size_t encoded = policy_shape_encoded(&f->shape) * sizeof *f->actor.seen;
    f->scene_finite = all_finite(scene, n);
    if (n > 0) {
        memcpy(f->slots, scene, n * sizeof *scene);
        memcpy(f->actor.seen, encode_patches(f, &f->actor, f->shape.n_slots), encoded);
        memcpy(f->critic.seen, encode_patches(f, &f->critic, f->shape.n_slots), encoded);
    }
}

void policy_infer_look(policy_infer *f, unsigned ask, const float *looks, uint32_t n,
                       policy_answer *answers)
{
    if (policy_shape_scene(&f->shape) == 0) {
        policy_infer_run(f, ask, looks, n, answers);
        return;
    }
    const batch b = {.n = n, .looks = true};
    begin_joint(f, looks, policy_shape_look(&f->shape), n);
    answer(f, ask, &b, answers);
}
