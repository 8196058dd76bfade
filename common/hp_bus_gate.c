#include "common/hp_bus_gate.h"

#include "common/hp_clock.h"
#include "common/hp_keys.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define ZAP_ENDPOINT "inproc://zeromq.zap.01"
#define DOOR_ENDPOINT "inproc://hyplan.gate"
#define DOMAIN "hyplan"

enum {
    MAX_WATCHED = 16, /* sockets of one process by tcp; later ones work, unwatched */
    MAX_FRAMES = 8,   /* of a ZAP request; libzmq sends seven */
    FRAME = 256,      /* bytes kept of each */
    CURVE_KEY_BYTES = 32,
};

/** Frames of a ZAP request. */
enum { ZAP_VERSION, ZAP_ID, ZAP_DOMAIN, ZAP_ADDRESS, ZAP_IDENTITY, ZAP_MECHANISM, ZAP_KEY };

/** Complaints of one kind: the first is logged, then one a second. */
typedef struct complaint {
    int64_t logged_ns; /* 0: never */
    uint64_t unlogged;
} complaint;

struct hp_gate {
    void *context;
    hp_keys keys;
    hp_log log;
    hp_clock clock;
    pthread_t thread;
    bool runs;
    atomic_uint n_monitors; /* ever opened: names them */
    void *zap, *door;       /* the thread's from here on */
    void *watched[MAX_WATCHED];
    int n_watched;
    complaint refused, failed;
};

/* ---- Messages in frames ---- */

typedef struct frame {
    unsigned char data[FRAME];
    size_t len; /* 0 for what was longer */
} frame;

/** Receives a whole message; frames beyond the cap are dropped. Returns their number, 0: none. */
static int receive(void *zmq, frame frames[MAX_FRAMES])
{
    int n = 0;
    int more = 1;
    while (more != 0) {
        frame dropped;
        frame *f = n < MAX_FRAMES ? &frames[n] : &dropped;
        size_t size = sizeof more;
        const int len = zmq_recv(zmq, f->data, FRAME, ZMQ_DONTWAIT);
        if (len < 0) {
            return 0;
        }
        f->len = len <= FRAME ? (size_t)len : 0;
        n++;
        if (zmq_getsockopt(zmq, ZMQ_RCVMORE, &more, &size) != 0) {
            return 0;
        }
    }
    return n <= MAX_FRAMES ? n : 0;
}

static bool frame_is(const frame *f, const char *text)
{
    return f->len == strlen(text) && memcmp(f->data, text, f->len) == 0;
}

/** True if a complaint of this kind may be logged now; *n becomes how many it stands for. */
static bool may_log(hp_gate *gate, complaint *kind, uint64_t *n)
{
    const int64_t now_ns = hp_clock_now_ns(&gate->clock);
    kind->unlogged++;
    if (kind->logged_ns != 0 && now_ns - kind->logged_ns < HP_S_NS) {
        return false;
    }
    *n = kind->unlogged;
    kind->logged_ns = now_ns;
    kind->unlogged = 0;
    return true;
}

/* ---- The list ---- */

/** NULL: he may come in. Otherwise why not. */
static const char *why_not(const hp_gate *gate, const frame *f, int n, char key[HP_KEY_TEXT])
{
    key[0] = '\0';
    if (n != ZAP_KEY + 1 || !frame_is(&f[ZAP_VERSION], "1.0") ||
        !frame_is(&f[ZAP_DOMAIN], DOMAIN)) {
        return "its request is malformed";
    }
    if (!frame_is(&f[ZAP_MECHANISM], "CURVE") || f[ZAP_KEY].len != CURVE_KEY_BYTES ||
        zmq_z85_encode(key, f[ZAP_KEY].data, CURVE_KEY_BYTES) == NULL) {
        return "it shows no key";
    }
    return hp_keys_allow_key(&gate->keys, key) ? NULL
                                               : "its key is not on the list of allowed ones";
}

static void judge(hp_gate *gate)
{
    frame f[MAX_FRAMES];
    char key[HP_KEY_TEXT];
    uint64_t count = 0;
    const int n = receive(gate->zap, f);
    if (n == 0) {
        return;
    }
    const char *why = why_not(gate, f, n, key);
    const char *const reply[] = {"1.0",
                                 "",
                                 why == NULL ? "200" : "400",
                                 why == NULL ? "OK" : "not allowed",
                                 why == NULL ? key : "",
                                 ""};
    for (int i = 0; i < (int)HP_ARRAY_LEN(reply); i++) {
        const int more = i + 1 < (int)HP_ARRAY_LEN(reply) ? ZMQ_SNDMORE : 0;
        const bool is_id = i == ZAP_ID && n > ZAP_ID;
        (void)zmq_send(gate->zap, is_id ? (const void *)f[ZAP_ID].data : reply[i],
                       is_id ? f[ZAP_ID].len : strlen(reply[i]), more | ZMQ_DONTWAIT);
    }
    if (why != NULL && may_log(gate, &gate->refused, &count)) {
        hp_log_warn(&gate->log,
                    "refused %" PRIu64 " connection(s), the last one from %.*s (key %.8s...): %s",
                    count, n > ZAP_ADDRESS ? (int)f[ZAP_ADDRESS].len : 0,
                    n > ZAP_ADDRESS ? (const char *)f[ZAP_ADDRESS].data : "",
                    key[0] != '\0' ? key : "none", why);
    }
}

/* ---- Handshakes that fail before or after the question about the key ---- */

static const char *why_failed(uint16_t event, uint32_t value)
{
    if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) {
        return "the server refuses our key; it must be on its list of allowed ones";
    }
    if (event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL) {
        return value == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH
                   ? "the other side does not speak CURVE"
                   : "the other side does not know the server's key, or does not speak our "
                     "protocol";
    }
    return "the other side hung up or fell silent; is `server` the right key?";
}

/** One event of a watched socket; false: there will be no more. */
static bool hear(hp_gate *gate, void *monitor)
{
    frame f[MAX_FRAMES];
    uint16_t event = 0;
    uint32_t value = 0;
    uint64_t count = 0;
    const int n = receive(monitor, f);
    if (n != 2 || f[0].len != sizeof event + sizeof value) {
        return true;
    }
    memcpy(&event, f[0].data, sizeof event);
    memcpy(&value, f[0].data + sizeof event, sizeof value);
    if (event == ZMQ_EVENT_MONITOR_STOPPED) {
        return false;
    }
    if (may_log(gate, &gate->failed, &count)) {
        hp_log_warn(&gate->log, "%" PRIu64 " handshake(s) failed, the last one at %.*s: %s", count,
                    (int)f[1].len, (const char *)f[1].data, why_failed(event, value));
    }
    return true;
}

/* ---- The thread ---- */

/** The door brings names of monitors to listen to, and at last an empty one. */
static bool open_door(hp_gate *gate)
{
    char endpoint[64] = "";
    const int len = zmq_recv(gate->door, endpoint, sizeof endpoint - 1, ZMQ_DONTWAIT);
    if (len <= 0) {
        return len < 0;
    }
    void *monitor = gate->n_watched < MAX_WATCHED ? zmq_socket(gate->context, ZMQ_PAIR) : NULL;
    if (monitor != NULL) {
        const int linger_ms = 0;
        (void)zmq_setsockopt(monitor, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
        (void)zmq_connect(monitor, endpoint);
        gate->watched[gate->n_watched++] = monitor;
    }
    return true;
}

static void *keep_gate(void *arg)
{
    hp_gate *gate = arg;
    bool open = true;
    while (open) {
        zmq_pollitem_t items[2 + MAX_WATCHED] = {{.socket = gate->zap, .events = ZMQ_POLLIN},
                                                 {.socket = gate->door, .events = ZMQ_POLLIN}};
        const int n = gate->n_watched;
        for (int i = 0; i < n; i++) {
            items[2 + i] = (zmq_pollitem_t){.socket = gate->watched[i], .events = ZMQ_POLLIN};
        }
        if (zmq_poll(items, 2 + n, -1) < 0) {
            continue; /* the context ends only after us */
        }
        if (items[0].revents != 0) {
            judge(gate);
        }
        for (int i = n - 1; i >= 0; i--) {
            if (items[2 + i].revents != 0 && !hear(gate, gate->watched[i])) {
                (void)zmq_close(gate->watched[i]);
                gate->watched[i] = gate->watched[--gate->n_watched];
            }
        }
        open = items[1].revents == 0 || open_door(gate);
    }
    return NULL;
}

/* ---- From outside ---- */

static void *bound(void *context, int type, const char *endpoint)
{
    void *zmq = zmq_socket(context, type);
    const int linger_ms = 0;
    if (zmq != NULL && zmq_setsockopt(zmq, ZMQ_LINGER, &linger_ms, sizeof linger_ms) == 0 &&
        zmq_bind(zmq, endpoint) == 0) {
        return zmq;
    }
    if (zmq != NULL) {
        (void)zmq_close(zmq);
    }
    return NULL;
}

/** Says one word at the door, from any thread. */
static bool knock(hp_gate *gate, const char *word)
{
    void *zmq = zmq_socket(gate->context, ZMQ_PUSH);
    const bool said = zmq != NULL && zmq_connect(zmq, DOOR_ENDPOINT) == 0 &&
                      zmq_send(zmq, word, strlen(word), 0) >= 0;
    if (zmq != NULL) {
        (void)zmq_close(zmq); /* inproc: the word is with its receiver already */
    }
    return said;
}

hp_status hp_gate_create(void *context, const char *keys_dir, const hp_log *log, hp_gate **out,
                         hp_error *error)
{
    hp_gate *gate = calloc(1, sizeof *gate);
    *out = NULL;
    if (gate == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory for the gatekeeper");
    }
    const hp_status st = hp_keys_load(keys_dir, &gate->keys, error);
    if (st != HP_OK) {
        hp_gate_destroy(&gate);
        return st;
    }
    gate->context = context;
    gate->log = *log;
    gate->clock = hp_clock_real();
    gate->zap = bound(context, ZMQ_REP, ZAP_ENDPOINT);
    gate->door = bound(context, ZMQ_PULL, DOOR_ENDPOINT);
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    gate->runs = gate->zap != NULL && gate->door != NULL &&
                 pthread_create(&gate->thread, NULL, keep_gate, gate) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!gate->runs) {
        hp_gate_destroy(&gate);
        return hp_fail(error, HP_EIO, "the gatekeeper for tcp cannot be started");
    }
    *out = gate;
    return HP_OK;
}

void hp_gate_destroy(hp_gate **gate)
{
    hp_gate *g = *gate;
    if (g == NULL) {
        return;
    }
    if (g->runs && knock(g, "")) {
        (void)pthread_join(g->thread, NULL);
    }
    for (int i = 0; i < g->n_watched; i++) {
        (void)zmq_close(g->watched[i]);
    }
    void *const own[] = {g->zap, g->door};
    for (size_t i = 0; i < HP_ARRAY_LEN(own); i++) {
        if (own[i] != NULL) {
            (void)zmq_close(own[i]);
        }
    }
    hp_keys_wipe(&g->keys);
    free(g);
    *gate = NULL;
}

static bool set_text(void *zmq, int option, const char *text)
{
    return zmq_setsockopt(zmq, option, text, strlen(text)) == 0;
}

/** A libzmq without anybody at the ZAP endpoint would let each key in: the gatekeeper is there
 * before the first socket and after the last. */
static bool set_keys(const hp_keys *keys, void *zmq, bool binds)
{
    const int yes = 1;
    if (!binds) {
        return set_text(zmq, ZMQ_CURVE_SERVERKEY, keys->server) &&
               set_text(zmq, ZMQ_CURVE_PUBLICKEY, keys->public) &&
               set_text(zmq, ZMQ_CURVE_SECRETKEY, keys->secret);
    }
    return zmq_setsockopt(zmq, ZMQ_CURVE_SERVER, &yes, sizeof yes) == 0 &&
           set_text(zmq, ZMQ_CURVE_SECRETKEY, keys->secret) &&
           set_text(zmq, ZMQ_ZAP_DOMAIN, DOMAIN);
}

hp_status hp_gate_secure(hp_gate *gate, void *zmq, bool binds)
{
    char monitor[64];
    const int events = ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                       ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_MONITOR_STOPPED;
    if (!set_keys(&gate->keys, zmq, binds)) {
        return HP_EIO;
    }
    (void)snprintf(monitor, sizeof monitor, "inproc://hyplan.monitor.%u",
                   atomic_fetch_add(&gate->n_monitors, 1));
    return zmq_socket_monitor(zmq, monitor, events) == 0 && knock(gate, monitor) ? HP_OK : HP_EIO;
}
