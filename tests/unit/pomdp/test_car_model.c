#include "tests/unit/pomdp/car_rig.h"

static void test_car_model_accelerates_like_a_first_order_lag(void **state)
{
    (void)state;
    build();
    sample(1);
    const double tau = config.response_s;
    const double a = config.actions_mps2[scene.slowest];
    double t = 0.0;
    for (int k = 0; k < 4; ++k) {
        step(1, scene.slowest, 1, false);
        t += config.step_s;
    }
    /* The model restarts the lag from the last command, as if reached: exact after the first step.
     */
    const double v = 10.0 + a * t - a * tau * (1.0 - exp(-config.step_s / tau));
    hp_assert_near((double)state_of[0].speed_mps, v, 1e-3);
}

static void test_car_model_never_rolls_back_and_stands(void **state)
{
    (void)state;
    request.ego_speed_mps = 1.0;
    (void)fixture_walker(&request, 60.0, 30.0, 0.0, 0.0); /* somebody ahead: the road is not free */
    build();
    sample(1);
    float s = state_of[0].s_m;
    for (int k = 0; k < 10; ++k) {
        step(1, scene.slowest, 1, false);
        assert_true(state_of[0].s_m >= s);
        s = state_of[0].s_m;
    }
    assert_true(state_of[0].speed_mps == 0.0f);
    assert_int_equal(terminal[0], 0);
}

static void test_car_model_keeps_the_paths_speed(void **state)
{
    (void)state;
    for (uint32_t i = 60; i < request.n_path; ++i) {
        request.path_speed_mps[i] = 6.0;
    }
    build();
    sample(1);
    for (int k = 0; k < 16; ++k) {
        step(1, scene.fastest, 1, false);
    }
    assert_true(state_of[0].s_m > 40.0f);
    assert_true(state_of[0].speed_mps < 6.5f);
}

static void test_car_model_goal_ends_with_its_reward(void **state)
{
    (void)state;
    request.ego_s_m = 98.0;
    build();
    sample(1);
    step(1, scene.fastest, 1, false);
    assert_int_equal(terminal[0], 1);
    assert_true(reward[0] > 0.9);
}

static void test_car_model_collision_costs_more_at_speed(void **state)
{
    (void)state;
    double cost[2];
    for (int i = 0; i < 2; ++i) {
        fixture_request(10.0, i == 0 ? 4.0 : 12.0, &request);
        (void)fixture_walker(&request, 12.4, 0.0, 0.0, 0.0);
        build();
        sample(1);
        step(1, scene.steady, 1, false);
        assert_int_equal(terminal[0], 1);
        cost[i] = -reward[0];
    }
    assert_true(cost[0] > 0.5);
    assert_true(cost[1] > cost[0] + 0.5);
}

static void test_car_model_standing_ego_does_not_collide(void **state)
{
    (void)state;
    request.ego_speed_mps = 0.0;
    (void)fixture_walker(&request, 10.0, 0.5, 0.0, 0.0);
    build();
    sample(1);
    step(1, scene.slowest, 1, false);
    assert_int_equal(terminal[0], 0);
}

static void test_car_model_sees_a_walker_who_crosses_between_two_steps(void **state)
{
    (void)state;
    /* Passed lengthwise at 13.9 m/s within one step: caught by the look half-way. */
    fixture_request(10.0, 13.9, &request);
    (void)fixture_walker(&request, 13.9, -0.75, 0.0, 3.0);
    config.traffic.stop_hz = 0.0;
    build();
    sample(1);
    step(1, scene.steady, 1, false);
    assert_int_equal(terminal[0], 1);
}

static void test_car_model_box_on_the_path_blocks(void **state)
{
    (void)state;
    fixture_parked_car(&request, 30.0, 0.5);
    build();
    hp_assert_near(scene.blocked_s_m, 30.0 - 2.0 - 2.1 - config.traffic.car_margin_m, 0.6);
    sample(1);
    for (int k = 0; k < 8 && terminal[0] == 0; ++k) {
        step(1, scene.fastest, 1, false);
    }
    assert_int_equal(terminal[0], 1);
    assert_true(reward[0] < -0.5);
}

static void test_car_model_walker_starts_to_cross_at_his_rate(void **state)
{
    (void)state;
    enum { N = 4096 };
    fixture_walker(&request, 40.0, 5.0, 0.0, 0.0)->cross_hz = 0.4;
    build();
    sample(N);
    step(N, scene.steady, 9, false);
    uint32_t crossing = 0;
    for (uint32_t i = 0; i < N; ++i) {
        crossing += state_of[i].others[0].motion == CAR_MOTION_STRAIGHT;
        if (state_of[i].others[0].motion == CAR_MOTION_STRAIGHT) {
            assert_true(state_of[i].others[0].vy_mps < 0.0f); /* towards the path */
        }
    }
    const double p = 0.4 * config.step_s;
    hp_assert_near((double)crossing / N, p, 4.0 * sqrt(p * (1.0 - p) / N));
}

/** Mean of f over the weighted batch after two steps of the proposal, and of the plain dynamics. */
static double mean_after(uint32_t n, bool proposal, double *error)
{
    static double w[4096];
    double sum = 0.0;
    double sum2 = 0.0;
    sample(n);
    for (uint32_t i = 0; i < n; ++i) {
        w[i] = n * weight_of[i];
    }
    for (uint64_t k = 0; k < 8; ++k) {
        step(n, scene.steady, 77 + k, proposal);
        for (uint32_t i = 0; i < n && proposal; ++i) {
            w[i] *= weight[i];
        }
    }
    for (uint32_t i = 0; i < n; ++i) {
        const double f = w[i] * (double)state_of[i].others[0].y_m;
        sum += f;
        sum2 += f * f;
    }
    *error = sqrt((sum2 / n - (sum / n) * (sum / n)) / n);
    return sum / n;
}

/** Shares of a batch of vehicles that brake within a step, plainly and under the proposal. */
static void count_braking(double vx_mps, double *plain, double *weighed)
{
    enum { N = 4096 };
    for (int proposal = 0; proposal < 2; ++proposal) {
        double sum = 0.0;
        fixture_request(10.0, 10.0, &request);
        fixture_walker(&request, 40.0, 0.0, vx_mps, 0.0)->kind = HP_CLASS_CAR;
        build();
        sample(N);
        step(N, scene.steady, 5, proposal != 0);
        for (uint32_t i = 0; i < N; ++i) {
            if (state_of[i].others[0].motion == CAR_MOTION_BRAKES) {
                sum += proposal != 0 ? weight[i] : 1.0;
            }
        }
        *(proposal != 0 ? weighed : plain) = sum / N;
    }
}

static void test_car_model_who_drives_ahead_may_brake_to_a_stop(void **state)
{
    (void)state;
    double plain = 0.0;
    double weighed = 0.0;
    config.traffic.brake_hz = 0.4;
    count_braking(8.0, &plain, &weighed);
    hp_assert_near(plain, 0.1, 0.02);
    hp_assert_near(weighed, 0.1, 0.02);
    count_braking(-8.0, &plain, &weighed); /* who comes does not */
    hp_assert_near(plain + weighed, 0.0, 0.0);

    fixture_request(10.0, 0.0, &request);
    fixture_walker(&request, 40.0, 0.0, 8.0, 0.0)->kind = HP_CLASS_CAR;
    build();
    sample(1);
    car_other_state *o = &state_of[0].others[0];
    o->motion = CAR_MOTION_BRAKES;
    for (uint32_t k = 0; k < 8; ++k) {
        step(1, scene.slowest, 1 + k, false);
    }
    hp_assert_near((double)o->vx_mps, 0.0, 1e-6);
    hp_assert_near((double)o->x_m, 40.0 + 8.0 * 8.0 / (2.0 * config.traffic.brake_mps2), 0.15);
}

static void test_car_model_importance_sampling_is_unbiased(void **state)
{
    (void)state;
    fixture_walker(&request, 60.0, 5.0, 0.0, 0.0)->cross_hz = 0.3;
    build();
    double plain_error;
    double drawn_error;
    const double plain = mean_after(4096, false, &plain_error);
    const double drawn = mean_after(4096, true, &drawn_error);
    hp_assert_near(drawn, plain, 4.0 * hypot(plain_error, drawn_error));
    assert_true(plain < 4.95); /* some did cross */
}

static void test_car_model_sample_weights_undo_the_even_draw_of_futures(void **state)
{
    (void)state;
    enum { N = 4096 };
    hp_belief_agent *a = fixture_walker(&request, 40.0, 5.0, 1.0, 0.0);
    a->n_modes = 3;
    a->modes[1] = a->modes[0];
    a->modes[2] = a->modes[0];
    a->modes[0].probability = 0.9;
    a->modes[1].probability = 0.08;
    a->modes[2].probability = 0.02;
    build();
    sample(N);
    double share[3] = {0.0};
    uint32_t count[3] = {0};
    for (uint32_t i = 0; i < N; ++i) {
        share[state_of[i].others[0].future] += weight_of[i];
        ++count[state_of[i].others[0].future];
    }
    hp_assert_near(share[0], 0.9, 0.03);
    hp_assert_near(share[1], 0.08, 0.01);
    hp_assert_near(share[2], 0.02, 0.004);
    assert_true(count[2] > N / 8); /* drawn far more often than 2 % */
}

/** One draw for a whole path: who strays to the left stays there, by as many sigmas at each step.
 */
static void test_car_model_noise_of_a_future_is_the_same_all_along_it(void **state)
{
    (void)state;
    enum { N = 512, STEPS = 6 };
    hp_belief_agent *a = fixture_walker(&request, 90.0, 30.0, 1.0, 0.0);
    for (uint32_t k = 0; k < request.n_steps; ++k) {
        a->modes[0].sigma_m[k] = 0.5;
    }
    config.traffic.stop_hz = 0.0;
    a->cross_hz = 0.0;
    build();
    sample(N);
    double square = 0.0;
    float sigmas[N][2];
    for (uint32_t k = 0; k < STEPS; ++k) {
        step(N, scene.steady, 1 + k, false);
        for (uint32_t i = 0; i < N; ++i) {
            const car_other_state *o = &state_of[i].others[0];
            const float dx = (o->x_m - (float)a->modes[0].mean[k].x_m) / 0.5F;
            const float dy = (o->y_m - (float)a->modes[0].mean[k].y_m) / 0.5F;
            if (k == 0) {
                sigmas[i][0] = dx;
                sigmas[i][1] = dy;
                square += (double)(dx * dx + dy * dy) / (2.0 * N);
            }
            hp_assert_near(dx, sigmas[i][0], 1e-3);
            hp_assert_near(dy, sigmas[i][1], 1e-3);
        }
    }
    hp_assert_near(square, 0.9, 0.12); /* a little less than 1: none is beyond two sigmas */
}

static void test_car_model_spread_is_that_of_its_own_step(void **state)
{
    (void)state;
    hp_belief_agent *a = fixture_walker(&request, 90.0, 30.0, 1.0, 0.0);
    for (uint32_t k = 0; k < request.n_steps; ++k) {
        a->modes[0].sigma_m[k] = 0.1 * (k + 1);
    }
    build();
    for (uint32_t k = 0; k < request.n_steps; ++k) {
        hp_assert_near(scene.futures[0][0][k][2], 0.1 * (k + 1), 1e-6);
    }
}

/** A walker's centre is near within the zone around the ego's box, whatever his own size. */
static void test_car_model_near_miss_is_told_by_a_walkers_centre(void **state)
{
    (void)state;
    const double zone_m = 1.0 + config.traffic.near_side_m + config.traffic.walker_margin_m;
    for (int outside = 0; outside < 2; ++outside) {
        fixture_request(10.0, 10.0, &request);
        fixture_walker(&request, 11.0, zone_m + (outside ? 0.05 : -0.05), 0.0, 0.0)->cross_hz = 0.0;
        build();
        sample(1);
        state_of[0].others[0].dx = state_of[0].others[0].dy = 0;
        step(1, scene.steady, 1, false);
        assert_true((reward[0] < -0.5 * config.reward.near_miss) == (outside == 0));
    }
}

/** A scene has room for some: who is behind takes no place from who comes. */
static void test_car_model_reckons_with_who_comes_before_who_was_passed(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < CAR_MAX_AGENTS + 2; ++i) {
        (void)fixture_walker(&request, 5.5 - 0.1 * i, 2.5, 0.0, 0.0);
    }
    for (uint32_t i = 0; i < CAR_MAX_AGENTS; ++i) {
        (void)fixture_walker(&request, 26.0 + i, 5.0, 0.0, 0.0);
    }
    hp_belief_agent *car = fixture_walker(&request, 48.0, 3.0, -9.0, 0.0);
    car->kind = HP_CLASS_CAR;
    build();
    bool has_car = false;
    for (uint32_t i = 0; i < scene.n_others; ++i) {
        has_car = has_car || !scene.others[i].walks;
        assert_true(scene.others[i].x_m > 20.0);
    }
    assert_int_equal(scene.n_others, CAR_MAX_AGENTS);
    assert_true(has_car);
}

static void test_car_model_phantom_steps_out_only_where_he_is_hidden(void **state)
{
    (void)state;
    enum { N = 2048 };
    request.phantoms[0] = (hp_phantom){.edge = {33.0, 2.5},
                                       .heading_rad = -0.5 * HP_PI,
                                       .speed_mps = 1.5,
                                       .rate_hz = 1.0,
                                       .corner = {32.0, 2.1}};
    request.n_phantoms = 1;
    build();
    sample(N);
    step(N, scene.steady, 3, false);
    uint32_t out = 0;
    for (uint32_t i = 0; i < N; ++i) {
        out += state_of[i].others[0].motion != CAR_MOTION_HIDDEN;
    }
    hp_assert_near((double)out / N, 0.25, 0.05);
    request.ego_s_m = 33.0; /* past the corner: nobody can hide there any more */
    build();
    sample(N);
    step(N, scene.steady, 3, false);
    for (uint32_t i = 0; i < N; ++i) {
        assert_int_equal(state_of[i].others[0].motion, CAR_MOTION_HIDDEN);
    }
}

static void test_car_model_hidden_walker_is_observed_once_past_the_edge(void **state)
{
    (void)state;
    fixture_parked_car(&request, 30.0, 3.0);
    hp_belief_agent *a = fixture_walker(&request, 33.0, 4.0, 0.0, 0.0);
    a->age_s = 1.0;
    build();
    assert_true(scene.others[0].may_hide);
    sample(1);
    step(1, scene.steady, 1, false);
    assert_true(obs[0] == 0);
    state_of[0].others[0] = (car_other_state){
        .x_m = 33.0f, .y_m = 2.0f, .vy_mps = -1.0f, .motion = CAR_MOTION_STRAIGHT};
    step(1, scene.steady, 1, false);
    assert_true(obs[0] != 0);
}

static void test_car_model_default_policy_brakes_for_who_is_in_the_way_only(void **state)
{
    (void)state;
    (void)fixture_walker(&request, 22.0, 2.5, 0.0, -1.0);
    build();
    sample(1);
    model.default_policy(&scene, state_of, 1, actions);
    assert_int_equal(actions[0], scene.slowest);
    fixture_request(10.0, 10.0, &request);
    (void)fixture_walker(&request, 22.0, 2.5, 0.0, 1.0); /* walks away */
    build();
    sample(1);
    model.default_policy(&scene, state_of, 1, actions);
    assert_int_equal(actions[0], scene.fastest);
}

static void test_car_model_upper_bound_is_what_a_free_road_gives(void **state)
{
    (void)state;
    build();
    sample(1);
    double upper;
    model.upper(&scene, state_of, 1, &upper);
    double value = 0.0;
    double discount = 1.0;
    for (int k = 0; k < 100 && (k == 0 || terminal[0] == 0); ++k) {
        step(1, scene.fastest, 1, false);
        value += discount * reward[0];
        discount *= config.discount;
    }
    assert_int_equal(terminal[0], 1);
    hp_assert_near(upper, value, 0.05);
}

static void test_car_model_ends_with_a_free_roads_value_once_all_are_passed(void **state)
{
    (void)state;
    (void)fixture_walker(&request, 11.0, 3.0, 0.0, 0.0);
    build();
    sample(1);
    int steps = 0;
    double value = 0.0;
    double discount = 1.0;
    do {
        step(1, scene.fastest, 1, false);
        value += discount * reward[0];
        discount *= config.discount;
    } while (terminal[0] == 0 && ++steps < 100);
    assert_true(steps < 4); /* 5 m at 10 m/s and more */
    double free_road;
    sample(1);
    model.upper(&scene, state_of, 1, &free_road);
    hp_assert_near(value, free_road, 0.03);
}

static void test_car_model_batches_of_any_size_give_the_same_bits(void **state)
{
    (void)state;
    enum { N = 64 };
    static car_state together[N];
    (void)fixture_walker(&request, 30.0, 5.0, 0.0, -1.0);
    build();
    sample(N);
    step(N, scene.steady, 5, true);
    memcpy(together, state_of, sizeof together);
    sample(N);
    for (uint32_t i = 0; i < N; ++i) {
        const uint64_t key = hp_rng_u64(hp_rng_seed(5), i);
        pomdp_steps out = {&reward[i], &weight[i], &obs[i], &terminal[i]};
        model.step_proposal(&scene, &state_of[i], 1, &actions[i], &key, &out);
    }
    assert_memory_equal(together, state_of, sizeof together);
}

static void test_car_model_short_states_step_like_whole_ones(void **state)
{
    (void)state;
    enum { N = 37 };
    static unsigned char packed[N * sizeof(car_state)];
    (void)fixture_walker(&request, 30.0, 5.0, 0.0, -1.0);
    build();
    sample(N);
    step(N, scene.steady, 5, true);
    const size_t bytes = car_model_state_bytes(1);
    scene.state_bytes = bytes;
    car_model_sample(&scene, hp_rng_seed(4), N, packed, weight_of);
    pomdp_steps out = {reward, weight, obs, terminal};
    model.step_proposal(&scene, packed, N, actions, keys, &out);
    for (uint32_t i = 0; i < N; ++i) {
        assert_memory_equal(packed + i * bytes, &state_of[i], bytes);
    }
}

int main(void)
{
#define CAR_TEST(f) cmocka_unit_test_setup(f, setup)
    const struct CMUnitTest tests[] = {
        CAR_TEST(test_car_model_accelerates_like_a_first_order_lag),
        CAR_TEST(test_car_model_never_rolls_back_and_stands),
        CAR_TEST(test_car_model_keeps_the_paths_speed),
        CAR_TEST(test_car_model_goal_ends_with_its_reward),
        CAR_TEST(test_car_model_collision_costs_more_at_speed),
        CAR_TEST(test_car_model_standing_ego_does_not_collide),
        CAR_TEST(test_car_model_sees_a_walker_who_crosses_between_two_steps),
        CAR_TEST(test_car_model_box_on_the_path_blocks),
        CAR_TEST(test_car_model_walker_starts_to_cross_at_his_rate),
        CAR_TEST(test_car_model_who_drives_ahead_may_brake_to_a_stop),
        CAR_TEST(test_car_model_importance_sampling_is_unbiased),
        CAR_TEST(test_car_model_sample_weights_undo_the_even_draw_of_futures),
        CAR_TEST(test_car_model_noise_of_a_future_is_the_same_all_along_it),
        CAR_TEST(test_car_model_spread_is_that_of_its_own_step),
        CAR_TEST(test_car_model_near_miss_is_told_by_a_walkers_centre),
        CAR_TEST(test_car_model_reckons_with_who_comes_before_who_was_passed),
        CAR_TEST(test_car_model_phantom_steps_out_only_where_he_is_hidden),
        CAR_TEST(test_car_model_hidden_walker_is_observed_once_past_the_edge),
        CAR_TEST(test_car_model_default_policy_brakes_for_who_is_in_the_way_only),
        CAR_TEST(test_car_model_upper_bound_is_what_a_free_road_gives),
        CAR_TEST(test_car_model_ends_with_a_free_roads_value_once_all_are_passed),
        CAR_TEST(test_car_model_batches_of_any_size_give_the_same_bits),
        CAR_TEST(test_car_model_short_states_step_like_whole_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
