/* A client and its server, letter by letter: over ZeroMQ, and by a direct line. */
#include "tests/pipeline/node_fixture.h"

#include "proto/hp_client.h"
#include "proto/hp_server.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void echo(void *ctx, const void *request, void *reply)
{
    const hp_evaluate_request *asked = request;
    hp_evaluate_reply *answered = reply;
    (void)ctx;
    *answered = (hp_evaluate_reply){.world_id = asked->world_id, .tick = asked->tick};
}

static const hp_service ECHO = {.link = HP_LINK_POLICY,
                                .direct = HP_LINK_POLICY_DIRECT,
                                .request = HP_MSG_EVALUATE_REQUEST,
                                .reply = HP_MSG_EVALUATE_REPLY,
                                .answer = echo};

/** Opens what the test's state names: a link of policy's. */
static const char *open_link(fixture *f, void *const *state)
{
    const char *link = *state;
    fixture_open_by(f, HP_ROLE_POLICY, HP_ROLE_PLANNER, link);
    return link;
}

/** Lets the server answer until the client knows that it is there. */
static void meet(fixture *f, hp_client *client, hp_server *server)
{
    for (int i = 0; i < TRIES && !hp_client_get(client)->answering; i++) {
        (void)!hp_client_greet(client, 0);
        assert_int_equal(hp_server_step(server, PATIENCE_MS), HP_OK);
        fixture_advance_ms(f, 100);
    }
    assert_true(hp_client_get(client)->answering);
}

static void test_client_drops_a_late_reply_and_trusts_the_worker_again(void **state)
{
    fixture f;
    hp_client *client = NULL;
    hp_server *server = NULL;
    hp_error error;
    static hp_evaluate_reply reply = {.world_id = 0};
    static const hp_evaluate_request request = {.world_id = 3, .tick = 4};
    const hp_envelope e = {.type = HP_MSG_EVALUATE_REQUEST};
    const char *link = open_link(&f, state);
    assert_int_equal(hp_server_create(&f.node, &ECHO, &server, &error), HP_OK);
    assert_int_equal(hp_client_create(&f.mail, link, &client, &error), HP_OK);
    meet(&f, client, server);
    /* The deadline is now, and nobody steps the server: no reply. */
    assert_int_equal(
        hp_client_call(client, &e, &request, f.clock.virtual_ns, HP_MSG_EVALUATE_REPLY, &reply),
        HP_EDEADLINE);
    assert_false(hp_client_get(client)->answering);
    assert_int_equal(hp_client_call(client, &e, &request, f.clock.virtual_ns + 1000 * MS,
                                    HP_MSG_EVALUATE_REPLY, &reply),
                     HP_EUNAVAILABLE);                     /* and it is not waited for */
    assert_int_equal(hp_server_step(server, 1000), HP_OK); /* now it answers, too late */
    for (int i = 0; i < TRIES && !hp_client_get(client)->answering; i++) {
        (void)hp_client_tend(client);
    }
    assert_true(hp_client_get(client)->answering);
    assert_true(hp_client_get(client)->late >= 1);
    assert_true(reply.world_id == 0); /* the late one was not taken for an answer */
    hp_client_destroy(&client);
    hp_server_destroy(&server);
    fixture_close(&f);
}

static void test_client_notices_when_the_server_is_gone(void **state)
{
    fixture f;
    hp_client *client = NULL;
    hp_server *server = NULL;
    hp_error error;
    static hp_evaluate_reply reply;
    static const hp_evaluate_request request = {.world_id = 3, .tick = 4};
    const hp_envelope e = {.type = HP_MSG_EVALUATE_REQUEST};
    const char *link = open_link(&f, state);
    assert_int_equal(hp_server_create(&f.node, &ECHO, &server, &error), HP_OK);
    assert_int_equal(hp_client_create(&f.mail, link, &client, &error), HP_OK);
    meet(&f, client, server);
    hp_server_destroy(&server);
    /* The clock stands still, so a deadline would never come: only the lost link ends this. */
    assert_int_equal(hp_client_call(client, &e, &request, f.clock.virtual_ns + 1000 * MS,
                                    HP_MSG_EVALUATE_REPLY, &reply),
                     HP_EUNAVAILABLE);
    assert_false(hp_client_get(client)->answering);
    assert_int_equal(hp_client_get(client)->lost, 1);
    hp_client_destroy(&client);
    fixture_close(&f);
}

/** A worker that was restarted behind the client's back: it answers pings, and knows of no request.
 * It acts whenever the client looks at the clock, which goes on by 10 ms each time. */
typedef struct forgetful {
    hp_clock clock; /* first: the client's clock points here */
    hp_mail mail;
    hp_socket *router;
    bool busy;    /* it does not act from within its own mail */
    bool answers; /* requests, too: it forgets nothing */
} forgetful;

static int64_t forgetful_now_ns(const hp_clock *clock)
{
    union { /* a clock does not change by being read; this one does */
        const hp_clock *in;
        forgetful *out;
    } self = {clock};
    forgetful *w = self.out;
    hp_peer peer;
    w->clock.virtual_ns += 10 * MS;
    if (!w->busy && w->router != NULL) {
        w->busy = true;
        while (hp_mail_receive(&w->mail, w->router, &peer) == HP_OK) {
            const hp_envelope e = {.type = HP_MSG_HEALTH, .sequence = w->mail.envelope.sequence};
            const hp_envelope r = {.type = HP_MSG_EVALUATE_REPLY, .sequence = e.sequence};
            const bool request = w->mail.envelope.type == HP_MSG_EVALUATE_REQUEST;
            if (!request) {
                (void)!hp_mail_send(&w->mail, w->router, &peer, &e, &w->mail.health);
            } else if (w->answers) {
                static hp_evaluate_reply reply; /* large for the stack */
                echo(NULL, &w->mail.in->as_hp_evaluate_request, &reply);
                (void)!hp_mail_send(&w->mail, w->router, &peer, &r, &reply);
            }
        }
        w->busy = false;
    }
    return w->clock.virtual_ns;
}

/** A client of such a worker, greeted; its next letter is the one behind sequence. */
static hp_client *greet_forgetful(fixture *f, forgetful *w, uint64_t sequence, void **state)
{
    hp_client *client = NULL;
    hp_error error;
    const char *link = open_link(f, state);
    f->other.clock = &w->clock;
    f->node.clock = &w->clock;
    f->mail.sequence = sequence;
    assert_int_equal(hp_mail_create(&f->node, &w->mail), HP_OK);
    assert_int_equal(hp_node_open(&f->node, HP_SOCKET_ROUTER, link, &w->router, &error), HP_OK);
    assert_int_equal(hp_client_create(&f->mail, link, &client, &error), HP_OK);
    assert_int_equal(hp_client_greet(client, 60000), HP_OK);
    return client;
}

static void test_client_gives_a_request_up_when_a_later_ping_is_answered(void **state)
{
    fixture f;
    static hp_evaluate_reply reply;
    static const hp_evaluate_request request = {.world_id = 3, .tick = 4};
    const hp_envelope e = {.type = HP_MSG_EVALUATE_REQUEST};
    forgetful w = {.clock = {.now_ns = forgetful_now_ns, .virtual_ns = MS}};
    hp_client *client = greet_forgetful(&f, &w, 0, state);
    const int64_t start_ns = w.clock.virtual_ns;
    assert_int_equal(
        hp_client_call(client, &e, &request, start_ns + 60000 * MS, HP_MSG_EVALUATE_REPLY, &reply),
        HP_EUNAVAILABLE);
    assert_true(w.clock.virtual_ns - start_ns < 5000 * MS); /* long before the deadline */
    assert_true(hp_client_get(client)->answering);          /* it lives, after all */
    hp_client_destroy(&client);
    hp_socket_close(&w.router);
    hp_mail_destroy(&w.mail);
    fixture_close(&f);
}

static void test_client_hears_the_last_word_when_it_asks_for_it(void **state)
{
    fixture f;
    forgetful w = {.clock = {.now_ns = forgetful_now_ns, .virtual_ns = MS}};
    hp_client *client = greet_forgetful(&f, &w, 0, state);
    w.mail.health.refused = 7; /* since it was last asked */
    hp_client_refresh(client, 60000);
    assert_int_equal(hp_client_get(client)->health.refused, 7);
    hp_socket_close(&w.router); /* nobody answers now: it ends, and keeps what it knew */
    hp_client_refresh(client, 1000);
    assert_int_equal(hp_client_get(client)->health.refused, 7);
    hp_client_destroy(&client);
    hp_mail_destroy(&w.mail);
    fixture_close(&f);
}

/** Somebody else binds at the server's path: within a second of its clock it says so in its log and
 * in its health. */
static void test_server_complains_within_a_second_when_its_endpoint_is_squatted(void **state)
{
    fixture f;
    hp_server *server = NULL;
    hp_client *client = NULL;
    hp_socket *squatter = NULL;
    hp_error error;
    char path[64];
    char *text = NULL;
    size_t len = 0;
    const char *link = open_link(&f, state);
    f.log.out = open_memstream(&text, &len);
    (void)snprintf(f.node.base, sizeof f.node.base, "ipc://%s", f.dir);
    (void)snprintf(f.other.base, sizeof f.other.base, "ipc://%s", f.dir);
    assert_non_null(f.log.out);
    assert_int_equal(hp_server_create(&f.node, &ECHO, &server, &error), HP_OK);
    assert_int_equal(hp_client_create(&f.mail, link, &client, &error), HP_OK);
    meet(&f, client, server);
    (void)snprintf(path, sizeof path, "%s/%s", f.dir, link);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(hp_node_open(&f.other, HP_SOCKET_ROUTER, link, &squatter, &error), HP_OK);
    for (int ms = 0; ms < 1000; ms += 100) {
        fixture_advance_ms(&f, 100);
        assert_int_equal(hp_server_step(server, 0), HP_OK);
    }
    assert_non_null(strstr(text, "our endpoint is taken"));
    for (int i = 0; i < TRIES && !hp_client_get(client)->health.degraded; i++) {
        (void)hp_client_tend(client);
        assert_int_equal(hp_server_step(server, PATIENCE_MS), HP_OK);
        fixture_advance_ms(&f, 100);
    }
    assert_string_equal(hp_client_get(client)->health.note, "its endpoint is taken");
    hp_socket_close(&squatter);
    hp_client_destroy(&client);
    hp_server_destroy(&server);
    (void)fclose(f.log.out);
    f.log.out = NULL;
    free(text);
    fixture_close(&f);
}

/** As after years: sequences beyond 32 and 63 bits, and a clock that has run for centuries. */
static void test_mail_says_what_cannot_be_sent_when_a_number_is_out_of_range(void **state)
{
    static const hp_frame frame = {.ego = {.accel_mps2 = 1200.0}};
    const hp_envelope e = {.type = HP_MSG_FRAME};
    char *text = NULL;
    size_t len = 0;
    fixture f;
    (void)state;
    fixture_open(&f, HP_ROLE_BRIDGE, HP_ROLE_PLANNER);
    f.log.out = open_memstream(&text, &len);
    assert_non_null(f.log.out);
    assert_int_equal(hp_mail_send(&f.mail, NULL, NULL, &e, &frame), HP_EINVAL);
    (void)fclose(f.log.out);
    assert_non_null(strstr(text, "frame.ego.accel_mps2 = 1200: must lie in [-1000, 1000]"));
    free(text);
    fixture_close(&f);
}

static void test_client_and_server_go_on_when_counters_are_high(void **state)
{
    static const uint64_t STARTS[] = {UINT32_MAX - 3ULL, INT64_MAX - 3ULL};
    static hp_evaluate_request request;
    static hp_evaluate_reply reply;
    const hp_envelope e = {.type = HP_MSG_EVALUATE_REQUEST, .tick = UINT64_MAX};
    for (size_t i = 0; i < HP_ARRAY_LEN(STARTS); i++) {
        fixture f;
        forgetful w = {.clock = {.now_ns = forgetful_now_ns, .virtual_ns = INT64_MAX / 2},
                       .answers = true};
        hp_client *client = greet_forgetful(&f, &w, STARTS[i], state);
        for (uint64_t n = 0; n < 8; n++) {
            request.world_id = UINT64_MAX - n;
            request.tick = UINT32_MAX;
            assert_int_equal(hp_client_call(client, &e, &request, w.clock.virtual_ns + 60000 * MS,
                                            HP_MSG_EVALUATE_REPLY, &reply),
                             HP_OK);
            assert_true(reply.world_id == UINT64_MAX - n);
        }
        assert_true(f.mail.sequence > STARTS[i] + 8);
        assert_int_equal(hp_client_get(client)->late, 0);
        hp_client_destroy(&client);
        hp_socket_close(&w.router);
        hp_mail_destroy(&w.mail);
        fixture_close(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BY_BOTH(test_client_drops_a_late_reply_and_trusts_the_worker_again),
        BY_BOTH(test_client_notices_when_the_server_is_gone),
        BY_BOTH(test_client_gives_a_request_up_when_a_later_ping_is_answered),
        BY_BOTH(test_client_hears_the_last_word_when_it_asks_for_it),
        BY_BOTH(test_server_complains_within_a_second_when_its_endpoint_is_squatted),
        BY_BOTH(test_client_and_server_go_on_when_counters_are_high),
        cmocka_unit_test(test_mail_says_what_cannot_be_sent_when_a_number_is_out_of_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
