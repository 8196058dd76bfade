/* The bus: patterns, bounds, and neighbours that misbehave. */
#include "common/hp_bus.h"
#include "common/hp_clock.h"
#include "tests/support/hp_test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

enum { PATIENCE_MS = 5000 };

typedef struct fixture {
    hp_bus *bus;
    char dir[64];
    char base[80];
    hp_error error;
    unsigned char data[HP_BUS_MAX_MESSAGE];
} fixture;

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    if (f == NULL) {
        return -1;
    }
    (void)snprintf(f->dir, sizeof f->dir, "/tmp/hp_bus_XXXXXX");
    if (mkdtemp(f->dir) == NULL || hp_bus_create(&f->bus) != HP_OK) {
        return -1;
    }
    (void)snprintf(f->base, sizeof f->base, "ipc://%s", f->dir);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    static const char *const LEFT[] = {"bridge", "tap", "state", "planner.lock", "link"};
    hp_bus_destroy(&f->bus);
    for (size_t i = 0; i < HP_ARRAY_LEN(LEFT); ++i) {
        char path[96];
        (void)snprintf(path, sizeof path, "%s/%s", f->dir, LEFT[i]);
        (void)unlink(path);
    }
    const int rc = rmdir(f->dir); /* fails if the bus left something behind */
    free(f);
    return rc;
}

static hp_socket *open_on(hp_bus *bus, const char *base, hp_socket_kind kind, const char *service)
{
    char endpoint[HP_BUS_ENDPOINT];
    hp_error error;
    hp_socket *socket = NULL;
    assert_int_equal(hp_endpoint(base, service, endpoint, sizeof endpoint), HP_OK);
    if (hp_socket_open(bus, kind, endpoint, &socket, &error) != HP_OK) {
        fail_msg("%s", error.text);
    }
    return socket;
}

static hp_status wait_readable(hp_socket *socket, int64_t timeout_ms)
{
    bool ready = false;
    const hp_status status = hp_bus_poll(&socket, &ready, 1, timeout_ms);
    assert_true(ready == (status == HP_OK));
    return status;
}

static void pause_ms(int64_t ms)
{
    const hp_clock clock = hp_clock_real();
    hp_clock_sleep_until_ns(hp_clock_now_ns(&clock) + ms * 1000000);
}

/** Sends as soon as the connection stands. */
static void send_patiently(hp_socket *socket, const void *data, size_t len)
{
    hp_status status = HP_EAGAIN;
    for (int i = 0; i < PATIENCE_MS && status == HP_EAGAIN; ++i) {
        status = hp_socket_send(socket, data, len);
        if (status == HP_EAGAIN) {
            pause_ms(1);
        }
    }
    assert_int_equal(status, HP_OK);
}

static void expect_text(fixture *f, hp_socket *socket, const char *text, hp_peer *peer)
{
    size_t len = 0;
    assert_int_equal(wait_readable(socket, PATIENCE_MS), HP_OK);
    assert_int_equal(hp_socket_receive(socket, f->data, sizeof f->data, &len, peer), HP_OK);
    assert_int_equal(len, strlen(text));
    assert_memory_equal(f->data, text, len);
}

/** A question and its answer between a DEALER and a ROUTER. */
static void ask(fixture *f, hp_socket *client, hp_socket *server, const char *question)
{
    hp_peer peer;
    send_patiently(client, question, strlen(question));
    expect_text(f, server, question, &peer);
    assert_int_equal(hp_socket_send_to(server, &peer, "answer", 6), HP_OK);
    expect_text(f, client, "answer", NULL);
}

/* ---- Names ---- */

static void test_endpoints(void **state)
{
    (void)state;
    char buf[HP_BUS_ENDPOINT];
    assert_int_equal(hp_endpoint("ipc:///run/x", "bridge", buf, sizeof buf), HP_OK);
    assert_string_equal(buf, "ipc:///run/x/bridge");
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
        {"inproc://", "must be ipc://PATH"},
        {"udp://127.0.0.1:9", "must be ipc://PATH"},
        {"tcp://0.0.0.0:5555", "requires CURVE, which is not yet available"},
        {"tcp://*:5555", "requires CURVE"},
        {"tcp://127.0.0.10:5555", "requires CURVE"},
        {"tcp://example.org:5555", "requires CURVE"},
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

static void test_tcp_on_this_machine(void **state)
{
    fixture *f = *state;
    hp_socket *server = NULL;
    hp_socket *second = NULL;
    hp_socket *client = NULL;
    char endpoint[HP_BUS_ENDPOINT];
    hp_status status = HP_EBUSY; /* ports may be taken: try some */
    for (int port = 28700; port < 28800 && status == HP_EBUSY; ++port) {
        (void)snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%d", port);
        status = hp_socket_open(f->bus, HP_SOCKET_ROUTER, endpoint, &server, &f->error);
    }
    assert_int_equal(status, HP_OK);
    assert_int_equal(hp_socket_open(f->bus, HP_SOCKET_ROUTER, endpoint, &second, &f->error),
                     HP_EBUSY);
    assert_int_equal(hp_socket_open(f->bus, HP_SOCKET_DEALER, endpoint, &client, &f->error), HP_OK);
    ask(f, client, server, "over tcp?");
    hp_socket_close(&client);
    hp_socket_close(&server);
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
        status = hp_socket_send(client, f->data, 64 * 1024);
        ++sent;
    }
    assert_int_equal(status, HP_EAGAIN);
    assert_in_range(sent, 32, 1000);
    hp_socket_close(&client);
    hp_socket_close(&server);
}

static void publish_until_heard(hp_socket *pub, hp_socket *sub)
{
    hp_status status = HP_EAGAIN;
    for (int i = 0; i < PATIENCE_MS && status == HP_EAGAIN; ++i) {
        assert_int_equal(hp_socket_publish(pub, "frame", "abc", 3, INT64_C(-1500000000)), HP_OK);
        status = wait_readable(sub, 1);
    }
    assert_int_equal(status, HP_OK);
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
    hp_socket *pub = open_on(f->bus, base, HP_SOCKET_PUB, "state");
    hp_socket *latest = open_on(f->bus, base, HP_SOCKET_LATEST, "state");
    hp_status status = HP_EAGAIN;
    for (int i = 0; i < PATIENCE_MS && status == HP_EAGAIN; ++i) {
        assert_int_equal(hp_socket_send(pub, "old", 3), HP_OK);
        status = wait_readable(latest, 1);
    }
    assert_int_equal(status, HP_OK);
    for (uint32_t i = 1; i <= 5000; ++i) {
        assert_int_equal(hp_socket_send(pub, &i, sizeof i), HP_OK);
        if (i % 100 == 0) {
            pause_ms(1); /* lets the reader's I/O thread empty the queue */
        }
    }
    pause_ms(50);
    uint32_t got = 0;
    size_t len = 0;
    assert_int_equal(hp_socket_receive(latest, &got, sizeof got, &len, NULL), HP_OK);
    assert_int_equal(len, sizeof got);
    assert_int_equal(got, 5000);
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

static void *raw_dealer(void *context, const fixture *f, const char *identity)
{
    char endpoint[HP_BUS_ENDPOINT];
    const int linger_ms = 0;
    void *raw = zmq_socket(context, ZMQ_DEALER);
    assert_int_equal(hp_endpoint(f->base, "bridge", endpoint, sizeof endpoint), HP_OK);
    (void)zmq_setsockopt(raw, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    if (identity != NULL) {
        (void)zmq_setsockopt(raw, ZMQ_IDENTITY, identity, strlen(identity));
    }
    assert_int_equal(zmq_connect(raw, endpoint), 0);
    return raw;
}

static void test_oversize_cuts_the_sender_only(void **state)
{
    fixture *f = *state;
    hp_socket *server = open_on(f->bus, f->base, HP_SOCKET_ROUTER, "bridge");
    hp_socket *client = open_on(f->bus, f->base, HP_SOCKET_DEALER, "bridge");
    ask(f, client, server, "before");
    void *context = zmq_ctx_new();
    void *raw = raw_dealer(context, f, NULL);
    unsigned char *big = calloc(1, HP_BUS_MAX_MESSAGE + 1);
    assert_non_null(big);
    assert_true(zmq_send(raw, big, HP_BUS_MAX_MESSAGE + 1, 0) > 0);
    free(big);
    assert_int_equal(wait_readable(server, 200), HP_EAGAIN);
    ask(f, client, server, "after");
    (void)zmq_close(raw);
    (void)zmq_ctx_term(context);
    hp_socket_close(&client);
    hp_socket_close(&server);
}

static void test_odd_parts_are_drained(void **state)
{
    fixture *f = *state;
    hp_socket *server = open_on(f->bus, f->base, HP_SOCKET_ROUTER, "bridge");
    void *context = zmq_ctx_new();
    void *raw = raw_dealer(context, f, NULL);
    size_t len = 0;
    for (int i = 0; i < 3; ++i) {
        assert_int_equal(zmq_send(raw, "part", 4, i < 2 ? ZMQ_SNDMORE : 0), 4);
    }
    assert_int_equal(zmq_send(raw, "good", 4, 0), 4);
    assert_int_equal(wait_readable(server, PATIENCE_MS), HP_OK);
    assert_int_equal(hp_socket_receive(server, f->data, sizeof f->data, &len, NULL), HP_EWIRE);
    expect_text(f, server, "good", NULL);
    (void)zmq_close(raw);
    raw = raw_dealer(context, f, "a name of more than thirty-two bytes");
    assert_int_equal(zmq_send(raw, "named", 5, 0), 5);
    assert_int_equal(wait_readable(server, PATIENCE_MS), HP_OK);
    hp_peer peer;
    assert_int_equal(hp_socket_receive(server, f->data, sizeof f->data, &len, &peer), HP_EWIRE);
    assert_int_equal(hp_socket_receive(server, f->data, sizeof f->data, &len, &peer), HP_EAGAIN);
    (void)zmq_close(raw);
    (void)zmq_ctx_term(context);
    hp_socket_close(&server);
}

static void test_single_parts_on_the_tap_are_refused(void **state)
{
    fixture *f = *state;
    hp_socket *pub = open_on(f->bus, f->base, HP_SOCKET_PUB, "tap");
    hp_socket *sub = open_on(f->bus, f->base, HP_SOCKET_SUB, "tap");
    publish_until_heard(pub, sub);
    char topic[16];
    size_t len = 0;
    while (hp_socket_receive_topic(sub, topic, sizeof topic, f->data, 64, &len) == HP_OK) {
    }
    assert_int_equal(hp_socket_send(pub, "alone", 5), HP_OK);
    hp_status status = HP_OK;
    for (int i = 0; i < 100 && status == HP_OK; ++i) { /* late ones of before may come first */
        assert_int_equal(wait_readable(sub, PATIENCE_MS), HP_OK);
        status = hp_socket_receive_topic(sub, topic, sizeof topic, f->data, 64, &len);
    }
    assert_int_equal(status, HP_EWIRE);
    assert_int_equal(hp_socket_publish(pub, "new\nline", "abc", 3, 0), HP_OK);
    assert_int_equal(wait_readable(sub, PATIENCE_MS), HP_OK);
    assert_int_equal(hp_socket_receive_topic(sub, topic, sizeof topic, f->data, 64, &len),
                     HP_EWIRE);
    hp_socket_close(&sub);
    hp_socket_close(&pub);
}

static int connect_raw(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/** libzmq also speaks with peers of its first protocol, which has no greeting: some noise arrives
 * as messages, which the codec refuses. Nothing else may come of it. */
static void test_random_bytes_do_no_harm(void **state)
{
    fixture *f = *state;
    hp_socket *server = open_on(f->bus, f->base, HP_SOCKET_ROUTER, "bridge");
    char path[96];
    (void)snprintf(path, sizeof path, "%s/bridge", f->dir);
    for (unsigned round = 0; round < 50; ++round) {
        const int fd = connect_raw(path);
        unsigned char noise[512];
        for (size_t i = 0; i < sizeof noise; ++i) {
            noise[i] = (unsigned char)(((round + 1) * 2654435761u * (unsigned)(i + 1)) >> 13);
        }
        if (round % 2 == 0) {
            noise[0] = 0xff; /* what a greeting begins with */
        }
        (void)send(fd, noise, sizeof noise, MSG_NOSIGNAL);
        (void)close(fd);
    }
    while (wait_readable(server, 100) == HP_OK) {
        size_t len = 0;
        const hp_status status = hp_socket_receive(server, f->data, sizeof f->data, &len, NULL);
        assert_true(status == HP_OK || status == HP_EWIRE);
        assert_true(len <= 512);
    }
    hp_socket *client = open_on(f->bus, f->base, HP_SOCKET_DEALER, "bridge");
    ask(f, client, server, "still there?");
    hp_socket_close(&client);
    hp_socket_close(&server);
}

/* ---- Files ---- */

static void test_socket_file_is_private(void **state)
{
    fixture *f = *state;
    const mode_t before = umask(0);
    hp_socket *server = open_on(f->bus, f->base, HP_SOCKET_ROUTER, "bridge");
    assert_int_equal(umask(before), 0); /* as it was found */
    char path[96];
    struct stat st;
    (void)snprintf(path, sizeof path, "%s/bridge", f->dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0077, 0);
    hp_socket_close(&server);
}

static void test_only_dead_sockets_are_replaced(void **state)
{
    fixture *f = *state;
    char path[96];
    char endpoint[HP_BUS_ENDPOINT];
    (void)snprintf(path, sizeof path, "%s/bridge", f->dir);
    assert_int_equal(hp_endpoint(f->base, "bridge", endpoint, sizeof endpoint), HP_OK);
    hp_socket *server = open_on(f->bus, f->base, HP_SOCKET_ROUTER, "bridge");
    hp_socket *second = NULL;
    hp_bus *other = NULL;
    assert_int_equal(hp_bus_create(&other), HP_OK);
    assert_int_equal(hp_socket_open(other, HP_SOCKET_ROUTER, endpoint, &second, &f->error),
                     HP_EBUSY);
    assert_non_null(strstr(f->error.text, "another process serves this socket"));
    hp_socket *client = open_on(f->bus, f->base, HP_SOCKET_DEALER, "bridge");
    ask(f, client, server, "not disturbed?");
    hp_socket_close(&client);
    hp_socket_close(&server);
    hp_bus_destroy(&other);

    const int file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    (void)close(file);
    assert_int_equal(hp_socket_open(f->bus, HP_SOCKET_ROUTER, endpoint, &second, &f->error),
                     HP_EIO);
    assert_non_null(strstr(f->error.text, "is no socket"));
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(unlink(path), 0);
}

static void test_stale_socket_is_bound_again(void **state)
{
    fixture *f = *state;
    char path[96];
    (void)snprintf(path, sizeof path, "%s/bridge", f->dir);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    (void)close(fd); /* as a killed server leaves it */
    hp_socket *server = open_on(f->bus, f->base, HP_SOCKET_ROUTER, "bridge");
    hp_socket *client = open_on(f->bus, f->base, HP_SOCKET_DEALER, "bridge");
    ask(f, client, server, "alive?");
    hp_socket_close(&client);
    hp_socket_close(&server);
}

static void test_second_instance_is_told_the_pid(void **state)
{
    fixture *f = *state;
    int ready[2];
    int done[2];
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(done), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char byte = 0;
        int fd = -1;
        const hp_status status = hp_bus_lock_dir(f->dir, "planner", &fd, NULL);
        (void)close(done[1]);
        (void)!write(ready[1], &byte, 1);
        (void)!read(done[0], &byte, 1); /* holds the lock until then */
        _exit(status == HP_OK ? 0 : 1);
    }
    char byte = 0;
    int fd = -1;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    const hp_status status = hp_bus_lock_dir(f->dir, "planner", &fd, &f->error);
    int exit_status = -1;
    assert_int_equal(write(done[1], &byte, 1), 1);
    assert_int_equal(waitpid(child, &exit_status, 0), child);
    assert_int_equal(exit_status, 0);
    char pid[32];
    (void)snprintf(pid, sizeof pid, "(pid %ld)", (long)child);
    assert_int_equal(status, HP_EBUSY);
    assert_non_null(strstr(f->error.text, pid));
    assert_int_equal(hp_bus_lock_dir(f->dir, "planner", &fd, &f->error), HP_OK); /* it is gone */
    (void)close(fd);
    for (int i = 0; i < 2; ++i) {
        (void)close(ready[i]);
        (void)close(done[i]);
    }
}

static void test_run_directory_must_be_ours(void **state)
{
    fixture *f = *state;
    char path[96];
    int fd = -1;
    struct stat st;
    (void)snprintf(path, sizeof path, "%s/link", f->dir);
    assert_int_equal(symlink(f->dir, path), 0);
    assert_int_equal(hp_bus_lock_dir(path, "planner", &fd, &f->error), HP_EIO);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(chmod(f->dir, 0770), 0);
    assert_int_equal(hp_bus_lock_dir(f->dir, "planner", &fd, &f->error), HP_EIO);
    assert_non_null(strstr(f->error.text, "others may write"));
    assert_int_equal(chmod(f->dir, 0700), 0);
    assert_int_equal(hp_bus_lock_dir(f->dir, "../x", &fd, &f->error), HP_EINVAL);
    (void)snprintf(path, sizeof path, "%s/none/new", f->dir);
    assert_int_equal(hp_bus_lock_dir(path, "planner", &fd, &f->error), HP_EIO);
    assert_int_equal(fd, -1);
    (void)snprintf(path, sizeof path, "%s/new", f->dir);
    assert_int_equal(hp_bus_lock_dir(path, "planner", &fd, &f->error), HP_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    (void)close(fd);
    (void)snprintf(path, sizeof path, "%s/new/planner.lock", f->dir);
    assert_int_equal(unlink(path), 0);
    (void)snprintf(path, sizeof path, "%s/new", f->dir);
    assert_int_equal(rmdir(path), 0);
}

/* ---- Waiting ---- */

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
    assert_in_range(waited_ns, 29000000, 2000000000);
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
    assert_int_equal(sigaction(SIGALRM, &act, &old), 0);
    (void)alarm(1);
    assert_int_equal(wait_readable(server, -1), HP_EINTERRUPTED);
    assert_int_equal(sigaction(SIGALRM, &old, NULL), 0);
    hp_socket_close(&server);
}

int main(void)
{
#define BUS_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        BUS_TEST(test_endpoints),
        BUS_TEST(test_bad_endpoints_are_refused),
        BUS_TEST(test_tcp_on_this_machine),
        BUS_TEST(test_router_answers_each_dealer),
        BUS_TEST(test_nobody_there_is_told),
        BUS_TEST(test_client_outlives_its_server),
        BUS_TEST(test_full_queue_does_not_block),
        BUS_TEST(test_topics),
        BUS_TEST(test_tap_is_three_parts),
        BUS_TEST(test_newest_wins),
        BUS_TEST(test_inproc_between_buses),
        BUS_TEST(test_small_buffer_drops_the_message),
        BUS_TEST(test_oversize_cuts_the_sender_only),
        BUS_TEST(test_odd_parts_are_drained),
        BUS_TEST(test_single_parts_on_the_tap_are_refused),
        BUS_TEST(test_random_bytes_do_no_harm),
        BUS_TEST(test_socket_file_is_private),
        BUS_TEST(test_only_dead_sockets_are_replaced),
        BUS_TEST(test_stale_socket_is_bound_again),
        BUS_TEST(test_second_instance_is_told_the_pid),
        BUS_TEST(test_run_directory_must_be_ours),
        BUS_TEST(test_poll_keeps_its_time),
        BUS_TEST(test_signal_ends_the_wait),
    };
#undef BUS_TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
