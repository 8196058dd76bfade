#include "tests/support/hp_test.h"
#include "tests/unit/sim-bridge/clip_text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The recorded car drives along our +x at 5 m/s for about 29 m. */
static const clip_motion CAR = {3, 0, 150, 0.0, 0.0, 5.0, 0.0};
/* Somebody far away, for the file must have a row. */
static const clip_motion NOBODY = {0, 0, 150, 0.0, 90.0, 1.0, 0.0};

static bridge_world make_world(const sim_clip *clip, bool human)
{
    sim_config config;
    bridge_world world;
    hp_error error;
    sim_config_default(&config);
    assert_int_equal(sim_replay_create(clip, CAR.id, human, &config, &world, &error), HP_OK);
    return world;
}

/** Drives straight on; accel(tick) is asked each tick. Returns the result. */
static sim_result drive(bridge_world world, double (*accel)(const hp_frame *frame))
{
    static hp_frame frame;
    hp_command command = {.source = HP_SOURCE_SEARCH};
    for (int i = 0; i < 2000 && world.ops->result(world.self)->verdict == HP_VERDICT_RUNNING; ++i) {
        world.ops->observe(world.self, &frame);
        command.tick = frame.tick;
        command.accel_mps2 = accel(&frame);
        world.ops->step(world.self, &command);
    }
    return *world.ops->result(world.self);
}

static double keep_speed(const hp_frame *frame)
{
    return 2.0 * (5.0 - frame->ego.speed_mps);
}

static double brake(const hp_frame *frame)
{
    (void)frame;
    return -6.0;
}

/** Stands until 3 s have passed, then drives. */
static double wait_then_drive(const hp_frame *frame)
{
    return frame->tick < 60 ? -6.0 : 2.0;
}

static void test_replay_starts_as_recorded_and_reaches_the_goal(void **state)
{
    (void)state;
    sim_clip *clip = clip_make(&NOBODY, 1, &CAR, 1);
    bridge_world world = make_world(clip, false);
    static hp_world_info info;
    static hp_frame frame;
    world.ops->info(world.self, &info);
    world.ops->observe(world.self, &frame);
    /* The first ten frames are dropped. */
    const double start_m = 5.0 * 10.0 / CLIP_DUT_HZ;
    const double end_m = 5.0 * 149.0 / CLIP_DUT_HZ;
    hp_assert_near(frame.ego.pose.x_m, start_m, 1e-9);
    hp_assert_near(frame.ego.speed_mps, 5.0, 1e-9);
    hp_assert_near(info.goal.x_m, end_m, 1e-9);
    hp_assert_near(info.route[0].x_m, start_m, 1e-9);
    hp_assert_near(info.route[info.n_route - 1].x_m, end_m + 30.0, 1e-6);
    hp_assert_near(info.speed_limit_mps, 6.0, 1e-9);
    hp_assert_near(info.ego_length_m, 4.5, 0.0);
    assert_int_equal(info.n_road + info.n_pavement, 0);
    const sim_result result = drive(world, keep_speed);
    assert_int_equal(result.verdict, HP_VERDICT_GOAL);
    hp_assert_near(result.ttg_s, (end_m - start_m - info.goal_radius_m) / 5.0, 0.1);
    hp_assert_near(result.progress_m, end_m - start_m - info.goal_radius_m, 0.3);
    world.ops->destroy(world.self);
    sim_clip_destroy(&clip);
}

static void test_replay_ends_with_the_clip(void **state)
{
    (void)state;
    const clip_motion longer = {0, 0, 200, 0.0, 90.0, 1.0, 0.0};
    sim_clip *clip = clip_make(&longer, 1, &CAR, 1);
    bridge_world world = make_world(clip, false);
    const sim_result result = drive(world, brake);
    assert_int_equal(result.verdict, HP_VERDICT_TIMEOUT);
    /* From frame 10 to frame 199. */
    hp_assert_near(result.ticks * 0.05, 189.0 / CLIP_DUT_HZ, 0.05);
    world.ops->destroy(world.self);
    sim_clip_destroy(&clip);
}

static void test_replay_front_contact_is_a_crash_but_only_counted_for_the_human(void **state)
{
    (void)state;
    const clip_motion stands = {9, 0, 150, 20.0, 0.0, 0.0, 0.0};
    sim_clip *clip = clip_make(&stands, 1, &CAR, 1);
    for (int human = 0; human < 2; ++human) {
        bridge_world world = make_world(clip, human != 0);
        const sim_result result = drive(world, keep_speed);
        const sim_contacts contacts = sim_replay_contacts(&world);
        assert_int_equal(contacts.front, 1);
        assert_int_equal(contacts.side + contacts.rear + contacts.standing, 0);
        assert_int_equal(result.verdict, human != 0 ? HP_VERDICT_GOAL : HP_VERDICT_CRASH);
        assert_int_equal(result.crash, human != 0 ? SIM_CRASH_NONE : SIM_CRASH_FRONT);
        world.ops->destroy(world.self);
    }
    sim_clip_destroy(&clip);
}

static void test_replay_goes_on_when_somebody_walks_into_the_flank(void **state)
{
    (void)state;
    /* Walks along with the car, slowly into its left flank (the image's -y). */
    const clip_motion beside = {9, 0, 150, 0.0, -3.0, 5.0, 0.8};
    sim_clip *clip = clip_make(&beside, 1, &CAR, 1);
    bridge_world world = make_world(clip, false);
    const sim_result result = drive(world, keep_speed);
    const sim_contacts contacts = sim_replay_contacts(&world);
    assert_int_equal(contacts.side, 1);
    assert_int_equal(contacts.front + contacts.rear + contacts.standing, 0);
    assert_int_equal(result.verdict, HP_VERDICT_GOAL);
    world.ops->destroy(world.self);
    sim_clip_destroy(&clip);
}

static void test_replay_moving_off_into_somebody_is_a_crash(void **state)
{
    (void)state;
    /* The ego stops near x = 4.5, its front near 6.8; he comes from the left and stays before it.
     */
    const clip_motion comes = {9, 0, 150, 5.0, -5.0, 0.0, 1.5};
    sim_clip *clip = clip_make(&comes, 1, &CAR, 1);
    bridge_world world = make_world(clip, false);
    const sim_result waits = drive(world, brake);
    assert_int_equal(sim_replay_contacts(&world).standing, 1);
    assert_int_equal(sim_replay_contacts(&world).front, 0);
    assert_int_equal(waits.verdict, HP_VERDICT_TIMEOUT);
    world.ops->destroy(world.self);
    world = make_world(clip, false);
    const sim_result moves = drive(world, wait_then_drive); /* he is inside the box at 3 s */
    assert_int_equal(moves.verdict, HP_VERDICT_CRASH);
    assert_int_equal(sim_replay_contacts(&world).standing, 1);
    world.ops->destroy(world.self);
    sim_clip_destroy(&clip);
}

/** Number of agents seen, and the id of one of them at about x. */
static uint32_t id_near(const hp_frame *frame, double x_m)
{
    for (uint32_t i = 0; i < frame->n_agents; ++i) {
        if (fabs(frame->agents[i].pose.x_m - x_m) < 0.5) {
            return frame->agents[i].id;
        }
    }
    return 0;
}

static void test_replay_agents_come_and_go(void **state)
{
    (void)state;
    const clip_motion walkers[] = {{1, 0, 40, 10.0, 5.0, 0.0, 0.0},
                                   {2, 50, 60, 12.0, 5.0, 0.0, 0.0},
                                   {3, 0, 150, 14.0, 5.0, 0.0, 0.0}};
    const clip_motion cars[] = {CAR, {4, 0, 150, 10.0, 12.0, 0.0, 0.0}};
    static hp_frame frame;
    sim_clip *clip = clip_make(walkers, 3, cars, 2);
    bridge_world world = make_world(clip, false);
    hp_command command = {.accel_mps2 = -6.0};
    uint32_t first = 0;
    uint32_t second = 0;
    uint32_t third = 0;
    for (int tick = 0; tick < 80; ++tick) {
        world.ops->observe(world.self, &frame);
        const double frame_no = 10.0 + tick * 0.05 * CLIP_DUT_HZ;
        const uint32_t a = id_near(&frame, 10.0);
        const uint32_t b = id_near(&frame, 12.0);
        const uint32_t c = id_near(&frame, 14.0);
        assert_int_equal(a != 0, frame_no <= 39.0);
        assert_int_equal(b != 0, frame_no >= 60.0); /* its first 0.4 s are dropped */
        assert_true(c != 0 && (third == 0 || third == c));
        assert_int_equal(frame.n_occluders, 1); /* the parked car */
        first = a != 0 ? a : first;
        second = b != 0 ? b : second;
        third = c;
        world.ops->step(world.self, &command);
    }
    assert_true(first != 0 && second != 0 && first != second && second != third);
    world.ops->destroy(world.self);
    sim_clip_destroy(&clip);
}

static void test_replay_shows_the_nearest_of_a_crowd(void **state)
{
    (void)state;
    enum { CROWD = 100 };
    clip_motion walkers[CROWD];
    static hp_frame frame;
    for (uint32_t i = 0; i < CROWD; ++i) {
        /* The farther, the lower the id: order in the file is no help. */
        walkers[i] = (clip_motion){i, 0, 150, 2.0, 5.0 + 0.3 * (CROWD - i), 0.0, 0.0};
    }
    sim_clip *clip = clip_make(walkers, CROWD, &CAR, 1);
    bridge_world world = make_world(clip, false);
    world.ops->observe(world.self, &frame);
    assert_int_equal(frame.n_agents, 64);
    for (uint32_t i = 0; i < frame.n_agents; ++i) {
        assert_true(-frame.agents[i].pose.y_m <= 5.0 + 0.3 * 64 + 1e-6);
    }
    assert_int_equal(drive(world, keep_speed).verdict, HP_VERDICT_GOAL);
    world.ops->destroy(world.self);
    sim_clip_destroy(&clip);
}

static void test_replay_is_deterministic(void **state)
{
    (void)state;
    const clip_motion walkers[] = {{1, 5, 100, 10.0, 3.0, 0.3, 0.1},
                                   {2, 0, 150, 15, -4.0, 0.0, .2}};
    sim_clip *clip = clip_make(walkers, 2, &CAR, 1);
    bridge_world world = make_world(clip, false);
    const sim_result a = drive(world, keep_speed);
    world.ops->destroy(world.self);
    world = make_world(clip, false);
    const sim_result b = drive(world, keep_speed);
    assert_int_equal(a.ticks, b.ticks);
    assert_true(a.command_hash == b.command_hash);
    assert_true(a.min_gap_m == b.min_gap_m && a.min_gap_m < 3.0);
    world.ops->destroy(world.self);
    sim_clip_destroy(&clip);
}

static void test_replay_refuses_cars_that_are_not_there(void **state)
{
    (void)state;
    const clip_motion cars[] = {CAR, {4, 0, 150, 10.0, 12.0, 0.0, 0.0}};
    sim_config config;
    bridge_world world;
    hp_error error;
    sim_config_default(&config);
    sim_clip *clip = clip_make(&NOBODY, 1, cars, 2);
    assert_int_equal(sim_replay_create(clip, 99, false, &config, &world, &error), HP_ENOENT);
    char wanted[64]; /* and which there are: the other one hardly moves */
    (void)snprintf(wanted, sizeof wanted, "the clip has no car 99; cars that move: %u", CAR.id);
    assert_string_equal(error.text, wanted);
    assert_int_equal(sim_replay_create(clip, 4, false, &config, &world, &error), HP_ENOENT);
    assert_null(world.self);
    sim_clip_destroy(&clip);
}

/** Writes one file of a clip. */
static void write_clip_file(const char *dir, const char *name, bool vehicles,
                            const clip_motion *track)
{
    char path[600];
    clip_writer writer = {NULL, 0, 0};
    clip_write_file(&writer, vehicles, track, 1);
    (void)snprintf(path, sizeof path, "%s/%s_traj_%s_filtered.csv", dir, name,
                   vehicles ? "veh" : "ped");
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(writer.bytes, 1, writer.len, f), writer.len);
    assert_int_equal(fclose(f), 0);
    clip_writer_free(&writer);
}

static void test_replay_list_is_sorted_and_names_the_incomplete(void **state)
{
    static const char *const FOLDERS[] = {"dut", "dut/trajectories_filtered", "citr", "citr/x"};
    (void)state;
    char dir[] = "/tmp/hyplan-replay-XXXXXX";
    char dut[128];
    char citr[128];
    char path[256];
    sim_replay_case cases[8];
    uint32_t n = 9;
    hp_error error;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(sim_replay_list(dir, cases, 8, &n, &error), HP_ENOENT);
    assert_int_equal(n, 0);
    for (size_t i = 0; i < HP_ARRAY_LEN(FOLDERS); ++i) {
        (void)snprintf(path, sizeof path, "%s/%s", dir, FOLDERS[i]);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    (void)snprintf(dut, sizeof dut, "%s/dut/trajectories_filtered", dir);
    (void)snprintf(citr, sizeof citr, "%s/citr/x", dir);
    write_clip_file(dut, "b_02", true, &CAR);
    write_clip_file(dut, "b_02", false, &NOBODY);
    write_clip_file(dut, "a_01", true, &CAR);
    write_clip_file(dut, "a_01", false, &NOBODY);
    write_clip_file(dut, "c_03", true, &CAR);
    write_clip_file(citr, "z_01", true, &CAR);
    write_clip_file(citr, "z_01", false, &NOBODY);

    assert_int_equal(sim_replay_list(dir, cases, 8, &n, &error), HP_OK);
    assert_int_equal(n, 3);
    assert_string_equal(cases[0].name, "citr/z_01");
    assert_string_equal(cases[1].name, "dut/a_01");
    assert_string_equal(cases[2].name, "dut/b_02");
    assert_int_equal(cases[0].kind, SIM_CLIP_CITR);
    assert_int_equal(cases[2].car_id, CAR.id);
    assert_string_equal(error.text, "left out, no pedestrian file: dut/c_03");
    assert_int_equal(sim_replay_list(dir, cases, 2, &n, &error), HP_OK);
    assert_int_equal(n, 2);
    static const char *const FILES[] = {"a_01_traj_ped", "a_01_traj_veh", "b_02_traj_ped",
                                        "b_02_traj_veh", "c_03_traj_veh"};
    for (size_t i = 0; i < HP_ARRAY_LEN(FILES); ++i) {
        (void)snprintf(path, sizeof path, "%s/%s_filtered.csv", dut, FILES[i]);
        assert_int_equal(remove(path), 0);
    }
    (void)snprintf(path, sizeof path, "%s/z_01_traj_ped_filtered.csv", citr);
    assert_int_equal(remove(path), 0);
    (void)snprintf(path, sizeof path, "%s/z_01_traj_veh_filtered.csv", citr);
    assert_int_equal(remove(path), 0);
    for (size_t i = HP_ARRAY_LEN(FOLDERS); i-- > 0;) {
        (void)snprintf(path, sizeof path, "%s/%s", dir, FOLDERS[i]);
        assert_int_equal(rmdir(path), 0);
    }
    assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replay_starts_as_recorded_and_reaches_the_goal),
        cmocka_unit_test(test_replay_ends_with_the_clip),
        cmocka_unit_test(test_replay_front_contact_is_a_crash_but_only_counted_for_the_human),
        cmocka_unit_test(test_replay_goes_on_when_somebody_walks_into_the_flank),
        cmocka_unit_test(test_replay_moving_off_into_somebody_is_a_crash),
        cmocka_unit_test(test_replay_agents_come_and_go),
        cmocka_unit_test(test_replay_shows_the_nearest_of_a_crowd),
        cmocka_unit_test(test_replay_is_deterministic),
        cmocka_unit_test(test_replay_refuses_cars_that_are_not_there),
        cmocka_unit_test(test_replay_list_is_sorted_and_names_the_incomplete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
