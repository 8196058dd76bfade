/* A session: connecting, the episode, its time. Its actors: carla_client_actors.c. */
#include "sim-bridge/carla/carla_client_internal.h"

#include "common/hp_geom.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REOPENINGS = 6, PAUSE_MS = 100, PAUSE_MAX_MS = 2000 };

#define REOPENED_S 1.0 /* patience for the first snapshot of a stream that was opened again */

carla_version carla_client_version(const carla_client *client)
{
    return client->version;
}

uint64_t carla_client_episode(const carla_client *client)
{
    return client->episode;
}

/* ---- Connecting ---- */

static hp_status learn_version(carla_client *c, hp_error *error)
{
    const msgpack_object *value = NULL;
    carla_text text = {"", 0};
    (void)carla_rpc_begin(c->rpc, "version", true, 0);
    const hp_status st = carla_rpc_end(c->rpc, c->endpoint.timeout_s, &value, error);
    if (st != HP_OK) {
        return st;
    }
    if (!carla_get_text(value, &text)) {
        return hp_fail(error, HP_EWIRE, "version: CARLA's answer is no text");
    }
    return carla_version_parse(text.p, text.len, &c->version, error);
}

static hp_status learn_episode(carla_client *c, carla_token *token, hp_error *error)
{
    const msgpack_object *value = NULL;
    carla_episode_info info = {0};
    (void)carla_rpc_begin(c->rpc, "get_episode_info", true, 0);
    hp_status st = carla_rpc_end(c->rpc, c->endpoint.timeout_s, &value, error);
    if (st == HP_OK) {
        st = carla_unpack(value, CARLA_EPISODE_INFO, &info, error);
    }
    if (st == HP_OK) {
        c->episode = info.id;
        st = carla_token_read(info.token.token, info.token.n_token, token, error);
    }
    return st;
}

/** One try: a connection, and a server that tells its version and its episode over it. One that has
 *  just been started tells its version long before it has an episode. */
static hp_status try_connect(carla_client *c, carla_token *token, hp_error *error)
{
    hp_status st =
        carla_rpc_open(c->host, c->endpoint.port, c->clock, c->endpoint.timeout_s, &c->rpc, error);
    if (st == HP_OK) {
        st = learn_version(c, error);
    }
    if (st == HP_OK) {
        st = learn_episode(c, token, error);
    }
    if (st != HP_OK) {
        carla_rpc_close(&c->rpc);
    }
    return st;
}

/** Tries again as long as it may, with growing pauses: the server may be starting. */
static hp_status connect_patiently(carla_client *c, carla_token *token, hp_error *error)
{
    const int64_t give_up_ns = hp_clock_now_ns(c->clock) + (int64_t)(c->endpoint.connect_s * 1e9);
    const hp_log *log = c->endpoint.log;
    int64_t pause_ms = PAUSE_MS;
    for (uint32_t tries = 1;; ++tries) {
        const hp_status st = try_connect(c, token, error);
        const int64_t next_ns = hp_clock_now_ns(c->clock) + pause_ms * 1000000;
        const bool again = st == HP_EUNAVAILABLE || st == HP_EDEADLINE || st == HP_EIO;
        if (st == HP_OK && tries > 1 && log != NULL) {
            hp_log_info(log, "CARLA at %s:%u: answers, at try %u", c->host, c->endpoint.port,
                        tries);
        }
        if (!again || next_ns > give_up_ns) {
            return st;
        }
        if (tries == 1 && log != NULL) { /* an error comes to the user's eyes at once */
            hp_log_error(log, "CARLA at %s:%u: %.300s; trying again for %g s", c->host,
                         c->endpoint.port, error->text, c->endpoint.connect_s);
        }
        if (!hp_clock_sleep_until_ns(next_ns)) {
            return hp_fail(error, HP_EINTERRUPTED,
                           "interrupted before the server could be reached");
        }
        pause_ms = pause_ms * 2 > PAUSE_MAX_MS ? PAUSE_MAX_MS : pause_ms * 2;
    }
}

/** From 0.9.14 on a stream is asked for before it is opened. */
static hp_status refresh_token(carla_client *c, carla_token *token, hp_error *error)
{
    const msgpack_object *value = NULL;
    carla_token_bytes bytes = {0};
    if (c->version < CARLA_0_9_14) {
        return HP_OK;
    }
    msgpack_packer *args = carla_rpc_begin(c->rpc, "get_sensor_token", true, 1);
    (void)msgpack_pack_uint32(args, token->stream);
    hp_status st = carla_rpc_end(c->rpc, c->endpoint.timeout_s, &value, error);
    if (st == HP_OK) {
        st = carla_unpack(value, CARLA_TOKEN, &bytes, error);
    }
    return st == HP_OK ? carla_token_read(bytes.token, bytes.n_token, token, error) : st;
}

hp_status carla_client_stream(carla_client *c, carla_token *token, carla_stream **out,
                              hp_error *error)
{
    const hp_status st = refresh_token(c, token, error);
    return st == HP_OK
               ? carla_stream_open(c->host, token, c->clock, c->endpoint.timeout_s, out, error)
               : st;
}

hp_status carla_client_connect(const carla_endpoint *endpoint, const hp_clock *clock,
                               carla_client **out, hp_error *error)
{
    carla_token token = {0};
    carla_client *c = calloc(1, sizeof *c);
    *out = NULL;
    if (c == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory for a CARLA client");
    }
    c->clock = clock;
    c->endpoint = *endpoint;
    (void)snprintf(c->host, sizeof c->host, "%s", endpoint->host);
    hp_status st = connect_patiently(c, &token, error);
    if (st == HP_OK) {
        st = carla_client_stream(c, &token, &c->world, error);
    }
    if (st != HP_OK) {
        const hp_error inner = *error;
        st = hp_fail(error, st, "CARLA at %s:%u: %.300s", c->host, endpoint->port, inner.text);
        carla_client_close(&c);
    }
    *out = c;
    return st;
}

void carla_client_close(carla_client **client)
{
    if (*client != NULL) {
        carla_stream_close(&(*client)->world);
        carla_rpc_close(&(*client)->rpc);
        free(*client);
        *client = NULL;
    }
}

/* ---- The episode ---- */

hp_status carla_client_settings(carla_client *client, carla_settings *out, hp_error *error)
{
    const msgpack_object *value = NULL;
    *out = (carla_settings){.max_substep_s = 0.01, .max_substeps = 10};
    (void)carla_rpc_begin(client->rpc, "get_episode_settings", true, 0);
    const hp_status st = carla_rpc_end(client->rpc, client->endpoint.timeout_s, &value, error);
    return st == HP_OK ? carla_unpack(value, CARLA_SETTINGS, out, error) : st;
}

hp_status carla_client_set(carla_client *client, const carla_settings *settings, hp_error *error)
{
    const msgpack_object *value = NULL;
    msgpack_packer *args = carla_rpc_begin(client->rpc, "set_episode_settings", true, 1);
    carla_pack(args, CARLA_SETTINGS, settings, client->version);
    return carla_rpc_end(client->rpc, client->endpoint.timeout_s, &value, error);
}

hp_status carla_client_ask_episode(carla_client *client, uint64_t *now, hp_error *error)
{
    carla_token token;
    const uint64_t ours = client->episode;
    const hp_status st = learn_episode(client, &token, error);
    *now = client->episode;
    client->episode = ours;
    return st;
}

hp_status carla_client_map(carla_client *client, char *name, size_t cap, hp_error *error)
{
    const msgpack_object *value = NULL;
    carla_text text = {"", 0};
    char whole[256];
    (void)carla_rpc_begin(client->rpc, "get_map_info", true, 0);
    const hp_status st = carla_rpc_end(client->rpc, client->endpoint.timeout_s, &value, error);
    if (st != HP_OK) {
        return st;
    }
    if (!carla_get_text(carla_item(value, 0), &text)) {
        return hp_fail(error, HP_EWIRE, "get_map_info: the map has no name");
    }
    carla_text_copy(text, whole, sizeof whole);
    const char *slash = strrchr(whole, '/');
    (void)snprintf(name, cap, "%s", slash != NULL ? slash + 1 : whole);
    return HP_OK;
}

hp_status carla_client_load(carla_client *client, const char *map, hp_error *error)
{
    const uint64_t before = client->episode;
    const double patience_s = 6.0 * client->endpoint.timeout_s; /* towns take their time */
    const int64_t give_up_ns = hp_clock_now_ns(client->clock) + (int64_t)(patience_s * 1e9);
    msgpack_packer *args = carla_rpc_begin(client->rpc, "load_new_episode", true, 3);
    carla_pack_text(args, map);
    (void)msgpack_pack_true(args);
    (void)msgpack_pack_uint32(args, 0xffff);
    hp_status st = carla_rpc_end_void(client->rpc, patience_s, error);
    while (st == HP_OK && client->episode == before) {
        carla_snapshot snapshot;
        hp_error inner = {{0}};
        const hp_status got = carla_client_wait(client, &snapshot, &inner);
        if (client->episode != before) {
            break; /* the stream was opened again, which has told */
        }
        if (got == HP_ENOENT) {
            client->episode = snapshot.episode;
        } else if (got == HP_EINTERRUPTED || hp_clock_now_ns(client->clock) > give_up_ns) {
            st = hp_fail(error, got == HP_OK ? HP_EDEADLINE : got, "loading map %s: %.300s", map,
                         got == HP_OK ? "the server goes on in the old one" : inner.text);
        }
    }
    return st;
}

hp_status carla_client_map_text(carla_client *client, carla_text *out, hp_error *error)
{
    const msgpack_object *value = NULL;
    (void)carla_rpc_begin(client->rpc, "get_map_data", true, 0);
    const hp_status st = carla_rpc_end(client->rpc, client->endpoint.timeout_s, &value, error);
    if (st == HP_OK && !carla_get_text(value, out)) {
        return hp_fail(error, HP_EWIRE, "get_map_data: the map is no text");
    }
    return st;
}

hp_status carla_client_record(carla_client *client, const char *name, hp_error *error)
{
    const msgpack_object *value = NULL;
    carla_text path = {"", 0};
    if (name == NULL) {
        (void)carla_rpc_begin(client->rpc, "stop_recorder", false, 0);
        return carla_rpc_end_queued(client->rpc, client->endpoint.timeout_s, error);
    }
    msgpack_packer *args = carla_rpc_begin(client->rpc, "start_recorder", true, 2);
    carla_pack_text(args, name);
    (void)msgpack_pack_true(args);
    const hp_status st = carla_rpc_end(client->rpc, client->endpoint.timeout_s, &value, error);
    if (st == HP_OK && (!carla_get_text(value, &path) || path.len == 0)) {
        return hp_fail(error, HP_EIO, "start_recorder: the server cannot write %s", name);
    }
    return st;
}

/* ---- Time ---- */

static hp_status next_snapshot(carla_client *c, double timeout_s, carla_snapshot *out,
                               hp_error *error)
{
    const uint8_t *payload = NULL;
    size_t len = 0;
    if (c->world == NULL) { /* it could not be opened again */
        return hp_fail(error, HP_EUNAVAILABLE, "the stream of snapshots is closed");
    }
    hp_status st = carla_stream_next(c->world, timeout_s, &payload, &len, error);
    if (st == HP_OK) {
        st = carla_snapshot_read(payload, len, c->version, out, error);
    }
    return st == HP_OK && out->episode != c->episode
               ? hp_fail(error, HP_ENOENT, "the episode has changed: somebody loaded another map")
               : st;
}

/** Opens the world's stream again, as servers may close it at any time. */
static hp_status reopen(carla_client *c, hp_error *error)
{
    const int64_t give_up_ns = hp_clock_now_ns(c->clock) + (int64_t)(c->endpoint.timeout_s * 1e9);
    int64_t pause_ms = PAUSE_MS;
    carla_stream_close(&c->world);
    for (;;) {
        carla_token token = {0};
        const uint64_t episode = c->episode;
        hp_status st = learn_episode(c, &token, error);
        if (st == HP_OK && c->episode != episode) {
            return hp_fail(error, HP_ENOENT,
                           "the episode has changed: somebody loaded another map");
        }
        if (st == HP_OK) {
            st = carla_client_stream(c, &token, &c->world, error);
        }
        const int64_t next_ns = hp_clock_now_ns(c->clock) + pause_ms * 1000000;
        if (st != HP_EUNAVAILABLE || next_ns > give_up_ns) {
            return st;
        }
        if (!hp_clock_sleep_until_ns(next_ns)) {
            return hp_fail(error, HP_EINTERRUPTED, "interrupted before the stream was open again");
        }
        pause_ms = pause_ms * 2 > PAUSE_MAX_MS ? PAUSE_MAX_MS : pause_ms * 2;
    }
}

hp_status carla_client_wait(carla_client *client, carla_snapshot *out, hp_error *error)
{
    hp_status st = next_snapshot(client, client->endpoint.timeout_s, out, error);
    for (int i = 0; st == HP_EUNAVAILABLE && i < REOPENINGS; ++i) {
        st = reopen(client, error);
        if (st == HP_OK) {
            st = next_snapshot(client, client->endpoint.timeout_s, out, error);
        }
    }
    return st;
}

hp_status carla_client_take(carla_client *client, carla_snapshot *out, hp_error *error)
{
    return next_snapshot(client, 0.0, out, error);
}

/** Asks for a frame. */
static hp_status cue(carla_client *client, uint64_t *frame, hp_error *error)
{
    const msgpack_object *value = NULL;
    (void)carla_rpc_begin(client->rpc, "tick_cue", true, 0);
    const hp_status st = carla_rpc_end(client->rpc, client->endpoint.timeout_s, &value, error);
    if (st == HP_OK && !carla_get_u64(value, frame)) {
        return hp_fail(error, HP_EWIRE, "tick_cue: CARLA's answer is no frame");
    }
    return st;
}

hp_status carla_client_tick(carla_client *client, carla_snapshot *out, hp_error *error)
{
    uint64_t frame = 0;
    uint32_t reopened = 0;
    double patience_s = client->endpoint.timeout_s;
    const int64_t most_ns = (int64_t)(patience_s * 1e9);
    hp_status st = cue(client, &frame, error);
    int64_t give_up_ns = hp_clock_now_ns(client->clock) + most_ns;
    while (st == HP_OK) {
        st = next_snapshot(client, patience_s, out, error);
        if (st == HP_OK && out->sensor.frame >= frame) {
            return HP_OK;
        }
        const bool lost = st == HP_EDEADLINE && reopened > 0; /* subscribed too late for it */
        if ((st == HP_EUNAVAILABLE || lost) && reopened < REOPENINGS) {
            reopened += 1;
            patience_s = hp_min(REOPENED_S, patience_s);
            st = lost ? HP_OK : reopen(client, error);
            if (st == HP_OK) { /* that frame's snapshot is lost */
                st = cue(client, &frame, error);
                give_up_ns = hp_clock_now_ns(client->clock) + most_ns;
            }
        } else if (st == HP_OK && hp_clock_now_ns(client->clock) > give_up_ns) {
            st =
                hp_fail(error, HP_EDEADLINE, "waited too long for frame %llu: only older ones come",
                        (unsigned long long)frame);
        }
    }
    return st;
}
