/** @file policy_node.h The policy process: answers evaluate requests with the loaded network, many
 * clients one after the other. Without a network it says so (has_model is false), and its askers go
 * on with heuristic bounds and without pruning: a degraded mode, no error. A file that is there but
 * bad is an error: nobody should believe that it is used.
 *  Ownership: borrows the hp_node. Threads: one node, one thread. Allocation: in create only. */
#ifndef POLICY_NODE_H
#define POLICY_NODE_H

#include "policy/policy_config.h"
#include "proto/hp_server.h"

typedef struct policy_node policy_node;

HP_NODISCARD hp_status policy_node_create(const policy_config *config, const hp_node *identity,
                                          policy_node **out, hp_error *error);
void policy_node_destroy(policy_node **node);
/** Waits up to wait_ms for requests and answers them. HP_EINTERRUPTED on a signal. */
HP_NODISCARD hp_status policy_node_step(policy_node *node, int64_t wait_ms);

#endif
