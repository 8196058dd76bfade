/** @file predictor_node.h The predictor process: answers predict requests by a network, or by
 * constant velocity with modes. Ownership: borrows the hp_node. Threads: one node, one thread.
 * Allocation: in create only.
 */
#ifndef PREDICTOR_NODE_H
#define PREDICTOR_NODE_H

#include "predictor/predictor_net.h"
#include "proto/hp_server.h"

typedef struct predictor_node predictor_node;

HP_NODISCARD hp_status predictor_node_create(const predictor_config *config,
                                             const hp_node *identity, predictor_node **out,
                                             hp_error *error);
void predictor_node_destroy(predictor_node **node);
/** Waits up to wait_ms for requests and answers them. HP_EINTERRUPTED on a signal. */
HP_NODISCARD hp_status predictor_node_step(predictor_node *node, int64_t wait_ms);

#endif
