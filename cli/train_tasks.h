/** @file train_tasks.h What `hyplan train policy` can learn, with settings that are known to work.
 *  Ownership: constant tables. Threads: pure. Allocation: none. */
#ifndef TRAIN_TASKS_H
#define TRAIN_TASKS_H

#include "policy/policy_ppo.h"

typedef struct train_task {
    const char *name, *help;
    policy_ppo_config config;
    double demand;          /* mean return that counts as learned; NAN: none is demanded */
    uint32_t eval_episodes; /* of the greedy policy at the end */
} train_task;

extern const train_task TRAIN_TASKS[]; /* ended by a NULL name */

#endif
