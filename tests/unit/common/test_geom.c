/* Plane geometry against brute force: many drawn cases, each compared with plain sampling. */
#include "tests/support/hp_test.h"

#include "common/hp_geom.h"
#include "common/hp_rng.h"

enum { CASES = 2000, SIDE = 40 /* samples along each side of a box */ };

static hp_box draw_box(hp_rng stream, uint64_t i)
{
    return (hp_box){.centre = {hp_rng_range(stream, 5 * i, -4.0, 4.0),
                               hp_rng_range(stream, 5 * i + 1, -4.0, 4.0),
                               hp_rng_range(stream, 5 * i + 2, -7.0, 7.0)},
                    .length_m = hp_rng_range(stream, 5 * i + 3, 0.2, 6.0),
                    .width_m = hp_rng_range(stream, 5 * i + 4, 0.2, 3.0)};
}

static hp_vec2 draw_point(hp_rng stream, uint64_t i, double reach)
{
    return (hp_vec2){hp_rng_range(stream, 2 * i, -reach, reach),
                     hp_rng_range(stream, 2 * i + 1, -reach, reach)};
}

static hp_vec2 between(hp_vec2 a, hp_vec2 b, double t)
{
    return (hp_vec2){a.x_m + t * (b.x_m - a.x_m), a.y_m + t * (b.y_m - a.y_m)};
}

/** Point (u, v) of a box in [0, 1]^2, made from its corners alone. */
static hp_vec2 box_point(const hp_box *box, double u, double v)
{
    hp_vec2 c[4];
    hp_box_corners(box, c);
    return between(between(c[3], c[0], u), between(c[2], c[1], u), v);
}

/** Is p on the same side of all edges? Needs no rotation, so it shares nothing with the code. */
static bool inside_by_edges(const hp_box *box, hp_vec2 p)
{
    hp_vec2 c[4];
    hp_box_corners(box, c);
    for (int i = 0; i < 4; ++i) { /* the corners go clockwise */
        const hp_vec2 e = hp_vec2_sub(c[(i + 1) % 4], c[i]);
        const hp_vec2 r = hp_vec2_sub(p, c[i]);
        if (e.x_m * r.y_m - e.y_m * r.x_m > 0.0) {
            return false;
        }
    }
    return true;
}

/** Distance from p to the nearest of (SIDE + 1)^2 points of the box. */
static double sampled_distance(const hp_box *box, hp_vec2 p)
{
    double best = INFINITY;
    for (int i = 0; i <= SIDE; ++i) {
        for (int k = 0; k <= SIDE; ++k) {
            best = fmin(best, hp_dist(p, box_point(box, (double)i / SIDE, (double)k / SIDE)));
        }
    }
    return best;
}

/** No point of a box is further than this from one of its samples. */
static double sample_error(const hp_box *box)
{
    return 0.5 * hypot(box->length_m, box->width_m) / SIDE;
}

static void test_angle_wrap_keeps_direction_and_interval(void **state)
{
    const hp_rng stream = hp_rng_seed(1);
    (void)state;
    for (uint64_t i = 0; i < 100000; ++i) {
        const double angle = hp_rng_range(stream, i, -100.0, 100.0);
        const double wrapped = hp_angle_wrap(angle);
        assert_true(wrapped > -HP_PI && wrapped <= HP_PI);
        hp_assert_near(cos(wrapped), cos(angle), 1e-13);
        hp_assert_near(sin(wrapped), sin(angle), 1e-13);
        assert_true(hp_angle_wrap(wrapped) == wrapped);
    }
}

static void test_angle_wrap_is_half_open_when_at_pi(void **state)
{
    (void)state;
    assert_true(hp_angle_wrap(HP_PI) == HP_PI);
    assert_true(hp_angle_wrap(-HP_PI) == HP_PI);
    assert_true(hp_angle_wrap(0.0) == 0.0);
    assert_true(hp_angle_wrap(2.0 * HP_PI) == 0.0);
    assert_true(hp_angle_wrap(nextafter(-HP_PI, 0.0)) == nextafter(-HP_PI, 0.0));
    assert_true(hp_angle_wrap(nextafter(HP_PI, 0.0)) == nextafter(HP_PI, 0.0));
    hp_assert_near(hp_angle_wrap(nextafter(HP_PI, 4.0)), -HP_PI, 1e-15);
    hp_assert_near(hp_angle_wrap(nextafter(-HP_PI, -4.0)), HP_PI, 1e-15);
    for (int k = -9; k <= 9; k += 2) { /* odd multiples, as rounded as they are */
        const double wrapped = hp_angle_wrap(k * HP_PI);
        assert_true(wrapped > -HP_PI && wrapped <= HP_PI);
        hp_assert_near(fabs(wrapped), HP_PI, 1e-14);
    }
}

static void test_box_corners_come_in_stated_order(void **state)
{
    const hp_box east = {.centre = {10.0, 5.0, 0.0}, .length_m = 4.0, .width_m = 2.0};
    const hp_box north = {.centre = {10.0, 5.0, 0.5 * HP_PI}, .length_m = 4.0, .width_m = 2.0};
    static const double EAST[4][2] = {{12.0, 6.0}, {12.0, 4.0}, {8.0, 4.0}, {8.0, 6.0}};
    static const double NORTH[4][2] = {{9.0, 7.0}, {11.0, 7.0}, {11.0, 3.0}, {9.0, 3.0}};
    hp_vec2 corners[4];
    (void)state;
    hp_box_corners(&east, corners);
    for (int i = 0; i < 4; ++i) {
        hp_assert_near(corners[i].x_m, EAST[i][0], 1e-12);
        hp_assert_near(corners[i].y_m, EAST[i][1], 1e-12);
    }
    hp_box_corners(&north, corners);
    for (int i = 0; i < 4; ++i) {
        hp_assert_near(corners[i].x_m, NORTH[i][0], 1e-12);
        hp_assert_near(corners[i].y_m, NORTH[i][1], 1e-12);
    }
}

static void test_box_contains_what_lies_inside_all_edges(void **state)
{
    const hp_rng stream = hp_rng_seed(2);
    uint32_t n_inside = 0;
    (void)state;
    for (uint64_t i = 0; i < UINT64_C(20) * CASES; ++i) {
        const hp_box box = draw_box(stream, i);
        const hp_vec2 p = draw_point(hp_rng_lane(stream, 1), i, 6.0);
        const bool inside = inside_by_edges(&box, p);
        assert_int_equal(hp_box_contains(&box, p), inside);
        assert_int_equal(hp_box_distance(&box, p) == 0.0, inside);
        n_inside += inside ? 1 : 0;
    }
    assert_true(n_inside > CASES / 2); /* both answers were asked for */
}

static void test_box_distance_is_that_to_nearest_sample(void **state)
{
    const hp_rng stream = hp_rng_seed(3);
    (void)state;
    for (uint64_t i = 0; i < CASES; ++i) {
        const hp_box box = draw_box(stream, i);
        const hp_vec2 p = draw_point(hp_rng_lane(stream, 1), i, 9.0);
        const double sampled = sampled_distance(&box, p);
        const double exact = hp_box_distance(&box, p);
        assert_true(exact <= sampled + 1e-12);
        assert_true(exact >= sampled - sample_error(&box) - 1e-12);
    }
}

/** Smallest distance from samples of a to b: above the true gap by at most a sample's error. */
static double sampled_gap(const hp_box *a, const hp_box *b)
{
    double best = INFINITY;
    for (int i = 0; i <= SIDE; ++i) {
        for (int k = 0; k <= SIDE; ++k) {
            const hp_vec2 p = box_point(a, (double)i / SIDE, (double)k / SIDE);
            best = fmin(best, hp_box_distance(b, p));
        }
    }
    return best;
}

static void test_box_overlap_and_gap_agree_with_samples(void **state)
{
    const hp_rng stream = hp_rng_seed(4);
    uint32_t n_overlap = 0;
    (void)state;
    for (uint64_t i = 0; i < CASES; ++i) {
        const hp_box a = draw_box(stream, 2 * i);
        const hp_box b = draw_box(stream, 2 * i + 1);
        const bool overlap = hp_box_overlap(&a, &b);
        const double gap = hp_box_gap(&a, &b);
        const double sampled = sampled_gap(&a, &b);
        assert_int_equal(overlap, hp_box_overlap(&b, &a));
        assert_true(gap == hp_box_gap(&b, &a));
        assert_int_equal(overlap, gap == 0.0);
        assert_true(gap <= sampled + 1e-12);
        assert_true(gap >= sampled - sample_error(&a) - 1e-12);
        n_overlap += overlap ? 1 : 0;
    }
    assert_true(n_overlap > CASES / 10 && n_overlap < 9 * CASES / 10);
}

static void test_box_overlap_counts_touching(void **state)
{
    const hp_box a = {.centre = {0.0, 0.0, 0.0}, .length_m = 4.0, .width_m = 2.0};
    const hp_box side = {.centre = {4.0, 0.0, 0.0}, .length_m = 4.0, .width_m = 2.0};
    const hp_box apart = {.centre = {4.001, 0.0, 0.0}, .length_m = 4.0, .width_m = 2.0};
    const hp_box within = {.centre = {0.5, 0.2, 1.0}, .length_m = 0.5, .width_m = 0.2};
    (void)state;
    assert_true(hp_box_overlap(&a, &a));
    assert_true(hp_box_overlap(&a, &side));
    assert_true(hp_box_gap(&a, &side) == 0.0);
    assert_false(hp_box_overlap(&a, &apart));
    hp_assert_near(hp_box_gap(&a, &apart), 0.001, 1e-12);
    assert_true(hp_box_overlap(&a, &within));
    assert_true(hp_box_overlap(&within, &a));
}

static void test_box_gap_keeps_when_both_are_moved(void **state)
{
    const hp_rng stream = hp_rng_seed(5);
    (void)state;
    for (uint64_t i = 0; i < CASES; ++i) {
        hp_box boxes[2] = {draw_box(stream, 2 * i), draw_box(stream, 2 * i + 1)};
        const double gap = hp_box_gap(&boxes[0], &boxes[1]);
        const double turn = hp_rng_range(hp_rng_lane(stream, 1), i, -3.0, 3.0);
        for (int k = 0; k < 2; ++k) {
            const hp_pose p = boxes[k].centre;
            boxes[k].centre.x_m = cos(turn) * p.x_m - sin(turn) * p.y_m + 50.0;
            boxes[k].centre.y_m = sin(turn) * p.x_m + cos(turn) * p.y_m - 20.0;
            boxes[k].centre.yaw_rad += turn;
        }
        hp_assert_near(hp_box_gap(&boxes[0], &boxes[1]), gap, 1e-9);
    }
}

static void test_box_cuts_segment_when_some_point_of_it_is_near(void **state)
{
    enum { STEPS = 2000 };
    const hp_rng stream = hp_rng_seed(6);
    uint32_t n_cut = 0;
    (void)state;
    for (uint64_t i = 0; i < CASES; ++i) {
        const hp_box box = draw_box(stream, i);
        const hp_vec2 a = draw_point(hp_rng_lane(stream, 1), i, 8.0);
        const hp_vec2 b = draw_point(hp_rng_lane(stream, 2), i, 8.0);
        const bool cut = hp_box_cuts_segment(&box, a, b);
        double nearest = INFINITY;
        for (int k = 0; k <= STEPS; ++k) {
            nearest = fmin(nearest, hp_box_distance(&box, between(a, b, (double)k / STEPS)));
        }
        assert_true(cut || nearest > 0.0);
        assert_true(!cut || nearest <= hp_dist(a, b) / STEPS);
        assert_int_equal(cut, hp_box_cuts_segment(&box, b, a));
        n_cut += cut ? 1 : 0;
    }
    assert_true(n_cut > CASES / 10 && n_cut < 9 * CASES / 10);
}

static void test_box_cuts_segment_when_it_is_parallel_or_a_point(void **state)
{
    const hp_box box = {.centre = {0.0, 0.0, 0.0}, .length_m = 4.0, .width_m = 2.0};
    (void)state;
    assert_true(hp_box_cuts_segment(&box, (hp_vec2){-9.0, 1.0}, (hp_vec2){9.0, 1.0}));
    assert_false(hp_box_cuts_segment(&box, (hp_vec2){-9.0, 1.01}, (hp_vec2){9.0, 1.01}));
    assert_false(hp_box_cuts_segment(&box, (hp_vec2){2.1, 0.0}, (hp_vec2){9.0, 0.0}));
    assert_true(hp_box_cuts_segment(&box, (hp_vec2){1.0, 0.5}, (hp_vec2){1.0, 0.5}));
    assert_false(hp_box_cuts_segment(&box, (hp_vec2){3.0, 0.5}, (hp_vec2){3.0, 0.5}));
    assert_true(hp_box_cuts_segment(&box, (hp_vec2){0.1, 0.1}, (hp_vec2){0.2, 0.1})); /* within */
}

static void test_rect_contains_its_edges(void **state)
{
    const hp_rect r = {-1.0, -2.0, 3.0, 4.0};
    (void)state;
    assert_true(hp_rect_contains(&r, (hp_vec2){-1.0, -2.0}));
    assert_true(hp_rect_contains(&r, (hp_vec2){3.0, 4.0}));
    assert_false(hp_rect_contains(&r, (hp_vec2){nextafter(3.0, 4.0), 0.0}));
    assert_false(hp_rect_contains(&r, (hp_vec2){0.0, nextafter(-2.0, -3.0)}));
    assert_false(hp_rect_contains(&r, (hp_vec2){NAN, 0.0}));
}

/* Polylines. */

enum { POINTS = 40 };

typedef struct line {
    hp_vec2 points[POINTS];
    double s_m[POINTS];
    double length_m;
} line;

static line draw_line(hp_rng stream)
{
    line l;
    for (uint64_t i = 0; i < POINTS; ++i) { /* goes east, wavering */
        l.points[i] = (hp_vec2){5.0 * (double)i + hp_rng_range(stream, 2 * i, -2.0, 2.0),
                                hp_rng_range(stream, 2 * i + 1, -6.0, 6.0)};
    }
    l.length_m = hp_polyline_lengths(l.points, POINTS, l.s_m);
    return l;
}

static hp_vec2 place_at(const line *l, double s)
{
    const hp_pose pose = hp_polyline_at(l->points, l->s_m, POINTS, s);
    return (hp_vec2){pose.x_m, pose.y_m};
}

static void test_polyline_lengths_add_up(void **state)
{
    const hp_vec2 points[] = {{0.0, 0.0}, {3.0, 4.0}, {3.0, 4.0}, {3.0, -8.0}};
    double s_m[4];
    (void)state;
    assert_true(hp_polyline_lengths(points, 4, s_m) == 17.0);
    assert_true(s_m[0] == 0.0 && s_m[1] == 5.0 && s_m[2] == 5.0 && s_m[3] == 17.0);
    assert_true(hp_polyline_lengths(points, 1, s_m) == 0.0);
}

static void test_polyline_at_walks_at_unit_speed(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 50; ++i) {
        const line l = draw_line(hp_rng_lane(hp_rng_seed(7), i));
        double walked = 0.0;
        for (int k = 0; k < 20000; ++k) { /* corners are cut by less than a step each */
            walked += hp_dist(place_at(&l, l.length_m * k / 20000.0),
                              place_at(&l, l.length_m * (k + 1) / 20000.0));
        }
        hp_assert_near(walked, l.length_m, POINTS * l.length_m / 20000.0);
        for (uint32_t k = 0; k < POINTS; ++k) {
            hp_assert_near(hp_dist(place_at(&l, l.s_m[k]), l.points[k]), 0.0, 1e-9);
        }
        assert_true(hp_dist(place_at(&l, -5.0), l.points[0]) == 0.0);
        hp_assert_near(hp_dist(place_at(&l, l.length_m + 5.0), l.points[POINTS - 1]), 0.0, 1e-12);
    }
}

static void test_polyline_project_finds_nearest_point(void **state)
{
    enum { STEPS = 10000 };
    (void)state;
    for (uint64_t i = 0; i < 300; ++i) {
        const hp_rng stream = hp_rng_lane(hp_rng_seed(8), i);
        const line l = draw_line(stream);
        const hp_vec2 p = {hp_rng_range(stream, 100, -10.0, 205.0),
                           hp_rng_range(stream, 101, -12.0, 12.0)};
        const hp_projection foot = hp_polyline_project(l.points, l.s_m, POINTS, p);
        double nearest = INFINITY;
        for (int k = 0; k <= STEPS; ++k) {
            nearest = fmin(nearest, hp_dist(p, place_at(&l, l.length_m * k / STEPS)));
        }
        assert_true(foot.s_m >= 0.0 && foot.s_m <= l.length_m);
        assert_true(foot.segment < POINTS - 1);
        assert_true(fabs(foot.lateral_m) <= nearest + 1e-12);
        assert_true(fabs(foot.lateral_m) >= nearest - 0.5 * l.length_m / STEPS - 1e-12);
        hp_assert_near(hp_dist(p, place_at(&l, foot.s_m)), fabs(foot.lateral_m), 1e-9);
    }
}

static void test_polyline_project_undoes_at(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < CASES; ++i) {
        const hp_rng stream = hp_rng_lane(hp_rng_seed(9), i);
        const line l = draw_line(stream);
        const double s = hp_rng_range(stream, 100, 0.0, l.length_m);
        const hp_projection foot = hp_polyline_project(l.points, l.s_m, POINTS, place_at(&l, s));
        hp_assert_near(foot.lateral_m, 0.0, 1e-9);
        const hp_vec2 again = place_at(&l, foot.s_m); /* a line may cross itself: compare places */
        hp_assert_near(hp_dist(again, place_at(&l, s)), 0.0, 1e-9);
    }
}

static void test_polyline_project_is_signed_when_beside_the_line(void **state)
{
    const hp_rng stream = hp_rng_seed(10);
    (void)state;
    for (uint64_t i = 0; i < CASES; ++i) {
        const double yaw = hp_rng_range(stream, 3 * i, -HP_PI, HP_PI);
        const double s = hp_rng_range(stream, 3 * i + 1, 0.0, 10.0);
        const double left = hp_rng_range(stream, 3 * i + 2, -4.0, 4.0);
        const hp_vec2 points[] = {{1.0, 2.0}, {1.0 + 10.0 * cos(yaw), 2.0 + 10.0 * sin(yaw)}};
        double s_m[2];
        (void)hp_polyline_lengths(points, 2, s_m);
        const hp_vec2 p = {1.0 + s * cos(yaw) - left * sin(yaw),
                           2.0 + s * sin(yaw) + left * cos(yaw)};
        const hp_projection foot = hp_polyline_project(points, s_m, 2, p);
        hp_assert_near(foot.s_m, s, 1e-9);
        hp_assert_near(foot.lateral_m, left, 1e-9);
        hp_assert_near(hp_angle_wrap(foot.yaw_rad - yaw), 0.0, 1e-9);
        hp_assert_near(hp_angle_wrap(hp_polyline_at(points, s_m, 2, s).yaw_rad - yaw), 0.0, 1e-9);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_angle_wrap_keeps_direction_and_interval),
        cmocka_unit_test(test_angle_wrap_is_half_open_when_at_pi),
        cmocka_unit_test(test_box_corners_come_in_stated_order),
        cmocka_unit_test(test_box_contains_what_lies_inside_all_edges),
        cmocka_unit_test(test_box_distance_is_that_to_nearest_sample),
        cmocka_unit_test(test_box_overlap_and_gap_agree_with_samples),
        cmocka_unit_test(test_box_overlap_counts_touching),
        cmocka_unit_test(test_box_gap_keeps_when_both_are_moved),
        cmocka_unit_test(test_box_cuts_segment_when_some_point_of_it_is_near),
        cmocka_unit_test(test_box_cuts_segment_when_it_is_parallel_or_a_point),
        cmocka_unit_test(test_rect_contains_its_edges),
        cmocka_unit_test(test_polyline_lengths_add_up),
        cmocka_unit_test(test_polyline_at_walks_at_unit_speed),
        cmocka_unit_test(test_polyline_project_finds_nearest_point),
        cmocka_unit_test(test_polyline_project_undoes_at),
        cmocka_unit_test(test_polyline_project_is_signed_when_beside_the_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
