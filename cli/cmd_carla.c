/* hyplan carla: what has to do with the simulator beside driving in it. */
#include "cli/commands.h"
#include "cli/options.h"
#include "sim-bridge/carla/carla_client.h"
#include "sim-bridge/carla/carla_log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const cli_usage USAGE = {
    .command = "carla",
    .synopsis = "carla log FILE | carla free [options]",
    .summary =
        "log: what is in a recording of CARLA's recorder.\n"
        "free: gives a server (bridge.carla.host and port) its own clock back, when a client\n"
        "that ticked it has died; actors stay.",
    .example = "hyplan carla free --set bridge.carla.port=2000",
};

typedef struct log_facts {
    uint64_t frames, packets[256];
    uint32_t kinds[CARLA_LOG_KINDS];
    double elapsed_s;
    char hero[64];
} log_facts;

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
                carla_text_copy(actor.description.id, facts->hero, sizeof facts->hero);
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

static void print_facts(const carla_log *log, const log_facts *facts)
{
    (void)printf("%s: CARLA recording of %.*s%s\n", log->name, (int)log->map.len, log->map.p,
                 log->truncated ? ", cut: the last packet is not whole" : "");
    (void)printf("%" PRIu64 " frames, %.2f s\n", facts->frames, facts->elapsed_s);
    (void)printf("vehicles %u, walkers %u, traffic lights %u, signs %u, sensors %u, others %u\n",
                 facts->kinds[CARLA_LOG_VEHICLE], facts->kinds[CARLA_LOG_WALKER],
                 facts->kinds[CARLA_LOG_TRAFFIC_LIGHT], facts->kinds[CARLA_LOG_TRAFFIC_SIGN],
                 facts->kinds[CARLA_LOG_SENSOR], facts->kinds[CARLA_LOG_OTHER]);
    (void)printf("hero: %s\n", facts->hero[0] != '\0' ? facts->hero : "none");
    for (int id = 0; id < 256; id++) {
        if (facts->packets[id] > 0) {
            (void)printf("packets %3d: %" PRIu64 "\n", id, facts->packets[id]);
        }
    }
}

/** Reads a whole file into memory; free it. */
static uint8_t *load(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    uint8_t *bytes = NULL;
    long size = -1;
    if (f != NULL && fseek(f, 0, SEEK_END) == 0) {
        size = ftell(f);
    }
    if (size > 0 && size <= CARLA_LOG_MAX_FILE && fseek(f, 0, SEEK_SET) == 0) {
        bytes = malloc((size_t)size);
        *len = bytes != NULL ? fread(bytes, 1, (size_t)size, f) : 0;
    }
    if (f != NULL) {
        (void)fclose(f);
    }
    return bytes;
}

static int log_info(const char *path)
{
    log_facts facts = {0};
    carla_log log;
    hp_error error = {{0}};
    size_t len = 0;
    uint8_t *bytes = load(path, &len);
    if (bytes == NULL) {
        return cli_fail(&USAGE, CLI_ENVIRONMENT,
                        "%s: no file that can be read, or larger than 1 GB", path);
    }
    hp_status st = carla_log_open(path, bytes, len, &log, &error);
    if (st == HP_OK) {
        st = read_log(&log, &facts, &error);
    }
    if (st == HP_OK) {
        print_facts(&log, &facts);
    }
    free(bytes);
    return st == HP_OK ? CLI_DONE : cli_fail(&USAGE, CLI_FAILED, "%s", error.text);
}

static int free_server(const cli_common *common)
{
    const hp_clock clock = hp_clock_real();
    carla_client *client = NULL;
    carla_settings settings;
    hp_error error = {{0}};
    cli_config *config = malloc(sizeof *config);
    if (config == NULL) {
        return cli_fail(&USAGE, CLI_ENVIRONMENT, "out of memory");
    }
    hp_status st = cli_config_load(common, config, &error);
    if (st == HP_OK) {
        const carla_config *carla = &config->bridge.carla;
        const carla_endpoint endpoint = {carla->host, (uint16_t)carla->port, 0.0, carla->timeout_s};
        st = carla_client_connect(&endpoint, &clock, &client, &error);
    }
    if (st == HP_OK) {
        st = carla_client_settings(client, &settings, &error);
    }
    if (st == HP_OK) {
        settings.synchronous = false;
        settings.fixed_delta_s = 0.0;
        st = carla_client_set(client, &settings, &error);
    }
    carla_client_close(&client);
    free(config);
    return st == HP_OK ? CLI_DONE : cli_fail(&USAGE, cli_exit_status(st), "%s", error.text);
}

int cmd_carla(int argc, char **argv)
{
    cli_common common;
    cli_texts rest;
    const int status = cli_parse(&USAGE, NULL, argc, argv, &common, &rest);
    if (status != CLI_GO) {
        return status;
    }
    if (rest.n == 2 && strcmp(rest.items[0], "log") == 0) {
        return log_info(rest.items[1]);
    }
    if (rest.n == 1 && strcmp(rest.items[0], "free") == 0) {
        return free_server(&common);
    }
    return cli_fail(&USAGE, CLI_USAGE, "usage: hyplan %s", USAGE.synopsis);
}
