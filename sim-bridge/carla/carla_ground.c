#include "sim-bridge/carla/carla_ground.h"

#include <math.h>
#include <stdlib.h>

enum { MOST_POINTS = 20000 }; /* of a route before it is thinned: 20 km */

#define ROUTE_HALF_M 1.5 /* the route is road at least so far to both sides */
#define STEP_M 2.0       /* between points of a thinned route, or more if it is long */

double carla_ground_beside(const xodr_map *map, hp_world_info *info)
{
    double limit_mps = 0.0;
    for (uint32_t i = 0; i < info->n_route; ++i) {
        const hp_vec2 a = info->route[i + 1 < info->n_route ? i : i - 1];
        const hp_vec2 b = info->route[i + 1 < info->n_route ? i + 1 : i];
        const hp_pose pose = {info->route[i].x_m, info->route[i].y_m,
                              atan2(b.y_m - a.y_m, b.x_m - a.x_m)};
        const xodr_reach reach = xodr_reach_of(map, pose);
        hp_edges *e = &info->edges[i];
        e->road_left_m = fmax(reach.road_left_m, ROUTE_HALF_M);
        e->road_right_m = fmax(reach.road_right_m, ROUTE_HALF_M);
        e->pavement_left_m = fmax(reach.pavement_left_m - e->road_left_m, 0.0);
        e->pavement_right_m = fmax(reach.pavement_right_m - e->road_right_m, 0.0);
        limit_mps = fmax(limit_mps, xodr_limit_at(map, pose));
    }
    info->n_edges = info->n_route;
    return limit_mps;
}

/** Takes points so far apart that they are few enough, the last one always. */
static void thin(const hp_vec2 *points, uint32_t n, hp_world_info *info)
{
    double length_m = 0.0;
    for (uint32_t i = 1; i < n; ++i) {
        length_m += hp_dist(points[i], points[i - 1]);
    }
    const double step_m = fmax(STEP_M, length_m / (HP_MAX_ROUTE - 8));
    info->n_route = 0;
    for (uint32_t i = 0; i < n; ++i) {
        const bool first = info->n_route == 0;
        if (first || i + 1 == n ||
            (hp_dist(points[i], info->route[info->n_route - 1]) >= step_m &&
             hp_dist(points[i], points[n - 1]) >= 0.5 * step_m)) {
            info->route[info->n_route++] = points[i];
        }
    }
}

hp_status carla_ground_route(const xodr_map *map, hp_pose from, hp_world_info *info,
                             hp_error *error)
{
    xodr_line line = {.points = calloc(MOST_POINTS, sizeof(hp_vec2)), .cap = MOST_POINTS};
    if (line.points == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory for a route");
    }
    hp_status st = xodr_route(map, from, info->goal, &line, error);
    if (st == HP_OK && (line.n < 2 || hp_dist(line.points[0], line.points[line.n - 1]) < STEP_M)) {
        st = hp_fail(error, HP_EINVAL, "the goal is where the ego starts");
    }
    if (st == HP_OK) {
        thin(line.points, line.n, info);
    }
    free(line.points);
    return st;
}

hp_status carla_ground_complete(carla_client *client, hp_pose from, bool route, hp_world_info *info,
                                hp_error *error)
{
    carla_text text = {"", 0};
    xodr_map *map = NULL;
    const bool ground = info->n_road + info->n_pavement == 0;
    if (!route && !ground) {
        return HP_OK;
    }
    hp_status st = carla_client_map_text(client, &text, error);
    if (st == HP_OK) {
        st = xodr_parse("the server's map", text.p, text.len, &map, error);
    }
    if (st == HP_OK && route) {
        st = carla_ground_route(map, from, info, error);
    }
    if (st == HP_OK && ground) {
        (void)carla_ground_beside(map, info);
    }
    xodr_destroy(&map);
    return st;
}
