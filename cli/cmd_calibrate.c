/* hyplan calibrate policy: how sure the network may be, from scenes of the calibration grid. */
#include "cli/calibrate.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/policy_grid.h"
#include "cli/rundir.h"

#include <inttypes.h>
#include <string.h>

static const cli_usage USAGE = {
    .command = "calibrate",
    .synopsis = "calibrate policy|prune [options]",
    .summary = "measures the network's errors on scenes that neither training nor evaluation used",
    .example = "hyplan calibrate policy --episodes 24000 --out models",
    .without = CLI_NO_DATA | CLI_NO_JOBS,
};

static int report(const cli_common *common, const policy_calib *c, const policy_play *play,
                  const cli_rundir *dir)
{
    if (common->json) {
        (void)printf("{\"episodes\": %u, \"crashes\": %u, \"accept_score\": %.6g, "
                     "\"model_hash\": \"%016" PRIx64 "\", \"mix_hash\": \"%016" PRIx64 "\"}\n",
                     play->episodes, play->crashes, c->accept_score, c->model_hash, c->mix_hash);
    } else {
        (void)printf("%u episodes, one decision of each; %u crashed\n", play->episodes,
                     play->crashes);
        for (int g = 0; g < POLICY_GROUPS; g++) {
            (void)printf("  group %d: %6" PRIu64 " samples, interval %.3g scores to each side\n", g,
                         c->n[g], c->half_width[g]);
        }
        (void)printf("  selective: values with a score up to %.4g may be taken as they are\n"
                     "written to %s\n",
                     c->accept_score, dir->path);
    }
    return CLI_DONE;
}

/** Where the outcome goes is sure before hours are spent on it; a bad configuration leaves nothing.
 */
static hp_status open_place(const cli_common *common, cli_rundir *dir, hp_error *error)
{
    cli_config *config = malloc(sizeof *config);
    hp_status st = config != NULL ? cli_config_load(common, config, error) : HP_ENOMEM;
    free(config);
    return st == HP_OK ? cli_rundir_open(common, "calibrate-policy", dir, error) : st;
}

int cmd_calibrate(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "prune") == 0) {
        return calibrate_prune(argc - 1, argv + 1);
    }
    cli_common common;
    cli_texts rest;
    hp_error error = {{0}};
    uint32_t episodes = 24000;
    policy_grid grid = {0};
    policy_calib calib;
    policy_calib_config rules;
    cli_rundir dir;
    const cli_flag flags[] = {
        {"episodes", 0, CLI_FLAG_UINT, &episodes, "N", "episodes to play (24000)", 100, 1000000,
         NULL},
        {NULL, 0, CLI_FLAG_SWITCH, NULL, NULL, NULL, 0, 0, NULL},
    };
    const int status = cli_parse(&USAGE, flags, argc, argv, &common, &rest);
    if (status != CLI_GO) {
        return status;
    }
    if (rest.n != 1 || strcmp(rest.items[0], "policy") != 0) {
        return cli_fail(&USAGE, CLI_USAGE,
                        "what? hyplan calibrate policy, or hyplan calibrate prune");
    }
    policy_calib_config_default(&rules);
    hp_status st = open_place(&common, &dir, &error);
    if (st == HP_OK) {
        st = policy_grid_play(&common, POLICY_PART_CALIBRATE, episodes, &grid, &error);
    }
    if (st == HP_OK) {
        st = policy_calib_fit(&rules, grid.samples, episodes, &calib);
    }
    if (st == HP_OK) {
        calib.model_hash = grid.pilot.hash;
        calib.mix_hash = grid.mix_hash;
        st = policy_calib_write(&calib, dir.path, POLICY_CALIB_FILE, &error);
    }
    const int result =
        st == HP_OK ? report(&common, &calib, &grid.play, &dir) : cli_end(&USAGE, st, &error);
    policy_grid_close(&grid);
    return result;
}
