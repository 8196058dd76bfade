/* The ego's body against closed forms: lags, braking distance, circles, friction, standstill. */
#include "common/hp_rng.h"
#include "sim-bridge/sim_vehicle.h"
#include "tests/support/hp_test.h"

#include <string.h>

#define TICK_S 0.05
#define V50 (50.0 / 3.6)

static const hp_pose ORIGIN = {0.0, 0.0, 0.0};

static sim_vehicle_config plain(void)
{
    sim_vehicle_config config;
    sim_vehicle_config_default(&config);
    return config;
}

static void drive_follows_with_first_order_lag(void **state)
{
    (void)state;
    sim_vehicle_config config = plain();
    config.drag_mps2_per_mps2 = 0.0;
    config.rolling_mps2 = 0.0;
    sim_vehicle car;
    sim_vehicle_reset(&car, ORIGIN, 0.0);
    for (int i = 1; i <= 40; ++i) {
        sim_vehicle_step(&config, &car, 3.0, 0.0, TICK_S);
        const double t = i * TICK_S;
        const double tau = config.drive_lag_s;
        hp_assert_near(car.drive_mps2, 3.0 * (1.0 - exp(-t / tau)), 1e-9);
        /* v = a (t - tau (1 - e^(-t / tau))); half a substep of integration error */
        hp_assert_near(car.state.speed_mps, 3.0 * (t - tau * (1.0 - exp(-t / tau))), 0.02);
    }
}

static void reaches_50_kmh_at_3_mps2(void **state)
{
    (void)state;
    const sim_vehicle_config config = plain();
    sim_vehicle car;
    int ticks = 0;
    sim_vehicle_reset(&car, ORIGIN, 0.0);
    while (car.state.speed_mps < V50 && ticks < 1000) {
        sim_vehicle_step(&config, &car, 3.0, 0.0, TICK_S);
        ++ticks;
    }
    hp_assert_near(ticks * TICK_S, V50 / 3.0 + config.drive_lag_s, 0.1);
    hp_assert_near(car.state.accel_mps2, 3.0, 0.05); /* the losses are compensated */
}

static double braking_distance(const sim_vehicle_config *config, double accel_mps2)
{
    sim_vehicle car;
    sim_vehicle_reset(&car, ORIGIN, V50);
    for (int i = 0; i < 400; ++i) {
        sim_vehicle_step(config, &car, accel_mps2, 0.0, TICK_S);
    }
    hp_assert_near(car.state.speed_mps, 0.0, 0.0);
    return car.state.pose.x_m;
}

static void braking_distance_is_v2_over_2a(void **state)
{
    (void)state;
    sim_vehicle_config config = plain();
    config.brake_lag_s = 0.0;
    config.drive_lag_s = 0.0;
    hp_assert_near(braking_distance(&config, -5.5), V50 * V50 / 11.0, 1e-9);
    config.brake_lag_s = 0.1; /* adds about v tau */
    hp_assert_near(braking_distance(&config, -5.5), V50 * V50 / 11.0 + V50 * 0.1, 0.15);
}

static void full_brake_ends_at_its_limit(void **state)
{
    (void)state;
    sim_vehicle_config config = plain();
    config.brake_lag_s = 0.0;
    config.drag_mps2_per_mps2 = 0.0;
    config.rolling_mps2 = 0.0;
    hp_assert_near(braking_distance(&config, -100.0), V50 * V50 / 16.0, 1e-9);
    hp_assert_near(braking_distance(&config, -INFINITY), V50 * V50 / 16.0, 1e-9);
    hp_assert_near(braking_distance(&config, NAN), V50 * V50 / 16.0, 1e-9);
}

static void constant_steering_drives_a_circle(void **state)
{
    (void)state;
    const sim_vehicle_config config = plain();
    const double delta = 0.2;
    const double rear_m = config.wheelbase_m / tan(delta);
    const double half = 0.5 * config.wheelbase_m;
    sim_vehicle car;
    sim_vehicle_reset(&car, ORIGIN, 3.0);
    car.state.steer_rad = delta;
    car.drive_mps2 = config.rolling_mps2 + config.drag_mps2_per_mps2 * 9.0; /* warm: no lag */
    for (int i = 1; i <= 600; ++i) {
        sim_vehicle_step(&config, &car, 0.0, delta, TICK_S);
        /* The circle's centre lies to the left of the rear axle. */
        hp_assert_near(hypot(car.state.pose.x_m + half, car.state.pose.y_m - rear_m),
                       hypot(rear_m, half), 1e-9);
        hp_assert_near(car.state.speed_mps, 3.0, 1e-12);
        hp_assert_near(car.state.yaw_rate_radps, 3.0 * tan(delta) / config.wheelbase_m, 1e-12);
        hp_assert_near(
            hp_angle_wrap(car.state.pose.yaw_rad - i * TICK_S * car.state.yaw_rate_radps), 0.0,
            1e-9);
    }
}

static void substeps_hardly_change_the_way(void **state)
{
    (void)state;
    sim_vehicle_config coarse = plain();
    sim_vehicle_config fine = plain();
    fine.substeps = 100;
    sim_vehicle a;
    sim_vehicle b;
    sim_vehicle_reset(&a, ORIGIN, 8.0);
    sim_vehicle_reset(&b, ORIGIN, 8.0);
    for (int i = 0; i < 100; ++i) {
        const double accel = i % 40 < 20 ? 2.0 : -3.0;
        const double steer = 0.1 * sin(0.1 * i);
        sim_vehicle_step(&coarse, &a, accel, steer, TICK_S);
        sim_vehicle_step(&fine, &b, accel, steer, TICK_S);
    }
    hp_assert_near(a.state.pose.x_m, b.state.pose.x_m, 0.1);
    hp_assert_near(a.state.pose.y_m, b.state.pose.y_m, 0.1);
}

static void tyres_bound_both_accelerations_together(void **state)
{
    (void)state;
    const sim_vehicle_config config = plain();
    sim_vehicle car;
    double most = 0.0;
    sim_vehicle_reset(&car, ORIGIN, 25.0);
    for (int i = 0; i < 60; ++i) {
        sim_vehicle_step(&config, &car, i < 30 ? 0.0 : -8.0, 0.5, TICK_S);
        const double across = car.state.speed_mps * car.state.yaw_rate_radps;
        most = fmax(most, hypot(across, car.state.accel_mps2));
    }
    assert_true(most <= config.friction_mps2 + 1e-9);
    assert_true(most > 0.99 * config.friction_mps2);
}

static void wheels_turn_at_their_rate(void **state)
{
    (void)state;
    const sim_vehicle_config config = plain();
    sim_vehicle car;
    sim_vehicle_reset(&car, ORIGIN, 5.0);
    for (int i = 1; i <= 10; ++i) {
        sim_vehicle_step(&config, &car, 0.0, 0.5, TICK_S);
        hp_assert_near(car.state.steer_rad, fmin(0.5, config.steer_rate_radps * i * TICK_S), 1e-12);
    }
    for (int i = 0; i < 100; ++i) {
        sim_vehicle_step(&config, &car, 0.0, INFINITY, TICK_S);
    }
    hp_assert_near(car.state.steer_rad, config.max_steer_rad, 1e-12);
    sim_vehicle_step(&config, &car, 0.0, NAN, TICK_S);
    hp_assert_near(car.state.steer_rad, config.max_steer_rad, 1e-12);
}

static void standstill_is_exact(void **state)
{
    static const double WISHES[] = {0.0, -5.5, -0.01, -INFINITY, NAN};
    (void)state;
    const sim_vehicle_config config = plain();
    for (size_t k = 0; k < HP_ARRAY_LEN(WISHES); ++k) {
        sim_vehicle car;
        sim_vehicle_reset(&car, (hp_pose){1.0, 2.0, 0.5}, 0.0);
        const hp_pose pose = car.state.pose;
        for (int i = 0; i < 500; ++i) {
            sim_vehicle_step(&config, &car, WISHES[k], 0.1, TICK_S);
        }
        assert_memory_equal(&car.state.pose, &pose, sizeof pose);
        hp_assert_near(car.state.speed_mps, 0.0, 0.0);
    }
}

static void holds_its_speed(void **state)
{
    (void)state;
    const sim_vehicle_config config = plain();
    sim_vehicle car;
    sim_vehicle_reset(&car, ORIGIN, V50);
    for (int i = 0; i < 200; ++i) {
        sim_vehicle_step(&config, &car, 0.0, 0.0, TICK_S);
    }
    /* What is lost is the first 0.2 s, until the engine carries the losses. */
    hp_assert_near(car.state.speed_mps, V50, 0.05);
}

static void power_limits_at_speed(void **state)
{
    (void)state;
    const sim_vehicle_config config = plain();
    sim_vehicle car;
    sim_vehicle_reset(&car, ORIGIN, 40.0);
    for (int i = 0; i < 40; ++i) {
        sim_vehicle_step(&config, &car, 5.0, 0.0, TICK_S);
    }
    const double v = car.state.speed_mps;
    hp_assert_near(car.state.accel_mps2,
                   config.power_wpkg / v - config.rolling_mps2 - config.drag_mps2_per_mps2 * v * v,
                   0.02);
}

static void any_command_leaves_a_sound_state(void **state)
{
    static const double ODD[] = {NAN, INFINITY, -INFINITY, 1e308, -1e308, 0.0, -0.0, 5e-324};
    (void)state;
    const sim_vehicle_config config = plain();
    const hp_rng stream = hp_rng_seed(7);
    sim_vehicle car;
    sim_vehicle twin;
    sim_vehicle_reset(&car, ORIGIN, 10.0);
    sim_vehicle_reset(&twin, ORIGIN, 10.0);
    for (uint64_t i = 0; i < 20000; ++i) {
        const uint64_t pick = hp_rng_u64(stream, 3 * i);
        const double accel = pick % 4 == 0 ? ODD[pick / 4 % HP_ARRAY_LEN(ODD)]
                                           : hp_rng_range(stream, 3 * i + 1, -10.0, 10.0);
        const double steer = pick % 5 == 0 ? ODD[pick / 5 % HP_ARRAY_LEN(ODD)]
                                           : hp_rng_range(stream, 3 * i + 2, -1.5, 1.5);
        const hp_pose before = car.state.pose;
        sim_vehicle_step(&config, &car, accel, steer, TICK_S);
        sim_vehicle_step(&config, &twin, accel, steer, TICK_S);
        assert_true(car.state.speed_mps >= 0.0 && car.state.speed_mps < 200.0);
        assert_true(isfinite(car.state.pose.x_m + car.state.pose.y_m + car.state.accel_mps2 +
                             car.state.steer_rad + car.state.yaw_rate_radps));
        assert_true(fabs(car.state.pose.yaw_rad) <= HP_PI);
        assert_true(hypot(car.state.pose.x_m - before.x_m, car.state.pose.y_m - before.y_m) < 10.0);
        assert_memory_equal(&car, &twin, sizeof car);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drive_follows_with_first_order_lag),
        cmocka_unit_test(reaches_50_kmh_at_3_mps2),
        cmocka_unit_test(braking_distance_is_v2_over_2a),
        cmocka_unit_test(full_brake_ends_at_its_limit),
        cmocka_unit_test(constant_steering_drives_a_circle),
        cmocka_unit_test(substeps_hardly_change_the_way),
        cmocka_unit_test(tyres_bound_both_accelerations_together),
        cmocka_unit_test(wheels_turn_at_their_rate),
        cmocka_unit_test(standstill_is_exact),
        cmocka_unit_test(holds_its_speed),
        cmocka_unit_test(power_limits_at_speed),
        cmocka_unit_test(any_command_leaves_a_sound_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
