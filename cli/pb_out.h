/** @file pb_out.h Protobuf's wire form, written field by field: for messages that have no struct.
 *  A field of its type's zero is left out, unless `zeros` is set. What does not fit is remembered
 * in `full`. Ownership: borrows its bytes. Threads: pure. Allocation: none. */
#ifndef PB_OUT_H
#define PB_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct pb_out {
    uint8_t *bytes;
    size_t cap, len;
    bool full;
    bool zeros; /* proto2: zeros are told, too */
} pb_out;

void pb_varint(pb_out *out, uint32_t field, uint64_t value);
void pb_double(pb_out *out, uint32_t field, double value);
void pb_text(pb_out *out, uint32_t field, const char *text);
/** Begins a message inside; pb_end closes the innermost, with what begin returned. */
size_t pb_begin(pb_out *out, uint32_t field);
void pb_end(pb_out *out, size_t begun);

/** A message of three doubles, fields 1 to 3: a vector, a size, angles. */
void pb_three(pb_out *out, uint32_t field, double a, double b, double c);

#endif
