#include "predictor/predictor_node.h"

#include <stdlib.h>

struct predictor_node {
    predictor_net *net;
    hp_server *server;
};

static void answer(void *ctx, const void *request, void *reply)
{
    predictor_node *node = ctx;
    predictor_net_predict(node->net, request, reply);
}

hp_status predictor_node_create(const predictor_config *config, const hp_node *identity,
                                predictor_node **out, hp_error *error)
{
    predictor_node *node = calloc(1, sizeof *node);
    *out = NULL;
    if (node == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory for the predictor");
    }
    hp_status st = predictor_net_create(config, &node->net, error);
    if (st != HP_OK) {
        predictor_node_destroy(&node);
        return st;
    }
    const bool has_model = predictor_net_has_model(node->net);
    const hp_service service = {.link = HP_LINK_PREDICTOR,
                                .request = HP_MSG_PREDICT_REQUEST,
                                .reply = HP_MSG_PREDICT_REPLY,
                                .has_model = has_model,
                                .note =
                                    has_model ? NULL : "no network: constant velocity with modes",
                                .answer = answer,
                                .ctx = node};
    st = hp_server_create(identity, &service, &node->server, error);
    if (st != HP_OK) {
        predictor_node_destroy(&node);
        return st;
    }
    *out = node;
    return HP_OK;
}

void predictor_node_destroy(predictor_node **node)
{
    if (*node != NULL) {
        hp_server_destroy(&(*node)->server);
        predictor_net_destroy(&(*node)->net);
        free(*node);
        *node = NULL;
    }
}

hp_status predictor_node_step(predictor_node *node, int64_t wait_ms)
{
    return hp_server_step(node->server, wait_ms);
}
