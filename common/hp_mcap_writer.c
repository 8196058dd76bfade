#include "common/hp_mcap_writer.h"

#include "common/hp_mcap_internal.h"

#include <stdlib.h>

enum { ZSTD_LEVEL = 3, CHUNK_BYTES = 1 << 20, MAX_TEXT = 1 << 24 };

/** A channel's share of the open chunk, and of the file. */
typedef struct channel_state {
    uint16_t id;
    uint64_t messages;      /* written */
    hp_mcap_buffer entries; /* message index of the open chunk */
    uint64_t index_offset;  /* of that index in the file */
    uint64_t lost;          /* messages */
} channel_state;

typedef struct time_range {
    uint64_t start_ns, end_ns;
    uint64_t n;
} time_range;

struct hp_mcap_writer {
    hp_mcap_options options;
    hp_mcap_sink sink;
    uint64_t offset;     /* bytes in the file */
    uint32_t data_crc;   /* of them */
    hp_mcap_buffer open; /* records of the open chunk, or, without chunks, what is to be written */
    hp_mcap_buffer out;  /* one piece for the sink */
    bool define_again;   /* a chunk with definitions was lost */
    time_range chunk_range, range;
    channel_state *channels;
    size_t n_channels, channel_cap;
    /* for the summary: whole records, one after the other */
    hp_mcap_buffer schemas, channel_records, chunk_index, attachment_index, metadata_index;
    uint16_t n_schemas;
    uint32_t n_attachments, n_metadata, n_chunks;
    uint64_t lost;
    bool closed;
};

hp_mcap_options hp_mcap_options_default(void)
{
    return (hp_mcap_options){.profile = "",
                             .library = "hyplan " HYPLAN_VERSION,
                             .chunked = true,
                             .compression = "zstd",
                             .level = ZSTD_LEVEL,
                             .chunk_bytes = CHUNK_BYTES,
                             .message_index = true,
                             .chunk_index = true,
                             .statistics = true,
                             .repeat_schemas = true,
                             .repeat_channels = true,
                             .attachment_index = true,
                             .metadata_index = true,
                             .summary_offsets = true};
}

/* ---- Records ---- */

/** Pads what it ends, but for records in chunks. */
static void end_record(hp_mcap_writer *w, hp_mcap_buffer *b, size_t start)
{
    if (b != &w->open || !w->options.chunked) {
        hp_mcap_put(b, w->options.padding.data, w->options.padding.len);
    }
    hp_mcap_end(b, start);
}

static void put_schema(hp_mcap_writer *w, hp_mcap_buffer *b, const hp_mcap_schema *s)
{
    const size_t start = hp_mcap_begin(b, HP_MCAP_SCHEMA);
    hp_mcap_put_number(b, s->id, 2);
    hp_mcap_put_text(b, s->name);
    hp_mcap_put_text(b, s->encoding);
    hp_mcap_put_text(b, s->data);
    end_record(w, b, start);
}

static void put_channel(hp_mcap_writer *w, hp_mcap_buffer *b, const hp_mcap_channel *c)
{
    const size_t start = hp_mcap_begin(b, HP_MCAP_CHANNEL);
    hp_mcap_put_number(b, c->id, 2);
    hp_mcap_put_number(b, c->schema_id, 2);
    hp_mcap_put_text(b, c->topic);
    hp_mcap_put_text(b, c->message_encoding);
    hp_mcap_put_text(b, c->metadata);
    end_record(w, b, start);
}

/** Hands a buffer to the sink and empties it, written or not. */
static hp_status emit(hp_mcap_writer *w, hp_mcap_buffer *b, hp_error *error)
{
    hp_status st = b->failed ? hp_fail(error, HP_ENOMEM, "no memory for a recording") : HP_OK;
    if (st == HP_OK && b->len > 0) {
        st = w->sink.append(w->sink.ctx, b->data, b->len, error);
    }
    if (st == HP_OK) {
        w->offset += b->len;
        w->data_crc = hp_mcap_crc(w->data_crc, b->data, b->len);
    }
    b->len = 0;
    b->failed = false;
    return st;
}

hp_status hp_mcap_writer_create(const hp_mcap_options *options, const hp_mcap_sink *sink,
                                hp_mcap_writer **out, hp_error *error)
{
    const hp_mcap_bytes compression = hp_mcap_text(options->compression);
    *out = NULL;
    if (!hp_mcap_is(compression, "") && !hp_mcap_is(compression, "zstd") &&
        !hp_mcap_is(compression, "lz4")) {
        return hp_fail(error, HP_EINVAL, "'%s' is no compression: none, zstd or lz4",
                       options->compression);
    }
    hp_mcap_writer *w = calloc(1, sizeof *w);
    if (w == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory for a recording");
    }
    w->options = *options;
    w->sink = *sink;
    hp_mcap_put(&w->out, HP_MCAP_MAGIC, HP_MCAP_MAGIC_BYTES);
    const size_t start = hp_mcap_begin(&w->out, HP_MCAP_HEADER);
    hp_mcap_put_text(&w->out, hp_mcap_text(options->profile));
    hp_mcap_put_text(&w->out, hp_mcap_text(options->library));
    end_record(w, &w->out, start);
    const hp_status st = emit(w, &w->out, error);
    if (st != HP_OK) {
        hp_mcap_writer_destroy(&w);
        return st;
    }
    *out = w;
    return HP_OK;
}

void hp_mcap_writer_destroy(hp_mcap_writer **writer)
{
    hp_mcap_writer *w = *writer;
    if (w == NULL) {
        return;
    }
    for (size_t i = 0; i < w->n_channels; i++) {
        hp_mcap_buffer_free(&w->channels[i].entries);
    }
    free(w->channels);
    hp_mcap_buffer_free(&w->open);
    hp_mcap_buffer_free(&w->out);
    hp_mcap_buffer_free(&w->schemas);
    hp_mcap_buffer_free(&w->channel_records);
    hp_mcap_buffer_free(&w->chunk_index);
    hp_mcap_buffer_free(&w->attachment_index);
    hp_mcap_buffer_free(&w->metadata_index);
    free(w);
    *writer = NULL;
}

/* ---- Chunks ---- */

static void extend(time_range *r, uint64_t ns)
{
    r->start_ns = r->n == 0 || ns < r->start_ns ? ns : r->start_ns;
    r->end_ns = r->n == 0 || ns > r->end_ns ? ns : r->end_ns;
    r->n++;
}

/** Books the open chunk's messages as written, or as lost, and forgets them. */
static void settle_chunk(hp_mcap_writer *w, bool written)
{
    const uint64_t n = w->chunk_range.n;
    for (size_t i = 0; i < w->n_channels; i++) {
        channel_state *c = &w->channels[i];
        c->messages += written ? c->entries.len / 16 : 0;
        c->lost += written ? 0 : c->entries.len / 16;
        c->entries.len = 0;
        c->entries.failed = false;
    }
    if (written && n > 0) {
        extend(&w->range, w->chunk_range.start_ns);
        extend(&w->range, w->chunk_range.end_ns);
        w->range.n += n - 2; /* the two have been counted */
    }
    w->lost += written ? 0 : n;
    w->define_again = !written;
    w->chunk_range = (time_range){0};
    w->open.len = 0;
    w->open.failed = false;
}

/** What has come before it in a lost chunk is told again at the head of the next. */
static void define_again(hp_mcap_writer *w)
{
    if (w->define_again) {
        w->define_again = false;
        hp_mcap_put(&w->open, w->schemas.data, w->schemas.len);
        hp_mcap_put(&w->open, w->channel_records.data, w->channel_records.len);
    }
}

static hp_status put_chunk(hp_mcap_writer *w, uint64_t *compressed)
{
    hp_mcap_buffer *b = &w->out;
    const hp_mcap_buffer *open = &w->open;
    const hp_mcap_bytes compression = hp_mcap_text(w->options.compression);
    hp_status st = HP_OK;
    const size_t start = hp_mcap_begin(b, HP_MCAP_CHUNK);
    hp_mcap_put_number(b, w->chunk_range.start_ns, 8);
    hp_mcap_put_number(b, w->chunk_range.end_ns, 8);
    hp_mcap_put_number(b, open->len, 8);
    hp_mcap_put_number(b, hp_mcap_crc(0, open->data, open->len), 4);
    hp_mcap_put_text(b, compression);
    hp_mcap_put_number(b, 0, 8);
    const size_t records = b->len;
    if (hp_mcap_is(compression, "zstd")) {
        st = hp_mcap_zstd(open->data, open->len, w->options.level, b);
    } else if (hp_mcap_is(compression, "lz4")) {
        st = hp_mcap_lz4(open->data, open->len, b);
    } else {
        hp_mcap_put(b, open->data, open->len);
    }
    *compressed = b->len - records;
    if (!b->failed) {
        hp_mcap_store(b->data + records - 8, *compressed, 8);
    }
    hp_mcap_end(b, start);
    return st;
}

static void put_message_indexes(hp_mcap_writer *w)
{
    for (size_t i = 0; i < w->n_channels && w->options.message_index; i++) {
        channel_state *c = &w->channels[i];
        if (c->entries.len > 0) {
            c->index_offset = w->offset + w->out.len;
            const size_t start = hp_mcap_begin(&w->out, HP_MCAP_MESSAGE_INDEX);
            hp_mcap_put_number(&w->out, c->id, 2);
            hp_mcap_put_number(&w->out, c->entries.len, 4);
            hp_mcap_put(&w->out, c->entries.data, c->entries.len);
            end_record(w, &w->out, start);
        }
    }
}

typedef struct chunk_facts {
    uint64_t offset, length, index_length, compressed;
} chunk_facts;

static void put_chunk_index(hp_mcap_writer *w, const chunk_facts *f)
{
    hp_mcap_buffer *b = &w->chunk_index;
    const size_t start = hp_mcap_begin(b, HP_MCAP_CHUNK_INDEX);
    hp_mcap_put_number(b, w->chunk_range.start_ns, 8);
    hp_mcap_put_number(b, w->chunk_range.end_ns, 8);
    hp_mcap_put_number(b, f->offset, 8);
    hp_mcap_put_number(b, f->length, 8);
    const size_t count = b->len;
    hp_mcap_put_number(b, 0, 4);
    for (size_t i = 0; i < w->n_channels && w->options.message_index; i++) {
        if (w->channels[i].entries.len > 0) {
            hp_mcap_put_number(b, w->channels[i].id, 2);
            hp_mcap_put_number(b, w->channels[i].index_offset, 8);
        }
    }
    if (!b->failed) {
        hp_mcap_store(b->data + count, b->len - count - 4, 4);
    }
    hp_mcap_put_number(b, f->index_length, 8);
    hp_mcap_put_text(b, hp_mcap_text(w->options.compression));
    hp_mcap_put_number(b, f->compressed, 8);
    hp_mcap_put_number(b, w->open.len, 8);
    end_record(w, b, start);
}

static hp_status write_chunk(hp_mcap_writer *w, hp_error *error)
{
    chunk_facts f = {.offset = w->offset};
    hp_status st = w->open.failed ? HP_ENOMEM : put_chunk(w, &f.compressed);
    f.length = w->out.len;
    put_message_indexes(w);
    f.index_length = w->out.len - f.length;
    if (st == HP_OK) {
        st = emit(w, &w->out, error);
    } else {
        w->out.len = 0;
        w->out.failed = false;
        st = hp_fail(error, st, "a chunk of the recording is lost: %s", hp_status_text(st));
    }
    if (st == HP_OK) {
        w->n_chunks++;
        put_chunk_index(w, &f);
    }
    settle_chunk(w, st == HP_OK);
    return st;
}

hp_status hp_mcap_writer_flush(hp_mcap_writer *w, hp_error *error)
{
    if (w->open.len == 0 && !w->open.failed) {
        return HP_OK;
    }
    if (w->options.chunked) {
        return write_chunk(w, error);
    }
    const hp_status st = emit(w, &w->open, error);
    settle_chunk(w, st == HP_OK);
    return st;
}

/* ---- What goes in ---- */

static channel_state *find_channel(const hp_mcap_writer *w, uint16_t id)
{
    for (size_t i = 0; i < w->n_channels; i++) {
        if (w->channels[i].id == id) {
            return &w->channels[i];
        }
    }
    return NULL;
}

static bool has_schema(const hp_mcap_writer *w, uint16_t id)
{
    size_t at = 0;
    while (at < w->schemas.len) {
        const uint8_t *record = w->schemas.data + at;
        if (hp_mcap_load_u16(record + HP_MCAP_HEAD_BYTES) == id) {
            return true;
        }
        at += HP_MCAP_HEAD_BYTES + hp_mcap_load_u64(record + 1);
    }
    return false;
}

hp_status hp_mcap_write_schema(hp_mcap_writer *w, const hp_mcap_schema *schema, hp_error *error)
{
    if (schema->id == 0 || has_schema(w, schema->id)) {
        return hp_fail(error, HP_EINVAL, "schema %u: this id is taken or reserved", schema->id);
    }
    if (schema->name.len > MAX_TEXT || schema->encoding.len > MAX_TEXT ||
        schema->data.len > MAX_TEXT) {
        return hp_fail(error, HP_EINVAL, "schema %u is too long", schema->id);
    }
    define_again(w);
    put_schema(w, &w->schemas, schema);
    put_schema(w, &w->open, schema);
    w->n_schemas++;
    return w->schemas.failed || w->open.failed ? hp_fail(error, HP_ENOMEM, "no memory") : HP_OK;
}

static hp_status grow_channels(hp_mcap_writer *w, hp_error *error)
{
    if (w->n_channels == w->channel_cap) {
        const size_t cap = w->channel_cap == 0 ? 16 : 2 * w->channel_cap;
        channel_state *grown = realloc(w->channels, cap * sizeof *grown);
        if (grown == NULL) {
            return hp_fail(error, HP_ENOMEM, "no memory for a channel");
        }
        w->channels = grown;
        w->channel_cap = cap;
    }
    return HP_OK;
}

hp_status hp_mcap_write_channel(hp_mcap_writer *w, const hp_mcap_channel *channel, hp_error *error)
{
    if (find_channel(w, channel->id) != NULL) {
        return hp_fail(error, HP_EINVAL, "channel %u: this id is taken", channel->id);
    }
    if (channel->schema_id != 0 && !has_schema(w, channel->schema_id)) {
        return hp_fail(error, HP_EINVAL, "channel %u: there is no schema %u", channel->id,
                       channel->schema_id);
    }
    if (channel->topic.len > MAX_TEXT || channel->message_encoding.len > MAX_TEXT ||
        channel->metadata.len > MAX_TEXT) {
        return hp_fail(error, HP_EINVAL, "channel %u is too long", channel->id);
    }
    const hp_status st = grow_channels(w, error);
    if (st != HP_OK) {
        return st;
    }
    define_again(w);
    w->channels[w->n_channels++] = (channel_state){.id = channel->id};
    put_channel(w, &w->channel_records, channel);
    put_channel(w, &w->open, channel);
    return w->channel_records.failed || w->open.failed ? hp_fail(error, HP_ENOMEM, "no memory")
                                                       : HP_OK;
}

hp_status hp_mcap_write_message(hp_mcap_writer *w, const hp_mcap_message *m, hp_error *error)
{
    channel_state *c = find_channel(w, m->channel_id);
    if (c == NULL) {
        return hp_fail(error, HP_EINVAL, "there is no channel %u", m->channel_id);
    }
    define_again(w);
    hp_mcap_put_number(&c->entries, m->log_ns, 8);
    hp_mcap_put_number(&c->entries, w->open.len, 8);
    const size_t start = hp_mcap_begin(&w->open, HP_MCAP_MESSAGE);
    hp_mcap_put_number(&w->open, m->channel_id, 2);
    hp_mcap_put_number(&w->open, m->sequence, 4);
    hp_mcap_put_number(&w->open, m->log_ns, 8);
    hp_mcap_put_number(&w->open, m->publish_ns, 8);
    hp_mcap_put(&w->open, m->data.data, m->data.len);
    hp_mcap_end(&w->open, start);
    extend(&w->chunk_range, m->log_ns);
    return w->open.failed || w->open.len >= w->options.chunk_bytes ? hp_mcap_writer_flush(w, error)
                                                                   : HP_OK;
}

/** Without chunks, what stands in the file stands there in the order of the calls. */
static hp_status keep_order(hp_mcap_writer *w, hp_error *error)
{
    return w->options.chunked ? HP_OK : hp_mcap_writer_flush(w, error);
}

hp_status hp_mcap_write_attachment(hp_mcap_writer *w, const hp_mcap_attachment *a, hp_error *error)
{
    hp_mcap_buffer *b = &w->out;
    hp_status st = keep_order(w, error);
    const uint64_t offset = w->offset;
    const size_t start = hp_mcap_begin(b, HP_MCAP_ATTACHMENT);
    hp_mcap_put_number(b, a->log_ns, 8);
    hp_mcap_put_number(b, a->create_ns, 8);
    hp_mcap_put_text(b, a->name);
    hp_mcap_put_text(b, a->media_type);
    hp_mcap_put_number(b, a->data.len, 8);
    hp_mcap_put(b, a->data.data, a->data.len);
    const size_t from = start + HP_MCAP_HEAD_BYTES;
    hp_mcap_put_number(b, b->failed ? 0 : hp_mcap_crc(0, b->data + from, b->len - from), 4);
    end_record(w, b, start);
    const uint64_t length = b->len;
    const hp_status emitted = emit(w, b, st == HP_OK ? error : NULL);
    st = st == HP_OK ? emitted : st;
    if (emitted == HP_OK) {
        hp_mcap_buffer *index = &w->attachment_index;
        const size_t at = hp_mcap_begin(index, HP_MCAP_ATTACHMENT_INDEX);
        hp_mcap_put_number(index, offset, 8);
        hp_mcap_put_number(index, length, 8);
        hp_mcap_put_number(index, a->log_ns, 8);
        hp_mcap_put_number(index, a->create_ns, 8);
        hp_mcap_put_number(index, a->data.len, 8);
        hp_mcap_put_text(index, a->name);
        hp_mcap_put_text(index, a->media_type);
        end_record(w, index, at);
        w->n_attachments++;
    }
    return st;
}

hp_status hp_mcap_write_metadata(hp_mcap_writer *w, const hp_mcap_metadata *m, hp_error *error)
{
    hp_mcap_buffer *b = &w->out;
    hp_status st = keep_order(w, error);
    const uint64_t offset = w->offset;
    const size_t start = hp_mcap_begin(b, HP_MCAP_METADATA);
    hp_mcap_put_text(b, m->name);
    hp_mcap_put_text(b, m->entries);
    end_record(w, b, start);
    const uint64_t length = b->len;
    const hp_status emitted = emit(w, b, st == HP_OK ? error : NULL);
    st = st == HP_OK ? emitted : st;
    if (emitted == HP_OK) {
        hp_mcap_buffer *index = &w->metadata_index;
        const size_t at = hp_mcap_begin(index, HP_MCAP_METADATA_INDEX);
        hp_mcap_put_number(index, offset, 8);
        hp_mcap_put_number(index, length, 8);
        hp_mcap_put_text(index, m->name);
        end_record(w, index, at);
        w->n_metadata++;
    }
    return st;
}

/* ---- The end ---- */

static void put_statistics(hp_mcap_writer *w, hp_mcap_buffer *b)
{
    uint32_t counted = 0;
    for (size_t i = 0; i < w->n_channels; i++) {
        counted += w->channels[i].messages > 0 ? 1 : 0;
    }
    const size_t start = hp_mcap_begin(b, HP_MCAP_STATISTICS);
    hp_mcap_put_number(b, w->range.n, 8);
    hp_mcap_put_number(b, w->n_schemas, 2);
    hp_mcap_put_number(b, w->n_channels, 4);
    hp_mcap_put_number(b, w->n_attachments, 4);
    hp_mcap_put_number(b, w->n_metadata, 4);
    hp_mcap_put_number(b, w->n_chunks, 4);
    hp_mcap_put_number(b, w->range.start_ns, 8);
    hp_mcap_put_number(b, w->range.end_ns, 8);
    hp_mcap_put_number(b, (uint64_t)counted * 10, 4);
    for (size_t i = 0; i < w->n_channels; i++) {
        if (w->channels[i].messages > 0) {
            hp_mcap_put_number(b, w->channels[i].id, 2);
            hp_mcap_put_number(b, w->channels[i].messages, 8);
        }
    }
    end_record(w, b, start);
}

/** Appends one group of the summary and its line among the offsets. */
static void put_group(hp_mcap_writer *w, const hp_mcap_buffer *group, hp_mcap_buffer *offsets)
{
    if (group->len == 0) {
        return;
    }
    const size_t start = hp_mcap_begin(offsets, HP_MCAP_SUMMARY_OFFSET);
    hp_mcap_put_number(offsets, group->data[0], 1);
    hp_mcap_put_number(offsets, w->offset + w->out.len, 8);
    hp_mcap_put_number(offsets, group->len, 8);
    end_record(w, offsets, start);
    hp_mcap_put(&w->out, group->data, group->len);
}

static void put_summary(hp_mcap_writer *w, hp_mcap_buffer *statistics, hp_mcap_buffer *offsets)
{
    const hp_mcap_options *o = &w->options;
    const struct {
        bool wanted;
        const hp_mcap_buffer *records;
    } groups[] = {
        {o->repeat_schemas, &w->schemas},
        {o->repeat_channels, &w->channel_records},
        {o->statistics, statistics},
        {o->metadata_index, &w->metadata_index},
        {o->attachment_index, &w->attachment_index},
        {o->chunk_index, &w->chunk_index},
    };
    hp_mcap_buffer *b = &w->out;
    uint64_t offset_start = 0;
    put_statistics(w, statistics);
    for (size_t i = 0; i < HP_ARRAY_LEN(groups); i++) {
        if (groups[i].wanted) {
            put_group(w, groups[i].records, offsets);
        }
    }
    const uint64_t summary_start = b->len > 0 ? w->offset : 0;
    if (o->summary_offsets && offsets->len > 0) {
        offset_start = w->offset + b->len;
        hp_mcap_put(b, offsets->data, offsets->len);
    }
    const size_t footer = hp_mcap_begin(b, HP_MCAP_FOOTER);
    hp_mcap_put_number(b, summary_start, 8);
    hp_mcap_put_number(b, offset_start, 8);
    if (!b->failed) {
        hp_mcap_store(b->data + footer + 1, 20, 8); /* the checksum covers the length too */
    }
    hp_mcap_put_number(b, b->failed ? 0 : hp_mcap_crc(0, b->data, b->len), 4);
    hp_mcap_end(b, footer);
    hp_mcap_put(b, HP_MCAP_MAGIC, HP_MCAP_MAGIC_BYTES);
}

hp_status hp_mcap_writer_close(hp_mcap_writer *w, hp_error *error)
{
    hp_mcap_buffer statistics = {0};
    hp_mcap_buffer offsets = {0};
    if (w->closed) {
        return HP_OK;
    }
    hp_status st = hp_mcap_writer_flush(w, error);
    const size_t start = hp_mcap_begin(&w->out, HP_MCAP_DATA_END);
    hp_mcap_put_number(&w->out, w->data_crc, 4);
    hp_mcap_end(&w->out, start);
    const hp_status ended = emit(w, &w->out, st == HP_OK ? error : NULL);
    if (ended == HP_OK) {
        put_summary(w, &statistics, &offsets);
        w->out.failed = w->out.failed || statistics.failed || offsets.failed;
        const hp_status summed = emit(w, &w->out, st == HP_OK ? error : NULL);
        w->closed = summed == HP_OK;
        st = st == HP_OK ? summed : st;
    }
    hp_mcap_buffer_free(&statistics);
    hp_mcap_buffer_free(&offsets);
    return st == HP_OK ? ended : st;
}

hp_mcap_written hp_mcap_writer_figures(const hp_mcap_writer *w)
{
    return (hp_mcap_written){
        .messages = w->range.n, .lost = w->lost, .bytes = w->offset, .chunks = w->n_chunks};
}

uint64_t hp_mcap_writer_lost(const hp_mcap_writer *w, uint16_t channel_id)
{
    for (size_t i = 0; i < w->n_channels; i++) {
        if (w->channels[i].id == channel_id) {
            return w->channels[i].lost;
        }
    }
    return 0;
}
