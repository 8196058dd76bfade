/* Variants of scenarios: mirrored, with other cars, altered in all ways at once; and what a scene
 * draws. */
#include "common/hp_rng.h"
#include "sim-bridge/sim_crowd.h"

/** Streams of a seed; one each, so that a new variant leaves the others as they are. */
enum { LANE_CARS, LANE_SIZES, LANE_SHIFT, LANE_SECOND, LANE_TEMPER };

static void mirror_pose(hp_pose *pose)
{
    pose->x_m = -pose->x_m;
    pose->yaw_rad = hp_angle_wrap(HP_PI - pose->yaw_rad);
}

static void mirror_rects(hp_rect *rects, uint32_t n)
{
    for (uint32_t i = 0; i < n; ++i) {
        const double x_min_m = rects[i].x_min_m;
        rects[i].x_min_m = -rects[i].x_max_m;
        rects[i].x_max_m = -x_min_m;
    }
}

void sim_scenario_mirror(sim_scenario *scenario)
{
    mirror_pose(&scenario->ego_start);
    mirror_pose(&scenario->goal);
    mirror_rects(scenario->road, scenario->n_road);
    mirror_rects(scenario->pavement, scenario->n_pavement);
    for (uint32_t i = 0; i < scenario->n_route; ++i) {
        scenario->route_xy[2 * (size_t)i] = -scenario->route_xy[2 * (size_t)i];
    }
    for (uint32_t i = 0; i < scenario->n_walkers; ++i) {
        sim_walker_spec *w = &scenario->walkers[i];
        w->start.x_m = -w->start.x_m;
        w->before.x_m = -w->before.x_m;
        w->after.x_m = -w->after.x_m;
        w->trigger_axis.x_m = -w->trigger_axis.x_m;
        w->stop_normal.x_m = -w->stop_normal.x_m;
    }
    for (uint32_t i = 0; i < scenario->n_cars; ++i) {
        sim_car_spec *car = &scenario->cars[i];
        mirror_pose(&car->pose);
        car->yield_normal.x_m = -car->yield_normal.x_m;
        car->stop_normal.x_m = -car->stop_normal.x_m;
    }
}

void sim_scenario_vary_cars(sim_scenario *scenario, uint64_t seed)
{
    /* Boxes of CARLA's Audi A2, Audi TT, Audi e-tron, Chevrolet Impala. */
    static const double SIZES_M[][2] = {
        {3.705, 1.789}, {4.182, 1.994}, {4.856, 2.033}, {5.357, 2.033}};
    const hp_rng stream = hp_rng_lane(hp_rng_seed(seed), LANE_CARS);
    for (uint32_t i = 0; i < scenario->n_cars; ++i) {
        const double *size = SIZES_M[hp_rng_u64(stream, i) % HP_ARRAY_LEN(SIZES_M)];
        scenario->cars[i].length_m = size[0];
        scenario->cars[i].width_m = size[1];
    }
}

static void shift_start(sim_scenario *scenario, double forward_m)
{
    hp_pose *start = &scenario->ego_start;
    start->x_m += forward_m * cos(start->yaw_rad);
    start->y_m += forward_m * sin(start->yaw_rad);
    scenario->route_xy[0] = start->x_m;
    scenario->route_xy[1] = start->y_m;
}

/** A companion some way behind each walker and beside him, who does as he does. */
static void double_walkers(sim_scenario *scenario, hp_rng stream)
{
    const uint32_t n = scenario->n_walkers;
    for (uint32_t i = 0; i < n && scenario->n_walkers < SIM_MAX_WALKERS; ++i) {
        const sim_walker_spec *first = &scenario->walkers[i];
        const double behind_m = hp_rng_range(stream, 2 * (uint64_t)i, 0.8, 2.5);
        const double beside_m = hp_rng_range(stream, 2 * (uint64_t)i + 1, -1.5, 1.5);
        sim_walker_spec *second = &scenario->walkers[scenario->n_walkers++];
        *second = *first;
        second->start.x_m -= behind_m * first->after.x_m + beside_m * first->after.y_m;
        second->start.y_m -= behind_m * first->after.y_m - beside_m * first->after.x_m;
    }
}

void sim_scenario_alter(sim_scenario *scenario, uint64_t seed)
{
    const hp_rng root = hp_rng_seed(seed);
    const hp_rng sizes = hp_rng_lane(root, LANE_SIZES);
    sim_scenario_mirror(scenario);
    sim_scenario_vary_cars(scenario, seed);
    shift_start(scenario, hp_rng_unit(hp_rng_lane(root, LANE_SHIFT), 0) < 0.5 ? -5.0 : 5.0);
    double_walkers(scenario, hp_rng_lane(root, LANE_SECOND));
    for (uint32_t i = 0; i < scenario->n_walkers; ++i) {
        scenario->walkers[i].length_m = hp_rng_range(sizes, 2 * (uint64_t)i, 0.3, 0.6);
        scenario->walkers[i].width_m = hp_rng_range(sizes, 2 * (uint64_t)i + 1, 0.3, 0.6);
    }
}

/** The walker starts as far ahead of the ego as the scene says, and has his own ways. */
static void temper_walker(const sim_scenario *scenario, const sim_scene *scene, hp_rng stream,
                          sim_walker_spec *w)
{
    const hp_pose *ego = &scenario->ego_start;
    const hp_vec2 forward = {cos(ego->yaw_rad), sin(ego->yaw_rad)};
    const double along_m = forward.x_m * (w->start.x_m - ego->x_m) +
                           forward.y_m * (w->start.y_m - ego->y_m) - scene->distance_m;
    w->start.x_m -= along_m * forward.x_m;
    w->start.y_m -= along_m * forward.y_m;
    w->walk_m = hp_rng_range(stream, 0, 5.0, 12.0);
    w->look_share = hp_rng_unit(stream, 1);
    w->decide_m = hp_rng_range(stream, 2, 1.0, 5.0);
    w->steps_back = hp_rng_unit(stream, 3) < 0.5;
    if (w->character == SIM_FORCING && hp_rng_unit(stream, 4) < 0.5) {
        w->return_m = hp_rng_range(stream, 5, 2.5, 5.0);
    }
}

void sim_scenario_stage(const sim_scenario *scenario, const sim_scene *scene, sim_scenario *out)
{
    *out = *scenario;
    if (scenario->varies == SIM_VARIES_DRAW) {
        sim_crowd_place(out, scene->draw);
        return;
    }
    if (scenario->varies == SIM_VARIES_APPROACH) {
        const hp_rng temper = hp_rng_lane(hp_rng_seed(scene->draw), LANE_TEMPER);
        for (uint32_t i = 0; i < out->n_walkers; ++i) {
            temper_walker(scenario, scene, hp_rng_lane(temper, i), &out->walkers[i]);
        }
        return;
    }
    if (scene->draw != 0) {
        sim_scenario_alter(out, scene->draw);
    }
}
