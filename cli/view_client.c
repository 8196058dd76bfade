#include "cli/view_client.h"

#include "cli/recorder_file.h"
#include "proto/hp_schema.h"

#include <stdlib.h>
#include <string.h>

enum { DATA_HEAD = 13, STATUS_WARNING = 1 };

void view_client_init(view_client *c)
{
    memset(c, 0, sizeof *c);
}

void view_client_fini(view_client *c)
{
    while (view_client_next(c) != NULL) {
        view_client_sent(c);
    }
}

/* ---- The queue ---- */

static view_letter *at(view_client *c, size_t i)
{
    return &c->queue[(c->first + i) % VIEW_QUEUE];
}

view_letter *view_client_next(view_client *c)
{
    return c->n > 0 ? at(c, 0) : NULL;
}

void view_client_sent(view_client *c)
{
    view_letter *letter = at(c, 0);
    c->bytes -= letter->len;
    free(letter->bytes);
    *letter = (view_letter){0};
    c->first = (c->first + 1) % VIEW_QUEUE;
    c->n--;
}

/** Takes the oldest data off; false: there are texts only. */
static bool drop_oldest(view_client *c)
{
    for (size_t i = 0; i < c->n; i++) {
        if (!at(c, i)->text) {
            const view_letter gone = *at(c, i);
            for (size_t k = i; k > 0; k--) { /* what stood before it moves up */
                *at(c, k) = *at(c, k - 1);
            }
            *at(c, 0) = gone;
            view_client_sent(c);
            c->dropped++;
            return true;
        }
    }
    return false;
}

static void queue(view_client *c, uint8_t *bytes, size_t len, bool text)
{
    while (c->n == VIEW_QUEUE || c->bytes + len > VIEW_QUEUE_BYTES) {
        if (!drop_oldest(c)) {
            free(bytes);
            return;
        }
    }
    *at(c, c->n) = (view_letter){bytes, len, text};
    c->n++;
    c->bytes += len;
}

static void send_text(view_client *c, const json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);
    const size_t len = text != NULL ? strlen(text) : 0;
    uint8_t *bytes = text != NULL ? malloc(VIEW_ROOM + len) : NULL;
    if (bytes != NULL) {
        /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): frames carry their length */
        memcpy(bytes + VIEW_ROOM, text, len);
        queue(c, bytes, len, true);
    }
    free(text);
}

static void store(uint8_t *p, uint64_t value, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        p[i] = (uint8_t)(value >> (8 * i));
    }
}

void view_client_send_data(view_client *c, uint32_t channel, int64_t time_ns, const void *payload,
                           size_t len)
{
    if (channel >= VIEW_CHANNELS || !c->subscribed[channel]) {
        return;
    }
    uint8_t *bytes = malloc(VIEW_ROOM + DATA_HEAD + len);
    if (bytes == NULL) {
        c->dropped++;
        return;
    }
    bytes[VIEW_ROOM] = 1;
    store(bytes + VIEW_ROOM + 1, c->subscription[channel], 4);
    store(bytes + VIEW_ROOM + 5, (uint64_t)time_ns, 8);
    memcpy(bytes + VIEW_ROOM + DATA_HEAD, payload, len);
    queue(c, bytes, DATA_HEAD + len, false);
}

/* ---- What is said first ---- */

static json_t *base64_json(hp_schema_set set)
{
    static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *text = malloc(4 * ((set.len + 2) / 3) + 1);
    size_t n = 0;
    if (text == NULL) {
        return json_null();
    }
    for (size_t i = 0; i < set.len; i += 3) {
        const size_t left = set.len - i;
        const uint32_t bits = (uint32_t)set.data[i] << 16 |
                              (left > 1 ? (uint32_t)set.data[i + 1] << 8 : 0) |
                              (left > 2 ? (uint32_t)set.data[i + 2] : 0);
        text[n++] = DIGITS[bits >> 18];
        text[n++] = DIGITS[bits >> 12 & 63];
        text[n++] = DIGITS[bits >> 6 & 63];
        text[n++] = DIGITS[bits & 63];
    }
    for (size_t i = 0; i < (3 - set.len % 3) % 3; i++) {
        text[n - 1 - i] = '=';
    }
    json_t *json = json_stringn(text, n);
    free(text);
    return json;
}

static json_t *channel_json(uint32_t id, const char *topic, const char *schema, hp_schema_set set)
{
    return json_pack("{s:i, s:s, s:s, s:s, s:s, s:o}", "id", (int)id, "topic", topic, "encoding",
                     "protobuf", "schemaName", schema, "schemaEncoding", "protobuf", "schema",
                     base64_json(set));
}

void view_client_greet(view_client *c)
{
    json_t *info = json_pack("{s:s, s:s, s:[], s:{s:s}}", "op", "serverInfo", "name", "HyPlan",
                             "capabilities", "metadata", "version", HYPLAN_VERSION);
    json_t *channels = json_array();
    for (int i = 0; i < RECORDER_EXTRAS; i++) {
        (void)json_array_append_new(
            channels, channel_json((uint32_t)(RECORDER_EXTRA_CHANNEL + i), RECORDER_EXTRA_TOPICS[i],
                                   RECORDER_EXTRA_SCHEMAS[i], hp_schema_foreign()));
    }
    for (size_t i = 0; i < RECORDER_TAP_LEN; i++) {
        const hp_msg_type type = RECORDER_TAP[i];
        (void)json_array_append_new(channels, channel_json((uint32_t)(1 + type), hp_msg_name(type),
                                                           hp_schema_name(type), hp_schema_own()));
    }
    json_t *advertise = json_pack("{s:s, s:o}", "op", "advertise", "channels", channels);
    send_text(c, info);
    send_text(c, advertise);
    json_decref(info);
    json_decref(advertise);
}

/* ---- What a viewer says ---- */

static bool is_channel(json_int_t id)
{
    for (size_t i = 0; i < RECORDER_TAP_LEN; i++) {
        if (id == 1 + (json_int_t)RECORDER_TAP[i]) {
            return true;
        }
    }
    return id >= RECORDER_EXTRA_CHANNEL && id < RECORDER_EXTRA_CHANNEL + RECORDER_EXTRAS;
}

static void warn(view_client *c, const char *text)
{
    json_t *json =
        json_pack("{s:s, s:i, s:s}", "op", "status", "level", STATUS_WARNING, "message", text);
    send_text(c, json);
    json_decref(json);
}

static void subscribe(view_client *c, json_t *list)
{
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
    {
        const json_t *id = json_object_get(item, "id");
        const json_t *channel = json_object_get(item, "channelId");
        const json_int_t at_channel = json_integer_value(channel);
        if (!json_is_integer(id) || !json_is_integer(channel) || !is_channel(at_channel) ||
            json_integer_value(id) < 0 || json_integer_value(id) > UINT32_MAX) {
            warn(c, "subscribe: no such channel");
            continue;
        }
        c->subscribed[at_channel] = true;
        c->subscription[at_channel] = (uint32_t)json_integer_value(id);
    }
}

static void unsubscribe(view_client *c, json_t *list)
{
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
    {
        for (size_t k = 0; k < VIEW_CHANNELS; k++) {
            if (c->subscribed[k] && json_is_integer(item) &&
                (json_int_t)c->subscription[k] == json_integer_value(item)) {
                c->subscribed[k] = false;
            }
        }
    }
}

static void obey(view_client *c)
{
    json_error_t why;
    json_t *json = json_loadb(c->said, c->n_said, JSON_REJECT_DUPLICATES, &why);
    const char *op = json_string_value(json_object_get(json, "op"));
    if (op == NULL) {
        warn(c, "that is no request");
    } else if (strcmp(op, "subscribe") == 0) {
        subscribe(c, json_object_get(json, "subscriptions"));
    } else if (strcmp(op, "unsubscribe") == 0) {
        unsubscribe(c, json_object_get(json, "subscriptionIds"));
    } else {
        warn(c, "this server only shows: subscribe and unsubscribe are understood");
    }
    json_decref(json);
}

bool view_client_hear(view_client *c, const void *text, size_t len, bool whole)
{
    if (len > sizeof c->said - c->n_said) {
        return false;
    }
    memcpy(c->said + c->n_said, text, len);
    c->n_said += len;
    if (whole) {
        obey(c);
        c->n_said = 0;
    }
    return true;
}
