/* Any bytes as a recording: read to its end without harm, and what is read writes back as it was.
 */
#include "sim-bridge/carla/carla_drive.h"
#include "sim-bridge/carla/carla_log.h"
#include "tests/support/fuzz_target.h"

#include <string.h>

static void read_packet(const carla_log_packet *p)
{
    static uint8_t again[1 << 16];
    carla_log_frame frame;
    carla_log_actor actor;
    hp_error error;
    size_t at = 0;
    (void)!carla_log_frame_read(p, &frame, &error);
    if (p->id == CARLA_LOG_POSITION && carla_log_poses_check(p, &error) == HP_OK) {
        for (uint32_t i = 0; i < carla_log_count(p); ++i) {
            const carla_log_pose pose = carla_log_pose_read(p, i);
            fuzz_must(carla_log_write_poses(&pose, 1, again, sizeof again) == 30);
            fuzz_must(memcmp(again + 2, p->payload + 2 + (size_t)i * 28, 4) == 0);
        }
    }
    while (p->id == CARLA_LOG_EVENT_ADD && p->size < 60000) {
        const size_t before = at == 0 ? 2 : at;
        if (carla_log_actor_read(p, &at, &actor, &error) != HP_OK) {
            break;
        }
        const size_t n = carla_log_write_actor(&actor, again, sizeof again);
        fuzz_must(n == at - before);
    }
}

/** What is whole has as many rows as it counts. */
static void read_rows(const carla_log *log, const carla_log_packet *p)
{
    double values[CARLA_LOG_ROW];
    hp_error error;
    const bool whole = carla_log_check(log, p, &error) == HP_OK;
    const uint32_t first = carla_log_row(log, p, 0, values);
    const uint32_t count = carla_log_count(p);
    fuzz_must(first <= CARLA_LOG_ROW && carla_log_name(log, p->id)[0] != '\0');
    for (uint32_t i = 1; whole && first > 0 && i < count && p->id != CARLA_LOG_FRAME_START &&
                         p->id != 14 && p->id != 18 && p->id != 20;
         ++i) {
        fuzz_must(carla_log_row(log, p, i, values) == first);
    }
}

/** The same bytes as a drive, some ticks of which are played. */
static void play(const uint8_t *data, size_t size)
{
    static hp_frame frame;
    carla_drive *drive = NULL;
    bridge_world world;
    sim_config config;
    hp_error error;
    uint32_t id = 0;
    sim_config_default(&config);
    if (carla_drive_parse("f.log", data, size, &drive, &error) == HP_OK &&
        carla_drive_hero(drive, &id, &error) == HP_OK &&
        carla_drive_world(drive, id, false, &config, &world, &error) == HP_OK) {
        for (int i = 0; i < 20; ++i) {
            world.ops->observe(world.self, &frame);
            world.ops->step(world.self, NULL);
        }
        world.ops->destroy(world.self);
    }
    carla_drive_destroy(&drive);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    carla_log log;
    carla_log_packet packet;
    hp_error error;
    play(data, size);
    hp_status st = carla_log_open("f.log", data, size, &log, &error);
    while (st == HP_OK) {
        st = carla_log_next(&log, &packet, &error);
        if (st == HP_OK) {
            read_rows(&log, &packet);
            read_packet(&packet);
        }
    }
    fuzz_must(st == HP_EAGAIN || st == HP_EWIRE);
    return 0;
}
