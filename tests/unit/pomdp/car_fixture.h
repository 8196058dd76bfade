/** @file car_fixture.h A straight street along x as a request for the search, for the car's tests.
 */
#ifndef CAR_FIXTURE_H
#define CAR_FIXTURE_H

#include "pomdp/car/car_scene.h"

#include <string.h>

/** 120 m of road from (0, 0), goal at 100 m, ego at s with a speed. */
static inline void fixture_request(double s_m, double speed_mps, hp_plan_request *r)
{
    memset(r, 0, sizeof *r);
    r->stream = 12345;
    r->ego_s_m = s_m;
    r->ego_speed_mps = speed_mps;
    r->ego_length_m = 4.2;
    r->ego_width_m = 2.0;
    r->ego_wheelbase_m = 2.5;
    r->speed_limit_mps = 13.9;
    r->goal_s_m = 100.0;
    r->sensor_range_m = 50.0;
    r->n_path = 241;
    for (uint32_t i = 0; i < r->n_path; ++i) {
        r->path[i] = (hp_vec2){0.5 * i, 0.0};
        r->path_speed_mps[i] = 13.9;
    }
    r->step_s = 0.25;
    r->n_steps = 19;
}

/** A walker with one future: constant velocity. */
static inline hp_belief_agent *fixture_walker(hp_plan_request *r, double x_m, double y_m,
                                              double vx_mps, double vy_mps)
{
    hp_belief_agent *a = &r->agents[r->n_agents++];
    memset(a, 0, sizeof *a);
    a->id = r->n_agents;
    a->kind = HP_CLASS_WALKER;
    a->pose = (hp_pose){x_m, y_m, 0.0};
    a->vx_mps = vx_mps;
    a->vy_mps = vy_mps;
    a->length_m = 0.4;
    a->width_m = 0.4;
    a->n_modes = 1;
    a->modes[0].probability = 1.0;
    for (uint32_t k = 0; k < r->n_steps; ++k) {
        const double t = (k + 1) * r->step_s;
        a->modes[0].mean[k] = (hp_vec2){x_m + vx_mps * t, y_m + vy_mps * t};
    }
    return a;
}

static inline void fixture_parked_car(hp_plan_request *r, double x_m, double y_m)
{
    r->occluders[r->n_occluders++] = (hp_occluder){.id = 90, .box = {{x_m, y_m, 0.0}, 4.0, 1.8}};
}

#endif
