#include "planner/plan_steer.h"

double plan_steer_angle(const plan_steer_config *config, const plan_path *path,
                        const hp_ego_state *ego, double wheelbase_m, double max_steer_rad)
{
    const double yaw = ego->pose.yaw_rad;
    const hp_vec2 rear = {ego->pose.x_m - 0.5 * wheelbase_m * cos(yaw),
                          ego->pose.y_m - 0.5 * wheelbase_m * sin(yaw)};
    const double ahead = fmax(config->lookahead_min_m, config->lookahead_s * fabs(ego->speed_mps));
    const double s = plan_path_project(path, rear).s_m;
    const hp_pose aim = plan_path_at(path, s + ahead);
    const double dx = aim.x_m - rear.x_m;
    const double dy = aim.y_m - rear.y_m;
    const double d = hypot(dx, dy);
    if (d < 0.1) {
        return 0.0; /* at the very end of the path */
    }
    const double alpha = hp_angle_wrap(atan2(dy, dx) - yaw);
    const double steer = atan(2.0 * wheelbase_m * sin(alpha) / d);
    return hp_clamp(steer, -max_steer_rad, max_steer_rad);
}
