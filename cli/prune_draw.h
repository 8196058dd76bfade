/** @file prune_draw.h Root beliefs for a study of pruning, drawn and searched by several threads.
 *  Episodes are counted through until enough of their beliefs need a search; what comes before is
 *  kept, whether it needs one or not, so that the sample is the same for any number of threads.
 *  Ownership: labs and tables are the caller's. Threads: one for each lab, the caller's among them.
 *  Allocation: while drawing. */
#ifndef PRUNE_DRAW_H
#define PRUNE_DRAW_H

#include "cli/prune_study.h"

typedef struct prune_draw_task {
    prune_lab *const *labs; /* [n_labs], of the same setting */
    uint32_t n_labs;
    uint32_t wanted; /* beliefs that need a search */
    uint32_t trials;
    double target_gap;
    hp_rng stream;
    bool quiet; /* no progress on stderr */
    /** Called for each belief, in the order of episodes, by one thread at a time. */
    void (*take)(void *ctx, const prune_case *c);
    void *ctx;
} prune_draw_task;

/** Episodes that are played at most for so many beliefs that need a search. */
uint32_t prune_draw_episodes(uint32_t wanted);
/** Calls take() for the beliefs of all episodes up to the one with which enough need a search, or
 *  of all that may be played. HP_ENOMEM, or HP_EUNAVAILABLE without threads. */
HP_NODISCARD hp_status prune_draw_run(const prune_draw_task *task);

#endif
