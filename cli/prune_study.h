/** @file prune_study.h What pruning costs and saves, belief by belief, and whether the certified
 * risk holds. Figures only; printing is eval_prune.c's. Ownership: the caller's arrays. Threads:
 * pure but for the lab's. Allocation: while computing. */
#ifndef PRUNE_STUDY_H
#define PRUNE_STUDY_H

#include "cli/prune_lab.h"
#include "cli/stats.h"

/** One root belief, glanced at, and searched in five ways. */
typedef struct prune_case {
    uint32_t episode, scenario;
    bool hard;          /* needs a search: its first bounds are wider than the target gap */
    bool glanced;       /* the planner's glance would settle it */
    pomdp_plan glance;  /* if so */
    pomdp_plan alone;   /* without pruning, the budget's trials */
    pomdp_plan to_gap;  /* pruned, until the same root gap */
    pomdp_plan live;    /* pruned, with the budget of the road: its steps, too */
    pomdp_plan plain;   /* without pruning, the same budget */
    pomdp_plan longest; /* without pruning, ten times the trials */
    int64_t alone_ns, to_gap_ns, live_ns, plain_ns; /* CPU time */
    bool audited, off; /* a pruned node was searched for four times the trials, and was off by more
                          than the tolerance */
} prune_case;

/** Searches the lab's belief; stream: for the node that is audited. False: it cannot be searched.
 */
bool prune_case_run(prune_lab *lab, uint32_t trials, double target_gap, hp_rng stream,
                    prune_case *out);

/** What an action loses by the long search's lower bounds. */
double prune_case_loss(const prune_case *c, uint32_t action);

/** Median of values [n], which are sorted, and its 95 % interval by 1,000 bootstrap samples. */
double prune_median(double *values, uint32_t n, stats_interval *interval);

/** How the certified rule does among nodes that it was not fitted on. */
typedef struct prune_risk {
    uint32_t resamples, kept; /* of which the error rate was at most the risk */
    uint64_t accepted, wrong; /* over all */
    uint64_t judged;
} prune_risk;

/** Draws half of the samples at random again and again, fits the rule to it and judges it by the
 * other half. Both halves have their luck, so that a rule is kept in 95 of 100 whose own delta is
 * that of a bound sqrt(2) times as far: 0.01. HP_ENOMEM. */
HP_NODISCARD hp_status prune_risk_run(const policy_calib_config *rules, policy_sample *samples,
                                      uint32_t n, uint32_t resamples, hp_rng stream,
                                      prune_risk *out);

#endif
