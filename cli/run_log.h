/** @file run_log.h log.txt of a run: all parts append to it; errors are repeated on stderr.
 *  Ownership: a log owns its descriptors. Threads: the main thread. Allocation: in open. */
#ifndef RUN_LOG_H
#define RUN_LOG_H

#include "cli/rundir.h"
#include "common/hp_log.h"

typedef struct run_log {
    FILE *out; /* for this process's own parts; its descriptor is for children */
    int in;    /* reads behind the writers */
    hp_log own;
    char line[1200]; /* the line that is being read */
    size_t len;
} run_log;

HP_NODISCARD hp_status run_log_open(const cli_rundir *dir, run_log *log, hp_error *error);
void run_log_close(run_log *log);
/** Repeats new lines of level error on stderr. */
void run_log_repeat(run_log *log);

#endif
