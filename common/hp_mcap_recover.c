#include "common/hp_mcap_reader.h"

#include <stdlib.h>

/** Which ids of schemas and channels have been written, one bit each. */
typedef struct id_set {
    uint8_t bits[65536 / 8];
} id_set;

typedef struct recovery {
    hp_mcap_writer *writer;
    hp_mcap_recovered *out;
    id_set schemas, channels;
} recovery;

static bool holds(const id_set *set, uint16_t id)
{
    return (set->bits[id / 8] >> (id % 8) & 1) != 0;
}

static void add(id_set *set, uint16_t id)
{
    set->bits[id / 8] = (uint8_t)(set->bits[id / 8] | 1u << (id % 8));
}

static hp_status copy_schema(recovery *r, const hp_mcap_schema *schema, hp_error *error)
{
    if (schema->id == 0 || holds(&r->schemas, schema->id)) {
        return HP_OK; /* told again */
    }
    add(&r->schemas, schema->id);
    return hp_mcap_write_schema(r->writer, schema, error);
}

static hp_status copy_channel(recovery *r, const hp_mcap_channel *channel, hp_error *error)
{
    hp_mcap_channel copy = *channel;
    if (holds(&r->channels, channel->id)) {
        return HP_OK;
    }
    if (copy.schema_id != 0 && !holds(&r->schemas, copy.schema_id)) {
        copy.schema_id = 0; /* its schema is lost: better without than not at all */
    }
    add(&r->channels, channel->id);
    return hp_mcap_write_channel(r->writer, &copy, error);
}

static hp_status copy_record(recovery *r, const hp_mcap_record *record, hp_error *error)
{
    switch (record->op) {
    case HP_MCAP_SCHEMA:
        return copy_schema(r, &record->as.schema, error);
    case HP_MCAP_CHANNEL:
        return copy_channel(r, &record->as.channel, error);
    case HP_MCAP_MESSAGE:
        if (!holds(&r->channels, record->as.message.channel_id)) {
            r->out->orphans++;
            return HP_OK;
        }
        r->out->messages++;
        return hp_mcap_write_message(r->writer, &record->as.message, error);
    case HP_MCAP_ATTACHMENT:
        r->out->attachments++;
        return hp_mcap_write_attachment(r->writer, &record->as.attachment, error);
    case HP_MCAP_METADATA:
        r->out->metadata++;
        return hp_mcap_write_metadata(r->writer, &record->as.metadata, error);
    default: /* indexes and summary are made anew */
        return HP_OK;
    }
}

/** Until the end, or until nothing more can be read. */
static hp_status copy_all(recovery *r, hp_mcap_reader *reader, hp_error *error)
{
    hp_mcap_record record;
    uint64_t failed_at = UINT64_MAX;
    for (;;) {
        hp_error why = {{0}};
        hp_status st = hp_mcap_next(reader, &record, &why);
        if (st == HP_ENOENT) {
            return HP_OK;
        }
        if (st == HP_OK) {
            st = copy_record(r, &record, error);
            if (st != HP_OK) {
                return st;
            }
            continue;
        }
        if (st == HP_EIO || st == HP_ENOMEM) {
            return hp_fail(error, st, "%s", why.text);
        }
        if (hp_mcap_reader_offset(reader) == failed_at) {
            return HP_OK; /* it stands still: cut off here */
        }
        failed_at = hp_mcap_reader_offset(reader);
        if (r->out->damaged++ == 0) {
            r->out->first = why;
        }
    }
}

hp_status hp_mcap_recover(const hp_mcap_source *source, const hp_mcap_options *options,
                          const hp_mcap_sink *sink, hp_mcap_recovered *out, hp_error *error)
{
    recovery *r = calloc(1, sizeof *r);
    hp_mcap_reader *reader = NULL;
    *out = (hp_mcap_recovered){0};
    if (r == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory for a recovery");
    }
    r->out = out;
    hp_status st = hp_mcap_reader_create(source, &reader, error);
    if (st == HP_OK) {
        st = hp_mcap_writer_create(options, sink, &r->writer, error);
    }
    if (st == HP_OK) {
        st = copy_all(r, reader, error);
    }
    if (st == HP_OK) {
        st = hp_mcap_writer_close(r->writer, error);
    }
    out->complete = st == HP_OK && out->damaged == 0 && out->orphans == 0;
    hp_mcap_writer_destroy(&r->writer);
    hp_mcap_reader_destroy(&reader);
    free(r);
    return st;
}
