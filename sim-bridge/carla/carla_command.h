/** @file carla_command.h Commands of apply_batch. Their numbers differ between releases; the names
 *  here do not.
 *  Ownership: a command that was unpacked points into its message. Threads: pure. Allocation:
 *  packing grows the caller's buffer. */
#ifndef CARLA_COMMAND_H
#define CARLA_COMMAND_H

#include "sim-bridge/carla/carla_types.h"

typedef enum carla_command_kind {
    CARLA_CMD_SPAWN,
    CARLA_CMD_DESTROY,
    CARLA_CMD_CONTROL,
    CARLA_CMD_ACKERMANN, /* from 0.9.14 on; recognised only */
    CARLA_CMD_WALKER_CONTROL,
    CARLA_CMD_PHYSICS, /* recognised only */
    CARLA_CMD_TRANSFORM,
    CARLA_CMD_WALKER_STATE,
    CARLA_CMD_VELOCITY,
    CARLA_CMD_ANGULAR_VELOCITY,
    CARLA_CMD_IMPULSE,
    CARLA_CMD_FORCE,
    CARLA_CMD_ANGULAR_IMPULSE,
    CARLA_CMD_TORQUE,
    CARLA_CMD_SIMULATE_PHYSICS,
    CARLA_CMD_GRAVITY,
    CARLA_CMD_AUTOPILOT,
    CARLA_CMD_TELEMETRY,
    CARLA_CMD_LIGHTS,
    CARLA_CMD_LOCATION, /* this and the rest from 0.9.14 on; recognised only */
    CARLA_CMD_CONSOLE,
    CARLA_CMD_TRAFFIC_LIGHT,
    CARLA_CMD_COUNT
} carla_command_kind;

/** Which members count depends on the kind. */
typedef struct carla_command {
    carla_command_kind kind;
    uint32_t actor;
    carla_control control;
    carla_walker_control walker;
    carla_transform transform; /* SPAWN, TRANSFORM, WALKER_STATE */
    float speed_mps;           /* WALKER_STATE */
    carla_vec3 vector;         /* VELOCITY to TORQUE */
    bool on;                   /* SIMULATE_PHYSICS to TELEMETRY */
    uint32_t flags;            /* LIGHTS */
    /* SPAWN */
    const carla_description *description; /* to be packed */
    uint32_t parent;                      /* 0: none */
    const struct carla_command *after;    /* to be packed */
    uint32_t n_after;
    const msgpack_object *description_object, *after_object; /* as unpacked */
} carla_command;

/** False if the release has no such command. */
bool carla_command_index(carla_command_kind kind, carla_version version, uint32_t *index);
/** Packs a command that the release has. The kinds that are recognised only are not for packing. */
void carla_pack_command(msgpack_packer *out, const carla_command *command, carla_version version);
/** HP_EWIRE: malformed. Commands that are recognised only keep their kind and nothing else. */
HP_NODISCARD hp_status carla_unpack_command(const msgpack_object *object, carla_version version,
                                            carla_command *out, hp_error *error);

#endif
