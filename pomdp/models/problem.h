/** @file problem.h The standard problems by name, each with its initial belief and settings that
 * suit it. Ownership: a problem owns its model's ctx until pomdp_problem_close; solvers on the
 * model must be gone by then. Threads: an open problem is read-only. Allocation: in open only.
 * Determinism: a function of name and seed. */
#ifndef POMDP_MODELS_PROBLEM_H
#define POMDP_MODELS_PROBLEM_H

#include "common/hp_rng.h"
#include "common/hp_status.h"
#include "pomdp/pomdp_solver.h"

typedef struct pomdp_problem {
    pomdp_model model;
    /** Fills states [n] from the initial belief. */
    void (*sample)(const void *ctx, hp_rng stream, uint32_t n, void *states);
    pomdp_config config;
    uint32_t max_steps;         /* of an episode */
    uint32_t n_belief;          /* particles that a filter needs */
    void *ctx;                  /* owned; NULL if the model needs none */
    void (*destroy)(void *ctx); /* NULL with ctx */
} pomdp_problem;

/** Names that pomdp_problem_open knows, NULL at the end. */
extern const char *const POMDP_PROBLEM_NAMES[];

/** @param seed of random maps and starts.
 *  HP_OK, HP_ENOENT (no such name; *error lists those there are) or HP_ENOMEM. */
HP_NODISCARD hp_status pomdp_problem_open(const char *name, uint64_t seed, pomdp_problem *out,
                                          hp_error *error);
void pomdp_problem_close(pomdp_problem *problem); /* may be closed twice */

#endif
