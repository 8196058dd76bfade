/* Runs beside a library that spoils what the same bits depend on: the wall clock jumps with every
 * look, numbers are rounded upwards and printed in another language. The commands stay the same to
 * the bit. */
#include "tests/pipeline/run_rig.h"

#include <stdlib.h>
#include <string.h>

static const char *const ARGS[] = {
    "--scenario", "cts/06", "--scene", "speed=1.4,distance=20", "--set", "pomdp.budget.trials=12",
    "-q",         NULL};

/** A run's commands, and its table of steps; free() the table. */
static char *drive(rig *r, char hash[20])
{
    char path[RIG_PATH + 16];
    char *steps = NULL;
    size_t cap = 0;
    rig_set_up(r);
    const int status = rig_run(r, ARGS);
    assert_true(status == CLI_DONE || status == CLI_FAILED);
    json_t *summary = rig_json(r, "summary.json");
    assert_true(rig_number(summary, "ticks") > 100.0);
    rig_text(summary, "command_hash", hash, 20);
    json_decref(summary);
    (void)snprintf(path, sizeof path, "%s/steps.csv", r->dir);
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    assert_true(getdelim(&steps, &cap, '\0', in) > 0);
    (void)fclose(in);
    return steps;
}

/** Lines of the log that begin with another year than the one before. */
static unsigned jumps_in_log(const rig *r)
{
    char path[RIG_PATH + 16];
    char line[1200];
    unsigned n = 0;
    unsigned long before = 0;
    (void)snprintf(path, sizeof path, "%s/log.txt", r->dir);
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    while (fgets(line, sizeof line, in) != NULL) {
        const unsigned long year = strtoul(line, NULL, 10);
        n += before != 0 && year != before ? 1 : 0;
        before = year;
    }
    (void)fclose(in);
    return n;
}

static void test_run_is_the_same_when_clock_rounding_and_language_are_spoilt(void **state)
{
    rig r;
    char calm[20];
    char spoilt[20];
    (void)state;
    char *steps = drive(&r, calm);
    assert_true(jumps_in_log(&r) <= 1); /* on New Year's Eve */
    rig_tear_down(&r);

    assert_int_equal(setenv("LD_PRELOAD", BAD_NEIGHBOUR, 1), 0);
    assert_int_equal(setenv("LC_ALL", "de_DE.UTF-8", 1), 0); /* its decimals have commas */
    char *beside = drive(&r, spoilt);
    (void)unsetenv("LD_PRELOAD");
    (void)unsetenv("LC_ALL");
    assert_true(jumps_in_log(&r) >= 3); /* it was there */
    rig_tear_down(&r);
    assert_string_equal(calm, spoilt);
    assert_string_equal(steps, beside);
    free(beside);
    free(steps);
}

static void test_run_in_real_time_goes_through_when_the_wall_clock_jumps(void **state)
{
    static const char *const CLOCKED[] = {"--scenario", "cts/03", "--realtime", "-q", NULL};
    rig r;
    (void)state;
    assert_int_equal(setenv("LD_PRELOAD", BAD_NEIGHBOUR, 1), 0);
    rig_set_up(&r);
    const int status = rig_run(&r, CLOCKED);
    (void)unsetenv("LD_PRELOAD");
    assert_true(status == CLI_DONE || status == CLI_FAILED);
    assert_true(jumps_in_log(&r) >= 3);
    json_t *summary = rig_json(&r, "summary.json");
    const double ticks = rig_number(summary, "ticks");
    assert_true(ticks >= 100.0);
    assert_true(rig_number(summary, "fallbacks/watchdog") < ticks); /* somebody drove */
    assert_true(rig_number(summary, "episodes/0/planner_lost") <= 0.0);
    json_decref(summary);
    rig_tear_down(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_is_the_same_when_clock_rounding_and_language_are_spoilt),
        cmocka_unit_test(test_run_in_real_time_goes_through_when_the_wall_clock_jumps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
