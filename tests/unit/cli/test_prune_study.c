/* Figures of pruning: medians and their intervals, and a certified risk that is kept in at least 95
 * of 100 halvings where nodes are alike, while trusting the score alone breaks it. */
#include "cli/prune_study.h"
#include "tests/support/hp_test.h"

#include <math.h>
#include <stdlib.h>

enum { N = 2000, HALVINGS = 100 };

static void test_median_and_its_interval_are_those_of_the_values(void **state)
{
    double values[201];
    stats_interval interval;
    (void)state;
    for (int i = 0; i < 201; i++) {
        values[i] = (double)((i * 77) % 201);
    }
    hp_assert_near(prune_median(values, 201, &interval), 100.0, 0.0);
    assert_true(interval.lo >= 80.0 && interval.lo < 100.0); /* exact: 86 to 114 */
    assert_true(interval.hi > 100.0 && interval.hi <= 120.0);
    hp_assert_near(prune_median(values, 2, &interval), 0.5, 0.0);
    assert_true(isnan(prune_median(values, 0, &interval)));
}

/** Errors with heavy tails, larger where the score is, which tells 40 % of them. */
static void make_samples(policy_sample *samples, hp_rng stream)
{
    for (uint32_t i = 0; i < N; i++) {
        const hp_rng s = hp_rng_lane(stream, i);
        const double sigma = 0.01 * exp(2.5 * hp_rng_unit(s, 0));
        const double tail = hp_rng_unit(s, 1) < 0.1 ? 3.0 : 1.0;
        samples[i] = (policy_sample){
            .score = 0.6 * sigma, .outcome = sigma * tail * hp_rng_normal(s, 10), .crash_p = 0.001};
    }
}

static void test_certified_risk_is_kept_in_nearly_all_halvings(void **state)
{
    const policy_calib_config rules = {.alpha = 0.1, .epsilon = 0.1, .risk = 0.05, .delta = 0.01};
    policy_sample *samples = calloc(N, sizeof *samples);
    prune_risk risk;
    (void)state;
    assert_non_null(samples);
    make_samples(samples, hp_rng_seed(21));
    assert_int_equal(prune_risk_run(&rules, samples, N, HALVINGS, hp_rng_seed(22), &risk), HP_OK);
    assert_true(risk.accepted > risk.judged / 5); /* it is not kept by accepting nothing */
    assert_true(risk.wrong > 0);

    assert_true(risk.kept >= 95);
    free(samples);
}

/** The check can fail: scores that say nothing, and a risk that is taken from the sample itself. */
static void test_risk_is_seen_to_be_broken_when_it_is(void **state)
{
    policy_calib_config rules = {.alpha = 0.1, .epsilon = 0.05, .risk = 0.05, .delta = 0.9};
    policy_sample *samples = calloc(N, sizeof *samples);
    prune_risk risk;
    (void)state;
    assert_non_null(samples);
    make_samples(samples, hp_rng_seed(21));
    assert_int_equal(prune_risk_run(&rules, samples, N, HALVINGS, hp_rng_seed(22), &risk), HP_OK);

    assert_true(risk.kept < 95);
    free(samples);
}

static void test_loss_is_what_the_long_search_would_have_earned_more(void **state)
{
    prune_case *c = calloc(1, sizeof *c);
    (void)state;
    assert_non_null(c);
    c->longest.action = 1;
    c->longest.action_lower[0] = 0.5;
    c->longest.action_lower[1] = 0.7;
    hp_assert_near(prune_case_loss(c, 0), 0.2, 1e-12);
    hp_assert_near(prune_case_loss(c, 1), 0.0, 0.0);
    free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_median_and_its_interval_are_those_of_the_values),
        cmocka_unit_test(test_certified_risk_is_kept_in_nearly_all_halvings),
        cmocka_unit_test(test_risk_is_seen_to_be_broken_when_it_is),
        cmocka_unit_test(test_loss_is_what_the_long_search_would_have_earned_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
