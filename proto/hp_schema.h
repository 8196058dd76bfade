/** @file hp_schema.h What a stranger needs to read our messages: their full names and descriptors;
 *  and any of them as JSON.
 *  Ownership: constant data; JSON is the caller's. Threads: pure. Allocation: JSON only. */
#ifndef HP_SCHEMA_H
#define HP_SCHEMA_H

#include "proto/hp_codec.h"

#include <jansson.h>

/** A serialized google.protobuf.FileDescriptorSet with everything it refers to. */
typedef struct hp_schema_set {
    const unsigned char *data;
    size_t len;
} hp_schema_set;

/** Of the hyplan.* messages. */
hp_schema_set hp_schema_own(void);
/** Of the foxglove.* messages that viewers draw. */
hp_schema_set hp_schema_foreign(void);
/** Of osi3.GroundTruth, as far as we write it. */
hp_schema_set hp_schema_osi(void);
/** "hyplan.Frame". */
const char *hp_schema_name(hp_msg_type type);

/** A protobuf payload as JSON, all fields in the order of their numbers, 64-bit words of ids as
 *  decimal strings where JSON numbers cannot hold them. HP_ENOENT: a schema that is not built in;
 *  HP_EWIRE: not a message of this schema. */
HP_NODISCARD hp_status hp_schema_json(const char *name, const void *payload, size_t len,
                                      json_t **out);

#endif
