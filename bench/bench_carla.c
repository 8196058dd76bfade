/* What the wire costs: a tick of scenario 10 in the built-in simulator, and the same tick over the
 * wire to the stand-in, which runs in a process of its own. Thread CPU of the bridge's side alone,
 * and the wall time of a round trip; and a town's map. Run from the source tree. */
#include "bench/hp_bench.h"
#include "sim-bridge/carla/carla_observer.h"
#include "sim-bridge/carla/carla_server.h"
#include "sim-bridge/carla/carla_world.h"
#include "sim-bridge/sim_world.h"
#include "sim-bridge/xodr/xodr.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TICKS = 100, BATCHES = 50, SNAPSHOT_ACTORS = 100, DECODES = 1000 };
#define MAP "tests/fuzz/corpus/xodr/crossroads"

typedef struct rig {
    hp_clock clock;
    bridge_world world;
    hp_frame frame;
    carla_config carla;
    sim_config sim;
    sim_scenario scenario;
    carla_world_setup setup;
    sim_world *twin;
    uint8_t snapshot[CARLA_SENSOR_HEADER + CARLA_EPISODE_HEADER + SNAPSHOT_ACTORS * CARLA_ENTRY];
    double sum;
} rig;

/** A server in a child; its port through a pipe. */
static pid_t serve(uint16_t *port)
{
    int ends[2];
    if (pipe(ends) != 0) {
        return -1;
    }
    const pid_t child = fork();
    if (child == 0) {
        const hp_clock clock = hp_clock_real();
        carla_server_config config;
        carla_server *server = NULL;
        hp_error error;
        carla_server_config_default(&config);
        config.port = 0;
        if (carla_server_create(&config, &clock, &server, &error) != HP_OK) {
            _exit(1);
        }
        *port = carla_server_port(server);
        (void)!write(ends[1], port, sizeof *port);
        while (getppid() != 1) {
            (void)!carla_server_step(server, 1000, &error);
        }
        _exit(0);
    }
    const bool told = child > 0 && read(ends[0], port, sizeof *port) == sizeof *port;
    (void)close(ends[0]);
    (void)close(ends[1]);
    return told ? child : -1;
}

static void step(rig *r, const bridge_world *world)
{
    const hp_command hold = {0}; /* at rest: an episode of any length */
    world->ops->observe(world->self, &r->frame);
    world->ops->step(world->self, &hold);
}

static void ticks(void *ctx)
{
    rig *r = ctx;
    for (int i = 0; i < TICKS; ++i) {
        step(r, &r->world);
    }
}

static void decode(void *ctx)
{
    rig *r = ctx;
    hp_error error;
    for (int i = 0; i < DECODES; ++i) {
        carla_snapshot s;
        carla_entry e;
        if (carla_snapshot_read(r->snapshot, sizeof r->snapshot, CARLA_0_9_16, &s, &error) ==
            HP_OK) {
            for (uint32_t k = 0; k < s.n_actors; ++k) {
                if (carla_entry_read(&s, k, CARLA_ENTRY_VEHICLE, &e)) {
                    r->sum += (double)e.velocity.x;
                }
            }
        }
    }
}

static void read_map(void *ctx)
{
    rig *r = ctx;
    xodr_map *map = NULL;
    hp_error error;
    if (xodr_read(MAP, &map, &error) == HP_OK) {
        r->sum += xodr_facts_of(map).driving_m;
    }
    xodr_destroy(&map);
}

static void fill_snapshot(rig *r)
{
    const carla_snapshot head = {.sensor = {.type = carla_version_observer_type(CARLA_0_9_16)},
                                 .episode = 1};
    uint8_t *at = r->snapshot + CARLA_SENSOR_HEADER + CARLA_EPISODE_HEADER;
    carla_snapshot_write(&head, r->snapshot);
    for (uint32_t k = 0; k < SNAPSHOT_ACTORS; ++k) {
        const carla_entry e = {.id = k + 1, .state = 1, .velocity = {1.0F, 2.0F, 0.0F}};
        carla_entry_write(&e, CARLA_ENTRY_VEHICLE, at + (size_t)k * CARLA_ENTRY);
    }
}

/** Each batch is one tick, so that a percentile is one of ticks. */
static void wall(rig *r, const char *name)
{
    enum { N = 2000 };
    static double us[N];
    for (int i = 0; i < N; ++i) {
        const int64_t start_ns = hp_clock_now_ns(&r->clock);
        step(r, &r->world);
        us[i] = 1e-3 * (double)(hp_clock_now_ns(&r->clock) - start_ns);
    }
    hp_sort(us, N);
    (void)printf("{\"bench\": \"%s\", \"ticks\": %d, \"wall_p50_us\": %.1f, \"wall_p99_us\": "
                 "%.1f}\n",
                 name, N, us[N / 2], us[N * 99 / 100]);
}

static int run(rig *r)
{
    hp_error error = {{0}};
    if (sim_scenario_read("scenarios/cts/01.yaml", &r->scenario, &error) != HP_OK ||
        sim_world_create(&r->sim, &r->twin) != HP_OK) {
        (void)fprintf(stderr, "%s\n", error.text);
        return 2;
    }
    r->scenario.time_limit_s = 1e9;
    r->clock = hp_clock_real();
    r->setup = (carla_world_setup){.carla = &r->carla,
                                   .sim = &r->sim,
                                   .scenario = &r->scenario,
                                   .scene = sim_scene_default(),
                                   .seed = 1,
                                   .clock = &r->clock};
    sim_world_load(r->twin, &r->scenario, &r->setup.scene, 0, 1);
    r->world = sim_world_as_bridge(r->twin);
    const double built_in =
        hp_bench_run(&(hp_bench){"carla/built-in-tick", BATCHES, 5, TICKS}, ticks, r);
    if (carla_world_create(&r->setup, &r->world, &error) != HP_OK) {
        (void)fprintf(stderr, "%s\n", error.text);
        return 2;
    }
    const double wire =
        hp_bench_run(&(hp_bench){"carla/tick-over-the-wire", BATCHES, 5, TICKS}, ticks, r);
    (void)printf("{\"bench\": \"carla/overhead\", \"cpu_us\": %.1f, \"of_a_tick\": %.5f}\n",
                 1e-3 * (wire - built_in), 1e-9 * (wire - built_in) / r->sim.tick_s);
    wall(r, "carla/round-trip");
    r->world.ops->destroy(r->world.self);
    sim_world_destroy(&r->twin);
    fill_snapshot(r);
    (void)hp_bench_run(&(hp_bench){"carla/decode-100-actors", BATCHES, 5, DECODES}, decode, r);
    (void)hp_bench_run(&(hp_bench){"xodr/small-map", BATCHES, 5, 1}, read_map, r);
    return r->sum > 0.0 ? 0 : 1;
}

int main(void)
{
    static rig r;
    uint16_t port = 0;
    const pid_t child = serve(&port);
    if (child < 0) {
        return 2;
    }
    carla_config_default(&r.carla);
    sim_config_default(&r.sim);
    r.carla.port = port;
    const int status = run(&r);
    (void)kill(child, SIGTERM);
    (void)waitpid(child, NULL, 0);
    return status;
}
