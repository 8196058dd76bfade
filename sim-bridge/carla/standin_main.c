/* hyplan-carla-standin: a CARLA server for those who have none. */
#include "common/hp_program.h"
#include "sim-bridge/carla/carla_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char HELP[] =
    "usage: hyplan-carla-standin [--port N] [--address A] [--carla-version V] [--map NAME]\n"
    "A server that speaks CARLA's protocol and has HyPlan's simulator behind it: no graphics, no\n"
    "traffic lights, one straight road.\n"
    "  --port N            of the calls; streams are on N + 1; 0: any free ones (2000)\n"
    "  --address A         to listen on (127.0.0.1); others are not protected by anything\n"
    "  --carla-version V   to pretend to be, 0.9.12 to 0.9.16 (0.9.16)\n"
    "  --map NAME          of the town to report (Town01)\n"
    "  --recordings DIR    where clients may start the recorder; without it they may not\n"
    "  --requests FILE     keeps every request, one line of hexadecimal each\n"
    "example: hyplan-carla-standin & hyplan run --world carla --scenario cts/01\n";

static int complain(const char *text, int status)
{
    (void)fprintf(stderr, "hyplan-carla-standin: error: %s\n", text);
    return status;
}

static hp_status take_option(const char *name, const char *value, carla_server_config *config,
                             hp_error *error)
{
    if (strcmp(name, "--port") == 0) {
        char *end = NULL;
        const unsigned long port = strtoul(value, &end, 10);
        if (*value < '0' || *value > '9' || *end != '\0' || port > 65534) {
            return hp_fail(error, HP_EINVAL, "--port %s: must be 0 to 65534", value);
        }
        config->port = (uint16_t)port;
    } else if (strcmp(name, "--address") == 0) {
        config->address = value;
    } else if (strcmp(name, "--map") == 0) {
        config->map_name = value;
    } else if (strcmp(name, "--recordings") == 0) {
        config->recordings = value;
    } else if (strcmp(name, "--requests") == 0) {
        config->requests = value;
    } else if (strcmp(name, "--carla-version") == 0) {
        return carla_version_parse(value, strlen(value), &config->version, error);
    } else {
        return hp_fail(error, HP_EINVAL, "unknown option %s (see --help)", name);
    }
    return HP_OK;
}

int main(int argc, char **argv)
{
    const hp_clock clock = hp_clock_real();
    carla_server_config config;
    carla_server *server = NULL;
    hp_error error = {{0}};
    carla_server_config_default(&config);
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        (void)fputs(HELP, stdout);
        return 0;
    }
    for (int i = 1; i < argc; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (take_option(argv[i], value, &config, &error) != HP_OK) {
            return complain(error.text, 2);
        }
    }
    hp_program_catch_stop();
    hp_status st = carla_server_create(&config, &clock, &server, &error);
    if (st == HP_OK) {
        (void)printf("CARLA %s stand-in on %s:%u\n", carla_version_text(config.version),
                     config.address, carla_server_port(server));
        (void)fflush(stdout);
    }
    while ((st == HP_OK || st == HP_EINTERRUPTED) && !hp_program_stopping()) {
        st = carla_server_step(server, 1000, &error);
    }
    carla_server_destroy(&server);
    return st == HP_OK || st == HP_EINTERRUPTED ? 0 : complain(error.text, 3);
}
