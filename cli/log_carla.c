#include "cli/log_carla.h"

#include "cli/report.h"
#include "common/hp_file.h"
#include "common/hp_text.h"
#include "sim-bridge/carla/carla_log.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct log_facts {
    uint64_t frames, packets[256];
    uint32_t kinds[CARLA_LOG_KINDS];
    double elapsed_s;
    char hero[64], map[128];
} log_facts;

/** What is not plain text becomes a dot: it goes to terminals, and into JSON. */
static void copy_plain(carla_text text, char *out, size_t cap)
{
    carla_text_copy(text, out, cap);
    hp_text_plain(out, '.');
}

static void count_actors(const carla_log_packet *packet, log_facts *facts, hp_error *error)
{
    static const char *const ROLES[] = {"hero", "ego_vehicle"};
    carla_log_actor actor;
    size_t at = 0;
    while (carla_log_actor_read(packet, &at, &actor, error) == HP_OK) {
        const carla_text role = carla_description_value(&actor.description, "role_name");
        facts->kinds[actor.kind < CARLA_LOG_KINDS ? actor.kind : CARLA_LOG_OTHER] += 1;
        for (size_t i = 0; i < HP_ARRAY_LEN(ROLES); i++) {
            if (carla_text_is(role, ROLES[i])) {
                copy_plain(actor.description.id, facts->hero, sizeof facts->hero);
            }
        }
    }
}

static hp_status read_log(carla_log *log, log_facts *facts, hp_error *error)
{
    carla_log_packet packet;
    hp_status st = carla_log_next(log, &packet, error);
    for (; st == HP_OK; st = st == HP_OK ? carla_log_next(log, &packet, error) : st) {
        carla_log_frame frame = {0};
        facts->packets[packet.id] += 1;
        st = carla_log_check(log, &packet, error);
        if (st != HP_OK) {
            break;
        }
        if (packet.id == CARLA_LOG_FRAME_START) {
            st = carla_log_frame_read(&packet, &frame, error);
            facts->elapsed_s = frame.elapsed_s;
        } else if (packet.id == CARLA_LOG_FRAME_END) {
            facts->frames += 1;
        } else if (packet.id == CARLA_LOG_POSITION) {
            st = carla_log_poses_check(&packet, error);
        } else if (packet.id == CARLA_LOG_EVENT_ADD) {
            count_actors(&packet, facts, error);
        }
    }
    return st == HP_EAGAIN ? HP_OK : st;
}

static json_t *facts_json(const carla_log *log, const log_facts *facts)
{
    json_t *packets = json_object();
    for (int id = 0; id < 256; id++) {
        char key[8];
        (void)snprintf(key, sizeof key, "%d", id);
        if (facts->packets[id] > 0) {
            (void)json_object_set_new(packets, key, json_integer((json_int_t)facts->packets[id]));
        }
    }
    return json_pack(
        "{s:o, s:s, s:b, s:I, s:f, s:i, s:i, s:i, s:i, s:i, s:i, s:s, s:o}", "file",
        report_name(log->name), "map", facts->map, "truncated", log->truncated, "frames",
        (json_int_t)facts->frames, "elapsed_s", facts->elapsed_s, "vehicles",
        (int)facts->kinds[CARLA_LOG_VEHICLE], "walkers", (int)facts->kinds[CARLA_LOG_WALKER],
        "traffic_lights", (int)facts->kinds[CARLA_LOG_TRAFFIC_LIGHT], "signs",
        (int)facts->kinds[CARLA_LOG_TRAFFIC_SIGN], "sensors", (int)facts->kinds[CARLA_LOG_SENSOR],
        "others", (int)facts->kinds[CARLA_LOG_OTHER], "hero", facts->hero, "packets", packets);
}

static void print_facts(const carla_log *log, const log_facts *facts)
{
    (void)printf("%s: CARLA recording of %s%s\n", log->name, facts->map,
                 log->truncated ? ", cut: the last packet is not whole" : "");
    (void)printf("%" PRIu64 " frames, %.2f s\n", facts->frames, facts->elapsed_s);
    (void)printf("vehicles %u, walkers %u, traffic lights %u, signs %u, sensors %u, others %u\n",
                 facts->kinds[CARLA_LOG_VEHICLE], facts->kinds[CARLA_LOG_WALKER],
                 facts->kinds[CARLA_LOG_TRAFFIC_LIGHT], facts->kinds[CARLA_LOG_TRAFFIC_SIGN],
                 facts->kinds[CARLA_LOG_SENSOR], facts->kinds[CARLA_LOG_OTHER]);
    static const char *const LAYOUTS[] = {"0.9.12 to 0.9.14, or nothing that tells", "0.9.15",
                                          "0.9.16"};
    (void)printf("recorded by: %s\n", LAYOUTS[log->layout]);
    (void)printf("hero: %s\n", facts->hero[0] != '\0' ? facts->hero : "none");
    for (int id = 0; id < 256; id++) {
        if (facts->packets[id] > 0) {
            (void)printf("%9" PRIu64 " %s (%d)\n", facts->packets[id],
                         carla_log_name(log, (uint8_t)id), id);
        }
    }
}

int log_carla_info(const cli_usage *usage, const char *path, bool json)
{
    log_facts facts = {0};
    carla_log log;
    hp_error error = {{0}};
    size_t len = 0;
    char *bytes = NULL;
    if (hp_file_read(path, CARLA_LOG_MAX_FILE, &bytes, &len, &error) != HP_OK) {
        return cli_fail(usage, CLI_ENVIRONMENT, "%s", error.text);
    }
    hp_status st = carla_log_open(path, bytes, len, &log, &error);
    if (st == HP_OK) {
        copy_plain(log.map, facts.map, sizeof facts.map);
        st = read_log(&log, &facts, &error);
    }
    if (st == HP_OK && json) {
        json_t *object = facts_json(&log, &facts);
        (void)json_dumpf(object, stdout, JSON_INDENT(2));
        (void)putchar('\n');
        json_decref(object);
    } else if (st == HP_OK) {
        print_facts(&log, &facts);
    }
    free(bytes);
    return st == HP_OK ? CLI_DONE : cli_fail(usage, CLI_FAILED, "%s", error.text);
}
