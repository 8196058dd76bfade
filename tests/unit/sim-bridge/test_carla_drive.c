/* Recorded drives of CARLA as worlds: a recording made with the writer, on a map of our own; and
 * the real one, where it is. */
#include "sim-bridge/carla/carla_drive.h"
#include "sim-bridge/carla/carla_log.h"
#include "sim-bridge/sim_clip.h"
#include "tests/support/hp_test.h"

#include <stdlib.h>
#include <string.h>

enum { HERO = 41, WALKER = 7, CYCLIST = 90, FRAMES = 240, CAP = 1 << 17 };
#define OUR_MAP "tests/fuzz/corpus/xodr/crossroads"
#define SPEED_MPS 8.0

static uint8_t bytes[CAP];

/** Time of a frame: the recorder's steps are uneven. */
static double time_of(int i)
{
    return 0.04 * i + (i % 2 == 0 ? 0.0 : 0.011);
}

static carla_log_actor actor(uint32_t id, carla_log_kind kind, const char *role)
{
    carla_log_actor a = {.pose = {.id = id}, .kind = (uint8_t)kind};
    a.description.id = carla_text_of("some.blueprint");
    a.description.n_attributes = 2;
    a.description.attributes[0] = (carla_attribute){
        .id = carla_text_of("role_name"), .type = 3, .value = carla_text_of(role)};
    a.description.attributes[1] =
        (carla_attribute){.id = carla_text_of("number_of_wheels"),
                          .type = 1,
                          .value = carla_text_of(id == CYCLIST ? "2" : "4")};
    return a;
}

static size_t put_actors(uint8_t *out)
{
    static uint8_t payload[4096];
    const carla_log_actor all[] = {
        actor(HERO, CARLA_LOG_VEHICLE, "hero"), actor(WALKER, CARLA_LOG_WALKER, "x"),
        actor(CYCLIST, CARLA_LOG_VEHICLE, "x"), actor(5, CARLA_LOG_TRAFFIC_LIGHT, "hero")};
    size_t n = 2;
    carla_put_uint(payload, HP_ARRAY_LEN(all), 2);
    for (size_t i = 0; i < HP_ARRAY_LEN(all); ++i) {
        n += carla_log_write_actor(&all[i], payload + n, sizeof payload - n);
    }
    return carla_log_write_packet(CARLA_LOG_EVENT_ADD, payload, (uint32_t)n, out, CAP);
}

static size_t put_poses(uint8_t id, const carla_log_pose *poses, uint32_t n, uint8_t *out)
{
    uint8_t payload[256];
    const size_t size = carla_log_write_poses(poses, n, payload, sizeof payload);
    return carla_log_write_packet(id, payload, (uint32_t)size, out, CAP);
}

/** The hero drives from the west to the junction, on the right; the walker stands on his pavement,
 *  or on the road; the cyclist comes. In the recorder's frame: centimetres, y to the south. */
static size_t record(double walker_y_m)
{
    const carla_log head = {.version = 1, .map = carla_text_of("crossroads")};
    size_t n = carla_log_write_head(&head, bytes, CAP);
    for (int i = 0; i < FRAMES; ++i) {
        const carla_log_frame frame = {(uint64_t)i + 1, 0.04, time_of(i)};
        const float x_cm = (float)(100.0 * (-90.0 + SPEED_MPS * time_of(i)));
        const carla_log_pose poses[] = {
            {HERO, {x_cm, 175.0F, 0.0F}, {0.0F, 0.0F, 0.0F}},
            {WALKER, {-5000.0F, (float)(-100.0 * walker_y_m), 90.0F}, {0.0F, 0.0F, 90.0F}},
            {CYCLIST, {-x_cm, -175.0F, 0.0F}, {0.0F, 0.0F, 180.0F}}};
        n += carla_log_write_frame(&frame, bytes + n, CAP - n);
        n += i == 0 ? put_actors(bytes + n) : 0;
        if (i == 0) { /* the walker's box is nonsense, as recorders have it */
            const carla_log_pose boxes[] = {
                {HERO, {10.0F, 0.0F, 70.0F}, {200.0F, 90.0F, 70.0F}},
                {WALKER, {(float)NAN, 0.0F, 0.0F}, {-INFINITY, -INFINITY, -INFINITY}}};
            n += put_poses(CARLA_LOG_BOXES, boxes, 2, bytes + n);
        }
        n += put_poses(CARLA_LOG_POSITION, poses, 3, bytes + n);
        n += carla_log_write_packet(CARLA_LOG_FRAME_END, NULL, 0, bytes + n, CAP - n);
    }
    assert_true(n < CAP - 100);
    return n;
}

/** Writes the recording to a file and reads it with its map. */
static carla_drive *open_drive(double walker_y_m, const char *map)
{
    const char *path = "test_carla_drive.log";
    carla_drive *drive = NULL;
    hp_error error = {{0}};
    const size_t n = record(walker_y_m);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
    if (carla_drive_read(path, map, &drive, &error) != HP_OK) {
        print_error("%s\n", error.text);
    }
    (void)remove(path);
    assert_non_null(drive);
    return drive;
}

static void test_carla_drive_has_tracks_at_even_steps_when_frames_are_uneven(void **state)
{
    carla_drive *drive = open_drive(-5.0, "");
    const sim_track *tracks = NULL;
    sim_clip_row row;
    uint32_t hero = 0;
    hp_error error;
    (void)state;
    assert_int_equal(sim_clip_tracks(carla_drive_clip(drive), &tracks), 3);
    assert_true(tracks[0].kind == HP_CLASS_WALKER && tracks[0].id == WALKER);
    hp_assert_near(tracks[0].length_m, 0.375, 1e-9);
    assert_true(tracks[1].kind == HP_CLASS_CAR && tracks[1].id == HERO);
    hp_assert_near(tracks[1].length_m, 4.0, 1e-6);
    hp_assert_near(tracks[1].width_m, 1.8, 1e-6);
    assert_true(tracks[2].kind == HP_CLASS_CYCLIST);
    assert_string_equal(carla_drive_town(drive), "crossroads");
    assert_int_equal(carla_drive_hero(drive, &hero, &error), HP_OK);
    assert_int_equal(hero, HERO);
    for (int i = 1; i < 180; ++i) { /* the box's centre lies 0.1 m ahead */
        const double t = 0.05 * i;
        assert_true(sim_track_at(&tracks[1], t, &row));
        hp_assert_near(row.pose.x_m, -89.9 + SPEED_MPS * t, 0.02);
        hp_assert_near(row.pose.y_m, -1.75, 1e-5);
        hp_assert_near(row.vx_mps, SPEED_MPS, 0.05);
    }
    assert_true(sim_track_at(&tracks[2], 1.0, &row));
    hp_assert_near(fabs(row.pose.yaw_rad), HP_PI, 1e-6);
    hp_assert_near(row.vx_mps, -SPEED_MPS, 0.05);
    carla_drive_destroy(&drive);
}

/** Drives on at a steady pace; the verdict. */
static sim_result drive_steadily(const carla_drive *drive, bool human)
{
    static hp_frame frame;
    bridge_world world;
    sim_config config;
    hp_error error;
    sim_config_default(&config);
    assert_int_equal(carla_drive_world(drive, HERO, human, &config, &world, &error), HP_OK);
    while (world.ops->result(world.self)->verdict == HP_VERDICT_RUNNING) {
        world.ops->observe(world.self, &frame);
        const hp_command command = {.accel_mps2 = SPEED_MPS - frame.ego.speed_mps};
        world.ops->step(world.self, &command);
    }
    const sim_result result = *world.ops->result(world.self);
    world.ops->destroy(world.self);
    return result;
}

static void test_carla_drive_gives_terminals_no_orders_when_its_town_has_some(void **state)
{
    const char *path = "test_carla_drive_town.log";
    const carla_log head = {.version = 1, .map = carla_text_of("Town\x1b[2J\xc2\x9b")};
    const size_t n = carla_log_write_head(&head, bytes, CAP);
    char town[64];
    hp_error error;
    (void)state;
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(carla_drive_town_of(path, town, sizeof town, &error), HP_OK);
    (void)remove(path);
    assert_string_equal(town, "Town?[2J?");
}

static void test_carla_drive_reaches_the_goal_when_the_road_is_free(void **state)
{
    carla_drive *drive = open_drive(-5.0, OUR_MAP);
    (void)state;
    const sim_result ours = drive_steadily(drive, false);
    assert_int_equal(ours.verdict, HP_VERDICT_GOAL);
    assert_true(ours.progress_m > 70.0 && isfinite(ours.min_gap_m));
    assert_int_equal(drive_steadily(drive, true).verdict, HP_VERDICT_GOAL);
    carla_drive_destroy(&drive);
}

static void test_carla_drive_crashes_when_somebody_stands_on_the_road(void **state)
{
    carla_drive *drive = open_drive(-1.75, OUR_MAP);
    (void)state;
    const sim_result ours = drive_steadily(drive, false);
    assert_int_equal(ours.verdict, HP_VERDICT_CRASH);
    assert_int_equal(ours.crash, SIM_CRASH_FRONT);
    hp_assert_near(ours.impact_mps, SPEED_MPS, 0.5);
    carla_drive_destroy(&drive);
}

static void test_carla_drive_has_the_maps_ground_when_there_is_a_map(void **state)
{
    static hp_world_info info;
    carla_drive *drive = open_drive(-5.0, OUR_MAP);
    bridge_world world;
    sim_config config;
    hp_error error;
    (void)state;
    sim_config_default(&config);
    assert_int_equal(carla_drive_world(drive, HERO, false, &config, &world, &error), HP_OK);
    world.ops->info(world.self, &info);
    assert_int_equal(info.n_edges, info.n_route);
    hp_assert_near(info.speed_limit_mps, 30 * 0.44704, 1e-9);
    hp_assert_near(info.edges[5].road_left_m, 5.25, 0.3);
    hp_assert_near(info.edges[5].pavement_left_m, 2.0, 0.3);
    hp_assert_near(info.edges[5].road_right_m, 2.25, 0.3);
    world.ops->destroy(world.self);
    carla_drive_destroy(&drive);
}

static void test_carla_drive_is_refused_when_it_is_damaged(void **state)
{
    carla_drive *drive = NULL;
    hp_error error;
    uint32_t id = 0;
    (void)state;
    const size_t n = record(-5.0);
    assert_int_equal(carla_drive_parse("a.log", bytes + 1, n - 1, &drive, &error), HP_EWIRE);
    assert_null(drive);
    /* cut anywhere: what is whole is there */
    for (size_t cut = 60; cut < n; cut += 997) {
        if (carla_drive_parse("a.log", bytes, cut, &drive, &error) == HP_OK) {
            (void)!carla_drive_hero(drive, &id, &error);
        }
        carla_drive_destroy(&drive);
    }
    /* a frame before the one before */
    for (size_t i = 0; i + 24 < n; ++i) {
        if (bytes[i] == CARLA_LOG_FRAME_START && bytes[i + 1] == 24 && bytes[i + 5] == 100) {
            carla_put_f64(bytes + i + 5 + 16, 1e-3);
            break;
        }
    }
    assert_int_equal(carla_drive_parse("a.log", bytes, n, &drive, &error), HP_EWIRE);
    assert_non_null(strstr(error.text, "a.log: byte "));
}

static void test_carla_drive_plays_the_real_recording_when_it_is_there(void **state)
{
    const char *data = getenv("HYPLAN_DATA");
    char path[600];
    char map[600];
    carla_drive *drive = NULL;
    bridge_world world;
    sim_config config;
    hp_error error = {{0}};
    uint32_t hero = 0;
    (void)state;
    data = data != NULL ? data : "data";
    (void)snprintf(path, sizeof path, "%s/carla-recorder/scenario-runner-logs/%s", data,
                   "DistanceToLaneCenter.log");
    (void)snprintf(map, sizeof map, "%s/scenarios/carla-towns/Town01.xodr", data);
    const hp_status st = carla_drive_read(path, map, &drive, &error);
    if (st == HP_ENOENT) {
        print_message("%s\n", error.text);
        skip();
    }
    assert_int_equal(st, HP_OK);
    assert_string_equal(carla_drive_town(drive), "Town01");
    assert_int_equal(carla_drive_hero(drive, &hero, &error), HP_OK);
    sim_config_default(&config);
    assert_int_equal(carla_drive_world(drive, hero, true, &config, &world, &error), HP_OK);
    while (world.ops->result(world.self)->verdict == HP_VERDICT_RUNNING) {
        world.ops->step(world.self, NULL);
    }
    const sim_result human = *world.ops->result(world.self);
    print_message("the recorded driver: %s, %.1f m\n", sim_verdict_text(human.verdict),
                  human.progress_m);
    assert_int_equal(human.verdict, HP_VERDICT_GOAL); /* on Town01's roads all the way */
    assert_true(human.progress_m > 85.0);
    world.ops->destroy(world.self);
    carla_drive_destroy(&drive);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_carla_drive_has_tracks_at_even_steps_when_frames_are_uneven),
        cmocka_unit_test(test_carla_drive_gives_terminals_no_orders_when_its_town_has_some),
        cmocka_unit_test(test_carla_drive_reaches_the_goal_when_the_road_is_free),
        cmocka_unit_test(test_carla_drive_crashes_when_somebody_stands_on_the_road),
        cmocka_unit_test(test_carla_drive_has_the_maps_ground_when_there_is_a_map),
        cmocka_unit_test(test_carla_drive_is_refused_when_it_is_damaged),
        cmocka_unit_test(test_carla_drive_plays_the_real_recording_when_it_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
