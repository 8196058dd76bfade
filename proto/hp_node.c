#include "proto/hp_node.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BAD_LETTERS = 64, COMPLAIN_EVERY_NS = 1000000000 };

hp_status hp_node_set_dir(hp_node *node, const char *dir, hp_error *error)
{
    const int n = snprintf(node->endpoints, sizeof node->endpoints, "ipc://%s/", dir);
    if (n < 0 || (size_t)n >= sizeof node->endpoints) {
        return hp_fail(error, HP_EINVAL,
                       "'%s' is too long for sockets: a shorter directory of at most %zu bytes is "
                       "needed",
                       dir, sizeof node->endpoints - sizeof "ipc:///");
    }
    return HP_OK;
}

hp_status hp_node_open(const hp_node *node, hp_socket_kind kind, const char *link, hp_socket **out,
                       hp_error *error)
{
    char endpoint[HP_NODE_ENDPOINTS + HP_TEXT];
    (void)snprintf(endpoint, sizeof endpoint, "%s%s", node->endpoints, link);
    return hp_socket_open(node->bus, kind, endpoint, out, error);
}

void hp_node_hello(const hp_node *node, bool has_model, hp_hello *hello)
{
    *hello = (hp_hello){.generation = node->generation, .has_model = has_model};
    (void)snprintf(hello->role, sizeof hello->role, "%s", hp_role_name(node->role));
    (void)snprintf(hello->version, sizeof hello->version, "%s", HYPLAN_VERSION);
}

hp_status hp_mail_create(const hp_node *node, hp_mail *mail)
{
    *mail = (hp_mail){.node = node};
    mail->bytes = malloc(HP_BUS_MAX_MESSAGE);
    mail->in = calloc(1, sizeof *mail->in);
    if (mail->bytes == NULL || mail->in == NULL || hp_codec_create(&mail->codec) != HP_OK) {
        hp_mail_destroy(mail);
        return HP_ENOMEM;
    }
    mail->health.generation = node->generation;
    (void)snprintf(mail->health.role, sizeof mail->health.role, "%s", hp_role_name(node->role));
    return HP_OK;
}

void hp_mail_destroy(hp_mail *mail)
{
    hp_codec_destroy(&mail->codec);
    free(mail->bytes);
    free(mail->in);
    *mail = (hp_mail){0};
}

uint64_t hp_mail_next_sequence(hp_mail *mail)
{
    mail->sequence++;
    return mail->sequence;
}

/** Encodes into mail->bytes, with the sender's part of the envelope filled in. */
static hp_status encode(hp_mail *mail, const hp_envelope *envelope, const void *message,
                        size_t *len)
{
    hp_envelope full = *envelope;
    full.sender = mail->node->role;
    full.generation = mail->node->generation;
    full.monotonic_ns = hp_clock_now_ns(mail->node->clock);
    return hp_encode(mail->codec, &full, message, mail->bytes, HP_BUS_MAX_MESSAGE, len);
}

hp_status hp_mail_send(hp_mail *mail, hp_socket *socket, const hp_peer *peer,
                       const hp_envelope *envelope, const void *message)
{
    size_t len = 0;
    const hp_status st = encode(mail, envelope, message, &len);
    if (st != HP_OK) {
        hp_log_error(mail->node->log, "cannot encode %s: %s", hp_msg_name(envelope->type),
                     hp_status_text(st));
        return st;
    }
    return peer != NULL ? hp_socket_send_to(socket, peer, mail->bytes, len)
                        : hp_socket_send(socket, mail->bytes, len);
}

/** Counts a refused letter and says so, once a second at most. */
static void refuse(hp_mail *mail, const char *why)
{
    const int64_t now_ns = hp_clock_now_ns(mail->node->clock);
    mail->health.refused++;
    mail->unlogged++;
    if (mail->health.refused == 1 || now_ns - mail->complained_ns >= COMPLAIN_EVERY_NS) {
        hp_log_warn(mail->node->log, "refused %" PRIu64 " message(s), the last one: %s",
                    mail->unlogged, why);
        mail->complained_ns = now_ns;
        mail->unlogged = 0;
    }
}

hp_status hp_mail_receive(hp_mail *mail, hp_socket *socket, hp_peer *peer)
{
    for (int bad = 0; bad < MAX_BAD_LETTERS; bad++) {
        size_t len = 0;
        hp_error why = {{0}};
        hp_status st = hp_socket_receive(socket, mail->bytes, HP_BUS_MAX_MESSAGE, &len, peer);
        if (st == HP_OK) {
            st = hp_decode(mail->codec, mail->bytes, len, &mail->envelope, mail->in, &why);
            if (st == HP_OK) {
                return HP_OK;
            }
        } else if (st != HP_EFULL && st != HP_EWIRE) {
            return st; /* nothing there, or the socket is gone */
        }
        refuse(mail, why.text[0] != '\0' ? why.text : hp_status_text(st));
    }
    return HP_EAGAIN;
}

void hp_mail_publish(hp_mail *mail, hp_socket *socket, hp_msg_type type, const void *message,
                     uint64_t tick, int64_t stamp_ns)
{
    size_t len = 0;
    size_t payload_len = 0;
    const hp_envelope envelope = {.type = type, .tick = tick};
    if (encode(mail, &envelope, message, &len) == HP_OK) {
        const void *payload = hp_payload(mail->bytes, len, &payload_len);
        if (payload != NULL) {
            (void)!hp_socket_publish(socket, hp_msg_name(type), payload, payload_len, stamp_ns);
        }
    }
}
