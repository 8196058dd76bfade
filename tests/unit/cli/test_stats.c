#include "cli/stats.h"
#include "tests/support/hp_test.h"

#include <stdlib.h>
#include <string.h>

/* Figures worked out by hand from the formula with z = 1.95996. */
static void test_wilson_matches_known_values(void **state)
{
    static const struct {
        uint64_t hits, n;
        double lo, hi;
    } CASES[] = {
        {0, 10, 0.0, 0.277533},  {1, 10, 0.017876, 0.404150},   {5, 10, 0.236593, 0.763407},
        {10, 10, 0.722467, 1.0}, {81, 263, 0.255286, 0.366203}, /* an example that textbooks like */
        {0, 0, 0.0, 1.0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        const stats_interval w = stats_wilson(CASES[i].hits, CASES[i].n);
        hp_assert_near(w.lo, CASES[i].lo, 2e-5);
        hp_assert_near(w.hi, CASES[i].hi, 2e-5);
    }
}

static void test_percentiles_are_within_a_bucket(void **state)
{
    static stats_times t;
    (void)state;
    memset(&t, 0, sizeof t);
    for (int64_t ms = 1; ms <= 1000; ms++) {
        stats_times_add(&t, ms * 1000000);
    }
    hp_assert_near(stats_times_mean_ms(&t), 500.5, 1e-9);
    hp_assert_near(stats_times_max_ms(&t), 1000.0, 1e-9);
    hp_assert_near(stats_times_percentile_ms(&t, 0.50), 500.0, 500.0 * 0.011);
    hp_assert_near(stats_times_percentile_ms(&t, 0.99), 990.0, 990.0 * 0.011);
    assert_true(stats_times_percentile_ms(&t, 1.0) <= 1000.0);
    hp_assert_near(stats_times_percentile_ms(&t, 0.0), 1.0, 0.011);
}

static void test_no_times_give_no_figures(void **state)
{
    static stats_times t;
    (void)state;
    memset(&t, 0, sizeof t);
    assert_true(isnan(stats_times_mean_ms(&t)));
    assert_true(isnan(stats_times_percentile_ms(&t, 0.5)));
    assert_true(isnan(stats_times_max_ms(&t)));
}

static void test_extremes_fall_into_the_outer_buckets(void **state)
{
    static stats_times t;
    (void)state;
    memset(&t, 0, sizeof t);
    stats_times_add(&t, 0);
    stats_times_add(&t, INT64_C(1000000000000000));
    assert_int_equal(t.buckets[0], 1);
    assert_int_equal(t.buckets[STATS_BUCKETS - 1], 1);
}

static char *text_of(const stats_times *t)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_int_equal(stats_times_write(t, out), 0);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void test_merging_equals_filling_one(void **state)
{
    static stats_times a;
    static stats_times b;
    static stats_times whole;
    (void)state;
    memset(&a, 0, sizeof a);
    memset(&b, 0, sizeof b);
    memset(&whole, 0, sizeof whole);
    for (int64_t i = 0; i < 500; i++) {
        const int64_t ns = 1000 + i * i * 37;
        stats_times_add(i % 3 == 0 ? &a : &b, ns);
        stats_times_add(&whole, ns);
    }
    stats_times_merge(&a, &b);
    assert_memory_equal(&a, &whole, sizeof a);
}

static void test_text_reads_back(void **state)
{
    static stats_times t;
    static stats_times back;
    (void)state;
    memset(&t, 0, sizeof t);
    for (int64_t i = 0; i < 100; i++) {
        stats_times_add(&t, 900 + i * 123456);
    }
    char *text = text_of(&t);
    assert_int_equal(stats_times_read(text, &back), 0);
    assert_memory_equal(&t, &back, sizeof t);
    free(text);
}

static void test_bad_text_is_refused(void **state)
{
    static const char *const BAD[] = {"",
                                      "1",
                                      "1;2",
                                      "x;0;0",
                                      "1;1;1",
                                      "1;1;1;5",
                                      "1;1;1;5:2",
                                      "1;1;1;99999:1",
                                      "1;1;1;5:-1",
                                      "1;1;1;5:1x",
                                      "-1;0;0",
                                      "0;0;0;;",
                                      "1;1;1;5:99999999999"};
    static stats_times t;
    (void)state;
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        if (stats_times_read(BAD[i], &t) == 0) {
            print_error("'%s' was taken\n", BAD[i]);
            fail();
        }
    }
    assert_int_equal(stats_times_read("0;0;0", &t), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wilson_matches_known_values),
        cmocka_unit_test(test_percentiles_are_within_a_bucket),
        cmocka_unit_test(test_no_times_give_no_figures),
        cmocka_unit_test(test_extremes_fall_into_the_outer_buckets),
        cmocka_unit_test(test_merging_equals_filling_one),
        cmocka_unit_test(test_text_reads_back),
        cmocka_unit_test(test_bad_text_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
