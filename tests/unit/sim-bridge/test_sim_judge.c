/* The metrics: what is a crash, where it hit, near misses, times, and what outweighs what. */
#include "common/hp_rng.h"
#include "common/hp_status.h"
#include "sim-bridge/sim_judge.h"
#include "tests/support/hp_test.h"

#include <string.h>

#define TICK_S 0.05

typedef struct court {
    hp_world_info info;
    sim_judge judge;
    hp_ego_state ego;
} court;

/** A street along x, 120 m long, 6 m wide, with pavement 3 m wide on both sides; route on y = -2.
 */
static const hp_world_info STREET = {
    .tick_s = TICK_S,
    .ego_length_m = 4.0,
    .ego_width_m = 2.0,
    .speed_limit_mps = 50.0 / 3.6,
    .goal = {100.0, -2.0, 0.0},
    .goal_radius_m = 3.0,
    .n_route = 3,
    .route = {{0.0, -2.0}, {50.0, -2.0}, {100.0, -2.0}},
    .n_road = 1,
    .road = {{-10.0, -3.0, 110.0, 3.0}},
    .n_pavement = 2,
    .pavement = {{-10.0, 3.0, 110.0, 6.0}, {-10.0, -6.0, 110.0, -3.0}}};

static court *open_court(double x_m, double y_m, double speed_mps)
{
    static court c;
    c.info = STREET;
    c.ego = (hp_ego_state){.pose = {x_m, y_m, 0.0}, .speed_mps = speed_mps};
    sim_judge_init(&c.info, 25.0, true, &c.judge);
    return &c;
}

static sim_body walker(double x_m, double y_m, double vx_mps, double vy_mps)
{
    return (sim_body){.id = 7,
                      .kind = HP_CLASS_WALKER,
                      .box = {{x_m, y_m, 0.0}, 0.4, 0.4},
                      .vx_mps = vx_mps,
                      .vy_mps = vy_mps};
}

/** One tick in which nothing changes. */
static const sim_result *tick(court *c, const sim_body *bodies, uint32_t n)
{
    const hp_command command = {.accel_mps2 = 1.0};
    sim_judge_tick(&c->judge, &command, &c->ego, &c->ego, bodies, n);
    return &c->judge.result;
}

static void assert_hit(double x_m, double y_m, double vx_mps, double vy_mps, double speed_mps,
                       sim_crash side)
{
    court *c = open_court(20.0, -2.0, speed_mps);
    const sim_body body = walker(20.0 + x_m, -2.0 + y_m, vx_mps, vy_mps);
    const sim_result *result = tick(c, &body, 1);
    assert_int_equal(result->verdict, HP_VERDICT_CRASH);
    assert_int_equal(result->crash, side);
    hp_assert_near(result->impact_mps, speed_mps, 0.0);
    assert_false(result->safe_arrival);
    assert_false(result->near_miss);
}

static void crashes_know_their_side(void **state)
{
    (void)state;
    assert_hit(2.0, 0.0, 0.0, 0.0, 10.0, SIM_CRASH_FRONT);
    assert_hit(1.9, 1.15, 0.0, -1.5, 10.0, SIM_CRASH_FRONT); /* hit by the corner, from ahead */
    assert_hit(0.0, 1.15, 0.0, -1.5, 10.0, SIM_CRASH_SIDE);
    assert_hit(-0.5, -1.15, 0.0, 1.5, 2.0, SIM_CRASH_SIDE);
    assert_hit(-2.1, 0.0, 3.0, 0.0, 1.0, SIM_CRASH_REAR);
}

static void standing_ego_does_not_crash(void **state)
{
    (void)state;
    court *c = open_court(20.0, -2.0, SIM_STANDING_MPS);
    const sim_body body = walker(20.0, -1.0, 0.0, -1.0);
    assert_int_equal(tick(c, &body, 1)->verdict, HP_VERDICT_RUNNING);
    assert_false(c->judge.near_miss_seen);
    c->ego.speed_mps = 0.011; /* moving off into him */
    assert_int_equal(tick(c, &body, 1)->verdict, HP_VERDICT_CRASH);
}

static void gap_and_overlap_agree_with_general_geometry(void **state)
{
    (void)state;
    const hp_rng stream = hp_rng_seed(3);
    uint32_t hits = 0;
    for (uint64_t i = 0; i < 20000; ++i) {
        court *c = open_court(hp_rng_range(stream, 7 * i, 20.0, 30.0), 0.0, 1.0);
        c->ego.pose.yaw_rad = hp_rng_range(stream, 7 * i + 1, -4.0, 4.0);
        const sim_body body = {.kind = HP_CLASS_CAR,
                               .box = {{hp_rng_range(stream, 7 * i + 2, 20.0, 30.0),
                                        hp_rng_range(stream, 7 * i + 3, -5.0, 5.0),
                                        hp_rng_range(stream, 7 * i + 4, -4.0, 4.0)},
                                       hp_rng_range(stream, 7 * i + 5, 0.3, 5.0),
                                       hp_rng_range(stream, 7 * i + 6, 0.3, 3.0)}};
        const hp_box ego = {c->ego.pose, 4.0, 2.0};
        const sim_result *result = tick(c, &body, 1);
        assert_int_equal(result->verdict == HP_VERDICT_CRASH, hp_box_overlap(&ego, &body.box));
        hp_assert_near(result->min_gap_m, hp_box_gap(&ego, &body.box), 1e-9);
        hits += result->verdict == HP_VERDICT_CRASH ? 1 : 0;
    }
    assert_true(hits > 2000 && hits < 18000);
}

static void near_misses_reach_farther_ahead(void **state)
{
    (void)state;
    court *c = open_court(20.0, -2.0, 5.0);
    sim_body body = walker(23.49, -2.0, 0.0, 0.0); /* 2 + 1.5 ahead */
    assert_true(tick(c, &body, 1)->near_miss);
    c = open_court(20.0, -2.0, 5.0);
    body = walker(23.51, -2.0, 0.0, 0.0);
    assert_false(tick(c, &body, 1)->near_miss);
    body = walker(17.49, -2.0, 0.0, 0.0); /* 2 + 0.5 behind */
    assert_false(tick(c, &body, 1)->near_miss);
    body = walker(20.0, -0.49, 0.0, 0.0); /* 1 + 0.5 beside */
    assert_false(tick(c, &body, 1)->near_miss);
    body.kind = HP_CLASS_CAR;
    body.box.centre.y_m = -0.51;
    assert_false(tick(c, &body, 1)->near_miss);
    body.kind = HP_CLASS_WALKER;
    c->ego.speed_mps = 0.0;
    assert_false(tick(c, &body, 1)->near_miss);
    c->ego.speed_mps = 5.0;
    assert_true(tick(c, &body, 1)->near_miss);
    body = walker(20.0, -2.0, 0.0, 0.0); /* a crash takes it back */
    assert_false(tick(c, &body, 1)->near_miss);
}

static void near_misses_reach_into_the_corner_when_somebody_else_is_nearer(void **state)
{
    (void)state;
    court *c = open_court(20.0, -2.0, 5.0);
    sim_body bodies[] = {walker(20.0, 0.5, 0.0, 0.0), walker(23.49, -0.51, 0.0, 0.0)};
    bodies[0].kind = HP_CLASS_CAR; /* 1.3 m beside the ego */
    bodies[1].box.length_m = bodies[1].box.width_m = 0.1;
    assert_true(tick(c, bodies, 2)->near_miss);
    hp_assert_near(c->judge.result.min_gap_m, 1.3, 1e-9);
}

static void near_misses_can_be_out_of_place(void **state)
{
    (void)state;
    court *c = open_court(20.0, -2.0, 5.0);
    sim_judge_init(&c->info, 25.0, false, &c->judge);
    const sim_body body = walker(23.0, -2.0, 0.0, 0.0);
    assert_false(tick(c, &body, 1)->near_miss);
    assert_false(c->judge.result.near_miss_applies);
}

static void time_to_collision_in_closed_form(void **state)
{
    (void)state;
    court *c = open_court(20.0, -2.0, 10.0);
    sim_body body = walker(42.2, -2.0, 0.0, 0.0);
    hp_assert_near(tick(c, &body, 1)->min_ttc_s, 2.0, 1e-12);
    c = open_court(20.0, -2.0, 10.0);
    body = walker(42.2, -2.0, 5.0, 0.0); /* walks away at half the speed */
    hp_assert_near(tick(c, &body, 1)->min_ttc_s, 4.0, 1e-12);
    c = open_court(20.0, -2.0, 10.0);
    body = walker(42.2, 10.0, 0.0, -1.0); /* enters the path after the ego has passed */
    assert_true(isinf(tick(c, &body, 1)->min_ttc_s));
    body = walker(42.2, 1.2, 0.0, -1.0); /* is in the path 2 s from now */
    hp_assert_near(tick(c, &body, 1)->min_ttc_s, 2.0, 1e-12);
}

static void leaving_the_pavement_is_a_crash(void **state)
{
    (void)state;
    court *c = open_court(20.0, -4.0, 5.0);
    hp_assert_near(tick(c, NULL, 0)->pavement_s, TICK_S, 1e-12);
    assert_int_equal(c->judge.result.verdict, HP_VERDICT_RUNNING);
    c->ego.pose.y_m = -6.01;
    assert_int_equal(tick(c, NULL, 0)->crash, SIM_CRASH_OFFROAD);
    c = open_court(20.0, -6.01, 0.0);
    c->info.n_road = 0;
    c->info.n_pavement = 0; /* no map: everything is drivable */
    assert_int_equal(tick(c, NULL, 0)->verdict, HP_VERDICT_RUNNING);
}

static void edges_beside_the_route_are_the_ground_when_there_are_some(void **state)
{
    (void)state;
    court *c = open_court(25.0, -2.0, 5.0);
    c->info.n_edges = 3; /* the road narrows towards the second point; rectangles do not count */
    for (int i = 0; i < 3; ++i) {
        c->info.edges[i] = (hp_edges){i == 0 ? 4.0 : 2.0, 1.0, 0.0, 1.5};
    }
    assert_int_equal(tick(c, NULL, 0)->verdict, HP_VERDICT_RUNNING);
    c->ego.pose.y_m = 0.9; /* 2.9 m to the left of the route, of 3 m */
    hp_assert_near(tick(c, NULL, 0)->oncoming_s, TICK_S, 1e-12);
    hp_assert_near(c->judge.result.pavement_s, 0.0, 0.0);
    c->ego.pose.y_m = -4.4; /* 2.4 m to the right, where the pavement ends at 2.5 m */
    hp_assert_near(tick(c, NULL, 0)->pavement_s, TICK_S, 1e-12);
    assert_int_equal(c->judge.result.verdict, HP_VERDICT_RUNNING);
    c->ego.pose.y_m = 1.1;
    assert_int_equal(tick(c, NULL, 0)->crash, SIM_CRASH_OFFROAD);
    c->info.n_edges = 0;
}

static void oncoming_lane_is_beyond_two_metres_on_the_road(void **state)
{
    (void)state;
    court *c = open_court(60.0, 0.1, 5.0);
    const sim_result *result = tick(c, NULL, 0);
    hp_assert_near(result->oncoming_s, TICK_S, 1e-12);
    hp_assert_near(result->pavement_s, 0.0, 0.0);
    hp_assert_near(result->progress_m, 60.0, 1e-12);
    c->ego.pose.y_m = -0.1;
    hp_assert_near(tick(c, NULL, 0)->oncoming_s, TICK_S, 1e-12);
}

static void goal_in_time_is_a_safe_arrival(void **state)
{
    (void)state;
    court *c = open_court(96.9, -2.0, 5.0);
    assert_int_equal(tick(c, NULL, 0)->verdict, HP_VERDICT_RUNNING);
    c->ego.pose.x_m = 97.1;
    const sim_result *result = tick(c, NULL, 0);
    assert_int_equal(result->verdict, HP_VERDICT_GOAL);
    hp_assert_near(result->ttg_s, 2.0 * TICK_S, 1e-12);
    assert_true(result->safe_arrival);
    c->ego.pose.y_m = 20.0; /* the verdict is out */
    assert_int_equal(tick(c, NULL, 0)->ticks, 2);
}

static void crash_outweighs_goal_outweighs_time(void **state)
{
    (void)state;
    court *c = open_court(98.0, -2.0, 5.0);
    const sim_body body = walker(98.0, -2.0, 0.0, 0.0);
    const sim_result *result = tick(c, &body, 1);
    assert_int_equal(result->verdict, HP_VERDICT_CRASH);
    assert_true(isnan(result->ttg_s));
    c = open_court(20.0, -2.0, 0.0);
    for (int i = 0; i < 499; ++i) {
        assert_int_equal(tick(c, NULL, 0)->verdict, HP_VERDICT_RUNNING);
    }
    c->ego.pose.x_m = 98.0;
    assert_int_equal(tick(c, NULL, 0)->verdict, HP_VERDICT_GOAL);
    c = open_court(20.0, -2.0, 0.0);
    for (int i = 0; i < 500; ++i) {
        assert_int_equal(c->judge.result.verdict, HP_VERDICT_RUNNING);
        (void)tick(c, NULL, 0);
    }
    assert_int_equal(c->judge.result.verdict, HP_VERDICT_TIMEOUT);
    assert_int_equal(c->judge.result.ticks, 500);
}

static void speeding_spoils_the_arrival(void **state)
{
    (void)state;
    for (int ticks = 10; ticks <= 11; ++ticks) { /* 0.5 s is still fine */
        court *c = open_court(20.0, -2.0, 51.1 / 3.6);
        for (int i = 0; i < ticks; ++i) {
            (void)tick(c, NULL, 0);
        }
        c->ego.speed_mps = 50.9 / 3.6;
        c->ego.pose.x_m = 98.0;
        assert_int_equal(tick(c, NULL, 0)->verdict, HP_VERDICT_GOAL);
        assert_int_equal(c->judge.result.safe_arrival, ticks == 10);
        hp_assert_near(c->judge.result.max_speed_mps, 51.1 / 3.6, 1e-12);
    }
}

/** A tick that changes the speed by accel * TICK_S. */
static void change_speed(court *c, double accel_mps2)
{
    const hp_command command = {.accel_mps2 = accel_mps2};
    const hp_ego_state before = c->ego;
    c->ego.speed_mps += accel_mps2 * TICK_S;
    sim_judge_tick(&c->judge, &command, &before, &c->ego, NULL, 0);
}

static void comfort_is_counted(void **state)
{
    static const double ACCELS[] = {0.0, -5.0, -5.0, 0.0, -4.1, 2.0, 2.0, -3.9};
    (void)state;
    court *c = open_court(20.0, -2.0, 10.0);
    double sum = 0.0;
    for (size_t i = 0; i < HP_ARRAY_LEN(ACCELS); ++i) {
        change_speed(c, ACCELS[i]);
        if (i > 0) {
            sum += pow((ACCELS[i] - ACCELS[i - 1]) / TICK_S, 2.0);
        }
    }
    const sim_result *result = &c->judge.result;
    assert_int_equal(result->hard_brakes, 2);
    assert_int_equal(result->switches, 5);
    hp_assert_near(result->max_jerk_mps3, 6.1 / TICK_S, 1e-6);
    hp_assert_near(result->rms_jerk_mps3, sqrt(sum / 7.0), 1e-6);
}

/** Brakes from 10 m/s at x = 20 with 5 m/s^2 for so many ticks, then rolls; after delay_ticks the
 *  body appears. What the judge counts after so many ticks in all. */
static const sim_result *brake(uint32_t brake_ticks, uint32_t all_ticks, sim_body body,
                               uint32_t delay_ticks)
{
    court *c = open_court(20.0, -2.0, 10.0);
    for (uint32_t i = 0; i < all_ticks; ++i) {
        const hp_command command = {.accel_mps2 = i < brake_ticks ? -5.0 : 0.0};
        const hp_ego_state before = c->ego;
        c->ego.speed_mps += command.accel_mps2 * TICK_S;
        c->ego.pose.x_m += c->ego.speed_mps * TICK_S;
        sim_judge_tick(&c->judge, &command, &before, &c->ego, &body, i < delay_ticks ? 0 : 1);
    }
    return &c->judge.result;
}

static void a_braking_is_false_when_nobody_comes_near(void **state)
{
    (void)state;
    /* The corridor: x to 20 + 2 + 40 m, y in [-3, -1]; his half width is 0.2 m. */
    const sim_body far = walker(40.0, 2.0, 0.0, 0.0);
    const sim_body near = walker(40.0, 1.1, 0.0, 0.0);
    const sim_body beyond = walker(66.5, -2.0, 0.0, 0.0);
    sim_body parked = walker(40.0, 0.2, 0.0, 0.0);
    sim_body in_the_way = walker(40.0, -0.9, 0.0, 0.0);
    parked.standing = in_the_way.standing = true;
    assert_int_equal(brake(12, 90, far, 0)->brakings, 1);
    assert_int_equal(brake(12, 90, far, 0)->false_brakings, 1);
    assert_int_equal(brake(12, 90, beyond, 0)->false_brakings, 1);
    assert_int_equal(brake(12, 90, parked, 0)->false_brakings, 1);
    assert_int_equal(brake(12, 90, near, 0)->brakings, 1);
    assert_int_equal(brake(12, 90, near, 0)->false_brakings, 0);
    assert_int_equal(brake(12, 90, in_the_way, 0)->false_brakings, 0);
    /* Who comes within the 4 s is a reason, who comes after them is none. */
    assert_int_equal(brake(12, 90, near, 75)->false_brakings, 0);
    assert_int_equal(brake(12, 90, near, 85)->false_brakings, 1);
}

static void a_braking_is_counted_when_it_lasts(void **state)
{
    (void)state;
    const sim_body far = walker(40.0, 20.0, 0.0, 0.0);
    assert_int_equal(brake(9, 90, far, 0)->brakings, 0);
    assert_int_equal(brake(9, 90, far, 0)->false_brakings, 0);
    assert_int_equal(brake(10, 90, far, 0)->brakings, 1);
    assert_int_equal(brake(10, 90, far, 0)->false_brakings, 1);
    assert_int_equal(brake(10, 79, far, 0)->false_brakings, 0); /* nobody knows yet */
}

static void commands_are_counted_and_hashed(void **state)
{
    (void)state;
    court *c = open_court(20.0, -2.0, 5.0);
    const hp_command a = {.accel_mps2 = 1.0, .source = HP_SOURCE_POLICY};
    const hp_command b = {.accel_mps2 = 1.0, .steer_rad = 1e-12, .guarded = true};
    sim_judge_tick(&c->judge, &a, &c->ego, &c->ego, NULL, 0);
    sim_judge_tick(&c->judge, &b, &c->ego, &c->ego, NULL, 0);
    const uint64_t ab = c->judge.result.command_hash;
    assert_int_equal(c->judge.result.interventions, 1);
    assert_int_equal(c->judge.result.sources[HP_SOURCE_POLICY], 1);
    assert_int_equal(c->judge.result.sources[HP_SOURCE_SEARCH], 1);
    sim_judge_tick(&c->judge, NULL, &c->ego, &c->ego, NULL, 0);
    assert_int_equal(c->judge.result.ticks, 3); /* the last without a command */
    c = open_court(20.0, -2.0, 5.0);
    sim_judge_tick(&c->judge, &b, &c->ego, &c->ego, NULL, 0);
    sim_judge_tick(&c->judge, &a, &c->ego, &c->ego, NULL, 0);
    assert_true(c->judge.result.command_hash != ab);
}

static void nonsense_ends_or_is_ignored(void **state)
{
    (void)state;
    court *c = open_court(20.0, -2.0, 5.0);
    sim_body body = walker(NAN, -2.0, 0.0, 0.0);
    const sim_result *result = tick(c, &body, 1);
    assert_int_equal(result->verdict, HP_VERDICT_RUNNING);
    assert_true(isinf(result->min_ttc_s) && isinf(result->min_gap_m));
    body = walker(30.0, -2.0, NAN, 0.0);
    assert_true(isinf(tick(c, &body, 1)->min_ttc_s));
    c->ego.pose.x_m = NAN;
    assert_int_equal(tick(c, NULL, 0)->verdict, HP_VERDICT_STOPPED);
}

static void texts_are_there(void **state)
{
    (void)state;
    for (int i = 0; i < SIM_CRASH_COUNT; ++i) {
        assert_string_not_equal(sim_crash_text((sim_crash)i), "unknown");
    }
    assert_string_equal(sim_crash_text(SIM_CRASH_COUNT), "unknown");
    assert_string_equal(sim_verdict_text(HP_VERDICT_GOAL), "goal");
    assert_string_equal(sim_verdict_text((hp_verdict)99), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crashes_know_their_side),
        cmocka_unit_test(standing_ego_does_not_crash),
        cmocka_unit_test(gap_and_overlap_agree_with_general_geometry),
        cmocka_unit_test(near_misses_reach_farther_ahead),
        cmocka_unit_test(near_misses_reach_into_the_corner_when_somebody_else_is_nearer),
        cmocka_unit_test(near_misses_can_be_out_of_place),
        cmocka_unit_test(time_to_collision_in_closed_form),
        cmocka_unit_test(leaving_the_pavement_is_a_crash),
        cmocka_unit_test(edges_beside_the_route_are_the_ground_when_there_are_some),
        cmocka_unit_test(oncoming_lane_is_beyond_two_metres_on_the_road),
        cmocka_unit_test(goal_in_time_is_a_safe_arrival),
        cmocka_unit_test(crash_outweighs_goal_outweighs_time),
        cmocka_unit_test(speeding_spoils_the_arrival),
        cmocka_unit_test(comfort_is_counted),
        cmocka_unit_test(a_braking_is_false_when_nobody_comes_near),
        cmocka_unit_test(a_braking_is_counted_when_it_lasts),
        cmocka_unit_test(commands_are_counted_and_hashed),
        cmocka_unit_test(nonsense_ends_or_is_ignored),
        cmocka_unit_test(texts_are_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
