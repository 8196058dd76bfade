/* What a wait before somebody in the way is worth in closed form, against waiting step by step. */
#include "pomdp/car/car_wait.h"
#include "tests/support/hp_test.h"
#include "tests/unit/pomdp/car_fixture.h"

enum { RUNS = 4000, HORIZON = 40 };

static car_config config;
static car_scene scene;
static hp_plan_request request;
static car_state one;
static pomdp_model model;

/** The ego stands at 10 m, a walker is ahead of it at y with vy across the road. */
static void begin(double y_m, double vy_mps, double cross_hz)
{
    double weight = 0.0;
    car_config_default(&config);
    fixture_request(10.0, 0.0, &request);
    fixture_walker(&request, 13.0, y_m, 0.0, vy_mps)->cross_hz = cross_hz;
    assert_true(car_scene_build(&config, &request, &scene));
    model = car_model_make(&config, &scene);
    car_model_sample(&scene, hp_rng_seed(4), 1, &one, &weight);
    one.memory = (config.n_actions - 1) << 8; /* it has braked */
    one.others[0].dx = 0;
    one.others[0].dy = 0;
}

static void set_motion(car_motion motion, double vy_mps)
{
    one.others[0].motion = (uint8_t)motion;
    one.others[0].vy_mps = (float)vy_mps;
}

static double closed_form(uint32_t steps_left, bool *decided)
{
    block b = block_begin(&scene);
    car_f value;
    block_move(&b, 1, 0);
    const ego_lanes e = load_ego(&one, &b);
    const other_lanes o = load_other(&one, &b, 0);
    const car_columns row = pose_at(&scene, e.s_m).row;
    const car_i left = lanes_all_i((int32_t)steps_left);
    const car_i is =
        must_brake(&scene, &e, &row, &o) & wait_is_decided(&scene, &e, &row, &o, left, &value);
    *decided = is[0] != 0;
    return (double)value[0];
}

/** The wait stepped through: stands until nobody is near the way any more, then drives off for
 * good.
 */
static double stepped(uint64_t run)
{
    const double clear_m = (double)scene.lane_others[0].near_side_m;
    car_state s = one;
    double sum = 0.0;
    double discount = 1.0;
    bool goes = false;
    for (uint32_t t = 0; t < HORIZON; ++t) {
        const uint64_t key = hp_rng_u64(hp_rng_lane(hp_rng_seed(9), run), t);
        double reward = 0.0;
        uint8_t ends = 0;
        goes = goes || (double)s.others[0].y_m < -clear_m;
        const uint32_t action = goes ? scene.fastest : scene.slowest;
        pomdp_steps out = {.reward = &reward, .terminal = &ends};
        model.step(&scene, &s, 1, &action, &key, &out);
        sum += discount * reward;
        discount *= config.discount;
        if (ends != 0) {
            return sum;
        }
    }
    double free_road = 0.0;
    model.upper(&scene, &s, 1, &free_road);
    return sum + discount * free_road;
}

static void check_wait(double tolerance)
{
    bool decided = false;
    const double value = closed_form(HORIZON, &decided);
    double sum = 0.0;
    assert_true(decided);
    for (uint64_t run = 0; run < RUNS; ++run) {
        sum += stepped(run);
    }
    hp_assert_near(value, sum / RUNS, tolerance);
}

static void test_wait_is_the_walkers_way_when_he_follows_his_future(void **state)
{
    (void)state;
    begin(0.8, -0.5, 0.0);
    check_wait(0.02);
    begin(0.8, -1.2, 0.0);
    check_wait(0.02);
}

static void test_wait_reckons_with_stops_when_he_crosses(void **state)
{
    (void)state;
    begin(0.8, -0.5, 0.3);
    set_motion(CAR_MOTION_STRAIGHT, -0.4);
    check_wait(0.03);
}

static void test_wait_reckons_with_a_start_when_he_stands_on_the_road(void **state)
{
    (void)state;
    begin(0.8, 0.0, 0.3);
    set_motion(CAR_MOTION_STANDS, 0.0);
    check_wait(0.03);
}

static void test_wait_lasts_to_the_horizon_when_he_stands_for_good(void **state)
{
    (void)state;
    bool decided = false;
    begin(0.8, 0.0, 0.0);
    set_motion(CAR_MOTION_STANDS, 0.0);
    check_wait(1e-5);
    const double late = closed_form(HORIZON, &decided);
    const double soon = closed_form(4, &decided);
    assert_true(late < soon);
}

static void test_wait_is_decided_by_who_stays_for_good_whoever_else_comes(void **state)
{
    (void)state;
    double weight = 0.0;
    begin(0.8, 0.0, 0.0);
    fixture_walker(&request, 40.0, 4.0, 0.0, -0.3)->cross_hz = 0.3;
    assert_true(car_scene_build(&config, &request, &scene));
    model = car_model_make(&config, &scene);
    car_model_sample(&scene, hp_rng_seed(4), 1, &one, &weight);
    one.memory = (config.n_actions - 1) << 8;
    block b = block_begin(&scene);
    car_f value;
    block_move(&b, 1, 0);
    const ego_lanes e = load_ego(&one, &b);
    const other_lanes o[2] = {load_other(&one, &b, 0), load_other(&one, &b, 1)};
    const car_columns row = pose_at(&scene, e.s_m).row;
    assert_true(wait_is_decided(&scene, &e, &row, o, lanes_all_i(HORIZON), &value)[0] != 0);
    hp_assert_near((double)value[0], stepped(0), 1e-5);
}

static void test_wait_is_open_when_somebody_else_may_come(void **state)
{
    (void)state;
    bool decided = true;
    begin(0.8, -0.5, 0.0);
    one.speed_mps = 0.5f; /* still rolls */
    (void)closed_form(HORIZON, &decided);
    assert_false(decided);
    begin(3.0, 0.0, 0.3); /* at the kerb */
    (void)closed_form(HORIZON, &decided);
    assert_false(decided);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wait_is_the_walkers_way_when_he_follows_his_future),
        cmocka_unit_test(test_wait_reckons_with_stops_when_he_crosses),
        cmocka_unit_test(test_wait_reckons_with_a_start_when_he_stands_on_the_road),
        cmocka_unit_test(test_wait_lasts_to_the_horizon_when_he_stands_for_good),
        cmocka_unit_test(test_wait_is_decided_by_who_stays_for_good_whoever_else_comes),
        cmocka_unit_test(test_wait_is_open_when_somebody_else_may_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
