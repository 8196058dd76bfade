/* Bridge and planner as they are, with a courier between them who loses, doubles, delays, reorders
 * and corrupts letters, and a planner that dies now and then; everything by seed, under one virtual
 * clock that the test moves, in one thread. There are no workers: the planner brakes, which is a
 * command like any other. With a number as argument, so many seeds, with
 * a second one from there on (scripts/faults). */
#include "tests/pipeline/node_fixture.h"

#include "common/hp_rng.h"
#include "planner/planner_node.h"
#include "sim-bridge/bridge_node.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BAG = 128, TICKS = 500, ROUND_MS = 10, MAX_ROUNDS = 200000 };

/** A letter on its way. */
typedef struct letter {
    unsigned char *bytes;
    size_t len;
    int64_t due_ns;
    bool to_bridge;
} letter;

/** Shares of letters that meet each fate. */
typedef struct fate {
    double lost, doubled, late, corrupt, planner_dies;
} fate;

typedef struct courier {
    fixture f; /* the planner's side of things: node is the planner's identity */
    hp_node bridge_id;
    hp_socket *to_bridge, *to_planner, *state;
    hp_peer planner;
    bool has_planner;
    bridge_node *bridge;
    planner_node *driver;
    plan_live config;
    hp_codec *codec;
    hp_message *message;
    fate fate;
    hp_rng rng;
    uint64_t drawn;
    uint32_t n;
    letter bag[BAG];
    unsigned char *bytes;
    /* what was seen */
    uint64_t commands, refusals;
    hp_command last;
} courier;

static uint64_t seeds = 40, first = 1;

static double draw(courier *c)
{
    return hp_rng_unit(c->rng, c->drawn++);
}

static void put(courier *c, size_t len, int64_t due_ns, bool to_bridge)
{
    if (c->n == BAG) {
        return; /* a loss like any other */
    }
    unsigned char *bytes = malloc(len);
    assert_non_null(bytes);
    memcpy(bytes, c->bytes, len);
    c->bag[c->n++] = (letter){bytes, len, due_ns, to_bridge};
}

/** What the planner says must be whole, in range, and about what it has been shown. */
static void look_at(courier *c, size_t len)
{
    hp_envelope e;
    assert_int_equal(hp_decode(c->codec, c->bytes, len, &e, c->message, NULL), HP_OK);
    if (e.type != HP_MSG_COMMAND) {
        return;
    }
    const hp_command *command = &c->message->as_hp_command;
    assert_int_equal(hp_message_check(HP_MSG_COMMAND, command, NULL), HP_OK);
    assert_true(command->accel_mps2 < 0.0); /* without workers it brakes, and nothing else */
    const bool again = command->world_id == c->last.world_id && command->tick == c->last.tick;
    if (again && e.generation == 1) {
        assert_memory_equal(&command->accel_mps2, &c->last.accel_mps2, sizeof(double));
    }
    c->last = *command;
    ++c->commands;
}

/** Takes what lies at one side and lets fate decide. */
static void collect(courier *c, hp_socket *from, bool to_bridge)
{
    size_t len = 0;
    hp_peer peer;
    while (hp_socket_receive(from, c->bytes, HP_BUS_MAX_MESSAGE, &len, to_bridge ? &peer : NULL) ==
           HP_OK) {
        if (to_bridge) {
            c->planner = peer;
            c->has_planner = true;
            look_at(c, len);
        }
        const double u = draw(c);
        const int64_t late_ns = (int64_t)(draw(c) * 400.0) * MS;
        const int64_t due_ns = c->f.clock.virtual_ns + (draw(c) < c->fate.late ? late_ns : 0);
        if (draw(c) < c->fate.corrupt) {
            c->bytes[(size_t)(draw(c) * (double)len)] ^=
                (unsigned char)(1u << (unsigned)(draw(c) * 8.0));
            if (draw(c) < 0.3) {
                len = 1 + (size_t)(draw(c) * (double)(len - 1));
            }
        }
        if (u >= c->fate.lost) {
            put(c, len, due_ns, to_bridge);
        }
        if (u > 1.0 - c->fate.doubled) {
            put(c, len, due_ns + late_ns, to_bridge);
        }
    }
}

/** Hands out what is due, in any order. */
static void deliver(courier *c)
{
    for (uint32_t i = 0; i < c->n;) {
        const letter l = c->bag[i];
        if (l.due_ns > c->f.clock.virtual_ns) {
            ++i;
            continue;
        }
        if (l.to_bridge) {
            (void)!hp_socket_send(c->to_bridge, l.bytes, l.len);
        } else if (c->has_planner) {
            (void)!hp_socket_send_to(c->to_planner, &c->planner, l.bytes, l.len);
        }
        free(l.bytes);
        c->bag[i] = c->bag[--c->n];
    }
}

static void raise_planner(courier *c)
{
    hp_error error = {{0}};
    const struct timespec moment = {.tv_nsec = 1000000};
    const planner_setup setup = {.config = c->config, .seed = 1, .run_dir = c->f.dir};
    hp_status st = HP_EBUSY;
    for (int i = 0; i < TRIES && st == HP_EBUSY; ++i) { /* the dead one's sockets close by and by */
        st = planner_node_create(&setup, &c->f.node, &c->driver, &error);
        (void)(st == HP_EBUSY && nanosleep(&moment, NULL));
    }
    assert_int_equal(st, HP_OK);
    assert_int_equal(planner_node_step(c->driver, 0), HP_OK);
    fixture_advance_ms(&c->f, 10001); /* no worker comes: it goes on without */
}

static void courier_open(courier *c, uint64_t seed, const fate *f)
{
    hp_error error = {{0}};
    bridge_setup setup = {.seed = seed};
    *c = (courier){.fate = *f, .rng = hp_rng_seed(seed)};
    fixture_open(&c->f, HP_ROLE_PLANNER, HP_ROLE_BRIDGE);
    c->bytes = malloc(HP_BUS_MAX_MESSAGE);
    c->message = malloc(sizeof *c->message);
    assert_non_null(c->bytes);
    assert_non_null(c->message);
    assert_int_equal(hp_codec_create(&c->codec), HP_OK);
    plan_live_default(&c->config);
    c->bridge_id = c->f.other;
    (void)snprintf(c->bridge_id.base, sizeof c->bridge_id.base, "inproc://world");
    bridge_config_default(&setup.bridge);
    setup.bridge.episodes = 4;
    setup.bridge.planner_wait_s = 1e4; /* the courier may be slow */
    setup.bridge.planner_lost_s = 1e4;
    sim_config_default(&setup.sim);
    setup.run_dir = c->f.dir;
    assert_int_equal(bridge_node_create(&setup, &c->bridge_id, &c->bridge, &error), HP_OK);
    assert_int_equal(
        hp_node_open(&c->bridge_id, HP_SOCKET_DEALER, HP_LINK_BRIDGE, &c->to_bridge, &error),
        HP_OK);
    assert_int_equal(
        hp_node_open(&c->f.node, HP_SOCKET_ROUTER, HP_LINK_BRIDGE, &c->to_planner, &error), HP_OK);
    assert_int_equal(hp_node_open(&c->f.node, HP_SOCKET_PUB, HP_LINK_STATE, &c->state, &error),
                     HP_OK);
    raise_planner(c);
}

static void courier_close(courier *c)
{
    for (uint32_t i = 0; i < c->n; ++i) {
        free(c->bag[i].bytes);
    }
    planner_node_destroy(&c->driver);
    bridge_node_destroy(&c->bridge);
    hp_socket_close(&c->to_bridge);
    hp_socket_close(&c->to_planner);
    hp_socket_close(&c->state);
    hp_codec_destroy(&c->codec);
    free(c->message);
    free(c->bytes);
    fixture_close(&c->f);
}

/** World ticks of all episodes that the bridge has booked, and what must not be in them. */
static uint64_t booked_ticks(const courier *c)
{
    char path[64];
    json_error_t why;
    uint64_t ticks = 0;
    (void)snprintf(path, sizeof path, "%s/episodes.json", c->f.dir);
    json_t *root = json_load_file(path, 0, &why);
    const json_t *episodes = json_object_get(root, "episodes");
    for (size_t i = 0; i < json_array_size(episodes); ++i) {
        const json_t *episode = json_array_get(episodes, i);
        ticks += (uint64_t)json_integer_value(json_object_get(episode, "ticks"));
        assert_false(json_is_true(json_object_get(episode, "planner_lost")));
    }
    json_decref(root);
    return ticks;
}

/** Lets a whole run go by: it must get past TICKS ticks of the world whatever the courier does. */
static void run(uint64_t seed, const fate *f)
{
    static courier c; /* large */
    courier_open(&c, seed, f);
    uint32_t rounds = 0;
    while (c.last.tick < TICKS - 2 && !bridge_node_done(c.bridge) && rounds < MAX_ROUNDS) {
        assert_int_equal(bridge_node_step(c.bridge, 0), HP_OK);
        collect(&c, c.to_bridge, false);
        deliver(&c);
        assert_int_equal(planner_node_step(c.driver, 0), HP_OK);
        collect(&c, c.to_planner, true);
        deliver(&c);
        if (draw(&c) < f->planner_dies) {
            planner_node_destroy(&c.driver);
            ++c.f.node.generation;
            raise_planner(&c);
        }
        fixture_advance_ms(&c.f, ROUND_MS);
        ++rounds;
    }
    const uint64_t commands = c.commands;
    bridge_node_destroy(&c.bridge); /* books the running episode */
    const uint64_t ticks = booked_ticks(&c);
    if (ticks < TICKS - 2) {
        fail_msg("seed %llu: %llu ticks of the world in %u rounds, %llu commands",
                 (unsigned long long)seed, (unsigned long long)ticks, rounds,
                 (unsigned long long)commands);
    }
    assert_true(commands >= ticks);
    courier_close(&c);
}

static void test_nodes_run_through_when_the_courier_is_good(void **state)
{
    (void)state;
    const fate none = {0};
    run(1, &none);
}

static void test_nodes_run_through_when_letters_meet_any_fate(void **state)
{
    (void)state;
    for (uint64_t seed = first; seed < first + seeds; ++seed) {
        const hp_rng lane = hp_rng_lane(hp_rng_seed(7), seed);
        const fate f = {.lost = hp_rng_range(lane, 0, 0.0, 0.3),
                        .doubled = hp_rng_range(lane, 1, 0.0, 0.3),
                        .late = hp_rng_range(lane, 2, 0.0, 0.3),
                        .corrupt = hp_rng_range(lane, 3, 0.0, 0.2),
                        .planner_dies = seed % 4 == 0 ? 0.002 : 0.0};
        run(seed, &f);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nodes_run_through_when_the_courier_is_good),
        cmocka_unit_test(test_nodes_run_through_when_letters_meet_any_fate),
    };
    if (argc > 1) {
        seeds = strtoull(argv[1], NULL, 10);
    }
    if (argc > 2) {
        first = strtoull(argv[2], NULL, 10);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
