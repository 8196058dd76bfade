/* What a service manager is told, heard through a socket of our own, under a clock that we move. */
#include "cli/run_notify.h"
#include "tests/support/hp_test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FLOOD = 5000 };

#define MS INT64_C(1000000)

typedef struct manager {
    int fd;
    char name[64]; /* as NOTIFY_SOCKET has it */
    char dir[32];
} manager;

static void manager_open(manager *m, bool abstract)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    *m = (manager){.dir = "/tmp/hyplan-notify-XXXXXX"};
    assert_non_null(mkdtemp(m->dir));
    (void)snprintf(m->name, sizeof m->name, "%s%s/socket", abstract ? "@" : "", m->dir);
    memcpy(at.sun_path, m->name, strlen(m->name));
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(m->name));
    if (abstract) {
        at.sun_path[0] = '\0';
    }
    m->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(m->fd >= 0);
    assert_int_equal(bind(m->fd, (const struct sockaddr *)&at, len), 0);
}

static void manager_close(manager *m)
{
    char path[64];
    (void)close(m->fd);
    (void)snprintf(path, sizeof path, "%s/socket", m->dir);
    (void)unlink(path);
    assert_int_equal(rmdir(m->dir), 0);
}

/** The next datagram; "" if there is none. */
static const char *hear(const manager *m)
{
    static char text[512];
    const ssize_t n = recv(m->fd, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

static void step(run_notify *n, run_phase phase, uint64_t ticks, const char *status, int64_t ms)
{
    const run_state state = {phase, ticks, status};
    run_notify_step(n, &state, ms * MS);
}

static void open_for(run_notify *n, const manager *m, const char *usec, const char *pid)
{
    hp_error error = {{0}};
    const run_notify_place place = {m->name, usec, pid, 42};
    assert_int_equal(run_notify_open(n, &place, &error), HP_OK);
}

static void test_run_notify_tells_each_phase_once(void **state)
{
    (void)state;
    for (int abstract = 0; abstract < 2; abstract++) {
        manager m;
        run_notify n;
        manager_open(&m, abstract == 1);
        open_for(&n, &m, NULL, NULL);
        step(&n, RUN_STARTS, 0, "waits", 1);
        assert_string_equal(hear(&m), "STATUS=waits");
        step(&n, RUN_READY, 1, "waits", 2);
        assert_string_equal(hear(&m), "READY=1");
        step(&n, RUN_READY, 2, "waits", 3);
        assert_string_equal(hear(&m), "");
        step(&n, RUN_RELOADS, 3, "waits", 4);
        assert_string_equal(hear(&m), "RELOADING=1\nMONOTONIC_USEC=4000");
        step(&n, RUN_READY, 3, "waits", 5);
        assert_string_equal(hear(&m), "READY=1");
        step(&n, RUN_STOPS, 3, "waits", 6);
        assert_string_equal(hear(&m), "STOPPING=1");
        assert_string_equal(hear(&m), "");
        run_notify_close(&n);
        manager_close(&m);
    }
}

static void test_run_notify_feeds_the_watchdog_only_while_ticks_rise(void **state)
{
    manager m;
    run_notify n;
    (void)state;
    manager_open(&m, false);
    open_for(&n, &m, "200000", "42"); /* 200 ms: fed every 100 */
    step(&n, RUN_STARTS, 0, "", 1);
    assert_string_equal(hear(&m), "");
    step(&n, RUN_STARTS, 1, "", 2);
    assert_string_equal(hear(&m), "WATCHDOG=1");
    step(&n, RUN_STARTS, 2, "", 101); /* too early */
    assert_string_equal(hear(&m), "");
    step(&n, RUN_STARTS, 2, "", 102);
    assert_string_equal(hear(&m), "WATCHDOG=1");
    for (int64_t ms = 103; ms < 10000; ms++) { /* the loop stands still, we do not */
        step(&n, RUN_STARTS, 2, "", ms);
        assert_string_equal(hear(&m), "");
    }
    step(&n, RUN_STARTS, 3, "", 10000);
    assert_string_equal(hear(&m), "WATCHDOG=1");
    run_notify_close(&n);
    manager_close(&m);
}

static void test_run_notify_does_not_feed_when_the_watch_is_for_another(void **state)
{
    manager m;
    run_notify n;
    (void)state;
    manager_open(&m, false);
    open_for(&n, &m, "200000", "43");
    step(&n, RUN_STARTS, 5, "", 1);
    assert_string_equal(hear(&m), "");
    run_notify_close(&n);
    manager_close(&m);
}

static void test_run_notify_says_a_status_once_a_second_and_cuts_it(void **state)
{
    manager m;
    run_notify n;
    char longest[2 * RUN_NOTIFY_TEXT];
    (void)state;
    manager_open(&m, false);
    open_for(&n, &m, NULL, NULL);
    step(&n, RUN_STARTS, 0, "a", 1);
    assert_string_equal(hear(&m), "STATUS=a");
    step(&n, RUN_STARTS, 0, "b", 1000);
    assert_string_equal(hear(&m), "");
    step(&n, RUN_STARTS, 0, "b", 1001);
    assert_string_equal(hear(&m), "STATUS=b");
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    step(&n, RUN_STARTS, 0, longest, 5000);
    assert_int_equal(strlen(hear(&m)), sizeof "STATUS=" - 1 + RUN_NOTIFY_TEXT - 1);
    step(&n, RUN_STARTS, 0, longest, 9000);
    assert_string_equal(hear(&m), ""); /* nothing new */
    run_notify_close(&n);
    manager_close(&m);
}

static void test_run_notify_says_it_again_when_the_manager_took_nothing(void **state)
{
    manager m;
    run_notify n;
    (void)state;
    manager_open(&m, false);
    open_for(&n, &m, NULL, NULL);
    for (int i = 0; i < FLOOD; i++) { /* until its queue is full: nobody reads */
        step(&n, i % 2 == 0 ? RUN_RELOADS : RUN_READY, 0, "", i);
    }
    const run_phase reached = n.told;
    step(&n, RUN_STOPS, 0, "", FLOOD);
    assert_int_equal(n.told, reached); /* not taken, and we did not wait */
    while (hear(&m)[0] != '\0') {
    }
    step(&n, RUN_STOPS, 0, "", FLOOD + 1);
    assert_string_equal(hear(&m), "STOPPING=1");
    run_notify_close(&n);
    manager_close(&m);
}

static void test_run_notify_is_silent_when_nobody_asks_and_refuses_what_is_no_address(void **state)
{
    static const run_notify_place BAD[] = {
        {"relative", NULL, NULL, 42},
        {"/", NULL, NULL, 42},
        {"@", NULL, NULL, 42},
        {"/a/very/long/name/that/no/socket/address/can/hold/because/it/goes/on/and/on/and/on/and/on"
         "/until/it/has/passed/one/hundred/and/eight",
         NULL, NULL, 42},
        {"/tmp/x", "soon", NULL, 42},
        {"/tmp/x", "0", NULL, 42},
        {"/tmp/x", "-5", NULL, 42},
        {"/tmp/x", "99999999999999999999", NULL, 42},
        {"/tmp/x", "1000", "me", 42},
    };
    run_notify n;
    hp_error error = {{0}};
    const run_notify_place nobody = {NULL, "1000", NULL, 42};
    (void)state;
    assert_int_equal(run_notify_open(&n, &nobody, &error), HP_OK);
    step(&n, RUN_READY, 1, "x", 1);
    assert_int_equal(n.told, RUN_STARTS);
    run_notify_close(&n);
    for (size_t i = 0; i < HP_ARRAY_LEN(BAD); i++) {
        error.text[0] = '\0';
        assert_int_equal(run_notify_open(&n, &BAD[i], &error), HP_ECONFIG);
        assert_true(error.text[0] != '\0');
        step(&n, RUN_READY, 1, "x", 1);
        assert_int_equal(n.fd, -1);
        run_notify_close(&n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_notify_tells_each_phase_once),
        cmocka_unit_test(test_run_notify_feeds_the_watchdog_only_while_ticks_rise),
        cmocka_unit_test(test_run_notify_does_not_feed_when_the_watch_is_for_another),
        cmocka_unit_test(test_run_notify_says_a_status_once_a_second_and_cuts_it),
        cmocka_unit_test(test_run_notify_says_it_again_when_the_manager_took_nothing),
        cmocka_unit_test(test_run_notify_is_silent_when_nobody_asks_and_refuses_what_is_no_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
