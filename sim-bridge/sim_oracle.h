/** @file sim_oracle.h What the best driver could do who knows the script: the bar for every planner.
 *  Oracle A: the fastest crash-free arrival by speed along the route. Oracle B: also by lateral offsets
 *  from -4 to +4 m that the vehicle can follow, within the drivable area (the benchmark's limit).
 *  Ownership: plain data. Threads: one oracle, one thread. Allocation: in create only. */
#ifndef SIM_ORACLE_H
#define SIM_ORACLE_H

#include "sim-bridge/sim_world.h"

typedef struct sim_oracle sim_oracle;

typedef struct sim_oracle_result {
    bool arrives; /* within the scenario's time limit, without a crash */
    double ttg_s; /* NAN unless arrives */
} sim_oracle_result;

HP_NODISCARD hp_status sim_oracle_create(sim_oracle **out);
void sim_oracle_destroy(sim_oracle **oracle);
sim_oracle_result sim_oracle_a(sim_oracle *oracle, const sim_scenario *scenario,
                               const sim_scene *scene);
sim_oracle_result sim_oracle_b(sim_oracle *oracle, const sim_scenario *scenario,
                               const sim_scene *scene);

#endif
