/* A whole run under a service manager: a socket of ours that hears what systemd would. */
#include "tests/pipeline/run_rig.h"
#include "tests/support/shell.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { QUIET_MS = 600 }; /* three times the watchdog's time */

static char heard[2048];

/** The next datagram into `heard`; false: none in wait_ms. */
static bool hear(int fd, int wait_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (poll(&p, 1, wait_ms) <= 0) {
        return false;
    }
    const ssize_t n = recv(fd, heard, sizeof heard - 1, 0);
    heard[n > 0 ? n : 0] = '\0';
    return n > 0;
}

static void hear_until(int fd, const char *text)
{
    while (hear(fd, RIG_PATIENCE_MS)) {
        if (strncmp(heard, text, strlen(text)) == 0) {
            return;
        }
    }
    fail_msg("never told: %s", text);
}

/** A bound socket in the rig's directory, told to children by the environment. */
static int manage(const rig *r)
{
    char usec[24];
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    assert_true(snprintf(at.sun_path, sizeof at.sun_path, "%s/notify", r->dir) <
                (int)sizeof at.sun_path);
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof at), 0);
    (void)snprintf(usec, sizeof usec, "%d", QUIET_MS * 1000 / 3);
    assert_int_equal(setenv("NOTIFY_SOCKET", at.sun_path, 1), 0);
    assert_int_equal(setenv("WATCHDOG_USEC", usec, 1), 0);
    return fd;
}

static void write_own(const rig *r, const char *text)
{
    char path[RIG_PATH + 16];
    (void)snprintf(path, sizeof path, "%s/own.yaml", r->dir);
    shell_write(path, text);
}

static void test_run_tells_its_manager_how_it_gets_on(void **state)
{
    rig r;
    char own[RIG_PATH + 16];
    (void)state;
    rig_set_up(&r);
    (void)snprintf(own, sizeof own, "%s/own.yaml", r.dir);
    write_own(&r, "planner: {guard: {margin_m: 0.3}}\n");
    const char *const args[] = {"--scenario", "cts/03",
                                "--set",      "pomdp.budget.trials=8",
                                "--config",   "config/hyplan.yaml",
                                "--config",   own,
                                "--episodes", "100000",
                                "-q",         NULL};
    const int fd = manage(&r);
    rig_start(&r, NULL, args);
    hear_until(fd, "READY=1");
    hear_until(fd, "WATCHDOG=1");
    hear_until(fd, "STATUS=episode ");
    hear_until(fd, "WATCHDOG=1");

    /* The loop stands still: one tick may have been heard before, more do not come. */
    const pid_t planner = rig_part(&r, "planner", 1);
    int fed = 0;
    assert_int_equal(kill(planner, SIGSTOP), 0);
    while (hear(fd, QUIET_MS)) {
        fed += strcmp(heard, "WATCHDOG=1") == 0 ? 1 : 0;
        assert_true(fed < 50); /* it would go on for ever */
    }
    assert_int_equal(kill(planner, SIGCONT), 0);
    hear_until(fd, "WATCHDOG=1");

    write_own(&r, "planner: {guard: {margin_m: -3}}\n"); /* a bad file changes nothing */
    rig_signal(&r, SIGHUP);
    hear_until(fd, "RELOADING=1\nMONOTONIC_USEC=");
    hear_until(fd, "READY=1");
    assert_true(rig_log_has(&r, "configuration kept as it was"));
    write_own(
        &r, "planner: {guard: {margin_m: 0.3}}\nsim: {sensor: {range_m: 40}}\n"); /* what may not */
    rig_signal(&r, SIGHUP);
    hear_until(fd, "RELOADING=1");
    hear_until(fd, "READY=1");
    assert_true(rig_log_has(&r, "only sections planner and pomdp can change"));
    write_own(&r, "planner: {guard: {margin_m: 2.5}, belief: {cross_hz: 0.4}}\n");
    rig_signal(&r, SIGHUP);
    hear_until(fd, "RELOADING=1");
    hear_until(fd, "READY=1");
    rig_wait_log(&r, "version 2: planner.guard.margin_m 0.3 -> 2.5");
    rig_wait_log(&r, "version 2: planner.belief.cross_hz 0.3 -> 0.4"); /* calibrations know it */

    rig_signal(&r, SIGTERM);
    hear_until(fd, "STOPPING=1");
    (void)rig_wait(&r);
    (void)unsetenv("NOTIFY_SOCKET");
    (void)unsetenv("WATCHDOG_USEC");
    (void)close(fd);
    rig_tear_down(&r);
}

/** A run in a terminal of its own, whose other end is returned. hangup: what is done on SIGHUP. */
static int start_in_terminal(rig *r, void (*hangup)(int))
{
    char program[RIG_PATH];
    char other[64];
    const int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(terminal >= 0);
    assert_int_equal(grantpt(terminal), 0);
    assert_int_equal(unlockpt(terminal), 0);
    (void)snprintf(other, sizeof other, "%s", ptsname(terminal));
    (void)snprintf(program, sizeof program, "%s/hyplan", HYPLAN_BIN);
    r->pid = fork();
    assert_true(r->pid >= 0);
    if (r->pid == 0) {
        int fd = -1;
        (void)signal(SIGHUP, hangup);
        if (setsid() > 0 && (fd = open(other, O_RDWR)) >= 0 && dup2(fd, STDIN_FILENO) >= 0 &&
            dup2(fd, STDOUT_FILENO) >= 0 && dup2(fd, STDERR_FILENO) >= 0) {
            (void)execl(program, program, "run", "--out", r->dir, "--scenario", "cts/03", "--set",
                        "pomdp.budget.trials=8", "--episodes", "100000", "-q", (char *)NULL);
        }
        _exit(126);
    }
    return terminal;
}

/** The same signal, but the kernel's: whoever looked on has gone. */
static void test_run_ends_when_its_terminal_is_closed(void **state)
{
    rig r;
    (void)state;
    if (access("/dev/ptmx", R_OK | W_OK) != 0) {
        skip(); /* no terminals in this place */
    }
    rig_set_up(&r);
    const int terminal = start_in_terminal(&r, SIG_DFL);
    rig_wait_log(&r, "planner calls (generation 1)");
    (void)close(terminal);
    (void)rig_wait(&r);
    assert_true(rig_log_has(&r, "run interrupted"));
    json_t *summary = rig_json(&r, "summary.json");
    json_decref(summary);
    rig_tear_down(&r);
}

/** As nohup starts it. */
static void test_run_goes_on_without_its_terminal_when_hangups_are_ignored(void **state)
{
    rig r;
    (void)state;
    if (access("/dev/ptmx", R_OK | W_OK) != 0) {
        skip(); /* no terminals in this place */
    }
    rig_set_up(&r);
    const int terminal = start_in_terminal(&r, SIG_IGN);
    rig_wait_log(&r, "planner calls (generation 1)");
    (void)close(terminal);
    rig_look(&r);
    rig_wait_ticks(&r, 200);
    assert_false(rig_log_has(&r, "run interrupted"));
    rig_signal(&r, SIGTERM);
    (void)rig_wait(&r);
    rig_tear_down(&r);
}

static void test_run_drives_when_its_manager_has_no_socket(void **state)
{
    static const char *const SHORT_RUN[] = {
        "--scenario", "cts/03", "--set", "pomdp.budget.trials=8", "-q", NULL};
    rig r;
    (void)state;
    rig_set_up(&r);
    assert_int_equal(setenv("NOTIFY_SOCKET", "nowhere", 1), 0);
    const int status = rig_run(&r, SHORT_RUN);
    (void)unsetenv("NOTIFY_SOCKET");
    assert_true(status == CLI_DONE || status == CLI_FAILED);
    assert_true(rig_log_has(&r, "the service manager is told nothing"));
    rig_tear_down(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_tells_its_manager_how_it_gets_on),
        cmocka_unit_test(test_run_drives_when_its_manager_has_no_socket),
        cmocka_unit_test(test_run_ends_when_its_terminal_is_closed),
        cmocka_unit_test(test_run_goes_on_without_its_terminal_when_hangups_are_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
