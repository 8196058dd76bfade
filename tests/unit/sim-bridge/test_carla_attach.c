/* Somebody else's scenario in the stand-in: our world drives his hero, and leaves all else alone;
 * and routes and ground from the server's map. */
#include "sim-bridge/carla/carla_attach.h"
#include "sim-bridge/carla/carla_sim.h"
#include "tests/support/hp_test.h"
#include "tests/unit/sim-bridge/carla_proxy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The stand-in's road runs along x = 0 from y = -400 to 300, 3 m to each side. */
static const char AHEAD[] = "id: a\ntitle: along the road\n"
                            "ego: {x_m: 1.5, y_m: -50.0, yaw_deg: 90.0}\n"
                            "goal: {x_m: 1.5, y_m: 10.0, yaw_deg: 90.0}\n"
                            "time_limit_s: 60.0\n"
                            "varies: walker\n";

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

static hp_status attach_by(rig *r, const char *scenario, const hp_clock *clock, bridge_world *out,
                           hp_error *error)
{
    assert_int_equal(sim_scenario_parse(scenario, strlen(scenario), "a.yaml", &r->scenario, error),
                     HP_OK);
    const carla_world_setup setup = {.carla = &r->carla,
                                     .sim = &r->sim,
                                     .scenario = &r->scenario,
                                     .scene = sim_scene_default(),
                                     .seed = 7,
                                     .clock = clock};
    return carla_attach_create(&setup, out, error);
}

static hp_status attach(rig *r, const char *scenario, bridge_world *out, hp_error *error)
{
    return attach_by(r, scenario, &r->clock, out, error);
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
    if (attach(r, AHEAD, &world, &error) != HP_OK) {
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
    if (attach(r, AHEAD, &world, &error) != HP_OK) {
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

/** A server with its own clock, a hero in it, and us. */
typedef struct town {
    rig *r;
    carla_client *client;
    bridge_world world;
    uint32_t hero;
} town;

static void open_town(town *t)
{
    const carla_transform at = {{1.5F, 50.0F, 0.5F}, {0.0F, -90.0F, 0.0F}};
    carla_actor hero;
    hp_error error = {{0}};
    *t = (town){.r = rig_open(CARLA_0_9_16)};
    t->client = rig_client(t->r);
    assert_int_equal(carla_client_spawn(t->client, "vehicle.audi.tt", "hero", &at, &hero, &error),
                     HP_OK);
    t->hero = hero.id;
    if (attach(t->r, AHEAD, &t->world, &error) != HP_OK) {
        fail_msg("%s", error.text);
    }
}

static void close_town(town *t)
{
    assert_null(t->world.ops->trouble(t->world.self));
    t->world.ops->destroy(t->world.self);
    carla_client_close(&t->client);
    rig_close(t->r);
}

/** Spawns n walkers in a row, 2 m apart; returns the last one's id. */
static uint32_t spawn_row(town *t, uint32_t n, double x_m, double y_m)
{
    enum { WALKER = 5 }; /* number of the blueprint in the stand-in */
    static carla_command commands[CARLA_SIM_ACTORS];
    const carla_transform at = {{(float)x_m, (float)-(y_m + 2.0 * n), 0.5F}, {0.0F, 0.0F, 0.0F}};
    const carla_description walker = {.uid = WALKER, .id = carla_text_of("walker.pedestrian.0001")};
    carla_actor last;
    hp_error error = {{0}};
    for (uint32_t i = 0; i + 1 < n; ++i) {
        commands[i] = (carla_command){.kind = CARLA_CMD_SPAWN, .description = &walker};
        commands[i].transform.location = (carla_vec3){(float)x_m, (float)-(y_m + 2.0 * i), 0.5F};
    }
    assert_int_equal(carla_client_batch(t->client, commands, n - 1, &error), HP_OK);
    if (carla_client_spawn(t->client, walker.id.p, "theirs", &at, &last, &error) != HP_OK) {
        fail_msg("%s", error.text);
    }
    return last.id;
}

static void destroy_row(town *t, uint32_t n, uint32_t last)
{
    static carla_command commands[CARLA_SIM_ACTORS];
    hp_error error = {{0}};
    for (uint32_t i = 0; i < n; ++i) {
        commands[i] = (carla_command){.kind = CARLA_CMD_DESTROY, .actor = last - i};
    }
    assert_int_equal(carla_client_batch(t->client, commands, n, &error), HP_OK);
}

static uint32_t agents_after_a_step(town *t)
{
    static hp_frame frame;
    t->world.ops->step(t->world.self, NULL);
    t->world.ops->observe(t->world.self, &frame);
    return frame.n_agents;
}

static void test_carla_attach_sees_who_comes_when_thousands_have_gone(void **state)
{
    enum { ROW = 120, ROWS = CARLA_MAX_SNAPSHOT_ACTORS / ROW + 1 };
    static town t;
    (void)state;
    open_town(&t);
    for (int i = 0; i < ROWS; ++i) {
        const uint32_t last = spawn_row(&t, ROW, 500.0, 0.0);
        assert_int_equal(agents_after_a_step(&t), 0);
        destroy_row(&t, ROW, last);
    }
    (void)spawn_row(&t, 1, 6.0, -40.0);
    assert_int_equal(agents_after_a_step(&t), 1);
    close_town(&t);
}

static void test_carla_attach_sees_the_nearest_when_there_are_too_many(void **state)
{
    enum { ROW = 15, ROWS = 5 }; /* more than are followed at once */
    static town t;
    static hp_frame frame;
    double nearest_m = 1e9;
    (void)state;
    open_town(&t);
    for (int i = 0; i < ROWS; ++i) {
        (void)spawn_row(&t, ROW, 20.0 + 4.0 * i, -60.0);
    }
    (void)agents_after_a_step(&t);
    (void)spawn_row(&t, 1, 6.0, -40.0);
    (void)agents_after_a_step(&t);
    t.world.ops->observe(t.world.self, &frame);
    for (uint32_t i = 0; i < frame.n_agents; ++i) {
        nearest_m = fmin(nearest_m, fabs(frame.agents[i].pose.x_m - 6.0));
    }
    assert_true(nearest_m < 0.1);
    close_town(&t);
}

/** How many are seen when one car more stands on the hero's road, at this height. */
static uint32_t bodies_with_one_at(town *t, double x_m, double y_m, double z_m)
{
    static hp_frame frame;
    const carla_transform at = {{(float)x_m, (float)-y_m, (float)z_m}, {0.0F, -90.0F, 0.0F}};
    carla_actor other;
    hp_error error = {{0}};
    if (carla_client_spawn(t->client, "vehicle.tesla.model3", "theirs", &at, &other, &error) !=
        HP_OK) {
        fail_msg("%s", error.text);
    }
    t->world.ops->step(t->world.self, NULL);
    t->world.ops->step(t->world.self, NULL);
    t->world.ops->observe(t->world.self, &frame);
    return frame.n_agents + frame.n_occluders;
}

static void test_carla_attach_does_not_see_who_is_on_a_bridge_when_it_drives_below(void **state)
{
    static town t;
    (void)state;
    open_town(&t);
    assert_int_equal(bodies_with_one_at(&t, 1.5, -40.0, 6.0), 0);
    assert_int_equal(bodies_with_one_at(&t, 1.5, -25.0, -4.0), 1); /* a road may fall so much */
    assert_int_equal(bodies_with_one_at(&t, -1.5, -10.0, 7.0), 2); /* or rise */
    close_town(&t);
}

/** Waits until another client has seen so much of the server's time go by. */
static void let_go_on(town *t, double span_s)
{
    carla_snapshot snapshot = {0};
    hp_error error = {{0}};
    assert_int_equal(carla_client_wait(t->client, &snapshot, &error), HP_OK);
    const double until_s = snapshot.sensor.time_s + span_s;
    while (snapshot.sensor.time_s < until_s) {
        assert_int_equal(carla_client_wait(t->client, &snapshot, &error), HP_OK);
    }
}

static void test_carla_attach_sees_the_newest_when_a_step_has_taken_long(void **state)
{
    static town t;
    static hp_frame frame;
    hp_error error = {{0}};
    (void)state;
    open_town(&t);
    carla_command away = {.kind = CARLA_CMD_TRANSFORM, .actor = t.hero};
    away.transform = (carla_transform){{1.5F, 20.0F, 0.5F}, {0.0F, -90.0F, 0.0F}};
    t.world.ops->step(t.world.self, NULL);
    let_go_on(&t, 0.5); /* the planner thinks, and the server's time goes on */
    assert_int_equal(carla_client_batch(t.client, &away, 1, &error), HP_OK);
    let_go_on(&t, 0.2);
    t.world.ops->step(t.world.self, NULL);
    t.world.ops->observe(t.world.self, &frame);
    hp_assert_near(frame.ego.pose.y_m, -20.0, 1.0);
    close_town(&t);
}

static void test_carla_attach_stays_with_its_hero_when_another_comes(void **state)
{
    static town t;
    static hp_frame frame;
    const carla_transform at = {{1.5F, 150.0F, 0.5F}, {0.0F, -90.0F, 0.0F}};
    carla_actor other;
    hp_error error = {{0}};
    (void)state;
    open_town(&t);
    assert_int_equal(carla_client_spawn(t.client, "vehicle.audi.tt", "hero", &at, &other, &error),
                     HP_OK);
    t.world.ops->step(t.world.self, NULL);
    t.world.ops->observe(t.world.self, &frame);
    hp_assert_near(frame.ego.pose.y_m, -50.0, 1.0);
    close_town(&t);
}

static void test_carla_attach_is_refused_when_there_is_no_hero(void **state)
{
    rig *r = rig_open(CARLA_0_9_16);
    static owner o;
    bridge_world world;
    hp_error error = {{0}};
    (void)state;
    owner_begin(&o, r, false);
    assert_int_equal(attach(r, AHEAD, &world, &error), HP_ENOENT);
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
    assert_int_equal(attach_by(r, AHEAD, &counted.clock, &world, &error), HP_OK);
    hold(&o);
    counted.step_s = COUNTED_LONG_S;
    while (world.ops->result(world.self)->verdict == HP_VERDICT_RUNNING) { /* what is under way */
        world.ops->step(world.self, NULL);
    }
    assert_int_equal(world.ops->result(world.self)->verdict, HP_VERDICT_STOPPED);
    assert_non_null(strstr(world.ops->trouble(world.self), "waited too long for stream 1"));
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
    assert_int_equal(attach_by(r, AHEAD, &counted.clock, &world, &error), HP_OK);
    hold(&o);
    assert_int_equal(carla_client_settings(o.client, &settings, &error), HP_OK);
    settings.fixed_delta_s = 1e-18; /* frames come, at the same time */
    assert_int_equal(carla_client_set(o.client, &settings, &error), HP_OK);
    counted.step_s = COUNTED_LONG_S;
    atomic_store(&o.allowed, 2000);
    while (world.ops->result(world.self)->verdict == HP_VERDICT_RUNNING) { /* what is under way */
        world.ops->step(world.self, NULL);
    }
    assert_int_equal(world.ops->result(world.self)->verdict, HP_VERDICT_STOPPED);
    assert_non_null(strstr(world.ops->trouble(world.self), "time does not go on"));
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
    assert_int_equal(attach(r, AHEAD, &world, &error), HP_EUNAVAILABLE);
    r->carla.port = own_port;
    assert_true(proxy_server_is_free(r, 2)); /* the spectator, and the hero */
    carla_client_close(&client);
    proxy_close(p);
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
    if (attach_by(r, AHEAD, &counted.clock, &world, &error) != HP_OK) {
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
    assert_int_equal(sim_scenario_parse(AHEAD, strlen(AHEAD), "a.yaml", &r->scenario, &error),
                     HP_OK);
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
        cmocka_unit_test(test_carla_attach_sees_who_comes_when_thousands_have_gone),
        cmocka_unit_test(test_carla_attach_sees_the_nearest_when_there_are_too_many),
        cmocka_unit_test(test_carla_attach_does_not_see_who_is_on_a_bridge_when_it_drives_below),
        cmocka_unit_test(test_carla_attach_sees_the_newest_when_a_step_has_taken_long),
        cmocka_unit_test(test_carla_attach_stays_with_its_hero_when_another_comes),
        cmocka_unit_test(
            test_carla_attach_leaves_no_sensor_when_the_connection_breaks_at_its_spawn),
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
