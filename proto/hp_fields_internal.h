/** @file hp_fields_internal.h The field table: what may stand in each field of each message.
 *
 *  One row per field of a .proto message, in the same order; a row says where the value lies in the
 *  C struct and within which bounds it must be. Everything that is done to messages (checking,
 *  packing, unpacking, hashing the schema, testing) walks these rows, so a field is written down
 *  once. Only proto/ and its tests include this file.
 *  Threads: constant data and pure functions. Allocation: none. */
#ifndef HP_FIELDS_INTERNAL_H
#define HP_FIELDS_INTERNAL_H

#include "common/hp_status.h"
#include "proto/hp_codec.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum hp_kind {
    HP_KIND_DOUBLE, /* double */
    HP_KIND_U32,    /* uint32 */
    HP_KIND_U64,    /* fixed64 */
    HP_KIND_I64,    /* sfixed64 */
    HP_KIND_BOOL,   /* bool */
    HP_KIND_ENUM,   /* an enum of as many values as the row's range */
    HP_KIND_TEXT,   /* string; char[HP_TEXT] in C */
    HP_KIND_BYTES,  /* bytes; a list of unsigned char in C */
    HP_KIND_STRUCT, /* another message */
} hp_kind;

/** How the length of a field is known. */
typedef enum hp_count {
    HP_COUNT_ONE,    /* a single value */
    HP_COUNT_ALL,    /* a list that is always full */
    HP_COUNT_MEMBER, /* a list; its length is the struct's uint32 at count_offset */
    HP_COUNT_SAME,   /* a list parallel to an earlier one that shares its count_offset */
    HP_COUNT_STEPS,  /* a list as long as the whole message's n_steps */
} hp_count;

typedef struct hp_layout hp_layout;

typedef struct hp_field {
    const char *name; /* as in the .proto */
    hp_kind kind;
    hp_count count;
    size_t offset;       /* of the value or of a list's first element */
    size_t stride;       /* from one element of a list to the next */
    size_t cap;          /* elements that the struct has room for */
    size_t count_offset; /* HP_COUNT_MEMBER, HP_COUNT_SAME */
    size_t count_min;    /* a list's smallest length */
    struct {
        double lo, hi;
    } range;                 /* closed; of a number */
    const hp_layout *layout; /* HP_KIND_STRUCT */
} hp_field;

/** What a message must fulfil beyond its single fields: NULL, or what it breaks. */
typedef const char *hp_rule(const void *message);

/** Room for bytes in a C struct, large and mostly empty: what is behind the bytes that are there is
 * neither cleared nor copied. */
typedef struct hp_room {
    size_t at, cap, count_at; /* of a uint32_t */
} hp_room;

struct hp_layout {
    const char *name; /* of the C struct; a message may have several, of different room */
    const ProtobufCMessageDescriptor *descriptor;
    size_t size; /* of the C struct */
    const hp_field *fields;
    size_t n_fields;
    bool has_steps; /* the modes in this message have as many points as its n_steps says */
    size_t steps_offset;
    hp_rule *rule;        /* NULL: none */
    const hp_room *rooms; /* in the order of their places; n_rooms of them */
    size_t n_rooms;
};

/** The table of a whole message. */
const hp_layout *hp_layout_of(hp_msg_type type);
/** HP_EVERSION if the tables and the generated descriptors do not match row by row. */
HP_NODISCARD hp_status hp_layout_verify(const hp_layout *layout);
/** Hash of the names, numbers and types of every field below layout, begun with seed. */
uint64_t hp_layout_hash(const hp_layout *layout, uint64_t seed);

/** Length of a field; steps is the whole message's n_steps. */
size_t hp_field_count(const hp_field *field, const void *base, size_t steps);
/** n_steps of a whole message; 0 if it has none. */
size_t hp_layout_steps(const hp_layout *layout, const void *message);

/** Where a walk is, for error texts: a chain from the field back to the message. */
typedef struct hp_where {
    const struct hp_where *up;
    const char *name;
    size_t index; /* HP_NO_INDEX: not an element of a list */
} hp_where;

#define HP_NO_INDEX SIZE_MAX

/** "message.list[3].field" into buf, cut if too long. */
void hp_where_print(const hp_where *where, char *buf, size_t cap);
/** Fails with "<where><text>". */
hp_status hp_where_fail(const hp_where *where, hp_error *error, hp_status status,
                        const char *format, ...) HP_PRINTF(4, 5);

/** Checks a struct against its table; HP_EWIRE with the first field that breaks it. */
HP_NODISCARD hp_status hp_layout_check(const hp_layout *layout, const void *message,
                                       const char *name, hp_error *error);
/** Bytes of the protobuf form of a struct that has been checked; written to out unless it is NULL.
 *  Not protobuf-c's own packer: that one takes -0.0 for an absent 0.0, and needs a copy in its own
 *  structs first. */
size_t hp_layout_pack(const hp_layout *layout, const void *message, unsigned char *out);
/** Fills a cleared struct from what protobuf-c has unpacked. Refuses unknown fields, absent parts,
 *  lists without room or of unequal length; ranges are hp_layout_check's. */
HP_NODISCARD hp_status hp_layout_fill(const hp_layout *layout, const ProtobufCMessage *source,
                                      void *message, const char *name, hp_error *error);

#endif
