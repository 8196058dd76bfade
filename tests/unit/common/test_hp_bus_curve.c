/** tcp: for those whose key is on the list, and for nobody else; who was turned away is in the log
. Two key directories: `ours`, which binds, and `theirs`, a stranger's. */
#include "tests/unit/common/bus_fixture.h"

#include "common/hp_keys.h"

#include <sys/stat.h>
#include <zmq.h>

enum { ATTEMPTS = 100 };

typedef struct curve {
    fixture f;
    char ours[80], theirs[80], endpoint[HP_BUS_ENDPOINT];
    hp_bus *stranger;
    hp_socket *server;
    FILE *out;
    char *text; /* the log */
    size_t len;
    hp_log log;
} curve;

static void open_server(curve *c)
{
    hp_status st = HP_EBUSY; /* ports may be taken: try some */
    for (int port = 28700; port < 28900 && st == HP_EBUSY; port++) {
        (void)snprintf(c->endpoint, sizeof c->endpoint, "tcp://127.0.0.1:%d", port);
        st = hp_socket_open(c->f.bus, HP_SOCKET_ROUTER, c->endpoint, &c->server, &c->f.error);
    }
    assert_int_equal(st, HP_OK);
}

static int set_up(void **state)
{
    curve *c = calloc(1, sizeof *c);
    fixture *f = &c->f;
    char public_file[128];
    (void)snprintf(f->dir, sizeof f->dir, "/tmp/hp_curve_XXXXXX");
    if (mkdtemp(f->dir) == NULL || hp_bus_create(&f->bus) != HP_OK ||
        hp_bus_create(&c->stranger) != HP_OK) {
        return -1;
    }
    c->out = open_memstream(&c->text, &c->len);
    c->log = (hp_log){.program = "test", .out = c->out};
    (void)snprintf(c->ours, sizeof c->ours, "%s/ours", f->dir);
    (void)snprintf(c->theirs, sizeof c->theirs, "%s/theirs", f->dir);
    (void)snprintf(public_file, sizeof public_file, "%s/public", c->ours);
    if (hp_keys_make(c->ours, NULL, &f->error) != HP_OK ||
        hp_keys_make(c->theirs, public_file, &f->error) != HP_OK ||
        hp_bus_secure(f->bus, c->ours, &c->log, &f->error) != HP_OK) {
        return -1;
    }
    open_server(c);
    *state = c;
    return 0;
}

static int tear_down(void **state)
{
    curve *c = *state;
    static const char *const FILES[] = {"secret", "public", "server", "allowed"};
    const char *const dirs[] = {c->ours, c->theirs};
    hp_socket_close(&c->server);
    hp_bus_destroy(&c->f.bus);
    hp_bus_destroy(&c->stranger);
    (void)fclose(c->out);
    for (size_t d = 0; d < HP_ARRAY_LEN(dirs); d++) {
        for (size_t i = 0; i < HP_ARRAY_LEN(FILES); i++) {
            char path[128];
            (void)snprintf(path, sizeof path, "%s/%s", dirs[d], FILES[i]);
            (void)unlink(path);
        }
        (void)rmdir(dirs[d]);
    }
    const int rc = rmdir(c->f.dir);
    free(c->text);
    free(c);
    return rc;
}

/** Waits for a text in the log. The stream is the gatekeeper's as well: it is locked to be read. */
static bool logged(curve *c, const char *text, int64_t patience_ms)
{
    for (int64_t ms = 0; ms <= patience_ms; ms += 5) {
        flockfile(c->out);
        (void)fflush(c->out);
        const bool there = c->text != NULL && strstr(c->text, text) != NULL;
        funlockfile(c->out);
        if (there) {
            return true;
        }
        pause_ms(5);
    }
    return false;
}

/** Nothing sent from there arrives, and the log says why: within a second is promised, and printed;
 * only a hang fails, for the machine may be busy. */
static void expect_refusal(curve *c, hp_socket *client, const char *reason)
{
    const hp_clock clock = hp_clock_real();
    const int64_t start_ns = hp_clock_now_ns(&clock);
    const bool told = logged(c, reason, PATIENCE_MS);
    print_message("told after %lld ms\n",
                  (long long)((hp_clock_now_ns(&clock) - start_ns) / 1000000));
    for (int i = 0; i < 20; i++) {
        (void)!hp_socket_send(client, "let me in", 9);
        assert_int_equal(wait_readable(c->server, 5), HP_EAGAIN);
    }
    assert_false(hp_socket_connected(client));
    if (!told) {
        fail_msg("no '%s' in: %s", reason, c->text);
    }
}

static void test_hp_bus_tcp_answers_when_the_key_is_allowed(void **state)
{
    curve *c = *state;
    hp_socket *client = NULL;
    hp_socket *second = NULL;
    assert_int_equal(hp_socket_open(c->f.bus, HP_SOCKET_DEALER, c->endpoint, &client, &c->f.error),
                     HP_OK);
    ask(&c->f, client, c->server, "over tcp?");
    assert_int_equal(hp_socket_open(c->f.bus, HP_SOCKET_ROUTER, c->endpoint, &second, &c->f.error),
                     HP_EBUSY);
    hp_socket_close(&client);
    assert_false(logged(c, "refused", 0));
}

static void test_hp_bus_tcp_is_refused_when_there_are_no_keys(void **state)
{
    curve *c = *state;
    static const char *const ENDPOINTS[] = {"tcp://127.0.0.1:5555", "tcp://0.0.0.0:5555",
                                            "tcp://*:5555", "tcp://example.org:5555"};
    for (size_t i = 0; i < HP_ARRAY_LEN(ENDPOINTS); i++) {
        for (int kind = HP_SOCKET_ROUTER; kind <= HP_SOCKET_LATEST; kind++) {
            hp_socket *socket = NULL;
            assert_int_equal(hp_socket_open(c->stranger, (hp_socket_kind)kind, ENDPOINTS[i],
                                            &socket, &c->f.error),
                             HP_ECONFIG);
            assert_null(socket);
            assert_non_null(strstr(c->f.error.text, "hyplan keys new"));
        }
    }
}

static void test_hp_bus_tcp_is_refused_when_the_key_is_not_allowed(void **state)
{
    curve *c = *state;
    hp_socket *client = NULL;
    hp_log silent = {.program = "stranger", .out = NULL};
    assert_int_equal(hp_bus_secure(c->stranger, c->theirs, &silent, &c->f.error), HP_OK);
    assert_int_equal(
        hp_socket_open(c->stranger, HP_SOCKET_DEALER, c->endpoint, &client, &c->f.error), HP_OK);
    expect_refusal(c, client, "its key is not on the list");
    assert_true(logged(c, "from 127.0.0.1 (key ", 0));
    hp_socket_close(&client);
}

static void test_hp_bus_tcp_tells_the_client_when_it_is_refused(void **state)
{
    curve *c = *state;
    hp_socket *client = NULL;
    assert_int_equal(hp_bus_secure(c->stranger, c->theirs, &c->log, &c->f.error), HP_OK);
    assert_int_equal(
        hp_socket_open(c->stranger, HP_SOCKET_DEALER, c->endpoint, &client, &c->f.error), HP_OK);
    expect_refusal(c, client, "the server refuses our key");
    hp_socket_close(&client);
}

/** The server's key is wrong: whoever took the port cannot pass for the server. */
static void test_hp_bus_tcp_fails_when_the_server_is_not_who_it_should_be(void **state)
{
    curve *c = *state;
    hp_socket *client = NULL;
    char path[128];
    hp_keys theirs;
    assert_int_equal(hp_keys_load(c->theirs, &theirs, &c->f.error), HP_OK);
    (void)snprintf(path, sizeof path, "%s/server", c->theirs);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    (void)fprintf(out, "%s\n", theirs.public);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(hp_bus_secure(c->stranger, c->theirs, &c->log, &c->f.error), HP_OK);
    assert_int_equal(
        hp_socket_open(c->stranger, HP_SOCKET_DEALER, c->endpoint, &client, &c->f.error), HP_OK);
    expect_refusal(c, client, "handshake(s) failed");
    hp_socket_close(&client);
}

/** A hundred callers without CURVE or with keys that nobody knows: none comes in. */
static void test_hp_bus_tcp_lets_none_in_when_many_try(void **state)
{
    curve *c = *state;
    void *context = zmq_ctx_new();
    void *callers[ATTEMPTS];
    char public[HP_KEY_TEXT];
    char secret[HP_KEY_TEXT];
    char server[HP_KEY_TEXT];
    hp_keys ours;
    assert_int_equal(hp_keys_load(c->ours, &ours, &c->f.error), HP_OK);
    memcpy(server, ours.public, sizeof server);
    hp_keys_wipe(&ours);
    for (int i = 0; i < ATTEMPTS; i++) {
        const int linger_ms = 0;
        callers[i] = zmq_socket(context, ZMQ_DEALER);
        assert_non_null(callers[i]);
        (void)zmq_setsockopt(callers[i], ZMQ_LINGER, &linger_ms, sizeof linger_ms);
        if (i % 2 == 0) {
            assert_int_equal(zmq_curve_keypair(public, secret), 0);
            (void)zmq_setsockopt(callers[i], ZMQ_CURVE_SERVERKEY, server, 40);
            (void)zmq_setsockopt(callers[i], ZMQ_CURVE_PUBLICKEY, public, 40);
            (void)zmq_setsockopt(callers[i], ZMQ_CURVE_SECRETKEY, secret, 40);
        }
        assert_int_equal(zmq_connect(callers[i], c->endpoint), 0);
        (void)zmq_send(callers[i], "let me in", 9, ZMQ_DONTWAIT);
    }
    assert_true(logged(c, "its key is not on the list", PATIENCE_MS));
    assert_true(logged(c, "handshake(s) failed", PATIENCE_MS));
    assert_int_equal(wait_readable(c->server, 300), HP_EAGAIN);
    for (int i = 0; i < ATTEMPTS; i++) {
        (void)zmq_close(callers[i]);
    }
    (void)zmq_ctx_term(context);
    hp_socket *client = NULL; /* and the friend still does */
    assert_int_equal(hp_socket_open(c->f.bus, HP_SOCKET_DEALER, c->endpoint, &client, &c->f.error),
                     HP_OK);
    ask(&c->f, client, c->server, "still there?");
    hp_socket_close(&client);
}

static void test_hp_bus_secure_fails_when_the_secret_is_open_to_others(void **state)
{
    curve *c = *state;
    char path[128];
    hp_socket *socket = NULL;
    (void)snprintf(path, sizeof path, "%s/secret", c->theirs);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(hp_bus_secure(c->stranger, c->theirs, &c->log, &c->f.error), HP_ECONFIG);
    assert_int_equal(
        hp_socket_open(c->stranger, HP_SOCKET_DEALER, c->endpoint, &socket, &c->f.error),
        HP_ECONFIG);
}

int main(void)
{
#define CURVE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CURVE_TEST(test_hp_bus_tcp_answers_when_the_key_is_allowed),
        CURVE_TEST(test_hp_bus_tcp_is_refused_when_there_are_no_keys),
        CURVE_TEST(test_hp_bus_tcp_is_refused_when_the_key_is_not_allowed),
        CURVE_TEST(test_hp_bus_tcp_tells_the_client_when_it_is_refused),
        CURVE_TEST(test_hp_bus_tcp_fails_when_the_server_is_not_who_it_should_be),
        CURVE_TEST(test_hp_bus_tcp_lets_none_in_when_many_try),
        CURVE_TEST(test_hp_bus_secure_fails_when_the_secret_is_open_to_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
