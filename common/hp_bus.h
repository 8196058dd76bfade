/** @file hp_bus.h Message passing over ZeroMQ: who speaks to whom, and within which bounds.
 *
 *  Patterns (ROUTER answers many DEALERs; PUB feeds many SUBs). A message is one envelope of bytes
 *  (proto/hp_codec.h); the tap alone has three parts, [topic][protobuf][decimal seconds].
 *  Endpoints come from a run directory ("ipc://DIR/NAME"), from an inproc name, or from tcp, which
 *  speaks CURVE only. "direct://DIR/NAME" goes around ZeroMQ, for requests that are too many for it
 *  (hp_direct.h): ROUTER and DEALER only.
 *
 *  Bounds: messages over HP_BUS_MAX_MESSAGE bytes cut the peer; queues are short; nothing blocks
 *  longer than asked; closing never lingers. ZMQ_HEARTBEAT_IVL stays unset (it aborts libzmq 4.3.4
 *  under load): health is told by our own messages.
 *  Ownership: sockets borrow their bus; close sockets first. Threads: a socket belongs to one
 *  thread, a bus may be shared. Allocation: libzmq's own; ours in open only. */
#ifndef HP_BUS_H
#define HP_BUS_H

#include "common/hp_log.h"
#include "common/hp_status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HP_BUS_MAX_MESSAGE ((size_t)512 * 1024) /* bytes */
#define HP_BUS_MAX_IDENTITY 32u                 /* bytes of a ROUTER's peer name */
#define HP_BUS_MAX_SOCKETS 8u                   /* in one hp_bus_poll */
#define HP_BUS_ENDPOINT 160u                    /* bytes that hold any endpoint */

/** Where the sockets of a process are: a directory, or tcp://HOST:PORT with a directory of keys. */
typedef struct hp_place {
    const char *sockets, *keys; /* keys: NULL where there is no tcp */
} hp_place;

typedef struct hp_bus hp_bus;
typedef struct hp_socket hp_socket;

typedef enum hp_socket_kind {
    HP_SOCKET_ROUTER, /* server: binds */
    HP_SOCKET_DEALER, /* client: connects */
    HP_SOCKET_PUB,    /* binds */
    HP_SOCKET_SUB,    /* connects, receives every topic */
    HP_SOCKET_LATEST, /* a SUB that keeps only the newest single-part message (ZMQ_CONFLATE) */
} hp_socket_kind;

/** Name of a peer of a ROUTER. */
typedef struct hp_peer {
    uint8_t id[HP_BUS_MAX_IDENTITY];
    size_t len;
} hp_peer;

/** The endpoint of a service below a base: ("ipc:///run/dir", "bridge") -> "ipc:///run/dir/bridge",
 *  ("inproc://tag", "tap") -> "inproc://tag/tap". Services are named in proto/topics.def.
 *  HP_EINVAL for another transport or an odd service name, HP_EFULL if buf is too short. */
HP_NODISCARD hp_status hp_endpoint(const char *base, const char *service, char *buf, size_t cap);

HP_NODISCARD hp_status hp_bus_create(hp_bus **out);
/** Shares another bus's context, for inproc between threads; destroy it before its parent. */
HP_NODISCARD hp_status hp_bus_share(hp_bus *parent, hp_bus **out);
void hp_bus_destroy(hp_bus **bus);

/** Lets the bus speak over tcp, which is refused without: with CURVE, by the keys in a directory
 *  (hp_keys.h), to those on their list. Who is turned away is logged, once a second at most. Copies
 *  the log; shared buses have it too. Once, before the first tcp socket. */
HP_NODISCARD hp_status hp_bus_secure(hp_bus *bus, const char *keys_dir, const hp_log *log,
                                     hp_error *error);

/** Takes the run directory for one instance of name: makes it 0700 if absent (its parent must
 * exist), refuses one that is a link, that others may write or that is not ours, and locks
 * DIR/NAME.lock (HP_EBUSY, *error names the holder's pid). *lock_fd is to be closed by the caller
 * at the end; the lock ends with the process anyhow. */
HP_NODISCARD hp_status hp_bus_lock_dir(const char *dir, const char *name, int *lock_fd,
                                       hp_error *error);

/** Opens a socket at endpoint ("ipc://PATH", "direct://PATH", "inproc://NAME", "tcp://HOST:PORT").
 *  A binding ipc or direct socket gets mode 0600 and takes over a dead socket file only: HP_EBUSY
 * for a live one, HP_EIO for any other file. HP_ECONFIG: an endpoint that is malformed, too long
 * (ipc paths end at 107 bytes), or tcp without hp_bus_secure. A connecting socket needs no server
 * yet and comes back after the server's restart. */
HP_NODISCARD hp_status hp_socket_open(hp_bus *bus, hp_socket_kind kind, const char *endpoint,
                                      hp_socket **out, hp_error *error);
void hp_socket_close(hp_socket **socket);
/** Whether others still find a binding ipc or direct socket at its path: HP_EBUSY if another file
 * is there, somebody else's; if there is none, or a dead one, it is bound again (*error tells).
 * HP_OK for all other sockets. Costs one lstat(2). */
HP_NODISCARD hp_status hp_socket_check(hp_socket *socket, hp_error *error);

/** DEALER, PUB: sends one part without waiting; HP_EAGAIN if the queue is full or nobody is there
 *  (a PUB drops for each subscriber that does not keep up, silently). HP_EINVAL over
 *  HP_BUS_MAX_MESSAGE. */
HP_NODISCARD hp_status hp_socket_send(hp_socket *socket, const void *data, size_t len);
/** ROUTER: the same to one peer; HP_EAGAIN also when the peer has vanished. */
HP_NODISCARD hp_status hp_socket_send_to(hp_socket *socket, const hp_peer *peer, const void *data,
                                         size_t len);
/** PUB: [topic][data][decimal seconds], what PlotJuggler's ZMQ subscriber reads. */
HP_NODISCARD hp_status hp_socket_publish(hp_socket *socket, const char *topic, const void *data,
                                         size_t len, int64_t stamp_ns);
/** Receives one message (LATEST: the newest) without waiting; HP_EAGAIN if there is none.
 *  What comes from a foreign program is bytes like any other: the codec tells. *len is its full
 * size; a message larger than cap is dropped with HP_EFULL, one of several parts or with an
 * overlong peer name with HP_EWIRE. peer is filled for a ROUTER and may be NULL otherwise. */
HP_NODISCARD hp_status hp_socket_receive(hp_socket *socket, void *data, size_t cap, size_t *len,
                                         hp_peer *peer);
/** SUB: receives one message of hp_socket_publish; topic is NUL-terminated. HP_EWIRE (dropped): not
 *  three parts, or a topic that is empty, unprintable or longer than topic_cap. */
HP_NODISCARD hp_status hp_socket_receive_topic(hp_socket *socket, char *topic, size_t topic_cap,
                                               void *data, size_t cap, size_t *len);

/** DEALER: a server is there and takes messages. False as soon as its process ends, and while it
 *  lets a full queue stand. Between threads (inproc) true as long as the server's socket is open.
 */
bool hp_socket_connected(hp_socket *socket);

/** DEALER, for many questions in a row: on a direct line both ends' threads stay where they are
 * put, until the caller lets go (or the line is down). Either on two processors, where they look
 * out for each other for watch_us and half of it before they sleep; or, with 0 or where that does
 * not do, on the caller's, as they take turns and waking somebody on another one takes longer than
 * most answers (hp_pair.h). The server's main thread must be the one that answers. Nothing on other
 * lines, between threads, or where the kernel refuses. */
void hp_socket_hold(hp_socket *socket, uint32_t watch_us);
void hp_socket_let_go(hp_socket *socket);

/** Waits until one of n sockets (at most HP_BUS_MAX_SOCKETS) is readable. ready[i] says which.
 *  HP_OK, HP_EAGAIN after timeout_ms (negative: no limit), HP_EINTERRUPTED on a signal. */
HP_NODISCARD hp_status hp_bus_poll(hp_socket *const *sockets, bool *ready, size_t n,
                                   int64_t timeout_ms);

#endif
