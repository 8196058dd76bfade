/* The supervisor alone, over small shell scripts. */
#include "tests/pipeline/run_rig.h"

#include "cli/supervisor.h"
#include "common/hp_clock.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE = 6000 }; /* steps of 10 ms at least */

static const hp_log SILENT = {.program = "test", .out = NULL};

/* The door to new processes (the linker wraps it): so many calls fail. */
static int forks_to_fail;

pid_t __real_fork(void);
pid_t __wrap_fork(void);

pid_t __wrap_fork(void)
{
    if (forks_to_fail > 0) {
        forks_to_fail--;
        errno = EAGAIN;
        return -1;
    }
    return __real_fork();
}

static supervisor *supervise(const char *script, bool once)
{
    const supervisor_program program = {
        .name = "script",
        .path = "/bin/sh",
        .argv = {"/bin/sh", "-c", script, "script", "@generation", NULL},
        .once = once};
    supervisor *s = NULL;
    assert_int_equal(supervisor_create(&program, 1, STDERR_FILENO, &SILENT, &s), HP_OK);
    return s;
}

static void step_until(supervisor *s, supervisor_state state)
{
    for (int i = 0; i < PATIENCE && supervisor_get(s, 0)->state != state; i++) {
        assert_int_equal(supervisor_step(s, 10), HP_OK);
    }
    assert_int_equal(supervisor_get(s, 0)->state, state);
}

static void test_supervisor_gives_up_when_a_program_ends_five_times(void **state)
{
    supervisor *s = supervise("exit 1", false);
    (void)state;
    step_until(s, SUPERVISOR_GIVEN_UP);
    assert_int_equal(supervisor_get(s, 0)->generation, 5);
    assert_int_equal(supervisor_get(s, 0)->exit_status, 1);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(supervisor_step(s, 10), HP_OK);
    }
    assert_int_equal(supervisor_get(s, 0)->generation, 5); /* it stays given up */
    supervisor_destroy(&s);
}

static void test_supervisor_gives_up_when_a_configuration_is_refused(void **state)
{
    supervisor *s = supervise("exit 2", false);
    (void)state;
    step_until(s, SUPERVISOR_GIVEN_UP);
    assert_int_equal(supervisor_get(s, 0)->generation, 1);
    supervisor_destroy(&s);
}

static void test_supervisor_gives_up_when_a_program_is_missing(void **state)
{
    const supervisor_program program = {
        .name = "nothing", .path = "/nonexistent/program", .argv = {"nothing", NULL}};
    supervisor *s = NULL;
    (void)state;
    assert_int_equal(supervisor_create(&program, 1, STDERR_FILENO, &SILENT, &s), HP_OK);
    step_until(s, SUPERVISOR_GIVEN_UP);
    assert_int_equal(supervisor_get(s, 0)->generation, 1);
    supervisor_destroy(&s);
}

static void test_supervisor_hands_out_the_generation(void **state)
{
    /* Ends badly in its first two lives, and lives in the third. */
    supervisor *s = supervise("test \"$1\" -ge 3 || exit 1; exec sleep 1000", false);
    (void)state;
    for (int i = 0; i < PATIENCE && supervisor_get(s, 0)->generation < 3; i++) {
        assert_int_equal(supervisor_step(s, 10), HP_OK);
    }
    for (int i = 0; i < 50; i++) {
        assert_int_equal(supervisor_step(s, 10), HP_OK);
    }
    assert_int_equal(supervisor_get(s, 0)->generation, 3);
    assert_int_equal(supervisor_get(s, 0)->state, SUPERVISOR_RUNS);
    supervisor_destroy(&s);
}

static void test_supervisor_does_not_restart_what_ends_on_purpose(void **state)
{
    supervisor *s = supervise("exit 3", true);
    (void)state;
    step_until(s, SUPERVISOR_ENDED);
    assert_int_equal(supervisor_get(s, 0)->exit_status, 3);
    assert_int_equal(supervisor_get(s, 0)->generation, 1);
    supervisor_destroy(&s);
}

static void test_supervisor_restarts_what_a_signal_killed(void **state)
{
    supervisor *s = supervise("exec sleep 1000", false);
    (void)state;
    step_until(s, SUPERVISOR_RUNS);
    const int first = supervisor_get(s, 0)->pid;
    assert_int_equal(kill(first, SIGKILL), 0);
    step_until(s, SUPERVISOR_WAITS);
    assert_int_equal(supervisor_get(s, 0)->exit_status, 128 + SIGKILL);
    step_until(s, SUPERVISOR_RUNS);
    assert_int_equal(supervisor_get(s, 0)->generation, 2);
    assert_int_not_equal(supervisor_get(s, 0)->pid, first);
    supervisor_destroy(&s);
}

/** A reload may come while a program is being started: it is for whoever looks for it then. */
static void
test_supervisor_does_not_end_a_program_by_a_hangup_when_it_has_just_started(void **state)
{
    const supervisor_program program = {/* a shell would let the signal in */
                                        .name = "sleeper",
                                        .path = "/bin/sleep",
                                        .argv = {"/bin/sleep", "0.2", NULL},
                                        .once = true};
    supervisor *s = NULL;
    (void)state;
    assert_int_equal(supervisor_create(&program, 1, STDERR_FILENO, &SILENT, &s), HP_OK);
    step_until(s, SUPERVISOR_RUNS);
    supervisor_signal(s, 0, SIGHUP);
    step_until(s, SUPERVISOR_ENDED);
    assert_int_equal(supervisor_get(s, 0)->exit_status, 0);
    supervisor_destroy(&s);
}

static void test_supervisor_kills_what_does_not_listen(void **state)
{
    int ready[2];
    char byte = 0;
    (void)state;
    assert_int_equal(pipe(ready), 0);
    const supervisor_program program = {
        .name = "deaf",
        .path = "/bin/sh",
        .argv = {"/bin/sh", "-c", "trap '' TERM; echo; while :; do sleep 1; done", NULL}};
    supervisor *s = NULL;
    assert_int_equal(supervisor_create(&program, 1, ready[1], &SILENT, &s), HP_OK);
    step_until(s, SUPERVISOR_RUNS);
    assert_int_equal(read(ready[0], &byte, 1), 1); /* from now on it is deaf */
    const int pid = supervisor_get(s, 0)->pid;
    supervisor_destroy(&s);
    assert_int_not_equal(kill(pid, 0), 0);
    assert_int_equal(errno, ESRCH);
    (void)close(ready[0]);
    (void)close(ready[1]);
}

/** Who comes after it in the list still gets to end by himself; and one that has ended meanwhile
 * does not keep the supervisor busy while it waits. */
static void test_supervisor_lets_the_last_end_in_order_when_the_first_does_not_listen(void **state)
{
    int ready[2];
    char bytes[2];
    (void)state;
    assert_int_equal(pipe(ready), 0);
    const supervisor_program programs[] = {
        {.name = "deaf",
         .path = "/bin/sh",
         .argv = {"/bin/sh", "-c", "trap '' TERM; echo; while :; do sleep 1; done", NULL}},
        {.name = "recorder",
         .path = "/bin/sh",
         .argv = {"/bin/sh", "-c", "trap 'exit 7' TERM; echo; while :; do sleep 0.01; done", NULL}},
        {.name = "brief", .path = "/bin/sh", .argv = {"/bin/sh", "-c", "sleep 0.1", NULL}}};
    supervisor *s = NULL;
    assert_int_equal(supervisor_create(programs, 3, ready[1], &SILENT, &s), HP_OK);
    step_until(s, SUPERVISOR_RUNS);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(read(ready[0], &bytes[i], 1), 1);
    }
    const int64_t cpu_ns = hp_clock_process_cpu_ns();
    supervisor_stop(s);
    assert_true(hp_clock_process_cpu_ns() - cpu_ns < 200000000);
    assert_int_equal(supervisor_get(s, 0)->exit_status, 128 + SIGKILL);
    assert_int_equal(supervisor_get(s, 1)->exit_status, 7);
    supervisor_destroy(&s);
    (void)close(ready[0]);
    (void)close(ready[1]);
}

static void test_supervisor_tries_again_when_no_process_can_be_made(void **state)
{
    supervisor *s = supervise("exec sleep 1000", false);
    (void)state;
    step_until(s, SUPERVISOR_RUNS);
    forks_to_fail = 3;
    assert_int_equal(kill(supervisor_get(s, 0)->pid, SIGKILL), 0);
    step_until(s, SUPERVISOR_WAITS);
    step_until(s, SUPERVISOR_RUNS);
    assert_int_equal(forks_to_fail, 0);
    assert_int_equal(supervisor_get(s, 0)->generation, 2); /* a start that was none has no number */
    supervisor_destroy(&s);
}

static void test_supervisor_says_so_when_the_first_start_is_impossible(void **state)
{
    supervisor *s = supervise("exec sleep 1000", false);
    (void)state;
    forks_to_fail = 1;
    assert_int_equal(supervisor_step(s, 0), HP_EIO);
    supervisor_destroy(&s);
}

static int oom_score(int pid)
{
    char path[64];
    char text[16] = "";
    (void)snprintf(path, sizeof path, "/proc/%d/oom_score_adj", pid);
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    assert_non_null(fgets(text, sizeof text, in));
    (void)fclose(in);
    return (int)strtol(text, NULL, 10);
}

static void test_supervisor_offers_spare_programs_when_memory_runs_out(void **state)
{
    int ready[2];
    char byte = 0;
    int scores[2];
    (void)state;
    for (int spare = 0; spare < 2; spare++) {
        const supervisor_program program = {
            .name = "script",
            .path = "/bin/sh",
            .argv = {"/bin/sh", "-c", "echo; exec sleep 1000", NULL},
            .spare = spare == 1};
        supervisor *s = NULL;
        assert_int_equal(pipe(ready), 0);
        assert_int_equal(supervisor_create(&program, 1, ready[1], &SILENT, &s), HP_OK);
        step_until(s, SUPERVISOR_RUNS);
        assert_int_equal(read(ready[0], &byte, 1), 1);
        scores[spare] = oom_score(supervisor_get(s, 0)->pid);
        supervisor_destroy(&s);
        (void)close(ready[0]);
        (void)close(ready[1]);
    }
    assert_int_equal(scores[0], oom_score((int)getpid()));
    assert_true(scores[1] >= 500); /* more, where all are offered more already */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_supervisor_gives_up_when_a_program_ends_five_times),
        cmocka_unit_test(test_supervisor_gives_up_when_a_configuration_is_refused),
        cmocka_unit_test(test_supervisor_gives_up_when_a_program_is_missing),
        cmocka_unit_test(test_supervisor_hands_out_the_generation),
        cmocka_unit_test(test_supervisor_does_not_restart_what_ends_on_purpose),
        cmocka_unit_test(test_supervisor_restarts_what_a_signal_killed),
        cmocka_unit_test(
            test_supervisor_does_not_end_a_program_by_a_hangup_when_it_has_just_started),
        cmocka_unit_test(test_supervisor_kills_what_does_not_listen),
        cmocka_unit_test(test_supervisor_lets_the_last_end_in_order_when_the_first_does_not_listen),
        cmocka_unit_test(test_supervisor_tries_again_when_no_process_can_be_made),
        cmocka_unit_test(test_supervisor_says_so_when_the_first_start_is_impossible),
        cmocka_unit_test(test_supervisor_offers_spare_programs_when_memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
