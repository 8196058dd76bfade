/** @file supervisor.h Starts programs, watches them, starts them again, and ends them all.
 *
 *  A child is a process group of its own that dies with its supervisor (PR_SET_PDEATHSIG). One that
 *  ends is started again after 50 ms, doubling up to 5 s; five ends within 10 s, or an exit status
 * of 2 (its configuration is refused), and it is given up. Children whose end is their purpose (the
 *  bridge) are never started again.
 *  Ownership: a supervisor owns its children and borrows their argument lists. Threads: the one
 * that created it, for children are tied to it. Allocation: in create. */
#ifndef SUPERVISOR_H
#define SUPERVISOR_H

#include "common/hp_log.h"
#include "common/hp_status.h"

#include <stdbool.h>
#include <stdint.h>

enum { SUPERVISOR_MAX = 8, SUPERVISOR_MAX_ARGS = 16 };

typedef struct supervisor supervisor;

typedef struct supervisor_program {
    const char *name; /* "planner" */
    const char *path; /* of the executable */
    /** argv[0] .. NULL. An entry "@generation" becomes the number of this start: 1, 2, ... */
    const char *argv[SUPERVISOR_MAX_ARGS];
    bool once;  /* its end is its purpose */
    bool spare; /* the run can do without: where memory runs out, the kernel is to end it first */
} supervisor_program;

typedef enum supervisor_state {
    SUPERVISOR_RUNS,
    SUPERVISOR_WAITS,    /* for its next start */
    SUPERVISOR_ENDED,    /* `once` and over */
    SUPERVISOR_GIVEN_UP, /* died too often, or refused its configuration */
} supervisor_state;

typedef struct supervisor_child {
    const char *name;
    supervisor_state state;
    int pid;             /* while it runs */
    uint32_t generation; /* starts so far */
    int exit_status;     /* of its last end; 128 + signal if one killed it */
} supervisor_child;

/** @param output file descriptor that becomes the children's stdout and stderr.
 *  @param log the supervisor's own; borrowed. */
HP_NODISCARD hp_status supervisor_create(const supervisor_program *programs, uint32_t n, int output,
                                         const hp_log *log, supervisor **out);
/** Ends what still runs, and frees. */
void supervisor_destroy(supervisor **self);
/** Starts what is due, then waits up to wait_ms for an end (returns early on a signal). Where no
 * process can be made now, a later step tries again; HP_EIO if that is so for a program's first
 * start. */
HP_NODISCARD hp_status supervisor_step(supervisor *self, int wait_ms);
/** A signal to one child, if it runs. */
void supervisor_signal(const supervisor *self, uint32_t i, int number);
/** SIGTERM to one after the other in the order of the list, each followed by its end, by SIGKILL
 * if it has not come after 5 s in all, of which each gets 500 ms at least. All are reaped. */
void supervisor_stop(supervisor *self);
uint32_t supervisor_count(const supervisor *self);
const supervisor_child *supervisor_get(const supervisor *self, uint32_t i);

#endif
