/* SIGHUP makes the planner of a running run read its configuration again; a bad one changes
 * nothing, and what the kernel does not grant is told. */
#include "tests/pipeline/run_rig.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum { EPISODE_TICKS = 219, RIG_CONFIG = 8000 };

static const char *const LONG_RUN[] = {"--scenario", "cts/03",
                                       "--set",      "pomdp.budget.trials=8",
                                       "--episodes", "100000",
                                       "--set",      "control.realtime.pin=true",
                                       "--set",      "control.realtime.cpu=1023",
                                       "-q",         NULL};

/** The configuration that the parts were given is replaced by this text. */
static void write_config(const rig *r, const char *text)
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

/** The run's configuration as it was at the start, with "KEY: VALUE" at one place behind a heading
 *  changed, as one would edit it. */
static void edit_config(const rig *r, char *text, const char *heading, const char *old,
                        const char *new)
{
    static char rest[RIG_CONFIG];
    char *at = strstr(text, heading);
    assert_non_null(at);
    at = strstr(at, old);
    assert_non_null(at);
    (void)snprintf(rest, sizeof rest, "%s", at + strlen(old));
    const size_t room = RIG_CONFIG - (size_t)(at - text);
    assert_true(snprintf(at, room, "%s%s", new, rest) < (int)room);
    write_config(r, text);
}

static void read_config(const rig *r, char text[RIG_CONFIG])
{
    char path[RIG_PATH + 16];
    (void)snprintf(path, sizeof path, "%s/config.yaml", r->dir);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, RIG_CONFIG - 1, file)] = '\0';
    (void)fclose(file);
}

/** Exit status of the recording's replay with these options. */
static int replay(const rig *r, const char *options)
{
    char command[2 * RIG_PATH];
    (void)snprintf(command, sizeof command,
                   HYPLAN_BIN "/hyplan replay --open-loop %s/run.mcap %s >/dev/null", r->dir,
                   options);
    const int status = system(command); /* NOLINT(cert-env33-c): a test's own words */
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
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
    read_config(&r, text);
    const pid_t planner = rig_part(&r, "planner", 1);
    write_config(&r, "planner: {guard: {margin_m: -3}}\n");
    assert_int_equal(kill(planner, SIGHUP), 0);
    rig_wait_log(&r, "configuration kept as it was");
    rig_wait_ticks(&r, 5);
    write_config(
        &r, "control: {rate_hz: 10, decision_rate_hz: 2}\nplanner: {guard: {response_s: 1}}\n");
    assert_int_equal(kill(planner, SIGHUP), 0);
    rig_wait_log(&r, "'control.rate_hz' cannot change");
    const hp_configuration *told = &rig_hear(&r, HP_MSG_CONFIGURATION)->as_hp_configuration;
    while (told->refused < 2) {
        told = &rig_hear(&r, HP_MSG_CONFIGURATION)->as_hp_configuration;
    }
    assert_int_equal(told->version, 1);
    edit_config(&r, text, "\n  guard:", " margin_m: 0.2\n", " margin_m: 2.5\n");
    edit_config(&r, text, "\n  budget:", "trials: 8\n", "trials: 5\n");
    assert_int_equal(kill(planner, SIGHUP), 0);
    rig_wait_log(&r, "configuration read again");
    assert_true(rig_log_has(&r, "version 2: planner.guard.margin_m 0.2 -> 2.5"));
    assert_true(rig_log_has(&r, "version 2: pomdp.budget.trials 8 -> 5"));
    const hp_decision *d = &rig_hear(&r, HP_MSG_DECISION)->as_hp_decision;
    uint32_t most = 0;
    for (int i = 0; i < 2 * EPISODE_TICKS; i++) { /* over a whole scene, with its walker */
        most = d->config_version == 2 && d->plan.trials > most ? d->plan.trials : most;
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
