/** The bus: patterns and bounds between neighbours that behave. */
#include "tests/unit/common/bus_fixture.h"

#include <signal.h>
#include <time.h>
#include <zmq.h>

static void test_endpoints(void **state)
{
    (void)state;
    char buf[HP_BUS_ENDPOINT];
    assert_int_equal(hp_endpoint("ipc:///run/x", "bridge", buf, sizeof buf), HP_OK);
    assert_string_equal(buf, "ipc:///run/x/bridge");
    assert_int_equal(hp_endpoint("direct:///run/x", "bridge", buf, sizeof buf), HP_OK);
    assert_string_equal(buf, "direct:///run/x/bridge");
    assert_int_equal(hp_endpoint("inproc://tag", "tap", buf, sizeof buf), HP_OK);
    assert_string_equal(buf, "inproc://tag/tap");
    assert_int_equal(hp_endpoint("ipc:///run/x", "bridge", buf, 19), HP_EFULL);
    assert_int_equal(hp_endpoint("ipc:///run/x", "bridge", buf, 20), HP_OK);
    static const char *const BAD[][2] = {{"tcp://127.0.0.1:5", "bridge"},
                                         {"/run/x", "bridge"},
                                         {"ipc://", "bridge"},
                                         {"inproc://", "tap"},
                                         {"ipc:///run/x", ""},
                                         {"ipc:///run/x", "../y"}};
    for (size_t i = 0; i < HP_ARRAY_LEN(BAD); ++i) {
        assert_int_equal(hp_endpoint(BAD[i][0], BAD[i][1], buf, sizeof buf), HP_EINVAL);
    }
}

static void test_bad_endpoints_are_refused(void **state)
{
    fixture *f = *state;
    char longest[sizeof "ipc://" + 108];
    (void)snprintf(longest, sizeof longest, "ipc://%s/", f->dir);
    memset(longest + strlen(longest), 'x', sizeof longest - 1 - strlen(longest));
    longest[sizeof longest - 1] = '\0';
    const struct {
        const char *endpoint, *reason;
    } cases[] = {
        {longest, "path of 108 bytes, a socket's may have 107"},
        {"ipc://@abstract", "name a file"},
        {"ipc://*", "name a file"},
        {"ipc://", "name a file"},
        {"direct://", "name a file"},
        {"direct://@abstract", "name a file"},
        {"inproc://", "must be ipc://PATH"},
        {"udp://127.0.0.1:9", "must be ipc://PATH"},
        {"tcp://127.0.0.1:5555", "tcp is for those with keys only"},
        {"tcp://0.0.0.0:5555", "give --keys DIR"},
    };
    for (size_t i = 0; i < HP_ARRAY_LEN(cases); ++i) {
        for (int kind = HP_SOCKET_ROUTER; kind <= HP_SOCKET_LATEST; ++kind) {
            hp_socket *socket = NULL;
            assert_int_equal(
                hp_socket_open(f->bus, (hp_socket_kind)kind, cases[i].endpoint, &socket, &f->error),
                HP_ECONFIG);
            assert_null(socket);
            if (strstr(f->error.text, cases[i].reason) == NULL) {
                fail_msg("%s", f->error.text);
            }
        }
    }
}

/* ---- Patterns ---- */

static void test_router_answers_each_dealer(void **state)
{
    fixture *f = *state;
    hp_socket *server = open_on(f->bus, f->base, HP_SOCKET_ROUTER, "bridge");
    hp_socket *a = open_on(f->bus, f->base, HP_SOCKET_DEALER, "bridge");
    hp_socket *b = open_on(f->bus, f->base, HP_SOCKET_DEALER, "bridge");
    hp_peer peer_a;
    hp_peer peer_b;
    send_patiently(a, "from a", 6);
    expect_text(f, server, "from a", &peer_a);
    send_patiently(b, "from b", 6);
    expect_text(f, server, "from b", &peer_b);
    assert_int_equal(hp_socket_send_to(server, &peer_a, "to a", 4), HP_OK);
    assert_int_equal(hp_socket_send_to(server, &peer_b, "to b", 4), HP_OK);
    expect_text(f, a, "to a", NULL);
    expect_text(f, b, "to b", NULL);
    size_t len = 1;
    assert_int_equal(hp_socket_receive(a, f->data, sizeof f->data, &len, NULL), HP_EAGAIN);
    assert_int_equal(len, 0);
    hp_socket_close(&a);
    hp_socket_close(&b);
    hp_socket_close(&server);
}

static void test_nobody_there_is_told(void **state)
{
    fixture *f = *state;
    hp_socket *client = open_on(f->bus, f->base, HP_SOCKET_DEALER, "bridge");
    assert_int_equal(hp_socket_send(client, "x", 1), HP_EAGAIN);
    assert_false(hp_socket_connected(client));
    hp_socket *server = open_on(f->bus, f->base, HP_SOCKET_ROUTER, "bridge");
    hp_peer peer;
    send_patiently(client, "x", 1);
    assert_true(hp_socket_connected(client));
    expect_text(f, server, "x", &peer);
    hp_socket_close(&client);
    hp_status status = HP_OK; /* the server notices a little later */
    for (int i = 0; i < PATIENCE_MS && status == HP_OK; ++i) {
        status = hp_socket_send_to(server, &peer, "y", 1);
        pause_ms(1);
    }
    assert_int_equal(status, HP_EAGAIN);
    const hp_peer nobody = {.id = {1, 2, 3}, .len = 3};
    assert_int_equal(hp_socket_send_to(server, &nobody, "y", 1), HP_EAGAIN);
    hp_socket_close(&server);
}

static void test_client_outlives_its_server(void **state)
{
    fixture *f = *state;
    hp_socket *server = open_on(f->bus, f->base, HP_SOCKET_ROUTER, "bridge");
    hp_socket *client = open_on(f->bus, f->base, HP_SOCKET_DEALER, "bridge");
    ask(f, client, server, "one");
    hp_socket_close(&server);
    hp_status status = HP_OK;
    for (int i = 0; i < PATIENCE_MS && status == HP_OK; ++i) {
        status = hp_socket_send(client, "lost", 4);
        pause_ms(1);
    }
    assert_int_equal(status, HP_EAGAIN);
    server = open_on(f->bus, f->base, HP_SOCKET_ROUTER, "bridge");
    ask(f, client, server, "two"); /* and nothing that was sent in between */
    hp_socket_close(&client);
    hp_socket_close(&server);
}

static void test_full_queue_does_not_block(void **state)
{
    fixture *f = *state;
    hp_socket *server = open_on(f->bus, f->base, HP_SOCKET_ROUTER, "bridge");
    hp_socket *client = open_on(f->bus, f->base, HP_SOCKET_DEALER, "bridge");
    send_patiently(client, "x", 1);
    hp_status status = HP_OK;
    int sent = 0;
    while (status == HP_OK && sent < 10000) {
        status = hp_socket_send(client, f->data, (size_t)64 * 1024);
        ++sent;
    }
    assert_int_equal(status, HP_EAGAIN);
    assert_in_range(sent, f->base[0] == 'd' ? 2 : 32, 1000);
    hp_socket_close(&client);
    hp_socket_close(&server);
}

static void test_topics(void **state)
{
    fixture *f = *state;
    hp_socket *pub = open_on(f->bus, f->base, HP_SOCKET_PUB, "tap");
    hp_socket *sub = open_on(f->bus, f->base, HP_SOCKET_SUB, "tap");
    char topic[16];
    size_t len = 0;
    publish_until_heard(pub, sub);
    assert_int_equal(hp_socket_receive_topic(sub, topic, 5, f->data, 3, &len), HP_EWIRE);
    publish_until_heard(pub, sub);
    assert_int_equal(hp_socket_receive_topic(sub, topic, 6, f->data, 2, &len), HP_EFULL);
    assert_int_equal(len, 3);
    publish_until_heard(pub, sub);
    assert_int_equal(hp_socket_receive_topic(sub, topic, 6, f->data, 3, &len), HP_OK);
    assert_string_equal(topic, "frame");
    assert_int_equal(len, 3);
    assert_memory_equal(f->data, "abc", 3);
    hp_socket_close(&sub);
    hp_socket_close(&pub);
}

/** What a foreign subscriber sees: three parts, the last one decimal seconds. */
static void test_tap_is_three_parts(void **state)
{
    fixture *f = *state;
    hp_socket *pub = open_on(f->bus, f->base, HP_SOCKET_PUB, "tap");
    char endpoint[HP_BUS_ENDPOINT];
    assert_int_equal(hp_endpoint(f->base, "tap", endpoint, sizeof endpoint), HP_OK);
    void *context = zmq_ctx_new();
    void *raw = zmq_socket(context, ZMQ_SUB);
    const int timeout_ms = 20;
    (void)zmq_setsockopt(raw, ZMQ_SUBSCRIBE, "frame", 5);
    (void)zmq_setsockopt(raw, ZMQ_RCVTIMEO, &timeout_ms, sizeof timeout_ms);
    assert_int_equal(zmq_connect(raw, endpoint), 0);
    int n = -1;
    char text[32];
    for (int i = 0; i < PATIENCE_MS / timeout_ms && n < 0; ++i) {
        assert_int_equal(hp_socket_publish(pub, "frame", "abc", 3, INT64_C(12000000034)), HP_OK);
        n = zmq_recv(raw, text, sizeof text, 0);
    }
    assert_int_equal(n, 5);
    assert_memory_equal(text, "frame", 5);
    assert_int_equal(zmq_recv(raw, text, sizeof text, 0), 3);
    n = zmq_recv(raw, text, sizeof text - 1, 0);
    assert_true(n > 0);
    text[n] = '\0';
    assert_string_equal(text, "12.000000034");
    (void)zmq_close(raw);
    (void)zmq_ctx_term(context);
    hp_socket_close(&pub);
}

static void newest_wins(fixture *f, const char *base)
{
    enum { NUMBERS = 400 };
    hp_socket *pub = open_on(f->bus, base, HP_SOCKET_PUB, "state");
    hp_socket *latest = open_on(f->bus, base, HP_SOCKET_LATEST, "state");
    hp_status status = HP_EAGAIN;
    for (int i = 0; i < PATIENCE_MS && status == HP_EAGAIN; ++i) {
        assert_int_equal(hp_socket_send(pub, "old", 3), HP_OK);
        status = wait_readable(latest, 1);
    }
    assert_int_equal(status, HP_OK);
    for (uint32_t i = 1; i <= NUMBERS; ++i) { /* fewer than a queue holds: none is dropped */
        assert_int_equal(hp_socket_send(pub, &i, sizeof i), HP_OK);
    }
    uint32_t got = 0;
    uint32_t taken = 0;
    size_t len = 0;
    for (int i = 0; i < PATIENCE_MS && got != NUMBERS; ++i) {
        uint32_t next = 0;
        if (hp_socket_receive(latest, &next, sizeof next, &len, NULL) == HP_OK &&
            len == sizeof next) {
            assert_true(next > got);
            got = next;
            ++taken;
        }
        pause_ms(1);
    }
    assert_int_equal(got, NUMBERS);
    assert_true(taken < NUMBERS / 2); /* most were passed over */
    assert_int_equal(hp_socket_receive(latest, &got, sizeof got, &len, NULL), HP_EAGAIN);
    hp_socket_close(&latest);
    hp_socket_close(&pub);
}

static void test_newest_wins(void **state)
{
    fixture *f = *state;
    newest_wins(f, f->base);
    newest_wins(f, "inproc://state");
}

static void test_inproc_between_buses(void **state)
{
    fixture *f = *state;
    hp_bus *other = NULL;
    assert_int_equal(hp_bus_share(f->bus, &other), HP_OK);
    hp_socket *client = open_on(other, "inproc://embedded", HP_SOCKET_DEALER, "bridge");
    hp_socket *server = open_on(f->bus, "inproc://embedded", HP_SOCKET_ROUTER, "bridge");
    ask(f, client, server, "in one process?");
    hp_socket *second = NULL;
    assert_int_equal(
        hp_socket_open(f->bus, HP_SOCKET_ROUTER, "inproc://embedded/bridge", &second, &f->error),
        HP_EBUSY);
    hp_socket_close(&client);
    hp_socket_close(&server);
    hp_bus_destroy(&other);
    assert_null(other);
}

/** Threads that are set up and ended before the other side was there. libzmq would abort. */
static void test_bus_ends_when_an_inproc_server_never_came(void **state)
{
    static const hp_socket_kind KINDS[] = {HP_SOCKET_LATEST, HP_SOCKET_SUB, HP_SOCKET_DEALER};
    (void)state;
    for (size_t i = 0; i < HP_ARRAY_LEN(KINDS); ++i) {
        for (int64_t ms = 0; ms <= 10; ms += 5) { /* what closes it works in between, or not */
            hp_bus *bus = NULL;
            assert_int_equal(hp_bus_create(&bus), HP_OK);
            hp_socket *socket = open_on(bus, "inproc://nobody", KINDS[i], "state");
            hp_socket *again = open_on(bus, "inproc://nobody", KINDS[i], "state");
            hp_socket_close(&socket);
            pause_ms(ms);
            hp_socket_close(&again);
            hp_bus_destroy(&bus);
        }
    }
}

/* ---- Bounds ---- */

static void test_small_buffer_drops_the_message(void **state)
{
    fixture *f = *state;
    hp_socket *server = open_on(f->bus, f->base, HP_SOCKET_ROUTER, "bridge");
    hp_socket *client = open_on(f->bus, f->base, HP_SOCKET_DEALER, "bridge");
    size_t len = 0;
    send_patiently(client, "0123456789", 10);
    assert_int_equal(wait_readable(server, PATIENCE_MS), HP_OK);
    assert_int_equal(hp_socket_receive(server, f->data, 9, &len, NULL), HP_EFULL);
    assert_int_equal(len, 10);
    ask(f, client, server, "next");
    assert_int_equal(hp_socket_send(client, f->data, HP_BUS_MAX_MESSAGE + 1), HP_EINVAL);
    memset(f->data, 7, sizeof f->data);
    send_patiently(client, f->data, HP_BUS_MAX_MESSAGE);
    assert_int_equal(wait_readable(server, PATIENCE_MS), HP_OK);
    assert_int_equal(hp_socket_receive(server, f->data, sizeof f->data, &len, NULL), HP_OK);
    assert_int_equal(len, HP_BUS_MAX_MESSAGE);
    hp_socket_close(&client);
    hp_socket_close(&server);
}

static void test_poll_keeps_its_time(void **state)
{
    fixture *f = *state;
    hp_socket *sockets[HP_BUS_MAX_SOCKETS + 1];
    bool ready[HP_BUS_MAX_SOCKETS + 1];
    sockets[0] = open_on(f->bus, f->base, HP_SOCKET_ROUTER, "bridge");
    for (size_t i = 1; i < HP_ARRAY_LEN(sockets); ++i) {
        sockets[i] = sockets[0];
    }
    const hp_clock clock = hp_clock_real();
    const int64_t start_ns = hp_clock_now_ns(&clock);
    assert_int_equal(hp_bus_poll(sockets, ready, HP_BUS_MAX_SOCKETS, 30), HP_EAGAIN);
    const int64_t waited_ns = hp_clock_now_ns(&clock) - start_ns;
    assert_true(waited_ns >= 29000000); /* and it ends: how soon, the machine decides */
    assert_int_equal(hp_bus_poll(sockets, ready, HP_BUS_MAX_SOCKETS + 1, 0), HP_EINVAL);
    assert_int_equal(hp_bus_poll(sockets, ready, 1, 0), HP_EAGAIN);
    hp_socket_close(&sockets[0]);
}

static void on_alarm(int signal)
{
    (void)signal;
}

static void test_signal_ends_the_wait(void **state)
{
    fixture *f = *state;
    hp_socket *server = open_on(f->bus, f->base, HP_SOCKET_ROUTER, "bridge");
    struct sigaction old;
    const struct sigaction act = {.sa_handler = on_alarm};
    const struct itimerspec again = {.it_value = {.tv_nsec = 100000000},
                                     .it_interval = {.tv_nsec = 100000000}};
    timer_t timer;
    assert_int_equal(sigaction(SIGALRM, &act, &old), 0);
    assert_int_equal(timer_create(CLOCK_MONOTONIC, NULL, &timer), 0);
    assert_int_equal(timer_settime(timer, 0, &again, NULL), 0);
    assert_int_equal(wait_readable(server, -1), HP_EINTERRUPTED);
    assert_int_equal(timer_delete(timer), 0);
    assert_int_equal(sigaction(SIGALRM, &old, NULL), 0);
    hp_socket_close(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BUS_TEST(test_endpoints),
        BUS_TEST(test_bad_endpoints_are_refused),
        BUS_TEST(test_router_answers_each_dealer),
        BUS_TEST(test_nobody_there_is_told),
        BUS_TEST(test_client_outlives_its_server),
        BUS_TEST(test_full_queue_does_not_block),
        BUS_TEST(test_topics),
        BUS_TEST(test_tap_is_three_parts),
        BUS_TEST(test_newest_wins),
        BUS_TEST(test_inproc_between_buses),
        BUS_TEST(test_bus_ends_when_an_inproc_server_never_came),
        BUS_TEST(test_small_buffer_drops_the_message),
        BUS_TEST(test_poll_keeps_its_time),
        BUS_TEST(test_signal_ends_the_wait),
        DIRECT_TEST(test_router_answers_each_dealer),
        DIRECT_TEST(test_nobody_there_is_told),
        DIRECT_TEST(test_client_outlives_its_server),
        DIRECT_TEST(test_full_queue_does_not_block),
        DIRECT_TEST(test_poll_keeps_its_time),
        DIRECT_TEST(test_signal_ends_the_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
