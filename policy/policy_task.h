/** @file policy_task.h What the trainer knows of a task: a table of calls, and how an episode may
 *  end. Ended by the task itself (terminated: nothing follows, the value there is 0) and cut off by
 * a time limit (truncated: it would have gone on, the value there is estimated) are told apart.
 *  Ownership: create/destroy. Threads: one environment, one thread at a time; environments share
 *  nothing that changes. Determinism: a function of (ctx, index, streams, actions). */
#ifndef POLICY_TASK_H
#define POLICY_TASK_H

#include "common/hp_rng.h"
#include "common/hp_status.h"

#include <stdbool.h>
#include <stdint.h>

enum { POLICY_MAX_ACTIONS = 8 };

typedef struct policy_step {
    double reward;
    double cost;     /* 1 where the task failed for good (a crash), else 0 */
    bool terminated; /* the task is over */
    bool truncated;  /* the time is over; never both */
} policy_step;

typedef struct policy_task {
    const char *name;
    uint32_t n_plain, n_slots, n_slot, n_merge; /* a row of features, see policy_shape.h */
    uint32_t n_actions; /* to choose from; or, if continuous, numbers to give */
    bool continuous;
    const double *choices; /* [n_actions] what each stands for; NULL: its index says it all */
    void *ctx;
    hp_status (*create)(void *ctx, uint32_t index, void **env, hp_error *error);
    void (*destroy)(void *env);
    /** Starts an episode and writes its first row. */
    void (*reset)(void *env, hp_rng stream, float *row);
    /** One step. action: an index as a number, or n_actions numbers. row: what is seen after it,
     *  of the same episode even if that has ended. */
    void (*step)(void *env, const float *action, policy_step *out, float *row);
} policy_task;

#endif
