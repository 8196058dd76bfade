/* hyplan solve: runs played in shares are the runs of a whole, and which budgets go together. */
#include "tests/support/shell.h"

#include <stdlib.h>
#include <string.h>

static int solve(const char *args, char *text, size_t cap)
{
    return shell_hear(text, cap, "%s/hyplan solve %s 2>&1", HYPLAN_BIN, args);
}

static double mean_return(const char *args)
{
    static const char KEY[] = "\"return_mean\": ";
    char text[2048];
    assert_int_equal(solve(args, text, sizeof text), 0);
    const char *at = strstr(text, KEY);
    assert_non_null(at);
    return strtod(at + sizeof KEY - 1, NULL);
}

static void test_shares_are_the_runs_of_a_whole(void **state)
{
    (void)state;
    const double whole = mean_return("tiger --runs 6 --trials 3 --steps 20 --json");
    const double begin = mean_return("tiger --runs 2 --trials 3 --steps 20 --json");
    const double end = mean_return("tiger --runs 4 --first 2 --trials 3 --steps 20 --json");
    hp_assert_near((2.0 * begin + 4.0 * end) / 6.0, whole, 1e-4); /* six digits are printed */
    assert_true(begin < whole - 1e-3 || begin > whole + 1e-3);
}

static void test_cpu_time_ends_a_search(void **state)
{
    char text[2048];
    (void)state;
    assert_int_equal(solve("tiger --runs 1 --steps 2 --cpu-ms 5 --json", text, sizeof text), 0);
    assert_non_null(strstr(text, "\"cpu_ms\": 5,"));
}

static void test_cpu_time_is_refused_when_it_is_not_one_threads(void **state)
{
    char text[2048];
    (void)state;
    assert_int_equal(solve("tiger --cpu-ms 5 --threads 2", text, sizeof text), 2);
    assert_non_null(strstr(text, "leave out --time-ms and --threads"));
    assert_int_equal(solve("tiger --cpu-ms 5 --time-ms 5", text, sizeof text), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shares_are_the_runs_of_a_whole),
        cmocka_unit_test(test_cpu_time_ends_a_search),
        cmocka_unit_test(test_cpu_time_is_refused_when_it_is_not_one_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
