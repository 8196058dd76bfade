/* The programs' common command line: what is refused, and with which words. */
#include "tests/support/shell.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const PROGRAMS[] = {"bridge", "planner", "predictor",
                                       "policy", "pomdp",   "recorder"};

/** BIN/hyplan-NAME with these arguments ends so, and says that. */
static void check(const char *name, const char *args, int status, const char *says)
{
    char text[4096];
    const int got = shell_hear(text, sizeof text, "%s/hyplan-%s %s 2>&1", HYPLAN_BIN, name, args);
    if (got != status || strstr(text, says) == NULL) {
        fail_msg("hyplan-%s %s: status %d, said: %s", name, args, got, text);
    }
}

static void test_programs_take_the_shipped_configuration(void **state)
{
    (void)state;
    for (size_t i = 0; i < HP_ARRAY_LEN(PROGRAMS); i++) {
        check(PROGRAMS[i], "--config config/hyplan.yaml --check-config", 0, "is good");
        check(PROGRAMS[i], "--version", 0, HYPLAN_VERSION);
        check(PROGRAMS[i], "--help", 0, "--run-dir");
    }
}

static void test_programs_refuse_wrong_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < HP_ARRAY_LEN(PROGRAMS); i++) {
        check(PROGRAMS[i], "--nonsense 1", 2, "unknown option '--nonsense'");
        check(PROGRAMS[i], "word", 2, "unexpected argument 'word'");
        check(PROGRAMS[i], "--config", 2, "'--config'");
        check(PROGRAMS[i], "--config /nonexistent.yaml", 2, "/nonexistent.yaml");
        check(PROGRAMS[i], "--generation -1", 2, "--generation");
        check(PROGRAMS[i], "--seed 1x", 2, "--seed");
        check(PROGRAMS[i], "--set nosuch.key=1", 2, "nosuch");
    }
}

/** Each program reads its own sections strictly and leaves the others alone. */
static void test_programs_refuse_unknown_keys_of_their_own_only(void **state)
{
    static const struct {
        const char *program, *set;
        bool own;
    } CASES[] = {
        {"bridge", "bridge.nosuch=1", true},       {"bridge", "sim.nosuch=1", true},
        {"bridge", "pomdp.nosuch=1", false},       {"planner", "planner.nosuch=1", true},
        {"planner", "control.nosuch=1", true},     {"planner", "bridge.nosuch=1", false},
        {"predictor", "predictor.nosuch=1", true}, {"predictor", "planner.nosuch=1", false},
        {"policy", "policy.nosuch=1", true},       {"policy", "predictor.nosuch=1", false},
        {"pomdp", "pomdp.nosuch=1", true},         {"pomdp", "policy.nosuch=1", true},
        {"planner", "predictor.nosuch=1", true},   {"planner", "pomdp.nosuch=1", true},
        {"pomdp", "planner.nosuch=1", false},
    };
    (void)state;
    for (size_t i = 0; i < HP_ARRAY_LEN(CASES); i++) {
        char args[128];
        (void)snprintf(args, sizeof args, "--set %s --check-config", CASES[i].set);
        check(CASES[i].program, args, CASES[i].own ? 2 : 0, CASES[i].own ? "nosuch" : "is good");
    }
}

static void test_programs_check_rules_between_keys(void **state)
{
    (void)state;
    check("planner", "--set control.decision_rate_hz=3 --check-config", 2, "must divide");
    check("pomdp", "--set pomdp.discount=2 --check-config", 2, "discount");
    check("pomdp",
          "--set pomdp.evaluator=remote --set pomdp.prune.method=crude --set policy.batch=4 "
          "--check-config",
          2, "take policy.batch = 8, or pomdp.prune.batch = 4");
}

static void test_programs_let_set_win_over_files(void **state)
{
    char dir[] = "/tmp/hyplan-programs-XXXXXX";
    char path[64];
    char args[256];
    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof path, "%s/a.yaml", dir);
    shell_write(path, "control: {rate_hz: 20, decision_rate_hz: 3}\n");
    (void)snprintf(args, sizeof args, "--config %s --check-config", path);
    check("planner", args, 2, "must divide");
    (void)snprintf(args, sizeof args, "--set control.decision_rate_hz=5 --config %s --check-config",
                   path);
    check("planner", args, 0, "is good");
    shell_write(path, "control:\n  rate_hz: 20\n  rate_hertz: 3\n");
    (void)snprintf(args, sizeof args, "--config %s --check-config", path);
    check("planner", args, 2, "a.yaml:3:3");
    assert_int_equal(shell_remove(dir), 0);
}

static void test_programs_refuse_a_place_that_is_no_directory_for_sockets(void **state)
{
    char args[512];
    (void)state;
    check("predictor", "--sockets /nonexistent/place", 3, "/nonexistent/place");
    (void)snprintf(args, sizeof args, "--sockets /tmp/%0200d", 1);
    check("predictor", args, 2, "too long");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_programs_take_the_shipped_configuration),
        cmocka_unit_test(test_programs_refuse_wrong_words),
        cmocka_unit_test(test_programs_refuse_unknown_keys_of_their_own_only),
        cmocka_unit_test(test_programs_check_rules_between_keys),
        cmocka_unit_test(test_programs_let_set_win_over_files),
        cmocka_unit_test(test_programs_refuse_a_place_that_is_no_directory_for_sockets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
