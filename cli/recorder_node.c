#include "cli/recorder_node.h"

#include "cli/recorder_file.h"
#include "cli/scene.h"
#include "common/hp_clock.h"
#include "common/hp_file.h"
#include "sim-bridge/sim_judge.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum {
    LETTERS = 256,   /* read in one step at most */
    SILENCE_MS = 50, /* so long nothing has come: all that was said has been heard */
    DRAWING_BYTES = 256 * 1024,
    PATH_BYTES = 1200,
    LINE = 160,
};

/** What is compared with the message before, to tell only changes. */
typedef struct mood {
    hp_source source;
    bool guarded, search_failed, predictor_fallback;
} mood;

struct recorder_node {
    const hp_node *identity;
    char run_dir[PATH_BYTES - 64];
    char name[32]; /* run.mcap */
    recorder_file *file;
    hp_socket *tap;
    hp_codec *codec;
    hp_message *message;
    unsigned char *bytes;
    uint8_t *drawing;
    /* time */
    int64_t base_ns, now_ns;
    int64_t flushed_ns, complained_ns;
    bool has_world;
    hp_world_info world;
    mood mood;
    hp_configuration configuration;
    /* counts */
    uint64_t received;        /* since the planner's start */
    uint64_t since_decision;  /* since its last decision */
    uint64_t published;       /* by the planner's own count, at that decision */
    uint64_t missing, missed; /* of this planner; of those before it */
    uint64_t messages, refused;
};

/* ---- Life ---- */

static hp_status open_file(recorder_node *n, const recorder_setup *setup, hp_error *error)
{
    static const char *const ATTACHED[] = {"config.yaml", "manifest.json"};
    char path[PATH_BYTES];
    const int64_t wall_ns = hp_clock_wall_s() * HP_S_NS;
    if (n->identity->generation > 1) {
        (void)snprintf(n->name, sizeof n->name, "run-%" PRIu32 ".mcap", n->identity->generation);
    } else {
        (void)snprintf(n->name, sizeof n->name, "run.mcap");
    }
    (void)snprintf(path, sizeof path, "%s/%s", n->run_dir, n->name);
    const hp_status st = recorder_file_open(path, &n->file, error);
    if (st != HP_OK) {
        return st;
    }
    for (size_t i = 0; i < HP_ARRAY_LEN(ATTACHED); i++) {
        (void)snprintf(path, sizeof path, "%s/%s", n->run_dir, ATTACHED[i]);
        recorder_file_attach(n->file, path, wall_ns);
    }
    if (setup->scenario[0] != '\0') {
        recorder_file_attach(n->file, setup->scenario, wall_ns);
    }
    char seed[24];
    (void)snprintf(seed, sizeof seed, "%" PRIu64, setup->seed);
    const char *const about[][2] = {{"version", HYPLAN_VERSION}, {"seed", seed}};
    n->base_ns = wall_ns;
    n->now_ns = wall_ns;
    return recorder_file_metadata(n->file, "hyplan", about, HP_ARRAY_LEN(about), error);
}

hp_status recorder_node_create(const recorder_setup *setup, const hp_node *identity,
                               recorder_node **out, hp_error *error)
{
    recorder_node *n = calloc(1, sizeof *n);
    *out = NULL;
    if (n == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory for the recorder");
    }
    n->identity = identity;
    const int len = snprintf(n->run_dir, sizeof n->run_dir, "%s", setup->run_dir);
    n->bytes = malloc(HP_BUS_MAX_MESSAGE);
    n->message = malloc(sizeof *n->message);
    n->drawing = malloc(DRAWING_BYTES);
    hp_status st = HP_OK;
    if (n->bytes == NULL || n->message == NULL || n->drawing == NULL ||
        hp_codec_create(&n->codec) != HP_OK) {
        st = hp_fail(error, HP_ENOMEM, "no memory for the recorder");
    } else if (len < 0 || (size_t)len >= sizeof n->run_dir) {
        st = hp_fail(error, HP_EINVAL, "%s: path too long", setup->run_dir);
    } else {
        st = hp_node_open(identity, HP_SOCKET_SUB, HP_LINK_TAP, &n->tap, error);
    }
    if (st == HP_OK) {
        st = open_file(n, setup, error);
    }
    if (st != HP_OK) {
        recorder_node_destroy(&n);
        return st;
    }
    n->flushed_ns = hp_clock_now_ns(identity->clock);
    *out = n;
    return HP_OK;
}

static uint64_t dropped(const recorder_node *n)
{
    return n->missed + n->missing;
}

static void write_figures(const recorder_node *n, const hp_mcap_written *w, hp_error *error)
{
    json_t *json = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "file", n->name, "messages",
                             (json_int_t)n->messages, "dropped", (json_int_t)dropped(n), "lost",
                             (json_int_t)w->lost, "refused", (json_int_t)n->refused, "bytes",
                             (json_int_t)w->bytes, "chunks", (json_int_t)w->chunks);
    char *text = json != NULL ? json_dumps(json, JSON_INDENT(2)) : NULL;
    if (text == NULL ||
        hp_file_write(n->run_dir, "recorder.json", text, strlen(text), error) != HP_OK) {
        hp_log_error(n->identity->log, "recorder.json: %s", error->text);
    }
    free(text);
    json_decref(json);
}

static void close_file(recorder_node *n)
{
    hp_mcap_written w = {0};
    hp_error error = {{0}};
    char counts[2][24];
    (void)snprintf(counts[0], sizeof counts[0], "%" PRIu64, n->messages);
    (void)snprintf(counts[1], sizeof counts[1], "%" PRIu64, dropped(n));
    const char *const figures[][2] = {{"messages", counts[0]}, {"dropped", counts[1]}};
    hp_status st =
        recorder_file_metadata(n->file, "hyplan.recorder", figures, HP_ARRAY_LEN(figures), &error);
    const hp_status closed = recorder_file_close(&n->file, &w, st == HP_OK ? &error : NULL);
    if (st != HP_OK || closed != HP_OK) {
        hp_log_error(n->identity->log,
                     "%s (%" PRIu64 " messages lost; `hyplan log recover` reads "
                     "what is there)",
                     error.text, w.lost);
    }
    if (dropped(n) > 0) {
        hp_log_warn(n->identity->log, "%" PRIu64 " messages of the tap are not in %s", dropped(n),
                    n->name);
    }
    write_figures(n, &w, &error);
}

/* ---- What is drawn beside ---- */

static void complain(recorder_node *n, const hp_error *error)
{
    const int64_t now = hp_clock_now_ns(n->identity->clock);
    if (n->complained_ns == 0 || now - n->complained_ns >= HP_S_NS) {
        n->complained_ns = now;
        hp_log_error(n->identity->log, "%s; the run goes on, the recording has a gap", error->text);
    }
}

static pb_out begin_drawing(const recorder_node *n)
{
    return (pb_out){.bytes = n->drawing, .cap = DRAWING_BYTES};
}

static void put_drawing(recorder_node *n, recorder_extra extra, const pb_out *out)
{
    hp_error error = {{0}};
    if (!out->full &&
        recorder_file_extra(n->file, extra, n->now_ns, out->bytes, out->len, &error) != HP_OK) {
        complain(n, &error);
    }
}

static void tell(recorder_node *n, scene_level level, const char *text)
{
    pb_out out = begin_drawing(n);
    scene_log(level, "planner", text, n->now_ns, &out);
    put_drawing(n, RECORDER_LOG, &out);
}

/* ---- Messages ---- */

/** Worlds follow each other by a second; within one, its own time goes on. */
static void keep_time(recorder_node *n, hp_msg_type type)
{
    if (type == HP_MSG_FRAME) {
        n->now_ns = hp_clock_later_ns(n->base_ns, n->message->as_hp_frame.stamp_ns);
    } else if (type == HP_MSG_WORLD_INFO && n->has_world &&
               n->message->as_hp_world_info.world_id != n->world.world_id) {
        n->base_ns = hp_clock_later_ns(n->now_ns, HP_S_NS);
        n->now_ns = n->base_ns;
    }
}

static void hear_world(recorder_node *n, const hp_world_info *info)
{
    char text[LINE];
    if (n->has_world && n->world.world_id == info->world_id) {
        return; /* told again for those who came late */
    }
    n->world = *info;
    n->has_world = true;
    n->mood = (mood){0};
    (void)snprintf(text, sizeof text, "episode %" PRIu32 " begins", info->episode);
    tell(n, SCENE_INFO, text);
    pb_out out = begin_drawing(n);
    scene_world(info, n->now_ns, &out);
    put_drawing(n, RECORDER_SCENE, &out);
}

static void hear_frame(recorder_node *n, const hp_frame *frame)
{
    pb_out out = begin_drawing(n);
    scene_transform(&frame->ego.pose, n->now_ns, &out);
    put_drawing(n, RECORDER_TRANSFORM, &out);
    out = begin_drawing(n);
    scene_seen(&n->world, frame, n->now_ns, &out);
    put_drawing(n, RECORDER_SCENE, &out);
}

/** What the tap says it has said, against what has come. */
static void count(recorder_node *n, const hp_decision *d)
{
    if (d->published < n->published) { /* another planner */
        n->missed += n->missing;
        n->received = n->since_decision;
    }
    n->missing = d->published > n->received ? d->published - n->received : 0;
    n->published = d->published;
    n->since_decision = 0;
}

static void hear_decision(recorder_node *n, const hp_decision *d)
{
    static const char *const SOURCES[HP_SOURCE_COUNT] = {"the search", "the policy",
                                                         "comfortable braking", "hard braking"};
    char text[LINE];
    const mood now = {d->command.source, d->command.guarded, d->search_failed,
                      d->predictor_fallback};
    count(n, d);
    if (now.guarded != n->mood.guarded) {
        (void)snprintf(text, sizeof text, "tick %" PRIu32 ": the guard %s", d->tick,
                       now.guarded ? "takes over" : "lets go");
        tell(n, SCENE_WARNING, text);
    }
    if (now.source != n->mood.source) {
        (void)snprintf(text, sizeof text, "tick %" PRIu32 ": the command comes from %s", d->tick,
                       SOURCES[now.source]);
        tell(n, now.source >= HP_SOURCE_COMFORT_BRAKE ? SCENE_WARNING : SCENE_INFO, text);
    }
    if (now.search_failed || (now.predictor_fallback && !n->mood.predictor_fallback)) {
        (void)snprintf(text, sizeof text, "tick %" PRIu32 ": no answer from the %s", d->tick,
                       now.search_failed ? "search" : "predictor");
        tell(n, SCENE_WARNING, text);
    }
    n->mood = now;
}

static void hear_end(recorder_node *n, const hp_episode_end *end)
{
    char text[LINE];
    (void)snprintf(text, sizeof text, "episode %" PRIu32 " ends after %" PRIu32 " ticks: %s",
                   end->episode, end->ticks, sim_verdict_text(end->verdict));
    tell(n, end->verdict == HP_VERDICT_CRASH ? SCENE_ERROR : SCENE_INFO, text);
}

/** Each threshold that has changed. */
static void hear_configuration(recorder_node *n, const hp_configuration *c)
{
    char text[LINE + 2 * HP_TEXT];
    const hp_configuration *old = &n->configuration;
    for (uint32_t i = 0; i < c->n_settings && c->n_settings == old->n_settings; i++) {
        if (c->settings[i].value != old->settings[i].value) {
            (void)snprintf(text, sizeof text, "version %" PRIu32 ": %s %g -> %g", c->version,
                           c->settings[i].key, old->settings[i].value, c->settings[i].value);
            tell(n, SCENE_WARNING, text);
        }
    }
    n->configuration = *c;
}

static void hear(recorder_node *n, hp_msg_type type)
{
    if (type == HP_MSG_WORLD_INFO) {
        hear_world(n, &n->message->as_hp_world_info);
    } else if (type == HP_MSG_FRAME) {
        hear_frame(n, &n->message->as_hp_frame);
    } else if (type == HP_MSG_DECISION) {
        hear_decision(n, &n->message->as_hp_decision);
    } else if (type == HP_MSG_EPISODE_END) {
        hear_end(n, &n->message->as_hp_episode_end);
    } else if (type == HP_MSG_CONFIGURATION) {
        hear_configuration(n, &n->message->as_hp_configuration);
    } else if (type == HP_MSG_PLAN_REQUEST) {
        pb_out out = begin_drawing(n);
        scene_belief(&n->message->as_hp_plan_request, n->now_ns, &out);
        put_drawing(n, RECORDER_SCENE, &out);
    }
}

static hp_msg_type type_of(const char *topic)
{
    for (unsigned i = 0; i < HP_MSG_COUNT; i++) {
        if (strcmp(topic, hp_msg_name((hp_msg_type)i)) == 0) {
            return (hp_msg_type)i;
        }
    }
    return HP_MSG_COUNT;
}

static void take(recorder_node *n, hp_msg_type type, size_t len)
{
    hp_error error = {{0}};
    n->received++;
    n->since_decision++;
    n->messages++;
    keep_time(n, type);
    if (recorder_file_own(n->file, type, n->now_ns, n->bytes, len, &error) != HP_OK) {
        complain(n, &error);
    }
    hear(n, type);
}

/** One letter of the tap; false: none is there. */
static bool read_letter(recorder_node *n)
{
    char topic[HP_TEXT];
    size_t len = 0;
    const hp_status st =
        hp_socket_receive_topic(n->tap, topic, sizeof topic, n->bytes, HP_BUS_MAX_MESSAGE, &len);
    if (st == HP_OK) {
        const hp_msg_type type = type_of(topic);
        if (type < HP_MSG_COUNT &&
            hp_decode_payload(n->codec, type, n->bytes, len, n->message, NULL) == HP_OK) {
            take(n, type, len);
        } else {
            n->refused++;
        }
        return true;
    }
    n->refused += st == HP_EFULL || st == HP_EWIRE ? 1 : 0;
    return st == HP_EFULL || st == HP_EWIRE;
}

/** What is still under way when the run ends: on a busy machine that may be its last ticks. */
static void hear_out(recorder_node *n)
{
    bool ready = false;
    for (int i = 0; i < 4 * LETTERS; i++) {
        if (!read_letter(n) && hp_bus_poll(&n->tap, &ready, 1, SILENCE_MS) != HP_OK) {
            return;
        }
    }
}

void recorder_node_destroy(recorder_node **node)
{
    recorder_node *n = *node;
    if (n == NULL) {
        return;
    }
    if (n->file != NULL) {
        hear_out(n);
        close_file(n);
    }
    hp_socket_close(&n->tap);
    hp_codec_destroy(&n->codec);
    free(n->drawing);
    free(n->message);
    free(n->bytes);
    free(n);
    *node = NULL;
}

hp_status recorder_node_step(recorder_node *n, int64_t wait_ms)
{
    bool ready = false;
    hp_error error = {{0}};
    const hp_status st = hp_bus_poll(&n->tap, &ready, 1, wait_ms);
    if (st != HP_OK && st != HP_EAGAIN) {
        return st;
    }
    for (int i = 0; ready && i < LETTERS && read_letter(n); i++) {
    }
    const int64_t now = hp_clock_now_ns(n->identity->clock);
    if (now - n->flushed_ns >= HP_S_NS) {
        n->flushed_ns = now;
        if (recorder_file_flush(n->file, &error) != HP_OK) {
            complain(n, &error);
        }
    }
    return HP_OK;
}
