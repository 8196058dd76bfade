#include "proto/hp_codec.h"

#include "common/hp_arena.h"
#include "common/hp_bus.h"
#include "proto/hp_fields_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* Largest legal message: 64 agents with 6 modes of 24 points, a quarter of a mebibyte. protobuf-c
 * needs less than twice a message's bytes for it; a hostile one may try more and gets nothing. */
enum { ARENA_BYTES = 2 * 1024 * 1024 };

#define MAGIC UINT32_C(0x4e4c5048) /* "HPLN" */

/* Places in the envelope. */
enum {
    AT_MAGIC = 0,
    AT_VERSION = 4,
    AT_TYPE = 6,
    AT_SCHEMA = 8,
    AT_SENDER = 16,
    AT_GENERATION = 20,
    AT_SEQUENCE = 24,
    AT_TICK = 32,
    AT_MONOTONIC = 40,
    AT_LENGTH = 48,
    AT_RESERVED = 52,
    AT_HASH = 56,
};

struct hp_codec {
    hp_arena arena;
    ProtobufCAllocator allocator;
    XXH3_state_t *hash;
    uint64_t schema;
    hp_message scratch; /* what is being decoded, until it has passed */
};

const char *hp_msg_name(hp_msg_type type)
{
    static const char *const NAMES[] = {
#define HP_MSG_TEXT(member, type, name) name,
        HP_MESSAGE_LIST(HP_MSG_TEXT)
#undef HP_MSG_TEXT
    };
    return (unsigned)type < HP_MSG_COUNT ? NAMES[type] : "unknown message";
}

const char *hp_role_name(hp_role role)
{
    static const char *const NAMES[] = {
        [HP_ROLE_BRIDGE] = "bridge",       [HP_ROLE_PLANNER] = "planner",
        [HP_ROLE_PREDICTOR] = "predictor", [HP_ROLE_POLICY] = "policy",
        [HP_ROLE_POMDP] = "pomdp",         [HP_ROLE_CLI] = "cli",
    };
    _Static_assert(HP_ARRAY_LEN(NAMES) == HP_ROLE_COUNT, "every role has a name");
    return (unsigned)role < HP_ROLE_COUNT ? NAMES[role] : "unknown role";
}

const char *hp_source_name(hp_source source)
{
    static const char *const NAMES[HP_SOURCE_COUNT] = {"search", "policy", "comfort_brake",
                                                       "hard_brake"};
    return (unsigned)source < HP_SOURCE_COUNT ? NAMES[source] : "unknown source";
}

size_t hp_msg_size(hp_msg_type type)
{
    return (unsigned)type < HP_MSG_COUNT ? hp_layout_of(type)->size : 0;
}

/* ---- Life ---- */

static void *arena_alloc(void *arena, size_t size)
{
    return hp_arena_alloc(arena, size);
}

static void arena_free(void *arena, void *pointer)
{
    (void)arena; /* the next decode takes everything back at once */
    (void)pointer;
}

hp_status hp_codec_create(hp_codec **out)
{
    uint64_t schema = 0;
    for (unsigned type = 0; type < HP_MSG_COUNT; ++type) {
        const hp_layout *layout = hp_layout_of((hp_msg_type)type);
        const hp_status status = hp_layout_verify(layout);
        if (status != HP_OK) {
            return status;
        }
        schema = hp_layout_hash(layout, schema);
    }
    hp_codec *codec = calloc(1, sizeof *codec);
    if (codec == NULL) {
        return HP_ENOMEM;
    }
    codec->schema = schema;
    codec->hash = XXH3_createState();
    if (codec->hash == NULL || hp_arena_create(ARENA_BYTES, &codec->arena) != HP_OK) {
        hp_codec_destroy(&codec);
        return HP_ENOMEM;
    }
    codec->allocator = (ProtobufCAllocator){
        .alloc = arena_alloc, .free = arena_free, .allocator_data = &codec->arena};
    *out = codec;
    return HP_OK;
}

void hp_codec_destroy(hp_codec **codec)
{
    if (*codec == NULL) {
        return;
    }
    (void)XXH3_freeState((*codec)->hash);
    hp_arena_destroy(&(*codec)->arena);
    free(*codec);
    *codec = NULL;
}

/* ---- Bytes ---- */

static void put_bytes(unsigned char *to, uint64_t value, unsigned n)
{
    for (unsigned i = 0; i < n; ++i) {
        to[i] = (unsigned char)(value >> (8 * i));
    }
}

static uint64_t get_bytes(const unsigned char *from, unsigned n)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < n; ++i) {
        value |= (uint64_t)from[i] << (8 * i);
    }
    return value;
}

/** XXH3-64 of the message as if its hash field were zero. */
static uint64_t hash_message(hp_codec *codec, const unsigned char *bytes, size_t len)
{
    static const unsigned char ZERO[HP_ENVELOPE_BYTES - AT_HASH] = {0};
    (void)XXH3_64bits_reset(codec->hash);
    (void)XXH3_64bits_update(codec->hash, bytes, AT_HASH);
    (void)XXH3_64bits_update(codec->hash, ZERO, sizeof ZERO);
    (void)XXH3_64bits_update(codec->hash, bytes + HP_ENVELOPE_BYTES, len - HP_ENVELOPE_BYTES);
    return XXH3_64bits_digest(codec->hash);
}

const void *hp_payload(const void *buf, size_t len, size_t *payload_len)
{
    if (len < HP_ENVELOPE_BYTES) {
        *payload_len = 0;
        return NULL;
    }
    *payload_len = len - HP_ENVELOPE_BYTES;
    return (const unsigned char *)buf + HP_ENVELOPE_BYTES;
}

/* ---- Encoding ---- */

hp_status hp_message_check(hp_msg_type type, const void *message, hp_error *error)
{
    if ((unsigned)type >= HP_MSG_COUNT) {
        return hp_fail(error, HP_EINVAL, "message type %u does not exist", (unsigned)type);
    }
    const hp_status status = hp_layout_check(hp_layout_of(type), message, hp_msg_name(type), error);
    return status == HP_OK ? HP_OK : HP_EINVAL;
}

static void put_envelope(unsigned char *to, const hp_codec *codec, const hp_envelope *envelope,
                         size_t payload_len)
{
    put_bytes(to + AT_MAGIC, MAGIC, 4);
    put_bytes(to + AT_VERSION, HP_PROTOCOL_VERSION, 2);
    put_bytes(to + AT_TYPE, (uint64_t)envelope->type, 2);
    put_bytes(to + AT_SCHEMA, codec->schema, 8);
    put_bytes(to + AT_SENDER, (uint64_t)envelope->sender, 4);
    put_bytes(to + AT_GENERATION, envelope->generation, 4);
    put_bytes(to + AT_SEQUENCE, envelope->sequence, 8);
    put_bytes(to + AT_TICK, envelope->tick, 8);
    put_bytes(to + AT_MONOTONIC, (uint64_t)envelope->monotonic_ns, 8);
    put_bytes(to + AT_LENGTH, payload_len, 4);
    put_bytes(to + AT_RESERVED, 0, 4);
    put_bytes(to + AT_HASH, 0, 8);
}

hp_status hp_encode(hp_codec *codec, const hp_envelope *envelope, const void *message, void *buf,
                    size_t cap, size_t *len)
{
    *len = 0;
    if ((unsigned)envelope->sender >= HP_ROLE_COUNT ||
        hp_message_check(envelope->type, message, NULL) != HP_OK) {
        return HP_EINVAL;
    }
    const hp_layout *layout = hp_layout_of(envelope->type);
    const size_t payload_len = hp_layout_pack(layout, message, NULL);
    *len = HP_ENVELOPE_BYTES + payload_len;
    if (*len > cap) {
        return HP_EFULL;
    }
    unsigned char *bytes = buf;
    put_envelope(bytes, codec, envelope, payload_len);
    (void)hp_layout_pack(layout, message, bytes + HP_ENVELOPE_BYTES);
    put_bytes(bytes + AT_HASH, XXH3_64bits(bytes, *len), 8); /* as yet the field is zero */
    return HP_OK;
}

/* ---- Decoding ---- */

static hp_status check_frame(hp_codec *codec, const unsigned char *bytes, size_t len,
                             hp_error *error)
{
    if (len < HP_ENVELOPE_BYTES || len > HP_BUS_MAX_MESSAGE) {
        return hp_fail(error, HP_EWIRE, "envelope: message of %zu bytes, must be %d to %zu", len,
                       HP_ENVELOPE_BYTES, HP_BUS_MAX_MESSAGE);
    }
    if (get_bytes(bytes + AT_MAGIC, 4) != MAGIC) {
        return hp_fail(error, HP_EWIRE, "envelope.magic = 0x%08llx: not one of our messages",
                       (unsigned long long)get_bytes(bytes + AT_MAGIC, 4));
    }
    const unsigned version = (unsigned)get_bytes(bytes + AT_VERSION, 2);
    if (version != HP_PROTOCOL_VERSION) {
        return hp_fail(error, HP_EVERSION,
                       "envelope.version = %u: must be %d; start all programs from one build",
                       version, HP_PROTOCOL_VERSION);
    }
    const uint64_t payload_len = get_bytes(bytes + AT_LENGTH, 4);
    if (payload_len != len - HP_ENVELOPE_BYTES || get_bytes(bytes + AT_RESERVED, 4) != 0) {
        return hp_fail(error, HP_EWIRE, "envelope.length = %llu: %zu bytes follow",
                       (unsigned long long)payload_len, len - HP_ENVELOPE_BYTES);
    }
    if (get_bytes(bytes + AT_HASH, 8) != hash_message(codec, bytes, len)) {
        return hp_fail(error, HP_EWIRE, "envelope.hash: the message is damaged");
    }
    return HP_OK;
}

static hp_status read_envelope(const hp_codec *codec, const unsigned char *bytes,
                               hp_envelope *envelope, hp_error *error)
{
    const uint64_t schema = get_bytes(bytes + AT_SCHEMA, 8);
    if (schema != codec->schema) {
        return hp_fail(
            error, HP_EVERSION,
            "envelope.schema = %016llx: must be %016llx; start all programs from one build",
            (unsigned long long)schema, (unsigned long long)codec->schema);
    }
    const unsigned type = (unsigned)get_bytes(bytes + AT_TYPE, 2);
    if (type >= HP_MSG_COUNT) {
        return hp_fail(error, HP_EWIRE, "envelope.type = %u: there are %d", type, HP_MSG_COUNT);
    }
    const uint32_t sender = (uint32_t)get_bytes(bytes + AT_SENDER, 4);
    if (sender >= HP_ROLE_COUNT) {
        return hp_fail(error, HP_EWIRE, "envelope.sender = %u: there are %d", sender,
                       HP_ROLE_COUNT);
    }
    *envelope = (hp_envelope){
        .type = (hp_msg_type)type,
        .sender = (hp_role)sender,
        .generation = (uint32_t)get_bytes(bytes + AT_GENERATION, 4),
        .sequence = get_bytes(bytes + AT_SEQUENCE, 8),
        .tick = get_bytes(bytes + AT_TICK, 8),
        .monotonic_ns = (int64_t)get_bytes(bytes + AT_MONOTONIC, 8),
    };
    return HP_OK;
}

static void clear(const hp_layout *layout, void *message)
{
    unsigned char *bytes = message;
    size_t from = 0;
    for (size_t i = 0; i < layout->n_rooms; ++i) {
        memset(bytes + from, 0, layout->rooms[i].at - from);
        from = layout->rooms[i].at + layout->rooms[i].cap;
    }
    memset(bytes + from, 0, layout->size - from);
}

void hp_msg_copy(hp_msg_type type, void *to, const void *from)
{
    const hp_layout *layout = hp_layout_of(type);
    const unsigned char *source = from;
    unsigned char *target = to;
    size_t begin = 0;
    for (size_t i = 0; i < layout->n_rooms; ++i) {
        const hp_room *room = &layout->rooms[i];
        uint32_t n = 0;
        memcpy(&n, source + room->count_at, sizeof n);
        assert(n <= room->cap);
        memcpy(target + begin, source + begin, room->at + n - begin);
        begin = room->at + room->cap;
    }
    memcpy(target + begin, source + begin, layout->size - begin);
}

/** Payload into codec->scratch. */
static hp_status decode_payload(hp_codec *codec, hp_msg_type type, const unsigned char *payload,
                                size_t len, hp_error *error)
{
    const hp_layout *layout = hp_layout_of(type);
    const char *name = hp_msg_name(type);
    hp_arena_reset(&codec->arena);
    const ProtobufCMessage *unpacked =
        protobuf_c_message_unpack(layout->descriptor, &codec->allocator, len, payload);
    if (unpacked == NULL) {
        return hp_fail(error, HP_EWIRE, "%s: no protobuf message, or one too large", name);
    }
    clear(layout, &codec->scratch);
    const hp_status status = hp_layout_fill(layout, unpacked, &codec->scratch, name, error);
    return status == HP_OK ? hp_layout_check(layout, &codec->scratch, name, error) : status;
}

hp_status hp_decode(hp_codec *codec, const void *buf, size_t len, hp_envelope *envelope,
                    hp_message *message, hp_error *error)
{
    const unsigned char *bytes = buf;
    hp_envelope read;
    hp_status status = check_frame(codec, bytes, len, error);
    if (status == HP_OK) {
        status = read_envelope(codec, bytes, &read, error);
    }
    if (status == HP_OK) {
        status = decode_payload(codec, read.type, bytes + HP_ENVELOPE_BYTES,
                                len - HP_ENVELOPE_BYTES, error);
    }
    if (status == HP_OK) {
        *envelope = read;
        hp_msg_copy(read.type, message, &codec->scratch);
    }
    return status;
}

hp_status hp_decode_payload(hp_codec *codec, hp_msg_type type, const void *payload, size_t len,
                            hp_message *message, hp_error *error)
{
    const hp_status status = decode_payload(codec, type, payload, len, error);
    if (status == HP_OK) {
        hp_msg_copy(type, message, &codec->scratch);
    }
    return status;
}
