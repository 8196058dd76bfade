/** @file sim_oracle_search_internal.h The search's two halves: where the ego can be at each tick if
 *  acceleration were free (sim_oracle_search.c), and within that the lattice of real drives
 *  (sim_oracle_lattice.c).
 *  Ownership: the search owns all. Threads: one search, one thread. Allocation: in create only. */
#ifndef SIM_ORACLE_SEARCH_INTERNAL_H
#define SIM_ORACLE_SEARCH_INTERNAL_H

#include "sim-bridge/sim_oracle_internal.h"

/* The search's lattice: decisions every second tick; speeds are multiples of one level, chosen so
 * that the limit is one and a step up stays within +3 and two steps down within -6 m/s^2; then
 * places are multiples of (level * step / 2), for at constant acceleration i -> j a step covers i +
 * j of them. */
enum { STEP_TICKS = 2, MAX_STEPS = SIM_ORACLE_MAX_TICKS / STEP_TICKS, MOVES = 4 };

#define STEP_S (STEP_TICKS * SIM_ORACLE_TICK_S)
/* What lies behind the goal is all the same; a step leads at most this far beyond. */
#define BEHIND_GOAL_M 4.0

/** Which places are reached at one speed and step: words [first, last]; empty if first > last. */
typedef struct row {
    uint32_t first, last;
} row;

/** Spans in whole quarters of a place: a move's middle lies on quarters. */
typedef struct quarter_spans {
    uint32_t n;
    struct {
        int64_t lo, hi;
    } at[ORACLE_MAX_SPANS];
} quarter_spans;

typedef struct candidate {
    uint32_t ticks; /* no arrival is earlier */
    uint32_t latch; /* tick, or ORACLE_NEVER */
} candidate;

struct oracle_search {
    /* The problem at hand */
    oracle_scene *scene;
    const oracle_path *path;
    quarter_spans level_ok[ORACLE_MAX_LEVELS];       /* where curves allow a level */
    oracle_spans at_latch[SIM_ORACLE_MAX_TICKS + 1]; /* reach where the latch fires at this tick */
    oracle_spans calm[SIM_ORACLE_MAX_TICKS + 1];     /* reach while it has not fired */
    oracle_spans reach[SIM_ORACLE_MAX_TICKS + 1];    /* of the candidate */
    oracle_spans tube[SIM_ORACLE_MAX_TICKS + 1 + STEP_TICKS]; /* and within its deadline */
    uint32_t n_candidates;
    candidate candidates[SIM_ORACLE_MAX_TICKS + 2];
    /* The lattice */
    uint32_t n_levels, n_words, start_level, deadline;
    double level_mps, place_m;
    row rows[MAX_STEPS + 1][ORACLE_MAX_LEVELS];
    uint64_t *words; /* [steps + 1][n_levels][n_words] */
    size_t cap_words, used_words;
    uint64_t work, max_work;
    quarter_spans middle, end; /* what the tube allows in the middle and at the end of a step */
};

/** Sizes and empties the lattice for search->path; false if it does not fit. */
bool oracle_lattice_begin(oracle_search *search);
/** The fastest drive through search->tube, which is filled for ticks [0, deadline + STEP_TICKS]. */
bool oracle_lattice_run(oracle_search *search, uint32_t deadline, sim_oracle_drive *drive);

#endif
