#include "pomdp/car/car_planner.h"
#include "tests/support/hp_test.h"
#include "tests/unit/pomdp/car_fixture.h"

static car_config config;
static hp_plan_request request;
static hp_plan_reply reply;
static car_planner *planner;
static hp_clock real_clock;

static int setup(void **state)
{
    (void)state;
    car_config_default(&config);
    config.budget.trials = 200;
    real_clock = hp_clock_real();
    assert_int_equal(car_planner_create(&config, &planner), HP_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    car_planner_destroy(&planner);
    return 0;
}

static void plan(void)
{
    car_planner_plan(planner, &request, &real_clock, &reply);
    assert_true(reply.found);
    assert_true(reply.value_lower <= reply.value_upper + 1e-9);
}

static void test_car_planner_accelerates_on_a_free_road(void **state)
{
    (void)state;
    fixture_request(10.0, 5.0, &request);
    plan();
    hp_assert_near(reply.accel_mps2, 3.0, 0.0);
    assert_true(reply.value_lower > 0.5);
}

static void test_car_planner_brakes_for_a_walker_on_the_road(void **state)
{
    (void)state;
    fixture_request(10.0, 10.0, &request);
    (void)fixture_walker(&request, 24.0, 0.5, 0.0, 0.0);
    plan();
    assert_true(reply.accel_mps2 <= -5.5); /* it brakes, firmly or hard */
    assert_true(reply.value_lower > -0.5); /* it can stop in time */
}

static void test_car_planner_goes_first_where_there_is_time(void **state)
{
    (void)state;
    fixture_request(10.0, 10.0, &request);
    (void)fixture_walker(&request, 18.0, 7.0, 0.0, -0.5); /* needs 10 s to the lane */
    plan();
    assert_true(reply.accel_mps2 >= 0.0);
}

static void test_car_planner_value_falls_with_danger(void **state)
{
    (void)state;
    fixture_request(10.0, 10.0, &request);
    plan();
    const double calm = reply.value_lower;
    (void)fixture_walker(&request, 17.0, 1.0, 0.0, -1.0); /* too late to stop */
    plan();
    assert_true(reply.value_upper < calm - 0.3);
}

static void test_car_planner_same_request_same_bits(void **state)
{
    (void)state;
    fixture_request(10.0, 10.0, &request);
    fixture_walker(&request, 40.0, 5.0, 0.0, 0.0)->cross_hz = 0.3;
    plan();
    hp_plan_reply first = reply;
    plan();
    first.search_ns = reply.search_ns; /* the one thing that may differ */
    assert_memory_equal(&first, &reply, sizeof reply);
    request.stream += 1;
    plan();
    assert_true(reply.value_lower != first.value_lower);
}

static void test_car_planner_timed_search_replays_by_its_trials(void **state)
{
    (void)state;
    car_planner_destroy(&planner);
    config.budget.trials = 0;
    config.budget.time_ms = 10.0;
    config.budget.target_gap = 0.0;
    assert_int_equal(car_planner_create(&config, &planner), HP_OK);
    fixture_request(10.0, 10.0, &request);
    fixture_walker(&request, 40.0, 5.0, 0.0, 0.0)->cross_hz = 0.3;
    do { /* a machine with much else to do may let the time pass before the first trial */
        plan();
    } while (reply.trials == 0);
    const hp_plan_reply timed = reply;
    request.max_trials = timed.trials;
    plan();
    assert_int_equal(reply.action, timed.action);
    assert_int_equal(reply.nodes, timed.nodes);
    assert_true(reply.value_lower == timed.value_lower);
}

static void test_car_planner_request_without_path_is_not_found(void **state)
{
    (void)state;
    fixture_request(10.0, 10.0, &request);
    request.n_path = 1;
    car_planner_plan(planner, &request, &real_clock, &reply);
    assert_false(reply.found);
    fixture_request(10.0, 10.0, &request);
    for (uint32_t i = 0; i < request.n_path; ++i) {
        request.path[i] = (hp_vec2){1.0, 1.0}; /* no length */
    }
    car_planner_plan(planner, &request, &real_clock, &reply);
    assert_false(reply.found);
}

static void test_car_planner_crowd_larger_than_the_state_still_answers(void **state)
{
    (void)state;
    fixture_request(10.0, 10.0, &request);
    for (uint32_t i = 0; i < HP_MAX_AGENTS; ++i) {
        (void)fixture_walker(&request, 15.0 + i, i % 2 == 0 ? 6.0 : -6.0, 1.0, 0.0);
    }
    for (uint32_t i = 0; i < HP_MAX_PHANTOMS; ++i) {
        request.phantoms[i] = (hp_phantom){.edge = {20.0 + i, 3.0},
                                           .heading_rad = -1.57,
                                           .speed_mps = 1.0,
                                           .rate_hz = 0.1,
                                           .corner = {19.0 + i, 2.5}};
    }
    request.n_phantoms = HP_MAX_PHANTOMS;
    plan();
}

static void test_car_planner_takes_a_requests_thresholds_for_it_alone(void **state)
{
    (void)state;
    fixture_request(10.0, 10.0, &request);
    fixture_walker(&request, 40.0, 5.0, 0.0, 0.0)->cross_hz = 0.3;
    plan();
    const hp_plan_reply without = reply;
    request.n_settings = 1;
    request.settings[0] = (hp_setting){.key = "pomdp.budget.trials", .value = 3.0};
    plan();
    assert_int_equal(reply.trials, 3);
    request.settings[0].value = -3.0;
    car_planner_plan(planner, &request, &real_clock, &reply);
    assert_false(reply.found);
    request.settings[0] = (hp_setting){.key = "pomdp.max_nodes", .value = 2000.0};
    car_planner_plan(planner, &request, &real_clock, &reply);
    assert_false(reply.found);
    request.n_settings = 0;
    plan();
    reply.search_ns = without.search_ns;
    assert_memory_equal(&reply, &without, sizeof reply); /* as if nothing had been */
}

int main(void)
{
#define PLANNER_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        PLANNER_TEST(test_car_planner_accelerates_on_a_free_road),
        PLANNER_TEST(test_car_planner_brakes_for_a_walker_on_the_road),
        PLANNER_TEST(test_car_planner_goes_first_where_there_is_time),
        PLANNER_TEST(test_car_planner_value_falls_with_danger),
        PLANNER_TEST(test_car_planner_same_request_same_bits),
        PLANNER_TEST(test_car_planner_timed_search_replays_by_its_trials),
        PLANNER_TEST(test_car_planner_request_without_path_is_not_found),
        PLANNER_TEST(test_car_planner_crowd_larger_than_the_state_still_answers),
        PLANNER_TEST(test_car_planner_takes_a_requests_thresholds_for_it_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
