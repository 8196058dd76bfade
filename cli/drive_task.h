/** @file drive_task.h Driving as a task for the trainer: the built-in simulator, with the planner's
 *  own tracks, predictions and belief in front of it, and the search's reward.
 *
 *  Scenes come from the training or the calibration grid. In training they are varied at random
 *  (walkers' speed, place and where they stop, parked cars, the ego's response, the sensor), and
 *  two in three episodes are scenes in which somebody who never reacts would crash. Where the scene
 *  is a picture, training sometimes holds it for a while, so that the network learns to look at an
 *  older one, as it must in tree nodes.
 *  Ownership: the task borrows the setting; environments as in policy_task.h. Threads: as there.
 *  Allocation: in create only. Determinism: as there. */
#ifndef DRIVE_TASK_H
#define DRIVE_TASK_H

#include "cli/config.h"
#include "policy/policy_encoder.h"
#include "policy/policy_task.h"
#include "proto/hp_msgs.h"
#include "sim-bridge/sim_scenario.h"

enum { DRIVE_MAX_SCENARIOS = 16 };

typedef struct drive_setting {
    cli_config config;
    sim_grid grid;
    policy_encoder encoder;
    bool varied;
    uint32_t part, parts; /* every parts-th scene, from the part-th on; 0 parts: all */
    uint32_t n_scenarios;
    sim_scenario scenarios[DRIVE_MAX_SCENARIOS];
    uint32_t n_scenes[DRIVE_MAX_SCENARIOS];
    sim_scene scenes[DRIVE_MAX_SCENARIOS][SIM_MAX_SCENES];
    uint32_t n_critical[DRIVE_MAX_SCENARIOS];               /* 0 until they were looked for */
    uint16_t critical[DRIVE_MAX_SCENARIOS][SIM_MAX_SCENES]; /* indices of scenes */
} drive_setting;

/** Reads scenarios ("01", "02", ...) and their grid. Nothing is ever learned from the evaluation
 * grid: who trains or calibrates names another one. */
HP_NODISCARD hp_status drive_setting_load(const cli_config *config, const char *const *ids,
                                          uint32_t n, sim_grid grid, drive_setting *out,
                                          hp_error *error);
/** Finds the critical scenes, by driving each without reacting. */
HP_NODISCARD hp_status drive_setting_find_critical(drive_setting *setting, hp_error *error);
/** So many episodes were played before the next, in this environment or in others. Noise hangs on
 *  it, besides the stream. */
void drive_task_count(void *env, uint32_t episodes);
/** Which of the setting's scenarios an environment plays now. */
uint32_t drive_task_scenario(const void *env);
/** The choice that changes the speed least: the last one, where there is none yet. */
uint32_t drive_hold(const car_config *config);
/** What the planner asked the search for this decision, and the action before it. */
const hp_plan_request *drive_task_request(const void *env);
uint32_t drive_task_action(const void *env);
/** The task; ctx is the setting, whose accelerations are the choices. */
policy_task drive_task_of(drive_setting *setting);

#endif
