/** @file embedded.h All parts as threads of this process, over inproc: the same nodes and the
 * same messages as the processes, for debuggers, sanitizers and machines without fork. Ownership:
 * borrows configuration and names until destroy. Threads: create and destroy from one thread; the
 * parts share nothing but the bus. Allocation: in create. */
#ifndef EMBEDDED_H
#define EMBEDDED_H

#include "cli/config.h"
#include "common/hp_bus.h"

#include <stdio.h>

typedef struct embedded embedded;

typedef struct embedded_setup {
    const cli_config *config;
    uint64_t seed;
    const char *run_dir;
    bool record; /* with a recorder among the parts */
    FILE *log;   /* of all parts */
} embedded_setup;

/** Starts the threads; what setup points to is borrowed. */
HP_NODISCARD hp_status embedded_create(const embedded_setup *setup, embedded **out,
                                       hp_error *error);
/** Ends the threads and waits for them. */
void embedded_destroy(embedded **self);
/** The bridge has finished, or some part failed (its text is in the log). */
bool embedded_done(const embedded *self);
/** The bridge had to give the planner up, or some part failed; meaningful when done. */
bool embedded_failed(const embedded *self);
/** For onlookers: the bus and the base of its links. */
hp_bus *embedded_bus(embedded *self);
const char *embedded_base(const embedded *self);

#endif
