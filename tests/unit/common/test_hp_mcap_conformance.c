/* The format's public conformance cases, both ways: a file gives the records that its JSON lists,
 * and these records with the options in its name give the file, byte for byte. Found as
 * $HYPLAN_DATA/mcap-conformance; skipped without them. */
#include "tests/support/hp_test.h"

#include "common/hp_mcap_reader.h"

#include <dirent.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FILE = 1 << 20, NAME = 512 };

static char root[NAME];

/** Everything that has been appended. */
typedef struct memory {
    uint8_t bytes[MAX_FILE];
    size_t len;
} memory;

static memory written;
static uint8_t wanted[MAX_FILE];

static hp_status append(void *ctx, const void *data, size_t len, hp_error *error)
{
    memory *m = ctx;
    (void)error;
    assert_true(len <= sizeof m->bytes - m->len);
    memcpy(m->bytes + m->len, data, len);
    m->len += len;
    return HP_OK;
}

/* ---- Records as JSON ---- */

static json_t *text_json(hp_mcap_bytes text)
{
    return json_stringn((const char *)text.data, text.len);
}

static json_t *number_json(uint64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    return json_string(text);
}

static json_t *bytes_json(hp_mcap_bytes bytes)
{
    json_t *list = json_array();
    for (uint64_t i = 0; i < bytes.len; i++) {
        (void)json_array_append_new(list, number_json(bytes.data[i]));
    }
    return list;
}

static json_t *texts_json(hp_mcap_bytes map)
{
    json_t *object = json_object();
    hp_mcap_bytes key;
    hp_mcap_bytes value;
    while (hp_mcap_next_text(&map, &key, &value)) {
        char name[NAME];
        (void)snprintf(name, sizeof name, "%.*s", (int)key.len, (const char *)key.data);
        (void)json_object_set_new(object, name, text_json(value));
    }
    return object;
}

static json_t *counts_json(hp_mcap_bytes map)
{
    json_t *object = json_object();
    uint16_t key;
    uint64_t value;
    while (hp_mcap_next_count(&map, &key, &value)) {
        char name[8];
        (void)snprintf(name, sizeof name, "%u", key);
        (void)json_object_set_new(object, name, number_json(value));
    }
    return object;
}

/** One field of the list. */
static void set(json_t *fields, const char *name, json_t *value)
{
    (void)json_array_append_new(fields, json_pack("[s, o]", name, value));
}

static const char *data_fields(const hp_mcap_record *r, json_t *f)
{
    switch (r->op) {
    case HP_MCAP_HEADER:
        set(f, "library", text_json(r->as.header.library));
        set(f, "profile", text_json(r->as.header.profile));
        return "Header";
    case HP_MCAP_SCHEMA:
        set(f, "data", bytes_json(r->as.schema.data));
        set(f, "encoding", text_json(r->as.schema.encoding));
        set(f, "id", number_json(r->as.schema.id));
        set(f, "name", text_json(r->as.schema.name));
        return "Schema";
    case HP_MCAP_CHANNEL:
        set(f, "id", number_json(r->as.channel.id));
        set(f, "message_encoding", text_json(r->as.channel.message_encoding));
        set(f, "metadata", texts_json(r->as.channel.metadata));
        set(f, "schema_id", number_json(r->as.channel.schema_id));
        set(f, "topic", text_json(r->as.channel.topic));
        return "Channel";
    case HP_MCAP_MESSAGE:
        set(f, "channel_id", number_json(r->as.message.channel_id));
        set(f, "data", bytes_json(r->as.message.data));
        set(f, "log_time", number_json(r->as.message.log_ns));
        set(f, "publish_time", number_json(r->as.message.publish_ns));
        set(f, "sequence", number_json(r->as.message.sequence));
        return "Message";
    case HP_MCAP_ATTACHMENT:
        set(f, "create_time", number_json(r->as.attachment.create_ns));
        set(f, "data", bytes_json(r->as.attachment.data));
        set(f, "log_time", number_json(r->as.attachment.log_ns));
        set(f, "media_type", text_json(r->as.attachment.media_type));
        set(f, "name", text_json(r->as.attachment.name));
        return "Attachment";
    case HP_MCAP_METADATA:
        set(f, "metadata", texts_json(r->as.metadata.entries));
        set(f, "name", text_json(r->as.metadata.name));
        return "Metadata";
    case HP_MCAP_DATA_END:
        set(f, "data_section_crc", number_json(r->as.data_end.crc));
        return "DataEnd";
    default:
        return NULL;
    }
}

static void chunk_index_fields(const hp_mcap_chunk_index *c, json_t *f)
{
    set(f, "chunk_length", number_json(c->chunk_length));
    set(f, "chunk_start_offset", number_json(c->chunk_offset));
    set(f, "compressed_size", number_json(c->compressed_size));
    set(f, "compression", text_json(c->compression));
    set(f, "message_end_time", number_json(c->end_ns));
    set(f, "message_index_length", number_json(c->index_length));
    set(f, "message_index_offsets", counts_json(c->index_offsets));
    set(f, "message_start_time", number_json(c->start_ns));
    set(f, "uncompressed_size", number_json(c->uncompressed_size));
}

static void attachment_index_fields(const hp_mcap_attachment_index *a, json_t *f)
{
    set(f, "create_time", number_json(a->create_ns));
    set(f, "data_size", number_json(a->data_size));
    set(f, "length", number_json(a->length));
    set(f, "log_time", number_json(a->log_ns));
    set(f, "media_type", text_json(a->media_type));
    set(f, "name", text_json(a->name));
    set(f, "offset", number_json(a->offset));
}

static void statistics_fields(const hp_mcap_statistics *s, json_t *f)
{
    set(f, "attachment_count", number_json(s->attachments));
    set(f, "channel_count", number_json(s->channels));
    set(f, "channel_message_counts", counts_json(s->channel_messages));
    set(f, "chunk_count", number_json(s->chunks));
    set(f, "message_count", number_json(s->messages));
    set(f, "message_end_time", number_json(s->end_ns));
    set(f, "message_start_time", number_json(s->start_ns));
    set(f, "metadata_count", number_json(s->metadata));
    set(f, "schema_count", number_json(s->schemas));
}

static const char *summary_fields(const hp_mcap_record *r, json_t *f)
{
    switch (r->op) {
    case HP_MCAP_CHUNK_INDEX:
        chunk_index_fields(&r->as.chunk_index, f);
        return "ChunkIndex";
    case HP_MCAP_ATTACHMENT_INDEX:
        attachment_index_fields(&r->as.attachment_index, f);
        return "AttachmentIndex";
    case HP_MCAP_STATISTICS:
        statistics_fields(&r->as.statistics, f);
        return "Statistics";
    case HP_MCAP_METADATA_INDEX:
        set(f, "length", number_json(r->as.metadata_index.length));
        set(f, "name", text_json(r->as.metadata_index.name));
        set(f, "offset", number_json(r->as.metadata_index.offset));
        return "MetadataIndex";
    case HP_MCAP_SUMMARY_OFFSET:
        set(f, "group_length", number_json(r->as.summary_offset.length));
        set(f, "group_opcode", number_json(r->as.summary_offset.group_op));
        set(f, "group_start", number_json(r->as.summary_offset.start));
        return "SummaryOffset";
    case HP_MCAP_FOOTER:
        set(f, "summary_crc", number_json(r->as.footer.summary_crc));
        set(f, "summary_offset_start", number_json(r->as.footer.summary_offset_start));
        set(f, "summary_start", number_json(r->as.footer.summary_start));
        return "Footer";
    default:
        return NULL;
    }
}

static json_t *read_as_json(const uint8_t *bytes, size_t len, const char *name)
{
    hp_mcap_bytes span = {bytes, len};
    const hp_mcap_source source = hp_mcap_source_memory(&span, name);
    hp_mcap_reader *reader = NULL;
    hp_error error = {{0}};
    json_t *records = json_array();
    assert_int_equal(hp_mcap_reader_create(&source, &reader, &error), HP_OK);
    for (;;) {
        hp_mcap_record r;
        const hp_status st = hp_mcap_next(reader, &r, &error);
        if (st == HP_ENOENT) {
            break;
        }
        assert_string_equal(error.text, "");
        assert_int_equal(st, HP_OK);
        json_t *fields = json_array();
        const char *type = data_fields(&r, fields);
        type = type != NULL ? type : summary_fields(&r, fields);
        if (type != NULL) {
            (void)json_array_append_new(records,
                                        json_pack("{s:s, s:O}", "type", type, "fields", fields));
        }
        json_decref(fields);
    }
    hp_mcap_reader_destroy(&reader);
    return records;
}

/* ---- JSON as records ---- */

static json_t *field(const json_t *record, const char *name)
{
    size_t i;
    json_t *pair;
    json_array_foreach(json_object_get(record, "fields"), i, pair)
    {
        if (strcmp(json_string_value(json_array_get(pair, 0)), name) == 0) {
            return json_array_get(pair, 1);
        }
    }
    return NULL;
}

static uint64_t number(const json_t *record, const char *name)
{
    return strtoull(json_string_value(field(record, name)), NULL, 10);
}

static hp_mcap_bytes text(const json_t *record, const char *name)
{
    return hp_mcap_text(json_string_value(field(record, name)));
}

static hp_mcap_bytes data(const json_t *record, uint8_t *room)
{
    size_t i;
    json_t *byte;
    json_array_foreach(field(record, "data"), i, byte)
    {
        room[i] = (uint8_t)strtoul(json_string_value(byte), NULL, 10);
    }
    return (hp_mcap_bytes){room, json_array_size(field(record, "data"))};
}

static void put(uint8_t **at, const char *word)
{
    const size_t len = strlen(word);
    const uint8_t head[4] = {(uint8_t)len, (uint8_t)(len >> 8), 0, 0};
    memcpy(*at, head, 4);
    memcpy(*at + 4, word, len);
    *at += 4 + len;
}

static hp_mcap_bytes map(const json_t *record, uint8_t *room)
{
    const char *key;
    json_t *value;
    uint8_t *at = room;
    json_object_foreach(field(record, "metadata"), key, value)
    {
        put(&at, key);
        put(&at, json_string_value(value));
    }
    return (hp_mcap_bytes){room, (uint64_t)(at - room)};
}

static hp_status write_record(hp_mcap_writer *w, const char *type, const json_t *r)
{
    uint8_t room[NAME];
    hp_error error = {{0}};
    if (strcmp(type, "Schema") == 0) {
        return hp_mcap_write_schema(w,
                                    &(hp_mcap_schema){(uint16_t)number(r, "id"), text(r, "name"),
                                                      text(r, "encoding"), data(r, room)},
                                    &error);
    }
    if (strcmp(type, "Channel") == 0) {
        return hp_mcap_write_channel(
            w,
            &(hp_mcap_channel){(uint16_t)number(r, "id"), (uint16_t)number(r, "schema_id"),
                               text(r, "topic"), text(r, "message_encoding"), map(r, room)},
            &error);
    }
    if (strcmp(type, "Message") == 0) {
        return hp_mcap_write_message(
            w,
            &(hp_mcap_message){(uint16_t)number(r, "channel_id"), (uint32_t)number(r, "sequence"),
                               number(r, "log_time"), number(r, "publish_time"), data(r, room)},
            &error);
    }
    if (strcmp(type, "Attachment") == 0) {
        return hp_mcap_write_attachment(w,
                                        &(hp_mcap_attachment){.log_ns = number(r, "log_time"),
                                                              .create_ns = number(r, "create_time"),
                                                              .name = text(r, "name"),
                                                              .media_type = text(r, "media_type"),
                                                              .data = data(r, room)},
                                        &error);
    }
    if (strcmp(type, "Metadata") == 0) {
        return hp_mcap_write_metadata(w, &(hp_mcap_metadata){text(r, "name"), map(r, room)},
                                      &error);
    }
    return HP_OK;
}

static bool has(const json_t *features, const char *name)
{
    size_t i;
    json_t *item;
    json_array_foreach(features, i, item)
    {
        if (strcmp(json_string_value(item), name) == 0) {
            return true;
        }
    }
    return false;
}

static void write_from_json(const json_t *file)
{
    static const uint8_t PADDING[] = {1, 0xff, 0xff};
    const json_t *f =
        json_object_get(json_object_get(json_object_get(file, "meta"), "variant"), "features");
    const hp_mcap_options options = {
        .profile = "",
        .library = "",
        .chunked = has(f, "ch"),
        .compression = "",
        .chunk_bytes = MAX_FILE,
        .message_index = has(f, "mx"),
        .chunk_index = has(f, "chx"),
        .statistics = has(f, "st"),
        .repeat_schemas = has(f, "rsh"),
        .repeat_channels = has(f, "rch"),
        .attachment_index = has(f, "ax"),
        .metadata_index = has(f, "mdx"),
        .summary_offsets = has(f, "sum"),
        .padding = {PADDING, has(f, "pad") ? sizeof PADDING : 0},
    };
    const hp_mcap_sink sink = {append, &written};
    hp_mcap_writer *w = NULL;
    size_t i;
    json_t *record;
    written.len = 0;
    assert_int_equal(hp_mcap_writer_create(&options, &sink, &w, NULL), HP_OK);
    json_array_foreach(json_object_get(file, "records"), i, record)
    {
        const char *type = json_string_value(json_object_get(record, "type"));
        if (strcmp(type, "DataEnd") == 0) {
            break;
        }
        assert_int_equal(write_record(w, type, record), HP_OK);
    }
    assert_int_equal(hp_mcap_writer_close(w, NULL), HP_OK);
    hp_mcap_writer_destroy(&w);
}

/* ---- All cases ---- */

static void check_case(const char *path)
{
    char json_path[NAME];
    json_error_t why;
    (void)snprintf(json_path, sizeof json_path, "%.*s.json", (int)(strlen(path) - 5), path);
    json_t *file = json_load_file(json_path, 0, &why);
    FILE *in = fopen(path, "rb");
    assert_non_null(file);
    assert_non_null(in);
    const size_t len = fread(wanted, 1, sizeof wanted, in);
    (void)fclose(in);

    json_t *records = read_as_json(wanted, len, path);
    if (!json_equal(records, json_object_get(file, "records"))) {
        print_error("%s: other records are read\n", path);
        fail();
    }
    json_decref(records);

    write_from_json(file);
    if (written.len != len || memcmp(written.bytes, wanted, len) != 0) {
        print_error("%s: %zu other bytes are written, wanted %zu\n", path, written.len, len);
        fail();
    }
    json_decref(file);
}

static unsigned check_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    unsigned n = 0;
    for (struct dirent *e = dir != NULL ? readdir(dir) : NULL; e != NULL; e = readdir(dir)) {
        char path[2 * NAME];
        const size_t len = strlen(e->d_name);
        (void)snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (len > 5 && strcmp(e->d_name + len - 5, ".mcap") == 0) {
            check_case(path);
            n++;
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    return n;
}

static void test_mcap_reads_and_writes_the_same_when_given_every_conformance_case(void **state)
{
    static const char *const FOLDERS[] = {"NoData",      "OneAttachment",        "OneMessage",
                                          "OneMetadata", "OneSchemalessMessage", "TenMessages"};
    unsigned n = 0;
    (void)state;
    for (size_t i = 0; i < HP_ARRAY_LEN(FOLDERS); i++) {
        char folder[NAME + 32];
        (void)snprintf(folder, sizeof folder, "%s/%s", root, FOLDERS[i]);
        n += check_folder(folder);
    }
    print_message("%u cases\n", n);
    assert_true(n >= 248);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mcap_reads_and_writes_the_same_when_given_every_conformance_case),
    };
    const char *data_dir = getenv("HYPLAN_DATA");
    (void)snprintf(root, sizeof root, "%s/mcap-conformance/foxglove-mcap",
                   data_dir != NULL ? data_dir : "data");
    DIR *dir = opendir(root);
    if (dir == NULL) {
        print_message("no conformance cases at %s: skipped\n", root);
        return 77;
    }
    (void)closedir(dir);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
