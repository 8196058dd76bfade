#include "cli/bench_pool.h"
#include "cli/bench_report.h"
#include "cli/commands.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const cli_usage USAGE = {
    .command = "bench",
    .synopsis = "bench cts|dut [options]  or  hyplan bench merge DIR... [--out DIR]",
    .summary =
        "Plays many scenes with several planners, all on the same scenes, and compares them.",
    .example = "hyplan bench cts --planners const,aeb,despot --scenes 20 -j 2",
};

/* What a run needs while it goes on. */
typedef struct bench_run {
    cli_common common;
    cli_config config;
    cli_rundir dir;
    bench_suite suite;
    bench_book book;
    FILE *journal;
    bench_settings first, other;                       /* of former runs and of shards */
    char settings_path[CLI_PATH], rows_path[CLI_PATH]; /* theirs */
} bench_run;

static hp_status take_result(void *ctx, const bench_result *result, hp_error *error)
{
    bench_run *run = ctx;
    const hp_status status = bench_book_add(&run->book, &result->row, &result->times, error);
    if (status != HP_OK) {
        return status;
    }
    bench_row_write(&result->row, &result->times, run->journal);
    return fflush(run->journal) == 0 ? HP_OK
                                     : hp_fail(error, HP_EIO, "%s/%s: cannot write: %s",
                                               run->dir.path, BENCH_EPISODES, strerror(errno));
}

/* Reads back what an interrupted run left, if it was the same run. */
static hp_status load_former(bench_run *run, bool resume, hp_error *error)
{
    hp_error why = {{0}};
    if (!cli_rundir_path(&run->dir, "settings.json", run->settings_path) ||
        !cli_rundir_path(&run->dir, BENCH_EPISODES, run->rows_path)) {
        return hp_fail(error, HP_EINVAL, "--out: path too long");
    }
    if (access(run->settings_path, F_OK) != 0) {
        return HP_OK;
    }
    if (!resume) {
        return hp_fail(
            error, HP_EINVAL,
            "%s: holds a run already; go on with it by --resume, or choose another --out",
            run->dir.path);
    }
    hp_status status = bench_settings_read(run->settings_path, &run->other, error);
    if (status == HP_OK &&
        bench_settings_same(&run->other, &run->suite.settings, false, &why) != HP_OK) {
        return hp_fail(error, HP_EINVAL, "%s: cannot go on, %.300s (was, is)", run->dir.path,
                       why.text);
    }
    return status == HP_OK ? bench_book_load(&run->book, run->rows_path, error) : status;
}

static hp_status open_journal(bench_run *run, hp_error *error)
{
    char path[CLI_PATH];
    json_t *settings = bench_settings_json(&run->suite.settings);
    hp_status status = cli_rundir_write_json(&run->dir, "settings.json", settings, error);
    json_decref(settings);
    if (status == HP_OK) {
        /* Rewritten without what was torn, then continued line by line. */
        status = bench_book_save(&run->book, &run->dir, error);
    }
    if (status == HP_OK && cli_rundir_path(&run->dir, BENCH_EPISODES, path)) {
        run->journal = fopen(path, "a");
        if (run->journal == NULL) {
            status = hp_fail(error, HP_EIO, "%s: cannot write: %s", path, strerror(errno));
        }
    }
    return status;
}

static hp_status play(bench_run *run, hp_error *error)
{
    const bench_settings *s = &run->suite.settings;
    const uint32_t n = run->suite.n_scenes * s->n_contenders;
    bool *todo = calloc(n > 0 ? n : 1, sizeof *todo);
    if (todo == NULL) {
        return hp_fail(error, HP_ENOMEM, "out of memory");
    }
    for (uint32_t i = 0; i < n; i++) {
        const bench_scene *scene = &run->suite.scenes[i / s->n_contenders];
        todo[i] = bench_book_row(&run->book, scene->index, i % s->n_contenders) == NULL;
    }
    const bench_job job = {&run->suite, &run->config, todo, run->common.quiet};
    const hp_status status = bench_pool_run(&job, run->common.jobs, take_result, run, error);
    free(todo);
    return status;
}

/* Prints and writes the figures of a full book. */
static int report(const bench_book *book, const cli_common *common, const cli_config *config,
                  const cli_rundir *dir, hp_error *error)
{
    bench_board board;
    hp_status status = bench_board_create(book, &board);
    if (status != HP_OK) {
        return cli_fail(&USAGE, CLI_ENVIRONMENT, "%s", hp_status_text(status));
    }
    status = bench_book_save(book, dir, error);
    if (status == HP_OK) {
        status = bench_report_write(&board, dir, error);
    }
    if (common->json) {
        json_t *json = bench_report_json(&board);
        (void)json_dumpf(json, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
        (void)putchar('\n');
        json_decref(json);
    } else {
        bench_report_table(&board, stdout);
    }
    const uint32_t failures = bench_report_failures(&board, stderr);
    bench_board_destroy(&board);
    if (status == HP_OK) {
        status = cli_rundir_manifest(dir, common, config, failures == 0 ? "done" : "failed", error);
    }
    if (status != HP_OK) {
        return cli_fail(&USAGE, cli_exit_status(status), "%s", error->text);
    }
    if (!common->quiet) {
        (void)fprintf(stderr, "written to %s\n", dir->path);
    }
    return failures == 0 ? CLI_DONE : CLI_FAILED;
}

static int run_bench(const bench_request *request, bench_run *run, bool resume)
{
    hp_error error = {{0}};
    char name[32];
    if (run->config.car.budget.trials == 0) {
        run->config.car.budget.trials =
            CLI_DEFAULT_TRIALS; /* safety figures must not depend on load */
    }
    hp_status status = bench_suite_create(request, &run->common, &run->config, &run->suite, &error);
    if (status == HP_OK && run->suite.n_scenes == 0) {
        status = hp_fail(&error, HP_EINVAL, "--shard: no scene falls to this shard");
    }
    if (status == HP_OK) {
        status = bench_book_create(&run->suite.settings, &run->book);
    }
    (void)snprintf(name, sizeof name, "bench-%s", request->suite);
    if (status == HP_OK) {
        status = cli_rundir_open(&run->common, name, &run->dir, &error);
    }
    if (status == HP_OK) {
        status = load_former(run, resume, &error);
    }
    if (status == HP_OK) {
        status = cli_rundir_config(&run->dir, &run->config, &error);
    }
    if (status == HP_OK) {
        status = cli_rundir_manifest(&run->dir, &run->common, &run->config, "running", &error);
    }
    if (status == HP_OK) {
        status = open_journal(run, &error);
    }
    if (status == HP_OK) {
        status = play(run, &error);
    }
    if (status != HP_OK) {
        return cli_fail(&USAGE, cli_exit_status(status), "%s",
                        error.text[0] != '\0' ? error.text : hp_status_text(status));
    }
    return report(&run->book, &run->common, &run->config, &run->dir, &error);
}

/* Takes in one shard; the first one founds the book. */
static hp_status merge_one(const char *dir, const char *first_dir, bench_run *run, hp_error *error)
{
    hp_error why = {{0}};
    (void)snprintf(run->settings_path, CLI_PATH, "%s/settings.json", dir);
    (void)snprintf(run->rows_path, CLI_PATH, "%s/%s", dir, BENCH_EPISODES);
    hp_status status = bench_settings_read(run->settings_path, &run->other, error);
    if (status == HP_OK && run->book.rows == NULL) {
        run->first = run->other;
        run->other.shard = run->other.shards = 1;
        status = bench_book_create(&run->other, &run->book);
        run->other = run->first;
    }
    if (status == HP_OK && bench_settings_same(&run->first, &run->other, true, &why) != HP_OK) {
        return hp_fail(error, HP_EINVAL, "%.60s and %.60s are not shards of one run: %.300s",
                       first_dir, dir, why.text);
    }
    return status == HP_OK ? bench_book_load(&run->book, run->rows_path, error) : status;
}

/* Shards put together: each one's settings must match, each row may be there once. */
static int merge(const cli_texts *dirs, bench_run *run)
{
    hp_error error = {{0}};
    hp_status status = HP_OK;
    for (uint32_t i = 1; status == HP_OK && i < dirs->n; i++) {
        status = merge_one(dirs->items[i], dirs->items[1], run, &error);
    }
    if (status == HP_OK) {
        status = cli_rundir_open(&run->common, "bench-merge", &run->dir, &error);
    }
    if (status == HP_OK) {
        json_t *settings = bench_settings_json(&run->book.settings);
        status = cli_rundir_write_json(&run->dir, "settings.json", settings, &error);
        json_decref(settings);
    }
    if (status != HP_OK) {
        return cli_fail(&USAGE, cli_exit_status(status), "%s",
                        error.text[0] != '\0' ? error.text : hp_status_text(status));
    }
    return report(&run->book, &run->common, &run->config, &run->dir, &error);
}

static void run_close(bench_run *run)
{
    if (run->journal != NULL) {
        (void)fclose(run->journal);
    }
    bench_book_destroy(&run->book);
    bench_suite_destroy(&run->suite);
    free(run);
}

static int dispatch(const cli_texts *rest, bench_request *request, bench_run *run, bool resume)
{
    hp_error error = {{0}};
    const hp_status status = cli_config_load(&run->common, &run->config, &error);
    if (status != HP_OK) {
        return cli_fail(&USAGE, cli_exit_status(status), "%s", error.text);
    }
    if (rest->n > 1 && strcmp(rest->items[0], "merge") == 0) {
        return merge(rest, run);
    }
    if (rest->n != 1 ||
        (strcmp(rest->items[0], "cts") != 0 && strcmp(rest->items[0], "dut") != 0)) {
        return cli_fail(&USAGE, CLI_USAGE, "which suite? cts, dut, or merge DIR...");
    }
    if (resume && run->common.out == NULL) {
        return cli_fail(&USAGE, CLI_USAGE, "--resume needs --out DIR, the run to go on with");
    }
    request->suite = rest->items[0];
    return run_bench(request, run, resume);
}

int cmd_bench(int argc, char **argv)
{
    bench_request request = {0};
    bool resume = false;
    cli_texts rest;
    bench_run *run = calloc(1, sizeof *run);
    const cli_flag flags[] = {
        {"scenarios", 0, CLI_FLAG_TEXT, &request.scenarios, "01,03", "these scenarios only", 0, 0,
         NULL},
        {"scenes", 0, CLI_FLAG_TEXT, &request.scenes, "N|all",
         "scenes per scenario (default: cts 20, dut all; the sample of 20 lies in that of 50)", 0,
         0, NULL},
        {"grid", 0, CLI_FLAG_WORD, &request.grid, "GRID",
         "evaluation (default), validation or training", 0, 0, BENCH_GRID_WORDS},
        {"planners", 0, CLI_FLAG_TEXT, &request.planners, "A,B,C",
         "of const, stand, crawl25, aeb, cautious, despot, hyplan, hyplan:METHOD, policy", 0, 0,
         NULL},
        {"guard", 0, CLI_FLAG_WORD, &request.guard, "WHEN",
         "off (default), on, or both: planners with and without", 0, 0, BENCH_GUARD_WORDS},
        {"shard", 0, CLI_FLAG_TEXT, &request.shard, "I/N", "every N-th scene, from the I-th on", 0,
         0, NULL},
        {"resume", 0, CLI_FLAG_SWITCH, &resume, NULL, "go on with the interrupted run in --out", 0,
         0, NULL},
        {"no-oracle", 0, CLI_FLAG_SWITCH, &request.no_oracle, NULL, "leave the oracles out", 0, 0,
         NULL},
        {NULL, 0, CLI_FLAG_SWITCH, NULL, NULL, NULL, 0, 0, NULL},
    };
    if (run == NULL) {
        return CLI_ENVIRONMENT;
    }
    int status = cli_parse(&USAGE, flags, argc, argv, &run->common, &rest);
    if (status == CLI_GO) {
        status = dispatch(&rest, &request, run, resume);
    }
    run_close(run);
    return status;
}
