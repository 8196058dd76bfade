/* How fast the search is: one decision from each problem's initial belief, K = 100, 500 and 2000,
 * per second of thread CPU time; medians of REPEATS decisions of SEARCH_S each. Then how soon the
 * gap is half, and what a second thread brings in wall time. JSON, one line each.
 *
 *   bench_pomdp [--lambda X] [--threads] [PROBLEM...]
 *       --lambda: regularisation instead of the problem's own, as who is compared with has it
 *       --threads: that row alone
 *
 * The pools are larger than a decision needs, so that they last for the second. */
#include "common/hp_clock.h"
#include "common/hp_sort.h"
#include "pomdp/models/problem.h"
#include "pomdp/pomdp_internal.h"
#include "pomdp/pomdp_team.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REPEATS = 7, BELIEF = 20000 };
#define SEARCH_S 1.0
#define TEAM_S 0.1
static const uint32_t SCENARIOS[] = {100, 500, 2000};
enum { POOL_NODES = 1 << 22, POOL_PARTICLES = 1 << 24, POOL_BYTES = 1 << 30 };

typedef struct figures {
    double trials, expansions, nodes, steps_tree, steps_rollout, gap_begin, gap_end, bytes;
} figures;

/** Median of one column of a table of figures. */
static double median(const figures *table, size_t column)
{
    double values[REPEATS];
    for (size_t i = 0; i < REPEATS; i++) {
        values[i] = ((const double *)&table[i])[column];
    }
    return hp_median(values, REPEATS);
}

/** What the tree takes, per node: of the pools only what is used. */
static double bytes_per_node(const pomdp_solver *s)
{
    const pomdp_mark used = s->tree.used;
    const double node = sizeof(pomdp_node) + 6 * sizeof(double); /* lower to error */
    const double particle = (double)s->model.state_size + sizeof(double) + sizeof(uint32_t);
    return node +
           (used.n_edges * (double)sizeof(pomdp_edge) + used.n_particles * particle) / used.n_nodes;
}

static hp_status search(pomdp_solver *solver, const void *belief, uint64_t seed, figures *out)
{
    const hp_clock clock = hp_clock_thread_cpu();
    const int64_t begin_ns = hp_clock_now_ns(&clock);
    const pomdp_budget budget = {.deadline_ns = begin_ns + (int64_t)(SEARCH_S * 1e9),
                                 .clock = &clock};
    pomdp_plan plan;
    const hp_status st = pomdp_solver_plan(solver, &(pomdp_particles){belief, NULL, BELIEF},
                                           hp_rng_seed(seed), &budget, &plan);
    const double s = 1e-9 * (double)(hp_clock_now_ns(&clock) - begin_ns);
    if (st == HP_OK) {
        *out = (figures){plan.trials / s,
                         plan.expansions / s,
                         plan.nodes / s,
                         (double)plan.steps_tree / s,
                         (double)plan.steps_rollout / s,
                         plan.gap_begin,
                         plan.value_upper - plan.value_lower,
                         bytes_per_node(solver)};
    }
    return st;
}

/** How soon the root's gap is half of what the bounds alone leave at K = 500, for other K. */
static hp_status time_to_gap(const char *name, const pomdp_problem *problem, const void *belief,
                             double gap)
{
    hp_status st = HP_OK;
    for (size_t i = 0; i < sizeof(SCENARIOS) / sizeof(SCENARIOS[0]) && st == HP_OK; i++) {
        const hp_clock clock = hp_clock_thread_cpu();
        pomdp_config config = problem->config;
        pomdp_solver *solver = NULL;
        pomdp_plan plan;
        config.n_scenarios = SCENARIOS[i];
        config.target_gap = gap;
        st = pomdp_solver_create(&problem->model, &config, &solver);
        if (st != HP_OK) {
            break;
        }
        const int64_t begin_ns = hp_clock_now_ns(&clock);
        const pomdp_budget budget = {.deadline_ns = begin_ns + (int64_t)(SEARCH_S * 1e9),
                                     .clock = &clock};
        st = pomdp_solver_plan(solver, &(pomdp_particles){belief, NULL, BELIEF}, hp_rng_seed(1),
                               &budget, &plan);
        if (st == HP_OK) {
            const double ms = 1e-6 * (double)(hp_clock_now_ns(&clock) - begin_ns);
            const bool reached = plan.value_upper - plan.value_lower <= gap;
            (void)printf("{\"bench\": \"pomdp/%s/gap\", \"scenarios\": %u, \"gap\": %.4g, "
                         "\"reached\": %s, \"ms\": %.1f, \"trials\": %u, \"nodes\": %u}\n",
                         name, SCENARIOS[i], gap, reached ? "true" : "false", ms, plan.trials,
                         plan.nodes);
        }
        pomdp_solver_destroy(&solver);
    }
    return st;
}

static hp_status rates(const char *name, const pomdp_problem *problem, const void *belief,
                       uint32_t n_scenarios, double *gap_begin)
{
    pomdp_config config = problem->config;
    pomdp_solver *solver = NULL;
    figures table[REPEATS];
    config.n_scenarios = n_scenarios;
    config.max_nodes = POOL_NODES;
    config.max_particles = POOL_BYTES / problem->model.state_size < POOL_PARTICLES
                               ? (uint32_t)(POOL_BYTES / problem->model.state_size)
                               : POOL_PARTICLES;
    hp_status st = pomdp_solver_create(&problem->model, &config, &solver);
    for (uint64_t i = 0; i < REPEATS && st == HP_OK; i++) {
        st = search(solver, belief, i, &table[i]);
    }
    if (st == HP_OK) {
        *gap_begin = median(table, 5);
        (void)printf("{\"bench\": \"pomdp/%s\", \"scenarios\": %u, \"trials_per_s\": %.0f, "
                     "\"expansions_per_s\": %.0f, \"nodes_per_s\": %.0f, "
                     "\"steps_tree_per_s\": %.0f, \"steps_rollout_per_s\": %.0f, "
                     "\"gap_begin\": %.4g, \"gap_end\": %.4g, \"over_ms\": %.3g, "
                     "\"bytes_per_node\": %.0f, \"peak_bytes\": %zu}\n",
                     name, n_scenarios, median(table, 0), median(table, 1), median(table, 2),
                     median(table, 3), median(table, 4), *gap_begin, median(table, 6),
                     median(table, 7), median(table, 8), pomdp_solver_bytes(solver));
    }
    pomdp_solver_destroy(&solver);
    return st;
}

/** Trials in a second of wall time by one and by two threads; idle cores are assumed (on a busy
 * machine a root's expansion alone may take all the time: a ratio of 0). */
static hp_status threads(const char *name, const pomdp_problem *problem, const void *belief)
{
    const hp_clock clock = hp_clock_real();
    figures table[2][REPEATS] = {{{0}}};
    hp_status st = HP_OK;
    for (uint32_t n = 1; n <= 2 && st == HP_OK; n++) {
        pomdp_team *team = NULL;
        st = pomdp_team_create(&problem->model, &problem->config, n, &team);
        for (uint64_t i = 0; i < REPEATS && st == HP_OK; i++) {
            pomdp_plan plan;
            const int64_t begin_ns = hp_clock_now_ns(&clock);
            const pomdp_budget budget = {.deadline_ns = begin_ns + (int64_t)(TEAM_S * 1e9),
                                         .clock = &clock};
            st = pomdp_team_plan(team, &(pomdp_particles){belief, NULL, BELIEF}, hp_rng_seed(i),
                                 &budget, &plan);
            const double s = 1e-9 * (double)(hp_clock_now_ns(&clock) - begin_ns);
            table[n - 1][i] = (figures){.trials = plan.trials / s,
                                        .gap_end = plan.value_upper - plan.value_lower};
        }
        pomdp_team_destroy(&team);
    }
    if (st == HP_OK) {
        const double one = median(table[0], 0);
        const double two = median(table[1], 0);
        (void)printf("{\"bench\": \"pomdp/%s/threads\", \"trials_per_s_1\": %.0f, "
                     "\"trials_per_s_2\": %.0f, \"ratio\": %.2f, \"gap_1\": %.4g, "
                     "\"gap_2\": %.4g}\n",
                     name, one, two, one > 0.0 ? two / one : 0.0, median(table[0], 6),
                     median(table[1], 6));
    }
    return st;
}

typedef struct options {
    const char *lambda; /* NULL: the problem's */
    bool threads_only;
} options;

static hp_status bench(const char *name, const options *o)
{
    pomdp_problem problem;
    hp_error error;
    hp_status st = pomdp_problem_open(name, 1, &problem, &error);
    if (st != HP_OK) {
        (void)fprintf(stderr, "%s\n", error.text);
        return st;
    }
    if (o->lambda != NULL) {
        problem.config.regularisation = strtod(o->lambda, NULL);
    }
    double gaps[sizeof(SCENARIOS) / sizeof(SCENARIOS[0])] = {0.0};
    void *belief = calloc(BELIEF, problem.model.state_size);
    st = belief == NULL ? HP_ENOMEM : HP_OK;
    if (st == HP_OK) {
        problem.sample(problem.ctx, hp_rng_seed(1), BELIEF, belief);
    }
    for (size_t i = 0; i < sizeof(gaps) / sizeof(gaps[0]) && st == HP_OK && !o->threads_only; i++) {
        st = rates(name, &problem, belief, SCENARIOS[i], &gaps[i]);
    }
    if (st == HP_OK && !o->threads_only) {
        st = time_to_gap(name, &problem, belief, 0.5 * gaps[1]);
    }
    if (st == HP_OK) {
        st = threads(name, &problem, belief);
    }
    pomdp_problem_close(&problem);
    free(belief);
    return st;
}

int main(int argc, char **argv)
{
    options o = {0};
    int first = 1;
    if (first + 1 < argc && strcmp(argv[first], "--lambda") == 0) {
        o.lambda = argv[first + 1];
        first += 2;
    }
    if (first < argc && strcmp(argv[first], "--threads") == 0) {
        o.threads_only = true;
        first++;
    }
    hp_status st = HP_OK;
    for (int i = first; i < argc && st == HP_OK; i++) {
        st = bench(argv[i], &o);
    }
    for (size_t i = 0; argc == first && POMDP_PROBLEM_NAMES[i] != NULL && st == HP_OK; i++) {
        st = bench(POMDP_PROBLEM_NAMES[i], &o);
    }
    return st == HP_OK ? 0 : 1;
}
