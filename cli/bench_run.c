#include "cli/bench_run.h"

#include "cli/bench_pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static hp_status take_result(void *ctx, const bench_result *result, hp_error *error)
{
    bench_run *run = ctx;
    const hp_status status = bench_book_add(&run->book, &result->row, &result->times, error);
    if (status != HP_OK) {
        return status;
    }
    bench_row_write(&result->row, &result->times, run->journal);
    const bool written = fflush(run->journal) == 0 && ferror(run->journal) == 0;
    return written ? HP_OK
                   : hp_fail(error, HP_EIO, "%s/%s: cannot write: %s", run->dir.path,
                             BENCH_EPISODES, strerror(errno));
}

/* Reads back what an interrupted run left, if it was the same run. */
static hp_status load_former(bench_run *run, bool resume, bool mixed, hp_error *error)
{
    bench_settings former;
    char settings_path[CLI_PATH];
    char rows_path[CLI_PATH];
    hp_error why = {{0}};
    if (!cli_rundir_path(&run->dir, "settings.json", settings_path) ||
        !cli_rundir_path(&run->dir, BENCH_EPISODES, rows_path)) {
        return hp_fail(error, HP_EINVAL, "--out: path too long");
    }
    if (access(settings_path, F_OK) != 0) {
        return HP_OK;
    }
    if (!resume) {
        return hp_fail(
            error, HP_EINVAL,
            "%s: holds a run already; go on with it by --resume, or choose another --out",
            run->dir.path);
    }
    const hp_status status = bench_settings_read(settings_path, &former, error);
    if (status != HP_OK) {
        return status;
    }
    if (bench_settings_same(&former, &run->suite.settings, false, &why) != HP_OK) {
        bench_settings_explain(run->dir.path, run->dir.path, &run->config, &why);
        return hp_fail(
            error, HP_EINVAL,
            "%.160s: cannot go on, %.240s (was, is); give the options of then, or another --out",
            run->dir.path, why.text);
    }
    if (bench_origin_join(&former.origin, &run->suite.settings.origin, NULL, mixed, &why) !=
        HP_OK) {
        return hp_fail(error, HP_EINVAL,
                       "%.160s: cannot go on, %.200s (was, is); " BENCH_APART_MEND, run->dir.path,
                       why.text);
    }
    run->suite.settings.origin = run->book.settings.origin = former.origin;
    return bench_book_load(&run->book, rows_path, error);
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

hp_status bench_run_play(const bench_request *request, bool resume, bench_run *run, hp_error *error)
{
    char name[32];
    if (run->config.car.budget.trials == 0) {
        run->config.car.budget.trials =
            CLI_DEFAULT_TRIALS; /* safety figures must not depend on load */
    }
    hp_status status = bench_suite_create(request, &run->common, &run->config, &run->suite, error);
    if (status == HP_OK && run->suite.n_scenes == 0) {
        status = hp_fail(error, HP_EINVAL, "--shard: no scene falls to this shard");
    }
    if (status == HP_OK) {
        status = bench_book_create(&run->suite.settings, &run->book);
    }
    (void)snprintf(name, sizeof name, "bench-%s", request->suite);
    if (status == HP_OK) {
        status = cli_rundir_open(&run->common, name, &run->dir, error);
    }
    if (status == HP_OK) {
        status = load_former(run, resume, request->mixed, error);
    }
    if (status == HP_OK) {
        status = cli_rundir_config(&run->dir, &run->config, error);
    }
    if (status == HP_OK) {
        status = cli_rundir_manifest(&run->dir, &run->common, &run->config, "running", error);
    }
    if (status == HP_OK) {
        status = open_journal(run, error);
    }
    return status == HP_OK ? play(run, error) : status;
}

void bench_run_close(bench_run *run)
{
    if (run->journal != NULL) {
        (void)fclose(run->journal);
    }
    bench_book_destroy(&run->book);
    bench_suite_destroy(&run->suite);
}
