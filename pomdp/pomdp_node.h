/** @file pomdp_node.h The pomdp process: answers plan requests with a search, and asks
 * hyplan-policy for values of tree nodes where pomdp.evaluator says so. Ownership: borrows the
 * hp_node. Threads: one node, one thread. Allocation: in create, and where a
 * request brings other thresholds. */
#ifndef POMDP_NODE_H
#define POMDP_NODE_H

#include "policy/policy_config.h"
#include "pomdp/car/car_config.h"
#include "proto/hp_server.h"

typedef struct pomdp_node pomdp_node;

/** policy: which network, where it runs in this process. What keeps the search from pruning is no
 * failure: it stands in the node's health and in the log. */
HP_NODISCARD hp_status pomdp_node_create(const car_config *config, const policy_config *policy,
                                         const hp_node *identity, pomdp_node **out,
                                         hp_error *error);
void pomdp_node_destroy(pomdp_node **node);
/** Waits up to wait_ms for requests and answers them. HP_EINTERRUPTED on a signal. */
HP_NODISCARD hp_status pomdp_node_step(pomdp_node *node, int64_t wait_ms);

#endif
