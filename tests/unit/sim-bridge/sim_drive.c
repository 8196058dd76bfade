#include "tests/unit/sim-bridge/sim_drive.h"

#include "tests/support/hp_test.h"

#define BEND_MPS 7.0
#define BEND_BRAKE_MPS2 4.0

void sim_drive_read(const char *id, sim_scenario *out)
{
    char path[128];
    hp_error error = {""};
    (void)snprintf(path, sizeof path, "scenarios/cts/%s.yaml", id);
    if (sim_scenario_read(path, out, &error) != HP_OK) {
        print_error("%s\n", error.text);
        fail();
    }
}

sim_world *sim_drive_world(void)
{
    sim_config config;
    sim_world *world = NULL;
    sim_config_default(&config);
    assert_int_equal(sim_world_create(&config, &world), HP_OK);
    return world;
}

/** Foot point of the ego on the route, and the route's arc lengths. */
static hp_projection foot(const hp_world_info *info, const hp_ego_state *ego, double *s_m)
{
    (void)hp_polyline_lengths(info->route, info->n_route, s_m);
    return hp_polyline_project(info->route, s_m, info->n_route,
                               (hp_vec2){ego->pose.x_m, ego->pose.y_m});
}

double sim_drive_steer(const hp_world_info *info, const hp_ego_state *ego)
{
    double s_m[HP_MAX_ROUTE];
    const hp_projection at = foot(info, ego, s_m);
    const double ahead_m = 3.0 + 0.4 * ego->speed_mps;
    const double over_m = at.s_m + ahead_m - s_m[info->n_route - 1];
    hp_pose aim = hp_polyline_at(info->route, s_m, info->n_route, at.s_m + ahead_m);
    if (over_m > 0.0) { /* straight on beyond the route's end */
        aim.x_m += over_m * cos(aim.yaw_rad);
        aim.y_m += over_m * sin(aim.yaw_rad);
    }
    /* Pursuit from the rear axle. */
    const double rear_m = 0.5 * info->ego_wheelbase_m;
    const double dx = aim.x_m - (ego->pose.x_m - rear_m * cos(ego->pose.yaw_rad));
    const double dy = aim.y_m - (ego->pose.y_m - rear_m * sin(ego->pose.yaw_rad));
    const double left_m = cos(ego->pose.yaw_rad) * dy - sin(ego->pose.yaw_rad) * dx;
    return atan(2.0 * info->ego_wheelbase_m * left_m / (dx * dx + dy * dy));
}

/** Highest speed here, so that no later bend is taken faster than BEND_MPS. */
static double bend_speed(const hp_world_info *info, const hp_ego_state *ego)
{
    double s_m[HP_MAX_ROUTE];
    const hp_projection at = foot(info, ego, s_m);
    for (uint32_t i = at.segment; i + 2 < info->n_route; ++i) {
        const hp_vec2 a = hp_vec2_sub(info->route[i + 1], info->route[i]);
        const hp_vec2 b = hp_vec2_sub(info->route[i + 2], info->route[i + 1]);
        if (fabs(a.x_m * b.y_m - a.y_m * b.x_m) > 1e-9 * (s_m[i + 2] - s_m[i])) {
            const double way_m = fmax(0.0, s_m[i + 1] - at.s_m - 2.0);
            return sqrt(BEND_MPS * BEND_MPS + 2.0 * BEND_BRAKE_MPS2 * way_m);
        }
    }
    return INFINITY;
}

hp_command sim_drive_const(const hp_world_info *info, const hp_frame *frame)
{
    const double target_mps = fmin(info->speed_limit_mps, bend_speed(info, &frame->ego));
    return (hp_command){.world_id = frame->world_id,
                        .tick = frame->tick,
                        .accel_mps2 =
                            hp_clamp(3.0 * (target_mps - frame->ego.speed_mps), -5.5, 3.0),
                        .steer_rad = sim_drive_steer(info, &frame->ego),
                        .source = HP_SOURCE_SEARCH};
}

const sim_result *sim_drive_episode(sim_world *world, const sim_scenario *scenario,
                                    const sim_scene *scene)
{
    static hp_world_info info; /* large; tests run in one thread */
    static hp_frame frame;
    sim_world_load(world, scenario, scene, 0, 1);
    sim_world_info(world, &info);
    while (sim_world_result(world)->verdict == HP_VERDICT_RUNNING) {
        sim_world_observe(world, &frame);
        const hp_command command = sim_drive_const(&info, &frame);
        sim_world_step(world, &command);
    }
    return sim_world_result(world);
}
