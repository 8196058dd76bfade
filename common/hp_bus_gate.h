/** @file hp_bus_gate.h Who may come in by tcp: a bus's gatekeeper. It answers libzmq's question
 * about each key (ZAP, RFC 27) from the list of allowed ones, and logs who was turned away, by us
 * or by others. For hp_bus.c; everybody else calls hp_bus_secure.
 *
 *  Ownership: borrows the context, holds the keys, copies the log. Threads: its own, which touches
 * nothing else; it takes no signals. Allocation: in create and open only. */
#ifndef HP_BUS_GATE_H
#define HP_BUS_GATE_H

#include "common/hp_log.h"

#include <stdbool.h>

typedef struct hp_gate hp_gate;

HP_NODISCARD hp_status hp_gate_create(void *context, const char *keys_dir, const hp_log *log,
                                      hp_gate **out, hp_error *error);
/** To be called after the bus's sockets are closed, before its context ends. */
void hp_gate_destroy(hp_gate **gate);
/** Puts keys on a socket that is to be bound or connected by tcp, and watches over its
 *  handshakes. */
HP_NODISCARD hp_status hp_gate_secure(hp_gate *gate, void *zmq, bool binds);

#endif
