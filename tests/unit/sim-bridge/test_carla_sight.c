/* Whom a car sees that drives in somebody else's place in the stand-in, when many come and go, and
 * when what the server tells is odd. */
#include "sim-bridge/carla/carla_sim.h"
#include "tests/support/hp_test.h"
#include "tests/unit/sim-bridge/carla_hero.h"

#include <math.h>

/** A server with its own clock, a hero in it, and us. */
typedef struct town {
    rig *r;
    carla_client *client;
    bridge_world world;
    uint32_t hero;
    proxy *p;
} town;

static void open_town_by(town *t, fault what)
{
    const carla_transform at = {{1.5F, 50.0F, 0.5F}, {0.0F, -90.0F, 0.0F}};
    carla_actor hero;
    hp_error error = {{0}};
    *t = (town){.r = rig_open(CARLA_0_9_16)};
    const uint32_t own_port = t->r->carla.port;
    t->p = proxy_open(t->r);
    atomic_store(&t->p->fault, what);
    t->client = rig_client(t->r);
    assert_int_equal(carla_client_spawn(t->client, "vehicle.audi.tt", "hero", &at, &hero, &error),
                     HP_OK);
    t->hero = hero.id;
    t->r->carla.port = what != NONE ? t->p->port : own_port;
    if (hero_attach(t->r, HERO_AHEAD, &t->world, &error) != HP_OK) {
        fail_msg("%s", error.text);
    }
    t->r->carla.port = own_port;
}

static void open_town(town *t)
{
    open_town_by(t, NONE);
}

static void close_town(town *t)
{
    assert_null(t->world.ops->trouble(t->world.self));
    t->world.ops->destroy(t->world.self);
    carla_client_close(&t->client);
    proxy_close(t->p);
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

static void test_carla_attach_sees_a_vehicle_when_its_box_is_nonsense(void **state)
{
    static town t;
    static hp_frame frame;
    const carla_transform ahead = {{1.5F, 40.0F, 0.5F}, {0.0F, -90.0F, 0.0F}};
    carla_actor other;
    hp_error error = {{0}};
    (void)state;
    open_town_by(&t, ODD_BOX);
    assert_int_equal(
        carla_client_spawn(t.client, "vehicle.audi.a2", "theirs", &ahead, &other, &error), HP_OK);
    t.world.ops->step(t.world.self, NULL);
    t.world.ops->step(t.world.self, NULL);
    t.world.ops->observe(t.world.self, &frame);
    assert_int_equal(frame.n_agents, 1);
    hp_assert_near(frame.agents[0].length_m, 4.5, 1e-6); /* as long as they usually are */
    close_town(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_carla_attach_sees_who_comes_when_thousands_have_gone),
        cmocka_unit_test(test_carla_attach_sees_the_nearest_when_there_are_too_many),
        cmocka_unit_test(test_carla_attach_does_not_see_who_is_on_a_bridge_when_it_drives_below),
        cmocka_unit_test(test_carla_attach_sees_the_newest_when_a_step_has_taken_long),
        cmocka_unit_test(test_carla_attach_stays_with_its_hero_when_another_comes),
        cmocka_unit_test(test_carla_attach_sees_a_vehicle_when_its_box_is_nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
