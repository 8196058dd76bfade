/** @file sim_drive.h A driver for tests: follows the route by pure pursuit and reacts to nobody. */
#ifndef SIM_DRIVE_H
#define SIM_DRIVE_H

#include "sim-bridge/sim_world.h"

/** scenarios/cts/ID.yaml; fails the test if it does not read. */
void sim_drive_read(const char *id, sim_scenario *out);
/** A world with the default configuration. */
sim_world *sim_drive_world(void);
/** Front wheel angle towards the route some way ahead of the ego. */
double sim_drive_steer(const hp_world_info *info, const hp_ego_state *ego);
/** +3 m/s^2 up to the limit (and what a bend of the route allows), then holds. */
hp_command sim_drive_const(const hp_world_info *info, const hp_frame *frame);
/** Plays an episode with sim_drive_const; returns the result (valid until the next load). */
const sim_result *sim_drive_episode(sim_world *world, const sim_scenario *scenario,
                                    const sim_scene *scene);

#endif
