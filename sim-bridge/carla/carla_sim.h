/** @file carla_sim.h The stand-in's world: vehicles on the built-in simulator's physics, walkers
 * who go where they are told, collision sensors. Nothing is pushed aside by a contact. Ownership:
 * plain data. Threads: one. Allocation: none. Determinism: bit-identical. */
#ifndef CARLA_SIM_H
#define CARLA_SIM_H

#include "sim-bridge/carla/carla_frame.h"
#include "sim-bridge/carla/carla_observer.h"
#include "sim-bridge/sim_vehicle.h"

enum {
    CARLA_SIM_ACTORS = 128,
    CARLA_SIM_EVENTS = 256,
    CARLA_SIM_TEXT = 2048, /* an actor's description */
};

/** What can be spawned; uid is the index. */
typedef struct carla_blueprint {
    const char *id, *tags;
    carla_entry_kind kind;
    bool sensor;
    double length_m, width_m, height_m;
    uint8_t tag; /* semantic, numbering of 0.9.14 and later */
} carla_blueprint;

extern const carla_blueprint CARLA_BLUEPRINTS[];
extern const uint32_t CARLA_N_BLUEPRINTS;

typedef struct carla_sim_actor {
    uint32_t id; /* 0: free */
    uint32_t parent, blueprint, stream;
    carla_description description; /* texts point into text */
    char text[CARLA_SIM_TEXT];
    sim_vehicle_config body;
    sim_vehicle vehicle; /* pose of everybody; of walkers without the physics */
    double z_m;
    hp_vec2 velocity; /* m/s, as reported */
    carla_control control;
    carla_walker_control walker;
    bool frozen;         /* physics switched off: stays where it is put */
    bool constant;       /* drives at constant_mps whatever the pedals say */
    double constant_mps; /* along the car */
} carla_sim_actor;

/** One contact of a sensor's parent in the last tick. */
typedef struct carla_contact {
    uint32_t sensor, self, other; /* slots */
} carla_contact;

typedef struct carla_sim {
    carla_sim_actor actors[CARLA_SIM_ACTORS];
    uint32_t last_id, last_stream, spectator_id;
    const sim_vehicle_config *vehicle; /* of all cars; NULL: the default. Borrowed */
    uint32_t n_contacts;
    carla_contact contacts[CARLA_SIM_EVENTS];
} carla_sim;

/** An empty world but for the spectator. Ids and streams go on counting from where they were. */
void carla_sim_reset(carla_sim *sim);
/** The actor with this id, or NULL. */
carla_sim_actor *carla_sim_find(carla_sim *sim, uint32_t id);
/** HP_EINVAL with the simulator's words: no such blueprint, or the place is taken. HP_EFULL. */
HP_NODISCARD hp_status carla_sim_spawn(carla_sim *sim, const carla_description *description,
                                       const carla_transform *at, uint32_t parent,
                                       carla_sim_actor **out, hp_error *error);
bool carla_sim_destroy(carla_sim *sim, uint32_t id);
/** Puts an actor somewhere. */
void carla_sim_place(carla_sim_actor *actor, const carla_transform *at);
/** Gives an actor this velocity now, m/s in the simulator's frame. */
void carla_sim_push(carla_sim_actor *actor, carla_vec3 velocity);
void carla_sim_tick(carla_sim *sim, double dt_s);

carla_transform carla_sim_transform(const carla_sim_actor *actor);
void carla_sim_entry(const carla_sim_actor *actor, carla_entry *out);
carla_box carla_sim_box(const carla_sim_actor *actor);
carla_entry_kind carla_sim_kind(const carla_sim_actor *actor);

#endif
