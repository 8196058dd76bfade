/** @file carla_bytes.h Little-endian fields of packed binary records, bounded on both sides.
 *  A reader that runs over the end gives zeros from then on and remembers it.
 *  Threads: pure. Allocation: none. */
#ifndef CARLA_BYTES_H
#define CARLA_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct carla_reader {
    const uint8_t *p;
    size_t len, pos;
    bool short_of; /* something was asked for that is not there */
} carla_reader;

static inline uint64_t carla_read_uint(carla_reader *r, size_t n)
{
    uint64_t v = 0;
    if (r->short_of || r->len - r->pos < n) {
        r->short_of = true;
        return 0;
    }
    for (size_t i = 0; i < n; ++i) {
        v |= (uint64_t)r->p[r->pos + i] << (8 * i);
    }
    r->pos += n;
    return v;
}

static inline uint8_t carla_read_u8(carla_reader *r)
{
    return (uint8_t)carla_read_uint(r, 1);
}

static inline uint16_t carla_read_u16(carla_reader *r)
{
    return (uint16_t)carla_read_uint(r, 2);
}

static inline uint32_t carla_read_u32(carla_reader *r)
{
    return (uint32_t)carla_read_uint(r, 4);
}

static inline float carla_read_f32(carla_reader *r)
{
    const uint32_t bits = carla_read_u32(r);
    float v = 0.0F;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static inline double carla_read_f64(carla_reader *r)
{
    const uint64_t bits = carla_read_uint(r, 8);
    double v = 0.0;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static inline void carla_put_uint(uint8_t *at, uint64_t v, size_t n)
{
    for (size_t i = 0; i < n; ++i) {
        at[i] = (uint8_t)(v >> (8 * i));
    }
}

static inline void carla_put_f32(uint8_t *at, float v)
{
    uint32_t bits = 0;
    memcpy(&bits, &v, sizeof bits);
    carla_put_uint(at, bits, 4);
}

static inline void carla_put_f64(uint8_t *at, double v)
{
    uint64_t bits = 0;
    memcpy(&bits, &v, sizeof bits);
    carla_put_uint(at, bits, 8);
}

#endif
