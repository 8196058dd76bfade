/** @file planner_stats.h What a planner counts about itself, and the file that tells it:
 * planner.json. Ownership: plain data. Threads: one stats, one thread. Allocation: in write only.
 */
#ifndef PLANNER_STATS_H
#define PLANNER_STATS_H

#include "proto/hp_client.h"

enum { PLANNER_BINS = 2048 };

/** Durations in bins 1 % apart, from 1 us on: percentiles are right to 1 %, mean and max exactly.
 */
typedef struct planner_hist {
    uint32_t bins[PLANNER_BINS];
    uint64_t n;
    double sum_ms, max_ms;
} planner_hist;

typedef struct planner_stats {
    uint64_t ticks, decisions, missed_deadlines;
    uint64_t predictor_fallbacks, search_fallbacks; /* decisions without the worker's answer */
    uint64_t sources[HP_SOURCE_COUNT];
    uint64_t nodes, trials; /* sums over decisions */
    uint64_t evaluated, pruned, reopened, batches;
    int64_t network_ns, transport_ns;
    planner_hist decision, search;
} planner_stats;

/** Books one tick. deadline_ms 0: nothing can be missed. searched: the search answered. */
void planner_stats_tick(planner_stats *stats, const hp_decision *decision, bool searched,
                        double deadline_ms);
/** Writes DIR/planner.json with the workers' last health. */
HP_NODISCARD hp_status planner_stats_write(const planner_stats *stats, const hp_health *own,
                                           const hp_client_info *const *workers, size_t n_workers,
                                           const char *dir, hp_error *error);

#endif
