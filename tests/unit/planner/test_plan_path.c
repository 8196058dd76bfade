#include "planner/plan_steer.h"
#include "tests/support/hp_test.h"
#include "tests/unit/planner/plan_fixture.h"

static hp_world_info info;
static plan_path path;
static plan_config config;

static int setup(void **state)
{
    (void)state;
    plan_config_default(&config);
    fixture_info(&info);
    return 0;
}

/** A quarter circle of radius r to the left after a straight of 40 m, then another straight. */
static void bend(double r)
{
    info.n_route = 0;
    info.route[info.n_route++] = (hp_vec2){0.0, 0.0};
    for (int i = 0; i <= 30; ++i) {
        const double a = 0.5 * HP_PI * i / 30.0;
        info.route[info.n_route++] = (hp_vec2){40.0 + r * sin(a), r * (1.0 - cos(a))};
    }
    info.route[info.n_route++] = (hp_vec2){40.0 + r, r + 40.0};
    info.goal = (hp_pose){40.0 + r, r + 40.0, 0.5 * HP_PI};
}

static void test_plan_path_is_even_and_runs_past_the_goal(void **state)
{
    (void)state;
    plan_path_follow_route(&config.path, &info, &path);
    for (uint32_t i = 1; i < path.n; ++i) {
        hp_assert_near(path.s_m[i] - path.s_m[i - 1], config.path.spacing_m, 1e-9);
    }
    assert_true(path.s_m[path.n - 1] > 120.0);
    hp_assert_near(path.goal_s_m, 97.0, 1e-9);
    hp_assert_near(plan_path_speed(&path, 50.0), 13.9, 1e-12);
}

static void test_plan_path_spreads_its_points_over_a_long_route(void **state)
{
    (void)state;
    info.route[1] = (hp_vec2){2000.0, 0.0};
    info.goal.x_m = 2000.0;
    plan_path_follow_route(&config.path, &info, &path);
    assert_true(path.n <= HP_MAX_PATH);
    assert_true(path.s_m[path.n - 1] >= 2000.0);
}

static void test_plan_path_slows_for_a_bend_in_time(void **state)
{
    (void)state;
    bend(12.0);
    plan_path_follow_route(&config.path, &info, &path);
    for (double s = 40.0 + 4.0; s < 40.0 + 14.0; s += 0.5) {
        hp_assert_near(plan_path_speed(&path, s), sqrt(config.path.max_lateral_mps2 * 12.0), 0.07);
    }
    for (uint32_t i = 1; i < path.n; ++i) {
        const double v0 = path.speed_mps[i - 1];
        const double v1 = path.speed_mps[i];
        const double decel = (v0 * v0 - v1 * v1) / (2.0 * (path.s_m[i] - path.s_m[i - 1]));
        assert_true(decel <= config.path.slow_down_mps2 + 1e-6);
    }
}

/** Drives a kinematic bicycle along the path; returns the largest distance from it. */
static double follow(double speed_mps, double y0_m)
{
    hp_ego_state ego = {.pose = {0.0, y0_m, 0.0}, .speed_mps = speed_mps};
    double worst = 0.0;
    const double dt = 0.05;
    for (int i = 0; i < (int)(100.0 / (speed_mps * dt)); ++i) {
        const double steer =
            plan_steer_angle(&config.steer, &path, &ego, info.ego_wheelbase_m, info.max_steer_rad);
        const double slip = atan(0.5 * tan(steer));
        ego.pose.x_m += speed_mps * cos(ego.pose.yaw_rad + slip) * dt;
        ego.pose.y_m += speed_mps * sin(ego.pose.yaw_rad + slip) * dt;
        ego.pose.yaw_rad += speed_mps * cos(slip) * tan(steer) / info.ego_wheelbase_m * dt;
        const hp_vec2 here = {ego.pose.x_m, ego.pose.y_m};
        if (i * dt * speed_mps > 30.0) { /* once settled */
            worst = fmax(worst, fabs(plan_path_project(&path, here).lateral_m));
        }
    }
    return worst;
}

static void test_plan_steer_settles_on_a_straight(void **state)
{
    (void)state;
    plan_path_follow_route(&config.path, &info, &path);
    assert_true(follow(10.0, 1.0) < 0.05);
    assert_true(follow(10.0, -1.0) < 0.05);
}

static void test_plan_steer_holds_a_bend(void **state)
{
    (void)state;
    bend(12.0);
    plan_path_follow_route(&config.path, &info, &path);
    assert_true(follow(6.0, 0.0) < 0.4);
}

static void test_plan_config_refuses_rates_that_do_not_divide(void **state)
{
    (void)state;
    hp_error error;
    config.control.decision_rate_hz = 3.0;
    assert_int_equal(plan_config_check(&config, &error), HP_ECONFIG);
    assert_non_null(strstr(error.text, "control.decision_rate_hz"));
}

static void test_plan_config_refuses_a_guard_slower_than_its_rate(void **state)
{
    (void)state;
    hp_error error;
    config.control.rate_hz = 4.0;
    assert_int_equal(plan_config_check(&config, &error), HP_ECONFIG);
    assert_non_null(strstr(error.text, "planner.guard.response_s"));
    config.guard.enabled = false;
    assert_int_equal(plan_config_check(&config, &error), HP_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_plan_path_is_even_and_runs_past_the_goal, setup),
        cmocka_unit_test_setup(test_plan_path_spreads_its_points_over_a_long_route, setup),
        cmocka_unit_test_setup(test_plan_path_slows_for_a_bend_in_time, setup),
        cmocka_unit_test_setup(test_plan_steer_settles_on_a_straight, setup),
        cmocka_unit_test_setup(test_plan_steer_holds_a_bend, setup),
        cmocka_unit_test_setup(test_plan_config_refuses_rates_that_do_not_divide, setup),
        cmocka_unit_test_setup(test_plan_config_refuses_a_guard_slower_than_its_rate, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
