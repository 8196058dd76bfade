#include "pomdp/pomdp_node.h"

#include "pomdp/car/car_planner.h"
#include "proto/hp_client.h"
#include "proto/hp_tensor.h"

#include <stdlib.h>
#include <string.h>

enum {
    GREET_MS = 5000,    /* for hyplan-policy, once, before the first search */
    WATCHDOG_MS = 1000, /* longest wait for values where no deadline is set */
};

struct pomdp_node {
    const hp_node *identity; /* borrowed */
    car_planner *planner;
    hp_server *server;
    char note[HP_TEXT]; /* as it was last told */
    /* where values come from elsewhere */
    hp_mail mail;
    hp_client *policy;
    car_remote remote;
    bool greeted;
    uint32_t watch_us;
    hp_evaluate_request request;
    hp_evaluate_reply reply;
};

/** The answers of a reply to n looks; columns: numbers of each. */
static void take_answers(const hp_evaluate_reply *reply, uint32_t n, uint32_t columns,
                         policy_answer *answers)
{
    for (uint32_t i = 0; i < n; i++) {
        double said[HP_MAX_SAID];
        policy_answer *a = &answers[i];
        memcpy(said, reply->answers.data + (size_t)i * columns * sizeof *said,
               columns * sizeof *said);
        *a = (policy_answer){.valid = said[HP_SAID_VALID] > 0.0,
                             .value = said[HP_SAID_VALUE],
                             .spread = said[HP_SAID_SPREAD],
                             .width = said[HP_SAID_WIDTH],
                             .crash_p = said[HP_SAID_CRASH_P]};
        for (uint32_t k = 0; k < columns - HP_SAID_CHOICES; k++) {
            a->choice_p[k] = said[HP_SAID_CHOICES + k];
            a->best = a->choice_p[k] > a->choice_p[a->best] ? k : a->best;
        }
    }
}

/** Values from hyplan-policy. */
static hp_status ask(void *ctx, const car_question *question, int64_t deadline_ns, car_values *out)
{
    pomdp_node *node = ctx;
    hp_evaluate_request *q = &node->request;
    const hp_envelope e = {.type = HP_MSG_EVALUATE_REQUEST, .tick = q->tick};
    const int64_t until_ns = deadline_ns > 0
                                 ? deadline_ns
                                 : hp_clock_now_ns(node->identity->clock) + WATCHDOG_MS * HP_MS_NS;
    const uint32_t scene[HP_MAX_DIMS] = {1, question->n_scene};
    const uint32_t looks[HP_MAX_DIMS] = {question->n, question->n_look};
    hp_tensor_put(&q->scene.head, q->scene.data, HP_NUMBER_F32, scene, question->scene);
    hp_tensor_put(&q->looks.head, q->looks.data, HP_NUMBER_F32, looks, question->looks);
    hp_client_hold(node->policy, node->watch_us); /* until the search ends */
    const hp_status st =
        hp_client_call(node->policy, &e, q, until_ns, HP_MSG_EVALUATE_REPLY, &node->reply);
    if (st != HP_OK) {
        return st;
    }
    if (hp_tensor_rows(&node->reply.answers.head) != question->n || node->reply.tick != q->tick) {
        return HP_EWIRE;
    }
    take_answers(&node->reply, question->n, hp_tensor_columns(&node->reply.answers.head),
                 out->answers);
    out->model_hash = node->reply.model_hash;
    out->network_ns = node->reply.network_ns;
    return HP_OK;
}

/** Says what keeps the search from pruning, and that nothing does any more. */
static void tell(pomdp_node *node)
{
    const char *note = car_planner_note(node->planner);
    note = note != NULL ? note : "";
    if (strcmp(note, node->note) == 0) {
        return;
    }
    (void)snprintf(node->note, sizeof node->note, "%s", note);
    hp_server_note(node->server, node->note);
    if (node->note[0] != '\0') {
        hp_log_warn(node->identity->log, "degraded: %s", node->note);
    } else {
        hp_log_info(node->identity->log, "pruning works again");
    }
}

static void answer(void *ctx, const void *request, void *reply)
{
    pomdp_node *node = ctx;
    const hp_plan_request *asked = request;
    if (node->policy != NULL && !node->greeted) {
        node->greeted = hp_client_greet(node->policy, GREET_MS) != HP_EINTERRUPTED;
    }
    node->request.world_id = asked->world_id;
    node->request.tick = asked->tick;
    car_planner_plan(node->planner, asked, node->identity->clock, reply);
    if (node->policy != NULL) {
        hp_client_let_go(node->policy);
    }
    tell(node);
}

/** The network where it is to be asked: elsewhere, or here. None where nothing is to be pruned now,
 * or later by a reload. */
static hp_status open_network(const car_config *config, const policy_config *policy,
                              pomdp_node *node, hp_error *error)
{
    const bool remote = config->evaluator != CAR_EVALUATOR_LOCAL;
    if (remote && config->threads > 1) {
        return HP_OK; /* car_config_check lets this pass with pruning off only */
    }
    if (remote) {
        hp_status st = hp_mail_create(node->identity, &node->mail);
        if (st == HP_OK) {
            const bool direct = config->evaluator == CAR_EVALUATOR_REMOTE &&
                                hp_node_has(node->identity, HP_LINK_POLICY_DIRECT);
            st = hp_client_create(&node->mail, direct ? HP_LINK_POLICY_DIRECT : HP_LINK_POLICY,
                                  &node->policy, error);
        }
        if (st != HP_OK) {
            return st;
        }
        node->remote = (car_remote){ask, node};
        node->watch_us = config->evaluator_watch_us;
    }
    const hp_status st =
        car_planner_value_leaves(node->planner, policy, remote ? &node->remote : NULL);
    return st == HP_OK ? HP_OK : hp_fail(error, st, "no memory for the network");
}

hp_status pomdp_node_create(const car_config *config, const policy_config *policy,
                            const hp_node *identity, pomdp_node **out, hp_error *error)
{
    pomdp_node *node = calloc(1, sizeof *node);
    *out = NULL;
    if (node == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory for the search");
    }
    node->identity = identity;
    const hp_service service = {.link = HP_LINK_POMDP,
                                .request = HP_MSG_PLAN_REQUEST,
                                .reply = HP_MSG_PLAN_REPLY,
                                .answer = answer,
                                .ctx = node};
    hp_status st = car_planner_create(config, &node->planner);
    if (st == HP_OK) {
        st = open_network(config, policy, node, error);
    } else {
        (void)hp_fail(error, st, "cannot set up the search: %s", hp_status_text(st));
    }
    if (st == HP_OK) {
        st = hp_server_create(identity, &service, &node->server, error);
    }
    if (st != HP_OK) {
        pomdp_node_destroy(&node);
        return st;
    }
    tell(node);
    *out = node;
    return HP_OK;
}

void pomdp_node_destroy(pomdp_node **node)
{
    if (*node != NULL) {
        hp_server_destroy(&(*node)->server);
        hp_client_destroy(&(*node)->policy);
        hp_mail_destroy(&(*node)->mail);
        car_planner_destroy(&(*node)->planner);
        free(*node);
        *node = NULL;
    }
}

hp_status pomdp_node_step(pomdp_node *node, int64_t wait_ms)
{
    if (node->policy != NULL && node->greeted) {
        (void)hp_client_tend(node->policy);
    }
    return hp_server_step(node->server, wait_ms);
}
