/** @file carla_rig.h A stand-in in a thread of its own, for tests. */
#ifndef CARLA_RIG_H
#define CARLA_RIG_H

#include "sim-bridge/carla/carla_client.h"
#include "sim-bridge/carla/carla_config.h"
#include "sim-bridge/carla/carla_server.h"
#include "sim-bridge/sim_world.h"

#include <pthread.h>
#include <stdatomic.h>

typedef struct rig {
    hp_clock clock;
    carla_server *server;
    pthread_t thread;
    atomic_bool stop;
    bool running;
    carla_config carla;
    sim_config sim;
    sim_scenario scenario;
} rig;

rig *rig_open(carla_version version);
/** vehicle: how its cars drive, borrowed; NULL: the default. */
rig *rig_open_with(carla_version version, const sim_vehicle_config *vehicle);
/** The same; steer_share: how much of the steering range that is told the wheels use. */
rig *rig_open_steered(carla_version version, const sim_vehicle_config *vehicle, double steer_share);
/** The same, of a server that has given so many ids. */
rig *rig_open_aged(carla_version version, const sim_vehicle_config *vehicle, double steer_share,
                   uint32_t last_id);
/** The server goes. */
void rig_stop(rig *r);
void rig_close(rig *r);
carla_endpoint rig_endpoint(const rig *r);
/** A client of the rig's server. */
carla_client *rig_client(const rig *r);

#endif
