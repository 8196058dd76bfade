/* What viewers draw, read back through the public schemas' own descriptors. */
#include "tests/support/hp_test.h"

#include "cli/scene.h"
#include "proto/hp_schema.h"

#include <stdlib.h>
#include <string.h>

enum { BYTES = 64 * 1024 };
#define TIME_NS INT64_C(1700000000500000000)

static uint8_t bytes[BYTES];

static pb_out begin(void)
{
    return (pb_out){.bytes = bytes, .cap = BYTES};
}

static json_t *read_back(const pb_out *out, const char *schema)
{
    json_t *json = NULL;
    assert_false(out->full);
    assert_int_equal(hp_schema_json(schema, out->bytes, out->len, &json), HP_OK);
    return json;
}

/** A number by path: "entities/0/cubes/1/size/x". */
static double number(json_t *json, const char *path)
{
    char copy[128];
    char *rest = NULL;
    (void)snprintf(copy, sizeof copy, "%s", path);
    for (char *word = strtok_r(copy, "/", &rest); word != NULL; word = strtok_r(NULL, "/", &rest)) {
        json = json_is_array(json) ? json_array_get(json, strtoul(word, NULL, 10))
                                   : json_object_get(json, word);
    }
    assert_true(json_is_number(json));
    return json_number_value(json);
}

static void test_scene_draws_ego_agents_and_occluders_where_they_are(void **state)
{
    static hp_frame frame;
    static const hp_world_info info = {.ego_length_m = 4.2, .ego_width_m = 2.0};
    (void)state;
    frame.ego.pose = (hp_pose){10.0, -3.0, HP_PI / 2.0};
    frame.n_agents = 1;
    frame.agents[0] = (hp_agent){.id = 5,
                                 .kind = HP_CLASS_WALKER,
                                 .pose = {1.0, 2.0, 0.0},
                                 .vx_mps = 3.0,
                                 .vy_mps = 4.0,
                                 .length_m = 0.4,
                                 .width_m = 0.6};
    frame.n_occluders = 1;
    frame.occluders[0].box = (hp_box){{7.0, 8.0, 0.0}, 4.5, 1.8};
    pb_out out = begin();
    scene_seen(&info, &frame, TIME_NS, &out);
    json_t *json = read_back(&out, SCENE_UPDATE);
    hp_assert_near(number(json, "entities/0/cubes/0/pose/position/x"), 10.0, 0.0);
    hp_assert_near(number(json, "entities/0/cubes/0/pose/orientation/z"), sqrt(0.5), 1e-12);
    hp_assert_near(number(json, "entities/0/cubes/0/size/x"), 4.2, 0.0);
    hp_assert_near(number(json, "entities/0/cubes/1/pose/position/y"), 2.0, 0.0);
    hp_assert_near(number(json, "entities/0/cubes/2/size/y"), 1.8, 0.0);
    assert_int_equal((int)number(json, "entities/0/timestamp/seconds"), 1700000000);
    assert_int_equal((int)number(json, "entities/0/timestamp/nanos"), 500000000);
    json_t *entity = json_array_get(json_object_get(json, "entities"), 0);
    json_t *label = json_array_get(json_object_get(entity, "texts"), 0);
    assert_string_equal(json_string_value(json_object_get(label, "text")), "5 5.0 m/s");
    assert_string_equal(json_string_value(json_object_get(entity, "frame_id")), "map");
    json_decref(json);
}

static void test_scene_shows_a_futures_probability_as_its_opacity(void **state)
{
    static hp_plan_request b;
    (void)state;
    b.n_path = 2;
    b.path[1] = (hp_vec2){5.0, 0.0};
    b.n_steps = 3;
    b.n_agents = 1;
    b.agents[0].n_modes = 2;
    b.agents[0].modes[0].probability = 0.75;
    b.agents[0].modes[1].probability = 0.25;
    b.agents[0].modes[1].mean[2] = (hp_vec2){-1.0, 9.0};
    b.n_phantoms = 1;
    b.phantoms[0] = (hp_phantom){.edge = {3.0, 4.0}, .speed_mps = 2.0};
    pb_out out = begin();
    scene_belief(&b, TIME_NS, &out);
    json_t *json = read_back(&out, SCENE_UPDATE);
    hp_assert_near(number(json, "entities/0/lines/1/color/a"), 0.75, 0.0);
    hp_assert_near(number(json, "entities/0/lines/2/color/a"), 0.25, 0.0);
    hp_assert_near(number(json, "entities/0/lines/2/points/2/y"), 9.0, 0.0);
    hp_assert_near(number(json, "entities/0/lines/3/points/1/x"), 5.0, 0.0);
    hp_assert_near(number(json, "entities/0/cubes/0/pose/position/x"), 3.0, 0.0);
    json_decref(json);
}

static void test_scene_clears_what_an_earlier_world_has_left(void **state)
{
    static hp_world_info info;
    (void)state;
    info.n_road = 1;
    info.road[0] = (hp_rect){-2.0, 0.0, 2.0, 50.0};
    info.n_route = 2;
    info.route[1] = (hp_vec2){0.0, 50.0};
    pb_out out = begin();
    scene_world(&info, TIME_NS, &out);
    json_t *json = read_back(&out, SCENE_UPDATE);
    json_t *deletion = json_array_get(json_object_get(json, "deletions"), 0);
    assert_string_equal(json_string_value(json_object_get(deletion, "type")), "ALL");
    hp_assert_near(number(json, "entities/0/cubes/0/pose/position/y"), 25.0, 0.0);
    hp_assert_near(number(json, "entities/0/cubes/0/size/y"), 50.0, 0.0);
    json_decref(json);
}

static void test_scene_transform_and_log_read_back(void **state)
{
    const hp_pose ego = {1.5, -2.5, HP_PI};
    (void)state;
    pb_out out = begin();
    scene_transform(&ego, TIME_NS, &out);
    json_t *json = read_back(&out, SCENE_TRANSFORM);
    hp_assert_near(number(json, "translation/y"), -2.5, 0.0);
    hp_assert_near(number(json, "rotation/z"), 1.0, 1e-12);
    assert_string_equal(json_string_value(json_object_get(json, "child_frame_id")), "ego");
    json_decref(json);
    out = begin();
    scene_log(SCENE_WARNING, "planner", "brakes", TIME_NS, &out);
    json = read_back(&out, SCENE_LOG);
    assert_string_equal(json_string_value(json_object_get(json, "level")), "WARNING");
    assert_string_equal(json_string_value(json_object_get(json, "message")), "brakes");
    json_decref(json);
}

static void test_pb_out_says_when_it_is_full_and_writes_no_further(void **state)
{
    uint8_t small[24] = {0};
    (void)state;
    for (size_t cap = 0; cap < sizeof small; cap++) {
        pb_out out = {.bytes = small, .cap = cap};
        memset(small, 0xa5, sizeof small);
        scene_log(SCENE_WARNING, "planner", "a text that is longer than that", TIME_NS, &out);
        assert_true(out.full);
        assert_true(out.len <= cap);
        for (size_t i = cap; i < sizeof small; i++) {
            assert_int_equal(small[i], 0xa5);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scene_draws_ego_agents_and_occluders_where_they_are),
        cmocka_unit_test(test_scene_shows_a_futures_probability_as_its_opacity),
        cmocka_unit_test(test_scene_clears_what_an_earlier_world_has_left),
        cmocka_unit_test(test_scene_transform_and_log_read_back),
        cmocka_unit_test(test_pb_out_says_when_it_is_full_and_writes_no_further),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
