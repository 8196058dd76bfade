#include "sim-bridge/carla/carla_server.h"

#include "common/hp_rng.h"
#include "sim-bridge/carla/carla_bytes.h"
#include "sim-bridge/carla/carla_net.h"
#include "sim-bridge/carla/carla_server_internal.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    MAX_CLIENTS = 32,
    REQUEST_BYTES = 1 << 20,  /* a request is small; the largest is a batch */
    BACKLOG_BYTES = 32 << 20, /* a reader that is this far behind is dropped */
    MAX_CALLS = 256,          /* of one client in one step */
    PAYLOAD = CARLA_SENSOR_HEADER + CARLA_EPISODE_HEADER + CARLA_SIM_ACTORS * CARLA_ENTRY,
};

/** A connection: of the RPC, or a subscriber of a stream. */
typedef struct client {
    int fd; /* -1: free */
    bool streams;
    bool more;       /* there may be another call in the inbox */
    uint32_t stream; /* 0: has not said which yet */
    carla_inbox in;
    msgpack_sbuffer out;
    size_t sent; /* of out */
} client;

struct carla_server {
    const hp_clock *clock;
    carla_host host;
    int rpc_fd, stream_fd;
    client clients[MAX_CLIENTS];
    msgpack_sbuffer value; /* of the call under way */
    carla_doc doc;
    FILE *requests;            /* NULL: none are kept */
    int64_t start_ns, next_ns; /* without synchronous mode: when the next frame is due */
    uint8_t payload[4 + PAYLOAD];
};

void carla_server_config_default(carla_server_config *config)
{
    *config = (carla_server_config){.address = "127.0.0.1",
                                    .port = 2000,
                                    .version = CARLA_0_9_16,
                                    .map_name = "Town01",
                                    .steer_share = 1.0,
                                    .variable_step_s = 0.05};
}

static hp_status listen_both(carla_server *s, hp_error *error)
{
    carla_host *host = &s->host;
    host->stream_port = host->config.port == 0 ? 0 : (uint16_t)(host->config.port + 1);
    hp_status st = carla_net_listen(host->config.address, &host->config.port, &s->rpc_fd, error);
    if (st == HP_OK) {
        st = carla_net_listen(host->config.address, &host->stream_port, &s->stream_fd, error);
    }
    return st;
}

hp_status carla_server_create(const carla_server_config *config, const hp_clock *clock,
                              carla_server **out, hp_error *error)
{
    carla_server *s = calloc(1, sizeof *s);
    *out = NULL;
    if (s == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory for the server");
    }
    s->clock = clock;
    s->rpc_fd = s->stream_fd = -1;
    s->host.config = *config;
    (void)snprintf(s->host.map_name, sizeof s->host.map_name, "%s", config->map_name);
    s->host.settings = (carla_settings){.substepping = true,
                                        .max_substep_s = 0.01,
                                        .max_substeps = 10,
                                        .ragdolls = true,
                                        .tile_m = 3000.0F,
                                        .active_m = 2000.0F,
                                        .spectator_as_ego = true};
    s->host.frame = 100;
    s->start_ns = s->next_ns = hp_clock_now_ns(clock);
    s->host.episode = hp_mix64((uint64_t)s->start_ns);
    msgpack_sbuffer_init(&s->value);
    s->host.sim.vehicle = config->vehicle;
    s->host.sim.last_id = config->last_id;
    carla_sim_reset(&s->host.sim);
    for (int i = 0; i < MAX_CLIENTS; ++i) {
        s->clients[i].fd = -1;
    }
    hp_status st = listen_both(s, error);
    if (st == HP_OK && config->requests != NULL) {
        s->requests = fopen(config->requests, "w");
        st = s->requests != NULL
                 ? HP_OK
                 : hp_fail(error, HP_EIO, "%s: %s", config->requests, strerror(errno));
    }
    if (st != HP_OK) {
        carla_server_destroy(&s);
    }
    *out = s;
    return st;
}

static void drop(client *c)
{
    carla_net_close(&c->fd);
    carla_inbox_destroy(&c->in);
    msgpack_sbuffer_destroy(&c->out);
    *c = (client){.fd = -1};
}

void carla_server_destroy(carla_server **server)
{
    carla_server *s = *server;
    if (s == NULL) {
        return;
    }
    for (int i = 0; i < MAX_CLIENTS; ++i) {
        drop(&s->clients[i]);
    }
    carla_recorder_close(&s->host.recorder);
    if (s->requests != NULL) {
        (void)fclose(s->requests);
    }
    carla_net_close(&s->rpc_fd);
    carla_net_close(&s->stream_fd);
    msgpack_sbuffer_destroy(&s->value);
    carla_doc_clear(&s->doc);
    free(s);
    *server = NULL;
}

uint16_t carla_server_port(const carla_server *server)
{
    return server->host.config.port;
}

uint16_t carla_server_stream_port(const carla_server *server)
{
    return server->host.stream_port;
}

/* ---- Sending ---- */

static void flush(client *c)
{
    while (c->fd >= 0 && c->sent < c->out.size) {
        const ssize_t n =
            send(c->fd, c->out.data + c->sent, c->out.size - c->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0) {
            c->sent += (size_t)n;
        } else if (errno == EAGAIN || errno == EINTR) {
            break;
        } else {
            drop(c);
        }
    }
    if (c->fd >= 0 && c->sent == c->out.size) {
        msgpack_sbuffer_clear(&c->out);
        c->sent = 0;
    }
    if (c->fd >= 0 && c->out.size > BACKLOG_BYTES) {
        drop(c);
    }
}

/** Sends payload [4 + len] to the stream's readers; its first four bytes become the length. */
static void publish(carla_server *s, uint32_t stream, uint8_t *bytes, size_t len)
{
    carla_put_uint(bytes, len, 4);
    for (int i = 0; i < MAX_CLIENTS; ++i) {
        client *c = &s->clients[i];
        const bool behind = c->out.size > 0 && !s->host.settings.synchronous;
        if (c->fd >= 0 && c->streams && c->stream == stream && !behind) {
            (void)msgpack_sbuffer_write(&c->out, (const char *)bytes, len + 4);
            flush(c);
        }
    }
}

static carla_sensor_header header_of(const carla_host *host, uint64_t type)
{
    return (carla_sensor_header){.type = type, .frame = host->frame, .time_s = host->time_s};
}

static void publish_snapshot(carla_server *s)
{
    carla_host *host = &s->host;
    uint8_t *at = s->payload + 4;
    const carla_snapshot snapshot = {
        .sensor = header_of(host, carla_version_observer_type(host->config.version)),
        .episode = host->episode,
        .platform_s = (double)(hp_clock_now_ns(s->clock) - s->start_ns) * 1e-9,
        .delta_s = (float)host->delta_s,
        .state = host->map_changed ? CARLA_MAP_CHANGED : 0};
    host->map_changed = false;
    carla_snapshot_write(&snapshot, at);
    at += CARLA_SENSOR_HEADER + CARLA_EPISODE_HEADER;
    for (uint32_t i = 0; i < CARLA_SIM_ACTORS; ++i) {
        carla_entry entry;
        if (host->sim.actors[i].id != 0) {
            carla_sim_entry(&host->sim.actors[i], &entry);
            carla_entry_write(&entry, carla_sim_kind(&host->sim.actors[i]), at);
            at += CARLA_ENTRY;
        }
    }
    publish(s, CARLA_WORLD_STREAM, s->payload, (size_t)(at - s->payload) - 4);
}

static void publish_contact(carla_server *s, const carla_contact *contact)
{
    const carla_host *host = &s->host;
    const carla_sim_actor *sensor = &host->sim.actors[contact->sensor];
    const uint32_t two[] = {contact->self, contact->other};
    const carla_vec3 impulse = {0.0F, 0.0F, 0.0F}; /* nothing is pushed */
    uint8_t head[4 + CARLA_SENSOR_HEADER];
    msgpack_packer packer;
    carla_sensor_header header = header_of(host, 0);
    const carla_transform at = carla_sim_transform(sensor);
    header.location = at.location;
    header.rotation = at.rotation;
    carla_sensor_header_write(&header, head + 4);
    msgpack_sbuffer_clear(&s->value);
    (void)msgpack_sbuffer_write(&s->value, (const char *)head, sizeof head);
    msgpack_packer_init(&packer, &s->value, msgpack_sbuffer_write);
    (void)msgpack_pack_array(&packer, 3);
    for (int i = 0; i < 2; ++i) {
        carla_actor actor;
        carla_host_describe(host, &host->sim.actors[two[i]], &actor);
        carla_pack(&packer, CARLA_ACTOR, &actor, host->config.version);
    }
    carla_pack(&packer, CARLA_VEC3, &impulse, host->config.version);
    publish(s, sensor->stream, (uint8_t *)s->value.data, s->value.size - 4);
}

void carla_host_tick(carla_host *host)
{
    const carla_settings *settings = &host->settings;
    host->delta_s =
        settings->fixed_delta_s > 0.0 ? settings->fixed_delta_s : host->config.variable_step_s;
    host->frame += 1;
    host->time_s += host->delta_s;
    carla_sim_tick(&host->sim, host->delta_s);
    if (host->recorder != NULL) {
        carla_recorder_frame(host->recorder, &host->sim, host->time_s);
    }
    host->ticked = true;
}

/** Sends what the last frame gave, the snapshot first. */
static void publish_frame(carla_server *s)
{
    s->host.ticked = false;
    publish_snapshot(s);
    for (uint32_t i = 0; i < s->host.sim.n_contacts; ++i) {
        publish_contact(s, &s->host.sim.contacts[i]);
    }
    s->host.sim.n_contacts = 0;
}

/* ---- Answering ---- */

static void pack_failure(msgpack_packer *out, carla_wrapping wrap, const char *text)
{
    if (wrap == CARLA_WRAP_NONE) {
        (void)msgpack_pack_array(out, 0);
        return;
    }
    (void)msgpack_pack_array(out, 1);
    (void)msgpack_pack_array(out, 2);
    if (wrap == CARLA_WRAP_VOID) {
        (void)msgpack_pack_true(out);
    } else {
        (void)msgpack_pack_uint32(out, 0);
    }
    (void)msgpack_pack_array(out, 1);
    carla_pack_text(out, text);
}

static void pack_success(msgpack_packer *out, carla_wrapping wrap, const msgpack_sbuffer *value)
{
    if (wrap == CARLA_WRAP_VOID) {
        (void)msgpack_pack_array(out, 1);
        (void)msgpack_pack_array(out, 1);
        (void)msgpack_pack_false(out);
        return;
    }
    if (wrap == CARLA_WRAP_VALUE) {
        (void)msgpack_pack_array(out, 1);
        (void)msgpack_pack_array(out, 2);
        (void)msgpack_pack_uint32(out, 1);
    }
    (void)out->callback(out->data, value->data, value->size);
}

/** Runs one message; requests are answered, notifications are not. */
static void handle(carla_server *s, client *c, const msgpack_object *top)
{
    const bool request = carla_items(top) == 4;
    const msgpack_object *params = carla_item(top, request ? 3 : 2);
    carla_text name = {"", 0};
    uint32_t id = 0;
    bool queued = false;
    hp_error error = {{0}};
    msgpack_packer value;
    msgpack_packer out;
    if ((!request && carla_items(top) != 3) ||
        !carla_get_text(carla_item(top, request ? 2 : 1), &name) ||
        (request && !carla_get_u32(carla_item(top, 1), &id))) {
        return;
    }
    (void)carla_get_bool(carla_item(carla_item(params, 0), 0), &queued);
    msgpack_sbuffer_clear(&s->value);
    msgpack_packer_init(&value, &s->value, msgpack_sbuffer_write);
    const hp_status st = carla_method_run(&s->host, name, params, &value, &error);
    if (request) {
        const carla_wrapping wrap = carla_method_wrapping(name);
        msgpack_packer_init(&out, &c->out, msgpack_sbuffer_write);
        (void)msgpack_pack_array(&out, 4);
        (void)msgpack_pack_uint32(&out, 1);
        (void)msgpack_pack_uint32(&out, id);
        if (st == HP_EVERSION || st == HP_EWIRE) {
            carla_pack_text(&out, error.text);
            (void)msgpack_pack_nil(&out);
        } else {
            (void)msgpack_pack_nil(&out);
            if (queued) {
                pack_failure(&out, wrap, "unknown error");
            } else if (st != HP_OK) {
                pack_failure(&out, wrap, error.text);
            } else {
                pack_success(&out, wrap, &s->value);
            }
        }
    }
    if (s->host.ticked) {
        publish_frame(s);
    }
}

/* ---- Receiving ---- */

/** One line a message, so that those of two clients can be compared: its number is left out. */
static void keep_request(const carla_server *s, const uint8_t *bytes, size_t n)
{
    enum { NUMBER_AT = 2 };
    size_t skip = 0;
    if (s->requests == NULL) {
        return;
    }
    if (n > NUMBER_AT + 5 && bytes[0] == 0x94) {
        const uint8_t head = bytes[NUMBER_AT];
        skip = head == 0xcc ? 2 : (head == 0xcd ? 3 : (head == 0xce ? 5 : 1));
    }
    for (size_t i = 0; i < n; ++i) {
        if (i < NUMBER_AT || i >= NUMBER_AT + skip) {
            (void)fprintf(s->requests, "%02x", bytes[i]);
        } else if (i == NUMBER_AT) {
            (void)fputs("..", s->requests);
        }
    }
    (void)fputc('\n', s->requests);
    (void)fflush(s->requests);
}

static void read_rpc(carla_server *s, client *c)
{
    hp_error error;
    c->more = true;
    for (int i = 0; c->fd >= 0 && i < MAX_CALLS; ++i) {
        const uint8_t *head = c->in.bytes + c->in.begin;
        size_t used = 0;
        const hp_status st = carla_pack_scan(head, c->in.end - c->in.begin, &used, &error);
        if (st == HP_EAGAIN) {
            c->more = false;
            break;
        }
        if (st != HP_OK || carla_doc_read(&s->doc, head, used, &error) != HP_OK) {
            drop(c); /* where the next message begins is not known any more */
            return;
        }
        keep_request(s, head, used);
        handle(s, c, &s->doc.unpacked.data);
        carla_inbox_use(&c->in, used);
    }
    flush(c);
}

static bool stream_exists(const carla_server *s, uint32_t stream)
{
    for (uint32_t i = 0; i < CARLA_SIM_ACTORS; ++i) {
        if (s->host.sim.actors[i].id != 0 && s->host.sim.actors[i].stream == stream) {
            return true;
        }
    }
    return stream == CARLA_WORLD_STREAM;
}

static void read_stream(const carla_server *s, client *c)
{
    carla_reader r = {.p = c->in.bytes + c->in.begin, .len = c->in.end - c->in.begin};
    const uint32_t stream = carla_read_u32(&r);
    if (c->stream == 0 && !r.short_of) {
        c->stream = stream;
        if (stream == 0 || !stream_exists(s, stream)) {
            drop(c);
            return;
        }
    }
    if (c->stream != 0) {
        carla_inbox_use(&c->in, c->in.end - c->in.begin);
    }
}

static void read_client(carla_server *s, client *c)
{
    hp_error error;
    const hp_status st = carla_inbox_take(&c->in, c->fd, &error);
    if (st != HP_OK && st != HP_EAGAIN) {
        drop(c);
    } else if (c->streams) {
        read_stream(s, c);
    } else {
        read_rpc(s, c);
    }
}

static void admit(carla_server *s, int listener, bool streams)
{
    const int fd = accept(listener, NULL, NULL);
    for (int i = 0; i < MAX_CLIENTS && fd >= 0; ++i) {
        client *c = &s->clients[i];
        if (c->fd >= 0) {
            continue;
        }
        *c = (client){.fd = fd, .streams = streams};
        msgpack_sbuffer_init(&c->out);
        if (!carla_net_prepare(fd) ||
            carla_inbox_create(streams ? 64 : REQUEST_BYTES, &c->in) != HP_OK) {
            drop(c);
        }
        return;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
}

/* ---- The loop ---- */

/** Without synchronous mode the world goes on by the clock. */
static int until_frame_ms(const carla_server *s, int wait_ms)
{
    if (s->host.settings.synchronous) {
        return wait_ms;
    }
    const int64_t left = (s->next_ns - hp_clock_now_ns(s->clock) + 999999) / 1000000;
    return left <= 0 ? 0 : (left < wait_ms ? (int)left : wait_ms);
}

static void tick_by_clock(carla_server *s)
{
    const int64_t now = hp_clock_now_ns(s->clock);
    if (s->host.settings.synchronous || now < s->next_ns) {
        return;
    }
    carla_host_tick(&s->host);
    publish_frame(s);
    s->next_ns = now + (int64_t)(s->host.delta_s * 1e9);
}

hp_status carla_server_step(carla_server *server, int wait_ms, hp_error *error)
{
    struct pollfd polled[MAX_CLIENTS + 2];
    bool more = false;
    for (int i = 0; i < MAX_CLIENTS; ++i) {
        const client *c = &server->clients[i];
        const bool waiting = c->out.size > c->sent;
        polled[i] =
            (struct pollfd){.fd = c->fd, .events = (short)(POLLIN | (waiting ? POLLOUT : 0))};
        more = more || c->more;
    }
    polled[MAX_CLIENTS] = (struct pollfd){.fd = server->rpc_fd, .events = POLLIN};
    polled[MAX_CLIENTS + 1] = (struct pollfd){.fd = server->stream_fd, .events = POLLIN};
    const int n = poll(polled, MAX_CLIENTS + 2, more ? 0 : until_frame_ms(server, wait_ms));
    if (n < 0) {
        return errno == EINTR ? HP_EINTERRUPTED
                              : hp_fail(error, HP_EIO, "poll: %s", strerror(errno));
    }
    for (int i = 0; i < MAX_CLIENTS && (n > 0 || more); ++i) {
        client *c = &server->clients[i];
        if (c->fd >= 0 && (polled[i].revents & POLLOUT) != 0) {
            flush(c);
        }
        if (c->fd >= 0 && (c->more || (polled[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0)) {
            read_client(server, c);
        }
    }
    if ((polled[MAX_CLIENTS].revents & POLLIN) != 0) {
        admit(server, server->rpc_fd, false);
    }
    if ((polled[MAX_CLIENTS + 1].revents & POLLIN) != 0) {
        admit(server, server->stream_fd, true);
    }
    tick_by_clock(server);
    return HP_OK;
}
