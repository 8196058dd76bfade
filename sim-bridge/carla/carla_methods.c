/* The stand-in's methods: what each takes, does and returns. */
#include "sim-bridge/carla/carla_server_internal.h"

#include "common/hp_rng.h"

#include <math.h>
#include <stdlib.h>

/** One call under way. */
typedef struct call {
    carla_host *host;
    const msgpack_object *params; /* 0 is the metadata */
    msgpack_packer *out;
    hp_error *error;
} call;

static const msgpack_object *arg(const call *c, uint32_t i)
{
    return carla_item(c->params, i + 1);
}

static hp_status bad_cast(const call *c)
{
    return hp_fail(c->error, HP_EWIRE, "std::bad_cast");
}

static hp_status take(const call *c, uint32_t i, const carla_field *table, void *to)
{
    return carla_unpack(arg(c, i), table, to, c->error);
}

/** The actor that argument 0 names. */
static hp_status take_actor(const call *c, carla_sim_actor **out)
{
    uint32_t id = 0;
    if (!carla_get_u32(arg(c, 0), &id)) {
        return bad_cast(c);
    }
    *out = carla_sim_find(&c->host->sim, id);
    return *out != NULL ? HP_OK
                        : hp_fail(c->error, HP_EINVAL,
                                  "Responding error from function: Actor could not be found in the "
                                  "registry.  Actor Id: %u",
                                  id);
}

static void put_bool(const call *c, bool value)
{
    (void)(value ? msgpack_pack_true(c->out) : msgpack_pack_false(c->out));
}

static void put(const call *c, const carla_field *table, const void *from)
{
    carla_pack(c->out, table, from, c->host->config.version);
}

static void put_token(const call *c, uint32_t stream)
{
    carla_token_bytes token = {.n_token = CARLA_TOKEN_BYTES};
    carla_token_write(&(carla_token){.stream = stream, .port = c->host->stream_port}, token.token);
    put(c, CARLA_TOKEN, &token);
}

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

/* ---- Session ---- */

static hp_status version(const call *c)
{
    carla_pack_text(c->out, carla_version_text(c->host->config.version));
    return HP_OK;
}

static hp_status available_maps(const call *c)
{
    char path[96];
    (void)snprintf(path, sizeof path, "/Game/Carla/Maps/%s", c->host->map_name);
    (void)msgpack_pack_array(c->out, 1);
    carla_pack_text(c->out, path);
    return HP_OK;
}

static hp_status episode_info(const call *c)
{
    carla_episode_info info = {.id = c->host->episode, .token = {.n_token = CARLA_TOKEN_BYTES}};
    carla_token_write(&(carla_token){.stream = CARLA_WORLD_STREAM, .port = c->host->stream_port},
                      info.token.token);
    put(c, CARLA_EPISODE_INFO, &info);
    return HP_OK;
}

static hp_status sensor_token(const call *c)
{
    uint32_t stream = 0;
    if (!carla_get_u32(arg(c, 0), &stream)) {
        return bad_cast(c);
    }
    put_token(c, stream);
    return HP_OK;
}

static hp_status get_settings(const call *c)
{
    put(c, CARLA_SETTINGS, &c->host->settings);
    return HP_OK;
}

static hp_status set_settings(const call *c)
{
    carla_settings wanted = c->host->settings;
    const hp_status st = take(c, 0, CARLA_SETTINGS, &wanted);
    if (st != HP_OK) {
        return st;
    }
    if (wanted.fixed_delta_s > 10.0) {
        return hp_fail(c->error, HP_EINVAL, "fixed_delta_seconds is longer than 10 s");
    }
    c->host->settings = wanted;
    (void)msgpack_pack_uint64(c->out, c->host->frame);
    return HP_OK;
}

static const char *last_part(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash != NULL ? slash + 1 : name;
}

static hp_status load_episode(const call *c)
{
    carla_host *host = c->host;
    carla_text name;
    char text[64];
    bool reset = true;
    if (!carla_get_text(arg(c, 0), &name) || !carla_get_bool(arg(c, 1), &reset)) {
        return bad_cast(c);
    }
    carla_text_copy(name, text, sizeof text);
    /* There is one map, whatever it is called: only that one, or the same again. */
    if (text[0] != '\0' && strcmp(last_part(text), host->map_name) != 0) {
        return hp_fail(c->error, HP_EINVAL, "Map '%s' not found", text);
    }
    carla_sim_reset(&host->sim);
    host->episode = hp_mix64(host->episode);
    host->time_s = 0.0;
    host->map_changed = true;
    if (reset) {
        host->settings.synchronous = false;
        host->settings.fixed_delta_s = 0.0;
    }
    return HP_OK;
}

static hp_status map_info(const call *c)
{
    char name[96];
    const carla_transform spawn = {{0.0F, -10.0F, 0.5F}, {0.0F, -90.0F, 0.0F}};
    (void)snprintf(name, sizeof name, "Carla/Maps/%s", c->host->map_name);
    (void)msgpack_pack_array(c->out, 2);
    carla_pack_text(c->out, name);
    (void)msgpack_pack_array(c->out, 1);
    put(c, CARLA_TRANSFORM, &spawn);
    return HP_OK;
}

/* A straight road along x = 0, one lane for each direction. */
static const char STRAIGHT_ROAD[] =
    "<?xml version=\"1.0\" standalone=\"yes\"?>\n"
    "<OpenDRIVE><header revMajor=\"1\" revMinor=\"4\" name=\"\" version=\"1\" north=\"0\" "
    "south=\"0\" east=\"0\" west=\"0\" vendor=\"\"><geoReference><![CDATA[+proj=tmerc +lat_0=0 "
    "+lon_0=0 +k=1 +x_0=0 +y_0=0 +datum=WGS84]]></geoReference></header>"
    "<road name=\"street\" length=\"700\" id=\"1\" junction=\"-1\"><link/>"
    "<type s=\"0\" type=\"town\"><speed max=\"30\" unit=\"mph\"/></type>"
    "<planView><geometry s=\"0\" x=\"0\" y=\"-400\" hdg=\"1.5707963267948966\" length=\"700\">"
    "<line/></geometry></planView>"
    "<elevationProfile><elevation s=\"0\" a=\"0\" b=\"0\" c=\"0\" d=\"0\"/></elevationProfile>"
    "<lateralProfile/><lanes><laneOffset s=\"0\" a=\"0\" b=\"0\" c=\"0\" d=\"0\"/>"
    "<laneSection s=\"0\">"
    "<left><lane id=\"1\" type=\"driving\" level=\"false\"><link/><width sOffset=\"0\" a=\"3\" "
    "b=\"0\" c=\"0\" d=\"0\"/></lane></left>"
    "<center><lane id=\"0\" type=\"none\" level=\"false\"><link/></lane></center>"
    "<right><lane id=\"-1\" type=\"driving\" level=\"false\"><link/><width sOffset=\"0\" a=\"3\" "
    "b=\"0\" c=\"0\" d=\"0\"/></lane></right>"
    "</laneSection></lanes><objects/><signals/></road></OpenDRIVE>\n";

static hp_status map_data(const call *c)
{
    carla_pack_text(c->out,
                    c->host->config.map_text != NULL ? c->host->config.map_text : STRAIGHT_ROAD);
    return HP_OK;
}

static hp_status nothing(const call *c)
{
    (void)msgpack_pack_array(c->out, 0);
    return HP_OK;
}

static hp_status no(const call *c)
{
    put_bool(c, false);
    return HP_OK;
}

static hp_status get_weather(const call *c)
{
    put(c, CARLA_WEATHER, &c->host->weather);
    return HP_OK;
}

static hp_status set_weather(const call *c)
{
    return take(c, 0, CARLA_WEATHER, &c->host->weather);
}

static hp_status tick_cue(const call *c)
{
    if (c->host->settings.synchronous) {
        carla_host_tick(c->host);
        (void)msgpack_pack_uint64(c->out, c->host->frame);
    } else {
        (void)msgpack_pack_uint64(c->out, c->host->frame + 1); /* comes by the clock */
    }
    return HP_OK;
}

/* ---- Actors ---- */

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
    put_actor(c, carla_sim_find(&c->host->sim, CARLA_SPECTATOR_ID));
    return HP_OK;
}

static hp_status actors_by_id(const call *c)
{
    const msgpack_object *ids = arg(c, 0);
    uint32_t found = 0;
    uint32_t id = 0;
    for (uint32_t i = 0; i < carla_items(ids); ++i) {
        if (!carla_get_u32(carla_item(ids, i), &id)) {
            return bad_cast(c);
        }
        found += carla_sim_find(&c->host->sim, id) != NULL ? 1 : 0;
    }
    (void)msgpack_pack_array(c->out, found);
    for (uint32_t i = 0; i < carla_items(ids); ++i) {
        (void)carla_get_u32(carla_item(ids, i), &id);
        const carla_sim_actor *actor = carla_sim_find(&c->host->sim, id);
        if (actor != NULL) {
            put_actor(c, actor);
        }
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

/* Most methods that act on one actor are a command of apply_batch, too. */
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
        break; /* nothing here would show them */
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
    carla_sim_actor *actor = NULL;
    hp_status st = take_actor(c, &actor);
    if (st == HP_OK) {
        st = take(c, 1, table, value);
    }
    if (st != HP_OK) {
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
    carla_sim_actor *actor = NULL;
    carla_vec3 v = {0.0F, 0.0F, 0.0F};
    hp_status st = take_actor(c, &actor);
    if (st == HP_OK) {
        st = take(c, 1, CARLA_VEC3, &v);
    }
    if (st == HP_OK) {
        actor->constant = true;
        actor->constant_mps = (double)v.x;
    }
    return st;
}

static hp_status free_velocity(const call *c)
{
    carla_sim_actor *actor = NULL;
    const hp_status st = take_actor(c, &actor);
    if (st == HP_OK) {
        actor->constant = false;
    }
    return st;
}

static hp_status simulate_physics(const call *c)
{
    carla_sim_actor *actor = NULL;
    bool on = true;
    const hp_status st = take_actor(c, &actor);
    if (st == HP_OK && !carla_get_bool(arg(c, 1), &on)) {
        return bad_cast(c);
    }
    if (st == HP_OK) {
        actor->frozen = !on;
    }
    return st;
}

static hp_status physics(const call *c)
{
    carla_sim_actor *actor = NULL;
    const hp_status st = take_actor(c, &actor);
    if (st != HP_OK) {
        return st;
    }
    const double half_cm = 50.0 * actor->body.wheelbase_m;
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
        p.wheels[i] = (carla_wheel){
            .friction = 3.5F,
            .max_steer_deg = i < 2 ? (float)(actor->body.max_steer_rad * 180.0 / HP_PI) : 0.0F,
            .radius_cm = 35.0F,
            .position_cm = carla_from_vec2(at, 35.0)};
    }
    put(c, CARLA_PHYSICS, &p);
    return HP_OK;
}

static hp_status bounding_box(const call *c)
{
    carla_sim_actor *actor = NULL;
    const hp_status st = take_actor(c, &actor);
    if (st == HP_OK) {
        const carla_box box = carla_sim_box(actor);
        put(c, CARLA_BOX, &box);
    }
    return st;
}

/* ---- The table ---- */

typedef struct method {
    const char *name;
    hp_status (*run)(const call *c);
    uint32_t n_args;
    carla_wrapping wrap;
    carla_version since;
} method;

static const method METHODS[] = {
    {"version", version, 0, CARLA_WRAP_VALUE, CARLA_0_9_12},
    {"get_available_maps", available_maps, 0, CARLA_WRAP_VALUE, CARLA_0_9_12},
    {"get_episode_info", episode_info, 0, CARLA_WRAP_VALUE, CARLA_0_9_12},
    {"get_sensor_token", sensor_token, 1, CARLA_WRAP_VALUE, CARLA_0_9_14},
    {"get_episode_settings", get_settings, 0, CARLA_WRAP_VALUE, CARLA_0_9_12},
    {"set_episode_settings", set_settings, 1, CARLA_WRAP_VALUE, CARLA_0_9_12},
    {"load_new_episode", load_episode, 3, CARLA_WRAP_VOID, CARLA_0_9_12},
    {"get_map_info", map_info, 0, CARLA_WRAP_VALUE, CARLA_0_9_12},
    {"get_map_data", map_data, 0, CARLA_WRAP_VALUE, CARLA_0_9_12},
    {"get_required_files", nothing, 1, CARLA_WRAP_VALUE, CARLA_0_9_12},
    {"query_lights_state", nothing, 1, CARLA_WRAP_VALUE, CARLA_0_9_12},
    {"get_vehicle_light_states", nothing, 0, CARLA_WRAP_VALUE, CARLA_0_9_12},
    {"is_traffic_manager_running", no, 1, CARLA_WRAP_VALUE, CARLA_0_9_12},
    {"get_weather_parameters", get_weather, 0, CARLA_WRAP_VALUE, CARLA_0_9_12},
    {"set_weather_parameters", set_weather, 1, CARLA_WRAP_VOID, CARLA_0_9_12},
    {"tick_cue", tick_cue, 0, CARLA_WRAP_VALUE, CARLA_0_9_12},
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
};

static const method *find(carla_text name)
{
    for (size_t i = 0; i < HP_ARRAY_LEN(METHODS); ++i) {
        if (carla_text_is(name, METHODS[i].name)) {
            return &METHODS[i];
        }
    }
    return NULL;
}

carla_wrapping carla_method_wrapping(carla_text name)
{
    const method *m = find(name);
    return m != NULL ? m->wrap : CARLA_WRAP_VALUE;
}

hp_status carla_method_run(carla_host *host, carla_text name, const msgpack_object *params,
                           msgpack_packer *value, hp_error *error)
{
    const method *m = find(name);
    const uint32_t n = carla_items(params);
    const int len = (int)(name.len < 64 ? name.len : 64);
    if (m == NULL || m->since > host->config.version) {
        return hp_fail(error, HP_EVERSION,
                       "rpclib: server could not find function '%.*s' with argument count %u.", len,
                       name.p, n);
    }
    const bool socket = m->n_args == 4 && host->config.version >= CARLA_0_9_16;
    const uint32_t wanted = m->n_args + 1 + (socket ? 1 : 0);
    if (n != wanted) {
        return hp_fail(error, HP_EVERSION,
                       "rpclib: client error C0002: Function '%.*s' was called with an invalid "
                       "number of arguments. Expected: %u, got: %u",
                       len, name.p, n, wanted);
    }
    const hp_status st = m->run(&(call){host, params, value, error});
    return st != HP_EWIRE ? st
                          : hp_fail(error, HP_EWIRE,
                                    "rpclib: function '%.*s' (called with %u arg(s)) threw an "
                                    "exception. The exception contained this information: "
                                    "std::bad_cast.",
                                    len, name.p, n);
}
