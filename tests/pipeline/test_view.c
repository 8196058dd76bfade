/* hyplan-view as viewers and browsers meet it: a client written here speaks HTTP and both WebSocket
 * sub-protocols to the real program. */
#include "tests/pipeline/view_rig.h"
#include "tests/support/hp_test.h"

#include "cli/scene.h"
#include "proto/hp_schema.h"

#include <jansson.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { TEXT_FRAME = 1, BINARY_FRAME = 2, CLOSE_FRAME = 8 };

/** Opens a WebSocket. Returns -1 if it is refused. */
static int open_socket(view_rig *f, const char *protocols)
{
    char request[512];
    const int fd = view_rig_dial(f);
    (void)snprintf(request, sizeof request,
                   "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: "
                   "Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                   "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: %s\r\n\r\n",
                   protocols);
    view_rig_say(fd, request, strlen(request));
    f->len = 0;
    f->answer[0] = '\0';
    while (strstr(f->answer, "\r\n\r\n") == NULL && f->len < VIEW_ANSWER - 1) {
        if (recv(fd, f->answer + f->len, 1, 0) != 1) { /* not a byte of what follows */
            (void)close(fd);
            return -1;
        }
        f->answer[++f->len] = '\0';
    }
    if (strncmp(f->answer + 9, "101", 3) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static bool read_all(int fd, void *to, size_t len)
{
    return recv(fd, to, len, MSG_WAITALL) == (ssize_t)len;
}

/** The next frame's payload in f->answer; returns its kind, 0 if the connection has ended. */
static int read_frame(view_rig *f, int fd)
{
    uint8_t head[2];
    uint8_t more[8];
    if (!read_all(fd, head, 2)) {
        return 0;
    }
    size_t len = head[1] & 0x7f;
    const unsigned extra = len == 126 ? 2 : (len == 127 ? 8 : 0);
    if (extra > 0) {
        assert_true(read_all(fd, more, extra));
        len = 0;
        for (unsigned i = 0; i < extra; i++) {
            len = len << 8 | more[i];
        }
    }
    assert_true(len < VIEW_ANSWER);
    assert_true(len == 0 || read_all(fd, f->answer, len));
    f->answer[len] = '\0';
    f->len = len;
    return head[0] & 0x0f;
}

/** A masked frame, as clients send them; the mask is zero. */
static void say_frame(int fd, int kind, const char *payload, size_t len)
{
    uint8_t head[14] = {(uint8_t)(0x80 | kind)};
    size_t n = 2;
    if (len < 126) {
        head[1] = (uint8_t)(0x80 | len);
    } else {
        head[1] = 0x80 | 127;
        for (unsigned i = 0; i < 8; i++) {
            head[2 + i] = (uint8_t)((uint64_t)len >> (56 - 8 * i));
        }
        n = 10;
    }
    view_rig_say(fd, head, n + 4);
    (void)!send(fd, payload, len, MSG_NOSIGNAL); /* it may hang up in the middle */
}

static void say_text(int fd, const char *text)
{
    say_frame(fd, TEXT_FRAME, text, strlen(text));
}

static json_t *read_json(view_rig *f, int fd)
{
    json_error_t why;
    assert_int_equal(read_frame(f, fd), TEXT_FRAME);
    json_t *json = json_loadb(f->answer, f->len, 0, &why);
    assert_non_null(json);
    return json;
}

static const char *op_of(const json_t *json)
{
    return json_string_value(json_object_get(json, "op"));
}

/** Reads serverInfo and advertise; returns the latter. */
static json_t *read_greeting(view_rig *f, int fd)
{
    json_t *info = read_json(f, fd);
    assert_string_equal(op_of(info), "serverInfo");
    json_decref(info);
    json_t *advertise = read_json(f, fd);
    assert_string_equal(op_of(advertise), "advertise");
    return advertise;
}

static json_t *channel_named(json_t *advertise, const char *topic)
{
    size_t i;
    json_t *channel;
    json_array_foreach(json_object_get(advertise, "channels"), i, channel)
    {
        if (strcmp(json_string_value(json_object_get(channel, "topic")), topic) == 0) {
            return channel;
        }
    }
    fail_msg("no channel %s", topic);
    return NULL;
}

static int digit(char c)
{
    static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = strchr(DIGITS, c);
    assert_true(c != '\0' && at != NULL);
    return (int)(at - DIGITS);
}

/** The text is this set in base64. */
static void check_base64(const char *text, hp_schema_set set)
{
    assert_int_equal(strlen(text), 4 * ((set.len + 2) / 3));
    for (size_t i = 0; i < set.len; i++) {
        const char *four = text + 4 * (i / 3);
        const int a = digit(four[i % 3]);
        const int b = digit(four[i % 3 + 1]);
        const unsigned shift = 2 * (unsigned)(i % 3) + 2;
        assert_int_equal((a << shift | b >> (6 - shift)) & 0xff, set.data[i]);
    }
}

/** Says ticks until a data frame comes; its payload is behind 13 bytes of f->answer. */
static void read_data(view_rig *f, int fd)
{
    const struct timeval brief = {0, 20000};
    const struct timeval patience = {VIEW_PATIENCE_S, 0};
    int kind = 0;
    char peek;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &brief, sizeof brief);
    for (int i = 0; i < 50 * VIEW_PATIENCE_S && kind != BINARY_FRAME; i++) {
        fake_tap_world(&f->tap);
        fake_tap_tick(&f->tap);
        if (recv(fd, &peek, 1, MSG_PEEK) == 1) {
            (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
            kind = read_frame(f, fd);
        }
    }
    assert_int_equal(kind, BINARY_FRAME);
}

/* ---- Tests ---- */

static void test_view_shows_the_scene_to_viewers_of_either_protocol(void **state)
{
    static const char *const OFFERS[][2] = {
        {"foxglove.websocket.v1", "foxglove.websocket.v1"},
        {"foxglove.sdk.v1", "foxglove.sdk.v1"},
        {"foxglove.sdk.v1, foxglove.websocket.v1", "foxglove.sdk.v1"}};
    view_rig *f = *state;
    for (size_t i = 0; i < HP_ARRAY_LEN(OFFERS); i++) {
        char request[160];
        json_t *message = NULL;
        const int fd = open_socket(f, OFFERS[i][0]);
        assert_true(fd >= 0);
        const char *chosen = strcasestr(f->answer, "sec-websocket-protocol:");
        assert_non_null(chosen);
        assert_int_equal(strncmp(chosen + 24, OFFERS[i][1], strlen(OFFERS[i][1])), 0);
        json_t *advertise = read_greeting(f, fd);
        assert_int_equal(json_array_size(json_object_get(advertise, "channels")), 12);
        json_t *tf = channel_named(advertise, "/tf");
        assert_string_equal(json_string_value(json_object_get(tf, "schemaName")), SCENE_TRANSFORM);
        check_base64(json_string_value(json_object_get(tf, "schema")), hp_schema_foreign());
        check_base64(
            json_string_value(json_object_get(channel_named(advertise, "decision"), "schema")),
            hp_schema_own());
        (void)snprintf(request, sizeof request,
                       "{\"op\":\"subscribe\",\"subscriptions\":[{\"id\":77,\"channelId\":%d}]}",
                       (int)json_integer_value(json_object_get(tf, "id")));
        say_text(fd, request);
        read_data(f, fd);
        assert_int_equal(f->answer[0], 1);
        assert_int_equal(f->answer[1], 77);
        assert_int_equal(hp_schema_json(SCENE_TRANSFORM, f->answer + 13, f->len - 13, &message),
                         HP_OK);
        assert_string_equal(json_string_value(json_object_get(message, "child_frame_id")), "ego");
        json_decref(message);
        json_decref(advertise);
        (void)close(fd);
    }
}

static void test_view_tells_its_state_over_http(void **state)
{
    view_rig *f = *state;
    json_error_t why;
    json_t *status = NULL;
    for (int i = 0; i < 50 * VIEW_PATIENCE_S; i++) { /* until what was said has been heard */
        fake_tap_world(&f->tap);
        fake_tap_tick(&f->tap);
        assert_int_equal(view_rig_get(f, "/status", "127.0.0.1"), 200);
        json_decref(status);
        status = json_loads(view_rig_body(f), 0, &why);
        assert_non_null(status);
        if (json_is_object(json_object_get(status, "now"))) {
            break;
        }
        fake_tap_pause_ms(20);
    }
    assert_int_equal(json_integer_value(json_object_get(json_object_get(status, "now"), "agents")),
                     40);
    assert_int_equal(json_integer_value(json_object_get(status, "missed")), 0);
    json_decref(status);
    assert_int_equal(view_rig_get(f, "/metrics", "localhost"), 200);
    assert_non_null(strstr(view_rig_body(f), "# TYPE hyplan_messages_total counter\n"));
    assert_non_null(strstr(view_rig_body(f), "hyplan_messages_total{topic=\"frame\"} "));
    assert_int_equal(view_rig_get(f, "/scene", "localhost:8765"), 200);
    json_t *scene = json_loads(view_rig_body(f), 0, &why);
    assert_int_equal(json_array_size(json_object_get(json_object_get(scene, "tick"), "agents")),
                     40);
    json_decref(scene);
    assert_int_equal(view_rig_get(f, "/", "localhost"), 200);
    assert_non_null(strstr(view_rig_body(f), "</html>"));
    assert_int_equal(view_rig_get(f, "/etc/passwd", "localhost"), 404);
    assert_int_equal(view_rig_get(f, "/status", "example.com"), 403);
}

static void test_view_stays_when_viewers_talk_nonsense(void **state)
{
    view_rig *f = *state;
    static char flood[64 * 1024];
    int fd = open_socket(f, "foxglove.websocket.v1");
    assert_true(fd >= 0);
    json_decref(read_greeting(f, fd));
    static const char *const WORDS[] = {
        "nonsense", "[]", "{\"op\":\"setParameters\"}",
        "{\"op\":\"subscribe\",\"subscriptions\":[{\"id\":1,\"channelId\":5000}]}"};
    for (size_t i = 0; i < HP_ARRAY_LEN(WORDS); i++) {
        say_text(fd, WORDS[i]);
        json_t *reply = read_json(f, fd);
        assert_string_equal(op_of(reply), "status");
        json_decref(reply);
    }
    memset(flood, 'x', sizeof flood);
    say_frame(fd, TEXT_FRAME, flood, sizeof flood);
    int kind = read_frame(f, fd);
    assert_true(kind == 0 || kind == CLOSE_FRAME);
    (void)close(fd);
    fd = open_socket(f, "foxglove.websocket.v1");
    json_decref(read_greeting(f, fd));
    say_frame(fd, BINARY_FRAME, "\x01\x02", 2);
    kind = read_frame(f, fd);
    assert_true(kind == 0 || kind == CLOSE_FRAME);
    (void)close(fd);
    assert_int_equal(view_rig_get(f, "/status", "localhost"), 200);
}

/** GET /status, once the view has heard of this tick: a tap that is faster than its listeners drops
 * messages. */
static json_t *wait_for_tick(view_rig *f, uint32_t tick)
{
    json_error_t why;
    for (int i = 0; i < 50 * VIEW_PATIENCE_S; i++) {
        assert_int_equal(view_rig_get(f, "/status", "localhost"), 200);
        json_t *status = json_loads(view_rig_body(f), 0, &why);
        const json_t *now = json_object_get(status, "now");
        if (json_is_object(now) && json_integer_value(json_object_get(now, "tick")) == tick) {
            return status;
        }
        json_decref(status);
        fake_tap_pause_ms(20);
    }
    fail_msg("the view has not heard of tick %u", tick);
    return NULL;
}

static void test_view_serves_others_when_one_viewer_does_not_read(void **state)
{
    view_rig *f = *state;
    const int fd = open_socket(f, "foxglove.websocket.v1");
    assert_true(fd >= 0);
    json_t *advertise = read_greeting(f, fd);
    size_t i;
    json_t *channel;
    json_array_foreach(json_object_get(advertise, "channels"), i, channel)
    {
        char request[160];
        (void)snprintf(request, sizeof request,
                       "{\"op\":\"subscribe\",\"subscriptions\":[{\"id\":%zu,\"channelId\":%d}]}",
                       i, (int)json_integer_value(json_object_get(channel, "id")));
        say_text(fd, request);
    }
    json_decref(advertise);
    json_t *status = NULL;
    for (int k = 0; k < 15; k++) { /* some 15 MB, far more than sockets and queue hold */
        for (int n = 0; n < 100; n++) {
            fake_tap_tick(&f->tap);
            fake_tap_pause_ms(1);
        }
        json_decref(status);
        status = wait_for_tick(f, f->tap.tick - 1);
    }
    const json_t *viewer = json_array_get(json_object_get(status, "viewers"), 0);
    assert_true(json_integer_value(json_object_get(viewer, "dropped")) > 0);
    assert_in_range(json_integer_value(json_object_get(viewer, "waiting")), 1, 64);
    assert_int_equal(json_integer_value(json_object_get(status, "missed")),
                     0); /* the bus is well */
    json_decref(status);
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_view_shows_the_scene_to_viewers_of_either_protocol,
                                        view_rig_set_up, view_rig_tear_down),
        cmocka_unit_test_setup_teardown(test_view_tells_its_state_over_http, view_rig_set_up,
                                        view_rig_tear_down),
        cmocka_unit_test_setup_teardown(test_view_stays_when_viewers_talk_nonsense, view_rig_set_up,
                                        view_rig_tear_down),
        cmocka_unit_test_setup_teardown(test_view_serves_others_when_one_viewer_does_not_read,
                                        view_rig_set_up, view_rig_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
