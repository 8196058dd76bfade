/* What can go wrong with the server in mid-run: each fault ends the episode with a reason, within
 * the patience that was set, and leaves the server free where it can still be reached. A proxy
 * between client and stand-in makes the faults. */
#include "sim-bridge/carla/carla_net.h"
#include "sim-bridge/carla/carla_world.h"
#include "tests/support/hp_test.h"
#include "tests/unit/sim-bridge/carla_rig.h"
#include "tests/unit/sim-bridge/sim_drive.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_S 1.0

/** What the proxy does to the server's answers. */
typedef enum fault { NONE, SILENT, HALF, HOSTILE, ALIEN, GONE, SLOW, CUT_STREAMS } fault;

enum { STREAMS = 8 };

typedef struct proxy {
    int listener, client, server;
    uint16_t port, server_port;
    int stream_listener, readers[STREAMS], sources[STREAMS];
    uint16_t stream_port, server_stream_port;
    pthread_t thread;
    atomic_int fault;
    atomic_bool stop;
    hp_clock clock;
} proxy;

/** Streams go through the proxy, too: it puts its own port into the tokens that pass. */
static void change_tokens(const proxy *p, uint8_t *bytes, size_t n)
{
    const uint16_t theirs = (uint16_t)(p->server_stream_port);
    for (size_t i = 0; i + 26 <= n; ++i) { /* bin of 24 bytes: stream, port, ... */
        if (bytes[i] == 0xc4 && bytes[i + 1] == 24 && bytes[i + 6] == (theirs & 0xff) &&
            bytes[i + 7] == theirs >> 8) {
            bytes[i + 6] = (uint8_t)(p->stream_port & 0xff);
            bytes[i + 7] = (uint8_t)(p->stream_port >> 8);
        }
    }
}

static void cut_streams(proxy *p)
{
    for (int i = 0; i < STREAMS; ++i) {
        carla_net_close(&p->readers[i]);
        carla_net_close(&p->sources[i]);
    }
}

static void new_stream(proxy *p)
{
    const carla_wait wait = carla_wait_for(&p->clock, 5.0, "the stand-in");
    hp_error error;
    int i = 0;
    while (i < STREAMS - 1 && p->readers[i] >= 0) {
        ++i;
    }
    carla_net_close(&p->readers[i]);
    carla_net_close(&p->sources[i]);
    p->readers[i] = accept(p->stream_listener, NULL, NULL);
    (void)!carla_net_connect("127.0.0.1", p->server_stream_port, &wait, &p->sources[i], &error);
    (void)fcntl(p->readers[i], F_SETFL, 0);
    (void)fcntl(p->sources[i], F_SETFL, 0);
}

/** Passes on what there is, from one end to the other; closes both if one has closed. */
static void pump(int *from, int *to)
{
    static uint8_t bytes[1 << 16];
    struct pollfd fd = {.fd = *from, .events = POLLIN};
    if (*from < 0 || poll(&fd, 1, 0) <= 0) {
        return;
    }
    const ssize_t n = recv(*from, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n > 0) {
        (void)!send(*to, bytes, (size_t)n, MSG_NOSIGNAL);
    } else {
        carla_net_close(from);
        carla_net_close(to);
    }
}

static void serve_streams(proxy *p)
{
    struct pollfd fd = {.fd = p->stream_listener, .events = POLLIN};
    if (poll(&fd, 1, 0) > 0) {
        new_stream(p);
    }
    for (int i = 0; i < STREAMS; ++i) {
        pump(&p->readers[i], &p->sources[i]);
        pump(&p->sources[i], &p->readers[i]);
    }
}

static void pass_answer(proxy *p, uint8_t *bytes, size_t n)
{
    /* an array of four thousand million elements; a map where an answer should be */
    static const uint8_t BOMB[] = {0x94, 0x01, 0x05, 0xc0, 0xdd, 0xff, 0xff, 0xff, 0xff};
    static const uint8_t MAP[] = {0x81, 0x01, 0x02, 0x81, 0x01, 0x02};
    change_tokens(p, bytes, n);
    switch ((fault)atomic_load(&p->fault)) {
    case CUT_STREAMS: /* once, just before the answer to a tick */
        cut_streams(p);
        atomic_store(&p->fault, NONE);
        (void)!send(p->client, bytes, n, MSG_NOSIGNAL);
        break;
    case NONE:
        (void)!send(p->client, bytes, n, MSG_NOSIGNAL);
        break;
    case SLOW:
        hp_clock_sleep_until_ns(hp_clock_now_ns(&p->clock) + 20000000);
        (void)!send(p->client, bytes, n, MSG_NOSIGNAL);
        break;
    case HALF:
        (void)!send(p->client, bytes, n / 2, MSG_NOSIGNAL);
        atomic_store(&p->fault, SILENT);
        break;
    case HOSTILE:
        (void)!send(p->client, BOMB, sizeof BOMB, MSG_NOSIGNAL);
        break;
    case ALIEN:
        for (int i = 0; i < 50; ++i) {
            (void)!send(p->client, MAP, sizeof MAP, MSG_NOSIGNAL);
        }
        break;
    case GONE:
        carla_net_close(&p->client);
        carla_net_close(&p->server);
        break;
    case SILENT:
        break;
    }
}

static void new_client(proxy *p)
{
    const carla_wait wait = carla_wait_for(&p->clock, 5.0, "the stand-in");
    hp_error error;
    carla_net_close(&p->client);
    carla_net_close(&p->server);
    p->client = accept(p->listener, NULL, NULL);
    if (carla_net_connect("127.0.0.1", p->server_port, &wait, &p->server, &error) != HP_OK) {
        carla_net_close(&p->client);
    }
    if (p->client >= 0) {
        (void)fcntl(p->client, F_SETFL, 0);
    }
}

static void *serve_proxy(void *arg)
{
    static uint8_t bytes[1 << 16];
    proxy *p = arg;
    while (!atomic_load(&p->stop)) {
        struct pollfd fds[3] = {{.fd = p->listener, .events = POLLIN},
                                {.fd = p->client, .events = POLLIN},
                                {.fd = p->server, .events = POLLIN}};
        (void)poll(fds, 3, 1);
        serve_streams(p);
        if ((fds[0].revents & POLLIN) != 0) {
            new_client(p);
            continue;
        }
        if (fds[1].revents != 0) {
            const ssize_t n = recv(p->client, bytes, sizeof bytes, 0);
            if (n > 0) {
                (void)!send(p->server, bytes, (size_t)n, MSG_NOSIGNAL);
            } else {
                carla_net_close(&p->client);
                carla_net_close(&p->server);
                continue;
            }
        }
        if (fds[2].revents != 0) {
            const ssize_t n = recv(p->server, bytes, sizeof bytes, MSG_DONTWAIT);
            if (n > 0) {
                pass_answer(p, bytes, (size_t)n);
            }
        }
    }
    return NULL;
}

static proxy *proxy_open(const rig *r)
{
    const uint16_t server_port = (uint16_t)r->carla.port;
    proxy *p = calloc(1, sizeof *p);
    hp_error error;
    assert_non_null(p);
    p->client = p->server = -1;
    for (int i = 0; i < STREAMS; ++i) {
        p->readers[i] = p->sources[i] = -1;
    }
    p->server_port = server_port;
    p->server_stream_port = carla_server_stream_port(r->server);
    p->clock = hp_clock_real();
    assert_int_equal(carla_net_listen("127.0.0.1", &p->port, &p->listener, &error), HP_OK);
    assert_int_equal(carla_net_listen("127.0.0.1", &p->stream_port, &p->stream_listener, &error),
                     HP_OK);
    assert_int_equal(pthread_create(&p->thread, NULL, serve_proxy, p), 0);
    return p;
}

static void proxy_close(proxy *p)
{
    atomic_store(&p->stop, true);
    (void)pthread_join(p->thread, NULL);
    carla_net_close(&p->client);
    carla_net_close(&p->server);
    carla_net_close(&p->listener);
    carla_net_close(&p->stream_listener);
    cut_streams(p);
    free(p);
}

static void open_world(rig *r, uint16_t port, bridge_world *out)
{
    hp_error error = {{0}};
    sim_drive_read("01", &r->scenario);
    r->carla.port = port;
    const carla_world_setup setup = {.carla = &r->carla,
                                     .sim = &r->sim,
                                     .scenario = &r->scenario,
                                     .scene = sim_scene_default(),
                                     .seed = 7};
    if (carla_world_create(&setup, out, &error) != HP_OK) {
        fail_msg("%s", error.text);
    }
}

/** True if the stand-in has its clock back and nobody of ours in it. */
static bool is_free(const rig *r)
{
    carla_client *client = rig_client(r);
    carla_settings settings;
    carla_snapshot snapshot;
    hp_error error;
    bool free_again =
        carla_client_settings(client, &settings, &error) == HP_OK && !settings.synchronous &&
        carla_client_wait(client, &snapshot, &error) == HP_OK && snapshot.n_actors == 1;
    carla_client_close(&client);
    return free_again;
}

/** Drives some ticks, meets the fault, and gives the reason that the world told. */
static void meet(fault what, const char *says)
{
    rig *r = rig_open(CARLA_0_9_16);
    const uint16_t own_port = (uint16_t)r->carla.port;
    proxy *p = proxy_open(r);
    bridge_world world;
    const hp_command go = {.accel_mps2 = 2.0};
    r->carla.timeout_s = PATIENCE_S;
    open_world(r, p->port, &world);
    for (int i = 0; i < 5; ++i) {
        world.ops->step(world.self, &go);
    }
    assert_int_equal(world.ops->result(world.self)->verdict, HP_VERDICT_RUNNING);
    atomic_store(&p->fault, what);
    world.ops->step(world.self, &go);
    assert_int_equal(world.ops->result(world.self)->verdict, HP_VERDICT_STOPPED);
    const char *trouble = world.ops->trouble(world.self);
    if (trouble == NULL || strstr(trouble, says) == NULL) {
        fail_msg("said: %s", trouble);
    }
    world.ops->step(world.self, &go); /* and goes on saying so, at once */
    assert_non_null(world.ops->trouble(world.self));
    atomic_store(&p->fault, NONE); /* who comes anew is heard: so the server is freed */
    world.ops->destroy(world.self);
    r->carla.port = own_port;
    r->carla.timeout_s = 10.0;
    assert_true(is_free(r));
    proxy_close(p);
    rig_close(r);
}

static void test_carla_world_ends_with_a_reason_when_the_server_falls_silent(void **state)
{
    (void)state;
    meet(SILENT, "waited too long for CARLA's answer to");
}

static void test_carla_world_ends_with_a_reason_when_half_a_message_comes(void **state)
{
    (void)state;
    meet(HALF, "waited too long for CARLA's answer to");
}

static void test_carla_world_ends_with_a_reason_when_msgpack_is_hostile(void **state)
{
    (void)state;
    meet(HOSTILE, "answer to apply_batch is none: byte 9: announces more");
}

static void test_carla_world_ends_with_a_reason_when_answers_are_no_answers(void **state)
{
    (void)state;
    meet(ALIEN, "nothing but answers to other calls");
}

static void test_carla_world_ends_with_a_reason_when_the_connection_breaks(void **state)
{
    (void)state;
    meet(GONE, "CARLA's answer to");
}

static void test_carla_world_goes_on_when_the_server_is_slow(void **state)
{
    rig *r = rig_open(CARLA_0_9_16);
    const uint16_t own_port = (uint16_t)r->carla.port;
    proxy *p = proxy_open(r);
    bridge_world world;
    (void)state;
    open_world(r, p->port, &world);
    atomic_store(&p->fault, SLOW);
    for (int i = 0; i < 5; ++i) {
        world.ops->step(world.self, NULL);
    }
    assert_null(world.ops->trouble(world.self));
    world.ops->destroy(world.self);
    r->carla.port = own_port;
    assert_true(is_free(r));
    proxy_close(p);
    rig_close(r);
}

static void test_carla_world_goes_on_when_the_server_closes_its_streams(void **state)
{
    rig *r = rig_open(CARLA_0_9_16);
    const uint16_t own_port = (uint16_t)r->carla.port;
    proxy *p = proxy_open(r);
    bridge_world world;
    const hp_command go = {.accel_mps2 = 2.0};
    (void)state;
    open_world(r, p->port, &world);
    for (int i = 0; i < 30; ++i) {
        if (i % 10 == 5) {
            atomic_store(&p->fault, CUT_STREAMS);
        }
        world.ops->step(world.self, &go);
    }
    assert_null(world.ops->trouble(world.self));
    assert_int_equal(world.ops->result(world.self)->verdict, HP_VERDICT_RUNNING);
    assert_true(world.ops->result(world.self)->max_speed_mps > 1.5);
    world.ops->destroy(world.self);
    r->carla.port = own_port;
    assert_true(is_free(r));
    proxy_close(p);
    rig_close(r);
}

static void test_carla_session_is_refused_when_the_port_is_taken(void **state)
{
    carla_server_config config;
    carla_server *second = NULL;
    hp_error error = {{0}};
    rig *r = rig_open(CARLA_0_9_16);
    (void)state;
    carla_server_config_default(&config);
    config.port = (uint16_t)r->carla.port;
    assert_int_equal(carla_server_create(&config, &r->clock, &second, &error), HP_EBUSY);
    assert_null(second);
    assert_true(is_free(r));
    rig_close(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_carla_world_ends_with_a_reason_when_the_server_falls_silent),
        cmocka_unit_test(test_carla_world_ends_with_a_reason_when_half_a_message_comes),
        cmocka_unit_test(test_carla_world_ends_with_a_reason_when_msgpack_is_hostile),
        cmocka_unit_test(test_carla_world_ends_with_a_reason_when_answers_are_no_answers),
        cmocka_unit_test(test_carla_world_ends_with_a_reason_when_the_connection_breaks),
        cmocka_unit_test(test_carla_world_goes_on_when_the_server_is_slow),
        cmocka_unit_test(test_carla_world_goes_on_when_the_server_closes_its_streams),
        cmocka_unit_test(test_carla_session_is_refused_when_the_port_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
