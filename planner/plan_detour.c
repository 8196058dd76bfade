#include "planner/plan_detour.h"

#define ON_PATH_M 0.6    /* nearer to its path than this, the car plans on from the path */
#define ON_PATH_RAD 0.25 /* and no more turned against it */
#define BEHIND_M 10.0    /* of the old path stay in the new one, for the rear axle */
#define BETTER 0.9       /* share of the old way's cost that a new way must undercut */
#define FREE_RISK 0.05   /* probability of meeting somebody that does not count */
#define MERGE_M 3.0      /* between a way and the route behind it, more if it ends aside */
#define LOOK_M 0.5       /* between places looked at for something that stands there */
#define SMOOTHINGS 30
#define GENTLE_MPS2 2.0   /* acceleration that ways are priced with */
#define FLOOR_MPS2 (-4.0) /* and deceleration to a speed floor */
#define LATE_PRICE 200.0  /* of a second that it takes longer to the end of what is seen */

void plan_detour_begin(const plan_path_config *config, const hp_world_info *info,
                       plan_detour *detour, plan_path *path)
{
    plan_path_follow_route(config, info, &detour->route);
    *path = detour->route;
    detour->away = false;
    detour->stops = false;
    detour->queue_s = INFINITY;
    detour->searches = 0;
}

/** From where to plan: the foot on the present path, so that plans join up; the car itself once it
 * is off its path. */
static hp_pose start_of(const plan_path *path, const hp_pose *ego)
{
    const hp_projection foot = plan_path_project(path, (hp_vec2){ego->x_m, ego->y_m});
    const double turned = hp_angle_wrap(ego->yaw_rad - foot.yaw_rad);
    if (fabs(foot.lateral_m) < ON_PATH_M && fabs(turned) < ON_PATH_RAD) {
        return plan_path_at(path, foot.s_m);
    }
    return *ego;
}

/** The present path as a way. */
static void keep_on(const plan_path *path, const plan_astar *a, const hp_pose *start, plan_way *way)
{
    const double s = plan_path_project(path, (hp_vec2){start->x_m, start->y_m}).s_m;
    const double left = fmin(a->end_s_m - a->start_s_m, path->s_m[path->n - 1] - s);
    way->n = (uint32_t)hp_clamp(floor(left) + 1.0, 1.0, PLAN_ASTAR_WAY);
    way->poses[0] = *start;
    for (uint32_t i = 1; i < way->n; ++i) {
        way->poses[i] = plan_path_at(path, s + i);
    }
}

/** Most of the probability of meeting somebody that a way runs into at one place. */
static double risk_of(const plan_detour *d, const plan_way *way, bool cars)
{
    double most = 0.0;
    for (uint32_t i = 1; i < way->n; ++i) {
        most = fmax(most, plan_map_risk(&d->map, &way->poses[i], d->search.time_s[i], cars));
    }
    return most;
}

static void aim(plan_way *way)
{
    for (uint32_t i = 1; i + 1 < way->n; ++i) {
        way->poses[i].yaw_rad = atan2(way->poses[i + 1].y_m - way->poses[i - 1].y_m,
                                      way->poses[i + 1].x_m - way->poses[i - 1].x_m);
    }
}

/** Rounds off the corners of a way, if that costs nothing. */
static void smooth(plan_detour *d, const plan_astar_task *task, plan_way *way)
{
    plan_way *round = &d->ways[2];
    *round = *way;
    for (int pass = 0; pass < SMOOTHINGS; ++pass) {
        hp_pose before = round->poses[1];
        for (uint32_t i = 2; i + 1 < round->n; ++i) {
            hp_pose *p = &round->poses[i];
            const hp_pose here = *p;
            p->x_m += 0.5 * (0.5 * (before.x_m + round->poses[i + 1].x_m) - here.x_m);
            p->y_m += 0.5 * (0.5 * (before.y_m + round->poses[i + 1].y_m) - here.y_m);
            before = here;
        }
    }
    aim(round);
    round->cost = plan_astar_price(&d->search, task, round->poses, round->n);
    way->cost = plan_astar_price(&d->search, task, way->poses, way->n);
    if (round->cost <= 1.05 * way->cost) {
        *way = *round;
    }
}

/** Joins the path so far, the way, and the rest of the route. */
static void join(plan_detour *d, const plan_detour_task *task, const plan_way *way, plan_path *path)
{
    hp_vec2 *line = d->line;
    uint32_t n = 0;
    const hp_pose *start = &way->poses[0];
    const hp_projection foot = plan_path_project(path, (hp_vec2){start->x_m, start->y_m});
    if (fabs(foot.lateral_m) < 0.01) {
        const double from = fmax(foot.s_m - BEHIND_M, 0.0);
        for (uint32_t i = 0; from + i < foot.s_m - 0.5; ++i) {
            const hp_pose pose = plan_path_at(path, from + i);
            line[n++] = (hp_vec2){pose.x_m, pose.y_m};
        }
    } else {
        line[n++] = (hp_vec2){start->x_m - BEHIND_M * cos(start->yaw_rad),
                              start->y_m - BEHIND_M * sin(start->yaw_rad)};
    }
    for (uint32_t i = 0; i < way->n; ++i) {
        line[n++] = (hp_vec2){way->poses[i].x_m, way->poses[i].y_m};
    }
    const hp_pose *end = &way->poses[way->n - 1];
    const plan_path *route = &d->route;
    const hp_projection left = plan_path_project(route, (hp_vec2){end->x_m, end->y_m});
    const double from = left.s_m + MERGE_M * (1.0 + fabs(left.lateral_m)); /* without a kink */
    for (uint32_t i = 0; i < route->n && n < PLAN_PATH_MAX_LINE; ++i) {
        if (route->s_m[i] > from) {
            line[n++] = route->points[i];
        }
    }
    plan_path_through(task->config, task->info, line, n, path);
}

/** Of the pace under way, if the first one takes so long. */
static double late_price(const plan_detour *d, double first_s)
{
    return LATE_PRICE * fmax(d->search.time_s[PLAN_ASTAR_AHEAD] - first_s, 0.0);
}

/** Prices a way at the better of the paces that the car can choose from. */
static double price(plan_detour *d, plan_astar_task *job, const plan_pace *paces, uint32_t n_paces,
                    const plan_way *way, uint32_t *best)
{
    double least = INFINITY;
    double first_s = 0.0;
    *best = 0;
    for (uint32_t i = 0; i < n_paces; ++i) {
        job->pace = paces[i];
        plan_astar_begin(&d->search, job);
        first_s = i == 0 ? d->search.time_s[PLAN_ASTAR_AHEAD] : first_s;
        const double cost =
            plan_astar_price(&d->search, job, way->poses, way->n) + late_price(d, first_s);
        if (cost < least) {
            least = cost;
            *best = i;
        }
    }
    job->pace = paces[*best];
    plan_astar_begin(&d->search, job);
    return least;
}

/** Whether vehicles take up the lane for good. One that waits for something is waited for. */
static bool lane_is_taken(plan_detour *d, const plan_detour_task *task)
{
    const plan_map_lane lane =
        plan_map_sift(&d->map, &d->route, d->search.start_s_m, d->search.end_s_m);
    if (lane != PLAN_MAP_QUEUE) {
        d->queue_s = INFINITY;
        return lane == PLAN_MAP_BLOCKED;
    }
    d->queue_s = fmin(d->queue_s, task->now_s);
    return task->now_s - d->queue_s > task->config->queue_s;
}

/** Whether the way back to the route and along it is not free. Pavement is for those who cannot
 * stop and for lanes blocked by things, not for lack of patience with a walker. */
static bool is_blocked(plan_detour *d, const plan_detour_task *task, const plan_way *back)
{
    const bool lane = lane_is_taken(d, task) || isinf(back->cost);
    const bool stoppable = task->info->speed_floor_mps <= 0.0;
    if (!lane && stoppable) {
        d->map.pavement_price = task->config->off_limits_price;
    }
    /* On the route, a vehicle that will be gone soon is the search's affair. */
    return lane || risk_of(d, back, d->away || !stoppable) > FREE_RISK;
}

/** First arc length of the path at which something stands, less a margin; INFINITY: free. */
static double standing_at(const plan_detour *d, const plan_path *path, double from_m)
{
    const double to_m = fmin(from_m + PLAN_ASTAR_AHEAD, path->s_m[path->n - 1]);
    for (uint32_t i = 0; from_m + LOOK_M * i < to_m; ++i) {
        const hp_pose pose = plan_path_at(path, from_m + LOOK_M * i);
        if (plan_map_taken(&d->map, &pose)) {
            return from_m + LOOK_M * i - LOOK_M;
        }
    }
    return INFINITY;
}

/** On the route, headed along it. */
static bool on_route(const plan_detour *d, const plan_way *back)
{
    for (uint32_t i = 0; i < back->n; ++i) {
        const hp_vec2 p = {back->poses[i].x_m, back->poses[i].y_m};
        if (fabs(plan_path_project(&d->route, p).lateral_m) > 0.02) {
            return false;
        }
    }
    return true;
}

static void go_back(plan_detour *d, const plan_detour_task *task, const plan_way *back,
                    plan_path *path)
{
    if (!d->away) {
        return;
    }
    if (on_route(d, back)) {
        *path = d->route;
        d->away = false;
    } else {
        join(d, task, back, path);
    }
}

/** Chooses among the old way and new ones. */
static void evade(plan_detour *d, const plan_detour_task *task, plan_astar_task *job,
                  const plan_pace *paces, uint32_t n_paces, plan_path *path)
{
    plan_way *best = &d->ways[0];
    plan_way *way = &d->ways[1];
    uint32_t pace;
    ++d->searches;
    keep_on(path, &d->search, &job->start, best);
    best->cost = price(d, job, paces, n_paces, best, &pace);
    const double old_cost = best->cost;
    double first_s = 0.0;
    for (uint32_t i = 0; i < n_paces; ++i) {
        job->pace = paces[i];
        plan_astar_begin(&d->search, job);
        first_s = i == 0 ? d->search.time_s[PLAN_ASTAR_AHEAD] : first_s;
        plan_astar_search(&d->search, job, way);
        if (!isinf(way->cost)) {
            smooth(d, job, way);
            way->cost += late_price(d, first_s);
            if (way->cost < BETTER * old_cost && way->cost < best->cost) {
                *best = *way;
            }
        }
    }
    if (best->cost < old_cost || (isinf(old_cost) && !isinf(best->cost))) {
        join(d, task, best, path);
        d->away = true;
    } else if (isinf(best->cost)) {
        const double s = plan_path_project(path, (hp_vec2){job->start.x_m, job->start.y_m}).s_m;
        plan_path_stop_at(task->config, standing_at(d, path, s), path);
        d->stops = true;
    }
}

/** Past the goal without having been there: this is no way to anywhere. */
static void stop_behind_goal(plan_detour *d, const plan_detour_task *task, plan_path *path)
{
    const hp_pose *ego = &task->ego->pose;
    const double s = plan_path_project(path, (hp_vec2){ego->x_m, ego->y_m}).s_m;
    if (s > path->goal_s_m + 2.0 * task->info->goal_radius_m) {
        plan_path_stop_at(task->config, s, path);
        d->stops = true;
    }
}

void plan_detour_update(plan_detour *detour, const plan_detour_task *task, plan_path *path)
{
    const hp_world_info *info = task->info;
    const hp_ego_state *ego = task->ego;
    const bool floored = info->speed_floor_mps > 0.0;
    const plan_pace paces[] = {{ego->speed_mps, info->speed_limit_mps, GENTLE_MPS2},
                               {ego->speed_mps, info->speed_floor_mps, FLOOR_MPS2}};
    if (!task->config->detours) {
        return;
    }
    if (detour->stops) {
        plan_path_set_speeds(task->config, info->speed_limit_mps, path);
        detour->stops = false;
    }
    plan_map_build(task->config, info, task->belief, (hp_vec2){ego->pose.x_m, ego->pose.y_m},
                   &detour->map);
    plan_astar_task job = {.map = &detour->map,
                           .route = &detour->route,
                           .start = start_of(path, &ego->pose),
                           .pace = paces[0],
                           .max_nodes = task->config->max_nodes,
                           .deadline_ns = task->deadline_ns,
                           .clock = task->clock};
    plan_way *back = &detour->ways[0];
    plan_astar_begin(&detour->search, &job);
    (void)plan_astar_return(&detour->search, &job, back);
    if (is_blocked(detour, task, back)) {
        evade(detour, task, &job, paces, floored ? 2 : 1, path);
    } else {
        go_back(detour, task, back, path);
    }
    stop_behind_goal(detour, task, path);
}
