/** @file bench_report.h A board as table, JSON, JUnit and picture.
 *  Ownership: borrows the board. Threads: pure. Allocation: while composing. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "cli/bench_score.h"

/** Tables for people, at most 120 columns wide. */
void bench_report_table(const bench_board *board, FILE *out);
/** One object with stable keys; NULL: out of memory. */
json_t *bench_report_json(const bench_board *board);
/** One suite per shown contender, one case per scenario; fails where the oracle is beaten and where
 *  scenes are missing. */
void bench_report_junit(const bench_board *board, FILE *out);
/** How many promises are broken: the oracle is beaten, scenes are missing. */
uint32_t bench_board_failures(const bench_board *board);
/** A line about each of them; returns how many. */
uint32_t bench_report_failures(const bench_board *board, FILE *out);
/** Writes everything into the run's directory. */
HP_NODISCARD hp_status bench_report_write(const bench_board *board, const cli_rundir *dir,
                                          hp_error *error);

#endif
