/* What a newcomer types wrong: each is refused at once, with what is wrong and what was meant. */
#include "cli/options.h"
#include "tests/support/hp_test.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char out[1 << 16];

/** Runs a line of the shell in which $hyplan is the program; out is what it printed. */
static int shell(const char *line)
{
    char whole[2048];
    (void)snprintf(whole, sizeof whole, "hyplan=%s; %s", HYPLAN_PROGRAM, line);
    FILE *in = popen(whole, "r"); /* NOLINT(cert-env33-c): the test's own words */
    assert_non_null(in);
    const size_t n = fread(out, 1, sizeof out - 1, in);
    out[n] = '\0';
    const int status = pclose(in);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int hyplan(const char *args)
{
    char line[1024];
    (void)snprintf(line, sizeof line, "$hyplan %s 2>&1", args);
    return shell(line);
}

typedef struct mistake {
    const char *args;
    int status;
    const char *says;
} mistake;

static void try_all(const mistake *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const int status = hyplan(cases[i].args);
        if (status != cases[i].status || strstr(out, cases[i].says) == NULL) {
            fail_msg("hyplan %s: %d, wanted %d and '%s': %s", cases[i].args, status,
                     cases[i].status, cases[i].says, out);
        }
    }
}

static void test_misspelt_words_are_guessed(void **state)
{
    static const mistake CASES[] = {
        {"--hlep", CLI_USAGE, "(did you mean '--help'?)"},
        {"benhc", CLI_USAGE, "(did you mean 'bench'?)"},
        {"bench crwod", CLI_USAGE, "there is no suite 'crwod' (did you mean 'crowd'?)"},
        {"bench mrege a", CLI_USAGE, "(did you mean 'merge'?)"},
        {"bench cts --scenarios 3", CLI_USAGE, "(did you mean '03'?)"},
        {"bench cts --planners dspot", CLI_USAGE, "(did you mean 'despot'?)"},
        {"bench cts --guard of", CLI_USAGE, "'of' is none of off|on|both (did you mean 'off'?)"},
        {"bench cts --grid evalution", CLI_USAGE, "(did you mean 'evaluation'?)"},
        {"replay x --planner plicy", CLI_USAGE, "(did you mean 'policy'?)"},
        {"tune cts --vary pomdp.xi=0.1..0.2 --planner despott", CLI_USAGE,
         "(did you mean 'despot'?)"},
        {"solve tiger --algorithm pomcpp", CLI_USAGE, "none of despot|pomcp (did you mean"},
        {"log inf x", CLI_USAGE, "(did you mean 'info'?)"},
        {"scenario show 03", CLI_USAGE, "(did you mean 'cts/03'?)"},
    };
    (void)state;
    try_all(CASES, HP_ARRAY_LEN(CASES));
}

static void test_missing_and_needless_words_are_told(void **state)
{
    static const mistake CASES[] = {
        {"bench merge", CLI_USAGE, "merge: which runs?"},
        {"bench cts extra", CLI_USAGE, "'extra' is not expected behind 'cts'"},
        {"solve", CLI_USAGE, "which problem?"},
        {"log", CLI_USAGE, "which? hyplan log info|ls|cat"},
        {"log trace x y", CLI_USAGE, "'x' is no tick"},
        {"log cat --out a b", CLI_USAGE, "write > a instead"},
        {"config show --set policy.model=", CLI_USAGE,
         "an empty text is written 'policy.model=\"\"'"},
        {"config show --set policy.model='\"\"'", CLI_DONE, "model: \"\""},
        {"run --tcp here --keys x", CLI_USAGE, "'here' is no HOST:PORT"},
        {"run --tcp 127.0.0.1:65533 --keys x", CLI_USAGE, "five more ports behind it"},
        {"replay x/run.mcap", CLI_USAGE, "--open-loop puts its frames"},
        {"log info /tmp", CLI_ENVIRONMENT, "a run's recording is /tmp/run.mcap"},
        {"replay nowhere", CLI_ENVIRONMENT, "scripts/fetch-data"},
        {"config check /nowhere.yaml", CLI_ENVIRONMENT, "no such file"},
        {"calibrate policy --out /etc/passwd", CLI_ENVIRONMENT, "no directory"},
        {"train policy --out /etc/passwd", CLI_ENVIRONMENT, "no directory"},
    };
    (void)state;
    try_all(CASES, HP_ARRAY_LEN(CASES));
}

/** An option that a command takes, and does nothing with, would be taken for one that does. */
static void test_options_that_do_nothing_are_refused_and_not_in_the_help(void **state)
{
    static const mistake CASES[] = {
        {"keys show x --json", CLI_USAGE, "--json does nothing here (see hyplan keys --help)"},
        {"config show --json", CLI_USAGE, "--json does nothing here"},
        {"solve tiger --set pomdp.xi=0.5", CLI_USAGE, "--set does nothing here"},
        {"eval predictor --set predictor.model=x", CLI_USAGE, "--set does nothing here"},
        {"train policy -j 2", CLI_USAGE, "--jobs does nothing here"},
    };
    (void)state;
    try_all(CASES, HP_ARRAY_LEN(CASES));
    assert_int_equal(hyplan("solve --help"), CLI_DONE);
    assert_null(strstr(out, "--set"));
    assert_non_null(strstr(out, "  -j, --jobs N "));
    assert_non_null(strstr(out, "rocksample:7x8"));
    assert_int_equal(hyplan("report --help"), CLI_DONE);
    assert_non_null(strstr(out, "      --out FILE.html "));
    assert_int_equal(hyplan("help bench"), CLI_DONE);
    assert_non_null(strstr(out, "      --out DIR         directory of this run"));
}

/** All points of a tuning are configurations before the first one is played. */
static void test_tuning_of_what_cannot_be_tuned_plays_nothing(void **state)
{
    static const mistake CASES[] = {
        {"tune cts --vary pomdp.x=0.5..1 --out /tmp/hyplan-test-never", CLI_USAGE,
         "unknown key 'x' in 'pomdp'"},
        {"tune cts --vary pomdp.xi=0.5..2 --out /tmp/hyplan-test-never", CLI_USAGE,
         "'pomdp.xi' is 1.25, out of range"},
    };
    (void)state;
    try_all(CASES, HP_ARRAY_LEN(CASES));
    assert_int_not_equal(access("/tmp/hyplan-test-never", F_OK), 0);
}

static void test_doctor_knows_when_nothing_would_start(void **state)
{
    (void)state;
    assert_int_equal(hyplan("doctor --set pomdp.scenarios=0"), CLI_FAILED);
    assert_non_null(strstr(out, "\nfail  configuration  --set pomdp.scenarios=0: error: "));
    assert_non_null(strstr(out, "nothing starts like this\n"));
    assert_int_equal(shell("$hyplan doctor --json"), CLI_DONE);
    json_t *json = json_loads(out, 0, NULL);
    assert_true(json_is_true(json_object_get(json, "works")));
    assert_true(json_array_size(json_object_get(json, "findings")) > 5);
    json_decref(json);
    assert_int_equal(shell("$hyplan doctor --json --set pomdp.scenarios=0"), CLI_FAILED);
    json = json_loads(out, 0, NULL);
    assert_true(json_is_false(json_object_get(json, "works")));
    json_decref(json);
}

/** Progress and notes go to the other stream: what is piped is JSON and nothing else. */
static void test_json_is_json_whatever_is_told_beside_it(void **state)
{
    static const char *const LINES[] = {
        "$hyplan solve tiger --runs 1 --steps 1 --trials 5 --json",
        "cd $d && $hyplan bench cts --scenarios 01 --scenes 1 --planners aeb --json --out b "
        "2>/dev/null",
        "cd $d && $hyplan run --scenario cts/01 --embedded --json --out r --set "
        "pomdp.budget.trials=2 2>/dev/null",
        "cd $d && $hyplan log info r/run.mcap --json",
        "cd $d && $hyplan replay r/run.mcap --open-loop --json 2>/dev/null",
        "cd $d && $hyplan log trace 1 --topic command r/run.mcap",
    };
    char line[1024];
    char dir[] = "/tmp/hyplan-test-XXXXXX";
    (void)state;
    assert_non_null(mkdtemp(dir));
    for (size_t i = 0; i < HP_ARRAY_LEN(LINES); i++) {
        (void)snprintf(line, sizeof line, "d=%s; %s", dir, LINES[i]);
        assert_int_equal(shell(line), CLI_DONE);
        json_error_t where;
        json_t *json = json_loads(out, 0, &where);
        if (json == NULL) {
            fail_msg("%s: %s: %s", LINES[i], where.text, out);
        }
        json_decref(json);
    }
    assert_int_equal(hyplan("log cat --topic nope /dev/null"), CLI_ENVIRONMENT);
    (void)snprintf(line, sizeof line, "cd %s && $hyplan log cat --topic nope r/run.mcap 2>&1", dir);
    assert_int_equal(shell(line), CLI_FAILED);
    assert_non_null(strstr(out, "nothing was recorded on topic 'nope'"));
    (void)snprintf(line, sizeof line, "rm -r %s", dir);
    assert_int_equal(shell(line), 0);
}

/** Who asks for pruning and gets none is told so, not in the log alone. */
static void test_run_says_when_it_cannot_do_what_was_asked(void **state)
{
    char line[512];
    char dir[] = "/tmp/hyplan-test-XXXXXX";
    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(line, sizeof line,
                   "$hyplan run --scenario cts/01 --out %s/r --set pomdp.budget.trials=2 --set "
                   "pomdp.prune.method=crude --set policy.model=/nowhere 2>&1; rm -r %s",
                   dir, dir);
    assert_int_equal(shell(line), 0);
    assert_non_null(strstr(out, "hyplan run: warning: pomdp degraded: no pruning: no network\n"));
}

/** Whoever reads may go away: a benchmark is whole all the same, and a car drives on. */
static void test_results_are_whole_when_nobody_reads_them(void **state)
{
    char line[1024];
    char dir[] = "/tmp/hyplan-test-XXXXXX";
    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(line, sizeof line,
                   "cd %s; $hyplan bench cts --scenes 1 --planners aeb,crawl25 --out b -q | true; "
                   "grep '\"verdict\": \"done\"' b/manifest.json",
                   dir);
    assert_int_equal(shell(line), 0);
    (void)snprintf(line, sizeof line,
                   "cd %s; $hyplan run --scenario cts/01 --out r --set pomdp.budget.trials=2 -q "
                   ">/dev/null 2>&1 & while [ ! -e %s/r/manifest.json ]; do sleep 0.02; done; "
                   "kill -PIPE $!; wait $!",
                   dir, dir);
    assert_int_equal(shell(line), 0);
    (void)snprintf(line, sizeof line, "rm -r %s", dir);
    assert_int_equal(shell(line), 0);
}

static void test_output_that_is_lost_is_told_of_help_and_version_too(void **state)
{
    static const char *const ARGS[] = {"--version", "--help", "help run", "doctor --json"};
    char line[256];
    (void)state;
    for (size_t i = 0; i < HP_ARRAY_LEN(ARGS); i++) {
        (void)snprintf(line, sizeof line, "$hyplan %s 2>&1 >/dev/full", ARGS[i]);
        assert_int_equal(shell(line), CLI_ENVIRONMENT);
        assert_non_null(strstr(out, "cannot write to standard output"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_misspelt_words_are_guessed),
        cmocka_unit_test(test_missing_and_needless_words_are_told),
        cmocka_unit_test(test_options_that_do_nothing_are_refused_and_not_in_the_help),
        cmocka_unit_test(test_tuning_of_what_cannot_be_tuned_plays_nothing),
        cmocka_unit_test(test_doctor_knows_when_nothing_would_start),
        cmocka_unit_test(test_json_is_json_whatever_is_told_beside_it),
        cmocka_unit_test(test_run_says_when_it_cannot_do_what_was_asked),
        cmocka_unit_test(test_results_are_whole_when_nobody_reads_them),
        cmocka_unit_test(test_output_that_is_lost_is_told_of_help_and_version_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
