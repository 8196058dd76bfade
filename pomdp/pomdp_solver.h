/** @file pomdp_solver.h Anytime online search over a pomdp_model (DESPOT with importance sampling;
 *  POMCP beside it, to check one by the other); knows nothing about traffic.
 *
 *  Ye, Somani, Hsu, Lee, "DESPOT: Online POMDP Planning with Regularization", JAIR 58 (2017); Luo,
 *  Bai, Hsu, Lee, "Importance Sampling for Online Planning under Uncertainty", IJRR 38 (2019).
 *
 *  Bounds: L of a new leaf is its default policy's return, or belief_lower if that is more; U is
 * the model's. Where the hooks disagree (L > U at a leaf), U is raised to L: a policy that was seen
 * to earn L is worth it. At max_depth the default policy takes over for good, so U = L there.
 *  Importance weights multiply along a scenario and are scaled at each action so that a node's
 *  children, ended episodes included, weigh together what the node weighs.
 *
 *  Ownership: create() reserves every byte; plan() never allocates. Model and ctx are borrowed.
 *  Threads: one solver per thread; solvers share nothing.
 *  Determinism: with deadline_ns == 0, a function of (model, config, particles, stream) alone. */
#ifndef POMDP_SOLVER_H
#define POMDP_SOLVER_H

#include "common/hp_clock.h"
#include "common/hp_rng.h"
#include "common/hp_status.h"
#include "pomdp/pomdp_model.h"

typedef struct pomdp_solver pomdp_solver;

typedef enum pomdp_algorithm {
    POMDP_DESPOT,
    POMDP_POMCP, /* for comparison: a trial is one simulation, values are means and not bounds */
    POMDP_N_ALGORITHMS,
} pomdp_algorithm;

typedef struct pomdp_config {
    pomdp_algorithm algorithm;
    uint32_t n_scenarios;     /* K: sampled futures, [1, 8192] */
    uint32_t max_depth;       /* D: plies of the tree, [1, 128] */
    uint32_t rollout_depth;   /* steps of the default policy below a leaf, [0, 256] */
    uint32_t max_nodes;       /* belief nodes in the pool, [1 + K n_actions, 2^26], and n_actions
                                 more edges than that; POMCP: arms */
    uint32_t max_particles;   /* particles over all nodes, [K + K n_actions, 2^28] */
    double target_gap;        /* the search ends when U - L at the root is at most this, >= 0 */
    double xi;                /* (0, 1): a trial stops where the excess uncertainty is negative */
    double regularisation;    /* lambda per policy node, >= 0 */
    bool importance_sampling; /* use step_proposal where the model has one */
    bool lazy;                /* use action_upper where the model has one and nobody prunes */
} pomdp_config;

/** A belief: what a search begins with. Borrowed while it runs. */
typedef struct pomdp_particles {
    const void *states;    /* [n][state_size] */
    const double *weights; /* [n], summing to 1; NULL: equal */
    uint32_t n;
} pomdp_particles;

enum { POMDP_PLAN_DEPTHS = 16 };

/** What stops a search, besides the gap and a full pool. Neither given: the root is expanded, no
 * more. */
typedef struct pomdp_budget {
    uint32_t max_trials;   /* 0: only the deadline */
    uint64_t max_steps;    /* no node is expanded after so many particle steps; 0: any number */
    int64_t deadline_ns;   /* of the clock; 0: only the trials */
    const hp_clock *clock; /* may be NULL if deadline_ns == 0 */
    double target_gap;     /* instead of the configuration's, if that is less */
} pomdp_budget;

typedef struct pomdp_plan {
    uint32_t action;
    double value_lower, value_upper;   /* discounted return of the root, reward units */
    double gap_begin;                  /* U - L at the root from the hooks alone */
    uint32_t trials;                   /* as max_trials (and no deadline), replays a timed search */
    uint32_t nodes, expansions, depth; /* belief nodes made, nodes expanded, deepest ply */
    uint64_t steps_tree, steps_rollout; /* particle steps, as max_steps counts them */
    uint64_t steps_bounds;              /* those of beliefs_lower, on top */
    /* leaves valued by the evaluator, pruned on its word, left without a usable one; calls of it */
    uint32_t evaluated, pruned, refused, batches;
    uint32_t reopened;                     /* pruned, and then searched after all */
    uint32_t pruned_at[POMDP_PLAN_DEPTHS]; /* by depth 0, 1, ...; the last takes the deeper ones */
    uint32_t n_actions;
    double action_lower[POMDP_MAX_ACTIONS], action_upper[POMDP_MAX_ACTIONS]; /* at the root */
    bool pool_full; /* growth ended early; the plan is still the best found */
} pomdp_plan;

void pomdp_config_default(pomdp_config *config);

/** HP_OK, HP_EINVAL (field out of range) or HP_ENOMEM; *out is NULL unless HP_OK. */
HP_NODISCARD hp_status pomdp_solver_create(const pomdp_model *model, const pomdp_config *config,
                                           pomdp_solver **out);
void pomdp_solver_destroy(pomdp_solver **solver); /* clears *solver; it may be NULL or half built */
/** Bytes reserved at create. */
size_t pomdp_solver_bytes(const pomdp_solver *solver);

/** @param belief K scenarios are drawn from it by systematic resampling, or taken as they are when
 * n == K.
 *  @param stream random numbers of this decision.
 *  The action with the best lower bound; ties break towards the lowest index. The root is always
 *  expanded, so that *plan holds an answer: a deadline may be overrun by that first expansion,
 *  otherwise by some 2,000 particle steps, or one call of a hook where that is more: 8,192 or K
 *  particles' steps, a rollout of 512, the bounds of an expansion's beliefs. A trial that the
 *  deadline cuts short is undone.
 *  HP_OK, or HP_EINVAL when n is 0, weights are not a distribution or a deadline lacks its clock.
 */
HP_NODISCARD hp_status pomdp_solver_plan(pomdp_solver *solver, const pomdp_particles *belief,
                                         hp_rng stream, const pomdp_budget *budget,
                                         pomdp_plan *plan);

/** The root's first bounds, and no search. Where they are at most gap apart, what the policy behind
 *  the lower one does is worth all but that gap: HP_OK, and the plan with that action; of the other
 *  actions it knows nothing. HP_EAGAIN: they are farther apart. HP_EINVAL as above. */
HP_NODISCARD hp_status pomdp_solver_glance(pomdp_solver *solver, const pomdp_particles *belief,
                                           hp_rng stream, double gap, pomdp_plan *plan);

#endif
