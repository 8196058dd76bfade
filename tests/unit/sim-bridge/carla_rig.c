#include "tests/unit/sim-bridge/carla_rig.h"

#include "tests/support/hp_test.h"

#include <stdlib.h>

static void *serve(void *arg)
{
    rig *r = arg;
    hp_error error;
    while (!atomic_load(&r->stop)) {
        (void)!carla_server_step(r->server, 5, &error);
    }
    return NULL;
}

rig *rig_open(carla_version version)
{
    return rig_open_with(version, NULL);
}

rig *rig_open_with(carla_version version, const sim_vehicle_config *vehicle)
{
    return rig_open_steered(version, vehicle, 1.0);
}

rig *rig_open_steered(carla_version version, const sim_vehicle_config *vehicle, double steer_share)
{
    return rig_open_aged(version, vehicle, steer_share, 0);
}

rig *rig_open_aged(carla_version version, const sim_vehicle_config *vehicle, double steer_share,
                   uint32_t last_id)
{
    rig *r = calloc(1, sizeof *r);
    carla_server_config config;
    hp_error error;
    assert_non_null(r);
    carla_server_config_default(&config);
    config.port = 0;
    config.version = version;
    config.vehicle = vehicle;
    config.steer_share = steer_share;
    config.last_id = last_id;
    config.recordings = ".";
    config.second_map = "Town02";
    r->clock = hp_clock_real();
    assert_int_equal(carla_server_create(&config, &r->clock, &r->server, &error), HP_OK);
    assert_int_equal(pthread_create(&r->thread, NULL, serve, r), 0);
    r->running = true;
    carla_config_default(&r->carla);
    r->carla.port = carla_server_port(r->server);
    r->carla.connect_s = 0.0;
    r->carla.timeout_s = 30.0;
    sim_config_default(&r->sim);
    return r;
}

void rig_stop(rig *r)
{
    atomic_store(&r->stop, true);
    if (r->running) {
        (void)pthread_join(r->thread, NULL);
        r->running = false;
        carla_server_destroy(&r->server);
    }
}

void rig_close(rig *r)
{
    rig_stop(r);
    free(r);
}

carla_endpoint rig_endpoint(const rig *r)
{
    return carla_endpoint_of(&r->carla, 0.0, NULL);
}

carla_client *rig_client(const rig *r)
{
    const carla_endpoint endpoint = rig_endpoint(r);
    carla_client *client = NULL;
    hp_error error = {{0}};
    if (carla_client_connect(&endpoint, &r->clock, &client, &error) != HP_OK) {
        fail_msg("%s", error.text);
    }
    return client;
}
