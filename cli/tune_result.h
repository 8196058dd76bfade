/** @file tune_result.h What a tuning's points came to, which of them nobody beats, and the choice.
 *  Ownership: plain data; a tuning borrows its results. Threads: pure. Allocation: while writing.
 */
#ifndef TUNE_RESULT_H
#define TUNE_RESULT_H

#include "cli/bench_score.h"
#include "cli/tune_space.h"

typedef struct tune_result {
    tune_point point; /* of the base: empty, it is the configuration as given */
    char name[48];    /* "as configured", "point 7" */
    uint32_t scenes, crashes, near_misses, unclean, arrivals;
    double ttg_s;                   /* mean over goals */
    double mean_ms, p50_ms, p99_ms; /* per decision */
    double nodes, trials, pruned;   /* per search */
    bool front;                     /* no other is both safer and faster */
} tune_result;

typedef struct tuning {
    const tune_space *space;
    const char *planner, *suite, *grid;
    tune_result *results; /* [n]; the first is the configuration as given */
    uint32_t n;
    uint32_t chosen;
} tuning;

/** Figures of one point from its board: the planner's sums over all scenarios. */
void tune_result_take(const bench_board *board, const char *planner, tune_result *out);
/** Marks the front: crashes and near misses against p99; and chooses: of the points with no more
 *  crashes, no more crashes and near misses together, and no fewer safe arrivals than the
 *  configuration as given, the one with the least p99. */
void tuning_judge(tuning *t);

void tuning_table(const tuning *t, FILE *out);
/** NULL: out of memory. */
json_t *tuning_json(const tuning *t);
void tuning_csv(const tuning *t, FILE *out);
/** Safety against time, with the front. */
void tuning_svg(const tuning *t, FILE *out);
/** All figures along the one range that varies; false, and nothing written, if there is no such. */
bool tuning_curve_svg(const tuning *t, FILE *out);

#endif
