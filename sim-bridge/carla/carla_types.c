#include "sim-bridge/carla/carla_types.h"

#include <math.h>
#include <string.h>

#define ROW(S, M, T)                                                                               \
    {                                                                                              \
        .name = #M, .type = (T), .offset = offsetof(S, M)                                          \
    }
#define ROW_SUB(S, M, SUB)                                                                         \
    {                                                                                              \
        .name = #M, .type = CARLA_STRUCT, .offset = offsetof(S, M), .sub = (SUB)                   \
    }
#define ROW_BYTES(S, M, N)                                                                         \
    {                                                                                              \
        .name = #M, .type = CARLA_BYTES, .offset = offsetof(S, M),                                 \
        .capacity = sizeof(((S *)0)->M), .count_offset = offsetof(S, N)                            \
    }
#define ROW_LIST(S, M, N, SUB)                                                                     \
    {                                                                                              \
        .name = #M, .type = CARLA_LIST, .offset = offsetof(S, M), .sub = (SUB),                    \
        .capacity = HP_ARRAY_LEN(((S *)0)->M), .stride = sizeof(((S *)0)->M[0]),                   \
        .count_offset = offsetof(S, N)                                                             \
    }
#define ROW_NONE(NAME)                                                                             \
    {                                                                                              \
        .name = (NAME), .type = CARLA_NONE                                                         \
    }
#define ROW_SINCE(S, M, T, V)                                                                      \
    {                                                                                              \
        .name = #M, .type = (T), .offset = offsetof(S, M), .since = (V)                            \
    }
#define ROW_END                                                                                    \
    {                                                                                              \
        .name = NULL                                                                               \
    }

const carla_field CARLA_VEC3[] = {ROW(carla_vec3, x, CARLA_F32), ROW(carla_vec3, y, CARLA_F32),
                                  ROW(carla_vec3, z, CARLA_F32), ROW_END};
static const carla_field VEC2[] = {ROW(carla_vec2, x, CARLA_F32), ROW(carla_vec2, y, CARLA_F32),
                                   ROW_END};
static const carla_field ROTATION[] = {ROW(carla_rotation, pitch, CARLA_F32),
                                       ROW(carla_rotation, yaw, CARLA_F32),
                                       ROW(carla_rotation, roll, CARLA_F32), ROW_END};
const carla_field CARLA_TRANSFORM[] = {ROW_SUB(carla_transform, location, CARLA_VEC3),
                                       ROW_SUB(carla_transform, rotation, ROTATION), ROW_END};
/* Walkers' and bicycles' boxes are of minus infinite size in some releases, their centres no
 * numbers. */
static const carla_field ODD_VEC3[] = {ROW(carla_vec3, x, CARLA_F32_ODD),
                                       ROW(carla_vec3, y, CARLA_F32_ODD),
                                       ROW(carla_vec3, z, CARLA_F32_ODD), ROW_END};
static const carla_field ODD_ROTATION[] = {ROW(carla_rotation, pitch, CARLA_F32_ODD),
                                           ROW(carla_rotation, yaw, CARLA_F32_ODD),
                                           ROW(carla_rotation, roll, CARLA_F32_ODD), ROW_END};
const carla_field CARLA_BOX[] = {ROW_SUB(carla_box, location, ODD_VEC3),
                                 ROW_SUB(carla_box, extent, ODD_VEC3),
                                 ROW_SUB(carla_box, rotation, ODD_ROTATION),
                                 ROW_SINCE(carla_box, actor_id, CARLA_U32, CARLA_0_9_16), ROW_END};
const carla_field CARLA_ATTRIBUTE[] = {ROW(carla_attribute, id, CARLA_TEXT),
                                       ROW(carla_attribute, type, CARLA_U32),
                                       ROW(carla_attribute, value, CARLA_TEXT), ROW_END};
const carla_field CARLA_DESCRIPTION[] = {
    ROW(carla_description, uid, CARLA_U32), ROW(carla_description, id, CARLA_TEXT),
    ROW_LIST(carla_description, attributes, n_attributes, CARLA_ATTRIBUTE), ROW_END};
static const carla_field DEFINITION_ATTRIBUTE[] = {
    ROW(carla_definition_attribute, id, CARLA_TEXT),
    ROW(carla_definition_attribute, type, CARLA_U32),
    ROW(carla_definition_attribute, value, CARLA_TEXT),
    ROW_NONE("recommended_values"),
    ROW(carla_definition_attribute, modifiable, CARLA_BOOL),
    ROW(carla_definition_attribute, restricted, CARLA_BOOL),
    ROW_END};
const carla_field CARLA_DEFINITION[] = {
    ROW(carla_definition, uid, CARLA_U32), ROW(carla_definition, id, CARLA_TEXT),
    ROW(carla_definition, tags, CARLA_TEXT),
    ROW_LIST(carla_definition, attributes, n_attributes, DEFINITION_ATTRIBUTE), ROW_END};
const carla_field CARLA_ACTOR[] = {ROW(carla_actor, id, CARLA_U32),
                                   ROW(carla_actor, parent_id, CARLA_U32),
                                   ROW_SUB(carla_actor, description, CARLA_DESCRIPTION),
                                   ROW_SUB(carla_actor, box, CARLA_BOX),
                                   ROW_BYTES(carla_actor, tags, n_tags),
                                   ROW_BYTES(carla_actor, token, n_token),
                                   ROW_END};
const carla_field CARLA_TOKEN[] = {ROW_BYTES(carla_token_bytes, token, n_token), ROW_END};
const carla_field CARLA_EPISODE_INFO[] = {ROW(carla_episode_info, id, CARLA_U64),
                                          ROW_SUB(carla_episode_info, token, CARLA_TOKEN), ROW_END};
const carla_field CARLA_SETTINGS[] = {
    ROW(carla_settings, synchronous, CARLA_BOOL),
    ROW(carla_settings, no_rendering, CARLA_BOOL),
    ROW(carla_settings, fixed_delta_s, CARLA_OPTIONAL_F64),
    ROW(carla_settings, substepping, CARLA_BOOL),
    ROW(carla_settings, max_substep_s, CARLA_F64),
    ROW(carla_settings, max_substeps, CARLA_I32),
    ROW(carla_settings, culling_m, CARLA_F32),
    ROW(carla_settings, ragdolls, CARLA_BOOL),
    ROW(carla_settings, tile_m, CARLA_F32),
    ROW(carla_settings, active_m, CARLA_F32),
    ROW_SINCE(carla_settings, spectator_as_ego, CARLA_BOOL, CARLA_0_9_15),
    ROW_END};
const carla_field CARLA_CONTROL[] = {
    ROW(carla_control, throttle, CARLA_F32), ROW(carla_control, steer, CARLA_F32),
    ROW(carla_control, brake, CARLA_F32),    ROW(carla_control, hand_brake, CARLA_BOOL),
    ROW(carla_control, reverse, CARLA_BOOL), ROW(carla_control, manual_gear, CARLA_BOOL),
    ROW(carla_control, gear, CARLA_I32),     ROW_END};
const carla_field CARLA_WALKER_CONTROL[] = {ROW_SUB(carla_walker_control, direction, CARLA_VEC3),
                                            ROW(carla_walker_control, speed_mps, CARLA_F32),
                                            ROW(carla_walker_control, jump, CARLA_BOOL), ROW_END};
/* Cloudiness to Rayleigh scattering in the protocol's order; the last is the dust storm. */
const carla_field CARLA_WEATHER[] = {ROW(carla_weather, values[0], CARLA_F32),
                                     ROW(carla_weather, values[1], CARLA_F32),
                                     ROW(carla_weather, values[2], CARLA_F32),
                                     ROW(carla_weather, values[3], CARLA_F32),
                                     ROW(carla_weather, values[4], CARLA_F32),
                                     ROW(carla_weather, values[5], CARLA_F32),
                                     ROW(carla_weather, values[6], CARLA_F32),
                                     ROW(carla_weather, values[7], CARLA_F32),
                                     ROW(carla_weather, values[8], CARLA_F32),
                                     ROW(carla_weather, values[9], CARLA_F32),
                                     ROW(carla_weather, values[10], CARLA_F32),
                                     ROW(carla_weather, values[11], CARLA_F32),
                                     ROW(carla_weather, values[12], CARLA_F32),
                                     ROW_SINCE(carla_weather, values[13], CARLA_F32, CARLA_0_9_14),
                                     ROW_END};
static const carla_field WHEEL[] = {ROW(carla_wheel, friction, CARLA_F32),
                                    ROW(carla_wheel, damping, CARLA_F32),
                                    ROW(carla_wheel, max_steer_deg, CARLA_F32),
                                    ROW(carla_wheel, radius_cm, CARLA_F32),
                                    ROW(carla_wheel, max_brake, CARLA_F32),
                                    ROW(carla_wheel, max_handbrake, CARLA_F32),
                                    ROW(carla_wheel, lat_max_load, CARLA_F32),
                                    ROW(carla_wheel, lat_value, CARLA_F32),
                                    ROW(carla_wheel, long_value, CARLA_F32),
                                    ROW_SUB(carla_wheel, position_cm, CARLA_VEC3),
                                    ROW_END};
const carla_field CARLA_PHYSICS[] = {ROW_NONE("torque_curve"),
                                     ROW(carla_physics, max_rpm, CARLA_F32),
                                     ROW(carla_physics, moi, CARLA_F32),
                                     ROW(carla_physics, damping_full, CARLA_F32),
                                     ROW(carla_physics, damping_engaged, CARLA_F32),
                                     ROW(carla_physics, damping_free, CARLA_F32),
                                     ROW(carla_physics, autobox, CARLA_BOOL),
                                     ROW(carla_physics, gear_switch_s, CARLA_F32),
                                     ROW(carla_physics, clutch, CARLA_F32),
                                     ROW(carla_physics, final_ratio, CARLA_F32),
                                     ROW_NONE("forward_gears"),
                                     ROW(carla_physics, mass_kg, CARLA_F32),
                                     ROW(carla_physics, drag, CARLA_F32),
                                     ROW_SUB(carla_physics, centre_of_mass, CARLA_VEC3),
                                     ROW_LIST(carla_physics, steering_curve, n_steering, VEC2),
                                     ROW_LIST(carla_physics, wheels, n_wheels, WHEEL),
                                     ROW(carla_physics, sweep, CARLA_BOOL),
                                     ROW_END};

/* ---- Packing ---- */

static uint32_t count_at(const char *base, const carla_field *f)
{
    uint32_t n = 0;
    memcpy(&n, base + f->count_offset, sizeof n);
    return n < f->capacity ? n : f->capacity;
}

static void pack_bool(msgpack_packer *out, bool value)
{
    (void)(value ? msgpack_pack_true(out) : msgpack_pack_false(out));
}

static void pack_slice(msgpack_packer *out, carla_text text)
{
    (void)msgpack_pack_str(out, text.len);
    (void)msgpack_pack_str_body(out, text.len > 0 ? text.p : "", text.len);
}

static void pack_optional(msgpack_packer *out, double value)
{
    (void)msgpack_pack_array(out, value > 0.0 ? 2 : 1);
    pack_bool(out, value > 0.0);
    if (value > 0.0) {
        (void)msgpack_pack_double(out, value);
    }
}

static void pack_group(msgpack_packer *out, const carla_field *f, const char *base,
                       carla_version version)
{
    const char *at = base + f->offset;
    if (f->type == CARLA_STRUCT) {
        carla_pack(out, f->sub, at, version);
    } else if (f->type == CARLA_BYTES) {
        const uint32_t n = count_at(base, f);
        (void)msgpack_pack_bin(out, n);
        (void)msgpack_pack_bin_body(out, at, n);
    } else {
        const uint32_t n = f->type == CARLA_LIST ? count_at(base, f) : 0;
        (void)msgpack_pack_array(out, n);
        for (uint32_t i = 0; i < n; ++i) {
            carla_pack(out, f->sub, at + i * f->stride, version);
        }
    }
}

#define LOAD(T, at) (*(const T *)(const void *)(at))

static void pack_field(msgpack_packer *out, const carla_field *f, const char *base,
                       carla_version version)
{
    const char *at = base + f->offset;
    switch (f->type) {
    case CARLA_BOOL:
        pack_bool(out, LOAD(bool, at));
        break;
    case CARLA_U8:
        (void)msgpack_pack_uint8(out, LOAD(uint8_t, at));
        break;
    case CARLA_U32:
        (void)msgpack_pack_uint32(out, LOAD(uint32_t, at));
        break;
    case CARLA_I32:
        (void)msgpack_pack_int32(out, LOAD(int32_t, at));
        break;
    case CARLA_U64:
        (void)msgpack_pack_uint64(out, LOAD(uint64_t, at));
        break;
    case CARLA_F32:
    case CARLA_F32_ODD:
        (void)msgpack_pack_float(out, LOAD(float, at));
        break;
    case CARLA_F64:
        (void)msgpack_pack_double(out, LOAD(double, at));
        break;
    case CARLA_OPTIONAL_F64:
        pack_optional(out, LOAD(double, at));
        break;
    case CARLA_TEXT:
        pack_slice(out, LOAD(carla_text, at));
        break;
    case CARLA_BYTES:
    case CARLA_STRUCT:
    case CARLA_LIST:
    case CARLA_NONE:
        pack_group(out, f, base, version);
        break;
    }
}

void carla_pack(msgpack_packer *out, const carla_field *table, const void *from,
                carla_version version)
{
    size_t n = 0;
    for (const carla_field *f = table; f->name != NULL; ++f) {
        n += f->since <= version ? 1 : 0;
    }
    (void)msgpack_pack_array(out, n);
    for (const carla_field *f = table; f->name != NULL; ++f) {
        if (f->since <= version) {
            pack_field(out, f, from, version);
        }
    }
}

/* ---- Unpacking ---- */

bool carla_get_double(const msgpack_object *object, double *out)
{
    if (object == NULL) {
        return false;
    }
    switch ((int)object->type) {
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        *out = object->via.f64;
        return true;
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        *out = (double)object->via.u64;
        return true;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        *out = (double)object->via.i64;
        return true;
    default:
        return false;
    }
}

bool carla_get_u64(const msgpack_object *object, uint64_t *out)
{
    if (object == NULL || object->type != MSGPACK_OBJECT_POSITIVE_INTEGER) {
        return false;
    }
    *out = object->via.u64;
    return true;
}

bool carla_get_u32(const msgpack_object *object, uint32_t *out)
{
    uint64_t wide = 0;
    if (!carla_get_u64(object, &wide) || wide > UINT32_MAX) {
        return false;
    }
    *out = (uint32_t)wide;
    return true;
}

bool carla_get_bool(const msgpack_object *object, bool *out)
{
    if (object == NULL || object->type != MSGPACK_OBJECT_BOOLEAN) {
        return false;
    }
    *out = object->via.boolean;
    return true;
}

bool carla_get_text(const msgpack_object *object, carla_text *out)
{
    if (object == NULL || object->type != MSGPACK_OBJECT_STR) {
        return false;
    }
    *out = (carla_text){object->via.str.ptr, object->via.str.size};
    return true;
}

static bool get_i32(const msgpack_object *object, int32_t *out)
{
    double wide = 0.0;
    if (!carla_get_double(object, &wide) || !(wide >= INT32_MIN && wide <= INT32_MAX)) {
        return false;
    }
    *out = (int32_t)wide;
    return true;
}

static bool get_optional(const msgpack_object *object, double *out)
{
    bool set = false;
    *out = 0.0;
    if (!carla_get_bool(carla_item(object, 0), &set)) {
        return false;
    }
    return !set || (carla_get_double(carla_item(object, 1), out) && isfinite(*out) && *out >= 0.0);
}

static bool get_bytes(const msgpack_object *object, const carla_field *f, char *base)
{
    if (object->type != MSGPACK_OBJECT_BIN || object->via.bin.size > f->capacity) {
        return false;
    }
    const uint32_t n = object->via.bin.size;
    memcpy(base + f->count_offset, &n, sizeof n);
    if (n > 0) {
        memcpy(base + f->offset, object->via.bin.ptr, n);
    }
    return true;
}

#define STORE(T, at) (*(T *)(void *)(at))

static bool get_number(const msgpack_object *object, const carla_field *f, char *at)
{
    double wide = 0.0;
    uint32_t u = 0;
    if (f->type == CARLA_U8) {
        const bool ok = carla_get_u32(object, &u) && u <= UINT8_MAX;
        STORE(uint8_t, at) = (uint8_t)u;
        return ok;
    }
    if (!carla_get_double(object, &wide)) {
        return false;
    }
    if (f->type == CARLA_F32_ODD && !isfinite((float)wide)) {
        wide = 0.0;
    }
    if (!isfinite(wide)) {
        return false;
    }
    if (f->type == CARLA_F64) {
        STORE(double, at) = wide;
        return true;
    }
    STORE(float, at) = (float)wide;
    return isfinite((float)wide);
}

/** Fields of a single value. */
static bool get_value(const msgpack_object *object, const carla_field *f, char *base)
{
    char *at = base + f->offset;
    switch (f->type) {
    case CARLA_BOOL:
        return carla_get_bool(object, &STORE(bool, at));
    case CARLA_U32:
        return carla_get_u32(object, &STORE(uint32_t, at));
    case CARLA_I32:
        return get_i32(object, &STORE(int32_t, at));
    case CARLA_U64:
        return carla_get_u64(object, &STORE(uint64_t, at));
    case CARLA_U8:
    case CARLA_F32:
    case CARLA_F32_ODD:
    case CARLA_F64:
        return get_number(object, f, at);
    case CARLA_OPTIONAL_F64:
        return get_optional(object, &STORE(double, at));
    case CARLA_TEXT:
        return carla_get_text(object, &STORE(carla_text, at));
    case CARLA_BYTES:
        return get_bytes(object, f, base);
    case CARLA_STRUCT:
    case CARLA_LIST:
    case CARLA_NONE:
        break;
    }
    return true;
}

static hp_status unpack_list(const msgpack_object *object, const carla_field *f, char *base,
                             hp_error *error)
{
    const uint32_t n = carla_items(object);
    if (object->type != MSGPACK_OBJECT_ARRAY || n > f->capacity) {
        return hp_fail(error, HP_EWIRE, "%s: must be an array of at most %u", f->name, f->capacity);
    }
    memcpy(base + f->count_offset, &n, sizeof n);
    for (uint32_t i = 0; i < n; ++i) {
        const hp_status st =
            carla_unpack(carla_item(object, i), f->sub, base + f->offset + i * f->stride, error);
        if (st != HP_OK) {
            return st;
        }
    }
    return HP_OK;
}

hp_status carla_unpack(const msgpack_object *object, const carla_field *table, void *to,
                       hp_error *error)
{
    char *base = to;
    if (object == NULL || object->type != MSGPACK_OBJECT_ARRAY) {
        return hp_fail(error, HP_EWIRE, "%s: must be inside an array", table->name);
    }
    const uint32_t n = carla_items(object);
    for (uint32_t i = 0; i < n && table[i].name != NULL; ++i) {
        const carla_field *f = &table[i];
        const msgpack_object *item = carla_item(object, i);
        hp_status st = HP_OK;
        if (f->type == CARLA_STRUCT) {
            st = carla_unpack(item, f->sub, base + f->offset, error);
        } else if (f->type == CARLA_LIST) {
            st = unpack_list(item, f, base, error);
        } else if (!get_value(item, f, base)) {
            st = hp_fail(error, HP_EWIRE, "%s: not a value of its type", f->name);
        }
        if (st != HP_OK) {
            return st;
        }
    }
    return HP_OK;
}

/* ---- Texts ---- */

void carla_pack_text(msgpack_packer *out, const char *text)
{
    pack_slice(out, carla_text_of(text));
}

carla_text carla_text_of(const char *text)
{
    return (carla_text){text, (uint32_t)strlen(text)};
}

bool carla_text_is(carla_text text, const char *wanted)
{
    return text.len == strlen(wanted) && (text.len == 0 || memcmp(text.p, wanted, text.len) == 0);
}

bool carla_text_begins(carla_text text, const char *prefix)
{
    const size_t n = strlen(prefix);
    return text.len >= n && (n == 0 || memcmp(text.p, prefix, n) == 0);
}

void carla_text_copy(carla_text text, char *out, size_t cap)
{
    const size_t n = text.len < cap - 1 ? text.len : cap - 1;
    if (n > 0) {
        memcpy(out, text.p, n);
    }
    out[n] = '\0';
}

carla_text carla_description_value(const carla_description *description, const char *id)
{
    for (uint32_t i = 0; i < description->n_attributes; ++i) {
        if (carla_text_is(description->attributes[i].id, id)) {
            return description->attributes[i].value;
        }
    }
    return (carla_text){"", 0};
}
