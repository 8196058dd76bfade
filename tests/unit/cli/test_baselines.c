#include "cli/baselines.h"
#include "cli/direct.h"
#include "tests/support/hp_test.h"

#include <string.h>

/* A straight street to the north, the ego in the middle of nowhere on it. */
typedef struct street {
    hp_world_info info;
    hp_frame frame;
    driver *driver;
} street;

static street the_street; /* too large for the stack */

static street *open_street(baseline_kind kind, double speed_mps)
{
    street *s = &the_street;
    memset(s, 0, sizeof *s);
    s->info = (hp_world_info){
        .world_id = 1,
        .synchronous = true,
        .tick_s = 0.05,
        .ego_length_m = 4.182,
        .ego_width_m = 1.994,
        .ego_wheelbase_m = 2.5,
        .speed_limit_mps = 50.0 / 3.6,
        .max_steer_rad = 1.2,
        .sensor_range_m = 50.0,
        .goal = {0.0, 200.0, 0.5 * HP_PI},
        .goal_radius_m = 3.0,
        .n_route = 2,
        .route = {{0.0, -100.0}, {0.0, 200.0}},
    };
    s->frame = (hp_frame){
        .world_id = 1,
        .stamp_ns = 0,
        .ego = {.pose = {0.0, 0.0, 0.5 * HP_PI}, .speed_mps = speed_mps},
    };
    assert_int_equal(baseline_create(kind, &s->driver), HP_OK);
    s->driver->ops->begin(s->driver, &s->info, 1);
    return s;
}

static hp_command drive(street *s)
{
    hp_command command;
    s->driver->ops->tick(s->driver, &s->frame, &command, NULL);
    s->frame.tick++;
    s->frame.stamp_ns += 50000000;
    return command;
}

static void put_walker(street *s, double x_m, double y_m, double vx_mps)
{
    s->frame.n_agents = 1;
    s->frame.agents[0] = (hp_agent){.id = 1,
                                    .kind = HP_CLASS_WALKER,
                                    .pose = {x_m, y_m, 0.0},
                                    .vx_mps = vx_mps,
                                    .length_m = 0.375,
                                    .width_m = 0.375};
}

static void put_parked_car(street *s, double x_m, double y_m)
{
    s->frame.n_occluders = 1;
    s->frame.occluders[0] = (hp_occluder){.id = 2, .box = {{x_m, y_m, 0.5 * HP_PI}, 4.2, 1.8}};
}

static void test_stand_never_moves_off(void **state)
{
    street *s = open_street(BASELINE_STAND, 0.0);
    (void)state;
    assert_true(drive(s).accel_mps2 < 0.0);
    driver_destroy(&s->driver);
}

static void test_const_reacts_to_nobody(void **state)
{
    street *s = open_street(BASELINE_CONST, 8.0);
    (void)state;
    put_walker(s, 0.0, 10.0, 0.0);
    hp_assert_near(drive(s).accel_mps2, BASELINE_PARAMS.accel_mps2, 1e-9);
    s->frame.ego.speed_mps = 50.0 / 3.6;
    hp_assert_near(drive(s).accel_mps2, 0.0, 1e-9);
    driver_destroy(&s->driver);
}

static void test_aeb_brakes_for_who_will_be_in_the_way_only(void **state)
{
    static const struct {
        double x_m, y_m, vx_mps;
        bool brakes;
    } CASES[] = {
        {0.0, 20.0, 0.0, true},    /* stands in the way */
        {-4.0, 15.0, 2.5, true},   /* will be there with the ego */
        {-4.0, 15.0, -1.0, false}, /* walks away */
        {-4.0, 45.0, 0.0, false},  /* stands beside the street */
        {0.0, -20.0, 0.0, false},  /* behind */
        {-30.0, 15.0, 1.0, false}, /* far too late */
    };
    (void)state;
    for (size_t i = 0; i < HP_ARRAY_LEN(CASES); i++) {
        street *s = open_street(BASELINE_AEB, 12.0);
        put_walker(s, CASES[i].x_m, CASES[i].y_m, CASES[i].vx_mps);
        assert_int_equal(drive(s).accel_mps2 < -6.0, CASES[i].brakes);
        driver_destroy(&s->driver);
    }
}

static void test_aeb_lets_go_after_a_clear_second(void **state)
{
    street *s = open_street(BASELINE_AEB, 12.0);
    (void)state;
    put_walker(s, 0.0, 15.0, 0.0);
    assert_true(drive(s).accel_mps2 < -6.0);
    s->frame.n_agents = 0;
    uint32_t ticks = 0;
    while (drive(s).accel_mps2 < 0.0 && ticks < 100) {
        ticks++;
    }
    assert_int_equal(ticks, (uint32_t)lround(BASELINE_PARAMS.clear_s / 0.05) - 1);
    driver_destroy(&s->driver);
}

static void test_aeb_waits_for_who_stands_before_the_standing_ego(void **state)
{
    street *s = open_street(BASELINE_AEB, 0.0);
    (void)state;
    put_walker(s, 0.0, 3.0, 0.0);
    for (int i = 0; i < 100; i++) {
        assert_true(drive(s).accel_mps2 < 0.0);
    }
    driver_destroy(&s->driver);
}

static void test_crawl_keeps_to_its_limit(void **state)
{
    street *s = open_street(BASELINE_CRAWL25, 25.0 / 3.6);
    (void)state;
    hp_assert_near(drive(s).accel_mps2, 0.0, 1e-9);
    driver_destroy(&s->driver);
}

static void test_only_cautious_slows_down_before_a_hidden_edge(void **state)
{
    street *aeb = open_street(BASELINE_AEB, 50.0 / 3.6);
    (void)state;
    put_parked_car(aeb, -3.0, 15.0);
    hp_assert_near(drive(aeb).accel_mps2, 0.0, 1e-9);
    driver_destroy(&aeb->driver);
    street *cautious = open_street(BASELINE_CAUTIOUS, 50.0 / 3.6);
    put_parked_car(cautious, -3.0, 15.0);
    assert_true(drive(cautious).accel_mps2 < -1.0);
    driver_destroy(&cautious->driver);
}

static void test_cautious_does_not_mind_a_far_edge(void **state)
{
    street *s = open_street(BASELINE_CAUTIOUS, 50.0 / 3.6);
    (void)state;
    put_parked_car(s, -9.0, 15.0);
    hp_assert_near(drive(s).accel_mps2, 0.0, 1e-9);
    driver_destroy(&s->driver);
}

static void test_parameters_are_told(void **state)
{
    char text[256];
    (void)state;
    baseline_describe(text, sizeof text);
    assert_non_null(strstr(text, "TTC"));
    assert_true(strlen(text) < sizeof text - 1);
}

/** What is refused says why, and what to do. */
static void test_driver_tells_why_it_cannot_prune(void **state)
{
    static cli_config config;
    hp_error error = {{0}};
    driver *d = NULL;
    (void)state;
    cli_config_default(&config);
    (void)snprintf(config.car.prune.calibration, sizeof config.car.prune.calibration, "nowhere");
    assert_int_equal(direct_driver_create(&config, false, POMDP_PRUNE_CRUDE, &d, &error),
                     HP_ECONFIG);
    assert_null(d);
    assert_non_null(strstr(error.text, "no calibration"));
    assert_non_null(strstr(error.text, "hyplan calibrate prune"));
    assert_int_equal(direct_driver_create(&config, false, POMDP_PRUNE_OFF, &d, &error), HP_OK);
    driver_destroy(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stand_never_moves_off),
        cmocka_unit_test(test_const_reacts_to_nobody),
        cmocka_unit_test(test_aeb_brakes_for_who_will_be_in_the_way_only),
        cmocka_unit_test(test_aeb_lets_go_after_a_clear_second),
        cmocka_unit_test(test_aeb_waits_for_who_stands_before_the_standing_ego),
        cmocka_unit_test(test_crawl_keeps_to_its_limit),
        cmocka_unit_test(test_only_cautious_slows_down_before_a_hidden_edge),
        cmocka_unit_test(test_cautious_does_not_mind_a_far_edge),
        cmocka_unit_test(test_parameters_are_told),
        cmocka_unit_test(test_driver_tells_why_it_cannot_prune),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
