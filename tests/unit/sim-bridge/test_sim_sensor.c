/* What the ego can see: lines of sight, range, noise, misses, delay, ids that tell nothing. */
#include "sim-bridge/sim_sensor.h"
#include "tests/support/hp_test.h"

#include <string.h>

#define WHEELBASE_M 2.5

/** The ego at the origin looks east: its eye is at (1.25, 0). */
static const hp_ego_state EGO;
static const hp_vec2 EYE = {0.5 * WHEELBASE_M, 0.0};

static sim_body walker(double x_m, double y_m)
{
    return (sim_body){.kind = HP_CLASS_WALKER, .box = {{x_m, y_m, 0.0}, 0.4, 0.4}, .vx_mps = 1.0};
}

static sim_body car(double x_m, double y_m, bool parked)
{
    return (sim_body){.kind = HP_CLASS_CAR, .box = {{x_m, y_m, 0.0}, 4.0, 2.0}, .standing = parked};
}

static void looks(const sim_sensor_config *config, sim_sensor *sensor, uint32_t tick,
                  const sim_body *bodies, uint32_t n, hp_frame *frame)
{
    sim_sensor_look(config, sensor, tick, &EGO, WHEELBASE_M, bodies, n);
    sim_sensor_report(config, sensor, frame);
}

static void only_vehicles_hide(void **state)
{
    (void)state;
    sim_body bodies[] = {walker(20.0, 0.0), car(10.0, 0.0, true)};
    assert_false(sim_sensor_sees(EYE, bodies, 2, 0));
    assert_true(sim_sensor_sees(EYE, bodies, 2, 1)); /* a car does not hide itself */
    bodies[1].kind = HP_CLASS_WALKER;
    assert_true(sim_sensor_sees(EYE, bodies, 2, 0));
    bodies[1] = car(30.0, 0.0, true); /* behind him */
    assert_true(sim_sensor_sees(EYE, bodies, 2, 0));
    bodies[1] = car(-10.0, 0.0, true); /* behind the ego */
    assert_true(sim_sensor_sees(EYE, bodies, 2, 0));
}

static void one_corner_is_enough(void **state)
{
    (void)state;
    /* The edge of the shadow runs from the eye over the car's corner (8, 1); the walker's corner
     * that comes to light first is his nearer left one, at x = 19.8. */
    const double edge_m = (19.8 - EYE.x_m) / (8.0 - EYE.x_m);
    sim_body bodies[] = {walker(20.0, edge_m - 0.21), car(10.0, 0.0, true)};
    assert_false(sim_sensor_sees(EYE, bodies, 2, 0));
    bodies[0].box.centre.y_m = edge_m - 0.19;
    assert_true(sim_sensor_sees(EYE, bodies, 2, 0));
}

static void range_ends_sight(void **state)
{
    static sim_sensor sensor;
    static hp_frame frame;
    (void)state;
    sim_sensor_config config;
    sim_sensor_config_default(&config);
    sim_sensor_reset(&sensor, 1);
    sim_body bodies[] = {walker(49.9, 0.0), walker(0.0, -50.1)};
    looks(&config, &sensor, 0, bodies, 2, &frame);
    assert_int_equal(frame.n_agents, 1);
    hp_assert_near(frame.agents[0].pose.x_m, 49.9, 0.0);
    hp_assert_near(frame.agents[0].vx_mps, 1.0, 0.0);
}

static void ids_follow_first_sight_not_the_script(void **state)
{
    static sim_sensor sensor;
    static hp_frame frame;
    (void)state;
    sim_sensor_config config;
    sim_sensor_config_default(&config);
    sim_sensor_reset(&sensor, 1);
    sim_body bodies[] = {walker(80.0, 0.0), walker(20.0, 5.0), car(10.0, -8.0, true),
                         car(30.0, 10.0, false)};
    looks(&config, &sensor, 0, bodies, 4, &frame);
    assert_int_equal(frame.n_agents, 2);
    assert_int_equal(frame.n_occluders, 1);
    assert_int_equal(frame.agents[0].id, 1);
    assert_int_equal(frame.occluders[0].id, 2);
    assert_int_equal(frame.agents[1].id, 3);
    bodies[0].box.centre.x_m = 40.0; /* script index 0 is the newcomer */
    looks(&config, &sensor, 1, bodies, 4, &frame);
    assert_int_equal(frame.agents[0].id, 4);
    bodies[0].box.centre.x_m = 80.0;
    looks(&config, &sensor, 2, bodies, 4, &frame);
    assert_int_equal(frame.agents[0].id, 1);
}

static void delay_reports_old_others(void **state)
{
    static sim_sensor sensor;
    static hp_frame frame;
    (void)state;
    sim_sensor_config config;
    sim_sensor_config_default(&config);
    for (uint32_t delay = 0; delay <= SIM_MAX_DELAY; ++delay) {
        config.delay_ticks = delay;
        sim_sensor_reset(&sensor, 1);
        for (uint32_t tick = 0; tick < 40; ++tick) {
            const sim_body body = walker(tick + 1.0, 3.0);
            looks(&config, &sensor, tick, &body, 1, &frame);
            assert_int_equal(frame.n_agents, tick >= delay ? 1 : 0);
            if (tick >= delay) {
                hp_assert_near(frame.agents[0].pose.x_m, tick + 1.0 - delay, 0.0);
            }
        }
    }
}

static void noise_has_its_deviation_and_repeats(void **state)
{
    static sim_sensor sensor;
    static hp_frame frame;
    static hp_frame again;
    (void)state;
    sim_sensor_config config;
    sim_sensor_config_default(&config);
    config.position_noise_m = 0.3;
    config.speed_noise_mps = 0.2;
    const sim_body body = walker(20.0, 3.0);
    double sum[4] = {0.0};
    const uint32_t n = 4000;
    for (uint32_t tick = 0; tick < n; ++tick) {
        sim_sensor_reset(&sensor, 5);
        looks(&config, &sensor, tick, &body, 1, &frame);
        sim_sensor_reset(&sensor, 5);
        looks(&config, &sensor, tick, &body, 1, &again);
        assert_memory_equal(&frame.agents[0].pose, &again.agents[0].pose, sizeof(hp_pose));
        sum[0] += frame.agents[0].pose.x_m - 20.0;
        sum[1] += pow(frame.agents[0].pose.x_m - 20.0, 2.0);
        sum[2] += (frame.agents[0].pose.x_m - 20.0) * (frame.agents[0].pose.y_m - 3.0);
        sum[3] += pow(frame.agents[0].vx_mps - 1.0, 2.0);
    }
    hp_assert_near(sum[0] / n, 0.0, 4.0 * 0.3 / sqrt(n));
    hp_assert_near(sqrt(sum[1] / n), 0.3, 0.015);
    hp_assert_near(sum[2] / n, 0.0, 4.0 * 0.09 / sqrt(n));
    hp_assert_near(sqrt(sum[3] / n), 0.2, 0.01);
}

static void misses_have_their_share(void **state)
{
    static sim_sensor sensor;
    static hp_frame frame;
    (void)state;
    sim_sensor_config config;
    sim_sensor_config_default(&config);
    config.miss_p = 0.25;
    sim_sensor_reset(&sensor, 9);
    const sim_body body = walker(20.0, 3.0);
    uint32_t missed = 0;
    for (uint32_t tick = 0; tick < 4000; ++tick) {
        looks(&config, &sensor, tick, &body, 1, &frame);
        missed += frame.n_agents == 0 ? 1 : 0;
    }
    hp_assert_near(missed / 4000.0, 0.25, 0.03);
}

static void the_benchmarks_rule_looks_at_the_centre_line(void **state)
{
    static sim_sensor sensor;
    static hp_frame frame;
    (void)state;
    sim_sensor_config config;
    sim_sensor_config_default(&config);
    config.benchmark_rule = true;
    sim_sensor_reset(&sensor, 1);
    sim_body bodies[] = {walker(17.0, 6.0), car(20.0, 4.0, true)};
    assert_true(sim_sensor_sees(EYE, bodies, 2, 0)); /* in plain sight before the car */
    looks(&config, &sensor, 0, bodies, 2, &frame);
    assert_int_equal(frame.n_agents, 0);
    bodies[0].box.centre.y_m = 3.9; /* has passed the centre line */
    looks(&config, &sensor, 1, bodies, 2, &frame);
    assert_int_equal(frame.n_agents, 1);
    bodies[0] = walker(35.0, 5.0); /* far from the car: the rule says nothing */
    looks(&config, &sensor, 2, bodies, 2, &frame);
    assert_int_equal(frame.n_agents, 1);
}

/** Sight against a walk along the line in small steps. */
static void agrees_with_sampled_lines(void **state)
{
    (void)state;
    const hp_rng stream = hp_rng_seed(11);
    uint32_t seen = 0;
    for (uint64_t i = 0; i < 2000; ++i) {
        sim_body bodies[3];
        bodies[0] = walker(hp_rng_range(stream, 9 * i, 5.0, 30.0),
                           hp_rng_range(stream, 9 * i + 1, -8.0, 8.0));
        bodies[0].box.length_m = 1e-3; /* a point: corners and centre are one */
        bodies[0].box.width_m = 1e-3;
        for (uint64_t k = 1; k < 3; ++k) {
            bodies[k] = car(hp_rng_range(stream, 9 * i + 3 * k, 3.0, 25.0),
                            hp_rng_range(stream, 9 * i + 3 * k + 1, -6.0, 6.0), true);
            bodies[k].box.centre.yaw_rad = hp_rng_range(stream, 9 * i + 3 * k + 2, -3.0, 3.0);
        }
        const hp_vec2 to = {bodies[0].box.centre.x_m, bodies[0].box.centre.y_m};
        double nearest = INFINITY; /* of the line to a box, from outside */
        bool cut = false;
        for (int k = 0; k <= 2000; ++k) {
            const double t = k / 2000.0;
            const hp_vec2 p = {EYE.x_m + t * (to.x_m - EYE.x_m), EYE.y_m + t * (to.y_m - EYE.y_m)};
            for (int j = 1; j < 3; ++j) {
                cut = cut || hp_box_contains(&bodies[j].box, p);
                nearest = fmin(nearest, hp_box_distance(&bodies[j].box, p));
            }
        }
        if (!cut && nearest < 0.05) {
            continue; /* too close for the samples to tell */
        }
        assert_int_equal(sim_sensor_sees(EYE, bodies, 3, 0), !cut);
        seen += cut ? 0 : 1;
    }
    assert_true(seen > 300 && seen < 1700);
}

static void the_nearest_parked_cars_are_reported_when_there_are_too_many(void **state)
{
    enum { N = HP_MAX_OCCLUDERS + 8 };
    static sim_sensor sensor;
    static hp_frame frame;
    sim_body bodies[N + 1];
    sim_sensor_config config;
    bool told[N + 1] = {false};
    (void)state;
    sim_sensor_config_default(&config);
    sim_sensor_reset(&sensor, 1);
    for (uint32_t i = 0; i < N; ++i) { /* small ones round the ego, none hidden, from far to near */
        const double far_m = 8.0 + (double)(N - i);
        const double angle = 2.0 * HP_PI * i / N;
        bodies[i] = car(far_m * cos(angle), far_m * sin(angle), true);
        bodies[i].box.length_m = bodies[i].box.width_m = 0.2;
    }
    bodies[N] = walker(5.0, 0.0);
    looks(&config, &sensor, 0, bodies, N + 1, &frame);
    assert_int_equal(frame.n_agents, 1);
    assert_int_equal(frame.n_occluders, HP_MAX_OCCLUDERS);
    for (uint32_t i = 0; i < frame.n_occluders; ++i) {
        told[frame.occluders[i].id] = true;
    }
    for (uint32_t id = 1; id <= N; ++id) {
        assert_int_equal(told[id], id > N - HP_MAX_OCCLUDERS);
    }
}

static void who_was_seen_first_is_reported_when_too_many_are_equally_near(void **state)
{
    enum { N = HP_MAX_OCCLUDERS + 2 };
    static sim_sensor sensor;
    static hp_frame frame;
    sim_body bodies[N];
    sim_sensor_config config;
    (void)state;
    sim_sensor_config_default(&config);
    sim_sensor_reset(&sensor, 1);
    for (uint32_t i = 0; i < N; ++i) {
        bodies[i] = walker(10.0, 0.0); /* hides nobody */
        bodies[i].standing = true;
    }
    looks(&config, &sensor, 0, bodies, N, &frame);
    assert_int_equal(frame.n_occluders, HP_MAX_OCCLUDERS);
    for (uint32_t i = 0; i < frame.n_occluders; ++i) {
        assert_int_equal(frame.occluders[i].id, i + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_vehicles_hide),
        cmocka_unit_test(one_corner_is_enough),
        cmocka_unit_test(range_ends_sight),
        cmocka_unit_test(ids_follow_first_sight_not_the_script),
        cmocka_unit_test(delay_reports_old_others),
        cmocka_unit_test(noise_has_its_deviation_and_repeats),
        cmocka_unit_test(misses_have_their_share),
        cmocka_unit_test(the_benchmarks_rule_looks_at_the_centre_line),
        cmocka_unit_test(the_nearest_parked_cars_are_reported_when_there_are_too_many),
        cmocka_unit_test(who_was_seen_first_is_reported_when_too_many_are_equally_near),
        cmocka_unit_test(agrees_with_sampled_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
