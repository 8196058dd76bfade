/** @file pomdp_model.h A decision problem as the solver sees it: a table of pure functions.
 *
 *  States are state_size bytes that memcpy may copy, handed over in batches: states
 * [n][state_size], aligned for any type. All randomness of a step is its key, one 64-bit word
 * f(scenario, depth) per particle; a model that needs several numbers derives them with hp_rng from
 * that word. Threads: hooks are re-entrant. Allocation, locks, logs, clocks: none in hooks.
 *  Determinism: equal arguments, equal bits, in any order and for any batch size. */
#ifndef POMDP_MODEL_H
#define POMDP_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { POMDP_MAX_ACTIONS = 64 };

/** What one step of each of n particles gave; every array has n entries or is NULL, as said. */
typedef struct pomdp_steps {
    double *reward;    /* reward units, finite */
    double *weight;    /* p/q of this draw; step_proposal fills it, for step it is NULL */
    uint64_t *obs;     /* equal keys share a belief node; NULL in rollouts: nobody looks */
    uint8_t *terminal; /* 1: the episode ends with this step, 0: it goes on */
} pomdp_steps;

/** Keys for a run of steps: particle i's t-th step takes rows[t * stride + column[i]]. */
typedef struct pomdp_draws {
    const uint64_t *rows;
    uint32_t stride;
    const uint32_t *column; /* [n] */
    void *room;             /* scratch of the rollout's own, aligned for any type; may be NULL */
    size_t room_bytes;
} pomdp_draws;

/** Some beliefs, their particles one after the other. */
typedef struct pomdp_beliefs {
    const void *states;
    const double *weights;
    const uint32_t *n; /* [n_beliefs] particles of each */
    uint32_t n_beliefs;
    void *room; /* scratch, as of pomdp_draws */
    size_t room_bytes;
} pomdp_beliefs;

typedef struct pomdp_model {
    const char *name;
    uint32_t n_actions; /* [1, POMDP_MAX_ACTIONS] */
    size_t state_size;  /* bytes, [1, 65536] */
    double discount;    /* (0, 1] per step; 1 asks for an upper hook */
    double reward_max;  /* per step: the bound of last resort, reward_max / (1 - discount) */

    /** [must] Advances states[i] by actions[i] with keys[i]; the plain dynamics p. */
    void (*step)(const void *ctx, void *states, uint32_t n, const uint32_t *actions,
                 const uint64_t *keys, pomdp_steps *out);
    /** [may be NULL] The same under the proposal q, with weight = p/q. Used in expansions only. */
    void (*step_proposal)(const void *ctx, void *states, uint32_t n, const uint32_t *actions,
                          const uint64_t *keys, pomdp_steps *out);
    /** [must] The default policy, for lower bounds: actions[i] may depend only on what an observer
     *  of particle i alone would know, so that following it is possible. A model may keep what was
     *  observed so far (a count, a sufficient statistic) in its state for this purpose. */
    void (*default_policy)(const void *ctx, const void *states, uint32_t n, uint32_t *actions);
    /** [may be NULL] Return that is surely achievable from each state after the rollout's end. NULL
     *  means 0, which is a lower bound only where no cost can follow. */
    void (*tail)(const void *ctx, const void *states, uint32_t n, double *values);
    /** [may be NULL] What default_policy and step give in n_steps steps, and tail after them:
     *  returned[i] the discounted sum. Gives the particle steps that it took. For models that are
     * quicker when one call does it all. */
    uint64_t (*rollout)(const void *ctx, const void *states, uint32_t n, const pomdp_draws *draws,
                        uint32_t n_steps, double *returned);
    /** [may be NULL] What some policy surely earns from the belief of these n particles, knowing
     * the weights but no single particle: the sum of weight times return; *action is that policy's
     *  first step. The best of this and of the default policy's return, known, is the lower bound:
     * a model that sees that it cannot do better may give anything less. */
    double (*belief_lower)(const void *ctx, const void *states, const double *weights, uint32_t n,
                           double known, uint32_t *action);
    /** [may be NULL] The same for several beliefs in one call, for models that are quicker so;
     *  without actions. lower[i] is what is known of belief i, and becomes its bound, or anything
     *  less. Gives the particle steps that it took. */
    uint64_t (*beliefs_lower)(const void *ctx, const pomdp_beliefs *beliefs, double *lower);
    /** [may be NULL] Optimistic return from each state; default reward_max / (1 - discount). */
    void (*upper)(const void *ctx, const void *states, uint32_t n, double *values);
    /** [may be NULL] Optimistic return of each action from the belief of these n particles:
     *  values[a], the sum of weight times return, n_actions of them. Where upper is the value for
     *  who sees everything, this is the same for who must begin with a. Then actions are stepped
     * one by one, the most promising first. */
    void (*action_upper)(const void *ctx, const void *states, const double *weights, uint32_t n,
                         double *values);
    /** [may be NULL] P(obs | state after action): for belief filters, never called by the search.
     */
    double (*obs_probability)(const void *ctx, const void *state, uint32_t action, uint64_t obs);
    /** [must, if states carry what was observed] Makes *after, the successor of *before, carry obs
     *  in place of what its own step drew. For belief filters, never called by the search. */
    void (*remember)(const void *ctx, const void *before, uint32_t action, uint64_t obs,
                     void *after);
    /** [may be NULL] Changes *after, the successor of *before, where it may be wrong, so that it
     *  agrees with obs; false if that fails. For belief filters, when too few particles explain
     * obs. */
    bool (*repair)(const void *ctx, const void *before, uint32_t action, uint64_t obs, uint64_t key,
                   void *after);

    const void *ctx; /* borrowed: outlives every solver that holds the model */
} pomdp_model;

#endif
