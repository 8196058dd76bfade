/* Walkers who react, and crowds: where they are placed, and that they heed each other. */
#include "sim-bridge/sim_crowd.h"
#include "tests/support/hp_test.h"

#include <string.h>

#define TICK_S 0.05

/** A walker who strolls 6 m south beside the road and crosses east then; the ego where a test puts
 * it. */
typedef struct stage {
    sim_scenario scenario;
    sim_scene scene;
    sim_actors actors;
    hp_box ego;
    double ego_mps;
} stage;

static void set_stage(stage *s, sim_character character)
{
    memset(s, 0, sizeof *s);
    s->scenario.varies = SIM_VARIES_APPROACH;
    s->scenario.n_walkers = 1;
    s->scenario.walkers[0] = (sim_walker_spec){.start = {-4.0, 0.0},
                                               .before = {0.0, -1.0},
                                               .after = {1.0, 0.0},
                                               .stop_normal = {1.0, 0.0},
                                               .stop_offset_m = 4.5,
                                               .length_m = 0.375,
                                               .width_m = 0.375,
                                               .character = character,
                                               .walk_m = 6.0,
                                               .decide_m = 3.0,
                                               .look_share = 0.5};
    s->scene = (sim_scene){.speed_mps = 1.0, .distance_m = 50.0};
    s->ego = (hp_box){{2.0, -100.0, HP_PI / 2}, 4.182, 1.994};
    s->ego_mps = 8.0;
    sim_actors_reset(&s->scenario, &s->scene, &s->actors);
}

static void steps(stage *s, int n)
{
    for (int i = 0; i < n; ++i) {
        sim_actors_step(&s->scenario, &s->scene, (hp_vec2){s->ego.centre.x_m, s->ego.centre.y_m},
                        &s->ego, s->ego_mps, TICK_S, &s->actors);
    }
}

static double crossed(const stage *s)
{
    return s->actors.walkers[0].position.x_m + 4.0;
}

static void strolls_his_way_then_crosses_wherever_the_ego_is(void **state)
{
    static stage s;
    (void)state;
    set_stage(&s, SIM_SCRIPTED);
    steps(&s, 120);
    assert_false(s.actors.walkers[0].triggered);
    steps(&s, 22);
    assert_true(s.actors.walkers[0].triggered);
    hp_assert_near(s.actors.walkers[0].position.y_m, -6.0, 0.06);
    hp_assert_near(crossed(&s), 1.0, 0.11);
    assert_false(s.actors.walkers[0].looks); /* a scripted one never does */
}

static void looks_at_the_car_from_his_share_of_the_way_on(void **state)
{
    static stage s;
    sim_body bodies[SIM_MAX_BODIES];
    (void)state;
    set_stage(&s, SIM_YIELDING);
    steps(&s, 50);
    (void)sim_actors_bodies(&s.scenario, &s.actors, bodies);
    assert_false(bodies[0].looks);
    steps(&s, 20);
    (void)sim_actors_bodies(&s.scenario, &s.actors, bodies);
    assert_true(bodies[0].looks);
}

static void gives_way_to_a_fast_near_car_and_goes_on_when_it_is_past(void **state)
{
    static stage s;
    (void)state;
    for (int back = 0; back < 2; ++back) {
        set_stage(&s, SIM_YIELDING);
        s.scenario.walkers[0].steps_back = back == 1;
        steps(&s, 160); /* about 2 m across */
        assert_true(crossed(&s) > 1.5 && crossed(&s) < 2.5);
        const double before_m = crossed(&s);
        s.ego.centre.y_m = -18.0;
        steps(&s, 60);
        if (back == 1) {
            hp_assert_near(crossed(&s), 0.0, 0.06);
        } else {
            hp_assert_near(crossed(&s), before_m, 1e-9);
        }
        s.ego.centre.y_m = 10.0; /* past him */
        steps(&s, 400);
        assert_true(s.actors.walkers[0].arrived);
    }
}

static void gives_no_way_to_a_slow_car_nor_after_his_decision(void **state)
{
    static stage s;
    (void)state;
    set_stage(&s, SIM_YIELDING);
    steps(&s, 150);
    s.ego.centre.y_m = -18.0;
    s.ego_mps = 4.0;
    const double before_m = crossed(&s);
    steps(&s, 20);
    hp_assert_near(crossed(&s), before_m + 1.0, 1e-9);
    set_stage(&s, SIM_YIELDING);
    steps(&s, 200);
    assert_true(crossed(&s) > 3.0);
    s.ego.centre.y_m = -18.0;
    steps(&s, 200);
    assert_true(s.actors.walkers[0].arrived);
}

static void forcing_comes_back_on_to_the_road_once(void **state)
{
    static stage s;
    double farthest_m = 0.0;
    double back_m = 100.0;
    (void)state;
    set_stage(&s, SIM_FORCING);
    s.scenario.walkers[0].return_m = 3.0;
    s.ego.centre.y_m = -16.0; /* near and fast all the time: he does not mind */
    for (int i = 0; i < 800; ++i) {
        steps(&s, 1);
        farthest_m = hp_max(farthest_m, crossed(&s));
        if (farthest_m > 8.0) {
            back_m = hp_min(back_m, crossed(&s));
        }
    }
    hp_assert_near(back_m, farthest_m - 3.0, 0.2);
    assert_true(s.actors.walkers[0].arrived && s.actors.walkers[0].returned);
    assert_true(crossed(&s) > 8.4);
}

static void read_scenario(const char *path, sim_scenario *out)
{
    hp_error error = {{0}};
    const hp_status status = sim_scenario_read(path, out, &error);
    if (status != HP_OK) {
        fail_msg("%s", error.text);
    }
}

static void approach_scenes_place_and_temper_by_their_draw(void **state)
{
    static sim_scenario base;
    static sim_scenario a;
    static sim_scenario b;
    static sim_scene scenes[SIM_MAX_SCENES];
    uint32_t returns = 0;
    (void)state;
    read_scenario("scenarios/icts/05.yaml", &base);
    const uint32_t n = sim_grid_scenes(&base, SIM_GRID_EVALUATION, scenes);
    assert_int_equal(n, 5 * 50);
    for (uint32_t i = 0; i < n; ++i) {
        sim_scenario_stage(&base, &scenes[i], &a);
        sim_scenario_stage(&base, &scenes[i], &b);
        assert_memory_equal(&a, &b, sizeof a);
        const sim_walker_spec *w = &a.walkers[0];
        hp_assert_near(w->start.y_m, -270.0 + scenes[i].distance_m, 1e-9);
        assert_true(w->walk_m >= 5.0 && w->walk_m <= 12.0);
        assert_true(w->decide_m >= 1.0 && w->decide_m <= 5.0);
        returns += w->return_m > 0.0 ? 1 : 0;
    }
    assert_true(returns > n / 4 && returns < 3 * n / 4);
}

static void a_script_without_a_draw_stays_as_it_is(void **state)
{
    static sim_scenario base;
    static sim_scenario staged;
    sim_scene scene = sim_scene_default();
    (void)state;
    read_scenario("scenarios/cts/03.yaml", &base);
    sim_scenario_stage(&base, &scene, &staged);
    assert_memory_equal(&staged, &base, sizeof base);
    scene.draw = 7;
    sim_scenario_stage(&base, &scene, &staged);
    assert_int_equal(staged.n_walkers, 2);
}

static bool is_in(const hp_rect *rects, uint32_t n, hp_vec2 p)
{
    for (uint32_t i = 0; i < n; ++i) {
        if (hp_rect_contains(&rects[i], p)) {
            return true;
        }
    }
    return false;
}

static void crowds_are_placed_beside_the_road_by_their_draw(void **state)
{
    static sim_scenario base;
    static sim_scenario s;
    uint32_t across = 0;
    (void)state;
    read_scenario("scenarios/crowd/20.yaml", &base);
    for (uint32_t draw = 1; draw <= 50; ++draw) {
        sim_scenario_stage(&base, &(sim_scene){.draw = draw}, &s);
        assert_int_equal(s.n_walkers, 15);
        assert_int_equal(s.n_cars, 5);
        for (uint32_t i = 0; i < s.n_walkers; ++i) {
            const sim_walker_spec *w = &s.walkers[i];
            assert_true(is_in(s.pavement, s.n_pavement, w->start));
            assert_true(is_in(s.pavement, s.n_pavement, w->goal));
            assert_true(w->start.y_m >= -252.1 && w->start.y_m <= -149.9);
            across += w->start.x_m * w->goal.x_m < 0.0 ? 1 : 0;
        }
        for (uint32_t i = 0; i < s.n_cars; ++i) {
            const hp_vec2 at = {s.cars[i].pose.x_m, s.cars[i].pose.y_m};
            assert_true(is_in(s.road, s.n_road, at) || at.y_m > 3.0);
            for (uint32_t k = 0; k < i; ++k) {
                assert_true(hp_dist(at, (hp_vec2){s.cars[k].pose.x_m, s.cars[k].pose.y_m}) > 6.0 ||
                            at.x_m != s.cars[k].pose.x_m);
            }
        }
    }
    assert_true(across > 300 && across < 600); /* of 750: six in ten cross */
}

/** Plays a crowd around an ego that stands at its start. */
static void crowds_heed_each_other(void **state)
{
    static sim_scenario base;
    static sim_scenario s;
    static sim_actors actors;
    uint32_t there = 0;
    uint32_t struck = 0;
    (void)state;
    read_scenario("scenarios/crowd/08.yaml", &base);
    for (uint32_t draw = 1; draw <= 20; ++draw) {
        const sim_scene scene = {.draw = draw};
        const hp_box ego = {base.ego_start, 4.182, 1.994};
        sim_scenario_stage(&base, &scene, &s);
        sim_actors_reset(&s, &scene, &actors);
        for (int tick = 0; tick < 1200; ++tick) {
            sim_body bodies[SIM_MAX_BODIES];
            sim_actors_step(&s, &scene, (hp_vec2){ego.centre.x_m, ego.centre.y_m}, &ego, 0.0,
                            TICK_S, &actors);
            const uint32_t n = sim_actors_bodies(&s, &actors, bodies);
            for (uint32_t i = 0; i < n; ++i) {
                assert_true(isfinite(bodies[i].box.centre.x_m));
                assert_false(hp_box_overlap(&bodies[i].box, &ego));
            }
            for (uint32_t c = 0; c < s.n_cars; ++c) {
                for (uint32_t i = 0; i < s.n_walkers && actors.cars[c].speed_mps > 1.0; ++i) {
                    struck += hp_box_overlap(&bodies[s.n_walkers + c].box, &bodies[i].box) ? 1 : 0;
                }
            }
        }
        for (uint32_t i = 0; i < s.n_walkers; ++i) {
            there += hp_dist(actors.walkers[i].position, s.walkers[i].goal) < 0.5 ? 1 : 0;
        }
    }
    assert_true(there > 100); /* of 120 */
    assert_int_equal(struck, 0);
}

static void the_patient_wait_for_a_car(void **state)
{
    static stage s;
    (void)state;
    set_stage(&s, SIM_SOCIAL);
    sim_walker_spec *w = &s.scenario.walkers[0];
    s.scenario.n_road = 1;
    s.scenario.road[0] = (hp_rect){-3.0, -300.0, 3.0, 300.0};
    w->speed_mps = 1.4;
    w->goal = (hp_vec2){5.0, 0.0};
    w->patient = true;
    w->start.x_m = -3.2;
    sim_actors_reset(&s.scenario, &s.scene, &s.actors);
    s.ego.centre.y_m = -25.0;
    steps(&s, 40);
    hp_assert_near(s.actors.walkers[0].position.x_m, -3.2, 1e-9);
    s.ego.centre.y_m = 20.0;
    steps(&s, 200);
    hp_assert_near(s.actors.walkers[0].position.x_m, 5.0, 0.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strolls_his_way_then_crosses_wherever_the_ego_is),
        cmocka_unit_test(looks_at_the_car_from_his_share_of_the_way_on),
        cmocka_unit_test(gives_way_to_a_fast_near_car_and_goes_on_when_it_is_past),
        cmocka_unit_test(gives_no_way_to_a_slow_car_nor_after_his_decision),
        cmocka_unit_test(forcing_comes_back_on_to_the_road_once),
        cmocka_unit_test(approach_scenes_place_and_temper_by_their_draw),
        cmocka_unit_test(a_script_without_a_draw_stays_as_it_is),
        cmocka_unit_test(crowds_are_placed_beside_the_road_by_their_draw),
        cmocka_unit_test(crowds_heed_each_other),
        cmocka_unit_test(the_patient_wait_for_a_car),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
