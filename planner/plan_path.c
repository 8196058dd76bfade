#include "planner/plan_path.h"

#include <assert.h>

#define TIGHT_RADIUS_M 30.0 /* a bend, for max_turn_mps */
#define PROLONG_M 30.0      /* past the route's end */
#define CURVE_WINDOW_M 3.0  /* headings are compared this far to both sides */

/** Places path->n points evenly along a line and, past its end, along its last direction. */
static void resample(const hp_vec2 *line, const double *line_s, uint32_t n, double spacing,
                     plan_path *path)
{
    const double length = line_s[n - 1];
    const hp_pose end = hp_polyline_at(line, line_s, n, length);
    for (uint32_t i = 0; i < path->n; ++i) {
        const double s = i * spacing;
        hp_pose pose = hp_polyline_at(line, line_s, n, s);
        if (s > length) {
            pose.x_m = end.x_m + (s - length) * cos(end.yaw_rad);
            pose.y_m = end.y_m + (s - length) * sin(end.yaw_rad);
        }
        path->points[i] = (hp_vec2){pose.x_m, pose.y_m};
    }
    (void)hp_polyline_lengths(path->points, path->n, path->s_m);
}

static double curvature_at(const plan_path *path, double s)
{
    const double a = fmax(s - CURVE_WINDOW_M, 0.0);
    const double b = fmin(s + CURVE_WINDOW_M, path->s_m[path->n - 1]);
    const hp_pose from = plan_path_at(path, a);
    const hp_pose here = plan_path_at(path, 0.5 * (a + b));
    const hp_pose to = plan_path_at(path, b);
    /* by chords: headings of single segments are exact to a segment's length only */
    const double turned = hp_angle_wrap(atan2(to.y_m - here.y_m, to.x_m - here.x_m) -
                                        atan2(here.y_m - from.y_m, here.x_m - from.x_m));
    return 2.0 * fabs(turned) / fmax(b - a, 1e-6);
}

/** The gentle way down to whatever is slower ahead. */
static void slow_down_in_time(const plan_path_config *config, plan_path *path)
{
    for (uint32_t i = path->n - 1; i-- > 0;) {
        const double ds = path->s_m[i + 1] - path->s_m[i];
        const double v_next = path->speed_mps[i + 1];
        const double v_reach = sqrt(v_next * v_next + 2.0 * config->slow_down_mps2 * ds);
        path->speed_mps[i] = fmin(path->speed_mps[i], v_reach);
    }
}

void plan_path_set_speeds(const plan_path_config *config, double limit_mps, plan_path *path)
{
    for (uint32_t i = 0; i < path->n; ++i) {
        const double curvature = curvature_at(path, path->s_m[i]);
        double v = limit_mps;
        if (curvature > 1e-3) {
            v = fmin(v, sqrt(config->max_lateral_mps2 / curvature));
        }
        if (curvature > 1.0 / TIGHT_RADIUS_M) {
            v = fmin(v, config->max_turn_mps);
        }
        path->speed_mps[i] = v;
    }
    slow_down_in_time(config, path);
}

/** Path of a line [n] and so much more along its last direction. */
/* NOLINTNEXTLINE(readability-function-size): a flat list spares callers a struct per path */
static void lay(const plan_path_config *config, const hp_world_info *info, const hp_vec2 *line,
                const double *line_s, uint32_t n, double more_m, plan_path *path)
{
    const double total_m = line_s[n - 1] + more_m;
    const double spacing = fmax(config->spacing_m, total_m / (HP_MAX_PATH - 1));
    path->n = (uint32_t)fmin(floor(total_m / spacing) + 1.0, HP_MAX_PATH);
    resample(line, line_s, n, spacing, path);
    plan_path_set_speeds(config, info->speed_limit_mps, path);
    const hp_vec2 goal = {info->goal.x_m, info->goal.y_m};
    path->goal_s_m = plan_path_project(path, goal).s_m - info->goal_radius_m;
}

void plan_path_follow_route(const plan_path_config *config, const hp_world_info *info,
                            plan_path *path)
{
    double route_s[HP_MAX_ROUTE];
    (void)hp_polyline_lengths(info->route, info->n_route, route_s);
    lay(config, info, info->route, route_s, info->n_route, PROLONG_M, path);
}

void plan_path_through(const plan_path_config *config, const hp_world_info *info,
                       const hp_vec2 *points, uint32_t n, plan_path *path)
{
    double line_s[PLAN_PATH_MAX_LINE];
    assert(n <= PLAN_PATH_MAX_LINE);
    (void)hp_polyline_lengths(points, n, line_s);
    lay(config, info, points, line_s, n, 0.0, path);
}

void plan_path_stop_at(const plan_path_config *config, double s_m, plan_path *path)
{
    for (uint32_t i = path->n; i-- > 0 && path->s_m[i] >= s_m;) {
        path->speed_mps[i] = 0.0;
    }
    slow_down_in_time(config, path);
}

hp_pose plan_path_at(const plan_path *path, double s_m)
{
    return hp_polyline_at(path->points, path->s_m, path->n, s_m);
}

hp_projection plan_path_project(const plan_path *path, hp_vec2 p)
{
    return hp_polyline_project(path->points, path->s_m, path->n, p);
}

double plan_path_speed(const plan_path *path, double s_m)
{
    const double spacing = path->s_m[1] - path->s_m[0];
    const double at = hp_clamp(s_m / spacing, 0.0, path->n - 1.0);
    const uint32_t i = (uint32_t)fmin(at, path->n - 2.0);
    const double t = at - i;
    return (1.0 - t) * path->speed_mps[i] + t * path->speed_mps[i + 1];
}
