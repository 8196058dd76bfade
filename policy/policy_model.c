#include "policy/policy_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { N_COUNTS = 15, MAX_TENSORS = 2 * 2 * POLICY_MAX_LAYERS + 3 };

/** The tensor "shape", in this order. */
static void to_counts(const policy_model *m, uint64_t c[N_COUNTS])
{
    const policy_shape *s = &m->actor;
    const uint64_t all[N_COUNTS] = {
        POLICY_MODEL_VERSION, s->n_plain,     s->n_slots,   s->n_slot,
        s->n_encode,          s->n_hidden,    s->hidden[0], s->hidden[1],
        s->hidden[2],         s->activation,  s->n_out,     m->continuous ? 1 : 0,
        m->n_heads,           m->n_quantiles, s->n_merge};
    memcpy(c, all, sizeof all);
}

static bool from_counts(const uint64_t c[N_COUNTS], policy_model *m)
{
    for (int i = 0; i < N_COUNTS; i++) {
        if (c[i] > POLICY_MAX_WIDTH) {
            return false;
        }
    }
    if (c[5] > POLICY_MAX_HIDDEN || c[9] > POLICY_RELU || c[10] > POLICY_MOST_CHOICES ||
        c[12] == 0 || c[12] > 8 || c[13] > 64) {
        return false;
    }
    m->actor = (policy_shape){.n_plain = (uint32_t)c[1],
                              .n_slots = (uint32_t)c[2],
                              .n_slot = (uint32_t)c[3],
                              .n_merge = (uint32_t)c[14],
                              .n_encode = (uint32_t)c[4],
                              .n_hidden = (uint32_t)c[5],
                              .hidden = {(uint32_t)c[6], (uint32_t)c[7], (uint32_t)c[8]},
                              .n_out = (uint32_t)c[10],
                              .activation = (policy_activation)c[9]};
    m->continuous = c[11] != 0;
    m->n_heads = (uint32_t)c[12];
    m->n_quantiles = (uint32_t)c[13];
    m->critic = m->actor;
    m->critic.n_out = m->n_heads * (1 + m->n_quantiles) + 1;
    return true;
}

hp_status policy_model_lay_out(policy_model *m)
{
    policy_layers actor;
    policy_layers critic;
    hp_status st = policy_shape_layers(&m->actor, &actor);
    if (st == HP_OK) {
        st = policy_shape_layers(&m->critic, &critic);
    }
    if (st == HP_OK) {
        m->critic_at = actor.n_params + (m->continuous ? m->actor.n_out : 0);
        m->n_params = m->critic_at + critic.n_params;
    }
    return st;
}

/** A model's tensors, with their names. */
typedef struct naming {
    hp_tensor items[MAX_TENSORS + HP_TENSORS_NOTES];
    char names[MAX_TENSORS][HP_TENSOR_NAME];
    uint32_t n;
} naming;

static void name_layers(const policy_shape *shape, const char *net, size_t at, naming *out,
                        size_t offsets[MAX_TENSORS])
{
    policy_layers layers;
    if (policy_shape_layers(shape, &layers) != HP_OK) {
        return;
    }
    for (uint32_t l = 0; l < layers.n; l++) {
        const policy_layer *layer = &layers.items[l];
        for (int bias = 0; bias < 2; bias++) {
            const uint32_t i = out->n++;
            (void)snprintf(out->names[i], HP_TENSOR_NAME, "%s.%u.%s", net, l,
                           bias != 0 ? "bias" : "weight");
            out->items[i] = (hp_tensor){
                .name = out->names[i],
                .dtype = HP_DTYPE_F32,
                .n_dims = bias != 0 ? 1 : 2,
                .dims = {bias != 0 ? layer->n_out : layer->n_in, bias != 0 ? 0 : layer->n_out}};
            offsets[i] = at + (bias != 0 ? layer->biases : layer->weights);
        }
    }
}

static void name_all(const policy_model *m, naming *out, size_t offsets[MAX_TENSORS])
{
    out->n = 0;
    name_layers(&m->actor, "actor", 0, out, offsets);
    name_layers(&m->critic, "critic", m->critic_at, out, offsets);
    if (m->continuous) {
        const uint32_t i = out->n++;
        (void)snprintf(out->names[i], HP_TENSOR_NAME, "log_std");
        out->items[i] = (hp_tensor){
            .name = out->names[i], .dtype = HP_DTYPE_F32, .n_dims = 1, .dims = {m->actor.n_out}};
        offsets[i] = m->critic_at - m->actor.n_out;
    }
}

static size_t size_of(const hp_tensor *t)
{
    return t->dims[0] * (t->n_dims > 1 ? t->dims[1] : 1);
}

static hp_status take_all(const hp_tensors *tensors, policy_model *m, naming *names,
                          hp_error *error)
{
    size_t offsets[MAX_TENSORS];
    name_all(m, names, offsets);
    for (uint32_t i = 0; i < names->n; i++) {
        const hp_status st = hp_tensors_get(tensors, &names->items[i], error);
        if (st != HP_OK) {
            return st;
        }
        memcpy(m->params + offsets[i], names->items[i].data,
               size_of(&names->items[i]) * sizeof(float));
    }
    hp_tensor choices = {
        .name = "choices", .dtype = HP_DTYPE_F64, .n_dims = 1, .dims = {m->actor.n_out}};
    const hp_status st = hp_tensors_get(tensors, &choices, error);
    if (st == HP_OK) {
        memcpy(m->choices, choices.data, m->actor.n_out * sizeof m->choices[0]);
    }
    return st;
}

hp_status policy_model_take(const hp_tensors *tensors, const char *name, policy_model *out,
                            hp_error *error)
{
    hp_tensor shape = {.name = "shape", .dtype = HP_DTYPE_U64, .n_dims = 1, .dims = {N_COUNTS}};
    memset(out, 0, sizeof *out);
    hp_status st = hp_tensors_get(tensors, &shape, error);
    if (st != HP_OK) {
        return st;
    }
    const uint64_t *counts = shape.data;
    if (counts[0] != POLICY_MODEL_VERSION) {
        return hp_fail(error, HP_ECONFIG, "%s: a policy of version %llu, this program reads %d",
                       name, (unsigned long long)counts[0], POLICY_MODEL_VERSION);
    }
    if (!from_counts(counts, out) || policy_model_lay_out(out) != HP_OK) {
        memset(out, 0, sizeof *out);
        return hp_fail(error, HP_ECONFIG, "%s: tensor 'shape' describes no network", name);
    }
    naming *names = calloc(1, sizeof *names);
    out->params = calloc(out->n_params, sizeof *out->params);
    st = names != NULL && out->params != NULL
             ? take_all(tensors, out, names, error)
             : hp_fail(error, HP_ENOMEM, "%s: no memory for it", name);
    free(names);
    if (st != HP_OK) {
        policy_model_destroy(out);
    }
    return st;
}

hp_status policy_model_read(const char *path, policy_model *out, hp_error *error)
{
    hp_tensors *tensors = NULL;
    memset(out, 0, sizeof *out);
    hp_status st = hp_tensors_read(path, &tensors, error);
    if (st == HP_OK) {
        st = policy_model_take(tensors, path, out, error);
    }
    hp_tensors_destroy(&tensors);
    return st;
}

void policy_model_destroy(policy_model *model)
{
    free(model->params);
    memset(model, 0, sizeof *model);
}

hp_status policy_model_write(const policy_model *m, const char *dir, const char *file,
                             const hp_tensor_list *more, hp_error *error)
{
    uint64_t counts[N_COUNTS];
    size_t offsets[MAX_TENSORS];
    naming *names = calloc(1, sizeof *names);
    if (names == NULL || more->n_tensors >= HP_TENSORS_NOTES) {
        free(names);
        return hp_fail(error, HP_ENOMEM, "%s/%s: no memory to write it", dir, file);
    }
    to_counts(m, counts);
    name_all(m, names, offsets);
    for (uint32_t i = 0; i < names->n; i++) {
        names->items[i].data = m->params + offsets[i];
    }
    names->items[names->n++] = (hp_tensor){
        .name = "shape", .dtype = HP_DTYPE_U64, .n_dims = 1, .dims = {N_COUNTS}, .data = counts};
    names->items[names->n++] = (hp_tensor){.name = "choices",
                                           .dtype = HP_DTYPE_F64,
                                           .n_dims = 1,
                                           .dims = {m->actor.n_out},
                                           .data = m->choices};
    for (uint32_t i = 0; i < more->n_tensors; i++) {
        names->items[names->n++] = more->tensors[i];
    }
    const hp_tensor_list all = {names->items, more->notes, names->n, more->n_notes};
    const hp_status st = hp_tensors_write(dir, file, &all, error);
    free(names);
    return st;
}

uint64_t policy_model_hash(const policy_model *m)
{
    uint64_t counts[N_COUNTS];
    to_counts(m, counts);
    const uint64_t choices = XXH3_64bits(m->choices, sizeof m->choices);
    const uint64_t shape = XXH3_64bits_withSeed(counts, sizeof counts, choices);
    return XXH3_64bits_withSeed(m->params, m->n_params * sizeof *m->params, shape);
}
