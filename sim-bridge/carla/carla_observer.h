/** @file carla_observer.h What comes over the streaming port: tokens, the header of every sensor's
 *  message, and the world's snapshots.
 *  Ownership: a snapshot borrows its payload. Threads: pure. Allocation: none. */
#ifndef CARLA_OBSERVER_H
#define CARLA_OBSERVER_H

#include "sim-bridge/carla/carla_types.h"

enum {
    CARLA_SENSOR_HEADER = 48,
    CARLA_EPISODE_HEADER = 36,
    CARLA_ENTRY = 119,
    CARLA_MAX_SNAPSHOT_ACTORS = 8192,
    CARLA_WORLD_STREAM = 1,
    CARLA_MAP_CHANGED = 1, /* bit of carla_snapshot.state */
};

/** Where a stream is served. */
typedef struct carla_token {
    uint32_t stream;
    uint16_t port;
    bool has_address; /* IPv4 only; else: the host of the RPC connection */
    uint8_t address[4];
} carla_token;

void carla_token_write(const carla_token *token, uint8_t bytes[CARLA_TOKEN_BYTES]);
/** HP_EWIRE: not TCP, no port, or an address that is not IPv4. */
HP_NODISCARD hp_status carla_token_read(const uint8_t *bytes, size_t len, carla_token *out,
                                        hp_error *error);

typedef struct carla_sensor_header {
    uint64_t type, frame;
    double time_s;
    carla_vec3 location;
    carla_rotation rotation;
} carla_sensor_header;

typedef struct carla_snapshot {
    carla_sensor_header sensor;
    uint64_t episode;
    double platform_s;
    float delta_s;
    uint32_t state;
    uint32_t n_actors;
    const uint8_t *entries; /* read one by one by carla_entry_read */
} carla_snapshot;

/** State of an actor that depends on its kind; of the others the bytes are zero. */
typedef struct carla_entry {
    uint32_t id;
    uint8_t state; /* 1 active */
    carla_transform transform;
    carla_vec3 velocity, angular_deg, acceleration;
    carla_control control;       /* vehicles */
    float speed_limit_kmh;       /* vehicles */
    carla_walker_control walker; /* walkers */
} carla_entry;

typedef enum carla_entry_kind {
    CARLA_ENTRY_OTHER,
    CARLA_ENTRY_VEHICLE,
    CARLA_ENTRY_WALKER
} carla_entry_kind;

HP_NODISCARD hp_status carla_sensor_header_read(const uint8_t *bytes, size_t len,
                                                carla_sensor_header *out, hp_error *error);
void carla_sensor_header_write(const carla_sensor_header *header,
                               uint8_t bytes[CARLA_SENSOR_HEADER]);
/** Checks a payload as a whole: sizes, sensor type, numbers that must be finite. */
HP_NODISCARD hp_status carla_snapshot_read(const uint8_t *bytes, size_t len, carla_version version,
                                           carla_snapshot *out, hp_error *error);
/** Writes the two headers; the entries follow. */
void carla_snapshot_write(const carla_snapshot *snapshot,
                          uint8_t bytes[CARLA_SENSOR_HEADER + CARLA_EPISODE_HEADER]);
/** Entry i < n_actors as an actor of this kind. False if a number in it is not finite. */
bool carla_entry_read(const carla_snapshot *snapshot, uint32_t i, carla_entry_kind kind,
                      carla_entry *out);
void carla_entry_write(const carla_entry *entry, carla_entry_kind kind, uint8_t bytes[CARLA_ENTRY]);
uint32_t carla_entry_id(const carla_snapshot *snapshot, uint32_t i);

#endif
