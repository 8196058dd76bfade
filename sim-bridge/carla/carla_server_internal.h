/** @file carla_server_internal.h What the server's sockets and its methods share. */
#ifndef CARLA_SERVER_INTERNAL_H
#define CARLA_SERVER_INTERNAL_H

#include "sim-bridge/carla/carla_command.h"
#include "sim-bridge/carla/carla_recorder.h"
#include "sim-bridge/carla/carla_server.h"
#include "sim-bridge/carla/carla_sim.h"

typedef struct carla_host {
    carla_server_config config;
    uint16_t stream_port;
    uint64_t episode, frame;
    double time_s, delta_s;
    carla_settings settings;
    carla_weather weather;
    char map_name[64];
    bool map_changed;         /* since the last snapshot */
    bool ticked;              /* a method has advanced the world: its snapshot is due */
    carla_recorder *recorder; /* NULL: does not run */
    carla_sim sim;
} carla_host;

/** Runs one method. params: with the metadata. What it returns is packed into value, without its
 *  "Response". HP_EINVAL: the simulator's failure; HP_EWIRE: arguments that are not what they must
 *  be; HP_EVERSION: no such method, or another number of arguments. In the last two cases *error
 *  has rpclib's words. */
HP_NODISCARD hp_status carla_method_run(carla_host *host, carla_text name,
                                        const msgpack_object *params, msgpack_packer *value,
                                        hp_error *error);

/** How a method's answer is wrapped. */
typedef enum carla_wrapping { CARLA_WRAP_VALUE, CARLA_WRAP_VOID, CARLA_WRAP_NONE } carla_wrapping;
carla_wrapping carla_method_wrapping(carla_text name);

/** Advances the world by one frame. */
void carla_host_tick(carla_host *host);
void carla_host_describe(const carla_host *host, const carla_sim_actor *actor, carla_actor *out);

#endif
