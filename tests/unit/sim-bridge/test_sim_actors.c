/* The scripted bodies: triggers, stop rules, touching, cars that stop and yield. */
#include "sim-bridge/sim_actors.h"
#include "tests/support/hp_test.h"

#include <string.h>

#define TICK_S 0.05

/** A street along y: one walker at (-4, 0) who strolls south and crosses east, no car. */
typedef struct stage {
    sim_scenario scenario;
    sim_scene scene;
    sim_actors actors;
    hp_box ego;
    double ego_mps;
} stage;

static void set_stage(stage *s)
{
    memset(s, 0, sizeof *s);
    s->scenario.n_walkers = 1;
    s->scenario.walkers[0] = (sim_walker_spec){.start = {-4.0, 0.0},
                                               .before = {0.0, -1.0},
                                               .after = {1.0, 0.0},
                                               .trigger_axis = {0.0, 1.0},
                                               .stop_normal = {1.0, 0.0},
                                               .stop_offset_m = 4.5,
                                               .length_m = 0.375,
                                               .width_m = 0.375};
    s->scene = (sim_scene){.speed_mps = 1.0, .distance_m = 10.0, .car_speed_mps = 4.0};
    s->ego = (hp_box){{2.0, -60.0, HP_PI / 2}, 4.182, 1.994};
    s->ego_mps = 10.0;
}

static void set_car(stage *s)
{
    s->scenario.n_cars = 1;
    s->scenario.cars[0] = (sim_car_spec){
        .pose = {-1.5, 50.0, -HP_PI / 2}, .length_m = 4.0, .width_m = 2.0, .speed_mps = NAN};
}

static void reset(stage *s)
{
    sim_actors_reset(&s->scenario, &s->scene, &s->actors);
}

/** Moves nothing but the bodies; the ego stays where the test put it. */
static void step(stage *s)
{
    sim_actors_step(&s->scenario, &s->scene, (hp_vec2){s->ego.centre.x_m, s->ego.centre.y_m},
                    &s->ego, s->ego_mps, TICK_S, &s->actors);
}

static hp_vec2 walker_at(const stage *s)
{
    return s->actors.walkers[0].position;
}

static void strolls_until_triggered_then_crosses_for_good(void **state)
{
    (void)state;
    static stage s;
    set_stage(&s);
    reset(&s);
    for (int i = 0; i < 20; ++i) {
        step(&s);
    }
    hp_assert_near(walker_at(&s).x_m, -4.0, 0.0);
    hp_assert_near(walker_at(&s).y_m, -1.0, 1e-12);
    s.ego.centre.y_m = -11.0; /* exactly the distance: not yet */
    s.actors.walkers[0].position.y_m = -1.0;
    step(&s);
    assert_false(s.actors.walkers[0].triggered);
    s.ego.centre.y_m = walker_at(&s).y_m - 9.99;
    step(&s);
    assert_true(s.actors.walkers[0].triggered);
    hp_assert_near(walker_at(&s).x_m, -4.0 + TICK_S, 1e-12); /* in the very step */
    s.ego.centre.y_m = -500.0;
    for (int i = 0; i < 19; ++i) {
        step(&s);
    }
    hp_assert_near(walker_at(&s).x_m, -3.0, 1e-12);
    hp_assert_near(walker_at(&s).y_m, -1.05, 1e-12);
}

static void stops_beyond_his_line_and_only_once_triggered(void **state)
{
    (void)state;
    static stage s;
    set_stage(&s);
    s.scenario.walkers[0].start.x_m = 5.0; /* beyond the line already, but strolling */
    reset(&s);
    for (int i = 0; i < 20; ++i) {
        step(&s);
    }
    hp_assert_near(walker_at(&s).y_m, -1.0, 1e-12);
    set_stage(&s);
    s.ego.centre.y_m = -5.0;
    reset(&s);
    for (int i = 0; i < 400; ++i) {
        step(&s);
    }
    assert_true(s.actors.walkers[0].arrived);
    assert_true(walker_at(&s).x_m > 4.5 && walker_at(&s).x_m <= 4.5 + TICK_S + 1e-9);
    hp_assert_near(s.actors.walkers[0].velocity.x_m, 0.0, 0.0);
}

static void a_standing_walker_tells_nothing(void **state)
{
    (void)state;
    static stage s;
    sim_body bodies[SIM_MAX_BODIES];
    set_stage(&s);
    s.scenario.walkers[0].before = (hp_vec2){0.0, 0.0};
    reset(&s);
    step(&s);
    assert_int_equal(sim_actors_bodies(&s.scenario, &s.actors, bodies), 1);
    hp_assert_near(bodies[0].vx_mps, 0.0, 0.0);
    hp_assert_near(bodies[0].vy_mps, 0.0, 0.0);
    hp_assert_near(bodies[0].box.centre.yaw_rad, 0.0, 0.0);
    hp_assert_near(walker_at(&s).y_m, 0.0, 0.0);
}

static void waits_at_the_standing_ego_and_goes_on(void **state)
{
    (void)state;
    static stage s;
    sim_body bodies[SIM_MAX_BODIES];
    set_stage(&s);
    s.ego.centre.y_m = 0.0;
    s.ego_mps = 0.0;
    reset(&s);
    for (int i = 0; i < 200; ++i) {
        step(&s);
        (void)sim_actors_bodies(&s.scenario, &s.actors, bodies);
        assert_false(hp_box_overlap(&s.ego, &bodies[0].box));
    }
    /* Stands within a step of the flank at 2 - 0.997. */
    hp_assert_near(walker_at(&s).x_m + 0.1875, 1.003, TICK_S + 1e-9);
    assert_true(s.actors.walkers[0].waiting);
    s.ego_mps = 1.0; /* drives off: he keeps waiting until the way is free */
    step(&s);
    assert_true(s.actors.walkers[0].waiting);
    s.ego.centre.y_m = 10.0;
    step(&s);
    assert_false(s.actors.walkers[0].waiting);
    hp_assert_near(s.actors.walkers[0].velocity.x_m, 1.0, 0.0);
}

static void walks_into_a_moving_ego(void **state)
{
    (void)state;
    static stage s;
    sim_body bodies[SIM_MAX_BODIES];
    set_stage(&s);
    s.ego.centre.y_m = 0.0;
    s.ego_mps = 0.02;
    reset(&s);
    bool touched = false;
    for (int i = 0; i < 200; ++i) {
        step(&s);
        (void)sim_actors_bodies(&s.scenario, &s.actors, bodies);
        touched = touched || hp_box_overlap(&s.ego, &bodies[0].box);
    }
    assert_true(touched);
    assert_true(s.actors.walkers[0].arrived);
}

static void car_drives_at_the_scenes_or_its_own_speed(void **state)
{
    (void)state;
    static stage s;
    set_stage(&s);
    set_car(&s);
    reset(&s);
    for (int i = 0; i < 20; ++i) {
        step(&s);
    }
    hp_assert_near(s.actors.cars[0].position.y_m, 46.0, 1e-9);
    hp_assert_near(s.actors.cars[0].position.x_m, -1.5, 1e-9);
    s.scenario.cars[0].speed_mps = 9.0;
    reset(&s);
    for (int i = 0; i < 20; ++i) {
        step(&s);
    }
    hp_assert_near(s.actors.cars[0].position.y_m, 41.0, 1e-9);
}

static void car_stops_for_good_at_its_line(void **state)
{
    (void)state;
    static stage s;
    set_stage(&s);
    set_car(&s);
    s.scenario.cars[0].stop_normal = (hp_vec2){0.0, -1.0};
    s.scenario.cars[0].stop_offset_m = -40.0; /* y < 40 */
    reset(&s);
    for (int i = 0; i < 200; ++i) {
        step(&s);
    }
    assert_true(s.actors.cars[0].position.y_m < 40.0 && s.actors.cars[0].position.y_m > 39.7);
    hp_assert_near(s.actors.cars[0].speed_mps, 0.0, 0.0);
}

static void car_waits_for_a_walker_ahead_and_drives_on(void **state)
{
    (void)state;
    static stage s;
    set_stage(&s);
    set_car(&s);
    s.scenario.cars[0].pose.y_m = 20.0;
    s.scenario.cars[0].yield_gap_m = 5.0;
    s.scenario.cars[0].yield_normal = (hp_vec2){-1.0, 0.0}; /* while he is west of x = 0 */
    s.scenario.walkers[0].before = (hp_vec2){0.0, 0.0};
    reset(&s);
    for (int i = 0; i < 200; ++i) {
        step(&s);
    }
    hp_assert_near(s.actors.cars[0].position.y_m, 5.0, 4.0 * TICK_S + 1e-9);
    assert_true(s.actors.cars[0].position.y_m > 4.5);
    assert_false(s.actors.cars[0].stopped);
    s.actors.walkers[0].position.x_m = 0.1;
    const double y_m = s.actors.cars[0].position.y_m;
    step(&s);
    hp_assert_near(s.actors.cars[0].position.y_m, y_m - 4.0 * TICK_S, 1e-12);
}

static void car_brakes_near_the_ego_and_never_starts_again(void **state)
{
    (void)state;
    static stage s;
    set_stage(&s);
    set_car(&s);
    s.scene.car_speed_mps = 5.0;
    s.scenario.cars[0].stop_gap_m = 10.0;
    s.scenario.cars[0].decel_mps2 = 6.0;
    s.ego.centre = (hp_pose){-1.5, 20.0, HP_PI / 2};
    reset(&s);
    double at_m = INFINITY;
    for (int i = 0; i < 400; ++i) {
        const double gap_m = s.actors.cars[0].position.y_m - 20.0;
        at_m = gap_m < 10.0 && isinf(at_m) ? gap_m : at_m;
        step(&s);
    }
    /* v^2 / 2a from where the rule first held */
    hp_assert_near(s.actors.cars[0].position.y_m - 20.0, at_m - 25.0 / 12.0, 1e-9);
    s.ego.centre.y_m = -100.0;
    for (int i = 0; i < 100; ++i) {
        step(&s);
    }
    hp_assert_near(s.actors.cars[0].speed_mps, 0.0, 0.0);
}

static void a_copied_state_goes_on_alike(void **state)
{
    (void)state;
    static stage a;
    set_stage(&a);
    set_car(&a);
    reset(&a);
    for (int i = 0; i < 30; ++i) {
        step(&a);
    }
    static stage b;
    b = a;
    for (int i = 0; i < 300; ++i) {
        a.ego.centre.y_m += 0.5;
        b.ego.centre.y_m += 0.5;
        step(&a);
        step(&b);
    }
    assert_memory_equal(&a.actors, &b.actors, sizeof a.actors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strolls_until_triggered_then_crosses_for_good),
        cmocka_unit_test(stops_beyond_his_line_and_only_once_triggered),
        cmocka_unit_test(a_standing_walker_tells_nothing),
        cmocka_unit_test(waits_at_the_standing_ego_and_goes_on),
        cmocka_unit_test(walks_into_a_moving_ego),
        cmocka_unit_test(car_drives_at_the_scenes_or_its_own_speed),
        cmocka_unit_test(car_stops_for_good_at_its_line),
        cmocka_unit_test(car_waits_for_a_walker_ahead_and_drives_on),
        cmocka_unit_test(car_brakes_near_the_ego_and_never_starts_again),
        cmocka_unit_test(a_copied_state_goes_on_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
