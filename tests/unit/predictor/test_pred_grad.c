/* The way back against central differences, in double numbers: built with PRED_DOUBLE. */
#include "common/hp_linalg.h"
#include "common/hp_rng.h"
#include "predictor/pred_grad.h"
#include "tests/support/hp_test.h"

#include <string.h>

enum { AGENTS = 3 };
#define STEP 1e-5
#define TOLERANCE 2e-6

static pred_weights weights;
static pred_acts acts;
static pred_grads grads;

static void fill(pred_real *to, size_t n, hp_rng stream, double size)
{
    for (size_t i = 0; i < n; ++i) {
        to[i] = size * hp_rng_normal(stream, i);
    }
}

/** Agents with 0, 1 and 3 neighbours, with all and with some of their future known. */
static void make_scene(uint64_t seed)
{
    const hp_rng s = hp_rng_seed(seed);
    pred_batch *b = &acts.batch;
    fill((pred_real *)&weights, PRED_N_WEIGHTS, hp_rng_lane(s, 1), 0.25);
    b->n = AGENTS;
    b->n_pairs = 4;
    b->first[0] = 0;
    b->first[1] = 0;
    b->first[2] = 1;
    b->first[3] = 4;
    fill(b->x, AGENTS * PRED_INPUTS, hp_rng_lane(s, 2), 1.0);
    fill(b->pairs, 4 * PRED_PAIRS, hp_rng_lane(s, 3), 1.0);
    fill(b->base, AGENTS * PRED_PATH, hp_rng_lane(s, 4), 1.0);
    fill(b->truth, AGENTS * PRED_PATH, hp_rng_lane(s, 5), 1.0);
    for (uint32_t i = 0; i < AGENTS; ++i) {
        b->floor[i] = 0.05;
        b->n_truth[i] = PRED_FUTURE - 2 * i;
    }
}

static int set_up(void **state)
{
    (void)state;
    hp_linalg_start();
    return pred_acts_create(AGENTS, &acts) != HP_OK || pred_grads_create(AGENTS, &grads) != HP_OK;
}

static int tear_down(void **state)
{
    (void)state;
    pred_acts_destroy(&acts);
    pred_grads_destroy(&grads);
    return 0;
}

static void test_pred_net_backward_agrees_with_differences(void **state)
{
    (void)state;
    /* A linear function of the outputs, so that every path through the network counts. */
    make_scene(7);
    static double by_out[AGENTS * PRED_MODES * PRED_OUTPUTS];
    static double by_single[AGENTS * PRED_PATH];
    fill(by_out, HP_ARRAY_LEN(by_out), hp_rng_seed(8), 0.1);
    fill(by_single, HP_ARRAY_LEN(by_single), hp_rng_seed(9), 1.0);
    pred_net_forward(&weights, pred_product_blas, &acts);
    memcpy(grads.d_out, by_out, sizeof by_out);
    memcpy(grads.d_single, by_single, sizeof by_single);
    pred_net_backward(&weights, &acts, &grads);
    static pred_weights analytic;
    analytic = *grads.weights;
    for (uint32_t p = 0; p < PRED_PARTS; ++p) {
        const size_t n = (size_t)PRED_PART[p].rows * PRED_PART[p].columns;
        for (size_t probe = 0; probe < 12; ++probe) {
            const size_t at = PRED_PART[p].offset + hp_rng_u64(hp_rng_seed(p), probe) % n;
            pred_real *w = &((pred_real *)&weights)[at];
            const pred_real before = *w;
            double sums[2] = {0.0, 0.0};
            for (int side = 0; side < 2; ++side) {
                *w = before + (side == 0 ? STEP : -STEP);
                pred_net_forward(&weights, pred_product_blas, &acts);
                for (size_t i = 0; i < HP_ARRAY_LEN(by_out); ++i) {
                    sums[side] += by_out[i] * acts.out[i];
                }
                for (size_t i = 0; i < HP_ARRAY_LEN(by_single); ++i) {
                    sums[side] += by_single[i] * acts.single[i];
                }
            }
            *w = before;
            const double numeric = (sums[0] - sums[1]) / (2.0 * STEP);
            const double found = ((const pred_real *)&analytic)[at];
            if (!(fabs(numeric - found) <= TOLERANCE * (1.0 + fabs(numeric)))) {
                print_error("%s: %.9g, differences say %.9g\n", PRED_PART[p].name, found, numeric);
                fail();
            }
        }
    }
}

/** Of a path, the derivative holds fixed what the likelihood and the choice make of it. */
static void check_output(pred_real *output, pred_real found, bool path)
{
    const pred_real before = *output;
    double sums[2];
    for (int side = 0; side < 2; ++side) {
        *output = before + (side == 0 ? STEP : -STEP);
        const pred_loss loss = pred_loss_of(&acts, NULL);
        sums[side] = loss.total - (path ? 0.2 * loss.nll + 0.3 * loss.choice : 0.0);
    }
    *output = before;
    const double numeric = (sums[0] - sums[1]) / (2.0 * STEP);
    hp_assert_near(found, numeric, 1e-6 * (1.0 + fabs(numeric)));
}

static void test_pred_loss_agrees_with_differences_for_paths(void **state)
{
    (void)state;
    make_scene(21);
    pred_net_forward(&weights, pred_product_blas, &acts);
    (void)pred_loss_of(&acts, &grads);
    for (uint32_t agent = 0; agent < AGENTS; ++agent) {
        for (uint32_t k = 0; k < PRED_MODES; ++k) {
            for (uint32_t i = 0; i < PRED_PATH; ++i) {
                const size_t at = ((size_t)agent * PRED_MODES + k) * PRED_OUTPUTS + i;
                check_output(&acts.out[at], grads.d_out[at], true);
            }
        }
        for (uint32_t i = 0; i < PRED_PATH; ++i) {
            const size_t at = (size_t)agent * PRED_PATH + i;
            check_output(&acts.single[at], grads.d_single[at], true);
        }
    }
}

/** Raw scales and logits enter by way of the network's last step: through the anchors. */
static void test_pred_loss_agrees_with_differences_for_scales_and_logits(void **state)
{
    (void)state;
    make_scene(22);
    pred_net_forward(&weights, pred_product_blas, &acts);
    (void)pred_loss_of(&acts, &grads);
    pred_net_backward(&weights, &acts, &grads);
    static pred_weights analytic;
    analytic = *grads.weights;
    for (size_t at = 0; at < HP_ARRAY_LEN(weights.anchor); ++at) {
        if (at % PRED_OUTPUTS < PRED_PATH) {
            continue;
        }
        const pred_real before = weights.anchor[at];
        double sums[2];
        for (int side = 0; side < 2; ++side) {
            weights.anchor[at] = before + (side == 0 ? STEP : -STEP);
            pred_net_forward(&weights, pred_product_blas, &acts);
            sums[side] = pred_loss_of(&acts, NULL).total;
        }
        weights.anchor[at] = before;
        const double numeric = (sums[0] - sums[1]) / (2.0 * STEP);
        hp_assert_near(analytic.anchor[at], numeric, 1e-6 * (1.0 + fabs(numeric)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pred_net_backward_agrees_with_differences),
        cmocka_unit_test(test_pred_loss_agrees_with_differences_for_paths),
        cmocka_unit_test(test_pred_loss_agrees_with_differences_for_scales_and_logits),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
