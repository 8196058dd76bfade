/** @file mcap_sample.h Recordings in memory, for tests and the fuzz target of hp_mcap. */
#ifndef MCAP_SAMPLE_H
#define MCAP_SAMPLE_H

#include "common/hp_mcap_reader.h"

#include <stdlib.h>
#include <string.h>

enum { MCAP_SAMPLE_MESSAGES = 60, MCAP_SAMPLE_CHANNELS = 3, MCAP_SAMPLE_PAYLOAD = 40 };

/** A sink into memory that can be told to refuse. */
typedef struct mcap_memory {
    uint8_t *bytes;
    size_t len, cap;
    bool full; /* refuses everything */
} mcap_memory;

static inline hp_status mcap_memory_append(void *ctx, const void *data, size_t len, hp_error *error)
{
    mcap_memory *m = ctx;
    if (m->full) {
        return hp_fail(error, HP_EIO, "the disk is full");
    }
    if (len > m->cap - m->len) {
        m->cap = 2 * m->cap + len;
        m->bytes = realloc(m->bytes, m->cap);
    }
    if (m->bytes == NULL) {
        abort(); /* a test without memory has nothing to tell */
    }
    memcpy(m->bytes + m->len, data, len);
    m->len += len;
    return HP_OK;
}

static inline hp_mcap_sink mcap_memory_sink(mcap_memory *m)
{
    return (hp_mcap_sink){mcap_memory_append, m};
}

static inline void mcap_memory_free(mcap_memory *m)
{
    free(m->bytes);
    *m = (mcap_memory){0};
}

/** Options with small chunks: a handful of messages in each. */
static inline hp_mcap_options mcap_sample_options(const char *compression)
{
    hp_mcap_options o = hp_mcap_options_default();
    o.compression = compression;
    o.chunk_bytes = 600;
    return o;
}

/** The payload of message i: says who it is. */
static inline void mcap_sample_payload(uint32_t i, uint8_t payload[MCAP_SAMPLE_PAYLOAD])
{
    for (uint32_t k = 0; k < MCAP_SAMPLE_PAYLOAD; k++) {
        payload[k] = (uint8_t)(i + (k / 8) * 7);
    }
}

static inline hp_status mcap_sample_message(hp_mcap_writer *w, uint32_t i, hp_error *error)
{
    uint8_t payload[MCAP_SAMPLE_PAYLOAD];
    mcap_sample_payload(i, payload);
    const hp_mcap_message message = {.channel_id = (uint16_t)(1 + i % MCAP_SAMPLE_CHANNELS),
                                     .sequence = i,
                                     .log_ns = 1000 + 10 * (uint64_t)i,
                                     .publish_ns = 7,
                                     .data = {payload, sizeof payload}};
    return hp_mcap_write_message(w, &message, error);
}

/** A schema, three channels, an attachment, metadata. */
static inline hp_status mcap_sample_begin(hp_mcap_writer *w)
{
    static const uint8_t PAIR[] = {1, 0, 0, 0, 'k', 2, 0, 0, 0, 'v', 'w'};
    const hp_mcap_schema schema = {5, hp_mcap_text("sample.Text"), hp_mcap_text("text"),
                                   hp_mcap_text("a text")};
    const hp_mcap_attachment attachment = {.log_ns = 3,
                                           .create_ns = 4,
                                           .name = hp_mcap_text("a.yaml"),
                                           .media_type = hp_mcap_text("text/yaml"),
                                           .data = hp_mcap_text("a: 1\n")};
    const hp_mcap_metadata metadata = {hp_mcap_text("about"), {PAIR, sizeof PAIR}};
    hp_status st = hp_mcap_write_schema(w, &schema, NULL);
    for (uint16_t id = 1; id <= MCAP_SAMPLE_CHANNELS && st == HP_OK; id++) {
        const hp_mcap_channel channel = {id,
                                         5,
                                         hp_mcap_text(id == 1 ? "one" : "other"),
                                         hp_mcap_text("text"),
                                         {PAIR, sizeof PAIR}};
        st = hp_mcap_write_channel(w, &channel, NULL);
    }
    if (st == HP_OK) {
        st = hp_mcap_write_attachment(w, &attachment, NULL);
    }
    return st == HP_OK ? hp_mcap_write_metadata(w, &metadata, NULL) : st;
}

/** A whole recording; false: something went wrong. */
static inline bool mcap_sample_make(const hp_mcap_options *options, mcap_memory *out)
{
    const hp_mcap_sink sink = mcap_memory_sink(out);
    hp_mcap_writer *w = NULL;
    hp_status st = hp_mcap_writer_create(options, &sink, &w, NULL);
    st = st == HP_OK ? mcap_sample_begin(w) : st;
    for (uint32_t i = 0; i < MCAP_SAMPLE_MESSAGES && st == HP_OK; i++) {
        st = mcap_sample_message(w, i, NULL);
    }
    st = st == HP_OK ? hp_mcap_writer_close(w, NULL) : st;
    hp_mcap_writer_destroy(&w);
    return st == HP_OK;
}

#endif
