#include "policy/policy_node.h"

#include <stdlib.h>

struct policy_node {
    hp_server *server;
};

static void answer(void *ctx, const void *request, void *reply)
{
    const hp_evaluate_request *asked = request;
    hp_evaluate_reply *answered = reply;
    (void)ctx;
    *answered =
        (hp_evaluate_reply){.world_id = asked->world_id, .tick = asked->tick, .has_model = false};
}

hp_status policy_node_create(const hp_node *identity, policy_node **out, hp_error *error)
{
    policy_node *node = calloc(1, sizeof *node);
    *out = NULL;
    if (node == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory for the policy");
    }
    const hp_service service = {.link = HP_LINK_POLICY,
                                .request = HP_MSG_EVALUATE_REQUEST,
                                .reply = HP_MSG_EVALUATE_REPLY,
                                .has_model = false,
                                .note = "no network: heuristic bounds, no pruning",
                                .answer = answer,
                                .ctx = node};
    const hp_status st = hp_server_create(identity, &service, &node->server, error);
    if (st != HP_OK) {
        policy_node_destroy(&node);
        return st;
    }
    *out = node;
    return HP_OK;
}

void policy_node_destroy(policy_node **node)
{
    if (*node != NULL) {
        hp_server_destroy(&(*node)->server);
        free(*node);
        *node = NULL;
    }
}

hp_status policy_node_step(policy_node *node, int64_t wait_ms)
{
    return hp_server_step(node->server, wait_ms);
}
