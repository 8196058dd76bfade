/** @file hp_codec.h Messages to bytes and back: one envelope in front of one protobuf payload.
 *
 *  Envelope, fixed little-endian, HP_ENVELOPE_BYTES long: magic u32, version u16, type u16, schema
 * hash u64, sender u32, generation u32, sequence u64, tick u64, monotonic ns i64, payload length
 * u32, reserved u32 (0), XXH3-64 u64 over envelope (hash field zero) and payload. Decoding trusts
 * nothing: envelope, hash, a capped arena for protobuf-c, no unknown fields, then every field
 * against a table of ranges and counts; on any failure *message is untouched, and so is always
 * the room behind a tensor's bytes. Ownership: a codec
 * owns its arena; structs are the caller's. Threads: one codec, one thread. Allocation: in create
 * only. Round trips are bit-exact. */
#ifndef HP_CODEC_H
#define HP_CODEC_H

#include "common/hp_status.h"
#include "proto/hp_msgs.h"

#include <stddef.h>

enum { HP_ENVELOPE_BYTES = 64, HP_PROTOCOL_VERSION = 1 };

/** X-macro: enum member, struct, name (also the tap's topic). */
#define HP_MESSAGE_LIST(X)                                                                         \
    X(HP_MSG_HELLO, hp_hello, "hello")                                                             \
    X(HP_MSG_WORLD_INFO, hp_world_info, "world_info")                                              \
    X(HP_MSG_FRAME, hp_frame, "frame")                                                             \
    X(HP_MSG_PREDICT_REQUEST, hp_predict_request, "predict_request")                               \
    X(HP_MSG_PREDICT_REPLY, hp_predict_reply, "prediction")                                        \
    X(HP_MSG_PLAN_REQUEST, hp_plan_request, "belief")                                              \
    X(HP_MSG_PLAN_REPLY, hp_plan_reply, "plan")                                                    \
    X(HP_MSG_EVALUATE_REQUEST, hp_evaluate_request, "evaluate_request")                            \
    X(HP_MSG_EVALUATE_REPLY, hp_evaluate_reply, "evaluate_reply")                                  \
    X(HP_MSG_COMMAND, hp_command, "command")                                                       \
    X(HP_MSG_DECISION, hp_decision, "decision")                                                    \
    X(HP_MSG_HEALTH, hp_health, "health")                                                          \
    X(HP_MSG_EPISODE_END, hp_episode_end, "episode_end")                                           \
    X(HP_MSG_CONFIGURATION, hp_configuration, "configuration")

typedef enum hp_msg_type {
#define HP_MSG_ENUM(member, type, name) member,
    HP_MESSAGE_LIST(HP_MSG_ENUM)
#undef HP_MSG_ENUM
        HP_MSG_COUNT
} hp_msg_type;

typedef enum hp_role {
    HP_ROLE_BRIDGE,
    HP_ROLE_PLANNER,
    HP_ROLE_PREDICTOR,
    HP_ROLE_POLICY,
    HP_ROLE_POMDP,
    HP_ROLE_CLI,
    HP_ROLE_COUNT
} hp_role;

typedef struct hp_envelope {
    hp_msg_type type;
    hp_role sender;
    uint32_t generation; /* restarts of the sender */
    uint64_t sequence;   /* of the sender; a reply repeats its request's */
    uint64_t tick;
    int64_t monotonic_ns; /* when sent */
} hp_envelope;

/** Any message, for receivers that do not know what comes. */
typedef union hp_message {
#define HP_MSG_MEMBER(member, type, name) type as_##type;
    HP_MESSAGE_LIST(HP_MSG_MEMBER)
#undef HP_MSG_MEMBER
} hp_message;

typedef struct hp_codec hp_codec;

HP_NODISCARD hp_status hp_codec_create(hp_codec **out);
void hp_codec_destroy(hp_codec **codec);

const char *hp_msg_name(hp_msg_type type);
const char *hp_role_name(hp_role role);
/** "search", "comfort_brake", ...: as in files. */
const char *hp_source_name(hp_source source);
/** Copies a message that has been checked, but not the room behind its tensors' bytes. */
void hp_msg_copy(hp_msg_type type, void *to, const void *from);
/** sizeof the struct of a type. */
size_t hp_msg_size(hp_msg_type type);

/** Checks a struct against its field table: finite, in range, counts, texts. HP_EINVAL with the
 * field in *error, as in "frame.agents[3].vx_mps = nan: must be finite". No field may be NaN or
 * infinite. */
HP_NODISCARD hp_status hp_message_check(hp_msg_type type, const void *message, hp_error *error);

/** Writes envelope and payload; *len is the size needed, on HP_EFULL too. envelope->type says which
 *  struct message points to. HP_EINVAL if the message breaks its own field table
 *  (hp_message_check says where). HP_BUS_MAX_MESSAGE bytes are enough for any. */
HP_NODISCARD hp_status hp_encode(hp_codec *codec, const hp_envelope *envelope, const void *message,
                                 void *buf, size_t cap, size_t *len);
/** Checks everything and fills *envelope and the struct at message, which must be able to hold any
 *  type (an hp_message). HP_EWIRE, HP_EVERSION (other version or schema), with the field in *error.
 */
HP_NODISCARD hp_status hp_decode(hp_codec *codec, const void *buf, size_t len,
                                 hp_envelope *envelope, hp_message *message, hp_error *error);
/** The same for a bare payload, as the tap publishes it under its type's name. */
HP_NODISCARD hp_status hp_decode_payload(hp_codec *codec, hp_msg_type type, const void *payload,
                                         size_t len, hp_message *message, hp_error *error);
/** The protobuf payload inside an encoded message, for the tap. */
const void *hp_payload(const void *buf, size_t len, size_t *payload_len);

#endif
