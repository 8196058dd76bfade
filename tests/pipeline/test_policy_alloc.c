/* Asking hyplan-policy allocates nothing once the line stands, at neither end: client and service
 * by a direct line, in two threads. malloc is ours here, the C library's included, and counts. */
#include "tests/pipeline/node_fixture.h"
#include "tests/support/counting_malloc.h"
#include "tests/unit/policy/policy_fixture.h"

#include "policy/policy_node.h"
#include "proto/hp_client.h"
#include "proto/hp_tensor.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

enum { WARM_UP = 20, CALLS = 200, ROUNDS = 20, LOOKS = 8, GREET_MS = 60000 };

static hp_evaluate_request request;

typedef struct service {
    policy_node *node;
    atomic_bool stop;
} service;

static void *serve(void *arg)
{
    service *s = arg;
    while (!s->stop) {
        (void)!policy_node_step(s->node, PATIENCE_MS);
    }
    return NULL;
}

static void write_model(fixture *f, policy_config *config, policy_shape *shape)
{
    hp_error error;
    policy_model model = fixture_model(POLICY_RELU);
    policy_config_default(config);
    (void)snprintf(config->model, sizeof config->model, "%s/m", f->dir);
    assert_int_equal(policy_model_write(&model, f->dir, "m", &(hp_tensor_list){0}, &error), HP_OK);
    *shape = model.actor;
    policy_model_destroy(&model);
}

/** Asks so often, and returns how many allocations there were meanwhile in the whole process. */
static unsigned long ask(hp_client *client, const hp_clock *clock, uint32_t n)
{
    static hp_evaluate_reply reply;
    const hp_envelope e = {.type = HP_MSG_EVALUATE_REQUEST};
    const unsigned long before = calls;
    for (uint32_t i = 0; i < n; i++) {
        const int64_t until_ns = hp_clock_now_ns(clock) + GREET_MS * MS;
        if (hp_client_call(client, &e, &request, until_ns, HP_MSG_EVALUATE_REPLY, &reply) !=
                HP_OK ||
            hp_tensor_rows(&reply.answers.head) != LOOKS) {
            fail_msg("no answer to question %u", i);
        }
    }
    return calls - before;
}

/** Threads of ZeroMQ that see to health and log allocate when they please; a question that did
 * would be seen in every round. */
static void test_questions_allocate_nothing_once_the_line_stands(void **state)
{
    fixture f;
    service s = {.node = NULL};
    policy_config config;
    policy_shape shape;
    pthread_t thread;
    hp_client *client = NULL;
    hp_error error;
    const hp_clock clock = hp_clock_real();
    (void)state;
    fixture_open_by(&f, HP_ROLE_POLICY, HP_ROLE_POMDP, HP_LINK_POLICY_DIRECT);
    f.node.clock = f.other.clock = &clock;
    write_model(&f, &config, &shape);
    float *looks = fixture_rows(&shape, LOOKS);
    assert_int_equal(policy_node_create(&config, &f.node, &s.node, &error), HP_OK);
    assert_int_equal(unlink(config.model), 0);
    assert_int_equal(pthread_create(&thread, NULL, serve, &s), 0);
    assert_int_equal(hp_client_create(&f.mail, HP_LINK_POLICY_DIRECT, &client, &error), HP_OK);
    assert_int_equal(hp_client_greet(client, GREET_MS), HP_OK);
    hp_tensor_put(&request.looks.head, request.looks.data, HP_NUMBER_F32,
                  (const uint32_t[]){LOOKS, policy_shape_look(&shape)}, looks);
    (void)ask(client, &clock, WARM_UP);
    assert_true(calls > 0); /* the wire is live */
    unsigned long least = ULONG_MAX;
    for (uint32_t i = 0; i < ROUNDS && least > 0; i++) {
        const unsigned long n = ask(client, &clock, CALLS);
        least = n < least ? n : least;
    }
    assert_int_equal(least, 0);
    s.stop = true;
    (void)pthread_join(thread, NULL);
    hp_client_destroy(&client);
    policy_node_destroy(&s.node);
    free(looks);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_questions_allocate_nothing_once_the_line_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
