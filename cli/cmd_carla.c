/* hyplan carla: what has to do with the simulator beside driving in it. */
#include "cli/commands.h"
#include "cli/options.h"
#include "common/hp_program.h"
#include "sim-bridge/carla/carla_client.h"
#include "sim-bridge/carla/carla_fit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const cli_usage USAGE = {
    .command = "carla",
    .synopsis = "carla free|calibrate|map [options]",
    .summary =
        "free: gives a server (bridge.carla.host and port) its own clock back, when a client\n"
        "of ours that ticked it has died, and destroys the actors that it left.\n"
        "calibrate: drives the ego (bridge.carla.ego) on the server's longest straight lane and\n"
        "prints how its pedals and wheel act, as configuration for --config.\n"
        "map: prints the OpenDRIVE of the map that the server has loaded.",
    .example = "hyplan carla calibrate >car.yaml && hyplan run --world carla --config car.yaml",
    .without = CLI_NO_SEED | CLI_NO_OUT | CLI_NO_DATA | CLI_NO_JSON | CLI_NO_JOBS,
};

static hp_status free_server(const cli_config *config, hp_error *error)
{
    const hp_clock clock = hp_clock_real();
    const carla_endpoint endpoint = carla_endpoint_of(&config->bridge.carla, 0.0, NULL);
    uint32_t n = 0;
    const hp_status st = carla_client_rescue(&endpoint, &clock, &n, error);
    if (st == HP_OK) {
        (void)printf("the server has its own clock again; %u actors of ours destroyed\n", n);
    }
    return st;
}

static hp_status calibrate(const cli_config *config, hp_error *error)
{
    const carla_config *carla = &config->bridge.carla;
    carla_fit fit;
    (void)fprintf(stderr, "driving %s at %s:%u; this takes some minutes on a real server\n",
                  carla->ego, carla->host, carla->port);
    hp_program_catch_stop(); /* the server is to have its clock back whatever comes */
    const hp_status st =
        carla_fit_drive(carla, config->sim.tick_s, hp_program_stopping, &fit, error);
    if (st == HP_OK) {
        (void)printf("# %s: %u samples on %.0f m of straight lane, rms %.3f m/s^2\n"
                     "bridge:\n  carla:\n    throttle_mps2: %.4f\n    brake_mps2: %.4f\n"
                     "    rolling_mps2: %.4f\n    drag_mps2_per_mps2: %.6f\n"
                     "    steer_gain: %.4f\n",
                     carla->ego, fit.n_samples, fit.straight_m, fit.rms_mps2, fit.throttle_mps2,
                     fit.brake_mps2, fit.rolling_mps2, fit.drag_mps2_per_mps2, fit.steer_gain);
    }
    return st;
}

static hp_status print_map(const cli_config *config, hp_error *error)
{
    const hp_clock clock = hp_clock_real();
    const carla_endpoint endpoint = carla_endpoint_of(&config->bridge.carla, 0.0, NULL);
    carla_client *client = NULL;
    carla_text text = {"", 0};
    hp_status st = carla_client_connect(&endpoint, &clock, &client, error);
    if (st == HP_OK) {
        st = carla_client_map_text(client, &text, error);
    }
    if (st == HP_OK && fwrite(text.p, 1, text.len, stdout) != text.len) {
        st = hp_fail(error, HP_EIO, "the map cannot be written");
    }
    carla_client_close(&client);
    return st;
}

static const struct {
    const char *verb;
    hp_status (*act)(const cli_config *config, hp_error *error);
} VERBS[] = {{"free", free_server}, {"calibrate", calibrate}, {"map", print_map}};

int cmd_carla(int argc, char **argv)
{
    cli_common common;
    cli_texts rest;
    hp_error error = {{0}};
    size_t i = 0;
    const int status = cli_parse(&USAGE, NULL, argc, argv, &common, &rest);
    if (status != CLI_GO) {
        return status;
    }
    while (i < HP_ARRAY_LEN(VERBS) && (rest.n != 1 || strcmp(rest.items[0], VERBS[i].verb) != 0)) {
        i++;
    }
    if (i == HP_ARRAY_LEN(VERBS)) {
        return cli_fail(&USAGE, CLI_USAGE, "usage: hyplan %s", USAGE.synopsis);
    }
    cli_config *config = malloc(sizeof *config);
    if (config == NULL) {
        return cli_fail(&USAGE, CLI_ENVIRONMENT, "out of memory");
    }
    hp_status st = cli_config_load(&common, config, &error);
    if (st == HP_OK) {
        st = VERBS[i].act(config, &error);
    }
    free(config);
    return cli_end(&USAGE, st, &error);
}
