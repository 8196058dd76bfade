/** @file plan_cycle.h One frame's way through the planner, start to end: track, predict, believe,
 *  path, search, guard, command. The file plan_cycle.c reads like the paper's loop.
 *
 *  The cycle knows workers as a table of calls; behind it lie sockets (planner_node), or the cores
 *  themselves (tests, benchmarks). A worker that fails costs a fallback, never the command.
 *  Ownership: create() reserves every byte; configurations and the table of workers are
 *  copied, its ctx and the clock are borrowed. Threads: one cycle, one
 *  thread. Allocation: in create only. Determinism: with budget.trials > 0, a function of
 *  (config, seed, world info, frames, replies); the clock then serves the time figures only. */
#ifndef PLAN_CYCLE_H
#define PLAN_CYCLE_H

#include "common/hp_clock.h"
#include "common/hp_status.h"
#include "planner/plan_config.h"
#include "predictor/predictor_cv.h"
#include "proto/hp_msgs.h"

/** Calls that may take until the request's deadline; anything but HP_OK means: no answer. */
typedef struct plan_workers {
    hp_status (*predict)(void *ctx, const hp_predict_request *request, hp_predict_reply *reply);
    hp_status (*plan)(void *ctx, const hp_plan_request *request, hp_plan_reply *reply);
    void *ctx;
} plan_workers;

typedef struct plan_cycle plan_cycle;

/** stand_in: how the cycle predicts by itself where the predictor does not answer. */
HP_NODISCARD hp_status plan_cycle_create(const plan_config *config,
                                         const predictor_cv_config *stand_in,
                                         const plan_workers *workers, const hp_clock *clock,
                                         plan_cycle **out);
void plan_cycle_destroy(plan_cycle **cycle);
/** Takes new thresholds between two ticks; the path is laid with them from the next decision on.
 * HP_ECONFIG if the section "control" differs: rates hold for a run. */
HP_NODISCARD hp_status plan_cycle_configure(plan_cycle *cycle, const plan_config *config);
/** What the search is told with each request, and the version that decisions bear. At first:
 * nothing, version 0. */
void plan_cycle_settings(plan_cycle *cycle, uint32_t version, const hp_setting *settings,
                         uint32_t n);
/** Starts an episode: forgets tracks, belief, path, last action. */
void plan_cycle_begin(plan_cycle *cycle, const hp_world_info *info, uint64_t seed);
/** One frame to one command; decision tells how. Always gives a command. */
void plan_cycle_tick(plan_cycle *cycle, const hp_frame *frame, hp_command *command,
                     hp_decision *decision);
/** The last request for the search and its belief, for the tap and for tests. */
const hp_plan_request *plan_cycle_belief(const plan_cycle *cycle);
/** The last prediction, for the tap. */
const hp_predict_reply *plan_cycle_prediction(const plan_cycle *cycle);

#endif
