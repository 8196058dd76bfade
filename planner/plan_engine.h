/** @file plan_engine.h What is asked of the engine so that the car does what is wanted at the next
 *  tick: it follows its command with a lag of first order, which would cost a fifth of a second
 *  each time the car sets off. Never more acceleration than wanted comes of it if the lag is as
 *  configured; brakes are left alone.
 *  Ownership: plain data. Threads: one user. Allocation: none. */
#ifndef PLAN_ENGINE_H
#define PLAN_ENGINE_H

#include "planner/plan_config.h"

/** The engine as it must be by now, reckoned from what was sent. */
typedef struct plan_engine {
    double drive_mps2;
} plan_engine;

void plan_engine_begin(plan_engine *engine);
/** What to send for a wanted acceleration; braking is sent as it is. */
double plan_engine_lead(const plan_control_config *config, const plan_engine *engine,
                        double accel_mps2);
/** Takes down what was sent, once a tick. */
void plan_engine_sent(const plan_control_config *config, double accel_mps2, plan_engine *engine);

#endif
