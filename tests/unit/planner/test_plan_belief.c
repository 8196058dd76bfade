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
        /* a step before and one after: the first leg starts where he was */
        const double dvx = 1.0 - (mode->mean[1].x_m - 30.0) / 0.5;
        const double dvy = 0.0 - (mode->mean[1].y_m - 4.0) / 0.5;
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

/** A vehicle ahead slows down: that is seen within two decisions, however often others surprise. */
static void test_plan_belief_who_brakes_is_believed_to_brake(void **state)
{
    (void)state;
    const uint32_t ticks[] = {0, 5, 10, 11, 12, 15};
    for (uint32_t i = 0; i < HP_ARRAY_LEN(ticks); ++i) {
        const double t = 0.05 * ticks[i];
        fixture_frame(ticks[i], 0.0, 10.0, &frame);
        fixture_add_walker(&frame, 1, 30.0 + 8.0 * t - 1.5 * t * t, 0.0, 8.0 - 3.0 * t, 0.0);
        frame.agents[0].kind = HP_CLASS_CAR;
        decide();
        const hp_mode *brakes = &belief.agents[0].modes[1];
        assert_true(brakes->mean[18].x_m < belief.agents[0].modes[0].mean[18].x_m - 5.0);
        if (ticks[i] >= 10) {
            assert_true(brakes->probability > 0.6);
        }
    }
}

/** Between two decisions of a surprise nobody has come as far as the next one was to find him. */
static void test_plan_belief_an_early_decision_is_no_evidence_against_a_steady_pace(void **state)
{
    (void)state;
    for (uint32_t tick = 0; tick <= 20; ++tick) {
        fixture_frame(tick, 0.0, 5.0, &frame);
        fixture_add_walker(&frame, 1, 30.0 + 0.4 * tick, 4.0, 8.0, 0.0);
        frame.agents[0].kind = HP_CLASS_CAR;
        decide();
        assert_true(belief.agents[0].modes[0].probability > 0.83);
    }
}

static void test_plan_belief_who_stands_does_not_slide(void **state)
{
    (void)state;
    fixture_frame(0, 0.0, 5.0, &frame);
    fixture_add_walker(&frame, 1, 30.0, 1.7, 0.0, 0.0);
    fixture_add_walker(&frame, 2, 30.0, 4.0, 1.4, 0.0);
    decide();
    for (uint32_t k = 0; k < belief.n_steps; ++k) {
        assert_true(belief.agents[0].modes[0].sigma_m[k] <= 0.1);
        hp_assert_near(belief.agents[1].modes[0].sigma_m[k],
                       prediction.forecasts[1].modes[0].sigma_m[k], 1e-12);
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
        cmocka_unit_test_setup(test_plan_belief_who_brakes_is_believed_to_brake, setup),
        cmocka_unit_test_setup(
            test_plan_belief_an_early_decision_is_no_evidence_against_a_steady_pace, setup),
        cmocka_unit_test_setup(test_plan_belief_who_stands_does_not_slide, setup),
        cmocka_unit_test_setup(test_plan_belief_leaves_out_who_was_passed, setup),
        cmocka_unit_test_setup(test_plan_belief_agent_unknown_to_the_predictor_stands, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
