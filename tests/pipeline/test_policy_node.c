/* The policy as a service: batches over the bus give the bits of the library, and what does not fit
 * is refused without harm. */
#include "tests/pipeline/node_fixture.h"
#include "tests/unit/policy/policy_fixture.h"

#include "policy/policy_infer.h"
#include "policy/policy_node.h"
#include "proto/hp_client.h"
#include "proto/hp_tensor.h"

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

static void open_rig_by(rig *r, const policy_config *c, const char *link)
{
    hp_error error;
    fixture_open_by(&r->f, HP_ROLE_POLICY, HP_ROLE_PLANNER, link);
    assert_int_equal(policy_node_create(c, &r->f.node, &r->node, &error), HP_OK);
    assert_int_equal(hp_node_open(r->f.mail.node, HP_SOCKET_DEALER, link, &r->dealer, &error),
                     HP_OK);
}

static void open_rig(rig *r, const policy_config *c)
{
    open_rig_by(r, c, HP_LINK_POLICY);
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

/** Rows of one scene, the first row's; of a network without an image every row is a look. */
static hp_evaluate_request *request_of(const policy_shape *shape, const float *rows, uint32_t n)
{
    hp_evaluate_request *q = calloc(1, sizeof *q);
    const uint32_t n_look = policy_shape_look(shape);
    const uint32_t n_scene = policy_shape_scene(shape);
    float *looks = calloc((size_t)n * n_look, sizeof *looks);
    assert_non_null(q);
    assert_non_null(looks);
    for (uint32_t i = 0; i < n; i++) {
        memcpy(looks + (size_t)i * n_look, rows + (size_t)i * policy_shape_row(shape),
               n_look * sizeof *looks);
    }
    q->world_id = 9;
    hp_tensor_put(&q->looks.head, q->looks.data, HP_NUMBER_F32, (const uint32_t[]){n, n_look},
                  looks);
    hp_tensor_put(&q->scene.head, q->scene.data, HP_NUMBER_F32,
                  (const uint32_t[]){n_scene > 0 ? 1 : 0, n_scene}, rows + n_look);
    free(looks);
    return q;
}

static void assert_said(const hp_evaluate_reply *reply, const policy_answer *wanted, uint32_t n)
{
    const uint32_t columns = HP_SAID_CHOICES + model.actor.n_out;
    assert_true(reply->has_model);
    assert_true(reply->world_id == 9);
    assert_true(hp_tensor_is(&reply->answers.head, HP_NUMBER_F64, n, columns));
    for (uint32_t i = 0; i < n; i++) {
        double said[HP_MAX_SAID];
        memcpy(said, reply->answers.data + i * columns * sizeof *said, columns * sizeof *said);
        assert_true(said[HP_SAID_VALID] == (wanted[i].valid ? 1.0 : 0.0));
        assert_true(said[HP_SAID_VALUE] == wanted[i].value);
        assert_true(said[HP_SAID_SPREAD] == wanted[i].spread);
        assert_true(said[HP_SAID_WIDTH] == wanted[i].width);
        assert_true(said[HP_SAID_CRASH_P] == wanted[i].crash_p);
        assert_memory_equal(said + HP_SAID_CHOICES, wanted[i].choice_p,
                            model.actor.n_out * sizeof *said);
    }
}

static void test_node_answers_with_the_bits_of_the_library(void **state)
{
    rig r;
    policy_infer *infer = NULL;
    policy_answer wanted[ROWS];
    hp_error error;
    float *rows = fixture_rows(&model.actor, ROWS);
    open_rig_by(&r, &config, *state);
    assert_int_equal(policy_infer_create(&model, "auto", ROWS, &infer, &error), HP_OK);
    policy_infer_run(infer, POLICY_ASK_VALUE | POLICY_ASK_CHOICE, rows, ROWS, wanted);
    hp_evaluate_request *request = request_of(&model.actor, rows, ROWS);
    assert_said(ask(&r, request), wanted, ROWS);
    free(request);
    free(rows);
    policy_infer_destroy(&infer);
    close_rig(&r);
}

/** The image is encoded once; another request may be about another scene, or the same again. */
static void test_node_answers_looks_at_an_image(void **state)
{
    rig r;
    hp_error error;
    policy_infer *infer = NULL;
    policy_model image = fixture_image();
    policy_config c = config;
    float *rows[2] = {fixture_rows(&image.actor, ROWS), fixture_rows(&image.actor, ROWS)};
    const uint32_t n_look = policy_shape_look(&image.actor);
    (void)state;
    (void)snprintf(c.model, sizeof c.model, "%s/i", dir);
    assert_int_equal(policy_model_write(&image, dir, "i", &(hp_tensor_list){0}, &error), HP_OK);
    open_rig(&r, &c);
    assert_int_equal(unlink(c.model), 0);
    assert_int_equal(policy_infer_create(&image, "auto", ROWS, &infer, &error), HP_OK);
    rows[1][n_look + 1] += 0.5F;
    for (int i = 0; i < 6; i++) {
        const float *scene = rows[i % 3 == 2 ? 1 : 0];
        policy_answer wanted[ROWS];
        hp_evaluate_request *request = request_of(&image.actor, scene, ROWS);
        policy_infer_see(infer, scene + n_look);
        for (uint32_t k = 0; k < ROWS; k++) {
            policy_infer_look(infer, POLICY_ASK_VALUE | POLICY_ASK_CHOICE,
                              scene + (size_t)k * policy_shape_row(&image.actor), 1, &wanted[k]);
        }
        assert_said(ask(&r, request), wanted, ROWS);
        request->scene.head = (hp_tensor_head){0}; /* and no scene is no answer */
        assert_int_equal(hp_tensor_rows(&ask(&r, request)->answers.head), 0);
        free(request);
    }
    free(rows[0]);
    free(rows[1]);
    policy_model_destroy(&image);
    policy_infer_destroy(&infer);
    close_rig(&r);
}

/** A network whose numbers overflow: what is not finite is said to be no answer, and is 0. */
static void test_node_keeps_infinity_to_itself(void **state)
{
    rig r;
    hp_error error;
    policy_model wild = fixture_model(POLICY_RELU);
    policy_config c = config;
    float *rows = fixture_rows(&wild.actor, 2);
    policy_answer nothing[2] = {{.valid = false}, {.valid = false}};
    (void)state;
    for (size_t i = 0; i < wild.n_params; i++) {
        wild.params[i] = 3e38F;
    }
    (void)snprintf(c.model, sizeof c.model, "%s/w", dir);
    assert_int_equal(policy_model_write(&wild, dir, "w", &(hp_tensor_list){0}, &error), HP_OK);
    open_rig(&r, &c);
    assert_int_equal(unlink(c.model), 0);
    hp_evaluate_request *request = request_of(&wild.actor, rows, 2);
    assert_said(ask(&r, request), nothing, 2);
    free(request);
    free(rows);
    policy_model_destroy(&wild);
    close_rig(&r);
}

static void test_node_gives_no_answers_when_the_request_does_not_fit(void **state)
{
    rig r;
    float *rows = fixture_rows(&model.actor, ROWS);
    policy_config small = config;
    (void)state;
    small.batch = ROWS - 1;
    open_rig(&r, &config);
    hp_evaluate_request *request = request_of(&model.actor, rows, ROWS);
    request->looks.head.shape[1]--;
    request->looks.head.n_bytes -= ROWS * (uint32_t)sizeof(float);
    assert_int_equal(hp_tensor_rows(&ask(&r, request)->answers.head), 0);
    free(request);
    request = request_of(&model.actor, rows, ROWS);
    assert_int_equal(hp_tensor_rows(&ask(&r, request)->answers.head), ROWS); /* and goes on */
    close_rig(&r);
    open_rig(&r, &small);
    assert_int_equal(hp_tensor_rows(&ask(&r, request)->answers.head), 0);
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
    hp_evaluate_request *request = request_of(&model.actor, rows, 1);
    const hp_evaluate_reply *reply = ask(&r, request);
    assert_false(reply->has_model);
    assert_int_equal(hp_tensor_rows(&reply->answers.head), 0);
    free(request);
    free(rows);
    close_rig(&r);
}

/** Many clients ask at once; each gets the answers to its own looks. */
static void test_node_serves_clients_one_after_the_other(void **state)
{
    enum { CLIENTS = 5 };
    rig r;
    hp_error error;
    hp_socket *dealers[CLIENTS];
    float *rows = fixture_rows(&model.actor, CLIENTS);
    policy_answer wanted[CLIENTS];
    policy_infer *infer = NULL;
    uint32_t answered = 0;
    const char *link = *state;
    open_rig_by(&r, &config, link);
    assert_int_equal(policy_infer_create(&model, "auto", CLIENTS, &infer, &error), HP_OK);
    policy_infer_run(infer, POLICY_ASK_VALUE | POLICY_ASK_CHOICE, rows, CLIENTS, wanted);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        const hp_envelope e = {.type = HP_MSG_EVALUATE_REQUEST, .sequence = 100 + i};
        hp_evaluate_request *request =
            request_of(&model.actor, rows + i * policy_shape_row(&model.actor), 1);
        hp_status st = HP_EAGAIN;
        assert_int_equal(hp_node_open(r.f.mail.node, HP_SOCKET_DEALER, link, &dealers[i], &error),
                         HP_OK);
        for (int k = 0; k < TRIES && st != HP_OK; k++) {
            st = hp_mail_send(&r.f.mail, dealers[i], NULL, &e, request);
        }
        assert_int_equal(st, HP_OK);
        free(request);
    }
    for (int k = 0; k < TRIES && answered < CLIENTS; k++) {
        assert_int_equal(policy_node_step(r.node, PATIENCE_MS), HP_OK);
        for (uint32_t i = 0; i < CLIENTS; i++) {
            if (hp_mail_receive(&r.f.mail, dealers[i], NULL) == HP_OK) {
                assert_true(r.f.mail.envelope.sequence == 100 + i);
                assert_said(&r.f.mail.in->as_hp_evaluate_reply, &wanted[i], 1);
                answered++;
            }
        }
    }
    assert_int_equal(answered, CLIENTS);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        hp_socket_close(&dealers[i]);
    }
    policy_infer_destroy(&infer);
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
        BY_BOTH(test_node_answers_with_the_bits_of_the_library),
        cmocka_unit_test(test_node_answers_looks_at_an_image),
        cmocka_unit_test(test_node_keeps_infinity_to_itself),
        BY_BOTH(test_node_serves_clients_one_after_the_other),
        cmocka_unit_test(test_node_gives_no_answers_when_the_request_does_not_fit),
        cmocka_unit_test(test_node_says_so_when_there_is_no_network),
        cmocka_unit_test(test_health_names_the_kernels),
        cmocka_unit_test(test_create_refuses_when_the_file_is_bad),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
