/** @file policy_crew.h Threads that share out the chores of one call, for training.
 *
 *  Which thread does a chore is left to chance; so chores write to places of their own, and what
 *  comes out is the same for any number of threads.
 *  Ownership: create/destroy. Threads: one user, who does chores himself. Allocation: in create
 *  only. */
#ifndef POLICY_CREW_H
#define POLICY_CREW_H

#include "common/hp_status.h"

#include <stdint.h>

enum { POLICY_MAX_THREADS = 64 };

typedef struct policy_crew policy_crew;

/** HP_EINVAL unless n_threads is in [1, POLICY_MAX_THREADS], HP_EUNAVAILABLE if one cannot be
 * started. With 1 nobody else works. */
HP_NODISCARD hp_status policy_crew_create(uint32_t n_threads, policy_crew **out);
void policy_crew_destroy(policy_crew **crew);
/** Calls chore(ctx, i) once for each i in [0, n), and returns when all have returned. */
void policy_crew_run(policy_crew *crew, void (*chore)(void *ctx, uint32_t index), void *ctx,
                     uint32_t n);

#endif
