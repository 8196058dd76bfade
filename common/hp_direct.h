/** @file hp_direct.h A direct line between processes of one machine: whole messages through shared
 * memory that a Unix socket (SOCK_SEQPACKET) brings, rings for and watches over, or by the socket
 * itself; for questions that are asked thousands of times a second. For hp_bus.c, whose sockets
 * take it by the endpoint "direct://PATH".
 *
 *  A message over ZeroMQ wakes two threads of libzmq on its way; here the asker's send wakes the
 *  server, and nobody else. Nothing but hp_direct_wait waits. A line is down as soon as the other
 * side's process ends, which one who waits notices within some milliseconds; the next send calls
 * again. A server holds a fixed number of
 * lines: a new caller takes the place of one who has never said anything, else of whoever was
 * silent for longest. Ownership: create/destroy. Threads: one user. Allocation: in listen and
 * connect only. */
#ifndef HP_DIRECT_H
#define HP_DIRECT_H

#include "common/hp_bus.h"
#include "common/hp_bus_file.h"

typedef struct hp_direct hp_direct;

/** A server at the named file. */
HP_NODISCARD hp_status hp_direct_listen(const hp_bus_file *file, hp_direct **out, hp_error *error);
/** A client; the server need not be there yet. HP_ENOMEM. */
HP_NODISCARD hp_status hp_direct_connect(const hp_bus_file *file, hp_direct **out);
void hp_direct_close(hp_direct **direct);
/** As hp_socket_check. */
HP_NODISCARD hp_status hp_direct_check(hp_direct *direct, hp_error *error);

/** As hp_socket_send, and with a peer as hp_socket_send_to. */
HP_NODISCARD hp_status hp_direct_send(hp_direct *direct, const hp_peer *peer, const void *data,
                                      size_t len);
/** As hp_socket_receive. A message larger than cap also ends the line that it came by. */
HP_NODISCARD hp_status hp_direct_receive(hp_direct *direct, void *data, size_t cap, size_t *len,
                                         hp_peer *peer);
/** As hp_socket_hold and hp_socket_let_go. */
void hp_direct_hold(hp_direct *direct, uint32_t watch_us);
void hp_direct_let_go(hp_direct *direct);
bool hp_direct_connected(const hp_direct *direct);
/** Waits for input, as poll(2): 1, 0 after timeout_ms, or -1 and errno. */
int hp_direct_wait(hp_direct *direct, int timeout_ms);
/** Before its descriptor is polled among others. True: there is input already, which nothing will
 * ring for. */
bool hp_direct_leave(hp_direct *direct);
/** What to poll for input, among others; -1 while the line is down. */
int hp_direct_fd(const hp_direct *direct);

#endif
