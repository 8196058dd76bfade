/** @file pomdp_prune.h Vertical pruning by calibrated confidence: from what a network says of a
 * leaf, and what its errors were, to what the search does with that leaf. Knows no network and no
 * model.
 *
 *  The methods, for a leaf with value V:
 *   - off: nothing; give the search no evaluator at all, so that it is the search as it was.
 *   - minmax: the rule of HyPlan's authors, to the letter, for comparison: with u the variance of V
 *     scaled to [0, 1] by the least and the greatest of the calibration, U = V and
 *     L = u L + (1 - u) V, without the node's weight. Nothing is promised.
 *   - crude: what that rule means. Where V is right within value_tolerance with a probability of at
 *     least confidence_threshold, L = U = V.
 *   - conformal: L and U are drawn in to the calibrated interval [low, high]; the search itself
 * stops where they meet. Where no interval could be calibrated they stay.
 *   - selective: L = U = V where the certified rule accepts V.
 *  Whatever the method, a leaf is left alone that is nearer to the root than min_depth, in which
 * somebody may be met within guard_ttc_s, or in which a crash is likelier than
 * max_collision_probability. V is taken into [L, U] first; where the calibrated interval does not
 * even touch [L, U], the network is wrong and not heard. Ownership: plain data. Threads: pure.
 * Allocation: none. */
#ifndef POMDP_PRUNE_H
#define POMDP_PRUNE_H

#include "pomdp/pomdp_evaluator.h"

typedef enum pomdp_prune_method {
    POMDP_PRUNE_OFF,
    POMDP_PRUNE_MINMAX,
    POMDP_PRUNE_CRUDE,
    POMDP_PRUNE_CONFORMAL,
    POMDP_PRUNE_SELECTIVE,
    POMDP_PRUNE_METHODS,
} pomdp_prune_method;

extern const char *const POMDP_PRUNE_WORDS[]; /* "off", "minmax", ..., NULL */

typedef struct pomdp_prune_config {
    uint32_t method;             /* pomdp_prune_method */
    double confidence_threshold; /* crude; above 1: never */
    double value_tolerance;      /* tolerated error of a value, reward units */
    uint32_t min_depth;          /* the root has depth 0 and is never pruned */
    double guard_ttc_s;
    double max_collision_probability;
    bool use_value_bound; /* crude, selective: U of other leaves comes down to high */
    bool use_prior;       /* ties among actions go to the network's choice */
    bool decision_aware;  /* see pomdp_evaluator.reopens */
    bool glance;          /* a root that is settled at first sight is not searched */
} pomdp_prune_config;

/** What is known of a leaf from outside the search. */
typedef struct pomdp_opinion {
    bool valid;        /* false: nothing */
    double value;      /* return from there on, reward units per unit of weight */
    double low, high;  /* calibrated interval of value taken into [L, U]; infinite: there is none */
    double confidence; /* that value is right within value_tolerance */
    double uncertainty; /* variance, scaled to [0, 1] */
    bool accepted;      /* by the certified rule */
    double crash_p;     /* of ending in a crash */
    double ttc_s;       /* until the first meeting, over all particles; INFINITY: none */
    uint32_t preferred; /* action of the largest prior */
} pomdp_opinion;

void pomdp_prune_config_default(pomdp_prune_config *config);
/** False for min_depth, time to collision or probability of a crash: such a leaf is searched. */
bool pomdp_prune_allows(const pomdp_prune_config *config, uint32_t depth,
                        const pomdp_opinion *said);
/** What the search is told of one leaf. */
void pomdp_prune_decide(const pomdp_prune_config *config, const pomdp_leaf *leaf,
                        const pomdp_opinion *said, pomdp_estimate *out);

#endif
