#include "pomdp/car/car_scene.h"
#include "pomdp/car/car_scene_lanes.h"

#include <string.h>

#define BLOCK_SEARCH_M 60.0 /* how far ahead standing boxes on the path are looked for */
#define STANDING_MPS 0.05
#define WALK_MPS 0.3 /* slower than this is standing */
#define PASSED_M 1.0 /* behind the ego by more: passed */

/** The request's path with its arc lengths. */
typedef struct line {
    const hp_plan_request *request;
    double s_m[HP_MAX_PATH];
} line;

static hp_projection project(const line *path, hp_vec2 p)
{
    return hp_polyline_project(path->request->path, path->s_m, path->request->n_path, p);
}

/** Path points with the time that an undisturbed drive takes from each to the goal. */
static void build_path(const line *path, car_scene *scene)
{
    const hp_plan_request *r = path->request;
    double time_s = 0.0;
    scene->n_points = r->n_path;
    scene->spacing_m = path->s_m[r->n_path - 1] / (r->n_path - 1);
    for (uint32_t i = r->n_path; i-- > 0;) {
        const double s = i * scene->spacing_m;
        const hp_pose pose = hp_polyline_at(r->path, path->s_m, r->n_path, s);
        const double speed = fmax(r->path_speed_mps[i], 0.5);
        if (s < r->goal_s_m) {
            time_s += fmin(scene->spacing_m, r->goal_s_m - s) / speed;
        }
        const float posed[4] = {(float)pose.x_m, (float)pose.y_m, (float)cos(pose.yaw_rad),
                                (float)sin(pose.yaw_rad)};
        const float pace[4] = {(float)speed, (float)time_s, (float)(1.0 / speed), 0.0f};
        memcpy(scene->place[i], posed, sizeof posed);
        memcpy(scene->pace[i], pace, sizeof pace);
        scene->path_speed[i] = (float)speed;
    }
}

/** First arc length at which the ego's box meets a standing box. */
static double find_block(const line *path, const car_scene *scene)
{
    const hp_plan_request *r = path->request;
    for (double s = scene->ego_s_m; s < scene->ego_s_m + BLOCK_SEARCH_M; s += scene->spacing_m) {
        const hp_box ego = {hp_polyline_at(r->path, path->s_m, r->n_path, s), r->ego_length_m,
                            r->ego_width_m};
        for (uint32_t i = 0; i < r->n_occluders; ++i) {
            if (hp_box_overlap(&ego, &r->occluders[i].box)) {
                return s - scene->config->traffic.car_margin_m;
            }
        }
    }
    return INFINITY;
}

/** A mode's mean at time t; past its end it goes on at its last velocity. */
static hp_vec2 mode_at(const hp_plan_request *r, const hp_mode *mode, hp_vec2 start, double t_s)
{
    const double at = t_s / r->step_s;
    const uint32_t k = (uint32_t)fmin(at, r->n_steps - 1.0);
    const hp_vec2 a = k == 0 ? start : mode->mean[k - 1];
    const hp_vec2 b = mode->mean[k];
    const double u = at - k;
    return (hp_vec2){a.x_m + u * (b.x_m - a.x_m), a.y_m + u * (b.y_m - a.y_m)};
}

static void build_future(const hp_plan_request *r, const car_config *config, const hp_mode *mode,
                         hp_vec2 start, car_future future)
{
    for (uint32_t k = 0; k < car_scene_steps(config); ++k) {
        const double t = (k + 1) * config->step_s;
        const hp_vec2 p = mode_at(r, mode, start, t);
        const uint32_t at = (uint32_t)hp_clamp(t / r->step_s - 0.5, 0.0, r->n_steps - 1.0);
        future[k][0] = (float)p.x_m;
        future[k][1] = (float)p.y_m;
        future[k][2] = (float)mode->sigma_m[at];
    }
}

/** Foot on the path and the direction across to it. */
static void place(const line *path, car_other *other)
{
    const hp_projection foot = project(path, (hp_vec2){other->x_m, other->y_m});
    const double side = foot.lateral_m >= 0.0 ? 1.0 : -1.0;
    other->s_m = foot.s_m;
    other->lateral_m = fabs(foot.lateral_m);
    other->side = side;
    other->along_x = cos(foot.yaw_rad);
    other->along_y = sin(foot.yaw_rad);
    other->to_path_x = side * sin(foot.yaw_rad);
    other->to_path_y = -side * cos(foot.yaw_rad);
}

/** Half extents of a turned box in the frame of the path at its foot, grown by a margin. */
static void set_reach(const line *path, double yaw_rad, double length_m, double width_m,
                      double margin_m, car_other *other)
{
    const hp_projection foot = project(path, (hp_vec2){other->x_m, other->y_m});
    const double c = fabs(cos(yaw_rad - foot.yaw_rad));
    const double s = fabs(sin(yaw_rad - foot.yaw_rad));
    other->reach_x_m = 0.5 * (length_m * c + width_m * s) + margin_m;
    other->reach_y_m = 0.5 * (length_m * s + width_m * c) + margin_m;
}

static void set_corner(const line *path, const hp_vec2 corners[], int n, car_other *other)
{
    other->corner_s_m = -INFINITY;
    other->corner_lateral_m = INFINITY;
    for (int i = 0; i < n; ++i) {
        const hp_projection p = project(path, corners[i]);
        other->corner_s_m = fmax(other->corner_s_m, p.s_m);
        other->corner_lateral_m = fmin(other->corner_lateral_m, fabs(p.lateral_m));
    }
    other->may_hide = true;
}

/** Finds what hides an agent that is out of sight. */
static void find_cover(const line *path, const car_scene *scene, car_other *other)
{
    const hp_plan_request *r = path->request;
    const hp_pose eye =
        hp_polyline_at(r->path, path->s_m, r->n_path, scene->ego_s_m + scene->eye_ahead_m);
    const hp_vec2 from = {eye.x_m, eye.y_m};
    for (uint32_t i = 0; i < r->n_occluders; ++i) {
        if (hp_box_cuts_segment(&r->occluders[i].box, from, (hp_vec2){other->x_m, other->y_m})) {
            hp_vec2 corners[4];
            hp_box_corners(&r->occluders[i].box, corners);
            set_corner(path, corners, 4, other);
            return;
        }
    }
}

static void add_agent(const line *path, const hp_belief_agent *agent, car_scene *scene,
                      car_other *other)
{
    const car_traffic_config *traffic = &scene->config->traffic;
    const bool walks = agent->kind == HP_CLASS_WALKER;
    memset(other, 0, sizeof *other);
    other->walks = walks;
    other->x_m = agent->pose.x_m;
    other->y_m = agent->pose.y_m;
    other->vx_mps = agent->vx_mps;
    other->vy_mps = agent->vy_mps;
    other->age_s = agent->age_s;
    other->rate_hz = agent->cross_hz;
    place(path, other);
    set_reach(path, agent->pose.yaw_rad, agent->length_m, agent->width_m,
              walks ? traffic->walker_margin_m : traffic->car_margin_m, other);
    other->n_futures = agent->n_modes;
    for (uint32_t m = 0; m < agent->n_modes; ++m) {
        other->probability[m] = agent->modes[m].probability;
        build_future(path->request, scene->config, &agent->modes[m],
                     (hp_vec2){other->x_m, other->y_m}, scene->futures[other - scene->others][m]);
    }
    if (agent->age_s > 0.0) {
        find_cover(path, scene, other);
    }
}

static void add_phantom(const line *path, const hp_phantom *phantom, car_scene *scene,
                        car_other *other)
{
    const double width_m = 0.4; /* of a walker */
    memset(other, 0, sizeof *other);
    other->walks = true;
    other->phantom = true;
    other->x_m = phantom->edge.x_m;
    other->y_m = phantom->edge.y_m;
    other->rate_hz = phantom->rate_hz;
    place(path, other);
    set_reach(path, 0.0, width_m, width_m, scene->config->traffic.walker_margin_m, other);
    set_corner(path, &phantom->corner, 1, other);
}

/** Where somebody is and how he moves, along the path and across to it. */
typedef struct approach {
    double ahead_m, lateral_m; /* from the ego */
    double along_mps, speed_mps, reach_m;
    bool walks;
} approach;

static approach approach_of(const line *path, const car_scene *scene, uint32_t i)
{
    const hp_plan_request *r = path->request;
    if (i >= r->n_agents) {
        const hp_projection foot = project(path, r->phantoms[i - r->n_agents].edge);
        return (approach){
            .ahead_m = foot.s_m - scene->ego_s_m, .lateral_m = fabs(foot.lateral_m), .walks = true};
    }
    const hp_belief_agent *a = &r->agents[i];
    const hp_projection foot = project(path, (hp_vec2){a->pose.x_m, a->pose.y_m});
    return (approach){.ahead_m = foot.s_m - scene->ego_s_m,
                      .lateral_m = fabs(foot.lateral_m),
                      .along_mps = a->vx_mps * cos(foot.yaw_rad) + a->vy_mps * sin(foot.yaw_rad),
                      .speed_mps = hypot(a->vx_mps, a->vy_mps),
                      .reach_m = scene->half_length_m + 0.5 * hypot(a->length_m, a->width_m),
                      .walks = a->kind == HP_CLASS_WALKER};
}

/** Whoever is behind the ego and no faster than it stays behind: it does not drive backwards. */
static bool is_past(const car_scene *scene, const approach *a)
{
    return a->ahead_m < -a->reach_m - PASSED_M &&
           (a->walks || a->along_mps <= scene->ego_speed_mps);
}

/** How soon somebody could matter, for choosing whom to reckon with: seconds, roughly. */
static double urgency_s(const car_scene *scene, const approach *a)
{
    const double closing_mps = fmax(scene->ego_speed_mps, 5.0) + fmax(-a->along_mps, 0.0);
    const double ego_s = fmax(a->ahead_m, 0.0) / closing_mps;
    const double across_s = fmax(a->lateral_m - 2.0, 0.0) / fmax(a->speed_mps, 1.5);
    return fmax(ego_s, across_s);
}

/** A candidate for the state: an agent, or a phantom (index from n_agents on). */
typedef struct candidate {
    double urgency_s;
    uint32_t index;
} candidate;

static uint32_t rank(const line *path, const car_scene *scene, candidate *best)
{
    const hp_plan_request *r = path->request;
    uint32_t n = 0;
    for (uint32_t i = 0; i < r->n_agents + r->n_phantoms; ++i) {
        const approach a = approach_of(path, scene, i);
        const candidate c = {urgency_s(scene, &a), i};
        if (is_past(scene, &a)) {
            continue;
        }
        uint32_t at = n;
        while (at > 0 && best[at - 1].urgency_s > c.urgency_s) {
            --at;
        }
        if (at >= CAR_MAX_AGENTS) {
            continue;
        }
        n = n < CAR_MAX_AGENTS ? n + 1 : n;
        memmove(&best[at + 1], &best[at], (n - 1 - at) * sizeof best[0]);
        best[at] = c;
    }
    return n;
}

static void build_others(const line *path, car_scene *scene)
{
    candidate best[CAR_MAX_AGENTS + 1];
    const hp_plan_request *r = path->request;
    scene->n_others = rank(path, scene, best);
    for (uint32_t i = 0; i < scene->n_others; ++i) {
        if (best[i].index < r->n_agents) {
            add_agent(path, &r->agents[best[i].index], scene, &scene->others[i]);
            scene->others[i].index = best[i].index;
        } else {
            add_phantom(path, &r->phantoms[best[i].index - r->n_agents], scene, &scene->others[i]);
            scene->others[i].index = best[i].index - r->n_agents;
        }
    }
}

static void build_actions(const car_config *config, car_scene *scene)
{
    scene->fastest = 0;
    scene->slowest = 0;
    scene->steady = 0;
    for (uint32_t a = 1; a < config->n_actions; ++a) {
        const double *accel = config->actions_mps2;
        scene->fastest = accel[a] > accel[scene->fastest] ? a : scene->fastest;
        scene->slowest = accel[a] < accel[scene->slowest] ? a : scene->slowest;
        scene->steady = fabs(accel[a]) < fabs(accel[scene->steady]) ? a : scene->steady;
    }
}

static void build_costs(const car_config *config, car_scene *scene)
{
    const car_reward_config *reward = &config->reward;
    const size_t n = HP_ARRAY_LEN(scene->collision_cost);
    for (size_t i = 0; i < n; ++i) {
        const double share = (double)i / 32.0;
        scene->collision_cost[i] =
            (float)(reward->collision_base +
                    pow(reward->collision_offset + share, reward->collision_power));
    }
    /* First-order lag tau: a(t) = a_c + (a_0 - a_c) exp(-t / tau), integrated over a step. */
    const double tau = config->response_s;
    const double decay = tau > 0.0 ? tau * (1.0 - exp(-config->step_s / tau)) : 0.0;
    scene->lag_gain_mps = decay;
    scene->lag_gain_m = tau * (config->step_s - decay);
}

bool car_scene_build(const car_config *config, const hp_plan_request *request, car_scene *scene)
{
    line path = {.request = request};
    if (request->n_path < 2 || request->step_s <= 0.0 || request->n_steps == 0) {
        return false;
    }
    if (hp_polyline_lengths(request->path, request->n_path, path.s_m) <= 0.0) {
        return false;
    }
    scene->config = config;
    scene->goal_s_m = request->goal_s_m;
    scene->speed_limit_mps = fmax(request->speed_limit_mps, 1.0);
    scene->speed_floor_mps = request->speed_floor_mps;
    scene->half_length_m = 0.5 * request->ego_length_m;
    scene->half_width_m = 0.5 * request->ego_width_m;
    scene->eye_ahead_m = 0.5 * request->ego_wheelbase_m;
    scene->ego_s_m = request->ego_s_m;
    scene->ego_speed_mps = fmax(request->ego_speed_mps, 0.0);
    scene->ego_accel_mps2 = request->ego_accel_mps2;
    build_actions(config, scene);
    scene->last_action = request->last_action < config->n_actions ? request->last_action : 0;
    if (scene->ego_speed_mps < STANDING_MPS) {
        /* Nobody feels a switch from standing; with its cost, setting off a step later always pays.
         */
        scene->last_action = scene->fastest;
    }
    build_costs(config, scene);
    build_path(&path, scene);
    scene->blocked_s_m = find_block(&path, scene);
    build_others(&path, scene);
    car_lanes_build(scene);
    return true;
}
