/** @file bus_fixture.h A bus in a private directory, and patience, for the bus's tests. */
#ifndef BUS_FIXTURE_H
#define BUS_FIXTURE_H

#include "common/hp_bus.h"
#include "common/hp_clock.h"
#include "tests/support/hp_test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE_MS = 60000 }; /* against hangs only: the machine may be busy */

typedef struct fixture {
    hp_bus *bus;
    char dir[64];
    char base[80];
    hp_error error;
    unsigned char data[HP_BUS_MAX_MESSAGE];
} fixture;

static inline int setup(void **state)
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

/** The same, with direct lines. */
static inline int setup_direct(void **state)
{
    const int rc = setup(state);
    fixture *f = *state;
    if (rc == 0) {
        (void)snprintf(f->base, sizeof f->base, "direct://%s", f->dir);
    }
    return rc;
}

static inline int teardown(void **state)
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

static inline hp_socket *open_on(hp_bus *bus, const char *base, hp_socket_kind kind,
                                 const char *service)
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

static inline hp_status wait_readable(hp_socket *socket, int64_t timeout_ms)
{
    bool ready = false;
    const hp_status status = hp_bus_poll(&socket, &ready, 1, timeout_ms);
    assert_true(ready == (status == HP_OK));
    return status;
}

static inline void pause_ms(int64_t ms)
{
    const hp_clock clock = hp_clock_real();
    hp_clock_sleep_until_ns(hp_clock_now_ns(&clock) + ms * 1000000);
}

/** Sends as soon as the connection stands. */
static inline void send_patiently(hp_socket *socket, const void *data, size_t len)
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

static inline void expect_text(fixture *f, hp_socket *socket, const char *text, hp_peer *peer)
{
    size_t len = 0;
    assert_int_equal(wait_readable(socket, PATIENCE_MS), HP_OK);
    assert_int_equal(hp_socket_receive(socket, f->data, sizeof f->data, &len, peer), HP_OK);
    assert_int_equal(len, strlen(text));
    assert_memory_equal(f->data, text, len);
}

/** A question and its answer between a DEALER and a ROUTER. */
static inline void ask(fixture *f, hp_socket *client, hp_socket *server, const char *question)
{
    hp_peer peer;
    send_patiently(client, question, strlen(question));
    expect_text(f, server, question, &peer);
    assert_int_equal(hp_socket_send_to(server, &peer, "answer", 6), HP_OK);
    expect_text(f, client, "answer", NULL);
}

/* ---- Names ---- */

static inline void publish_until_heard(hp_socket *pub, hp_socket *sub)
{
    hp_status status = HP_EAGAIN;
    for (int i = 0; i < PATIENCE_MS && status == HP_EAGAIN; ++i) {
        assert_int_equal(hp_socket_publish(pub, "frame", "abc", 3, INT64_C(-1500000000)), HP_OK);
        status = wait_readable(sub, 1);
    }
    assert_int_equal(status, HP_OK);
}

#define BUS_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define DIRECT_TEST(name)                                                                          \
    {                                                                                              \
#name " (direct)", name, setup_direct, teardown, NULL                                      \
    }

#endif
