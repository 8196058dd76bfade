#include "planner/plan_phantom.h"
#include "planner/plan_track.h"
#include "tests/support/hp_test.h"
#include "tests/unit/planner/plan_fixture.h"

static hp_world_info info;
static plan_config config;
static plan_path path;
static hp_frame frame;
static hp_phantom phantoms[HP_MAX_PHANTOMS];

static int setup(void **state)
{
    (void)state;
    plan_config_default(&config);
    fixture_info(&info);
    plan_path_follow_route(&config.path, &info, &path);
    fixture_frame(0, 10.0, 8.0, &frame);
    return 0;
}

static uint32_t find(void)
{
    return plan_phantom_find(&config.phantom, &info, &path, &frame, phantoms);
}

static void test_plan_phantom_waits_behind_the_far_end_at_the_edge_of_sight(void **state)
{
    (void)state;
    fixture_add_parked_car(&frame, 1, 30.0, 3.0);
    assert_int_equal(find(), 1);
    hp_assert_near(phantoms[0].edge.x_m, 33.0, 0.01);
    assert_true(phantoms[0].edge.y_m > 2.1 && phantoms[0].edge.y_m < 3.0);
    hp_assert_near(phantoms[0].heading_rad, -0.5 * HP_PI, 1e-9); /* towards the path */
    hp_assert_near(phantoms[0].corner.x_m, 32.0, 1e-9);
    hp_assert_near(phantoms[0].corner.y_m, 2.1, 1e-9);
    /* a step further in he is hidden, a step further out he is not */
    const hp_vec2 hidden = {phantoms[0].edge.x_m, phantoms[0].edge.y_m + 0.1};
    const hp_vec2 open = {phantoms[0].edge.x_m, phantoms[0].edge.y_m - 0.1};
    assert_false(plan_track_in_sight(&info, &frame, hidden));
    assert_true(plan_track_in_sight(&info, &frame, open));
}

static void test_plan_phantom_on_the_right_walks_left(void **state)
{
    (void)state;
    fixture_add_parked_car(&frame, 1, 30.0, -3.0);
    assert_int_equal(find(), 1);
    assert_true(phantoms[0].edge.y_m < -2.1);
    hp_assert_near(phantoms[0].heading_rad, 0.5 * HP_PI, 1e-9);
}

static void test_plan_phantom_none_behind_far_passed_or_blocking_boxes(void **state)
{
    (void)state;
    fixture_add_parked_car(&frame, 1, 5.0, 3.0);   /* passed */
    fixture_add_parked_car(&frame, 2, 90.0, 3.0);  /* far */
    fixture_add_parked_car(&frame, 3, 30.0, 20.0); /* aside */
    fixture_add_parked_car(&frame, 4, 30.0, 0.0);  /* on the path: an obstacle, not a shadow */
    assert_int_equal(find(), 0);
    config.phantom.enabled = false;
    fixture_add_parked_car(&frame, 5, 30.0, 3.0);
    assert_int_equal(find(), 0);
}

static void test_plan_phantom_nearest_first_and_never_too_many(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < HP_MAX_OCCLUDERS; ++i) {
        fixture_add_parked_car(&frame, i, 45.0 - i, i % 2 == 0 ? 3.0 : -3.0);
    }
    assert_int_equal(find(), HP_MAX_PHANTOMS);
    for (uint32_t i = 1; i < HP_MAX_PHANTOMS; ++i) {
        assert_true(phantoms[i].edge.x_m >= phantoms[i - 1].edge.x_m);
    }
    assert_true(phantoms[0].edge.x_m < 18.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_plan_phantom_waits_behind_the_far_end_at_the_edge_of_sight,
                               setup),
        cmocka_unit_test_setup(test_plan_phantom_on_the_right_walks_left, setup),
        cmocka_unit_test_setup(test_plan_phantom_none_behind_far_passed_or_blocking_boxes, setup),
        cmocka_unit_test_setup(test_plan_phantom_nearest_first_and_never_too_many, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
