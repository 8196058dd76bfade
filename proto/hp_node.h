/** @file hp_node.h What every node of the bus has in common: who it is, where its links are, and
 * how it sends and receives whole messages.
 *
 *  Received bytes that do not decode are counted in the node's health, logged once a second at
 * most, and disturb nothing else. Ownership: a node borrows bus, clock and log; a mail owns its
 * buffers and borrows its node. Threads: one node, one thread. Allocation: in create and open only.
 */
#ifndef HP_NODE_H
#define HP_NODE_H

#include "common/hp_bus.h"
#include "common/hp_clock.h"
#include "common/hp_log.h"
#include "proto/hp_codec.h"

/** The links: each is one endpoint, bound by the part that it is named after. */
#define HP_LINK_BRIDGE "bridge"       /* ROUTER: hello, world, frames (synchronous), commands */
#define HP_LINK_STATE "state"         /* PUB of the bridge: frames (real time) */
#define HP_LINK_PREDICTOR "predictor" /* ROUTER */
#define HP_LINK_POLICY "policy"       /* ROUTER */
#define HP_LINK_POMDP "pomdp"         /* ROUTER */
/* policy's, too, around ZeroMQ: between processes that share a directory */
#define HP_LINK_POLICY_DIRECT "policy-direct"
#define HP_LINK_TAP "tap" /* PUB of the planner, for onlookers */

typedef struct hp_node {
    hp_bus *bus;
    char base[HP_BUS_ENDPOINT]; /* "ipc:///run/x", "inproc://x" or "tcp://HOST:PORT": see
                                   hp_link_endpoint */
    hp_role role;
    uint32_t generation; /* 1, 2, ...: restarts of this role */
    const hp_clock *clock;
    const hp_log *log;
} hp_node;

/** A node that is a program of its own, or a thread: with its bus, its clock and its log. */
typedef struct hp_host {
    hp_bus *bus;
    hp_clock clock;
    hp_log log;
    hp_node node; /* borrows the above: a host must not be copied or moved */
} hp_host;

/** A process: sockets at a place, log on stream. One that holds keys leaves no core dump. */
HP_NODISCARD hp_status hp_host_open(hp_host *host, hp_role role, uint32_t generation,
                                    const hp_place *place, FILE *log, hp_error *error);
/** A thread: shares parent's bus; base as in hp_node. */
HP_NODISCARD hp_status hp_host_share(hp_host *host, hp_role role, hp_bus *parent, const char *base,
                                     FILE *log, hp_error *error);
void hp_host_close(hp_host *host); /* a zeroed host is fine */

/** The endpoint of a link below a base: a name below "ipc://DIR" or "inproc://TAG", a port from
 *  "tcp://HOST:PORT" on, in the order in which the links stand above. HP_EINVAL for another base,
 *  and for a direct link below anything but "ipc://DIR".
 */
HP_NODISCARD hp_status hp_link_endpoint(const char *base, const char *link, char *buf, size_t cap);
/** Whether a link can be where this node's are: all but direct ones always can. */
bool hp_node_has(const hp_node *node, const char *link);
/** Opens a link of this node. */
HP_NODISCARD hp_status hp_node_open(const hp_node *node, hp_socket_kind kind, const char *link,
                                    hp_socket **out, hp_error *error);
/** Fills the node's introduction. */
void hp_node_hello(const hp_node *node, bool has_model, hp_hello *hello);

/** Letters in and out of one node: codec, buffers, counters. */
typedef struct hp_mail {
    const hp_node *node;
    hp_codec *codec;
    unsigned char *bytes;  /* HP_BUS_MAX_MESSAGE: the letter that is being sent or read */
    hp_message *in;        /* the last letter received */
    hp_envelope envelope;  /* and its envelope */
    uint64_t sequence;     /* of the last letter begun here */
    hp_health health;      /* of this node: requests, refused, late, fallbacks */
    int64_t complained_ns; /* when a refusal was last logged */
    uint64_t unlogged;     /* refusals since then */
    int64_t watched_ns;    /* when the node's endpoints were last looked at */
    bool taken;            /* one of them was somebody else's then */
} hp_mail;

HP_NODISCARD hp_status hp_mail_create(const hp_node *node, hp_mail *mail);
void hp_mail_destroy(hp_mail *mail); /* a zeroed mail is fine */
uint64_t hp_mail_next_sequence(hp_mail *mail);
/** Sends to peer (ROUTER) or, with NULL, down the socket. HP_EAGAIN: nobody takes it. */
HP_NODISCARD hp_status hp_mail_send(hp_mail *mail, hp_socket *socket, const hp_peer *peer,
                                    const hp_envelope *envelope, const void *message);
/** Receives the next good letter into mail->in and mail->envelope without waiting; HP_EAGAIN if
 * there is none. At most 64 bad ones are passed over per call, so that nobody can hold a node up.
 */
HP_NODISCARD hp_status hp_mail_receive(hp_mail *mail, hp_socket *socket, hp_peer *peer);
/** Looks once a second whether others still find the sockets that this node binds; complains in log
 * and health if not, and binds again what has vanished. To be called now and then. */
void hp_mail_watch(hp_mail *mail, hp_socket *const *sockets, size_t n);
/** Publishes on the tap; loss is no error there. */
void hp_mail_publish(hp_mail *mail, hp_socket *socket, hp_msg_type type, const void *message,
                     uint64_t tick, int64_t stamp_ns);

#endif
