/* hyplan carla: what has to do with the simulator beside driving in it. */
#include "cli/commands.h"
#include "cli/options.h"
#include "sim-bridge/carla/carla_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const cli_usage USAGE = {
    .command = "carla",
    .synopsis = "carla free [options]",
    .summary =
        "free: gives a server (bridge.carla.host and port) its own clock back, when a client\n"
        "of ours that ticked it has died, and destroys the actors that it left.",
    .example = "hyplan carla free --set bridge.carla.port=2000",
};

static int free_server(const cli_common *common)
{
    const hp_clock clock = hp_clock_real();
    uint32_t n = 0;
    hp_error error = {{0}};
    cli_config *config = malloc(sizeof *config);
    if (config == NULL) {
        return cli_fail(&USAGE, CLI_ENVIRONMENT, "out of memory");
    }
    hp_status st = cli_config_load(common, config, &error);
    if (st == HP_OK) {
        const carla_config *carla = &config->bridge.carla;
        const carla_endpoint endpoint = {carla->host, (uint16_t)carla->port, 0.0, carla->timeout_s};
        st = carla_client_rescue(&endpoint, &clock, &n, &error);
    }
    if (st == HP_OK) {
        (void)printf("the server has its own clock again; %u actors of ours destroyed\n", n);
    }
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
    if (rest.n == 1 && strcmp(rest.items[0], "free") == 0) {
        return free_server(&common);
    }
    return cli_fail(&USAGE, CLI_USAGE, "usage: hyplan %s", USAGE.synopsis);
}
