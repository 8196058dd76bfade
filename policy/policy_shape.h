/** @file policy_shape.h What a network looks like, and where its numbers lie.
 *
 *  A row of features is [plain | slot | slot | ...]. Every slot describes one other body; its first
 *  feature is 0 for an empty slot. All slots go through the same two layers and are joined by the
 *  greatest value of each output, so their order does not matter. Or the slots are patches of an
 *  image (n_merge > 0): each goes through the first layer, n_merge neighbours together through the
 *  second, and all that comes out stays in its place. Plain features and that join go
 *  through the hidden layers to the outputs. Without slots this is an ordinary network.
 *  Parameters are one array: for each layer weights [n_in][n_out], then biases [n_out].
 *  Ownership: plain data. Threads: pure. Allocation: none. */
#ifndef POLICY_SHAPE_H
#define POLICY_SHAPE_H

#include "common/hp_status.h"

#include <stddef.h>
#include <stdint.h>

enum {
    POLICY_MAX_HIDDEN = 3,
    POLICY_MAX_LAYERS = POLICY_MAX_HIDDEN + 3, /* two of the slots, hidden ones, outputs */
    POLICY_MAX_WIDTH = 2048,                   /* of any layer and of a row */
};

typedef enum policy_activation {
    POLICY_TANH,
    POLICY_RELU,
} policy_activation;

typedef struct policy_shape {
    uint32_t n_plain;
    uint32_t n_slots, n_slot; /* how many slots, and features of each */
    uint32_t n_merge;         /* 0: a set of slots; else an image, see above */
    uint32_t n_encode;        /* width of the slots' layers, which are always ReLU */
    uint32_t n_hidden, hidden[POLICY_MAX_HIDDEN];
    uint32_t n_out;
    policy_activation activation; /* of the hidden layers */
} policy_shape;

typedef struct policy_layer {
    uint32_t n_in, n_out;
    size_t weights, biases; /* where they begin in the parameters */
} policy_layer;

typedef struct policy_layers {
    uint32_t n_encoders; /* 0 or 2: the first of items */
    uint32_t n;          /* all; the last one gives the outputs */
    policy_layer items[POLICY_MAX_LAYERS];
    size_t n_params;
} policy_layers;

/** HP_EINVAL for a shape out of bounds. */
HP_NODISCARD hp_status policy_shape_layers(const policy_shape *shape, policy_layers *out);

/** Features of a row. */
static inline uint32_t policy_shape_row(const policy_shape *shape)
{
    return shape->n_plain + shape->n_slots * shape->n_slot;
}

/** Of them, those that are of the scene: the image; 0 without one. They stand at the end. */
static inline uint32_t policy_shape_scene(const policy_shape *shape)
{
    return shape->n_merge > 0 ? shape->n_slots * shape->n_slot : 0;
}

/** And those that are new with every look. */
static inline uint32_t policy_shape_look(const policy_shape *shape)
{
    return policy_shape_row(shape) - policy_shape_scene(shape);
}

/** How often the second layer runs for each row of an image. */
static inline uint32_t policy_shape_blocks(const policy_shape *shape)
{
    return shape->n_slots / shape->n_merge;
}

/** Numbers that the slots become. */
static inline uint32_t policy_shape_encoded(const policy_shape *shape)
{
    return shape->n_merge > 0 ? policy_shape_blocks(shape) * shape->n_encode : shape->n_encode;
}

#endif
