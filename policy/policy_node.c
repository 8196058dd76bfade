#include "policy/policy_node.h"

#include "policy/policy_infer.h"

#include <stdlib.h>

struct policy_node {
    policy_infer *infer; /* NULL: no network */
    hp_server *server;
    uint32_t batch;
    uint64_t model_hash;
    const hp_clock *clock; /* borrowed */
    float rows[HP_MAX_ROWS * HP_MAX_FEATURES];
    policy_answer answers[HP_MAX_ROWS];
};

static void tell(const policy_answer *a, hp_evaluation *row)
{
    *row = (hp_evaluation){.valid = a->valid,
                           .value = a->value,
                           .spread = a->spread,
                           .width = a->width,
                           .crash_p = a->crash_p,
                           .best = a->best,
                           .best_p = a->choice_p[a->best]};
}

static void answer(void *ctx, const void *request, void *reply)
{
    policy_node *node = ctx;
    const hp_evaluate_request *asked = request;
    hp_evaluate_reply *answered = reply;
    const uint32_t n = asked->n_rows;
    answered->world_id = asked->world_id;
    answered->tick = asked->tick;
    answered->has_model = node->infer != NULL;
    answered->model_hash = node->model_hash;
    answered->network_ns = 0;
    answered->n_rows = 0;
    if (node->infer == NULL || n > node->batch ||
        asked->n_values != n * policy_infer_row(node->infer)) {
        return;
    }
    const int64_t begin_ns = hp_clock_now_ns(node->clock);
    for (uint32_t i = 0; i < asked->n_values; i++) {
        node->rows[i] = (float)asked->values[i];
    }
    policy_infer_run(node->infer, POLICY_ASK_VALUE | POLICY_ASK_CHOICE, node->rows, n,
                     node->answers);
    for (uint32_t i = 0; i < n; i++) {
        tell(&node->answers[i], &answered->rows[i]);
    }
    answered->n_rows = n;
    answered->network_ns = hp_clock_now_ns(node->clock) - begin_ns;
}

static hp_status load(const policy_config *config, policy_node *node, hp_error *error)
{
    policy_model model;
    hp_status st =
        config->model[0] != '\0' ? policy_model_read(config->model, &model, error) : HP_ENOENT;
    if (st != HP_OK) {
        return st;
    }
    if (policy_shape_row(&model.actor) > HP_MAX_FEATURES || model.actor.n_out > HP_MAX_ACTIONS) {
        st = hp_fail(error, HP_ECONFIG, "%s: %u features and %u actions, at most %d and %d travel",
                     config->model, policy_shape_row(&model.actor), model.actor.n_out,
                     HP_MAX_FEATURES, HP_MAX_ACTIONS);
    } else {
        st = policy_infer_create(&model, POLICY_ISA_WORDS[config->isa], HP_MAX_ROWS, &node->infer,
                                 error);
    }
    node->model_hash = policy_model_hash(&model);
    policy_model_destroy(&model);
    return st;
}

hp_status policy_node_create(const policy_config *config, const hp_node *identity,
                             policy_node **out, hp_error *error)
{
    policy_node *node = calloc(1, sizeof *node);
    *out = NULL;
    if (node == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory for the policy");
    }
    node->clock = identity->clock;
    node->batch = config->batch < HP_MAX_ROWS ? config->batch : HP_MAX_ROWS;
    hp_status st = load(config, node, error);
    if (st == HP_OK || st == HP_ENOENT) {
        const bool has_model = st == HP_OK;
        char kind[32] = "";
        if (has_model) {
            (void)snprintf(kind, sizeof kind, "%s kernels", policy_infer_kernel(node->infer));
        }
        const hp_service service = {.link = HP_LINK_POLICY,
                                    .request = HP_MSG_EVALUATE_REQUEST,
                                    .reply = HP_MSG_EVALUATE_REPLY,
                                    .has_model = has_model,
                                    .note = has_model ? NULL
                                                      : "no network: heuristic bounds, no pruning",
                                    .kind = kind,
                                    .answer = answer,
                                    .ctx = node};
        st = hp_server_create(identity, &service, &node->server, error);
        if (has_model && st == HP_OK) {
            hp_log_info(identity->log, "network %s, %s kernels", config->model,
                        policy_infer_kernel(node->infer));
        }
    }
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
        policy_infer_destroy(&(*node)->infer);
        free(*node);
        *node = NULL;
    }
}

hp_status policy_node_step(policy_node *node, int64_t wait_ms)
{
    return hp_server_step(node->server, wait_ms);
}
