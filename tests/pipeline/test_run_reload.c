/* SIGHUP makes the planner of a running run read its configuration again; a bad one changes
 * nothing, and what the kernel does not grant is told. */
#include "tests/pipeline/run_rig.h"

#include <signal.h>
#include <stdio.h>

static const char *const LONG_RUN[] = {"--scenario", "cts/03",
                                       "--set",      "pomdp.budget.trials=8",
                                       "--episodes", "100000",
                                       "--set",      "control.realtime.pin=true",
                                       "--set",      "control.realtime.cpu=1023",
                                       "-q",         NULL};

/** Appends to the configuration that the parts were given. */
static void append(const rig *r, const char *text)
{
    char path[RIG_PATH + 16];
    (void)snprintf(path, sizeof path, "%s/more.yaml", r->dir);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    char config[RIG_PATH + 16];
    (void)snprintf(config, sizeof config, "%s/config.yaml", r->dir);
    assert_int_equal(rename(path, config), 0);
}

static void test_run_reads_thresholds_again_on_hangup_and_refuses_bad_ones(void **state)
{
    rig r;
    (void)state;
    rig_set_up(&r);
    rig_start(&r, NULL, LONG_RUN);
    rig_look(&r);
    rig_wait_ticks(&r, 5);
    rig_wait_log(&r, "degraded: not pinned"); /* there is no such processor */
    const pid_t planner = rig_part(&r, "planner", 1);
    append(&r, "planner: {guard: {margin_m: -3}}\n");
    assert_int_equal(kill(planner, SIGHUP), 0);
    rig_wait_log(&r, "configuration kept as it was");
    rig_wait_ticks(&r, 5);
    append(&r, "control: {rate_hz: 10, decision_rate_hz: 2}\nplanner: {guard: {response_s: 1}}\n");
    assert_int_equal(kill(planner, SIGHUP), 0);
    rig_wait_log(&r, "section 'control' cannot change");
    append(&r, "planner: {guard: {margin_m: 0.4}}\n");
    assert_int_equal(kill(planner, SIGHUP), 0);
    rig_wait_log(&r, "configuration read again");
    rig_wait_ticks(&r, 5);
    rig_signal(&r, SIGINT);
    (void)rig_wait(&r);
    json_t *summary = rig_json(&r, "summary.json");
    assert_true(rig_number(summary, "parts/planner/restarts") <= 0.0);
    json_decref(summary);
    rig_tear_down(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_reads_thresholds_again_on_hangup_and_refuses_bad_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
