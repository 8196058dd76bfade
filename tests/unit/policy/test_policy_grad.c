/* Gradients of layers and of both losses against finite differences, in double. */
#include "policy/policy_loss.h"
#include "policy/policy_net.h"
#include "tests/support/hp_test.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 7 };
static const double STEP = 1e-6, WORST = 1e-6;

/** A network, rows, and a loss over its outputs. */
typedef struct rig {
    policy_shape shape;
    policy_tape tape;
    policy_real *params, *grads, *rows;
    policy_loss_config loss;
    policy_batch batch;
    policy_real log_std[2], d_log_std[2];
    enum { SQUARES, ACTOR, CRITIC } kind;
} rig;

static policy_real *normals(size_t n, uint64_t lane, double scale)
{
    policy_real *x = calloc(n, sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < n; i++) {
        x[i] = scale * hp_rng_normal(hp_rng_lane(hp_rng_seed(7), lane), i);
    }
    return x;
}

static void open_rig(rig *r, policy_shape shape)
{
    memset(r, 0, sizeof *r);
    r->shape = shape;
    assert_int_equal(policy_tape_create(&shape, ROWS, &r->tape), HP_OK);
    const size_t n = r->tape.layers.n_params;
    r->params = normals(n, 0, 0.4);
    r->grads = calloc(n, sizeof *r->grads);
    r->rows = normals((size_t)ROWS * policy_shape_row(&shape), 1, 1.0);
    for (uint32_t i = 0; i < ROWS; i++) { /* rows with 0, 1, 2, ... others */
        for (uint32_t j = 0; j < shape.n_slots; j++) {
            r->rows[i * policy_shape_row(&shape) + shape.n_plain + j * shape.n_slot] =
                j < i % (shape.n_slots + 1) ? 1.0 : 0.0;
        }
    }
}

static void close_rig(rig *r)
{
    policy_tape_destroy(&r->tape);
    free(r->params);
    free(r->grads);
    free(r->rows);
}

static double loss_of(rig *r)
{
    const policy_real *out = policy_net_forward(&r->tape, r->params, r->rows, ROWS);
    policy_real *d = policy_net_d_out(&r->tape);
    policy_losses losses = {0};
    const size_t n = (size_t)ROWS * r->shape.n_out;
    if (r->kind == SQUARES) {
        double sum = 0.0;
        for (size_t i = 0; i < n; i++) {
            sum += 0.5 * out[i] * out[i] * (1.0 + (double)(i % 3));
            d[i] = out[i] * (1.0 + (double)(i % 3));
        }
        return sum;
    }
    memset(r->d_log_std, 0, sizeof r->d_log_std);
    if (r->kind == ACTOR) {
        policy_loss_actor(&r->loss, &r->batch, out, r->log_std, d, r->d_log_std, &losses);
    } else {
        policy_loss_critic(&r->loss, &r->batch, out, d, &losses);
    }
    return losses.total / ROWS;
}

static double slope_of(rig *r, policy_real *x)
{
    const policy_real kept = *x;
    *x = kept + STEP;
    const double above = loss_of(r);
    *x = kept - STEP;
    const double below = loss_of(r);
    *x = kept;
    return (above - below) / (2.0 * STEP);
}

static void check(rig *r)
{
    (void)loss_of(r);
    policy_net_backward(&r->tape, r->params, r->grads);
    const policy_real d_log_std[2] = {r->d_log_std[0], r->d_log_std[1]};
    double scale = 0.0;
    for (size_t i = 0; i < r->tape.layers.n_params; i++) {
        scale = fmax(scale, fabs(r->grads[i]));
    }
    assert_true(scale > 1e-4);
    for (size_t i = 0; i < r->tape.layers.n_params; i++) {
        hp_assert_near(r->grads[i] / scale, slope_of(r, &r->params[i]) / scale, WORST);
    }
    if (r->kind == ACTOR && r->loss.continuous) {
        for (int k = 0; k < 2; k++) {
            hp_assert_near(d_log_std[k], slope_of(r, &r->log_std[k]), WORST);
        }
    }
}

static const policy_shape PLAIN = {
    .n_plain = 5, .n_hidden = 2, .hidden = {6, 4}, .n_out = 3, .activation = POLICY_TANH};
static const policy_shape SLOTS = {.n_plain = 4,
                                   .n_slots = 3,
                                   .n_slot = 5,
                                   .n_encode = 6,
                                   .n_hidden = 1,
                                   .hidden = {8},
                                   .n_out = 3,
                                   .activation = POLICY_RELU};

static const policy_shape PATCHES = {.n_plain = 3,
                                     .n_slots = 4,
                                     .n_slot = 5,
                                     .n_merge = 2,
                                     .n_encode = 16,
                                     .n_hidden = 1,
                                     .hidden = {6},
                                     .n_out = 3,
                                     .activation = POLICY_RELU};

static void test_net_gradient_is_exact_when_plain(void **state)
{
    rig r;
    (void)state;
    open_rig(&r, PLAIN);
    check(&r);
    close_rig(&r);
}

static void test_net_gradient_is_exact_when_patches_are_merged(void **state)
{
    rig r;
    (void)state;
    open_rig(&r, PATCHES);
    check(&r);
    close_rig(&r);
}

static void test_net_gradient_is_exact_when_others_are_joined(void **state)
{
    rig r;
    (void)state;
    open_rig(&r, SLOTS);
    check(&r);
    close_rig(&r);
}

static const uint8_t HEADS[ROWS] = {1, 2, 3, 0, 3, 2, 1};

static void give_batch(rig *r, policy_real *numbers, bool continuous)
{
    static policy_real action[2 * ROWS];
    for (uint32_t i = 0; i < 2 * ROWS; i++) {
        action[i] = continuous ? numbers[3 * ROWS + i] : (policy_real)(i % 3);
    }
    for (uint32_t i = 0; i < ROWS; i++) {
        numbers[i] = -1.1 + 0.3 * numbers[i]; /* old log probabilities: some ratios are clipped */
    }
    r->batch = (policy_batch){
        ROWS, action, numbers, numbers + ROWS, numbers + 2 * ROWS, numbers + 5 * ROWS, HEADS};
}

static void test_whole_loss_gradient_is_exact_when_choosing(void **state)
{
    rig r;
    (void)state;
    open_rig(&r, SLOTS);
    policy_real *numbers = normals(6 * ROWS, 2, 1.0);
    give_batch(&r, numbers, false);
    r.kind = ACTOR;
    r.loss = (policy_loss_config){.n_actions = 3, .clip = 0.2, .entropy = 0.05};
    check(&r);
    free(numbers);
    close_rig(&r);
}

static void test_whole_loss_gradient_is_exact_when_continuous(void **state)
{
    rig r;
    policy_shape shape = PLAIN;
    (void)state;
    shape.n_out = 2;
    open_rig(&r, shape);
    policy_real *numbers = normals(6 * ROWS, 2, 1.0);
    give_batch(&r, numbers, true);
    r.log_std[0] = -0.3;
    r.log_std[1] = 0.2;
    r.kind = ACTOR;
    r.loss = (policy_loss_config){.n_actions = 2, .continuous = true, .clip = 0.2, .entropy = 0.05};
    check(&r);
    free(numbers);
    close_rig(&r);
}

static void test_whole_loss_gradient_is_exact_when_criticising(void **state)
{
    rig r;
    policy_shape shape = SLOTS;
    (void)state;
    shape.n_out = policy_critic_out(2, 4);
    open_rig(&r, shape);
    policy_real *numbers = normals(6 * ROWS, 2, 1.0);
    give_batch(&r, numbers, false);
    for (uint32_t i = 0; i < ROWS; i++) {
        numbers[5 * ROWS + i] = (double)i / ROWS; /* probabilities */
    }
    r.kind = CRITIC;
    r.loss = (policy_loss_config){.n_heads = 2, .n_quantiles = 4, .value_weight = 0.5};
    check(&r);
    free(numbers);
    close_rig(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_net_gradient_is_exact_when_plain),
        cmocka_unit_test(test_net_gradient_is_exact_when_patches_are_merged),
        cmocka_unit_test(test_net_gradient_is_exact_when_others_are_joined),
        cmocka_unit_test(test_whole_loss_gradient_is_exact_when_choosing),
        cmocka_unit_test(test_whole_loss_gradient_is_exact_when_continuous),
        cmocka_unit_test(test_whole_loss_gradient_is_exact_when_criticising),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
