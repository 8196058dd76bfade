#include "planner/plan_bounds.h"
#include "tests/support/hp_test.h"
#include "tests/unit/planner/plan_fixture.h"

static hp_world_info info;
static plan_config config;
static plan_path path;
static hp_frame frame;
static plan_bounds bounds;

static int setup(void **state)
{
    (void)state;
    plan_config_default(&config);
    fixture_info(&info);
    plan_path_follow_route(&config.path, &info, &path);
    plan_bounds_reset(&bounds);
    return 0;
}

static plan_breach see(hp_agent who, double ego_mps)
{
    fixture_frame(0, 10.0, ego_mps, &frame);
    frame.agents[frame.n_agents++] = who;
    plan_bounds_watch(&config.guard, &info, &path, &frame, &bounds);
    return bounds.breach;
}

static hp_agent agent(hp_agent_class kind, double x_m, double y_m, double vx_mps)
{
    const bool car = kind == HP_CLASS_CAR;
    return (hp_agent){.id = 3,
                      .kind = kind,
                      .pose = {x_m, y_m, 0.0},
                      .vx_mps = vx_mps,
                      .length_m = car ? 4.0 : 0.4,
                      .width_m = car ? 1.8 : 0.4};
}

/** Two frames of somebody far aside, who changes his velocity from one to the other. */
static plan_breach change(hp_agent_class kind, double from_mps, double to_mps)
{
    hp_agent a = agent(kind, 30.0, 20.0, from_mps);
    plan_bounds_reset(&bounds);
    assert_int_equal(see(a, 5.0), PLAN_BREACH_NONE);
    a.pose.x_m += 0.5 * (from_mps + to_mps) * info.tick_s;
    a.vx_mps = to_mps;
    return see(a, 5.0);
}

static void test_plan_bounds_knows_walkers_who_start_too_fast(void **state)
{
    (void)state;
    assert_int_equal(change(HP_CLASS_WALKER, 0.0, 0.1), PLAN_BREACH_NONE);
    assert_int_equal(change(HP_CLASS_WALKER, 1.0, 0.9), PLAN_BREACH_NONE);
    assert_int_equal(change(HP_CLASS_WALKER, 0.0, 0.15), PLAN_BREACH_WALKER);
    assert_int_equal(change(HP_CLASS_WALKER, 1.4, 0.0), PLAN_BREACH_WALKER);
    assert_int_equal(bounds.breach, PLAN_BREACH_WALKER);
    assert_int_equal(see(agent(HP_CLASS_WALKER, 30.0, 20.0, 1.4), 5.0), PLAN_BREACH_WALKER);
}

static void test_plan_bounds_knows_walkers_who_go_too_fast_or_jump(void **state)
{
    (void)state;
    assert_int_equal(change(HP_CLASS_WALKER, 2.95, 3.0), PLAN_BREACH_NONE);
    assert_int_equal(change(HP_CLASS_WALKER, 4.0, 4.1),
                     PLAN_BREACH_NONE); /* 0.5 above is allowed */
    config.guard.walker_speed_over_mps = 0.0;
    assert_int_equal(change(HP_CLASS_WALKER, 2.95, 3.05), PLAN_BREACH_WALKER);
    plan_bounds_reset(&bounds);
    assert_int_equal(see(agent(HP_CLASS_WALKER, 30.0, 20.0, 1.0), 5.0), PLAN_BREACH_NONE);
    assert_int_equal(see(agent(HP_CLASS_WALKER, 30.2, 20.0, 1.0), 5.0), PLAN_BREACH_WALKER);
}

static void test_plan_bounds_knows_cars_that_leave_theirs(void **state)
{
    (void)state;
    assert_int_equal(change(HP_CLASS_CAR, 5.0, 5.15), PLAN_BREACH_NONE);
    assert_int_equal(change(HP_CLASS_CAR, 5.0, 4.65), PLAN_BREACH_NONE);
    assert_int_equal(change(HP_CLASS_CAR, 5.0, 5.25), PLAN_BREACH_CAR);
    assert_int_equal(change(HP_CLASS_CAR, 5.0, 4.5), PLAN_BREACH_CAR);
    hp_agent a = agent(HP_CLASS_CAR, 30.0, 20.0, 5.0);
    plan_bounds_reset(&bounds);
    assert_int_equal(see(a, 5.0), PLAN_BREACH_NONE);
    a.pose.yaw_rad = 0.1;
    assert_int_equal(see(a, 5.0), PLAN_BREACH_CAR);
    plan_bounds_reset(&bounds);
    a.pose.yaw_rad = 0.0;
    assert_int_equal(see(a, 5.0), PLAN_BREACH_NONE);
    a.pose.y_m += 0.1;
    assert_int_equal(see(a, 5.0), PLAN_BREACH_CAR);
}

static void test_plan_bounds_knows_who_comes_into_sight_too_near(void **state)
{
    (void)state;
    assert_int_equal(see(agent(HP_CLASS_WALKER, 35.0, 0.0, 0.0), 10.0), PLAN_BREACH_NONE);
    plan_bounds_reset(&bounds);
    assert_int_equal(see(agent(HP_CLASS_WALKER, 18.0, 0.0, 0.0), 10.0), PLAN_BREACH_SIGHT);
    plan_bounds_reset(&bounds);
    assert_int_equal(see(agent(HP_CLASS_WALKER, 18.0, 0.0, 0.0), 0.0), PLAN_BREACH_NONE);
    assert_int_equal(see(agent(HP_CLASS_WALKER, 18.0, 0.0, 0.0), 10.0), PLAN_BREACH_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_plan_bounds_knows_walkers_who_start_too_fast, setup),
        cmocka_unit_test_setup(test_plan_bounds_knows_walkers_who_go_too_fast_or_jump, setup),
        cmocka_unit_test_setup(test_plan_bounds_knows_cars_that_leave_theirs, setup),
        cmocka_unit_test_setup(test_plan_bounds_knows_who_comes_into_sight_too_near, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
