#include "planner/plan_track.h"
#include "tests/support/hp_test.h"
#include "tests/unit/planner/plan_fixture.h"

static hp_world_info info;
static plan_config config;
static plan_tracks tracks;
static hp_frame frame;

static int setup(void **state)
{
    (void)state;
    plan_config_default(&config);
    fixture_info(&info);
    plan_tracks_reset(&tracks);
    return 0;
}

static void update(void)
{
    plan_tracks_update(&config.belief, &info, &frame, &tracks);
}

static void test_plan_track_keeps_history_on_the_predictors_grid(void **state)
{
    (void)state;
    for (uint32_t tick = 0; tick < 60; ++tick) {
        fixture_frame(tick, 0.0, 0.0, &frame);
        fixture_add_walker(&frame, 4, 10.0 + 0.05 * tick, 3.0, 1.0, 0.0);
        update();
    }
    assert_int_equal(tracks.n, 1);
    const hp_track *t = &tracks.items[0].track;
    assert_int_equal(t->n_history, HP_MAX_HISTORY);
    hp_assert_near(t->history_t_s[HP_MAX_HISTORY - 1], 0.0, 1e-12);
    hp_assert_near(t->history[HP_MAX_HISTORY - 1].x_m, 10.0 + 0.05 * 59, 1e-9);
    for (uint32_t i = 0; i + 2 < HP_MAX_HISTORY; ++i) {
        hp_assert_near(t->history_t_s[i + 1] - t->history_t_s[i], 0.4, 1e-6);
        hp_assert_near(t->history[i + 1].x_m - t->history[i].x_m, 0.4, 1e-6);
    }
}

static void test_plan_track_remembers_whom_a_parked_car_hides(void **state)
{
    (void)state;
    fixture_frame(0, 0.0, 0.0, &frame);
    fixture_add_walker(&frame, 4, 25.0, 4.0, 0.0, 0.0);
    update();
    for (uint32_t tick = 1; tick < 100; ++tick) {
        fixture_frame(tick, 10.0, 0.0, &frame);
        fixture_add_parked_car(&frame, 9, 20.0, 3.0);
        update();
    }
    assert_int_equal(tracks.n, 1);
    assert_false(tracks.items[0].track.visible);
    hp_assert_near(tracks.items[0].track.pose.x_m, 25.0, 1e-12);
}

static void test_plan_track_forgets_who_is_not_where_he_should_be_seen(void **state)
{
    (void)state;
    fixture_frame(0, 0.0, 0.0, &frame);
    fixture_add_walker(&frame, 4, 25.0, 4.0, 0.0, 0.0);
    update();
    for (uint32_t tick = 1; tick < 10; ++tick) {
        fixture_frame(tick, 0.0, 0.0, &frame);
        update();
    }
    assert_int_equal(tracks.n, 0);
}

static void test_plan_track_does_not_walk_out_of_a_shadow_unseen(void **state)
{
    (void)state;
    fixture_frame(0, 0.0, 0.0, &frame);
    fixture_add_walker(&frame, 4, 25.0, 4.5, 0.0, -1.0);
    update();
    for (uint32_t tick = 1; tick < 100; ++tick) {
        fixture_frame(tick, 12.0, 0.0, &frame);
        fixture_add_parked_car(&frame, 9, 20.0, 3.0);
        update();
    }
    assert_int_equal(tracks.n, 1);
    const hp_vec2 at = {tracks.items[0].track.pose.x_m, tracks.items[0].track.pose.y_m};
    assert_false(plan_track_in_sight(&info, &frame, at));
    assert_true(at.y_m < 4.5); /* he came closer, as far as cover goes */
}

static void test_plan_track_forgets_in_the_end(void **state)
{
    (void)state;
    config.belief.remember_s = 2.0;
    fixture_frame(0, 0.0, 0.0, &frame);
    fixture_add_walker(&frame, 4, 25.0, 4.0, 0.0, 0.0);
    update();
    for (uint32_t tick = 1; tick <= 41; ++tick) {
        fixture_frame(tick, 10.0, 0.0, &frame);
        fixture_add_parked_car(&frame, 9, 20.0, 3.0);
        update();
        assert_int_equal(tracks.n, tick <= 40 ? 1 : 0);
    }
}

/** A planner that was started again, or has lost frames, has not seen him stand meanwhile. */
static void test_plan_track_counts_no_standing_before_first_sight_when_frames_are_lost(void **state)
{
    static const uint32_t TICKS[] = {400, 440};
    (void)state;
    for (uint32_t i = 0; i < HP_ARRAY_LEN(TICKS); ++i) {
        fixture_frame(TICKS[i], 0.0, 0.0, &frame);
        fixture_add_walker(&frame, 4 + i, 10.0, 3.0, 0.0, 0.0);
        fixture_add_walker(&frame, 14 + i, 12.0, 3.0, 0.5, 0.0);
        update();
        for (uint32_t k = 0; k < tracks.n; ++k) {
            const plan_track *t = &tracks.items[k];
            const bool walks = t->track.id >= 14;
            assert_true(t->stood_s + t->slow_s <= tracks.now_s - t->met_s);
            assert_true((walks ? t->stood_s : t->slow_s) == 0.0);
        }
    }
}

/** A world's clock that is set back makes nobody seen in the future, and time goes on from there.
 */
static void test_plan_track_time_goes_on_when_the_worlds_clock_goes_back(void **state)
{
    (void)state;
    config.belief.remember_s = 2.0;
    double before_s = 0.0;
    for (uint32_t tick = 200; tick < 260; ++tick) {
        const uint32_t shown = tick < 220 ? tick : tick - 190;
        fixture_frame(shown, tick < 210 ? 0.0 : 10.0, 0.0, &frame);
        if (tick < 210) {
            fixture_add_walker(&frame, 4, 25.0, 4.0, 0.0, 0.0);
        } else {
            fixture_add_parked_car(&frame, 9, 20.0, 3.0); /* hides him */
        }
        update();
        assert_true(tracks.now_s >= before_s);
        before_s = tracks.now_s;
        if (tick < 249 || tick > 252) { /* remembered for two seconds, to some rounding */
            assert_int_equal(tracks.n, tick < 250 ? 1 : 0);
        }
        assert_true(tracks.n == 0 || tracks.items[0].seen_s <= tracks.now_s);
    }
    hp_assert_near(tracks.now_s, 259 * 0.05 - 0.05, 1e-9);
    plan_tracks_reset(&tracks);
    fixture_frame(3, 0.0, 0.0, &frame);
    update();
    hp_assert_near(tracks.now_s, 0.15, 1e-12); /* another episode knows nothing of it */
}

static void test_plan_track_more_agents_than_slots_keeps_the_latest(void **state)
{
    (void)state;
    for (uint32_t tick = 0; tick < 3; ++tick) {
        fixture_frame(tick, 0.0, 0.0, &frame);
        for (uint32_t i = 0; i < HP_MAX_AGENTS; ++i) {
            fixture_add_walker(&frame, 1000 * tick + i, 10.0 + i, 30.0, 0.0, 0.0);
        }
        update();
        assert_int_equal(tracks.n, HP_MAX_AGENTS);
    }
    for (uint32_t i = 0; i < tracks.n; ++i) {
        assert_true(tracks.items[i].track.id >= 2000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_plan_track_keeps_history_on_the_predictors_grid, setup),
        cmocka_unit_test_setup(test_plan_track_remembers_whom_a_parked_car_hides, setup),
        cmocka_unit_test_setup(test_plan_track_forgets_who_is_not_where_he_should_be_seen, setup),
        cmocka_unit_test_setup(test_plan_track_does_not_walk_out_of_a_shadow_unseen, setup),
        cmocka_unit_test_setup(test_plan_track_forgets_in_the_end, setup),
        cmocka_unit_test_setup(
            test_plan_track_counts_no_standing_before_first_sight_when_frames_are_lost, setup),
        cmocka_unit_test_setup(test_plan_track_time_goes_on_when_the_worlds_clock_goes_back, setup),
        cmocka_unit_test_setup(test_plan_track_more_agents_than_slots_keeps_the_latest, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
