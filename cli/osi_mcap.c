#include "cli/osi_mcap.h"

#include "cli/osi_export.h"
#include "common/hp_mcap_writer.h"
#include "proto/hp_schema.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 1200, MAP_BYTES = 1024, CHANNEL = 1 };

struct osi_mcap {
    int fd;
    char path[PATH_BYTES];
    hp_mcap_file_sink sink;
    hp_mcap_writer *writer;
    uint32_t sequence;
};

static hp_status define(hp_mcap_writer *w, hp_error *error)
{
    static const char *const CHANNEL_PAIRS[][2] = {
        {"net.asam.osi.trace.channel.osi_version", OSI_EXPORT_VERSION},
        {"net.asam.osi.trace.channel.protobuf_version", OSI_EXPORT_PROTOBUF},
        {"net.asam.osi.trace.channel.description", "what the ego's sensor saw"}};
    static const char *const FILE_PAIRS[][2] = {{"version", OSI_EXPORT_TRACE},
                                                {"min_osi_version", OSI_EXPORT_VERSION},
                                                {"max_osi_version", OSI_EXPORT_VERSION},
                                                {"min_protobuf_version", OSI_EXPORT_PROTOBUF},
                                                {"max_protobuf_version", OSI_EXPORT_PROTOBUF},
                                                {"description", "ground truth of a HyPlan run"},
                                                {"data_sources", "hyplan " HYPLAN_VERSION}};
    uint8_t map[MAP_BYTES];
    const hp_schema_set set = hp_schema_osi();
    const hp_mcap_schema schema = {.id = CHANNEL,
                                   .name = hp_mcap_text("osi3.GroundTruth"),
                                   .encoding = hp_mcap_text("protobuf"),
                                   .data = {set.data, set.len}};
    hp_mcap_metadata about = {.name = hp_mcap_text("net.asam.osi.trace")};
    hp_mcap_channel channel = {.id = CHANNEL,
                               .schema_id = CHANNEL,
                               .topic = hp_mcap_text("ground_truth"),
                               .message_encoding = hp_mcap_text("protobuf")};
    hp_status st =
        hp_mcap_map(FILE_PAIRS, HP_ARRAY_LEN(FILE_PAIRS), map, sizeof map, &about.entries, error);
    st = st == HP_OK ? hp_mcap_write_metadata(w, &about, error) : st;
    st = st == HP_OK ? hp_mcap_write_schema(w, &schema, error) : st;
    st = st == HP_OK ? hp_mcap_map(CHANNEL_PAIRS, HP_ARRAY_LEN(CHANNEL_PAIRS), map, sizeof map,
                                   &channel.metadata, error)
                     : st;
    return st == HP_OK ? hp_mcap_write_channel(w, &channel, error) : st;
}

hp_status osi_mcap_open(const char *path, osi_mcap **out, hp_error *error)
{
    osi_mcap *f = calloc(1, sizeof *f);
    *out = NULL;
    if (f == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory for a trace");
    }
    (void)snprintf(f->path, sizeof f->path, "%s", path);
    f->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (f->fd < 0) {
        const int why = errno;
        free(f);
        return hp_fail(error, HP_EIO, "%s: cannot write: %s", path, strerror(why));
    }
    f->sink = (hp_mcap_file_sink){.fd = f->fd, .path = f->path};
    const hp_mcap_options options = hp_mcap_options_default();
    hp_status st = hp_mcap_writer_create(&options, &(hp_mcap_sink){hp_mcap_file_append, &f->sink},
                                         &f->writer, error);
    if (st == HP_OK) {
        st = define(f->writer, error);
    }
    if (st != HP_OK) {
        (void)!osi_mcap_close(&f, NULL);
        return st;
    }
    *out = f;
    return HP_OK;
}

hp_status osi_mcap_put(osi_mcap *f, int64_t stamp_ns, const void *message, size_t len,
                       hp_error *error)
{
    const hp_mcap_message m = {.channel_id = CHANNEL,
                               .sequence = f->sequence++,
                               .log_ns = (uint64_t)stamp_ns,
                               .publish_ns = (uint64_t)stamp_ns,
                               .data = {message, len}};
    return hp_mcap_write_message(f->writer, &m, error);
}

hp_status osi_mcap_close(osi_mcap **file, hp_error *error)
{
    osi_mcap *f = *file;
    hp_status st = f->writer != NULL ? hp_mcap_writer_close(f->writer, error) : HP_OK;
    hp_mcap_writer_destroy(&f->writer);
    if (close(f->fd) != 0 && st == HP_OK) {
        st = hp_fail(error, HP_EIO, "%s: cannot write: %s", f->path, strerror(errno));
    }
    free(f);
    *file = NULL;
    return st;
}
