#include "sim-bridge/carla/carla_sim.h"

#include <math.h>

#define MOVING_MPS 0.01

/* Sizes of the models as the simulator reports them. */
const carla_blueprint CARLA_BLUEPRINTS[] = {
    {"spectator", "spectator", CARLA_ENTRY_OTHER, false, 0.0, 0.0, 0.0, 0},
    {"vehicle.audi.tt", "vehicle,audi,tt", CARLA_ENTRY_VEHICLE, false, 4.182, 1.994, 1.385, 14},
    {"vehicle.audi.a2", "vehicle,audi,a2", CARLA_ENTRY_VEHICLE, false, 3.705, 1.789, 1.547, 14},
    {"vehicle.tesla.model3", "vehicle,tesla,model3", CARLA_ENTRY_VEHICLE, false, 4.792, 2.163,
     1.488, 14},
    {"vehicle.bh.crossbike", "vehicle,bh,crossbike", CARLA_ENTRY_VEHICLE, false, 1.487, 0.86, 1.18,
     19},
    {"walker.pedestrian.0001", "walker,pedestrian,0001", CARLA_ENTRY_WALKER, false, 0.375, 0.375,
     1.86, 12},
    {"sensor.other.collision", "sensor,other,collision", CARLA_ENTRY_OTHER, true, 0.0, 0.0, 0.0, 0},
};
const uint32_t CARLA_N_BLUEPRINTS = HP_ARRAY_LEN(CARLA_BLUEPRINTS);

enum { SPECTATOR = 0 };

static const carla_blueprint *blueprint_of(const carla_sim_actor *actor)
{
    return &CARLA_BLUEPRINTS[actor->blueprint];
}

carla_entry_kind carla_sim_kind(const carla_sim_actor *actor)
{
    return blueprint_of(actor)->kind;
}

void carla_sim_reset(carla_sim *sim)
{
    const uint32_t last_id = sim->last_id;
    const uint32_t last_stream = sim->last_stream;
    const sim_vehicle_config *vehicle = sim->vehicle;
    memset(sim, 0, sizeof *sim);
    sim->vehicle = vehicle;
    sim->last_id = sim->spectator_id = last_id + 1;
    sim->last_stream = last_stream > CARLA_WORLD_STREAM ? last_stream : CARLA_WORLD_STREAM;
    carla_sim_actor *spectator = &sim->actors[0];
    spectator->id = sim->spectator_id;
    spectator->blueprint = SPECTATOR;
    spectator->description = (carla_description){.id = carla_text_of("spectator")};
}

carla_sim_actor *carla_sim_find(carla_sim *sim, uint32_t id)
{
    for (uint32_t i = 0; i < CARLA_SIM_ACTORS && id != 0; ++i) {
        if (sim->actors[i].id == id) {
            return &sim->actors[i];
        }
    }
    return NULL;
}

static hp_box box_of(const carla_sim_actor *actor)
{
    const carla_blueprint *b = blueprint_of(actor);
    return (hp_box){actor->vehicle.state.pose, b->length_m, b->width_m};
}

static bool is_body(const carla_sim_actor *actor)
{
    return actor->id != 0 && carla_sim_kind(actor) != CARLA_ENTRY_OTHER;
}

static bool is_taken(const carla_sim *sim, const carla_sim_actor *actor)
{
    const hp_box box = box_of(actor);
    for (uint32_t i = 0; i < CARLA_SIM_ACTORS; ++i) {
        const carla_sim_actor *other = &sim->actors[i];
        const hp_box its = is_body(other) ? box_of(other) : box;
        if (is_body(other) && other != actor && hp_box_overlap(&box, &its)) {
            return true;
        }
    }
    return false;
}

/** Copies a text behind what is there already. */
static bool keep(carla_sim_actor *actor, size_t *used, carla_text *text)
{
    if (text->len > sizeof actor->text - *used) {
        return false;
    }
    if (text->len > 0) {
        memcpy(actor->text + *used, text->p, text->len);
    }
    text->p = actor->text + *used;
    *used += text->len;
    return true;
}

static bool keep_description(carla_sim_actor *actor, const carla_description *given)
{
    size_t used = 0;
    actor->description = *given;
    bool fits = keep(actor, &used, &actor->description.id);
    for (uint32_t i = 0; i < given->n_attributes; ++i) {
        carla_attribute *a = &actor->description.attributes[i];
        fits = fits && keep(actor, &used, &a->id) && keep(actor, &used, &a->value);
    }
    return fits;
}

static void equip(carla_sim *sim, carla_sim_actor *actor)
{
    const carla_blueprint *b = blueprint_of(actor);
    sim_vehicle_config_default(&actor->body);
    if (sim->vehicle != NULL) {
        actor->body = *sim->vehicle;
    }
    if (b->kind == CARLA_ENTRY_VEHICLE) {
        actor->body.wheelbase_m *= b->length_m / actor->body.length_m;
        actor->body.length_m = b->length_m;
        actor->body.width_m = b->width_m;
    }
    if (b->sensor) {
        actor->stream = ++sim->last_stream;
    }
}

hp_status carla_sim_spawn(carla_sim *sim, const carla_description *description,
                          const carla_transform *at, uint32_t parent, carla_sim_actor **out,
                          hp_error *error)
{
    carla_sim_actor *actor = NULL;
    for (uint32_t i = 0; i < CARLA_SIM_ACTORS && actor == NULL; ++i) {
        actor = sim->actors[i].id == 0 ? &sim->actors[i] : NULL;
    }
    if (actor == NULL) {
        return hp_fail(error, HP_EINVAL, "Unknown error while trying to spawn actor");
    }
    if (parent != 0 && carla_sim_find(sim, parent) == NULL) {
        return hp_fail(error, HP_EINVAL, "unable to attach actor: parent actor not found");
    }
    memset(actor, 0, sizeof *actor);
    const bool known = description->uid > SPECTATOR && description->uid < CARLA_N_BLUEPRINTS;
    if (!known || !keep_description(actor, description)) {
        return hp_fail(error, HP_EINVAL, "Spawn failed because of invalid actor description");
    }
    actor->blueprint = description->uid;
    actor->parent = parent;
    carla_sim_place(actor, at);
    if (carla_sim_kind(actor) != CARLA_ENTRY_OTHER && is_taken(sim, actor)) {
        return hp_fail(error, HP_EINVAL, "Spawn failed because of collision at spawn position");
    }
    actor->id = ++sim->last_id;
    equip(sim, actor);
    *out = actor;
    return HP_OK;
}

bool carla_sim_destroy(carla_sim *sim, uint32_t id)
{
    carla_sim_actor *actor = id != sim->spectator_id ? carla_sim_find(sim, id) : NULL;
    if (actor != NULL) {
        memset(actor, 0, sizeof *actor);
    }
    return actor != NULL;
}

void carla_sim_place(carla_sim_actor *actor, const carla_transform *at)
{
    actor->vehicle.state.pose = carla_to_pose(at);
    actor->z_m = (double)at->location.z;
}

void carla_sim_push(carla_sim_actor *actor, carla_vec3 velocity)
{
    const double yaw = actor->vehicle.state.pose.yaw_rad;
    actor->velocity = carla_to_vec2(velocity);
    actor->vehicle.state.speed_mps =
        fmax(0.0, actor->velocity.x_m * cos(yaw) + actor->velocity.y_m * sin(yaw));
}

/* ---- A tick ---- */

static void drive(carla_sim_actor *actor, double dt_s)
{
    const sim_vehicle_config *body = &actor->body;
    hp_ego_state *state = &actor->vehicle.state;
    const double v = state->speed_mps;
    const carla_control *c = &actor->control;
    const double losses = body->rolling_mps2 + body->drag_mps2_per_mps2 * v * v;
    const double throttle = c->reverse ? 0.0 : (double)c->throttle; /* it has no reverse gear */
    const double brake = c->hand_brake ? 1.0 : (double)c->brake;
    /* Both pedals together are the difference, as an acceleration. */
    const double accel = throttle * body->max_accel_mps2 - brake * body->max_decel_mps2 - losses;
    sim_vehicle_step(body, &actor->vehicle, accel, -(double)c->steer * body->max_steer_rad, dt_s);
}

static void advance(carla_sim_actor *actor, double dt_s)
{
    hp_ego_state *state = &actor->vehicle.state;
    if (carla_sim_kind(actor) == CARLA_ENTRY_WALKER) {
        const hp_vec2 way = carla_to_vec2(actor->walker.direction);
        const double v = (double)actor->walker.speed_mps;
        actor->velocity = (hp_vec2){way.x_m * v, way.y_m * v};
        state->pose.x_m += actor->velocity.x_m * dt_s;
        state->pose.y_m += actor->velocity.y_m * dt_s;
        if (v > 0.0 && hypot(way.x_m, way.y_m) > 0.0) {
            state->pose.yaw_rad = atan2(way.y_m, way.x_m);
        }
        return;
    }
    if (actor->frozen) {
        actor->velocity = (hp_vec2){0.0, 0.0};
        return;
    }
    if (actor->constant) {
        state->pose.x_m += actor->constant_mps * cos(state->pose.yaw_rad) * dt_s;
        state->pose.y_m += actor->constant_mps * sin(state->pose.yaw_rad) * dt_s;
        state->speed_mps = fmax(0.0, actor->constant_mps);
        state->accel_mps2 = 0.0;
    } else {
        drive(actor, dt_s);
    }
    actor->velocity = (hp_vec2){state->speed_mps * cos(state->pose.yaw_rad),
                                state->speed_mps * sin(state->pose.yaw_rad)};
}

static void find_contacts(carla_sim *sim, uint32_t sensor, uint32_t self)
{
    const carla_sim_actor *actor = &sim->actors[self];
    const hp_box box = box_of(actor);
    if (hypot(actor->velocity.x_m, actor->velocity.y_m) <= MOVING_MPS) {
        return;
    }
    for (uint32_t i = 0; i < CARLA_SIM_ACTORS; ++i) {
        if (i == self || !is_body(&sim->actors[i])) {
            continue;
        }
        const hp_box its = box_of(&sim->actors[i]);
        if (sim->n_contacts < CARLA_SIM_EVENTS && hp_box_overlap(&box, &its)) {
            sim->contacts[sim->n_contacts++] = (carla_contact){sensor, self, i};
        }
    }
}

void carla_sim_tick(carla_sim *sim, double dt_s)
{
    sim->n_contacts = 0;
    for (uint32_t i = 0; i < CARLA_SIM_ACTORS; ++i) {
        if (is_body(&sim->actors[i])) {
            advance(&sim->actors[i], dt_s);
        }
    }
    for (uint32_t i = 0; i < CARLA_SIM_ACTORS; ++i) {
        const carla_sim_actor *parent =
            sim->actors[i].stream != 0 ? carla_sim_find(sim, sim->actors[i].parent) : NULL;
        if (parent != NULL) {
            sim->actors[i].vehicle.state.pose = parent->vehicle.state.pose;
            if (is_body(parent)) {
                find_contacts(sim, i, (uint32_t)(parent - sim->actors));
            }
        }
    }
}

/* ---- What is told of an actor ---- */

carla_transform carla_sim_transform(const carla_sim_actor *actor)
{
    return carla_from_pose(actor->vehicle.state.pose, actor->z_m);
}

void carla_sim_entry(const carla_sim_actor *actor, carla_entry *out)
{
    const hp_ego_state *state = &actor->vehicle.state;
    *out = (carla_entry){.id = actor->id,
                         .state = 1,
                         .transform = carla_sim_transform(actor),
                         .velocity = carla_from_vec2(actor->velocity, 0.0),
                         .control = actor->control,
                         .speed_limit_kmh = 30.0F,
                         .walker = actor->walker};
    if (carla_sim_kind(actor) == CARLA_ENTRY_VEHICLE && !actor->frozen) {
        const hp_vec2 accel = {state->accel_mps2 * cos(state->pose.yaw_rad),
                               state->accel_mps2 * sin(state->pose.yaw_rad)};
        out->acceleration = carla_from_vec2(accel, 0.0);
        out->angular_deg.z = (float)(-state->yaw_rate_radps * 180.0 / HP_PI);
        if (out->control.gear == 0 && state->speed_mps > 0.0) {
            out->control.gear = 1;
        }
    }
}

carla_box carla_sim_box(const carla_sim_actor *actor)
{
    const carla_blueprint *b = blueprint_of(actor);
    /* A walker's origin is his middle, a vehicle's lies on the ground. */
    const double up = b->kind == CARLA_ENTRY_VEHICLE ? 0.5 * b->height_m : 0.0;
    return (carla_box){.location = {0.0F, 0.0F, (float)up},
                       .extent = {(float)(0.5 * b->length_m), (float)(0.5 * b->width_m),
                                  (float)(0.5 * b->height_m)},
                       .actor_id = actor->id};
}
