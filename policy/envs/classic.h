/** @file classic.h Three classic tasks with the published physics, for proving the trainer. Angles
 *  in radians, time in seconds, as in their descriptions. Any state may be set, for tests.
 *  Ownership: create/destroy by the tables; states are plain data. Threads: pure.
 *  Allocation: in create only. */
#ifndef CLASSIC_H
#define CLASSIC_H

#include "policy/policy_task.h"

extern const policy_task CARTPOLE_TASK, ACROBOT_TASK, PENDULUM_TASK;
/** By name; NULL: none of them. */
const policy_task *classic_task_find(const char *name);

typedef struct cartpole {
    double x, v, angle, rate;
    uint32_t steps;
} cartpole;
/** Pushes the cart to the right or left for 0.02 s. */
void cartpole_step(cartpole *c, bool right, policy_step *out);

typedef struct acrobot {
    double angle1, angle2, rate1, rate2; /* 0: hanging down; the second is relative */
    uint32_t steps;
} acrobot;
/** torque -1, 0 or +1 on the second joint for 0.2 s. */
void acrobot_step(acrobot *a, double torque, policy_step *out);

typedef struct pendulum {
    double angle, rate; /* 0: upright */
    uint32_t steps;
} pendulum;
/** torque within +-2 for 0.05 s. Never ends by itself. */
void pendulum_step(pendulum *p, double torque, policy_step *out);

#endif
