/** @file bench_pool.h Worker processes that play jobs and send back rows.
 *  Ownership: the pool borrows suite and configuration. Threads: call from the main thread; each
 *  worker is a process made by fork. Allocation: per run. */
#ifndef BENCH_POOL_H
#define BENCH_POOL_H

#include "cli/bench_play.h"

/** What a worker sends back: job = scene * n_contenders + contender, scenes of this shard. */
typedef struct bench_result {
    uint32_t job;
    hp_status status; /* of the player; not HP_OK: only error is filled */
    hp_error error;
    bench_row row;
    bench_times times;
} bench_result;

/** Called in the parent for each result, in the order of arrival. Anything but HP_OK ends the run.
 */
typedef hp_status (*bench_take)(void *ctx, const bench_result *result, hp_error *error);

/** What is to be played, all borrowed. */
typedef struct bench_job {
    const bench_suite *suite;
    const cli_config *config;
    const bool *todo; /* [n_scenes][n_contenders]: false, if it was played before */
    bool quiet;       /* no progress on stderr */
} bench_job;

/** Plays all that is to do. A worker that dies fails the run with the episode it died of. */
HP_NODISCARD hp_status bench_pool_run(const bench_job *job, uint32_t n_workers, bench_take take,
                                      void *ctx, hp_error *error);

#endif
