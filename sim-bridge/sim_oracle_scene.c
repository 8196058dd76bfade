#include "sim-bridge/sim_oracle_internal.h"

#include <math.h>

/* An ego so far away that no body minds it. */
#define FAR_M 1e6

static void rules_begin(const sim_scenario *scenario, oracle_rules *rules)
{
    double limit = scenario->speed_limit_mps;
    sim_vehicle_config vehicle;
    sim_vehicle_config_default(&vehicle);
    if (scenario->force_brake_above_mps > 0.0) {
        limit = fmin(limit, scenario->force_brake_above_mps);
    }
    *rules = (oracle_rules){.limit_mps = limit,
                            .floor_mps = scenario->force_throttle_below_mps,
                            .length_m = vehicle.length_m,
                            .width_m = vehicle.width_m,
                            .start_mps = fmin(scenario->ego_speed_mps, limit)};
    rules->max_ticks = (uint32_t)fmin(floor(scenario->time_limit_s / SIM_ORACLE_TICK_S + 1e-6),
                                      SIM_ORACLE_MAX_TICKS);
}

static void latch_add(oracle_scene *scene, bool is_car, uint32_t index, hp_vec2 axis,
                      double reach_m)
{
    if (scene->latch.present) {
        scene->many_latches = true;
        return;
    }
    scene->latch = (oracle_latch){true, is_car, index, axis, reach_m};
}

static void latch_find(oracle_scene *scene)
{
    const sim_scenario *scenario = scene->scenario;
    scene->latch.present = false;
    scene->many_latches = false;
    for (uint32_t i = 0; i < scenario->n_walkers; ++i) {
        latch_add(scene, false, i, scenario->walkers[i].trigger_axis, scene->scene->distance_m);
    }
    for (uint32_t i = 0; i < scenario->n_cars; ++i) {
        if (!scenario->cars[i].parked && scenario->cars[i].stop_gap_m > 0.0) {
            latch_add(scene, true, i, (hp_vec2){0.0, 0.0}, scenario->cars[i].stop_gap_m);
        }
    }
}

/** Copies the moving bodies out. */
static void boxes_take(const oracle_scene *scene, const sim_actors *actors, oracle_script *script,
                       uint32_t tick)
{
    sim_body bodies[SIM_MAX_BODIES];
    const uint32_t n = sim_actors_bodies(scene->scenario, actors, bodies);
    uint32_t moving = 0;
    for (uint32_t i = 0; i < n; ++i) {
        if (!bodies[i].standing) {
            script->boxes[tick][moving++] = bodies[i].box;
        }
    }
    script->n_moving = moving;
}

/** One step with an ego that only the latch sees, or that nobody sees. */
static void step(const oracle_scene *scene, const hp_vec2 *ego, sim_actors *actors)
{
    const hp_vec2 far = {FAR_M, FAR_M};
    const hp_box nowhere = {{FAR_M, FAR_M, 0.0}, 1.0, 1.0};
    sim_actors_step(scene->scenario, scene->scene, ego != NULL ? *ego : far, &nowhere, 1.0,
                    SIM_ORACLE_TICK_S, actors);
}

void oracle_scene_begin(oracle_scene *scene, const sim_scenario *scenario, const sim_scene *which)
{
    sim_body bodies[SIM_MAX_BODIES];
    scene->scenario = scenario;
    scene->scene = which;
    rules_begin(scenario, &scene->rules);
    latch_find(scene);
    sim_actors_reset(scenario, which, &scene->before[0]);
    const uint32_t n = sim_actors_bodies(scenario, &scene->before[0], bodies);
    scene->n_parked = 0;
    for (uint32_t i = 0; i < n; ++i) {
        if (bodies[i].standing) {
            scene->parked[scene->n_parked++] = bodies[i].box;
        }
    }
    for (uint32_t k = 0;; ++k) {
        boxes_take(scene, &scene->before[k], &scene->calm, k);
        if (k == scene->rules.max_ticks) {
            break;
        }
        scene->before[k + 1] = scene->before[k];
        step(scene, NULL, &scene->before[k + 1]);
    }
}

hp_vec2 oracle_scene_latch_centre(const oracle_scene *scene, uint32_t tick)
{
    const sim_actors *actors = &scene->before[tick];
    return scene->latch.is_car ? actors->cars[scene->latch.index].position
                               : actors->walkers[scene->latch.index].position;
}

void oracle_scene_latch(oracle_scene *scene, uint32_t tick)
{
    const hp_vec2 ego = oracle_scene_latch_centre(scene, tick);
    sim_actors actors = scene->before[tick];
    for (uint32_t k = tick; k < scene->rules.max_ticks; ++k) {
        step(scene, k == tick ? &ego : NULL, &actors);
        boxes_take(scene, &actors, &scene->latched, k + 1);
    }
}
