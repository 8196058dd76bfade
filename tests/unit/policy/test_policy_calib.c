/* Calibration's statistics on made-up samples with known errors. */
#include "common/hp_rng.h"
#include "policy/policy_calib.h"
#include "tests/support/hp_test.h"

#include <stdlib.h>
#include <unistd.h>

enum { N = 2000, NEW = 4000 };

/** Errors three times as large in the risky group as the score says, half in the calm one. */
static void draw(uint64_t seed, uint32_t n, policy_sample *out)
{
    for (uint32_t i = 0; i < n; i++) {
        const hp_rng s = hp_rng_lane(hp_rng_seed(seed), i);
        const bool risky = hp_rng_unit(s, 0) < 0.3;
        const double score = hp_rng_range(s, 1, 0.05, 0.4);
        out[i] = (policy_sample){
            .value = hp_rng_normal(s, 1), .score = score, .crash_p = risky ? 0.2 : 0.001};
        out[i].outcome = out[i].value + score * (risky ? 3.0 : 0.5) * hp_rng_normal(s, 2);
    }
}

static policy_calib fitted(uint64_t seed)
{
    policy_calib c;
    policy_calib_config config;
    policy_sample *samples = calloc(N, sizeof *samples);
    assert_non_null(samples);
    policy_calib_config_default(&config);
    draw(seed, N, samples);
    assert_int_equal(policy_calib_fit(&config, samples, N, &c), HP_OK);
    free(samples);
    return c;
}

static void test_bound_is_the_tabulated_one(void **state)
{
    (void)state;
    hp_assert_near(policy_binomial_bound(0, 149, 0.05), 0.0199, 5e-5);
    hp_assert_near(policy_binomial_bound(1, 10, 0.05), 0.3942, 5e-5);
    hp_assert_near(policy_binomial_bound(5, 5, 0.05), 1.0, 0.0);
}

/** Mean coverage over many redraws of calibration and one new sample each: at least 1 - alpha, by
 * no more than 1 / (n + 1); here within three standard errors. */
static void test_intervals_cover_what_they_promise_over_redraws(void **state)
{
    enum { REDRAWS = 3000, FEW = 60 };
    policy_calib_config config;
    policy_sample samples[FEW + 1];
    uint32_t hits = 0;
    uint32_t n = 0;
    (void)state;
    policy_calib_config_default(&config);
    for (uint64_t r = 0; r < REDRAWS; r++) {
        policy_calib c;
        draw(1000 + r, FEW + 1, samples);
        samples[FEW].crash_p = 0.001;
        for (int i = 0; i <= FEW; i++) { /* one group: exchangeable */
            samples[i].crash_p = 0.001;
        }
        assert_int_equal(policy_calib_fit(&config, samples, FEW, &c), HP_OK);
        const policy_sample *s = &samples[FEW];
        hits += fabs(s->outcome - s->value) <= policy_calib_half_width(&c, s) ? 1 : 0;
        n++;
    }
    /* l = floor(61 * 0.1) = 6: the mean of Beta(61 - 6, 6) */
    const double wanted = 55.0 / 61.0;
    hp_assert_near((double)hits / n, wanted, 3.0 * sqrt(wanted * (1.0 - wanted) / n));
}

static void test_groups_are_covered_where_one_scale_for_all_is_not(void **state)
{
    policy_sample *fresh = calloc(NEW, sizeof *fresh);
    const policy_calib c = fitted(1);
    double hits[2] = {0};
    double crude_hits[2] = {0};
    double n[2] = {0};
    (void)state;
    assert_non_null(fresh);
    draw(77, NEW, fresh);
    for (int i = 0; i < NEW; i++) {
        const int g = fresh[i].crash_p > 0.1 ? 1 : 0;
        const double error = fabs(fresh[i].outcome - fresh[i].value);
        n[g]++;
        hits[g] += error <= policy_calib_half_width(&c, &fresh[i]) ? 1.0 : 0.0;
        crude_hits[g] +=
            fresh[i].outcome >= policy_calib_quantile(&c, &fresh[i], true, 0.05) &&
                    fresh[i].outcome <= policy_calib_quantile(&c, &fresh[i], true, 0.95)
                ? 1.0
                : 0.0;
    }
    hp_assert_near(hits[0] / n[0], 0.9, 0.03);
    hp_assert_near(hits[1] / n[1], 0.9, 0.04);
    assert_true(crude_hits[1] / n[1] < 0.8); /* why there are groups */
    free(fresh);
}

static void test_selective_keeps_its_risk_in_most_resamples(void **state)
{
    enum { RESAMPLES = 60 };
    policy_sample *fresh = calloc(NEW, sizeof *fresh);
    uint32_t over = 0;
    uint32_t used = 0;
    (void)state;
    assert_non_null(fresh);
    draw(99, NEW, fresh);
    for (uint64_t r = 0; r < RESAMPLES; r++) {
        policy_calib c = fitted(200 + r);
        policy_calib_config config;
        policy_sample *samples = calloc(N, sizeof *samples);
        assert_non_null(samples);
        policy_calib_config_default(&config);
        config.epsilon = 0.5;
        draw(200 + r, N, samples);
        assert_int_equal(policy_calib_fit(&config, samples, N, &c), HP_OK);
        free(samples);
        double accepted = 0.0;
        double wrong = 0.0;
        for (int i = 0; i < NEW; i++) {
            if (policy_calib_accepts(&c, &fresh[i])) {
                accepted++;
                wrong += fabs(fresh[i].outcome - fresh[i].value) > config.epsilon ? 1.0 : 0.0;
            }
        }
        used += accepted > 0.0 ? 1 : 0;
        over += accepted > 0.0 && wrong / accepted > config.risk ? 1 : 0;
    }
    assert_true(used > RESAMPLES / 2);
    assert_true(over <= RESAMPLES / 10); /* 5 % are allowed, plus chance */
    free(fresh);
}

/** A network that is right but for two early errors is not thrown away for them; one that errs too
 * often among its calmest is. */
static void test_selective_bears_two_errors_among_the_calmest(void **state)
{
    enum { MOST = 8000 };
    static policy_sample samples[MOST];
    policy_calib_config config;
    policy_calib c;
    (void)state;
    policy_calib_config_default(&config);
    for (uint32_t i = 0; i < MOST; i++) {
        samples[i] = (policy_sample){.score = 1.0 + i, .outcome = i == 3 || i == 40 ? 1.0 : 0.0};
    }
    assert_int_equal(policy_calib_fit(&config, samples, MOST, &c), HP_OK);
    assert_true(policy_calib_accepts(&c, &samples[MOST / 2]));
    for (uint32_t i = 0; i < 20; i++) {
        samples[i].outcome = 1.0;
    }
    assert_int_equal(policy_calib_fit(&config, samples, MOST, &c), HP_OK);
    assert_false(policy_calib_accepts(&c, &samples[0]));
}

static void test_confidence_falls_with_the_score(void **state)
{
    const policy_calib c = fitted(1);
    const policy_sample sure = {.score = 0.01};
    const policy_sample unsure = {.score = 2.0};
    (void)state;
    assert_true(policy_calib_confidence(&c, &sure, 0.2) > 0.95);
    assert_true(policy_calib_confidence(&c, &unsure, 0.2) < 0.5);
}

static void test_intervals_are_endless_when_a_group_has_too_few_samples(void **state)
{
    enum { FEW = 40 }; /* 24, 12 and 4 to a group; a tenth outside takes at least 9 */
    policy_calib c;
    policy_calib_config config;
    policy_sample samples[FEW];
    const policy_sample middle = {.score = 0.1, .crash_p = 0.3};
    const policy_sample risky = {.score = 0.1, .crash_p = 0.99};
    (void)state;
    policy_calib_config_default(&config);
    draw(1, FEW, samples);
    for (int i = 0; i < FEW; i++) {
        samples[i].crash_p = (double)i / FEW;
    }
    assert_int_equal(policy_calib_fit(&config, samples, FEW, &c), HP_OK);
    hp_assert_near(c.edges[0], 0.6, 1e-9);
    hp_assert_near(c.edges[1], 0.9, 1e-9);
    assert_int_equal(c.n[0], 24);
    assert_int_equal(c.n[1], 12);
    assert_int_equal(c.n[2], 4);
    assert_true(isfinite(policy_calib_half_width(&c, &middle)));
    assert_true(isinf(policy_calib_half_width(&c, &risky)));
}

static void test_file_is_refused_when_it_belongs_to_another_network(void **state)
{
    char dir[] = "/tmp/hyplan-calib-XXXXXX";
    char path[64];
    policy_calib c = fitted(1);
    policy_calib back;
    hp_error error;
    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof path, "%s/c", dir);
    c.model_hash = 11;
    c.mix_hash = 12;
    assert_int_equal(policy_calib_write(&c, dir, "c", &error), HP_OK);
    assert_int_equal(policy_calib_read(path, 11, 12, &back, &error), HP_OK);
    assert_memory_equal(&back, &c, sizeof c);
    assert_int_equal(policy_calib_read(path, 13, 12, &back, &error), HP_ECONFIG);
    assert_int_equal(policy_calib_read(path, 11, 13, &back, &error), HP_ECONFIG);
    assert_true(back.accept_score == 0.0);
    (void)unlink(path);
    (void)rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bound_is_the_tabulated_one),
        cmocka_unit_test(test_intervals_cover_what_they_promise_over_redraws),
        cmocka_unit_test(test_groups_are_covered_where_one_scale_for_all_is_not),
        cmocka_unit_test(test_selective_keeps_its_risk_in_most_resamples),
        cmocka_unit_test(test_selective_bears_two_errors_among_the_calmest),
        cmocka_unit_test(test_confidence_falls_with_the_score),
        cmocka_unit_test(test_intervals_are_endless_when_a_group_has_too_few_samples),
        cmocka_unit_test(test_file_is_refused_when_it_belongs_to_another_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
