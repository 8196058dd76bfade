/* Scenario files and grids: what the files say, what is refused and where, which scenes there are.
 */
#include "sim-bridge/sim_scenario.h"
#include "tests/support/hp_test.h"
#include "tests/unit/sim-bridge/sim_drive.h"

#include <string.h>

#define RAD (HP_PI / 180.0)

static const char *const IDS[] = {"01", "02", "03", "04",  "05", "06", "07",
                                  "08", "09", "10", "10a", "11", "12"};

static void every_file_reads_and_fits_together(void **state)
{
    static sim_scenario s;
    (void)state;
    for (size_t i = 0; i < HP_ARRAY_LEN(IDS); ++i) {
        sim_drive_read(IDS[i], &s);
        assert_string_equal(s.id, IDS[i]);
        assert_true(strlen(s.title) > 10);
        const double *xy = s.route_xy;
        const double *end = &xy[2 * (size_t)(s.n_route - 1)];
        hp_assert_near(xy[0], s.ego_start.x_m, 0.0);
        hp_assert_near(xy[1], s.ego_start.y_m, 0.0);
        hp_assert_near(end[0], s.goal.x_m, 0.0);
        hp_assert_near(end[1], s.goal.y_m, 0.0);
        hp_assert_near(cos(s.ego_start.yaw_rad - atan2(xy[3] - xy[1], xy[2] - xy[0])), 1.0, 1e-12);
        hp_assert_near(cos(s.goal.yaw_rad - atan2(end[1] - end[-1], end[0] - end[-2])), 1.0, 1e-12);
        hp_assert_near(s.time_limit_s, 25.0, 0.0);
        hp_assert_near(s.goal_radius_m, 3.0, 0.0);
        assert_int_equal(s.varies, i < 11 ? SIM_VARIES_WALKER : SIM_VARIES_CAR);
        assert_int_equal(s.near_miss_applies, i < 11);
        assert_int_equal(s.n_walkers, i < 11 ? 1 : 0);
    }
}

static void converted_figures(void **state)
{
    static sim_scenario s;
    (void)state;
    sim_drive_read("10", &s);
    hp_assert_near(s.ego_start.yaw_rad, 90.0 * RAD, 1e-15);
    hp_assert_near(s.force_throttle_below_mps, 20.0 / 3.6, 1e-12);
    hp_assert_near(s.force_brake_above_mps, 50.0 / 3.6, 1e-12);
    hp_assert_near(s.cars[0].speed_mps, 9.0, 1e-12);
    hp_assert_near(s.walkers[0].start.x_m, 5.5, 0.0);
    sim_drive_read("11", &s);
    assert_int_equal(s.n_cars, 13);
    assert_true(isnan(s.cars[0].speed_mps));
    hp_assert_near(s.ego_speed_mps, 20.0 / 3.6, 1e-12);
    hp_assert_near(s.speed_limit_mps, 20.0 / 3.6, 1e-12);
    hp_assert_near(s.cars[12].pose.y_m, -87.0, 0.0);
    sim_drive_read("01", &s);
    hp_assert_near(s.speed_limit_mps, 50.0 / 3.6, 1e-12);
    hp_assert_near(s.force_throttle_below_mps, 0.0, 0.0);
}

static bool in_any(const hp_rect *rects, uint32_t n, hp_vec2 p)
{
    for (uint32_t i = 0; i < n; ++i) {
        if (hp_rect_contains(&rects[i], p)) {
            return true;
        }
    }
    return false;
}

/** The pavement is the road grown by 3 m, less the road; the routes stay on the road. */
static void road_and_pavement_share_no_area(void **state)
{
    static sim_scenario s;
    (void)state;
    sim_drive_read("09", &s);
    for (int ix = 0; ix < 213; ++ix) {
        for (int iy = 0; iy < 687; ++iy) {
            const double x = -8.25 + 0.5 * ix;
            const double y = -335.25 + 0.5 * iy;
            const hp_vec2 p = {x, y};
            double away = INFINITY;
            for (uint32_t i = 0; i < s.n_road; ++i) {
                const hp_rect *r = &s.road[i];
                const double dx = fmax(fmax(r->x_min_m - x, x - r->x_max_m), 0.0);
                const double dy = fmax(fmax(r->y_min_m - y, y - r->y_max_m), 0.0);
                away = fmin(away, fmax(dx, dy));
            }
            assert_int_equal(in_any(s.road, s.n_road, p), away == 0.0);
            assert_int_equal(in_any(s.pavement, s.n_pavement, p), away > 0.0 && away < 3.0);
        }
    }
    for (uint32_t i = 0; i < s.n_route; ++i) {
        const hp_vec2 p = {s.route_xy[2 * (size_t)i], s.route_xy[2 * (size_t)i + 1]};
        assert_true(in_any(s.road, s.n_road, p));
    }
}

/** The bend of 09 has radius 12 m about (80, -10), and no point lies far from the next. */
static void bend_is_a_quarter_of_a_circle(void **state)
{
    static sim_scenario s;
    (void)state;
    sim_drive_read("09", &s);
    for (uint32_t i = 1; i + 1 < s.n_route; ++i) {
        const double *p = &s.route_xy[2 * (size_t)i];
        hp_assert_near(hypot(p[0] - 80.0, p[1] + 10.0), 12.0, 1e-3);
        assert_true(i == 1 || hypot(p[0] - p[-2], p[1] - p[-1]) < 0.5);
    }
}

static void mirrored_twice_is_the_same(void **state)
{
    static sim_scenario s;
    static sim_scenario t;
    (void)state;
    for (size_t i = 0; i < HP_ARRAY_LEN(IDS); ++i) {
        sim_drive_read(IDS[i], &s);
        t = s;
        sim_scenario_mirror(&t);
        hp_assert_near(t.ego_start.x_m, -s.ego_start.x_m, 0.0);
        hp_assert_near(sin(t.ego_start.yaw_rad), sin(s.ego_start.yaw_rad), 1e-12);
        hp_assert_near(cos(t.goal.yaw_rad), -cos(s.goal.yaw_rad), 1e-12);
        sim_scenario_mirror(&t);
        hp_assert_near(cos(t.ego_start.yaw_rad - s.ego_start.yaw_rad), 1.0, 1e-12);
        assert_memory_equal(t.route_xy, s.route_xy, sizeof s.route_xy);
        assert_memory_equal(t.road, s.road, sizeof s.road);
        assert_memory_equal(t.pavement, s.pavement, sizeof s.pavement);
    }
}

static void varied_cars_differ_by_seed(void **state)
{
    static sim_scenario s;
    static sim_scenario t;
    (void)state;
    sim_drive_read("11", &s);
    t = s;
    uint32_t lengths = 0;
    sim_scenario_vary_cars(&s, 1);
    sim_scenario_vary_cars(&t, 1);
    assert_memory_equal(s.cars, t.cars, sizeof s.cars);
    sim_scenario_vary_cars(&t, 2);
    for (uint32_t i = 0; i < s.n_cars; ++i) {
        lengths += s.cars[i].length_m != t.cars[i].length_m ? 1 : 0;
    }
    assert_true(lengths > 3);
}

static void altered_scenarios_differ_and_repeat(void **state)
{
    static sim_scenario s;
    static sim_scenario t;
    static sim_scenario base;
    (void)state;
    uint32_t nearer = 0;
    sim_drive_read("03", &base);
    for (uint64_t seed = 0; seed < 40; ++seed) {
        s = base;
        t = base;
        sim_scenario_alter(&s, seed);
        sim_scenario_alter(&t, seed);
        assert_memory_equal(&s, &t, sizeof s);
        assert_int_equal(s.n_walkers, 2);
        hp_assert_near(s.walkers[0].start.x_m, 4.0, 0.0);
        assert_true(s.walkers[1].start.x_m > 4.79 && s.walkers[1].start.x_m < 6.51);
        assert_true(fabs(s.walkers[1].start.y_m + 203.0) < 1.51);
        assert_true(s.walkers[0].length_m != base.walkers[0].length_m);
        hp_assert_near(fabs(s.ego_start.y_m + 270.0), 5.0, 1e-9);
        hp_assert_near(s.route_xy[1], s.ego_start.y_m, 0.0);
        nearer += s.ego_start.y_m > -270.0 ? 1 : 0;
    }
    assert_true(nearer > 8 && nearer < 32);
}

static const char GOOD[] = "id: \"x\"\n"
                           "ego: {x_m: 0, y_m: 0, yaw_deg: 0}\n"
                           "goal: {x_m: 10, y_m: 0, yaw_deg: 0}\n"
                           "varies: walker\n"
                           "route: [0, 0, 10, 0]\n";

static void bad_files_are_refused_with_their_place(void **state)
{
    static const struct {
        const char *more, *want;
    } CASES[] = {
        {"speed_limit: 50\n", "x.yaml:6:1: error: "},
        {"time_limit_s: fast\n", "x.yaml:6:15: error: "},
        {"time_limit_s: .nan\n", "x.yaml:6:15: error: "},
        {"time_limit_s: -1\n", "x.yaml:6:15: error: "},
        {"walkers:\n  - start: {x_m: 1}\n", "x.yaml:7:"},
        {"walkers: 3\n", "x.yaml:6:10: error: "},
        {"id: \"y\"\n", "x.yaml:6:1: error: "},
        {"walkers: [{start: {x_m: 1, y_m: 1}, after: {x: 1, y: 1}}]\n", "walkers[0]"},
        {"walkers: [{start: {x_m: 1, y_m: 1}, after: {x: 0, y: 0}}]\n", "walkers[0]"},
        {"cars: [{pose: {x_m: 1, y_m: 1, yaw_deg: 0}, stop_normal: {x: 1, y: 1}}]\n", "cars[0]"},
        {"road: [{x_min_m: 1, y_min_m: 1, x_max_m: 1, y_max_m: 2}]\n", "road[0]"},
        {"pavement: [{x_min_m: 1, y_min_m: 2, x_max_m: 2, y_max_m: 1}]\n", "pavement[0]"},
    };
    static sim_scenario s;
    static sim_scenario untouched;
    (void)state;
    hp_error error;
    assert_int_equal(sim_scenario_parse(GOOD, strlen(GOOD), "x.yaml", &s, &error), HP_OK);
    untouched = s;
    for (size_t i = 0; i < HP_ARRAY_LEN(CASES); ++i) {
        char text[512];
        (void)snprintf(text, sizeof text, "%s%s", GOOD, CASES[i].more);
        error.text[0] = '\0';
        const hp_status status = sim_scenario_parse(text, strlen(text), "x.yaml", &s, &error);
        if (status != HP_ECONFIG || strstr(error.text, CASES[i].want) == NULL ||
            strncmp(error.text, "x.yaml", 6) != 0) {
            print_error("%s -> %d %s\n", CASES[i].more, (int)status, error.text);
            fail();
        }
        assert_memory_equal(&s, &untouched, sizeof s);
    }
}

static void bad_routes_are_refused(void **state)
{
    static const char *const ROUTES[] = {"[0, 0, 10]", "[0, 0]", "[0, 0, 10, 0, 5]", "[0, 0, 0, 0]",
                                         "[]"};
    static sim_scenario s;
    (void)state;
    for (size_t i = 0; i < HP_ARRAY_LEN(ROUTES); ++i) {
        char text[512];
        hp_error error;
        (void)snprintf(text, sizeof text, "%.*s%s\n", (int)(strstr(GOOD, "route: ") + 7 - GOOD),
                       GOOD, ROUTES[i]);
        assert_int_equal(sim_scenario_parse(text, strlen(text), "r", &s, &error), HP_ECONFIG);
    }
    hp_error error;
    assert_int_not_equal(sim_scenario_read("scenarios/cts/none.yaml", &s, &error), HP_OK);
    assert_non_null(strstr(error.text, "scenarios/cts/none.yaml"));
}

static uint32_t grid(const char *id, sim_grid which, sim_scene *scenes)
{
    static sim_scenario s;
    sim_drive_read(id, &s);
    return sim_grid_scenes(&s, which, scenes);
}

static void grids_have_their_sizes_and_ends(void **state)
{
    static sim_scene scenes[SIM_MAX_SCENES];
    (void)state;
    assert_int_equal(grid("01", SIM_GRID_EVALUATION, scenes), 1242);
    hp_assert_near(scenes[0].speed_mps, 0.25, 0.0);
    hp_assert_near(scenes[0].distance_m, 4.75, 0.0);
    hp_assert_near(scenes[1241].speed_mps, 2.85, 0.0);
    hp_assert_near(scenes[1241].distance_m, 49.75, 0.0);
    assert_int_equal(grid("11", SIM_GRID_EVALUATION, scenes), 101);
    hp_assert_near(scenes[0].car_speed_mps * 3.6, 10.0, 1e-12);
    hp_assert_near(scenes[100].car_speed_mps * 3.6, 20.0, 1e-12);
    assert_int_equal(grid("01", SIM_GRID_VALIDATION, scenes), 12 * 46);
    hp_assert_near(scenes[0].speed_mps, 0.2, 0.0);
    hp_assert_near(scenes[12 * 46 - 1].speed_mps, 2.8, 0.0);
    assert_int_equal(grid("11", SIM_GRID_VALIDATION, scenes), 100);
    assert_int_equal(grid("01", SIM_GRID_TRAINING, scenes), 15 * 40);
    assert_int_equal(grid("12", SIM_GRID_TRAINING, scenes), 28);
    assert_int_equal(grid("01", SIM_GRID_CALIBRATION, scenes), 26 * 46);
    assert_true(grid("12", SIM_GRID_CALIBRATION, scenes) > 50);
}

static bool same_scene(const sim_scene *a, const sim_scene *b)
{
    return fabs(a->speed_mps - b->speed_mps) < 1e-9 && fabs(a->distance_m - b->distance_m) < 1e-9 &&
           fabs(a->car_speed_mps - b->car_speed_mps) < 1e-9;
}

static void assert_disjoint(const char *id, sim_grid a, sim_grid b)
{
    static sim_scene left[SIM_MAX_SCENES];
    static sim_scene right[SIM_MAX_SCENES];
    const uint32_t n = grid(id, a, left);
    const uint32_t m = grid(id, b, right);
    for (uint32_t i = 0; i < n; ++i) {
        for (uint32_t j = 0; j < m; ++j) {
            assert_false(same_scene(&left[i], &right[j]));
        }
    }
}

/** Only the car speeds of training and validation may meet: 10.25, 10.75 ... are in both. */
static void no_scene_is_in_two_grids(void **state)
{
    (void)state;
    for (int a = 0; a < SIM_GRID_COUNT; ++a) {
        for (int b = a + 1; b < SIM_GRID_COUNT; ++b) {
            assert_disjoint("01", (sim_grid)a, (sim_grid)b);
            if (a != SIM_GRID_VALIDATION || b != SIM_GRID_TRAINING) {
                assert_disjoint("11", (sim_grid)a, (sim_grid)b);
            }
        }
    }
}

static void samples_are_nested_and_complete(void **state)
{
    static sim_scenario s;
    static sim_scene small[SIM_MAX_SCENES];
    static sim_scene large[SIM_MAX_SCENES];
    (void)state;
    sim_drive_read("03", &s);
    assert_int_equal(sim_grid_sample(&s, SIM_GRID_EVALUATION, 20, small), 20);
    assert_int_equal(sim_grid_sample(&s, SIM_GRID_EVALUATION, 200, large), 200);
    assert_memory_equal(small, large, 20 * sizeof *small);
    assert_int_equal(sim_grid_sample(&s, SIM_GRID_EVALUATION, 99999, large), 1242);
    for (uint32_t i = 0; i < 1242; ++i) {
        for (uint32_t j = i + 1; j < 1242; ++j) {
            assert_false(same_scene(&large[i], &large[j]));
        }
    }
}

static void samples_are_stratified(void **state)
{
    static sim_scenario s;
    static sim_scene scenes[SIM_MAX_SCENES];
    (void)state;
    for (size_t k = 0; k < HP_ARRAY_LEN(IDS) - 2; ++k) {
        uint32_t thirds[3][3] = {{0}};
        sim_drive_read(IDS[k], &s);
        const uint32_t n = sim_grid_sample(&s, SIM_GRID_EVALUATION, 45, scenes);
        for (uint32_t i = 0; i < n; ++i) {
            const int x = (int)fmin(2.0, (scenes[i].speed_mps - 0.25) / 2.6 * 3.0);
            const int y = (int)fmin(2.0, (scenes[i].distance_m - 4.75) / 45.0 * 3.0);
            thirds[x][y] += 1;
        }
        for (int i = 0; i < 9; ++i) {
            assert_int_equal(thirds[i / 3][i % 3], 5);
        }
    }
}

/* Field by field: padding is nobody's. */
static void assert_same_scene(const sim_scene *a, const sim_scene *b)
{
    hp_assert_near(a->speed_mps, b->speed_mps, 0.0);
    hp_assert_near(a->distance_m, b->distance_m, 0.0);
    hp_assert_near(a->car_speed_mps, b->car_speed_mps, 0.0);
    assert_int_equal(a->draw, b->draw);
}

static void scenes_are_text_and_back(void **state)
{
    static sim_scenario s;
    static sim_scene scenes[SIM_MAX_SCENES];
    (void)state;
    for (int k = 0; k < 2; ++k) {
        sim_drive_read(k == 0 ? "01" : "12", &s);
        for (int g = 0; g < SIM_GRID_COUNT; ++g) {
            const uint32_t n = sim_grid_scenes(&s, (sim_grid)g, scenes);
            for (uint32_t i = 0; i < n; ++i) {
                char text[64];
                hp_error error;
                sim_scene back = sim_scene_default();
                sim_scene_print(&s, &scenes[i], text, sizeof text);
                assert_int_equal(sim_scene_parse(text, &back, &error), HP_OK);
                assert_same_scene(&back, &scenes[i]);
            }
        }
    }
}

#define LONG_TEXT "speed=1.4000000000000000000000000000000000000000000000000000000000000000000"

static void bad_scenes_are_refused(void **state)
{
    static const char *const BAD[] = {"",          "speed",     "speed=",      "speed=x",
                                      "speed=-1",  "speed=nan", "speed=1e9",   "sped=1",
                                      "speed=1,",  ",speed=1",  "speed=1;a",   "speed=1,distance",
                                      "speed=inf", "=1",        "speed=1 m/s", LONG_TEXT};
    (void)state;
    for (size_t i = 0; i < HP_ARRAY_LEN(BAD); ++i) {
        hp_error error = {""};
        sim_scene scene = sim_scene_default();
        const sim_scene before = scene;
        assert_int_equal(sim_scene_parse(BAD[i], &scene, &error), HP_EINVAL);
        assert_same_scene(&scene, &before);
        assert_true(strlen(error.text) > 10);
    }
    sim_scene scene = sim_scene_default();
    assert_int_equal(sim_scene_parse("car_speed=18", &scene, NULL), HP_OK);
    hp_assert_near(scene.car_speed_mps, 5.0, 1e-12);
    hp_assert_near(scene.speed_mps, sim_scene_default().speed_mps, 0.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_file_reads_and_fits_together),
        cmocka_unit_test(converted_figures),
        cmocka_unit_test(road_and_pavement_share_no_area),
        cmocka_unit_test(bend_is_a_quarter_of_a_circle),
        cmocka_unit_test(mirrored_twice_is_the_same),
        cmocka_unit_test(varied_cars_differ_by_seed),
        cmocka_unit_test(altered_scenarios_differ_and_repeat),
        cmocka_unit_test(bad_files_are_refused_with_their_place),
        cmocka_unit_test(bad_routes_are_refused),
        cmocka_unit_test(grids_have_their_sizes_and_ends),
        cmocka_unit_test(no_scene_is_in_two_grids),
        cmocka_unit_test(samples_are_nested_and_complete),
        cmocka_unit_test(samples_are_stratified),
        cmocka_unit_test(scenes_are_text_and_back),
        cmocka_unit_test(bad_scenes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
