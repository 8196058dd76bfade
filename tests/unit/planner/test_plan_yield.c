#include "common/hp_rng.h"
#include "planner/plan_yield.h"
#include "tests/support/hp_test.h"
#include "tests/unit/planner/plan_fixture.h"

#define WISH_MPS2 3.0
#define FRONT_M 2.1 /* of the ego's box, which is 2 m wide */

static hp_world_info info;
static plan_config config;
static plan_path path;
static hp_frame frame;
static plan_tracks tracks;

static int setup(void **state)
{
    (void)state;
    plan_config_default(&config);
    config.guard.yield_s = 12.0; /* he crosses at 1 m/s and less */
    fixture_info(&info);
    plan_path_follow_route(&config.path, &info, &path);
    plan_tracks_reset(&tracks);
    return 0;
}

/** What is left of a wish in the frame as it is; whoever is in it has been seen before. */
static double left_of(double wish_mps2)
{
    plan_tracks_update(&config.belief, &info, &frame, &tracks);
    return plan_yield_accel(&config.guard, &info, &path, &frame, &tracks, wish_mps2);
}

/** What is left of the wish for an ego at x = 10 and a walker so far before its front. */
static double wish_left(double speed_mps, double ahead_m, double y_m, double vx_mps, double vy_mps)
{
    fixture_frame(0, 10.0, speed_mps, &frame);
    fixture_add_walker(&frame, 1, 10.0 + FRONT_M + ahead_m, y_m, vx_mps, vy_mps);
    return left_of(WISH_MPS2);
}

static void test_plan_yield_brakes_for_who_will_be_in_the_way(void **state)
{
    (void)state;
    const double from_left = wish_left(13.0, 25.0, 4.0, 0.0, -1.0);
    assert_true(from_left < -2.0 && from_left > -config.guard.hard_mps2);
    hp_assert_near(wish_left(13.0, 25.0, -4.0, 0.0, 1.0), from_left, 1e-9);
    assert_true(wish_left(13.0, 25.0, 0.5, 0.0, -1.0) < -2.0); /* before the ego already */
    assert_true(wish_left(0.0, 1.0, 0.5, 0.0, -1.0) <= 0.0);   /* and stands until he is gone */
}

/** By hand: his near edge is 0.283 m before his middle, he is to be met no nearer than 1.3 m. */
static void test_plan_yield_brakes_by_as_much_as_it_takes(void **state)
{
    (void)state;
    hp_assert_near(wish_left(13.0, 25.0, 4.0, 0.0, -1.0), -0.5 * 169.0 / 23.417, 1e-3);
    const double comfortable_mps = sqrt(2.0 * config.guard.comfort_mps2 * 1.417);
    hp_assert_near(wish_left(2.0, 3.0, 3.0, 0.0, -1.0), (comfortable_mps - 2.0) / 0.4, 3e-2);
    config.guard.comfort_mps2 = 2.0;
    hp_assert_near(wish_left(2.0, 3.0, 3.0, 0.0, -1.0), (2.381 - 2.0) / 0.4, 3e-2);
}

/** By hand: 2.417 m aside he needs 1.412 s to the flank, the ego may then need 1.212 to stop. */
static void test_plan_yield_is_as_fast_beside_him_as_the_guard_allows(void **state)
{
    (void)state;
    hp_assert_near(wish_left(9.0, 6.0, 4.0, 0.0, -0.3), (7.0 * 1.212 - 9.0) / 0.4, 3e-2);
    config.guard.observed_s = 0.03;
    hp_assert_near(wish_left(9.0, 6.0, 4.0, 0.0, -0.3), (7.0 * 1.182 - 9.0) / 0.4, 3e-2);
    config.guard.observed_s = 0.0;
    config.guard.hard_mps2 = 4.0; /* from further off he reaches his top speed on the way */
    hp_assert_near(wish_left(8.0, 6.0, 7.0, 0.0, -1.0), (4.0 * 1.939 - 8.0) / 0.4, 2e-2);
    config.guard.walker_speed_mps = 1.0; /* then it is 1.5 */
    assert_true(wish_left(8.0, 6.0, 7.0, 0.0, -1.0) > 0.5);
}

static void test_plan_yield_decides_alike_on_a_street_that_runs_askew(void **state)
{
    (void)state;
    const double straight = wish_left(13.0, 25.0, 4.0, 0.4, -1.0);
    assert_true(straight < 0.0);
    const double c = cos(0.6);
    const double s = sin(0.6);
    info.route[1] = (hp_vec2){100.0 * c, 100.0 * s};
    info.goal = (hp_pose){100.0 * c, 100.0 * s, 0.6};
    plan_path_follow_route(&config.path, &info, &path);
    plan_tracks_reset(&tracks);
    fixture_frame(0, 10.0 * c, 13.0, &frame);
    frame.ego.pose = (hp_pose){10.0 * c - 0.5 * s, 10.0 * s + 0.5 * c, 0.6}; /* beside its path */
    fixture_add_walker(&frame, 1, 37.1 * c - 4.5 * s, 37.1 * s + 4.5 * c, 0.4 * c + s, 0.4 * s - c);
    hp_assert_near(left_of(WISH_MPS2), straight, 1e-6);
}

/** A car that stands or crawls has let others go: who comes now comes to a car that moves off. */
static void test_plan_yield_lets_nobody_new_go_first_when_it_is_slow(void **state)
{
    (void)state;
    hp_assert_near(wish_left(0.0, 1.4, 2.0, 0.0, -1.0), WISH_MPS2, 0.0);
    hp_assert_near(wish_left(1.9, 2.0, 2.0, 0.0, -1.0), WISH_MPS2, 0.0);
    assert_true(wish_left(5.0, 3.5, 2.0, 0.0, -1.0) < 0.0);
    assert_true(wish_left(1.9, 1.5, 1.5, 0.0, -1.0) < 0.0);
    assert_true(wish_left(0.0, 1.3, 1.0, 0.0, -1.0) <= 0.1);
    hp_assert_near(wish_left(0.0, 1.3, -1.6, 0.0, -1.0), WISH_MPS2, 0.0);
    hp_assert_near(wish_left(0.0, 1.3, 1.4, 0.0, -1.0), WISH_MPS2, 0.0);
}

static void test_plan_yield_leaves_the_wish_alone_when_nobody_is_in_the_way(void **state)
{
    (void)state;
    fixture_frame(0, 10.0, 13.0, &frame);
    hp_assert_near(left_of(-1.5), -1.5, 0.0);
    hp_assert_near(wish_left(13.0, 30.0, 4.0, 1.0, 0.0), WISH_MPS2, 0.0);   /* strolls along */
    hp_assert_near(wish_left(13.0, 30.0, 4.0, 0.0, 1.0), WISH_MPS2, 0.0);   /* walks away */
    hp_assert_near(wish_left(13.0, 30.0, 0.0, 0.0, 0.1), WISH_MPS2, 0.0);   /* stands, or nearly */
    hp_assert_near(wish_left(13.0, 30.0, -2.0, 0.0, -1.0), WISH_MPS2, 0.0); /* is across */
    hp_assert_near(wish_left(2.0, -1.0, 2.0, 0.0, -1.0), WISH_MPS2, 0.0);   /* met already */
    assert_true(wish_left(13.0, 25.0, 4.0, 0.0, -1.0) < 0.0);
    tracks.items[0].waits = true;
    hp_assert_near(wish_left(13.0, 25.0, 4.0, 0.0, -1.0), WISH_MPS2, 0.0);
    tracks.items[0].waits = false;
    frame.agents[0].kind = HP_CLASS_CAR;
    hp_assert_near(left_of(WISH_MPS2), WISH_MPS2, 0.0);
    plan_tracks_reset(&tracks); /* nobody knows him */
    hp_assert_near(plan_yield_accel(&config.guard, &info, &path, &frame, &tracks, WISH_MPS2),
                   WISH_MPS2, 0.0);
}

static void test_plan_yield_goes_first_when_he_cannot_be_there_in_time(void **state)
{
    (void)state;
    assert_true(wish_left(13.0, 20.0, 9.0, 0.0, -1.0) > 1.0); /* no faster than the limit */
    assert_true(wish_left(15.0, 20.0, 9.0, 0.0, -1.0) >= 0.0);
    assert_true(wish_left(13.0, 20.0, 4.0, 0.0, -1.0) < 0.0);
    /* Slowly past somebody slow: what the guard allows beside him is enough. */
    hp_assert_near(wish_left(6.0, 6.0, 4.5, 0.0, -0.3), WISH_MPS2, 0.0);
    const double slower = wish_left(9.0, 6.0, 4.0, 0.0, -0.3);
    assert_true(slower < 0.0);
    config.guard.hard_mps2 = 9.0; /* stands sooner, so may be faster */
    assert_true(wish_left(9.0, 6.0, 4.0, 0.0, -0.3) > slower);
}

static void test_plan_yield_does_not_wait_for_the_very_slow_nor_stop_too_late(void **state)
{
    (void)state;
    hp_assert_near(wish_left(10.0, 15.0, 2.6, 0.0, -0.2), WISH_MPS2, 0.0);
    config.guard.yield_s = 60.0;
    assert_true(wish_left(10.0, 15.0, 2.6, 0.0, -0.2) < 0.0);
    hp_assert_near(wish_left(13.0, 8.0, 2.0, 0.0, -1.0), WISH_MPS2, 0.0); /* the guard's affair */
    config.guard.yield_s = 0.0;
    hp_assert_near(wish_left(13.0, 30.0, 4.0, 0.0, -1.0), WISH_MPS2, 0.0);
}

/** Down the street towards somebody who crosses: where the ego is when he has left its way. */
static void cross(double start_mps, double ahead_m, double y_m, double vy_mps)
{
    double x = 10.0;
    double v = start_mps;
    const double line_m = x + FRONT_M + ahead_m;
    bool waited = false;
    for (uint32_t tick = 0; tick < 600; ++tick) {
        const double t = tick * info.tick_s;
        const double y = y_m + vy_mps * t;
        fixture_frame(tick, x, v, &frame);
        fixture_add_walker(&frame, 1, line_m, y, 0.0, vy_mps);
        const double a = left_of(v < 13.0 ? 3.0 : 0.0);
        const double next = fmax(v + a * info.tick_s, 0.0);
        x += 0.5 * (v + next) * info.tick_s;
        v = next;
        waited = waited || a < 0.0;
        if (fabs(y) < 1.3) { /* before the ego, or beside it */
            assert_true(x + FRONT_M < line_m - 0.5);
        }
        if (x - FRONT_M > line_m) {
            assert_true(waited);
            return;
        }
    }
    fail_msg("still stands at %g m", x);
}

static void test_plan_yield_stops_before_his_line_and_goes_on_behind_him(void **state)
{
    (void)state;
    cross(13.0, 35.0, 4.0, -1.0);
    cross(13.0, 35.0, -4.0, 1.5);
    cross(8.0, 20.0, 3.0, -0.6);
    cross(13.0, 40.0, 3.5, -0.5);
}

static void test_plan_yield_never_asks_for_more_and_always_for_something_finite(void **state)
{
    (void)state;
    const hp_rng numbers = hp_rng_seed(51);
    uint64_t less = 0;
    for (uint64_t i = 0; i < 20000; ++i) {
        const hp_rng lane = hp_rng_lane(numbers, i);
        const double wish = hp_rng_range(lane, 0, -8.0, 3.5);
        fixture_frame(0, hp_rng_range(lane, 1, -20.0, 110.0), hp_rng_range(lane, 2, -1.0, 20.0),
                      &frame);
        for (uint32_t k = 0; k < 3; ++k) {
            fixture_add_walker(&frame, k, hp_rng_range(lane, 10 + k, -20.0, 120.0),
                               hp_rng_range(lane, 20 + k, -8.0, 8.0),
                               hp_rng_range(lane, 30 + k, -5.0, 5.0),
                               hp_rng_range(lane, 40 + k, -5.0, 5.0));
        }
        const double left = left_of(wish);
        assert_true(isfinite(left) && left <= wish);
        assert_true(left >= fmin(wish, -config.guard.hard_mps2));
        less += left < wish;
    }
    assert_true(less > 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_plan_yield_brakes_for_who_will_be_in_the_way, setup),
        cmocka_unit_test_setup(test_plan_yield_brakes_by_as_much_as_it_takes, setup),
        cmocka_unit_test_setup(test_plan_yield_is_as_fast_beside_him_as_the_guard_allows, setup),
        cmocka_unit_test_setup(test_plan_yield_decides_alike_on_a_street_that_runs_askew, setup),
        cmocka_unit_test_setup(test_plan_yield_lets_nobody_new_go_first_when_it_is_slow, setup),
        cmocka_unit_test_setup(test_plan_yield_leaves_the_wish_alone_when_nobody_is_in_the_way,
                               setup),
        cmocka_unit_test_setup(test_plan_yield_goes_first_when_he_cannot_be_there_in_time, setup),
        cmocka_unit_test_setup(test_plan_yield_does_not_wait_for_the_very_slow_nor_stop_too_late,
                               setup),
        cmocka_unit_test_setup(test_plan_yield_stops_before_his_line_and_goes_on_behind_him, setup),
        cmocka_unit_test_setup(test_plan_yield_never_asks_for_more_and_always_for_something_finite,
                               setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
