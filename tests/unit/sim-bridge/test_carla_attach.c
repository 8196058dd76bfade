/* Somebody else's scenario in the stand-in: our world drives his hero, and leaves all else alone;
 * and routes and ground from the server's map. */
#include "tests/support/hp_test.h"
#include "tests/unit/sim-bridge/carla_hero.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/** The owner of the scenario: he spawns, he ticks, and he ticks when he is allowed to. */
typedef struct owner {
    rig *r;
    carla_client *client;
    uint32_t hero;
    pthread_t thread;
    atomic_uint allowed, done;
    atomic_bool busy, stop;
} owner;

static void *tick_along(void *arg)
{
    owner *o = arg;
    carla_snapshot snapshot;
    hp_error error;
    while (!atomic_load(&o->stop)) {
        atomic_store(&o->busy, true);
        if (atomic_load(&o->done) < atomic_load(&o->allowed)) {
            (void)!carla_client_tick(o->client, &snapshot, &error);
            atomic_fetch_add(&o->done, 1);
        }
        atomic_store(&o->busy, false);
        hp_clock_sleep_until_ns(hp_clock_now_ns(&o->r->clock) + 200000);
    }
    return NULL;
}

/** From now on he ticks when he is told to. */
static void hold(owner *o)
{
    atomic_store(&o->allowed, 0);
    while (atomic_load(&o->busy)) {
    }
    atomic_store(&o->done, 0);
}

static uint32_t place(owner *o, const char *blueprint, const char *role, double x, double y)
{
    const carla_transform at = {{(float)x, (float)-y, 0.5F}, {0.0F, -90.0F, 0.0F}};
    carla_actor actor;
    hp_error error = {{0}};
    if (carla_client_spawn(o->client, blueprint, role, &at, &actor, &error) != HP_OK) {
        fail_msg("%s", error.text);
    }
    return actor.id;
}

static void owner_begin(owner *o, rig *r, bool with_hero)
{
    carla_settings settings;
    hp_error error;
    *o = (owner){.r = r, .client = rig_client(r)};
    assert_int_equal(carla_client_settings(o->client, &settings, &error), HP_OK);
    settings.synchronous = true;
    settings.fixed_delta_s = 0.05;
    assert_int_equal(carla_client_set(o->client, &settings, &error), HP_OK);
    if (with_hero) {
        o->hero = place(o, "vehicle.audi.tt", "hero", 1.5, -50.0);
    }
    (void)place(o, "walker.pedestrian.0001", "theirs", 6.0, -30.0);
    (void)place(o, "vehicle.tesla.model3", "theirs", -1.5, -20.0);
    (void)place(o, "vehicle.tesla.model3", "far away", -1.5, 280.0);
    atomic_store(&o->allowed, 1000000);
    assert_int_equal(pthread_create(&o->thread, NULL, tick_along, o), 0);
}

static void owner_end(owner *o)
{
    atomic_store(&o->stop, true);
    (void)pthread_join(o->thread, NULL);
    carla_client_close(&o->client);
}

/** Steps until the world is over: it was stopped, and says why. */
static void assert_stops(const bridge_world *world, const char *why)
{
    while (world->ops->result(world->self)->verdict == HP_VERDICT_RUNNING) { /* what is under way */
        world->ops->step(world->self, NULL);
    }
    assert_int_equal(world->ops->result(world->self)->verdict, HP_VERDICT_STOPPED);
    assert_non_null(strstr(world->ops->trouble(world->self), why));
}

static sim_result drive(owner *o, const bridge_world *world, uint32_t *agents)
{
    static hp_frame frame;
    for (uint32_t i = 0; i < 2000 && world->ops->result(world->self)->verdict == HP_VERDICT_RUNNING;
         ++i) {
        world->ops->observe(world->self, &frame);
        *agents = frame.n_agents > *agents ? frame.n_agents : *agents;
        const hp_command command = {.accel_mps2 = 8.0 - frame.ego.speed_mps};
        atomic_fetch_add(&o->allowed, 1);
        world->ops->step(world->self, &command);
    }
    return *world->ops->result(world->self);
}

static void test_carla_attach_drives_the_hero_when_somebody_else_ticks(void **state)
{
    rig *r = rig_open(CARLA_0_9_16);
    static hp_world_info info;
    static owner o;
    bridge_world world;
    carla_snapshot snapshot;
    carla_settings settings;
    carla_entry entry;
    uint32_t agents = 0;
    hp_error error = {{0}};
    (void)state;
    owner_begin(&o, r, true);
    if (hero_attach(r, HERO_AHEAD, &world, &error) != HP_OK) {
        fail_msg("%s", error.text);
    }
    world.ops->info(world.self, &info);
    assert_true(info.n_route > 20 && info.n_edges == info.n_route);
    hp_assert_near(info.route[10].x_m, 1.5, 1e-6);
    hp_assert_near(info.edges[10].road_left_m, 4.5, 0.3);
    hp_assert_near(info.edges[10].road_right_m, 1.5, 0.3);
    hp_assert_near(info.ego_length_m, 4.182, 1e-3);
    hold(&o);
    const sim_result result = drive(&o, &world, &agents);
    assert_null(world.ops->trouble(world.self));
    assert_int_equal(result.verdict, HP_VERDICT_GOAL);
    assert_true(agents >= 1);
    assert_true(result.min_gap_m > 0.5 && result.min_gap_m < 5.0); /* they were seen by the judge */
    world.ops->destroy(world.self);
    /* the clock and the hero are still his; the hero brakes; our sensor has gone */
    carla_client *client = rig_client(r);
    assert_int_equal(carla_client_settings(client, &settings, &error), HP_OK);
    assert_true(settings.synchronous && settings.fixed_delta_s == 0.05);
    atomic_store(&o.allowed, 1000000); /* one that comes before we listen is lost */
    assert_int_equal(carla_client_wait(client, &snapshot, &error), HP_OK);
    assert_int_equal(snapshot.n_actors, 5); /* the spectator, his four */
    bool found = false;
    for (uint32_t i = 0; i < snapshot.n_actors; ++i) {
        if (carla_entry_id(&snapshot, i) == o.hero) {
            found = carla_entry_read(&snapshot, i, CARLA_ENTRY_VEHICLE, &entry);
        }
    }
    assert_true(found && entry.control.brake == 1.0F && entry.control.throttle == 0.0F);
    carla_client_close(&client);
    owner_end(&o);
    rig_close(r);
}

static void test_carla_attach_has_no_gap_to_tell_when_nobody_is_there(void **state)
{
    rig *r = rig_open(CARLA_0_9_16);
    static hp_frame frame;
    const carla_transform at = {{1.5F, 50.0F, 0.5F}, {0.0F, -90.0F, 0.0F}};
    bridge_world world;
    carla_actor hero;
    hp_error error = {{0}};
    (void)state;
    carla_client *client = rig_client(r); /* and the server's own clock */
    assert_int_equal(carla_client_spawn(client, "vehicle.audi.tt", "hero", &at, &hero, &error),
                     HP_OK);
    if (hero_attach(r, HERO_AHEAD, &world, &error) != HP_OK) {
        fail_msg("%s", error.text);
    }
    world.ops->step(world.self, NULL);
    world.ops->observe(world.self, &frame);
    assert_null(world.ops->trouble(world.self));
    assert_int_equal(frame.n_agents, 0);
    assert_true(isinf(world.ops->result(world.self)->min_gap_m));
    world.ops->destroy(world.self);
    carla_client_close(&client);
    rig_close(r);
}

static void test_carla_attach_is_refused_when_there_is_no_hero(void **state)
{
    rig *r = rig_open(CARLA_0_9_16);
    static owner o;
    bridge_world world;
    hp_error error = {{0}};
    (void)state;
    owner_begin(&o, r, false);
    assert_int_equal(hero_attach(r, HERO_AHEAD, &world, &error), HP_ENOENT);
    assert_non_null(strstr(error.text, "role_name hero"));
    owner_end(&o);
    rig_close(r);
}

static void test_carla_attach_stops_with_a_reason_when_nobody_ticks(void **state)
{
    rig *r = rig_open(CARLA_0_9_16);
    static owner o;
    bridge_world world;
    counted_clock counted;
    hp_error error = {{0}};
    (void)state;
    counted_clock_open(&counted);
    owner_begin(&o, r, true);
    assert_int_equal(hero_attach_by(r, HERO_AHEAD, &counted.clock, &world, &error), HP_OK);
    hold(&o);
    counted.step_s = COUNTED_LONG_S;
    assert_stops(&world, "waited too long for stream 1");
    world.ops->destroy(world.self);
    owner_end(&o);
    rig_close(r);
}

static void test_carla_attach_stops_with_a_reason_when_time_stands_still(void **state)
{
    rig *r = rig_open(CARLA_0_9_16);
    static owner o;
    carla_settings settings;
    bridge_world world;
    counted_clock counted;
    hp_error error = {{0}};
    (void)state;
    counted_clock_open(&counted);
    owner_begin(&o, r, true);
    assert_int_equal(hero_attach_by(r, HERO_AHEAD, &counted.clock, &world, &error), HP_OK);
    hold(&o);
    assert_int_equal(carla_client_settings(o.client, &settings, &error), HP_OK);
    settings.fixed_delta_s = 1e-18; /* frames come, at the same time */
    assert_int_equal(carla_client_set(o.client, &settings, &error), HP_OK);
    counted.step_s = COUNTED_LONG_S;
    atomic_store(&o.allowed, 2000);
    assert_stops(&world, "time does not go on");
    world.ops->destroy(world.self);
    owner_end(&o);
    rig_close(r);
}

static void test_carla_attach_leaves_no_sensor_when_the_connection_breaks_at_its_spawn(void **state)
{
    const carla_transform at = {{1.5F, 50.0F, 0.5F}, {0.0F, -90.0F, 0.0F}};
    rig *r = rig_open(CARLA_0_9_16);
    const uint16_t own_port = (uint16_t)r->carla.port;
    carla_client *client = rig_client(r);
    bridge_world world;
    carla_actor hero;
    hp_error error = {{0}};
    (void)state;
    assert_int_equal(carla_client_spawn(client, "vehicle.audi.tt", "hero", &at, &hero, &error),
                     HP_OK);
    proxy *p = proxy_open(r);
    proxy_await(p, "spawn_actor_with_parent", 0, GONE);
    r->carla.port = p->port;
    assert_int_equal(hero_attach(r, HERO_AHEAD, &world, &error), HP_EUNAVAILABLE);
    r->carla.port = own_port;
    assert_true(proxy_server_is_free(r, 2)); /* the spectator, and the hero */
    carla_client_close(&client);
    proxy_close(p);
    rig_close(r);
}

/** A process of ours that is killed while it drives somebody else's hero. */
static void abandon_hero(rig *r)
{
    const hp_command go = {.accel_mps2 = 3.0};
    bridge_world world;
    hp_error error = {{0}};
    int how = 0;
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (hero_attach(r, HERO_AHEAD, &world, &error) != HP_OK) {
            _exit(1);
        }
        world.ops->step(world.self, &go);
        (void)kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
}

/** A server with its own clock, and a hero in it. */
static carla_client *serve_hero(rig *r)
{
    const carla_transform at = {{1.5F, 50.0F, 0.5F}, {0.0F, -90.0F, 0.0F}};
    carla_client *client = rig_client(r);
    carla_actor hero;
    hp_error error = {{0}};
    assert_int_equal(carla_client_spawn(client, "vehicle.audi.tt", "hero", &at, &hero, &error),
                     HP_OK);
    return client;
}

static void test_carla_attach_takes_away_the_sensor_when_a_run_of_ours_died_there(void **state)
{
    rig *r = rig_open(CARLA_0_9_16);
    carla_client *client = serve_hero(r);
    bridge_world world;
    hp_error error = {{0}};
    (void)state;
    abandon_hero(r);
    assert_int_equal(hero_attach(r, HERO_AHEAD, &world, &error), HP_OK);
    world.ops->destroy(world.self);
    assert_true(proxy_server_is_free(r, 2)); /* the spectator, and the hero */
    carla_client_close(&client);
    rig_close(r);
}

static void test_carla_release_lets_the_hero_brake_when_our_process_was_killed(void **state)
{
    const hp_command go = {.accel_mps2 = 3.0};
    rig *r = rig_open(CARLA_0_9_16);
    carla_client *client = serve_hero(r);
    bridge_world world;
    hp_error error = {{0}};
    uint32_t n = 0;
    (void)state;
    abandon_hero(r);
    assert_false(proxy_hero_brakes(r, false));
    const carla_endpoint endpoint = rig_endpoint(r);
    assert_int_equal(carla_client_release(&endpoint, &r->clock, &n, &error), HP_OK);
    assert_int_equal(n, 1);
    assert_true(proxy_hero_brakes(r, false));
    assert_true(proxy_server_is_free(r, 2)); /* the hero is not ours to take away; the sensor is */
    assert_int_equal(carla_client_release(&endpoint, &r->clock, &n, &error), HP_OK);
    assert_int_equal(n, 0);
    /* nor is that of one who still drives told anything */
    assert_int_equal(hero_attach(r, HERO_AHEAD, &world, &error), HP_OK);
    world.ops->step(world.self, &go);
    assert_int_equal(carla_client_release(&endpoint, &r->clock, &n, &error), HP_OK);
    assert_int_equal(n, 0);
    assert_false(proxy_hero_brakes(r, false));
    world.ops->destroy(world.self);
    carla_client_close(&client);
    rig_close(r);
}

/** The owner's world goes on whatever happens to us: so the hero must be told to brake by whatever
 *  way is left, and be told at once. */
static void meet(fault what, const char *says, const char *then)
{
    rig *r = rig_open(CARLA_0_9_16);
    const uint16_t own_port = (uint16_t)r->carla.port;
    static owner o;
    counted_clock counted;
    bridge_world world;
    const hp_command go = {.accel_mps2 = 2.0};
    hp_error error = {{0}};
    r->carla.timeout_s = 10.0;
    proxy *p = proxy_open(r);
    owner_begin(&o, r, true);
    counted_clock_open(&counted);
    r->carla.port = p->port;
    if (hero_attach_by(r, HERO_AHEAD, &counted.clock, &world, &error) != HP_OK) {
        fail_msg("%s", error.text);
    }
    r->carla.port = own_port;
    for (int i = 0; i < 20; ++i) {
        world.ops->step(world.self, &go);
    }
    assert_null(world.ops->trouble(world.self));
    atomic_store(&p->fault, what);
    counted.step_s = what == SILENT ? COUNTED_LONG_S : COUNTED_SHORT_S;
    world.ops->step(world.self, &go);
    const char *trouble = world.ops->trouble(world.self);
    assert_non_null(trouble);
    print_message("%s\n", trouble);
    assert_non_null(strstr(trouble, says));
    assert_non_null(strstr(trouble, then));
    assert_true(proxy_hero_brakes(r, false)); /* before the world has been destroyed */
    atomic_store(&p->fault, NONE);
    world.ops->destroy(world.self);
    assert_true(proxy_hero_brakes(r, false));
    owner_end(&o);
    proxy_close(p);
    rig_close(r);
}

static void test_carla_attach_leaves_the_hero_braking_when_the_server_falls_silent(void **state)
{
    (void)state;
    meet(SILENT, "waited too long for CARLA's answer", "was told to brake");
}

static void test_carla_attach_leaves_the_hero_braking_when_msgpack_is_hostile(void **state)
{
    (void)state;
    meet(HOSTILE, "announces more", "was told to brake");
}

static void test_carla_attach_leaves_the_hero_braking_when_the_connection_breaks(void **state)
{
    (void)state;
    meet(GONE, "the peer has closed the connection", "brakes, over a new connection");
}

static void
test_carla_world_takes_route_and_ground_from_the_map_when_the_scenario_has_none(void **state)
{
    static const char NOWHERE[] = "id: b\ntitle: no lane leads there\n"
                                  "ego: {x_m: 1.5, y_m: -50.0, yaw_deg: 90.0}\n"
                                  "goal: {x_m: 90.0, y_m: 10.0, yaw_deg: 90.0}\n"
                                  "varies: walker\n";
    rig *r = rig_open(CARLA_0_9_14);
    static hp_world_info info;
    bridge_world world;
    hp_error error = {{0}};
    (void)state;
    assert_int_equal(
        sim_scenario_parse(HERO_AHEAD, strlen(HERO_AHEAD), "a.yaml", &r->scenario, &error), HP_OK);
    carla_world_setup setup = {.carla = &r->carla,
                               .sim = &r->sim,
                               .scenario = &r->scenario,
                               .scene = sim_scene_default(),
                               .seed = 7,
                               .clock = &r->clock};
    if (carla_world_create(&setup, &world, &error) != HP_OK) {
        fail_msg("%s", error.text);
    }
    world.ops->info(world.self, &info);
    assert_true(info.n_route > 20 && info.n_edges == info.n_route);
    hp_assert_near(info.route[info.n_route - 1].y_m, 10.0, 1e-6);
    world.ops->destroy(world.self);
    assert_int_equal(sim_scenario_parse(NOWHERE, strlen(NOWHERE), "b.yaml", &r->scenario, &error),
                     HP_OK);
    assert_int_equal(carla_world_create(&setup, &world, &error), HP_ENOENT);
    assert_non_null(strstr(error.text, "(90.0, 10.0)"));
    /* and it has left the server as it was */
    r->scenario.goal = (hp_pose){1.5, 10.0, HP_PI / 2};
    assert_int_equal(carla_world_create(&setup, &world, &error), HP_OK);
    world.ops->destroy(world.self);
    rig_close(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_carla_attach_drives_the_hero_when_somebody_else_ticks),
        cmocka_unit_test(test_carla_attach_has_no_gap_to_tell_when_nobody_is_there),
        cmocka_unit_test(
            test_carla_attach_leaves_no_sensor_when_the_connection_breaks_at_its_spawn),
        cmocka_unit_test(test_carla_attach_takes_away_the_sensor_when_a_run_of_ours_died_there),
        cmocka_unit_test(test_carla_release_lets_the_hero_brake_when_our_process_was_killed),
        cmocka_unit_test(test_carla_attach_is_refused_when_there_is_no_hero),
        cmocka_unit_test(test_carla_attach_stops_with_a_reason_when_nobody_ticks),
        cmocka_unit_test(test_carla_attach_stops_with_a_reason_when_time_stands_still),
        cmocka_unit_test(test_carla_attach_leaves_the_hero_braking_when_the_server_falls_silent),
        cmocka_unit_test(test_carla_attach_leaves_the_hero_braking_when_msgpack_is_hostile),
        cmocka_unit_test(test_carla_attach_leaves_the_hero_braking_when_the_connection_breaks),
        cmocka_unit_test(
            test_carla_world_takes_route_and_ground_from_the_map_when_the_scenario_has_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
