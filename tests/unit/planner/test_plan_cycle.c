#include "planner/plan_cycle.h"
#include "tests/support/hp_test.h"
#include "tests/unit/planner/plan_fixture.h"

/** Workers that answer as told. */
typedef struct fake {
    hp_status predict, plan;
    double accel_mps2;
    uint32_t plans;
    int64_t last_deadline_ns, asked_ns;
    hp_clock *clock;
} fake;

static hp_status fake_predict(void *ctx, const hp_predict_request *request, hp_predict_reply *reply)
{
    fake *f = ctx;
    reply->n_forecasts = 0;
    reply->n_steps = 4;
    reply->step_s = 0.25;
    reply->tick = request->tick;
    return f->predict;
}

static hp_status fake_plan(void *ctx, const hp_plan_request *request, hp_plan_reply *reply)
{
    fake *f = ctx;
    memset(reply, 0, sizeof *reply);
    ++f->plans;
    f->last_deadline_ns = request->deadline_ns;
    f->asked_ns = f->clock->virtual_ns;
    f->clock->virtual_ns += 3000000; /* a search of 3 ms */
    reply->found = true;
    reply->accel_mps2 = f->accel_mps2;
    reply->action = 1;
    return f->plan;
}

static hp_world_info info;
static plan_config config;
static predictor_cv_config stand_in;
static hp_clock virtual_clock;
static fake worker;
static const plan_workers WORKERS = {fake_predict, fake_plan, &worker};
static plan_cycle *cycle;
static hp_frame frame;
static hp_command command;
static hp_decision decision;

static int setup(void **state)
{
    (void)state;
    plan_config_default(&config);
    predictor_cv_config_default(&stand_in);
    config.control.engine_lag_s = 0.0; /* commands are what is wanted */
    fixture_info(&info);
    virtual_clock = hp_clock_virtual(1000);
    worker = (fake){.predict = HP_OK, .plan = HP_OK, .accel_mps2 = 2.0, .clock = &virtual_clock};
    assert_int_equal(plan_cycle_create(&config, &stand_in, &WORKERS, &virtual_clock, &cycle),
                     HP_OK);
    plan_cycle_begin(cycle, &info, 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    plan_cycle_destroy(&cycle);
    assert_null(cycle);
    return 0;
}

static void tick(uint32_t n)
{
    fixture_frame(n, 10.0, 5.0, &frame);
    plan_cycle_tick(cycle, &frame, &command, &decision);
}

static void test_plan_cycle_decides_every_fifth_tick_and_commands_on_all(void **state)
{
    (void)state;
    for (uint32_t n = 0; n < 20; ++n) {
        tick(n);
        assert_int_equal(decision.decided, n % 5 == 0);
        assert_int_equal(command.tick, n);
        assert_int_equal(command.world_id, 5);
        assert_int_equal(command.source, HP_SOURCE_SEARCH);
        hp_assert_near(command.accel_mps2, 2.0, 1e-12);
    }
    assert_int_equal(worker.plans, 4);
}

static void restart(void)
{
    plan_cycle_destroy(&cycle);
    assert_int_equal(plan_cycle_create(&config, &stand_in, &WORKERS, &virtual_clock, &cycle),
                     HP_OK);
    plan_cycle_begin(cycle, &info, 1);
}

static void test_plan_cycle_makes_up_for_the_engine_where_the_guard_lets_it(void **state)
{
    (void)state;
    config.control.engine_lag_s = 0.2;
    restart();
    tick(0);
    hp_assert_near(command.accel_mps2, config.control.engine_mps2, 1e-12);
    for (uint32_t n = 1; n < 20; ++n) {
        tick(n);
    }
    hp_assert_near(command.accel_mps2, 2.0, 0.01);
    /* Somebody so near that the wish passes, and more does not. */
    bool plain = false;
    for (uint32_t i = 0; i < 200 && !plain; ++i) {
        plan_cycle_begin(cycle, &info, 1);
        fixture_frame(0, 10.0, 5.0, &frame);
        fixture_add_walker(&frame, 1, 24.0 - 0.05 * i, 0.0, 0.0, 0.0);
        plan_cycle_tick(cycle, &frame, &command, &decision);
        assert_true(command.accel_mps2 <= 0.0 || command.accel_mps2 == 2.0 ||
                    command.accel_mps2 == config.control.engine_mps2);
        plain |= command.accel_mps2 == 2.0 && !command.guarded;
    }
    assert_true(plain);
}

/** Plays ticks 0 to 10 of a walker who appears at tick 2 and turns at tick 7; bit n of the answer:
 * tick n was decided upon. */
static uint32_t ticks_decided(void)
{
    uint32_t decided = 0;
    for (uint32_t n = 0; n <= 10; ++n) {
        fixture_frame(n, 10.0, 5.0, &frame);
        if (n >= 2) {
            fixture_add_walker(&frame, 1, 40.0, 5.0, n < 7 ? 1.0 : 0.0, n < 7 ? 0.0 : 1.0);
        }
        plan_cycle_tick(cycle, &frame, &command, &decision);
        decided |= decision.decided ? UINT32_C(1) << n : 0;
    }
    return decided;
}

static void test_plan_cycle_decides_at_once_when_surprised(void **state)
{
    (void)state;
    const uint32_t regular = 1U << 0 | 1U << 5 | 1U << 10;
    assert_int_equal(ticks_decided(), regular | 1U << 2 | 1U << 7);
    plan_cycle_destroy(&cycle);
    config.control.surprise_mps = 1.5; /* more than his turn, but he comes into sight */
    assert_int_equal(plan_cycle_create(&config, &stand_in, &WORKERS, &virtual_clock, &cycle),
                     HP_OK);
    plan_cycle_begin(cycle, &info, 1);
    assert_int_equal(ticks_decided(), regular | 1U << 2);
    plan_cycle_destroy(&cycle);
    config.control.surprise_mps = 0.0;
    assert_int_equal(plan_cycle_create(&config, &stand_in, &WORKERS, &virtual_clock, &cycle),
                     HP_OK);
    plan_cycle_begin(cycle, &info, 1);
    assert_int_equal(ticks_decided(), regular);
}

static void test_plan_cycle_falls_back_in_order_and_recovers(void **state)
{
    (void)state;
    tick(0);
    worker.plan = HP_EDEADLINE;
    static const hp_source WANTED[] = {HP_SOURCE_COMFORT_BRAKE, HP_SOURCE_COMFORT_BRAKE,
                                       HP_SOURCE_HARD_BRAKE, HP_SOURCE_HARD_BRAKE};
    for (uint32_t miss = 0; miss < HP_ARRAY_LEN(WANTED); ++miss) {
        tick(5 * (miss + 1));
        assert_int_equal(command.source, WANTED[miss]);
        assert_true(command.accel_mps2 < 0.0);
    }
    worker.plan = HP_OK;
    tick(25);
    assert_int_equal(command.source, HP_SOURCE_SEARCH);
}

static void test_plan_cycle_without_predictor_uses_constant_velocity(void **state)
{
    (void)state;
    worker.predict = HP_EUNAVAILABLE;
    fixture_frame(0, 10.0, 5.0, &frame);
    fixture_add_walker(&frame, 1, 40.0, 5.0, 1.0, 0.0);
    plan_cycle_tick(cycle, &frame, &command, &decision);
    assert_true(decision.predictor_fallback);
    assert_int_equal(command.source, HP_SOURCE_SEARCH);
    const hp_plan_request *belief = plan_cycle_belief(cycle);
    assert_int_equal(belief->n_agents, 1);
    hp_assert_near(belief->agents[0].modes[0].mean[3].x_m, 41.0, 1e-9);
}

static void test_plan_cycle_stands_in_as_the_predictor_is_configured(void **state)
{
    (void)state;
    stand_in.step_s = 0.5;
    stand_in.horizon_s = 2.0;
    stand_in.walker_stop_p = 0.3;
    restart();
    worker.predict = HP_EUNAVAILABLE;
    fixture_frame(0, 10.0, 5.0, &frame);
    fixture_add_walker(&frame, 1, 40.0, 5.0, 1.0, 0.0);
    plan_cycle_tick(cycle, &frame, &command, &decision);
    const hp_predict_reply *said = plan_cycle_prediction(cycle);
    assert_true(decision.predictor_fallback);
    hp_assert_near(said->step_s, 0.5, 0.0);
    assert_int_equal(said->n_steps, 4);
    hp_assert_near(said->forecasts[0].modes[1].probability, 0.3, 0.0);
}

static void test_plan_cycle_deadlines_only_in_worlds_that_do_not_wait(void **state)
{
    (void)state;
    tick(0);
    assert_int_equal(worker.last_deadline_ns, 0);
    info.synchronous = false;
    plan_cycle_begin(cycle, &info, 1);
    const int64_t before = virtual_clock.virtual_ns;
    tick(0);
    assert_true(worker.last_deadline_ns > before);
    assert_true(worker.last_deadline_ns <= before + (int64_t)(config.control.deadline_ms * 1e6));
}

/** Each look at the time takes two milliseconds. */
static int64_t slow_now_ns(const hp_clock *clock)
{
    union { /* a clock does not change by being read; this one does */
        const hp_clock *in;
        hp_clock *out;
    } self = {clock};
    self.out->virtual_ns += 2000000;
    return clock->virtual_ns;
}

static void test_plan_cycle_leaves_time_to_search_when_a_way_is_looked_for(void **state)
{
    (void)state;
    config.path.time_ms = 1000.0;
    config.path.max_nodes = 5000;
    restart();
    info.synchronous = false;
    info.n_road = 1;
    info.road[0] = (hp_rect){-50.0, -4.0, 150.0, 4.0};
    plan_cycle_begin(cycle, &info, 1);
    virtual_clock.now_ns = slow_now_ns;
    fixture_frame(0, 10.0, 5.0, &frame);
    for (int i = 0; i < 2; ++i) { /* a slalom between two boxes */
        frame.occluders[frame.n_occluders++] =
            (hp_occluder){.id = 9, .box = {{32.0 + 10.0 * i, i == 0 ? -2.4 : 2.4, 0.0}, 2.0, 2.8}};
    }
    const int64_t before = virtual_clock.virtual_ns;
    plan_cycle_tick(cycle, &frame, &command, &decision);
    assert_true(decision.stage_ns[HP_STAGE_PATH] > 5000000); /* it was looked for */
    assert_true(worker.last_deadline_ns - worker.asked_ns > 5000000);
    assert_true(virtual_clock.virtual_ns - before < (int64_t)(config.control.deadline_ms * 1e6));
}

static void test_plan_cycle_books_time_on_the_stage_that_took_it(void **state)
{
    (void)state;
    tick(0);
    assert_int_equal(decision.stage_ns[HP_STAGE_SEARCH], 3000000);
    assert_int_equal(decision.total_ns, 3000000);
    assert_int_equal(decision.stage_ns[HP_STAGE_TRACK], 0);
}

static void test_plan_cycle_keeps_the_speed_limit(void **state)
{
    (void)state;
    fixture_frame(0, 10.0, 13.9, &frame);
    plan_cycle_tick(cycle, &frame, &command, &decision);
    assert_true(command.accel_mps2 <= 0.01);
    fixture_frame(1, 10.0, 15.0, &frame);
    plan_cycle_tick(cycle, &frame, &command, &decision);
    assert_true(command.accel_mps2 < -1.0);
}

static void test_plan_cycle_guard_overrules_the_search(void **state)
{
    (void)state;
    fixture_frame(0, 10.0, 10.0, &frame);
    fixture_add_walker(&frame, 1, 18.0, 0.5, 0.0, 0.0);
    plan_cycle_tick(cycle, &frame, &command, &decision);
    assert_true(command.guarded);
    assert_int_equal(command.source, HP_SOURCE_HARD_BRAKE);
    hp_assert_near(command.accel_mps2, -config.guard.hard_mps2, 0.0);
}

/** How far to the left the path passes somebody slow who comes from the right. */
static double aside_of_the_slow(bool guarded, double floor_mps)
{
    config.guard.enabled = guarded;
    info.speed_floor_mps = floor_mps;
    restart();
    worker.predict = HP_EDEADLINE; /* so that the planner expects him to walk on */
    for (uint32_t n = 0; n <= 20; ++n) {
        fixture_frame(n, 10.0, 5.0, &frame);
        fixture_add_walker(&frame, 1, 32.0, -1.4, 0.0, 0.2);
        plan_cycle_tick(cycle, &frame, &command, &decision);
    }
    const hp_plan_request *b = plan_cycle_belief(cycle);
    double aside_m = 0.0;
    for (uint32_t i = 0; i < b->n_path; ++i) {
        aside_m = fmax(aside_m, b->path[i].y_m);
    }
    return aside_m;
}

/** Where there is no guard, or none that judges, the path is the one without. */
static void test_plan_cycle_passes_the_slow_with_more_room_when_guarded(void **state)
{
    (void)state;
    const double bare = aside_of_the_slow(false, 0.0);
    assert_true(bare > 0.5);
    assert_true(aside_of_the_slow(true, 0.0) > bare + 0.5);
    const double floored = aside_of_the_slow(false, 5.0);
    assert_true(aside_of_the_slow(true, 5.0) == floored);
}

/** A quarter circle of 15 m between two straights. */
static void lay_bend(void)
{
    enum { ARC = 10 };
    info.n_route = 0;
    info.route[info.n_route++] = (hp_vec2){0.0, 0.0};
    for (int i = 0; i <= ARC; ++i) {
        const double angle = 0.5 * HP_PI * i / ARC;
        info.route[info.n_route++] = (hp_vec2){40.0 + 15.0 * sin(angle), 15.0 * (1.0 - cos(angle))};
    }
    info.route[info.n_route++] = (hp_vec2){55.0, 80.0};
    info.goal = (hp_pose){55.0, 80.0, 0.5 * HP_PI};
}

/** Of the path that the search was told last. */
static double slowest_mps(void)
{
    const hp_plan_request *b = plan_cycle_belief(cycle);
    double least = INFINITY;
    for (uint32_t i = 0; i < b->n_path; ++i) {
        least = fmin(least, b->path_speed_mps[i]);
    }
    return least;
}

static void test_plan_cycle_lays_the_path_anew_when_thresholds_change(void **state)
{
    (void)state;
    lay_bend();
    plan_cycle_begin(cycle, &info, 1);
    tick(0);
    hp_assert_near(slowest_mps(), config.path.max_turn_mps, 1e-9);
    const uint32_t n_path = plan_cycle_belief(cycle)->n_path;
    config.path.max_turn_mps = 3.0;
    config.path.spacing_m = 1.0;
    assert_int_equal(plan_cycle_configure(cycle, &config), HP_OK);
    tick(4); /* between decisions the path goes on */
    hp_assert_near(slowest_mps(), 7.0, 1e-9);
    tick(5);
    hp_assert_near(slowest_mps(), 3.0, 1e-9);
    assert_true(plan_cycle_belief(cycle)->n_path < n_path);
}

/** A box across the whole road: the path's speeds end before it. */
static void test_plan_cycle_path_does_not_stay_stopped_when_detours_are_switched_off(void **state)
{
    (void)state;
    for (uint32_t n = 0; n <= 10; n += 5) {
        fixture_frame(n, 10.0, 5.0, &frame);
        if (n < 10) {
            frame.occluders[frame.n_occluders++] =
                (hp_occluder){.id = 9, .box = {{30.0, 0.0, 0.0}, 2.0, 60.0}};
        }
        plan_cycle_tick(cycle, &frame, &command, &decision);
        assert_true((slowest_mps() == 0.0) == (n == 0));
        config.path.detours = false;
        assert_int_equal(plan_cycle_configure(cycle, &config), HP_OK);
    }
}

static void test_plan_cycle_same_seed_same_stream_other_tick_other_stream(void **state)
{
    (void)state;
    tick(0);
    const uint64_t first = plan_cycle_belief(cycle)->stream;
    tick(5);
    assert_true(plan_cycle_belief(cycle)->stream != first);
    plan_cycle_begin(cycle, &info, 1);
    tick(0);
    assert_true(plan_cycle_belief(cycle)->stream == first);
    plan_cycle_begin(cycle, &info, 2);
    tick(0);
    assert_true(plan_cycle_belief(cycle)->stream != first);
}

int main(void)
{
#define CYCLE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        CYCLE_TEST(test_plan_cycle_decides_every_fifth_tick_and_commands_on_all),
        CYCLE_TEST(test_plan_cycle_makes_up_for_the_engine_where_the_guard_lets_it),
        CYCLE_TEST(test_plan_cycle_decides_at_once_when_surprised),
        CYCLE_TEST(test_plan_cycle_falls_back_in_order_and_recovers),
        CYCLE_TEST(test_plan_cycle_without_predictor_uses_constant_velocity),
        CYCLE_TEST(test_plan_cycle_stands_in_as_the_predictor_is_configured),
        CYCLE_TEST(test_plan_cycle_deadlines_only_in_worlds_that_do_not_wait),
        CYCLE_TEST(test_plan_cycle_leaves_time_to_search_when_a_way_is_looked_for),
        CYCLE_TEST(test_plan_cycle_books_time_on_the_stage_that_took_it),
        CYCLE_TEST(test_plan_cycle_keeps_the_speed_limit),
        CYCLE_TEST(test_plan_cycle_guard_overrules_the_search),
        CYCLE_TEST(test_plan_cycle_passes_the_slow_with_more_room_when_guarded),
        CYCLE_TEST(test_plan_cycle_lays_the_path_anew_when_thresholds_change),
        CYCLE_TEST(test_plan_cycle_path_does_not_stay_stopped_when_detours_are_switched_off),
        CYCLE_TEST(test_plan_cycle_same_seed_same_stream_other_tick_other_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
