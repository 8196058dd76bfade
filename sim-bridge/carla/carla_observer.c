#include "sim-bridge/carla/carla_observer.h"

#include "sim-bridge/carla/carla_bytes.h"

#include <math.h>

enum { PROTOCOL_TCP = 1, ADDRESS_NONE = 0, ADDRESS_IPV4 = 1, STATE_AT = 65 };

/* ---- Tokens ---- */

void carla_token_write(const carla_token *token, uint8_t bytes[CARLA_TOKEN_BYTES])
{
    memset(bytes, 0, CARLA_TOKEN_BYTES);
    carla_put_uint(bytes, token->stream, 4);
    carla_put_uint(bytes + 4, token->port, 2);
    bytes[6] = PROTOCOL_TCP;
    bytes[7] = token->has_address ? ADDRESS_IPV4 : ADDRESS_NONE;
    if (token->has_address) {
        memcpy(bytes + 8, token->address, 4);
    }
}

hp_status carla_token_read(const uint8_t *bytes, size_t len, carla_token *out, hp_error *error)
{
    carla_reader r = {.p = bytes, .len = len};
    if (len != CARLA_TOKEN_BYTES) {
        return hp_fail(error, HP_EWIRE, "stream token of %zu bytes, must be %d", len,
                       CARLA_TOKEN_BYTES);
    }
    *out = (carla_token){.stream = carla_read_u32(&r), .port = carla_read_u16(&r)};
    const uint8_t protocol = carla_read_u8(&r);
    const uint8_t address = carla_read_u8(&r);
    if (protocol > PROTOCOL_TCP || out->port == 0 || address > ADDRESS_IPV4) {
        return hp_fail(error, HP_EWIRE,
                       "stream token: port %u, protocol %u, address type %u: only TCP over IPv4 is "
                       "supported",
                       out->port, protocol, address);
    }
    out->has_address = address == ADDRESS_IPV4;
    memcpy(out->address, bytes + 8, sizeof out->address);
    return HP_OK;
}

/* ---- Headers ---- */

static carla_vec3 read_vec3(carla_reader *r)
{
    const float x = carla_read_f32(r);
    const float y = carla_read_f32(r);
    return (carla_vec3){x, y, carla_read_f32(r)};
}

static carla_rotation read_rotation(carla_reader *r)
{
    const carla_vec3 v = read_vec3(r);
    return (carla_rotation){v.x, v.y, v.z};
}

static void put_vec3(uint8_t *at, carla_vec3 v)
{
    carla_put_f32(at, v.x);
    carla_put_f32(at + 4, v.y);
    carla_put_f32(at + 8, v.z);
}

static void put_rotation(uint8_t *at, carla_rotation v)
{
    put_vec3(at, (carla_vec3){v.pitch, v.yaw, v.roll});
}

hp_status carla_sensor_header_read(const uint8_t *bytes, size_t len, carla_sensor_header *out,
                                   hp_error *error)
{
    carla_reader r = {.p = bytes, .len = len};
    if (len < CARLA_SENSOR_HEADER) {
        return hp_fail(error, HP_EWIRE, "sensor message of %zu bytes, its header has %d", len,
                       CARLA_SENSOR_HEADER);
    }
    out->type = carla_read_uint(&r, 8);
    out->frame = carla_read_uint(&r, 8);
    out->time_s = carla_read_f64(&r);
    out->location = read_vec3(&r);
    out->rotation = read_rotation(&r);
    return isfinite(out->time_s) ? HP_OK
                                 : hp_fail(error, HP_EWIRE, "sensor message: time is not finite");
}

void carla_sensor_header_write(const carla_sensor_header *header,
                               uint8_t bytes[CARLA_SENSOR_HEADER])
{
    carla_put_uint(bytes, header->type, 8);
    carla_put_uint(bytes + 8, header->frame, 8);
    carla_put_f64(bytes + 16, header->time_s);
    put_vec3(bytes + 24, header->location);
    put_rotation(bytes + 36, header->rotation);
}

hp_status carla_snapshot_read(const uint8_t *bytes, size_t len, carla_version version,
                              carla_snapshot *out, hp_error *error)
{
    const size_t headers = CARLA_SENSOR_HEADER + CARLA_EPISODE_HEADER;
    const hp_status st = carla_sensor_header_read(bytes, len, &out->sensor, error);
    if (st != HP_OK) {
        return st;
    }
    if (out->sensor.type != carla_version_observer_type(version)) {
        return hp_fail(error, HP_EVERSION,
                       "snapshot of sensor type %llu, CARLA %s has %u: is it another release?",
                       (unsigned long long)out->sensor.type, carla_version_text(version),
                       carla_version_observer_type(version));
    }
    if (len < headers || (len - headers) % CARLA_ENTRY != 0 ||
        (len - headers) / CARLA_ENTRY > CARLA_MAX_SNAPSHOT_ACTORS) {
        return hp_fail(error, HP_EWIRE,
                       "snapshot of %zu bytes: must be %zu and %d for each of at most %d actors",
                       len, headers, CARLA_ENTRY, CARLA_MAX_SNAPSHOT_ACTORS);
    }
    carla_reader r = {.p = bytes, .len = len, .pos = CARLA_SENSOR_HEADER};
    out->episode = carla_read_uint(&r, 8);
    out->platform_s = carla_read_f64(&r);
    out->delta_s = carla_read_f32(&r);
    r.pos += 12; /* origin of large maps: transforms are global already */
    out->state = carla_read_u32(&r);
    out->n_actors = (uint32_t)((len - headers) / CARLA_ENTRY);
    out->entries = bytes + headers;
    return isfinite(out->delta_s) ? HP_OK
                                  : hp_fail(error, HP_EWIRE, "snapshot: its step is not finite");
}

void carla_snapshot_write(const carla_snapshot *snapshot,
                          uint8_t bytes[CARLA_SENSOR_HEADER + CARLA_EPISODE_HEADER])
{
    uint8_t *at = bytes + CARLA_SENSOR_HEADER;
    carla_sensor_header_write(&snapshot->sensor, bytes);
    memset(at, 0, CARLA_EPISODE_HEADER);
    carla_put_uint(at, snapshot->episode, 8);
    carla_put_f64(at + 8, snapshot->platform_s);
    carla_put_f32(at + 16, snapshot->delta_s);
    carla_put_uint(at + 32, snapshot->state, 4);
}

/* ---- Actors ---- */

uint32_t carla_entry_id(const carla_snapshot *snapshot, uint32_t i)
{
    carla_reader r = {.p = snapshot->entries + (size_t)i * CARLA_ENTRY, .len = CARLA_ENTRY};
    return carla_read_u32(&r);
}

static bool finite3(carla_vec3 v)
{
    return isfinite(v.x) && isfinite(v.y) && isfinite(v.z);
}

static void read_vehicle(carla_reader *r, carla_entry *out)
{
    carla_control *c = &out->control;
    c->throttle = carla_read_f32(r);
    c->steer = carla_read_f32(r);
    c->brake = carla_read_f32(r);
    c->hand_brake = carla_read_u8(r) != 0;
    c->reverse = carla_read_u8(r) != 0;
    c->manual_gear = carla_read_u8(r) != 0;
    c->gear = (int32_t)carla_read_u32(r);
    out->speed_limit_kmh = carla_read_f32(r);
}

bool carla_entry_read(const carla_snapshot *snapshot, uint32_t i, carla_entry_kind kind,
                      carla_entry *out)
{
    carla_reader r = {.p = snapshot->entries + (size_t)i * CARLA_ENTRY, .len = CARLA_ENTRY};
    *out = (carla_entry){.id = carla_read_u32(&r), .state = carla_read_u8(&r)};
    out->transform.location = read_vec3(&r);
    out->transform.rotation = read_rotation(&r);
    out->velocity = read_vec3(&r);
    out->angular_deg = read_vec3(&r);
    out->acceleration = read_vec3(&r);
    if (kind == CARLA_ENTRY_VEHICLE) {
        read_vehicle(&r, out);
    } else if (kind == CARLA_ENTRY_WALKER) {
        out->walker.direction = read_vec3(&r);
        out->walker.speed_mps = carla_read_f32(&r);
        out->walker.jump = carla_read_u8(&r) != 0;
    }
    const carla_rotation *turn = &out->transform.rotation;
    return finite3(out->transform.location) && isfinite(turn->yaw) && isfinite(turn->pitch) &&
           isfinite(turn->roll) && finite3(out->velocity) && finite3(out->angular_deg) &&
           finite3(out->acceleration) && isfinite(out->control.throttle) &&
           isfinite(out->control.steer) && isfinite(out->control.brake);
}

static void put_vehicle(uint8_t *bytes, const carla_entry *entry)
{
    const carla_control *c = &entry->control;
    carla_put_f32(bytes + 65, c->throttle);
    carla_put_f32(bytes + 69, c->steer);
    carla_put_f32(bytes + 73, c->brake);
    bytes[77] = c->hand_brake;
    bytes[78] = c->reverse;
    bytes[79] = c->manual_gear;
    carla_put_uint(bytes + 80, (uint32_t)c->gear, 4);
    carla_put_f32(bytes + 84, entry->speed_limit_kmh);
    bytes[88] = 2; /* no traffic light: green */
    /* The failure state of 0.9.14 and later is none: 0, as before there was one. */
}

void carla_entry_write(const carla_entry *entry, carla_entry_kind kind, uint8_t bytes[CARLA_ENTRY])
{
    memset(bytes, 0, CARLA_ENTRY);
    carla_put_uint(bytes, entry->id, 4);
    bytes[4] = entry->state;
    put_vec3(bytes + 5, entry->transform.location);
    put_rotation(bytes + 17, entry->transform.rotation);
    put_vec3(bytes + 29, entry->velocity);
    put_vec3(bytes + 41, entry->angular_deg);
    put_vec3(bytes + 53, entry->acceleration);
    if (kind == CARLA_ENTRY_VEHICLE) {
        put_vehicle(bytes, entry);
    } else if (kind == CARLA_ENTRY_WALKER) {
        put_vec3(bytes + STATE_AT, entry->walker.direction);
        carla_put_f32(bytes + 77, entry->walker.speed_mps);
        bytes[81] = entry->walker.jump;
    }
}
