/** @file carla_rpc.h Calls over MessagePack-RPC, one at a time, in order.
 *
 *      msgpack_packer *args = carla_rpc_begin(rpc, "destroy_actor", true, 1);
 *      msgpack_pack_uint32(args, id);
 *      st = carla_rpc_end(rpc, timeout_s, &value, &error);
 *
 *  Ownership: a connection owns its buffers; a result points into them and lives until the next
 *  call. Threads: one connection, one thread. Allocation: in open; a call that needs more room than
 *  any before grows the buffers. */
#ifndef CARLA_RPC_H
#define CARLA_RPC_H

#include "sim-bridge/carla/carla_net.h"
#include "sim-bridge/carla/carla_types.h"

typedef struct carla_rpc carla_rpc;

/** clock must outlive the connection. */
HP_NODISCARD hp_status carla_rpc_open(const char *host, uint16_t port, const hp_clock *clock,
                                      double timeout_s, carla_rpc **out, hp_error *error);
void carla_rpc_close(carla_rpc **rpc);

/** Begins a request with n arguments, which the caller packs. wait false: the server acts and
 *  answers at once with something that means nothing. method: a literal. */
msgpack_packer *carla_rpc_begin(carla_rpc *rpc, const char *method, bool wait, uint32_t n);
/** Sends the request and takes the answer as it is, its "Response" wrapping included. HP_EWIRE:
 *  malformed; HP_EVERSION: no such method, or not with so many arguments; HP_EDEADLINE,
 *  HP_EUNAVAILABLE: no answer. After a lost answer the connection is of no use any more. */
HP_NODISCARD hp_status carla_rpc_end_raw(carla_rpc *rpc, double timeout_s,
                                         const msgpack_object **result, hp_error *error);
/** The same, and takes a value out of its wrapping; HP_EINVAL with the server's words if it
 *  reports a failure, HP_EUNAVAILABLE if it is that a map is being loaded. */
HP_NODISCARD hp_status carla_rpc_end(carla_rpc *rpc, double timeout_s, const msgpack_object **value,
                                     hp_error *error);
/** The same for a method without a value. */
HP_NODISCARD hp_status carla_rpc_end_void(carla_rpc *rpc, double timeout_s, hp_error *error);
/** Sends a request that was begun with wait false and drops its answer. */
HP_NODISCARD hp_status carla_rpc_end_queued(carla_rpc *rpc, double timeout_s, hp_error *error);

/** Sends a request and waits for nothing: what is left to do on a connection that does not answer
 *  any more. False: it does not even take bytes. */
bool carla_rpc_post(carla_rpc *rpc);

/** Packs a request as it goes over the wire, all but the arguments. */
void carla_rpc_head(msgpack_packer *out, uint32_t id, const char *method, bool wait, uint32_t n);
/** Takes a value out of "Response". HP_EINVAL: the server's failure; HP_EWIRE: neither. */
HP_NODISCARD hp_status carla_rpc_value(const msgpack_object *response, const msgpack_object **value,
                                       hp_error *error);

#endif
