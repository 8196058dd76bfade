/** @file hp_server.h A worker's front desk: one ROUTER, perhaps a direct line beside it, one kind
 * of request, plus Hello and Health. Requests are answered one after the other, in the order in
 * which they came: a client that sees a later letter answered knows that an earlier one is lost.
 *  Ownership: borrows node and handler's context. Threads: one server, one thread. Allocation: in
 *  create only. */
#ifndef HP_SERVER_H
#define HP_SERVER_H

#include "proto/hp_node.h"

typedef struct hp_server hp_server;

/** What a server answers. */
typedef struct hp_service {
    const char *link;   /* HP_LINK_... */
    const char *direct; /* another one, served where there can be one; NULL: none */
    hp_msg_type request, reply;
    bool has_model;
    const char *note; /* why it works with less than it would like; NULL: it does not */
    const char *kind; /* the note if there is nothing to complain about; NULL: none */
    /** Fills *reply from *request; both point to structs of the types above. */
    void (*answer)(void *ctx, const void *request, void *reply);
    void *ctx;
} hp_service;

HP_NODISCARD hp_status hp_server_create(const hp_node *node, const hp_service *service,
                                        hp_server **out, hp_error *error);
void hp_server_destroy(hp_server **server);
/** What its health says from now on about working with less than it would like; "" or NULL: it does
 * not. */
void hp_server_note(hp_server *server, const char *note);
/** Waits at most wait_ms for letters and answers all that are there. HP_OK also when none came;
 *  HP_EINTERRUPTED on a signal. */
HP_NODISCARD hp_status hp_server_step(hp_server *server, int64_t wait_ms);

#endif
