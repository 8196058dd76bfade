#include "common/hp_adam.h"
#include "tests/support/hp_test.h"

#include <stdbool.h>

enum { N = 19 };

static const double RATE = 1e-3, EPSILON = 1e-8;

/** Gradients of a step: of both signs, small and large. */
static void fill(float grads[N], int step)
{
    for (int i = 0; i < N; i++) {
        grads[i] = (float)(sin(1.0 + i * 0.7 + step) * pow(10.0, i % 5 - 2));
    }
}

/** The rule of a step from 1 on; the second correction by unbias, or within rate and epsilon. */
static hp_adam_rule rule_of(int step, bool by_unbias)
{
    const double late_m = 1.0 - pow(HP_ADAM_KEEP_M, step);
    const double late_v = 1.0 - pow(HP_ADAM_KEEP_V, step);
    const double within = by_unbias ? 1.0 : sqrt(late_v);
    return (hp_adam_rule){.scale = 0.5F,
                          .keep_m = (float)HP_ADAM_KEEP_M,
                          .add_m = (float)(1.0 - HP_ADAM_KEEP_M),
                          .keep_v = (float)HP_ADAM_KEEP_V,
                          .add_v = (float)(1.0 - HP_ADAM_KEEP_V),
                          .rate = (float)(RATE * within / late_m),
                          .unbias = by_unbias ? (float)(1.0 / late_v) : 1.0F,
                          .epsilon = (float)(EPSILON * within)};
}

static void test_adam_step_is_the_published_one(void **state)
{
    (void)state;
    float m[N] = {0};
    float v[N] = {0};
    float params[N] = {0};
    double wanted_m[N] = {0};
    double wanted_v[N] = {0};
    double wanted[N] = {0};
    for (int step = 1; step <= 40; step++) {
        float grads[N];
        fill(grads, step);
        const hp_adam_rule rule = rule_of(step, true);
        hp_adam_step(&rule, N, grads, m, v, params);
        for (int i = 0; i < N; i++) {
            const double g = 0.5 * (double)grads[i];
            wanted_m[i] = 0.9 * wanted_m[i] + 0.1 * g;
            wanted_v[i] = 0.999 * wanted_v[i] + 0.001 * g * g;
            wanted[i] -= RATE * (wanted_m[i] / (1.0 - pow(0.9, step))) /
                         (sqrt(wanted_v[i] / (1.0 - pow(0.999, step))) + EPSILON);
            hp_assert_near((double)m[i], wanted_m[i], 1e-5 * (1.0 + fabs(wanted_m[i])));
            hp_assert_near((double)v[i], wanted_v[i], 1e-5 * (1.0 + wanted_v[i]));
            hp_assert_near((double)params[i], wanted[i], 1e-6);
        }
    }
}

static void test_adam_first_step_goes_by_the_rate_against_the_gradient(void **state)
{
    (void)state;
    float grads[N];
    float m[N] = {0};
    float v[N] = {0};
    float params[N] = {0};
    fill(grads, 0);
    const hp_adam_rule rule = rule_of(1, true);
    hp_adam_step(&rule, N, grads, m, v, params);
    for (int i = 0; i < N; i++) {
        hp_assert_near((double)params[i], grads[i] > 0.0F ? -RATE : RATE, 1e-2 * RATE);
    }
}

static void test_adam_steps_are_the_same_wherever_the_start_is_corrected(void **state)
{
    (void)state;
    float m[2][N] = {{0}};
    float v[2][N] = {{0}};
    float params[2][N] = {{0}};
    for (int step = 1; step <= 40; step++) {
        float grads[N];
        fill(grads, step);
        for (int k = 0; k < 2; k++) {
            const hp_adam_rule rule = rule_of(step, k == 0);
            hp_adam_step(&rule, N, grads, m[k], v[k], params[k]);
        }
    }
    assert_memory_equal(m[0], m[1], sizeof m[0]);
    assert_memory_equal(v[0], v[1], sizeof v[0]);
    for (int i = 0; i < N; i++) {
        hp_assert_near((double)params[0][i], (double)params[1][i], 1e-6);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adam_step_is_the_published_one),
        cmocka_unit_test(test_adam_first_step_goes_by_the_rate_against_the_gradient),
        cmocka_unit_test(test_adam_steps_are_the_same_wherever_the_start_is_corrected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
