#include "common/hp_bus.h"

#include "common/hp_bus_file.h"
#include "common/hp_bus_gate.h"
#include "common/hp_direct.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

enum {
    QUEUE_REQUESTS = 32, /* messages per peer: a worker never has more than a few in flight */
    QUEUE_TOPICS = 512,  /* some seconds of the tap at 20 Hz, for a reader that stutters */
    HANDSHAKE_MS = 500,
    RECONNECT_MS = 10,
    RECONNECT_MAX_MS = 200,
};

#define DIRECT "direct://"

struct hp_bus {
    void *context;
    hp_bus *root;          /* the bus that owns context: itself, or the one shared */
    atomic_uint n_sockets; /* of the root: open ones, on which ending the context would wait */
    hp_gate *gate;         /* of the root: NULL as long as tcp is shut */
};

struct hp_socket {
    hp_bus *root;
    void *zmq;
    hp_socket_kind kind;
    hp_bus_file bound; /* ipc servers: the socket's file, which is ours to remove */
    hp_direct *direct; /* a direct line: then there is no zmq */
};

/* ---- Names ---- */

static const char *after_prefix(const char *text, const char *prefix)
{
    const size_t n = strlen(prefix);
    return strncmp(text, prefix, n) == 0 ? text + n : NULL;
}

hp_status hp_endpoint(const char *base, const char *service, char *buf, size_t cap)
{
    const char *rest = after_prefix(base, "ipc://");
    rest = rest != NULL ? rest : after_prefix(base, DIRECT);
    rest = rest != NULL ? rest : after_prefix(base, "inproc://");
    const size_t n = strlen(service);
    if (rest == NULL || *rest == '\0' || n == 0 ||
        strspn(service, "abcdefghijklmnopqrstuvwxyz_-0123456789") != n) {
        return HP_EINVAL;
    }
    const int len = snprintf(buf, cap, "%s/%s", base, service);
    return len >= 0 && (size_t)len < cap ? HP_OK : HP_EFULL;
}

/* ---- The bus ---- */

hp_status hp_bus_create(hp_bus **out)
{
    hp_bus *bus = calloc(1, sizeof *bus);
    if (bus == NULL) {
        return HP_ENOMEM;
    }
    bus->context = zmq_ctx_new();
    if (bus->context == NULL) {
        free(bus);
        return HP_ENOMEM;
    }
    (void)zmq_ctx_set(bus->context, ZMQ_BLOCKY, 0); /* sockets never linger unless told */
    bus->root = bus;
    *out = bus;
    return HP_OK;
}

hp_status hp_bus_share(hp_bus *parent, hp_bus **out)
{
    hp_bus *bus = calloc(1, sizeof *bus);
    if (bus == NULL) {
        return HP_ENOMEM;
    }
    bus->context = parent->context;
    bus->root = parent->root;
    *out = bus;
    return HP_OK;
}

void hp_bus_destroy(hp_bus **bus)
{
    if (*bus == NULL) {
        return;
    }
    if ((*bus)->root == *bus) {
        assert(atomic_load(&(*bus)->n_sockets) == 0);
        hp_gate_destroy(&(*bus)->gate);
        while (zmq_ctx_term((*bus)->context) != 0 && errno == EINTR) {
        }
    }
    free(*bus);
    *bus = NULL;
}

hp_status hp_bus_secure(hp_bus *bus, const char *keys_dir, const hp_log *log, hp_error *error)
{
    assert(bus->root->gate == NULL);
    return hp_gate_create(bus->context, keys_dir, log, &bus->root->gate, error);
}

/* ---- Opening ---- */

static bool kind_binds(hp_socket_kind kind)
{
    return kind == HP_SOCKET_ROUTER || kind == HP_SOCKET_PUB;
}

static hp_status check_endpoint(const char *endpoint, bool secured, hp_error *error)
{
    const char *path = after_prefix(endpoint, "ipc://");
    if (path != NULL) {
        hp_bus_file file;
        return hp_bus_file_name(endpoint, path, SOCK_STREAM, &file, error);
    }
    const char *name = after_prefix(endpoint, "inproc://");
    if (name != NULL && *name != '\0') {
        return HP_OK;
    }
    if (after_prefix(endpoint, "tcp://") != NULL) {
        return secured ? HP_OK
                       : hp_fail(error, HP_ECONFIG,
                                 "%s: tcp is for those with keys only; give --keys DIR (hyplan "
                                 "keys new DIR makes them)",
                                 endpoint);
    }
    return hp_fail(error, HP_ECONFIG,
                   "%s: must be ipc://PATH, direct://PATH, inproc://NAME or tcp://HOST:PORT",
                   endpoint);
}

static bool set_int(void *zmq, int option, int value)
{
    return zmq_setsockopt(zmq, option, &value, sizeof value) == 0;
}

/** Binds for libzmq, which would remove any file that is in its way, and its own only some time
 *  after the socket has been closed: by then perhaps its successor's. */
static hp_status bind_ipc(hp_socket *self, const char *endpoint, hp_error *error)
{
    int fd = -1;
    hp_status status = hp_bus_file_name(endpoint, after_prefix(endpoint, "ipc://"), SOCK_STREAM,
                                        &self->bound, error);
    if (status == HP_OK) {
        status = hp_bus_file_listen(&self->bound, &fd, error);
    }
    if (status != HP_OK) {
        return status;
    }
    if (!set_int(self->zmq, ZMQ_USE_FD, fd) || zmq_bind(self->zmq, endpoint) != 0) {
        const int why = errno;
        (void)close(fd);
        return hp_fail(error, HP_EIO, "%s: %s", endpoint, zmq_strerror(why));
    }
    return HP_OK;
}

hp_status hp_socket_check(hp_socket *socket, hp_error *error)
{
    char endpoint[HP_BUS_ENDPOINT];
    if (socket->direct != NULL) {
        return hp_direct_check(socket->direct, error);
    }
    const char *path = socket->bound.address.sun_path;
    if (path[0] == '\0' || hp_bus_file_is_ours(&socket->bound)) {
        return HP_OK;
    }
    (void)snprintf(endpoint, sizeof endpoint, "ipc://%s", path);
    const hp_status status = bind_ipc(socket, endpoint, error);
    return status == HP_OK ? hp_fail(error, HP_OK, "%s: was gone and is bound again", path)
                           : status;
}

static hp_status attach(hp_socket *socket, const char *endpoint, hp_error *error)
{
    const bool binds = kind_binds(socket->kind);
    if (binds && after_prefix(endpoint, "ipc://") != NULL) {
        return bind_ipc(socket, endpoint, error);
    }
    if (after_prefix(endpoint, "tcp://") != NULL &&
        hp_gate_secure(socket->root->gate, socket->zmq, binds) != HP_OK) {
        return hp_fail(error, HP_EIO, "%s: cannot be secured: %s", endpoint, zmq_strerror(errno));
    }
    const int rc = binds ? zmq_bind(socket->zmq, endpoint) : zmq_connect(socket->zmq, endpoint);
    if (rc == 0) {
        return HP_OK;
    }
    const int why = errno;
    const hp_status status = why == EADDRINUSE ? HP_EBUSY : (why == EINVAL ? HP_ECONFIG : HP_EIO);
    return hp_fail(error, status, "%s: %s", endpoint, zmq_strerror(why));
}

/** ZMQ_HEARTBEAT_IVL is left out on purpose: see the header. */
static bool set_options(void *zmq, hp_socket_kind kind)
{
    const bool requests = kind == HP_SOCKET_ROUTER || kind == HP_SOCKET_DEALER;
    const int queue = requests ? QUEUE_REQUESTS : QUEUE_TOPICS;
    const int64_t max_message = (int64_t)HP_BUS_MAX_MESSAGE;
    bool ok = zmq_setsockopt(zmq, ZMQ_MAXMSGSIZE, &max_message, sizeof max_message) == 0;
    ok = set_int(zmq, ZMQ_SNDHWM, queue) && ok;
    ok = set_int(zmq, ZMQ_RCVHWM, queue) && ok;
    ok = set_int(zmq, ZMQ_LINGER, 0) && ok;
    ok = set_int(zmq, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS) && ok;
    ok = set_int(zmq, ZMQ_RECONNECT_IVL, RECONNECT_MS) && ok;
    ok = set_int(zmq, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS) && ok;
    if (kind == HP_SOCKET_ROUTER) {
        ok = set_int(zmq, ZMQ_ROUTER_MANDATORY, 1) && ok; /* a vanished peer is told, not ignored */
    }
    if (kind == HP_SOCKET_DEALER) {
        ok = set_int(zmq, ZMQ_IMMEDIATE, 1) && ok; /* no requests pile up for a dead server */
    }
    if (kind == HP_SOCKET_LATEST) {
        ok = set_int(zmq, ZMQ_CONFLATE, 1) && ok; /* before connect, or it has no effect */
    }
    if (kind == HP_SOCKET_SUB || kind == HP_SOCKET_LATEST) {
        ok = zmq_setsockopt(zmq, ZMQ_SUBSCRIBE, "", 0) == 0 && ok;
    }
    return ok;
}

static hp_status open_direct(hp_socket *socket, const char *endpoint, hp_error *error)
{
    hp_bus_file file;
    const hp_status status =
        hp_bus_file_name(endpoint, after_prefix(endpoint, DIRECT), SOCK_SEQPACKET, &file, error);
    if (status != HP_OK) {
        return status;
    }
    if (socket->kind == HP_SOCKET_ROUTER) {
        return hp_direct_listen(&file, &socket->direct, error);
    }
    const hp_status connected =
        socket->kind == HP_SOCKET_DEALER ? hp_direct_connect(&file, &socket->direct) : HP_EINVAL;
    return connected == HP_OK
               ? HP_OK
               : hp_fail(error, connected, "%s: %s", endpoint, hp_status_text(connected));
}

static hp_status open_zmq(hp_bus *bus, hp_socket *socket, const char *endpoint, hp_error *error)
{
    static const int TYPES[] = {
        [HP_SOCKET_ROUTER] = ZMQ_ROUTER, [HP_SOCKET_DEALER] = ZMQ_DEALER, [HP_SOCKET_PUB] = ZMQ_PUB,
        [HP_SOCKET_SUB] = ZMQ_SUB,       [HP_SOCKET_LATEST] = ZMQ_SUB,
    };
    const hp_status status = check_endpoint(endpoint, bus->root->gate != NULL, error);
    if (status != HP_OK) {
        return status;
    }
    socket->zmq = zmq_socket(bus->context, TYPES[socket->kind]);
    if (socket->zmq == NULL || !set_options(socket->zmq, socket->kind)) {
        return hp_fail(error, HP_EIO, "%s: %s", endpoint, zmq_strerror(errno));
    }
    return attach(socket, endpoint, error);
}

hp_status hp_socket_open(hp_bus *bus, hp_socket_kind kind, const char *endpoint, hp_socket **out,
                         hp_error *error)
{
    hp_socket *socket = calloc(1, sizeof *socket);
    if (socket == NULL) {
        return hp_fail(error, HP_ENOMEM, "%s: out of memory", endpoint);
    }
    socket->kind = kind;
    socket->root = bus->root;
    (void)atomic_fetch_add(&socket->root->n_sockets, 1);
    const hp_status status = after_prefix(endpoint, DIRECT) != NULL
                                 ? open_direct(socket, endpoint, error)
                                 : open_zmq(bus, socket, endpoint, error);
    if (status != HP_OK) {
        hp_socket_close(&socket);
        return status;
    }
    *out = socket;
    return HP_OK;
}

/** libzmq 4.3 aborts the process at the end of a context if a socket with ZMQ_CONFLATE had
 * connected to an inproc name that nobody ever bound: it looks for a greeting that a later message
 * has replaced. So the name is bound for a moment while the socket still holds its end; if somebody
 * has it, nothing happens. */
static void settle_connection(const hp_socket *self)
{
    char endpoint[HP_BUS_ENDPOINT] = "";
    size_t len = sizeof endpoint;
    if (self->kind != HP_SOCKET_LATEST ||
        zmq_getsockopt(self->zmq, ZMQ_LAST_ENDPOINT, endpoint, &len) != 0 ||
        after_prefix(endpoint, "inproc://") == NULL) {
        return;
    }
    void *other = zmq_socket(self->root->context, ZMQ_PAIR);
    if (other != NULL) {
        (void)set_int(other, ZMQ_LINGER, 0);
        (void)zmq_bind(other, endpoint);
        (void)zmq_close(other);
    }
}

void hp_socket_close(hp_socket **socket)
{
    if (*socket == NULL) {
        return;
    }
    hp_direct_close(&(*socket)->direct);
    if ((*socket)->zmq != NULL) {
        hp_bus_file_remove(&(*socket)->bound);
        settle_connection(*socket);
        (void)zmq_close((*socket)->zmq);
    }
    (void)atomic_fetch_sub(&(*socket)->root->n_sockets, 1);
    free(*socket);
    *socket = NULL;
}

/* ---- Sending ---- */

static hp_status status_of_errno(void)
{
    switch (errno) {
    case EAGAIN:
    case EHOSTUNREACH: /* a ROUTER's peer is gone */
        return HP_EAGAIN;
    case EINTR:
        return HP_EINTERRUPTED;
    case ENOMEM:
        return HP_ENOMEM;
    case ETERM:
        return HP_EUNAVAILABLE;
    default:
        return HP_EIO;
    }
}

/** Sends one message of n parts: all of it or nothing. */
static hp_status send_parts(void *zmq, const void *const *parts, const size_t *lens, size_t n)
{
    for (size_t i = 0; i < n; ++i) {
        if (lens[i] > HP_BUS_MAX_MESSAGE) {
            return HP_EINVAL;
        }
    }
    for (size_t i = 0; i < n; ++i) {
        /* The first part is where a full queue or a missing peer shows; the others follow it. */
        const int more = i + 1 < n ? ZMQ_SNDMORE : 0;
        if (zmq_send(zmq, parts[i], lens[i], ZMQ_DONTWAIT | more) < 0) {
            return status_of_errno();
        }
    }
    return HP_OK;
}

hp_status hp_socket_send(hp_socket *socket, const void *data, size_t len)
{
    assert(socket->kind == HP_SOCKET_DEALER || socket->kind == HP_SOCKET_PUB);
    if (socket->direct != NULL) {
        return hp_direct_send(socket->direct, NULL, data, len);
    }
    return send_parts(socket->zmq, &data, &len, 1);
}

hp_status hp_socket_send_to(hp_socket *socket, const hp_peer *peer, const void *data, size_t len)
{
    assert(socket->kind == HP_SOCKET_ROUTER && peer->len <= HP_BUS_MAX_IDENTITY);
    if (socket->direct != NULL) {
        return hp_direct_send(socket->direct, peer, data, len);
    }
    const void *const parts[] = {peer->id, data};
    const size_t lens[] = {peer->len, len};
    return send_parts(socket->zmq, parts, lens, 2);
}

hp_status hp_socket_publish(hp_socket *socket, const char *topic, const void *data, size_t len,
                            int64_t stamp_ns)
{
    assert(socket->kind == HP_SOCKET_PUB);
    const uint64_t size_ns = stamp_ns < 0 ? 0 - (uint64_t)stamp_ns : (uint64_t)stamp_ns;
    const uint64_t second_ns = UINT64_C(1000000000);
    char seconds[32];
    const int n = snprintf(seconds, sizeof seconds, "%s%llu.%09llu", stamp_ns < 0 ? "-" : "",
                           (unsigned long long)(size_ns / second_ns),
                           (unsigned long long)(size_ns % second_ns));
    const void *const parts[] = {topic, data, seconds};
    const size_t lens[] = {strlen(topic), len, (size_t)n};
    return send_parts(socket->zmq, parts, lens, 3);
}

/* ---- Receiving ---- */

static bool part_has_more(const zmq_msg_t *part)
{
    return zmq_msg_more(part) != 0;
}

/** Receives the next part into *part, closing what it held. */
static hp_status next_part(void *zmq, zmq_msg_t *part)
{
    return zmq_msg_recv(part, zmq, ZMQ_DONTWAIT) >= 0 ? HP_OK : status_of_errno();
}

/** Throws away what is left of the message whose part was last received. */
static void drain(void *zmq, zmq_msg_t *part)
{
    while (part_has_more(part) && next_part(zmq, part) == HP_OK) {
    }
}

static hp_status copy_part(zmq_msg_t *part, void *data, size_t cap, size_t *len)
{
    *len = zmq_msg_size(part);
    if (*len > cap) {
        return HP_EFULL;
    }
    if (*len > 0) {
        memcpy(data, zmq_msg_data(part), *len);
    }
    return HP_OK;
}

/** A ROUTER's message starts with the sender's name. */
static hp_status receive_peer(void *zmq, zmq_msg_t *part, hp_peer *peer)
{
    hp_peer name = {.len = 0};
    if (copy_part(part, name.id, sizeof name.id, &name.len) != HP_OK || !part_has_more(part)) {
        return HP_EWIRE;
    }
    if (peer != NULL) {
        *peer = name;
    }
    return next_part(zmq, part);
}

/** Goes on to the newest message. ZMQ_CONFLATE alone is not enough: a poll takes a message out of
 *  the queue, and that one would come first however old it has become. */
static void skip_to_newest(void *zmq, zmq_msg_t *part)
{
    zmq_msg_t newer;
    (void)zmq_msg_init(&newer);
    for (int i = 0; i < QUEUE_TOPICS && next_part(zmq, &newer) == HP_OK; ++i) {
        (void)zmq_msg_move(part, &newer);
    }
    (void)zmq_msg_close(&newer);
}

hp_status hp_socket_receive(hp_socket *socket, void *data, size_t cap, size_t *len, hp_peer *peer)
{
    if (socket->direct != NULL) {
        return hp_direct_receive(socket->direct, data, cap, len, peer);
    }
    zmq_msg_t part;
    (void)zmq_msg_init(&part);
    *len = 0;
    hp_status status = next_part(socket->zmq, &part);
    if (status == HP_OK && socket->kind == HP_SOCKET_ROUTER) {
        status = receive_peer(socket->zmq, &part, peer);
    }
    if (status == HP_OK && socket->kind == HP_SOCKET_LATEST) {
        skip_to_newest(socket->zmq, &part);
    }
    if (status == HP_OK) {
        status = part_has_more(&part) ? HP_EWIRE : copy_part(&part, data, cap, len);
    }
    drain(socket->zmq, &part);
    (void)zmq_msg_close(&part);
    return status;
}

static hp_status copy_topic(zmq_msg_t *part, char *topic, size_t cap)
{
    size_t n = 0;
    if (cap == 0 || copy_part(part, topic, cap - 1, &n) != HP_OK || n == 0) {
        return HP_EWIRE;
    }
    topic[n] = '\0';
    for (size_t i = 0; i < n; ++i) {
        if (topic[i] < 0x20 || topic[i] > 0x7e) {
            return HP_EWIRE;
        }
    }
    return HP_OK;
}

hp_status hp_socket_receive_topic(hp_socket *socket, char *topic, size_t topic_cap, void *data,
                                  size_t cap, size_t *len)
{
    assert(socket->kind == HP_SOCKET_SUB);
    zmq_msg_t part;
    (void)zmq_msg_init(&part);
    *len = 0;
    hp_status status = next_part(socket->zmq, &part);
    if (status == HP_OK) {
        status = part_has_more(&part) ? copy_topic(&part, topic, topic_cap) : HP_EWIRE;
    }
    if (status == HP_OK) {
        status = next_part(socket->zmq, &part);
    }
    if (status == HP_OK) {
        status = part_has_more(&part) ? copy_part(&part, data, cap, len) : HP_EWIRE;
    }
    if (status == HP_OK) {
        status = next_part(socket->zmq, &part); /* the seconds, which the data carry too */
    }
    if (status == HP_OK && part_has_more(&part)) {
        status = HP_EWIRE;
    }
    drain(socket->zmq, &part);
    (void)zmq_msg_close(&part);
    return status;
}

bool hp_socket_connected(hp_socket *socket)
{
    if (socket->direct != NULL) {
        return hp_direct_connected(socket->direct);
    }
    /* ZMQ_IMMEDIATE: the queue to a server lives and dies with the connection. */
    int events = 0;
    size_t len = sizeof events;
    return zmq_getsockopt(socket->zmq, ZMQ_EVENTS, &events, &len) == 0 &&
           (events & ZMQ_POLLOUT) != 0;
}

void hp_socket_hold(hp_socket *socket, uint32_t watch_us)
{
    if (socket->direct != NULL) {
        hp_direct_hold(socket->direct, watch_us);
    }
}

void hp_socket_let_go(hp_socket *socket)
{
    if (socket->direct != NULL) {
        hp_direct_let_go(socket->direct);
    }
}

static int poll_any(hp_socket *const *sockets, bool *ready, size_t n, int timeout_ms)
{
    zmq_pollitem_t items[HP_BUS_MAX_SOCKETS];
    bool there = false;
    for (size_t i = 0; i < n; ++i) {
        items[i] = (zmq_pollitem_t){.socket = sockets[i]->zmq, .events = ZMQ_POLLIN};
        items[i].fd = sockets[i]->direct != NULL ? hp_direct_fd(sockets[i]->direct) : -1;
        ready[i] = sockets[i]->direct != NULL && hp_direct_leave(sockets[i]->direct);
        there = there || ready[i];
    }
    const int hit = zmq_poll(items, (int)n, there ? 0 : timeout_ms);
    for (size_t i = 0; i < n && hit > 0; ++i) {
        ready[i] = ready[i] || items[i].revents != 0;
    }
    return there && hit <= 0 ? 1 : hit;
}

hp_status hp_bus_poll(hp_socket *const *sockets, bool *ready, size_t n, int64_t timeout_ms)
{
    const int64_t limited_ms = timeout_ms < INT_MAX ? timeout_ms : INT_MAX;
    const int wait_ms = limited_ms < 0 ? -1 : (int)limited_ms;
    int hit = 0;
    if (n > HP_BUS_MAX_SOCKETS) {
        return HP_EINVAL;
    }
    for (size_t i = 0; i < n; ++i) {
        ready[i] = false;
    }
    if (n == 1 && sockets[0]->direct != NULL) { /* without the detour through libzmq */
        hit = hp_direct_wait(sockets[0]->direct, wait_ms);
        ready[0] = hit > 0;
    } else {
        hit = poll_any(sockets, ready, n, wait_ms);
    }
    if (hit < 0) {
        return status_of_errno();
    }
    return hit > 0 ? HP_OK : HP_EAGAIN;
}
