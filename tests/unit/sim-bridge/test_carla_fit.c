/* What pedals and wheel do, found out by driving in the stand-in, whose cars are known. */
#include "sim-bridge/carla/carla_fit.h"
#include "tests/support/hp_test.h"
#include "tests/unit/sim-bridge/carla_rig.h"

#include <string.h>

static void assert_as_it_was(const rig *r)
{
    carla_settings settings;
    carla_snapshot snapshot;
    hp_error error = {{0}};
    carla_client *client = rig_client(r);
    assert_int_equal(carla_client_settings(client, &settings, &error), HP_OK);
    assert_false(settings.synchronous);
    assert_int_equal(carla_client_wait(client, &snapshot, &error), HP_OK);
    assert_int_equal(snapshot.n_actors, 1);
    carla_client_close(&client);
}

/** Fits a car and compares with what it was made of; throttle and brake to 2 %. */
static void check(const sim_vehicle_config *vehicle, carla_version version, double steer_share)
{
    rig *r = rig_open_steered(version, vehicle, steer_share);
    carla_fit fit;
    hp_error error = {{0}};
    if (carla_fit_drive(&r->carla, 0.05, NULL, &fit, &error) != HP_OK) {
        fail_msg("%s", error.text);
    }
    print_message("throttle %.3f brake %.3f rolling %.3f drag %.5f steer %.3f, rms %.4f, %u\n",
                  fit.throttle_mps2, fit.brake_mps2, fit.rolling_mps2, fit.drag_mps2_per_mps2,
                  fit.steer_gain, fit.rms_mps2, fit.n_samples);
    hp_assert_near(fit.throttle_mps2 / vehicle->max_accel_mps2, 1.0, 0.02);
    hp_assert_near(fit.brake_mps2 / vehicle->max_decel_mps2, 1.0, 0.02);
    hp_assert_near(fit.rolling_mps2, vehicle->rolling_mps2, 0.03);
    hp_assert_near(fit.drag_mps2_per_mps2, vehicle->drag_mps2_per_mps2, 0.0005);
    hp_assert_near(fit.steer_gain / steer_share, 1.0, 0.01);
    assert_true(fit.rms_mps2 < 0.05 && fit.straight_m > 600.0);
    assert_as_it_was(r);
    rig_close(r);
}

static void test_carla_fit_finds_the_car_back_when_it_is_the_default(void **state)
{
    sim_vehicle_config vehicle;
    (void)state;
    sim_vehicle_config_default(&vehicle);
    check(&vehicle, CARLA_0_9_16, 1.0);
}

static void test_carla_fit_finds_the_car_back_when_it_is_another(void **state)
{
    sim_vehicle_config vehicle;
    (void)state;
    sim_vehicle_config_default(&vehicle);
    vehicle.max_accel_mps2 = 3.2;
    vehicle.max_decel_mps2 = 6.5;
    vehicle.rolling_mps2 = 0.3;
    vehicle.drag_mps2_per_mps2 = 0.002;
    vehicle.max_steer_rad = 0.9; /* 1.29 are told */
    check(&vehicle, CARLA_0_9_13, 0.7);
}

static void test_carla_fit_is_refused_when_the_car_does_not_move(void **state)
{
    sim_vehicle_config vehicle;
    carla_fit fit;
    hp_error error = {{0}};
    (void)state;
    sim_vehicle_config_default(&vehicle);
    vehicle.max_accel_mps2 = 0.01;
    rig *r = rig_open_with(CARLA_0_9_16, &vehicle);
    assert_int_equal(carla_fit_drive(&r->carla, 0.05, NULL, &fit, &error), HP_EINVAL);
    assert_non_null(strstr(error.text, "hardly moved"));
    rig_close(r);
}

static bool stop_in_the_middle(void)
{
    static int n_asked;
    return ++n_asked == 100;
}

static void test_carla_fit_leaves_the_server_as_it_was_when_it_is_stopped(void **state)
{
    rig *r = rig_open(CARLA_0_9_16);
    carla_fit fit;
    hp_error error = {{0}};
    (void)state;
    assert_int_equal(carla_fit_drive(&r->carla, 0.05, stop_in_the_middle, &fit, &error),
                     HP_EINTERRUPTED);
    assert_as_it_was(r);
    rig_close(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_carla_fit_finds_the_car_back_when_it_is_the_default),
        cmocka_unit_test(test_carla_fit_finds_the_car_back_when_it_is_another),
        cmocka_unit_test(test_carla_fit_is_refused_when_the_car_does_not_move),
        cmocka_unit_test(test_carla_fit_leaves_the_server_as_it_was_when_it_is_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
