/* What is in each kind of packet: its name, whether it is whole, and the numbers in its records. */
#include "sim-bridge/carla/carla_log.h"

/** A packet's records. Letters: I u32, i s32, B u8, Q u64, f single, d double precision. */
typedef struct layout {
    const char *name;
    const char *record; /* of fixed size; NULL: of another kind */
    bool counted;       /* a count, and so many records; else one record alone */
} layout;

static const layout LAYOUTS[] = {
    [0] = {"FrameStart", "Qdd", false},
    [1] = {"FrameEnd", "", false},
    [2] = {"EventAdd", NULL, true},
    [3] = {"EventDel", "I", true},
    [4] = {"EventParent", "II", true},
    [5] = {"Collision", "IIIBB", true},
    [6] = {"Position", "Iffffff", true},
    [7] = {"State", "IBfB", true},
    [8] = {"AnimVehicle", "IfffBi", true},
    [9] = {"AnimWalker", "If", true},
    [10] = {"VehicleLight", "II", true},
    [11] = {"SceneLight", "ifffffBB", true},
    [12] = {"Kinematics", "Iffffff", true},
    [13] = {"BoundingBox", "Iffffff", true},
    [14] = {"PlatformTime", "d", false},
    [15] = {"PhysicsControl", NULL, true},
    [16] = {"TrafficLightTime", "Ifff", true},
    [17] = {"TriggerVolume", "Iffffff", true},
    [18] = {"FrameCounter", "Q", false},
    [19] = {"WalkerBones", NULL, true},
    [20] = {"VisualTime", "d", false},
};
static const layout DOORS = {"VehicleDoor", "IBB", true};
static const layout WHEELS = {"AnimVehicleWheels", NULL, true};
static const layout BIKER = {"AnimBiker", "Iff", true};
static const layout UNKNOWN = {"unknown", NULL, false};

static const layout *layout_of(const carla_log *log, uint8_t id)
{
    const bool doors = log->layout == CARLA_LOG_WITH_DOORS;
    if (id < HP_ARRAY_LEN(LAYOUTS)) {
        return &LAYOUTS[id];
    }
    switch (id) {
    case CARLA_LOG_21:
        return doors ? &DOORS : &WHEELS;
    case CARLA_LOG_22:
        return doors ? &WHEELS : &BIKER;
    case CARLA_LOG_23:
        return &BIKER;
    default:
        return &UNKNOWN;
    }
}

const char *carla_log_name(const carla_log *log, uint8_t id)
{
    return layout_of(log, id)->name;
}

static size_t size_of(char letter)
{
    switch (letter) {
    case 'B':
        return 1;
    case 'Q':
    case 'd':
        return 8;
    default:
        return 4;
    }
}

static size_t record_size(const char *record)
{
    size_t n = 0;
    for (; *record != '\0'; ++record) {
        n += size_of(*record);
    }
    return n;
}

static double number(carla_reader *r, char letter)
{
    switch (letter) {
    case 'B':
        return carla_read_u8(r);
    case 'Q':
        return (double)carla_read_uint(r, 8);
    case 'd':
        return carla_read_f64(r);
    case 'f':
        return (double)carla_read_f32(r);
    case 'i':
        return (int32_t)carla_read_u32(r);
    default:
        return carla_read_u32(r);
    }
}

/** Passes over lists within a record: a count of 2 or 4 bytes, and so many items. */
static void skip_list(carla_reader *r, size_t count_bytes, size_t item)
{
    const uint64_t n = carla_read_uint(r, count_bytes);
    if (r->short_of || n > (r->len - r->pos) / (item > 0 ? item : 1)) {
        r->short_of = true;
        return;
    }
    r->pos += (size_t)n * item;
}

static void skip(carla_reader *r, size_t n)
{
    if (r->short_of || n > r->len - r->pos) {
        r->short_of = true;
        return;
    }
    r->pos += n;
}

/** Passes over one record whose size is in it. */
static void skip_record(carla_reader *r, const layout *l)
{
    if (l == &WHEELS) {
        skip(r, 4);
        skip_list(r, 4, 9);
    } else if (l == &LAYOUTS[15]) { /* five numbers, a flag, seven numbers, four tables */
        skip(r, 4 + 5 * 4 + 1 + 7 * 4);
        skip_list(r, 4, 8);
        skip_list(r, 4, 12);
        skip_list(r, 4, 8);
        skip_list(r, 4, 48);
    } else { /* bones: a name, a place and a turn each */
        skip(r, 4);
        const uint32_t n = carla_read_u16(r);
        for (uint32_t i = 0; i < n && !r->short_of; ++i) {
            skip_list(r, 2, 1);
            skip(r, 24);
        }
    }
}

static bool is_whole(const carla_log_packet *packet, const layout *l)
{
    carla_reader r = {.p = packet->payload, .len = packet->size};
    carla_log_actor actor;
    hp_error ignored;
    size_t at = 0;
    uint32_t n = 0;
    if (l == &UNKNOWN) {
        return true;
    }
    if (!l->counted) {
        return packet->size == record_size(l->record);
    }
    const uint32_t count = carla_read_u16(&r);
    if (l->record != NULL) {
        return !r.short_of && packet->size == 2 + count * record_size(l->record);
    }
    if (l == &LAYOUTS[CARLA_LOG_EVENT_ADD]) {
        while (carla_log_actor_read(packet, &at, &actor, &ignored) == HP_OK) {
            n += 1;
        }
        return n == count && (at == packet->size || packet->size == 2);
    }
    for (uint32_t i = 0; i < count && !r.short_of; ++i) {
        skip_record(&r, l);
    }
    return !r.short_of && r.pos == r.len;
}

hp_status carla_log_check(const carla_log *log, const carla_log_packet *packet, hp_error *error)
{
    const layout *l = layout_of(log, packet->id);
    return is_whole(packet, l)
               ? HP_OK
               : hp_fail(error, HP_EWIRE, "%s: byte %zu: a packet %u (%s) of %u bytes is not whole",
                         log->name, packet->at, packet->id, l->name, packet->size);
}

uint32_t carla_log_row(const carla_log *log, const carla_log_packet *packet, uint32_t i,
                       double values[CARLA_LOG_ROW])
{
    const layout *l = layout_of(log, packet->id);
    carla_reader r = {.p = packet->payload, .len = packet->size};
    uint32_t n = 0;
    const uint32_t count = l->counted ? carla_read_u16(&r) : 1;
    if (l->record == NULL || i >= count) {
        return 0;
    }
    skip(&r, i * record_size(l->record));
    for (const char *letter = l->record; *letter != '\0'; ++letter) {
        values[n++] = number(&r, *letter);
    }
    return r.short_of ? 0 : n;
}
