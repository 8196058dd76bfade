#include "sim-bridge/carla/carla_log.h"

#include <math.h>
#include <stdlib.h>

enum { UE5_POSE_BYTES = 52, FRAME_BYTES = 24, TEXT_HEAD = 2, ACTOR_BYTES = 37 };

static const char MAGIC[] = "CARLA_RECORDER";

static carla_text read_text(carla_reader *r)
{
    const uint16_t len = carla_read_u16(r);
    if (r->short_of || r->len - r->pos < len) {
        r->short_of = true;
        return (carla_text){"", 0};
    }
    const carla_text text = {(const char *)r->p + r->pos, len};
    r->pos += len;
    return text;
}

static carla_vec3 read_vec3(carla_reader *r)
{
    const float x = carla_read_f32(r);
    const float y = carla_read_f32(r);
    return (carla_vec3){x, y, carla_read_f32(r)};
}

hp_status carla_log_open(const char *name, const void *bytes, size_t len, carla_log *out,
                         hp_error *error)
{
    *out = (carla_log){.name = name, .in = {.p = bytes, .len = len}};
    carla_reader *r = &out->in;
    out->version = carla_read_u16(r);
    const carla_text magic = read_text(r);
    if (r->short_of || !carla_text_is(magic, MAGIC)) {
        return hp_fail(error, HP_EWIRE, "%s: no CARLA recording (it does not begin with %s)", name,
                       MAGIC);
    }
    out->date_s = (int64_t)carla_read_uint(r, 8);
    out->map = read_text(r);
    if (r->short_of || out->version != 1) {
        return hp_fail(error, HP_EWIRE, "%s: a CARLA recording of version %u, must be 1", name,
                       out->version);
    }
    return HP_OK;
}

/** Doors have 6 bytes each and bikers 12; wheels, 8 and 9 for each wheel. */
static void decide(carla_log *log, const carla_log_packet *packet)
{
    const uint32_t n = carla_log_count(packet);
    if (packet->id == CARLA_LOG_23) {
        log->layout = CARLA_LOG_WITH_DOORS;
    } else if (log->layout != CARLA_LOG_UNDECIDED || n == 0) {
        return;
    } else if (packet->id == CARLA_LOG_21) {
        log->layout = packet->size == 2 + 6 * n ? CARLA_LOG_WITH_DOORS : CARLA_LOG_WITH_WHEELS;
    } else if (packet->id == CARLA_LOG_22) {
        log->layout = packet->size == 2 + 12 * n ? CARLA_LOG_WITH_WHEELS : CARLA_LOG_WITH_DOORS;
    }
}

hp_status carla_log_next(carla_log *log, carla_log_packet *out, hp_error *error)
{
    carla_reader *r = &log->in;
    const size_t at = r->pos;
    if (r->pos == r->len) {
        return HP_EAGAIN;
    }
    const uint8_t id = carla_read_u8(r);
    const uint32_t size = carla_read_u32(r);
    if (r->short_of || r->len - r->pos < size) {
        log->truncated = true;
        r->pos = r->len = at;
        return HP_EAGAIN;
    }
    *out = (carla_log_packet){.id = id, .payload = r->p + r->pos, .size = size, .at = at};
    r->pos += size;
    decide(log, out);
    if (id == CARLA_LOG_FRAME_END && size != 0) {
        return hp_fail(error, HP_EWIRE, "%s: byte %zu: a frame's end with %u bytes", log->name, at,
                       size);
    }
    return HP_OK;
}

uint32_t carla_log_count(const carla_log_packet *packet)
{
    carla_reader r = {.p = packet->payload, .len = packet->size};
    return carla_read_u16(&r);
}

hp_status carla_log_frame_read(const carla_log_packet *packet, carla_log_frame *out,
                               hp_error *error)
{
    carla_reader r = {.p = packet->payload, .len = packet->size};
    out->id = carla_read_uint(&r, 8);
    out->duration_s = carla_read_f64(&r);
    out->elapsed_s = carla_read_f64(&r);
    const bool good = !r.short_of && packet->size == FRAME_BYTES && isfinite(out->duration_s) &&
                      isfinite(out->elapsed_s);
    return good ? HP_OK
                : hp_fail(error, HP_EWIRE, "byte %zu: a frame's start that is none", packet->at);
}

hp_status carla_log_poses_check(const carla_log_packet *packet, hp_error *error)
{
    const size_t n = carla_log_count(packet);
    if (n > 0 && packet->size == 2 + n * UE5_POSE_BYTES) {
        return hp_fail(error, HP_EVERSION,
                       "byte %zu: recorded by CARLA 0.10, whose layout is not supported",
                       packet->at);
    }
    if (packet->size != 2 + n * CARLA_LOG_POSE_BYTES) {
        return hp_fail(error, HP_EWIRE, "byte %zu: %zu positions in %u bytes", packet->at, n,
                       packet->size);
    }
    return HP_OK;
}

carla_log_pose carla_log_pose_read(const carla_log_packet *packet, uint32_t i)
{
    carla_reader r = {
        .p = packet->payload, .len = packet->size, .pos = 2 + (size_t)i * CARLA_LOG_POSE_BYTES};
    carla_log_pose pose = {.id = carla_read_u32(&r)};
    pose.location_cm = read_vec3(&r);
    pose.turn_deg = read_vec3(&r);
    return pose;
}

hp_status carla_log_actor_read(const carla_log_packet *packet, size_t *at, carla_log_actor *out,
                               hp_error *error)
{
    carla_reader r = {.p = packet->payload, .len = packet->size, .pos = *at};
    if (*at == 0) {
        r.pos = packet->size < 2 ? packet->size : 2;
    }
    if (r.pos == r.len) {
        return HP_EAGAIN;
    }
    *out = (carla_log_actor){.pose = {.id = carla_read_u32(&r)}, .kind = carla_read_u8(&r)};
    out->pose.location_cm = read_vec3(&r);
    out->pose.turn_deg = read_vec3(&r);
    out->description.uid = carla_read_u32(&r);
    out->description.id = read_text(&r);
    const uint32_t n = carla_read_u16(&r);
    if (n > CARLA_MAX_ATTRIBUTES) {
        return hp_fail(error, HP_EWIRE, "byte %zu: an actor with %u attributes, at most %d",
                       packet->at, n, CARLA_MAX_ATTRIBUTES);
    }
    for (uint32_t i = 0; i < n && !r.short_of; ++i) {
        carla_attribute *a = &out->description.attributes[i];
        a->type = carla_read_u8(&r);
        a->id = read_text(&r);
        a->value = read_text(&r);
    }
    out->description.n_attributes = n;
    *at = r.pos;
    return r.short_of ? hp_fail(error, HP_EWIRE, "byte %zu: an added actor is cut", packet->at)
                      : HP_OK;
}

/* ---- Writing ---- */

static size_t put_text(uint8_t *at, carla_text text)
{
    carla_put_uint(at, text.len, TEXT_HEAD);
    if (text.len > 0) {
        memcpy(at + TEXT_HEAD, text.p, text.len);
    }
    return TEXT_HEAD + (size_t)text.len;
}

static void put_vec3(uint8_t *at, carla_vec3 v)
{
    carla_put_f32(at, v.x);
    carla_put_f32(at + 4, v.y);
    carla_put_f32(at + 8, v.z);
}

size_t carla_log_write_head(const carla_log *log, uint8_t *out, size_t cap)
{
    const size_t n = 2 + TEXT_HEAD + sizeof MAGIC - 1 + 8 + TEXT_HEAD + log->map.len;
    if (n <= cap) {
        size_t at = 2;
        carla_put_uint(out, log->version, 2);
        at += put_text(out + at, carla_text_of(MAGIC));
        carla_put_uint(out + at, (uint64_t)log->date_s, 8);
        (void)put_text(out + at + 8, log->map);
    }
    return n;
}

size_t carla_log_write_packet(uint8_t id, const void *payload, uint32_t size, uint8_t *out,
                              size_t cap)
{
    const size_t n = CARLA_LOG_PACKET_HEAD + (size_t)size;
    if (n <= cap) {
        out[0] = id;
        carla_put_uint(out + 1, size, 4);
        if (size > 0) {
            memcpy(out + CARLA_LOG_PACKET_HEAD, payload, size);
        }
    }
    return n;
}

size_t carla_log_write_frame(const carla_log_frame *frame, uint8_t *out, size_t cap)
{
    uint8_t payload[FRAME_BYTES];
    carla_put_uint(payload, frame->id, 8);
    carla_put_f64(payload + 8, frame->duration_s);
    carla_put_f64(payload + 16, frame->elapsed_s);
    return carla_log_write_packet(CARLA_LOG_FRAME_START, payload, sizeof payload, out, cap);
}

size_t carla_log_write_poses(const carla_log_pose *poses, uint32_t n, uint8_t *out, size_t cap)
{
    const size_t size = 2 + (size_t)n * CARLA_LOG_POSE_BYTES;
    if (size > cap) {
        return size;
    }
    carla_put_uint(out, n, 2);
    for (uint32_t i = 0; i < n; ++i) {
        uint8_t *at = out + 2 + (size_t)i * CARLA_LOG_POSE_BYTES;
        carla_put_uint(at, poses[i].id, 4);
        put_vec3(at + 4, poses[i].location_cm);
        put_vec3(at + 16, poses[i].turn_deg);
    }
    return size;
}

size_t carla_log_write_actor(const carla_log_actor *actor, uint8_t *out, size_t cap)
{
    const carla_description *d = &actor->description;
    size_t n = ACTOR_BYTES + (size_t)d->id.len;
    for (uint32_t i = 0; i < d->n_attributes; ++i) {
        n += 1 + 2 * TEXT_HEAD + (size_t)d->attributes[i].id.len + d->attributes[i].value.len;
    }
    if (n > cap) {
        return n;
    }
    carla_put_uint(out, actor->pose.id, 4);
    out[4] = actor->kind;
    put_vec3(out + 5, actor->pose.location_cm);
    put_vec3(out + 17, actor->pose.turn_deg);
    carla_put_uint(out + 29, d->uid, 4);
    size_t at = 33 + put_text(out + 33, d->id);
    carla_put_uint(out + at, d->n_attributes, 2);
    at += 2;
    for (uint32_t i = 0; i < d->n_attributes; ++i) {
        out[at] = (uint8_t)d->attributes[i].type;
        at += 1;
        at += put_text(out + at, d->attributes[i].id);
        at += put_text(out + at, d->attributes[i].value);
    }
    return n;
}
