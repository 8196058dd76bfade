/** @file policy_play.h Episodes of the greedy policy on a grid, with what it said and what came.
 *  Ownership: borrows all. Threads: one player, one thread. Allocation: while playing.
 *  Determinism: a function of (setting, model, seed). */
#ifndef POLICY_PLAY_H
#define POLICY_PLAY_H

#include "cli/drive_task.h"
#include "policy/policy_calib.h"

typedef struct policy_play {
    uint32_t episodes, crashes, goals; /* the rest ran out of time */
    double mean_return;                /* undiscounted */
    uint32_t scenario_episodes[DRIVE_MAX_SCENARIOS], scenario_crashes[DRIVE_MAX_SCENARIOS];
} policy_play;

/** A driving network with what it sees. */
typedef struct policy_pilot {
    policy_infer *infer; /* the caller destroys it */
    policy_encoder encoder;
    uint64_t hash;
} policy_pilot;

/** A driving network, loaded and checked: its features are today's and its choices are
 * pomdp.actions_mps2, or it is refused. "" in policy.model is HP_ENOENT. On failure *out is zeros.
 */
HP_NODISCARD hp_status policy_open(const cli_config *config, uint32_t max_rows, policy_pilot *out,
                                   hp_error *error);
/** Plays n episodes and draws one decision of each at random into samples [n]. What was cut off by
 * time counts as if it had gone on as the network expects. */
HP_NODISCARD hp_status policy_play_episodes(drive_setting *setting, policy_infer *infer,
                                            uint64_t seed, uint32_t n, policy_sample *samples,
                                            policy_play *out, hp_error *error);

#endif
