/* hyplan train policy: the driving policy, or a classic task that proves the trainer. */
#include "cli/curves.h"
#include "cli/drive_task.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/rundir.h"
#include "cli/table.h"
#include "cli/train.h"
#include "cli/train_tasks.h"
#include "common/hp_clock.h"
#include "common/hp_crew.h"
#include "policy/envs/classic.h"
#include "policy/policy_kernel.h"
#include "policy/policy_model.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { SERIES = 6, MAX_POINTS = 100000, CHECKPOINT_EVERY = 25 };
static const char *const SERIES_NAMES[SERIES] = {"return",  "crash_share", "entropy",
                                                 "clipped", "explained",   "steps_M"};
static const char *const CHECKPOINT = "checkpoint.safetensors";
static const char *const MODEL = "policy.safetensors";
static const char *const SCENARIOS[] = {"01", "02", "03", "04", "05", "06", "07", "08", "09", "10"};

static const cli_usage USAGE = {
    .command = "train policy",
    .synopsis = "train policy [options]",
    .summary = "trains a policy by proximal policy optimisation; writes policy.safetensors",
    .example = "hyplan train policy --env cartpole --seeds 10",
    .without = CLI_NO_DATA | CLI_NO_JOBS,
};

typedef struct train_run {
    cli_config effective;
    cli_common common;
    const char *env;
    uint64_t steps;
    uint32_t seeds, threads;
    bool resume;
    const train_task *task;
    policy_ppo_config config;
    policy_task driven;
    drive_setting *setting;
    cli_rundir dir;
    double *values; /* [n_points][SERIES] */
    uint32_t n_points;
} train_run;

/** What became of one seed. */
typedef struct train_result {
    uint64_t seed, steps;
    double mean, deviation, crash_share, cpu_s;
} train_result;

static const policy_task *task_of(const train_run *run)
{
    const policy_task *classic = classic_task_find(run->task->name);
    return classic != NULL ? classic : &run->driven;
}

static policy_model model_of(const train_run *run, policy_ppo *ppo)
{
    policy_model m = {.actor = *policy_ppo_actor(ppo),
                      .critic = *policy_ppo_critic(ppo),
                      .n_heads = run->config.n_heads,
                      .n_quantiles = run->config.n_quantiles,
                      .continuous = policy_ppo_critic_at(ppo) > 0 &&
                                    classic_task_find(run->task->name) == &PENDULUM_TASK,
                      .params = policy_ppo_state_of(ppo).params};
    const policy_task *task = task_of(run);
    if (task->choices != NULL) {
        memcpy(m.choices, task->choices, task->n_actions * sizeof m.choices[0]);
    }
    return policy_model_lay_out(&m) == HP_OK ? m : (policy_model){0};
}

/** The model with what training needs to go on, or without. */
static hp_status save(const train_run *run, policy_ppo *ppo, const char *file, bool whole,
                      hp_error *error)
{
    const policy_ppo_state s = policy_ppo_state_of(ppo);
    const policy_model model = model_of(run, ppo);
    const uint64_t counts[2] = {*s.iterations, *s.updates};
    const hp_tensor more[] = {
        {"adam.m", HP_DTYPE_F32, 1, {s.n_params}, s.m},
        {"adam.v", HP_DTYPE_F32, 1, {s.n_params}, s.v},
        {"counts", HP_DTYPE_U64, 1, {2}, counts},
    };
    const hp_tensor_note notes[] = {{"task", run->task->name}, {"program", HYPLAN_VERSION}};
    const hp_tensor_list list = {more, notes, whole ? HP_ARRAY_LEN(more) : 0, HP_ARRAY_LEN(notes)};
    return policy_model_write(&model, run->dir.path, file, &list, error);
}

static hp_status load(const train_run *run, policy_ppo *ppo, hp_error *error)
{
    char path[CLI_PATH];
    hp_tensors *tensors = NULL;
    policy_model model = {0};
    const policy_ppo_state s = policy_ppo_state_of(ppo);
    const policy_model own = model_of(run, ppo);
    hp_tensor m = {"adam.m", HP_DTYPE_F32, 1, {s.n_params}, NULL};
    hp_tensor v = {"adam.v", HP_DTYPE_F32, 1, {s.n_params}, NULL};
    hp_tensor counts = {"counts", HP_DTYPE_U64, 1, {2}, NULL};
    if (!cli_rundir_path(&run->dir, CHECKPOINT, path)) {
        return hp_fail(error, HP_EINVAL, "--out: path too long");
    }
    hp_status st = hp_tensors_read(path, &tensors, error);
    st = st == HP_OK ? policy_model_take(tensors, path, &model, error) : st;
    st = st == HP_OK ? hp_tensors_get(tensors, &m, error) : st;
    st = st == HP_OK ? hp_tensors_get(tensors, &v, error) : st;
    st = st == HP_OK ? hp_tensors_get(tensors, &counts, error) : st;
    if (st == HP_OK && (memcmp(&model.actor, &own.actor, sizeof own.actor) != 0 ||
                        memcmp(&model.critic, &own.critic, sizeof own.critic) != 0 ||
                        memcmp(model.choices, own.choices, sizeof own.choices) != 0)) {
        st = hp_fail(error, HP_ECONFIG, "%s: holds another network than --env %s", path,
                     run->task->name);
    }
    if (st == HP_OK) {
        memcpy(s.params, model.params, s.n_params * sizeof *s.params);
        memcpy(s.m, m.data, s.n_params * sizeof *s.m);
        memcpy(s.v, v.data, s.n_params * sizeof *s.v);
        *s.iterations = ((const uint64_t *)counts.data)[0];
        *s.updates = ((const uint64_t *)counts.data)[1];
    }
    policy_model_destroy(&model);
    hp_tensors_destroy(&tensors);
    return st;
}

static void tell(progress *shown, const policy_ppo_stats *s)
{
    progress_show(shown, s->steps,
                  "return %.3f  length %.1f  crashes %.2f%%  entropy %.3f  clipped %.2f  "
                  "explained %.2f",
                  s->mean_return, s->mean_length, 100.0 * s->crash_share, s->entropy, s->clipped,
                  s->explained);
}

static void record(train_run *run, const policy_ppo_stats *s)
{
    if (run->n_points < MAX_POINTS) {
        const double row[SERIES] = {s->mean_return, s->crash_share, s->entropy,
                                    s->clipped,     s->explained,   1e-6 * (double)s->steps};
        memcpy(run->values + (size_t)run->n_points++ * SERIES, row, sizeof row);
    }
}

static hp_status write_curves(const train_run *run, hp_error *error)
{
    const curves c = {.title = run->task->name,
                      .x_name = "iteration",
                      .series = SERIES_NAMES,
                      .n_series = SERIES,
                      .n_points = run->n_points,
                      .values = run->values};
    return curves_write(&c, &run->dir, error);
}

/** Iterates to the end of the budget, with checkpoints on the way. */
static hp_status learn(train_run *run, policy_ppo *ppo, train_result *result, hp_error *error)
{
    const int64_t cpu_ns = hp_clock_process_cpu_ns();
    const uint64_t first = *policy_ppo_state_of(ppo).iterations;
    const uint64_t per = (uint64_t)run->config.horizon * run->config.n_envs;
    progress shown =
        progress_start(run->common.quiet, "steps", first * per, run->config.total_steps);
    policy_ppo_stats stats = {0};
    hp_status st = HP_OK;
    run->n_points = 0;
    for (uint64_t i = first + 1; st == HP_OK && !policy_ppo_done(ppo); i++) {
        if (policy_ppo_iterate(ppo, &stats) != HP_OK) {
            return hp_fail(error, HP_EIO,
                           "the numbers are no longer finite after %" PRIu64
                           " steps; a lower learning rate or another seed may help",
                           stats.steps);
        }
        record(run, &stats);
        tell(&shown, &stats);
        if (i % CHECKPOINT_EVERY == 0 && run->seeds == 1) {
            st = save(run, ppo, CHECKPOINT, true, error);
        }
    }
    result->cpu_s = 1e-9 * (double)(hp_clock_process_cpu_ns() - cpu_ns);
    result->steps = stats.steps - first * per;
    progress_end(&shown);
    if (st == HP_OK) {
        st = save(run, ppo, CHECKPOINT, true, error);
    }
    return st == HP_OK ? save(run, ppo, MODEL, false, error) : st;
}

static hp_status judge(const train_run *run, policy_ppo *ppo, train_result *result, hp_error *error)
{
    const uint32_t n = run->task->eval_episodes;
    double *returns = calloc(n, sizeof *returns);
    uint32_t crashes = 0;
    double squares = 0.0;
    if (returns == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory for the returns");
    }
    policy_ppo_evaluate(ppo, result->seed + 1000003, n, returns, &crashes);
    for (uint32_t i = 0; i < n; i++) {
        result->mean += returns[i] / n;
    }
    for (uint32_t i = 0; i < n; i++) {
        squares += (returns[i] - result->mean) * (returns[i] - result->mean);
    }
    result->deviation = n > 1 ? sqrt(squares / (n - 1)) : 0.0;
    result->crash_share = (double)crashes / n;
    free(returns);
    return HP_OK;
}

static hp_status train_one(train_run *run, uint64_t seed, train_result *result, hp_error *error)
{
    policy_ppo *ppo = NULL;
    *result = (train_result){.seed = seed};
    hp_status st = policy_ppo_create(&run->config, task_of(run), seed, &ppo, error);
    if (st == HP_OK && run->resume) {
        st = load(run, ppo, error);
    }
    if (st == HP_OK) {
        st = learn(run, ppo, result, error);
    }
    if (st == HP_OK) {
        st = write_curves(run, error);
    }
    if (st == HP_OK) {
        st = judge(run, ppo, result, error);
    }
    policy_ppo_destroy(&ppo);
    return st;
}

static bool reached(const train_run *run, const train_result *r)
{
    return !(r->mean < run->task->demand);
}

static void print_table(const train_run *run, const train_result *results)
{
    static const char *const HEAD[] = {"seed",    "steps", "return",  "deviation",
                                       "crashes", "CPU s", "steps/s", "reached"};
    table t;
    table_init(&t, HP_ARRAY_LEN(HEAD));
    for (size_t i = 0; i < HP_ARRAY_LEN(HEAD); i++) {
        table_cell(&t, "%s", HEAD[i]);
    }
    for (uint32_t i = 0; i < run->seeds; i++) {
        const train_result *r = &results[i];
        table_cell(&t, "%" PRIu64, r->seed);
        table_cell(&t, "%" PRIu64, r->steps);
        table_cell(&t, "%.2f", r->mean);
        table_cell(&t, "%.2f", r->deviation);
        table_cell(&t, "%.1f%%", 100.0 * r->crash_share);
        table_cell(&t, "%.2f", r->cpu_s);
        table_cell(&t, "%.0f", (double)r->steps / fmax(r->cpu_s, 1e-6));
        table_cell(&t, "%s", reached(run, r) ? "yes" : "no");
    }
    table_print(&t, stdout);
    table_free(&t);
    (void)printf("%u greedy episodes each; OpenBLAS kernels %s, own kernels %s\n",
                 run->task->eval_episodes, hp_linalg_kernels(), policy_kernel_best()->name);
}

static void print_json(const train_run *run, const train_result *results)
{
    json_t *rows = json_array();
    for (uint32_t i = 0; i < run->seeds; i++) {
        const train_result *r = &results[i];
        json_array_append_new(
            rows,
            json_pack("{s:I, s:I, s:o, s:o, s:o, s:o, s:b}", "seed", (json_int_t)r->seed, "steps",
                      (json_int_t)r->steps, "return", cli_json_real(r->mean), "deviation",
                      cli_json_real(r->deviation), "crash_share", cli_json_real(r->crash_share),
                      "cpu_s", cli_json_real(r->cpu_s), "reached", reached(run, r) ? 1 : 0));
    }
    json_t *all = json_pack("{s:s, s:o, s:s, s:s, s:o}", "task", run->task->name, "demand",
                            cli_json_real(run->task->demand), "blas", hp_linalg_kernels(), "kernel",
                            policy_kernel_best()->name, "seeds", rows);
    (void)json_dumpf(all, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    (void)putchar('\n');
    json_decref(all);
}

static hp_status open_driving(train_run *run, const cli_config *config, hp_error *error)
{
    run->setting = calloc(1, sizeof *run->setting);
    if (run->setting == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory for the scenarios");
    }
    run->setting->varied = true;
    run->setting->encoder = (policy_encoder)config->policy.encoder;
    const hp_status st = drive_setting_load(config, SCENARIOS, HP_ARRAY_LEN(SCENARIOS),
                                            SIM_GRID_TRAINING, run->setting, error);
    run->driven = drive_task_of(run->setting);
    return st == HP_OK ? drive_setting_find_critical(run->setting, error) : st;
}

static int train_all(train_run *run, hp_error *error)
{
    uint32_t good = 0;
    train_result *results = calloc(run->seeds, sizeof *results);
    run->values = calloc((size_t)MAX_POINTS * SERIES, sizeof *run->values);
    hp_status st = results != NULL && run->values != NULL ? HP_OK : HP_ENOMEM;
    st = st == HP_OK ? cli_config_load(&run->common, &run->effective, error) : st;
    st = st == HP_OK ? cli_rundir_open(&run->common, "train-policy", &run->dir, error) : st;
    if (st == HP_OK && task_of(run) == &run->driven) { /* plays every scene once */
        st = open_driving(run, &run->effective, error);
    }
    for (uint32_t i = 0; st == HP_OK && i < run->seeds; i++) {
        st = train_one(run, run->common.seed + i, &results[i], error);
        good += st == HP_OK && reached(run, &results[i]) ? 1 : 0;
    }
    const bool passed = st == HP_OK && 10 * good >= 9 * run->seeds;
    if (st == HP_OK) {
        (run->common.json ? print_json : print_table)(run, results);
        st = cli_rundir_manifest(&run->dir, &run->common, &run->effective,
                                 passed ? "done" : "failed", error);
    }
    free(results);
    if (st != HP_OK) {
        return cli_end(&USAGE, st, error);
    }
    if (!run->common.quiet) {
        (void)fprintf(stderr, "written to %s\n", run->dir.path);
    }
    return passed ? CLI_DONE : CLI_FAILED;
}

static int find_task(train_run *run)
{
    const train_task *t = TRAIN_TASKS;
    while (t->name != NULL && strcmp(t->name, run->env) != 0) {
        t++;
    }
    if (t->name == NULL) {
        (void)cli_fail(&USAGE, CLI_USAGE, "--env: there is no task '%s'; there are", run->env);
        for (t = TRAIN_TASKS; t->name != NULL; t++) {
            (void)fprintf(stderr, "  %-10s %s\n", t->name, t->help);
        }
        return CLI_USAGE;
    }
    run->task = t;
    run->config = t->config;
    run->config.n_threads = run->threads;
    run->config.total_steps = run->steps > 0 ? run->steps : t->config.total_steps;
    return CLI_GO;
}

int train_policy(int argc, char **argv)
{
    hp_error error = {{0}};
    train_run *run = calloc(1, sizeof *run);
    if (run == NULL) {
        return CLI_ENVIRONMENT;
    }
    run->env = TRAIN_TASKS[0].name;
    run->seeds = 1;
    run->threads = 1;
    const cli_flag flags[] = {
        {"env", 0, CLI_FLAG_TEXT, &run->env, "TASK",
         "driving (default), cartpole, acrobot, pendulum", 0, 0, NULL},
        {"steps", 0, CLI_FLAG_UINT64, &run->steps, "N", "budget of steps (each task has its own)",
         0, 0, NULL},
        {"seeds", 0, CLI_FLAG_UINT, &run->seeds, "N",
         "trainings, with seeds from --seed on; nine in ten must reach the task's mark", 1, 1000,
         NULL},
        {"threads", 0, CLI_FLAG_UINT, &run->threads, "N",
         "threads that play (1); the outcome does not depend on it", 1, HP_CREW_MAX_THREADS, NULL},
        {"resume", 0, CLI_FLAG_SWITCH, &run->resume, NULL, "go on with the checkpoint in --out", 0,
         0, NULL},
        {NULL, 0, CLI_FLAG_SWITCH, NULL, NULL, NULL, 0, 0, NULL},
    };
    int status = cli_parse(&USAGE, flags, argc, argv, &run->common, NULL);
    if (status == CLI_GO && run->resume && (run->common.out == NULL || run->seeds > 1)) {
        status = cli_fail(&USAGE, CLI_USAGE, "--resume needs --out DIR and a single seed");
    }
    if (status == CLI_GO) {
        status = find_task(run);
    }
    if (status == CLI_GO) {
        status = train_all(run, &error);
    }
    free(run->setting);
    free(run->values);
    free(run);
    return status;
}
