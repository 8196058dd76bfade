/** @file carla_client_internal.h What the files of a session share. */
#ifndef CARLA_CLIENT_INTERNAL_H
#define CARLA_CLIENT_INTERNAL_H

#include "sim-bridge/carla/carla_client.h"
#include "sim-bridge/carla/carla_stream.h"

struct carla_client {
    const hp_clock *clock;
    carla_endpoint endpoint;
    char host[128];
    carla_version version;
    carla_rpc *rpc;
    carla_stream *world;
    uint64_t episode;
    carla_definition definition; /* scratch */
    carla_actor actor;           /* the same */
};

/** Opens the stream that a token names; from 0.9.14 on it is asked for first. */
HP_NODISCARD hp_status carla_client_stream(carla_client *client, carla_token *token,
                                           carla_stream **out, hp_error *error);

#endif
