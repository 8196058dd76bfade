/* Bridge and planner as they are, with a courier between them who loses, doubles, delays, reorders
 * and corrupts letters, and a planner that dies now and then; everything by seed, under one virtual
 * clock that the test moves, in one thread. There are no workers: the planner brakes, which is a
 * command like any other. On its way each command gets numbers that tell which frame it answers, so
 * that the world's own table of steps shows afterwards what was applied when. Every other seed
 * drives in real time, where the world does not wait. With a number as argument, so many seeds,
 * with a second one from there on (scripts/faults). */
#include "tests/pipeline/node_fixture.h"

#include "common/hp_rng.h"
#include "planner/planner_node.h"
#include "sim-bridge/bridge_node.h"

#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    BAG = 128,
    TICKS = 500,
    EPISODES = 4,
    ROUND_MS = 10,
    MAX_ROUNDS = 200000,
    WATCHDOG_TICKS = 3
};

/* A command's numbers once it is on its way: small, and no two alike. */
#define MARKED_MPS2(tick) (-1.0 - 0.001 * (double)(tick))
#define MARKED_RAD(episode) (0.001 * (double)(episode))

typedef enum letter_way { TO_BRIDGE, TO_PLANNER, BY_STATE } letter_way;

/** A letter on its way. */
typedef struct letter {
    unsigned char *bytes;
    size_t len;
    int64_t due_ns;
    letter_way way;
} letter;

/** Shares of letters that meet each fate. */
typedef struct fate {
    double lost, doubled, late, corrupt, planner_dies;
    bool realtime;
} fate;

typedef struct courier {
    fixture f; /* the planner's side of things: node is the planner's identity */
    hp_node bridge_id;
    hp_socket *to_bridge, *to_planner, *state_in, *state_out;
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
    uint64_t commands;
    hp_command last;
    uint64_t worlds[EPISODES]; /* their ids, as the bridge has told them */
} courier;

static uint64_t seeds = 40, first = 1;

static double draw(courier *c)
{
    return hp_rng_unit(c->rng, c->drawn++);
}

static void put(courier *c, size_t len, int64_t due_ns, letter_way way)
{
    if (c->n == BAG) {
        return; /* a loss like any other */
    }
    unsigned char *bytes = malloc(len);
    assert_non_null(bytes);
    memcpy(bytes, c->bytes, len);
    c->bag[c->n++] = (letter){bytes, len, due_ns, way};
}

/** Which episode a world is that the planner was told of. */
static uint32_t episode_of(const courier *c, uint64_t world_id)
{
    uint32_t i = 0;
    while (i < EPISODES && c->worlds[i] != world_id) {
        ++i;
    }
    assert_true(i < EPISODES);
    return i;
}

/** What the bridge says of its worlds. */
static void learn(courier *c, size_t len)
{
    hp_envelope e;
    assert_int_equal(hp_decode(c->codec, c->bytes, len, &e, c->message, NULL), HP_OK);
    if (e.type == HP_MSG_WORLD_INFO) {
        assert_true(c->message->as_hp_world_info.episode < EPISODES);
        c->worlds[c->message->as_hp_world_info.episode] = c->message->as_hp_world_info.world_id;
    }
}

/** What the planner says must be whole, in range, and about what it has been shown. Marks it, and
 * returns its length then. */
static size_t look_at(courier *c, size_t len)
{
    hp_envelope e;
    assert_int_equal(hp_decode(c->codec, c->bytes, len, &e, c->message, NULL), HP_OK);
    if (e.type != HP_MSG_COMMAND) {
        return len;
    }
    hp_command *command = &c->message->as_hp_command;
    assert_int_equal(hp_message_check(HP_MSG_COMMAND, command, NULL), HP_OK);
    assert_true(command->accel_mps2 < 0.0); /* without workers it brakes, and nothing else */
    const bool again = command->world_id == c->last.world_id && command->tick == c->last.tick;
    if (again && e.generation == 1) {
        assert_memory_equal(&command->accel_mps2, &c->last.accel_mps2, sizeof(double));
    }
    c->last = *command;
    ++c->commands;
    command->accel_mps2 = MARKED_MPS2(command->tick);
    command->steer_rad = MARKED_RAD(episode_of(c, command->world_id));
    assert_int_equal(hp_encode(c->codec, &e, command, c->bytes, HP_BUS_MAX_MESSAGE, &len), HP_OK);
    return len;
}

/** Takes what lies at one side and lets fate decide. */
static void collect(courier *c, hp_socket *from, letter_way way)
{
    size_t len = 0;
    hp_peer peer;
    while (hp_socket_receive(from, c->bytes, HP_BUS_MAX_MESSAGE, &len,
                             way == TO_BRIDGE ? &peer : NULL) == HP_OK) {
        if (way == TO_BRIDGE) {
            c->planner = peer;
            c->has_planner = true;
            len = look_at(c, len);
        } else {
            learn(c, len);
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
            put(c, len, due_ns, way);
        }
        if (u > 1.0 - c->fate.doubled) {
            put(c, len, due_ns + late_ns, way);
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
        if (l.way == TO_BRIDGE) {
            (void)!hp_socket_send(c->to_bridge, l.bytes, l.len);
        } else if (l.way == BY_STATE) {
            (void)!hp_socket_send(c->state_out, l.bytes, l.len);
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

/** A short scene, so that the worlds change under way. */
static void write_scenario(const char *path)
{
    static const char LIMIT[] = "time_limit_s: 25";
    static char text[8192];
    FILE *file = fopen("scenarios/cts/01.yaml", "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    (void)fclose(file);
    char *limit = strstr(text, LIMIT);
    assert_non_null(limit);
    file = fopen(path, "w");
    assert_non_null(file);
    (void)fprintf(file, "%.*stime_limit_s: %g%s", (int)(limit - text), text,
                  TICKS / EPISODES * 0.05, limit + sizeof LIMIT - 1);
    assert_int_equal(fclose(file), 0);
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
    (void)snprintf(setup.bridge.scenario, sizeof setup.bridge.scenario, "%s/short.yaml", c->f.dir);
    write_scenario(setup.bridge.scenario);
    setup.bridge.episodes = EPISODES;
    setup.bridge.realtime = f->realtime;
    setup.bridge.watchdog_ticks = WATCHDOG_TICKS;
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
    assert_int_equal(
        hp_node_open(&c->bridge_id, HP_SOCKET_LATEST, HP_LINK_STATE, &c->state_in, &error), HP_OK);
    assert_int_equal(hp_node_open(&c->f.node, HP_SOCKET_PUB, HP_LINK_STATE, &c->state_out, &error),
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
    hp_socket_close(&c->state_in);
    hp_socket_close(&c->state_out);
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

/** A row of steps.csv. */
typedef struct step {
    unsigned episode, tick;
    bool watchdog;    /* the bridge braked by itself; else a command was applied: */
    double answers;   /* the tick that it answers */
    double steer_rad; /* tells its world */
} step;

/** False: no such row. */
static bool read_step(const char *row, step *s)
{
    static const char WATCHDOG[] = ",,,watchdog,";
    char *end = NULL;
    const char *at = row;
    for (int i = 0; i < 9 && at != NULL; ++i) { /* the columns before the command */
        at = strchr(at + (i > 0 ? 1 : 0), ',');
    }
    if (at == NULL) {
        return false;
    }
    *s = (step){.watchdog = strncmp(at, WATCHDOG, sizeof WATCHDOG - 1) == 0};
    s->episode = (unsigned)strtoul(row, &end, 10);
    s->tick = (unsigned)strtoul(end + 1, NULL, 10);
    s->answers = (-1.0 - strtod(at + 1, &end)) * 1000.0;
    s->steer_rad = strtod(*end == ',' ? end + 1 : end, NULL);
    return true;
}

/** The bridge's own brake; or an answer to this very frame, or in real time to one that is not yet
 * too old, in this world. newest: the newest answer that was applied in this episode. */
static bool step_is_right(const courier *c, const step *s, double newest)
{
    if (s->watchdog) {
        return c->fate.realtime;
    }
    const double age = (double)s->tick - s->answers;
    const double oldest = c->fate.realtime ? WATCHDOG_TICKS - 1.0 : 0.0;
    return age > -0.1 && age < oldest + 0.1 && s->answers > newest - 0.1 &&
           fabs(s->steer_rad - MARKED_RAD(s->episode)) < 1e-6;
}

/** Every tick of the world had a command, and none that was stale. */
static void check_steps(const courier *c, uint64_t seed)
{
    char path[64];
    char row[512];
    step s = {0};
    step before = {.tick = UINT_MAX};
    double newest = 0.0;
    (void)snprintf(path, sizeof path, "%s/steps.csv", c->f.dir);
    FILE *steps = fopen(path, "r");
    assert_non_null(steps);
    assert_non_null(fgets(row, sizeof row, steps)); /* the head */
    while (fgets(row, sizeof row, steps) != NULL) {
        const bool whole = read_step(row, &s);
        const bool same = s.episode == before.episode;
        newest = same ? newest : 0.0;
        if (!whole || s.tick != (same ? before.tick + 1 : 0) || !step_is_right(c, &s, newest)) {
            (void)fclose(steps);
            fail_msg("seed %llu: wrong at %s", (unsigned long long)seed, row);
        }
        newest = s.watchdog ? newest : s.answers;
        before = s;
    }
    (void)fclose(steps);
}

/** Lets a whole run go by: it must get through TICKS ticks of the world whatever the courier does.
 */
static void run(uint64_t seed, const fate *f)
{
    static courier c; /* large */
    courier_open(&c, seed, f);
    uint32_t rounds = 0;
    while (!bridge_node_done(c.bridge) && rounds < MAX_ROUNDS) {
        assert_int_equal(bridge_node_step(c.bridge, 0), HP_OK);
        collect(&c, c.to_bridge, TO_PLANNER);
        collect(&c, c.state_in, BY_STATE);
        deliver(&c);
        assert_int_equal(planner_node_step(c.driver, 0), HP_OK);
        collect(&c, c.to_planner, TO_BRIDGE);
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
    if (ticks < TICKS) {
        fail_msg("seed %llu: %llu ticks of the world in %u rounds, %llu commands",
                 (unsigned long long)seed, (unsigned long long)ticks, rounds,
                 (unsigned long long)commands);
    }
    assert_true(f->realtime || commands >= ticks);
    check_steps(&c, seed);
    courier_close(&c);
}

static void test_nodes_run_through_when_the_courier_is_good(void **state)
{
    (void)state;
    const fate waits = {.realtime = false};
    const fate clocked = {.realtime = true};
    run(1, &waits);
    run(1, &clocked);
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
                        .planner_dies = seed % 4 < 2 ? 0.002 : 0.0,
                        .realtime = seed % 2 == 1};
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
