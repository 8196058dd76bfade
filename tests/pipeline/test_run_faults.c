/* Parts that are killed or stopped in the middle of a run: it goes on, and they come back. */
#include "tests/pipeline/run_rig.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

/* Many short episodes: the run goes on until it is told to end. */
static const char *const LONG_RUN[] = {"--scenario", "cts/03", "--set", "pomdp.budget.trials=8",
                                       "--episodes", "100000", "-q",    NULL};

/** Looks on until a decision had to be made without a worker. */
static void wait_for_fallback(rig *r, const char *name)
{
    const hp_decision *d = &rig_hear(r, HP_MSG_DECISION)->as_hp_decision;
    while (strcmp(name, "pomdp") == 0 ? !d->search_failed : !d->predictor_fallback) {
        d = &rig_hear(r, HP_MSG_DECISION)->as_hp_decision;
    }
}

/** Kills a worker in its first life; the run must see its second. Nobody raises it before it has
 * been missed, if it will be, however slow the others are. Returns summary.json. */
static json_t *kill_worker(rig *r, const char *name, bool missed)
{
    rig_set_up(r);
    rig_start(r, NULL, LONG_RUN);
    rig_look(r);
    rig_wait_ticks(r, 20);
    const pid_t pid = rig_part(r, name, 1);
    rig_signal(r, SIGSTOP);
    assert_int_equal(kill(pid, SIGKILL), 0);
    if (missed) {
        wait_for_fallback(r, name);
    }
    rig_signal(r, SIGCONT);
    rig_wait_health(r, name, 2);
    rig_wait_ticks(r, 20);
    rig_signal(r, SIGINT);
    assert_int_equal(rig_wait(r), CLI_FAILED); /* interrupted */
    return rig_json(r, "summary.json");
}

static void check_came_back(const json_t *summary, const char *name)
{
    char path[64];
    (void)snprintf(path, sizeof path, "parts/%s/restarts", name);
    assert_true(rig_number(summary, path) >= 1.0);
    (void)snprintf(path, sizeof path, "parts/%s/given_up", name);
    assert_true(rig_number(summary, path) <= 0.0);
    (void)snprintf(path, sizeof path, "workers/%s/generation", name);
    assert_true(rig_number(summary, path) >= 2.0);
    assert_true(rig_number(summary, "parts/planner/restarts") <= 0.0);
    assert_true(rig_number(summary, "episodes/0/planner_lost") <= 0.0);
}

static void test_run_goes_on_when_predictor_is_killed(void **state)
{
    rig r;
    (void)state;
    json_t *summary = kill_worker(&r, "predictor", true);
    check_came_back(summary, "predictor");
    assert_true(rig_number(summary, "fallbacks/predictor") >= 1.0);
    json_decref(summary);
    rig_tear_down(&r);
}

static void test_run_goes_on_when_pomdp_is_killed(void **state)
{
    rig r;
    (void)state;
    json_t *summary = kill_worker(&r, "pomdp", true);
    check_came_back(summary, "pomdp");
    assert_true(rig_number(summary, "fallbacks/search") >= 1.0);
    assert_true(rig_number(summary, "fallbacks/comfort_brake") >= 1.0);
    json_decref(summary);
    rig_tear_down(&r);
}

static void test_run_is_not_disturbed_when_policy_is_killed(void **state)
{
    rig r;
    (void)state;
    json_t *summary = kill_worker(&r, "policy", false);
    check_came_back(summary, "policy");
    assert_true(rig_number(summary, "fallbacks/predictor") <= 0.0);
    assert_true(rig_number(summary, "fallbacks/search") <= 0.0);
    assert_true(rig_number(summary, "workers/policy/degraded") <=
                0.0); /* it loads its network again */
    json_decref(summary);
    rig_tear_down(&r);
}

static void test_world_waits_when_planner_is_killed(void **state)
{
    rig r;
    (void)state;
    rig_set_up(&r);
    rig_start(&r, NULL, LONG_RUN);
    rig_look(&r);
    rig_wait_ticks(&r, 20);
    assert_int_equal(kill(rig_part(&r, "planner", 1), SIGKILL), 0);
    rig_wait_health(&r, "planner", 2);
    rig_wait_ticks(&r, 20);
    rig_signal(&r, SIGINT);
    assert_int_equal(rig_wait(&r), CLI_FAILED);
    json_t *summary = rig_json(&r, "summary.json");
    const json_t *episodes = json_object_get(summary, "episodes");
    const json_t *last = json_array_get(episodes, json_array_size(episodes) - 1);
    assert_true(rig_number(summary, "parts/planner/restarts") >= 1.0);
    assert_true(rig_number(last, "planner_generation") >= 2.0);
    assert_true(rig_number(last, "planner_lost") <= 0.0);
    json_decref(summary);
    rig_tear_down(&r);
}

static void test_world_brakes_when_planner_is_killed_in_real_time(void **state)
{
    static const char *const ARGS[] = {"--scenario", "cts/01", "--realtime", "--episodes",
                                       "1000",       "-q",     NULL};
    rig r;
    (void)state;
    rig_set_up(&r);
    rig_start(&r, NULL, ARGS);
    rig_look(&r);
    rig_wait_ticks(&r, 10);
    assert_int_equal(kill(rig_part(&r, "planner", 1), SIGSTOP), 0);
    const struct timespec second = {.tv_sec = 1};
    (void)nanosleep(&second, NULL); /* 20 ticks of the world's clock, whatever the machine does */
    assert_int_equal(kill(rig_part(&r, "planner", 1), SIGKILL), 0);
    rig_wait_health(&r, "planner", 2);
    rig_wait_ticks(&r, 10);
    rig_signal(&r, SIGINT);
    assert_int_equal(rig_wait(&r), CLI_FAILED);
    json_t *summary = rig_json(&r, "summary.json");
    assert_true(rig_number(summary, "fallbacks/watchdog") >= 1.0);
    assert_true(rig_number(summary, "ticks") >= 20.0);
    json_decref(summary);
    rig_tear_down(&r);
}

static void run_hash(rig *r, char hash[20])
{
    json_t *summary = rig_json(r, "summary.json");
    assert_true(rig_number(summary, "fallbacks/search") <= 0.0);
    assert_true(rig_number(summary, "fallbacks/predictor") <= 0.0);
    rig_text(summary, "command_hash", hash, 20);
    json_decref(summary);
}

static void test_run_waits_when_a_worker_is_only_slow(void **state)
{
    static const char *const ARGS[] = {"--scenario", "cts/03", "--set", "pomdp.budget.trials=8",
                                       "--episodes", "12",     "-q",    NULL};
    rig r;
    char undisturbed[20];
    char slow[20];
    const struct timespec second = {.tv_sec = 1};
    (void)state;
    rig_set_up(&r);
    (void)rig_run(&r, ARGS);
    run_hash(&r, undisturbed);
    rig_tear_down(&r);

    rig_set_up(&r);
    rig_start(&r, NULL, ARGS);
    rig_look(&r);
    rig_wait_ticks(&r, 1);
    for (int i = 0; i < 2; i++) {
        const pid_t pid = rig_part(&r, i == 0 ? "pomdp" : "predictor", 1);
        assert_int_equal(kill(pid, SIGSTOP), 0);
        (void)nanosleep(&second, NULL);
        assert_int_equal(kill(pid, SIGCONT), 0);
    }
    (void)rig_wait(&r);
    run_hash(&r, slow);
    rig_tear_down(&r);
    assert_string_equal(undisturbed, slow);
}

/** From now on the process gets no more memory than it has. */
static void close_heap(pid_t pid)
{
    const struct rlimit nothing = {.rlim_cur = 1, .rlim_max = RLIM_INFINITY};
    assert_int_equal(prlimit(pid, RLIMIT_AS, &nothing, NULL), 0);
}

/** A worker that never goes on: the run goes on without it, and gets another one. One that is given
 * up does not count as hanging. */
static void test_run_gets_another_worker_when_one_hangs_for_good(void **state)
{
    static const char *const ARGS[] = {"--scenario", "cts/01", "--realtime", "--episodes",
                                       "1000",       "-q",     NULL};
    rig r;
    (void)state;
    rig_set_up(&r);
    rig_start(&r, NULL, ARGS);
    rig_look(&r);
    rig_wait_health(&r, "policy", 1);
    rig_wait_health(&r, "predictor", 1);
    rig_wait_ticks(&r, 20);
    for (unsigned i = 1; i <= 5; i++) {
        assert_int_equal(kill(rig_part(&r, "policy", i), SIGKILL), 0);
    }
    rig_wait_log(&r, "policy is given up");
    assert_int_equal(kill(rig_part(&r, "predictor", 1), SIGSTOP), 0);
    rig_wait_health(&r, "predictor", 2);
    assert_true(rig_log_has(&r, "predictor has not answered for"));
    assert_false(rig_log_has(&r, "policy has not answered for"));
    rig_wait_ticks(&r, 20);
    rig_signal(&r, SIGINT);
    assert_int_equal(rig_wait(&r), CLI_FAILED);
    json_t *summary = rig_json(&r, "summary.json");
    assert_true(rig_number(summary, "fallbacks/predictor") >= 1.0);
    assert_true(rig_number(summary, "parts/predictor/restarts") <= 1.0);
    assert_true(rig_number(summary, "parts/planner/restarts") <= 0.0);
    json_decref(summary);
    rig_tear_down(&r);
}

static unsigned descriptors_of(pid_t pid)
{
    char path[64];
    unsigned n = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *entries = opendir(path);
    if (entries == NULL) {
        fail_msg("%s: %s", path, strerror(errno));
        return 0;
    }
    assert_non_null(entries);
    while (readdir(entries) != NULL) {
        n++;
    }
    (void)closedir(entries);
    return n;
}

static void test_parts_hold_no_more_descriptors_after_many_episodes(void **state)
{
    static const char *const PARTS[] = {"bridge", "planner", "predictor", "policy", "pomdp"};
    unsigned before[HP_ARRAY_LEN(PARTS)];
    rig r;
    (void)state;
    rig_set_up(&r);
    rig_start(&r, NULL, LONG_RUN);
    rig_look(&r);
    rig_wait_ticks(&r, 300);
    for (size_t i = 0; i < HP_ARRAY_LEN(PARTS); i++) {
        before[i] = descriptors_of(rig_part(&r, PARTS[i], 1));
    }
    rig_wait_ticks(&r, 2500); /* more than ten episodes */
    for (size_t i = 0; i < HP_ARRAY_LEN(PARTS); i++) {
        assert_int_equal(descriptors_of(rig_part(&r, PARTS[i], 1)), before[i]);
    }
    rig_signal(&r, SIGINT);
    assert_int_equal(rig_wait(&r), CLI_FAILED);
    rig_tear_down(&r);
}

/** Our code asks for nothing while it drives; libzmq does, and aborts if it gets nothing. */
static void test_run_goes_on_when_workers_get_no_more_memory(void **state)
{
    static const char *const WORKERS[] = {"predictor", "policy", "pomdp"};
    rig r;
    (void)state;
    rig_set_up(&r);
    rig_start(&r, NULL, LONG_RUN);
    rig_look(&r);
    rig_wait_ticks(&r, 300); /* over a change of episode: what is reserved late is there */
    for (size_t i = 0; i < HP_ARRAY_LEN(WORKERS); i++) {
        close_heap(rig_part(&r, WORKERS[i], 1));
    }
    rig_wait_ticks(&r, 500);
    rig_signal(&r, SIGINT);
    assert_int_equal(rig_wait(&r), CLI_FAILED);
    json_t *summary = rig_json(&r, "summary.json");
    assert_true(rig_number(summary, "parts/planner/restarts") <= 0.0);
    assert_true(rig_number(summary, "episodes/0/planner_lost") <= 0.0);
    for (size_t i = 0; i < HP_ARRAY_LEN(WORKERS); i++) { /* one that died of it has come back */
        char path[64];
        (void)snprintf(path, sizeof path, "parts/%s/given_up", WORKERS[i]);
        assert_true(rig_number(summary, path) <= 0.0);
    }
    json_decref(summary);
    rig_tear_down(&r);
}

static void test_parts_go_on_when_the_supervisor_stands_still(void **state)
{
    rig r;
    (void)state;
    rig_set_up(&r);
    rig_start(&r, NULL, LONG_RUN);
    rig_look(&r);
    rig_wait_ticks(&r, 20);
    const pid_t predictor = rig_part(&r, "predictor", 1);
    rig_signal(&r, SIGSTOP);
    rig_wait_ticks(&r, 300);
    assert_int_equal(kill(predictor, SIGKILL), 0); /* nobody starts it again now */
    rig_wait_ticks(&r, 300);
    rig_signal(&r, SIGCONT);
    rig_wait_health(&r, "predictor", 2);
    rig_signal(&r, SIGINT);
    assert_int_equal(rig_wait(&r), CLI_FAILED);
    json_t *summary = rig_json(&r, "summary.json");
    assert_true(rig_number(summary, "parts/predictor/restarts") >= 1.0);
    assert_true(rig_number(summary, "parts/planner/restarts") <= 0.0);
    json_decref(summary);
    rig_tear_down(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_goes_on_when_predictor_is_killed),
        cmocka_unit_test(test_run_goes_on_when_pomdp_is_killed),
        cmocka_unit_test(test_run_is_not_disturbed_when_policy_is_killed),
        cmocka_unit_test(test_world_waits_when_planner_is_killed),
        cmocka_unit_test(test_world_brakes_when_planner_is_killed_in_real_time),
        cmocka_unit_test(test_run_waits_when_a_worker_is_only_slow),
        cmocka_unit_test(test_run_gets_another_worker_when_one_hangs_for_good),
        cmocka_unit_test(test_parts_hold_no_more_descriptors_after_many_episodes),
        cmocka_unit_test(test_run_goes_on_when_workers_get_no_more_memory),
        cmocka_unit_test(test_parts_go_on_when_the_supervisor_stands_still),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
