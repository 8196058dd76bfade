#include "proto/hp_server.h"

#include <stdlib.h>

enum {
    MAX_LETTERS = 64, /* per step: so that a flood cannot keep a node from its signals */
    DOORS = 2,
    NEXT_MS = 20,
};

struct hp_server {
    hp_service service;
    hp_mail mail;
    hp_socket *sockets[DOORS];
    size_t n_sockets;
    hp_message *reply;
    char kind[HP_TEXT]; /* the note while there is nothing to complain about */
};

static hp_status open_doors(hp_server *s, const hp_node *node, hp_error *error)
{
    const char *const links[DOORS] = {s->service.link, s->service.direct};
    hp_status st = HP_OK;
    for (size_t i = 0; i < DOORS && st == HP_OK; i++) {
        if (links[i] != NULL && (i == 0 || hp_node_has(node, links[i]))) {
            st = hp_node_open(node, HP_SOCKET_ROUTER, links[i], &s->sockets[s->n_sockets], error);
            s->n_sockets += st == HP_OK ? 1 : 0;
        }
    }
    return st;
}

hp_status hp_server_create(const hp_node *node, const hp_service *service, hp_server **out,
                           hp_error *error)
{
    hp_server *s = calloc(1, sizeof *s);
    *out = NULL;
    if (s == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory for the %s's server", service->link);
    }
    s->service = *service;
    s->service.note = s->service.kind = NULL; /* copied below, if at all */
    s->reply = calloc(1, sizeof *s->reply);
    hp_status st = s->reply != NULL ? hp_mail_create(node, &s->mail) : HP_ENOMEM;
    if (st != HP_OK) {
        st = hp_fail(error, st, "no memory for the %s's messages", service->link);
    } else {
        st = open_doors(s, node, error);
    }
    if (st != HP_OK) {
        hp_server_destroy(&s);
        return st;
    }
    (void)snprintf(s->kind, sizeof s->kind, "%s", service->kind != NULL ? service->kind : "");
    hp_server_note(s, service->note);
    *out = s;
    return HP_OK;
}

void hp_server_note(hp_server *server, const char *note)
{
    hp_health *health = &server->mail.health;
    health->degraded = note != NULL && note[0] != '\0';
    (void)snprintf(health->note, sizeof health->note, "%s", health->degraded ? note : server->kind);
}

void hp_server_destroy(hp_server **server)
{
    hp_server *s = *server;
    if (s != NULL) {
        while (s->n_sockets > 0) {
            hp_socket_close(&s->sockets[--s->n_sockets]);
        }
        hp_mail_destroy(&s->mail);
        free(s->reply);
        free(s);
        *server = NULL;
    }
}

/** Answers the letter in the mail; the reply repeats its sequence. */
static void answer(hp_server *s, hp_socket *socket, const hp_peer *peer)
{
    const hp_service *service = &s->service;
    hp_envelope envelope = {.sequence = s->mail.envelope.sequence, .tick = s->mail.envelope.tick};
    const void *reply = s->reply;
    if (s->mail.envelope.type == service->request) {
        envelope.type = service->reply;
        service->answer(service->ctx, s->mail.in, s->reply);
        s->mail.health.requests++;
    } else if (s->mail.envelope.type == HP_MSG_HELLO) {
        envelope.type = HP_MSG_HELLO;
        hp_node_hello(s->mail.node, service->has_model, &s->reply->as_hp_hello);
    } else if (s->mail.envelope.type == HP_MSG_HEALTH) {
        envelope.type = HP_MSG_HEALTH;
        reply = &s->mail.health;
    } else {
        s->mail.health.refused++;
        return;
    }
    if (hp_mail_send(&s->mail, socket, peer, &envelope, reply) != HP_OK) {
        s->mail.health.late++; /* the asker is gone or does not listen */
    }
}

/** Answers the letters at one door. Questions by a direct line come in rows, and whoever asks waits
 * for each answer: so the next one is waited for a moment, without a look at the other door. */
static hp_status serve(hp_server *s, size_t door)
{
    hp_socket *socket = s->sockets[door];
    hp_peer peer;
    bool ready = true;
    hp_status st = HP_OK;
    for (int n = 0; n < MAX_LETTERS && st == HP_OK; n++) {
        st = hp_mail_receive(&s->mail, socket, &peer);
        if (st == HP_OK) {
            answer(s, socket, &peer);
            st = door > 0 ? hp_bus_poll(&socket, &ready, 1, NEXT_MS) : HP_OK;
        }
    }
    return st;
}

hp_status hp_server_step(hp_server *server, int64_t wait_ms)
{
    bool ready[DOORS];
    hp_mail_watch(&server->mail, server->sockets, server->n_sockets);
    hp_status st = hp_bus_poll(server->sockets, ready, server->n_sockets, wait_ms);
    for (size_t i = 0; i < server->n_sockets && (st == HP_OK || st == HP_EAGAIN); i++) {
        st = ready[i] ? serve(server, i) : HP_EAGAIN;
    }
    return st == HP_EAGAIN ? HP_OK : st;
}
