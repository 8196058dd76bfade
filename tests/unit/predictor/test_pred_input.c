#include "predictor/pred_input.h"
#include "tests/support/hp_test.h"

#include <string.h>

static const hp_vec2 STILL = {0.0, 0.0};

static void test_pred_input_puts_any_rate_onto_the_grid(void **state)
{
    (void)state;
    /* Straight ahead at 2 m/s, seen at 7 Hz: every grid point lies between two sights. */
    double times_s[24];
    hp_vec2 points[24];
    pred_input in = {.kind = PRED_WALKER};
    for (uint32_t i = 0; i < 24; ++i) {
        times_s[i] = -(23.0 - i) / 7.0;
        points[i] = (hp_vec2){2.0 * times_s[i] + 5.0, 1.0};
    }
    pred_input_past(times_s, points, 24, STILL, &in);
    assert_int_equal(in.n_past, PRED_PAST);
    for (uint32_t k = 0; k < PRED_PAST; ++k) {
        hp_assert_near((double)in.past[k][0], -0.8 * (PRED_PAST - 1 - k), 1e-5);
        hp_assert_near((double)in.past[k][1], 0.0, 1e-6);
    }
}

static void test_pred_input_carries_a_short_past_back_evenly(void **state)
{
    (void)state;
    const double times_s[3] = {-0.8, -0.4, 0.0};
    const hp_vec2 points[3] = {{0.0, 0.0}, {0.5, 0.0}, {1.5, 0.0}};
    pred_input in = {.kind = PRED_WALKER};
    pred_input_past(times_s, points, 3, STILL, &in);
    assert_int_equal(in.n_past, 3);
    hp_assert_near((double)in.past[PRED_PAST - 3][0], -1.5, 1e-6);
    hp_assert_near((double)in.past[0][0], -1.5 - 5 * 0.5, 1e-6);
    /* One point: the tracker's velocity. */
    pred_input_past(&times_s[2], &points[2], 1, (hp_vec2){0.3, -0.1}, &in);
    assert_int_equal(in.n_past, 1);
    hp_assert_near((double)in.past[0][0], -7 * 0.3, 1e-6);
    hp_assert_near((double)in.past[0][1], 7 * 0.1, 1e-6);
}

static void test_pred_input_fills_a_missing_step_and_cuts_at_a_gap(void **state)
{
    (void)state;
    const double times_s[4] = {-2.8, -1.2, -0.4, 0.0};
    const hp_vec2 points[4] = {{0.0, 0.0}, {1.6, 0.0}, {2.4, 0.0}, {2.8, 0.0}};
    pred_input in = {.kind = PRED_WALKER};
    pred_input_past(times_s, points, 4, STILL, &in);
    assert_int_equal(in.n_past, 4); /* 0, -0.4, -0.8 (missing, filled), -1.2; not across 1.6 s */
    hp_assert_near((double)in.past[PRED_PAST - 3][0], -0.8, 1e-6);
}

static void test_pred_input_cuts_at_a_jump_that_nobody_can_make(void **state)
{
    (void)state;
    const double times_s[4] = {-1.2, -0.8, -0.4, 0.0};
    const hp_vec2 points[4] = {{0.0, 0.0}, {0.4, 0.0}, {30.0, 0.0}, {30.4, 0.0}};
    pred_input in = {.kind = PRED_WALKER};
    pred_input_past(times_s, points, 4, STILL, &in);
    assert_int_equal(in.n_past, 2);
}

/** Five steps of 0.6 m along x, at 0.5 s; all points from at on are slipped along y. */
static void write_slip(uint32_t at, double slip_m, double times_s[6], hp_vec2 points[6])
{
    for (uint32_t i = 0; i < 6; ++i) {
        times_s[i] = 0.5 * i - 2.5;
        points[i] = (hp_vec2){0.6 * i, i >= at ? slip_m : 0.0};
    }
}

static void test_pred_input_moves_a_walkers_past_along_when_the_recorder_slips(void **state)
{
    (void)state;
    double times_s[6];
    hp_vec2 points[6];
    pred_input straight = {.kind = PRED_WALKER};
    write_slip(6, 0.0, times_s, points);
    pred_input_past(times_s, points, 6, STILL, &straight);
    for (uint32_t at = 1; at < 6; ++at) {
        for (int far = 0; far < 2; ++far) { /* a leap that a runner might make, and no one */
            pred_input in = {.kind = PRED_WALKER};
            write_slip(at, far ? 10.0 : 3.0, times_s, points);
            pred_input_past(times_s, points, 6, STILL, &in);
            assert_int_equal(in.n_past, straight.n_past);
            for (uint32_t k = 0; k < PRED_PAST; ++k) {
                hp_assert_near((double)in.past[k][0], (double)straight.past[k][0], 1e-5);
                hp_assert_near((double)in.past[k][1], 0.0, 1e-5);
            }
        }
    }
    /* There and back again: both are slips. */
    pred_input in = {.kind = PRED_WALKER};
    write_slip(6, 0.0, times_s, points);
    points[3].y_m = 4.0;
    pred_input_past(times_s, points, 6, STILL, &in);
    for (uint32_t k = 0; k < PRED_PAST; ++k) {
        hp_assert_near((double)in.past[k][1], 0.0, 1e-5);
    }
}

static void test_pred_input_leaves_the_past_alone_when_a_step_is_no_slip(void **state)
{
    (void)state;
    static const struct {
        pred_class kind;
        double slip_m;
        uint32_t first, n_past; /* from this point on, grid points */
    } CASES[] = {
        {PRED_WALKER, 1.9, 0, 7},  /* within what a walker can do, and jitter */
        {PRED_CYCLIST, 3.0, 0, 7}, /* not known to be one */
        {PRED_WALKER, 3.0, 3, 3},  /* three points do not tell what is usual */
        {PRED_WALKER, 16.0, 0, 1}, /* too far: his id was given to somebody else */
    };
    for (size_t i = 0; i < HP_ARRAY_LEN(CASES); ++i) {
        double times_s[6];
        hp_vec2 points[6];
        pred_input in = {.kind = CASES[i].kind};
        const uint32_t first = CASES[i].first;
        write_slip(5, CASES[i].slip_m, times_s, points);
        pred_input_past(&times_s[first], &points[first], 6 - first, STILL, &in);
        assert_int_equal(in.n_past, CASES[i].n_past);
        if (in.n_past > 1) {
            hp_assert_near((double)in.past[PRED_PAST - 2][1], -0.8 * CASES[i].slip_m, 1e-5);
        }
    }
}

static void test_pred_input_looks_at_the_newest_points_when_there_are_too_many(void **state)
{
    (void)state;
    double times_s[2 * PRED_POINTS];
    hp_vec2 points[2 * PRED_POINTS];
    pred_input in = {.kind = PRED_WALKER};
    for (uint32_t i = 0; i < 2 * PRED_POINTS; ++i) {
        times_s[i] = 0.1 * i - 0.1 * (2 * PRED_POINTS - 1);
        points[i] = (hp_vec2){times_s[i], 0.0};
    }
    pred_input_past(times_s, points, 2 * PRED_POINTS, STILL, &in);
    assert_int_equal(in.n_past, PRED_PAST);
    hp_assert_near((double)in.past[0][0], -2.8, 1e-5);
}

static void test_pred_input_forgets_as_if_less_had_been_seen(void **state)
{
    (void)state;
    double times_s[PRED_PAST];
    hp_vec2 points[PRED_PAST];
    for (uint32_t k = 0; k < PRED_PAST; ++k) {
        times_s[k] = -0.4 * (PRED_PAST - 1 - k);
        points[k] = (hp_vec2){0.1 * k * k, 0.05 * k};
    }
    for (uint32_t n = 2; n <= PRED_PAST; ++n) {
        pred_input all = {.kind = PRED_WALKER};
        pred_input some = {.kind = PRED_WALKER};
        pred_input_past(times_s, points, PRED_PAST, STILL, &all);
        pred_input_past(&times_s[PRED_PAST - n], &points[PRED_PAST - n], n, STILL, &some);
        pred_input_forget(&all, n);
        assert_int_equal(all.n_past, some.n_past);
        for (uint32_t k = 0; k < PRED_PAST; ++k) {
            hp_assert_near((double)all.past[k][0], (double)some.past[k][0], 1e-5);
        }
    }
}

static void test_pred_input_picks_eight_of_two_hundred_vehicles_first(void **state)
{
    (void)state;
    static pred_other others[201];
    pred_input in = {.kind = PRED_WALKER};
    for (uint32_t i = 0; i < 201; ++i) {
        others[i] = (pred_other){.id = i, .kind = PRED_WALKER, .p = {0.03 * i, 0.0}};
    }
    others[200].kind = PRED_CAR;
    pred_input_neighbours(others, 201, 0, &in);
    assert_int_equal(in.n_neighbours, PRED_NEIGHBOURS);
    assert_int_equal(in.neighbours[0].kind, PRED_CAR);
    hp_assert_near((double)in.neighbours[1].x_m, 0.03, 1e-6);
    /* Listed backwards it is the same. */
    static pred_other turned[201];
    pred_input same = {.kind = PRED_WALKER};
    for (uint32_t i = 0; i < 201; ++i) {
        turned[i] = others[200 - i];
    }
    pred_input_neighbours(turned, 201, 200, &same);
    assert_memory_equal(in.neighbours, same.neighbours, sizeof in.neighbours);
}

static void test_pred_frame_comes_back_when_it_is_left(void **state)
{
    (void)state;
    pred_input in = {.kind = PRED_CYCLIST, .past[PRED_PAST - 4] = {-3.0F, 1.0F}};
    const pred_change change = {.turn_rad = 0.2, .size = 1.3, .flip = -1.0};
    const pred_frame frame = pred_frame_of(&in, &change);
    const float world[2] = {2.5F, -7.0F};
    float inside[2];
    float back[2];
    pred_frame_in(&frame, world, inside);
    pred_frame_out(&frame, inside, back);
    hp_assert_near((double)back[0], 2.5, 1e-5);
    hp_assert_near((double)back[1], -7.0, 1e-5);
}

static void test_pred_input_base_turns_on_when_a_fast_car_turns(void **state)
{
    (void)state;
    /* 8 m/s on a circle of 20 m. */
    double times_s[PRED_PAST];
    hp_vec2 points[PRED_PAST];
    pred_input in = {.kind = PRED_CAR, .yaw_rad = NAN};
    float x[PRED_INPUTS];
    float pairs[PRED_NEIGHBOURS * PRED_PAIRS];
    float base[PRED_PATH];
    float world[2];
    for (uint32_t k = 0; k < PRED_PAST; ++k) {
        times_s[k] = -0.4 * (PRED_PAST - 1 - k);
        points[k] = (hp_vec2){20.0 * sin(0.4 * times_s[k]), 20.0 * (1.0 - cos(0.4 * times_s[k]))};
    }
    pred_input_past(times_s, points, PRED_PAST, STILL, &in);
    const pred_frame frame = pred_frame_of(&in, &PRED_AS_IT_IS);
    pred_input_write(&in, &frame, 1.0, x, pairs, base);
    pred_frame_out(&frame, &base[PRED_PATH - 2], world);
    hp_assert_near((double)world[0], 20.0 * sin(0.4 * 4.8), 0.3);
    hp_assert_near((double)world[1], 20.0 * (1.0 - cos(0.4 * 4.8)), 0.3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pred_input_puts_any_rate_onto_the_grid),
        cmocka_unit_test(test_pred_input_carries_a_short_past_back_evenly),
        cmocka_unit_test(test_pred_input_fills_a_missing_step_and_cuts_at_a_gap),
        cmocka_unit_test(test_pred_input_cuts_at_a_jump_that_nobody_can_make),
        cmocka_unit_test(test_pred_input_moves_a_walkers_past_along_when_the_recorder_slips),
        cmocka_unit_test(test_pred_input_leaves_the_past_alone_when_a_step_is_no_slip),
        cmocka_unit_test(test_pred_input_looks_at_the_newest_points_when_there_are_too_many),
        cmocka_unit_test(test_pred_input_forgets_as_if_less_had_been_seen),
        cmocka_unit_test(test_pred_input_picks_eight_of_two_hundred_vehicles_first),
        cmocka_unit_test(test_pred_frame_comes_back_when_it_is_left),
        cmocka_unit_test(test_pred_input_base_turns_on_when_a_fast_car_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
