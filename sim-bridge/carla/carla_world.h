/** @file carla_world.h A scenario in a CARLA server, behind the bridge's table.
 *
 *  We own the server's clock: synchronous mode, one tick a step. The scenario's rules
 *  (sim_actors.h) decide what walkers and cars do next, from where the server says everybody is;
 *  the server moves them. Sensor and judge are those of the built-in simulator, so only what is
 *  visible is observed; a hit is what the boxes or the server's collision sensor say.
 *  When the server fails the episode ends as STOPPED (carla_seat.h); the next one connects anew.
 *  Ownership: a world owns its session. Threads: one. Allocation: in create, and what the session
 *  needs. Determinism: as the server's. */
#ifndef CARLA_WORLD_H
#define CARLA_WORLD_H

#include "sim-bridge/carla/carla_seat.h"

/** Connects, spawns, and stands ready for the first step. Whatever fails, what was spawned is
 *  destroyed and the server's settings are as they were. */
HP_NODISCARD hp_status carla_world_create(const carla_world_setup *setup, bridge_world *out,
                                          hp_error *error);

#endif
