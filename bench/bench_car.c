/* How fast the driving model runs and how large a tree a decision gets: the crossing of scenario 01
 * and a crowd, K = 500, depth 20. Per-particle steps first (expansions with the proposal, rollouts
 * with the plain dynamics), then whole searches. */
#include "bench/hp_bench.h"
#include "pomdp/car/car_model.h"
#include "pomdp/car/car_planner.h"
#include "tests/unit/pomdp/car_fixture.h"

#include <stdlib.h>

enum { PARTICLES = 500, EPISODE = 8, TRIALS = 800, FEW = 2, SEARCHES = 15, WARM_UP = 3 };

typedef struct job {
    car_config config;
    hp_plan_request request;
    car_scene scene;
    pomdp_model model;
    car_state begin[PARTICLES], states[PARTICLES];
    double weights[PARTICLES], reward[PARTICLES], weight[PARTICLES];
    uint64_t obs[PARTICLES], keys[PARTICLES], rows[CAR_MAX_STEPS * PARTICLES];
    uint32_t column[PARTICLES];
    uint64_t steps;
    uint8_t terminal[PARTICLES];
    uint32_t actions[PARTICLES];
    car_planner *planner;
    pomdp_solver *solver;
    pomdp_plan plan;
    hp_status status;
    hp_plan_reply replies[WARM_UP + SEARCHES];
    uint32_t n_replies;
    hp_clock clock;
} job;

/** CPU time: other programs on the machine do not shorten the search. */
static int64_t cpu_now_ns(const hp_clock *clock)
{
    (void)clock;
    return hp_clock_thread_cpu_ns();
}

static void expand(void *ctx)
{
    job *j = ctx;
    pomdp_steps out = {j->reward, j->weight, j->obs, j->terminal};
    memcpy(j->states, j->begin, PARTICLES * j->scene.state_bytes);
    j->model.step_proposal(&j->scene, j->states, PARTICLES, j->actions, j->keys, &out);
}

static void roll_out(void *ctx)
{
    job *j = ctx;
    pomdp_steps out = {j->reward, NULL, NULL, j->terminal};
    memcpy(j->states, j->begin, PARTICLES * j->scene.state_bytes);
    j->model.default_policy(&j->scene, j->states, PARTICLES, j->actions);
    j->model.step(&j->scene, j->states, PARTICLES, j->actions, j->keys, &out);
}

/** Both, all the way past everybody: what a search is made of. */
static void episode(void *ctx)
{
    job *j = ctx;
    pomdp_steps seen = {j->reward, j->weight, j->obs, j->terminal};
    pomdp_steps unseen = {j->reward, NULL, NULL, j->terminal};
    memcpy(j->states, j->begin, PARTICLES * j->scene.state_bytes);
    for (int k = 0; k < EPISODE; ++k) {
        j->model.step_proposal(&j->scene, j->states, PARTICLES, j->actions, j->keys, &seen);
        j->model.default_policy(&j->scene, j->states, PARTICLES, j->actions);
        j->model.step(&j->scene, j->states, PARTICLES, j->actions, j->keys, &unseen);
    }
}

/** A leaf's lower bound: everybody's default policy to its end. */
static void whole_rollouts(void *ctx)
{
    job *j = ctx;
    const pomdp_draws draws = {.rows = j->rows,
                               .stride = PARTICLES,
                               .column = j->column,
                               .room = j->states,
                               .room_bytes = sizeof j->states};
    j->steps += j->model.rollout(&j->scene, j->begin, PARTICLES, &draws, j->config.rollout_depth,
                                 j->reward);
}

static void build_scene(void *ctx)
{
    job *j = ctx;
    const size_t state_bytes = j->scene.state_bytes;
    (void)car_scene_build(&j->config, &j->request, &j->scene);
    j->scene.state_bytes = state_bytes;
}

static void sample(void *ctx)
{
    job *j = ctx;
    car_model_sample(&j->scene, hp_rng_seed(1), PARTICLES, j->begin, j->weights);
}

/** Each with random numbers of its own: how large a tree gets hangs on them, too. */
static void search(void *ctx)
{
    job *j = ctx;
    j->request.stream = hp_rng_seed(j->n_replies).key;
    car_planner_plan(j->planner, &j->request, &j->clock, &j->replies[j->n_replies++]);
}

static int compare_nodes(const void *left, const void *right)
{
    const uint32_t a = ((const hp_plan_reply *)left)->nodes;
    const uint32_t b = ((const hp_plan_reply *)right)->nodes;
    return (a > b) - (a < b);
}

/** The searches by their nodes: the median one, least and most. */
static void time_searches(job *j, const char *name)
{
    char text[64];
    j->config.budget.target_gap = 0.0;
    j->config.budget.time_ms = 20.0;
    j->config.budget.steps = 0;
    if (car_planner_create(&j->config, &j->planner) != HP_OK) {
        return;
    }
    (void)snprintf(text, sizeof text, "car/%s/search-20ms", name);
    j->n_replies = 0;
    (void)hp_bench_run(&(hp_bench){text, SEARCHES, WARM_UP, 1}, search, j);
    hp_plan_reply *timed = &j->replies[WARM_UP];
    qsort(timed, SEARCHES, sizeof *timed, compare_nodes);
    const hp_plan_reply *median = &timed[SEARCHES / 2];
    (void)printf("{\"bench\": \"%s\", \"trials\": %u, \"nodes\": %u, \"nodes_least\": %u, "
                 "\"nodes_most\": %u, \"expansions\": %u, \"depth\": %u, \"bytes\": %zu}\n",
                 text, median->trials, median->nodes, timed[0].nodes, timed[SEARCHES - 1].nodes,
                 median->expansions, median->depth, car_planner_bytes(j->planner));
    car_planner_destroy(&j->planner);
}

/** Fixed work, so that its time per step is that of a whole search's. */
static void search_trials(void *ctx)
{
    job *j = ctx;
    const pomdp_budget budget = {.max_trials = TRIALS};
    j->status = pomdp_solver_plan(j->solver, &(pomdp_particles){j->begin, j->weights, PARTICLES},
                                  hp_rng_seed(1), &budget, &j->plan);
}

/** Steps of expansions and rollouts are what a budget counts; those of particles that brake to a
 * stop, for the bound, are as real. */
static void report_trials(job *j, const char *name)
{
    char text[64];
    const uint64_t steps = j->plan.steps_tree + j->plan.steps_rollout;
    (void)snprintf(text, sizeof text, "car/%s/search-step", name);
    const double ns = hp_bench_run(&(hp_bench){text, 30, 3, steps}, search_trials, j);
    const double search_ns = ns * (double)steps;
    (void)printf("{\"bench\": \"%s\", \"trials\": %u, \"nodes\": %u, \"steps_tree\": %llu, "
                 "\"steps_rollout\": %llu, \"steps_stop\": %llu, \"nodes_in_20_ms\": %.0f, "
                 "\"counted_steps_per_s\": %.0f, \"counted_and_stop_steps_per_s\": %.0f}\n",
                 text, j->plan.trials, j->plan.nodes, (unsigned long long)j->plan.steps_tree,
                 (unsigned long long)j->plan.steps_rollout,
                 (unsigned long long)j->plan.steps_bounds, 20e6 / search_ns * j->plan.nodes,
                 1e9 * (double)steps / search_ns,
                 1e9 * (double)(steps + j->plan.steps_bounds) / search_ns);
}

static void time_trials(job *j, const char *name)
{
    pomdp_config config = car_solver_config(&j->config);
    config.target_gap = 0.0;
    j->model.state_size = j->scene.state_bytes;
    j->status = pomdp_solver_create(&j->model, &config, &j->solver);
    if (j->status == HP_OK) {
        search_trials(j);
    }
    if (j->status == HP_OK) {
        report_trials(j, name);
    }
    pomdp_solver_destroy(&j->solver);
}

static void add_walkers(job *j, uint32_t n)
{
    for (uint32_t i = 0; i < n; ++i) {
        hp_belief_agent *a = fixture_walker(&j->request, 40.0 + 3.0 * i, i % 2 == 0 ? 5.0 : -5.0,
                                            i % 3 == 0 ? 0.0 : 1.2, 0.0);
        a->cross_hz = 0.2;
    }
}

static void run(job *j, const char *name, uint32_t walkers)
{
    char text[64];
    car_config_default(&j->config);
    fixture_request(10.0, 10.0, &j->request);
    add_walkers(j, walkers);
    if (!car_scene_build(&j->config, &j->request, &j->scene)) {
        return;
    }
    j->model = car_model_make(&j->config, &j->scene);
    j->scene.state_bytes =
        car_model_state_bytes(walkers > FEW ? walkers : FEW); /* as the planner */
    car_model_sample(&j->scene, hp_rng_seed(1), PARTICLES, j->begin, j->weights);
    for (uint32_t i = 0; i < PARTICLES; ++i) {
        j->keys[i] = hp_rng_u64(hp_rng_seed(2), i);
        j->actions[i] = i % j->config.n_actions;
        j->column[i] = i;
    }
    for (uint32_t i = 0; i < CAR_MAX_STEPS * PARTICLES; ++i) {
        j->rows[i] = hp_rng_u64(hp_rng_seed(3), i);
    }
    (void)snprintf(text, sizeof text, "car/%s/expansion-step", name);
    (void)hp_bench_run(&(hp_bench){text, 400, 20, PARTICLES}, expand, j);
    (void)snprintf(text, sizeof text, "car/%s/rollout-step", name);
    (void)hp_bench_run(&(hp_bench){text, 400, 20, PARTICLES}, roll_out, j);
    (void)snprintf(text, sizeof text, "car/%s/episode-step", name);
    (void)hp_bench_run(&(hp_bench){text, 200, 20, UINT64_C(2) * EPISODE * PARTICLES}, episode, j);
    j->steps = 0;
    whole_rollouts(j);
    (void)snprintf(text, sizeof text, "car/%s/whole-rollout-step", name);
    (void)hp_bench_run(&(hp_bench){text, 100, 5, j->steps}, whole_rollouts, j);
    (void)snprintf(text, sizeof text, "car/%s/scene", name);
    (void)hp_bench_run(&(hp_bench){text, 100, 5, 1}, build_scene, j);
    (void)snprintf(text, sizeof text, "car/%s/sample", name);
    (void)hp_bench_run(&(hp_bench){text, 100, 5, 1}, sample, j);
    time_trials(j, name);
    time_searches(j, name);
}

int main(void)
{
    static job j; /* large */
    j.clock = (hp_clock){.now_ns = cpu_now_ns};
    run(&j, "crossing", 1);
    run(&j, "crowd", 8);
    return 0;
}
