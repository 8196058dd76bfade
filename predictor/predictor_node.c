#include "predictor/predictor_node.h"

#include <stdlib.h>

struct predictor_node {
    predictor_cv_config config;
    hp_server *server;
};

static void answer(void *ctx, const void *request, void *reply)
{
    const predictor_node *node = ctx;
    predictor_cv_predict(&node->config, request, reply);
}

hp_status predictor_node_create(const predictor_cv_config *config, const hp_node *identity,
                                predictor_node **out, hp_error *error)
{
    predictor_node *node = calloc(1, sizeof *node);
    *out = NULL;
    if (node == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory for the predictor");
    }
    node->config = *config;
    const hp_service service = {.link = HP_LINK_PREDICTOR,
                                .request = HP_MSG_PREDICT_REQUEST,
                                .reply = HP_MSG_PREDICT_REPLY,
                                .note = "no network: constant velocity with modes",
                                .answer = answer,
                                .ctx = node};
    const hp_status st = hp_server_create(identity, &service, &node->server, error);
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
        free(*node);
        *node = NULL;
    }
}

hp_status predictor_node_step(predictor_node *node, int64_t wait_ms)
{
    return hp_server_step(node->server, wait_ms);
}
