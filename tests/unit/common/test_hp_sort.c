#include "common/hp_rng.h"
#include "common/hp_sort.h"
#include "tests/support/hp_test.h"

static void test_sort_puts_the_least_first_and_keeps_all(void **state)
{
    enum { N = 500 };
    double values[N];
    double sum = 0.0;
    (void)state;
    const hp_rng stream = hp_rng_seed(1);
    for (size_t i = 0; i < N; i++) {
        values[i] = floor(hp_rng_range(stream, i, -40.0, 40.0)); /* some are equal */
        sum += values[i];
    }
    hp_sort(values, N);
    for (size_t i = 1; i < N; i++) {
        assert_true(values[i - 1] <= values[i]);
    }
    for (size_t i = 0; i < N; i++) {
        sum -= values[i];
    }
    hp_assert_near(sum, 0.0, 0.0);
    double one[] = {(double)INFINITY, -(double)INFINITY};
    hp_sort(one, 2);
    assert_true(one[0] < 0.0 && one[1] > 0.0);
    hp_sort(one, 0);
}

static void test_median_is_the_middle_or_between_two(void **state)
{
    double odd[] = {7.0, -1.0, 3.0};
    double even[] = {8.0, 1.0, 2.0, 5.0};
    (void)state;
    hp_assert_near(hp_median(odd, 3), 3.0, 0.0);
    hp_assert_near(hp_median(odd, 1), -1.0, 0.0); /* they were sorted */
    hp_assert_near(hp_median(even, 4), 3.5, 0.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sort_puts_the_least_first_and_keeps_all),
        cmocka_unit_test(test_median_is_the_middle_or_between_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
