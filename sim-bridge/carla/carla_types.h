/** @file carla_types.h The structs that travel over the simulator's RPC, and one table for each
 *  that both packs and unpacks it.
 *
 *  Numbers are as on the wire: left-handed, metres, degrees, single precision; carla_frame.h
 *  converts. On the wire a struct is an array. Like the simulator itself we take shorter ones
 *  (missing fields keep their values), longer ones, and numbers of any width.
 *  Ownership: texts point into the message that was unpacked. Threads: pure. Allocation: packing
 *  grows the caller's buffer. */
#ifndef CARLA_TYPES_H
#define CARLA_TYPES_H

#include "sim-bridge/carla/carla_pack.h"
#include "sim-bridge/carla/carla_version.h"

#include <stdbool.h>

enum {
    CARLA_MAX_ATTRIBUTES = 48,
    CARLA_MAX_TAGS = 16,
    CARLA_TOKEN_BYTES = 24,
    CARLA_MAX_WHEELS = 8
};

typedef struct carla_text {
    const char *p;
    uint32_t len;
} carla_text;

typedef struct carla_vec3 {
    float x, y, z;
} carla_vec3;

typedef struct carla_vec2 {
    float x, y;
} carla_vec2;

typedef struct carla_rotation {
    float pitch, yaw, roll; /* degrees */
} carla_rotation;

typedef struct carla_transform {
    carla_vec3 location;
    carla_rotation rotation;
} carla_transform;

typedef struct carla_box {
    carla_vec3 location; /* centre in the actor's frame */
    carla_vec3 extent;   /* half sizes */
    carla_rotation rotation;
    uint32_t actor_id; /* 0.9.16 */
} carla_box;

typedef struct carla_attribute {
    carla_text id;
    uint32_t type; /* numbering of the version */
    carla_text value;
} carla_attribute;

typedef struct carla_description {
    uint32_t uid;
    carla_text id;
    uint32_t n_attributes;
    carla_attribute attributes[CARLA_MAX_ATTRIBUTES];
} carla_description;

/** A blueprint. Recommended values are packed as none and not unpacked. */
typedef struct carla_definition_attribute {
    carla_text id;
    uint32_t type;
    carla_text value;
    bool modifiable, restricted;
} carla_definition_attribute;

typedef struct carla_definition {
    uint32_t uid;
    carla_text id, tags;
    uint32_t n_attributes;
    carla_definition_attribute attributes[CARLA_MAX_ATTRIBUTES];
} carla_definition;

typedef struct carla_actor {
    uint32_t id, parent_id;
    carla_description description;
    carla_box box;
    uint32_t n_tags;
    uint8_t tags[CARLA_MAX_TAGS];
    uint32_t n_token; /* CARLA_TOKEN_BYTES for sensors, else 0 */
    uint8_t token[CARLA_TOKEN_BYTES];
} carla_actor;

typedef struct carla_token_bytes {
    uint32_t n_token;
    uint8_t token[CARLA_TOKEN_BYTES];
} carla_token_bytes;

typedef struct carla_episode_info {
    uint64_t id;
    carla_token_bytes token;
} carla_episode_info;

typedef struct carla_settings {
    bool synchronous, no_rendering;
    double fixed_delta_s; /* 0: variable */
    bool substepping;
    double max_substep_s;
    int32_t max_substeps;
    float culling_m;
    bool ragdolls;
    float tile_m, active_m;
    bool spectator_as_ego; /* 0.9.15 */
} carla_settings;

typedef struct carla_control {
    float throttle, steer, brake; /* steer: right is positive */
    bool hand_brake, reverse, manual_gear;
    int32_t gear;
} carla_control;

typedef struct carla_walker_control {
    carla_vec3 direction;
    float speed_mps;
    bool jump;
} carla_walker_control;

typedef struct carla_weather {
    float values[14];
} carla_weather;

typedef struct carla_wheel {
    float friction, damping, max_steer_deg, radius_cm, max_brake, max_handbrake;
    float lat_max_load, lat_value, long_value;
    carla_vec3 position_cm;
} carla_wheel;

/** Physics of a vehicle; gears and torque curve are packed empty and not unpacked. */
typedef struct carla_physics {
    float max_rpm, moi, damping_full, damping_engaged, damping_free;
    bool autobox;
    float gear_switch_s, clutch, final_ratio, mass_kg, drag;
    carla_vec3 centre_of_mass;
    uint32_t n_steering;
    carla_vec2 steering_curve[CARLA_MAX_WHEELS]; /* km/h, factor */
    uint32_t n_wheels;
    carla_wheel wheels[CARLA_MAX_WHEELS];
    bool sweep;
} carla_physics;

/* ---- Tables ---- */

typedef enum carla_field_type {
    CARLA_BOOL,
    CARLA_U8,
    CARLA_U32,
    CARLA_I32,
    CARLA_U64,
    CARLA_F32,
    CARLA_F32_ODD, /* what is not finite is taken as 0 */
    CARLA_F64,
    CARLA_OPTIONAL_F64, /* 0: none */
    CARLA_TEXT,
    CARLA_BYTES, /* uint8_t [capacity] with a count */
    CARLA_STRUCT,
    CARLA_LIST, /* sub [capacity] with a count */
    CARLA_NONE, /* packed as an empty array, skipped when unpacked */
} carla_field_type;

typedef struct carla_field {
    const char *name; /* NULL ends a table */
    carla_field_type type;
    size_t offset;
    const struct carla_field *sub;
    uint32_t capacity;
    size_t stride, count_offset;
    carla_version since;
} carla_field;

extern const carla_field CARLA_VEC3[], CARLA_TRANSFORM[], CARLA_BOX[], CARLA_ATTRIBUTE[],
    CARLA_DESCRIPTION[], CARLA_DEFINITION[], CARLA_ACTOR[], CARLA_TOKEN[], CARLA_EPISODE_INFO[],
    CARLA_SETTINGS[], CARLA_CONTROL[], CARLA_WALKER_CONTROL[], CARLA_WEATHER[], CARLA_PHYSICS[];

/** Packs a struct as the version has it. */
void carla_pack(msgpack_packer *out, const carla_field *table, const void *from,
                carla_version version);
/** Unpacks into *to what the message holds; HP_EWIRE names the field that is not of its type, or
 *  not finite, or has too many elements. */
HP_NODISCARD hp_status carla_unpack(const msgpack_object *object, const carla_field *table,
                                    void *to, hp_error *error);

/** Numbers of any width, as the simulator takes them. False: not such a number. */
bool carla_get_double(const msgpack_object *object, double *out);
bool carla_get_u64(const msgpack_object *object, uint64_t *out);
bool carla_get_u32(const msgpack_object *object, uint32_t *out);
bool carla_get_bool(const msgpack_object *object, bool *out);
/** False: no text. */
bool carla_get_text(const msgpack_object *object, carla_text *out);

void carla_pack_text(msgpack_packer *out, const char *text);
carla_text carla_text_of(const char *text);
bool carla_text_is(carla_text text, const char *wanted);
bool carla_text_begins(carla_text text, const char *prefix);
/** Copies, cut to cap and terminated. */
void carla_text_copy(carla_text text, char *out, size_t cap);
/** Value of an attribute; an empty text if it is not there. */
carla_text carla_description_value(const carla_description *description, const char *id);

#endif
