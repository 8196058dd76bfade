/** @file sim_oracle.h What the best driver could do who knows the script: the bar for planners.
 *
 *  Oracle A: the fastest crash-free arrival by speed along the route; where a parked car blocks the
 *  route itself, also past it within the road. Oracle B: also by lateral offsets from -4 to +4 m
 *  that the vehicle can follow, within road and pavement (the benchmark's limit).
 *  Model: a point mass that accelerates by 3 and brakes by 6 m/s^2 at once, never above the limit,
 *  with lateral acceleration up to 4 m/s^2, in steps of 0.05 s. Full throttle all the way is exact;
 *  else speeds are searched on a lattice with decisions every 0.1 s (within 0.1 s of the optimum),
 *  offsets over a family of swerves. Where more than one body waits for the ego, a coarse grid of
 *  drives stands in for the search. Whatever arrives has been driven among the scripted bodies once
 *  more (sim_oracle_check); "does not arrive" means that the search found nothing.
 *  Ownership: plain data. Threads: one oracle, one thread. Determinism: bit-identical.
 *  Allocation: in create only. */
#ifndef SIM_ORACLE_H
#define SIM_ORACLE_H

#include "sim-bridge/sim_world.h"

enum { SIM_ORACLE_MAX_TICKS = 640 };

#define SIM_ORACLE_TICK_S 0.05
#define SIM_ORACLE_ACCEL_MPS2 3.0
#define SIM_ORACLE_BRAKE_MPS2 6.0
#define SIM_ORACLE_LATERAL_MPS2 4.0

typedef struct sim_oracle sim_oracle;

typedef struct sim_oracle_result {
    bool arrives; /* within the scenario's time limit, without a crash */
    double ttg_s; /* NAN unless arrives */
} sim_oracle_result;

/** The ego at each tick. */
typedef struct sim_oracle_drive {
    uint32_t n_ticks; /* until the goal: poses [n_ticks + 1] */
    hp_pose poses[SIM_ORACLE_MAX_TICKS + 1];
    double speed_mps[SIM_ORACLE_MAX_TICKS + 1];
} sim_oracle_drive;

HP_NODISCARD hp_status sim_oracle_create(sim_oracle **out);
void sim_oracle_destroy(sim_oracle **oracle);
sim_oracle_result sim_oracle_a(sim_oracle *oracle, const sim_scenario *scenario,
                               const sim_scene *scene);
sim_oracle_result sim_oracle_b(sim_oracle *oracle, const sim_scenario *scenario,
                               const sim_scene *scene);
/** How the last result arrives; valid until the next call, and only if it arrives. */
const sim_oracle_drive *sim_oracle_drive_of(const sim_oracle *oracle);
/** Drives *drive among the scripted bodies: HP_OK if it stays clear of every box and on road and
 *  pavement and ends at the goal; else HP_EINVAL and *tick, where it went wrong (may be NULL). */
HP_NODISCARD hp_status sim_oracle_check(const sim_scenario *scenario, const sim_scene *scene,
                                        const sim_oracle_drive *drive, uint32_t *tick);

#endif
