#include "pomdp/pomdp_node.h"

#include "pomdp/car/car_planner.h"

#include <stdlib.h>

struct pomdp_node {
    car_planner *planner;
    const hp_clock *clock; /* borrowed */
    hp_server *server;
};

static void answer(void *ctx, const void *request, void *reply)
{
    pomdp_node *node = ctx;
    car_planner_plan(node->planner, request, node->clock, reply);
}

hp_status pomdp_node_create(const car_config *config, const hp_node *identity, pomdp_node **out,
                            hp_error *error)
{
    pomdp_node *node = calloc(1, sizeof *node);
    *out = NULL;
    if (node == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory for the search");
    }
    node->clock = identity->clock;
    const hp_service service = {.link = HP_LINK_POMDP,
                                .request = HP_MSG_PLAN_REQUEST,
                                .reply = HP_MSG_PLAN_REPLY,
                                .answer = answer,
                                .ctx = node};
    hp_status st = car_planner_create(config, &node->planner);
    if (st == HP_OK) {
        st = hp_server_create(identity, &service, &node->server, error);
    } else {
        (void)hp_fail(error, st, "cannot set up the search: %s", hp_status_text(st));
    }
    if (st != HP_OK) {
        pomdp_node_destroy(&node);
        return st;
    }
    *out = node;
    return HP_OK;
}

void pomdp_node_destroy(pomdp_node **node)
{
    if (*node != NULL) {
        hp_server_destroy(&(*node)->server);
        car_planner_destroy(&(*node)->planner);
        free(*node);
        *node = NULL;
    }
}

hp_status pomdp_node_step(pomdp_node *node, int64_t wait_ms)
{
    return hp_server_step(node->server, wait_ms);
}
