/** @file run_notify.h Tells a service manager how a run gets on, in the datagrams of sd_notify(3):
 * READY when the planner drives, WATCHDOG while it does, RELOADING, STOPPING, and a STATUS in
 * words.
 *
 *  Nothing waits for the manager: what it does not take now is said again in the next step.
 *  Ownership: plain data with a descriptor. Threads: one. Deterministic in what it is handed, time
 * too. Allocation: none. */
#ifndef RUN_NOTIFY_H
#define RUN_NOTIFY_H

#include "common/hp_status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { RUN_NOTIFY_TEXT = 256 };

typedef enum run_phase {
    RUN_STARTS, /* nothing is said of it */
    RUN_READY,
    RUN_RELOADS,
    RUN_STOPS,
} run_phase;

typedef struct run_notify {
    int fd; /* -1: nobody wants to know */
    struct sockaddr_un to;
    socklen_t to_len;
    int64_t feed_ns; /* between two WATCHDOG=1; 0: nobody watches */
    run_phase told;
    uint64_t fed_ticks; /* of the control loop, when the watchdog was last fed ... */
    int64_t fed_ns;     /* ... and the instant */
    int64_t said_ns;    /* of the last STATUS */
    char said[RUN_NOTIFY_TEXT];
} run_notify;

/** What the environment says. */
typedef struct run_notify_place {
    const char *socket;        /* NOTIFY_SOCKET: "/path" or "@abstract"; NULL: nobody */
    const char *watchdog_usec; /* WATCHDOG_USEC, or NULL */
    const char *watchdog_pid;  /* WATCHDOG_PID: whom the watch is for; NULL: us */
    int pid;                   /* ours */
} run_notify_place;

/** HP_ECONFIG: a socket's name or a time that is none; then nobody is told anything. */
HP_NODISCARD hp_status run_notify_open(run_notify *n, const run_notify_place *place,
                                       hp_error *error);
void run_notify_close(run_notify *n);

/** How the run is now. */
typedef struct run_state {
    run_phase phase;
    uint64_t ticks; /* commands of the planner so far: the watchdog is fed when they rise */
    const char *status;
} run_state;

/** Says what is new: a phase at once, the watchdog's food twice in its time, words once a second.
 */
void run_notify_step(run_notify *n, const run_state *state, int64_t now_ns);

#endif
