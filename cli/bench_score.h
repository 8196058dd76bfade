/** @file bench_score.h From rows to figures: per contender, per scenario and over all.
 *  Ownership: a board owns its scores and borrows the book. Threads: read only once made.
 *  Allocation: in create. Determinism: sums run over scenes in order, whoever played them when. */
#ifndef BENCH_SCORE_H
#define BENCH_SCORE_H

#include "cli/bench_book.h"

/** Sums over a set of scenes; rates and means follow from them. */
typedef struct bench_score {
    uint32_t scenes, critical;
    uint32_t crashes, crashes_critical, kinds[SIM_CRASH_COUNT];
    uint32_t near_misses, near_scenes; /* scenes where a near miss can be told */
    uint32_t unclean;                  /* a crash or a near miss */
    uint32_t goals, arrivals, arrivals_critical;
    uint32_t within, crashes_within;  /* scenes in which others kept the guard's bounds */
    uint32_t standing_contacts;       /* somebody touched the standing ego */
    uint32_t paired;                  /* scenes that the oracle finishes, too */
    double ttg_s, paired_s, oracle_s; /* sums over goals, and over pairs */
    double impact_mps;                /* sum over crashes */
    double progress_m, human_m;       /* sums; human: of the recorded driver on the same scenes */
    uint64_t hard_brakes, brakings, false_brakings, interventions, searches, trials, nodes, pruned;
    double pavement_s;
    uint32_t beats; /* scenes in which it beats the oracle that nobody can beat */
    bench_times times;
} bench_score;

typedef struct bench_si90 {
    uint32_t si90, strict, arrive, of; /* scenarios */
} bench_si90;

typedef struct bench_board {
    const bench_book *book;
    bench_score *scores; /* [n_contenders][n_scenarios + 1], last: over all but variants */
    uint32_t missing;    /* scenes that some contender has not played; left out for everybody */
    uint32_t first_beat_index, first_beat_contender;
    uint32_t beats;
} bench_board;

HP_NODISCARD hp_status bench_board_create(const bench_book *book, bench_board *out);
void bench_board_destroy(bench_board *board);
const bench_score *bench_board_score(const bench_board *board, uint32_t contender,
                                     uint32_t scenario);
const bench_score *bench_board_overall(const bench_board *board, uint32_t contender);
/** Scenarios that the sums over all hold: all but variants, or these where there is nothing else.
 */
uint32_t bench_board_scenarios(const bench_board *board);
/** Scenarios with at least 90 % of something, up to this id ("09"), or all (NULL); no variants. */
bench_si90 bench_board_si90(const bench_board *board, uint32_t contender, const char *up_to);

/** Two contenders on the same scenes. */
typedef struct bench_duel {
    uint32_t scenes, mine, theirs; /* mine: where only the first one crashes */
    double points;                 /* difference of crash rates, in points of a hundred */
    stats_interval points_95;
    uint32_t both;  /* scenes in which both reach the goal */
    double later_s; /* by how much the first one is later there, mean; NAN if there are none */
    stats_interval later_95;
} bench_duel;

/** The contender whose search had ten times as long, with or without the guard as this one has;
 *  n_contenders: there is none, or it is this one. */
uint32_t bench_board_longer(const bench_board *board, uint32_t contender);
/** critical: only scenes in which const crashes. Variants as in the sums. The interval is that of
 *  Agresti and Min, "Simple improved confidence intervals for comparing matched proportions", Stat.
 *  Med. 24 (2005): half a scene is added to each of the four outcomes; that of times is normal, by
 * the differences' own variance. */
bench_duel bench_board_duel(const bench_board *board, uint32_t contender, uint32_t against,
                            bool critical);

/** hits / n, NAN for n = 0. */
double bench_rate(uint64_t hits, uint64_t n);
double bench_mean(double sum, uint64_t n);

#endif
