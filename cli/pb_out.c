#include "cli/pb_out.h"

#include <string.h>

enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, VARINT_BYTES = 10 };

static void put(pb_out *out, const void *data, size_t len)
{
    if (out->full || len > out->cap - out->len) {
        out->full = true;
        return;
    }
    memcpy(out->bytes + out->len, data, len);
    out->len += len;
}

static size_t varint(uint8_t bytes[VARINT_BYTES], uint64_t value)
{
    size_t n = 0;
    while (value >= 0x80) {
        bytes[n++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    bytes[n++] = (uint8_t)value;
    return n;
}

static void put_varint(pb_out *out, uint64_t value)
{
    uint8_t bytes[VARINT_BYTES];
    const size_t n = varint(bytes, value);
    put(out, bytes, n);
}

static void put_tag(pb_out *out, uint32_t field, unsigned wire)
{
    put_varint(out, (uint64_t)field << 3 | wire);
}

void pb_varint(pb_out *out, uint32_t field, uint64_t value)
{
    if (value != 0 || out->zeros) {
        put_tag(out, field, WIRE_VARINT);
        put_varint(out, value);
    }
}

void pb_double(pb_out *out, uint32_t field, double value)
{
    uint64_t bits;
    uint8_t bytes[8];
    memcpy(&bits, &value, sizeof bits);
    if (bits == 0 && !out->zeros) {
        return;
    }
    for (unsigned i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(bits >> (8 * i));
    }
    put_tag(out, field, WIRE_64);
    put(out, bytes, sizeof bytes);
}

void pb_text(pb_out *out, uint32_t field, const char *text)
{
    const size_t len = strlen(text);
    if (len > 0) {
        put_tag(out, field, WIRE_BYTES);
        put_varint(out, len);
        put(out, text, len);
    }
}

size_t pb_begin(pb_out *out, uint32_t field)
{
    put_tag(out, field, WIRE_BYTES);
    return out->len;
}

void pb_end(pb_out *out, size_t begun)
{
    uint8_t head[VARINT_BYTES];
    if (out->full) {
        return;
    }
    const size_t len = out->len - begun;
    const size_t n = varint(head, len);
    put(out, head, n); /* room for the length, which goes in front */
    if (!out->full) {
        memmove(out->bytes + begun + n, out->bytes + begun, len);
        memcpy(out->bytes + begun, head, n);
    }
}

void pb_three(pb_out *out, uint32_t field, double a, double b, double c)
{
    const size_t at = pb_begin(out, field);
    pb_double(out, 1, a);
    pb_double(out, 2, b);
    pb_double(out, 3, c);
    pb_end(out, at);
}
