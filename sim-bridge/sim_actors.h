/** @file sim_actors.h The scripted bodies of a scenario, walkers and other vehicles.
 *
 *  Pure functions over a small plain struct that may be copied at will: the world plays an
 *  episode with them, the oracle asks what would happen along a hypothetical drive. What a
 *  scripted body does depends on the ego only through the trigger, the stop rules and touching;
 *  the other characters react to it, and no oracle is asked about them.
 *  Ownership: plain data. Threads: pure. Determinism: bit-identical. Allocation: none. */
#ifndef SIM_ACTORS_H
#define SIM_ACTORS_H

#include "sim-bridge/sim_judge.h"
#include "sim-bridge/sim_scenario.h"

enum { SIM_MAX_BODIES = SIM_MAX_WALKERS + SIM_MAX_CARS };

typedef struct sim_walker {
    hp_vec2 position;
    hp_vec2 velocity; /* of the last step, m/s; before the first: what he sets out with */
    double yaw_rad;   /* of his last walk; standing from the start: 0, which tells nothing */
    bool triggered;   /* latched: crosses from now on */
    bool arrived;     /* his stop rule has held: stands for good */
    bool waiting;     /* touched the standing ego: stands until his next step is free of it */
    bool yielding;    /* SIM_YIELDING: lets a car pass */
    bool returning;   /* SIM_FORCING: on his way back on to the road */
    bool returned;    /* and has been there */
    bool looks;       /* at the ego, to be seen by who sees him */
    double walked_m;  /* of his way along the pavement, until triggered */
    double crossed_m; /* of his way across, from there on */
    double back_to_m; /* returning: until crossed_m is this */
} sim_walker;

typedef struct sim_car {
    hp_vec2 position;
    hp_vec2 heading; /* unit; cars drive straight */
    double speed_mps;
    bool stopped; /* a stop rule has held: brakes and stands for good */
} sim_car;

/** walkers[i], cars[i] belong to the scenario's walkers[i], cars[i]. */
typedef struct sim_actors {
    sim_walker walkers[SIM_MAX_WALKERS];
    sim_car cars[SIM_MAX_CARS];
} sim_actors;

/** The state at the start of an episode. */
void sim_actors_reset(const sim_scenario *scenario, const sim_scene *scene, sim_actors *actors);

/** Advances all bodies by dt_s. ego_before: the ego's centre before this step, which triggers and
 *  stop rules look at; ego_box, ego_speed_mps: the ego after this step (the vehicle moves first),
 *  which walkers may touch. */
void sim_actors_step(const sim_scenario *scenario, const sim_scene *scene, hp_vec2 ego_before,
                     const hp_box *ego_box, double ego_speed_mps, double dt_s, sim_actors *actors);

/** Writes every body into out [SIM_MAX_BODIES]: walkers first, then cars, in the scenario's order,
 *  with id = index; returns how many. */
uint32_t sim_actors_bodies(const sim_scenario *scenario, const sim_actors *actors, sim_body *out);

#endif
