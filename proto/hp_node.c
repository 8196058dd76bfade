#include "proto/hp_node.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#define TCP "tcp://"
#define IPC "ipc://"

enum { MAX_BAD_LETTERS = 64, COMPLAIN_EVERY_NS = 1000000000, WATCH_EVERY_NS = 500000000 };

/** Fills all but the bus; base is what prefix and place make together. */
static hp_status set_up(hp_host *host, const char *prefix, const char *place, FILE *log,
                        hp_error *error)
{
    host->clock = hp_clock_real();
    host->log = (hp_log){.program = hp_role_name(host->node.role), .out = log};
    host->node.bus = host->bus;
    host->node.clock = &host->clock;
    host->node.log = &host->log;
    const int n = snprintf(host->node.base, sizeof host->node.base, "%s%s", prefix, place);
    if (n < 0 || (size_t)n >= sizeof host->node.base) {
        hp_host_close(host);
        return hp_fail(error, HP_EINVAL, "'%s' is too long for sockets: use a shorter directory",
                       place);
    }
    return HP_OK;
}

/** Takes the keys and opens the bus for tcp. */
static hp_status unlock(hp_host *host, const hp_place *place, hp_error *error)
{
    if (place->keys == NULL) {
        return hp_fail(error, HP_ECONFIG,
                       "%s: tcp is for those with keys only; give --keys DIR (hyplan keys new DIR "
                       "makes them)",
                       place->sockets);
    }
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    const hp_status st = hp_bus_secure(host->bus, place->keys, &host->log, error);
    if (st != HP_OK) {
        hp_host_close(host);
    }
    return st;
}

hp_status hp_host_open(hp_host *host, hp_role role, uint32_t generation, const hp_place *place,
                       FILE *log, hp_error *error)
{
    const bool far = strncmp(place->sockets, TCP, strlen(TCP)) == 0;
    *host = (hp_host){.node = {.role = role, .generation = generation}};
    hp_status st = hp_bus_create(&host->bus);
    if (st != HP_OK) {
        return hp_fail(error, st, "cannot set up the bus");
    }
    st = set_up(host, far ? "" : IPC, place->sockets, log, error);
    return st == HP_OK && far ? unlock(host, place, error) : st;
}

hp_status hp_host_share(hp_host *host, hp_role role, hp_bus *parent, const char *base, FILE *log,
                        hp_error *error)
{
    *host = (hp_host){.node = {.role = role, .generation = 1}};
    const hp_status st = hp_bus_share(parent, &host->bus);
    return st == HP_OK ? set_up(host, "", base, log, error)
                       : hp_fail(error, st, "cannot share the bus");
}

void hp_host_close(hp_host *host)
{
    hp_bus_destroy(&host->bus);
}

/** HOST:PORT plus a link's number. */
static hp_status tcp_endpoint(const char *base, const char *link, char *buf, size_t cap)
{
    static const char *const PORTS[] = {HP_LINK_BRIDGE, HP_LINK_STATE, HP_LINK_PREDICTOR,
                                        HP_LINK_POLICY, HP_LINK_POMDP, HP_LINK_TAP};
    const char *colon = strrchr(base, ':');
    char *end = NULL;
    const unsigned long first =
        colon[1] >= '0' && colon[1] <= '9' ? strtoul(colon + 1, &end, 10) : 0;
    for (unsigned long i = 0; i < HP_ARRAY_LEN(PORTS); i++) {
        if (first > 0 && *end == '\0' && first + i <= UINT16_MAX && strcmp(link, PORTS[i]) == 0) {
            const int n = snprintf(buf, cap, "%.*s:%lu", (int)(colon - base), base, first + i);
            return n >= 0 && (size_t)n < cap ? HP_OK : HP_EFULL;
        }
    }
    return HP_EINVAL;
}

hp_status hp_link_endpoint(const char *base, const char *link, char *buf, size_t cap)
{
    char direct[HP_BUS_ENDPOINT];
    if (strcmp(link, HP_LINK_POLICY_DIRECT) == 0) {
        if (strncmp(base, IPC, strlen(IPC)) != 0) {
            return HP_EINVAL;
        }
        const int n = snprintf(direct, sizeof direct, "direct://%s", base + strlen(IPC));
        return n >= 0 && (size_t)n < sizeof direct ? hp_endpoint(direct, link, buf, cap) : HP_EFULL;
    }
    return strncmp(base, TCP, strlen(TCP)) == 0 ? tcp_endpoint(base, link, buf, cap)
                                                : hp_endpoint(base, link, buf, cap);
}

bool hp_node_has(const hp_node *node, const char *link)
{
    char endpoint[HP_BUS_ENDPOINT];
    return hp_link_endpoint(node->base, link, endpoint, sizeof endpoint) != HP_EINVAL;
}

hp_status hp_node_open(const hp_node *node, hp_socket_kind kind, const char *link, hp_socket **out,
                       hp_error *error)
{
    char endpoint[HP_BUS_ENDPOINT];
    const hp_status st = hp_link_endpoint(node->base, link, endpoint, sizeof endpoint);
    return st == HP_OK ? hp_socket_open(node->bus, kind, endpoint, out, error)
                       : hp_fail(error, st, "'%s' below '%s' is no endpoint", link, node->base);
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
        hp_error why = {{0}};
        const bool bad = hp_message_check(envelope->type, message, &why) != HP_OK;
        hp_log_error(mail->node->log, "cannot encode %s: %s", hp_msg_name(envelope->type),
                     bad ? why.text : hp_status_text(st));
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

void hp_mail_watch(hp_mail *mail, hp_socket *const *sockets, size_t n)
{
    const int64_t now_ns = hp_clock_now_ns(mail->node->clock);
    if (mail->watched_ns != 0 && now_ns - mail->watched_ns < WATCH_EVERY_NS) {
        return;
    }
    mail->watched_ns = now_ns;
    mail->taken = false;
    for (size_t i = 0; i < n; i++) {
        hp_error why = {{0}};
        const hp_status st = hp_socket_check(sockets[i], &why);
        if (st != HP_OK) {
            hp_log_error(mail->node->log, "our endpoint is taken: %s", why.text);
            mail->taken = true;
            mail->health.degraded = true;
            (void)snprintf(mail->health.note, sizeof mail->health.note, "its endpoint is taken");
        } else if (why.text[0] != '\0') {
            hp_log_warn(mail->node->log, "%s", why.text);
        }
    }
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
