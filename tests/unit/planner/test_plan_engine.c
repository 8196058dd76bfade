#include "planner/plan_engine.h"
#include "tests/support/hp_test.h"

#include <math.h>

static plan_config config;
static plan_engine engine;

static int setup(void **state)
{
    (void)state;
    plan_config_default(&config);
    plan_engine_begin(&engine);
    return 0;
}

/** An engine of a lag under what is sent for a wish; *most: what it did at most, at any time.
 * Returns seconds that it did less than wished, weighed by how much less. */
static double drive(double lag_s, double wish_mps2, double *most)
{
    const double step_s = 0.001;
    double now = 0.0;
    double lost = 0.0;
    *most = 0.0;
    for (int tick = 0; tick < 20; ++tick) {
        const double sent = plan_engine_lead(&config.control, &engine, wish_mps2);
        plan_engine_sent(&config.control, sent, &engine);
        for (int i = 0; i < 50; ++i) {
            now += (1.0 - exp(-step_s / lag_s)) * (sent - now);
            lost += (wish_mps2 - now) / wish_mps2 * step_s;
            *most = fmax(*most, now);
        }
    }
    hp_assert_near(now, wish_mps2, 0.01 * wish_mps2);
    return lost;
}

static void test_plan_engine_lead_sets_off_sooner_and_never_overdoes_it(void **state)
{
    (void)state;
    double most;
    const double led_s = drive(0.2, 3.0, &most);
    assert_true(most < 3.0 + 1e-6);
    config.control.engine_lag_s = 0.0;
    const double plain_s = drive(0.2, 3.0, &most);
    assert_true(plain_s > 0.19);
    assert_true(led_s < 0.5 * plain_s);
}

static void test_plan_engine_lead_asks_no_more_than_there_is(void **state)
{
    (void)state;
    const plan_control_config *c = &config.control;
    hp_assert_near(plan_engine_lead(c, &engine, 3.0), c->engine_mps2, 1e-12);
    config.control.engine_mps2 = 2.0;
    hp_assert_near(plan_engine_lead(c, &engine, 3.0), 3.0, 1e-12); /* what is wished goes out */
}

static void test_plan_engine_lead_lets_go_before_the_wish_does(void **state)
{
    (void)state;
    const plan_control_config *c = &config.control;
    for (int i = 0; i < 100; ++i) {
        plan_engine_sent(c, 3.0, &engine);
    }
    hp_assert_near(plan_engine_lead(c, &engine, 3.0), 3.0, 1e-6);
    hp_assert_near(plan_engine_lead(c, &engine, 0.5), 0.0, 1e-12); /* not the brake */
    const double a = plan_engine_lead(c, &engine, 2.8);
    assert_true(a > 0.0 && a < 2.8);
}

static void test_plan_engine_lead_leaves_brakes_alone(void **state)
{
    (void)state;
    hp_assert_near(plan_engine_lead(&config.control, &engine, -5.5), -5.5, 0.0);
    plan_engine_sent(&config.control, 3.0, &engine);
    const double drive_mps2 = engine.drive_mps2;
    plan_engine_sent(&config.control, -8.0, &engine); /* the engine lets go meanwhile */
    assert_true(engine.drive_mps2 > 0.0 && engine.drive_mps2 < drive_mps2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_plan_engine_lead_sets_off_sooner_and_never_overdoes_it, setup),
        cmocka_unit_test_setup(test_plan_engine_lead_asks_no_more_than_there_is, setup),
        cmocka_unit_test_setup(test_plan_engine_lead_lets_go_before_the_wish_does, setup),
        cmocka_unit_test_setup(test_plan_engine_lead_leaves_brakes_alone, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
