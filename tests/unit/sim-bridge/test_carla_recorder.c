/* The stand-in's recorder: a drive in it is recorded, and driven again from the recording. */
#include "common/hp_file.h"
#include "sim-bridge/carla/carla_drive.h"
#include "sim-bridge/carla/carla_log.h"
#include "sim-bridge/carla/carla_world.h"
#include "sim-bridge/sim_clip.h"
#include "tests/support/hp_test.h"
#include "tests/unit/sim-bridge/carla_rig.h"
#include "tests/unit/sim-bridge/sim_drive.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME "test_carla_recorder.log"

static void test_carla_recorder_gives_the_drive_back_when_it_is_replayed(void **state)
{
    static hp_world_info info;
    static hp_frame frame;
    rig *r = rig_open(CARLA_0_9_16);
    carla_client *client = rig_client(r);
    carla_drive *drive = NULL;
    const sim_track *hero = NULL;
    sim_clip_row row;
    bridge_world world;
    sim_config config;
    uint32_t id = 0;
    static hp_ego_state ends[400];
    uint32_t n = 0;
    hp_error error = {{0}};
    (void)state;
    sim_drive_read("03", &r->scenario);
    const carla_world_setup setup = {.carla = &r->carla,
                                     .sim = &r->sim,
                                     .scenario = &r->scenario,
                                     .scene = sim_scene_default(),
                                     .seed = 7,
                                     .clock = &r->clock};
    assert_int_equal(carla_world_create(&setup, &world, &error), HP_OK);
    assert_int_equal(carla_client_record(client, "../" NAME, &error), HP_EIO);
    assert_int_equal(carla_client_record(client, NAME, &error), HP_OK);
    world.ops->info(world.self, &info);
    while (world.ops->result(world.self)->verdict == HP_VERDICT_RUNNING && n < 400) {
        world.ops->observe(world.self, &frame);
        const hp_command command = sim_drive_const(&info, &frame);
        world.ops->step(world.self, &command);
        world.ops->observe(world.self, &frame);
        ends[n++] = frame.ego;
    }
    const sim_result live = *world.ops->result(world.self);
    assert_int_equal(carla_client_record(client, NULL, &error), HP_OK);
    world.ops->destroy(world.self);
    carla_client_close(&client);
    rig_close(r);

    assert_int_equal(carla_drive_read(NAME, "", &drive, &error), HP_OK);
    assert_string_equal(carla_drive_town(drive), "Town01");
    assert_int_equal(carla_drive_hero(drive, &id, &error), HP_OK);
    hero = sim_clip_car(carla_drive_clip(drive), id);
    assert_non_null(hero);
    for (uint32_t i = 0; i < n; ++i) { /* the first recorded frame is the first tick's */
        assert_true(sim_track_at(hero, 0.05 * i, &row));
        hp_assert_near(row.pose.x_m, ends[i].pose.x_m, 2e-3);
        hp_assert_near(row.pose.y_m, ends[i].pose.y_m, 2e-3);
    }
    /* the recorded driver, judged again, does what he did */
    sim_config_default(&config);
    assert_int_equal(carla_drive_world(drive, id, true, &config, &world, &error), HP_OK);
    while (world.ops->result(world.self)->verdict == HP_VERDICT_RUNNING) {
        world.ops->step(world.self, NULL);
    }
    assert_int_equal(live.verdict, HP_VERDICT_GOAL);
    assert_int_equal(world.ops->result(world.self)->verdict, HP_VERDICT_GOAL);
    hp_assert_near(world.ops->result(world.self)->ticks, n, 10.0);
    world.ops->destroy(world.self);
    carla_drive_destroy(&drive);
}

static void test_carla_recorder_writes_frames_that_follow_each_other_when_it_records(void **state)
{
    carla_log log;
    carla_log_packet packet;
    carla_log_frame frame;
    char *bytes = NULL;
    size_t len = 0;
    uint64_t frames = 0;
    double due_s = 0.0;
    hp_error error;
    (void)state;
    assert_int_equal(hp_file_read(NAME, CARLA_LOG_MAX_FILE, &bytes, &len, &error), HP_OK);
    (void)unlink(NAME);
    assert_int_equal(carla_log_open(NAME, bytes, len, &log, &error), HP_OK);
    while (carla_log_next(&log, &packet, &error) == HP_OK) {
        if (packet.id == CARLA_LOG_FRAME_START) {
            assert_int_equal(carla_log_frame_read(&packet, &frame, &error), HP_OK);
            assert_int_equal(frame.id, ++frames);
            hp_assert_near(frame.elapsed_s, due_s, 1e-9);
            due_s = frame.elapsed_s + frame.duration_s;
        }
    }
    assert_true(frames > 100 && frame.duration_s == -1.0); /* as the last one's is */
    assert_false(log.truncated);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_carla_recorder_gives_the_drive_back_when_it_is_replayed),
        cmocka_unit_test(test_carla_recorder_writes_frames_that_follow_each_other_when_it_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
