#include "cli/policy_grid.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

const char *const POLICY_GRID_SCENARIOS[] = {"01", "02", "03", "04", "05", "06",
                                             "07", "08", "09", "10", NULL};
enum { N_SCENARIOS = 10, PARTS = 2, MAX_FIELDS = 16 };

/** The planner's keys but for the guard, which these drives go without. */
static void unguarded_fields(hp_field out[MAX_FIELDS])
{
    size_t n = 0;
    for (const hp_field *f = PLAN_FIELDS; f->key != NULL && n + 1 < MAX_FIELDS; ++f) {
        if (strcmp(f->key, "guard") != 0) {
            out[n++] = *f;
        }
    }
    out[n] = (hp_field)HP_F_END;
}

/* Settings of the search or of the network do not shape a scene, nor what is seen of it. */
uint64_t policy_grid_mix(const cli_config *config)
{
    hp_field fields[MAX_FIELDS];
    plan_config plan = config->plan;
    unguarded_fields(fields);
    predictor_cv_config predictor = config->predictor.cv;
    sim_config sim = config->sim;
    car_config car = config->car;
    const hp_section sections[] = {{"control", PLAN_CONTROL_FIELDS, &plan.control},
                                   {"planner", fields, &plan},
                                   {"sim", SIM_FIELDS, &sim}};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL) {
        return 0;
    }
    const bool printed = hp_config_print(out, sections, HP_ARRAY_LEN(sections), false) == HP_OK;
    const bool closed = fclose(out) == 0;
    uint64_t hash = printed && closed ? XXH3_64bits(text, size) : 0;
    free(text);
    hash = XXH3_64bits_withSeed(&predictor, sizeof predictor, hash); /* doubles, no gaps */
    hash = XXH3_64bits_withSeed(&car.reward, sizeof car.reward, hash);
    hash = XXH3_64bits_withSeed(car.actions_mps2, sizeof car.actions_mps2, hash);
    for (int i = 0; i < N_SCENARIOS; i++) {
        hash = XXH3_64bits_withSeed(POLICY_GRID_SCENARIOS[i], 2, hash);
    }
    return hash;
}

hp_status policy_grid_setting(const cli_config *config, policy_part part, drive_setting *out,
                              hp_error *error)
{
    static const sim_grid GRIDS[] = {
        [POLICY_PART_CALIBRATE] = SIM_GRID_CALIBRATION,
        [POLICY_PART_CHECK] = SIM_GRID_CALIBRATION,
        [POLICY_PART_EVALUATION] = SIM_GRID_EVALUATION,
        [POLICY_PART_VALIDATION] = SIM_GRID_VALIDATION,
    };
    out->parts = GRIDS[part] == SIM_GRID_CALIBRATION ? PARTS : 1;
    out->part = part == POLICY_PART_CHECK ? 1 : 0;
    return drive_setting_load(config, POLICY_GRID_SCENARIOS, N_SCENARIOS, GRIDS[part], out, error);
}

static void find_file(char *path, size_t size)
{
    char found[CLI_PATH];
    if (cli_find(path, found) && strlen(found) < size) {
        memcpy(path, found, strlen(found) + 1);
    }
}

void policy_grid_stamp(cli_config *config)
{
    car_prune_config *prune = &config->car.prune;
    find_file(config->policy.model, sizeof config->policy.model);
    find_file(prune->calibration, sizeof prune->calibration);
    (void)snprintf(prune->mix, sizeof prune->mix, "%016" PRIx64, policy_grid_mix(config));
}

hp_status policy_grid_play(const cli_common *common, policy_part part, uint32_t episodes,
                           policy_grid *out, hp_error *error)
{
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
    out->mix_hash = policy_grid_mix(out->config);
    st = policy_open(out->config, 1, &out->pilot, error);
    if (st == HP_OK) {
        st = policy_grid_setting(out->config, part, out->setting, error);
    }
    if (st != HP_OK) {
        return st;
    }
    out->setting->encoder = out->pilot.encoder;
    return policy_play_episodes(out->setting, out->pilot.infer, common->seed + part, episodes,
                                out->samples, &out->play, error);
}

void policy_grid_close(policy_grid *grid)
{
    free(grid->config);
    free(grid->setting);
    free(grid->samples);
    policy_infer_destroy(&grid->pilot.infer);
}
