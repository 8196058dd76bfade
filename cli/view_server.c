#include "cli/view_server.h"

#include "cli/recorder_file.h"
#include "cli/scene.h"
#include "cli/view_client.h"
#include "cli/view_tuner.h"
#include "common/hp_clock.h"

#include <libwebsockets.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* cli/page/view.html, built in. */
extern const unsigned char HP_VIEW_HTML[];
extern const unsigned HP_VIEW_HTML_LEN;

enum {
    MAX_CLIENTS = 16,
    DRAWING_BYTES = 256 * 1024,
    PIECE = 4096,
    HEADERS = 1024,
    MAX_SAID = 16 * 1024,
    KEY_BYTES = 16
};

_Static_assert(VIEW_ROOM >= LWS_PRE, "letters leave the library its room");

/** One HTTP request and its answer on the way. */
typedef struct http_answer {
    uint8_t *body;
    size_t len, sent;
    char *said; /* of a POST, until it is whole */
    size_t n_said;
    bool forbidden; /* the POST; it is answered when it is whole, else the answer is lost */
} http_answer;

typedef struct seat {
    struct lws *wsi; /* NULL: free */
    view_client client;
} seat;

struct view_server {
    const tap_state *state;
    view_tuner tuner;
    char key[2 * KEY_BYTES + 1]; /* who knows it may ask for changes */
    struct lws_context *context;
    struct lws_protocols protocols[4];
    seat seats[MAX_CLIENTS];
    uint8_t *drawing;
    int64_t base_ns; /* added to the world's time: viewers show dates */
};

static view_server *server_of(struct lws *wsi)
{
    return lws_context_user(lws_get_context(wsi));
}

/* ---- HTTP ---- */

/** "127.0.0.1", "localhost", with or without a port. */
static bool names_us(struct lws *wsi)
{
    static const char *const NAMES[] = {"127.0.0.1", "localhost"};
    char host[64] = "";
    if (lws_hdr_copy(wsi, host, sizeof host, WSI_TOKEN_HOST) <= 0) {
        return false;
    }
    host[strcspn(host, ":")] = '\0';
    for (size_t i = 0; i < HP_ARRAY_LEN(NAMES); i++) {
        if (strcmp(host, NAMES[i]) == 0) {
            return true;
        }
    }
    return false;
}

/** The origin is the host that was asked. */
static bool is_our_origin(struct lws *wsi, const char *origin)
{
    static const char SCHEME[] = "http://";
    char host[64] = "";
    return lws_hdr_copy(wsi, host, sizeof host, WSI_TOKEN_HOST) > 0 &&
           strncmp(origin, SCHEME, sizeof SCHEME - 1) == 0 &&
           strcmp(origin + sizeof SCHEME - 1, host) == 0;
}

/** Who looks on, and what each has lost. */
static json_t *viewers_json(const view_server *s)
{
    json_t *viewers = json_array();
    for (int i = 0; i < MAX_CLIENTS; i++) {
        const seat *viewer = &s->seats[i];
        if (viewer->wsi != NULL) {
            (void)json_array_append_new(
                viewers, json_pack("{s:I, s:I}", "dropped", (json_int_t)viewer->client.dropped,
                                   "waiting", (json_int_t)viewer->client.n));
        }
    }
    return viewers;
}

static json_t *status_json(const view_server *s)
{
    json_t *status = tap_state_json(s->state);
    (void)json_object_set_new(status, "viewers", viewers_json(s));
    return status;
}

static char *dump(json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(9));
    json_decref(json);
    return text;
}

/** The body that belongs to a path, for free(); NULL: none. */
static char *body_of(const view_server *s, const char *path, const char **type)
{
    *type = "application/json";
    if (strcmp(path, "/status") == 0) {
        return dump(status_json(s));
    }
    if (strcmp(path, "/scene") == 0) {
        return dump(tap_state_scene(s->state));
    }
    if (strcmp(path, "/config") == 0) {
        return dump(view_tuner_json(&s->tuner));
    }
    if (strcmp(path, "/metrics") == 0) {
        *type = "text/plain; version=0.0.4";
        return tap_state_metrics(s->state);
    }
    if (strcmp(path, "/") != 0) {
        return NULL;
    }
    *type = "text/html; charset=utf-8";
    char *page = malloc((size_t)HP_VIEW_HTML_LEN + 1);
    if (page != NULL) {
        memcpy(page, HP_VIEW_HTML, HP_VIEW_HTML_LEN);
        page[HP_VIEW_HTML_LEN] = '\0';
    }
    return page;
}

/** Sends body, which it takes; NULL: not found. */
static int send_body(struct lws *wsi, http_answer *a, unsigned status, const char *type, char *body)
{
    uint8_t head[LWS_PRE + HEADERS];
    uint8_t *start = head + LWS_PRE;
    uint8_t *p = start;
    uint8_t *end = head + sizeof head - 1;
    free(a->body);
    free(a->said);
    *a = (http_answer){.body = (uint8_t *)body};
    if (body == NULL) {
        return lws_return_http_status(wsi, HTTP_STATUS_NOT_FOUND, NULL) != 0 ? -1 : 0;
    }
    a->len = strlen(body);
    if (lws_add_http_common_headers(wsi, status, type, a->len, &p, end) != 0 ||
        lws_add_http_header_by_name(
            wsi, (const uint8_t *)"cache-control:", (const uint8_t *)"no-store", 8, &p, end) != 0 ||
        lws_finalize_write_http_header(wsi, start, &p, end) != 0) {
        return -1;
    }
    (void)lws_callback_on_writable(wsi);
    return 0;
}

static int forbid(struct lws *wsi)
{
    return lws_return_http_status(wsi, HTTP_STATUS_FORBIDDEN, NULL) != 0 ? -1 : 0;
}

/** Whoever asks for a change must know the key: every user of this machine reaches the port. */
static bool knows_key(const view_server *s, struct lws *wsi)
{
    static const char SCHEME[] = "Bearer ";
    char said[64] = "";
    const size_t head = sizeof SCHEME - 1;
    unsigned differ = 0;
    if (lws_hdr_copy(wsi, said, sizeof said, WSI_TOKEN_HTTP_AUTHORIZATION) <= 0 ||
        strncmp(said, SCHEME, head) != 0 || strlen(said + head) != strlen(s->key)) {
        return false;
    }
    for (size_t i = 0; s->key[i] != '\0'; i++) { /* takes as long wherever they differ */
        differ |= (unsigned)(s->key[i] ^ said[head + i]);
    }
    return differ == 0;
}

/** A page that asks for a change must be ours: foreign ones may post plain texts, but not JSON
 *  unless we let them, and browsers name the origin. */
static bool may_ask(struct lws *wsi)
{
    char origin[96] = "";
    char type[32] = "";
    if (lws_hdr_copy(wsi, type, sizeof type, WSI_TOKEN_HTTP_CONTENT_TYPE) <= 0 ||
        strcmp(type, "application/json") != 0) {
        return false;
    }
    if (!knows_key(server_of(wsi), wsi)) {
        return false;
    }
    const int len = lws_hdr_copy(wsi, origin, sizeof origin, WSI_TOKEN_ORIGIN);
    return len == 0 || (len > 0 && is_our_origin(wsi, origin));
}

static int answer(struct lws *wsi, http_answer *a, const char *path)
{
    const char *type = NULL;
    const bool post = lws_hdr_total_length(wsi, WSI_TOKEN_POST_URI) > 0;
    if (!post && !names_us(wsi)) {
        return forbid(wsi);
    }
    if (post) { /* goes on when its body has come */
        const bool allowed = names_us(wsi) && strcmp(path, "/config") == 0 && may_ask(wsi);
        free(a->said);
        *a = (http_answer){.body = a->body, .said = malloc(MAX_SAID), .forbidden = !allowed};
        return a->said != NULL ? 0 : -1;
    }
    char *body = body_of(server_of(wsi), path, &type);
    return send_body(wsi, a, HTTP_STATUS_OK, type, body);
}

static int hear_post(http_answer *a, const void *in, size_t len)
{
    if (a->said == NULL || len > MAX_SAID - a->n_said) {
        return -1;
    }
    memcpy(a->said + a->n_said, in, len);
    a->n_said += len;
    return 0;
}

static int answer_post(struct lws *wsi, http_answer *a)
{
    hp_error error = {{0}};
    if (a->said == NULL) {
        return -1;
    }
    if (a->forbidden) {
        return forbid(wsi);
    }
    const hp_status st = view_tuner_ask(&server_of(wsi)->tuner, a->said, a->n_said, &error);
    char *body = dump(st == HP_OK ? json_pack("{s:s}", "stage", "asked")
                                  : json_pack("{s:s}", "error", error.text));
    return send_body(wsi, a, st == HP_OK ? HTTP_STATUS_OK : HTTP_STATUS_BAD_REQUEST,
                     "application/json", body);
}

static int write_piece(struct lws *wsi, http_answer *a)
{
    uint8_t buffer[LWS_PRE + PIECE];
    size_t n = a->len - a->sent;
    n = n < PIECE ? n : PIECE;
    const bool last = a->sent + n == a->len;
    if (a->body == NULL) {
        return -1;
    }
    memcpy(buffer + LWS_PRE, a->body + a->sent, n);
    if (lws_write(wsi, buffer + LWS_PRE, n, last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < 0) {
        return -1;
    }
    a->sent += n;
    if (!last) {
        (void)lws_callback_on_writable(wsi);
        return 0;
    }
    free(a->body);
    free(a->said);
    *a = (http_answer){0};
    return lws_http_transaction_completed(wsi) != 0 ? -1 : 0;
}

static int on_http(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                   size_t len)
{
    http_answer *a = user;
    switch ((int)reason) {
    case LWS_CALLBACK_HTTP:
        return answer(wsi, a, in);
    case LWS_CALLBACK_HTTP_BODY:
        return hear_post(a, in, len);
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        return answer_post(wsi, a);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return write_piece(wsi, a);
    case LWS_CALLBACK_CLOSED_HTTP:
        if (a != NULL) {
            free(a->body);
            free(a->said);
            *a = (http_answer){0};
        }
        return 0;
    case LWS_CALLBACK_ESTABLISHED: /* a WebSocket without a sub-protocol that we know */
        return -1;
    default:
        return 0;
    }
}

/* ---- WebSockets ---- */

static seat *seat_of(view_server *s, const struct lws *wsi)
{
    for (int i = 0; i < MAX_CLIENTS; i++) {
        if (s->seats[i].wsi == wsi) {
            return &s->seats[i];
        }
    }
    return NULL;
}

static int welcome(view_server *s, struct lws *wsi)
{
    seat *free_seat = seat_of(s, NULL);
    if (free_seat == NULL) {
        return -1;
    }
    free_seat->wsi = wsi;
    view_client_init(&free_seat->client);
    view_client_greet(&free_seat->client);
    (void)lws_callback_on_writable(wsi);
    return 0;
}

static int write_letter(seat *viewer)
{
    view_letter *letter = view_client_next(&viewer->client);
    if (letter == NULL) {
        return 0;
    }
    const int n = lws_write(viewer->wsi, letter->bytes + VIEW_ROOM, letter->len,
                            letter->text ? LWS_WRITE_TEXT : LWS_WRITE_BINARY);
    view_client_sent(&viewer->client);
    if (view_client_next(&viewer->client) != NULL) {
        (void)lws_callback_on_writable(viewer->wsi);
    }
    return n < 0 ? -1 : 0;
}

static int hear_viewer(seat *viewer, const void *in, size_t len)
{
    const bool whole =
        lws_is_final_fragment(viewer->wsi) != 0 && lws_remaining_packet_payload(viewer->wsi) == 0;
    const bool text = lws_frame_is_binary(viewer->wsi) == 0;
    if (!text || !view_client_hear(&viewer->client, in, len, whole)) {
        return -1;
    }
    (void)lws_callback_on_writable(viewer->wsi);
    return 0;
}

static int on_viewer(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                     size_t len)
{
    view_server *s = server_of(wsi);
    seat *viewer = NULL;
    (void)user;
    switch ((int)reason) {
    case LWS_CALLBACK_ESTABLISHED:
        return welcome(s, wsi);
    case LWS_CALLBACK_SERVER_WRITEABLE:
        viewer = seat_of(s, wsi);
        return viewer != NULL ? write_letter(viewer) : -1;
    case LWS_CALLBACK_RECEIVE:
        viewer = seat_of(s, wsi);
        return viewer != NULL ? hear_viewer(viewer, in, len) : -1;
    case LWS_CALLBACK_CLOSED:
        viewer = seat_of(s, wsi);
        if (viewer != NULL) {
            view_client_fini(&viewer->client);
            viewer->wsi = NULL;
        }
        return 0;
    default:
        return 0;
    }
}

/* ---- The tap ---- */

static void send_all(view_server *s, uint32_t channel, int64_t time_ns, const void *payload,
                     size_t len)
{
    for (int i = 0; i < MAX_CLIENTS; i++) {
        if (s->seats[i].wsi != NULL) {
            view_client_send_data(&s->seats[i].client, channel, time_ns, payload, len);
            if (view_client_next(&s->seats[i].client) != NULL) {
                (void)lws_callback_on_writable(s->seats[i].wsi);
            }
        }
    }
}

static void send_drawing(view_server *s, recorder_extra extra, int64_t time_ns, const pb_out *out)
{
    if (!out->full) {
        send_all(s, (uint32_t)(RECORDER_EXTRA_CHANNEL + extra), time_ns, out->bytes, out->len);
    }
}

void view_server_hear(void *server, hp_msg_type type, const void *payload, size_t len,
                      const hp_message *message)
{
    view_server *s = server;
    const tap_state *state = s->state;
    const int64_t stamp_ns = type == HP_MSG_FRAME ? message->as_hp_frame.stamp_ns
                             : state->has_frame   ? state->frame.stamp_ns
                                                  : 0;
    const int64_t time_ns = hp_clock_later_ns(s->base_ns, stamp_ns);
    pb_out out = {.bytes = s->drawing, .cap = DRAWING_BYTES};
    send_all(s, (uint32_t)(1 + type), time_ns, payload, len);
    if (type == HP_MSG_WORLD_INFO) { /* told once a second: late viewers get the map, too */
        scene_world(&message->as_hp_world_info, time_ns, &out);
        send_drawing(s, RECORDER_SCENE, time_ns, &out);
    } else if (type == HP_MSG_FRAME) {
        scene_transform(&message->as_hp_frame.ego.pose, time_ns, &out);
        send_drawing(s, RECORDER_TRANSFORM, time_ns, &out);
        out.len = 0;
        scene_seen(&state->world, &message->as_hp_frame, time_ns, &out);
        send_drawing(s, RECORDER_SCENE, time_ns, &out);
    } else if (type == HP_MSG_PLAN_REQUEST) {
        scene_belief(&message->as_hp_plan_request, time_ns, &out);
        send_drawing(s, RECORDER_SCENE, time_ns, &out);
    } else if (type == HP_MSG_EPISODE_END) {
        scene_log(SCENE_INFO, "planner", "the episode ends", time_ns, &out);
        send_drawing(s, RECORDER_LOG, time_ns, &out);
    }
}

/* ---- Life ---- */

/** A secret is no number of ours to be drawn again: it comes from the kernel. */
static bool draw_key(char key[2 * KEY_BYTES + 1])
{
    uint8_t bytes[KEY_BYTES];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes) {
        return false;
    }
    for (size_t i = 0; i < sizeof bytes; i++) {
        (void)snprintf(key + 2 * i, 3, "%02x", bytes[i]);
    }
    return true;
}

hp_status view_server_create(const tap_state *state, const char *run_dir, uint16_t port,
                             view_server **out, hp_error *error)
{
    view_server *s = calloc(1, sizeof *s);
    *out = NULL;
    if (s == NULL || !draw_key(s->key) || (s->drawing = malloc(DRAWING_BYTES)) == NULL) {
        free(s);
        return hp_fail(error, HP_ENOMEM, "no memory for a server");
    }
    s->state = state;
    view_tuner_init(&s->tuner, state, run_dir);
    s->base_ns = hp_clock_wall_s() * HP_S_NS;
    s->protocols[0] = (struct lws_protocols){
        .name = "http", .callback = on_http, .per_session_data_size = sizeof(http_answer)};
    s->protocols[1] = (struct lws_protocols){
        .name = "foxglove.websocket.v1", .callback = on_viewer, .rx_buffer_size = VIEW_MAX_TEXT};
    s->protocols[2] = (struct lws_protocols){
        .name = "foxglove.sdk.v1", .callback = on_viewer, .rx_buffer_size = VIEW_MAX_TEXT};
    lws_set_log_level(0, NULL);
    const struct lws_context_creation_info info = {.port = port,
                                                   .iface = "127.0.0.1",
                                                   .protocols = s->protocols,
                                                   .gid = -1,
                                                   .uid = -1,
                                                   .user = s,
                                                   .vhost_name = "view"};
    s->context = lws_create_context(&info);
    if (s->context == NULL) {
        view_server_destroy(&s);
        return hp_fail(error, HP_EIO, "cannot listen on 127.0.0.1:%u: is the port in use?", port);
    }
    *out = s;
    return HP_OK;
}

void view_server_destroy(view_server **server)
{
    view_server *s = *server;
    if (s != NULL) {
        if (s->context != NULL) {
            lws_context_destroy(s->context);
        }
        for (int i = 0; i < MAX_CLIENTS; i++) {
            view_client_fini(&s->seats[i].client);
        }
        view_tuner_fini(&s->tuner);
        free(s->drawing);
        free(s);
        *server = NULL;
    }
}

const char *view_server_key(const view_server *s)
{
    return s->key;
}

uint16_t view_server_port(const view_server *s)
{
    struct lws_vhost *vhost = lws_get_vhost_by_name(s->context, "view");
    return vhost != NULL ? (uint16_t)lws_get_vhost_listen_port(vhost) : 0;
}

void view_server_step(view_server *s)
{
    view_tuner_step(&s->tuner);
    (void)lws_service(s->context, -1);
}
