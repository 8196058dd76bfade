/* A session's actors: who is there, spawning, commanding. */
#include "sim-bridge/carla/carla_client_internal.h"

enum { MAX_BLUEPRINTS = 4096, SEARCHED_IDS = 65536, SEARCHED_AT_ONCE = 8192 };

/** Sends a request for actors, and visits them. One of whom something cannot be read, as a camera
 *  with more attributes than we take, or a bicycle with a box of no size, is visited all the same:
 *  whoever is among the others' must not keep us from ours. */
static hp_status visit_actors(carla_client *c, carla_visit visit, void *ctx, hp_error *error)
{
    const msgpack_object *list = NULL;
    hp_status st = carla_rpc_end(c->rpc, c->endpoint.timeout_s, &list, error);
    bool more = true;
    for (uint32_t i = 0; st == HP_OK && more && i < carla_items(list); ++i) {
        hp_error ignored;
        c->actor = (carla_actor){0};
        (void)!carla_unpack(carla_item(list, i), CARLA_ACTOR, &c->actor, &ignored);
        more = c->actor.id == 0 || visit(ctx, &c->actor);
    }
    return st;
}

hp_status carla_client_list(carla_client *client, const carla_snapshot *snapshot, carla_visit visit,
                            void *ctx, hp_error *error)
{
    msgpack_packer *args = carla_rpc_begin(client->rpc, "get_actors_by_id", true, 1);
    (void)msgpack_pack_array(args, snapshot->n_actors);
    for (uint32_t i = 0; i < snapshot->n_actors; ++i) {
        (void)msgpack_pack_uint32(args, carla_entry_id(snapshot, i));
    }
    return visit_actors(client, visit, ctx, error);
}

hp_status carla_client_search(carla_client *client, uint32_t first, carla_visit visit, void *ctx,
                              hp_error *error)
{
    hp_status st = HP_OK;
    for (uint32_t at = 0; at < SEARCHED_IDS && st == HP_OK; at += SEARCHED_AT_ONCE) {
        msgpack_packer *args = carla_rpc_begin(client->rpc, "get_actors_by_id", true, 1);
        (void)msgpack_pack_array(args, SEARCHED_AT_ONCE);
        for (uint32_t i = 0; i < SEARCHED_AT_ONCE; ++i) {
            (void)msgpack_pack_uint32(args, first + at + i); /* past the last, from 0 on */
        }
        st = visit_actors(client, visit, ctx, error);
    }
    return st;
}

hp_status carla_client_first_id(carla_client *client, uint32_t *id, hp_error *error)
{
    const msgpack_object *value = NULL;
    (void)carla_rpc_begin(client->rpc, "get_spectator", true, 0); /* it comes with the episode */
    const hp_status st = carla_rpc_end(client->rpc, client->endpoint.timeout_s, &value, error);
    *id = 0;
    if (st == HP_EINVAL) { /* there is none */
        return HP_OK;
    }
    return st == HP_OK && !carla_get_u32(carla_item(value, 0), id)
               ? hp_fail(error, HP_EWIRE, "get_spectator: CARLA's answer is no actor")
               : st;
}

/** Reads the blueprint of this name out of the list. */
static hp_status find_blueprint(carla_client *c, const char *blueprint, hp_error *error)
{
    const msgpack_object *list = NULL;
    (void)carla_rpc_begin(c->rpc, "get_actor_definitions", true, 0);
    const hp_status st = carla_rpc_end(c->rpc, c->endpoint.timeout_s, &list, error);
    if (st != HP_OK) {
        return st;
    }
    for (uint32_t i = 0; i < carla_items(list) && i < MAX_BLUEPRINTS; ++i) {
        const msgpack_object *item = carla_item(list, i);
        carla_text id = {"", 0};
        if (carla_get_text(carla_item(item, 1), &id) && carla_text_is(id, blueprint)) {
            c->definition = (carla_definition){0};
            return carla_unpack(item, CARLA_DEFINITION, &c->definition, error);
        }
    }
    return hp_fail(error, HP_ENOENT, "CARLA has no blueprint '%s'", blueprint);
}

/** Describes the actor to spawn as the official client does: every attribute of the blueprint with
 *  its value, the types as the server numbers them. */
static carla_description describe(const carla_definition *d, const char *role)
{
    carla_description out = {.uid = d->uid, .id = d->id, .n_attributes = d->n_attributes};
    for (uint32_t i = 0; i < d->n_attributes; ++i) {
        const carla_definition_attribute *a = &d->attributes[i];
        carla_text value = a->value;
        if (carla_text_is(a->id, "role_name")) {
            value = carla_text_of(role);
        } else if (carla_text_is(a->id, "is_invincible")) {
            value = carla_text_of("false");
        }
        out.attributes[i] = (carla_attribute){a->id, a->type, value};
    }
    return out;
}

static hp_status spawn(carla_client *c, const carla_description *description,
                       const carla_transform *at, uint32_t parent, carla_actor *out,
                       hp_error *error)
{
    const msgpack_object *value = NULL;
    const uint32_t extra = parent == 0 ? 0 : (c->version >= CARLA_0_9_16 ? 3 : 2);
    msgpack_packer *args = carla_rpc_begin(
        c->rpc, parent == 0 ? "spawn_actor" : "spawn_actor_with_parent", true, 2 + extra);
    carla_pack(args, CARLA_DESCRIPTION, description, c->version);
    carla_pack(args, CARLA_TRANSFORM, at, c->version);
    if (parent != 0) {
        (void)msgpack_pack_uint32(args, parent);
        (void)msgpack_pack_uint32(args, 0); /* rigid */
    }
    if (extra == 3) {
        carla_pack_text(args, "");
    }
    const hp_status st = carla_rpc_end(c->rpc, c->endpoint.timeout_s, &value, error);
    *out = (carla_actor){0};
    return st == HP_OK ? carla_unpack(value, CARLA_ACTOR, out, error) : st;
}

hp_status carla_client_spawn(carla_client *client, const char *blueprint, const char *role,
                             const carla_transform *at, carla_actor *out, hp_error *error)
{
    const hp_status st = find_blueprint(client, blueprint, error);
    if (st != HP_OK) {
        return st;
    }
    const carla_description description = describe(&client->definition, role);
    return spawn(client, &description, at, 0, out, error);
}

hp_status carla_client_watch(carla_client *client, const char *role, uint32_t parent, uint32_t *id,
                             carla_stream **out, hp_error *error)
{
    const carla_transform here = {0};
    carla_token token;
    carla_actor sensor;
    *id = 0;
    hp_status st = find_blueprint(client, "sensor.other.collision", error);
    if (st != HP_OK) {
        return st;
    }
    const carla_description description = describe(&client->definition, role);
    st = spawn(client, &description, &here, parent, &sensor, error);
    if (st == HP_OK) {
        *id = sensor.id;
        st = carla_token_read(sensor.token, sensor.n_token, &token, error);
    }
    return st == HP_OK ? carla_client_stream(client, &token, out, error) : st;
}

static bool take_it(void *ctx, const carla_actor *actor)
{
    *(carla_actor *)ctx = *actor;
    return false;
}

hp_status carla_client_watch_again(carla_client *client, uint32_t id, carla_stream **out,
                                   hp_error *error)
{
    carla_actor sensor = {0};
    carla_token token;
    msgpack_packer *args = carla_rpc_begin(client->rpc, "get_actors_by_id", true, 1);
    (void)msgpack_pack_array(args, 1);
    (void)msgpack_pack_uint32(args, id);
    hp_status st = visit_actors(client, take_it, &sensor, error);
    st = st == HP_OK ? carla_token_read(sensor.token, sensor.n_token, &token, error) : st;
    return st == HP_OK ? carla_client_stream(client, &token, out, error) : st;
}

hp_status carla_client_batch(carla_client *client, const carla_command *commands, uint32_t n,
                             hp_error *error)
{
    const msgpack_object *answers = NULL;
    msgpack_packer *args = carla_rpc_begin(client->rpc, "apply_batch", true, 2);
    (void)msgpack_pack_array(args, n);
    for (uint32_t i = 0; i < n; ++i) {
        carla_pack_command(args, &commands[i], client->version);
    }
    (void)msgpack_pack_false(args);
    hp_status st = carla_rpc_end_raw(client->rpc, client->endpoint.timeout_s, &answers, error);
    for (uint32_t i = 0; st == HP_OK && i < carla_items(answers); ++i) {
        const msgpack_object *value = NULL;
        st = carla_rpc_value(carla_item(answers, i), &value, error);
    }
    return st;
}

bool carla_client_post_control(carla_client *client, uint32_t id, const carla_control *control)
{
    msgpack_packer *args = carla_rpc_begin(client->rpc, "apply_control_to_vehicle", false, 2);
    (void)msgpack_pack_uint32(args, id);
    carla_pack(args, CARLA_CONTROL, control, client->version);
    return carla_rpc_post(client->rpc);
}

hp_status carla_client_cruise(carla_client *client, uint32_t id, double speed_mps, hp_error *error)
{
    const carla_vec3 v = {(float)speed_mps, 0.0F, 0.0F};
    msgpack_packer *args = carla_rpc_begin(client->rpc, "enable_actor_constant_velocity", false, 2);
    (void)msgpack_pack_uint32(args, id);
    carla_pack(args, CARLA_VEC3, &v, client->version);
    return carla_rpc_end_queued(client->rpc, client->endpoint.timeout_s, error);
}

hp_status carla_client_physics(carla_client *client, uint32_t id, carla_physics *out,
                               hp_error *error)
{
    const msgpack_object *value = NULL;
    msgpack_packer *args = carla_rpc_begin(client->rpc, "get_physics_control", true, 1);
    (void)msgpack_pack_uint32(args, id);
    const hp_status st = carla_rpc_end(client->rpc, client->endpoint.timeout_s, &value, error);
    *out = (carla_physics){0};
    return st == HP_OK ? carla_unpack(value, CARLA_PHYSICS, out, error) : st;
}
