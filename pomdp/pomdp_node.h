/** @file pomdp_node.h The pomdp process: answers plan requests with a search.
 *  Ownership: borrows the hp_node. Threads: one node, one thread. Allocation: in create only. */
#ifndef POMDP_NODE_H
#define POMDP_NODE_H

#include "pomdp/car/car_config.h"
#include "proto/hp_server.h"

typedef struct pomdp_node pomdp_node;

HP_NODISCARD hp_status pomdp_node_create(const car_config *config, const hp_node *identity,
                                         pomdp_node **out, hp_error *error);
void pomdp_node_destroy(pomdp_node **node);
/** Waits up to wait_ms for requests and answers them. HP_EINTERRUPTED on a signal. */
HP_NODISCARD hp_status pomdp_node_step(pomdp_node *node, int64_t wait_ms);

#endif
