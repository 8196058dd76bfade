/* Rows of two programs, networks or scenes never pass for rows of one. */
#include "cli/bench_origin.h"
#include "cli/bench_suite.h"
#include "cli/version.h"
#include "tests/support/hp_test.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SMALL_RUN "bench cts --scenarios 01 --scenes 1 --planners aeb --no-oracle -q"

static bench_origin first, second;
static hp_error error;

static int set_up(void **state)
{
    (void)state;
    first = second = (bench_origin){.n = 0};
    error = (hp_error){{0}};
    bench_origin_add_program(&first);
    bench_origin_add_program(&second);
    return 0;
}

static void write_file(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

static void test_origin_tells_a_files_content_and_not_its_place(void **state)
{
    char here[] = "/tmp/hyplan-test-XXXXXX";
    char there[] = "/tmp/hyplan-test-XXXXXX";
    (void)state;
    assert_true(close(mkstemp(here)) == 0 && close(mkstemp(there)) == 0);
    write_file(here, "weights");
    write_file(there, "weights");
    assert_int_equal(bench_origin_add_file(&first, "policy.model", here, &error), HP_OK);
    assert_int_equal(bench_origin_add_file(&second, "policy.model", there, &error), HP_OK);
    assert_int_equal(bench_origin_join(&first, &second, "b", false, &error), HP_OK);
    write_file(there, "others");
    bench_origin third = {.n = 0};
    assert_int_equal(bench_origin_add_file(&third, "policy.model", there, &error), HP_OK);
    assert_int_equal(bench_origin_join(&first, &third, "b", false, &error), HP_EINVAL);
    assert_non_null(strstr(error.text, "'policy.model' differs"));
    assert_int_equal(unlink(there), 0);
    third.n = 0;
    assert_int_equal(bench_origin_add_file(&third, "policy.model", there, &error), HP_OK);
    assert_string_equal(bench_origin_find(&third, "policy.model"), BENCH_ABSENT);
    assert_int_equal(unlink(here), 0);
}

static void test_origin_names_the_run_that_told_it(void **state)
{
    bench_origin all = {.n = 0};
    (void)state;
    (void)snprintf(second.items[0].hash, BENCH_SOURCE_HASH, "0.0.9 abc");
    assert_int_equal(bench_origin_join(&all, &first, "runs/a", false, &error), HP_OK);
    assert_int_equal(bench_origin_join(&all, &second, "runs/b", false, &error), HP_EINVAL);
    assert_non_null(strstr(error.text, "'program' differs: " CLI_VERSION));
    assert_non_null(strstr(error.text, " in runs/a, and 0.0.9 abc in runs/b"));
    assert_int_equal(bench_origin_join(&all, &second, "runs/b", true, &error), HP_OK);
    assert_string_equal(bench_origin_find(&all, BENCH_PROGRAM), BENCH_MIXED);
    /* What is mixed is no one's, and stays so. */
    assert_int_equal(bench_origin_join(&all, &first, "runs/a", false, &error), HP_EINVAL);
    assert_int_equal(bench_origin_join(&first, &all, "runs/c", false, &error), HP_EINVAL);
}

static void test_origin_of_old_runs_is_unknown_and_so_is_what_they_are_joined_with(void **state)
{
    char names[64];
    (void)state;
    assert_true(bench_origin_take(NULL, &second));
    assert_int_equal(bench_origin_join(&first, &second, "old", false, &error), HP_OK);
    assert_true(bench_origin_list(&first, BENCH_UNKNOWN, names, sizeof names));
    assert_string_equal(names, BENCH_PROGRAM);
    json_t *bad = json_pack("{s:s}", "policy.model", "123"); /* who played is not told */
    assert_false(bench_origin_take(bad, &second));
    json_decref(bad);
    json_t *rude = json_pack("{s:s, s:s}", BENCH_PROGRAM, "1\x1b[2J", "a\x07", BENCH_MIXED);
    assert_true(bench_origin_take(rude, &second)); /* no orders to terminals */
    assert_string_equal(bench_origin_find(&second, BENCH_PROGRAM), "1?[2J");
    assert_true(bench_origin_list(&second, BENCH_MIXED, names, sizeof names));
    assert_string_equal(names, "a?");
    json_decref(rude);
    bad = json_pack("{s:i}", BENCH_PROGRAM, 5);
    assert_false(bench_origin_take(bad, &second));
    json_decref(bad);
}

/** Only what a planner asks is among what its rows come from. */
static void test_suite_names_the_networks_that_its_planners_ask(void **state)
{
    static const struct {
        const char *planners;
        bool predictor, policy, calibration;
    } CASES[] = {{"aeb,cautious", false, false, false},
                 {"despot", true, false, false},
                 {"policy", false, true, false},
                 {"hyplan:crude", true, true, true}};
    static cli_config config;
    static bench_suite suite;
    const cli_common common = {.seed = 1};
    (void)state;
    cli_config_default(&config);
    (void)snprintf(config.predictor.model, sizeof config.predictor.model, "%s",
                   "models/predictor.safetensors");
    for (size_t i = 0; i < HP_ARRAY_LEN(CASES); i++) {
        const bench_request request = {
            .suite = "cts", .scenarios = "01", .scenes = "1", .planners = CASES[i].planners};
        assert_int_equal(bench_suite_create(&request, &common, &config, &suite, &error), HP_OK);
        const bench_origin *o = &suite.settings.origin;
        assert_int_equal(bench_origin_find(o, "predictor.model") != NULL, CASES[i].predictor);
        assert_int_equal(bench_origin_find(o, "policy.model") != NULL, CASES[i].policy);
        assert_int_equal(bench_origin_find(o, "pomdp.prune.calibration") != NULL,
                         CASES[i].calibration);
        assert_int_equal(strlen(bench_origin_find(o, "scenario 01")), 16);
        assert_non_null(strstr(bench_origin_find(o, BENCH_PROGRAM), CLI_SOURCES));
        bench_suite_destroy(&suite);
    }
}

/* ---- Through the program ---- */

typedef struct place {
    char dir[64], out[8192];
} place;

static int make_place(void **state)
{
    place *p = calloc(1, sizeof *p);
    assert_non_null(p);
    (void)snprintf(p->dir, sizeof p->dir, "/tmp/hyplan-test-XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    *state = p;
    return 0;
}

static int drop_place(void **state)
{
    place *p = *state;
    char line[128];
    (void)snprintf(line, sizeof line, "rm -r %s", p->dir);
    assert_int_equal(system(line), 0); /* NOLINT(cert-env33-c): the test's own directory */
    free(p);
    return 0;
}

/** Runs `hyplan ARGS` in the place; p->out is what it printed. */
static int hyplan(place *p, const char *args)
{
    char line[1024];
    (void)snprintf(line, sizeof line, "cd %s && %s %s 2>&1", p->dir, HYPLAN_PROGRAM, args);
    FILE *in = popen(line, "r"); /* NOLINT(cert-env33-c): the test's own words */
    assert_non_null(in);
    const size_t n = fread(p->out, 1, sizeof p->out - 1, in);
    p->out[n] = '\0';
    const int status = pclose(in);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void assert_says(const place *p, const char *text)
{
    if (strstr(p->out, text) == NULL) {
        fail_msg("wanted '%s', found: %s", text, p->out);
    }
}

static bool file_has(const char *path, const char *text)
{
    char *all = NULL;
    size_t cap = 0;
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    assert_true(getdelim(&all, &cap, '\0', in) > 0);
    (void)fclose(in);
    const bool has = strstr(all, text) != NULL;
    free(all);
    return has;
}

/** Changes a run's settings as another program would have left them; hash NULL: an old one. */
static void pretend(const place *p, const char *run, const char *name, const char *hash)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s/settings.json", p->dir, run);
    json_t *json = json_load_file(path, 0, NULL);
    assert_non_null(json);
    if (hash == NULL) {
        assert_int_equal(json_object_del(json, "provenance"), 0);
    } else {
        json_t *all = json_object_get(json, "provenance");
        assert_non_null(json_object_get(all, name));
        assert_int_equal(json_object_set_new(all, name, json_string(hash)), 0);
    }
    assert_int_equal(json_dump_file(json, path, 0), 0);
    json_decref(json);
}

static void test_resume_refuses_rows_of_another_program_until_asked(void **state)
{
    place *p = *state;
    assert_int_equal(hyplan(p, SMALL_RUN " --out r"), 0);
    assert_null(strstr(p->out, "MIXED"));
    assert_int_equal(hyplan(p, SMALL_RUN " --out r --resume"), 0);
    assert_int_equal(hyplan(p, SMALL_RUN " --scenes 2 --out r --resume"), 2);
    assert_says(p, "'scenes' differs: \"1\" and \"2\" (was, is); give the options of then");
    assert_int_equal(hyplan(p, SMALL_RUN " --set pomdp.xi=0.5 --out r --resume"), 2);
    assert_says(p, "the configuration differs, first in 'pomdp.xi' (was, is)");
    pretend(p, "r", "program", "0.1.0 1111111111111111");
    assert_int_equal(hyplan(p, SMALL_RUN " --out r --resume"), 2);
    assert_says(p, "r: cannot go on, 'program' differs: 0.1.0 1111111111111111, and 0.1.0 ");
    assert_says(p, "--mixed");
    assert_int_equal(hyplan(p, SMALL_RUN " --out r --resume --mixed"), 0);
    assert_says(p, "MIXED, rows are not all of the same: program\n");
    char picture[128];
    (void)snprintf(picture, sizeof picture, "%s/r/bars.svg", p->dir);
    assert_true(file_has(picture, ", MIXED: program<"));
    assert_int_equal(hyplan(p, SMALL_RUN " --out r --resume"), 2); /* it stays marked */
    pretend(p, "r", NULL, NULL);
    assert_int_equal(hyplan(p, SMALL_RUN " --out r --resume"), 0);
    assert_says(p, "not recorded, rows may not all be of the same: program\n");
}

static void test_merge_refuses_runs_of_other_programs_and_scenes_until_asked(void **state)
{
    place *p = *state;
    assert_int_equal(hyplan(p, SMALL_RUN " --out a"), 0);
    assert_int_equal(hyplan(p, SMALL_RUN " --planners stand --out b"), 0);
    assert_int_equal(hyplan(p, SMALL_RUN " --planners crawl25 --out c"), 0);
    assert_int_equal(hyplan(p, "bench merge a b c --out all"), 0);
    assert_int_equal(hyplan(p, SMALL_RUN " --set predictor.step_s=0.5 --out d"), 0);
    assert_int_equal(hyplan(p, "bench merge a d --out bad"), 2);
    assert_says(p, "a and d are not parts of one run: the configuration differs, first in "
                   "'predictor.step_s'");
    pretend(p, "c", "scenario 01", "2222222222222222");
    assert_int_equal(hyplan(p, "bench merge a b c --out bad"), 2);
    assert_says(p, "cannot merge, 'scenario 01' differs: ");
    assert_says(p, " in a, and 2222222222222222 in c; ");
    assert_int_equal(hyplan(p, "bench merge a b c --out mix --mixed -q"), 0);
    assert_says(p, "MIXED, rows are not all of the same: scenario 01\n");
    assert_int_equal(hyplan(p, "bench merge mix b --out bad"), 2);
    pretend(p, "b", NULL, NULL);
    assert_int_equal(hyplan(p, "bench merge a b --out old"), 0);
    assert_says(p, "not recorded, rows may not all be of the same: program\n");
    assert_int_equal(hyplan(p, "bench merge a b --json -q --out old2"), 0);
    json_t *json = json_loads(p->out, 0, NULL);
    const json_t *told = json_object_get(json_object_get(json, "provenance"), "program");
    assert_string_equal(json_string_value(told), "unknown");
    json_decref(json);
}

/** Whoever has the tree can tell whether a program was made of it. */
static void test_program_tells_its_sources(void **state)
{
    place *p = *state;
    assert_int_equal(hyplan(p, "--version"), 0);
    assert_says(p, CLI_SOURCES);
    char line[256];
    char id[64] = "";
    (void)snprintf(line, sizeof line, "%s -P scripts/cmake/source_id.cmake", CMAKE);
    FILE *in = popen(line, "r"); /* NOLINT(cert-env33-c): the test's own words */
    assert_non_null(in);
    assert_non_null(fgets(id, sizeof id, in));
    assert_int_equal(pclose(in), 0);
    id[strcspn(id, "\n")] = '\0';
    assert_string_equal(id, CLI_SOURCES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_origin_tells_a_files_content_and_not_its_place, set_up),
        cmocka_unit_test_setup(test_origin_names_the_run_that_told_it, set_up),
        cmocka_unit_test_setup(
            test_origin_of_old_runs_is_unknown_and_so_is_what_they_are_joined_with, set_up),
        cmocka_unit_test_setup(test_suite_names_the_networks_that_its_planners_ask, set_up),
        cmocka_unit_test_setup_teardown(test_resume_refuses_rows_of_another_program_until_asked,
                                        make_place, drop_place),
        cmocka_unit_test_setup_teardown(
            test_merge_refuses_runs_of_other_programs_and_scenes_until_asked, make_place,
            drop_place),
        cmocka_unit_test_setup_teardown(test_program_tells_its_sources, make_place, drop_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
