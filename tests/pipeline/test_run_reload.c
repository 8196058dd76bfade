/* SIGHUP makes the planner of a running run read its configuration again; a bad one changes
 * nothing, and what the kernel does not grant is told. */
#include "tests/pipeline/run_rig.h"
#include "tests/support/shell.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { EPISODE_TICKS = 219 };

static const char *const LONG_RUN[] = {"--scenario", "cts/03",
                                       "--set",      "pomdp.budget.trials=8",
                                       "--episodes", "100000",
                                       "--set",      "control.realtime.pin=true",
                                       "--set",      "control.realtime.cpu=1023",
                                       "-q",         NULL};

/** Exit status of the recording's replay with these options. */
static int replay(const rig *r, const char *options)
{
    return shell_run(HYPLAN_BIN "/hyplan replay --open-loop %s/run.mcap %s >/dev/null", r->dir,
                     options);
}

static void test_run_reads_thresholds_again_on_hangup_and_refuses_bad_ones(void **state)
{
    static char text[RIG_CONFIG];
    rig r;
    (void)state;
    rig_set_up(&r);
    rig_start(&r, NULL, LONG_RUN);
    rig_look(&r);
    rig_wait_ticks(&r, 5);
    rig_wait_log(&r, "degraded: not pinned"); /* there is no such processor */
    rig_read_config(&r, text);
    const pid_t planner = rig_part(&r, "planner", 1);
    rig_write_config(&r, "planner: {guard: {margin_m: -3}}\n");
    assert_int_equal(kill(planner, SIGHUP), 0);
    rig_wait_log(&r, "configuration kept as it was");
    rig_wait_ticks(&r, 5);
    rig_write_config(
        &r, "control: {rate_hz: 10, decision_rate_hz: 2}\nplanner: {guard: {response_s: 1}}\n");
    assert_int_equal(kill(planner, SIGHUP), 0);
    rig_wait_log(&r, "'control.rate_hz' cannot change");
    const hp_configuration *told = &rig_hear(&r, HP_MSG_CONFIGURATION)->as_hp_configuration;
    while (told->refused < 2) {
        told = &rig_hear(&r, HP_MSG_CONFIGURATION)->as_hp_configuration;
    }
    assert_int_equal(told->version, 1);
    rig_edit_config(&r, text, "\n  guard:", " margin_m: 0.2\n", " margin_m: 2.5\n");
    rig_edit_config(&r, text, "\n  budget:", "trials: 8\n", "trials: 5\n");
    assert_int_equal(kill(planner, SIGHUP), 0);
    rig_wait_log(&r, "configuration read again");
    assert_true(rig_log_has(&r, "version 2: planner.guard.margin_m 0.2 -> 2.5"));
    assert_true(rig_log_has(&r, "version 2: pomdp.budget.trials 8 -> 5"));
    const hp_decision *d = &rig_hear(&r, HP_MSG_DECISION)->as_hp_decision;
    uint32_t most = 0;
    for (int i = 0; i < 2 * EPISODE_TICKS; i++) { /* over a whole scene, with its walker */
        const bool searched = d->config_version == 2 && d->decided; /* no plan of before */
        most = searched && d->plan.trials > most ? d->plan.trials : most;
        d = &rig_hear(&r, HP_MSG_DECISION)->as_hp_decision;
    }
    assert_int_equal(most, 5); /* the search got its part, too */
    rig_signal(&r, SIGINT);
    (void)rig_wait(&r);
    json_t *summary = rig_json(&r, "summary.json");
    assert_true(rig_number(summary, "parts/planner/restarts") <= 0.0);
    json_decref(summary);
    assert_int_equal(replay(&r, ""), 0); /* the change is repeated where it was made */
    assert_int_equal(replay(&r, "--set planner.guard.margin_m=0.2"), 1);
    rig_tear_down(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_reads_thresholds_again_on_hangup_and_refuses_bad_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
