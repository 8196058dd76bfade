/* What can go wrong with the server in mid-run: each fault ends the episode with a reason, the ego
 * brakes as far as anything still gets to the server, no wait is longer than was set, and the
 * server is free in the end, at the latest when the next episode begins. */
#include "sim-bridge/carla/carla_attach.h"
#include "sim-bridge/carla/carla_world.h"
#include "tests/support/hp_test.h"
#include "tests/unit/sim-bridge/carla_proxy.h"
#include "tests/unit/sim-bridge/sim_drive.h"

#include <stdlib.h>
#include <string.h>

#define PATIENCE_S 10.0

enum { TICKS_BEFORE = 30 };

static const hp_command GO = {.accel_mps2 = 2.0};

/** A server, a proxy before it, and a world that is driven through it. */
typedef struct scene {
    rig *r;
    proxy *p;
    uint16_t own_port;
    counted_clock counted;
    bridge_world world;
    char *log_text;
    size_t log_len;
    FILE *log_file;
    hp_log log;
} scene;

static hp_status begin(scene *s, uint16_t port, uint32_t episode, const hp_clock *clock,
                       hp_error *error)
{
    sim_drive_read("01", &s->r->scenario);
    s->r->carla.port = port;
    const carla_world_setup setup = {.carla = &s->r->carla,
                                     .sim = &s->r->sim,
                                     .scenario = &s->r->scenario,
                                     .scene = sim_scene_default(),
                                     .episode = episode,
                                     .seed = 7,
                                     .clock = clock,
                                     .log = &s->log};
    const hp_status st = carla_world_create(&setup, &s->world, error);
    s->r->carla.port = s->own_port; /* the test's own clients go the straight way */
    return st;
}

static void open_scene(scene *s)
{
    *s = (scene){.r = rig_open(CARLA_0_9_16)};
    s->own_port = (uint16_t)s->r->carla.port;
    s->p = proxy_open(s->r);
    s->r->carla.timeout_s = PATIENCE_S;
    s->log_file = open_memstream(&s->log_text, &s->log_len);
    s->log = (hp_log){.program = "test", .out = s->log_file};
    counted_clock_open(&s->counted);
}

static void drive_off(scene *s)
{
    hp_error error = {{0}};
    if (begin(s, s->p->port, 0, &s->counted.clock, &error) != HP_OK) {
        fail_msg("%s", error.text);
    }
    for (int i = 0; i < TICKS_BEFORE; ++i) {
        s->world.ops->step(s->world.self, &GO);
    }
    assert_int_equal(s->world.ops->result(s->world.self)->verdict, HP_VERDICT_RUNNING);
    assert_true(s->world.ops->result(s->world.self)->max_speed_mps > 1.0);
}

static void close_scene(scene *s)
{
    proxy_close(s->p);
    rig_close(s->r);
    (void)fclose(s->log_file);
    free(s->log_text);
}

static bool logged(const scene *s, const char *text)
{
    (void)fflush(s->log_file);
    return strstr(s->log_text, text) != NULL;
}

static void assert_says(const char *text, const char *wanted)
{
    if (text == NULL || strstr(text, wanted) == NULL) {
        fail_msg("said: %s\nwithout: %s", text, wanted);
    }
}

/** One step into the fault: it ends the episode, says so, within so much patience. */
static void step_into(scene *s, const char *says, double patience_s)
{
    const double before_s = counted_clock_s(&s->counted);
    s->world.ops->step(s->world.self, &GO);
    const double took_s = counted_clock_s(&s->counted) - before_s;
    assert_int_equal(s->world.ops->result(s->world.self)->verdict, HP_VERDICT_STOPPED);
    assert_says(s->world.ops->trouble(s->world.self), says);
    print_message("%s [%.1f s]\n", s->world.ops->trouble(s->world.self), took_s);
    assert_true(took_s <= patience_s + 20 * COUNTED_LONG_S);
    const double after_s = counted_clock_s(&s->counted);
    s->world.ops->step(s->world.self, &GO); /* and goes on saying so, at once */
    assert_says(s->world.ops->trouble(s->world.self), says);
    assert_true(counted_clock_s(&s->counted) == after_s);
}

static void end_world(scene *s, double patience_s)
{
    const double before_s = counted_clock_s(&s->counted);
    s->world.ops->destroy(s->world.self);
    assert_true(counted_clock_s(&s->counted) - before_s <= patience_s + 20 * COUNTED_LONG_S);
}

/** A fault that stays: the server hears, but cannot be understood. The ego brakes all the same;
 * what is left is cleared when the next episode begins. */
static void meet_for_good(fault what, const char *says, double patience_s)
{
    scene s;
    hp_error error = {{0}};
    open_scene(&s);
    drive_off(&s);
    atomic_store(&s.p->fault, what);
    /* what comes, comes in as many pieces as the machine likes */
    s.counted.step_s = what == SILENT || what == HALF ? COUNTED_LONG_S : COUNTED_SHORT_S;
    step_into(&s, says, patience_s);
    assert_says(s.world.ops->trouble(s.world.self),
                "the ego was told to brake; whether it heard is not known");
    assert_true(proxy_hero_brakes(s.r, true));
    end_world(&s, patience_s);
    assert_false(proxy_server_is_free(s.r, 1));
    if (begin(&s, s.own_port, 1, &s.r->clock, &error) != HP_OK) {
        fail_msg("%s", error.text);
    }
    assert_true(logged(&s, "left to us by a run that died"));
    s.world.ops->destroy(s.world.self);
    assert_true(proxy_server_is_free(s.r, 1));
    close_scene(&s);
}

static void test_carla_ego_brakes_when_the_server_falls_silent(void **state)
{
    (void)state;
    meet_for_good(SILENT, "waited too long for CARLA's answer to apply_batch", 2 * PATIENCE_S);
}

static void test_carla_ego_brakes_when_half_a_message_comes(void **state)
{
    (void)state;
    meet_for_good(HALF, "waited too long for CARLA's answer to apply_batch", 2 * PATIENCE_S);
}

static void test_carla_ego_brakes_when_msgpack_is_hostile(void **state)
{
    (void)state;
    meet_for_good(HOSTILE, "answer to apply_batch is none: byte 9: announces more", 0.0);
}

static void test_carla_ego_brakes_when_answers_are_no_answers(void **state)
{
    (void)state;
    meet_for_good(ALIEN, "nothing but answers to other calls", PATIENCE_S);
}

/** A fault that has passed when the bridge tries again: it brakes over a new connection, and frees
 *  the server over it. */
static void meet_once(fault what, const char *says, double patience_s)
{
    scene s;
    open_scene(&s);
    drive_off(&s);
    atomic_store(&s.p->fault, what);
    step_into(&s, says, patience_s);
    assert_says(s.world.ops->trouble(s.world.self), "the ego brakes");
    assert_true(proxy_hero_brakes(s.r, true));
    end_world(&s, 0.0);
    assert_true(proxy_server_is_free(s.r, 1));
    close_scene(&s);
}

static void test_carla_ego_brakes_over_a_new_connection_when_the_old_one_breaks(void **state)
{
    (void)state;
    meet_once(GONE, "CARLA's answer to apply_batch: the peer has closed the connection", 0.0);
}

static void test_carla_ego_brakes_when_snapshots_are_of_another_release(void **state)
{
    (void)state;
    meet_once(OTHER_TYPE, "snapshot of sensor type 12", 0.0);
}

static void test_carla_world_ends_when_the_server_is_gone(void **state)
{
    scene s;
    (void)state;
    open_scene(&s);
    drive_off(&s);
    rig_stop(s.r);
    step_into(&s, "the peer has closed the connection", PATIENCE_S);
    assert_says(s.world.ops->trouble(s.world.self), "to brake");
    end_world(&s, PATIENCE_S);
    close_scene(&s);
}

static void test_carla_world_leaves_others_alone_when_the_episode_has_changed(void **state)
{
    scene s;
    carla_settings theirs;
    carla_settings after;
    carla_actor actor;
    hp_error error = {{0}};
    const carla_transform at = {{50.0F, 50.0F, 1.0F}, {0.0F, 0.0F, 0.0F}};
    (void)state;
    open_scene(&s);
    drive_off(&s);
    /* somebody loads a map, takes the clock, and spawns */
    carla_client *client = rig_client(s.r);
    assert_int_equal(carla_client_load(client, "Town01", &error), HP_OK);
    assert_int_equal(carla_client_settings(client, &theirs, &error), HP_OK);
    theirs.synchronous = true;
    theirs.fixed_delta_s = 0.1;
    assert_int_equal(carla_client_set(client, &theirs, &error), HP_OK);
    assert_int_equal(carla_client_spawn(client, "vehicle.audi.tt", "hero", &at, &actor, &error),
                     HP_OK);
    step_into(&s, "the ego is gone", PATIENCE_S);
    end_world(&s, 0.0);
    assert_int_equal(carla_client_settings(client, &after, &error), HP_OK);
    assert_true(after.synchronous && after.fixed_delta_s == 0.1);
    assert_false(proxy_hero_brakes(s.r, true)); /* theirs is told nothing */
    carla_client_close(&client);
    close_scene(&s);
}

static void test_carla_world_goes_on_when_the_server_is_slow(void **state)
{
    scene s;
    (void)state;
    open_scene(&s);
    assert_int_equal(begin(&s, s.p->port, 0, &s.r->clock, &(hp_error){{0}}), HP_OK);
    atomic_store(&s.p->fault, SLOW);
    for (int i = 0; i < 5; ++i) {
        s.world.ops->step(s.world.self, NULL);
    }
    assert_null(s.world.ops->trouble(s.world.self));
    s.world.ops->destroy(s.world.self);
    assert_true(proxy_server_is_free(s.r, 1));
    close_scene(&s);
}

static void test_carla_world_goes_on_when_the_server_closes_its_streams(void **state)
{
    scene s;
    (void)state;
    open_scene(&s);
    assert_int_equal(begin(&s, s.p->port, 0, &s.r->clock, &(hp_error){{0}}), HP_OK);
    for (int i = 0; i < 30; ++i) {
        if (i % 10 == 5) {
            atomic_store(&s.p->fault, CUT_STREAMS);
        }
        s.world.ops->step(s.world.self, &GO);
    }
    assert_null(s.world.ops->trouble(s.world.self));
    assert_int_equal(s.world.ops->result(s.world.self)->verdict, HP_VERDICT_RUNNING);
    assert_true(s.world.ops->result(s.world.self)->max_speed_mps > 1.5);
    s.world.ops->destroy(s.world.self);
    assert_true(proxy_server_is_free(s.r, 1));
    close_scene(&s);
}

static void test_carla_server_is_free_when_it_took_the_clock_and_could_not_say_so(void **state)
{
    scene s;
    hp_error error = {{0}};
    (void)state;
    open_scene(&s);
    s.r->carla.timeout_s = 3 * PATIENCE_S; /* only the lost answer is to be late */
    atomic_store(&s.p->fault, UNHEARD_SET);
    s.counted.step_s = COUNTED_LONG_S;
    assert_int_equal(begin(&s, s.p->port, 0, &s.counted.clock, &error), HP_EDEADLINE);
    assert_says(error.text, "answer to set_episode_settings");
    assert_true(proxy_server_is_free(s.r, 1));
    close_scene(&s);
}

/* ---- Loading a map ---- */

/** A client that goes through the proxy. */
static carla_client *connect_to(const scene *s)
{
    carla_endpoint endpoint = rig_endpoint(s->r);
    carla_client *client = NULL;
    hp_error error = {{0}};
    endpoint.port = s->p->port;
    if (carla_client_connect(&endpoint, &s->counted.clock, &client, &error) != HP_OK) {
        fail_msg("%s", error.text);
    }
    return client;
}

static void test_carla_client_loads_a_map_when_the_server_closes_its_streams_for_it(void **state)
{
    scene s;
    carla_snapshot snapshot;
    uint64_t episode = 0;
    hp_error error = {{0}};
    (void)state;
    open_scene(&s);
    carla_client *client = connect_to(&s);
    atomic_store(&s.p->fault, CUT_STREAMS);
    assert_int_equal(carla_client_load(client, "Town02", &error), HP_OK);
    assert_int_equal(carla_client_ask_episode(client, &episode, &error), HP_OK);
    assert_true(carla_client_episode(client) == episode);
    assert_int_equal(carla_client_wait(client, &snapshot, &error), HP_OK);
    assert_true(snapshot.episode == episode);
    carla_client_close(&client);
    close_scene(&s);
}

static void test_carla_client_gives_up_when_a_map_is_promised_but_never_there(void **state)
{
    scene s;
    hp_error error = {{0}};
    (void)state;
    open_scene(&s);
    s.r->carla.timeout_s = 0.5 * PATIENCE_S;
    carla_client *client = connect_to(&s);
    atomic_store(&s.p->fault, KEEP_MAP);
    s.counted.step_s = COUNTED_LONG_S;
    assert_int_equal(carla_client_load(client, "Town02", &error), HP_EDEADLINE);
    assert_says(error.text, "load");
    carla_client_close(&client);
    close_scene(&s);
}

static void
test_carla_client_gives_up_when_a_frame_is_promised_but_only_older_ones_come(void **state)
{
    scene s;
    carla_snapshot snapshot;
    hp_error error = {{0}};
    (void)state;
    open_scene(&s);
    carla_client *client = connect_to(&s);
    atomic_store(&s.p->fault, FUTURE);
    s.counted.step_s = COUNTED_LONG_S;
    assert_int_equal(carla_client_tick(client, &snapshot, &error), HP_EDEADLINE);
    assert_says(error.text, "waited too long for ");
    carla_client_close(&client);
    close_scene(&s);
}

static void test_carla_world_hears_of_a_contact_when_the_server_has_closed_its_streams(void **state)
{
    static const carla_transform AHEAD = {{2.0F, 255.0F, 0.5F}, {0.0F, -90.0F, 0.0F}};
    scene s;
    carla_actor other;
    hp_error error = {{0}};
    (void)state;
    open_scene(&s);
    carla_client *client = rig_client(s.r); /* a car in the way, which is not of the scenario */
    assert_int_equal(
        carla_client_spawn(client, "vehicle.audi.a2", "theirs", &AHEAD, &other, &error), HP_OK);
    carla_client_close(&client);
    assert_int_equal(begin(&s, s.p->port, 0, &s.r->clock, &error), HP_OK);
    atomic_store(&s.p->fault, CUT_STREAMS);
    for (int i = 0; i < 200 && s.world.ops->result(s.world.self)->verdict == HP_VERDICT_RUNNING;
         ++i) {
        s.world.ops->step(s.world.self, &GO);
    }
    assert_null(s.world.ops->trouble(s.world.self));
    assert_int_equal(s.world.ops->result(s.world.self)->verdict, HP_VERDICT_CRASH);
    s.world.ops->destroy(s.world.self);
    close_scene(&s);
}

/* ---- Coming back ---- */

static void test_carla_world_connects_when_the_server_is_back_after_some_tries(void **state)
{
    scene s;
    hp_error error = {{0}};
    (void)state;
    open_scene(&s);
    drive_off(&s);
    atomic_store(&s.p->fault, GONE);
    atomic_store(&s.p->refuse, 1000);
    step_into(&s, "CARLA's answer to", PATIENCE_S);
    end_world(&s, 0.0);
    atomic_store(&s.p->refuse, 3);
    atomic_store(&s.p->tries, 0);
    s.r->carla.connect_s = 60.0;
    if (begin(&s, s.p->port, 1, &s.counted.clock, &error) != HP_OK) {
        fail_msg("%s", error.text);
    }
    assert_int_equal(atomic_load(&s.p->tries), 4);
    assert_true(logged(&s, "trying again for 60 s"));
    assert_true(logged(&s, "answers, at try 4"));
    s.world.ops->step(s.world.self, &GO);
    assert_null(s.world.ops->trouble(s.world.self));
    s.world.ops->destroy(s.world.self);
    assert_true(proxy_server_is_free(s.r, 1));
    close_scene(&s);
}

static void test_carla_world_gives_up_when_the_server_does_not_come_back(void **state)
{
    scene s;
    hp_error error = {{0}};
    (void)state;
    open_scene(&s);
    atomic_store(&s.p->refuse, 1000);
    s.r->carla.connect_s = 20.0;
    s.r->carla.timeout_s = 10 * PATIENCE_S;
    s.counted.step_s = COUNTED_LONG_S;
    assert_int_equal(begin(&s, s.p->port, 0, &s.counted.clock, &error), HP_EUNAVAILABLE);
    assert_says(error.text, "CARLA at 127.0.0.1:");
    assert_says(error.text, "while waiting for CARLA's answer to version");
    assert_true(counted_clock_s(&s.counted) <= 20.0 + 10 * PATIENCE_S);
    /* growing pauses: at 0.1 s each it would be a hundred tries and more */
    assert_in_range(atomic_load(&s.p->tries), 5, 25);
    assert_true(proxy_server_is_free(s.r, 1));
    close_scene(&s);
}

/* ---- Port taken ---- */

static void test_carla_session_is_refused_when_the_port_is_taken(void **state)
{
    carla_server_config config;
    carla_server *second = NULL;
    hp_error error = {{0}};
    rig *r = rig_open(CARLA_0_9_16);
    (void)state;
    carla_server_config_default(&config);
    config.port = (uint16_t)r->carla.port;
    assert_int_equal(carla_server_create(&config, &r->clock, &second, &error), HP_EBUSY);
    assert_null(second);
    assert_says(error.text, "choose another port");
    assert_true(proxy_server_is_free(r, 1));
    rig_close(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_carla_ego_brakes_when_the_server_falls_silent),
        cmocka_unit_test(test_carla_ego_brakes_when_half_a_message_comes),
        cmocka_unit_test(test_carla_ego_brakes_when_msgpack_is_hostile),
        cmocka_unit_test(test_carla_ego_brakes_when_answers_are_no_answers),
        cmocka_unit_test(test_carla_ego_brakes_over_a_new_connection_when_the_old_one_breaks),
        cmocka_unit_test(test_carla_ego_brakes_when_snapshots_are_of_another_release),
        cmocka_unit_test(test_carla_world_ends_when_the_server_is_gone),
        cmocka_unit_test(test_carla_world_leaves_others_alone_when_the_episode_has_changed),
        cmocka_unit_test(test_carla_world_goes_on_when_the_server_is_slow),
        cmocka_unit_test(test_carla_world_goes_on_when_the_server_closes_its_streams),
        cmocka_unit_test(
            test_carla_world_hears_of_a_contact_when_the_server_has_closed_its_streams),
        cmocka_unit_test(test_carla_server_is_free_when_it_took_the_clock_and_could_not_say_so),
        cmocka_unit_test(test_carla_client_loads_a_map_when_the_server_closes_its_streams_for_it),
        cmocka_unit_test(
            test_carla_client_gives_up_when_a_frame_is_promised_but_only_older_ones_come),
        cmocka_unit_test(test_carla_client_gives_up_when_a_map_is_promised_but_never_there),
        cmocka_unit_test(test_carla_world_connects_when_the_server_is_back_after_some_tries),
        cmocka_unit_test(test_carla_world_gives_up_when_the_server_does_not_come_back),
        cmocka_unit_test(test_carla_session_is_refused_when_the_port_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
