/** @file hp_crew.h Threads that share out the chores of one call.
 *
 *  Which thread does a chore is left to chance; so chores write to places of their own, and what
 *  comes out is the same for any number of threads.
 *  Ownership: create/destroy. Threads: one user, who does chores himself. Allocation: in create
 *  only. */
#ifndef HP_CREW_H
#define HP_CREW_H

#include "common/hp_status.h"

#include <stdint.h>

enum { HP_CREW_MAX_THREADS = 64 };

typedef struct hp_crew hp_crew;

/** HP_EINVAL unless n_threads is in [1, HP_CREW_MAX_THREADS], HP_EUNAVAILABLE if one cannot be
 * started. With 1 nobody else works. */
HP_NODISCARD hp_status hp_crew_create(uint32_t n_threads, hp_crew **out);
void hp_crew_destroy(hp_crew **crew);
/** Calls chore(ctx, i) once for each i in [0, n), and returns when all have returned. */
void hp_crew_run(hp_crew *crew, void (*chore)(void *ctx, uint32_t index), void *ctx, uint32_t n);

#endif
