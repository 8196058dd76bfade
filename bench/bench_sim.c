/* How fast the built-in simulator is: world steps alone, and with a look of the sensor at each.
 * Four agents: two walkers and two cars of scenario 10, doubled. Run from the source tree. */
#include "bench/hp_bench.h"
#include "sim-bridge/sim_world.h"

#include <string.h>

enum { STEPS_PER_BATCH = 20000 };

typedef struct sim_rig {
    sim_world *world;
    sim_scenario scenario;
    sim_scene scene;
    hp_frame frame;
    bool observes;
    uint32_t episode;
} sim_rig;

/** Drives with a small wobble of the wheels, so that no straight-line short cut is timed. */
static void steps(void *ctx)
{
    sim_rig *rig = ctx;
    for (uint32_t i = 0; i < STEPS_PER_BATCH; ++i) {
        if (sim_world_result(rig->world)->verdict != HP_VERDICT_RUNNING) {
            sim_world_load(rig->world, &rig->scenario, &rig->scene, ++rig->episode, 1);
        }
        if (rig->observes) {
            sim_world_observe(rig->world, &rig->frame);
        }
        const hp_command command = {.accel_mps2 = i % 40 < 30 ? 2.0 : -2.0,
                                    .steer_rad = i % 2 == 0 ? 0.002 : -0.002};
        sim_world_step(rig->world, &command);
    }
}

/** Doubles the scenario's bodies, shifted so that nobody is hit and episodes last. */
static void double_bodies(sim_scenario *s)
{
    s->walkers[1] = s->walkers[0];
    s->walkers[1].start.y_m += 20.0;
    s->walkers[0].before = (hp_vec2){0.0, 0.0};
    s->walkers[0].after = (hp_vec2){0.0, 1.0};
    s->walkers[1].after = (hp_vec2){0.0, -1.0};
    s->cars[1] = s->cars[0];
    s->cars[1].pose.y_m += 30.0;
    s->n_walkers = 2;
    s->n_cars = 2;
}

int main(void)
{
    static sim_rig rig;
    sim_config config;
    hp_error error;
    sim_config_default(&config);
    if (sim_scenario_read("scenarios/cts/10.yaml", &rig.scenario, &error) != HP_OK) {
        (void)fprintf(stderr, "%s\n", error.text);
        return 2;
    }
    if (sim_world_create(&config, &rig.world) != HP_OK) {
        return 3;
    }
    double_bodies(&rig.scenario);
    rig.scene = sim_scene_default();
    sim_world_load(rig.world, &rig.scenario, &rig.scene, 0, 1);
    hp_bench bench = {"sim_step", 101, 5, STEPS_PER_BATCH};
    (void)hp_bench_run(&bench, steps, &rig);
    rig.observes = true;
    bench.name = "sim_step_observe";
    (void)hp_bench_run(&bench, steps, &rig);
    sim_world_destroy(&rig.world);
    return 0;
}
