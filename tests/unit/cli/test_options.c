#include "cli/options.h"
#include "tests/support/hp_test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const cli_usage USAGE = {.command = "thing",
                                .synopsis = "thing [options]",
                                .summary = "Does a thing.",
                                .example = "hyplan thing"};
static const char *const WORDS[] = {"red", "green", NULL};

/* What a command of the test's own takes. */
typedef struct taken {
    cli_common common;
    cli_texts rest, texts;
    bool on;
    const char *text;
    uint32_t number, word;
} taken;

/* Parses words (NULL-terminated); argv is writable, as main's is. */
static int parse(taken *t, const char *const *words)
{
    char copies[16][64];
    char *argv[17];
    int argc = 0;
    memset(t, 0, sizeof *t);
    const cli_flag flags[] = {
        {"on", 'o', CLI_FLAG_SWITCH, &t->on, NULL, "", 0, 0, NULL},
        {"text", 0, CLI_FLAG_TEXT, &t->text, "T", "", 0, 0, NULL},
        {"texts", 0, CLI_FLAG_TEXTS, &t->texts, "T", "", 0, 0, NULL},
        {"number", 'n', CLI_FLAG_UINT, &t->number, "N", "", 2, 9, NULL},
        {"word", 0, CLI_FLAG_WORD, &t->word, "W", "", 0, 0, WORDS},
        {NULL, 0, CLI_FLAG_SWITCH, NULL, NULL, NULL, 0, 0, NULL},
    };
    for (; words[argc] != NULL; argc++) {
        (void)snprintf(copies[argc], sizeof copies[0], "%s", words[argc]);
        argv[argc] = copies[argc];
    }
    argv[argc] = NULL;
    return cli_parse(&USAGE, flags, argc, argv, &t->common, &t->rest);
}

static void test_flags_of_every_type_are_read(void **state)
{
    taken t;
    (void)state;
    assert_int_equal(
        parse(&t, (const char *const[]){"thing", "--on", "--text", "a", "--texts=b", "--texts", "c",
                                        "-n", "7", "--word", "green", "rest", "-j3",
                                        "--seed=18446744073709551615", NULL}),
        CLI_GO);
    assert_true(t.on);
    assert_int_equal(t.texts.n, 2);
    assert_int_equal(t.number, 7);
    assert_int_equal(t.word, 1);
    assert_int_equal(t.rest.n, 1);
    assert_int_equal(t.common.jobs, 3);
    assert_true(t.common.seed == UINT64_MAX);
}

static void test_defaults_hold_when_nothing_is_given(void **state)
{
    taken t;
    (void)state;
    (void)unsetenv("HYPLAN_DATA");
    assert_int_equal(parse(&t, (const char *const[]){"thing", NULL}), CLI_GO);
    assert_int_equal(t.common.seed, 1);
    assert_int_equal(t.common.jobs, 1);
    assert_string_equal(t.common.data_dir, "data");
    assert_int_equal(setenv("HYPLAN_DATA", "/elsewhere", 1), 0);
    assert_int_equal(parse(&t, (const char *const[]){"thing", NULL}), CLI_GO);
    assert_string_equal(t.common.data_dir, "/elsewhere");
    (void)unsetenv("HYPLAN_DATA");
}

static void test_bad_usage_is_refused(void **state)
{
    static const char *const BAD[][4] = {
        {"thing", "--onn", NULL},       {"thing", "-z", NULL},
        {"thing", "--text", NULL},      {"thing", "--on=yes", NULL},
        {"thing", "-n", "1", NULL},     {"thing", "-n", "10", NULL},
        {"thing", "-n", "7x", NULL},    {"thing", "-n", "-7", NULL},
        {"thing", "-n", "", NULL},      {"thing", "--word", "blue", NULL},
        {"thing", "--seed", "x", NULL}, {"thing", "--seed", "18446744073709551616", NULL},
        {"thing", "-j0", NULL},
    };
    taken t;
    (void)state;
    for (size_t i = 0; i < HP_ARRAY_LEN(BAD); i++) {
        if (parse(&t, BAD[i]) != CLI_USAGE) {
            print_error("%s %s was taken\n", BAD[i][1], BAD[i][2] != NULL ? BAD[i][2] : "");
            fail();
        }
    }
}

static void test_words_are_refused_where_there_may_be_none(void **state)
{
    char name[] = "thing";
    char flag[] = "--json";
    char word[] = "word";
    char *argv[] = {name, flag, word, NULL};
    cli_common common;
    (void)state;
    assert_int_equal(cli_parse(&USAGE, NULL, 2, argv, &common, NULL), CLI_GO);
    assert_true(common.json);
    assert_int_equal(cli_parse(&USAGE, NULL, 3, argv, &common, NULL), CLI_USAGE);
}

static void test_lists_are_split(void **state)
{
    cli_texts parts;
    char good[] = "a,bb,c";
    char empty[] = "a,,c";
    char tail[] = "a,";
    char none[] = "";
    (void)state;
    assert_true(cli_split(good, &parts));
    assert_int_equal(parts.n, 3);
    assert_string_equal(parts.items[1], "bb");
    assert_false(cli_split(empty, &parts));
    assert_false(cli_split(tail, &parts));
    assert_false(cli_split(none, &parts));
}

static void test_nearest_word_is_offered_only_when_near(void **state)
{
    static const char *const NAMES[] = {"const", "cautious", "despot"};
    (void)state;
    assert_string_equal(cli_nearest("dispot", NAMES, 3), "despot");
    assert_string_equal(cli_nearest("cautios", NAMES, 3), "cautious");
    assert_null(cli_nearest("xyzzy", NAMES, 3));
}

static void test_set_wins_over_files(void **state)
{
    static cli_config config;
    hp_error error;
    cli_common common = {
        .sets = {.items = {"pomdp.budget.trials=7", "planner.guard.enabled=false"}, .n = 2}};
    (void)state;
    assert_int_equal(cli_config_load(&common, &config, &error), HP_OK);
    assert_int_equal(config.car.budget.trials, 7);
    assert_false(config.plan.guard.enabled);
    common.sets.items[0] = "pomdp.budget.trails=7";
    assert_int_equal(cli_config_load(&common, &config, &error), HP_ECONFIG);
    assert_non_null(strstr(error.text, "trials")); /* the word that was meant */
}

static void test_rules_between_keys_are_checked(void **state)
{
    static cli_config config;
    hp_error error;
    const cli_common common = {.sets = {.items = {"control.decision_rate_hz=3"}, .n = 1}};
    (void)state;
    assert_int_equal(cli_config_load(&common, &config, &error), HP_ECONFIG);
    assert_non_null(strstr(error.text, "decision_rate_hz"));
}

static void write_file(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

/** Where a broken rule is to be mended: at the key that was set last, by whom it was set. */
static void test_broken_rules_are_told_with_place_values_and_mend(void **state)
{
    static const char *const SEARCH =
        "pomdp:\n  evaluator: remote\n  prune:\n    method: crude\n    batch: 32\n";
    static const char *const WHAT =
        "error: pomdp.prune.batch = 32 is more than policy.batch = 16, which is all that "
        "hyplan-policy answers at once: take policy.batch = 32, or pomdp.prune.batch = 16";
    char dir[] = "/tmp/hyplan-test-XXXXXX";
    char search[64];
    char policy[64];
    char wanted[512];
    static cli_config config;
    hp_error error;
    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(search, sizeof search, "%s/search.yaml", dir);
    (void)snprintf(policy, sizeof policy, "%s/policy.yaml", dir);
    write_file(search, SEARCH);
    write_file(policy, "policy:\n  # few\n  batch: 16\n");
    cli_common common = {.config_files = {.items = {search, policy}, .n = 2}};
    assert_int_equal(cli_config_load(&common, &config, &error), HP_ECONFIG);
    (void)snprintf(wanted, sizeof wanted, "%s:3:3: %s", policy, WHAT);
    assert_string_equal(error.text, wanted);
    common.config_files = (cli_texts){.items = {policy, search}, .n = 2};
    assert_int_equal(cli_config_load(&common, &config, &error), HP_ECONFIG);
    (void)snprintf(wanted, sizeof wanted, "%s:5:5: %s", search, WHAT);
    assert_string_equal(error.text, wanted);
    common.config_files.n = 1;
    common.sets = (cli_texts){
        .items = {"pomdp.evaluator=remote", "pomdp.prune={method: crude, batch: 32}"}, .n = 2};
    assert_int_equal(cli_config_load(&common, &config, &error), HP_ECONFIG);
    (void)snprintf(wanted, sizeof wanted, "--set %s: %s", common.sets.items[1], WHAT);
    assert_string_equal(error.text, wanted);
    /* In the search's own process there is no such bound, nor where nothing is valued. */
    common.sets.items[0] = "pomdp.evaluator=local";
    assert_int_equal(cli_config_load(&common, &config, &error), HP_OK);
    common.sets = (cli_texts){.items = {"pomdp.evaluator=remote", "pomdp.prune.batch=32"}, .n = 2};
    assert_int_equal(cli_config_load(&common, &config, &error), HP_OK);
    assert_int_equal(unlink(search), 0);
    assert_int_equal(unlink(policy), 0);
    assert_int_equal(rmdir(dir), 0);
}

/** Rules over all sections hold for every command, not for run alone. */
static void test_ticks_and_rates_must_fit(void **state)
{
    static cli_config config;
    hp_error error;
    (void)state;
    const cli_common common = {.sets = {.items = {"control.rate_hz=40"}, .n = 1}};
    assert_int_equal(cli_config_load(&common, &config, &error), HP_ECONFIG);
    assert_string_equal(error.text,
                        "--set control.rate_hz=40: error: sim.tick_s = 0.05 does not fit "
                        "control.rate_hz = 40: it must be its inverse, 0.025");
}

static void test_exit_statuses_follow_the_list(void **state)
{
    (void)state;
    assert_int_equal(cli_exit_status(HP_OK), 0);
    assert_int_equal(cli_exit_status(HP_ECONFIG), 2);
    assert_int_equal(cli_exit_status(HP_EINVAL), 2);
    assert_int_equal(cli_exit_status(HP_ENOENT), 3);
    assert_int_equal(cli_exit_status(HP_EBUSY), 3);
}

static void test_end_says_what_went_wrong_or_how_it_is_called(void **state)
{
    const hp_error why = {"FILE:3: error: no"};
    const hp_error none = {""};
    char said[256] = "";
    (void)state;
    FILE *file = tmpfile();
    const int kept = dup(STDERR_FILENO);
    assert_non_null(file);
    (void)dup2(fileno(file), STDERR_FILENO);
    const int done = cli_end(&USAGE, HP_OK, &none);
    const int config = cli_end(&USAGE, HP_ECONFIG, &why);
    const int busy = cli_end(&USAGE, HP_EBUSY, &none);
    (void)dup2(kept, STDERR_FILENO);
    (void)close(kept);
    rewind(file);
    assert_true(fread(said, 1, sizeof said - 1, file) > 0);
    (void)fclose(file);
    assert_int_equal(done, CLI_DONE);
    assert_int_equal(config, CLI_USAGE);
    assert_int_equal(busy, CLI_ENVIRONMENT);
    char wanted[256];
    (void)snprintf(wanted, sizeof wanted,
                   "hyplan thing: error: FILE:3: error: no\nhyplan thing: error: %s\n",
                   hp_status_text(HP_EBUSY));
    assert_string_equal(said, wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flags_of_every_type_are_read),
        cmocka_unit_test(test_defaults_hold_when_nothing_is_given),
        cmocka_unit_test(test_bad_usage_is_refused),
        cmocka_unit_test(test_words_are_refused_where_there_may_be_none),
        cmocka_unit_test(test_lists_are_split),
        cmocka_unit_test(test_nearest_word_is_offered_only_when_near),
        cmocka_unit_test(test_set_wins_over_files),
        cmocka_unit_test(test_rules_between_keys_are_checked),
        cmocka_unit_test(test_broken_rules_are_told_with_place_values_and_mend),
        cmocka_unit_test(test_ticks_and_rates_must_fit),
        cmocka_unit_test(test_exit_statuses_follow_the_list),
        cmocka_unit_test(test_end_says_what_went_wrong_or_how_it_is_called),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
