/** @file bench_run.h One benchmark from start to end: its suite, its directory, its rows.
 *  Ownership: the run owns all of it until close. Threads: the main thread; players are processes.
 *  Allocation: per run. */
#ifndef BENCH_RUN_H
#define BENCH_RUN_H

#include "cli/bench_book.h"

/** What to do with rows of different programs or files. */
#define BENCH_APART_MEND                                                                           \
    "play with the program and files of then, or into another --out; bench takes them together "   \
    "with --mixed, and its table says so"

typedef struct bench_run {
    cli_common common;
    cli_config config;
    cli_rundir dir;
    bench_suite suite;
    bench_book book;
    FILE *journal;
} bench_run;

/** Plays what run->common and run->config ask for (the rest is zero at first) until the book is
 *  full, row by row into the directory. A configuration without a budget of trials gets the default
 *  one. resume: goes on with what an interrupted run left in --out; HP_EINVAL if that was another
 *  run, or one of another program or other files and the request is not mixed, or if there is one
 *  and resume is false. */
HP_NODISCARD hp_status bench_run_play(const bench_request *request, bool resume, bench_run *run,
                                      hp_error *error);
/** Releases what run holds, whatever became of it. */
void bench_run_close(bench_run *run);

#endif
