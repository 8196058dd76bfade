#include "policy/policy_node.h"

#include "policy/policy_infer.h"
#include "proto/hp_tensor.h"

#include <stdlib.h>
#include <string.h>

struct policy_node {
    policy_infer *infer; /* NULL: no network */
    hp_server *server;
    uint32_t batch;
    uint64_t model_hash;
    const hp_clock *clock; /* borrowed */
    /* the scene that was encoded last; the next request may be of the same */
    bool has_scene;
    float scene[HP_MAX_SCENE];
    float looks[HP_MAX_LOOKS * HP_MAX_FEATURES];
    policy_answer answers[HP_MAX_LOOKS];
    double said[HP_MAX_LOOKS * HP_MAX_SAID];
};

static bool fits(const policy_node *node, const hp_evaluate_request *asked)
{
    const policy_shape *shape = policy_infer_shape(node->infer);
    const uint32_t n_scene = policy_shape_scene(shape);
    const uint32_t n = hp_tensor_rows(&asked->looks.head);
    return n > 0 && n <= node->batch &&
           hp_tensor_is(&asked->scene.head, HP_NUMBER_F32, n_scene > 0 ? 1 : 0, n_scene) &&
           hp_tensor_is(&asked->looks.head, HP_NUMBER_F32, n, policy_shape_look(shape));
}

/** Whoever asks, an answer depends on his request alone: the scene is compared as a whole. */
static void see(policy_node *node, const hp_evaluate_request *asked)
{
    const uint32_t n_bytes = asked->scene.head.n_bytes;
    if (n_bytes > 0 && node->has_scene && memcmp(node->scene, asked->scene.data, n_bytes) == 0) {
        return;
    }
    memcpy(node->scene, asked->scene.data, n_bytes);
    node->has_scene = n_bytes > 0;
    policy_infer_see(node->infer, node->scene);
}

static void tell(policy_node *node, uint32_t n, hp_evaluate_reply *answered)
{
    const uint32_t n_choices = policy_infer_shape(node->infer)->n_out;
    const uint32_t shape[HP_MAX_DIMS] = {n, HP_SAID_CHOICES + n_choices};
    for (uint32_t i = 0; i < n; i++) {
        const policy_answer *a = &node->answers[i];
        double *said = &node->said[(size_t)i * shape[1]];
        said[HP_SAID_VALID] = a->valid ? 1.0 : 0.0;
        said[HP_SAID_VALUE] = a->value;
        said[HP_SAID_SPREAD] = a->spread;
        said[HP_SAID_WIDTH] = a->width;
        said[HP_SAID_CRASH_P] = a->crash_p;
        memcpy(said + HP_SAID_CHOICES, a->choice_p, n_choices * sizeof *said);
    }
    hp_tensor_put(&answered->answers.head, answered->answers.data, HP_NUMBER_F64, shape,
                  node->said);
}

static void answer(void *ctx, const void *request, void *reply)
{
    policy_node *node = ctx;
    const hp_evaluate_request *asked = request;
    hp_evaluate_reply *answered = reply;
    const uint32_t n = hp_tensor_rows(&asked->looks.head);
    answered->world_id = asked->world_id;
    answered->tick = asked->tick;
    answered->has_model = node->infer != NULL;
    answered->model_hash = node->model_hash;
    answered->network_ns = 0;
    answered->answers.head = (hp_tensor_head){0};
    if (node->infer == NULL || !fits(node, asked)) {
        return;
    }
    const int64_t begin_ns = hp_clock_now_ns(node->clock);
    see(node, asked);
    memcpy(node->looks, asked->looks.data, asked->looks.head.n_bytes);
    policy_infer_look(node->infer, POLICY_ASK_VALUE | POLICY_ASK_CHOICE, node->looks, n,
                      node->answers);
    tell(node, n, answered);
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
    const policy_shape *shape = &model.actor;
    if (policy_shape_look(shape) > HP_MAX_FEATURES || policy_shape_scene(shape) > HP_MAX_SCENE ||
        shape->n_out > HP_MAX_ACTIONS) {
        st = hp_fail(error, HP_ECONFIG,
                     "%s: looks of %u features, scenes of %u and %u actions, at most %d, %d and %d "
                     "travel",
                     config->model, policy_shape_look(shape), policy_shape_scene(shape),
                     shape->n_out, HP_MAX_FEATURES, HP_MAX_SCENE, HP_MAX_ACTIONS);
    } else {
        st = policy_infer_create(&model, POLICY_ISA_WORDS[config->isa], HP_MAX_LOOKS, &node->infer,
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
    node->batch = config->batch < HP_MAX_LOOKS ? config->batch : HP_MAX_LOOKS;
    hp_status st = load(config, node, error);
    if (st == HP_OK || st == HP_ENOENT) {
        const bool has_model = st == HP_OK;
        char kind[32] = "";
        if (has_model) {
            (void)snprintf(kind, sizeof kind, "%s kernels", policy_infer_kernel(node->infer));
        }
        const hp_service service = {.link = HP_LINK_POLICY,
                                    .direct = HP_LINK_POLICY_DIRECT,
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
