/* The wire protocol's worked examples in both directions, the versions' differences, and what must
 * be refused. */
#include "proto/hp_codec.h"
#include "sim-bridge/carla/carla_command.h"
#include "sim-bridge/carla/carla_observer.h"
#include "sim-bridge/carla/carla_puppet.h"
#include "sim-bridge/carla/carla_rpc.h"
#include "tests/support/carla_bytes_sample.h"
#include "tests/support/hp_test.h"

#include <math.h>
#include <string.h>

static msgpack_sbuffer buffer;
static msgpack_packer packer;

static msgpack_packer *fresh(void)
{
    msgpack_sbuffer_clear(&buffer);
    msgpack_packer_init(&packer, &buffer, msgpack_sbuffer_write);
    return &packer;
}

static void assert_bytes(const uint8_t *wanted, size_t n)
{
    assert_int_equal(buffer.size, n);
    assert_memory_equal(buffer.data, wanted, n);
}

/** Unpacks a whole example. */
static const msgpack_object *open_doc(carla_doc *doc, const uint8_t *bytes, size_t n)
{
    size_t used = 0;
    hp_error error;
    assert_int_equal(carla_pack_scan(bytes, n, &used, &error), HP_OK);
    assert_int_equal(used, n);
    assert_int_equal(carla_doc_read(doc, bytes, n, &error), HP_OK);
    return &doc->unpacked.data;
}

static carla_description hero(void)
{
    return (carla_description){.uid = 42,
                               .id = carla_text_of("vehicle.tesla.model3"),
                               .n_attributes = 1,
                               .attributes[0] = {carla_text_of("role_name"),
                                                 carla_version_string_type(CARLA_0_9_15),
                                                 carla_text_of("hero")}};
}

static const carla_transform PLACE = {{10.5F, -20.25F, 0.5F}, {0.0F, 90.0F, 0.0F}};
static const carla_control HALF = {.throttle = 0.5F, .steer = -0.25F};

static void test_carla_pack_equals_published_bytes_when_requests_are_packed(void **state)
{
    const carla_settings settings = {.synchronous = true,
                                     .fixed_delta_s = 0.05,
                                     .substepping = true,
                                     .max_substep_s = 0.01,
                                     .max_substeps = 10,
                                     .ragdolls = true,
                                     .tile_m = 3000.0F,
                                     .active_m = 2000.0F,
                                     .spectator_as_ego = true};
    const carla_description description = hero();
    (void)state;
    carla_rpc_head(fresh(), 1, "version", true, 0);
    assert_bytes(VERSION_REQUEST, sizeof VERSION_REQUEST);
    carla_rpc_head(fresh(), 3, "set_episode_settings", true, 1);
    carla_pack(&packer, CARLA_SETTINGS, &settings, CARLA_0_9_15);
    assert_bytes(SETTINGS, sizeof SETTINGS);
    carla_rpc_head(fresh(), 7, "spawn_actor", true, 2);
    carla_pack(&packer, CARLA_DESCRIPTION, &description, CARLA_0_9_15);
    carla_pack(&packer, CARLA_TRANSFORM, &PLACE, CARLA_0_9_15);
    assert_bytes(SPAWN, sizeof SPAWN);
    carla_rpc_head(fresh(), 9, "apply_control_to_vehicle", false, 2);
    (void)msgpack_pack_uint32(&packer, 200);
    carla_pack(&packer, CARLA_CONTROL, &HALF, CARLA_0_9_15);
    assert_bytes(CONTROL, sizeof CONTROL);
}

static void test_carla_pack_equals_published_bytes_when_a_batch_is_packed(void **state)
{
    const carla_description description = hero();
    const carla_command after = {.kind = CARLA_CMD_SIMULATE_PHYSICS, .on = true};
    const carla_command drive = {.kind = CARLA_CMD_CONTROL, .actor = 200, .control = HALF};
    const carla_command spawn = {.kind = CARLA_CMD_SPAWN,
                                 .description = &description,
                                 .transform = PLACE,
                                 .after = &after,
                                 .n_after = 1};
    (void)state;
    (void)msgpack_pack_array(fresh(), 2);
    carla_pack_command(&packer, &drive, CARLA_0_9_15);
    carla_pack_command(&packer, &spawn, CARLA_0_9_15);
    assert_bytes(BATCH, sizeof BATCH);
}

static void test_carla_unpack_gives_the_values_when_bytes_are_as_published(void **state)
{
    carla_doc doc = {0};
    carla_actor actor = {0};
    carla_command command;
    carla_episode_info info = {0};
    carla_token token;
    hp_error error;
    const msgpack_object *value = NULL;
    (void)state;
    const msgpack_object *top = open_doc(&doc, SPAWNED, sizeof SPAWNED);
    assert_int_equal(carla_rpc_value(carla_item(top, 3), &value, &error), HP_OK);
    assert_int_equal(carla_unpack(value, CARLA_ACTOR, &actor, &error), HP_OK);
    assert_int_equal(actor.id, 200);
    assert_true(actor.box.extent.x == 2.5F && actor.box.location.z == 0.75F);
    assert_int_equal(actor.tags[0], 14);
    assert_int_equal(actor.n_token, 0);
    assert_true(carla_text_is(carla_description_value(&actor.description, "role_name"), "hero"));
    (void)msgpack_pack_array(fresh(), 4);
    (void)msgpack_pack_uint32(&packer, 1);
    (void)msgpack_pack_uint32(&packer, 7);
    (void)msgpack_pack_nil(&packer);
    (void)msgpack_pack_array(&packer, 1);
    (void)msgpack_pack_array(&packer, 2);
    (void)msgpack_pack_uint32(&packer, 1);
    carla_pack(&packer, CARLA_ACTOR, &actor, CARLA_0_9_15);
    assert_bytes(SPAWNED, sizeof SPAWNED);

    top = open_doc(&doc, BATCH, sizeof BATCH);
    assert_int_equal(carla_unpack_command(carla_item(top, 1), CARLA_0_9_15, &command, &error),
                     HP_OK);
    assert_int_equal(command.kind, CARLA_CMD_SPAWN);
    assert_int_equal(carla_items(command.after_object), 1);
    assert_int_equal(
        carla_unpack_command(carla_item(command.after_object, 0), CARLA_0_9_15, &command, &error),
        HP_OK);
    assert_true(command.kind == CARLA_CMD_SIMULATE_PHYSICS && command.on);

    top = open_doc(&doc, EPISODE, sizeof EPISODE);
    assert_int_equal(carla_rpc_value(top, &value, &error), HP_OK);
    assert_int_equal(carla_unpack(value, CARLA_EPISODE_INFO, &info, &error), HP_OK);
    assert_true(info.id == UINT64_C(0x1122334455667788));
    assert_int_equal(carla_token_read(info.token.token, info.token.n_token, &token, &error), HP_OK);
    assert_true(token.stream == 1 && token.port == 2001 && !token.has_address);
    carla_doc_clear(&doc);
}

static void test_carla_rpc_value_repeats_the_servers_words_when_it_failed(void **state)
{
    carla_doc doc = {0};
    hp_error error;
    const msgpack_object *value = NULL;
    const msgpack_object *top;
    (void)state;
    top = open_doc(&doc, SPAWN_FAILED, sizeof SPAWN_FAILED);
    assert_int_equal(carla_rpc_value(carla_item(top, 3), &value, &error), HP_EINVAL);
    assert_non_null(strstr(error.text, "because of collision at spawn position"));
    carla_doc_clear(&doc);
}

static void test_carla_snapshot_round_trips_when_bytes_are_as_published(void **state)
{
    carla_snapshot s;
    carla_entry car;
    carla_entry walker;
    hp_error error;
    uint8_t again[sizeof SNAPSHOT];
    (void)state;
    assert_int_equal(carla_snapshot_read(SNAPSHOT, sizeof SNAPSHOT, CARLA_0_9_15, &s, &error),
                     HP_OK);
    assert_int_equal(s.n_actors, 2);
    assert_true(s.sensor.frame == 101 && s.delta_s == 0.05F && s.platform_s == 1234.5);
    assert_true(carla_entry_read(&s, 0, CARLA_ENTRY_VEHICLE, &car));
    assert_true(car.id == 200 && car.velocity.y == 5.0F && car.control.steer == -0.25F);
    assert_true(car.control.gear == 1 && car.speed_limit_kmh == 30.0F);
    assert_true(carla_entry_read(&s, 1, CARLA_ENTRY_WALKER, &walker));
    assert_true(walker.walker.direction.x == 1.0F && walker.walker.speed_mps == 1.4F);
    carla_snapshot_write(&s, again);
    carla_entry_write(&car, CARLA_ENTRY_VEHICLE, again + 84);
    carla_entry_write(&walker, CARLA_ENTRY_WALKER, again + 84 + CARLA_ENTRY);
    assert_memory_equal(again, SNAPSHOT, sizeof SNAPSHOT);
}

/** A snapshot of one vehicle. */
static bool read_back(const carla_entry *entry, carla_entry *out)
{
    uint8_t bytes[CARLA_ENTRY];
    const carla_snapshot s = {.n_actors = 1, .entries = bytes};
    carla_entry_write(entry, CARLA_ENTRY_VEHICLE, bytes);
    return carla_entry_read(&s, 0, CARLA_ENTRY_VEHICLE, out);
}

static void test_carla_entry_is_refused_when_a_control_is_no_number(void **state)
{
    carla_entry out;
    (void)state;
    assert_true(read_back(&(carla_entry){.control = {.steer = 0.5F}}, &out));
    assert_false(read_back(&(carla_entry){.control = {.steer = NAN}}, &out));
    assert_false(read_back(&(carla_entry){.control = {.throttle = INFINITY}}, &out));
    assert_false(read_back(&(carla_entry){.control = {.brake = NAN}}, &out));
}

static void test_carla_ego_fits_into_a_frame_when_physics_has_gone_wild(void **state)
{
    static hp_frame frame;
    const carla_puppet puppet = {.id = 1};
    const carla_entry wild = {.velocity = {3e38F, -3e38F, 0.0F},
                              .acceleration = {-1200.0F, 5000.0F, 0.0F},
                              .angular_deg = {0.0F, 0.0F, -1e30F},
                              .control = {.steer = -1.0F}};
    hp_error error = {{0}};
    (void)state;
    frame.ego = carla_puppet_ego(&puppet, &wild, 3.0 * 1.4);
    if (hp_message_check(HP_MSG_FRAME, &frame, &error) != HP_OK) {
        fail_msg("%s", error.text);
    }
    const hp_vec2 v = carla_puppet_velocity(&wild);
    assert_true(fabs(v.x_m) < 200.0 && fabs(v.y_m) < 200.0);
}

static void test_carla_snapshot_is_refused_when_of_another_release_or_size(void **state)
{
    carla_snapshot s;
    hp_error error;
    (void)state;
    assert_int_equal(carla_snapshot_read(SNAPSHOT, sizeof SNAPSHOT, CARLA_0_9_13, &s, &error),
                     HP_EVERSION);
    assert_int_equal(carla_snapshot_read(SNAPSHOT, sizeof SNAPSHOT - 1, CARLA_0_9_15, &s, &error),
                     HP_EWIRE);
    assert_int_equal(carla_snapshot_read(SNAPSHOT, 40, CARLA_0_9_15, &s, &error), HP_EWIRE);
}

static void test_carla_scan_waits_when_a_message_is_cut_anywhere(void **state)
{
    size_t used = 0;
    hp_error error;
    (void)state;
    for (size_t n = 0; n < sizeof SPAWNED; ++n) {
        assert_int_equal(carla_pack_scan(SPAWNED, n, &used, &error), HP_EAGAIN);
    }
}

static void test_carla_scan_refuses_when_a_header_promises_too_much(void **state)
{
    static const uint8_t ARRAY[] = {0xdd, 0x0f, 0xff, 0xff, 0xff};
    static const uint8_t MAP[] = {0x92, 0x01, 0xdf, 0xff, 0xff, 0xff, 0xff};
    static const uint8_t TEXT[] = {0xdb, 0x80, 0x00, 0x00, 0x00, 'a'};
    static const uint8_t EXTENSION[] = {0xd4, 0x01, 0x02};
    static const uint8_t NEVER[] = {0xc1};
    uint8_t deep[64];
    size_t used = 0;
    hp_error error;
    (void)state;
    memset(deep, 0x91, sizeof deep);
    assert_int_equal(carla_pack_scan(ARRAY, sizeof ARRAY, &used, &error), HP_EWIRE);
    assert_int_equal(carla_pack_scan(MAP, sizeof MAP, &used, &error), HP_EWIRE);
    assert_int_equal(carla_pack_scan(TEXT, sizeof TEXT, &used, &error), HP_EWIRE);
    assert_int_equal(carla_pack_scan(EXTENSION, sizeof EXTENSION, &used, &error), HP_EWIRE);
    assert_int_equal(carla_pack_scan(NEVER, sizeof NEVER, &used, &error), HP_EWIRE);
    assert_int_equal(carla_pack_scan(deep, sizeof deep, &used, &error), HP_EWIRE);
}

static void test_carla_version_decides_layouts_when_releases_differ(void **state)
{
    static const struct {
        const char *text;
        hp_status status;
        carla_version version;
    } CASES[] = {
        {"0.9.12", HP_OK, CARLA_0_9_12},
        {"0.9.15-226-g5c2d2978a-dirty", HP_OK, CARLA_0_9_15},
        {"0.9.16", HP_OK, CARLA_0_9_16},
        {"0.9.161", HP_EVERSION, CARLA_VERSIONS},
        {"0.10.0", HP_EVERSION, CARLA_VERSIONS},
        {"0.9.11", HP_EVERSION, CARLA_VERSIONS},
        {"", HP_EVERSION, CARLA_VERSIONS},
    };
    uint32_t old = 0;
    uint32_t now = 0;
    hp_error error;
    (void)state;
    for (size_t i = 0; i < HP_ARRAY_LEN(CASES); ++i) {
        carla_version v = CARLA_VERSIONS;
        assert_int_equal(carla_version_parse(CASES[i].text, strlen(CASES[i].text), &v, &error),
                         CASES[i].status);
        assert_int_equal(v, CASES[i].version);
    }
    assert_true(carla_command_index(CARLA_CMD_SIMULATE_PHYSICS, CARLA_0_9_13, &old));
    assert_true(carla_command_index(CARLA_CMD_SIMULATE_PHYSICS, CARLA_0_9_14, &now));
    assert_true(old == 13 && now == 14);
    assert_false(carla_command_index(CARLA_CMD_CONSOLE, CARLA_0_9_13, &old));
    assert_true(carla_version_observer_type(CARLA_0_9_12) == 14);
    assert_true(carla_version_observer_type(CARLA_0_9_16) == 17);
    assert_true(carla_version_string_type(CARLA_0_9_16) == 4);
}

static void test_carla_unpack_is_tolerant_when_arrays_are_short_long_or_numbers_wide(void **state)
{
    carla_doc doc = {0};
    carla_vec3 v = {7.0F, 7.0F, 7.0F};
    hp_error error;
    (void)state;
    static const uint8_t SHORT[] = {0x92, 0x01, 0xcb, 0x3f, 0xe0, 0, 0, 0, 0, 0, 0};
    static const uint8_t LONG[] = {0x94, 0xff, 0x02, 0x03, 0xa1, 'x'};
    static const uint8_t WRONG[] = {0x93, 0x01, 0xa1, 'x', 0x03};
    static const uint8_t INFINITE[] = {0x91, 0xca, 0x7f, 0x80, 0, 0};
    assert_int_equal(carla_unpack(open_doc(&doc, SHORT, sizeof SHORT), CARLA_VEC3, &v, &error),
                     HP_OK);
    assert_true(v.x == 1.0F && v.y == 0.5F && v.z == 7.0F);
    assert_int_equal(carla_unpack(open_doc(&doc, LONG, sizeof LONG), CARLA_VEC3, &v, &error),
                     HP_OK);
    assert_true(v.x == -1.0F && v.z == 3.0F);
    assert_int_equal(carla_unpack(open_doc(&doc, WRONG, sizeof WRONG), CARLA_VEC3, &v, &error),
                     HP_EWIRE);
    assert_non_null(strstr(error.text, "y:"));
    assert_int_equal(
        carla_unpack(open_doc(&doc, INFINITE, sizeof INFINITE), CARLA_VEC3, &v, &error), HP_EWIRE);
    carla_doc_clear(&doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_carla_pack_equals_published_bytes_when_requests_are_packed),
        cmocka_unit_test(test_carla_pack_equals_published_bytes_when_a_batch_is_packed),
        cmocka_unit_test(test_carla_unpack_gives_the_values_when_bytes_are_as_published),
        cmocka_unit_test(test_carla_rpc_value_repeats_the_servers_words_when_it_failed),
        cmocka_unit_test(test_carla_snapshot_round_trips_when_bytes_are_as_published),
        cmocka_unit_test(test_carla_entry_is_refused_when_a_control_is_no_number),
        cmocka_unit_test(test_carla_ego_fits_into_a_frame_when_physics_has_gone_wild),
        cmocka_unit_test(test_carla_snapshot_is_refused_when_of_another_release_or_size),
        cmocka_unit_test(test_carla_scan_waits_when_a_message_is_cut_anywhere),
        cmocka_unit_test(test_carla_scan_refuses_when_a_header_promises_too_much),
        cmocka_unit_test(test_carla_version_decides_layouts_when_releases_differ),
        cmocka_unit_test(test_carla_unpack_is_tolerant_when_arrays_are_short_long_or_numbers_wide),
    };
    msgpack_sbuffer_init(&buffer);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    msgpack_sbuffer_destroy(&buffer);
    return failed;
}
