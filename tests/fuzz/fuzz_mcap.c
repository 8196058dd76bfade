/* Any bytes as an MCAP file: reading ends, every record that is accepted stays within the bytes,
 * and whatever a recovery has saved reads back whole. */
#include "tests/support/fuzz_target.h"
#include "tests/support/mcap_sample.h"

/** Touches every byte of a field, so that sanitizers see one that lies outside. */
static uint32_t touch(hp_mcap_bytes b)
{
    return hp_mcap_crc(0, b.data, b.len);
}

static void walk_maps(hp_mcap_bytes texts)
{
    hp_mcap_bytes key;
    hp_mcap_bytes value;
    while (hp_mcap_next_text(&texts, &key, &value)) {
        (void)touch(key);
        (void)touch(value);
    }
    fuzz_must(texts.len == 0);
}

static void use(const hp_mcap_record *r)
{
    if (r->op == HP_MCAP_MESSAGE) {
        (void)touch(r->as.message.data);
    } else if (r->op == HP_MCAP_CHANNEL) {
        walk_maps(r->as.channel.metadata);
    } else if (r->op == HP_MCAP_METADATA) {
        walk_maps(r->as.metadata.entries);
    } else if (r->op == HP_MCAP_SCHEMA) {
        (void)touch(r->as.schema.data);
    } else if (r->op == HP_MCAP_ATTACHMENT) {
        (void)touch(r->as.attachment.data);
    }
}

/** Number of messages; *complaints counts what could not be read. */
static uint64_t read_all(const uint8_t *data, size_t size, uint32_t *complaints)
{
    hp_mcap_bytes span = {data, size};
    const hp_mcap_source source = hp_mcap_source_memory(&span, "fuzz");
    hp_mcap_reader *reader = NULL;
    hp_mcap_record record;
    hp_error error = {{0}};
    uint64_t messages = 0;
    uint64_t failed_at = UINT64_MAX;
    *complaints = 0;
    if (hp_mcap_reader_create(&source, &reader, &error) != HP_OK) {
        *complaints = 1;
        return 0;
    }
    for (;;) {
        const hp_status st = hp_mcap_next(reader, &record, &error);
        if (st == HP_OK) {
            use(&record);
            messages += record.op == HP_MCAP_MESSAGE ? 1 : 0;
            continue;
        }
        if (st == HP_ENOENT || hp_mcap_reader_offset(reader) == failed_at) {
            break;
        }
        fuzz_must(error.text[0] != '\0' && strchr(error.text, '\n') == NULL);
        failed_at = hp_mcap_reader_offset(reader);
        ++*complaints;
    }
    hp_mcap_reader_destroy(&reader);
    return messages;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t complaints = 0;
    hp_mcap_recovered out;
    mcap_memory copy = {0};
    hp_mcap_bytes span = {data, size};
    const hp_mcap_source source = hp_mcap_source_memory(&span, "fuzz");
    const hp_mcap_sink sink = mcap_memory_sink(&copy);
    const hp_mcap_options options = mcap_sample_options("lz4");
    const uint64_t messages = read_all(data, size, &complaints);
    const hp_status st = hp_mcap_recover(&source, &options, &sink, &out, NULL);
    if (st == HP_OK) {
        fuzz_must(out.messages + out.orphans == messages);
        fuzz_must(read_all(copy.bytes, copy.len, &complaints) == out.messages);
        fuzz_must(complaints == 0);
    }
    mcap_memory_free(&copy);
    return 0;
}
