#include "tests/unit/sim-bridge/carla_proxy.h"

#include "sim-bridge/carla/carla_net.h"
#include "tests/support/hp_test.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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
    for (int i = 0; i < PROXY_STREAMS; ++i) {
        carla_net_close(&p->readers[i]);
        carla_net_close(&p->sources[i]);
    }
}

static void new_stream(proxy *p)
{
    const carla_wait wait = carla_wait_for(&p->clock, 5.0, "the stand-in");
    hp_error error;
    int i = 0;
    while (i < PROXY_STREAMS - 1 && p->readers[i] >= 0) {
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
static void pump(const proxy *p, int *from, int *to)
{
    static uint8_t bytes[1 << 16];
    enum { TYPE_AT = 4 }; /* behind the length */
    struct pollfd fd = {.fd = *from, .events = POLLIN};
    if (*from < 0 || poll(&fd, 1, 0) <= 0) {
        return;
    }
    const ssize_t n = recv(*from, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n > TYPE_AT && atomic_load(&p->fault) == OTHER_TYPE) {
        bytes[TYPE_AT] = 12;
    }
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
    for (int i = 0; i < PROXY_STREAMS; ++i) {
        pump(p, &p->readers[i], &p->sources[i]);
        pump(p, &p->sources[i], &p->readers[i]);
    }
}

/** Makes what is as large as half of one of these no number. */
static void spoil_boxes(uint8_t *bytes, size_t n)
{
    static const uint8_t HALF_LENGTHS[][5] = {
        {0xca, 0x3f, 0xed, 0x1e, 0xb8},  /* 1.8525: an audi a2 */
        {0xca, 0x3e, 0x40, 0x00, 0x00}}; /* 0.1875: a walker */
    for (size_t i = 0; i + sizeof HALF_LENGTHS[0] <= n; ++i) {
        for (size_t k = 0; k < HP_ARRAY_LEN(HALF_LENGTHS); ++k) {
            if (memcmp(bytes + i, HALF_LENGTHS[k], sizeof HALF_LENGTHS[k]) == 0) {
                bytes[i + 1] = 0x7f;
                bytes[i + 2] |= 0x80;
            }
        }
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
    case ODD_BOX:
        spoil_boxes(bytes, n);
        (void)!send(p->client, bytes, n, MSG_NOSIGNAL);
        break;
    case NONE:
    case OTHER_TYPE:
    case KEEP_MAP:
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
    case FUTURE: {
        const uint8_t far[] = {0x94, 0x01, bytes[2], 0xc0, 0x91, 0x92,
                               0x01, 0xce, 0xff,     0xff, 0xff, 0xff};
        (void)!send(p->client, far, sizeof far, MSG_NOSIGNAL);
        break;
    }
    case HOSTILE:
        (void)!send(p->client, BOMB, sizeof BOMB, MSG_NOSIGNAL);
        break;
    case ALIEN:
        for (int i = 0; i < 50; ++i) {
            (void)!send(p->client, MAP, sizeof MAP, MSG_NOSIGNAL);
        }
        break;
    case GONE:
        atomic_store(&p->fault, NONE);
        carla_net_close(&p->client);
        carla_net_close(&p->server);
        break;
    case LOSE:
        atomic_store(&p->fault, NONE);
        break;
    case SILENT:
        break;
    }
}

/** As long as a client has not asked for much: [0, number, name, ...] with a short number. */
static bool is_call(const uint8_t *request, size_t n, const char *name)
{
    enum { NAME_AT = 4 };
    const size_t len = strlen(name);
    return n >= NAME_AT + len && memcmp(request + NAME_AT, name, len) == 0;
}

/** Answers for the server; false: this is no request of the kind. */
static bool keep_map(const proxy *p, const uint8_t *request, size_t n)
{
    enum { NUMBER_AT = 2 };
    if (atomic_load(&p->fault) != KEEP_MAP || !is_call(request, n, "load_new_episode")) {
        return false;
    }
    const uint8_t yes[] = {0x94, 0x01, request[NUMBER_AT], 0xc0, 0x91, 0x91, 0xc2};
    (void)!send(p->client, yes, sizeof yes, MSG_NOSIGNAL);
    return true;
}

/** As a server that is being started; false: this is no request of the kind. */
static bool is_loading(proxy *p, const uint8_t *request, size_t n)
{
    enum { NUMBER_AT = 2 };
    uint8_t no[] = "\x94\x01?\xc0\x91\x92\x00\x91\xb1"
                   "episode not ready";
    if (atomic_load(&p->loading) == 0 || !is_call(request, n, "get_episode_info")) {
        return false;
    }
    atomic_fetch_sub(&p->loading, 1);
    no[NUMBER_AT] = request[NUMBER_AT];
    (void)!send(p->client, no, sizeof no - 1, MSG_NOSIGNAL);
    return true;
}

static void watch_for_call(proxy *p, const uint8_t *request, size_t n)
{
    const fault then = (fault)atomic_load(&p->then);
    if (then == NONE || !is_call(request, n, p->call)) {
        return;
    }
    if (p->calls > 0) {
        p->calls -= 1;
        return;
    }
    atomic_store(&p->then, NONE);
    atomic_store(&p->fault, then);
}

/** What the client has sent goes on to the server; false: it has closed. */
static bool pass_requests(proxy *p, uint8_t *bytes, size_t cap)
{
    ssize_t n = p->client >= 0 ? recv(p->client, bytes, cap, MSG_DONTWAIT) : -1;
    while (n > 0) {
        watch_for_call(p, bytes, (size_t)n);
        if (!keep_map(p, bytes, (size_t)n) && !is_loading(p, bytes, (size_t)n)) {
            (void)!send(p->server, bytes, (size_t)n, MSG_NOSIGNAL);
        }
        n = recv(p->client, bytes, cap, MSG_DONTWAIT);
    }
    return n != 0;
}

static void new_client(proxy *p, uint8_t *bytes, size_t cap)
{
    const carla_wait wait = carla_wait_for(&p->clock, 5.0, "the stand-in");
    hp_error error;
    (void)pass_requests(p, bytes, cap); /* what the old one has still said */
    carla_net_close(&p->client);
    carla_net_close(&p->server);
    p->client = accept(p->listener, NULL, NULL);
    atomic_fetch_add(&p->tries, 1);
    if (atomic_load(&p->refuse) > 0) {
        atomic_fetch_sub(&p->refuse, 1);
        carla_net_close(&p->client);
        return;
    }
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
            new_client(p, bytes, sizeof bytes);
            continue;
        }
        if (fds[1].revents != 0 && !pass_requests(p, bytes, sizeof bytes)) {
            carla_net_close(&p->client);
            carla_net_close(&p->server);
            continue;
        }
        if (fds[2].revents != 0) {
            const ssize_t n = recv(p->server, bytes, sizeof bytes, MSG_DONTWAIT);
            if (n > 0) {
                pass_answer(p, bytes, (size_t)n);
            } else {
                carla_net_close(&p->client);
                carla_net_close(&p->server);
            }
        }
    }
    return NULL;
}

proxy *proxy_open(const rig *r)
{
    const uint16_t server_port = (uint16_t)r->carla.port;
    proxy *p = calloc(1, sizeof *p);
    hp_error error;
    assert_non_null(p);
    p->client = p->server = -1;
    for (int i = 0; i < PROXY_STREAMS; ++i) {
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

void proxy_close(proxy *p)
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

void proxy_await(proxy *p, const char *call, uint32_t calls, fault then)
{
    p->call = call;
    p->calls = calls;
    atomic_store(&p->then, then);
}

/* ---- Time ---- */

static int64_t counted_now_ns(const hp_clock *clock)
{
    counted_clock *c = ((const counted_clock *)clock)->self;
    c->at_ns += (int64_t)(c->step_s * 1e9);
    return c->at_ns;
}

void counted_clock_open(counted_clock *c)
{
    *c = (counted_clock){.clock = {.now_ns = counted_now_ns}, .self = c, .step_s = COUNTED_SHORT_S};
}

double counted_clock_s(const counted_clock *c)
{
    return (double)c->at_ns * 1e-9;
}

/* ---- What the server itself says ---- */

static bool find_hero(void *ctx, const carla_actor *actor)
{
    uint32_t *id = ctx;
    if (carla_text_is(carla_description_value(&actor->description, "role_name"), "hero")) {
        *id = actor->id;
    }
    return true;
}

bool proxy_hero_brakes(const rig *r, bool tick)
{
    carla_client *client = rig_client(r);
    carla_snapshot snapshot;
    carla_entry entry;
    uint32_t hero = 0;
    bool brakes = false;
    hp_error error;
    hp_status st = carla_client_search(client, 0, find_hero, &hero, &error);
    if (st == HP_OK) {
        st = tick ? carla_client_tick(client, &snapshot, &error)
                  : carla_client_wait(client, &snapshot, &error);
    }
    for (uint32_t i = 0; st == HP_OK && i < snapshot.n_actors; ++i) {
        if (hero != 0 && carla_entry_id(&snapshot, i) == hero) {
            brakes = carla_entry_read(&snapshot, i, CARLA_ENTRY_VEHICLE, &entry) &&
                     entry.control.brake == 1.0F && entry.control.throttle == 0.0F;
        }
    }
    carla_client_close(&client);
    return brakes;
}

bool proxy_server_is_free(const rig *r, uint32_t n)
{
    carla_client *client = rig_client(r);
    carla_settings settings;
    carla_snapshot snapshot;
    hp_error error;
    const bool free_again =
        carla_client_settings(client, &settings, &error) == HP_OK && !settings.synchronous &&
        carla_client_wait(client, &snapshot, &error) == HP_OK && snapshot.n_actors == n;
    carla_client_close(&client);
    return free_again;
}
