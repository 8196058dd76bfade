#include "planner/plan_room.h"
#include "tests/support/hp_test.h"
#include "tests/unit/planner/plan_fixture.h"

static hp_world_info info;
static plan_config config;
static hp_frame frame;
static plan_tracks tracks;

static int setup(void **state)
{
    (void)state;
    plan_config_default(&config);
    fixture_info(&info);
    plan_tracks_reset(&tracks);
    return 0;
}

/** Shows the frame's agents to an ego at x = 10; the room kept then. */
static double room_now(void)
{
    plan_tracks_update(&config.belief, &info, &frame, &tracks);
    return plan_room_beside(&config.guard, &frame.ego.pose, &tracks);
}

/** Room after so many seconds of somebody across the street at that speed. */
static double room_beside(double seconds, double speed_mps)
{
    double room_m = 0.0;
    plan_tracks_reset(&tracks);
    for (uint32_t tick = 0; tick <= (uint32_t)lround(seconds / info.tick_s); ++tick) {
        fixture_frame(tick, 10.0, 5.0, &frame);
        fixture_add_walker(&frame, 1, 30.0, speed_mps * info.tick_s * tick, 0.0, speed_mps);
        room_m = room_now();
    }
    return room_m;
}

static void test_plan_room_is_kept_beside_who_has_strolled(void **state)
{
    (void)state;
    hp_assert_near(room_beside(1.0, 0.2), config.guard.room_m, 0.0);
    hp_assert_near(room_beside(1.0, 0.6), config.guard.room_m, 0.0);
    hp_assert_near(room_beside(0.4, 0.6), 0.0, 0.0);
}

static void test_plan_room_is_not_kept_beside_who_stands_or_is_brisk(void **state)
{
    (void)state;
    hp_assert_near(room_beside(1.0, 0.05), 0.0, 0.0);
    hp_assert_near(room_beside(1.0, 0.75), 0.0, 0.0);
}

/** Every pace on the way to his own is slow; a way round him laid for one of them would be laid
 * anew a moment later. */
static void test_plan_room_is_not_kept_beside_who_sets_out(void **state)
{
    (void)state;
    const double most_mps[] = {0.75, 1.4};
    for (size_t k = 0; k < HP_ARRAY_LEN(most_mps); ++k) {
        double y_m = 0.0;
        plan_tracks_reset(&tracks);
        for (uint32_t tick = 0; tick < 60; ++tick) {
            const double pace = config.guard.walker_accel_mps2 * info.tick_s * tick;
            const double v = fmin(pace, most_mps[k]);
            y_m += v * info.tick_s;
            fixture_frame(tick, 10.0, 5.0, &frame);
            fixture_add_walker(&frame, 1, 30.0, y_m, 0.0, v);
            hp_assert_near(room_now(), 0.0, 0.0);
        }
    }
}

static void test_plan_room_is_kept_beside_one_only(void **state)
{
    (void)state;
    const double others_x[] = {40.0, 85.0}; /* near, and not */
    for (size_t k = 0; k < HP_ARRAY_LEN(others_x); ++k) {
        plan_tracks_reset(&tracks);
        for (uint32_t tick = 0; tick <= 20; ++tick) {
            fixture_frame(tick, 10.0, 5.0, &frame);
            fixture_add_walker(&frame, 1, 30.0, 0.0, 0.0, 0.3);
            fixture_add_walker(&frame, 2, others_x[k], 5.0, 0.0, 0.0);
            (void)room_now();
        }
        hp_assert_near(room_now(), k == 0 ? 0.0 : config.guard.room_m, 0.0);
    }
}

static void test_plan_room_is_not_kept_beside_cars(void **state)
{
    (void)state;
    for (uint32_t tick = 0; tick <= 20; ++tick) {
        fixture_frame(tick, 10.0, 5.0, &frame);
        fixture_add_walker(&frame, 1, 30.0, 0.0, 0.0, 0.3);
        frame.agents[0].kind = HP_CLASS_CAR;
        hp_assert_near(room_now(), 0.0, 0.0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_plan_room_is_kept_beside_who_has_strolled, setup),
        cmocka_unit_test_setup(test_plan_room_is_not_kept_beside_who_stands_or_is_brisk, setup),
        cmocka_unit_test_setup(test_plan_room_is_not_kept_beside_who_sets_out, setup),
        cmocka_unit_test_setup(test_plan_room_is_kept_beside_one_only, setup),
        cmocka_unit_test_setup(test_plan_room_is_not_kept_beside_cars, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
