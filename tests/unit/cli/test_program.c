/* The program as users run it: exit statuses, and benchmarks that are the same however they ran. */
#include "cli/bench_row.h"
#include "cli/options.h"
#include "tests/support/hp_test.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Two scenes of 01 and 03 with three drivers; few trials, so that the search is quick. */
#define SMALL_RUN                                                                                  \
    "bench cts --scenarios 01,03 --scenes 2 --grid validation --planners const,aeb,despot "        \
    "--set pomdp.budget.trials=5 --set pomdp.scenarios=20 -q"

static char *fresh_place(void)
{
    char *place = strdup("/tmp/hyplan-test-XXXXXX");
    assert_non_null(place);
    assert_non_null(mkdtemp(place));
    return place;
}

/* Runs `hyplan ARGS` in the source tree, output dropped; returns the exit status. */
static int hyplan(const char *args)
{
    char line[2048];
    (void)snprintf(line, sizeof line, "%s %s >/dev/null 2>&1", HYPLAN_PROGRAM, args);
    const int status = system(line); /* NOLINT(cert-env33-c): the test's own words */
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int run_into(const char *dir, const char *more)
{
    char args[1024];
    (void)snprintf(args, sizeof args, "%s --out %s %s", SMALL_RUN, dir, more);
    return hyplan(args);
}

/* The rows of a run but for their times, as one text. */
static char *rows_of(const char *dir)
{
    static bench_row row;
    static bench_times times;
    static bench_times none;
    char path[CLI_PATH];
    char *text = NULL;
    size_t size = 0;
    char *line = NULL;
    size_t cap = 0;
    (void)snprintf(path, sizeof path, "%s/episodes.csv", dir);
    FILE *in = fopen(path, "r");
    FILE *out = open_memstream(&text, &size);
    assert_non_null(in);
    assert_true(getline(&line, &cap, in) > 0); /* the heading */
    for (ssize_t n = 0; (n = getline(&line, &cap, in)) > 0;) {
        line[n - 1] = '\0';
        assert_int_equal(bench_row_read(line, &row, &times, NULL), HP_OK);
        bench_row_write(&row, &none, out);
    }
    (void)fclose(in);
    assert_int_equal(fclose(out), 0);
    free(line);
    return text;
}

static void drop_times(json_t *json)
{
    const char *key = NULL;
    json_t *value = NULL;
    (void)json_object_del(json, "decision_ms");
    (void)json_object_del(json, "search_ms");
    json_object_foreach(json, key, value)
    {
        drop_times(value);
    }
}

static json_t *summary_of(const char *dir)
{
    char path[CLI_PATH];
    (void)snprintf(path, sizeof path, "%s/summary.json", dir);
    json_t *json = json_load_file(path, 0, NULL);
    assert_non_null(json);
    drop_times(json);
    return json;
}

static void assert_same_runs(const char *a, const char *b)
{
    char *rows_a = rows_of(a);
    char *rows_b = rows_of(b);
    json_t *json_a = summary_of(a);
    json_t *json_b = summary_of(b);
    assert_string_equal(rows_a, rows_b);
    assert_true(json_equal(json_a, json_b));
    json_decref(json_a);
    json_decref(json_b);
    free(rows_a);
    free(rows_b);
}

static void remove_place(char *place)
{
    char line[128];
    assert_int_equal(strncmp(place, "/tmp/hyplan-test-", 17), 0);
    (void)snprintf(line, sizeof line, "rm -r %s", place);
    assert_int_equal(system(line), 0); /* NOLINT(cert-env33-c): the test's own directory */
    free(place);
}

static void test_exit_statuses_tell_what_happened(void **state)
{
    static const struct {
        const char *args;
        int status;
    } CASES[] = {
        {"", CLI_USAGE},
        {"--help", CLI_DONE},
        {"--version", CLI_DONE},
        {"bnch", CLI_USAGE},
        {"bench --help", CLI_DONE},
        {"bench", CLI_USAGE},
        {"bench tsc", CLI_USAGE},
        {"bench cts --scenes 0", CLI_USAGE},
        {"bench cts --scenarios 99", CLI_USAGE},
        {"bench cts --scenarios 01,01", CLI_USAGE},
        {"bench cts --planners nobody", CLI_USAGE},
        {"bench cts --shard 3/2", CLI_USAGE},
        {"bench cts --shard 0/2", CLI_USAGE},
        {"bench cts --grid moon", CLI_USAGE},
        {"bench cts --resume", CLI_USAGE},
        {"bench cts --set a.b=1", CLI_USAGE},
        {"bench dut --data-dir /nowhere", CLI_ENVIRONMENT},
        {"bench merge /nowhere", CLI_ENVIRONMENT},
        {"train", CLI_USAGE},
        {"train --help", CLI_DONE},
        {"train polcy", CLI_USAGE},
        {"eval -h", CLI_DONE},
        {"eval nothing", CLI_USAGE},
        {"eval policy nothing", CLI_USAGE},
        {"eval prune nothing", CLI_USAGE},
        {"calibrate prune nothing", CLI_USAGE},
        {"tune", CLI_USAGE},
        {"tune cts", CLI_USAGE},
        {"tune cts --vary pomdp.xi", CLI_USAGE},
        {"tune cts --vary pomdp.xi=0.5..0.9 --planner nobody", CLI_USAGE},
        {"tune cts --vary pomdp.xii=0.5..0.9 --scenes 1 --out /tmp/x/y", CLI_USAGE},
        {"config check config/hyplan.yaml", CLI_DONE},
        {"config check /nowhere.yaml", CLI_ENVIRONMENT},
        {"config diff config/hyplan.yaml config/hyplan.yaml", CLI_DONE},
        {"config", CLI_USAGE},
        {"config show --comments", CLI_DONE},
        {"scenario ls", CLI_DONE},
        {"scenario show cts/03", CLI_DONE},
        {"scenario show cts/99", CLI_USAGE},
        {"scenario show ../config/hyplan", CLI_USAGE},
        {"doctor", CLI_DONE},
        {"doctor please", CLI_USAGE},
        {"replay", CLI_USAGE},
        {"replay /nowhere", CLI_ENVIRONMENT},
        {"replay /nowhere --planner nobody", CLI_USAGE},
    };
    (void)state;
    for (size_t i = 0; i < HP_ARRAY_LEN(CASES); i++) {
        const int status = hyplan(CASES[i].args);
        if (status != CASES[i].status) {
            print_error("hyplan %s: %d, wanted %d\n", CASES[i].args, status, CASES[i].status);
            fail();
        }
    }
}

static void test_two_workers_give_what_one_gives(void **state)
{
    char *one = fresh_place();
    char *two = fresh_place();
    (void)state;
    assert_int_equal(run_into(one, "-j 1"), CLI_DONE);
    assert_int_equal(run_into(two, "-j 2"), CLI_DONE);
    assert_same_runs(one, two);
    remove_place(one);
    remove_place(two);
}

/* Cuts a finished run's rows in the middle of one, as an interruption would. */
static void tear(const char *dir)
{
    char path[CLI_PATH];
    char *text = NULL;
    size_t cap = 0;
    (void)snprintf(path, sizeof path, "%s/episodes.csv", dir);
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    assert_true(getdelim(&text, &cap, '\0', in) > 0);
    (void)fclose(in);
    assert_int_equal(truncate(path, (off_t)(strlen(text) * 6 / 10)), 0);
    free(text);
}

static void test_resumed_run_equals_an_uninterrupted_one(void **state)
{
    char *whole = fresh_place();
    char *torn = fresh_place();
    (void)state;
    assert_int_equal(run_into(whole, ""), CLI_DONE);
    assert_int_equal(run_into(torn, ""), CLI_DONE);
    tear(torn);
    assert_int_equal(run_into(torn, ""), CLI_USAGE);                  /* not without being asked */
    assert_int_equal(run_into(torn, "--resume --seed 2"), CLI_USAGE); /* not another run */
    assert_int_equal(run_into(torn, "--resume"), CLI_DONE);
    assert_same_runs(whole, torn);
    remove_place(whole);
    remove_place(torn);
}

/* The text of one of a run's files. */
static char *file_of(const char *dir, const char *name)
{
    char path[CLI_PATH];
    char *text = NULL;
    size_t cap = 0;
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    assert_true(getdelim(&text, &cap, '\0', in) > 0);
    (void)fclose(in);
    return text;
}

/* Both tell whoever plays a scene again the same. */
static void assert_same_settings(const char *a, const char *b)
{
    static const char *const KEYS[] = {"seed", "config", "config_hash", "verdict"};
    char *yaml_a = file_of(a, "config.yaml");
    char *yaml_b = file_of(b, "config.yaml");
    char *text_a = file_of(a, "manifest.json");
    char *text_b = file_of(b, "manifest.json");
    json_t *json_a = json_loads(text_a, 0, NULL);
    json_t *json_b = json_loads(text_b, 0, NULL);
    assert_string_equal(yaml_a, yaml_b);
    for (size_t i = 0; i < HP_ARRAY_LEN(KEYS); i++) {
        assert_non_null(json_object_get(json_a, KEYS[i]));
        assert_true(json_equal(json_object_get(json_a, KEYS[i]), json_object_get(json_b, KEYS[i])));
    }
    json_decref(json_a);
    json_decref(json_b);
    free(yaml_a);
    free(yaml_b);
    free(text_a);
    free(text_b);
}

static void test_merged_shards_equal_the_whole(void **state)
{
    char *whole = fresh_place();
    char *first = fresh_place();
    char *second = fresh_place();
    char *merged = fresh_place();
    char args[512];
    (void)state;
    assert_int_equal(run_into(whole, "--seed 7"), CLI_DONE);
    assert_int_equal(run_into(first, "--seed 7 --shard 1/2"), CLI_DONE);
    assert_int_equal(run_into(second, "--seed 7 --shard 2/2"), CLI_DONE);
    (void)snprintf(args, sizeof args, "bench merge %s %s --out %s", first, second, merged);
    assert_int_equal(hyplan(args), CLI_DONE);
    assert_same_runs(whole, merged);
    assert_same_settings(whole, merged);
    (void)snprintf(args, sizeof args, "bench merge %s --out %s/half", first, merged);
    assert_int_equal(hyplan(args), CLI_FAILED); /* half of the scenes are missing */
    (void)snprintf(args, sizeof args, "bench merge %s %s --out %s/bad", first, whole, merged);
    assert_int_equal(hyplan(args), CLI_USAGE); /* no shards of one run */
    remove_place(whole);
    remove_place(first);
    remove_place(second);
    remove_place(merged);
}

static void test_merged_planners_equal_one_run_with_both(void **state)
{
    char *both = fresh_place();
    char *first = fresh_place();
    char *second = fresh_place();
    char *merged = fresh_place();
    char args[512];
    (void)state;
    assert_int_equal(run_into(both, "--planners aeb,crawl25"), CLI_DONE);
    assert_int_equal(run_into(first, "--planners aeb"), CLI_DONE);
    assert_int_equal(run_into(second, "--planners crawl25 --shard 1/2"), CLI_DONE);
    (void)snprintf(args, sizeof args, "bench merge %s %s --out %s", first, second, merged);
    assert_int_equal(hyplan(args), CLI_FAILED); /* half of crawl25's drives are missing */
    remove_place(second);
    remove_place(merged);
    second = fresh_place();
    merged = fresh_place();
    assert_int_equal(run_into(second, "--planners crawl25"), CLI_DONE);
    (void)snprintf(args, sizeof args, "bench merge %s %s --out %s", first, second, merged);
    assert_int_equal(hyplan(args), CLI_DONE);
    assert_same_runs(both, merged);
    remove_place(both);
    remove_place(first);
    remove_place(second);
    remove_place(merged);
}

/* What was measured of the point whose line begins with `start`: the line without its last two
 * columns, which compare the point with the others' times and so may change with them. */
static size_t measured(const char *csv, const char *start, const char **line)
{
    *line = strstr(csv, start);
    assert_non_null(*line);
    size_t n = strcspn(*line + 1, "\n") + 1;
    for (int columns = 2; columns > 0 && n > 0; n--) {
        columns -= (*line)[n - 1] == ',';
    }
    return n;
}

static void test_tuning_chooses_and_goes_on_after_an_interruption(void **state)
{
    char *place = fresh_place();
    char args[1024];
    char row[CLI_PATH];
    (void)state;
    (void)snprintf(
        args, sizeof args,
        "tune cts --scenarios 01 --scenes 2 --vary pomdp.rollout_depth=5..20:int --steps "
        "2 --set pomdp.budget.trials=5 --set pomdp.scenarios=20 -q --out %s/t",
        place);
    assert_int_equal(hyplan(args), CLI_DONE);
    (void)snprintf(row, sizeof row, "%s/t", place);
    char *first = file_of(row, "tune.csv");
    char *chosen = file_of(row, "chosen.yaml");
    assert_non_null(strstr(first, "pomdp.rollout_depth,"));
    assert_non_null(strstr(first, "\n2,20,2,"));
    assert_non_null(strstr(chosen, "rollout_depth: "));
    assert_int_equal(hyplan(args), CLI_USAGE); /* there is a tuning already */
    (void)snprintf(row, sizeof row, "%s/t/point-002", place);
    tear(row);
    (void)snprintf(row, sizeof row, "%s/t", place);
    (void)strcat(args, " --resume");
    assert_int_equal(hyplan(args), CLI_DONE);
    char *again = file_of(row, "tune.csv");
    static const char *const KEPT[] = {"\n0,", "\n1,"}; /* these keep even their times */
    for (size_t i = 0; i < HP_ARRAY_LEN(KEPT); i++) {
        const char *before;
        const char *after;
        const size_t n = measured(first, KEPT[i], &before);
        assert_int_equal(measured(again, KEPT[i], &after), n);
        assert_memory_equal(before, after, n);
    }
    free(first);
    free(again);
    free(chosen);
    remove_place(place);
}

/* A recorded car that drives 20 m, and somebody who walks as fast beside it, that far from its
 * middle and nearer by so much a frame. */
static void write_clip(const char *dir, double beside_m, double closing_m)
{
    static const char *const FILES[][2] = {
        {"ped", "id,frame,label,x_est,y_est,vx_est,vy_est"},
        {"veh", "id,frame,label,x_est,y_est,psi_est,vel_est"},
    };
    char path[CLI_PATH];
    (void)snprintf(path, sizeof path, "%s/dut", dir);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/dut/trajectories_filtered", dir);
    assert_int_equal(mkdir(path, 0700), 0);
    for (int k = 0; k < 2; k++) {
        (void)snprintf(path, sizeof path, "%s/dut/trajectories_filtered/one_traj_%s_filtered.csv",
                       dir, FILES[k][0]);
        FILE *out = fopen(path, "w");
        assert_non_null(out);
        (void)fprintf(out, "%s\n", FILES[k][1]);
        for (int i = 0; i < 60; i++) {
            (void)fprintf(out, "1,%d,%s,%.2f,%.2f,%g,%g\n", i, FILES[k][0], 0.4 * i,
                          k == 0 ? beside_m - closing_m * i : 0.0, k == 0 ? 9.6 : 0.0,
                          k == 0 ? -24.0 * closing_m : 9.6);
        }
        assert_int_equal(fclose(out), 0);
    }
}

static void test_tuning_on_recordings_does_not_claim_the_validation_grid(void **state)
{
    char *place = fresh_place();
    char path[CLI_PATH];
    char args[1024];
    (void)state;
    write_clip(place, 8.0, 0.0);
    (void)snprintf(args, sizeof args,
                   "tune dut --planner aeb --vary pomdp.xi=0.5..0.9 --steps 1 -q --data-dir %s "
                   "--out %s/t",
                   place, place);
    assert_int_equal(hyplan(args), CLI_DONE);
    (void)snprintf(path, sizeof path, "%s/t", place);
    char *table = file_of(path, "table.txt");
    char *json = file_of(path, "tune.json");
    assert_non_null(strstr(table, "aeb on dut, recorded scenes, 1 a point"));
    assert_non_null(strstr(json, "\"grid\": \"recorded\""));
    free(table);
    free(json);
    remove_place(place);
}

/** Somebody walked into the recorded car's flank: it drove on, and that is told. */
static void test_replay_tells_of_contacts_that_do_not_end_the_drive(void **state)
{
    char *place = fresh_place();
    char args[512];
    char dir[64];
    (void)state;
    write_clip(place, 3.0, 0.05);
    (void)snprintf(args, sizeof args,
                   "replay %s/dut/trajectories_filtered/one --kind dut --planner stand --out %s/r",
                   place, place);
    assert_int_equal(hyplan(args), CLI_DONE);
    (void)snprintf(args, sizeof args,
                   "replay dut/trajectories_filtered/one --kind dut --planner stand --data-dir %s "
                   "--out %s/r",
                   place, place);
    assert_int_equal(hyplan(args), CLI_DONE); /* below the data directory, as run takes it */
    (void)snprintf(dir, sizeof dir, "%s/r", place);
    json_t *summary = summary_of(dir);
    const json_t *human = json_object_get(summary, "human");
    assert_string_equal(json_string_value(json_object_get(summary, "contact")), "none");
    assert_string_equal(json_string_value(json_object_get(human, "verdict")), "goal");
    assert_string_equal(json_string_value(json_object_get(human, "contact")), "side or rear");
    const json_t *contacts = json_object_get(human, "contacts");
    assert_int_equal(json_integer_value(json_object_get(contacts, "side")), 1);
    json_decref(summary);
    remove_place(place);
}

static void test_run_leaves_its_files(void **state)
{
    static const char *const FILES[] = {"manifest.json", "settings.json", "summary.json",
                                        "episodes.csv",  "junit.xml",     "bars.svg",
                                        "table.txt"};
    char *place = fresh_place();
    (void)state;
    assert_int_equal(
        hyplan("bench cts --scenarios 01,03 --scenes 1 --planners const,aeb -q --out /tmp/x/y/z "
               "--set sim.tick_s=99"),
        CLI_USAGE);
    assert_int_equal(run_into(place, ""), CLI_DONE);
    for (size_t i = 0; i < HP_ARRAY_LEN(FILES); i++) {
        char path[CLI_PATH];
        (void)snprintf(path, sizeof path, "%s/%s", place, FILES[i]);
        assert_int_equal(access(path, R_OK), 0);
    }
    remove_place(place);
}

/** A table that did not arrive is no result, whatever the command thinks of it. */
static void test_program_says_so_when_its_output_is_lost(void **state)
{
    static const char *const COMMANDS[] = {"config show", "scenario ls", "scenario show cts/03",
                                           "solve tiger --runs 1 --trials 5 --json"};
    (void)state;
    for (size_t i = 0; i < HP_ARRAY_LEN(COMMANDS); i++) {
        char line[256];
        assert_int_equal(hyplan(COMMANDS[i]), CLI_DONE);
        (void)snprintf(line, sizeof line, "%s %s >/dev/full 2>/dev/null", HYPLAN_PROGRAM,
                       COMMANDS[i]);
        const int status = system(line); /* NOLINT(cert-env33-c): the test's own words */
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), CLI_ENVIRONMENT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exit_statuses_tell_what_happened),
        cmocka_unit_test(test_two_workers_give_what_one_gives),
        cmocka_unit_test(test_resumed_run_equals_an_uninterrupted_one),
        cmocka_unit_test(test_merged_shards_equal_the_whole),
        cmocka_unit_test(test_merged_planners_equal_one_run_with_both),
        cmocka_unit_test(test_tuning_chooses_and_goes_on_after_an_interruption),
        cmocka_unit_test(test_tuning_on_recordings_does_not_claim_the_validation_grid),
        cmocka_unit_test(test_replay_tells_of_contacts_that_do_not_end_the_drive),
        cmocka_unit_test(test_run_leaves_its_files),
        cmocka_unit_test(test_program_says_so_when_its_output_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
