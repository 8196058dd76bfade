/* Pruning in whole runs, with a calibration made on the spot: the same commands wherever the
 * network runs, thresholds that are read again while driving, and none where the calibration is of
 * something else. */
#include "tests/pipeline/run_rig.h"
#include "tests/support/shell.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HASH 40
#define TRIALS "pomdp.budget.trials=40"

static char folder[] = "/tmp/hyplan-prune-XXXXXX";
static char calibration[128]; /* as --set */

/** A few quick nodes: enough to prune by, not to drive by. */
static int calibrate(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) {
        return 1;
    }
    (void)snprintf(calibration, sizeof calibration,
                   "pomdp.prune.calibration=%s/prune.calibration.safetensors", folder);
    return shell_run(HYPLAN_BIN "/hyplan calibrate prune -q --episodes 150 --trials 30 "
                                "--label-trials 30 --out %s > /dev/null",
                     folder);
}

static int clean(void **state)
{
    (void)state;
    return shell_remove(folder);
}

/** What a run came to. */
typedef struct outcome {
    char hash[HASH];
    double pruned, batches, transport_ms;
} outcome;

static outcome drive(const char *evaluator, const char *method, bool embedded)
{
    rig r;
    outcome o;
    const char *args[] = {"--scenario",
                          "cts/06",
                          "--scene",
                          "speed=1.4,distance=20",
                          "--set",
                          TRIALS,
                          "--set",
                          calibration,
                          "--set",
                          evaluator,
                          "--set",
                          method,
                          "--set",
                          "pomdp.prune.value_tolerance=0.3",
                          "--set",
                          "pomdp.prune.confidence_threshold=0.3",
                          "--set",
                          "pomdp.prune.max_collision_probability=0.5",
                          "--seed",
                          "7",
                          embedded ? "--embedded" : NULL,
                          NULL};
    rig_set_up(&r);
    (void)rig_run(&r, args);
    json_t *summary = rig_json(&r, "summary.json");
    json_t *planner = rig_json(&r, "planner.json");
    rig_text(summary, "command_hash", o.hash, HASH);
    assert_true(rig_number(summary, "fallbacks/search") <= 0.0);
    o.pruned = rig_number(planner, "pruning/pruned");
    o.batches = rig_number(planner, "pruning/batches");
    o.transport_ms = rig_number(planner, "pruning/transport_ms");
    assert_false(rig_log_has(&r, "no pruning"));
    json_decref(summary);
    json_decref(planner);
    rig_tear_down(&r);
    return o;
}

static void test_run_is_the_same_wherever_the_network_runs(void **state)
{
    (void)state;
    const outcome off = drive("pomdp.evaluator=local", "pomdp.prune.method=off", false);
    const outcome here = drive("pomdp.evaluator=local", "pomdp.prune.method=crude", false);
    const outcome there = drive("pomdp.evaluator=remote", "pomdp.prune.method=crude", false);
    const outcome bus = drive("pomdp.evaluator=zeromq", "pomdp.prune.method=crude", false);
    const outcome threads = drive("pomdp.evaluator=remote", "pomdp.prune.method=crude", true);
    assert_true(off.pruned <= 0.0 && off.batches <= 0.0);
    assert_true(here.pruned > 0.0 && here.transport_ms <= 0.0);
    assert_true(there.transport_ms > 0.0);
    hp_assert_near(there.pruned, here.pruned, 0.0);
    hp_assert_near(bus.pruned, here.pruned, 0.0);
    hp_assert_near(threads.pruned, here.pruned, 0.0);
    assert_string_equal(there.hash, here.hash);
    assert_string_equal(bus.hash, here.hash);
    assert_string_equal(threads.hash, here.hash);
}

/* A run that outlasts the test. */
#define LONG_RUN                                                                                   \
    "--scenario", "cts/06", "--episodes", "100000", "--set", TRIALS, "--set", calibration, "-q"

/** Waits for a decision that the network had a say in, or had not. */
static void wait_for_calls(rig *r, bool some)
{
    for (int i = 0; i < 10000; i++) {
        const hp_decision *d = &rig_hear(r, HP_MSG_DECISION)->as_hp_decision;
        if (d->decided && d->n_agents > 0 && (d->plan.batches > 0) == some && d->plan.trials > 1) {
            return;
        }
    }
    fail_msg("no decision %s the network", some ? "with" : "without");
}

static void test_run_takes_new_thresholds_on_hangup(void **state)
{
    rig r;
    (void)state;
    const char *args[] = {LONG_RUN, "--set", "pomdp.prune.method=off", NULL};
    rig_set_up(&r);
    rig_start(&r, NULL, args);
    rig_look(&r);
    wait_for_calls(&r, false);
    const pid_t planner = rig_part(&r, "planner", 1); /* it tells the search */
    static char text[RIG_CONFIG];
    rig_read_config(&r, text);
    rig_write_config(&r, "pomdp: {prune: {method: clairvoyance}}\n");
    assert_int_equal(kill(planner, SIGHUP), 0);
    rig_wait_log(&r, "configuration kept as it was");
    rig_edit_config(&r, text, "\n  prune:", "max_collision_probability: 0.2\n",
                    "max_collision_probability: 0.5\n");
    rig_edit_config(&r, text, "\n  prune:", "method: off\n", "method: crude\n");
    assert_int_equal(kill(planner, SIGHUP), 0);
    rig_wait_log(&r, "version 2: pomdp.prune.method");
    wait_for_calls(&r, true);
    rig_edit_config(&r, text, "\n  prune:", "method: crude\n", "method: off\n");
    assert_int_equal(kill(planner, SIGHUP), 0);
    rig_wait_log(&r, "version 3: pomdp.prune.method");
    wait_for_calls(&r, false);
    rig_signal(&r, SIGINT);
    (void)rig_wait(&r);
    rig_tear_down(&r);
}

/** Waits for a search with values of the network's, or one that asked and got none. */
static void wait_for_values(rig *r, bool some)
{
    for (int i = 0; i < 10000; i++) {
        const hp_decision *d = &rig_hear(r, HP_MSG_DECISION)->as_hp_decision;
        const hp_plan_reply *p = &d->plan;
        if (d->decided && p->batches > 0 && (some ? p->evaluated > 0 : p->refused > 0)) {
            assert_true(p->found && p->trials > 1);
            return;
        }
    }
    fail_msg("no search %s values", some ? "with" : "without");
}

/** hyplan-policy is killed, then stands still for a while: searches go on without it, the next ones
 * at once, and ask it again when it is back. */
static void test_search_goes_on_when_the_network_is_gone(void **state)
{
    rig r;
    const char *evaluator = *state;
    const char *args[] = {LONG_RUN,
                          "--set",
                          "pomdp.prune.method=crude",
                          "--set",
                          "pomdp.prune.max_collision_probability=0.5",
                          "--set",
                          evaluator,
                          NULL};
    rig_set_up(&r);
    rig_start(&r, NULL, args);
    rig_look(&r);
    wait_for_values(&r, true);
    assert_int_equal(kill(rig_part(&r, "policy", 1), SIGKILL), 0);
    rig_wait_health(&r, "policy", 2);
    wait_for_values(&r, true);
    const pid_t second = rig_part(&r, "policy", 2);
    assert_int_equal(kill(second, SIGSTOP), 0);
    wait_for_values(&r, false);
    rig_wait_log(&r, "is not waited for: its reply did not come in time");
    wait_for_values(&r, false);
    assert_int_equal(kill(second, SIGCONT), 0);
    wait_for_values(&r, true);
    rig_signal(&r, SIGINT);
    (void)rig_wait(&r);
    json_t *summary = rig_json(&r, "summary.json");
    assert_true(rig_number(summary, "fallbacks/search") <= 0.0);
    assert_true(rig_number(summary, "parts/pomdp/restarts") <= 0.0);
    assert_true(rig_number(summary, "parts/planner/restarts") <= 0.0);
    json_decref(summary);
    rig_tear_down(&r);
}

/** Another search than the one that was calibrated: said in the log, and in the part's health. */
static void test_run_does_not_prune_when_its_calibration_is_stale(void **state)
{
    rig r;
    (void)state;
    const char *args[] = {"--scenario", "cts/06",
                          "--set",      TRIALS,
                          "--set",      calibration,
                          "--set",      "pomdp.prune.method=crude",
                          "--set",      "pomdp.scenarios=300",
                          NULL};
    rig_set_up(&r);
    (void)rig_run(&r, args);
    assert_true(rig_log_has(&r, "degraded: no pruning: calibration of another search"));
    json_t *planner = rig_json(&r, "planner.json");
    char note[HP_TEXT];
    rig_text(planner, "workers/pomdp/note", note, sizeof note);
    assert_non_null(strstr(note, "another search"));
    assert_true(rig_number(planner, "workers/pomdp/degraded") > 0.0);
    assert_true(rig_number(planner, "pruning/pruned") <= 0.0);
    json_decref(planner);
    rig_tear_down(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_is_the_same_wherever_the_network_runs),
        {"test_search_goes_on_when_the_network_is_gone (direct)",
         test_search_goes_on_when_the_network_is_gone, NULL, NULL,
         (char[]){"pomdp.evaluator=remote"}},
        {"test_search_goes_on_when_the_network_is_gone (ZeroMQ)",
         test_search_goes_on_when_the_network_is_gone, NULL, NULL,
         (char[]){"pomdp.evaluator=zeromq"}},
        cmocka_unit_test(test_run_takes_new_thresholds_on_hangup),
        cmocka_unit_test(test_run_does_not_prune_when_its_calibration_is_stale),
    };
    return cmocka_run_group_tests(tests, calibrate, clean);
}
