#include "common/hp_mcap_internal.h"

#include <lz4frame.h>
#include <stdlib.h>
#include <zstd.h>

enum { FIRST_BYTES = 4096 };

void hp_mcap_buffer_free(hp_mcap_buffer *b)
{
    free(b->data);
    *b = (hp_mcap_buffer){0};
}

bool hp_mcap_buffer_reserve(hp_mcap_buffer *b, size_t len)
{
    if (b->failed || len <= b->cap - b->len) {
        return !b->failed;
    }
    size_t cap = b->cap < FIRST_BYTES ? FIRST_BYTES : b->cap;
    while (cap - b->len < len && cap <= SIZE_MAX / 4) {
        cap *= 2;
    }
    uint8_t *data = cap - b->len < len ? NULL : realloc(b->data, cap);
    if (data == NULL) {
        b->failed = true;
        return false;
    }
    b->data = data;
    b->cap = cap;
    return true;
}

void hp_mcap_put(hp_mcap_buffer *b, const void *data, size_t len)
{
    if (len > 0 && hp_mcap_buffer_reserve(b, len)) {
        memcpy(b->data + b->len, data, len);
        b->len += len;
    }
}

void hp_mcap_put_number(hp_mcap_buffer *b, uint64_t value, unsigned n)
{
    uint8_t bytes[8];
    hp_mcap_store(bytes, value, n);
    hp_mcap_put(b, bytes, n);
}

void hp_mcap_put_text(hp_mcap_buffer *b, hp_mcap_bytes text)
{
    hp_mcap_put_number(b, text.len, 4);
    hp_mcap_put(b, text.data, text.len);
}

size_t hp_mcap_begin(hp_mcap_buffer *b, uint8_t op)
{
    const size_t start = b->len;
    hp_mcap_put_number(b, op, 1);
    hp_mcap_put_number(b, 0, 8);
    return start;
}

void hp_mcap_end(hp_mcap_buffer *b, size_t start)
{
    if (!b->failed) {
        hp_mcap_store(b->data + start + 1, b->len - start - HP_MCAP_HEAD_BYTES, 8);
    }
}

hp_status hp_mcap_zstd(const void *data, size_t len, int level, hp_mcap_buffer *out)
{
    const size_t bound = ZSTD_compressBound(len);
    if (!hp_mcap_buffer_reserve(out, bound)) {
        return HP_ENOMEM;
    }
    const size_t n = ZSTD_compress(out->data + out->len, bound, data, len, level);
    if (ZSTD_isError(n)) {
        return HP_EIO;
    }
    out->len += n;
    return HP_OK;
}

hp_status hp_mcap_lz4(const void *data, size_t len, hp_mcap_buffer *out)
{
    const size_t bound = LZ4F_compressFrameBound(len, NULL);
    if (!hp_mcap_buffer_reserve(out, bound)) {
        return HP_ENOMEM;
    }
    const size_t n = LZ4F_compressFrame(out->data + out->len, bound, data, len, NULL);
    if (LZ4F_isError(n)) {
        return HP_EIO;
    }
    out->len += n;
    return HP_OK;
}

static hp_status expand_zstd(hp_mcap_bytes stored, uint8_t *out, size_t size)
{
    const size_t n = ZSTD_decompress(out, size, stored.data, stored.len);
    return !ZSTD_isError(n) && n == size ? HP_OK : HP_EWIRE;
}

static hp_status expand_lz4(hp_mcap_bytes stored, uint8_t *out, size_t size)
{
    LZ4F_dctx *context = NULL;
    size_t filled = 0;
    size_t used = 0;
    size_t hint = 1;
    if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION))) {
        return HP_ENOMEM;
    }
    while (hint != 0 && used < stored.len) {
        size_t to = size - filled;
        size_t from = stored.len - used;
        hint = LZ4F_decompress(context, out + filled, &to, stored.data + used, &from, NULL);
        if (LZ4F_isError(hint) || (to == 0 && from == 0)) {
            break;
        }
        filled += to;
        used += from;
    }
    (void)LZ4F_freeDecompressionContext(context);
    return hint == 0 && filled == size && used == stored.len ? HP_OK : HP_EWIRE;
}

hp_status hp_mcap_expand(hp_mcap_bytes compression, hp_mcap_bytes stored, uint8_t *out, size_t size)
{
    uint8_t nothing[1];
    out = size > 0 ? out : nothing; /* an empty chunk: nothing was reserved for it */
    if (hp_mcap_is(compression, "zstd")) {
        return expand_zstd(stored, out, size);
    }
    if (hp_mcap_is(compression, "lz4")) {
        return expand_lz4(stored, out, size);
    }
    if (!hp_mcap_is(compression, "")) {
        return HP_EVERSION;
    }
    if (stored.len != size) {
        return HP_EWIRE;
    }
    if (size > 0) {
        memcpy(out, stored.data, size);
    }
    return HP_OK;
}
