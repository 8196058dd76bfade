#include "proto/hp_client.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { SLICE_MS = 20, PING_LOST_MS = 100, PING_BUSY_MS = 500, PING_IDLE_MS = 1000 };

struct hp_client {
    hp_mail *mail;
    hp_socket *socket;
    hp_client_info info;
    uint64_t request;  /* sequence that is waited for; 0: none */
    uint64_t ping;     /* sequence of the last ping; 0: none yet */
    int64_t pinged_ns; /* when */
    int64_t busy_ms;   /* time between pings of a worker that has a request: doubles each time */
    bool replied;      /* the reply to request lies in the mail */
    bool overtaken;    /* a ping sent after request was answered first */
    bool news;         /* its health came in */
    uint64_t heard;    /* sequence of the ping that it answered */
};

hp_status hp_client_create(hp_mail *mail, const char *link, hp_client **out, hp_error *error)
{
    hp_client *c = calloc(1, sizeof *c);
    *out = NULL;
    if (c == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory for the link to %s", link);
    }
    c->mail = mail;
    c->info.link = link;
    const hp_status st = hp_node_open(mail->node, HP_SOCKET_DEALER, link, &c->socket, error);
    if (st != HP_OK) {
        hp_client_destroy(&c);
        return st;
    }
    *out = c;
    return HP_OK;
}

void hp_client_destroy(hp_client **client)
{
    if (*client != NULL) {
        hp_socket_close(&(*client)->socket);
        free(*client);
        *client = NULL;
    }
}

static int64_t now_ns(const hp_client *c)
{
    return hp_clock_now_ns(c->mail->node->clock);
}

static void set_answering(hp_client *c, bool answering, const char *why)
{
    if (c->info.answering != answering) {
        c->info.answering = answering;
        c->info.lost += answering ? 0 : 1;
        if (answering) {
            hp_log_info(c->mail->node->log, "%s answers (generation %" PRIu32 ")", c->info.link,
                        c->info.generation);
        } else {
            hp_log_warn(c->mail->node->log, "%s is not waited for: %s", c->info.link, why);
        }
    }
}

/** Reads letters until the reply that is waited for lies in the mail, or none is left. */
static void drain(hp_client *c)
{
    const hp_envelope *e = &c->mail->envelope;
    while (!c->replied && hp_mail_receive(c->mail, c->socket, NULL) == HP_OK) {
        c->info.generation = e->generation;
        if (c->request != 0 && e->sequence == c->request) {
            c->replied = true;
        } else if (e->type == HP_MSG_HEALTH || e->type == HP_MSG_HELLO) {
            c->overtaken = c->overtaken || (c->request != 0 && e->sequence > c->request);
            if (e->type == HP_MSG_HEALTH) {
                c->info.health = c->mail->in->as_hp_health;
                c->news = true;
                c->heard = e->sequence;
            }
        } else {
            c->info.late++;
            c->mail->health.late++;
        }
        set_answering(c, true, "");
    }
}

/** Sends a ping of a type that the worker answers, not oftener than every_ms. */
static void ping(hp_client *c, hp_msg_type type, int64_t every_ms)
{
    const int64_t now = now_ns(c);
    if (c->ping != 0 && now - c->pinged_ns < every_ms * HP_MS_NS) {
        return;
    }
    hp_hello hello;
    hp_node_hello(c->mail->node, false, &hello);
    const hp_envelope envelope = {.type = type, .sequence = hp_mail_next_sequence(c->mail)};
    const void *letter =
        type == HP_MSG_HELLO ? (const void *)&hello : (const void *)&c->mail->health;
    c->ping = envelope.sequence;
    c->pinged_ns = now;
    (void)!hp_mail_send(c->mail, c->socket, NULL, &envelope, letter); /* lost: the next one tells */
}

hp_status hp_client_greet(hp_client *client, int64_t wait_ms)
{
    const int64_t until_ns = now_ns(client) + wait_ms * HP_MS_NS;
    while (!client->info.answering) {
        bool ready = false;
        ping(client, HP_MSG_HELLO, PING_LOST_MS);
        const hp_status st = hp_bus_poll(&client->socket, &ready, 1, SLICE_MS);
        if (st != HP_OK && st != HP_EAGAIN) {
            return st;
        }
        drain(client);
        if (!client->info.answering && now_ns(client) >= until_ns) {
            return HP_EUNAVAILABLE;
        }
    }
    return HP_OK;
}

/** One look at a worker that has a request. HP_EAGAIN: go on waiting. */
static hp_status wait_slice(hp_client *c, int64_t sent_ns, int64_t deadline_ns)
{
    bool ready = false;
    const int64_t left_ms = (deadline_ns - now_ns(c) + HP_MS_NS - 1) / HP_MS_NS;
    const int64_t wait_ms = left_ms < 0 ? 0 : (left_ms < SLICE_MS ? left_ms : SLICE_MS);
    const hp_status st = hp_bus_poll(&c->socket, &ready, 1, wait_ms);
    if (st != HP_OK && st != HP_EAGAIN) {
        return st; /* a signal means that the node is to end: it must not wait on */
    }
    drain(c);
    if (c->replied) {
        return HP_OK;
    }
    if (c->overtaken) {
        return HP_EUNAVAILABLE; /* it answers, but has no memory of the request */
    }
    if (!hp_socket_connected(c->socket)) {
        set_answering(c, false, "its link is down");
        return HP_EUNAVAILABLE;
    }
    if (now_ns(c) >= deadline_ns) {
        set_answering(c, false, "its reply did not come in time");
        return HP_EDEADLINE;
    }
    if (now_ns(c) - sent_ns > c->busy_ms * HP_MS_NS) {
        ping(c, HP_MSG_HEALTH, 0);
        c->busy_ms *= 2;
    }
    return HP_EAGAIN;
}

static hp_status exchange(hp_client *c, const hp_envelope *envelope, const void *request,
                          int64_t deadline_ns)
{
    hp_envelope e = *envelope;
    drain(c);
    if (!c->info.answering) {
        ping(c, HP_MSG_HEALTH, PING_LOST_MS);
        return HP_EUNAVAILABLE;
    }
    e.sequence = hp_mail_next_sequence(c->mail);
    hp_status st = hp_mail_send(c->mail, c->socket, NULL, &e, request);
    if (st == HP_EAGAIN) {
        set_answering(c, false, "its link takes no message");
        return HP_EUNAVAILABLE;
    }
    if (st != HP_OK) {
        return st;
    }
    c->request = e.sequence;
    c->overtaken = false;
    c->busy_ms = PING_BUSY_MS;
    const int64_t sent_ns = now_ns(c);
    st = HP_EAGAIN;
    while (st == HP_EAGAIN) {
        st = wait_slice(c, sent_ns, deadline_ns);
    }
    c->request = 0;
    c->replied = false;
    return st;
}

hp_status hp_client_call(hp_client *client, const hp_envelope *envelope, const void *request,
                         int64_t deadline_ns, hp_msg_type reply_type, void *reply)
{
    client->info.calls++;
    hp_status st = exchange(client, envelope, request, deadline_ns);
    if (st == HP_OK && client->mail->envelope.type != reply_type) {
        client->mail->health.refused++;
        st = HP_EWIRE;
    }
    if (st == HP_OK) {
        hp_msg_copy(reply_type, reply, client->mail->in);
    } else {
        client->info.failed++;
    }
    return st;
}

void hp_client_hold(hp_client *client, uint32_t watch_us)
{
    hp_socket_hold(client->socket, watch_us);
}

void hp_client_let_go(hp_client *client)
{
    hp_socket_let_go(client->socket);
}

bool hp_client_tend(hp_client *client)
{
    drain(client);
    ping(client, HP_MSG_HEALTH, client->info.answering ? PING_IDLE_MS : PING_LOST_MS);
    const bool news = client->news;
    client->news = false;
    return news;
}

void hp_client_refresh(hp_client *client, int64_t wait_ms)
{
    const int64_t until_ns = now_ns(client) + wait_ms * HP_MS_NS;
    hp_status st = HP_OK;
    drain(client);
    if (!client->info.answering) {
        return;
    }
    ping(client, HP_MSG_HEALTH, 0);
    while (client->heard != client->ping && now_ns(client) < until_ns &&
           (st == HP_OK || st == HP_EAGAIN)) {
        bool ready = false;
        st = hp_bus_poll(&client->socket, &ready, 1, SLICE_MS);
        drain(client);
    }
}

const hp_client_info *hp_client_get(const hp_client *client)
{
    return &client->info;
}
