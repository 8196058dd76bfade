#include "planner/plan_belief.h"
#include "predictor/predictor_cv.h"
#include "tests/support/hp_test.h"
#include "tests/unit/planner/plan_fixture.h"

static hp_world_info info;
static plan_config config;
static predictor_cv_config predictor;
static plan_tracks tracks;
static hp_frame frame;
static hp_predict_request ask;
static hp_predict_reply prediction;
static hp_plan_request belief;
static plan_path path;

static int setup(void **state)
{
    (void)state;
    plan_config_default(&config);
    predictor_cv_config_default(&predictor);
    fixture_info(&info);
    plan_path_follow_route(&config.path, &info, &path);
    plan_tracks_reset(&tracks);
    memset(&belief, 0, sizeof belief);
    return 0;
}

static void believe(void)
{
    const plan_belief_view view = {&path, frame.ego.pose, 0.25};
    plan_belief_update(&config.belief, &view, &prediction, &tracks, &belief);
}

static void decide(void)
{
    plan_tracks_update(&config.belief, &info, &frame, &tracks);
    plan_belief_ask(&tracks, &frame, &ask);
    predictor_cv_predict(&predictor, &ask, &prediction);
    believe();
}

static double weight_sum(void)
{
    double sum = 0.0;
    for (uint32_t m = 0; m < belief.agents[0].n_modes; ++m) {
        sum += belief.agents[0].modes[m].probability;
    }
    return sum;
}

static void test_plan_belief_starts_from_the_predictors_priors(void **state)
{
    (void)state;
    fixture_frame(0, 0.0, 5.0, &frame);
    fixture_add_walker(&frame, 1, 30.0, 4.0, 1.0, 0.0);
    decide();
    assert_int_equal(belief.n_agents, 1);
    for (uint32_t m = 0; m < belief.agents[0].n_modes; ++m) {
        hp_assert_near(belief.agents[0].modes[m].probability,
                       prediction.forecasts[0].modes[m].probability, 1e-9);
    }
}

static void test_plan_belief_bayes_rule_against_hand_computed_weights(void **state)
{
    (void)state;
    fixture_frame(0, 0.0, 5.0, &frame);
    fixture_add_walker(&frame, 1, 30.0, 4.0, 1.0, 0.0);
    decide();
    const hp_forecast before = prediction.forecasts[0];
    fixture_frame(5, 0.0, 5.0, &frame);
    fixture_add_walker(&frame, 1, 30.2, 3.97, 1.0, 0.0);
    decide();
    double wanted[HP_MAX_MODES];
    double sum = 0.0;
    for (uint32_t m = 0; m < before.n_modes; ++m) {
        const hp_mode *mode = &before.modes[m];
        const double sigma = fmax(mode->sigma_m[0], 0.1);
        const double dx = 30.2 - mode->mean[0].x_m;
        const double dy = 3.97 - mode->mean[0].y_m;
        const double dvx = 1.0 - (mode->mean[4].x_m - mode->mean[0].x_m); /* over the next second */
        const double dvy = 0.0 - (mode->mean[4].y_m - mode->mean[0].y_m);
        wanted[m] = mode->probability * exp(-0.5 * (dx * dx + dy * dy) / (sigma * sigma) -
                                            0.5 * (dvx * dvx + dvy * dvy) / (0.5 * 0.5));
        sum += wanted[m];
    }
    for (uint32_t m = 0; m < before.n_modes; ++m) {
        hp_assert_near(belief.agents[0].modes[m].probability, wanted[m] / sum, 2e-2);
    }
    hp_assert_near(weight_sum(), 1.0, 1e-12);
}

static void test_plan_belief_evidence_gathers_and_no_future_dies(void **state)
{
    (void)state;
    double last = 0.0;
    for (uint32_t tick = 0; tick <= 40; tick += 5) {
        fixture_frame(tick, 0.0, 5.0, &frame);
        fixture_add_walker(&frame, 1, 30.0 + 0.05 * tick, 4.0, 1.0, 0.0);
        decide();
        const double keeps = belief.agents[0].modes[0].probability;
        assert_true(keeps >= last - 1e-9);
        last = keeps;
        hp_assert_near(weight_sum(), 1.0, 1e-12);
    }
    assert_true(last > 0.9);
    for (uint32_t m = 0; m < belief.agents[0].n_modes; ++m) {
        assert_true(belief.agents[0].modes[m].probability >= 0.9 * config.belief.min_weight);
    }
}

/** Who turned on to the road goes on across it: "turned right" is not "will turn right again". */
static void test_plan_belief_a_turn_once_made_is_the_new_way(void **state)
{
    (void)state;
    double y = 4.0;
    for (uint32_t tick = 0; tick <= 30; tick += 5) {
        fixture_frame(tick, 0.0, 5.0, &frame);
        const bool crosses = tick >= 20;
        y -= tick > 20 ? 0.35 : 0.0;
        fixture_add_walker(&frame, 1, 30.0 + 0.07 * (tick < 20 ? tick : 20), y, crosses ? 0.0 : 1.4,
                           crosses ? -1.4 : 0.0);
        decide();
        const hp_mode *keeps = &belief.agents[0].modes[0];
        assert_true(keeps->probability > 0.7);
        if (crosses) {
            assert_true(keeps->mean[7].y_m < y - 2.0);
        }
    }
}

static void test_plan_belief_leaves_out_who_was_passed(void **state)
{
    (void)state;
    fixture_frame(0, 50.0, 5.0, &frame);
    fixture_add_walker(&frame, 1, 30.0, 4.0, 1.0, 0.0);
    fixture_add_walker(&frame, 2, 60.0, 4.0, 1.0, 0.0);
    decide();
    assert_int_equal(belief.n_agents, 1);
    assert_int_equal(belief.agents[0].id, 2);
}

static void test_plan_belief_agent_unknown_to_the_predictor_stands(void **state)
{
    (void)state;
    fixture_frame(0, 0.0, 5.0, &frame);
    fixture_add_walker(&frame, 1, 30.0, 4.0, 1.0, 0.0);
    plan_tracks_update(&config.belief, &info, &frame, &tracks);
    prediction.n_forecasts = 0;
    prediction.n_steps = 10;
    prediction.step_s = 0.25;
    believe();
    assert_int_equal(belief.agents[0].n_modes, 1);
    hp_assert_near(belief.agents[0].modes[0].mean[9].x_m, 30.0, 0.0);
}

static void test_plan_belief_rate_of_crossing_falls_while_nothing_happens(void **state)
{
    (void)state;
    for (uint32_t tick = 0; tick <= 120; tick += 5) {
        fixture_frame(tick, 0.0, 0.0, &frame);
        fixture_add_walker(&frame, 1, 30.0, 4.0, 0.0, 0.0);
        decide();
        const double watched = 0.05 * tick;
        hp_assert_near(belief.agents[0].cross_hz,
                       config.belief.cross_hz * config.belief.patience_s /
                           (config.belief.patience_s + watched),
                       1e-9);
    }
}

static void test_plan_belief_who_has_crossed_seldom_returns(void **state)
{
    (void)state;
    for (uint32_t tick = 0; tick <= 50; tick += 5) {
        fixture_frame(tick, 0.0, 0.0, &frame);
        fixture_add_walker(&frame, 1, 30.0, 4.0 - 0.16 * tick, 0.0, -3.2);
        decide();
        if (tick > 25) {
            assert_true(belief.agents[0].cross_hz <
                        config.belief.return_share * config.belief.cross_hz);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_plan_belief_starts_from_the_predictors_priors, setup),
        cmocka_unit_test_setup(test_plan_belief_bayes_rule_against_hand_computed_weights, setup),
        cmocka_unit_test_setup(test_plan_belief_evidence_gathers_and_no_future_dies, setup),
        cmocka_unit_test_setup(test_plan_belief_rate_of_crossing_falls_while_nothing_happens,
                               setup),
        cmocka_unit_test_setup(test_plan_belief_who_has_crossed_seldom_returns, setup),
        cmocka_unit_test_setup(test_plan_belief_a_turn_once_made_is_the_new_way, setup),
        cmocka_unit_test_setup(test_plan_belief_leaves_out_who_was_passed, setup),
        cmocka_unit_test_setup(test_plan_belief_agent_unknown_to_the_predictor_stands, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
