#include "proto/hp_fields_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

/* ---- Where a walk is ---- */

void hp_where_print(const hp_where *where, char *buf, size_t cap)
{
    size_t used = 0;
    buf[0] = '\0';
    if (where->up != NULL) {
        hp_where_print(where->up, buf, cap);
        used = strlen(buf);
    }
    (void)snprintf(buf + used, cap - used, where->up != NULL ? ".%s" : "%s", where->name);
    if (where->index != HP_NO_INDEX) {
        used = strlen(buf);
        (void)snprintf(buf + used, cap - used, "[%zu]", where->index);
    }
}

hp_status hp_where_fail(const hp_where *where, hp_error *error, hp_status status,
                        const char *format, ...)
{
    if (error != NULL) {
        char path[160];
        char text[160];
        hp_where_print(where, path, sizeof path);
        va_list args;
        va_start(args, format);
        (void)vsnprintf(text, sizeof text, format, args);
        va_end(args);
        return hp_fail(error, status, "%s%s", path, text);
    }
    return status;
}

/* ---- Tables against descriptors ---- */

static bool type_fits(const hp_field *field, const ProtobufCFieldDescriptor *wire)
{
    switch (field->kind) {
    case HP_KIND_DOUBLE:
        return wire->type == PROTOBUF_C_TYPE_DOUBLE;
    case HP_KIND_U32:
        return wire->type == PROTOBUF_C_TYPE_UINT32;
    case HP_KIND_U64:
        return wire->type == PROTOBUF_C_TYPE_FIXED64;
    case HP_KIND_I64:
        return wire->type == PROTOBUF_C_TYPE_SFIXED64;
    case HP_KIND_BOOL:
        return wire->type == PROTOBUF_C_TYPE_BOOL;
    case HP_KIND_ENUM: {
        const ProtobufCEnumDescriptor *names = wire->descriptor;
        return wire->type == PROTOBUF_C_TYPE_ENUM && names->n_values == field->range.hi + 1.0 &&
               names->values[names->n_values - 1].value == field->range.hi;
    }
    case HP_KIND_TEXT:
        return wire->type == PROTOBUF_C_TYPE_STRING;
    case HP_KIND_BYTES:
        return wire->type == PROTOBUF_C_TYPE_BYTES;
    case HP_KIND_STRUCT:
        return wire->type == PROTOBUF_C_TYPE_MESSAGE &&
               wire->descriptor == field->layout->descriptor;
    }
    return false;
}

/** Lists hold 8-byte numbers or structs: all that packing and filling need to know. */
static bool list_fits(const hp_field *field, const ProtobufCFieldDescriptor *wire)
{
    if (field->count == HP_COUNT_ONE || field->kind == HP_KIND_BYTES) {
        return wire->label == PROTOBUF_C_LABEL_NONE || wire->label == PROTOBUF_C_LABEL_OPTIONAL;
    }
    return wire->label == PROTOBUF_C_LABEL_REPEATED &&
           (field->kind == HP_KIND_STRUCT || field->kind == HP_KIND_DOUBLE ||
            field->kind == HP_KIND_U64 || field->kind == HP_KIND_I64);
}

hp_status hp_layout_verify(const hp_layout *layout)
{
    if (layout->descriptor->n_fields != layout->n_fields) {
        return HP_EVERSION;
    }
    for (size_t i = 0; i < layout->n_fields; ++i) {
        const hp_field *field = &layout->fields[i];
        const ProtobufCFieldDescriptor *wire = &layout->descriptor->fields[i];
        if (strcmp(field->name, wire->name) != 0 || !type_fits(field, wire) ||
            !list_fits(field, wire)) {
            return HP_EVERSION;
        }
        if (field->kind == HP_KIND_STRUCT && hp_layout_verify(field->layout) != HP_OK) {
            return HP_EVERSION;
        }
    }
    return HP_OK;
}

static uint64_t hash_text(const char *text, uint64_t seed)
{
    return XXH3_64bits_withSeed(text, strlen(text), seed);
}

static uint64_t hash_enum(const ProtobufCEnumDescriptor *names, uint64_t hash)
{
    for (unsigned i = 0; i < names->n_values; ++i) {
        hash = hash_text(names->values[i].name, hash + (uint64_t)names->values[i].value);
    }
    return hash;
}

uint64_t hp_layout_hash(const hp_layout *layout, uint64_t seed)
{
    uint64_t hash = hash_text(layout->descriptor->name, seed);
    for (size_t i = 0; i < layout->n_fields; ++i) {
        const hp_field *field = &layout->fields[i];
        const ProtobufCFieldDescriptor *wire = &layout->descriptor->fields[i];
        const bool list = field->count != HP_COUNT_ONE;
        hash = hash_text(wire->name, hash + wire->id * 256u + (uint64_t)wire->type * 2u + list);
        if (field->kind == HP_KIND_STRUCT) {
            hash = hp_layout_hash(field->layout, hash);
        } else if (field->kind == HP_KIND_ENUM) {
            hash = hash_enum(wire->descriptor, hash);
        }
    }
    return hash;
}

/* ---- Values in the C structs ---- */

static const void *at_const(const void *base, size_t offset)
{
    return (const unsigned char *)base + offset;
}

static void *at(void *base, size_t offset)
{
    return (unsigned char *)base + offset;
}

static const void *element(const hp_field *field, const void *base, size_t i)
{
    return at_const(base, field->offset + i * field->stride);
}

static size_t load_count(const void *base, size_t offset)
{
    uint32_t n;
    memcpy(&n, at_const(base, offset), sizeof n);
    return n;
}

size_t hp_layout_steps(const hp_layout *layout, const void *message)
{
    return layout->has_steps ? load_count(message, layout->steps_offset) : 0;
}

size_t hp_field_count(const hp_field *field, const void *base, size_t steps)
{
    switch (field->count) {
    case HP_COUNT_ONE:
    case HP_COUNT_ALL:
        return field->cap;
    case HP_COUNT_MEMBER:
    case HP_COUNT_SAME:
        return load_count(base, field->count_offset);
    case HP_COUNT_STEPS:
        return steps;
    }
    return 0;
}

static bool is_wide(hp_kind kind)
{
    return kind == HP_KIND_DOUBLE || kind == HP_KIND_U64 || kind == HP_KIND_I64;
}

/** The bits of a number, widened with zeros. */
static uint64_t load_bits(hp_kind kind, const void *from)
{
    uint64_t wide = 0;
    uint32_t narrow = 0;
    if (is_wide(kind)) {
        memcpy(&wide, from, sizeof wide);
        return wide;
    }
    if (kind == HP_KIND_BOOL) {
        bool flag;
        memcpy(&flag, from, sizeof flag);
        return flag;
    }
    memcpy(&narrow, from, sizeof narrow);
    return narrow;
}

static void store_bits(hp_kind kind, void *to, uint64_t bits)
{
    const uint32_t narrow = (uint32_t)bits;
    const bool flag = bits != 0;
    if (is_wide(kind)) {
        memcpy(to, &bits, sizeof bits);
    } else if (kind == HP_KIND_BOOL) {
        memcpy(to, &flag, sizeof flag);
    } else {
        memcpy(to, &narrow, sizeof narrow);
    }
}

/* ---- Checking ---- */

typedef struct walk {
    size_t steps;
    hp_error *error;
} walk;

static double number_of(hp_kind kind, const void *from)
{
    const uint64_t bits = load_bits(kind, from);
    if (kind == HP_KIND_DOUBLE) {
        double real;
        memcpy(&real, &bits, sizeof real);
        return real;
    }
    return kind == HP_KIND_I64 ? (double)(int64_t)bits : (double)bits;
}

static hp_status check_text(const walk *w, const hp_where *where, const char *text)
{
    for (size_t i = 0; i < HP_TEXT; ++i) {
        if (text[i] == '\0') {
            return HP_OK;
        }
        if (text[i] < 0x20 || text[i] > 0x7e) {
            return hp_where_fail(where, w->error, HP_EWIRE, ": byte 0x%02x at %zu is not printable",
                                 (unsigned)(unsigned char)text[i], i);
        }
    }
    return hp_where_fail(where, w->error, HP_EWIRE, ": longer than %d bytes", HP_TEXT - 1);
}

static hp_status check_number(const walk *w, const hp_where *where, const hp_field *field,
                              const void *from)
{
    const double x = number_of(field->kind, from);
    if (x >= field->range.lo && x <= field->range.hi) {
        return HP_OK;
    }
    if (!isfinite(x)) {
        return hp_where_fail(where, w->error, HP_EWIRE, " = %g: must be finite", x);
    }
    return hp_where_fail(where, w->error, HP_EWIRE, " = %.17g: must lie in [%g, %g]", x,
                         field->range.lo, field->range.hi);
}

static hp_status check_struct(const walk *w, const hp_where *where, const hp_layout *layout,
                              const void *base);

static hp_status check_field(const walk *w, const hp_where *up, const hp_field *field,
                             const void *base)
{
    hp_where here = {.up = up, .name = field->name, .index = HP_NO_INDEX};
    const size_t n = hp_field_count(field, base, w->steps);
    if (n < field->count_min || n > field->cap) {
        return hp_where_fail(&here, w->error, HP_EWIRE, ": %zu entries, must be %zu to %zu", n,
                             field->count_min, field->cap);
    }
    hp_status status = HP_OK;
    for (size_t i = 0; i < n && status == HP_OK && field->kind != HP_KIND_BYTES; ++i) {
        here.index = field->count == HP_COUNT_ONE ? HP_NO_INDEX : i;
        const void *from = element(field, base, i);
        if (field->kind == HP_KIND_STRUCT) {
            status = check_struct(w, &here, field->layout, from);
        } else if (field->kind == HP_KIND_TEXT) {
            status = check_text(w, &here, from);
        } else {
            status = check_number(w, &here, field, from);
        }
    }
    return status;
}

static hp_status check_struct(const walk *w, const hp_where *where, const hp_layout *layout,
                              const void *base)
{
    for (size_t i = 0; i < layout->n_fields; ++i) {
        const hp_status status = check_field(w, where, &layout->fields[i], base);
        if (status != HP_OK) {
            return status;
        }
    }
    const char *broken = layout->rule != NULL ? layout->rule(base) : NULL;
    return broken == NULL ? HP_OK : hp_where_fail(where, w->error, HP_EWIRE, ": %s", broken);
}

hp_status hp_layout_check(const hp_layout *layout, const void *message, const char *name,
                          hp_error *error)
{
    const walk w = {.steps = hp_layout_steps(layout, message), .error = error};
    const hp_where where = {.name = name, .index = HP_NO_INDEX};
    return check_struct(&w, &where, layout, message);
}

/* ---- Packing ---- */

typedef struct writer {
    unsigned char *out; /* NULL: measures only */
    size_t len;
    size_t steps;
} writer;

static void put_varint(writer *w, uint64_t value)
{
    for (; value > 0x7f; value >>= 7) {
        if (w->out != NULL) {
            w->out[w->len] = (unsigned char)(value | 0x80);
        }
        ++w->len;
    }
    if (w->out != NULL) {
        w->out[w->len] = (unsigned char)value;
    }
    ++w->len;
}

static void put_u64(writer *w, uint64_t value)
{
    if (w->out != NULL) {
        /* One store on little-endian machines, which a loop would not become. */
        const unsigned char le[8] = {
            (unsigned char)value,         (unsigned char)(value >> 8),
            (unsigned char)(value >> 16), (unsigned char)(value >> 24),
            (unsigned char)(value >> 32), (unsigned char)(value >> 40),
            (unsigned char)(value >> 48), (unsigned char)(value >> 56),
        };
        memcpy(w->out + w->len, le, sizeof le);
    }
    w->len += 8;
}

static void put_key(writer *w, uint32_t id, ProtobufCWireType type)
{
    put_varint(w, (uint64_t)id << 3 | (uint64_t)type);
}

static void pack_struct(writer *w, const hp_layout *layout, const void *base);

static void pack_part(writer *w, uint32_t id, const hp_layout *layout, const void *base)
{
    writer measure = {.steps = w->steps};
    pack_struct(&measure, layout, base);
    put_key(w, id, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED);
    put_varint(w, measure.len);
    if (w->out != NULL) {
        pack_struct(w, layout, base);
    } else {
        w->len += measure.len;
    }
}

/** Of texts and bytes. */
static void pack_bytes(writer *w, uint32_t id, const void *bytes, size_t n)
{
    if (n == 0) {
        return;
    }
    put_key(w, id, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED);
    put_varint(w, n);
    if (w->out != NULL) {
        memcpy(w->out + w->len, bytes, n);
    }
    w->len += n;
}

/** Numbers in lists are 8 bytes wide: list_fits sees to it. */
static void pack_list(writer *w, uint32_t id, const hp_field *field, const void *base, size_t n)
{
    if (n == 0) {
        return;
    }
    put_key(w, id, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED);
    put_varint(w, n * 8);
    for (size_t i = 0; w->out != NULL && i < n; ++i) {
        uint64_t bits;
        memcpy(&bits, element(field, base, i), sizeof bits);
        put_u64(w, bits);
    }
    w->len += w->out == NULL ? n * 8 : 0;
}

/** Absent means all bits zero: -0.0 is written. */
static void pack_number(writer *w, uint32_t id, hp_kind kind, const void *from)
{
    const uint64_t bits = load_bits(kind, from);
    if (bits == 0) {
        return;
    }
    if (is_wide(kind)) {
        put_key(w, id, PROTOBUF_C_WIRE_TYPE_64BIT);
        put_u64(w, bits);
    } else {
        put_key(w, id, PROTOBUF_C_WIRE_TYPE_VARINT);
        put_varint(w, bits);
    }
}

static void pack_struct(writer *w, const hp_layout *layout, const void *base)
{
    for (size_t i = 0; i < layout->n_fields; ++i) {
        const hp_field *field = &layout->fields[i];
        const uint32_t id = layout->descriptor->fields[i].id;
        const size_t n = hp_field_count(field, base, w->steps);
        if (field->kind == HP_KIND_STRUCT) {
            for (size_t k = 0; k < n; ++k) {
                pack_part(w, id, field->layout, element(field, base, k));
            }
        } else if (field->kind == HP_KIND_TEXT) {
            const char *text = element(field, base, 0);
            pack_bytes(w, id, text, strlen(text));
        } else if (field->kind == HP_KIND_BYTES) {
            pack_bytes(w, id, element(field, base, 0), n);
        } else if (field->count != HP_COUNT_ONE) {
            pack_list(w, id, field, base, n);
        } else {
            pack_number(w, id, field->kind, element(field, base, 0));
        }
    }
}

size_t hp_layout_pack(const hp_layout *layout, const void *message, unsigned char *out)
{
    writer w = {.out = out, .steps = hp_layout_steps(layout, message)};
    pack_struct(&w, layout, message);
    return w.len;
}

/* ---- Filling ---- */

typedef struct source {
    const hp_layout *root;
    const void *message; /* the whole message as far as it is filled */
    hp_error *error;
} source;

static hp_status fill_struct(const source *s, const hp_where *where, const hp_layout *layout,
                             const ProtobufCMessage *from, void *base);

static hp_status fill_part(const source *s, const hp_where *where, const hp_layout *layout,
                           const ProtobufCMessage *from, void *base)
{
    return from != NULL ? fill_struct(s, where, layout, from, base)
                        : hp_where_fail(where, s->error, HP_EWIRE, ": missing");
}

static hp_status fill_text(const source *s, const hp_where *where, const char *from, char *to)
{
    const size_t n = strnlen(from, HP_TEXT);
    if (n == HP_TEXT) {
        return hp_where_fail(where, s->error, HP_EWIRE, ": longer than %d bytes", HP_TEXT - 1);
    }
    memcpy(to, from, n); /* the rest is zero */
    return HP_OK;
}

/** Takes note of a list's length, or compares it with what is known. */
static hp_status fill_count(const source *s, const hp_where *where, const hp_field *field, size_t n,
                            void *base)
{
    if (n > field->cap) {
        return hp_where_fail(where, s->error, HP_EWIRE, ": %zu entries, at most %zu", n,
                             field->cap);
    }
    if (field->count == HP_COUNT_MEMBER) {
        const uint32_t stored = (uint32_t)n;
        memcpy(at(base, field->count_offset), &stored, sizeof stored);
        return HP_OK;
    }
    const size_t wanted = hp_field_count(field, base, hp_layout_steps(s->root, s->message));
    return n == wanted
               ? HP_OK
               : hp_where_fail(where, s->error, HP_EWIRE, ": %zu entries, wanted %zu", n, wanted);
}

static hp_status fill_bytes(const source *s, const hp_where *where, const hp_field *field,
                            const void *wire, void *base)
{
    ProtobufCBinaryData bytes;
    memcpy(&bytes, wire, sizeof bytes);
    const hp_status status = fill_count(s, where, field, bytes.len, base);
    if (status == HP_OK && bytes.len > 0) {
        memcpy(at(base, field->offset), bytes.data, bytes.len);
    }
    return status;
}

static hp_status fill_list(const source *s, hp_where *where, const hp_field *field,
                           const void *wire, size_t n, void *base)
{
    hp_status status = fill_count(s, where, field, n, base);
    for (size_t i = 0; i < n && status == HP_OK; ++i) {
        void *to = at(base, field->offset + i * field->stride);
        where->index = i;
        if (field->kind == HP_KIND_STRUCT) {
            const ProtobufCMessage *const *parts = wire;
            status = fill_part(s, where, field->layout, parts[i], to);
        } else {
            memcpy(to, at_const(wire, i * 8), 8); /* list_fits: no narrower numbers */
        }
    }
    return status;
}

static hp_status fill_field(const source *s, const hp_where *up, const hp_field *field,
                            const ProtobufCFieldDescriptor *wire, const ProtobufCMessage *from,
                            void *base)
{
    hp_where here = {.up = up, .name = field->name, .index = HP_NO_INDEX};
    const void *value = at_const(from, wire->offset);
    const void *pointer = NULL;
    if (field->kind == HP_KIND_BYTES) {
        return fill_bytes(s, &here, field, value, base);
    }
    if (field->count != HP_COUNT_ONE) {
        size_t n;
        memcpy(&n, at_const(from, wire->quantifier_offset), sizeof n);
        memcpy(&pointer, value, sizeof pointer);
        return fill_list(s, &here, field, pointer, n, base);
    }
    void *to = at(base, field->offset);
    if (field->kind == HP_KIND_STRUCT || field->kind == HP_KIND_TEXT) {
        memcpy(&pointer, value, sizeof pointer);
        return field->kind == HP_KIND_TEXT ? fill_text(s, &here, pointer, to)
                                           : fill_part(s, &here, field->layout, pointer, to);
    }
    /* protobuf-c keeps flags in an int. */
    const hp_kind kind = field->kind == HP_KIND_BOOL ? HP_KIND_U32 : field->kind;
    store_bits(field->kind, to, load_bits(kind, value));
    return HP_OK;
}

static hp_status fill_struct(const source *s, const hp_where *where, const hp_layout *layout,
                             const ProtobufCMessage *from, void *base)
{
    if (from->n_unknown_fields > 0) {
        return hp_where_fail(where, s->error, HP_EWIRE, ": %u unknown fields",
                             from->n_unknown_fields);
    }
    for (size_t i = 0; i < layout->n_fields; ++i) {
        const hp_status status =
            fill_field(s, where, &layout->fields[i], &layout->descriptor->fields[i], from, base);
        if (status != HP_OK) {
            return status;
        }
    }
    return HP_OK;
}

hp_status hp_layout_fill(const hp_layout *layout, const ProtobufCMessage *from, void *message,
                         const char *name, hp_error *error)
{
    const source s = {.root = layout, .message = message, .error = error};
    const hp_where where = {.name = name, .index = HP_NO_INDEX};
    return fill_struct(&s, &where, layout, from, message);
}
