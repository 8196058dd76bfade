#include "common/hp_mcap_reader.h"

#include "common/hp_mcap_internal.h"

#include <stdlib.h>

#define MAX_RECORD (UINT64_C(256) << 20)
enum { FOOTER_BYTES = HP_MCAP_HEAD_BYTES + 20 };

struct hp_mcap_reader {
    hp_mcap_source source;
    uint64_t offset;       /* of the next record outside of chunks */
    hp_mcap_buffer record; /* head and content of the last one */
    hp_mcap_buffer chunk;  /* the open chunk's records ... */
    size_t chunk_at;       /* ... and the next one among them */
    uint64_t chunk_offset; /* of that chunk in the file */
    bool data_over;        /* behind DataEnd: crc counts the summary */
    bool crc_holds;        /* no record was left out */
    uint32_t crc;
    bool done;
};

static hp_status read_memory(void *ctx, uint64_t offset, void *data, size_t len, hp_error *error)
{
    const hp_mcap_bytes *bytes = ctx;
    (void)error;
    memcpy(data, bytes->data + offset, len);
    return HP_OK;
}

hp_mcap_source hp_mcap_source_memory(hp_mcap_bytes *bytes, const char *name)
{
    return (hp_mcap_source){.read_at = read_memory, .ctx = bytes, .size = bytes->len, .name = name};
}

hp_status hp_mcap_reader_create(const hp_mcap_source *source, hp_mcap_reader **out, hp_error *error)
{
    uint8_t magic[HP_MCAP_MAGIC_BYTES];
    *out = NULL;
    if (source->size < sizeof magic) {
        return hp_fail(error, HP_EWIRE, "%s: no MCAP file: %llu bytes only", source->name,
                       (unsigned long long)source->size);
    }
    hp_status st = source->read_at(source->ctx, 0, magic, sizeof magic, error);
    if (st == HP_OK && memcmp(magic, HP_MCAP_MAGIC, sizeof magic) != 0) {
        st = hp_fail(error, HP_EWIRE, "%s: no MCAP file: it begins with other bytes", source->name);
    }
    if (st != HP_OK) {
        return st;
    }
    hp_mcap_reader *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory for a reader");
    }
    r->source = *source;
    r->offset = sizeof magic;
    r->crc_holds = true;
    r->crc = hp_mcap_crc(0, magic, sizeof magic);
    *out = r;
    return HP_OK;
}

void hp_mcap_reader_destroy(hp_mcap_reader **reader)
{
    if (*reader != NULL) {
        hp_mcap_buffer_free(&(*reader)->record);
        hp_mcap_buffer_free(&(*reader)->chunk);
        free(*reader);
        *reader = NULL;
    }
}

uint64_t hp_mcap_reader_offset(const hp_mcap_reader *reader)
{
    return reader->offset;
}

/** "run.mcap: at 1234: ..." in front of what *error says. */
static hp_status at(const hp_mcap_reader *r, uint64_t offset, hp_status status, hp_error *error)
{
    hp_error inner = {{0}};
    if (error != NULL) {
        inner = *error;
    }
    return hp_fail(error, status, "%s: at %llu: %.400s", r->source.name, (unsigned long long)offset,
                   inner.text);
}

static hp_status next_in_chunk(hp_mcap_reader *r, hp_mcap_record *out, hp_error *error)
{
    const uint8_t *head = r->chunk.data + r->chunk_at;
    const uint64_t left = r->chunk.len - r->chunk_at;
    const uint64_t len = left < HP_MCAP_HEAD_BYTES ? 0 : hp_mcap_load_u64(head + 1);
    const size_t offset = r->chunk_at;
    hp_status st = HP_OK;
    if (left < HP_MCAP_HEAD_BYTES || len > left - HP_MCAP_HEAD_BYTES) {
        st = hp_fail(error, HP_EWIRE, "chunk: its last record goes beyond its end");
    } else {
        st = hp_mcap_parse(head[0], head + HP_MCAP_HEAD_BYTES, len, out, error);
    }
    if (st != HP_OK) {
        r->chunk.len = 0; /* nothing behind it can be trusted */
        r->chunk_at = 0;
        return at(r, r->chunk_offset, st, error);
    }
    r->chunk_at += HP_MCAP_HEAD_BYTES + (size_t)len;
    out->offset = offset;
    out->in_chunk = true;
    return HP_OK;
}

static hp_status open_chunk(hp_mcap_reader *r, const hp_mcap_record *record, hp_error *error)
{
    const hp_mcap_chunk *c = &record->as.chunk;
    if (c->uncompressed_size > MAX_RECORD) {
        return hp_fail(error, HP_EFULL, "chunk: says that it holds %llu bytes, over the limit",
                       (unsigned long long)c->uncompressed_size);
    }
    const size_t size = (size_t)c->uncompressed_size;
    r->chunk.len = 0;
    r->chunk.failed = false;
    if (size > 0 && !hp_mcap_buffer_reserve(&r->chunk, size)) {
        r->chunk.failed = false;
        return hp_fail(error, HP_ENOMEM, "chunk: no memory for its %zu bytes", size);
    }
    const hp_status st = hp_mcap_expand(c->compression, c->records, r->chunk.data, size);
    if (st == HP_EVERSION) {
        return hp_fail(error, st, "chunk: compression '%.*s' is not known (zstd, lz4 and none are)",
                       (int)(c->compression.len < 32 ? c->compression.len : 32),
                       (const char *)c->compression.data);
    }
    if (st != HP_OK) {
        return hp_fail(error, st, "chunk: its bytes are damaged");
    }
    if (c->uncompressed_crc != 0 && hp_mcap_crc(0, r->chunk.data, size) != c->uncompressed_crc) {
        return hp_fail(error, HP_EWIRE, "chunk: its checksum differs: the bytes are damaged");
    }
    r->chunk.len = size;
    r->chunk_at = 0;
    r->chunk_offset = record->offset;
    return HP_OK;
}

/** Reads head and content of the record at r->offset into r->record; goes behind it. */
static hp_status load(hp_mcap_reader *r, hp_error *error)
{
    uint8_t head[HP_MCAP_HEAD_BYTES];
    const uint64_t offset = r->offset;
    const uint64_t left = r->source.size > offset ? r->source.size - offset : 0;
    if (left < sizeof head) {
        return hp_fail(error, HP_EWIRE, "ends without a footer (`hyplan log recover` mends it)");
    }
    hp_status st = r->source.read_at(r->source.ctx, offset, head, sizeof head, error);
    if (st != HP_OK) {
        return st;
    }
    const uint64_t len = hp_mcap_load_u64(head + 1);
    if (len > left - sizeof head) {
        return hp_fail(error, HP_EWIRE,
                       "truncated in %s, expected %llu bytes, found %llu (`hyplan log recover` "
                       "mends it)",
                       hp_mcap_op_name(head[0]), (unsigned long long)len,
                       (unsigned long long)(left - sizeof head));
    }
    r->record.len = 0;
    r->record.failed = false;
    if (len > MAX_RECORD) {
        r->offset = offset + sizeof head + len;
        r->crc_holds = false;
        return hp_fail(error, HP_EFULL, "%s of %llu bytes is over the limit",
                       hp_mcap_op_name(head[0]), (unsigned long long)len);
    }
    if (!hp_mcap_buffer_reserve(&r->record, sizeof head + (size_t)len)) {
        return hp_fail(error, HP_ENOMEM, "no memory for a record of %llu bytes",
                       (unsigned long long)len);
    }
    st = r->source.read_at(r->source.ctx, offset, r->record.data, sizeof head + (size_t)len, error);
    if (st == HP_OK) {
        r->record.len = sizeof head + (size_t)len;
        r->offset = offset + r->record.len;
    }
    return st;
}

static hp_status check_end(hp_mcap_reader *r, const hp_mcap_record *out, hp_error *error)
{
    uint8_t magic[HP_MCAP_MAGIC_BYTES];
    const uint32_t wanted = out->as.footer.summary_crc;
    const uint32_t crc = hp_mcap_crc(r->crc, r->record.data, FOOTER_BYTES - 4);
    r->done = true;
    if (r->source.size - r->offset < sizeof magic) {
        return hp_fail(error, HP_EWIRE, "truncated in the closing magic");
    }
    const hp_status st = r->source.read_at(r->source.ctx, r->offset, magic, sizeof magic, error);
    if (st != HP_OK) {
        return st;
    }
    if (memcmp(magic, HP_MCAP_MAGIC, sizeof magic) != 0) {
        return hp_fail(error, HP_EWIRE, "behind the footer are other bytes than the closing magic");
    }
    return wanted != 0 && r->crc_holds && r->data_over && crc != wanted
               ? hp_fail(error, HP_EWIRE, "summary: its checksum differs: the bytes are damaged")
               : HP_OK;
}

/** Checks what a record says about others. */
static hp_status check(hp_mcap_reader *r, const hp_mcap_record *out, hp_error *error)
{
    hp_status st = HP_OK;
    if (out->op == HP_MCAP_DATA_END) {
        if (out->as.data_end.crc != 0 && r->crc_holds && out->as.data_end.crc != r->crc) {
            st = hp_fail(error, HP_EWIRE, "data section: its checksum differs: bytes are damaged");
        }
        r->data_over = true;
        r->crc = 0;
        return st;
    }
    if (out->op == HP_MCAP_FOOTER) {
        return check_end(r, out, error);
    }
    r->crc = hp_mcap_crc(r->crc, r->record.data, r->record.len);
    if (out->op == HP_MCAP_CHUNK) {
        return open_chunk(r, out, error);
    }
    if (out->op == HP_MCAP_ATTACHMENT && out->as.attachment.crc != 0 &&
        out->as.attachment.crc != out->as.attachment.true_crc) {
        return hp_fail(error, HP_EWIRE, "attachment: its checksum differs: the bytes are damaged");
    }
    return HP_OK;
}

hp_status hp_mcap_next(hp_mcap_reader *r, hp_mcap_record *out, hp_error *error)
{
    if (r->chunk_at < r->chunk.len) {
        return next_in_chunk(r, out, error);
    }
    if (r->done) {
        return HP_ENOENT;
    }
    const uint64_t offset = r->offset;
    hp_status st = load(r, error);
    if (st == HP_OK) {
        st = hp_mcap_parse(r->record.data[0], r->record.data + HP_MCAP_HEAD_BYTES,
                           r->record.len - HP_MCAP_HEAD_BYTES, out, error);
        out->offset = offset;
    }
    if (st == HP_OK) {
        st = check(r, out, error);
    }
    return st == HP_OK ? HP_OK : at(r, offset, st, error);
}
