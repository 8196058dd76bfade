/** @file policy_fixture.h A small model with random numbers, and rows with 0, 1, 2, ... others. */
#ifndef POLICY_FIXTURE_H
#define POLICY_FIXTURE_H

#include "common/hp_rng.h"
#include "policy/policy_model.h"
#include "tests/support/hp_test.h"

#include <stdlib.h>

static inline void fixture_fill(float *x, size_t n, uint64_t lane)
{
    for (size_t i = 0; i < n; i++) {
        x[i] = (float)(0.3 * hp_rng_normal(hp_rng_lane(hp_rng_seed(11), lane), i));
    }
}

static inline policy_model fixture_of(policy_shape actor)
{
    policy_model m = {.actor = actor, .n_heads = 2, .n_quantiles = 3, .choices = {3.0, 0.0, -5.5}};
    m.critic = m.actor;
    m.critic.n_out = 2 * (1 + 3) + 1;
    assert_int_equal(policy_model_lay_out(&m), HP_OK);
    m.params = calloc(m.n_params, sizeof *m.params);
    assert_non_null(m.params);
    fixture_fill(m.params, m.n_params, 0);
    return m;
}

static inline policy_model fixture_model(policy_activation activation)
{
    return fixture_of((policy_shape){.n_plain = 5,
                                     .n_slots = 3,
                                     .n_slot = 4,
                                     .n_encode = 9,
                                     .n_hidden = 2,
                                     .hidden = {33, 20},
                                     .n_out = 3,
                                     .activation = activation});
}

/** An image of six patches. */
static inline policy_model fixture_image(void)
{
    return fixture_of((policy_shape){.n_plain = 5,
                                     .n_slots = 6,
                                     .n_slot = 4,
                                     .n_merge = 2,
                                     .n_encode = 16,
                                     .n_hidden = 1,
                                     .hidden = {33},
                                     .n_out = 3,
                                     .activation = POLICY_RELU});
}

static inline float *fixture_rows(const policy_shape *shape, uint32_t n)
{
    const uint32_t width = policy_shape_row(shape);
    float *rows = calloc((size_t)n * width, sizeof *rows);
    assert_non_null(rows);
    fixture_fill(rows, (size_t)n * width, 1);
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t j = 0; j < shape->n_slots; j++) {
            rows[(size_t)i * width + shape->n_plain + j * shape->n_slot] =
                j < i % (shape->n_slots + 1) ? 1.0F : 0.0F;
        }
    }
    return rows;
}

#endif
