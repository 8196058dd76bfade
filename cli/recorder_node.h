/** @file recorder_node.h Writes what is told on the tap into RUN/run.mcap: every topic as it came,
 *  with its schema, and beside it what viewers draw (cli/scene.h).
 *
 *  Nobody waits for it: what it cannot keep up with is lost on the tap and counted. A chunk is
 *  written at least once a second; a recorder that is killed loses the open one. A full disk costs
 *  chunks, which are counted, and is complained of once a second at most. At the end
 * RUN/recorder.json tells the figures. A restarted recorder goes on in run-2.mcap, run-3.mcap, ...
 *  Time in the file: the wall clock at the first world's begin plus the world's time; worlds follow
 *  each other by a second.
 *  Ownership: borrows identity and setup's texts. Threads: one. Allocation: in create, and in the
 *  MCAP writer while chunks find their size. */
#ifndef RECORDER_NODE_H
#define RECORDER_NODE_H

#include "proto/hp_node.h"

typedef struct recorder_node recorder_node;

typedef struct recorder_setup {
    const char *run_dir;
    const char *scenario; /* a file to attach; empty: none */
    uint64_t seed;
} recorder_setup;

HP_NODISCARD hp_status recorder_node_create(const recorder_setup *setup, const hp_node *identity,
                                            recorder_node **out, hp_error *error);
/** Writes what is still waiting on the tap, then closes the file. */
void recorder_node_destroy(recorder_node **node);
HP_NODISCARD hp_status recorder_node_step(recorder_node *node, int64_t wait_ms);

#endif
