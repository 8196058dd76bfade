/* The stand-in's methods that are about the session, and how a method is called. */
#include "sim-bridge/carla/carla_methods_internal.h"

#include "common/hp_rng.h"
#include "sim-bridge/carla/carla_road.h"

/* ---- Session ---- */

static hp_status version(const call *c)
{
    carla_pack_text(c->out, carla_version_text(c->host->config.version));
    return HP_OK;
}

static hp_status available_maps(const call *c)
{
    const carla_server_config *config = &c->host->config;
    const char *const names[] = {config->map_name, config->second_map};
    const uint32_t n = config->second_map != NULL ? 2 : 1;
    char path[96];
    (void)msgpack_pack_array(c->out, n);
    for (uint32_t i = 0; i < n; ++i) {
        (void)snprintf(path, sizeof path, "/Game/Carla/Maps/%s", names[i]);
        carla_pack_text(c->out, path);
    }
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
    /* There is one road, whatever it is called; without a name it is loaded again. */
    const char *wanted = text[0] != '\0' ? last_part(text) : host->map_name;
    const char *second = host->config.second_map;
    if (strcmp(wanted, host->config.map_name) != 0 &&
        (second == NULL || strcmp(wanted, second) != 0)) {
        return hp_fail(c->error, HP_EINVAL, "Map '%s' not found", text);
    }
    if (wanted != host->map_name) {
        (void)snprintf(host->map_name, sizeof host->map_name, "%s", wanted);
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

/** Only plain names, into the directory that the server's owner has named. */
static hp_status start_recorder(const call *c)
{
    carla_host *host = c->host;
    carla_text name;
    char file[128];
    char path[512] = "";
    if (!carla_get_text(arg(c, 0), &name)) {
        return bad_cast(c);
    }
    carla_text_copy(name, file, sizeof file);
    carla_recorder_close(&host->recorder);
    const bool plain = file[0] != '\0' && file[0] != '.' && strpbrk(file, "/\\:") == NULL;
    if (plain && host->config.recordings != NULL) {
        (void)snprintf(path, sizeof path, "%s/%s", host->config.recordings, file);
        if (carla_recorder_open(path, host->map_name, &host->recorder) != HP_OK) {
            path[0] = '\0';
        }
    }
    carla_pack_text(c->out, path); /* empty: it could not be opened */
    return HP_OK;
}

static hp_status stop_recorder(const call *c)
{
    carla_recorder_close(&c->host->recorder);
    return HP_OK;
}

const carla_method CARLA_SESSION_METHODS[] = {
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
    {"start_recorder", start_recorder, 2, CARLA_WRAP_VALUE, CARLA_0_9_12},
    {"stop_recorder", stop_recorder, 0, CARLA_WRAP_VOID, CARLA_0_9_12},
    {"tick_cue", tick_cue, 0, CARLA_WRAP_VALUE, CARLA_0_9_12},
    {NULL, NULL, 0, CARLA_WRAP_NONE, CARLA_0_9_12},
};

static const carla_method *find(carla_text name)
{
    const carla_method *const tables[] = {CARLA_SESSION_METHODS, CARLA_ACTOR_METHODS};
    for (size_t t = 0; t < HP_ARRAY_LEN(tables); ++t) {
        for (const carla_method *m = tables[t]; m->name != NULL; ++m) {
            if (carla_text_is(name, m->name)) {
                return m;
            }
        }
    }
    return NULL;
}

carla_wrapping carla_method_wrapping(carla_text name)
{
    const carla_method *m = find(name);
    return m != NULL ? m->wrap : CARLA_WRAP_VALUE;
}

hp_status carla_method_run(carla_host *host, carla_text name, const msgpack_object *params,
                           msgpack_packer *value, hp_error *error)
{
    const carla_method *m = find(name);
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
