#include "cli/policy_grid.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

const char *const POLICY_GRID_SCENARIOS[] = {"01", "02", "03", "04", "05", "06",
                                             "07", "08", "09", "10", NULL};
enum { N_SCENARIOS = 10, PARTS = 2 };

/** The policy section says which network, not what it sees: it does not belong to the mix. */
static uint64_t mix_of(const cli_config *config)
{
    cli_config mix = *config;
    policy_config_default(&mix.policy);
    uint64_t hash = cli_config_hash(&mix);
    for (int i = 0; i < N_SCENARIOS; i++) {
        hash = XXH3_64bits_withSeed(POLICY_GRID_SCENARIOS[i], 2, hash);
    }
    return hash;
}

hp_status policy_grid_play(const cli_common *common, policy_part part, uint32_t episodes,
                           policy_grid *out, hp_error *error)
{
    const bool evaluation = part == POLICY_PART_EVALUATION;
    out->config = calloc(1, sizeof *out->config);
    out->setting = calloc(1, sizeof *out->setting);
    out->samples = calloc(episodes, sizeof *out->samples);
    if (out->config == NULL || out->setting == NULL || out->samples == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory for %u episodes", episodes);
    }
    hp_status st = cli_config_load(common, out->config, error);
    if (st != HP_OK) {
        return st;
    }
    out->mix_hash = mix_of(out->config);
    st = policy_open(&out->config->policy, 1, &out->infer, &out->model_hash, error);
    if (st == HP_OK) {
        st = drive_setting_load(out->config, POLICY_GRID_SCENARIOS, N_SCENARIOS,
                                evaluation ? SIM_GRID_EVALUATION : SIM_GRID_CALIBRATION,
                                out->setting, error);
    }
    if (st != HP_OK) {
        return st;
    }
    out->setting->parts = evaluation ? 1 : PARTS;
    out->setting->part = part == POLICY_PART_CHECK ? 1 : 0;
    return policy_play_episodes(out->setting, out->infer, common->seed + part, episodes,
                                out->samples, &out->play, error);
}

void policy_grid_close(policy_grid *grid)
{
    free(grid->config);
    free(grid->setting);
    free(grid->samples);
    policy_infer_destroy(&grid->infer);
}
