#include "tests/unit/sim-bridge/carla_hero.h"

#include "tests/support/hp_test.h"

#include <string.h>

const char HERO_AHEAD[] = "id: a\ntitle: along the road\n"
                          "ego: {x_m: 1.5, y_m: -50.0, yaw_deg: 90.0}\n"
                          "goal: {x_m: 1.5, y_m: 10.0, yaw_deg: 90.0}\n"
                          "time_limit_s: 60.0\n"
                          "varies: walker\n";

hp_status hero_attach_by(rig *r, const char *scenario, const hp_clock *clock, bridge_world *out,
                         hp_error *error)
{
    assert_int_equal(sim_scenario_parse(scenario, strlen(scenario), "a.yaml", &r->scenario, error),
                     HP_OK);
    const carla_world_setup setup = {.carla = &r->carla,
                                     .sim = &r->sim,
                                     .scenario = &r->scenario,
                                     .scene = sim_scene_default(),
                                     .seed = 7,
                                     .clock = clock};
    return carla_attach_create(&setup, out, error);
}

hp_status hero_attach(rig *r, const char *scenario, bridge_world *out, hp_error *error)
{
    return hero_attach_by(r, scenario, &r->clock, out, error);
}
