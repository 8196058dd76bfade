#include "cli/recorder_file.h"

#include "cli/scene.h"
#include "common/hp_file.h"
#include "proto/hp_schema.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MAX_ATTACHMENT = 4 << 20,
    MAX_METADATA = 2048,
    PATH_BYTES = 1200,
};

const hp_msg_type RECORDER_TAP[RECORDER_TAP_LEN] = {
    HP_MSG_WORLD_INFO, HP_MSG_FRAME,  HP_MSG_PREDICT_REPLY, HP_MSG_PLAN_REQUEST, HP_MSG_COMMAND,
    HP_MSG_DECISION,   HP_MSG_HEALTH, HP_MSG_EPISODE_END,   HP_MSG_CONFIGURATION};
const char *const RECORDER_EXTRA_TOPICS[RECORDER_EXTRAS] = {"/scene", "/tf", "/log"};
const char *const RECORDER_EXTRA_SCHEMAS[RECORDER_EXTRAS] = {SCENE_UPDATE, SCENE_TRANSFORM,
                                                             SCENE_LOG};

struct recorder_file {
    int fd;
    char path[PATH_BYTES];
    hp_mcap_file_sink sink;
    hp_mcap_writer *writer;
    uint32_t sequence[RECORDER_EXTRA_CHANNEL + RECORDER_EXTRAS];
};

/** One schema and one channel of the same id. */
static hp_status define(hp_mcap_writer *w, uint16_t id, const char *topic, const char *name,
                        hp_schema_set set, hp_error *error)
{
    const hp_mcap_schema schema = {.id = id,
                                   .name = hp_mcap_text(name),
                                   .encoding = hp_mcap_text("protobuf"),
                                   .data = {set.data, set.len}};
    const hp_mcap_channel channel = {.id = id,
                                     .schema_id = id,
                                     .topic = hp_mcap_text(topic),
                                     .message_encoding = hp_mcap_text("protobuf")};
    const hp_status st = hp_mcap_write_schema(w, &schema, error);
    return st == HP_OK ? hp_mcap_write_channel(w, &channel, error) : st;
}

/** Everything that travels on the tap, and what is drawn. */
static hp_status define_all(hp_mcap_writer *w, hp_error *error)
{
    hp_status st = HP_OK;
    for (size_t i = 0; i < RECORDER_TAP_LEN && st == HP_OK; i++) {
        st = define(w, (uint16_t)(1 + RECORDER_TAP[i]), hp_msg_name(RECORDER_TAP[i]),
                    hp_schema_name(RECORDER_TAP[i]), hp_schema_own(), error);
    }
    for (int i = 0; i < RECORDER_EXTRAS && st == HP_OK; i++) {
        st = define(w, (uint16_t)(RECORDER_EXTRA_CHANNEL + i), RECORDER_EXTRA_TOPICS[i],
                    RECORDER_EXTRA_SCHEMAS[i], hp_schema_foreign(), error);
    }
    return st;
}

hp_status recorder_file_open(const char *path, recorder_file **out, hp_error *error)
{
    recorder_file *f = calloc(1, sizeof *f);
    *out = NULL;
    if (f == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory for a recording");
    }
    (void)snprintf(f->path, sizeof f->path, "%s", path);
    f->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (f->fd < 0) {
        const int why = errno;
        free(f);
        return hp_fail(error, HP_EIO, "%s: cannot write: %s", path, strerror(why));
    }
    f->sink = (hp_mcap_file_sink){.fd = f->fd, .path = f->path};
    const hp_mcap_options options = hp_mcap_options_default();
    const hp_mcap_sink sink = {hp_mcap_file_append, &f->sink};
    hp_status st = hp_mcap_writer_create(&options, &sink, &f->writer, error);
    if (st == HP_OK) {
        st = define_all(f->writer, error);
    }
    if (st != HP_OK) {
        hp_mcap_writer_destroy(&f->writer);
        (void)close(f->fd);
        free(f);
        return st;
    }
    *out = f;
    return HP_OK;
}

static const char *media_type(const char *path)
{
    const char *dot = strrchr(path, '.');
    if (dot != NULL && strcmp(dot, ".json") == 0) {
        return "application/json";
    }
    return dot != NULL && strcmp(dot, ".yaml") == 0 ? "application/yaml"
                                                    : "application/octet-stream";
}

void recorder_file_attach(recorder_file *f, const char *path, int64_t wall_ns)
{
    const char *slash = strrchr(path, '/');
    char *bytes = NULL;
    size_t len = 0;
    if (hp_file_read(path, MAX_ATTACHMENT, &bytes, &len, NULL) == HP_OK && len > 0) {
        const hp_mcap_attachment a = {.log_ns = (uint64_t)wall_ns,
                                      .create_ns = (uint64_t)wall_ns,
                                      .name = hp_mcap_text(slash != NULL ? slash + 1 : path),
                                      .media_type = hp_mcap_text(media_type(path)),
                                      .data = {(const uint8_t *)bytes, len}};
        (void)!hp_mcap_write_attachment(f->writer, &a, NULL); /* a full disk is told by chunks */
    }
    free(bytes);
}

hp_status recorder_file_metadata(recorder_file *f, const char *name, const char *const pairs[][2],
                                 size_t n, hp_error *error)
{
    uint8_t map[MAX_METADATA];
    hp_mcap_metadata m = {.name = hp_mcap_text(name)};
    const hp_status st = hp_mcap_map(pairs, n, map, sizeof map, &m.entries, error);
    return st == HP_OK ? hp_mcap_write_metadata(f->writer, &m, error) : st;
}

static hp_status put(recorder_file *f, uint16_t channel, int64_t time_ns, hp_mcap_bytes data,
                     hp_error *error)
{
    const hp_mcap_message m = {.channel_id = channel,
                               .sequence = f->sequence[channel]++,
                               .log_ns = (uint64_t)time_ns,
                               .publish_ns = (uint64_t)time_ns,
                               .data = data};
    return hp_mcap_write_message(f->writer, &m, error);
}

hp_status recorder_file_own(recorder_file *f, hp_msg_type type, int64_t time_ns,
                            const void *payload, size_t len, hp_error *error)
{
    return put(f, (uint16_t)(1 + type), time_ns, (hp_mcap_bytes){payload, len}, error);
}

hp_status recorder_file_extra(recorder_file *f, recorder_extra extra, int64_t time_ns,
                              const void *payload, size_t len, hp_error *error)
{
    return put(f, (uint16_t)(RECORDER_EXTRA_CHANNEL + extra), time_ns,
               (hp_mcap_bytes){payload, len}, error);
}

hp_status recorder_file_flush(recorder_file *f, hp_error *error)
{
    return hp_mcap_writer_flush(f->writer, error);
}

hp_status recorder_file_close(recorder_file **file, hp_mcap_written *figures, hp_error *error)
{
    recorder_file *f = *file;
    hp_status st = hp_mcap_writer_close(f->writer, error);
    *figures = hp_mcap_writer_figures(f->writer);
    figures->lost = 0;
    for (size_t i = 0; i < RECORDER_TAP_LEN; i++) {
        figures->lost += hp_mcap_writer_lost(f->writer, (uint16_t)(1 + RECORDER_TAP[i]));
    }
    hp_mcap_writer_destroy(&f->writer);
    if (close(f->fd) != 0 && st == HP_OK) {
        st = hp_fail(error, HP_EIO, "%s: cannot write: %s", f->path, strerror(errno));
    }
    free(f);
    *file = NULL;
    return st;
}
