/* How fast the search is: one decision from each problem's initial belief, K = 500, per second of
 * thread CPU time. One JSON line per problem: medians of REPEATS decisions of SEARCH_S each.
 *   bench_pomdp [PROBLEM...]
 * The pools are larger than a decision needs, so that they last for the second. */
#include "common/hp_clock.h"
#include "pomdp/models/problem.h"

#include <stdio.h>
#include <stdlib.h>

enum { REPEATS = 7, BELIEF = 20000 };
#define SEARCH_S 1.0
enum { POOL_NODES = 1 << 22, POOL_PARTICLES = 1 << 24 };

typedef struct figures {
    double trials, expansions, nodes, steps_tree, steps_rollout, gap_begin, gap_end, overrun_ms;
} figures;

static int compare(const void *left, const void *right)
{
    const double a = *(const double *)left;
    const double b = *(const double *)right;
    return (a > b) - (a < b);
}

/** Median of one column of a table of figures. */
static double median(const figures *table, size_t column)
{
    double values[REPEATS];
    for (size_t i = 0; i < REPEATS; i++) {
        values[i] = ((const double *)&table[i])[column];
    }
    qsort(values, REPEATS, sizeof(values[0]), compare);
    return values[REPEATS / 2];
}

static hp_status search(pomdp_solver *solver, const void *belief, uint64_t seed, figures *out)
{
    const hp_clock clock = hp_clock_thread_cpu();
    const int64_t begin_ns = hp_clock_now_ns(&clock);
    const pomdp_budget budget = {.deadline_ns = begin_ns + (int64_t)(SEARCH_S * 1e9),
                                 .clock = &clock};
    pomdp_plan plan;
    const hp_status st =
        pomdp_solver_plan(solver, belief, NULL, BELIEF, hp_rng_seed(seed), &budget, &plan);
    const double s = 1e-9 * (double)(hp_clock_now_ns(&clock) - begin_ns);
    if (st == HP_OK) {
        *out = (figures){plan.trials / s,
                         plan.expansions / s,
                         plan.nodes / s,
                         (double)plan.steps_tree / s,
                         (double)plan.steps_rollout / s,
                         plan.gap_begin,
                         plan.value_upper - plan.value_lower,
                         1e3 * (s - SEARCH_S)};
    }
    return st;
}

/** How soon the root's gap is half of what the bounds alone leave at K = 500, for other K. */
static hp_status time_to_gap(const char *name, const pomdp_problem *problem, const void *belief,
                             double gap)
{
    static const uint32_t SCENARIOS[] = {100, 500, 2000};
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
        st = pomdp_solver_plan(solver, belief, NULL, BELIEF, hp_rng_seed(1), &budget, &plan);
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

static hp_status bench(const char *name)
{
    pomdp_problem problem;
    pomdp_solver *solver = NULL;
    figures table[REPEATS];
    hp_error error;
    hp_status st = pomdp_problem_open(name, 1, &problem, &error);
    if (st != HP_OK) {
        (void)fprintf(stderr, "%s\n", error.text);
        return st;
    }
    problem.config.max_nodes = POOL_NODES;
    problem.config.max_particles = POOL_PARTICLES;
    void *belief = calloc(BELIEF, problem.model.state_size);
    st = belief == NULL ? HP_ENOMEM : pomdp_solver_create(&problem.model, &problem.config, &solver);
    if (st == HP_OK) {
        problem.sample(problem.ctx, hp_rng_seed(1), BELIEF, belief);
    }
    for (uint64_t i = 0; i < REPEATS && st == HP_OK; i++) {
        st = search(solver, belief, i, &table[i]);
    }
    if (st == HP_OK) {
        (void)printf(
            "{\"bench\": \"pomdp/%s\", \"trials_per_s\": %.0f, \"expansions_per_s\": %.0f, "
            "\"nodes_per_s\": %.0f, \"steps_tree_per_s\": %.0f, "
            "\"steps_rollout_per_s\": %.0f, \"gap_begin\": %.4g, \"gap_end\": %.4g, "
            "\"over_ms\": %.3g, \"peak_bytes\": %zu}\n",
            name, median(table, 0), median(table, 1), median(table, 2), median(table, 3),
            median(table, 4), median(table, 5), median(table, 6), median(table, 7),
            pomdp_solver_bytes(solver));
    }
    pomdp_solver_destroy(&solver);
    if (st == HP_OK) {
        st = time_to_gap(name, &problem, belief, 0.5 * median(table, 5));
    }
    pomdp_problem_close(&problem);
    free(belief);
    return st;
}

int main(int argc, char **argv)
{
    hp_status st = HP_OK;
    for (int i = 1; i < argc && st == HP_OK; i++) {
        st = bench(argv[i]);
    }
    for (size_t i = 0; argc == 1 && POMDP_PROBLEM_NAMES[i] != NULL && st == HP_OK; i++) {
        st = bench(POMDP_PROBLEM_NAMES[i]);
    }
    return st == HP_OK ? 0 : 1;
}
