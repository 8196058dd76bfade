/** @file hp_mcap_internal.h What hp_mcap's parts share: little-endian numbers, a buffer that grows,
 *  and the two ways in which chunks are compressed.
 *  Ownership: a buffer owns its bytes. Threads: pure. Allocation: buffers as they grow. */
#ifndef HP_MCAP_INTERNAL_H
#define HP_MCAP_INTERNAL_H

#include "common/hp_mcap.h"

#include <string.h>

static inline uint16_t hp_mcap_load_u16(const uint8_t *p)
{
    return (uint16_t)(p[0] | (unsigned)p[1] << 8);
}

static inline uint32_t hp_mcap_load_u32(const uint8_t *p)
{
    return (uint32_t)hp_mcap_load_u16(p) | (uint32_t)hp_mcap_load_u16(p + 2) << 16;
}

static inline uint64_t hp_mcap_load_u64(const uint8_t *p)
{
    return (uint64_t)hp_mcap_load_u32(p) | (uint64_t)hp_mcap_load_u32(p + 4) << 32;
}

/** Writes the low n bytes of value, lowest first. */
static inline void hp_mcap_store(uint8_t *p, uint64_t value, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        p[i] = (uint8_t)(value >> (8 * i));
    }
}

/** A buffer that grows. Once an allocation has failed nothing more is taken. */
typedef struct hp_mcap_buffer {
    uint8_t *data;
    size_t len, cap;
    bool failed;
} hp_mcap_buffer;

void hp_mcap_buffer_free(hp_mcap_buffer *b);
/** Room for len more bytes; false: no memory. */
bool hp_mcap_buffer_reserve(hp_mcap_buffer *b, size_t len);
void hp_mcap_put(hp_mcap_buffer *b, const void *data, size_t len);
/** The low n bytes of value, lowest first. */
void hp_mcap_put_number(hp_mcap_buffer *b, uint64_t value, unsigned n);
/** u32 length and the bytes. */
void hp_mcap_put_text(hp_mcap_buffer *b, hp_mcap_bytes text);
/** Opcode and a length that hp_mcap_end fills in; returns where the record starts. */
size_t hp_mcap_begin(hp_mcap_buffer *b, uint8_t op);
void hp_mcap_end(hp_mcap_buffer *b, size_t start);

/** Appends the compressed bytes to *out. HP_ENOMEM, HP_EIO. */
HP_NODISCARD hp_status hp_mcap_zstd(const void *data, size_t len, int level, hp_mcap_buffer *out);
HP_NODISCARD hp_status hp_mcap_lz4(const void *data, size_t len, hp_mcap_buffer *out);
/** Fills exactly size bytes at out. HP_EWIRE: damaged, or of another size; HP_EVERSION: a
 *  compression that is not known. */
HP_NODISCARD hp_status hp_mcap_expand(hp_mcap_bytes compression, hp_mcap_bytes stored, uint8_t *out,
                                      size_t size);

#endif
