/* hyplan solve: the search on standard problems, in closed loop with the problem itself. */
#include "cli/commands.h"
#include "cli/options.h"
#include "pomdp/models/problem.h"
#include "pomdp/pomdp_belief.h"
#include "pomdp/pomdp_team.h"

#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { DEFAULT_TRIALS = 200, LANE_WORLD = 1, LANE_FILTER = 2, LANE_SEARCH = 3, LANE_START = 4 };

typedef struct solve_options {
    const char *problem;
    uint32_t runs, first, steps, trials, time_ms, cpu_ms, scenarios, algorithm, threads;
    uint64_t seed;
} solve_options;

/** What one run took and gave; of many, the sums. */
typedef struct solve_sums {
    uint64_t moves, trials, expansions, particle_steps, lost_beliefs;
    double gap_end, seconds; /* thread CPU time of the search */
    double total, total_squares, undiscounted, undiscounted_squares;
    size_t peak_bytes;
    hp_status status;
} solve_sums;

/** One run's parts; all but the options are owned. */
typedef struct solve_run {
    const solve_options *options;
    pomdp_problem problem;
    pomdp_team *team;
    pomdp_belief *belief;
    void *truth; /* one state: what the world really is */
    hp_rng stream;
} solve_run;

static void close_run(solve_run *run)
{
    pomdp_team_destroy(&run->team);
    pomdp_belief_destroy(&run->belief);
    free(run->truth);
    pomdp_problem_close(&run->problem);
}

static hp_status open_run(const solve_options *options, uint32_t index, solve_run *run,
                          hp_error *error)
{
    const hp_rng stream = hp_rng_lane(hp_rng_seed(options->seed), index);
    *run = (solve_run){.options = options, .stream = stream};
    hp_status st = pomdp_problem_open(options->problem, stream.key, &run->problem, error);
    if (st != HP_OK) {
        return st;
    }
    pomdp_problem *p = &run->problem;
    if (options->scenarios > 0) {
        p->config.n_scenarios = options->scenarios;
    }
    p->config.algorithm = (pomdp_algorithm)options->algorithm;
    st = pomdp_team_create(&p->model, &p->config, options->threads, &run->team);
    if (st == HP_OK) {
        st = pomdp_belief_create(&p->model, p->n_belief, &run->belief);
    }
    if (st == HP_OK) {
        run->truth = calloc(1, p->model.state_size);
        st = run->truth != NULL ? HP_OK : HP_ENOMEM;
    }
    if (st != HP_OK) {
        return hp_fail(error, st, "%s: %s", options->problem, hp_status_text(st));
    }
    p->sample(p->ctx, hp_rng_lane(stream, LANE_START), 1, run->truth);
    p->sample(p->ctx, hp_rng_lane(stream, LANE_FILTER), p->n_belief,
              pomdp_belief_states(run->belief));
    return HP_OK;
}

/** Chooses the t-th action and counts what it took. */
static hp_status choose(solve_run *run, uint32_t t, solve_sums *sums, uint32_t *action)
{
    const solve_options *o = run->options;
    const hp_clock clock = o->cpu_ms > 0 ? hp_clock_thread_cpu() : hp_clock_real();
    const int64_t begin_ns = hp_clock_now_ns(&clock);
    const int64_t cpu_ns = hp_clock_thread_cpu_ns();
    const uint32_t ms = o->cpu_ms > 0 ? o->cpu_ms : o->time_ms;
    pomdp_budget budget = {.max_trials = o->trials, .clock = &clock};
    pomdp_plan plan;
    if (ms > 0) {
        budget.deadline_ns = begin_ns + (int64_t)ms * 1000000;
    }
    const hp_status st = pomdp_team_plan(
        run->team,
        &(pomdp_particles){pomdp_belief_states(run->belief), pomdp_belief_weights(run->belief),
                           pomdp_belief_size(run->belief)},
        hp_rng_lane(hp_rng_lane(run->stream, LANE_SEARCH), t), &budget, &plan);
    if (st != HP_OK) {
        return st;
    }
    sums->seconds += 1e-9 * (double)(hp_clock_thread_cpu_ns() - cpu_ns);
    sums->moves++;
    sums->trials += plan.trials;
    sums->expansions += plan.expansions;
    sums->particle_steps += plan.steps_tree + plan.steps_rollout;
    sums->gap_end += plan.value_upper - plan.value_lower;
    *action = plan.action;
    return HP_OK;
}

/** One episode; adds its return to the sums. A belief that nothing explains is kept as it was. */
static hp_status play(solve_run *run, solve_sums *sums)
{
    const pomdp_problem *p = &run->problem;
    const uint32_t steps = run->options->steps > 0 ? run->options->steps : p->max_steps;
    double discount = 1.0;
    double sum = 0.0;
    uint8_t terminal = 0;
    for (uint32_t t = 0; t < steps && terminal == 0; t++) {
        uint32_t action = 0;
        double reward = 0.0;
        uint64_t obs = 0;
        const hp_status st = choose(run, t, sums, &action);
        if (st != HP_OK) {
            return st;
        }
        const uint64_t key = hp_rng_u64(hp_rng_lane(run->stream, LANE_WORLD), t);
        pomdp_steps out = {.reward = &reward, .obs = &obs, .terminal = &terminal};
        p->model.step(p->model.ctx, run->truth, 1, &action, &key, &out);
        sum += discount * reward;
        sums->undiscounted += reward;
        discount *= p->model.discount;
        if (terminal == 0) {
            const hp_rng lane = hp_rng_lane(hp_rng_lane(run->stream, LANE_FILTER), t);
            sums->lost_beliefs +=
                pomdp_belief_update(run->belief, action, obs, lane) != HP_OK ? 1 : 0;
        }
    }
    sums->total = sum;
    sums->total_squares = sum * sum;
    sums->undiscounted_squares = sums->undiscounted * sums->undiscounted;
    sums->peak_bytes = pomdp_team_bytes(run->team);
    return HP_OK;
}

/** A share of the runs, on a thread of its own: first, first + stride, ... */
typedef struct solve_share {
    const solve_options *options;
    uint32_t first, stride;
    solve_sums *results; /* [runs] */
    hp_error error;      /* of the first run that failed */
} solve_share;

static void *play_share(void *arg)
{
    solve_share *share = arg;
    for (uint32_t i = share->first; i < share->options->runs; i += share->stride) {
        solve_run run;
        solve_sums *result = &share->results[i];
        result->status = open_run(share->options, share->options->first + i, &run, &share->error);
        if (result->status == HP_OK) {
            result->status = play(&run, result);
            if (result->status != HP_OK) {
                (void)hp_fail(&share->error, result->status, "run %u: %s",
                              share->options->first + i, hp_status_text(result->status));
            }
        }
        close_run(&run);
        if (result->status != HP_OK) {
            break;
        }
    }
    return NULL;
}

static void add_result(solve_sums *sums, const solve_sums *r)
{
    sums->moves += r->moves;
    sums->trials += r->trials;
    sums->expansions += r->expansions;
    sums->particle_steps += r->particle_steps;
    sums->lost_beliefs += r->lost_beliefs;
    sums->gap_end += r->gap_end;
    sums->seconds += r->seconds;
    sums->total += r->total;
    sums->total_squares += r->total_squares;
    sums->undiscounted += r->undiscounted;
    sums->undiscounted_squares += r->undiscounted_squares;
    sums->peak_bytes = r->peak_bytes > sums->peak_bytes ? r->peak_bytes : sums->peak_bytes;
    sums->status = sums->status != HP_OK ? sums->status : r->status;
}

/** Plays all runs on jobs threads. The sums do not depend on who played what. */
static hp_status play_all(const solve_options *options, uint32_t jobs, solve_sums *sums,
                          hp_error *error)
{
    enum { MAX_JOBS = 8 };
    solve_share shares[MAX_JOBS] = {{0}};
    pthread_t threads[MAX_JOBS] = {0};
    solve_sums *results = calloc(options->runs, sizeof(*results));
    *sums = (solve_sums){.status = HP_ENOMEM};
    if (results == NULL) {
        return hp_fail(error, HP_ENOMEM, "%s", hp_status_text(HP_ENOMEM));
    }
    if (jobs > MAX_JOBS) {
        jobs = MAX_JOBS;
    }
    *sums = (solve_sums){.status = HP_OK};
    uint32_t started = 0;
    while (started < jobs && sums->status == HP_OK) {
        shares[started] =
            (solve_share){.options = options, .first = started, .stride = jobs, .results = results};
        if (pthread_create(&threads[started], NULL, play_share, &shares[started]) == 0) {
            started++;
        } else {
            sums->status = HP_EUNAVAILABLE;
        }
    }
    for (uint32_t i = 0; i < started; i++) {
        (void)pthread_join(threads[i], NULL);
        if (shares[i].error.text[0] != '\0') {
            *error = shares[i].error;
        }
    }
    for (uint32_t i = 0; i < options->runs; i++) {
        add_result(sums, &results[i]);
    }
    free(results);
    return sums->status;
}

typedef struct solve_figures {
    double mean, error, undiscounted, undiscounted_error, moves, trials_per_s, expansions_per_s,
        steps_per_s, gap, ms;
} solve_figures;

/** Standard error of a mean from n numbers' sum and sum of squares. */
static double standard_error(double sum, double squares, double n)
{
    const double mean = sum / n;
    return n > 1.0 ? sqrt(fmax(0.0, squares / n - mean * mean) / (n - 1.0)) : 0.0;
}

static solve_figures figure(const solve_options *o, const solve_sums *s)
{
    const double runs = o->runs;
    const double moves = (double)s->moves;
    const double seconds = fmax(s->seconds, 1e-9);
    return (solve_figures){.mean = s->total / runs,
                           .error = standard_error(s->total, s->total_squares, runs),
                           .undiscounted = s->undiscounted / runs,
                           .undiscounted_error =
                               standard_error(s->undiscounted, s->undiscounted_squares, runs),
                           .moves = moves / runs,
                           .trials_per_s = (double)s->trials / seconds,
                           .expansions_per_s = (double)s->expansions / seconds,
                           .steps_per_s = (double)s->particle_steps / seconds,
                           .gap = s->gap_end / moves,
                           .ms = 1e3 * s->seconds / moves};
}

static void print_json(const solve_options *o, const solve_sums *s, uint32_t scenarios)
{
    const solve_figures f = figure(o, s);
    (void)printf("{\"problem\": \"%s\", \"runs\": %u, \"first\": %u, \"cpu_ms\": %u, "
                 "\"time_ms\": %u, \"seed\": %" PRIu64 ", \"threads\": %u, \"scenarios\": %u, "
                 "\"return_mean\": %.6g, \"return_stderr\": %.4g, \"undiscounted_mean\": %.6g, "
                 "\"undiscounted_stderr\": %.4g, "
                 "\"moves_mean\": %.4g, \"trials_per_s\": %.0f, \"expansions_per_s\": %.0f, "
                 "\"steps_per_s\": %.0f, \"gap_end\": %.4g, \"search_ms\": %.4g, "
                 "\"lost_beliefs\": %" PRIu64 ", \"peak_bytes\": %zu}\n",
                 o->problem, o->runs, o->first, o->cpu_ms, o->time_ms, o->seed, o->threads,
                 scenarios, f.mean, f.error, f.undiscounted, f.undiscounted_error, f.moves,
                 f.trials_per_s, f.expansions_per_s, f.steps_per_s, f.gap, f.ms, s->lost_beliefs,
                 s->peak_bytes);
}

static void print_text(const solve_options *o, const solve_sums *s, uint32_t scenarios)
{
    const solve_figures f = figure(o, s);
    (void)printf("%s: %u runs, %u scenarios\n", o->problem, o->runs, scenarios);
    (void)printf("  return              %.4g +- %.2g (standard error), undiscounted %.4g +- %.2g\n",
                 f.mean, f.error, f.undiscounted, f.undiscounted_error);
    (void)printf("  moves per run       %.4g\n", f.moves);
    (void)printf("  search per CPU s    %.0f trials, %.0f expansions, %.0f particle steps\n",
                 f.trials_per_s, f.expansions_per_s, f.steps_per_s);
    (void)printf("  search per move     %.4g ms CPU, gap at its end %.4g\n", f.ms, f.gap);
    (void)printf("  beliefs lost        %" PRIu64 "\n", s->lost_beliefs);
    (void)printf("  memory of a search  %zu bytes\n", s->peak_bytes);
}

static const cli_usage USAGE = {
    .command = "solve",
    .synopsis = "solve PROBLEM [options]",
    .summary = "The search on a standard problem: mean discounted return with its standard error.\n"
               "PROBLEM: tiger, tag, lasertag, lightdark, rocksample:7x8, rocksample:11x11,\n"
               "rocksample:15x15 or pocman.",
    .example = "hyplan solve rocksample:7x8 --runs 100 --trials 300",
    .without = CLI_NO_CONFIG | CLI_NO_OUT | CLI_NO_DATA,
};

static cli_flag count_flag(const char *name, uint32_t *target, const char *help, uint32_t max)
{
    return (cli_flag){.name = name,
                      .type = CLI_FLAG_UINT,
                      .target = target,
                      .arg = "N",
                      .help = help,
                      .min = 1,
                      .max = max};
}

static int read_options(int argc, char **argv, solve_options *o, cli_common *common)
{
    static const char *const ALGORITHMS[] = {"despot", "pomcp", NULL};
    _Static_assert(HP_ARRAY_LEN(ALGORITHMS) == POMDP_N_ALGORITHMS + 1, "one each");
    cli_texts rest;
    const cli_flag flags[] = {
        count_flag("runs", &o->runs, "episodes (100)", 10000000),
        count_flag("steps", &o->steps, "moves of an episode at most (the problem's own)", 100000),
        count_flag("trials", &o->trials, "budget of a move: trials (200)", 100000000),
        count_flag("time-ms", &o->time_ms, "budget of a move: milliseconds, not repeatable",
                   600000),
        count_flag("cpu-ms", &o->cpu_ms, "the same in milliseconds of the search's own CPU time",
                   600000),
        {.name = "first",
         .type = CLI_FLAG_UINT,
         .target = &o->first,
         .arg = "N",
         .help = "number of the first episode, to play many in shares (0)",
         .max = 100000000},
        count_flag("scenarios", &o->scenarios, "sampled futures (500)", 8192),
        count_flag("threads", &o->threads, "searches side by side for each move (1)",
                   POMDP_MAX_THREADS),
        {.name = "algorithm",
         .type = CLI_FLAG_WORD,
         .target = &o->algorithm,
         .arg = "NAME",
         .help = "despot, or pomcp, of which a trial is one simulation (despot)",
         .words = ALGORITHMS},
        {.name = NULL},
    };
    *o = (solve_options){.runs = 100, .threads = 1};
    const int status = cli_parse(&USAGE, flags, argc, argv, common, &rest);
    if (status != CLI_GO) {
        return status;
    }
    if (rest.n != 1) {
        return cli_fail(&USAGE, CLI_USAGE,
                        "which problem? one of those that hyplan solve --help names");
    }
    o->problem = rest.items[0];
    o->seed = common->seed;
    if (o->cpu_ms > 0 && (o->time_ms > 0 || o->threads > 1)) {
        return cli_fail(&USAGE, CLI_USAGE,
                        "--cpu-ms is one thread's time: leave out --time-ms and --threads");
    }
    o->trials = o->trials == 0 && o->time_ms == 0 && o->cpu_ms == 0 ? DEFAULT_TRIALS : o->trials;
    return CLI_GO;
}

int cmd_solve(int argc, char **argv)
{
    solve_options o;
    cli_common common;
    solve_sums sums;
    pomdp_problem probe;
    hp_error error = {{0}};
    const int status = read_options(argc, argv, &o, &common);
    if (status != CLI_GO) {
        return status;
    }
    if (pomdp_problem_open(o.problem, 0, &probe, &error) != HP_OK) {
        return cli_fail(&USAGE, CLI_USAGE, "%s", error.text);
    }
    const uint32_t scenarios = o.scenarios > 0 ? o.scenarios : probe.config.n_scenarios;
    pomdp_problem_close(&probe);
    const hp_status st = play_all(&o, common.jobs, &sums, &error);
    if (st != HP_OK) {
        return cli_end(&USAGE, st, &error);
    }
    (common.json ? print_json : print_text)(&o, &sums, scenarios);
    return CLI_DONE;
}
