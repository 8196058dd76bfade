#include "cli/bench_report.h"
#include "cli/bench_run.h"
#include "cli/commands.h"

#include <stdlib.h>
#include <string.h>

static const cli_usage USAGE = {
    .command = "bench",
    .synopsis =
        "bench cts|cts-x|icts|crowd|dut [options]  or  hyplan bench merge DIR... [--out DIR]",
    .summary =
        "Plays many scenes with several planners, all on the same scenes, and compares them.",
    .example = "hyplan bench cts --planners const,aeb,despot --scenes 20 -j 2",
};

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
    if (status == HP_OK) { /* all is there before anything is told: nobody may listen */
        status = cli_rundir_manifest(dir, common, config,
                                     bench_board_failures(&board) == 0 ? "done" : "failed", error);
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
    if (status != HP_OK) {
        return cli_end(&USAGE, status, error);
    }
    if (!common->quiet) {
        (void)fprintf(stderr, "written to %s\n", dir->path);
    }
    return failures == 0 ? CLI_DONE : CLI_FAILED;
}

static int run_bench(const bench_request *request, bench_run *run, bool resume)
{
    hp_error error = {{0}};
    const hp_status status = bench_run_play(request, resume, run, &error);
    if (status != HP_OK) {
        return cli_end(&USAGE, status, &error);
    }
    return report(&run->book, &run->common, &run->config, &run->dir, &error);
}

/* What all the runs together are: the first one's settings and everybody's planners. */
static hp_status join_settings(const cli_texts *dirs, bool mixed, bench_settings *all, bool *joined,
                               hp_error *error)
{
    hp_status status = HP_OK;
    for (uint32_t i = 1; status == HP_OK && i < dirs->n; i++) {
        bench_settings one;
        char path[CLI_PATH];
        hp_error why = {{0}};
        (void)snprintf(path, sizeof path, "%s/settings.json", dirs->items[i]);
        status = bench_settings_read(path, &one, error);
        if (status == HP_OK && i == 1) {
            *all = one;
            all->origin.n = 0; /* joined below, like all the others' */
        }
        if (status == HP_OK && bench_settings_same(all, &one, true, &why) != HP_OK) {
            bench_settings_explain(dirs->items[1], dirs->items[i], NULL, &why);
            return hp_fail(error, HP_EINVAL, "%.60s and %.60s are not parts of one run: %.300s",
                           dirs->items[1], dirs->items[i], why.text);
        }
        if (status == HP_OK &&
            bench_origin_join(&all->origin, &one.origin, dirs->items[i], mixed, &why) != HP_OK) {
            return hp_fail(error, HP_EINVAL, "cannot merge, %.280s; " BENCH_APART_MEND, why.text);
        }
        if (status == HP_OK) {
            const uint32_t before = all->n_contenders;
            status = bench_settings_join(all, &one, error);
            *joined = *joined || all->n_contenders != before || one.n_contenders != before;
        }
    }
    all->shard = all->shards = 1;
    return status;
}

static hp_status load_rows(const cli_texts *dirs, bench_book *book, hp_error *error)
{
    hp_status status = HP_OK;
    for (uint32_t i = 1; status == HP_OK && i < dirs->n; i++) {
        char path[CLI_PATH];
        (void)snprintf(path, sizeof path, "%s/%s", dirs->items[i], BENCH_EPISODES);
        status = bench_book_load(book, path, error);
    }
    return status == HP_EBUSY ? HP_EINVAL : status; /* the user named a drive twice */
}

/* Seed and configuration of the parts, which tell whoever drives a scene again what was driven. A
 * part without one that this program can read leaves the configuration as given. */
static hp_status take_config(const char *part, bench_run *run, hp_error *error)
{
    char path[CLI_PATH];
    hp_error why = {{0}};
    const cli_common theirs = {.config_files = {{path}, 1}};
    run->common.seed = run->book.settings.seed;
    (void)snprintf(path, sizeof path, "%s/config.yaml", part);
    return cli_config_load(&theirs, &run->config, &why) == HP_OK
               ? cli_rundir_config(&run->dir, &run->config, error)
               : cli_config_load(&run->common, &run->config, error);
}

/* Shards, or runs of other planners on the same scenes, put together: all other settings must
 * match, each row may be there once. */
static int merge(const cli_texts *dirs, bool mixed, bench_run *run)
{
    hp_error error = {{0}};
    bool joined = false;
    hp_status status = join_settings(dirs, mixed, &run->suite.settings, &joined, &error);
    if (status == HP_OK) {
        status = bench_book_create(&run->suite.settings, &run->book);
        run->book.joined = joined;
    }
    if (status == HP_OK) {
        status = load_rows(dirs, &run->book, &error);
    }
    if (status == HP_OK) {
        status = cli_rundir_open(&run->common, "bench-merge", &run->dir, &error);
    }
    if (status == HP_OK) {
        json_t *settings = bench_settings_json(&run->book.settings);
        status = cli_rundir_write_json(&run->dir, "settings.json", settings, &error);
        json_decref(settings);
    }
    if (status == HP_OK) {
        status = take_config(dirs->items[1], run, &error);
    }
    if (status != HP_OK) {
        return cli_end(&USAGE, status, &error);
    }
    return report(&run->book, &run->common, &run->config, &run->dir, &error);
}

/* Lists the suites, and guesses which was meant. */
static int which_suite(const cli_texts *rest)
{
    const char *names[8];
    char hint[CLI_HINT] = "";
    size_t n = 0;
    (void)fprintf(stderr, "suites:\n");
    for (const bench_family *f = BENCH_FAMILIES; f->name != NULL; f++) {
        (void)fprintf(stderr, "  %-6s %s\n", f->name, f->help);
        if (n + 1 < HP_ARRAY_LEN(names)) {
            names[n++] = f->name;
        }
    }
    names[n++] = "merge";
    if (rest->n == 0) {
        return cli_fail(&USAGE, CLI_USAGE, "which suite? one of those, or merge DIR...");
    }
    return cli_fail(&USAGE, CLI_USAGE, "there is no suite '%s'%s", rest->items[0],
                    cli_hint(rest->items[0], names, n, hint));
}

static int dispatch(const cli_texts *rest, bench_request *request, bench_run *run, bool resume)
{
    hp_error error = {{0}};
    const hp_status status = cli_config_load(&run->common, &run->config, &error);
    if (status != HP_OK) {
        return cli_end(&USAGE, status, &error);
    }
    if (rest->n > 0 && strcmp(rest->items[0], "merge") == 0) {
        return rest->n > 1 ? merge(rest, request->mixed, run)
                           : cli_fail(&USAGE, CLI_USAGE, "merge: which runs? merge DIR...");
    }
    if (rest->n == 0 || bench_family_find(rest->items[0]) == NULL) {
        return which_suite(rest);
    }
    if (rest->n > 1) {
        return cli_fail(&USAGE, CLI_USAGE, "'%s' is not expected behind '%s'", rest->items[1],
                        rest->items[0]);
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
         "scenes per scenario (default: 20, dut all; the sample of 20 lies in that of 50)", 0, 0,
         NULL},
        {"grid", 0, CLI_FLAG_WORD, &request.grid, "GRID",
         "evaluation (default), validation or training", 0, 0, BENCH_GRID_WORDS},
        {"planners", 0, CLI_FLAG_TEXT, &request.planners, "A,B,C",
         "of const, stand, crawl25, aeb, cautious, reckless, despot, despot:x10, hyplan, "
         "hyplan:METHOD, "
         "policy",
         0, 0, NULL},
        {"guard", 0, CLI_FLAG_WORD, &request.guard, "WHEN",
         "off (default), on, or both: planners with and without", 0, 0, BENCH_GUARD_WORDS},
        {"shard", 0, CLI_FLAG_TEXT, &request.shard, "I/N", "every N-th scene, from the I-th on", 0,
         0, NULL},
        {"resume", 0, CLI_FLAG_SWITCH, &resume, NULL, "go on with the interrupted run in --out", 0,
         0, NULL},
        {"mixed", 0, CLI_FLAG_SWITCH, &request.mixed, NULL,
         "resume, merge: rows of different programs, networks or scenes, too; the table says so", 0,
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
    bench_run_close(run);
    free(run);
    return status;
}
