#include "sim-bridge/carla/carla_world.h"

#include "sim-bridge/carla/carla_client.h"
#include "sim-bridge/carla/carla_frame.h"
#include "sim-bridge/carla/carla_stream.h"
#include "sim-bridge/sim_actors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_COMMANDS = 2 * SIM_MAX_BODIES + 4, MAX_EVENTS = 64 };

#define WALKER_ABOVE_M 0.5
#define WALKER_BLUEPRINT "walker.pedestrian.0001"

/** What a spawned actor is like. */
typedef struct puppet {
    uint32_t id;      /* 0: none */
    double forward_m; /* of its box's centre before its origin */
    double length_m, width_m;
    double cruise_mps; /* what it was told last; cars */
    bool seen;         /* in the last snapshot */
} puppet;

typedef struct carla_world {
    carla_config config;
    sim_config sim;
    sim_scenario scenario;
    sim_scene scene;
    hp_clock clock;
    carla_client *client;
    carla_stream *contacts;
    carla_settings settings; /* as they were */
    bool changed;            /* the settings */
    uint32_t sensor_id;
    puppet ego_puppet, puppets[SIM_MAX_BODIES];
    hp_world_info info;
    hp_ego_state ego;
    float steer; /* last */
    sim_actors actors;
    uint32_t n_bodies;
    sim_body bodies[SIM_MAX_BODIES];
    sim_judge judge;
    sim_sensor sensor;
    uint32_t n_looked;
    bool driving; /* the first step has begun */
    carla_command commands[MAX_COMMANDS];
    char trouble[sizeof((hp_error *)0)->text];
} carla_world;

static hp_vec2 place_of(const hp_pose *pose)
{
    return (hp_vec2){pose->x_m, pose->y_m};
}

/* ---- Reading snapshots ---- */

static hp_pose centre_of(const puppet *p, const carla_transform *at)
{
    hp_pose pose = carla_to_pose(at);
    pose.x_m += p->forward_m * cos(pose.yaw_rad);
    pose.y_m += p->forward_m * sin(pose.yaw_rad);
    return pose;
}

static void read_ego(carla_world *w, const carla_entry *e)
{
    const hp_pose pose = centre_of(&w->ego_puppet, &e->transform);
    const double c = cos(pose.yaw_rad);
    const double s = sin(pose.yaw_rad);
    const hp_vec2 v = carla_to_vec2(e->velocity);
    const hp_vec2 a = carla_to_vec2(e->acceleration);
    w->ego = (hp_ego_state){.pose = pose,
                            .speed_mps = v.x_m * c + v.y_m * s,
                            .accel_mps2 = a.x_m * c + a.y_m * s,
                            .steer_rad = -(double)e->control.steer * w->info.max_steer_rad,
                            .yaw_rate_radps = -(double)e->angular_deg.z * HP_PI / 180.0};
}

/** Puts body i where the server says it is; the scenario's rules go on from there. */
static void read_body(carla_world *w, uint32_t i, const carla_entry *e)
{
    puppet *p = &w->puppets[i];
    const hp_pose pose = centre_of(p, &e->transform);
    const hp_vec2 v = carla_to_vec2(e->velocity);
    p->seen = true;
    w->bodies[i].box = (hp_box){pose, p->length_m, p->width_m};
    if (w->driving) { /* before the first step they set out, but do not move yet */
        w->bodies[i].vx_mps = v.x_m;
        w->bodies[i].vy_mps = v.y_m;
    }
    if (i < w->scenario.n_walkers) {
        w->actors.walkers[i].position = place_of(&pose);
    } else {
        w->actors.cars[i - w->scenario.n_walkers].position = place_of(&pose);
    }
}

static hp_status read_all(carla_world *w, const carla_snapshot *snapshot, hp_error *error)
{
    bool ego = false;
    for (uint32_t k = 0; k < snapshot->n_actors; ++k) {
        const uint32_t id = carla_entry_id(snapshot, k);
        carla_entry entry;
        if (id == w->ego_puppet.id) {
            ego = carla_entry_read(snapshot, k, CARLA_ENTRY_VEHICLE, &entry);
            read_ego(w, &entry);
            continue;
        }
        for (uint32_t i = 0; i < w->n_bodies; ++i) {
            if (id == w->puppets[i].id &&
                carla_entry_read(snapshot, k, CARLA_ENTRY_OTHER, &entry)) {
                read_body(w, i, &entry);
            }
        }
    }
    return ego ? HP_OK
               : hp_fail(error, HP_ENOENT, "the ego (actor %u) has vanished from the world",
                         w->ego_puppet.id);
}

/* ---- One step ---- */

static carla_command *add(carla_world *w, uint32_t *n, carla_command_kind kind, uint32_t actor)
{
    carla_command *c = &w->commands[(*n)++];
    *c = (carla_command){.kind = kind, .actor = actor};
    return c;
}

/** Pedals and wheel for an acceleration; not a number brakes and keeps the wheel. */
static carla_control control_for(carla_world *w, double accel_mps2, double steer_rad)
{
    const carla_config *config = &w->config;
    const double v = w->ego.speed_mps;
    carla_control out = {0};
    if (!isnan(steer_rad)) {
        w->steer = (float)hp_clamp(-steer_rad / w->info.max_steer_rad, -1.0, 1.0);
    }
    out.steer = w->steer;
    if (isnan(accel_mps2)) {
        out.brake = 1.0F;
        return out;
    }
    const double wanted = accel_mps2 + config->rolling_mps2 + config->drag_mps2_per_mps2 * v * v;
    out.throttle = (float)hp_clamp(wanted / config->throttle_mps2, 0.0, 1.0);
    out.brake = (float)hp_clamp(-wanted / config->brake_mps2, 0.0, 1.0);
    return out;
}

static void command_walker(carla_world *w, uint32_t i, hp_vec2 way, uint32_t *n)
{
    const double step_m = hypot(way.x_m, way.y_m);
    carla_command *c = add(w, n, CARLA_CMD_WALKER_CONTROL, w->puppets[i].id);
    c->walker.speed_mps = (float)(step_m / w->info.tick_s);
    if (step_m > 0.0) {
        c->walker.direction = carla_from_vec2((hp_vec2){way.x_m / step_m, way.y_m / step_m}, 0.0);
    }
}

static hp_status command_car(carla_world *w, uint32_t k, hp_vec2 way, hp_error *error)
{
    puppet *p = &w->puppets[w->scenario.n_walkers + k];
    const hp_vec2 heading = w->actors.cars[k].heading;
    const double wanted = (way.x_m * heading.x_m + way.y_m * heading.y_m) / w->info.tick_s;
    if (w->scenario.cars[k].parked || p->cruise_mps == wanted) {
        return HP_OK;
    }
    p->cruise_mps = wanted;
    return carla_client_cruise(w->client, p->id, wanted, error);
}

/** Lets the scenario's rules decide, and passes on where everybody shall go. */
static hp_status command_bodies(carla_world *w, uint32_t *n, hp_error *error)
{
    const hp_box ego = {w->ego.pose, w->info.ego_length_m, w->info.ego_width_m};
    const sim_actors before = w->actors;
    hp_status st = HP_OK;
    sim_actors_step(&w->scenario, &w->scene, place_of(&w->ego.pose), &ego, w->ego.speed_mps,
                    w->info.tick_s, &w->actors);
    for (uint32_t i = 0; i < w->scenario.n_walkers; ++i) {
        command_walker(w, i, hp_vec2_sub(w->actors.walkers[i].position, before.walkers[i].position),
                       n);
    }
    for (uint32_t k = 0; k < w->scenario.n_cars && st == HP_OK; ++k) {
        st = command_car(w, k, hp_vec2_sub(w->actors.cars[k].position, before.cars[k].position),
                         error);
    }
    return st;
}

/** What the collision sensor has reported. */
static void hear_contacts(carla_world *w)
{
    carla_doc doc = {0};
    for (int i = 0; i < MAX_EVENTS; ++i) {
        const uint8_t *bytes = NULL;
        const sim_body *body = NULL;
        size_t len = 0;
        size_t used = 0;
        uint32_t id = 0;
        hp_error error;
        if (carla_stream_next(w->contacts, 0.0, &bytes, &len, &error) != HP_OK) {
            break;
        }
        if (len <= CARLA_SENSOR_HEADER ||
            carla_pack_scan(bytes + CARLA_SENSOR_HEADER, len - CARLA_SENSOR_HEADER, &used,
                            &error) != HP_OK ||
            carla_doc_read(&doc, bytes + CARLA_SENSOR_HEADER, used, &error) != HP_OK ||
            !carla_get_u32(carla_item(carla_item(&doc.unpacked.data, 1), 0), &id)) {
            continue;
        }
        for (uint32_t k = 0; k < w->n_bodies; ++k) {
            body = w->puppets[k].id == id ? &w->bodies[k] : body;
        }
        if (id != w->ego_puppet.id) {
            sim_judge_contact(&w->judge, &w->ego, body);
        }
    }
    carla_doc_clear(&doc);
}

static hp_status advance(carla_world *w, const hp_command *command, hp_error *error)
{
    uint32_t n = 0;
    carla_snapshot snapshot = {0};
    const double accel = sim_world_overridden(&w->scenario, w->ego.speed_mps,
                                              command != NULL ? command->accel_mps2 : (double)NAN);
    const double steer = command != NULL ? command->steer_rad : (double)NAN;
    add(w, &n, CARLA_CMD_CONTROL, w->ego_puppet.id)->control = control_for(w, accel, steer);
    hp_status st = command_bodies(w, &n, error);
    if (st == HP_OK) {
        st = carla_client_batch(w->client, w->commands, n, error);
    }
    if (st == HP_OK) {
        st = carla_client_tick(w->client, &snapshot, error);
    }
    if (st != HP_OK) {
        return st;
    }
    (void)sim_actors_bodies(&w->scenario, &w->actors, w->bodies);
    return read_all(w, &snapshot, error);
}

static void look(carla_world *w)
{
    const uint32_t tick = w->judge.result.ticks;
    if (w->n_looked <= tick) {
        w->n_looked = tick + 1;
        sim_sensor_look(&w->sim.sensor, &w->sensor, tick, &w->ego, w->info.ego_wheelbase_m,
                        w->bodies, w->n_bodies);
    }
}

/** The server is of no use any more; if it still listens, the ego brakes. */
static void fail(carla_world *w, hp_status st, const hp_error *error)
{
    hp_error ignored;
    (void)snprintf(w->trouble, sizeof w->trouble, "%s", error->text);
    sim_judge_finish(&w->judge);
    if (st != HP_EDEADLINE && st != HP_EUNAVAILABLE) {
        w->commands[0] = (carla_command){
            .kind = CARLA_CMD_CONTROL, .actor = w->ego_puppet.id, .control = {.brake = 1.0F}};
        (void)!carla_client_batch(w->client, w->commands, 1, &ignored);
    }
}

static void world_step(void *self, const hp_command *command)
{
    carla_world *w = self;
    hp_error error = {{0}};
    if (w->judge.result.verdict != HP_VERDICT_RUNNING) {
        return;
    }
    if (w->sim.sensor.delay_ticks > 0) {
        look(w);
    }
    const hp_ego_state before = w->ego;
    w->driving = true;
    const hp_status st = advance(w, command, &error);
    if (st != HP_OK) {
        fail(w, st, &error);
        return;
    }
    sim_judge_tick(&w->judge, command, &before, &w->ego, w->bodies, w->n_bodies);
    hear_contacts(w);
}

static void world_observe(void *self, hp_frame *frame)
{
    carla_world *w = self;
    look(w);
    frame->world_id = w->info.world_id;
    frame->episode = w->info.episode;
    frame->tick = w->judge.result.ticks;
    frame->stamp_ns = (int64_t)llround(frame->tick * w->info.tick_s * 1e9);
    frame->ego = w->ego;
    sim_sensor_report(&w->sim.sensor, &w->sensor, frame);
}

static void world_info(const void *self, hp_world_info *info)
{
    *info = ((const carla_world *)self)->info;
}

static const sim_result *world_result(const void *self)
{
    return &((const carla_world *)self)->judge.result;
}

static const char *world_trouble(const void *self)
{
    const carla_world *w = self;
    return w->trouble[0] != '\0' ? w->trouble : NULL;
}

/* ---- Beginning and end ---- */

/** Destroys what was spawned, the sensor first, and puts the settings back. */
static void world_destroy(void *self)
{
    carla_world *w = self;
    hp_error ignored;
    uint32_t n = 0;
    if (w->sensor_id != 0) {
        (void)add(w, &n, CARLA_CMD_DESTROY, w->sensor_id);
    }
    for (uint32_t i = 0; i < w->n_bodies; ++i) {
        if (w->puppets[i].id != 0) {
            (void)add(w, &n, CARLA_CMD_DESTROY, w->puppets[i].id);
        }
    }
    if (w->ego_puppet.id != 0) {
        (void)add(w, &n, CARLA_CMD_DESTROY, w->ego_puppet.id);
    }
    /* An ego that vanished is no reason to leave the rest. */
    if (w->client != NULL && n > 0) {
        (void)!carla_client_batch(w->client, w->commands, n, &ignored);
    }
    if (w->client != NULL && w->changed) {
        (void)!carla_client_set(w->client, &w->settings, &ignored);
    }
    carla_stream_close(&w->contacts);
    carla_client_close(&w->client);
    free(w);
}

/** The blueprint whose length comes nearest. */
static const char *car_blueprint(double length_m)
{
    static const struct {
        const char *id;
        double length_m;
    } CARS[] = {
        {"vehicle.audi.tt", 4.182}, {"vehicle.audi.a2", 3.705}, {"vehicle.tesla.model3", 4.792}};
    size_t best = 0;
    for (size_t i = 1; i < HP_ARRAY_LEN(CARS); ++i) {
        if (fabs(CARS[i].length_m - length_m) < fabs(CARS[best].length_m - length_m)) {
            best = i;
        }
    }
    return CARS[best].id;
}

/** A half extent as it can be; two-wheelers and walkers sometimes report nonsense. */
static double size_of(float half, double otherwise)
{
    return half >= 0.1F && half <= 10.0F ? 2.0 * (double)half : otherwise;
}

static hp_status spawn(carla_world *w, const char *blueprint, const char *role,
                       const sim_body *body, puppet *out, hp_error *error)
{
    carla_actor actor;
    const double above_m = body->kind == HP_CLASS_WALKER ? WALKER_ABOVE_M : 0.0;
    const carla_transform at = carla_from_pose(body->box.centre, w->config.spawn_z_m + above_m);
    const hp_status st = carla_client_spawn(w->client, blueprint, role, &at, &actor, error);
    if (st == HP_OK) {
        *out = (puppet){.id = actor.id,
                        .forward_m = (double)actor.box.location.x,
                        .length_m = size_of(actor.box.extent.x, body->box.length_m),
                        .width_m = size_of(actor.box.extent.y, body->box.width_m)};
    }
    return st;
}

static hp_status spawn_bodies(carla_world *w, hp_error *error)
{
    hp_status st = HP_OK;
    for (uint32_t i = 0; i < w->n_bodies && st == HP_OK; ++i) {
        const bool walker = w->bodies[i].kind == HP_CLASS_WALKER;
        st = spawn(w, walker ? WALKER_BLUEPRINT : car_blueprint(w->bodies[i].box.length_m),
                   "hyplan", &w->bodies[i], &w->puppets[i], error);
        if (st == HP_OK && w->bodies[i].standing) {
            const carla_command freeze = {.kind = CARLA_CMD_SIMULATE_PHYSICS,
                                          .actor = w->puppets[i].id};
            st = carla_client_batch(w->client, &freeze, 1, error);
        }
    }
    return st;
}

/** What the server knows better than our configuration. */
static hp_status learn_ego(carla_world *w, hp_error *error)
{
    carla_physics physics;
    const hp_status st = carla_client_physics(w->client, w->ego_puppet.id, &physics, error);
    if (st != HP_OK) {
        return st;
    }
    w->info.ego_length_m = w->ego_puppet.length_m;
    w->info.ego_width_m = w->ego_puppet.width_m;
    if (physics.n_wheels >= 3) {
        const carla_vec3 front = physics.wheels[0].position_cm;
        const carla_vec3 rear = physics.wheels[2].position_cm;
        const double base_m =
            0.01 * hypot((double)front.x - (double)rear.x, (double)front.y - (double)rear.y);
        const double steer_rad = (double)physics.wheels[0].max_steer_deg * HP_PI / 180.0;
        w->info.ego_wheelbase_m = base_m > 0.3 && base_m < 15.0 ? base_m : w->info.ego_wheelbase_m;
        w->info.max_steer_rad =
            steer_rad > 0.05 && steer_rad < 1.4 ? steer_rad : w->info.max_steer_rad;
    }
    return HP_OK;
}

static hp_status open_session(carla_world *w, hp_error *error)
{
    const carla_endpoint endpoint = {.host = w->config.host,
                                     .port = (uint16_t)w->config.port,
                                     .connect_s = w->config.connect_s,
                                     .timeout_s = w->config.timeout_s};
    char map[64] = "";
    hp_status st = carla_client_connect(&endpoint, &w->clock, &w->client, error);
    if (st == HP_OK && w->config.map[0] != '\0') {
        st = carla_client_map(w->client, map, sizeof map, error);
        if (st == HP_OK && strcmp(map, w->config.map) != 0) {
            st = carla_client_load(w->client, w->config.map, error);
        }
    }
    if (st == HP_OK) {
        st = carla_client_settings(w->client, &w->settings, error);
    }
    if (st == HP_OK && w->settings.synchronous) {
        st = hp_fail(error, HP_EBUSY,
                     "the server is in synchronous mode already: somebody else drives it, or left "
                     "it so; `hyplan carla free` gives it back its own clock");
    }
    carla_settings ours = w->settings;
    ours.synchronous = true;
    ours.fixed_delta_s = w->info.tick_s;
    if (st == HP_OK) {
        w->changed = true;
        st = carla_client_set(w->client, &ours, error);
    }
    return st;
}

static hp_status settle(carla_world *w, hp_error *error)
{
    const hp_vec2 velocity = {w->scenario.ego_speed_mps * cos(w->scenario.ego_start.yaw_rad),
                              w->scenario.ego_speed_mps * sin(w->scenario.ego_start.yaw_rad)};
    carla_snapshot snapshot = {0};
    uint32_t n = 0;
    hp_status st = HP_OK; /* no brake: it would still hold when the first step begins */
    for (uint32_t i = 0; i < w->config.settle_ticks && st == HP_OK; ++i) {
        st = carla_client_tick(w->client, &snapshot, error);
    }
    if (st == HP_OK) {
        st = read_all(w, &snapshot, error);
    }
    if (st == HP_OK && w->scenario.ego_speed_mps > 0.0) {
        add(w, &n, CARLA_CMD_VELOCITY, w->ego_puppet.id)->vector = carla_from_vec2(velocity, 0.0);
        st = carla_client_batch(w->client, w->commands, n, error);
        w->ego.speed_mps = w->scenario.ego_speed_mps;
    }
    return st;
}

static hp_status begin(carla_world *w, hp_error *error)
{
    const sim_body ego = {
        .kind = HP_CLASS_CAR,
        .box = {w->scenario.ego_start, w->sim.vehicle.length_m, w->sim.vehicle.width_m}};
    hp_status st = open_session(w, error);
    if (st == HP_OK) {
        st = spawn(w, w->config.ego, "hero", &ego, &w->ego_puppet, error);
    }
    if (st == HP_OK) {
        st = spawn_bodies(w, error);
    }
    if (st == HP_OK) {
        st = learn_ego(w, error);
    }
    if (st == HP_OK) {
        st = carla_client_attach(w->client, "sensor.other.collision", w->ego_puppet.id,
                                 &w->sensor_id, &w->contacts, error);
    }
    return st == HP_OK ? settle(w, error) : st;
}

/** The built-in simulator tells the planner the same of a scenario. */
static hp_status fill_info(carla_world *w, const carla_world_setup *setup)
{
    sim_world *twin = NULL;
    const hp_status st = sim_world_create(setup->sim, &twin);
    if (st == HP_OK) {
        sim_world_load(twin, setup->scenario, &setup->scene, setup->episode, setup->seed);
        sim_world_info(twin, &w->info);
        sim_world_destroy(&twin);
    }
    return st;
}

hp_status carla_world_create(const carla_world_setup *setup, bridge_world *out, hp_error *error)
{
    static const bridge_world_ops OPS = {.name = "carla",
                                         .info = world_info,
                                         .observe = world_observe,
                                         .step = world_step,
                                         .result = world_result,
                                         .trouble = world_trouble,
                                         .destroy = world_destroy};
    carla_world *w = calloc(1, sizeof *w);
    *out = (bridge_world){NULL, NULL};
    if (w == NULL || fill_info(w, setup) != HP_OK) {
        free(w);
        return hp_fail(error, HP_ENOMEM, "no memory for the CARLA world");
    }
    w->config = *setup->carla;
    w->sim = *setup->sim;
    sim_scenario_stage(setup->scenario, &setup->scene, &w->scenario);
    w->scene = setup->scene;
    w->clock = hp_clock_real();
    sim_actors_reset(&w->scenario, &w->scene, &w->actors);
    w->n_bodies = sim_actors_bodies(&w->scenario, &w->actors, w->bodies);
    sim_judge_init(&w->info, w->scenario.time_limit_s, w->scenario.near_miss_applies, &w->judge);
    sim_sensor_reset(&w->sensor, hp_rng_u64(hp_rng_seed(setup->seed), ~(uint64_t)setup->episode));
    const hp_status st = begin(w, error);
    if (st != HP_OK) {
        world_destroy(w);
        return st;
    }
    *out = (bridge_world){&OPS, w};
    return HP_OK;
}
