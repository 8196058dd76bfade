/* The whole way over the wire: our client drives scenarios in the stand-in, which is what the
 * built-in simulator makes of them; and it leaves nothing behind. */
#include "sim-bridge/carla/carla_client.h"
#include "sim-bridge/carla/carla_net.h"
#include "sim-bridge/carla/carla_server.h"
#include "sim-bridge/carla/carla_sim.h"
#include "sim-bridge/carla/carla_world.h"
#include "tests/support/hp_test.h"
#include "tests/unit/sim-bridge/carla_rig.h"
#include "tests/unit/sim-bridge/sim_drive.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static hp_status open_world(rig *r, const char *id, bridge_world *out, hp_error *error)
{
    sim_drive_read(id, &r->scenario);
    const carla_world_setup setup = {.carla = &r->carla,
                                     .sim = &r->sim,
                                     .scenario = &r->scenario,
                                     .scene = sim_scene_default(),
                                     .seed = 7,
                                     .clock = &r->clock};
    return carla_world_create(&setup, out, error);
}

static sim_result drive(const bridge_world *world)
{
    static hp_world_info info;
    static hp_frame frame;
    world->ops->info(world->self, &info);
    for (int i = 0; i < 2000 && world->ops->result(world->self)->verdict == HP_VERDICT_RUNNING;
         ++i) {
        world->ops->observe(world->self, &frame);
        const hp_command command = sim_drive_const(&info, &frame);
        world->ops->step(world->self, &command);
    }
    return *world->ops->result(world->self);
}

static void test_carla_world_gives_the_built_in_verdicts_when_a_scenario_is_driven(void **state)
{
    static const char *const IDS[] = {"01", "02", "03", "04", "05", "06",
                                      "07", "08", "09", "10", "11", "12"};
    rig *r = rig_open(CARLA_0_9_16);
    (void)state;
    for (size_t i = 0; i < HP_ARRAY_LEN(IDS); ++i) {
        const sim_scene scene = sim_scene_default();
        bridge_world world;
        hp_error error = {{0}};
        sim_world *twin = sim_drive_world();
        if (open_world(r, IDS[i], &world, &error) != HP_OK) {
            fail_msg("%s: %s", IDS[i], error.text);
        }
        const sim_result ours = drive(&world);
        sim_world_load(twin, &r->scenario, &scene, 0, 7);
        const bridge_world built_in = sim_world_as_bridge(twin);
        const sim_result theirs = drive(&built_in);
        print_message("%s: %s %u, built in: %s %u\n", IDS[i], sim_verdict_text(ours.verdict),
                      ours.ticks, sim_verdict_text(theirs.verdict), theirs.ticks);
        assert_int_equal(ours.verdict, theirs.verdict);
        assert_int_equal(ours.crash, theirs.crash);
        assert_int_equal(ours.near_miss, theirs.near_miss);
        assert_int_equal(ours.ticks, theirs.ticks);
        assert_null(world.ops->trouble(world.self));
        world.ops->destroy(world.self);
        sim_world_destroy(&twin);
    }
    rig_close(r);
}

static void test_carla_world_leaves_nothing_behind_when_destroyed_in_mid_run(void **state)
{
    rig *r = rig_open(CARLA_0_9_13);
    const carla_endpoint endpoint = rig_endpoint(r);
    carla_client *client = NULL;
    carla_snapshot snapshot;
    carla_settings settings;
    bridge_world world;
    hp_error error = {{0}};
    (void)state;
    assert_int_equal(open_world(r, "01", &world, &error), HP_OK);
    world.ops->step(world.self, NULL);
    assert_int_equal(world.ops->result(world.self)->verdict, HP_VERDICT_RUNNING);
    world.ops->destroy(world.self);
    assert_int_equal(carla_client_connect(&endpoint, &r->clock, &client, &error), HP_OK);
    assert_int_equal(carla_client_version(client), CARLA_0_9_13);
    assert_int_equal(carla_client_settings(client, &settings, &error), HP_OK);
    assert_false(settings.synchronous);
    assert_true(settings.fixed_delta_s == 0.0);
    assert_int_equal(carla_client_wait(client, &snapshot, &error), HP_OK);
    assert_int_equal(snapshot.n_actors, 1); /* the spectator */
    carla_client_close(&client);
    rig_close(r);
}

/** A process that is killed in the middle of a drive. */
static void abandon_world(rig *r)
{
    bridge_world world;
    hp_error error = {{0}};
    int how = 0;
    sim_drive_read("01", &r->scenario);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (open_world(r, "01", &world, &error) != HP_OK) {
            _exit(1);
        }
        world.ops->step(world.self, NULL);
        (void)kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
}

static void
test_carla_world_turns_the_wheels_as_asked_when_they_use_a_share_of_the_range(void **state)
{
    static hp_world_info info;
    static hp_frame frame;
    sim_vehicle_config vehicle;
    bridge_world world;
    hp_error error = {{0}};
    const hp_command go = {.accel_mps2 = 3.0};
    const hp_command turn = {.steer_rad = 0.1};
    (void)state;
    sim_vehicle_config_default(&vehicle);
    vehicle.max_steer_rad = 0.6;
    rig *r = rig_open_steered(CARLA_0_9_16, &vehicle, 0.5);
    r->carla.steer_gain = 0.5; /* as calibrated */
    assert_int_equal(open_world(r, "01", &world, &error), HP_OK);
    world.ops->info(world.self, &info);
    hp_assert_near(info.max_steer_rad, 0.6, 1e-6);
    for (int i = 0; i < 40; ++i) {
        world.ops->step(world.self, i < 20 ? &go : &turn);
    }
    world.ops->observe(world.self, &frame);
    assert_null(world.ops->trouble(world.self));
    hp_assert_near(frame.ego.steer_rad, 0.1, 1e-6);
    const double expected = frame.ego.speed_mps / info.ego_wheelbase_m * tan(0.1);
    hp_assert_near(frame.ego.yaw_rate_radps / expected, 1.0, 0.02);
    world.ops->destroy(world.self);
    rig_close(r);
}

static void test_carla_world_loads_the_town_when_another_is_there(void **state)
{
    rig *r = rig_open(CARLA_0_9_16);
    bridge_world world;
    char map[64] = "";
    carla_settings settings;
    hp_error error = {{0}};
    (void)state;
    carla_client *client = rig_client(r);
    const uint64_t before = carla_client_episode(client);
    uint64_t after = 0;
    (void)snprintf(r->carla.map, sizeof r->carla.map, "Town02");
    if (open_world(r, "04", &world, &error) != HP_OK) {
        fail_msg("%s", error.text);
    }
    assert_int_equal(carla_client_map(client, map, sizeof map, &error), HP_OK);
    assert_string_equal(map, "Town02");
    assert_int_equal(carla_client_ask_episode(client, &after, &error), HP_OK);
    assert_true(before != after);
    world.ops->step(world.self, NULL);
    assert_null(world.ops->trouble(world.self));
    world.ops->destroy(world.self);
    assert_int_equal(carla_client_settings(client, &settings, &error), HP_OK);
    assert_false(settings.synchronous);
    /* and does not load what is there */
    const uint64_t second = after;
    assert_int_equal(open_world(r, "04", &world, &error), HP_OK);
    world.ops->destroy(world.self);
    assert_int_equal(carla_client_ask_episode(client, &after, &error), HP_OK);
    assert_true(after == second);
    carla_client_close(&client);
    rig_close(r);
}

static void test_carla_world_crashes_when_only_the_collision_sensor_knows_of_it(void **state)
{
    static const carla_transform AHEAD = {{2.0F, 255.0F, 0.5F}, {0.0F, -90.0F, 0.0F}};
    rig *r = rig_open(CARLA_0_9_16);
    bridge_world world;
    carla_actor other;
    hp_error error = {{0}};
    const hp_command go = {.accel_mps2 = 3.0};
    (void)state;
    carla_client *client = rig_client(r); /* a car in the way, which is not of the scenario */
    assert_int_equal(
        carla_client_spawn(client, "vehicle.audi.a2", "theirs", &AHEAD, &other, &error), HP_OK);
    assert_int_equal(open_world(r, "01", &world, &error), HP_OK);
    for (int i = 0; i < 200 && world.ops->result(world.self)->verdict == HP_VERDICT_RUNNING; ++i) {
        world.ops->step(world.self, &go);
    }
    assert_null(world.ops->trouble(world.self));
    assert_int_equal(world.ops->result(world.self)->verdict, HP_VERDICT_CRASH);
    world.ops->destroy(world.self);
    carla_client_close(&client);
    rig_close(r);
}

static uint32_t n_actors(const rig *r)
{
    carla_client *client = rig_client(r);
    carla_snapshot snapshot;
    hp_error error;
    assert_int_equal(carla_client_wait(client, &snapshot, &error), HP_OK);
    carla_client_close(&client);
    return snapshot.n_actors;
}

static void spawn_theirs(const rig *r)
{
    const carla_transform far = {{50.0F, 50.0F, 1.0F}, {0.0F, 0.0F, 0.0F}};
    carla_client *client = rig_client(r);
    carla_actor other;
    hp_error error;
    assert_int_equal(carla_client_spawn(client, "vehicle.audi.a2", "theirs", &far, &other, &error),
                     HP_OK);
    carla_client_close(&client);
}

static void test_carla_client_rescues_the_server_when_our_process_was_killed(void **state)
{
    rig *r = rig_open(CARLA_0_9_16);
    const carla_endpoint endpoint = rig_endpoint(r);
    uint32_t n = 0;
    hp_error error = {{0}};
    (void)state;
    spawn_theirs(r);
    abandon_world(r);
    assert_int_equal(carla_client_rescue(&endpoint, &r->clock, &n, &error), HP_OK);
    assert_int_equal(n, 2 + r->scenario.n_walkers + r->scenario.n_cars); /* with ego and sensor */
    assert_int_equal(n_actors(r), 2); /* the spectator, and what is not ours */
    rig_close(r);
}

static void test_carla_world_frees_the_server_when_a_run_of_ours_died_there(void **state)
{
    rig *r = rig_open(CARLA_0_9_13);
    bridge_world world;
    carla_settings settings;
    hp_error error = {{0}};
    (void)state;
    spawn_theirs(r);
    abandon_world(r);
    if (open_world(r, "01", &world, &error) != HP_OK) { /* the place of our ego is not taken */
        fail_msg("%s", error.text);
    }
    world.ops->step(world.self, NULL);
    assert_null(world.ops->trouble(world.self));
    world.ops->destroy(world.self);
    carla_client *client = rig_client(r);
    assert_int_equal(carla_client_settings(client, &settings, &error), HP_OK);
    assert_false(settings.synchronous);
    carla_client_close(&client);
    assert_int_equal(n_actors(r), 2);
    rig_close(r);
}

static carla_claim claim_of(const char *role, const char *own)
{
    return carla_owner_claim(carla_text_of(role), own);
}

static void test_carla_owner_knows_the_dead_when_they_are_of_this_machine(void **state)
{
    static const char *const UNKNOWN[] = {"hyplan",
                                          "hyplan.",
                                          "hyplan.1.2",
                                          "hyplan.zz.1.1.1",
                                          "hyplan.1.999999999.1.1",
                                          "hyplan.0.999999999.1.1"};
    char mine[CARLA_MARK_TEXT];
    char before[CARLA_MARK_TEXT];
    char reborn[CARLA_MARK_TEXT];
    int how = 0;
    int ends[2];
    (void)state;
    carla_owner_mark(1, mine);
    carla_owner_mark(0, before);
    assert_int_equal(claim_of(mine, mine), CARLA_CLAIM_OURS);
    assert_int_equal(claim_of(before, mine), CARLA_CLAIM_DEAD);
    assert_int_equal(claim_of(before, ""), CARLA_CLAIM_OURS);
    /* the same number, but given to a process that began at another time */
    (void)snprintf(reborn, sizeof reborn, "%s", mine);
    char *birth = strrchr(reborn, '.');
    birth[-1] = birth[-1] == '1' ? '2' : '1';
    assert_int_equal(claim_of(reborn, ""), CARLA_CLAIM_DEAD);
    for (size_t i = 0; i < HP_ARRAY_LEN(UNKNOWN); ++i) {
        assert_int_equal(claim_of(UNKNOWN[i], mine), CARLA_CLAIM_OURS);
    }
    assert_int_equal(claim_of("hero", mine), CARLA_CLAIM_NONE);
    assert_int_equal(claim_of("hyplanned", mine), CARLA_CLAIM_NONE);
    assert_int_equal(claim_of(CARLA_GUEST_ROLE, mine), CARLA_CLAIM_GUEST);
    carla_owner_guest_mark(1, reborn);
    assert_int_equal(claim_of(reborn, ""), CARLA_CLAIM_GUEST);
    *strrchr(reborn, '.') = '\0'; /* cut */
    assert_int_equal(claim_of(reborn, ""), CARLA_CLAIM_GUEST);
    /* a process that has ended */
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        char theirs[CARLA_MARK_TEXT];
        carla_owner_mark(0, theirs);
        _exit(write(ends[1], theirs, sizeof theirs) == sizeof theirs ? 0 : 1);
    }
    char theirs[CARLA_MARK_TEXT];
    assert_int_equal(read(ends[0], theirs, sizeof theirs), sizeof theirs);
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_int_equal(claim_of(theirs, mine), CARLA_CLAIM_DEAD);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void test_carla_world_drives_when_the_release_is_any_of_the_known(void **state)
{
    (void)state;
    for (uint32_t v = CARLA_0_9_12; v <= CARLA_0_9_16; ++v) {
        rig *r = rig_open((carla_version)v);
        bridge_world world;
        hp_error error = {{0}};
        assert_int_equal(open_world(r, "04", &world, &error), HP_OK);
        world.ops->step(world.self, NULL);
        assert_null(world.ops->trouble(world.self));
        world.ops->destroy(world.self);
        rig_close(r);
    }
}

static void test_carla_world_is_refused_when_somebody_else_owns_the_clock(void **state)
{
    rig *r = rig_open(CARLA_0_9_16);
    bridge_world first;
    bridge_world second;
    hp_error error = {{0}};
    (void)state;
    assert_int_equal(open_world(r, "01", &first, &error), HP_OK);
    assert_int_equal(open_world(r, "01", &second, &error), HP_EBUSY);
    assert_non_null(strstr(error.text, "another run of ours drives it"));
    assert_non_null(strstr(error.text, "hyplan carla free"));
    first.ops->destroy(first.self);
    rig_close(r);
}

static void test_carla_world_is_refused_when_a_stranger_owns_the_clock(void **state)
{
    rig *r = rig_open(CARLA_0_9_16);
    bridge_world world;
    carla_settings settings;
    hp_error error = {{0}};
    (void)state;
    carla_client *client = rig_client(r);
    assert_int_equal(carla_client_settings(client, &settings, &error), HP_OK);
    settings.synchronous = true;
    settings.fixed_delta_s = 0.1;
    assert_int_equal(carla_client_set(client, &settings, &error), HP_OK);
    (void)snprintf(r->carla.map, sizeof r->carla.map, "Town02"); /* nor is a map loaded */
    assert_int_equal(open_world(r, "01", &world, &error), HP_EBUSY);
    assert_non_null(strstr(error.text, "somebody else drives it"));
    char map[64];
    assert_int_equal(carla_client_map(client, map, sizeof map, &error), HP_OK);
    assert_string_equal(map, "Town01");
    assert_int_equal(carla_client_settings(client, &settings, &error), HP_OK);
    assert_true(settings.synchronous && settings.fixed_delta_s == 0.1);
    carla_client_close(&client);
    rig_close(r);
}

/** A peer that answers each connection with the same bytes, and then keeps quiet. */
typedef struct liar {
    int fd;
    const void *bytes;
    size_t len;
} liar;

static void *lie(void *arg)
{
    const liar *l = arg;
    const int fd = accept(l->fd, NULL, NULL);
    char drop[256];
    if (fd >= 0) {
        (void)!send(fd, l->bytes, l->len, MSG_NOSIGNAL);
        while (recv(fd, drop, sizeof drop, 0) > 0) {
        }
        (void)close(fd);
    }
    return NULL;
}

/** patience_s: short where it is in vain. */
static hp_status ask_liar(const void *bytes, size_t len, double patience_s, hp_error *error)
{
    const hp_clock clock = hp_clock_real();
    liar l = {.bytes = bytes, .len = len};
    uint16_t port = 0;
    pthread_t thread;
    carla_client *client = NULL;
    assert_int_equal(carla_net_listen("127.0.0.1", &port, &l.fd, error), HP_OK);
    (void)fcntl(l.fd, F_SETFL, 0);
    assert_int_equal(pthread_create(&thread, NULL, lie, &l), 0);
    const carla_endpoint endpoint = {.host = "127.0.0.1", .port = port, .timeout_s = patience_s};
    const hp_status st = carla_client_connect(&endpoint, &clock, &client, error);
    assert_null(client);
    (void)pthread_join(thread, NULL);
    (void)close(l.fd);
    return st;
}

static void test_carla_client_says_what_is_wrong_when_the_server_is_silent_or_lies(void **state)
{
    static const uint8_t HALF[] = {0x94, 0x01, 0x01, 0xc0, 0x91, 0x92};
    static const uint8_t HUGE_ARRAY[] = {0x94, 0x01, 0x01, 0xc0, 0xdd, 0xff, 0xff, 0xff, 0xff};
    static const uint8_t ALIEN[] = {0x94, 0x01, 0x01, 0xc0, 0x91, 0x92, 0x01,
                                    0xa6, '0',  '.',  '1',  '0',  '.',  '0'};
    hp_error error = {{0}};
    (void)state;
    assert_int_equal(ask_liar("", 0, 0.3, &error), HP_EDEADLINE);
    assert_non_null(strstr(error.text, "waited too long for CARLA's answer to version"));
    assert_int_equal(ask_liar(HALF, sizeof HALF, 0.3, &error), HP_EDEADLINE);
    assert_int_equal(ask_liar(HUGE_ARRAY, sizeof HUGE_ARRAY, 60.0, &error), HP_EWIRE);
    assert_int_equal(ask_liar(ALIEN, sizeof ALIEN, 60.0, &error), HP_EVERSION);
    assert_non_null(strstr(error.text, "0.10.0"));
}

static bool count_actor(void *ctx, const carla_actor *actor)
{
    (void)actor;
    ++*(uint32_t *)ctx;
    return true;
}

static void
test_carla_standin_tells_of_an_actor_once_when_it_is_asked_a_thousand_times(void **state)
{
    enum { IDS = 8000 };
    static uint8_t entries[IDS * CARLA_ENTRY];
    rig *r = rig_open(CARLA_0_9_16);
    carla_client *client = rig_client(r);
    const carla_snapshot same = {.n_actors = IDS, .entries = entries};
    uint32_t n = 0;
    hp_error error = {{0}};
    (void)state;
    for (size_t i = 0; i < IDS; ++i) {
        entries[i * CARLA_ENTRY] = 1; /* the spectator */
    }
    assert_int_equal(carla_client_list(client, &same, count_actor, &n, &error), HP_OK);
    assert_int_equal(n, 1);
    carla_client_close(&client);
    rig_close(r);
}

/** Answers that come on a connection within some seconds, at most so many. */
static uint32_t count_answers(int fd, const hp_clock *clock, uint32_t most)
{
    const carla_wait wait = carla_wait_for(clock, 30.0, "answers");
    carla_inbox in;
    hp_error error;
    uint32_t n = 0;
    assert_int_equal(carla_inbox_create(1 << 16, &in), HP_OK);
    while (n < most && carla_inbox_fill(&in, fd, &wait, &error) == HP_OK) {
        size_t used = 0;
        while (carla_pack_scan(in.bytes + in.begin, in.end - in.begin, &used, &error) == HP_OK) {
            carla_inbox_use(&in, used);
            n += 1;
        }
    }
    carla_inbox_destroy(&in);
    return n;
}

static void test_carla_standin_answers_all_when_many_calls_come_at_once(void **state)
{
    enum { CALLS = 1000 };
    rig *r = rig_open(CARLA_0_9_16);
    const carla_wait wait = carla_wait_for(&r->clock, 30.0, "the stand-in");
    msgpack_sbuffer calls;
    msgpack_packer packer;
    hp_error error;
    int fd = -1;
    (void)state;
    msgpack_sbuffer_init(&calls);
    msgpack_packer_init(&packer, &calls, msgpack_sbuffer_write);
    for (uint32_t i = 0; i < CALLS; ++i) {
        carla_rpc_head(&packer, i, "version", true, 0);
    }
    assert_int_equal(carla_net_connect("127.0.0.1", (uint16_t)r->carla.port, &wait, &fd, &error),
                     HP_OK);
    assert_int_equal(carla_net_send(fd, calls.data, calls.size, &wait, &error), HP_OK);
    assert_int_equal(count_answers(fd, &r->clock, CALLS), CALLS);
    carla_net_close(&fd);
    msgpack_sbuffer_destroy(&calls);
    rig_close(r);
}

static void test_carla_client_says_so_when_nobody_listens(void **state)
{
    const hp_clock clock = hp_clock_real();
    uint16_t port = 0;
    int fd = -1;
    carla_client *client = NULL;
    hp_error error = {{0}};
    (void)state;
    assert_int_equal(carla_net_listen("127.0.0.1", &port, &fd, &error), HP_OK);
    uint16_t taken = port;
    int second = -1;
    assert_int_equal(carla_net_listen("127.0.0.1", &taken, &second, &error), HP_EBUSY);
    carla_net_close(&fd);
    const carla_endpoint endpoint = {.host = "127.0.0.1", .port = port, .timeout_s = 60.0};
    assert_int_equal(carla_client_connect(&endpoint, &clock, &client, &error), HP_EUNAVAILABLE);
    assert_non_null(strstr(error.text, "the connection to CARLA"));
}

static void pass_on(int signal_number)
{
    (void)signal_number;
}

static void test_carla_client_does_not_wait_on_for_a_server_when_a_signal_comes(void **state)
{
    const hp_clock clock = hp_clock_real();
    const struct sigaction heard = {.sa_handler = pass_on};
    const struct itimerval soon = {{0, 100000}, {0, 100000}};
    const struct itimerval never = {{0, 0}, {0, 0}};
    struct sigaction before;
    carla_client *client = NULL;
    hp_error error = {{0}};
    uint16_t port = 0;
    int fd = -1;
    (void)state;
    assert_int_equal(carla_net_listen("127.0.0.1", &port, &fd, &error), HP_OK);
    carla_net_close(&fd); /* nobody is there now */
    const carla_endpoint endpoint = {
        .host = "127.0.0.1", .port = port, .connect_s = 60.0, .timeout_s = 60.0};
    assert_int_equal(sigaction(SIGALRM, &heard, &before), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
    assert_int_equal(carla_client_connect(&endpoint, &clock, &client, &error), HP_EINTERRUPTED);
    assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
    assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
}

static void test_carla_net_says_why_when_no_descriptor_is_left(void **state)
{
    const hp_clock clock = hp_clock_real();
    const carla_wait wait = carla_wait_for(&clock, 1.0, "the connection to CARLA");
    struct rlimit before;
    hp_error error = {{0}};
    int fd = -1;
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    const struct rlimit none = {.rlim_cur = 3, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    errno = 0;
    const hp_status st = carla_net_connect("127.0.0.1", 2000, &wait, &fd, &error);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(st, HP_EIO);
    assert_non_null(strstr(error.text, strerror(EMFILE)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_carla_world_gives_the_built_in_verdicts_when_a_scenario_is_driven),
        cmocka_unit_test(test_carla_world_leaves_nothing_behind_when_destroyed_in_mid_run),
        cmocka_unit_test(
            test_carla_world_turns_the_wheels_as_asked_when_they_use_a_share_of_the_range),
        cmocka_unit_test(test_carla_world_loads_the_town_when_another_is_there),
        cmocka_unit_test(test_carla_world_crashes_when_only_the_collision_sensor_knows_of_it),
        cmocka_unit_test(test_carla_client_rescues_the_server_when_our_process_was_killed),
        cmocka_unit_test(test_carla_world_frees_the_server_when_a_run_of_ours_died_there),
        cmocka_unit_test(test_carla_owner_knows_the_dead_when_they_are_of_this_machine),
        cmocka_unit_test(test_carla_world_drives_when_the_release_is_any_of_the_known),
        cmocka_unit_test(test_carla_world_is_refused_when_somebody_else_owns_the_clock),
        cmocka_unit_test(test_carla_world_is_refused_when_a_stranger_owns_the_clock),
        cmocka_unit_test(test_carla_client_says_what_is_wrong_when_the_server_is_silent_or_lies),
        cmocka_unit_test(test_carla_standin_answers_all_when_many_calls_come_at_once),
        cmocka_unit_test(
            test_carla_standin_tells_of_an_actor_once_when_it_is_asked_a_thousand_times),
        cmocka_unit_test(test_carla_client_says_so_when_nobody_listens),
        cmocka_unit_test(test_carla_client_does_not_wait_on_for_a_server_when_a_signal_comes),
        cmocka_unit_test(test_carla_net_says_why_when_no_descriptor_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
