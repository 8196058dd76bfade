#include "planner/plan_map.h"

#include "proto/hp_ground.h"

#include <string.h>

#define REACH_M 70.0       /* others further away than this do not matter now */
#define RECEDING_MPS 1.0   /* who drives along the way faster than this is followed */
#define STRAY_MPS 1.4      /* ends of a moving vehicle's place grow apart so fast ... */
#define MOST_STRAY_M 6.0   /* ... up to this */
#define ALONG_COS 0.7      /* headed along the way: no more turned against it than this */
#define WALKER_EXTRA_M 0.2 /* people move about more than vehicles */

static bool in_any(const hp_rect *rects, uint32_t n, hp_vec2 p)
{
    for (uint32_t i = 0; i < n; ++i) {
        if (hp_rect_contains(&rects[i], p)) {
            return true;
        }
    }
    return false;
}

/** What the map says about a point. */
static hp_ground ground(const plan_map *map, hp_vec2 p)
{
    const hp_world_info *info = map->info;
    if (in_any(info->road, info->n_road, p)) {
        return HP_GROUND_ROAD;
    }
    return in_any(info->pavement, info->n_pavement, p) ? HP_GROUND_PAVEMENT : HP_GROUND_OFF;
}

static double price_of(const plan_map *map, hp_ground ground)
{
    if (ground == HP_GROUND_ROAD) {
        return 1.0;
    }
    return ground == HP_GROUND_PAVEMENT ? map->pavement_price : map->config->off_limits_price;
}

/** Nobody leaves road and pavement to get round something; who is out already may come back. */
static double price_of_middle(const plan_map *map, hp_ground ground)
{
    return ground == HP_GROUND_OFF && !map->outside ? (double)INFINITY : price_of(map, ground);
}

/** Where the ego is beside the near part of the route. */
typedef struct beside {
    uint32_t segment;
    double share, left_m, yaw_rad;
} beside;

static beside find_beside(const plan_map *map, const hp_pose *ego)
{
    const hp_vec2 *route = map->info->route;
    double best = INFINITY;
    beside out = {.segment = map->first};
    for (uint32_t i = map->first; i < map->last; ++i) {
        const hp_vec2 d = hp_vec2_sub(route[i + 1], route[i]);
        const hp_vec2 p = {ego->x_m - route[i].x_m, ego->y_m - route[i].y_m};
        const double length2 = hp_max(d.x_m * d.x_m + d.y_m * d.y_m, 1e-12);
        const double u = hp_clamp((p.x_m * d.x_m + p.y_m * d.y_m) / length2, 0.0, 1.0);
        const double ex = p.x_m - u * d.x_m;
        const double ey = p.y_m - u * d.y_m;
        if (ex * ex + ey * ey < best) {
            best = ex * ex + ey * ey;
            out.segment = i;
            out.share = u;
        }
    }
    const hp_vec2 a = route[out.segment];
    const hp_vec2 d = hp_vec2_sub(route[out.segment + 1], a);
    out.yaw_rad = atan2(d.y_m, d.x_m);
    out.left_m = cos(out.yaw_rad) * (ego->y_m - a.y_m) - sin(out.yaw_rad) * (ego->x_m - a.x_m);
    return out;
}

/** The centre's price, and that of the dearer side. */
static double edges_price(const plan_map *map, const hp_pose *ego, double half_m, double *sides)
{
    const beside at = find_beside(map, ego);
    const double reach_m = half_m * fabs(cos(ego->yaw_rad - at.yaw_rad));
    const hp_ground left = hp_ground_beside(map->info, at.segment, at.share, at.left_m + reach_m);
    const hp_ground right = hp_ground_beside(map->info, at.segment, at.share, at.left_m - reach_m);
    *sides = fmax(price_of(map, left), price_of(map, right));
    return price_of_middle(map, hp_ground_beside(map->info, at.segment, at.share, at.left_m));
}

/** The points of the route that others' reach comes to, and one beyond on either side. */
static void find_near(plan_map *map, hp_vec2 where)
{
    const hp_world_info *info = map->info;
    map->first = 0;
    map->last = info->n_route - 1;
    while (map->last > 1 && hp_dist(info->route[map->last - 1], where) > REACH_M) {
        --map->last;
    }
    while (map->first + 1 < map->last && hp_dist(info->route[map->first + 1], where) > REACH_M) {
        ++map->first;
    }
}

/** The centre decides; a side that hangs over the edge of everything counts as off limits. */
static double ground_price(const plan_map *map, const hp_pose *ego)
{
    const hp_world_info *info = map->info;
    const double half = 0.5 * info->ego_width_m - 0.01;
    if (info->n_edges > 0) {
        double sides = 0.0;
        const double middle = edges_price(map, ego, half, &sides);
        return sides >= map->config->off_limits_price ? fmax(middle, sides) : middle;
    }
    if (info->n_road + info->n_pavement == 0) {
        return 1.0;
    }
    const double dx = -half * sin(ego->yaw_rad);
    const double dy = half * cos(ego->yaw_rad);
    const double middle = price_of_middle(map, ground(map, (hp_vec2){ego->x_m, ego->y_m}));
    const double left = price_of(map, ground(map, (hp_vec2){ego->x_m + dx, ego->y_m + dy}));
    const double right = price_of(map, ground(map, (hp_vec2){ego->x_m - dx, ego->y_m - dy}));
    const double sides = fmax(left, right);
    return sides >= map->config->off_limits_price ? fmax(middle, sides) : middle;
}

static bool near(const hp_pose *ego, const hp_pose *other, double reach_m)
{
    const double dx = other->x_m - ego->x_m;
    const double dy = other->y_m - ego->y_m;
    return dx * dx + dy * dy < reach_m * reach_m;
}

static hp_box grown(const plan_map *map, const hp_pose *ego, double margin_m)
{
    return (hp_box){*ego, map->info->ego_length_m + 2.0 * margin_m,
                    map->info->ego_width_m + 2.0 * margin_m};
}

bool plan_map_taken(const plan_map *map, const hp_pose *ego)
{
    const hp_box box = grown(map, ego, map->config->margin_m);
    for (uint32_t i = 0; i < map->n_boxes; ++i) {
        const double reach = map->ego_radius_m + map->box_radius_m[i] + 1.0;
        if (near(ego, &map->boxes[i].centre, reach) && hp_box_overlap(&box, &map->boxes[i])) {
            return true;
        }
    }
    return false;
}

static const hp_box *future_at(const plan_future *future, double t_s)
{
    const double k = hp_clamp(t_s / PLAN_MAP_STEP_S + 0.5, 0.0, PLAN_MAP_STEPS - 1.0);
    return &future->at[(uint32_t)k];
}

/** Sum of the probabilities of those who are closer to the ego's box than margin. */
static double presence(const plan_map *map, const hp_pose *ego, double t_s, double margin_m,
                       bool cars)
{
    double sum = 0.0;
    for (uint32_t i = 0; i < map->n_futures; ++i) {
        const plan_future *future = &map->futures[i];
        const hp_box *other = future_at(future, t_s);
        const double keep_m = margin_m + future->room_m;
        const double reach_m = map->ego_radius_m + future->radius_m + 1.5 * keep_m;
        if ((cars || future->walks) && near(ego, &other->centre, reach_m)) {
            const hp_box box = grown(map, ego, keep_m);
            sum += hp_box_overlap(&box, other) ? future->probability : 0.0;
        }
    }
    return sum;
}

double plan_map_risk(const plan_map *map, const hp_pose *ego, double t_s, bool cars)
{
    return presence(map, ego, t_s, map->config->margin_m, cars);
}

static bool boxes_close(const plan_map *map, const hp_pose *ego)
{
    const hp_box box = grown(map, ego, map->config->clearance_m);
    for (uint32_t i = 0; i < map->n_boxes; ++i) {
        const double reach =
            map->ego_radius_m + map->box_radius_m[i] + 2.0 * map->config->clearance_m;
        if (near(ego, &map->boxes[i].centre, reach) && hp_box_overlap(&box, &map->boxes[i])) {
            return true;
        }
    }
    return false;
}

double plan_map_price(const plan_map *map, const hp_pose *ego, double t_s)
{
    const plan_path_config *config = map->config;
    double price = ground_price(map, ego);
    if (boxes_close(map, ego)) {
        if (plan_map_taken(map, ego)) {
            return INFINITY;
        }
        price += config->close_price;
    }
    const double about = presence(map, ego, t_s, config->clearance_m, true);
    if (about > 0.0) {
        const double hit = plan_map_risk(map, ego, t_s, true);
        price += about * config->close_price + hit * config->contact_price;
    }
    return price;
}

/** Where one mode puts the agent at each of the map's times; past its end it goes on. */
static void lay_future(const hp_plan_request *belief, const hp_belief_agent *agent,
                       const hp_mode *mode, plan_future *future)
{
    const uint32_t n = belief->n_steps;
    const double speed_mps = hypot(agent->vx_mps, agent->vy_mps);
    const double stray_mps = future->walks ? 0.0 : STRAY_MPS * fmin(speed_mps, 1.0);
    hp_pose last = agent->pose;
    for (uint32_t k = 0; k < PLAN_MAP_STEPS; ++k) {
        const double at = k * PLAN_MAP_STEP_S / belief->step_s;
        const uint32_t i = (uint32_t)fmin(at, n - 1.0);
        const hp_vec2 a = i == 0 ? (hp_vec2){agent->pose.x_m, agent->pose.y_m} : mode->mean[i - 1];
        const hp_vec2 b = mode->mean[i];
        const double u = at - i;
        hp_pose pose = {a.x_m + u * (b.x_m - a.x_m), a.y_m + u * (b.y_m - a.y_m), last.yaw_rad};
        if (hypot(pose.x_m - last.x_m, pose.y_m - last.y_m) > 0.1) {
            pose.yaw_rad = atan2(pose.y_m - last.y_m, pose.x_m - last.x_m);
        }
        const double stray_m = fmin(stray_mps * k * PLAN_MAP_STEP_S, MOST_STRAY_M);
        future->at[k] = (hp_box){pose, agent->length_m + stray_m, agent->width_m};
        last = pose;
    }
}

static void add_agent(const hp_plan_request *belief, uint32_t index, plan_map *map)
{
    const hp_belief_agent *agent = &belief->agents[index];
    for (uint32_t m = 0; m < agent->n_modes && map->n_futures < PLAN_MAP_FUTURES; ++m) {
        plan_future *future = &map->futures[map->n_futures++];
        future->probability = agent->modes[m].probability;
        future->walks = agent->kind != HP_CLASS_CAR;
        future->room_m = future->walks ? WALKER_EXTRA_M + map->config->room_m : 0.0;
        future->radius_m =
            0.5 * hypot(agent->length_m + (future->walks ? 0.0 : MOST_STRAY_M), agent->width_m);
        future->agent = index;
        lay_future(belief, agent, &agent->modes[m], future);
    }
}

void plan_map_build(const plan_path_config *config, const hp_world_info *info,
                    const hp_plan_request *belief, hp_vec2 where, plan_map *map)
{
    map->config = config;
    map->info = info;
    map->ego_radius_m = 0.5 * hypot(info->ego_length_m, info->ego_width_m);
    map->pavement_price = config->pavement_price;
    map->n_boxes = 0;
    map->n_futures = 0;
    if (info->n_edges > 0) {
        find_near(map, where);
    }
    const hp_pose here = {where.x_m, where.y_m, 0.0};
    map->outside = true; /* until the price of being here is known */
    map->outside = ground_price(map, &here) >= config->off_limits_price;
    for (uint32_t i = 0; i < belief->n_occluders; ++i) {
        const hp_box *box = &belief->occluders[i].box;
        if (near(&here, &box->centre, REACH_M)) {
            map->box_radius_m[map->n_boxes] = 0.5 * hypot(box->length_m, box->width_m);
            map->boxes[map->n_boxes++] = *box;
        }
    }
    for (uint32_t i = 0; i < belief->n_agents; ++i) {
        const hp_belief_agent *agent = &belief->agents[i];
        if (near(&here, &agent->pose, REACH_M)) {
            add_agent(belief, i, map);
        }
    }
}

/** A stretch of a path. */
typedef struct stretch {
    const plan_path *path;
    double from_m, to_m;
} stretch;

/** True if the box takes up the way: it meets the ego's corridor on the stretch. */
static bool in_the_way(const plan_map *map, const stretch *way, const hp_box *box, double margin_m)
{
    const plan_path *path = way->path;
    const hp_projection foot = plan_path_project(path, (hp_vec2){box->centre.x_m, box->centre.y_m});
    if (foot.s_m < way->from_m || foot.s_m > way->to_m) {
        return false;
    }
    const hp_pose ego = plan_path_at(path, foot.s_m);
    const hp_box corridor = grown(map, &ego, margin_m);
    return hp_box_overlap(&corridor, box);
}

/** A vehicle headed along the path. */
static bool goes_along(const plan_future *future, const plan_path *path)
{
    const hp_pose *a = &future->at[0].centre;
    const hp_projection foot = plan_path_project(path, (hp_vec2){a->x_m, a->y_m});
    return !future->walks && cos(a->yaw_rad - foot.yaw_rad) > ALONG_COS;
}

static bool drives_away(const plan_future *future, const plan_path *path)
{
    const hp_pose *a = &future->at[0].centre;
    const hp_pose *b = &future->at[4].centre; /* a second later */
    const hp_projection foot = plan_path_project(path, (hp_vec2){a->x_m, a->y_m});
    const double along =
        (b->x_m - a->x_m) * cos(foot.yaw_rad) + (b->y_m - a->y_m) * sin(foot.yaw_rad);
    return along > RECEDING_MPS;
}

/** Expected time of an agent, whose futures begin at i, in the way. */
static double time_in_the_way(const plan_map *map, uint32_t i, const stretch *way)
{
    const double margin_m = map->config->margin_m + map->futures[i].room_m;
    double sum = 0.0;
    for (uint32_t f = i; f < map->n_futures && map->futures[f].agent == map->futures[i].agent;
         ++f) {
        const plan_future *future = &map->futures[f];
        if (drives_away(future, way->path)) {
            continue;
        }
        for (uint32_t k = 0; k < PLAN_MAP_STEPS; ++k) {
            if (in_the_way(map, way, &future->at[k], margin_m)) {
                sum += future->probability * PLAN_MAP_STEP_S;
            }
        }
    }
    return sum;
}

plan_map_lane plan_map_sift(plan_map *map, const plan_path *path, double from_m, double to_m)
{
    const stretch way = {path, from_m, to_m};
    const bool stoppable = map->info->speed_floor_mps <= 0.0;
    plan_map_lane lane = PLAN_MAP_FREE;
    bool keep = true;
    uint32_t kept = 0;
    uint32_t last = UINT32_MAX;
    for (uint32_t i = 0; i < map->n_futures; ++i) {
        const plan_future *future = &map->futures[i];
        if (future->agent != last) {
            const double t = time_in_the_way(map, i, &way);
            keep = !future->walks || !stoppable || t > map->config->walker_blocked_s;
            if (!future->walks && t > map->config->blocked_s) {
                const bool queue = stoppable && goes_along(future, path);
                const plan_map_lane now = queue ? PLAN_MAP_QUEUE : PLAN_MAP_BLOCKED;
                lane = now > lane ? now : lane;
            }
            last = future->agent;
        }
        if (keep && kept != i) {
            map->futures[kept] = *future;
        }
        kept += keep;
    }
    map->n_futures = kept;
    return lane;
}
