/** @file sim_crowd.h People and cars that heed each other: where a crowd is placed, how it moves.
 *
 *  Walkers follow a social force: they relax to their pace towards their goal and are pushed away
 * by whoever is near, less the farther (after Helbing and Molnar, 1995). They step on to a
 *  road only when no vehicle is about to pass there, the patient with more time to spare. Cars keep
 * to their lane and to a speed from which they can brake in front of whatever is ahead of them.
 *  Ownership: plain data. Threads: pure. Determinism: functions of their arguments. Allocation:
 *  none. */
#ifndef SIM_CROWD_H
#define SIM_CROWD_H

#include "sim-bridge/sim_actors.h"

/** Fills the scenario's walkers and cars: crowd_walkers on the pavements beside the route, each
 * with a goal on the same side or across; crowd_cars on the lanes. */
void sim_crowd_place(sim_scenario *scenario, uint32_t draw);

/** Velocity of walker i (of character SIM_SOCIAL) in the next dt_s. */
hp_vec2 sim_crowd_walk(const sim_scenario *scenario, const sim_actors *actors, uint32_t i,
                       const hp_box *ego, double ego_speed_mps, double dt_s);

/** Speed of a car that follows, in the next dt_s. */
double sim_crowd_pace(const sim_scenario *scenario, const sim_actors *actors, const sim_car *car,
                      const sim_car_spec *spec, const hp_box *ego, double dt_s);

#endif
