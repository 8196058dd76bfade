/** @file planner_node.h The daemon: frames come in, commands go out, workers are asked in between.
 *
 *  At the start each worker has START_WAIT_MS to answer the first word, or AGAIN_WAIT_MS if the
 * planner was started again; then the bridge is greeted, and the run begins with those that did.
 * From then on nothing waits for a worker that does not answer (proto/hp_client.h); what it would
 * have given is replaced by a fallback, counted in planner.json. Worlds that wait (synchronous) set
 * no deadline; a watchdog of 60 s from the frame on stands behind the requests of a tick, of 15 s
 * behind the prediction. Ownership: borrows the hp_node and the run directory's name. Threads: one
 * node, one thread. Allocation: in create only (but for planner.json at the end of an episode). */
#ifndef PLANNER_NODE_H
#define PLANNER_NODE_H

#include "planner/plan_live.h"
#include "proto/hp_node.h"

typedef struct planner_node planner_node;

/** What a planner is made with. */
typedef struct planner_setup {
    plan_live config;
    uint64_t seed;
    const char *run_dir;
    int64_t pid; /* told on the tap: SIGHUP there makes it read its files again; 0: it does not */
} planner_setup;

HP_NODISCARD hp_status planner_node_create(const planner_setup *setup, const hp_node *identity,
                                           planner_node **out, hp_error *error);
/** Writes planner.json once more. */
void planner_node_destroy(planner_node **node);
/** New thresholds from the next tick on, told on the tap under the next version. HP_ECONFIG leaves
 * the old ones: what differs holds for a whole run. */
HP_NODISCARD hp_status planner_node_configure(planner_node *node, const plan_live *config,
                                              hp_error *error);
/** Tells the tap that a change was refused, and why. */
void planner_node_refuse(planner_node *node, const char *why);
/** A word for the health reports, on what the planner has to do without. */
void planner_node_note(planner_node *node, const char *note);
/** Waits up to wait_ms for a frame and answers it. HP_EINTERRUPTED on a signal. */
HP_NODISCARD hp_status planner_node_step(planner_node *node, int64_t wait_ms);

#endif
