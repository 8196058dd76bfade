#include "planner/plan_live.h"
#include "tests/support/hp_test.h"

#include <string.h>

static plan_live live;
static hp_error error;

static int setup(void **state)
{
    (void)state;
    plan_live_default(&live);
    return 0;
}

static void test_live_has_room_for_every_threshold(void **state)
{
    static hp_setting all[HP_MAX_SETTINGS];
    hp_setting search[HP_MAX_TUNING];
    (void)state;
    const uint32_t n = plan_live_settings(&live, all);
    const uint32_t n_search = plan_live_search_settings(&live, search);
    assert_in_range(n, 20, HP_MAX_SETTINGS - 1);
    assert_in_range(n_search, 2, HP_MAX_TUNING - 1);
    assert_memory_equal(&all[n - n_search], search, n_search * sizeof search[0]);
    for (uint32_t i = 0; i < n; i++) { /* each can be set to what it is */
        assert_int_equal(plan_live_set(&live, &all[i], &error), HP_OK);
    }
}

static void test_live_refuses_what_holds_for_a_run(void **state)
{
    plan_live fresh = live;
    (void)state;
    fresh.plan.guard.margin_m = 0.9;
    fresh.car.budget.trials = 7;
    assert_int_equal(plan_live_may_follow(&live, &fresh, &error), HP_OK);
    fresh.car.scenarios = 7;
    assert_int_equal(plan_live_may_follow(&live, &fresh, &error), HP_ECONFIG);
    assert_non_null(strstr(error.text, "'pomdp.scenarios' cannot change while running"));
    fresh = live;
    fresh.plan.control.delay_ticks = 2;
    assert_int_equal(plan_live_may_follow(&live, &fresh, &error), HP_ECONFIG);
    assert_non_null(strstr(error.text, "'control.delay_ticks'"));
    fresh = live;
    fresh.predictor.cv.walker_stop_s = 1.5; /* the predictor does not read it again */
    assert_int_equal(plan_live_may_follow(&live, &fresh, &error), HP_ECONFIG);
    assert_non_null(strstr(error.text, "'predictor.walker_stop_s'"));
}

static void test_live_checks_changes_before_the_run(void **state)
{
    (void)state;
    live.plan.n_changes = 2;
    live.plan.changes[0] = (plan_change){5, "planner.guard.response_s", 0.4};
    live.plan.changes[1] = (plan_change){9, "pomdp.budget.trials", 30.0};
    assert_int_equal(plan_live_check(&live, &error), HP_OK);
    live.plan.changes[0].value = 0.05; /* in its range, but too short for the delay */
    assert_int_equal(plan_live_check(&live, &error), HP_ECONFIG);
    assert_non_null(strstr(error.text, "too short"));
    live.plan.changes[0] = (plan_change){5, "pomdp.max_depth", 3.0};
    assert_int_equal(plan_live_check(&live, &error), HP_ECONFIG);
    assert_non_null(strstr(error.text, "holds for a whole run"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_live_has_room_for_every_threshold, setup),
        cmocka_unit_test_setup(test_live_refuses_what_holds_for_a_run, setup),
        cmocka_unit_test_setup(test_live_checks_changes_before_the_run, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
