/** @file carla_world.h A scenario in a CARLA server, behind the bridge's table.
 *
 *  We own the server's clock: synchronous mode, one tick a step. The scenario's rules
 *  (sim_actors.h) decide what walkers and cars do next, from where the server says everybody is;
 *  the server moves them. Sensor and judge are those of the built-in simulator, so only what is
 *  visible is observed; a hit is what the boxes or the server's collision sensor say.
 *  When the server fails the episode ends as STOPPED and trouble() says why.
 *  Ownership: a world owns its session. Threads: one. Allocation: in create, and what the session
 *  needs. Determinism: as the server's. */
#ifndef CARLA_WORLD_H
#define CARLA_WORLD_H

#include "sim-bridge/bridge_world.h"
#include "sim-bridge/carla/carla_config.h"
#include "sim-bridge/sim_world.h"

typedef struct carla_world_setup {
    const carla_config *carla;
    const sim_config *sim; /* tick, sensor; vehicle: only where the server does not tell */
    const sim_scenario *scenario;
    sim_scene scene;
    uint32_t episode;
    uint64_t seed;
} carla_world_setup;

/** What the planner is told of a scenario: the same as by the built-in simulator. */
HP_NODISCARD hp_status carla_world_info(const carla_world_setup *setup, hp_world_info *info);
/** Connects, spawns, and stands ready for the first step. Whatever fails, what was spawned is
 *  destroyed and the server's settings are as they were. */
HP_NODISCARD hp_status carla_world_create(const carla_world_setup *setup, bridge_world *out,
                                          hp_error *error);

#endif
