/* The bridge alone, against a scripted planner. */
#include "tests/pipeline/node_fixture.h"

#include "sim-bridge/bridge_node.h"

#include <jansson.h>

/** config NULL: the default. */
static bridge_node *bridge_open(fixture *f, const bridge_config *config)
{
    bridge_setup setup = {.seed = 1};
    bridge_node *bridge = NULL;
    hp_error error;
    fixture_open(f, HP_ROLE_BRIDGE, HP_ROLE_PLANNER);
    setup.run_dir = f->dir;
    bridge_config_default(&setup.bridge);
    setup.bridge = config != NULL ? *config : setup.bridge;
    sim_config_default(&setup.sim);
    assert_int_equal(hp_node_open(&f->other, HP_SOCKET_DEALER, HP_LINK_BRIDGE, &f->link, &error),
                     HP_OK);
    assert_int_equal(bridge_node_create(&setup, &f->node, &bridge, &error), HP_OK);
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
    (void)state;
    bridge_node *bridge = bridge_open(&f, NULL);
    const uint64_t world = join(&f, bridge);
    assert_int_equal(hear_bridge(&f, bridge, HP_MSG_FRAME)->as_hp_frame.tick, 0);
    assert_true(bridge_is_silent(&f, bridge)); /* as long as the clock stands */
    fixture_advance_ms(&f, 100);
    assert_int_equal(hear_bridge(&f, bridge, HP_MSG_FRAME)->as_hp_frame.tick, 0);
    fixture_advance_ms(&f, 199); /* the wait doubles */
    assert_true(bridge_is_silent(&f, bridge));
    fixture_advance_ms(&f, 1);
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
    (void)state;
    bridge_node *bridge = bridge_open(&f, NULL);
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
    (void)state;
    bridge_node *bridge = bridge_open(&f, NULL);
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
    fixture_advance_ms(&f, (int64_t)(config.planner_lost_s * 1e3) - 1);
    bridge_steps(bridge, 3);
    assert_false(bridge_node_done(bridge));
    fixture_advance_ms(&f, 2);
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
    fixture_advance_ms(&f, (int64_t)(config.planner_wait_s * 1e3) + 1);
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
        fixture_advance_ms(&f, 50);
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
