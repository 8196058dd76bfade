/* hyplan tune: many configurations on the same scenes, and which to take. */
#include "cli/bench_run.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "cli/tune_result.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const cli_usage USAGE = {
    .command = "tune",
    .synopsis = "tune SUITE --vary KEY=LO..HI [--vary KEY=A|B|C ...] [options]",
    .summary =
        "Tries configurations on the same scenes with the same random numbers, and shows safety\n"
        "against time: which points nobody beats, and the fastest that is no less safe than the\n"
        "configuration as given. LO..HI:log is even in proportions, LO..HI:int takes whole "
        "numbers.",
    .example = "hyplan tune cts --vary 'pomdp.xi=0.5..0.99' --vary 'pomdp.scenarios=100..500:int' "
               "--random 20 --scenes 10 -j 2",
};

enum { MOST_POINTS = 1000 };

typedef struct tune_options {
    bench_request request;
    cli_texts varies;
    uint32_t steps, random; /* random: so many drawn points instead of the sweep */
    bool resume;
    tune_space space;
} tune_options;

static void choose_point(const tune_options *o, uint64_t seed, uint32_t i, tune_result *r)
{
    if (i == 0) {
        (void)snprintf(r->name, sizeof r->name, "as configured");
        return;
    }
    (void)snprintf(r->name, sizeof r->name, "point %u", i);
    if (o->random > 0) {
        tune_space_draw(&o->space, seed, i - 1, &r->point);
    } else {
        tune_space_sweep(&o->space, i - 1, &r->point);
    }
}

/* The options as given, and the point's keys over them. */
static void add_sets(const tune_options *o, const tune_result *result, cli_common *with)
{
    for (uint32_t k = 0; k < o->space.n_axes && result->point.sets[k][0] != '\0'; k++) {
        with->sets.items[with->sets.n++] = result->point.sets[k];
    }
}

/* Each point must be a configuration, before the first one is played. */
static hp_status check_points(const tune_options *o, const cli_common *common, tuning *t,
                              hp_error *error)
{
    cli_config *config = malloc(sizeof *config);
    hp_status status = config != NULL ? HP_OK : hp_fail(error, HP_ENOMEM, "out of memory");
    for (uint32_t i = 0; status == HP_OK && i < t->n; i++) {
        cli_common with = *common;
        choose_point(o, common->seed, i, &t->results[i]);
        add_sets(o, &t->results[i], &with);
        status = cli_config_load(&with, config, error);
    }
    free(config);
    return status;
}

/* Plays one point into its own directory below the tuning's. */
static hp_status play_point(const tune_options *o, const cli_common *common, const cli_rundir *dir,
                            uint32_t i, tune_result *result, hp_error *error)
{
    char path[CLI_PATH];
    char name[32];
    bench_board board;
    bench_run *run = calloc(1, sizeof *run);
    (void)snprintf(name, sizeof name, "point-%03u", i);
    if (run == NULL || !cli_rundir_path(dir, name, path)) {
        free(run);
        return hp_fail(error, HP_ENOMEM, "out of memory, or --out is too long");
    }
    run->common = *common;
    run->common.out = path;
    run->common.quiet = true;
    add_sets(o, result, &run->common);
    hp_status status = cli_config_load(&run->common, &run->config, error);
    if (status == HP_OK) {
        status = bench_run_play(&o->request, o->resume, run, error);
    }
    if (status == HP_OK && (status = bench_board_create(&run->book, &board)) == HP_OK) {
        tune_result_take(&board, o->request.planners, result);
        bench_board_destroy(&board);
        status = cli_rundir_manifest(&run->dir, &run->common, &run->config, "done", error);
    }
    bench_run_close(run);
    free(run);
    return status;
}

static void tell(const tuning *t, uint32_t i, progress *shown)
{
    const tune_result *r = &t->results[i];
    char sets[TUNE_MAX_AXES * (TUNE_SET + 2)] = "as configured";
    for (uint32_t k = 0, len = 0; k < t->space->n_axes && r->point.sets[k][0] != '\0'; k++) {
        len += (uint32_t)snprintf(sets + len, sizeof sets - len, "%s%s", k > 0 ? "  " : "",
                                  r->point.sets[k]);
    }
    progress_keep(shown, i + 1,
                  "crash %4.1f %%  with near misses %4.1f %%  arrival %5.1f %%  p99 %7.2f ms  %s",
                  100.0 * bench_rate(r->crashes, r->scenes),
                  100.0 * bench_rate(r->unclean, r->scenes),
                  100.0 * bench_rate(r->arrivals, r->scenes), r->p99_ms, sets);
}

typedef void (*writer)(const tuning *t, FILE *out);

static void curve(const tuning *t, FILE *out)
{
    (void)tuning_curve_svg(t, out);
}

static hp_status write_text(const cli_rundir *dir, const char *file, writer write, const tuning *t,
                            hp_error *error)
{
    cli_draft draft;
    const hp_status status = cli_draft_open(&draft, error);
    if (status != HP_OK) {
        return status;
    }
    write(t, draft.out);
    return cli_draft_write(&draft, dir, file, error);
}

/* The whole configuration of the chosen point, to be used by --config. */
static hp_status write_choice(const cli_common *common, const cli_rundir *dir, const tuning *t,
                              hp_error *error)
{
    const tune_result *r = &t->results[t->chosen];
    cli_common with = *common;
    cli_config *config = malloc(sizeof *config);
    if (config == NULL) {
        return HP_ENOMEM;
    }
    for (uint32_t k = 0; k < t->space->n_axes && r->point.sets[k][0] != '\0'; k++) {
        with.sets.items[with.sets.n++] = r->point.sets[k];
    }
    hp_status status = cli_config_load(&with, config, error);
    char *text = status == HP_OK ? cli_config_text(config, true) : NULL;
    if (text != NULL) {
        status = cli_rundir_write(dir, "chosen.yaml", text, strlen(text), error);
    }
    free(text);
    free(config);
    return status;
}

static hp_status write_all(const cli_common *common, const cli_rundir *dir, const tuning *t,
                           hp_error *error)
{
    json_t *json = tuning_json(t);
    hp_status status =
        json == NULL ? HP_ENOMEM : cli_rundir_write_json(dir, "tune.json", json, error);
    json_decref(json);
    static const struct {
        const char *file;
        writer write;
    } FILES[] = {{"tune.csv", tuning_csv},
                 {"table.txt", tuning_table},
                 {"front.svg", tuning_svg},
                 {"curve.svg", curve}};
    for (size_t i = 0; status == HP_OK && i < HP_ARRAY_LEN(FILES); i++) {
        status = write_text(dir, FILES[i].file, FILES[i].write, t, error);
    }
    return status == HP_OK ? write_choice(common, dir, t, error) : status;
}

static int run_tuning(const tune_options *o, const cli_common *common, tuning *t)
{
    hp_error error = {{0}};
    cli_rundir dir;
    progress shown = progress_start(common->quiet, "points", 0, t->n);
    hp_status status = check_points(o, common, t, &error);
    if (status == HP_OK) {
        status = cli_rundir_open(common, "tune", &dir, &error);
    }
    for (uint32_t i = 0; status == HP_OK && i < t->n; i++) {
        status = play_point(o, common, &dir, i, &t->results[i], &error);
        if (status == HP_OK) {
            tell(t, i, &shown);
        }
    }
    if (status == HP_OK) {
        tuning_judge(t);
        status = write_all(common, &dir, t, &error);
    }
    if (status != HP_OK) {
        return cli_end(&USAGE, status, &error);
    }
    if (common->json) {
        json_t *json = tuning_json(t);
        (void)json_dumpf(json, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
        (void)putchar('\n');
        json_decref(json);
    } else {
        tuning_table(t, stdout);
    }
    if (!common->quiet) {
        (void)fprintf(stderr, "written to %s; the choice: %s/chosen.yaml\n", dir.path, dir.path);
    }
    return CLI_DONE;
}

static int tune(tune_options *o, const cli_common *common, const cli_texts *rest)
{
    hp_error error = {{0}};
    if (rest->n != 1 || bench_family_find(rest->items[0]) == NULL) {
        return cli_fail(&USAGE, CLI_USAGE, "which suite? cts, cts-x, icts, crowd or dut");
    }
    if (common->sets.n + TUNE_MAX_AXES > CLI_MAX_TEXTS) {
        return cli_fail(&USAGE, CLI_USAGE, "--set: too many");
    }
    if (driver_kind_find(o->request.planners) == NULL) {
        return cli_end(&USAGE, driver_kind_refuse("--planner", o->request.planners, &error),
                       &error);
    }
    if (strcmp(o->request.planners, "const") == 0) {
        return cli_fail(&USAGE, CLI_USAGE, "--planner: there is nothing to tune in 'const'");
    }
    if (o->request.guard == BENCH_GUARD_BOTH) {
        return cli_fail(&USAGE, CLI_USAGE, "--guard: off or on; a tuning has one planner");
    }
    if (o->resume && common->out == NULL) {
        return cli_fail(&USAGE, CLI_USAGE, "--resume needs --out DIR, the tuning to go on with");
    }
    o->request.suite = rest->items[0];
    if (tune_space_parse(&o->varies, o->steps, &o->space, &error) != HP_OK) {
        return cli_fail(&USAGE, CLI_USAGE, "%s", error.text);
    }
    const bool recorded = bench_family_find(o->request.suite)->folder == NULL;
    const uint64_t n = o->random > 0 ? o->random : tune_space_sweep_size(&o->space);
    if (n > MOST_POINTS) {
        return cli_fail(&USAGE, CLI_USAGE,
                        "the sweep has %" PRIu64
                        " points, more than %d: fewer --steps, or --random N",
                        n, MOST_POINTS);
    }
    tuning t = {.space = &o->space,
                .planner = o->request.planners,
                .suite = o->request.suite,
                .grid = recorded ? BENCH_RECORDED : BENCH_GRID_WORDS[o->request.grid],
                .n = (uint32_t)n + 1};
    t.results = calloc(t.n, sizeof *t.results);
    if (t.results == NULL) {
        return cli_fail(&USAGE, CLI_ENVIRONMENT, "out of memory");
    }
    const int status = run_tuning(o, common, &t);
    free(t.results);
    return status;
}

int cmd_tune(int argc, char **argv)
{
    tune_options *o = calloc(1, sizeof *o); /* large for the stack */
    if (o == NULL) {
        return CLI_ENVIRONMENT;
    }
    o->request =
        (bench_request){.planners = "despot", .grid = SIM_GRID_VALIDATION, .no_oracle = true};
    o->steps = 5;
    cli_common common;
    cli_texts rest;
    const cli_flag flags[] = {
        {"vary", 0, CLI_FLAG_TEXTS, &o->varies, "KEY=VALUES", "a key of the configuration", 0, 0,
         NULL},
        {"steps", 0, CLI_FLAG_UINT, &o->steps, "N", "points of a range in the sweep (default: 5)",
         1, 100, NULL},
        {"random", 0, CLI_FLAG_UINT, &o->random, "N", "so many points drawn by --seed, no sweep", 1,
         MOST_POINTS, NULL},
        {"planner", 0, CLI_FLAG_TEXT, &o->request.planners, "NAME", "who drives (default: despot)",
         0, 0, NULL},
        {"scenarios", 0, CLI_FLAG_TEXT, &o->request.scenarios, "01,03", "these scenarios only", 0,
         0, NULL},
        {"scenes", 0, CLI_FLAG_TEXT, &o->request.scenes, "N|all",
         "scenes per scenario (default: 20)", 0, 0, NULL},
        {"grid", 0, CLI_FLAG_WORD, &o->request.grid, "GRID",
         "validation (default), training, or evaluation: not for choosing by", 0, 0,
         BENCH_GRID_WORDS},
        {"guard", 0, CLI_FLAG_WORD, &o->request.guard, "WHEN", "off (default) or on", 0, 0,
         BENCH_GUARD_WORDS},
        {"resume", 0, CLI_FLAG_SWITCH, &o->resume, NULL,
         "go on with the interrupted tuning in --out", 0, 0, NULL},
        {NULL, 0, CLI_FLAG_SWITCH, NULL, NULL, NULL, 0, 0, NULL},
    };
    int status = cli_parse(&USAGE, flags, argc, argv, &common, &rest);
    if (status == CLI_GO) {
        status = tune(o, &common, &rest);
    }
    free(o);
    return status;
}
