/** @file run_watch.h Looks on a run through the tap: a progress line, and who is alive.
 *  Ownership: borrows the bus. Threads: one watch, one thread. Allocation: in create. */
#ifndef RUN_WATCH_H
#define RUN_WATCH_H

#include "common/hp_bus.h"
#include "proto/hp_codec.h"

#include <stdbool.h>

typedef struct run_watch run_watch;

/** @param base where the links are, as in hp_node.  @param quiet no progress on stderr. */
HP_NODISCARD hp_status run_watch_create(hp_bus *bus, const char *base, bool quiet, run_watch **self,
                                        hp_error *error);
/** Ends the progress line. */
void run_watch_destroy(run_watch **self);
/** What was heard so far. */
typedef struct run_seen {
    uint64_t decisions; /* of the planner */
    uint64_t settings;  /* changes with every answer to a reload, and with the planner's process */
    bool degraded;      /* the planner does without something */
    /** The planner's words about itself, one a second while it drives, since a worker's own came
     * last; 0 for one that was never heard. A worker that is only waited for keeps the planner
     * silent, too. */
    uint32_t silent[HP_ROLE_COUNT];
} run_seen;

const run_seen *run_watch_seen(const run_watch *self);
/** A worker is known to be gone: it counts as never heard. */
void run_watch_forget(run_watch *self, hp_role role);
/** The newest in one line, as the progress shows it; empty before the first frame. */
void run_watch_line(const run_watch *self, char *line, size_t cap);
/** Takes in what has come, waiting up to wait_ms for the first; shows progress when it is time. */
void run_watch_poll(run_watch *self, int64_t wait_ms);

#endif
