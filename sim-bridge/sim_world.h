/** @file sim_world.h The built-in simulator: vehicle, walkers, cars, sensor, judge.
 *
 *  Step 0.05 s with substeps for the vehicle. Deterministic in (scenario, scene, config, seed).
 *  Ownership: create() reserves every byte; load and step allocate nothing. Threads: one world, one
 *  thread; worlds share nothing. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "sim-bridge/bridge_world.h"
#include "sim-bridge/sim_scenario.h"
#include "sim-bridge/sim_sensor.h"
#include "sim-bridge/sim_vehicle.h"

typedef struct sim_world sim_world;

typedef struct sim_config {
    double tick_s;
    double walker_accel_mps2; /* scripted walkers change their velocity by no more; 0: at once */
    sim_vehicle_config vehicle;
    sim_sensor_config sensor;
} sim_config;

extern const hp_field SIM_FIELDS[]; /* section "sim" of the configuration */
void sim_config_default(sim_config *config);

HP_NODISCARD hp_status sim_world_create(const sim_config *config, sim_world **out);
void sim_world_destroy(sim_world **world);
/** The scenario as a world of this configuration plays it in a scene: sim_scenario_stage, and the
 * walkers as quick as config says. */
void sim_world_stage(const sim_config *config, const sim_scenario *scenario, const sim_scene *scene,
                     sim_scenario *out);
/** Starts an episode; may be called again for the next. episode and seed name it. */
void sim_world_load(sim_world *world, const sim_scenario *scenario, const sim_scene *scene,
                    uint32_t episode, uint64_t seed);

void sim_world_info(const sim_world *world, hp_world_info *info);
void sim_world_observe(sim_world *world, hp_frame *frame);
/** command NULL: the vehicle brakes. Does nothing once the verdict is out. */
void sim_world_step(sim_world *world, const hp_command *command);
const sim_result *sim_world_result(const sim_world *world);
/** Everything, hidden agents too, for judges and drawings; bodies [SIM_MAX_WALKERS + SIM_MAX_CARS].
 */
uint32_t sim_world_truth(const sim_world *world, hp_ego_state *ego, sim_body *bodies);
/** What the scenario leaves of the driver's wish at this speed; the benchmark overrides some. */
double sim_world_overridden(const sim_scenario *scenario, double speed_mps, double accel_mps2);
/** Hash of the whole state, for determinism tests. */
uint64_t sim_world_hash(const sim_world *world);
/** The world behind the bridge's table; destroying it destroys the world. */
bridge_world sim_world_as_bridge(sim_world *world);

#endif
