/* Road maps: shapes against closed forms, lanes against arc-length identities, places, routes,
 * refusals; on a map of our own, and on CARLA's towns where they are. */
#include "sim-bridge/xodr/xodr.h"
#include "sim-bridge/xodr/xodr_internal.h"
#include "tests/support/hp_test.h"

#include <stdlib.h>
#include <string.h>

#define OUR_MAP "tests/fuzz/corpus/xodr/crossroads"

static xodr_map *open_map(const char *path)
{
    xodr_map *map = NULL;
    hp_error error = {{0}};
    if (xodr_read(path, &map, &error) != HP_OK) {
        print_error("%s\n", error.text);
    }
    assert_non_null(map);
    return map;
}

static const xodr_road *road_of(const xodr_map *map, uint32_t id)
{
    for (uint32_t i = 0; i < map->roads.n; ++i) {
        if (xodr_road_of(map, i)->id == id) {
            return xodr_road_of(map, i);
        }
    }
    fail();
    return NULL;
}

static const xodr_lane *lane_of(const xodr_map *map, uint32_t road, uint32_t section, int32_t id)
{
    for (uint32_t i = 0; i < xodr_facts_of(map).n_lanes; ++i) {
        const xodr_lane *lane = xodr_lane_at(map, i);
        if (lane->road == road && lane->section == section && lane->id == id) {
            return lane;
        }
    }
    fail();
    return NULL;
}

static void assert_pose(hp_pose p, double x, double y, double yaw)
{
    hp_assert_near(p.x_m, x, 1e-6);
    hp_assert_near(p.y_m, y, 1e-6);
    hp_assert_near(hp_angle_wrap(p.yaw_rad - yaw), 0.0, 1e-6);
}

static void test_xodr_gives_closed_forms_when_shapes_have_them(void **state)
{
    xodr_map *map = open_map(OUR_MAP);
    (void)state;
    assert_pose(xodr_reference(map, road_of(map, 10), 30.0), -70.0, 0.0, 0.0);
    /* a quarter of a circle of 20 m to the left, half of it, and beyond its end */
    assert_pose(xodr_reference(map, road_of(map, 21), 10.0 * HP_PI), 20.0, 20.0, HP_PI / 2);
    assert_pose(xodr_reference(map, road_of(map, 21), 5.0 * HP_PI), 20.0 * sin(HP_PI / 4),
                20.0 * (1 - cos(HP_PI / 4)), HP_PI / 4);
    assert_pose(xodr_reference(map, road_of(map, 21), 1e3), 20.0, 20.0, HP_PI / 2);
    /* a clothoid that ends with a turn of 1: Fresnel's integrals as a series */
    double x = 0.0;
    double y = 0.0;
    double factorial = 1.0;
    for (int k = 0; k < 12; ++k) { /* integral of cos and sin of u^2 over [0, 1], times 40 */
        const double sign = k % 2 == 0 ? 1.0 : -1.0;
        factorial = k == 0 ? 1.0 : factorial * (2 * k) * (2 * k - 1);
        x += 40.0 * sign / (factorial * (4 * k + 1));
        y += 40.0 * sign / (factorial * (2 * k + 1) * (4 * k + 3));
    }
    assert_pose(xodr_reference(map, road_of(map, 30), 40.0), x, 500.0 + y, 1.0);
    assert_pose(xodr_reference(map, road_of(map, 31), 10.0), 10.0, 600.1, atan(0.02));
    assert_pose(xodr_reference(map, road_of(map, 32), 40.2645 / 2), 20.0, 701.0, atan(0.1));
    xodr_destroy(&map);
}

/** Integral of |d reference / ds| by points close together. */
static double walked_m(const xodr_map *map, const xodr_road *road)
{
    enum { N = 4000 };
    hp_pose last = xodr_reference(map, road, 0.0);
    double sum = 0.0;
    for (int i = 1; i <= N; ++i) {
        const hp_pose at = xodr_reference(map, road, road->length_m * i / N);
        sum += hypot(at.x_m - last.x_m, at.y_m - last.y_m);
        last = at;
    }
    return sum;
}

/** A line at t beside another of length L that turns by a is L - t a long: the identity that ties
 *  centre lines to the reference line, whatever its shape. Returns how many lanes it could be
 *  asked of: those of constant offset. */
static uint32_t check_lengths(const xodr_map *map, double *worst)
{
    uint32_t n = 0;
    *worst = 0.0;
    for (uint32_t i = 0; i < xodr_facts_of(map).n_lanes; ++i) {
        const xodr_lane *lane = xodr_lane_at(map, i);
        if (lane->t_max_m - lane->t_min_m > 1e-6 || lane->reference_m < 2.0) {
            continue;
        }
        const double wanted = lane->reference_m - lane->t_min_m * lane->turn_rad;
        const double error = fabs(lane->s_m[lane->n - 1] - wanted) / fmax(wanted, 1.0);
        *worst = fmax(*worst, error);
        n += 1;
    }
    return n;
}

static void test_xodr_lanes_obey_lengths_when_the_road_bends(void **state)
{
    xodr_map *map = open_map(OUR_MAP);
    double worst = 0.0;
    (void)state;
    for (uint32_t i = 0; i < map->roads.n; ++i) {
        const xodr_road *road = xodr_road_of(map, i);
        /* poly3 goes by x, and is longer than its length says */
        hp_assert_near(walked_m(map, road), road->length_m, road->id == 31 ? 0.1 : 1e-3);
    }
    assert_true(check_lengths(map, &worst) > 15);
    hp_assert_near(worst, 0.0, 2e-3); /* points a metre apart cut the corners */
    const xodr_lane *left = lane_of(map, 21, 0, -1);
    hp_assert_near(left->s_m[left->n - 1], 10 * HP_PI * 21.75 / 20.0, 0.01);
    /* against the reference line: starts at its end */
    hp_assert_near(lane_of(map, 10, 0, 1)->centre[0].x_m, 0.0, 1e-9);
    hp_assert_near(lane_of(map, 10, 0, 1)->centre[0].y_m, 1.75, 1e-9);
    hp_assert_near(lane_of(map, 10, 0, -3)->right[0].y_m, -6.0, 1e-9);
    /* 32: the offset moves its only lane onto the line; 11: the second lane opens */
    hp_assert_near(lane_of(map, 32, 0, -1)->centre[0].y_m, 700.0, 1e-9);
    hp_assert_near(hp_dist(lane_of(map, 11, 0, -2)->left[0], lane_of(map, 11, 0, -2)->right[0]),
                   0.0, 1e-9);
    hp_assert_near(lane_of(map, 11, 0, -2)->right[20].y_m, -3.5 - 20 * 0.175 * 20.0 / 21.0, 1e-6);
    xodr_destroy(&map);
}

static void test_xodr_tells_the_ground_when_asked_for_a_point(void **state)
{
    xodr_map *map = open_map(OUR_MAP);
    (void)state;
    assert_int_equal(xodr_at(map, (hp_vec2){-50.0, 1.0}), XODR_DRIVING);
    assert_int_equal(xodr_at(map, (hp_vec2){-50.0, -3.7}), XODR_ROAD);
    assert_int_equal(xodr_at(map, (hp_vec2){-50.0, -5.0}), XODR_PAVEMENT);
    assert_int_equal(xodr_at(map, (hp_vec2){-50.0, -6.1}), XODR_OTHER);
    assert_int_equal(xodr_at(map, (hp_vec2){1e7, 0.0}), XODR_OTHER);
    assert_int_equal(xodr_at(map, (hp_vec2){(double)NAN, 0.0}), XODR_OTHER);
    hp_assert_near(xodr_limit_at(map, (hp_pose){-50.0, -1.0, 0.0}), 30 * 0.44704, 1e-9);
    hp_assert_near(xodr_limit_at(map, (hp_pose){60.0, -1.0, 0.0}), 10.0, 1e-9);
    hp_assert_near(xodr_limit_at(map, (hp_pose){60.0, -5.0, 0.0}), 5.0, 1e-9);
    hp_assert_near(xodr_limit_at(map, (hp_pose){60.0, -5.0, HP_PI}), 0.0, 0.0); /* wrong way */
    const xodr_reach reach = xodr_reach_of(map, (hp_pose){-50.0, -1.75, 0.0});
    hp_assert_near(reach.road_left_m, 5.25, 0.26);
    hp_assert_near(reach.pavement_left_m, 7.25, 0.26);
    hp_assert_near(reach.road_right_m, 2.25, 0.26);
    hp_assert_near(reach.pavement_right_m, 4.25, 0.26);
    /* a verge lies between road and pavement: what is beyond it cannot be reached */
    const xodr_reach bank = xodr_reach_of(map, (hp_pose){21.75, 40.0, HP_PI / 2});
    hp_assert_near(bank.pavement_right_m, 1.75, 0.26);
    xodr_destroy(&map);
}

/** A route's length; each of its points lies on a lane. */
static double route_m(const xodr_map *map, hp_pose from, hp_pose to, hp_vec2 *end)
{
    static hp_vec2 points[1000];
    hp_error error = {{0}};
    xodr_line line = {points, 1000, 0};
    double sum = 0.0;
    if (xodr_route(map, from, to, &line, &error) != HP_OK) {
        print_error("%s\n", error.text);
        return -1.0;
    }
    for (uint32_t i = 0; i < line.n; ++i) {
        assert_int_equal(xodr_at(map, points[i]), XODR_DRIVING);
        sum += i > 0 ? hp_dist(points[i], points[i - 1]) : 0.0;
        assert_true(i == 0 || hp_dist(points[i], points[i - 1]) < 1.5);
    }
    *end = points[line.n - 1];
    return sum;
}

static void test_xodr_route_follows_lanes_when_a_way_leads_there(void **state)
{
    xodr_map *map = open_map(OUR_MAP);
    const hp_pose west = {-50.0, -1.5, 0.1};
    hp_vec2 end = {0};
    (void)state;
    /* straight on, and into the bend to the left: 50 m, the arc at 21.75 m, 30 m */
    hp_assert_near(route_m(map, west, (hp_pose){60.0, -1.0, 0.0}, &end), 110.0, 0.01);
    hp_assert_near(end.y_m, -1.75, 1e-9);
    hp_assert_near(route_m(map, west, (hp_pose){22.0, 50.0, HP_PI / 2}, &end),
                   50.0 + 0.5 * HP_PI * 21.75 + 30.0, 0.02);
    /* over to the lane beside, which the junction does not lead to */
    hp_assert_near(route_m(map, west, (hp_pose){110.0, -5.0, 0.0}, &end), 160.0, 0.5);
    hp_assert_near(end.y_m, -5.25, 1e-9);
    /* back west, against the reference line */
    hp_assert_near(route_m(map, (hp_pose){100.0, 2.0, HP_PI}, (hp_pose){-60.0, 1.0, HP_PI}, &end),
                   160.0, 0.01);
    xodr_destroy(&map);
}

static void test_xodr_route_is_refused_when_none_leads_there(void **state)
{
    xodr_map *map = open_map(OUR_MAP);
    const hp_pose west = {-50.0, -1.75, 0.0};
    hp_vec2 points[20];
    xodr_line line = {points, 20, 0};
    hp_error error;
    (void)state;
    const hp_pose behind = {-60.0, -1.75, 0.0};
    const hp_pose verge = {-60.0, -20.0, 0.0};
    const hp_pose wrong_way = {-60.0, -20.0, HP_PI};
    assert_int_equal(xodr_route(map, west, behind, &line, &error), HP_ENOENT);
    assert_int_equal(xodr_route(map, west, verge, &line, &error), HP_ENOENT);
    assert_int_equal(xodr_route(map, west, wrong_way, &line, &error), HP_ENOENT);
    assert_int_equal(xodr_route(map, west, (hp_pose){0.0, 501.0, 0.0}, &line, &error), HP_ENOENT);
    assert_int_equal(xodr_route(map, west, (hp_pose){60.0, -1.75, 0.0}, &line, &error), HP_EFULL);
    assert_int_equal(line.n, 0);
    xodr_destroy(&map);
}

static void test_xodr_tells_the_place_when_a_map_is_wrong(void **state)
{
    static const struct {
        const char *file, *says;
    } CASES[] = {{"cut", "cut:"},
                 {"entities", "entities:1: error: a document type"},
                 {"not_a_number", "not_a_number:1: error: this is no number: 'nan'"},
                 {"winds_round", "winds round"},
                 {"far_corners", "too large"},
                 {"twice", "is there twice"},
                 {"left_hand", "left_hand:4: error: traffic on the left is not supported"},
                 {"deep", "without end"}};
    char path[128];
    (void)state;
    for (size_t i = 0; i < HP_ARRAY_LEN(CASES); ++i) {
        xodr_map *map = NULL;
        hp_error error = {{0}};
        (void)snprintf(path, sizeof path, "tests/fuzz/corpus/xodr/%s", CASES[i].file);
        assert_int_not_equal(xodr_read(path, &map, &error), HP_OK);
        assert_null(map);
        if (strstr(error.text, CASES[i].says) == NULL) {
            print_error("%s: %s\n", CASES[i].file, error.text);
            fail();
        }
    }
}

/** Of the lanes that end in no other, as a share; each lane's middle lies on the map. */
static double dead_ends(const xodr_map *map)
{
    uint32_t n = 0;
    uint32_t ends = 0;
    for (uint32_t i = 0; i < xodr_facts_of(map).n_lanes; ++i) {
        const xodr_lane *lane = xodr_lane_at(map, i);
        const uint32_t k = lane->n / 2;
        if (hp_dist(lane->left[k], lane->right[k]) > 0.1) {
            if (xodr_at(map, lane->centre[k]) == XODR_OTHER) {
                print_error("road %u, lane %d, %.1f m\n", lane->road, lane->id, lane->s_m[k]);
                fail();
            }
        }
        if (lane->kind == XODR_DRIVING) {
            n += 1;
            ends += lane->n_next == 0 ? 1 : 0;
        }
    }
    return (double)ends / n;
}

/** From the first driving lane's start to ends all over the map; returns how many were found. */
static uint32_t routes_found(const xodr_map *map)
{
    static hp_vec2 points[8000];
    const uint32_t n_lanes = xodr_facts_of(map).n_lanes;
    uint32_t found = 0;
    uint32_t from = 0;
    hp_error error;
    while (xodr_lane_at(map, from)->kind != XODR_DRIVING ||
           xodr_lane_at(map, from)->reference_m < 10.0) {
        from += 1;
    }
    const xodr_lane *a = xodr_lane_at(map, from);
    const hp_vec2 d = hp_vec2_sub(a->centre[1], a->centre[0]);
    const hp_pose start = {a->centre[0].x_m, a->centre[0].y_m, atan2(d.y_m, d.x_m)};
    for (uint32_t i = 0; i < n_lanes; i += 1 + n_lanes / 50) {
        const xodr_lane *b = xodr_lane_at(map, i);
        const hp_vec2 e = hp_vec2_sub(b->centre[b->n - 1], b->centre[b->n - 2]);
        const hp_pose goal = {b->centre[b->n - 1].x_m, b->centre[b->n - 1].y_m,
                              atan2(e.y_m, e.x_m)};
        xodr_line line = {points, HP_ARRAY_LEN(points), 0};
        if (b->kind == XODR_DRIVING && xodr_route(map, start, goal, &line, &error) == HP_OK) {
            assert_true(hp_dist(points[line.n - 1], (hp_vec2){goal.x_m, goal.y_m}) < 5.0);
            found += 1;
        }
    }
    return found;
}

static void test_xodr_loads_towns_when_they_are_there(void **state)
{
    static const struct {
        const char *name;
        uint32_t roads, junctions; /* as the files have them */
    } TOWNS[] = {{"Town01", 98, 12}, {"Town02", 68, 8}, {"Town03", 279, 34}, {"Town07", 234, 31}};
    const char *data = getenv("HYPLAN_DATA");
    char path[600];
    uint32_t loaded = 0;
    (void)state;
    for (size_t i = 0; i < HP_ARRAY_LEN(TOWNS); ++i) {
        double worst = 0.0;
        (void)snprintf(path, sizeof path, "%s/scenarios/carla-towns/%s.xodr",
                       data != NULL ? data : "data", TOWNS[i].name);
        FILE *f = fopen(path, "rb");
        if (f == NULL) {
            print_message("%s: not there\n", path);
            continue;
        }
        (void)fclose(f);
        xodr_map *map = open_map(path);
        const xodr_facts facts = xodr_facts_of(map);
        const uint32_t n = check_lengths(map, &worst);
        const double ends = dead_ends(map);
        const uint32_t routes = routes_found(map);
        print_message("%s: %u lanes, driving %.0f m, pavement %.0f m; %u lengths, worst %.4f; dead "
                      "ends %.3f, gaps %u, routes %u\n",
                      TOWNS[i].name, facts.n_lanes, facts.driving_m, facts.pavement_m, n, worst,
                      ends, facts.n_gaps, routes);
        for (uint32_t k = 0; k < map->roads.n; ++k) {
            const xodr_road *road = xodr_road_of(map, k);
            hp_assert_near(walked_m(map, road), road->length_m, 0.01 + 1e-3 * road->length_m);
        }
        assert_int_equal(facts.n_roads, TOWNS[i].roads);
        assert_int_equal(facts.n_junctions, TOWNS[i].junctions);
        assert_true(n > 100 && worst < 0.01);
        assert_true(ends < 0.01 && routes >= 10);
        xodr_destroy(&map);
        loaded += 1;
    }
    if (loaded == 0) {
        skip();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_xodr_gives_closed_forms_when_shapes_have_them),
        cmocka_unit_test(test_xodr_lanes_obey_lengths_when_the_road_bends),
        cmocka_unit_test(test_xodr_tells_the_ground_when_asked_for_a_point),
        cmocka_unit_test(test_xodr_route_follows_lanes_when_a_way_leads_there),
        cmocka_unit_test(test_xodr_route_is_refused_when_none_leads_there),
        cmocka_unit_test(test_xodr_tells_the_place_when_a_map_is_wrong),
        cmocka_unit_test(test_xodr_loads_towns_when_they_are_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
