#include "tests/support/hp_test.h"

#include "common/hp_clock.h"

#include <signal.h>
#include <time.h>

static void test_clock_never_goes_back_when_real(void **state)
{
    const hp_clock clock = hp_clock_real();
    int64_t last = hp_clock_now_ns(&clock);
    (void)state;
    assert_true(last > 0);
    for (int i = 0; i < 100000; ++i) {
        const int64_t now = hp_clock_now_ns(&clock);
        assert_true(now >= last);
        last = now;
    }
}

static void test_clock_stands_still_when_virtual(void **state)
{
    hp_clock clock = hp_clock_virtual(INT64_C(5000000000));
    (void)state;
    assert_true(hp_clock_now_ns(&clock) == INT64_C(5000000000));
    assert_true(hp_clock_now_ns(&clock) == INT64_C(5000000000));
    clock.virtual_ns += 50;
    assert_true(hp_clock_now_ns(&clock) == INT64_C(5000000050));
    const hp_clock other = hp_clock_virtual(-3);
    assert_true(hp_clock_now_ns(&other) == -3);
    assert_true(hp_clock_now_ns(&clock) == INT64_C(5000000050));
}

static void test_clock_sleeps_until_the_instant(void **state)
{
    const hp_clock clock = hp_clock_real();
    (void)state;
    for (int i = 0; i < 5; ++i) {
        const int64_t when = hp_clock_now_ns(&clock) + 3000000;
        hp_clock_sleep_until_ns(when);
        assert_true(hp_clock_now_ns(&clock) >= when);
    }
    hp_clock_sleep_until_ns(hp_clock_now_ns(&clock) - 1000000000); /* past: at once */
}

static void test_clock_stays_at_the_last_instant_when_a_span_goes_beyond(void **state)
{
    (void)state;
    assert_true(hp_clock_later_ns(5, 7) == 12);
    assert_true(hp_clock_later_ns(5, -7) == -2);
    assert_true(hp_clock_later_ns(INT64_MAX - 7, 7) == INT64_MAX);
    assert_true(hp_clock_later_ns(INT64_MAX - 7, 8) == INT64_MAX);
    assert_true(hp_clock_later_ns(INT64_MAX, INT64_MAX) == INT64_MAX);
    assert_true(hp_clock_later_ns(-1, INT64_MAX) == INT64_MAX - 1);
}

static void on_alarm(int number)
{
    (void)number;
}

static void test_clock_wakes_early_when_signal_arrives(void **state)
{
    const struct sigaction action = {.sa_handler = on_alarm};
    const struct itimerspec soon = {.it_value = {.tv_nsec = 20000000},
                                    .it_interval = {.tv_nsec = 20000000}}; /* if one comes early */
    const hp_clock clock = hp_clock_real();
    timer_t timer;
    (void)state;
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(timer_create(CLOCK_MONOTONIC, NULL, &timer), 0);
    const int64_t start = hp_clock_now_ns(&clock);
    assert_int_equal(timer_settime(timer, 0, &soon, NULL), 0);
    hp_clock_sleep_until_ns(start + INT64_C(20000000000));
    assert_true(hp_clock_now_ns(&clock) - start < INT64_C(10000000000));
    assert_int_equal(timer_delete(timer), 0);
}

static void test_clock_counts_cpu_time_only_when_working(void **state)
{
    const hp_clock clock = hp_clock_real();
    (void)state;
    const int64_t idle_start = hp_clock_thread_cpu_ns();
    hp_clock_sleep_until_ns(hp_clock_now_ns(&clock) + 50000000);
    const int64_t idle = hp_clock_thread_cpu_ns() - idle_start;
    volatile uint64_t work = 0;
    const int64_t work_start = hp_clock_thread_cpu_ns();
    while (hp_clock_thread_cpu_ns() - work_start < 20000000) {
        work = work + 1;
    }
    assert_true(idle >= 0 && idle < 20000000);
    assert_true(work > 100);
}

static void test_clock_of_the_thread_shows_its_cpu_time(void **state)
{
    const hp_clock real = hp_clock_real();
    const hp_clock cpu = hp_clock_thread_cpu();
    (void)state;
    const int64_t before = hp_clock_thread_cpu_ns();
    const int64_t shown = hp_clock_now_ns(&cpu);
    assert_true(before <= shown && shown <= hp_clock_thread_cpu_ns());
    hp_clock_sleep_until_ns(hp_clock_now_ns(&real) + 50000000);
    assert_true(hp_clock_now_ns(&cpu) - shown < 20000000); /* sleep is no work */
}

static void test_clock_wall_is_in_this_century(void **state)
{
    (void)state;
    assert_true(hp_clock_wall_s() > INT64_C(1700000000));
    assert_true(hp_clock_wall_s() < INT64_C(4102444800));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clock_never_goes_back_when_real),
        cmocka_unit_test(test_clock_stands_still_when_virtual),
        cmocka_unit_test(test_clock_stays_at_the_last_instant_when_a_span_goes_beyond),
        cmocka_unit_test(test_clock_sleeps_until_the_instant),
        cmocka_unit_test(test_clock_wakes_early_when_signal_arrives),
        cmocka_unit_test(test_clock_counts_cpu_time_only_when_working),
        cmocka_unit_test(test_clock_of_the_thread_shows_its_cpu_time),
        cmocka_unit_test(test_clock_wall_is_in_this_century),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
