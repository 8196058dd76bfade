/* Parts that are killed or stopped in the middle of a run: it goes on, and they come back. */
#include "tests/pipeline/run_rig.h"

#include <signal.h>
#include <sys/resource.h>
#include <time.h>

/* Many short episodes: the run goes on until it is told to end. */
static const char *const LONG_RUN[] = {"--scenario", "cts/03", "--set", "pomdp.budget.trials=8",
                                       "--episodes", "100000", "-q",    NULL};

/** Kills a worker in its first life; the run must see its second. Returns summary.json. */
static json_t *kill_worker(rig *r, const char *name)
{
    rig_set_up(r);
    rig_start(r, NULL, LONG_RUN);
    rig_look(r);
    rig_wait_ticks(r, 20);
    assert_int_equal(kill(rig_part(r, name, 1), SIGKILL), 0);
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
    json_t *summary = kill_worker(&r, "predictor");
    check_came_back(summary, "predictor");
    assert_true(rig_number(summary, "fallbacks/predictor") >= 1.0);
    json_decref(summary);
    rig_tear_down(&r);
}

static void test_run_goes_on_when_pomdp_is_killed(void **state)
{
    rig r;
    (void)state;
    json_t *summary = kill_worker(&r, "pomdp");
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
    json_t *summary = kill_worker(&r, "policy");
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

static void test_run_goes_on_when_no_part_gets_more_memory(void **state)
{
    static const char *const PARTS[] = {"planner", "predictor", "policy", "pomdp"};
    rig r;
    (void)state;
    rig_set_up(&r);
    rig_start(&r, NULL, LONG_RUN);
    rig_look(&r);
    rig_wait_ticks(&r, 300); /* over a change of episode: what is reserved late is there */
    for (size_t i = 0; i < HP_ARRAY_LEN(PARTS); i++) {
        close_heap(rig_part(&r, PARTS[i], 1));
    }
    rig_wait_ticks(&r, 500);
    rig_signal(&r, SIGINT);
    assert_int_equal(rig_wait(&r), CLI_FAILED);
    json_t *summary = rig_json(&r, "summary.json");
    for (size_t i = 0; i < HP_ARRAY_LEN(PARTS); i++) { /* not even started again */
        char path[64];
        (void)snprintf(path, sizeof path, "parts/%s/restarts", PARTS[i]);
        assert_true(rig_number(summary, path) <= 0.0);
    }
    assert_true(rig_number(summary, "fallbacks/search") <= 0.0);
    assert_true(rig_number(summary, "fallbacks/predictor") <= 0.0);
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
        cmocka_unit_test(test_run_goes_on_when_no_part_gets_more_memory),
        cmocka_unit_test(test_parts_go_on_when_the_supervisor_stands_still),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
