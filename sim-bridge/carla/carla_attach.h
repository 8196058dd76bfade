/** @file carla_attach.h Driving somebody else's ego in somebody else's scenario.
 *
 *  The vehicle whose role_name is hero is driven; everybody else is as the server has it. The clock
 *  stays theirs: a step sends the controls and waits for the world to have gone on by a tick. Only
 *  goal, route and limits are taken from the scenario file; with none, route and ground come from
 *  the server's map. Nothing is spawned but a collision sensor on the ego, nothing is changed.
 *  Ownership, threads, allocation: as carla_world.h. */
#ifndef CARLA_ATTACH_H
#define CARLA_ATTACH_H

#include "sim-bridge/carla/carla_world.h"

/** Connects, waits up to connect_s for a hero, and stands ready. HP_ENOENT: there is none. */
HP_NODISCARD hp_status carla_attach_create(const carla_world_setup *setup, bridge_world *out,
                                           hp_error *error);

#endif
