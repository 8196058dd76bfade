/** @file run_report.h A run's end: what bridge and planner left in the run directory becomes
 *  summary.json, a table, and an exit status.
 *  Ownership: plain data. Threads: the main thread. Allocation: while running. */
#ifndef RUN_REPORT_H
#define RUN_REPORT_H

#include "cli/rundir.h"

/** What the supervisor knows about the run. */
typedef struct run_facts {
    uint32_t episodes;    /* wanted */
    bool interrupted;     /* by a signal */
    bool failed;          /* a part that the run cannot do without ended badly */
    const char *names[8]; /* of parts that were started again, NULL-terminated ... */
    uint32_t restarts[8]; /* ... and how often */
    bool given_up[8];
} run_facts;

/** Writes summary.json; with json also prints it on stdout, else a table. *verdict (static text)
 * goes into the manifest. *passed: every episode reached its goal without a crash. */
HP_NODISCARD hp_status run_report(const cli_rundir *dir, const run_facts *facts, bool json,
                                  const char **verdict, bool *passed, hp_error *error);

#endif
