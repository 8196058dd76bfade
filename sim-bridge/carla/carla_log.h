/** @file carla_log.h CARLA's recorder files: read packet by packet, and written.
 *
 *  Centimetres and degrees, as recorded; the single-precision layout of 0.9.x. A file that ends in
 *  the middle of a packet, as after a crash, is read up to its last whole frame.
 *  Ownership: a log borrows its bytes; texts point into them. Threads: one reader, one thread.
 *  Allocation: in load only. */
#ifndef CARLA_LOG_H
#define CARLA_LOG_H

#include "sim-bridge/carla/carla_bytes.h"
#include "sim-bridge/carla/carla_types.h"

enum {
    CARLA_LOG_FRAME_START = 0,
    CARLA_LOG_FRAME_END = 1,
    CARLA_LOG_EVENT_ADD = 2,
    CARLA_LOG_EVENT_DEL = 3,
    CARLA_LOG_COLLISION = 5,
    CARLA_LOG_POSITION = 6,
    CARLA_LOG_BOXES = 13,
    CARLA_LOG_21 = 21, /* these three: other packets in other releases */
    CARLA_LOG_22 = 22,
    CARLA_LOG_23 = 23,
    CARLA_LOG_ROW = 8, /* most numbers in a record */
    CARLA_LOG_PACKET_HEAD = 5,
    CARLA_LOG_POSE_BYTES = 28,
    CARLA_LOG_MAX_FILE = 1 << 30,
};

/** What packets 21 to 23 are: found out as they come. */
typedef enum carla_log_layout {
    CARLA_LOG_UNDECIDED,
    CARLA_LOG_WITH_WHEELS, /* 0.9.15: wheels, bikers */
    CARLA_LOG_WITH_DOORS   /* 0.9.16: doors, wheels, bikers */
} carla_log_layout;

typedef struct carla_log {
    const char *name; /* stands for the file in errors */
    carla_log_layout layout;
    carla_reader in;
    uint16_t version;
    int64_t date_s;
    carla_text map;
    bool truncated; /* the last packet is not whole */
} carla_log;

typedef struct carla_log_packet {
    uint8_t id;
    const uint8_t *payload;
    uint32_t size;
    size_t at; /* of its head in the file */
} carla_log_packet;

typedef struct carla_log_frame {
    uint64_t id;
    double duration_s, elapsed_s; /* the last frame's duration is -1 */
} carla_log_frame;

typedef enum carla_log_kind {
    CARLA_LOG_OTHER,
    CARLA_LOG_VEHICLE,
    CARLA_LOG_WALKER,
    CARLA_LOG_TRAFFIC_LIGHT,
    CARLA_LOG_TRAFFIC_SIGN,
    CARLA_LOG_SENSOR,
    CARLA_LOG_KINDS
} carla_log_kind;

typedef struct carla_log_pose {
    uint32_t id;
    carla_vec3 location_cm, turn_deg; /* turn: roll, pitch, yaw */
} carla_log_pose;

typedef struct carla_log_actor {
    carla_log_pose pose; /* with its id */
    uint8_t kind;        /* carla_log_kind */
    carla_description description;
} carla_log_actor;

/** Reads the head of a file. HP_EWIRE: not such a file. */
HP_NODISCARD hp_status carla_log_open(const char *name, const void *bytes, size_t len,
                                      carla_log *out, hp_error *error);
/** The next packet; HP_EAGAIN at the end. */
HP_NODISCARD hp_status carla_log_next(carla_log *log, carla_log_packet *out, hp_error *error);

/** A packet's name, as the recorder's documents have it. */
const char *carla_log_name(const carla_log *log, uint8_t id);
/** HP_EWIRE: the packet's records do not fill it. Unknown packets pass. */
HP_NODISCARD hp_status carla_log_check(const carla_log *log, const carla_log_packet *packet,
                                       hp_error *error);
/** The numbers of record i, in the order of the file (packets without a count have one record);
 *  returns how many, 0: no such record, or one of varying length. */
uint32_t carla_log_row(const carla_log *log, const carla_log_packet *packet, uint32_t i,
                       double values[CARLA_LOG_ROW]);
/** Number of records of a packet that has a count. */
uint32_t carla_log_count(const carla_log_packet *packet);
HP_NODISCARD hp_status carla_log_frame_read(const carla_log_packet *packet, carla_log_frame *out,
                                            hp_error *error);
/** Checks a position packet as a whole; then its poses can be read. HP_EVERSION: of 0.10. */
HP_NODISCARD hp_status carla_log_poses_check(const carla_log_packet *packet, hp_error *error);
carla_log_pose carla_log_pose_read(const carla_log_packet *packet, uint32_t i);
/** Reads added actors one after the other: *at is 0 before the first. HP_EAGAIN after the last. */
HP_NODISCARD hp_status carla_log_actor_read(const carla_log_packet *packet, size_t *at,
                                            carla_log_actor *out, hp_error *error);

/* ---- Writing: each returns the number of bytes, and writes nothing if they exceed cap. ---- */

size_t carla_log_write_head(const carla_log *log, uint8_t *out, size_t cap);
size_t carla_log_write_packet(uint8_t id, const void *payload, uint32_t size, uint8_t *out,
                              size_t cap);
size_t carla_log_write_frame(const carla_log_frame *frame, uint8_t *out, size_t cap);
/** Payload of a position packet. */
size_t carla_log_write_poses(const carla_log_pose *poses, uint32_t n, uint8_t *out, size_t cap);
/** One record of an event-add packet. */
size_t carla_log_write_actor(const carla_log_actor *actor, uint8_t *out, size_t cap);

#endif
