#include "planner/plan_guard.h"
#include "planner/plan_leave.h"
#include "tests/support/hp_test.h"
#include "tests/unit/planner/plan_fixture.h"

static hp_world_info info;
static plan_config config;
static plan_path path;
static hp_frame frame;
static plan_tracks tracks;
static bool waits[HP_MAX_AGENTS];

static int setup(void **state)
{
    (void)state;
    plan_config_default(&config);
    config.guard.leave_mps = 3.0;
    fixture_info(&info);
    plan_path_follow_route(&config.path, &info, &path);
    plan_tracks_reset(&tracks);
    return 0;
}

/** Shows somebody for so long beside an ego at x = 10 that stands; true if he then waits. */
static bool stands_for(double seconds, hp_agent who, double ego_mps)
{
    bool any = false;
    plan_tracks_reset(&tracks);
    for (uint32_t tick = 0; tick <= (uint32_t)lround(seconds / info.tick_s); ++tick) {
        fixture_frame(tick, 10.0, ego_mps, &frame);
        frame.agents[frame.n_agents++] = who;
        plan_tracks_update(&config.belief, &info, &frame, &tracks);
        any = plan_leave_update(&config.guard, &info, &path, &frame, &tracks, waits);
        assert_int_equal(any, waits[0]);
        assert_int_equal(any, tracks.items[0].waits);
    }
    return any;
}

/** The ego's box is 4.2 x 2.0 m, its front at x = 12.1, its flank at y = 1. */
static hp_agent walker(double x_m, double y_m)
{
    return (hp_agent){
        .id = 3, .kind = HP_CLASS_WALKER, .pose = {x_m, y_m, 0.0}, .length_m = 0.4, .width_m = 0.4};
}

static void test_plan_leave_marks_who_has_stood_beside_long_enough(void **state)
{
    (void)state;
    assert_false(stands_for(0.9, walker(10.0, 1.25), 0.0));
    assert_true(stands_for(1.1, walker(10.0, 1.25), 0.0));
    assert_true(stands_for(1.1, walker(10.0, -1.25), 0.0));
    assert_true(stands_for(1.1, walker(7.5, 0.0), 0.0)); /* behind */
}

static void test_plan_leave_marks_nobody_who_walks_or_walked_just_now(void **state)
{
    (void)state;
    hp_agent strolls = walker(10.0, 1.25);
    strolls.vx_mps = 0.2;
    assert_false(stands_for(3.0, strolls, 0.0));
    assert_true(stands_for(3.0, walker(10.0, 1.25), 0.0));
    fixture_frame(61, 10.0, 0.0, &frame);
    frame.agents[frame.n_agents++] = strolls;
    plan_tracks_update(&config.belief, &info, &frame, &tracks);
    assert_false(plan_leave_update(&config.guard, &info, &path, &frame, &tracks, waits));
}

static void test_plan_leave_marks_nobody_at_the_front_touched_or_far_off(void **state)
{
    (void)state;
    const double keep = 0.5 * hypot(0.4, 0.4) + config.guard.margin_m;
    assert_true(stands_for(2.0, walker(12.1 - keep - 0.01, 1.25), 0.0));
    assert_false(stands_for(2.0, walker(12.1 - keep + 0.01, 1.25), 0.0));
    assert_false(stands_for(2.0, walker(13.0, 1.25), 0.0));
    assert_false(stands_for(2.0, walker(10.0, 1.19), 0.0)); /* his body is 0.2 to each side */
    assert_true(stands_for(2.0, walker(10.0, 1.0 + keep + 0.49), 0.0));
    assert_false(stands_for(2.0, walker(10.0, 1.0 + keep + 0.51), 0.0));
}

static void test_plan_leave_marks_no_vehicles(void **state)
{
    (void)state;
    hp_agent car = walker(10.0, 1.25);
    car.kind = HP_CLASS_CAR;
    assert_false(stands_for(2.0, car, 0.0));
}

static void test_plan_leave_marks_nobody_beside_an_ego_that_is_fast_or_turned(void **state)
{
    (void)state;
    assert_true(stands_for(2.0, walker(10.0, 1.25), 2.9));
    assert_false(stands_for(2.0, walker(10.0, 1.25), 3.1));
    assert_true(stands_for(2.0, walker(10.0, 1.6), 0.0));
    frame.ego.pose.yaw_rad = 0.1;
    tracks.items[0].waits = false;
    assert_true(plan_leave_update(&config.guard, &info, &path, &frame, &tracks, waits));
    frame.ego.pose.yaw_rad = 0.3;
    tracks.items[0].waits = false;
    assert_false(plan_leave_update(&config.guard, &info, &path, &frame, &tracks, waits));
    tracks.items[0].waits = true; /* begun: the path may turn meanwhile, the wheels may not */
    assert_true(plan_leave_update(&config.guard, &info, &path, &frame, &tracks, waits));
    config.guard.leave_mps = 0.0;
    assert_false(stands_for(2.0, walker(10.0, 1.25), 0.0));
}

/** Past the point where brakes could still stop the ego beside him he may set out again: to be gone
 * is best. Before it, he may not. */
static void test_plan_leave_goes_on_when_he_sets_out_beside_the_tail(void **state)
{
    (void)state;
    for (int k = 0; k < 4; ++k) {
        const double x = k < 2 ? 8.3 : 8.9; /* the tail is at 7.9, and 3 m/s take 1.2 m to stop */
        hp_agent sets_out = walker(x, 1.25);
        assert_true(stands_for(2.0, sets_out, 2.9));
        sets_out.vy_mps = -0.5;
        tracks.items[0].waits = k % 2 == 0;
        fixture_frame(41, 10.0, 2.9, &frame);
        frame.agents[frame.n_agents++] = sets_out;
        plan_tracks_update(&config.belief, &info, &frame, &tracks);
        const bool goes = plan_leave_update(&config.guard, &info, &path, &frame, &tracks, waits);
        assert_int_equal(goes, k == 0);
        assert_int_equal(waits[0], k == 0);
    }
}

static void test_plan_leave_goes_at_walking_pace(void **state)
{
    (void)state;
    hp_assert_near(plan_leave_accel(&config.guard, 0.0, 3.0), 3.0, 0.0);
    assert_true(plan_leave_accel(&config.guard, 2.6, 3.0) < 0.5);
    assert_true(plan_leave_accel(&config.guard, config.guard.leave_mps, 3.0) < 0.0);
    hp_assert_near(plan_leave_accel(&config.guard, 0.0, -2.0), -2.0, 0.0);
}

/** What all this is for: with him unmarked the guard never lets the ego go. */
static void test_plan_leave_lets_the_guard_go_and_go_slowly(void **state)
{
    (void)state;
    assert_true(stands_for(2.0, walker(10.0, 1.25), 0.0));
    const bool nobody[HP_MAX_AGENTS] = {false};
    assert_true(plan_guard_check(&config.guard, &info, &path, &frame, nobody, 1.0).intervened);
    assert_true(plan_guard_check(&config.guard, &info, &path, &frame, NULL, 1.0).intervened);
    assert_false(plan_guard_check(&config.guard, &info, &path, &frame, waits, 1.0).intervened);
    frame.ego.speed_mps = 2.5;
    frame.agents[0].pose.x_m = 9.0;
    assert_false(plan_guard_check(&config.guard, &info, &path, &frame, waits, 0.0).intervened);
    assert_true(plan_guard_check(&config.guard, &info, &path, &frame, waits, 3.0).intervened);
    frame.ego.speed_mps = config.guard.leave_mps + 0.1;
    assert_true(plan_guard_check(&config.guard, &info, &path, &frame, waits, 0.0).intervened);
    /* Nearer to the front he could be before it. */
    frame.ego.speed_mps = 0.0;
    frame.agents[0].pose.x_m = 11.8;
    assert_true(plan_guard_check(&config.guard, &info, &path, &frame, waits, 1.0).intervened);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_plan_leave_marks_who_has_stood_beside_long_enough, setup),
        cmocka_unit_test_setup(test_plan_leave_marks_nobody_who_walks_or_walked_just_now, setup),
        cmocka_unit_test_setup(test_plan_leave_marks_nobody_at_the_front_touched_or_far_off, setup),
        cmocka_unit_test_setup(test_plan_leave_marks_no_vehicles, setup),
        cmocka_unit_test_setup(test_plan_leave_marks_nobody_beside_an_ego_that_is_fast_or_turned,
                               setup),
        cmocka_unit_test_setup(test_plan_leave_goes_on_when_he_sets_out_beside_the_tail, setup),
        cmocka_unit_test_setup(test_plan_leave_goes_at_walking_pace, setup),
        cmocka_unit_test_setup(test_plan_leave_lets_the_guard_go_and_go_slowly, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
