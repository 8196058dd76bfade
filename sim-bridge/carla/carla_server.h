/** @file carla_server.h The stand-in: the built-in simulator's physics behind the wire protocol of
 *  CARLA, for tests, demonstrations and machines without a graphics card. Real clients may use it.
 *  It knows the methods that a driving client needs (carla_methods.c) and no others; it renders
 *  nothing, has no traffic lights and no traffic manager.
 *  Ownership: create/destroy. Threads: one server, one thread. Allocation: in create, when a client
 *  connects, and when an answer is longer than any before. */
#ifndef CARLA_SERVER_H
#define CARLA_SERVER_H

#include "common/hp_clock.h"
#include "sim-bridge/carla/carla_version.h"
#include "sim-bridge/sim_vehicle.h"

typedef struct carla_server carla_server;

typedef struct carla_server_config {
    const char *address; /* "127.0.0.1"; "0.0.0.0" lets other machines in, unprotected */
    uint16_t port;       /* of the RPC; streams are on the next. 0: any free ones */
    carla_version version;
    const char *map_name;              /* "Town01" */
    const char *second_map;            /* another name that may be loaded; NULL: none */
    const char *map_text;              /* OpenDRIVE; NULL: a straight road. Borrowed */
    const sim_vehicle_config *vehicle; /* how all cars drive; NULL: as by default. Borrowed */
    double steer_share;                /* of the steering range that is told: what wheels use */
    const char *recordings;            /* directory for start_recorder; NULL: nothing is recorded */
    const char *requests;              /* file that gets every request in hexadecimal; NULL: none */
    uint32_t last_id;                  /* of all that were there before; ids go on from there */
    double variable_step_s;            /* without a fixed step: this one, paced by the clock */
} carla_server_config;

void carla_server_config_default(carla_server_config *config);
HP_NODISCARD hp_status carla_server_create(const carla_server_config *config, const hp_clock *clock,
                                           carla_server **out, hp_error *error);
void carla_server_destroy(carla_server **server);
uint16_t carla_server_port(const carla_server *server);
uint16_t carla_server_stream_port(const carla_server *server);
/** Serves what has come, waiting at most wait_ms for something. */
HP_NODISCARD hp_status carla_server_step(carla_server *server, int wait_ms, hp_error *error);

#endif
