/* Any bytes as a scenario file. What is refused leaves the scenario as it was and is told in one
 * line; what is accepted can be played: the ego stays sound, and the verdict is one of the list. */
#include "sim-bridge/sim_world.h"
#include "tests/support/fuzz_target.h"

#include <string.h>

enum { STEPS = 40 };

static void play(const sim_scenario *scenario, uint8_t salt)
{
    static sim_world *world; /* made once: episodes must not leak into each other */
    static hp_frame frame;
    sim_scene scene = sim_scene_default();
    scene.distance_m = salt;
    if (world == NULL) {
        sim_config config;
        sim_config_default(&config);
        fuzz_must(sim_world_create(&config, &world) == HP_OK);
    }
    sim_world_load(world, scenario, &scene, 0, salt);
    for (int i = 0; i < STEPS; ++i) {
        sim_world_observe(world, &frame);
        fuzz_must(frame.n_agents <= HP_MAX_AGENTS && frame.n_occluders <= HP_MAX_OCCLUDERS);
        fuzz_must(isfinite(frame.ego.pose.x_m) && isfinite(frame.ego.pose.y_m));
        fuzz_must(frame.ego.speed_mps >= 0.0 && frame.ego.speed_mps < 200.0);
        const hp_command command = {.accel_mps2 = i % 3 - 1.0, .steer_rad = 0.01 * (i % 5 - 2)};
        sim_world_step(world, &command);
    }
    const sim_result *result = sim_world_result(world);
    fuzz_must(result->verdict <= HP_VERDICT_STOPPED && result->crash < SIM_CRASH_COUNT);
    fuzz_must(!isnan(result->min_ttc_s) && result->min_gap_m >= 0.0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static sim_scenario scenario;
    static sim_scenario before;
    hp_error error;
    memset(&scenario, 7, sizeof scenario);
    before = scenario;
    if (sim_scenario_parse((const char *)data, size, "f.yaml", &scenario, &error) == HP_OK) {
        play(&scenario, size > 0 ? data[size - 1] : 0);
    } else {
        fuzz_must(memcmp(&scenario, &before, sizeof scenario) == 0);
        fuzz_must(strncmp(error.text, "f.yaml:", 7) == 0);
        fuzz_must(strchr(error.text, '\n') == NULL);
    }
    return 0;
}
