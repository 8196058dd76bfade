#include "sim-bridge/carla/carla_pack.h"

#include <stdbool.h>
#include <string.h>

/** What the byte at the head of a value says: bytes after it, and values inside it. */
typedef struct head {
    uint64_t bytes, values;
    uint32_t header; /* bytes of the header itself */
    bool known;
} head;

static uint64_t big_endian(const uint8_t *p, uint32_t n)
{
    uint64_t v = 0;
    for (uint32_t i = 0; i < n; ++i) {
        v = v << 8 | p[i];
    }
    return v;
}

/** Heads of one byte. */
static head small_head(uint8_t b)
{
    head h = {.header = 1, .known = true};
    if (b >= 0x80 && b <= 0x8f) {
        h.values = (uint64_t)2 * (b & 0x0fU);
    } else if (b >= 0x90 && b <= 0x9f) {
        h.values = b & 0x0fU;
    } else if (b >= 0xa0 && b <= 0xbf) {
        h.bytes = b & 0x1fU;
    }
    return h;
}

/** Heads that are followed by a length of size bytes, or by a number of size bytes. */
typedef struct long_head {
    uint8_t size, per_value; /* per_value 0: the length counts bytes */
    bool number;             /* the size bytes are the value itself */
} long_head;

static bool find_long(uint8_t b, long_head *out)
{
    static const struct {
        uint8_t first;
        long_head head;
    } TABLE[] = {
        {0xc4, {1, 0, false}}, {0xc5, {2, 0, false}}, {0xc6, {4, 0, false}}, {0xca, {4, 0, true}},
        {0xcb, {8, 0, true}},  {0xcc, {1, 0, true}},  {0xcd, {2, 0, true}},  {0xce, {4, 0, true}},
        {0xcf, {8, 0, true}},  {0xd0, {1, 0, true}},  {0xd1, {2, 0, true}},  {0xd2, {4, 0, true}},
        {0xd3, {8, 0, true}},  {0xd9, {1, 0, false}}, {0xda, {2, 0, false}}, {0xdb, {4, 0, false}},
        {0xdc, {2, 1, false}}, {0xdd, {4, 1, false}}, {0xde, {2, 2, false}}, {0xdf, {4, 2, false}},
    };
    for (size_t i = 0; i < HP_ARRAY_LEN(TABLE); ++i) {
        if (TABLE[i].first == b) {
            *out = TABLE[i].head;
            return true;
        }
    }
    return false;
}

/** Reads a head; HP_EAGAIN if the header is not all there. Extension types are not known. */
static hp_status read_head(const uint8_t *p, size_t left, head *out)
{
    long_head wide;
    if (left == 0) {
        return HP_EAGAIN;
    }
    const uint8_t b = p[0];
    const bool fixed = b < 0xc0 || b >= 0xe0 || b == 0xc0 || b == 0xc2 || b == 0xc3;
    if (fixed) {
        *out = small_head(b);
        return HP_OK;
    }
    *out = (head){.header = 1};
    if (!find_long(b, &wide)) {
        return HP_OK;
    }
    out->known = true;
    if (wide.number) {
        out->bytes = wide.size;
        return HP_OK;
    }
    if (left < (size_t)1 + wide.size) {
        return HP_EAGAIN;
    }
    const uint64_t n = big_endian(p + 1, wide.size);
    out->header += wide.size;
    out->bytes = wide.per_value == 0 ? n : 0;
    out->values = n * wide.per_value;
    return HP_OK;
}

hp_status carla_pack_scan(const void *bytes, size_t len, size_t *used, hp_error *error)
{
    const uint8_t *p = bytes;
    uint64_t open[CARLA_MAX_DEPTH]; /* values still to come, by level */
    uint64_t total = 0;
    uint64_t pos = 0;
    uint32_t depth = 0;
    *used = 0;
    do {
        head h;
        const hp_status st = pos <= len ? read_head(p + pos, len - pos, &h) : HP_EAGAIN;
        if (st != HP_OK) {
            return pos < CARLA_MAX_MESSAGE
                       ? HP_EAGAIN
                       : hp_fail(error, HP_EWIRE, "message of more than %d bytes",
                                 CARLA_MAX_MESSAGE);
        }
        if (!h.known) {
            return hp_fail(error, HP_EWIRE, "byte %llu: 0x%02x begins no value of this protocol",
                           (unsigned long long)pos, p[pos]);
        }
        total += h.values;
        pos += h.header + h.bytes;
        if (total > CARLA_MAX_ELEMENTS || pos + h.values > CARLA_MAX_MESSAGE) {
            return hp_fail(
                error, HP_EWIRE,
                "byte %llu: announces more than the %d bytes or %d elements of a message",
                (unsigned long long)pos, CARLA_MAX_MESSAGE, CARLA_MAX_ELEMENTS);
        }
        if (h.values > 0) {
            if (depth == CARLA_MAX_DEPTH) {
                return hp_fail(error, HP_EWIRE, "byte %llu: nested deeper than %d levels",
                               (unsigned long long)pos, CARLA_MAX_DEPTH);
            }
            open[depth++] = h.values;
            continue;
        }
        while (depth > 0 && --open[depth - 1] == 0) {
            --depth;
        }
    } while (depth > 0);
    if (pos > len) {
        return HP_EAGAIN;
    }
    *used = (size_t)pos;
    return HP_OK;
}

hp_status carla_doc_read(carla_doc *doc, const void *bytes, size_t used, hp_error *error)
{
    size_t at = 0;
    carla_doc_clear(doc);
    msgpack_unpacked_init(&doc->unpacked);
    const msgpack_unpack_return got = msgpack_unpack_next(&doc->unpacked, bytes, used, &at);
    if (got == MSGPACK_UNPACK_SUCCESS) {
        return HP_OK;
    }
    return got == MSGPACK_UNPACK_NOMEM_ERROR
               ? hp_fail(error, HP_ENOMEM, "no memory for a message of %zu bytes", used)
               : hp_fail(error, HP_EWIRE, "a message of %zu bytes is malformed", used);
}

void carla_doc_clear(carla_doc *doc)
{
    if (doc->unpacked.zone != NULL) {
        msgpack_unpacked_destroy(&doc->unpacked);
    }
    memset(doc, 0, sizeof *doc);
}

const msgpack_object *carla_item(const msgpack_object *array, uint32_t i)
{
    return i < carla_items(array) ? &array->via.array.ptr[i] : NULL;
}

uint32_t carla_items(const msgpack_object *array)
{
    return array != NULL && array->type == MSGPACK_OBJECT_ARRAY ? array->via.array.size : 0;
}
