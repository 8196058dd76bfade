#include "proto/hp_schema.h"

#include "proto/hp_fields_internal.h"

#include "foxglove.pb-c.h"

#include <inttypes.h>
#include <string.h>

extern const unsigned char HP_OWN_SET[], HP_FOREIGN_SET[], HP_OSI_SET[];
extern const unsigned HP_OWN_SET_LEN, HP_FOREIGN_SET_LEN, HP_OSI_SET_LEN;

#define EXACT_IN_JSON (INT64_C(1) << 53)
enum { MAX_DEPTH = 16 };

hp_schema_set hp_schema_own(void)
{
    return (hp_schema_set){HP_OWN_SET, HP_OWN_SET_LEN};
}

hp_schema_set hp_schema_foreign(void)
{
    return (hp_schema_set){HP_FOREIGN_SET, HP_FOREIGN_SET_LEN};
}

hp_schema_set hp_schema_osi(void)
{
    return (hp_schema_set){HP_OSI_SET, HP_OSI_SET_LEN};
}

const char *hp_schema_name(hp_msg_type type)
{
    return hp_layout_of(type)->descriptor->name;
}

static const ProtobufCMessageDescriptor *find(const char *name)
{
    static const ProtobufCMessageDescriptor *const FOREIGN[] = {
        &foxglove__scene_update__descriptor,
        &foxglove__frame_transform__descriptor,
        &foxglove__log__descriptor,
    };
    for (unsigned i = 0; i < HP_MSG_COUNT; i++) {
        const ProtobufCMessageDescriptor *d = hp_layout_of((hp_msg_type)i)->descriptor;
        if (strcmp(d->name, name) == 0) {
            return d;
        }
    }
    for (size_t i = 0; i < HP_ARRAY_LEN(FOREIGN); i++) {
        if (strcmp(FOREIGN[i]->name, name) == 0) {
            return FOREIGN[i];
        }
    }
    return NULL;
}

static json_t *message_json(const ProtobufCMessage *message, int depth);

static json_t *real_json(double value)
{
    json_t *json = json_real(value); /* NULL for nan and infinities */
    return json != NULL ? json : json_null();
}

static json_t *word_json(uint64_t value)
{
    char text[24];
    if (value < (uint64_t)EXACT_IN_JSON) {
        return json_integer((json_int_t)value);
    }
    (void)snprintf(text, sizeof text, "%" PRIu64, value);
    return json_string(text);
}

static json_t *enum_json(const ProtobufCFieldDescriptor *field, int value)
{
    const ProtobufCEnumValue *known =
        protobuf_c_enum_descriptor_get_value(field->descriptor, value);
    return known != NULL ? json_string(known->name) : json_integer(value);
}

/** How many bytes a value of this type takes in protobuf-c's arrays. */
static size_t size_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_DOUBLE:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return 8;
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_ENUM:
    default:
        return 4;
    }
}

/** One value. Types that no message on the tap has come out as null. */
static json_t *value_json(const ProtobufCFieldDescriptor *field, const void *at, int depth)
{
    const char *text = NULL;
    const ProtobufCMessage *message = NULL;
    uint64_t word = 0;
    uint32_t half = 0;
    double real = 0.0;
    const size_t size = size_of(field->type);
    switch (field->type) {
    case PROTOBUF_C_TYPE_DOUBLE:
        memcpy(&real, at, size);
        return real_json(real);
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_INT64:
        memcpy(&word, at, size);
        return json_integer((json_int_t)word);
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_UINT64:
        memcpy(&word, at, size);
        return word_json(word);
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        memcpy(&half, at, size);
        return json_integer(half);
    case PROTOBUF_C_TYPE_INT32:
        memcpy(&half, at, size);
        return json_integer((int32_t)half);
    case PROTOBUF_C_TYPE_ENUM:
        memcpy(&half, at, size);
        return enum_json(field, (int32_t)half);
    case PROTOBUF_C_TYPE_BOOL:
        memcpy(&half, at, size);
        return json_boolean(half != 0);
    case PROTOBUF_C_TYPE_STRING:
        memcpy(&text, at, size);
        return text != NULL ? json_string(text) : json_null();
    case PROTOBUF_C_TYPE_MESSAGE:
        memcpy(&message, at, size);
        return message != NULL ? message_json(message, depth + 1) : json_null();
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_BYTES:
    default:
        return json_null();
    }
}

static json_t *list_json(const ProtobufCFieldDescriptor *field, const ProtobufCMessage *message,
                         int depth)
{
    size_t n = 0;
    const char *elements = NULL;
    json_t *list = json_array();
    memcpy(&n, (const char *)message + field->quantifier_offset, sizeof n);
    memcpy(&elements, (const char *)message + field->offset, sizeof elements);
    for (size_t i = 0; i < n; i++) {
        (void)json_array_append_new(list,
                                    value_json(field, elements + i * size_of(field->type), depth));
    }
    return list;
}

static json_t *message_json(const ProtobufCMessage *message, int depth)
{
    const ProtobufCMessageDescriptor *d = message->descriptor;
    json_t *object = json_object();
    if (depth > MAX_DEPTH) {
        return object; /* none of the messages contains itself: not reached */
    }
    for (unsigned i = 0; i < d->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &d->fields[i];
        const void *at = (const char *)message + field->offset;
        (void)json_object_set_new(object, field->name,
                                  field->label == PROTOBUF_C_LABEL_REPEATED
                                      ? list_json(field, message, depth)
                                      : value_json(field, at, depth));
    }
    return object;
}

hp_status hp_schema_json(const char *name, const void *payload, size_t len, json_t **out)
{
    const ProtobufCMessageDescriptor *d = find(name);
    *out = NULL;
    if (d == NULL) {
        return HP_ENOENT;
    }
    ProtobufCMessage *message = protobuf_c_message_unpack(d, NULL, len, payload);
    if (message == NULL) {
        return HP_EWIRE;
    }
    *out = message_json(message, 0);
    protobuf_c_message_free_unpacked(message, NULL);
    return *out != NULL ? HP_OK : HP_ENOMEM;
}
