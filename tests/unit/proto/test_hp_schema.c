/* Descriptors that strangers read, and messages as JSON. */
#include "tests/support/hp_test.h"

#include "proto/hp_schema.h"

#include <string.h>

static bool holds(hp_schema_set set, const char *text)
{
    const size_t len = strlen(text);
    for (size_t i = 0; i + len <= set.len; i++) {
        if (memcmp(set.data + i, text, len) == 0) {
            return true;
        }
    }
    return false;
}

static void test_schema_sets_hold_every_message_and_what_it_refers_to(void **state)
{
    static const char *const FOREIGN[] = {"SceneUpdate", "FrameTransform", "Log", "SceneEntity",
                                          "google/protobuf/timestamp.proto"};
    (void)state;
    for (unsigned i = 0; i < HP_MSG_COUNT; i++) {
        const char *name = hp_schema_name((hp_msg_type)i);
        assert_int_equal(strncmp(name, "hyplan.", 7), 0);
        assert_true(holds(hp_schema_own(), name + 7));
    }
    for (size_t i = 0; i < HP_ARRAY_LEN(FOREIGN); i++) {
        assert_true(holds(hp_schema_foreign(), FOREIGN[i]));
    }
}

/** Encodes a message and gives its payload as JSON. */
static json_t *as_json(hp_msg_type type, const void *message)
{
    static unsigned char bytes[4096];
    hp_codec *codec = NULL;
    json_t *json = NULL;
    size_t len = 0;
    assert_int_equal(hp_codec_create(&codec), HP_OK);
    const hp_envelope e = {.type = type};
    assert_int_equal(hp_encode(codec, &e, message, bytes, sizeof bytes, &len), HP_OK);
    const void *payload = hp_payload(bytes, len, &len);
    assert_int_equal(hp_schema_json(hp_schema_name(type), payload, len, &json), HP_OK);
    hp_codec_destroy(&codec);
    return json;
}

static void test_schema_json_tells_every_kind_of_field(void **state)
{
    const hp_decision decision = {.world_id = UINT64_MAX,
                                  .tick = 7,
                                  .decided = true,
                                  .command = {.accel_mps2 = -2.5, .source = HP_SOURCE_HARD_BRAKE},
                                  .stage_ns = {1, 2, 3, 4, 5, 6, 700}};
    (void)state;
    json_t *json = as_json(HP_MSG_DECISION, &decision);
    json_t *command = json_object_get(json, "command");
    json_t *stages = json_object_get(json, "stage_ns");
    assert_string_equal(json_string_value(json_object_get(json, "world_id")),
                        "18446744073709551615"); /* JSON's numbers cannot hold it */
    assert_int_equal(json_integer_value(json_object_get(json, "tick")), 7);
    assert_true(json_is_true(json_object_get(json, "decided")));
    assert_true(json_is_false(json_object_get(json, "search_failed")));
    hp_assert_near(json_real_value(json_object_get(command, "accel_mps2")), -2.5, 0.0);
    assert_string_equal(json_string_value(json_object_get(command, "source")), "SOURCE_HARD_BRAKE");
    assert_int_equal(json_array_size(stages), HP_STAGE_COUNT);
    assert_int_equal(json_integer_value(json_array_get(stages, 6)), 700);
    json_decref(json);
    const hp_health health = {.role = "planner", .note = "a \"note\""};
    json = as_json(HP_MSG_HEALTH, &health);
    assert_string_equal(json_string_value(json_object_get(json, "note")), "a \"note\"");
    json_decref(json);
}

static void test_schema_json_refuses_what_it_cannot_read(void **state)
{
    static const unsigned char BROKEN[] = {0x0a, 0x7f, 1, 2};
    json_t *json = NULL;
    (void)state;
    assert_int_equal(hp_schema_json("osi3.GroundTruth", BROKEN, 0, &json), HP_ENOENT);
    assert_int_equal(hp_schema_json("hyplan.Frame", BROKEN, sizeof BROKEN, &json), HP_EWIRE);
    assert_int_equal(hp_schema_json("foxglove.SceneUpdate", BROKEN, sizeof BROKEN, &json),
                     HP_EWIRE);
    assert_null(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schema_sets_hold_every_message_and_what_it_refers_to),
        cmocka_unit_test(test_schema_json_tells_every_kind_of_field),
        cmocka_unit_test(test_schema_json_refuses_what_it_cannot_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
