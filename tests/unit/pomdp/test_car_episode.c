/* When an episode of the search ends because whoever crossed is out of the way for good. */
#include "pomdp/car/car_model.h"
#include "tests/support/hp_test.h"
#include "tests/unit/pomdp/car_fixture.h"

static car_config config;
static car_scene scene;
static hp_plan_request request;
static car_state one;

/** The ego at 10 m with a speed on a straight street, nobody there. */
static void begin(double speed_mps)
{
    car_config_default(&config);
    fixture_request(10.0, speed_mps, &request);
}

static void build(void)
{
    double weight = 0.0;
    assert_true(car_scene_build(&config, &request, &scene));
    car_model_sample(&scene, hp_rng_seed(4), 1, &one, &weight);
}

/** One step of the plain dynamics; true if the episode ends. */
static bool step(uint32_t action, uint64_t key)
{
    const pomdp_model model = car_model_make(&config, &scene);
    double reward = 0.0;
    uint8_t terminal = 0;
    pomdp_steps out = {.reward = &reward, .terminal = &terminal};
    model.step(&scene, &one, 1, &action, &key, &out);
    return terminal != 0;
}

/** Whether an episode ends with the first step while a walker at y walks on with vy. */
static bool ends_with_walker(double y_m, double vy_mps)
{
    begin(10.0);
    (void)fixture_walker(&request, 40.0, 5.0, 0.0, vy_mps);
    request.agents[0].pose.y_m = y_m;
    for (uint32_t k = 0; k < request.n_steps; ++k) {
        request.agents[0].modes[0].mean[k].y_m = y_m + vy_mps * (k + 1) * request.step_s;
    }
    build();
    return step(scene.fastest, 1);
}

static void test_car_episode_goes_on_while_a_walker_may_come(void **state)
{
    (void)state;
    assert_false(ends_with_walker(1.0, -1.2)); /* on the road */
    assert_false(ends_with_walker(5.0, -1.2)); /* before it, on his way */
    assert_false(ends_with_walker(5.0, 0.0));  /* beside it: may set off */
}

static void test_car_episode_ends_once_a_walker_is_past_the_path(void **state)
{
    (void)state;
    uint32_t ended_at = 0;
    double y_m = 0.0;
    begin(0.0);
    (void)fixture_walker(&request, 60.0, 1.0, 0.0, -1.2);
    build();
    for (uint32_t k = 1; k <= 24 && ended_at == 0; ++k) {
        ended_at = step(scene.slowest, k) ? k : 0;
        y_m = (double)one.others[0].y_m;
    }
    assert_true(ended_at > 0);
    assert_true(one.s_m < 30.0f);                         /* long before the ego passed him */
    assert_true(y_m < -1.2 - config.traffic.near_side_m); /* and out of its reach */
}

static void test_car_episode_goes_on_when_who_crossed_turns_back(void **state)
{
    (void)state;
    begin(0.0);
    hp_belief_agent *a = fixture_walker(&request, 60.0, 1.0, 0.0, -3.0);
    for (uint32_t k = 9; k < request.n_steps; ++k) {
        a->modes[0].mean[k].y_m = -5.75 + 3.0 * 0.25 * (k - 8);
    }
    build();
    for (uint32_t k = 1; k <= 9; ++k) {
        assert_false(step(scene.slowest, k));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_car_episode_goes_on_while_a_walker_may_come),
        cmocka_unit_test(test_car_episode_ends_once_a_walker_is_past_the_path),
        cmocka_unit_test(test_car_episode_goes_on_when_who_crossed_turns_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
