#include "sim-bridge/carla/carla_command.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static bool is_new(carla_command_kind kind)
{
    return kind == CARLA_CMD_ACKERMANN || kind >= CARLA_CMD_LOCATION;
}

bool carla_command_index(carla_command_kind kind, carla_version version, uint32_t *index)
{
    const bool old = version < CARLA_0_9_14;
    if (old && is_new(kind)) {
        return false;
    }
    *index = (uint32_t)kind - (old && kind > CARLA_CMD_ACKERMANN ? 1 : 0);
    return true;
}

static bool kind_of(uint32_t index, carla_version version, carla_command_kind *out)
{
    for (uint32_t k = 0; k < CARLA_CMD_COUNT; ++k) {
        uint32_t has = 0;
        if (carla_command_index((carla_command_kind)k, version, &has) && has == index) {
            *out = (carla_command_kind)k;
            return true;
        }
    }
    return false;
}

/* ---- Packing ---- */

static void pack_bool(msgpack_packer *out, bool value)
{
    (void)(value ? msgpack_pack_true(out) : msgpack_pack_false(out));
}

static void pack_spawn(msgpack_packer *out, const carla_command *c, carla_version version)
{
    (void)msgpack_pack_array(out, version >= CARLA_0_9_16 ? 6 : 4);
    carla_pack(out, CARLA_DESCRIPTION, c->description, version);
    carla_pack(out, CARLA_TRANSFORM, &c->transform, version);
    (void)msgpack_pack_array(out, c->parent != 0 ? 2 : 1);
    pack_bool(out, c->parent != 0);
    if (c->parent != 0) {
        (void)msgpack_pack_uint32(out, c->parent);
    }
    if (version >= CARLA_0_9_16) {
        (void)msgpack_pack_uint32(out, 0); /* rigid */
        carla_pack_text(out, "");          /* no socket */
    }
    (void)msgpack_pack_array(out, c->n_after);
    for (uint32_t i = 0; i < c->n_after; ++i) {
        carla_pack_command(out, &c->after[i], version);
    }
}

/** What comes after the actor, and how many values it is. */
static void pack_payload(msgpack_packer *out, const carla_command *c, carla_version version)
{
    (void)msgpack_pack_array(out, c->kind == CARLA_CMD_DESTROY        ? 1
                                  : c->kind == CARLA_CMD_WALKER_STATE ? 3
                                                                      : 2);
    (void)msgpack_pack_uint32(out, c->actor);
    switch ((int)c->kind) {
    case CARLA_CMD_CONTROL:
        carla_pack(out, CARLA_CONTROL, &c->control, version);
        break;
    case CARLA_CMD_WALKER_CONTROL:
        carla_pack(out, CARLA_WALKER_CONTROL, &c->walker, version);
        break;
    case CARLA_CMD_TRANSFORM:
    case CARLA_CMD_WALKER_STATE:
        carla_pack(out, CARLA_TRANSFORM, &c->transform, version);
        break;
    case CARLA_CMD_SIMULATE_PHYSICS:
    case CARLA_CMD_GRAVITY:
    case CARLA_CMD_AUTOPILOT:
    case CARLA_CMD_TELEMETRY:
        pack_bool(out, c->on);
        break;
    case CARLA_CMD_LIGHTS:
        (void)msgpack_pack_uint32(out, c->flags);
        break;
    case CARLA_CMD_DESTROY:
        break;
    default:
        carla_pack(out, CARLA_VEC3, &c->vector, version);
        break;
    }
    if (c->kind == CARLA_CMD_WALKER_STATE) {
        (void)msgpack_pack_float(out, c->speed_mps);
    }
}

void carla_pack_command(msgpack_packer *out, const carla_command *command, carla_version version)
{
    uint32_t index = 0;
    const bool there = carla_command_index(command->kind, version, &index);
    assert(there && !is_new(command->kind) && command->kind != CARLA_CMD_PHYSICS);
    (void)there;
    (void)msgpack_pack_array(out, 1);
    (void)msgpack_pack_array(out, 2);
    (void)msgpack_pack_uint32(out, index);
    if (command->kind == CARLA_CMD_SPAWN) {
        pack_spawn(out, command, version);
    } else {
        pack_payload(out, command, version);
    }
}

/* ---- Unpacking ---- */

static hp_status unpack_spawn(const msgpack_object *fields, carla_version version,
                              carla_command *out, hp_error *error)
{
    const msgpack_object *parent = carla_item(fields, 2);
    bool set = false;
    out->description_object = carla_item(fields, 0);
    out->after_object = carla_item(fields, version >= CARLA_0_9_16 ? 5 : 3);
    if (parent != NULL && (!carla_get_bool(carla_item(parent, 0), &set) ||
                           (set && !carla_get_u32(carla_item(parent, 1), &out->parent)))) {
        return hp_fail(error, HP_EWIRE, "parent: must be an optional id");
    }
    return carla_unpack(carla_item(fields, 1), CARLA_TRANSFORM, &out->transform, error);
}

static hp_status unpack_speed(const msgpack_object *object, float *out, hp_error *error)
{
    double wide = 0.0;
    if (!carla_get_double(object, &wide) || !isfinite((float)wide)) {
        return hp_fail(error, HP_EWIRE, "speed: must be a number");
    }
    *out = (float)wide;
    return HP_OK;
}

static hp_status unpack_payload(const msgpack_object *fields, carla_command *out, hp_error *error)
{
    const msgpack_object *second = carla_item(fields, 1);
    if (!carla_get_u32(carla_item(fields, 0), &out->actor)) {
        return hp_fail(error, HP_EWIRE, "actor: must be an id");
    }
    switch (out->kind) {
    case CARLA_CMD_CONTROL:
        return carla_unpack(second, CARLA_CONTROL, &out->control, error);
    case CARLA_CMD_WALKER_CONTROL:
        return carla_unpack(second, CARLA_WALKER_CONTROL, &out->walker, error);
    case CARLA_CMD_WALKER_STATE: {
        const hp_status st = unpack_speed(carla_item(fields, 2), &out->speed_mps, error);
        return st == HP_OK ? carla_unpack(second, CARLA_TRANSFORM, &out->transform, error) : st;
    }
    case CARLA_CMD_TRANSFORM:
        return carla_unpack(second, CARLA_TRANSFORM, &out->transform, error);
    case CARLA_CMD_VELOCITY:
    case CARLA_CMD_ANGULAR_VELOCITY:
    case CARLA_CMD_IMPULSE:
    case CARLA_CMD_FORCE:
    case CARLA_CMD_ANGULAR_IMPULSE:
    case CARLA_CMD_TORQUE:
        return carla_unpack(second, CARLA_VEC3, &out->vector, error);
    case CARLA_CMD_SIMULATE_PHYSICS:
    case CARLA_CMD_GRAVITY:
    case CARLA_CMD_AUTOPILOT:
    case CARLA_CMD_TELEMETRY:
        return carla_get_bool(second, &out->on)
                   ? HP_OK
                   : hp_fail(error, HP_EWIRE, "command: must say true or false");
    case CARLA_CMD_LIGHTS:
        return carla_get_u32(second, &out->flags)
                   ? HP_OK
                   : hp_fail(error, HP_EWIRE, "lights: must be a number");
    case CARLA_CMD_SPAWN:
    case CARLA_CMD_DESTROY:
    case CARLA_CMD_ACKERMANN:
    case CARLA_CMD_PHYSICS:
    case CARLA_CMD_LOCATION:
    case CARLA_CMD_CONSOLE:
    case CARLA_CMD_TRAFFIC_LIGHT:
    case CARLA_CMD_COUNT:
        break;
    }
    return HP_OK;
}

hp_status carla_unpack_command(const msgpack_object *object, carla_version version,
                               carla_command *out, hp_error *error)
{
    const msgpack_object *variant = carla_item(object, 0);
    const msgpack_object *fields = carla_item(variant, 1);
    uint32_t index = 0;
    *out = (carla_command){0};
    if (!carla_get_u32(carla_item(variant, 0), &index) || !kind_of(index, version, &out->kind)) {
        return hp_fail(error, HP_EWIRE, "command: unknown number");
    }
    if (out->kind == CARLA_CMD_CONSOLE) {
        return HP_OK;
    }
    return out->kind == CARLA_CMD_SPAWN ? unpack_spawn(fields, version, out, error)
                                        : unpack_payload(fields, out, error);
}
