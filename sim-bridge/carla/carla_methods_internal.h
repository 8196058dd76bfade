/** @file carla_methods_internal.h A method of the stand-in, and what methods are written with. */
#ifndef CARLA_METHODS_INTERNAL_H
#define CARLA_METHODS_INTERNAL_H

#include "sim-bridge/carla/carla_server_internal.h"

/** One call under way. */
typedef struct call {
    carla_host *host;
    const msgpack_object *params; /* 0 is the metadata */
    msgpack_packer *out;
    hp_error *error;
} call;

static inline const msgpack_object *arg(const call *c, uint32_t i)
{
    return carla_item(c->params, i + 1);
}

static inline hp_status bad_cast(const call *c)
{
    return hp_fail(c->error, HP_EWIRE, "std::bad_cast");
}

static inline hp_status take(const call *c, uint32_t i, const carla_field *table, void *to)
{
    return carla_unpack(arg(c, i), table, to, c->error);
}

/** The actor that argument 0 names; NULL and *st if there is none. */
static inline carla_sim_actor *take_actor(const call *c, hp_status *st)
{
    uint32_t id = 0;
    if (!carla_get_u32(arg(c, 0), &id)) {
        *st = bad_cast(c);
        return NULL;
    }
    carla_sim_actor *actor = carla_sim_find(&c->host->sim, id);
    *st = actor != NULL ? HP_OK
                        : hp_fail(c->error, HP_EINVAL,
                                  "Responding error from function: Actor could not be found in the "
                                  "registry.  Actor Id: %u",
                                  id);
    return actor;
}

static inline void put_bool(const call *c, bool value)
{
    (void)(value ? msgpack_pack_true(c->out) : msgpack_pack_false(c->out));
}

static inline void put(const call *c, const carla_field *table, const void *from)
{
    carla_pack(c->out, table, from, c->host->config.version);
}

static inline void put_token(const call *c, uint32_t stream)
{
    carla_token_bytes token = {.n_token = CARLA_TOKEN_BYTES};
    carla_token_write(&(carla_token){.stream = stream, .port = c->host->stream_port}, token.token);
    put(c, CARLA_TOKEN, &token);
}

/** since: the first release that has it. */
typedef struct carla_method {
    const char *name;
    hp_status (*run)(const call *c);
    uint32_t n_args;
    carla_wrapping wrap;
    carla_version since;
} carla_method;

/** Ended by a NULL name. */
extern const carla_method CARLA_SESSION_METHODS[], CARLA_ACTOR_METHODS[];

#endif
