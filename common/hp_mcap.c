#include "common/hp_mcap.h"

#include "common/hp_mcap_internal.h"

#include <string.h>
#include <zlib.h>

const uint8_t HP_MCAP_MAGIC[HP_MCAP_MAGIC_BYTES] = {0x89, 'M', 'C', 'A', 'P', '0', '\r', '\n'};

/** What is still to be read of a record. The first field that does not fit is remembered. */
typedef struct cursor {
    const uint8_t *at;
    uint64_t left;
    const char *broken; /* field that goes beyond the content */
    uint64_t wanted;    /* bytes that it would have needed */
} cursor;

static bool has(cursor *c, const char *field, uint64_t wanted)
{
    if (c->broken == NULL && wanted > c->left) {
        c->broken = field;
        c->wanted = wanted;
    }
    return c->broken == NULL;
}

static const uint8_t *take(cursor *c, const char *field, uint64_t len)
{
    if (!has(c, field, len)) {
        return NULL;
    }
    const uint8_t *at = c->at;
    c->at += len;
    c->left -= len;
    return at;
}

static uint16_t take_u16(cursor *c, const char *field)
{
    const uint8_t *at = take(c, field, 2);
    return at != NULL ? hp_mcap_load_u16(at) : 0;
}

static uint32_t take_u32(cursor *c, const char *field)
{
    const uint8_t *at = take(c, field, 4);
    return at != NULL ? hp_mcap_load_u32(at) : 0;
}

static uint64_t take_u64(cursor *c, const char *field)
{
    const uint8_t *at = take(c, field, 8);
    return at != NULL ? hp_mcap_load_u64(at) : 0;
}

static hp_mcap_bytes take_bytes(cursor *c, const char *field, uint64_t len)
{
    const uint8_t *at = take(c, field, len);
    return (hp_mcap_bytes){at, at != NULL ? len : 0};
}

static hp_mcap_bytes take_text(cursor *c, const char *field)
{
    return take_bytes(c, field, take_u32(c, field));
}

/** A map or an array: its pairs must fill it. */
static hp_mcap_bytes take_pairs(cursor *c, const char *field, uint64_t pair_bytes)
{
    const hp_mcap_bytes pairs = take_text(c, field);
    if (pairs.len % pair_bytes != 0) {
        (void)has(c, field, UINT64_MAX);
    }
    return pairs;
}

static hp_mcap_bytes take_text_map(cursor *c, const char *field)
{
    const hp_mcap_bytes map = take_text(c, field);
    cursor inner = {.at = map.data, .left = map.len};
    while (inner.left > 0 && inner.broken == NULL) {
        (void)take_text(&inner, "key");
        (void)take_text(&inner, "value");
    }
    if (inner.broken != NULL) {
        (void)has(c, field, UINT64_MAX);
    }
    return map;
}

static void parse_header(cursor *c, hp_mcap_header *r)
{
    r->profile = take_text(c, "profile");
    r->library = take_text(c, "library");
}

static void parse_footer(cursor *c, hp_mcap_footer *r)
{
    r->summary_start = take_u64(c, "summary start");
    r->summary_offset_start = take_u64(c, "summary offset start");
    r->summary_crc = take_u32(c, "summary crc");
}

static void parse_schema(cursor *c, hp_mcap_schema *r)
{
    r->id = take_u16(c, "id");
    r->name = take_text(c, "name");
    r->encoding = take_text(c, "encoding");
    r->data = take_text(c, "data");
}

static void parse_channel(cursor *c, hp_mcap_channel *r)
{
    r->id = take_u16(c, "id");
    r->schema_id = take_u16(c, "schema id");
    r->topic = take_text(c, "topic");
    r->message_encoding = take_text(c, "message encoding");
    r->metadata = take_text_map(c, "metadata");
}

static void parse_message(cursor *c, hp_mcap_message *r)
{
    r->channel_id = take_u16(c, "channel id");
    r->sequence = take_u32(c, "sequence");
    r->log_ns = take_u64(c, "log time");
    r->publish_ns = take_u64(c, "publish time");
    r->data = take_bytes(c, "data", c->left);
}

static void parse_chunk(cursor *c, hp_mcap_chunk *r)
{
    r->start_ns = take_u64(c, "start time");
    r->end_ns = take_u64(c, "end time");
    r->uncompressed_size = take_u64(c, "uncompressed size");
    r->uncompressed_crc = take_u32(c, "uncompressed crc");
    r->compression = take_text(c, "compression");
    r->records = take_bytes(c, "records", take_u64(c, "records"));
}

static void parse_message_index(cursor *c, hp_mcap_message_index *r)
{
    r->channel_id = take_u16(c, "channel id");
    r->entries = take_pairs(c, "entries", 16);
}

static void parse_chunk_index(cursor *c, hp_mcap_chunk_index *r)
{
    r->start_ns = take_u64(c, "start time");
    r->end_ns = take_u64(c, "end time");
    r->chunk_offset = take_u64(c, "chunk offset");
    r->chunk_length = take_u64(c, "chunk length");
    r->index_offsets = take_pairs(c, "message index offsets", 10);
    r->index_length = take_u64(c, "message index length");
    r->compression = take_text(c, "compression");
    r->compressed_size = take_u64(c, "compressed size");
    r->uncompressed_size = take_u64(c, "uncompressed size");
}

static void parse_attachment(cursor *c, hp_mcap_attachment *r)
{
    const uint8_t *start = c->at;
    r->log_ns = take_u64(c, "log time");
    r->create_ns = take_u64(c, "create time");
    r->name = take_text(c, "name");
    r->media_type = take_text(c, "media type");
    r->data = take_bytes(c, "data", take_u64(c, "data"));
    if (c->broken == NULL) {
        r->true_crc = hp_mcap_crc(0, start, (uint64_t)(c->at - start));
    }
    r->crc = take_u32(c, "crc");
}

static void parse_attachment_index(cursor *c, hp_mcap_attachment_index *r)
{
    r->offset = take_u64(c, "offset");
    r->length = take_u64(c, "length");
    r->log_ns = take_u64(c, "log time");
    r->create_ns = take_u64(c, "create time");
    r->data_size = take_u64(c, "data size");
    r->name = take_text(c, "name");
    r->media_type = take_text(c, "media type");
}

static void parse_statistics(cursor *c, hp_mcap_statistics *r)
{
    r->messages = take_u64(c, "message count");
    r->schemas = take_u16(c, "schema count");
    r->channels = take_u32(c, "channel count");
    r->attachments = take_u32(c, "attachment count");
    r->metadata = take_u32(c, "metadata count");
    r->chunks = take_u32(c, "chunk count");
    r->start_ns = take_u64(c, "start time");
    r->end_ns = take_u64(c, "end time");
    r->channel_messages = take_pairs(c, "channel message counts", 10);
}

static void parse_metadata(cursor *c, hp_mcap_metadata *r)
{
    r->name = take_text(c, "name");
    r->entries = take_text_map(c, "entries");
}

static void parse_metadata_index(cursor *c, hp_mcap_metadata_index *r)
{
    r->offset = take_u64(c, "offset");
    r->length = take_u64(c, "length");
    r->name = take_text(c, "name");
}

static void parse_summary_offset(cursor *c, hp_mcap_summary_offset *r)
{
    const uint8_t *op = take(c, "group opcode", 1);
    r->group_op = op != NULL ? *op : 0;
    r->start = take_u64(c, "group start");
    r->length = take_u64(c, "group length");
}

static void parse_any(uint8_t op, cursor *c, hp_mcap_record *r)
{
    switch (op) {
    case HP_MCAP_HEADER:
        parse_header(c, &r->as.header);
        break;
    case HP_MCAP_FOOTER:
        parse_footer(c, &r->as.footer);
        break;
    case HP_MCAP_SCHEMA:
        parse_schema(c, &r->as.schema);
        break;
    case HP_MCAP_CHANNEL:
        parse_channel(c, &r->as.channel);
        break;
    case HP_MCAP_MESSAGE:
        parse_message(c, &r->as.message);
        break;
    case HP_MCAP_CHUNK:
        parse_chunk(c, &r->as.chunk);
        break;
    case HP_MCAP_MESSAGE_INDEX:
        parse_message_index(c, &r->as.message_index);
        break;
    case HP_MCAP_CHUNK_INDEX:
        parse_chunk_index(c, &r->as.chunk_index);
        break;
    case HP_MCAP_ATTACHMENT:
        parse_attachment(c, &r->as.attachment);
        break;
    case HP_MCAP_ATTACHMENT_INDEX:
        parse_attachment_index(c, &r->as.attachment_index);
        break;
    case HP_MCAP_STATISTICS:
        parse_statistics(c, &r->as.statistics);
        break;
    case HP_MCAP_METADATA:
        parse_metadata(c, &r->as.metadata);
        break;
    case HP_MCAP_METADATA_INDEX:
        parse_metadata_index(c, &r->as.metadata_index);
        break;
    case HP_MCAP_SUMMARY_OFFSET:
        parse_summary_offset(c, &r->as.summary_offset);
        break;
    case HP_MCAP_DATA_END:
        r->as.data_end.crc = take_u32(c, "data section crc");
        break;
    default: /* to be passed over */
        break;
    }
}

hp_status hp_mcap_parse(uint8_t op, const uint8_t *content, uint64_t len, hp_mcap_record *out,
                        hp_error *error)
{
    cursor c = {.at = content, .left = len};
    memset(out, 0, sizeof *out);
    out->op = op;
    out->length = len;
    parse_any(op, &c, out);
    if (c.broken == NULL) {
        return HP_OK;
    }
    if (c.wanted == UINT64_MAX) {
        return hp_fail(error, HP_EWIRE, "%s: its %s do not fill their length", hp_mcap_op_name(op),
                       c.broken);
    }
    return hp_fail(error, HP_EWIRE, "%s of %llu bytes is cut off in its %s (%llu more needed)",
                   hp_mcap_op_name(op), (unsigned long long)len, c.broken,
                   (unsigned long long)(c.wanted - c.left));
}

const char *hp_mcap_op_name(unsigned op)
{
    static const char *const NAMES[HP_MCAP_OP_COUNT] = {
        [HP_MCAP_HEADER] = "header",
        [HP_MCAP_FOOTER] = "footer",
        [HP_MCAP_SCHEMA] = "schema",
        [HP_MCAP_CHANNEL] = "channel",
        [HP_MCAP_MESSAGE] = "message",
        [HP_MCAP_CHUNK] = "chunk",
        [HP_MCAP_MESSAGE_INDEX] = "message index",
        [HP_MCAP_CHUNK_INDEX] = "chunk index",
        [HP_MCAP_ATTACHMENT] = "attachment",
        [HP_MCAP_ATTACHMENT_INDEX] = "attachment index",
        [HP_MCAP_STATISTICS] = "statistics",
        [HP_MCAP_METADATA] = "metadata",
        [HP_MCAP_METADATA_INDEX] = "metadata index",
        [HP_MCAP_SUMMARY_OFFSET] = "summary offset",
        [HP_MCAP_DATA_END] = "data end",
    };
    return op < HP_MCAP_OP_COUNT && NAMES[op] != NULL ? NAMES[op] : "record";
}

bool hp_mcap_next_text(hp_mcap_bytes *map, hp_mcap_bytes *key, hp_mcap_bytes *value)
{
    cursor c = {.at = map->data, .left = map->len};
    *key = take_text(&c, "key");
    *value = take_text(&c, "value");
    *map = (hp_mcap_bytes){c.at, c.left};
    return c.broken == NULL;
}

bool hp_mcap_next_count(hp_mcap_bytes *map, uint16_t *key, uint64_t *value)
{
    cursor c = {.at = map->data, .left = map->len};
    *key = take_u16(&c, "key");
    *value = take_u64(&c, "value");
    *map = (hp_mcap_bytes){c.at, c.left};
    return c.broken == NULL;
}

hp_status hp_mcap_map(const char *const pairs[][2], size_t n, uint8_t *bytes, size_t cap,
                      hp_mcap_bytes *out, hp_error *error)
{
    size_t at = 0;
    for (size_t i = 0; i < 2 * n; i++) {
        const char *text = pairs[i / 2][i % 2];
        const size_t len = strlen(text);
        if (cap - at < 4 || cap - at - 4 < len) {
            return hp_fail(error, HP_EFULL, "a map of texts is longer than %zu bytes", cap);
        }
        hp_mcap_store(bytes + at, len, 4);
        memcpy(bytes + at + 4, text, len); /* NOLINT(bugprone-not-null-terminated-result) */
        at += 4 + len;
    }
    *out = (hp_mcap_bytes){bytes, at};
    return HP_OK;
}

bool hp_mcap_is(hp_mcap_bytes bytes, const char *text)
{
    const size_t len = strlen(text);
    return bytes.len == len && (len == 0 || memcmp(bytes.data, text, len) == 0);
}

hp_mcap_bytes hp_mcap_text(const char *text)
{
    return (hp_mcap_bytes){(const uint8_t *)text, strlen(text)};
}

uint32_t hp_mcap_crc(uint32_t crc, const void *data, uint64_t len)
{
    return len == 0 ? crc : (uint32_t)crc32_z(crc, data, len);
}
