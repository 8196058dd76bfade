#include "policy/policy_shape.h"

#include <stdbool.h>
#include <string.h>

static void add(policy_layers *layers, uint32_t n_in, uint32_t n_out)
{
    policy_layer *layer = &layers->items[layers->n++];
    layer->n_in = n_in;
    layer->n_out = n_out;
    layer->weights = layers->n_params;
    layer->biases = layer->weights + (size_t)n_in * n_out;
    layers->n_params = layer->biases + n_out;
}

static bool width(uint32_t n)
{
    return n > 0 && n <= POLICY_MAX_WIDTH;
}

hp_status policy_shape_layers(const policy_shape *s, policy_layers *out)
{
    memset(out, 0, sizeof *out);
    bool good = s->n_plain <= POLICY_MAX_WIDTH && s->n_slots <= 64 && s->n_slot <= 64 &&
                width(policy_shape_row(s)) && width(s->n_out) && s->n_hidden <= POLICY_MAX_HIDDEN;
    good = good && (s->n_slots == 0 || (s->n_slot > 0 && width(s->n_encode)));
    if (good &&
        s->n_merge > 0) { /* kernels write multiples of 16, and those must lie side by side */
        good = s->n_slots % s->n_merge == 0 && s->n_slots > 0 && s->n_encode % 16 == 0 &&
               width(s->n_merge * s->n_encode) && width(s->n_plain + policy_shape_encoded(s));
    }
    for (uint32_t i = 0; good && i < s->n_hidden; i++) {
        good = width(s->hidden[i]);
    }
    if (!good) {
        return HP_EINVAL;
    }
    uint32_t n_in = s->n_plain;
    if (s->n_slots > 0) {
        add(out, s->n_slot, s->n_encode);
        add(out, (s->n_merge > 0 ? s->n_merge : 1) * s->n_encode, s->n_encode);
        out->n_encoders = 2;
        n_in += policy_shape_encoded(s);
    }
    for (uint32_t i = 0; i < s->n_hidden; i++) {
        add(out, n_in, s->hidden[i]);
        n_in = s->hidden[i];
    }
    add(out, n_in, s->n_out);
    return HP_OK;
}
