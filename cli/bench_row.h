/** @file bench_row.h One episode's outcome, and its line in episodes.csv: one table of columns
 * writes and reads it. Ownership: plain data. Threads: pure. Allocation: none. */
#ifndef BENCH_ROW_H
#define BENCH_ROW_H

#include "cli/stats.h"
#include "common/hp_status.h"
#include "sim-bridge/sim_judge.h"

/** Names of those in the table who are no drivers. */
#define BENCH_ORACLE_A "oracle-a"
#define BENCH_ORACLE_B "oracle-b"
#define BENCH_HUMAN "human"
/** Added to a planner's name when it runs with the guard and without. */
#define BENCH_GUARD "+guard"

typedef struct bench_row {
    uint32_t index; /* of the scene, over the whole suite as selected (shards included) */
    char scenario[16], scene[96], planner[32];
    uint64_t seed;
    uint32_t verdict, crash; /* hp_verdict, sim_crash */
    bool safe_arrival, near_miss, near_miss_applies;
    double ttg_s, impact_mps, progress_m, min_ttc_s, min_gap_m;
    double max_jerk_mps3, rms_jerk_mps3, pavement_s, oncoming_s, speeding_s, max_speed_mps;
    uint32_t ticks, hard_brakes, brakings, false_brakings, switches, interventions;
    uint32_t breach; /* plan_breach: of the guard's bounds, by others; 0: none */
    uint32_t sources[HP_SOURCE_COUNT];
    uint32_t searches; /* decisions with a search */
    uint64_t trials, nodes, pruned;
    uint64_t command_hash;
} bench_row;

/** Thread CPU times of an episode: decisions while somebody was in sight, and the search in them.
 */
typedef struct bench_times {
    stats_times decision, search;
} bench_times;

/** The first line of the file. */
void bench_row_heading(FILE *out);
void bench_row_write(const bench_row *row, const bench_times *times, FILE *out);
/** Reads one line without its newline (the text is changed). HP_EINVAL with a text if it is not
 * what bench_row_write writes. */
HP_NODISCARD hp_status bench_row_read(char *line, bench_row *row, bench_times *times,
                                      hp_error *error);

static inline bool bench_row_crashed(const bench_row *row)
{
    return row->verdict == HP_VERDICT_CRASH;
}

#endif
