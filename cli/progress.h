/** @file progress.h How far a long job is: one line on stderr that a terminal writes over again,
 * and a new line now and then where it goes to a file.
 *
 *      12/80 episodes  3.21/s  ETA 0:21  1 crash
 *
 *  Ownership: plain data. Threads: one at a time. Allocation: none. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "common/hp_clock.h"
#include "common/hp_status.h"

#include <stdbool.h>
#include <stdio.h>

typedef struct progress {
    FILE *out; /* NULL: nothing is shown */
    bool terminal;
    unsigned
        columns; /* of the terminal; 0: unknown. Longer lines are cut: two cannot be unwritten */
    bool open;   /* the last line has no end yet */
    const char *unit;
    uint64_t from, all;
    hp_clock clock;
    int64_t start_ns, shown_ns;
} progress;

/** Counts units from `from`, where a resumed job goes on, to `all`; without a unit only the text is
 *  shown, for nobody knows the end. The unit is borrowed. */
progress progress_start(bool quiet, const char *unit, uint64_t from, uint64_t all);
/** Shows where the job is and what there is to say of it, if it is time to or all is done. */
void progress_show(progress *p, uint64_t done, const char *format, ...) HP_PRINTF(3, 4);
/** The same at once, and the line stays. */
void progress_keep(progress *p, uint64_t done, const char *format, ...) HP_PRINTF(3, 4);
/** Ends a line that is not ended. */
void progress_end(progress *p);

#endif
