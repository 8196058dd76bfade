/* How runs begin and end: alone in their directory, without orphans, with clear words. */
#include "tests/pipeline/run_rig.h"
#include "tests/support/shell.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const PARTS[] = {"bridge", "predictor", "policy", "pomdp", "planner"};
static const char *const LONG_RUN[] = {"--scenario", "cts/03", "--set", "pomdp.budget.trials=8",
                                       "--episodes", "100000", "-q",    NULL};
static const char *const SHORT_RUN[] = {"--scenario", "cts/03", "--set", "pomdp.budget.trials=8",
                                        "-q",         NULL};

static void parts_of(const rig *r, pid_t pids[HP_ARRAY_LEN(PARTS)])
{
    for (size_t i = 0; i < HP_ARRAY_LEN(PARTS); i++) {
        pids[i] = rig_part(r, PARTS[i], 1);
    }
}

static void check_all_gone(const pid_t pids[HP_ARRAY_LEN(PARTS)])
{
    for (size_t i = 0; i < HP_ARRAY_LEN(PARTS); i++) {
        assert_true(rig_gone(pids[i]));
    }
}

static void end_run_with(int number)
{
    rig r;
    pid_t pids[HP_ARRAY_LEN(PARTS)];
    rig_set_up(&r);
    rig_start(&r, NULL, LONG_RUN);
    rig_look(&r);
    rig_wait_ticks(&r, 5);
    parts_of(&r, pids);
    rig_signal(&r, number);
    assert_int_equal(rig_wait(&r), CLI_FAILED);
    check_all_gone(pids);
    assert_int_not_equal(access(r.sockets, F_OK), 0);
    json_t *summary = rig_json(&r, "summary.json");
    char verdict[20];
    rig_text(summary, "verdict", verdict, sizeof verdict);
    assert_true(strcmp(verdict, "stopped") == 0 || strcmp(verdict, "timeout") == 0 ||
                strcmp(verdict, "crash") == 0);
    assert_true(rig_number(summary, "ticks") >= 5.0);
    json_decref(summary);
    rig_tear_down(&r);
}

static void test_run_ends_without_orphans_when_interrupted(void **state)
{
    (void)state;
    end_run_with(SIGINT);
}

static void test_run_ends_without_orphans_when_terminated(void **state)
{
    (void)state;
    end_run_with(SIGTERM);
}

/** A part that hangs makes the end take some seconds, and who waits for it presses the keys again.
 */
static void test_run_tells_how_it_ended_when_it_is_told_to_end_twice(void **state)
{
    rig r;
    pid_t pids[HP_ARRAY_LEN(PARTS)];
    char verdict[20];
    (void)state;
    rig_set_up(&r);
    rig_start(&r, NULL, LONG_RUN);
    rig_look(&r);
    rig_wait_ticks(&r, 5);
    parts_of(&r, pids);
    assert_int_equal(kill(rig_part(&r, "policy", 1), SIGSTOP), 0);
    rig_signal(&r, SIGINT);
    rig_wait_log(&r, "run interrupted");
    rig_signal(&r, SIGINT);
    rig_signal(&r, SIGTERM);
    assert_int_equal(rig_wait(&r), CLI_FAILED);
    check_all_gone(pids);
    json_t *manifest = rig_json(&r, "manifest.json");
    rig_text(manifest, "verdict", verdict, sizeof verdict);
    assert_string_not_equal(verdict, "running");
    json_decref(manifest);
    json_t *summary = rig_json(&r, "summary.json");
    json_decref(summary);
    rig_tear_down(&r);
}

static void test_parts_die_when_supervisor_is_killed(void **state)
{
    rig r;
    pid_t pids[HP_ARRAY_LEN(PARTS)];
    (void)state;
    rig_set_up(&r);
    rig_start(&r, NULL, LONG_RUN);
    rig_look(&r);
    rig_wait_ticks(&r, 5);
    parts_of(&r, pids);
    rig_signal(&r, SIGKILL);
    assert_int_equal(rig_wait(&r), 128 + SIGKILL);
    check_all_gone(pids);

    /* The directory is free again, and what the killed run left is no obstacle. */
    const int status = rig_run(&r, SHORT_RUN);
    assert_true(status == CLI_DONE || status == CLI_FAILED);
    json_t *summary = rig_json(&r, "summary.json");
    assert_int_equal(json_array_size(json_object_get(summary, "episodes")), 1);
    assert_int_not_equal(access(r.sockets, F_OK), 0);
    json_decref(summary);
    rig_tear_down(&r);
}

static void test_second_run_is_refused_when_directory_is_in_use(void **state)
{
    rig first;
    rig second;
    char holder[32];
    (void)state;
    rig_set_up(&first);
    rig_start(&first, NULL, LONG_RUN);
    rig_look(&first);
    rig_wait_ticks(&first, 5);
    second = (rig){.pid = 0};
    (void)snprintf(second.dir, sizeof second.dir, "%s", first.dir);
    assert_int_equal(rig_run(&second, SHORT_RUN), CLI_ENVIRONMENT);
    (void)snprintf(holder, sizeof holder, "(pid %d)", (int)first.pid);
    assert_true(rig_log_has(&second, holder));
    rig_wait_ticks(&first, 5); /* the first does not mind */
    rig_signal(&first, SIGINT);
    assert_int_equal(rig_wait(&first), CLI_FAILED);
    rig_tear_down(&first);
}

/** A copy of the programs without one of them; configuration comes from here. */
static void install_without(const char *bin, const char *missing)
{
    static const char *const PROGRAMS[] = {"hyplan",           "hyplan-bridge", "hyplan-planner",
                                           "hyplan-predictor", "hyplan-policy", "hyplan-pomdp"};
    assert_int_equal(mkdir(bin, 0700), 0);
    for (size_t i = 0; i < HP_ARRAY_LEN(PROGRAMS); i++) {
        if (strcmp(PROGRAMS[i], missing) != 0) {
            assert_int_equal(shell_run("cp '%s/%s' '%s'", HYPLAN_BIN, PROGRAMS[i], bin), 0);
        }
    }
}

static void test_run_is_degraded_when_a_worker_program_is_missing(void **state)
{
    rig r;
    char bin[RIG_PATH + 8];
    (void)state;
    rig_set_up(&r);
    (void)snprintf(bin, sizeof bin, "%s/bin", r.dir);
    install_without(bin, "hyplan-predictor");
    rig_start(&r, bin, SHORT_RUN);
    const int status = rig_wait(&r);
    assert_true(status == CLI_DONE || status == CLI_FAILED);
    assert_true(rig_log_has(&r, "error: run predictor is given up"));
    json_t *summary = rig_json(&r, "summary.json");
    assert_true(rig_number(summary, "parts/predictor/given_up") > 0.0);
    assert_true(rig_number(summary, "fallbacks/predictor") >= 1.0);
    assert_true(rig_number(summary, "fallbacks/search") <= 0.0);
    json_decref(summary);
    rig_tear_down(&r);
}

static void test_run_is_refused_when_the_planner_program_is_missing(void **state)
{
    rig r;
    char bin[RIG_PATH + 8];
    (void)state;
    rig_set_up(&r);
    (void)snprintf(bin, sizeof bin, "%s/bin", r.dir);
    install_without(bin, "hyplan-planner");
    rig_start(&r, bin, SHORT_RUN);
    assert_int_equal(rig_wait(&r), CLI_ENVIRONMENT);
    assert_true(rig_log_has(&r, "hyplan-planner: No such file or directory"));
    json_t *manifest = rig_json(&r, "manifest.json");
    char verdict[20];
    rig_text(manifest, "verdict", verdict, sizeof verdict);
    assert_string_equal(verdict, "failed"); /* it does not run */
    json_decref(manifest);
    rig_tear_down(&r);
}

/** Command lines that must be refused, with the status and a word of the complaint. */
static void test_run_is_refused_when_options_are_wrong(void **state)
{
    static const struct {
        const char *args[5];
        int status;
        const char *says;
    } CASES[] = {
        {{"--world", "carla", "--set", "bridge.carla.port=1"},
         CLI_ENVIRONMENT,
         "the connection to CARLA"},
        {{"--world", "moon"}, CLI_USAGE, "none of sim|replay|carla"},
        {{"--planner", "aeb"}, CLI_USAGE, "hyplan bench"},
        {{"--planner", "nobody"}, CLI_USAGE, "despot"},
        {{"--scenario", "cts/99"}, CLI_USAGE, "no such scenario"},
        {{"--scene", "speed=fast"}, CLI_USAGE, "'fast' is not a number"},
        {{"--world", "replay"}, CLI_USAGE, "--log"},
        {{"--world", "replay", "--log", "nowhere"}, CLI_ENVIRONMENT, "no recording"},
        {{"--car", "3"}, CLI_USAGE, "--world replay"},
        {{"--set", "control.rate_hz=40"}, CLI_USAGE, "tick_s"},
        {{"--set", "bridge.worlds=sim"}, CLI_USAGE, "worlds"},
        {{"extra"}, CLI_USAGE, "extra"},
    };
    (void)state;
    for (size_t i = 0; i < HP_ARRAY_LEN(CASES); i++) {
        rig r;
        rig_set_up(&r);
        const int status = rig_run(&r, CASES[i].args);
        if (status != CASES[i].status || !rig_log_has(&r, CASES[i].says)) {
            fail_msg("case %zu (%s %s): status %d", i, CASES[i].args[0],
                     CASES[i].args[1] != NULL ? CASES[i].args[1] : "", status);
        }
        rig_tear_down(&r);
    }
}

/** A run directory whose path is too long for a socket is no obstacle. */
static void test_run_works_when_its_directory_has_a_long_name(void **state)
{
    rig r;
    (void)state;
    rig_set_up(&r);
    char top[RIG_PATH];
    (void)snprintf(top, sizeof top, "%s", r.dir);
    const size_t n = strlen(r.dir);
    (void)snprintf(r.dir + n, sizeof r.dir - n, "/%0150d", 1);
    assert_int_equal(mkdir(r.dir, 0700), 0);
    const int status = rig_run(&r, SHORT_RUN);
    assert_true(status == CLI_DONE || status == CLI_FAILED);
    json_t *summary = rig_json(&r, "summary.json");
    assert_true(rig_number(summary, "ticks") >= 1.0);
    json_decref(summary);
    (void)snprintf(r.dir, sizeof r.dir, "%s", top);
    rig_tear_down(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_ends_without_orphans_when_interrupted),
        cmocka_unit_test(test_run_ends_without_orphans_when_terminated),
        cmocka_unit_test(test_run_tells_how_it_ended_when_it_is_told_to_end_twice),
        cmocka_unit_test(test_parts_die_when_supervisor_is_killed),
        cmocka_unit_test(test_second_run_is_refused_when_directory_is_in_use),
        cmocka_unit_test(test_run_is_degraded_when_a_worker_program_is_missing),
        cmocka_unit_test(test_run_is_refused_when_the_planner_program_is_missing),
        cmocka_unit_test(test_run_is_refused_when_options_are_wrong),
        cmocka_unit_test(test_run_works_when_its_directory_has_a_long_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
