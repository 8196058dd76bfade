#include "sim-bridge/carla/carla_recorder.h"

#include "sim-bridge/carla/carla_log.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    BUFFER = CARLA_SIM_ACTORS * (CARLA_SIM_TEXT + 1024),
    DURATION_AT = CARLA_LOG_PACKET_HEAD + 8, /* of a frame's start */
    FIRST_KEPT = CARLA_LOG_EVENT_DEL + 1,    /* 4: parents; empty here */
};

struct carla_recorder {
    FILE *file;
    uint64_t frames;
    double start_s, last_s;
    long last_at; /* where the last frame begins: its duration is known when the next begins */
    uint32_t known[CARLA_SIM_ACTORS]; /* ids of the last frame, by slot */
    carla_log_pose poses[CARLA_SIM_ACTORS];
    uint8_t payload[BUFFER], packet[BUFFER + CARLA_LOG_PACKET_HEAD];
};

hp_status carla_recorder_open(const char *path, const char *map, carla_recorder **out)
{
    const carla_log head = {.version = 1, .map = carla_text_of(map)};
    carla_recorder *r = calloc(1, sizeof *r);
    *out = NULL;
    if (r == NULL) {
        return HP_ENOMEM;
    }
    r->file = fopen(path, "wb");
    if (r->file == NULL) {
        free(r);
        return HP_EIO;
    }
    const size_t n = carla_log_write_head(&head, r->packet, sizeof r->packet);
    (void)fwrite(r->packet, 1, n, r->file);
    *out = r;
    return HP_OK;
}

void carla_recorder_close(carla_recorder **recorder)
{
    if (*recorder != NULL) {
        (void)fclose((*recorder)->file);
        free(*recorder);
        *recorder = NULL;
    }
}

static void put_packet(carla_recorder *r, uint8_t id, size_t size)
{
    const size_t n =
        carla_log_write_packet(id, r->payload, (uint32_t)size, r->packet, sizeof r->packet);
    (void)fwrite(r->packet, 1, n, r->file);
}

/** The last frame's duration is known now. */
static void patch_duration(carla_recorder *r, double duration_s)
{
    uint8_t bytes[8];
    carla_put_f64(bytes, duration_s);
    if (r->frames > 0 && fseek(r->file, r->last_at + DURATION_AT, SEEK_SET) == 0) {
        (void)fwrite(bytes, 1, sizeof bytes, r->file);
        (void)fseek(r->file, 0, SEEK_END);
    }
}

static carla_log_pose pose_of(const carla_sim_actor *actor)
{
    const carla_transform at = carla_sim_transform(actor);
    return (carla_log_pose){
        actor->id,
        {100.0F * at.location.x, 100.0F * at.location.y, 100.0F * at.location.z},
        {at.rotation.roll, at.rotation.pitch, at.rotation.yaw}};
}

static uint8_t kind_of(const carla_sim_actor *actor)
{
    const carla_entry_kind kind = carla_sim_kind(actor);
    if (kind == CARLA_ENTRY_VEHICLE) {
        return CARLA_LOG_VEHICLE;
    }
    if (kind == CARLA_ENTRY_WALKER) {
        return CARLA_LOG_WALKER;
    }
    return actor->stream != 0 ? CARLA_LOG_SENSOR : CARLA_LOG_OTHER;
}

/** Those who have come, with their boxes [n] as poses; returns how many. */
static uint32_t put_added(carla_recorder *r, const carla_sim *sim)
{
    uint32_t n = 0;
    size_t size = 2;
    for (uint32_t i = 0; i < CARLA_SIM_ACTORS; ++i) {
        const carla_sim_actor *actor = &sim->actors[i];
        if (actor->id == 0 || actor->id == r->known[i]) {
            continue;
        }
        const carla_log_actor added = {
            .pose = pose_of(actor), .kind = kind_of(actor), .description = actor->description};
        const carla_box box = carla_sim_box(actor);
        size += carla_log_write_actor(&added, r->payload + size, sizeof r->payload - size);
        r->poses[n++] = (carla_log_pose){
            actor->id,
            {100.0F * box.location.x, 100.0F * box.location.y, 100.0F * box.location.z},
            {100.0F * box.extent.x, 100.0F * box.extent.y, 100.0F * box.extent.z}};
    }
    carla_put_uint(r->payload, n, 2);
    put_packet(r, CARLA_LOG_EVENT_ADD, size);
    return n;
}

static void put_gone(carla_recorder *r, const carla_sim *sim)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < CARLA_SIM_ACTORS; ++i) {
        if (r->known[i] != 0 && r->known[i] != sim->actors[i].id) {
            carla_put_uint(r->payload + 2 + 4 * (size_t)n, r->known[i], 4);
            n += 1;
        }
        r->known[i] = sim->actors[i].id;
    }
    carla_put_uint(r->payload, n, 2);
    put_packet(r, CARLA_LOG_EVENT_DEL, 2 + 4 * (size_t)n);
}

static void put_empty(carla_recorder *r)
{
    for (uint32_t id = FIRST_KEPT; id <= CARLA_LOG_COLLISION; ++id) {
        carla_put_uint(r->payload, 0, 2);
        put_packet(r, (uint8_t)id, 2);
    }
}

void carla_recorder_frame(carla_recorder *recorder, const carla_sim *sim, double time_s)
{
    carla_recorder *r = recorder;
    r->start_s = r->frames == 0 ? time_s : r->start_s;
    patch_duration(r, time_s - r->last_s);
    const carla_log_frame frame = {++r->frames, -1.0, time_s - r->start_s};
    r->last_at = ftell(r->file);
    r->last_s = time_s;
    (void)fwrite(r->packet, 1, carla_log_write_frame(&frame, r->packet, sizeof r->packet), r->file);
    const uint32_t added = put_added(r, sim);
    const size_t boxes = carla_log_write_poses(r->poses, added, r->packet, sizeof r->packet);
    memcpy(r->payload, r->packet, boxes);
    put_packet(r, CARLA_LOG_BOXES, boxes);
    put_gone(r, sim);
    put_empty(r);
    uint32_t n = 0;
    for (uint32_t i = 0; i < CARLA_SIM_ACTORS; ++i) {
        const carla_sim_actor *actor = &sim->actors[i];
        if (actor->id != 0 && actor->stream == 0) {
            r->poses[n++] = pose_of(actor);
        }
    }
    put_packet(r, CARLA_LOG_POSITION,
               carla_log_write_poses(r->poses, n, r->payload, sizeof r->payload));
    put_packet(r, CARLA_LOG_FRAME_END, 0);
}
