/* Fixed work for counting instructions (scripts/bench-compare): searches of so many trials, the
 * same on every machine, the driving model with the kernel that every machine has; and one check of
 * the guard with so many agents, none of whom lets it end early (scripts/guard-cost); and what the
 * wire to CARLA costs, a snapshot read and a batch of controls written.
 * usage: bench_gate car|crossing|PROBLEM|guard:AGENTS|carla:decode|carla:encode
 * Prints figures; count what happens within gate_search(), gate_guard() or gate_wire(). */
#include "planner/plan_guard.h"
#include "pomdp/car/car_kernel.h"
#include "pomdp/car/car_planner.h"
#include "pomdp/models/problem.h"
#include "pomdp/pomdp_solver.h"
#include "sim-bridge/carla/carla_command.h"
#include "sim-bridge/carla/carla_observer.h"
#include "sim-bridge/carla/carla_rpc.h"
#include "tests/unit/pomdp/car_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SCENARIOS = 200, BELIEF = 2000, TRIALS = 20 };
enum { CROSSING_SCENARIOS = 500, CROSSING_TRIALS = 800, CROSSING_NODES = 13000 };

/** A search to be counted. */
typedef struct gate {
    pomdp_model model;
    pomdp_config config;
    pomdp_solver *solver;
    void *belief;
    double *weights; /* NULL: all the same */
    uint32_t n, trials;
    pomdp_plan plan;
    hp_status status;
} gate;

/** Not inlined: the counter is switched on and off by its name. */
__attribute__((noinline)) void gate_search(gate *g);

void gate_search(gate *g)
{
    const pomdp_budget budget = {.max_trials = g->trials};
    g->status = pomdp_solver_plan(g->solver, &(pomdp_particles){g->belief, g->weights, g->n},
                                  hp_rng_seed(1), &budget, &g->plan);
}

static hp_status run(gate *g)
{
    hp_status st = pomdp_solver_create(&g->model, &g->config, &g->solver);
    if (st == HP_OK) {
        gate_search(g);
        st = g->status;
        (void)printf("trials %u, nodes %u, expansions %u, steps %llu + %llu\n", g->plan.trials,
                     g->plan.nodes, g->plan.expansions, (unsigned long long)g->plan.steps_tree,
                     (unsigned long long)g->plan.steps_rollout);
    }
    pomdp_solver_destroy(&g->solver);
    return st;
}

static hp_status run_request(const hp_plan_request *request, uint32_t n, size_t state_bytes,
                             gate *g)
{
    static car_config config;
    static car_scene scene;
    static car_state states[CROSSING_SCENARIOS];
    static double weights[CROSSING_SCENARIOS];
    car_config_default(&config);
    if (!car_scene_build(&config, request, &scene)) {
        return HP_EINVAL;
    }
    g->model = car_kernel_model(&CAR_KERNEL_BASE, &config, &scene);
    scene.state_bytes = state_bytes;
    g->model.state_size = state_bytes;
    car_model_sample(&scene, hp_rng_seed(1), n, states, weights);
    g->config = car_solver_config(&config);
    g->config.n_scenarios = n;
    g->config.target_gap = 0.0;
    g->belief = states;
    g->weights = weights;
    g->n = n;
    return run(g);
}

static hp_status run_car(gate *g)
{
    static hp_plan_request request;
    fixture_request(10.0, 10.0, &request);
    fixture_walker(&request, 45.0, 2.5, 0.0, 0.0)->cross_hz = 0.3;
    fixture_walker(&request, 40.0, 5.0, 0.0, -1.2)->cross_hz = 0.2;
    return run_request(&request, SCENARIOS, sizeof(car_state), g);
}

/** The crossing of bench_car, which gets 13,000 nodes in 20 ms: the same tree, and as many. */
static hp_status run_crossing(gate *g)
{
    static hp_plan_request request;
    fixture_request(10.0, 10.0, &request);
    fixture_walker(&request, 40.0, 5.0, 0.0, 0.0)->cross_hz = 0.2;
    g->trials = CROSSING_TRIALS;
    const hp_status st = run_request(&request, CROSSING_SCENARIOS, car_model_state_bytes(2), g);
    return st == HP_OK && g->plan.nodes < CROSSING_NODES ? HP_EINVAL : st;
}

static hp_status run_problem(const char *name, gate *g)
{
    pomdp_problem problem;
    hp_error error;
    hp_status st = pomdp_problem_open(name, 1, &problem, &error);
    if (st != HP_OK) {
        (void)fprintf(stderr, "%s\n", error.text);
        return st;
    }
    g->model = problem.model;
    g->config = problem.config;
    g->config.n_scenarios = SCENARIOS;
    g->n = BELIEF;
    g->belief = calloc(BELIEF, problem.model.state_size);
    st = HP_ENOMEM;
    if (g->belief != NULL) {
        problem.sample(problem.ctx, hp_rng_seed(1), BELIEF, g->belief);
        st = run(g);
    }
    free(g->belief);
    pomdp_problem_close(&problem);
    return st;
}

/** What a check of the guard reads. */
typedef struct guard_gate {
    plan_config config;
    hp_world_info info;
    plan_path path;
    hp_frame frame;
} guard_gate;

__attribute__((noinline)) plan_guard_verdict gate_guard(const guard_gate *g);

plan_guard_verdict gate_guard(const guard_gate *g)
{
    return plan_guard_check(&g->config.guard, &g->info, &g->path, &g->frame, NULL, 3.0);
}

/** A street at 14 m/s. All but the last agent are too far aside to be met; the last, a standing
 * car, is met at the end of each manoeuvre, so that all are tried in vain. */
static hp_status run_guard(uint32_t n_agents)
{
    static guard_gate g;
    plan_config_default(&g.config);
    g.info = (hp_world_info){.n_route = 2,
                             .route = {{0.0, 0.0}, {200.0, 0.0}},
                             .goal = {200.0, 0.0, 0.0},
                             .speed_limit_mps = 13.9,
                             .ego_length_m = 4.18,
                             .ego_width_m = 2.0};
    plan_path_follow_route(&g.config.path, &g.info, &g.path);
    g.frame = (hp_frame){.n_agents = n_agents};
    g.frame.ego.pose.x_m = 10.0;
    g.frame.ego.speed_mps = 14.0;
    for (uint32_t i = 0; i < n_agents; i++) {
        const bool last = i + 1 == n_agents;
        g.frame.agents[i] = (hp_agent){.id = i,
                                       .kind = last ? HP_CLASS_CAR : HP_CLASS_WALKER,
                                       .pose = {last ? 30.0 : 20.0, last ? 0.0 : 40.0, 0.0},
                                       .length_m = last ? 4.0 : 0.4,
                                       .width_m = last ? 1.8 : 0.4};
    }
    const plan_guard_verdict verdict = gate_guard(&g);
    (void)printf("agents %u, hard %d\n", n_agents, verdict.hard);
    return verdict.hard == (n_agents > 0) ? HP_OK : HP_EINVAL;
}

enum { WIRE_ACTORS = 100, WIRE_COMMANDS = 25, WIRE_ROUNDS = 100 };

/** What goes over the wire in a tick, both ways. */
typedef struct wire_gate {
    bool encodes;
    uint8_t snapshot[CARLA_SENSOR_HEADER + CARLA_EPISODE_HEADER + WIRE_ACTORS * CARLA_ENTRY];
    msgpack_sbuffer request;
    double sum;
} wire_gate;

__attribute__((noinline)) void gate_wire(wire_gate *g);

static void decode(wire_gate *g)
{
    carla_snapshot s;
    carla_entry e;
    hp_error error;
    if (carla_snapshot_read(g->snapshot, sizeof g->snapshot, CARLA_0_9_16, &s, &error) != HP_OK) {
        return;
    }
    for (uint32_t k = 0; k < s.n_actors; k++) {
        if (carla_entry_read(&s, k, CARLA_ENTRY_VEHICLE, &e)) {
            g->sum += (double)e.velocity.x;
        }
    }
}

static void encode(wire_gate *g)
{
    msgpack_packer out;
    msgpack_sbuffer_clear(&g->request);
    msgpack_packer_init(&out, &g->request, msgpack_sbuffer_write);
    carla_rpc_head(&out, 1, "apply_batch", true, 2);
    (void)msgpack_pack_array(&out, WIRE_COMMANDS);
    for (uint32_t i = 0; i < WIRE_COMMANDS; i++) {
        const carla_command c = {
            .kind = CARLA_CMD_CONTROL, .actor = i, .control = {.throttle = 0.5F, .steer = 0.1F}};
        carla_pack_command(&out, &c, CARLA_0_9_16);
    }
    (void)msgpack_pack_false(&out);
    g->sum += (double)g->request.size;
}

void gate_wire(wire_gate *g)
{
    for (uint32_t i = 0; i < WIRE_ROUNDS; i++) {
        if (g->encodes) {
            encode(g);
        } else {
            decode(g);
        }
    }
}

static hp_status run_wire(bool encodes)
{
    static wire_gate g;
    const carla_snapshot head = {.sensor = {.type = carla_version_observer_type(CARLA_0_9_16)},
                                 .episode = 1};
    g.encodes = encodes;
    carla_snapshot_write(&head, g.snapshot);
    for (uint32_t k = 0; k < WIRE_ACTORS; k++) {
        const carla_entry e = {.id = k + 1, .state = 1, .velocity = {1.0F, 2.0F, 0.0F}};
        carla_entry_write(&e, CARLA_ENTRY_VEHICLE,
                          g.snapshot + CARLA_SENSOR_HEADER + CARLA_EPISODE_HEADER +
                              (size_t)k * CARLA_ENTRY);
    }
    msgpack_sbuffer_init(&g.request);
    gate_wire(&g);
    msgpack_sbuffer_destroy(&g.request);
    (void)printf("rounds %d, sum %.0f\n", WIRE_ROUNDS, g.sum);
    return g.sum >= (double)WIRE_ROUNDS * WIRE_ACTORS ? HP_OK : HP_EINVAL;
}

int main(int argc, char **argv)
{
    gate g = {.trials = TRIALS};
    if (argc != 2) {
        (void)fprintf(stderr, "usage: bench_gate car|crossing|PROBLEM|guard:AGENTS|carla:decode|"
                              "carla:encode\n");
        return 2;
    }
    if (strncmp(argv[1], "guard:", 6) == 0) {
        const unsigned long n = strtoul(argv[1] + 6, NULL, 10);
        return n <= HP_MAX_AGENTS && run_guard((uint32_t)n) == HP_OK ? 0 : 1;
    }
    if (strncmp(argv[1], "carla:", 6) == 0) {
        return run_wire(strcmp(argv[1] + 6, "encode") == 0) == HP_OK ? 0 : 1;
    }
    const hp_status st = strcmp(argv[1], "car") == 0        ? run_car(&g)
                         : strcmp(argv[1], "crossing") == 0 ? run_crossing(&g)
                                                            : run_problem(argv[1], &g);
    return st == HP_OK ? 0 : 1;
}
