#include "cli/run_notify.h"

#include "cli/options.h"
#include "common/hp_clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { STATUS_MS = 1000, FEEDS = 2 }; /* FEEDS in the watchdog's time */

static hp_status set_address(run_notify *n, const char *name, hp_error *error)
{
    const size_t len = strlen(name);
    if ((name[0] != '/' && name[0] != '@') || len < 2 || len >= sizeof n->to.sun_path) {
        return hp_fail(error, HP_ECONFIG, "NOTIFY_SOCKET '%s': wanted /PATH or @NAME", name);
    }
    n->to.sun_family = AF_UNIX;
    memcpy(n->to.sun_path, name, len);
    n->to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    if (name[0] == '@') {
        n->to.sun_path[0] = '\0'; /* abstract: ends where its length says */
    } else {
        n->to_len++;
    }
    return HP_OK;
}

static hp_status set_watchdog(run_notify *n, const run_notify_place *place, hp_error *error)
{
    uint64_t usec = 0;
    uint64_t pid = 0;
    if (place->watchdog_usec == NULL) {
        return HP_OK;
    }
    if (!cli_read_u64(place->watchdog_usec, 1, INT64_MAX / 1000, &usec)) {
        return hp_fail(error, HP_ECONFIG, "WATCHDOG_USEC '%s': not a time", place->watchdog_usec);
    }
    if (place->watchdog_pid != NULL && !cli_read_u64(place->watchdog_pid, 1, INT32_MAX, &pid)) {
        return hp_fail(error, HP_ECONFIG, "WATCHDOG_PID '%s': not a process", place->watchdog_pid);
    }
    if (pid == 0 || pid == (uint64_t)place->pid) {
        n->feed_ns = (int64_t)usec * 1000 / FEEDS;
    }
    return HP_OK;
}

hp_status run_notify_open(run_notify *n, const run_notify_place *place, hp_error *error)
{
    *n = (run_notify){.fd = -1};
    if (place->socket == NULL || place->socket[0] == '\0') {
        return HP_OK;
    }
    hp_status st = set_address(n, place->socket, error);
    if (st == HP_OK) {
        st = set_watchdog(n, place, error);
    }
    if (st == HP_OK) {
        n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        st = n->fd >= 0 ? HP_OK : hp_fail(error, HP_EIO, "NOTIFY_SOCKET: %s", strerror(errno));
    }
    return st;
}

void run_notify_close(run_notify *n)
{
    if (n->fd >= 0) {
        (void)close(n->fd);
        n->fd = -1;
    }
}

static bool say(const run_notify *n, const char *text)
{
    ssize_t sent = -1;
    do {
        sent = sendto(n->fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&n->to,
                      n->to_len);
    } while (sent < 0 && errno == EINTR);
    return sent >= 0;
}

static bool say_phase(const run_notify *n, run_phase phase, int64_t now_ns)
{
    char text[64];
    if (phase == RUN_RELOADS) { /* the instant tells this reload from one before */
        (void)snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, now_ns / 1000);
        return say(n, text);
    }
    return say(n, phase == RUN_READY ? "READY=1" : "STOPPING=1");
}

static void say_status(run_notify *n, const char *status, int64_t now_ns)
{
    char text[RUN_NOTIFY_TEXT + 8];
    if (strncmp(n->said, status, RUN_NOTIFY_TEXT - 1) == 0 ||
        (n->said_ns != 0 && now_ns - n->said_ns < STATUS_MS * HP_MS_NS)) {
        return;
    }
    (void)snprintf(text, sizeof text, "STATUS=%.*s", RUN_NOTIFY_TEXT - 1, status);
    if (say(n, text)) {
        (void)snprintf(n->said, sizeof n->said, "%.*s", RUN_NOTIFY_TEXT - 1, status);
        n->said_ns = now_ns;
    }
}

void run_notify_step(run_notify *n, const run_state *state, int64_t now_ns)
{
    if (n->fd < 0) {
        return;
    }
    if (state->phase != n->told && say_phase(n, state->phase, now_ns)) {
        n->told = state->phase;
    }
    /* A timer alone would feed it while the loop stands still. */
    if (n->feed_ns > 0 && state->ticks != n->fed_ticks &&
        (n->fed_ns == 0 || now_ns - n->fed_ns >= n->feed_ns) && say(n, "WATCHDOG=1")) {
        n->fed_ticks = state->ticks;
        n->fed_ns = now_ns;
    }
    say_status(n, state->status, now_ns);
}
