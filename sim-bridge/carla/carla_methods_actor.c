/* The stand-in's methods that are about actors. */
#include "sim-bridge/carla/carla_methods_internal.h"

#include <math.h>

void carla_host_describe(const carla_host *host, const carla_sim_actor *actor, carla_actor *out)
{
    *out = (carla_actor){.id = actor->id,
                         .parent_id = actor->parent,
                         .description = actor->description,
                         .box = carla_sim_box(actor)};
    const uint8_t tag = CARLA_BLUEPRINTS[actor->blueprint].tag;
    if (tag != 0) {
        const bool old = host->config.version < CARLA_0_9_14;
        out->tags[0] = !old ? tag : (tag == 12 ? 4 : 10);
        out->n_tags = 1;
    }
    if (actor->stream != 0) {
        out->n_token = CARLA_TOKEN_BYTES;
        carla_token_write(&(carla_token){.stream = actor->stream, .port = host->stream_port},
                          out->token);
    }
}

static void put_actor(const call *c, const carla_sim_actor *actor)
{
    carla_actor described;
    carla_host_describe(c->host, actor, &described);
    put(c, CARLA_ACTOR, &described);
}

static void add_attribute(carla_definition *d, const char *id, uint32_t type, const char *value)
{
    d->attributes[d->n_attributes++] = (carla_definition_attribute){
        .id = carla_text_of(id),
        .type = type,
        .value = carla_text_of(value),
        .modifiable = strcmp(id, "number_of_wheels") != 0 && strcmp(id, "base_type") != 0};
}

static hp_status definitions(const call *c)
{
    const uint32_t text = carla_version_string_type(c->host->config.version);
    const uint32_t integer = text - 2;
    const uint32_t boolean = text - 3;
    (void)msgpack_pack_array(c->out, CARLA_N_BLUEPRINTS - 1);
    for (uint32_t i = 1; i < CARLA_N_BLUEPRINTS; ++i) {
        const carla_blueprint *b = &CARLA_BLUEPRINTS[i];
        carla_definition d = {.uid = i, .id = carla_text_of(b->id), .tags = carla_text_of(b->tags)};
        add_attribute(&d, "role_name", text, b->sensor ? "front" : "autopilot");
        if (b->kind == CARLA_ENTRY_VEHICLE) {
            const bool bike = b->tag == 19;
            add_attribute(&d, "number_of_wheels", integer, bike ? "2" : "4");
            add_attribute(&d, "base_type", text, bike ? "bicycle" : "car");
            add_attribute(&d, "sticky_control", boolean, "true");
        } else if (b->kind == CARLA_ENTRY_WALKER) {
            add_attribute(&d, "is_invincible", boolean, "true");
            add_attribute(&d, "speed", text - 1, "1.4");
        }
        put(c, CARLA_DEFINITION, &d);
    }
    return HP_OK;
}

static hp_status spectator(const call *c)
{
    put_actor(c, carla_sim_find(&c->host->sim, c->host->sim.spectator_id));
    return HP_OK;
}

/** Each once, however often it is asked for: a short question is to have no endless answer. */
static hp_status actors_by_id(const call *c)
{
    const msgpack_object *ids = arg(c, 0);
    const carla_sim_actor *asked[CARLA_SIM_ACTORS];
    bool taken[CARLA_SIM_ACTORS] = {false};
    uint32_t n = 0;
    uint32_t id = 0;
    for (uint32_t i = 0; i < carla_items(ids); ++i) {
        if (!carla_get_u32(carla_item(ids, i), &id)) {
            return bad_cast(c);
        }
        const carla_sim_actor *actor = carla_sim_find(&c->host->sim, id);
        if (actor != NULL && !taken[actor - c->host->sim.actors]) {
            taken[actor - c->host->sim.actors] = true;
            asked[n++] = actor;
        }
    }
    (void)msgpack_pack_array(c->out, n);
    for (uint32_t i = 0; i < n; ++i) {
        put_actor(c, asked[i]);
    }
    return HP_OK;
}

static hp_status spawn_at(const call *c, const msgpack_object *description,
                          const carla_transform *at, uint32_t parent, carla_sim_actor **actor)
{
    carla_description d = {0};
    const hp_status st = carla_unpack(description, CARLA_DESCRIPTION, &d, c->error);
    return st == HP_OK ? carla_sim_spawn(&c->host->sim, &d, at, parent, actor, c->error) : st;
}

static hp_status spawn(const call *c)
{
    carla_transform at = {0};
    carla_sim_actor *actor = NULL;
    uint32_t parent = 0;
    hp_status st = take(c, 1, CARLA_TRANSFORM, &at);
    if (st == HP_OK && arg(c, 2) != NULL && !carla_get_u32(arg(c, 2), &parent)) {
        st = bad_cast(c);
    }
    if (st == HP_OK) {
        st = spawn_at(c, arg(c, 0), &at, parent, &actor);
    }
    if (st == HP_OK) {
        put_actor(c, actor);
    }
    return st;
}

static hp_status destroy(const call *c)
{
    uint32_t id = 0;
    if (!carla_get_u32(arg(c, 0), &id)) {
        return bad_cast(c);
    }
    if (!carla_sim_destroy(&c->host->sim, id)) {
        return hp_fail(c->error, HP_EINVAL, "unable to destroy actor: not found");
    }
    put_bool(c, true);
    return HP_OK;
}

static hp_status obey(const call *c, const carla_command *command)
{
    carla_sim_actor *actor = carla_sim_find(&c->host->sim, command->actor);
    if (actor == NULL) {
        return hp_fail(c->error, HP_EINVAL, "unable to find actor %u", command->actor);
    }
    switch ((int)command->kind) {
    case CARLA_CMD_CONTROL:
        actor->control = command->control;
        actor->control.throttle = (float)hp_clamp((double)command->control.throttle, 0.0, 1.0);
        actor->control.brake = (float)hp_clamp((double)command->control.brake, 0.0, 1.0);
        actor->control.steer = (float)hp_clamp((double)command->control.steer, -1.0, 1.0);
        break;
    case CARLA_CMD_WALKER_CONTROL:
        actor->walker = command->walker;
        break;
    case CARLA_CMD_TRANSFORM:
    case CARLA_CMD_WALKER_STATE:
        carla_sim_place(actor, &command->transform);
        break;
    case CARLA_CMD_VELOCITY:
        carla_sim_push(actor, command->vector);
        break;
    case CARLA_CMD_SIMULATE_PHYSICS:
        actor->frozen = !command->on;
        break;
    case CARLA_CMD_DESTROY:
        (void)carla_sim_destroy(&c->host->sim, command->actor);
        break;
    case CARLA_CMD_GRAVITY:
    case CARLA_CMD_AUTOPILOT:
    case CARLA_CMD_TELEMETRY:
    case CARLA_CMD_LIGHTS:
        break; /* would not show */
    default:
        return hp_fail(c->error, HP_EINVAL, "the stand-in does not do this");
    }
    return HP_OK;
}

static hp_status obey_spawn(const call *c, const carla_command *command, uint32_t *id)
{
    const carla_version v = c->host->config.version;
    carla_sim_actor *actor = NULL;
    hp_status st =
        spawn_at(c, command->description_object, &command->transform, command->parent, &actor);
    for (uint32_t i = 0; st == HP_OK && i < carla_items(command->after_object); ++i) {
        carla_command after;
        hp_error ignored;
        *id = actor->id;
        if (carla_unpack_command(carla_item(command->after_object, i), v, &after, &ignored) ==
                HP_OK &&
            after.kind != CARLA_CMD_SPAWN) {
            after.actor = actor->id;
            (void)!obey(&(call){c->host, c->params, c->out, &ignored}, &after);
        }
    }
    if (st == HP_OK) {
        *id = actor->id;
    }
    return st;
}

static hp_status batch(const call *c)
{
    const msgpack_object *list = arg(c, 0);
    bool tick = false;
    if (!carla_get_bool(arg(c, 1), &tick) || list->type != MSGPACK_OBJECT_ARRAY) {
        return bad_cast(c);
    }
    (void)msgpack_pack_array(c->out, carla_items(list));
    for (uint32_t i = 0; i < carla_items(list); ++i) {
        carla_command command;
        hp_status st =
            carla_unpack_command(carla_item(list, i), c->host->config.version, &command, c->error);
        uint32_t id = command.actor;
        if (st == HP_OK) {
            st = command.kind == CARLA_CMD_SPAWN ? obey_spawn(c, &command, &id) : obey(c, &command);
        }
        (void)msgpack_pack_array(c->out, 1);
        (void)msgpack_pack_array(c->out, 2);
        (void)msgpack_pack_uint32(c->out, st == HP_OK ? 1 : 0);
        if (st == HP_OK) {
            (void)msgpack_pack_uint32(c->out, id);
        } else {
            (void)msgpack_pack_array(c->out, 1);
            carla_pack_text(c->out, c->error->text);
        }
    }
    if (tick && c->host->settings.synchronous) {
        carla_host_tick(c->host);
    }
    return HP_OK;
}

/** A method that is a command: [actor, value]. */
static hp_status single(const call *c, carla_command_kind kind, const carla_field *table,
                        carla_command *command, void *value)
{
    hp_status st = HP_OK;
    carla_sim_actor *actor = take_actor(c, &st);
    if (actor != NULL && st == HP_OK) {
        st = take(c, 1, table, value);
    }
    if (actor == NULL || st != HP_OK) {
        return st;
    }
    command->kind = kind;
    command->actor = actor->id;
    return obey(c, command);
}

static hp_status control_vehicle(const call *c)
{
    carla_command command = {0};
    return single(c, CARLA_CMD_CONTROL, CARLA_CONTROL, &command, &command.control);
}

static hp_status control_walker(const call *c)
{
    carla_command command = {0};
    return single(c, CARLA_CMD_WALKER_CONTROL, CARLA_WALKER_CONTROL, &command, &command.walker);
}

static hp_status set_transform(const call *c)
{
    carla_command command = {0};
    return single(c, CARLA_CMD_TRANSFORM, CARLA_TRANSFORM, &command, &command.transform);
}

static hp_status set_velocity(const call *c)
{
    carla_command command = {0};
    return single(c, CARLA_CMD_VELOCITY, CARLA_VEC3, &command, &command.vector);
}

static hp_status constant_velocity(const call *c)
{
    carla_vec3 v = {0.0F, 0.0F, 0.0F};
    hp_status st = HP_OK;
    carla_sim_actor *actor = take_actor(c, &st);
    if (actor != NULL && st == HP_OK) {
        st = take(c, 1, CARLA_VEC3, &v);
    }
    if (actor != NULL && st == HP_OK) {
        actor->constant = true;
        actor->constant_mps = (double)v.x;
    }
    return st;
}

static hp_status free_velocity(const call *c)
{
    hp_status st = HP_OK;
    carla_sim_actor *actor = take_actor(c, &st);
    if (actor != NULL && st == HP_OK) {
        actor->constant = false;
    }
    return st;
}

static hp_status simulate_physics(const call *c)
{
    bool on = true;
    hp_status st = HP_OK;
    carla_sim_actor *actor = take_actor(c, &st);
    if (actor != NULL && !carla_get_bool(arg(c, 1), &on)) {
        return bad_cast(c);
    }
    if (actor != NULL && st == HP_OK) {
        actor->frozen = !on;
    }
    return st;
}

static hp_status physics(const call *c)
{
    hp_status st = HP_OK;
    carla_sim_actor *actor = take_actor(c, &st);
    if (actor == NULL || st != HP_OK) {
        return st;
    }
    const double half_cm = 50.0 * actor->body.wheelbase_m;
    const double told_rad = actor->body.max_steer_rad / c->host->config.steer_share;
    const hp_pose *pose = &actor->vehicle.state.pose;
    carla_physics p = {.max_rpm = 5800.0F,
                       .moi = 1.0F,
                       .autobox = true,
                       .final_ratio = 4.0F,
                       .mass_kg = 1400.0F,
                       .drag = 0.3F,
                       .n_wheels = 4};
    for (uint32_t i = 0; i < p.n_wheels; ++i) {
        const double along_cm = i < 2 ? half_cm : -half_cm;
        const hp_vec2 at = {100.0 * pose->x_m + along_cm * cos(pose->yaw_rad),
                            100.0 * pose->y_m + along_cm * sin(pose->yaw_rad)};
        p.wheels[i] =
            (carla_wheel){.friction = 3.5F,
                          .max_steer_deg = i < 2 ? (float)(told_rad * 180.0 / HP_PI) : 0.0F,
                          .radius_cm = 35.0F,
                          .position_cm = carla_from_vec2(at, 35.0)};
    }
    put(c, CARLA_PHYSICS, &p);
    return HP_OK;
}

static hp_status bounding_box(const call *c)
{
    hp_status st = HP_OK;
    carla_sim_actor *actor = take_actor(c, &st);
    if (actor != NULL && st == HP_OK) {
        const carla_box box = carla_sim_box(actor);
        put(c, CARLA_BOX, &box);
    }
    return st;
}

const carla_method CARLA_ACTOR_METHODS[] = {
    {"get_actor_definitions", definitions, 0, CARLA_WRAP_VALUE, CARLA_0_9_12},
    {"get_spectator", spectator, 0, CARLA_WRAP_VALUE, CARLA_0_9_12},
    {"get_actors_by_id", actors_by_id, 1, CARLA_WRAP_VALUE, CARLA_0_9_12},
    {"spawn_actor", spawn, 2, CARLA_WRAP_VALUE, CARLA_0_9_12},
    {"spawn_actor_with_parent", spawn, 4, CARLA_WRAP_VALUE, CARLA_0_9_12},
    {"destroy_actor", destroy, 1, CARLA_WRAP_VALUE, CARLA_0_9_12},
    {"apply_control_to_vehicle", control_vehicle, 2, CARLA_WRAP_VOID, CARLA_0_9_12},
    {"apply_control_to_walker", control_walker, 2, CARLA_WRAP_VOID, CARLA_0_9_12},
    {"set_actor_transform", set_transform, 2, CARLA_WRAP_VOID, CARLA_0_9_12},
    {"set_actor_target_velocity", set_velocity, 2, CARLA_WRAP_VOID, CARLA_0_9_12},
    {"enable_actor_constant_velocity", constant_velocity, 2, CARLA_WRAP_VOID, CARLA_0_9_12},
    {"disable_actor_constant_velocity", free_velocity, 1, CARLA_WRAP_VOID, CARLA_0_9_12},
    {"set_actor_simulate_physics", simulate_physics, 2, CARLA_WRAP_VOID, CARLA_0_9_12},
    {"get_physics_control", physics, 1, CARLA_WRAP_VALUE, CARLA_0_9_12},
    {"get_actor_bounding_box", bounding_box, 1, CARLA_WRAP_VALUE, CARLA_0_9_16},
    {"apply_batch", batch, 2, CARLA_WRAP_NONE, CARLA_0_9_12},
    {NULL, NULL, 0, CARLA_WRAP_NONE, CARLA_0_9_12},
};
