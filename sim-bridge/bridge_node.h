/** @file bridge_node.h The world's side of the wheel: shows frames, takes commands, keeps the
 * score.
 *
 *  Synchronous worlds wait for each command: one frame is out, sent again after resend_ms (doubling
 * up to a second); after planner_lost_s the car brakes to the end of the episode and the run is
 * over. Real-time worlds go on by the clock: the newest command holds, and after watchdog_ticks
 * without one the car brakes. A planner that was restarted calls again, is told the world, and goes
 * on. Ownership: borrows the hp_node. Threads: one node, one thread. Allocation: in create, and at
 * the seams between episodes. */
#ifndef BRIDGE_NODE_H
#define BRIDGE_NODE_H

#include "proto/hp_node.h"
#include "sim-bridge/bridge_config.h"
#include "sim-bridge/sim_world.h"

typedef struct bridge_node bridge_node;

/** What a bridge plays, and where it writes. */
typedef struct bridge_setup {
    bridge_config bridge;
    sim_config sim;
    uint64_t seed;
    const char *run_dir;
} bridge_setup;

HP_NODISCARD hp_status bridge_node_create(const bridge_setup *setup, const hp_node *identity,
                                          bridge_node **out, hp_error *error);
/** Books a running episode as stopped and finishes the files. */
void bridge_node_destroy(bridge_node **node);
/** Waits up to wait_ms for what comes next. HP_EINTERRUPTED on a signal; else, when something
 * beyond repair happened, a status whose text is in the log. */
HP_NODISCARD hp_status bridge_node_step(bridge_node *node, int64_t wait_ms);
/** All episodes are over, or the planner was given up. */
bool bridge_node_done(const bridge_node *node);
/** The planner was given up. */
bool bridge_node_lost(const bridge_node *node);

#endif
