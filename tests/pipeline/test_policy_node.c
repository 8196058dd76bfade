/* The policy as a service: batches over the bus give the bits of the library, and what does not fit
 * is refused without harm. */
#include "tests/pipeline/node_fixture.h"
#include "tests/unit/policy/policy_fixture.h"

#include "policy/policy_infer.h"
#include "policy/policy_node.h"
#include "proto/hp_client.h"

#include <string.h>
#include <unistd.h>

enum { ROWS = 7 };

static char dir[] = "/tmp/hyplan-policy-XXXXXX";
static policy_config config;
static policy_model model;

static int set_up(void **state)
{
    hp_error error;
    (void)state;
    assert_non_null(mkdtemp(dir));
    policy_config_default(&config);
    (void)snprintf(config.model, sizeof config.model, "%s/m", dir);
    model = fixture_model(POLICY_RELU);
    return policy_model_write(&model, dir, "m", &(hp_tensor_list){0}, &error) == HP_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    char path[64];
    (void)state;
    (void)snprintf(path, sizeof path, "%s/m", dir);
    policy_model_destroy(&model);
    (void)unlink(path);
    return rmdir(dir);
}

/** A client and a node that only acts when it is stepped, so calls are split in two. */
typedef struct rig {
    fixture f;
    policy_node *node;
    hp_socket *dealer;
} rig;

static void open_rig(rig *r, const policy_config *c)
{
    hp_error error;
    fixture_open(&r->f, HP_ROLE_POLICY, HP_ROLE_PLANNER);
    assert_int_equal(policy_node_create(c, &r->f.node, &r->node, &error), HP_OK);
    assert_int_equal(
        hp_node_open(r->f.mail.node, HP_SOCKET_DEALER, HP_LINK_POLICY, &r->dealer, &error), HP_OK);
}

static void close_rig(rig *r)
{
    hp_socket_close(&r->dealer);
    policy_node_destroy(&r->node);
    fixture_close(&r->f);
}

static const hp_evaluate_reply *ask(rig *r, const hp_evaluate_request *request)
{
    const hp_envelope e = {.type = HP_MSG_EVALUATE_REQUEST, .sequence = 5};
    hp_status st = HP_EAGAIN;
    for (int i = 0; i < TRIES && st != HP_OK; i++) {
        st = hp_mail_send(&r->f.mail, r->dealer, NULL, &e, request);
    }
    assert_int_equal(st, HP_OK);
    st = HP_EAGAIN;
    for (int i = 0; i < TRIES && st != HP_OK; i++) {
        assert_int_equal(policy_node_step(r->node, PATIENCE_MS), HP_OK);
        st = hp_mail_receive(&r->f.mail, r->dealer, NULL);
    }
    assert_int_equal(st, HP_OK);
    assert_int_equal(r->f.mail.envelope.type, HP_MSG_EVALUATE_REPLY);
    return &r->f.mail.in->as_hp_evaluate_reply;
}

static hp_evaluate_request *request_of(const float *rows, uint32_t n)
{
    hp_evaluate_request *q = calloc(1, sizeof *q);
    assert_non_null(q);
    q->world_id = 9;
    q->n_rows = n;
    q->n_values = n * policy_shape_row(&model.actor);
    for (uint32_t i = 0; i < q->n_values; i++) {
        q->values[i] = (double)rows[i];
    }
    return q;
}

static void test_node_answers_with_the_bits_of_the_library(void **state)
{
    rig r;
    policy_infer *infer = NULL;
    policy_answer wanted[ROWS];
    hp_error error;
    float *rows = fixture_rows(&model.actor, ROWS);
    (void)state;
    open_rig(&r, &config);
    assert_int_equal(policy_infer_create(&model, "auto", ROWS, &infer, &error), HP_OK);
    policy_infer_run(infer, POLICY_ASK_VALUE | POLICY_ASK_CHOICE, rows, ROWS, wanted);
    hp_evaluate_request *request = request_of(rows, ROWS);
    const hp_evaluate_reply *reply = ask(&r, request);
    assert_true(reply->has_model);
    assert_true(reply->world_id == 9);
    assert_int_equal(reply->n_rows, ROWS);
    for (int i = 0; i < ROWS; i++) {
        assert_true(reply->rows[i].valid);
        assert_true(reply->rows[i].value == wanted[i].value);
        assert_true(reply->rows[i].crash_p == wanted[i].crash_p);
        assert_int_equal(reply->rows[i].best, wanted[i].best);
    }
    free(request);
    free(rows);
    policy_infer_destroy(&infer);
    close_rig(&r);
}

static void test_node_gives_no_rows_when_the_request_does_not_fit(void **state)
{
    rig r;
    float *rows = fixture_rows(&model.actor, ROWS);
    (void)state;
    open_rig(&r, &config);
    hp_evaluate_request *request = request_of(rows, ROWS);
    request->n_values--;
    assert_int_equal(ask(&r, request)->n_rows, 0);
    request->n_values++;
    assert_int_equal(ask(&r, request)->n_rows, ROWS); /* and goes on */
    free(request);
    free(rows);
    close_rig(&r);
}

static void test_node_says_so_when_there_is_no_network(void **state)
{
    rig r;
    policy_config none = config;
    float *rows = fixture_rows(&model.actor, 1);
    (void)state;
    none.model[0] = '\0';
    open_rig(&r, &none);
    hp_evaluate_request *request = request_of(rows, 1);
    const hp_evaluate_reply *reply = ask(&r, request);
    assert_false(reply->has_model);
    assert_int_equal(reply->n_rows, 0);
    free(request);
    free(rows);
    close_rig(&r);
}

static void test_health_names_the_kernels(void **state)
{
    rig r;
    const hp_envelope e = {.type = HP_MSG_HEALTH, .sequence = 5};
    (void)state;
    open_rig(&r, &config);
    hp_status st = HP_EAGAIN;
    for (int i = 0; i < TRIES && st != HP_OK; i++) {
        st = hp_mail_send(&r.f.mail, r.dealer, NULL, &e, &r.f.mail.health);
    }
    st = HP_EAGAIN;
    for (int i = 0; i < TRIES && st != HP_OK; i++) {
        assert_int_equal(policy_node_step(r.node, PATIENCE_MS), HP_OK);
        st = hp_mail_receive(&r.f.mail, r.dealer, NULL);
    }
    assert_int_equal(st, HP_OK);
    const hp_health *health = &r.f.mail.in->as_hp_health;
    assert_false(health->degraded);
    assert_non_null(strstr(health->note, policy_kernel_best()->name));
    close_rig(&r);
}

static void test_create_refuses_when_the_file_is_bad(void **state)
{
    fixture f;
    policy_node *node = NULL;
    hp_error error = {{0}};
    policy_config bad = config;
    (void)state;
    (void)snprintf(bad.model, sizeof bad.model, "README.md");
    fixture_open(&f, HP_ROLE_POLICY, HP_ROLE_PLANNER);
    assert_int_equal(policy_node_create(&bad, &f.node, &node, &error), HP_ECONFIG);
    assert_null(node);
    assert_non_null(strstr(error.text, "README.md"));
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_node_answers_with_the_bits_of_the_library),
        cmocka_unit_test(test_node_gives_no_rows_when_the_request_does_not_fit),
        cmocka_unit_test(test_node_says_so_when_there_is_no_network),
        cmocka_unit_test(test_health_names_the_kernels),
        cmocka_unit_test(test_create_refuses_when_the_file_is_bad),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
