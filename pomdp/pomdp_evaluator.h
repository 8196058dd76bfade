/** @file pomdp_evaluator.h Values for beliefs from outside the search, in batches: a network's,
 * say.
 *
 *  A trial that comes to a leaf without a value leaves it waiting and ends; trials after it pass
 * the leaf over. Once max_batch leaves wait, or no other way is left, all are evaluated in one
 * call, and their bounds follow what is decided. Leaves that nobody comes to are never evaluated,
 * nor is the root. What still waits when the search ends keeps the bounds of the model's hooks.
 *  With an evaluator a trial expands one node at most: what pruning closed above may make the next
 * one needless.
 *  Bounds of a node are its weight times the discounted value; the search does that multiplication.
 *
 *  Ownership: table, ctx and what they point to are borrowed. Threads: called by the solver's own.
 *  Determinism: leaves come in the order in which trials came to them; for equal estimates and
 * equal max_batch the search is the same bit by bit. Another max_batch is another search. */
#ifndef POMDP_EVALUATOR_H
#define POMDP_EVALUATOR_H

#include "pomdp/pomdp_solver.h"

enum { POMDP_MAX_WAITING = 64 };

/** A belief that waits for its value. */
typedef struct pomdp_leaf {
    const void *states;    /* [n][state_size], read only, until evaluate returns */
    const double *weights; /* [n], summing to weight */
    uint32_t n, depth;
    double weight;       /* of getting there: the root's is 1 */
    double lower, upper; /* what the model's hooks say, per unit of weight, discounted to there */
} pomdp_leaf;

typedef enum pomdp_decision {
    POMDP_KEEP,    /* the bounds stay as they are */
    POMDP_CAP,     /* the upper one comes down to value + spread */
    POMDP_TIGHTEN, /* they are drawn in to value - spread and value + spread */
    POMDP_PRUNE,   /* value is taken for both, and nothing below is searched */
    POMDP_BLEND,   /* the upper one becomes the value, not weighed and not clipped, the lower one
                      spread * lower + (1 - spread) * value: only to compare with, see pomdp_prune.h
                    */
    POMDP_N_DECISIONS,
} pomdp_decision;

/** All zero before evaluate is called. */
typedef struct pomdp_estimate {
    double value;  /* return from there on, discounted to there, reward units per unit of weight */
    double spread; /* half the width in which it is believed to lie, >= 0 */
    pomdp_decision decision;
    uint32_t preferred; /* action of the largest prior: wins ties when the leaf is expanded */
} pomdp_estimate;

typedef struct pomdp_evaluator {
    uint32_t max_batch; /* [1, POMDP_MAX_WAITING] */
    /** Where a search would end, whether its action may hang on one pruned leaf is asked: if that
     *  leaf's spread, weighed, could make another action the best, it is opened again and the
     *  search goes on, within its budget. */
    bool reopens;
    /** Fills out [n]. An error, or an estimate out of range, means POMDP_KEEP; it is counted.
     *  @param deadline_ns of the search's clock, 0: none. */
    hp_status (*evaluate)(void *ctx, const pomdp_leaf *leaves, uint32_t n, int64_t deadline_ns,
                          pomdp_estimate *out);
    /** Whether a value could be of use; a leaf of which it could not is expanded at once, without
     *  waiting. NULL: always. */
    bool (*asks)(void *ctx, const pomdp_leaf *leaf);
    void *ctx;
} pomdp_evaluator;

/** For the searches from now on; NULL: none. HP_OK, or HP_EINVAL: batch out of range, or POMCP,
 *  which has no bounds. */
HP_NODISCARD hp_status pomdp_solver_set_evaluator(pomdp_solver *solver,
                                                  const pomdp_evaluator *evaluator);

#endif
