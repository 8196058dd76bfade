/** @file policy_grid.h The calibration grid, cut in two: scenes to calibrate on, scenes to check
 * on. Ownership: close frees what play reserved. Threads: one user. Allocation: while playing. */
#ifndef POLICY_GRID_H
#define POLICY_GRID_H

#include "cli/options.h"
#include "cli/policy_play.h"

#define POLICY_CALIB_FILE "policy.calibration.safetensors"
#define PRUNE_LABELS_FILE "prune.calibration.safetensors"

typedef enum policy_part {
    POLICY_PART_CALIBRATE,
    POLICY_PART_CHECK,
    POLICY_PART_EVALUATION, /* the evaluation grid, to look at only */
    POLICY_PART_VALIDATION, /* the validation grid, where choices are made */
} policy_part;

typedef struct policy_grid {
    cli_config *config;
    drive_setting *setting;
    policy_infer *infer;
    policy_sample *samples; /* [episodes] */
    policy_play play;
    uint64_t model_hash;
    uint64_t mix_hash; /* of scenarios and of all settings that shape what is seen */
} policy_grid;

/** Scenes of one part of the grid, as config says how they are driven. */
HP_NODISCARD hp_status policy_grid_setting(const cli_config *config, policy_part part,
                                           drive_setting *out, hp_error *error);
/** Makes a configuration ready to be driven with: the network and its errors are found wherever the
 * program was started from, and errors of another mix of scenes are refused. */
void policy_grid_stamp(cli_config *config);
/** Hash of scenarios and of all settings that shape what is seen. */
uint64_t policy_grid_mix(const cli_config *config);
HP_NODISCARD hp_status policy_grid_play(const cli_common *common, policy_part part,
                                        uint32_t episodes, policy_grid *out, hp_error *error);
void policy_grid_close(policy_grid *grid);
extern const char *const POLICY_GRID_SCENARIOS[]; /* in the setting's order, ended by NULL */

#endif
