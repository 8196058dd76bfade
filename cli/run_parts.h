/** @file run_parts.h The five parts of a run, as processes or as threads, from start to end.
 *
 *  Sockets lie in a short private directory of their own (XDG_RUNTIME_DIR, else /tmp), for a
 * socket's path must stay below 108 bytes; `sockets` in the run directory points there while the
 * run lasts. All parts log to log.txt; lines of level error also come out on stderr. Ownership:
 * borrows options and directory. Threads: the main thread; SIGINT and SIGTERM end a run.
 *  Allocation: while running. */
#ifndef RUN_PARTS_H
#define RUN_PARTS_H

#include "cli/run_options.h"
#include "cli/run_report.h"

/** Locks the run directory (HP_EBUSY: another run has it), clears results of an earlier run, and
 * writes config.yaml and manifest.json. */
HP_NODISCARD hp_status run_dir_prepare(const run_options *options, const cli_rundir *dir,
                                       int *lock_fd, hp_error *error);
void run_dir_release(int lock_fd);

HP_NODISCARD hp_status run_processes(const run_options *options, const cli_rundir *dir,
                                     run_facts *facts, hp_error *error);
HP_NODISCARD hp_status run_embedded(const run_options *options, const cli_rundir *dir,
                                    run_facts *facts, hp_error *error);

#endif
