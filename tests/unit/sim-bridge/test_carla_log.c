/* Recorder files: the published bytes, cut ones, and a real recording read and written back. */
#include "sim-bridge/carla/carla_log.h"
#include "tests/support/carla_log_sample.h"
#include "tests/support/hp_test.h"

#include <stdlib.h>

/** Writes a log again from what was read of it. */
static size_t copy_log(carla_log *log, uint8_t *out, size_t cap, uint32_t *frames)
{
    static carla_log_pose poses[UINT16_MAX];
    static uint8_t payload[1 << 22];
    static carla_log_actor actor;
    carla_log_packet p;
    hp_error error;
    size_t n = carla_log_write_head(log, out, cap);
    while (carla_log_next(log, &p, &error) == HP_OK) {
        carla_log_frame frame;
        size_t size = 0;
        assert_int_equal(carla_log_check(log, &p, &error), HP_OK);
        if (p.id == CARLA_LOG_FRAME_START) {
            assert_int_equal(carla_log_frame_read(&p, &frame, &error), HP_OK);
            n += carla_log_write_frame(&frame, out + n, cap - n);
            *frames += 1;
            continue;
        }
        if (p.id == CARLA_LOG_POSITION) {
            assert_int_equal(carla_log_poses_check(&p, &error), HP_OK);
            for (uint32_t i = 0; i < carla_log_count(&p); ++i) {
                poses[i] = carla_log_pose_read(&p, i);
            }
            size = carla_log_write_poses(poses, carla_log_count(&p), payload, sizeof payload);
        } else if (p.id == CARLA_LOG_EVENT_ADD) {
            size_t at = 0;
            carla_put_uint(payload, carla_log_count(&p), 2);
            size = 2;
            while (carla_log_actor_read(&p, &at, &actor, &error) == HP_OK) {
                size += carla_log_write_actor(&actor, payload + size, sizeof payload - size);
            }
            assert_int_equal(at == 0 ? 2 : at, p.size);
        } else {
            memcpy(payload, p.payload, p.size);
            size = p.size;
        }
        n += carla_log_write_packet(p.id, payload, (uint32_t)size, out + n, cap - n);
    }
    return n;
}

static void test_carla_log_round_trips_when_bytes_are_as_published(void **state)
{
    uint8_t again[sizeof RECORDING];
    carla_log log;
    hp_error error;
    uint32_t frames = 0;
    (void)state;
    assert_int_equal(carla_log_open("a.log", RECORDING, sizeof RECORDING, &log, &error), HP_OK);
    assert_true(carla_text_is(log.map, "Town01") && log.date_s == 1700000000);
    assert_int_equal(copy_log(&log, again, sizeof again, &frames), sizeof RECORDING);
    assert_memory_equal(again, RECORDING, sizeof RECORDING);
    assert_int_equal(frames, 1);
    assert_false(log.truncated);
}

static void test_carla_log_gives_actor_and_pose_when_bytes_are_as_published(void **state)
{
    carla_log log;
    carla_log_packet p;
    carla_log_actor actor;
    hp_error error;
    size_t at = 0;
    bool added = false;
    bool placed = false;
    (void)state;
    assert_int_equal(carla_log_open("a.log", RECORDING, sizeof RECORDING, &log, &error), HP_OK);
    while (carla_log_next(&log, &p, &error) == HP_OK) {
        if (p.id == CARLA_LOG_EVENT_ADD) {
            assert_int_equal(carla_log_actor_read(&p, &at, &actor, &error), HP_OK);
            assert_true(actor.kind == CARLA_LOG_VEHICLE && actor.pose.id == 200);
            assert_true(
                carla_text_is(carla_description_value(&actor.description, "role_name"), "hero"));
            assert_int_equal(carla_log_actor_read(&p, &at, &actor, &error), HP_EAGAIN);
            added = true;
        } else if (p.id == CARLA_LOG_POSITION) {
            assert_int_equal(carla_log_poses_check(&p, &error), HP_OK);
            const carla_log_pose pose = carla_log_pose_read(&p, 0);
            assert_true(pose.location_cm.x == 1050.0F && pose.location_cm.y == -2025.0F);
            assert_true(pose.turn_deg.z == 90.0F);
            placed = true;
        }
    }
    assert_true(added && placed);
}

static void test_carla_log_ends_at_the_last_packet_when_cut_anywhere(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof RECORDING; ++n) {
        carla_log log;
        carla_log_packet p;
        hp_error error;
        if (carla_log_open("a.log", RECORDING, n, &log, &error) != HP_OK) {
            assert_true(n < 34);
            continue;
        }
        hp_status st = HP_OK;
        while (st == HP_OK) {
            st = carla_log_next(&log, &p, &error);
        }
        assert_int_equal(st, HP_EAGAIN);
    }
}

static void test_carla_log_round_trips_byte_for_byte_when_it_is_a_real_recording(void **state)
{
    const char *data = getenv("HYPLAN_DATA");
    char path[600];
    FILE *f = NULL;
    carla_log log;
    hp_error error;
    uint32_t frames = 0;
    (void)state;
    (void)snprintf(path, sizeof path, "%s/carla-recorder/scenario-runner-logs/%s",
                   data != NULL ? data : "data", "DistanceToLaneCenter.log");
    f = fopen(path, "rb");
    if (f == NULL) {
        skip();
    }
    enum { CAP = 4 << 20 };
    uint8_t *bytes = malloc(CAP);
    uint8_t *again = malloc(CAP);
    assert_non_null(bytes);
    assert_non_null(again);
    const size_t n = fread(bytes, 1, CAP, f);
    (void)fclose(f);
    assert_int_equal(carla_log_open(path, bytes, n, &log, &error), HP_OK);
    assert_int_equal(copy_log(&log, again, CAP, &frames), n);
    assert_memory_equal(again, bytes, n);
    assert_true(frames > 100);
    print_message("%u frames, %zu bytes\n", frames, n);
    free(bytes);
    free(again);
}

static void put_packet(uint8_t id, const void *payload, uint32_t size, uint8_t *out, size_t *n)
{
    *n += carla_log_write_packet(id, payload, size, out + *n, 4096 - *n);
}

/** A log of packets 21 and 22 as the two releases have them; returns its length. */
static size_t make_log(bool doors, uint8_t out[4096])
{
    static const uint8_t DOOR[] = {1, 0, 200, 0, 0, 0, 2, 1};
    static const uint8_t WHEEL[] = {1, 0, 200, 0,    0,    0, 1, 0,    0,   0,
                                    3, 0, 0,   0x20, 0x41, 0, 0, 0xa0, 0x41};
    static const uint8_t BIKER[] = {1, 0, 7, 0, 0, 0, 0, 0, 0x80, 0x3f, 0, 0, 0, 0x40};
    const carla_log head = {.version = 1, .map = carla_text_of("Town02")};
    size_t n = carla_log_write_head(&head, out, 4096);
    if (doors) {
        put_packet(21, DOOR, sizeof DOOR, out, &n);
        put_packet(22, WHEEL, sizeof WHEEL, out, &n);
        put_packet(23, BIKER, sizeof BIKER, out, &n);
    } else {
        put_packet(21, WHEEL, sizeof WHEEL, out, &n);
        put_packet(22, BIKER, sizeof BIKER, out, &n);
    }
    return n;
}

static void
test_carla_log_tells_releases_apart_when_their_packets_have_the_same_number(void **state)
{
    static const char *const NAMES[2][3] = {{"AnimVehicleWheels", "AnimBiker", ""},
                                            {"VehicleDoor", "AnimVehicleWheels", "AnimBiker"}};
    uint8_t bytes[4096];
    (void)state;
    for (int doors = 0; doors < 2; ++doors) {
        const size_t len = make_log(doors == 1, bytes);
        carla_log log;
        carla_log_packet p;
        hp_error error;
        double row[CARLA_LOG_ROW];
        int k = 0;
        assert_int_equal(carla_log_open("a.log", bytes, len, &log, &error), HP_OK);
        for (; carla_log_next(&log, &p, &error) == HP_OK; ++k) {
            assert_string_equal(carla_log_name(&log, p.id), NAMES[doors][k]);
            assert_int_equal(carla_log_check(&log, &p, &error), HP_OK);
            p.size -= 1;
            assert_int_equal(carla_log_check(&log, &p, &error), HP_EWIRE);
            p.size += 1;
            if (strcmp(NAMES[doors][k], "AnimBiker") == 0) {
                assert_int_equal(carla_log_row(&log, &p, 0, row), 3);
                assert_true(row[0] == 7.0 && row[1] == 1.0 && row[2] == 2.0);
                assert_int_equal(carla_log_row(&log, &p, 1, row), 0);
            }
        }
        assert_int_equal(k, doors == 1 ? 3 : 2);
        assert_int_equal(log.layout, doors == 1 ? CARLA_LOG_WITH_DOORS : CARLA_LOG_WITH_WHEELS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_carla_log_round_trips_when_bytes_are_as_published),
        cmocka_unit_test(test_carla_log_gives_actor_and_pose_when_bytes_are_as_published),
        cmocka_unit_test(test_carla_log_ends_at_the_last_packet_when_cut_anywhere),
        cmocka_unit_test(
            test_carla_log_tells_releases_apart_when_their_packets_have_the_same_number),
        cmocka_unit_test(test_carla_log_round_trips_byte_for_byte_when_it_is_a_real_recording),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
