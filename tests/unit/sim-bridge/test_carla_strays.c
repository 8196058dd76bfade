/* Actors that nobody drives: whose spawning the server has not confirmed, or whose process has
 * died. They do not stay in the road, and others' do. */
#include "tests/support/hp_test.h"
#include "tests/unit/sim-bridge/carla_scene.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/** Spawns an actor of this role, and stops the server's clock. */
static void leave_behind(const scene *s, const char *role, uint32_t *id)
{
    const carla_transform aside = {{50.0F, 50.0F, 1.0F}, {0.0F, 0.0F, 0.0F}};
    carla_client *client = rig_client(s->r);
    carla_settings settings;
    carla_actor lost;
    hp_error error;
    assert_int_equal(carla_client_spawn(client, "vehicle.audi.a2", role, &aside, &lost, &error),
                     HP_OK);
    assert_int_equal(carla_client_settings(client, &settings, &error), HP_OK);
    settings.synchronous = true;
    settings.fixed_delta_s = 0.05;
    assert_int_equal(carla_client_set(client, &settings, &error), HP_OK);
    carla_client_close(&client);
    *id = lost.id;
}

/** One of ours that was a guest there, and has died, did not have the clock. */
static void test_carla_world_is_refused_when_only_a_guest_of_ours_has_died_there(void **state)
{
    scene s;
    uint32_t id = 0;
    char before[CARLA_MARK_TEXT];
    hp_error error = {{0}};
    (void)state;
    scene_open(&s);
    carla_owner_guest_mark(0, before);
    leave_behind(&s, before, &id);
    assert_int_equal(scene_begin(&s, s.own_port, 1, &s.r->clock, &error), HP_EBUSY);
    scene_close(&s);
}

/** What dies in a server that has lived for long is found all the same. */
static void
test_carla_world_frees_the_server_when_ids_are_beyond_the_first_ten_thousands(void **state)
{
    enum { GIVEN = 200000 };
    char before[CARLA_MARK_TEXT];
    scene s;
    uint32_t id = 0;
    hp_error error = {{0}};
    (void)state;
    scene_open_aged(&s, GIVEN);
    carla_owner_mark(0, before);
    leave_behind(&s, before, &id);
    assert_true(id > GIVEN);
    if (scene_begin(&s, s.own_port, 1, &s.r->clock, &error) != HP_OK) {
        fail_msg("%s", error.text);
    }
    s.world.ops->destroy(s.world.self);
    assert_true(proxy_server_is_free(s.r, 1));
    scene_close(&s);
}

/** The answer to a spawn is lost; who was spawned does not stay, and others do. */
static void lose_spawn(const char *call, uint32_t calls, fault how)
{
    const carla_transform aside = {{50.0F, 50.0F, 1.0F}, {0.0F, 0.0F, 0.0F}};
    scene s;
    carla_actor theirs;
    hp_error error = {{0}};
    scene_open(&s);
    carla_client *client = rig_client(s.r);
    assert_int_equal(carla_client_spawn(client, s.r->carla.ego, "hero", &aside, &theirs, &error),
                     HP_OK);
    carla_client_close(&client);
    s.r->carla.timeout_s = 2 * PATIENCE_S;
    s.counted.step_s = how == LOSE ? COUNTED_LONG_S : COUNTED_SHORT_S;
    proxy_await(s.p, call, calls, how);
    const hp_status st = scene_begin(&s, s.p->port, 0, &s.counted.clock, &error);
    assert_int_equal(st, how == LOSE ? HP_EDEADLINE : HP_EUNAVAILABLE);
    scene_assert_says(error.text, "answer to spawn_actor");
    assert_true(proxy_server_is_free(s.r, 2)); /* the spectator, and theirs */
    assert_true(scene_logged(&s, "1 actors whose spawning the CARLA server had not confirmed"));
    scene_close(&s);
}

static void test_carla_world_leaves_no_ego_when_its_spawn_is_not_answered(void **state)
{
    (void)state;
    lose_spawn("spawn_actor", 0, LOSE);
}

static void test_carla_world_leaves_no_ego_when_the_connection_breaks_at_its_spawn(void **state)
{
    (void)state;
    lose_spawn("spawn_actor", 0, GONE);
}

static void test_carla_world_leaves_no_body_when_the_connection_breaks_at_its_spawn(void **state)
{
    (void)state;
    lose_spawn("spawn_actor", 1, GONE);
}

static void test_carla_world_leaves_no_sensor_when_its_spawn_is_not_answered(void **state)
{
    (void)state;
    lose_spawn("spawn_actor_with_parent", 0, LOSE);
}

static void test_carla_world_says_so_when_it_cannot_look_for_what_was_spawned(void **state)
{
    scene s;
    hp_error error = {{0}};
    (void)state;
    scene_open(&s);
    proxy_await(s.p, "spawn_actor", 1, SILENT);
    s.counted.step_s = COUNTED_LONG_S;
    s.r->carla.timeout_s = 2 * PATIENCE_S;
    assert_int_equal(scene_begin(&s, s.p->port, 0, &s.counted.clock, &error), HP_EDEADLINE);
    assert_true(scene_logged(&s, "an actor of ours may be left in the CARLA server"));
    scene_close(&s);
}

static void test_carla_world_clears_what_an_episode_before_has_lost_when_it_begins(void **state)
{
    const carla_transform aside = {{50.0F, 50.0F, 1.0F}, {0.0F, 0.0F, 0.0F}};
    char before[CARLA_MARK_TEXT];
    scene s;
    carla_actor lost;
    hp_error error = {{0}};
    (void)state;
    scene_open(&s);
    carla_owner_mark(0, before);
    carla_client *client = rig_client(s.r); /* nobody could clear it; the clock was given back */
    assert_int_equal(carla_client_spawn(client, "vehicle.audi.a2", before, &aside, &lost, &error),
                     HP_OK);
    carla_client_close(&client);
    assert_int_equal(scene_begin(&s, s.own_port, 1, &s.r->clock, &error), HP_OK);
    s.world.ops->destroy(s.world.self);
    assert_true(proxy_server_is_free(s.r, 1));
    assert_true(scene_logged(&s, "1 actors in the CARLA server were left by a run that died"));
    scene_close(&s);
}

static void
test_carla_server_has_its_clock_back_when_the_connection_breaks_before_a_spawn(void **state)
{
    scene s;
    hp_error error = {{0}};
    (void)state;
    scene_open(&s);
    proxy_await(s.p, "get_actor_definitions", 0, GONE);
    assert_int_equal(scene_begin(&s, s.p->port, 0, &s.counted.clock, &error), HP_EUNAVAILABLE);
    assert_true(proxy_server_is_free(s.r, 1));
    scene_close(&s);
}

static void test_carla_rescue_finds_the_ego_when_its_run_died_before_all_were_spawned(void **state)
{
    scene s;
    uint32_t n = 0;
    hp_error error = {{0}};
    int how = 0;
    (void)state;
    scene_open(&s);
    s.r->carla.timeout_s = 60.0;
    proxy_await(s.p, "spawn_actor", 1, SILENT); /* the ego, and what comes next */
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)!scene_begin(&s, s.p->port, 0, &s.r->clock, &error);
        _exit(1);
    }
    while (atomic_load(&s.p->fault) != SILENT) {
        hp_clock_sleep_until_ns(hp_clock_now_ns(&s.r->clock) + 1000000);
    }
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &how, 0), child);
    s.r->carla.timeout_s = PATIENCE_S;
    const carla_endpoint endpoint = rig_endpoint(s.r);
    assert_int_equal(carla_client_rescue(&endpoint, &s.r->clock, &n, &error), HP_OK);
    assert_true(n >= 2);
    assert_true(proxy_server_is_free(s.r, 1));
    scene_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_carla_world_is_refused_when_only_a_guest_of_ours_has_died_there),
        cmocka_unit_test(
            test_carla_world_frees_the_server_when_ids_are_beyond_the_first_ten_thousands),
        cmocka_unit_test(test_carla_world_leaves_no_ego_when_its_spawn_is_not_answered),
        cmocka_unit_test(test_carla_world_leaves_no_ego_when_the_connection_breaks_at_its_spawn),
        cmocka_unit_test(test_carla_world_leaves_no_body_when_the_connection_breaks_at_its_spawn),
        cmocka_unit_test(test_carla_world_leaves_no_sensor_when_its_spawn_is_not_answered),
        cmocka_unit_test(test_carla_world_says_so_when_it_cannot_look_for_what_was_spawned),
        cmocka_unit_test(test_carla_rescue_finds_the_ego_when_its_run_died_before_all_were_spawned),
        cmocka_unit_test(test_carla_world_clears_what_an_episode_before_has_lost_when_it_begins),
        cmocka_unit_test(
            test_carla_server_has_its_clock_back_when_the_connection_breaks_before_a_spawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
