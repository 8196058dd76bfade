/* Fixed work for counting instructions (scripts/bench-compare): searches of so many trials, the
 * same on every machine, the driving model with the kernel that every machine has. bench_gate
 * car|PROBLEM Prints the plan's figures; count what happens within gate_search(). */
#include "pomdp/car/car_kernel.h"
#include "pomdp/models/problem.h"
#include "pomdp/pomdp_solver.h"
#include "tests/unit/pomdp/car_fixture.h"

#include <stdio.h>
#include <stdlib.h>

enum { SCENARIOS = 200, BELIEF = 2000, TRIALS = 20 };

/** A search to be counted. */
typedef struct gate {
    pomdp_model model;
    pomdp_config config;
    pomdp_solver *solver;
    void *belief;
    double *weights; /* NULL: all the same */
    uint32_t n;
    pomdp_plan plan;
    hp_status status;
} gate;

/** Not inlined: the counter is switched on and off by its name. */
__attribute__((noinline)) void gate_search(gate *g);

void gate_search(gate *g)
{
    const pomdp_budget budget = {.max_trials = TRIALS};
    g->status = pomdp_solver_plan(g->solver, g->belief, g->weights, g->n, hp_rng_seed(1), &budget,
                                  &g->plan);
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

static hp_status run_car(gate *g)
{
    static car_config config;
    static car_scene scene;
    static hp_plan_request request;
    static car_state states[SCENARIOS];
    static double weights[SCENARIOS];
    car_config_default(&config);
    fixture_request(10.0, 10.0, &request);
    fixture_walker(&request, 45.0, 2.5, 0.0, 0.0)->cross_hz = 0.3;
    fixture_walker(&request, 40.0, 5.0, 0.0, -1.2)->cross_hz = 0.2;
    if (!car_scene_build(&config, &request, &scene)) {
        return HP_EINVAL;
    }
    car_model_sample(&scene, hp_rng_seed(1), SCENARIOS, states, weights);
    g->model = car_kernel_model(&CAR_KERNEL_BASE, &config, &scene);
    pomdp_config_default(&g->config);
    g->config.n_scenarios = SCENARIOS;
    g->config.max_depth = config.max_depth;
    g->config.rollout_depth = config.rollout_depth;
    g->belief = states;
    g->weights = weights;
    g->n = SCENARIOS;
    return run(g);
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

int main(int argc, char **argv)
{
    gate g = {0};
    if (argc != 2) {
        (void)fprintf(stderr, "usage: bench_gate car|PROBLEM\n");
        return 2;
    }
    const hp_status st = strcmp(argv[1], "car") == 0 ? run_car(&g) : run_problem(argv[1], &g);
    return st == HP_OK ? 0 : 1;
}
