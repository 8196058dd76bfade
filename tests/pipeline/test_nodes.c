/* Bridge and planner alone, each against a scripted other side, under a clock that the test moves.
 */
#include "tests/support/hp_test.h"

#include "planner/planner_node.h"
#include "proto/hp_client.h"
#include "proto/hp_server.h"
#include "sim-bridge/bridge_node.h"

#include <dirent.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MS INT64_C(1000000)
#define BASE "inproc://test"

enum { TRIES = 2000, PATIENCE_MS = 5 }; /* waits of the other side's letters, each that long */

typedef struct fixture {
    char dir[32];
    hp_bus *bus;
    hp_clock clock; /* virtual */
    hp_log log;     /* silent */
    hp_node node;   /* of the part under test */
    hp_node other;  /* of the scripted side */
    hp_mail mail;   /* of the scripted side */
    hp_socket *link;
} fixture;

static void fixture_open(fixture *f, hp_role role, hp_role other)
{
    *f = (fixture){.dir = "/tmp/hyplan-nodes-XXXXXX"};
    assert_non_null(mkdtemp(f->dir));
    f->clock = hp_clock_virtual(1000 * MS);
    f->log = (hp_log){.program = "test", .level = HP_LOG_ERROR, .out = NULL};
    assert_int_equal(hp_bus_create(&f->bus), HP_OK);
    f->node = (hp_node){.bus = f->bus,
                        .base = BASE,
                        .role = role,
                        .generation = 1,
                        .clock = &f->clock,
                        .log = &f->log};
    f->other = f->node;
    f->other.role = other;
    assert_int_equal(hp_mail_create(&f->other, &f->mail), HP_OK);
}

static void fixture_close(fixture *f)
{
    static const char *const FILES[] = {"steps.csv", "steps.csv.tmp", "episodes.json",
                                        "planner.json"};
    hp_socket_close(&f->link);
    hp_mail_destroy(&f->mail);
    hp_bus_destroy(&f->bus);
    for (size_t i = 0; i < HP_ARRAY_LEN(FILES); i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "%s/%s", f->dir, FILES[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(f->dir), 0);
}

static void advance_ms(fixture *f, int64_t ms)
{
    f->clock.virtual_ns += ms * MS;
}

/* ---- The bridge, with a scripted planner ---- */

static bridge_node *bridge_open(fixture *f, bridge_config *config)
{
    sim_config sim;
    bridge_node *bridge = NULL;
    hp_error error;
    fixture_open(f, HP_ROLE_BRIDGE, HP_ROLE_PLANNER);
    sim_config_default(&sim);
    assert_int_equal(hp_node_open(&f->other, HP_SOCKET_DEALER, HP_LINK_BRIDGE, &f->link, &error),
                     HP_OK);
    assert_int_equal(bridge_node_create(config, &sim, 1, f->dir, &f->node, &bridge, &error), HP_OK);
    return bridge;
}

static void bridge_steps(bridge_node *bridge, int n)
{
    for (int i = 0; i < n; i++) {
        assert_int_equal(bridge_node_step(bridge, 0), HP_OK);
    }
}

static void say(fixture *f, hp_msg_type type, uint64_t sequence, const void *message)
{
    const hp_envelope e = {.type = type, .sequence = sequence};
    assert_int_equal(hp_mail_send(&f->mail, f->link, NULL, &e, message), HP_OK);
}

static void say_hello(fixture *f)
{
    hp_hello hello;
    hp_node_hello(&f->other, false, &hello);
    say(f, HP_MSG_HELLO, 1, &hello);
}

/** Steps the bridge until it says something of this type. */
static const hp_message *hear_bridge(fixture *f, bridge_node *bridge, hp_msg_type type)
{
    for (int i = 0; i < TRIES; i++) {
        bool ready = false;
        bridge_steps(bridge, 1);
        (void)!hp_bus_poll(&f->link, &ready, 1, PATIENCE_MS);
        while (hp_mail_receive(&f->mail, f->link, NULL) == HP_OK) {
            if (f->mail.envelope.type == type) {
                return f->mail.in;
            }
        }
    }
    fail_msg("the bridge never sent %s", hp_msg_name(type));
    return NULL;
}

/** True if the bridge stays silent for a while. */
static bool bridge_is_silent(fixture *f, bridge_node *bridge)
{
    for (int i = 0; i < 10; i++) {
        bool ready = false;
        bridge_steps(bridge, 1);
        (void)!hp_bus_poll(&f->link, &ready, 1, PATIENCE_MS);
        if (hp_mail_receive(&f->mail, f->link, NULL) == HP_OK) {
            return false;
        }
    }
    return true;
}

/** Greets, takes the world, acknowledges; returns the world's id. */
static uint64_t join(fixture *f, bridge_node *bridge)
{
    say_hello(f);
    const uint64_t world = hear_bridge(f, bridge, HP_MSG_WORLD_INFO)->as_hp_world_info.world_id;
    say(f, HP_MSG_HEALTH, f->mail.envelope.sequence, &f->mail.health);
    return world;
}

static void command(fixture *f, uint64_t world, uint32_t tick, double accel_mps2)
{
    const hp_command c = {.world_id = world, .tick = tick, .accel_mps2 = accel_mps2};
    say(f, HP_MSG_COMMAND, 100 + tick, &c);
}

static json_t *episodes(const fixture *f)
{
    char path[64];
    json_error_t why;
    (void)snprintf(path, sizeof path, "%s/episodes.json", f->dir);
    json_t *json = json_load_file(path, 0, &why);
    assert_non_null(json);
    return json;
}

static json_t *episode(const json_t *root, size_t i, const char *key)
{
    json_t *value = json_object_get(json_array_get(json_object_get(root, "episodes"), i), key);
    assert_non_null(value);
    return value;
}

static void test_bridge_sends_frame_again_when_it_is_not_answered(void **state)
{
    fixture f;
    bridge_config config;
    (void)state;
    bridge_config_default(&config);
    bridge_node *bridge = bridge_open(&f, &config);
    const uint64_t world = join(&f, bridge);
    assert_int_equal(hear_bridge(&f, bridge, HP_MSG_FRAME)->as_hp_frame.tick, 0);
    assert_true(bridge_is_silent(&f, bridge)); /* as long as the clock stands */
    advance_ms(&f, 100);
    assert_int_equal(hear_bridge(&f, bridge, HP_MSG_FRAME)->as_hp_frame.tick, 0);
    advance_ms(&f, 199); /* the wait doubles */
    assert_true(bridge_is_silent(&f, bridge));
    advance_ms(&f, 1);
    assert_int_equal(hear_bridge(&f, bridge, HP_MSG_FRAME)->as_hp_frame.tick, 0);
    command(&f, world, 0, 1.0);
    assert_int_equal(hear_bridge(&f, bridge, HP_MSG_FRAME)->as_hp_frame.tick, 1);
    bridge_node_destroy(&bridge);
    json_t *root = episodes(&f);
    assert_int_equal(json_integer_value(episode(root, 0, "resent")), 2);
    assert_int_equal(json_integer_value(episode(root, 0, "ticks")), 1);
    assert_true(json_is_true(episode(root, 0, "stopped")));
    json_decref(root);
    fixture_close(&f);
}

static void test_bridge_ignores_commands_when_they_answer_something_else(void **state)
{
    fixture f;
    bridge_config config;
    (void)state;
    bridge_config_default(&config);
    bridge_node *bridge = bridge_open(&f, &config);
    const uint64_t world = join(&f, bridge);
    (void)hear_bridge(&f, bridge, HP_MSG_FRAME);
    command(&f, world + 1, 0, 1.0); /* another world */
    command(&f, world, 7, 1.0);     /* a tick to come */
    assert_true(bridge_is_silent(&f, bridge));
    command(&f, world, 0, 1.0);
    assert_int_equal(hear_bridge(&f, bridge, HP_MSG_FRAME)->as_hp_frame.tick, 1);
    command(&f, world, 0, 1.0); /* the same once more */
    assert_true(bridge_is_silent(&f, bridge));
    bridge_node_destroy(&bridge);
    fixture_close(&f);
}

static void test_bridge_tells_world_again_when_planner_is_restarted(void **state)
{
    fixture f;
    bridge_config config;
    (void)state;
    bridge_config_default(&config);
    bridge_node *bridge = bridge_open(&f, &config);
    const uint64_t world = join(&f, bridge);
    (void)hear_bridge(&f, bridge, HP_MSG_FRAME);
    command(&f, world, 0, 1.0);
    assert_int_equal(hear_bridge(&f, bridge, HP_MSG_FRAME)->as_hp_frame.tick, 1);
    f.other.generation = 2;
    assert_true(join(&f, bridge) == world);
    assert_int_equal(hear_bridge(&f, bridge, HP_MSG_FRAME)->as_hp_frame.tick, 1);
    f.other.generation = 1; /* one of a former life has no say */
    command(&f, world, 1, 1.0);
    say_hello(&f);
    assert_true(bridge_is_silent(&f, bridge));
    f.other.generation = 2;
    command(&f, world, 1, 1.0);
    assert_int_equal(hear_bridge(&f, bridge, HP_MSG_FRAME)->as_hp_frame.tick, 2);
    bridge_node_destroy(&bridge);
    json_t *root = episodes(&f);
    assert_int_equal(json_integer_value(episode(root, 0, "planner_generation")), 2);
    assert_int_equal(json_integer_value(episode(root, 0, "refused")), 2);
    json_decref(root);
    fixture_close(&f);
}

static void test_bridge_brakes_to_the_end_when_planner_is_lost(void **state)
{
    fixture f;
    bridge_config config;
    (void)state;
    bridge_config_default(&config);
    config.episodes = 5;
    bridge_node *bridge = bridge_open(&f, &config);
    const uint64_t world = join(&f, bridge);
    for (uint32_t tick = 0; tick < 40; tick++) {
        assert_int_equal(hear_bridge(&f, bridge, HP_MSG_FRAME)->as_hp_frame.tick, tick);
        command(&f, world, tick, 3.0);
    }
    assert_int_equal(hear_bridge(&f, bridge, HP_MSG_FRAME)->as_hp_frame.tick, 40);
    advance_ms(&f, (int64_t)(config.planner_lost_s * 1e3) - 1);
    bridge_steps(bridge, 3);
    assert_false(bridge_node_done(bridge));
    advance_ms(&f, 2);
    bridge_steps(bridge, 1);
    assert_true(bridge_node_done(bridge));
    assert_true(bridge_node_lost(bridge));
    bridge_node_destroy(&bridge);
    json_t *root = episodes(&f);
    assert_int_equal(json_array_size(json_object_get(root, "episodes")), 1);
    assert_true(json_is_true(episode(root, 0, "planner_lost")));
    assert_true(json_is_false(episode(root, 0, "crash")));
    assert_int_equal(json_integer_value(episode(root, 0, "ticks")), 500); /* to the time limit */
    assert_true(json_real_value(episode(root, 0, "progress_m")) < 20.0);  /* and stood still */
    json_decref(root);
    fixture_close(&f);
}

static void test_bridge_gives_up_when_no_planner_calls(void **state)
{
    fixture f;
    bridge_config config;
    (void)state;
    bridge_config_default(&config);
    bridge_node *bridge = bridge_open(&f, &config);
    bridge_steps(bridge, 3);
    assert_false(bridge_node_done(bridge));
    advance_ms(&f, (int64_t)(config.planner_wait_s * 1e3) + 1);
    bridge_steps(bridge, 1);
    assert_true(bridge_node_done(bridge));
    assert_true(bridge_node_lost(bridge));
    bridge_node_destroy(&bridge);
    fixture_close(&f);
}

static void test_bridge_plays_all_episodes(void **state)
{
    fixture f;
    bridge_config config;
    uint64_t worlds[2];
    (void)state;
    bridge_config_default(&config);
    config.episodes = 2;
    bridge_node *bridge = bridge_open(&f, &config);
    for (uint32_t e = 0; e < 2; e++) {
        worlds[e] = e == 0 ? join(&f, bridge)
                           : hear_bridge(&f, bridge, HP_MSG_WORLD_INFO)->as_hp_world_info.world_id;
        if (e == 1) {
            say(&f, HP_MSG_HEALTH, f.mail.envelope.sequence, &f.mail.health);
        }
        for (uint32_t tick = 0; tick < 500; tick++) { /* standing still until the time is up */
            assert_int_equal(hear_bridge(&f, bridge, HP_MSG_FRAME)->as_hp_frame.tick, tick);
            command(&f, worlds[e], tick, -3.0);
        }
        const hp_episode_end *end = &hear_bridge(&f, bridge, HP_MSG_EPISODE_END)->as_hp_episode_end;
        assert_int_equal(end->episode, e);
        assert_int_equal(end->ticks, 500);
        assert_int_equal(end->verdict, HP_VERDICT_TIMEOUT);
        assert_int_equal(end->last, e == 1);
        say(&f, HP_MSG_HEALTH, f.mail.envelope.sequence, &f.mail.health);
    }
    for (int i = 0; i < TRIES && !bridge_node_done(bridge); i++) {
        bridge_steps(bridge, 1);
    }
    assert_true(bridge_node_done(bridge));
    assert_false(bridge_node_lost(bridge));
    assert_true(worlds[0] != worlds[1]);
    bridge_node_destroy(&bridge);
    json_t *root = episodes(&f);
    assert_int_equal(json_array_size(json_object_get(root, "episodes")), 2);
    json_decref(root);
    fixture_close(&f);
}

/** Real time: frames by the clock, the newest command holds, and then the watchdog brakes. */
static void test_bridge_brakes_when_commands_stop_in_real_time(void **state)
{
    fixture f;
    bridge_config config;
    (void)state;
    bridge_config_default(&config);
    config.realtime = true;
    bridge_node *bridge = bridge_open(&f, &config);
    const uint64_t world = join(&f, bridge);
    bridge_steps(bridge, 5);
    command(&f, world, 0, 2.0);
    bridge_steps(bridge, 5);
    for (int tick = 0; tick < 10; tick++) {
        advance_ms(&f, 50);
        bridge_steps(bridge, 2);
    }
    bridge_node_destroy(&bridge);
    json_t *root = episodes(&f);
    assert_int_equal(json_integer_value(episode(root, 0, "ticks")), 10);
    assert_int_equal(json_integer_value(episode(root, 0, "watchdog")),
                     8); /* ticks 0 and 1 had one */
    json_decref(root);
    fixture_close(&f);
}

/* ---- The planner, with a scripted bridge and without workers ---- */

typedef struct planner_fixture {
    fixture base;
    hp_socket *state;
    hp_peer peer;
    planner_node *planner;
    hp_world_info *info;
    hp_frame *frame;
} planner_fixture;

static const hp_message *hear_planner(planner_fixture *p, hp_msg_type type)
{
    fixture *f = &p->base;
    for (int i = 0; i < TRIES; i++) {
        bool ready = false;
        assert_int_equal(planner_node_step(p->planner, 0), HP_OK);
        (void)!hp_bus_poll(&f->link, &ready, 1, PATIENCE_MS);
        while (hp_mail_receive(&f->mail, f->link, &p->peer) == HP_OK) {
            if (f->mail.envelope.type == type) {
                return f->mail.in;
            }
        }
    }
    fail_msg("the planner never sent %s", hp_msg_name(type));
    return NULL;
}

static void tell(planner_fixture *p, hp_msg_type type, uint64_t sequence, const void *message)
{
    const hp_envelope e = {.type = type, .sequence = sequence};
    assert_int_equal(hp_mail_send(&p->base.mail, p->base.link, &p->peer, &e, message), HP_OK);
}

static void planner_open(planner_fixture *p)
{
    plan_config config;
    hp_error error;
    fixture *f = &p->base;
    *p = (planner_fixture){.planner = NULL};
    fixture_open(f, HP_ROLE_PLANNER, HP_ROLE_BRIDGE);
    p->info = calloc(1, sizeof *p->info);
    p->frame = calloc(1, sizeof *p->frame);
    assert_non_null(p->info);
    assert_non_null(p->frame);
    assert_int_equal(hp_node_open(&f->other, HP_SOCKET_ROUTER, HP_LINK_BRIDGE, &f->link, &error),
                     HP_OK);
    assert_int_equal(hp_node_open(&f->other, HP_SOCKET_PUB, HP_LINK_STATE, &p->state, &error),
                     HP_OK);
    plan_config_default(&config);
    assert_int_equal(planner_node_create(&config, 1, f->dir, &f->node, &p->planner, &error), HP_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(planner_node_step(p->planner, 0), HP_OK); /* waits for its workers */
    }
    advance_ms(f, 10001); /* none comes */
    (void)hear_planner(p, HP_MSG_HELLO);
    *p->info = (hp_world_info){.world_id = 77,
                               .synchronous = true,
                               .tick_s = 0.05,
                               .ego_length_m = 4.2,
                               .ego_width_m = 2.0,
                               .ego_wheelbase_m = 2.5,
                               .speed_limit_mps = 13.9,
                               .max_steer_rad = 0.6,
                               .sensor_range_m = 50.0,
                               .goal = {.x_m = 100.0},
                               .goal_radius_m = 3.0,
                               .n_route = 2,
                               .route = {{0.0, 0.0}, {120.0, 0.0}}};
    *p->frame = (hp_frame){.world_id = 77, .ego = {.speed_mps = 5.0}};
}

static void planner_close(planner_fixture *p)
{
    planner_node_destroy(&p->planner);
    hp_socket_close(&p->state);
    free(p->frame);
    free(p->info);
    fixture_close(&p->base);
}

static void tell_world(planner_fixture *p, uint64_t sequence)
{
    tell(p, HP_MSG_WORLD_INFO, sequence, p->info);
    (void)hear_planner(p, HP_MSG_HEALTH);
    assert_true(p->base.mail.envelope.sequence == sequence);
}

static void test_planner_brakes_when_no_worker_answers(void **state)
{
    planner_fixture p;
    (void)state;
    planner_open(&p);
    tell_world(&p, 5);
    tell(&p, HP_MSG_FRAME, 6, p.frame);
    const hp_command *c = &hear_planner(&p, HP_MSG_COMMAND)->as_hp_command;
    assert_int_equal(c->tick, 0);
    assert_true(c->world_id == 77);
    assert_int_equal(c->source, HP_SOURCE_COMFORT_BRAKE);
    assert_true(c->accel_mps2 < 0.0);
    planner_close(&p);
}

static void test_planner_repeats_its_command_when_a_frame_comes_again(void **state)
{
    planner_fixture p;
    (void)state;
    planner_open(&p);
    tell_world(&p, 5);
    tell(&p, HP_MSG_FRAME, 6, p.frame);
    const hp_command first = hear_planner(&p, HP_MSG_COMMAND)->as_hp_command;
    tell(&p, HP_MSG_FRAME, 7, p.frame);
    const hp_command second = hear_planner(&p, HP_MSG_COMMAND)->as_hp_command;
    assert_int_equal(second.tick, first.tick);
    hp_assert_near(second.accel_mps2, first.accel_mps2, 0.0);
    hp_assert_near(second.steer_rad, first.steer_rad, 0.0);
    planner_node_destroy(&p.planner); /* writes what it has counted */
    char path[64];
    json_error_t why;
    (void)snprintf(path, sizeof path, "%s/planner.json", p.base.dir);
    json_t *json = json_load_file(path, 0, &why);
    assert_int_equal(json_integer_value(json_object_get(json, "ticks")), 1); /* planned once */
    json_decref(json);
    planner_close(&p);
}

static void test_planner_asks_when_it_does_not_know_the_world(void **state)
{
    planner_fixture p;
    (void)state;
    planner_open(&p);
    tell_world(&p, 5);
    advance_ms(&p.base, 1000);
    p.frame->world_id = 78;
    tell(&p, HP_MSG_FRAME, 6, p.frame);
    (void)hear_planner(&p, HP_MSG_HELLO);
    p.info->world_id = 78;
    tell_world(&p, 7);
    tell(&p, HP_MSG_FRAME, 8, p.frame);
    assert_true(hear_planner(&p, HP_MSG_COMMAND)->as_hp_command.world_id == 78);
    planner_close(&p);
}

static void test_planner_acknowledges_an_end_as_often_as_it_is_told(void **state)
{
    planner_fixture p;
    const hp_episode_end end = {
        .world_id = 77, .ticks = 1, .verdict = HP_VERDICT_GOAL, .last = true};
    (void)state;
    planner_open(&p);
    tell_world(&p, 5);
    for (uint64_t sequence = 9; sequence < 12; sequence++) {
        tell(&p, HP_MSG_EPISODE_END, sequence, &end);
        (void)hear_planner(&p, HP_MSG_HEALTH);
        assert_true(p.base.mail.envelope.sequence == sequence);
    }
    planner_close(&p);
}

/* ---- A client and its server, letter by letter ---- */

static void echo(void *ctx, const void *request, void *reply)
{
    const hp_evaluate_request *asked = request;
    hp_evaluate_reply *answered = reply;
    (void)ctx;
    *answered = (hp_evaluate_reply){.world_id = asked->world_id, .tick = asked->tick};
}

static const hp_service ECHO = {.link = HP_LINK_POLICY,
                                .request = HP_MSG_EVALUATE_REQUEST,
                                .reply = HP_MSG_EVALUATE_REPLY,
                                .answer = echo};

/** Lets the server answer until the client knows that it is there. */
static void meet(fixture *f, hp_client *client, hp_server *server)
{
    for (int i = 0; i < TRIES && !hp_client_get(client)->answering; i++) {
        (void)!hp_client_greet(client, 0);
        assert_int_equal(hp_server_step(server, PATIENCE_MS), HP_OK);
        advance_ms(f, 100);
    }
    assert_true(hp_client_get(client)->answering);
}

static void test_client_drops_a_late_reply_and_trusts_the_worker_again(void **state)
{
    fixture f;
    hp_client *client = NULL;
    hp_server *server = NULL;
    hp_error error;
    hp_evaluate_reply reply = {.world_id = 0};
    const hp_evaluate_request request = {.world_id = 3, .tick = 4};
    const hp_envelope e = {.type = HP_MSG_EVALUATE_REQUEST};
    (void)state;
    fixture_open(&f, HP_ROLE_POLICY, HP_ROLE_PLANNER);
    assert_int_equal(hp_server_create(&f.node, &ECHO, &server, &error), HP_OK);
    assert_int_equal(hp_client_create(&f.mail, HP_LINK_POLICY, &client, &error), HP_OK);
    meet(&f, client, server);
    /* The deadline is now, and nobody steps the server: no reply. */
    assert_int_equal(
        hp_client_call(client, &e, &request, f.clock.virtual_ns, HP_MSG_EVALUATE_REPLY, &reply),
        HP_EDEADLINE);
    assert_false(hp_client_get(client)->answering);
    assert_int_equal(hp_client_call(client, &e, &request, f.clock.virtual_ns + 1000 * MS,
                                    HP_MSG_EVALUATE_REPLY, &reply),
                     HP_EUNAVAILABLE);                     /* and it is not waited for */
    assert_int_equal(hp_server_step(server, 1000), HP_OK); /* now it answers, too late */
    for (int i = 0; i < TRIES && !hp_client_get(client)->answering; i++) {
        (void)hp_client_tend(client);
    }
    assert_true(hp_client_get(client)->answering);
    assert_true(hp_client_get(client)->late >= 1);
    assert_true(reply.world_id == 0); /* the late one was not taken for an answer */
    hp_client_destroy(&client);
    hp_server_destroy(&server);
    fixture_close(&f);
}

static void test_client_notices_when_the_server_is_gone(void **state)
{
    fixture f;
    hp_client *client = NULL;
    hp_server *server = NULL;
    hp_error error;
    hp_evaluate_reply reply;
    const hp_evaluate_request request = {.world_id = 3, .tick = 4};
    const hp_envelope e = {.type = HP_MSG_EVALUATE_REQUEST};
    (void)state;
    fixture_open(&f, HP_ROLE_POLICY, HP_ROLE_PLANNER);
    assert_int_equal(hp_server_create(&f.node, &ECHO, &server, &error), HP_OK);
    assert_int_equal(hp_client_create(&f.mail, HP_LINK_POLICY, &client, &error), HP_OK);
    meet(&f, client, server);
    hp_server_destroy(&server);
    /* The clock stands still, so a deadline would never come: only the lost link ends this. */
    assert_int_equal(hp_client_call(client, &e, &request, f.clock.virtual_ns + 1000 * MS,
                                    HP_MSG_EVALUATE_REPLY, &reply),
                     HP_EUNAVAILABLE);
    assert_false(hp_client_get(client)->answering);
    assert_int_equal(hp_client_get(client)->lost, 1);
    hp_client_destroy(&client);
    fixture_close(&f);
}

/** A worker that was restarted behind the client's back: it answers pings, and knows of no request.
 * It acts whenever the client looks at the clock, which goes on by 10 ms each time. */
typedef struct forgetful {
    hp_clock clock; /* first: the client's clock points here */
    hp_mail mail;
    hp_socket *router;
    bool busy; /* it does not act from within its own mail */
} forgetful;

static int64_t forgetful_now_ns(const hp_clock *clock)
{
    union { /* a clock does not change by being read; this one does */
        const hp_clock *in;
        forgetful *out;
    } self = {clock};
    forgetful *w = self.out;
    hp_peer peer;
    w->clock.virtual_ns += 10 * MS;
    if (!w->busy && w->router != NULL) {
        w->busy = true;
        while (hp_mail_receive(&w->mail, w->router, &peer) == HP_OK) {
            const hp_envelope e = {.type = HP_MSG_HEALTH, .sequence = w->mail.envelope.sequence};
            if (w->mail.envelope.type != HP_MSG_EVALUATE_REQUEST) {
                (void)!hp_mail_send(&w->mail, w->router, &peer, &e, &w->mail.health);
            }
        }
        w->busy = false;
    }
    return w->clock.virtual_ns;
}

static void test_client_gives_a_request_up_when_a_later_ping_is_answered(void **state)
{
    fixture f;
    hp_client *client = NULL;
    hp_error error;
    hp_evaluate_reply reply;
    const hp_evaluate_request request = {.world_id = 3, .tick = 4};
    const hp_envelope e = {.type = HP_MSG_EVALUATE_REQUEST};
    forgetful w = {.clock = {.now_ns = forgetful_now_ns, .virtual_ns = MS}};
    (void)state;
    fixture_open(&f, HP_ROLE_POLICY, HP_ROLE_PLANNER);
    f.other.clock = &w.clock;
    f.node.clock = &w.clock;
    assert_int_equal(hp_mail_create(&f.node, &w.mail), HP_OK);
    assert_int_equal(hp_node_open(&f.node, HP_SOCKET_ROUTER, HP_LINK_POLICY, &w.router, &error),
                     HP_OK);
    assert_int_equal(hp_client_create(&f.mail, HP_LINK_POLICY, &client, &error), HP_OK);
    assert_int_equal(hp_client_greet(client, 60000), HP_OK);
    const int64_t start_ns = w.clock.virtual_ns;
    assert_int_equal(
        hp_client_call(client, &e, &request, start_ns + 60000 * MS, HP_MSG_EVALUATE_REPLY, &reply),
        HP_EUNAVAILABLE);
    assert_true(w.clock.virtual_ns - start_ns < 5000 * MS); /* long before the deadline */
    assert_true(hp_client_get(client)->answering);          /* it lives, after all */
    hp_client_destroy(&client);
    hp_socket_close(&w.router);
    hp_mail_destroy(&w.mail);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bridge_sends_frame_again_when_it_is_not_answered),
        cmocka_unit_test(test_bridge_ignores_commands_when_they_answer_something_else),
        cmocka_unit_test(test_bridge_tells_world_again_when_planner_is_restarted),
        cmocka_unit_test(test_bridge_brakes_to_the_end_when_planner_is_lost),
        cmocka_unit_test(test_bridge_gives_up_when_no_planner_calls),
        cmocka_unit_test(test_bridge_plays_all_episodes),
        cmocka_unit_test(test_bridge_brakes_when_commands_stop_in_real_time),
        cmocka_unit_test(test_planner_brakes_when_no_worker_answers),
        cmocka_unit_test(test_planner_repeats_its_command_when_a_frame_comes_again),
        cmocka_unit_test(test_planner_asks_when_it_does_not_know_the_world),
        cmocka_unit_test(test_planner_acknowledges_an_end_as_often_as_it_is_told),
        cmocka_unit_test(test_client_drops_a_late_reply_and_trusts_the_worker_again),
        cmocka_unit_test(test_client_notices_when_the_server_is_gone),
        cmocka_unit_test(test_client_gives_a_request_up_when_a_later_ping_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
