/** @file carla_stream.h Reads one stream of the simulator: the world's snapshots, or a sensor.
 *  Ownership: a stream owns its buffer; a payload lives until the next call. Threads: one stream,
 *  one thread. Allocation: in open. */
#ifndef CARLA_STREAM_H
#define CARLA_STREAM_H

#include "sim-bridge/carla/carla_net.h"
#include "sim-bridge/carla/carla_observer.h"

typedef struct carla_stream carla_stream;

/** host: of the RPC connection; a token that has its own address goes there. */
HP_NODISCARD hp_status carla_stream_open(const char *host, const carla_token *token,
                                         const hp_clock *clock, double timeout_s,
                                         carla_stream **out, hp_error *error);
void carla_stream_close(carla_stream **stream);
/** The next message. timeout_s 0: HP_EAGAIN if it has not come yet. HP_EUNAVAILABLE: the server has
 *  closed the stream, which it may do at any time: open it again. */
HP_NODISCARD hp_status carla_stream_next(carla_stream *stream, double timeout_s,
                                         const uint8_t **payload, size_t *len, hp_error *error);

#endif
