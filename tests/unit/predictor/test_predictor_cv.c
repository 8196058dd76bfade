#include "common/hp_status.h"
#include "predictor/predictor_cv.h"
#include "tests/support/hp_test.h"

#include <string.h>

static hp_predict_request request;
static hp_predict_reply reply;

static void ask(hp_agent_class kind, double vx, double vy, double yaw, double yaw_rate)
{
    predictor_cv_config config;
    predictor_cv_config_default(&config);
    memset(&request, 0, sizeof request);
    request.tick = 7;
    request.n_tracks = 1;
    request.tracks[0] = (hp_track){.id = 3,
                                   .kind = kind,
                                   .pose = {10.0, -4.0, yaw},
                                   .vx_mps = vx,
                                   .vy_mps = vy,
                                   .yaw_rate_radps = yaw_rate,
                                   .length_m = 0.4,
                                   .width_m = 0.4};
    predictor_cv_predict(&config, &request, &reply);
}

static void test_predictor_cv_keeps_velocity_in_first_mode(void **state)
{
    (void)state;
    ask(HP_CLASS_WALKER, 1.2, -0.5, 0.0, 0.0);
    assert_int_equal(reply.tick, 7);
    assert_int_equal(reply.n_forecasts, 1);
    assert_int_equal(reply.forecasts[0].id, 3);
    assert_int_equal(reply.n_steps, 19); /* 4.8 s in steps of 0.25 s */
    for (uint32_t k = 0; k < reply.n_steps; ++k) {
        const double t = (k + 1) * reply.step_s;
        hp_assert_near(reply.forecasts[0].modes[0].mean[k].x_m, 10.0 + 1.2 * t, 1e-9);
        hp_assert_near(reply.forecasts[0].modes[0].mean[k].y_m, -4.0 - 0.5 * t, 1e-9);
    }
}

static void test_predictor_cv_probabilities_sum_to_one_and_spread_grows(void **state)
{
    (void)state;
    static const hp_agent_class KINDS[] = {HP_CLASS_WALKER, HP_CLASS_CYCLIST, HP_CLASS_CAR};
    for (size_t i = 0; i < HP_ARRAY_LEN(KINDS); ++i) {
        ask(KINDS[i], 4.0, 3.0, 0.6435, 0.1);
        double sum = 0.0;
        for (uint32_t m = 0; m < reply.forecasts[0].n_modes; ++m) {
            const hp_mode *mode = &reply.forecasts[0].modes[m];
            sum += mode->probability;
            for (uint32_t k = 1; k < reply.n_steps; ++k) {
                assert_true(mode->sigma_m[k] > mode->sigma_m[k - 1]);
            }
        }
        hp_assert_near(sum, 1.0, 1e-12);
    }
}

static void test_predictor_cv_stopping_walker_stands(void **state)
{
    (void)state;
    ask(HP_CLASS_WALKER, 1.4, 0.0, 0.0, 0.0);
    const hp_mode *stop = &reply.forecasts[0].modes[1];
    /* speed falls linearly to zero within 0.7 s: 1.4 * 0.7 / 2 */
    hp_assert_near(stop->mean[reply.n_steps - 1].x_m, 10.0 + 0.49, 0.02);
    hp_assert_near(stop->mean[reply.n_steps - 1].x_m, stop->mean[5].x_m, 1e-12);
}

static void test_predictor_cv_turning_walker_ends_at_right_angles(void **state)
{
    (void)state;
    ask(HP_CLASS_WALKER, 1.0, 0.0, 0.0, 0.0);
    const hp_mode *left = &reply.forecasts[0].modes[2];
    const hp_mode *right = &reply.forecasts[0].modes[3];
    const uint32_t n = reply.n_steps;
    hp_assert_near(left->mean[n - 1].x_m - left->mean[n - 2].x_m, 0.0, 1e-9);
    hp_assert_near(left->mean[n - 1].y_m - left->mean[n - 2].y_m, 0.25, 1e-9);
    hp_assert_near(right->mean[n - 1].y_m - right->mean[n - 2].y_m, -0.25, 1e-9);
}

static void test_predictor_cv_car_follows_a_circle(void **state)
{
    (void)state;
    const double v = 8.0;
    const double w = 0.4;
    ask(HP_CLASS_CAR, v, 0.0, 0.0, w);
    const hp_mode *keep = &reply.forecasts[0].modes[0];
    for (uint32_t k = 0; k < reply.n_steps; ++k) {
        const double t = (k + 1) * reply.step_s;
        hp_assert_near(keep->mean[k].x_m, 10.0 + v / w * sin(w * t), 0.01);
        hp_assert_near(keep->mean[k].y_m, -4.0 + v / w * (1.0 - cos(w * t)), 0.01);
    }
}

static void test_predictor_cv_standing_walker_has_one_future(void **state)
{
    (void)state;
    ask(HP_CLASS_WALKER, 0.0, 0.0, 1.0, 0.0);
    assert_int_equal(reply.forecasts[0].n_modes, 1);
    hp_assert_near(reply.forecasts[0].modes[0].mean[18].x_m, 10.0, 0.0);
}

static void test_predictor_cv_does_not_depend_on_the_order_of_agents(void **state)
{
    (void)state;
    predictor_cv_config config;
    predictor_cv_config_default(&config);
    ask(HP_CLASS_WALKER, 1.0, 0.3, 0.0, 0.0);
    request.n_tracks = 2;
    request.tracks[1] = request.tracks[0];
    request.tracks[1].id = 9;
    request.tracks[1].vx_mps = -2.0;
    predictor_cv_predict(&config, &request, &reply);
    const hp_forecast second = reply.forecasts[1];
    const hp_track swap = request.tracks[0];
    request.tracks[0] = request.tracks[1];
    request.tracks[1] = swap;
    predictor_cv_predict(&config, &request, &reply);
    assert_memory_equal(&reply.forecasts[0], &second, sizeof second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_predictor_cv_keeps_velocity_in_first_mode),
        cmocka_unit_test(test_predictor_cv_probabilities_sum_to_one_and_spread_grows),
        cmocka_unit_test(test_predictor_cv_stopping_walker_stands),
        cmocka_unit_test(test_predictor_cv_turning_walker_ends_at_right_angles),
        cmocka_unit_test(test_predictor_cv_car_follows_a_circle),
        cmocka_unit_test(test_predictor_cv_standing_walker_has_one_future),
        cmocka_unit_test(test_predictor_cv_does_not_depend_on_the_order_of_agents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
