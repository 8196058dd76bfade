#include "sim-bridge/sim_oracle_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Words of the lattice that the searches of one scene may touch, about a nanosecond each: what has
 * not been found by then is given up (counted, not timed, so the answer is always the same). */
#define SEARCH_WORK UINT64_C(40000000)

/* An arrival so little after the unhindered one is not searched for further. */
enum { GOOD_TICKS = 2 };

#define TICK_S SIM_ORACLE_TICK_S

struct sim_oracle {
    oracle_scene scene;
    oracle_path route, path;
    oracle_search *search;
    sim_oracle_drive best, trial;
    uint64_t work; /* left for searches in this scene */
    bool found;
    bool has_hit;   /* the last drive tried met something: */
    double hit_s_m; /* here along its path */
};

hp_status sim_oracle_create(sim_oracle **out)
{
    *out = NULL;
    sim_oracle *oracle = calloc(1, sizeof *oracle);
    if (oracle == NULL) {
        return HP_ENOMEM;
    }
    const hp_status st = oracle_search_create(&oracle->search);
    if (st != HP_OK) {
        sim_oracle_destroy(&oracle);
        return st;
    }
    *out = oracle;
    return HP_OK;
}

void sim_oracle_destroy(sim_oracle **oracle)
{
    if (*oracle != NULL) {
        oracle_search_destroy(&(*oracle)->search);
        free(*oracle);
        *oracle = NULL;
    }
}

const sim_oracle_drive *sim_oracle_drive_of(const sim_oracle *oracle)
{
    return &oracle->best;
}

/* ---- The proof: the drive among the bodies themselves ---- */

static bool on_any(const hp_rect *rects, uint32_t n, hp_vec2 p)
{
    for (uint32_t i = 0; i < n; ++i) {
        if (hp_rect_contains(&rects[i], p)) {
            return true;
        }
    }
    return false;
}

static bool is_clear(const sim_scenario *scenario, const sim_actors *actors, const hp_box *ego)
{
    sim_body bodies[SIM_MAX_BODIES];
    const hp_vec2 centre = {ego->centre.x_m, ego->centre.y_m};
    const uint32_t n = sim_actors_bodies(scenario, actors, bodies);
    for (uint32_t i = 0; i < n; ++i) {
        if (hp_box_overlap(ego, &bodies[i].box)) {
            return false;
        }
    }
    return scenario->n_road + scenario->n_pavement == 0 ||
           on_any(scenario->road, scenario->n_road, centre) ||
           on_any(scenario->pavement, scenario->n_pavement, centre);
}

hp_status sim_oracle_check(const sim_scenario *scenario, const sim_scene *scene,
                           const sim_oracle_drive *drive, uint32_t *tick)
{
    sim_vehicle_config vehicle;
    sim_actors actors;
    sim_vehicle_config_default(&vehicle);
    sim_actors_reset(scenario, scene, &actors);
    uint32_t k = 0;
    bool clear = true;
    while (k < drive->n_ticks && clear) {
        const hp_pose *before = &drive->poses[k];
        const hp_box box = {drive->poses[k + 1], vehicle.length_m, vehicle.width_m};
        sim_actors_step(scenario, scene, (hp_vec2){before->x_m, before->y_m}, &box,
                        drive->speed_mps[k + 1], TICK_S, &actors);
        ++k;
        clear = is_clear(scenario, &actors, &box);
    }
    if (tick != NULL) {
        *tick = k;
    }
    const hp_pose *end = &drive->poses[drive->n_ticks];
    const double left_m = hypot(end->x_m - scenario->goal.x_m, end->y_m - scenario->goal.y_m);
    const bool in_time =
        drive->n_ticks * TICK_S <= scenario->time_limit_s + 1e-9 && drive->n_ticks > 0;
    return clear && in_time && left_m <= scenario->goal_radius_m ? HP_OK : HP_EINVAL;
}

/* ---- Drives along one path ---- */

static uint32_t best_ticks(const sim_oracle *oracle)
{
    return oracle->found ? oracle->best.n_ticks : oracle->scene.rules.max_ticks + 1;
}

static bool take_trial(sim_oracle *oracle)
{
    if (oracle->trial.n_ticks >= best_ticks(oracle) ||
        sim_oracle_check(oracle->scene.scenario, oracle->scene.scene, &oracle->trial, NULL) !=
            HP_OK) {
        return false;
    }
    oracle->best = oracle->trial;
    oracle->found = true;
    return true;
}

/** The drive that minds nobody: taken if it is clear and the fastest so far; else hit tells where
 * it fails. */
static bool try_fast(sim_oracle *oracle, const oracle_path *path)
{
    sim_oracle_drive *trial = &oracle->trial;
    uint32_t tick = 0;
    if (path->fast_ticks >= best_ticks(oracle)) {
        oracle->has_hit = false;
        return false;
    }
    trial->n_ticks = path->fast_ticks;
    for (uint32_t k = 0; k <= path->fast_ticks; ++k) {
        trial->poses[k] = oracle_path_pose(path, path->fast_s_m[k]);
        trial->speed_mps[k] = path->fast_v_mps[k];
    }
    oracle->has_hit =
        sim_oracle_check(oracle->scene.scenario, oracle->scene.scene, trial, &tick) != HP_OK;
    if (oracle->has_hit) {
        oracle->hit_s_m = path->fast_s_m[tick];
        return false;
    }
    oracle->best = *trial;
    oracle->found = true;
    return true;
}

/** Full throttle, from one tick on down to a low speed, from another on full throttle again. */
typedef struct profile {
    uint32_t brake_tick, go_tick;
    double low_mps;
} profile;

/** Drives the profile into the trial; false if it does not arrive before the best so far. */
static bool profile_drive(sim_oracle *oracle, const oracle_path *path, const profile *p)
{
    const oracle_rules *rules = &oracle->scene.rules;
    sim_oracle_drive *trial = &oracle->trial;
    double s_m = 0.0;
    double v = rules->start_mps;
    const uint32_t end = best_ticks(oracle);
    for (uint32_t k = 0; k < end; ++k) {
        trial->poses[k] = oracle_path_pose(path, s_m);
        trial->speed_mps[k] = v;
        trial->n_ticks = k;
        if (s_m >= path->goal_s_m) {
            return true;
        }
        const double limit = fmin(rules->limit_mps, oracle_path_cap(path, s_m + v * TICK_S));
        const double up = v + SIM_ORACLE_ACCEL_MPS2 * TICK_S;
        const double down = fmax(v - SIM_ORACLE_BRAKE_MPS2 * TICK_S, 0.0);
        const bool slow = k >= p->brake_tick && k < p->go_tick && v >= rules->floor_mps;
        const double w = fmax(fmin(up, slow ? fmin(p->low_mps, limit) : limit), down);
        s_m += 0.5 * (v + w) * TICK_S;
        v = w;
    }
    return false;
}

/** Where several bodies wait for the ego, their scripts have no single latch to search over: a grid
 * of plain profiles, each driven among the bodies, stands in. */
static void try_profiles(sim_oracle *oracle, const oracle_path *path)
{
    enum { STEP = 8 }; /* ticks */
    const double limit = oracle->scene.rules.limit_mps;
    for (uint32_t go = STEP; go < best_ticks(oracle); go += STEP) {
        for (uint32_t brake = 0; brake < go; brake += STEP) {
            for (uint32_t sixth = 0; sixth < 5; ++sixth) {
                const profile p = {brake, go, limit * sixth / 6.0};
                if (profile_drive(oracle, path, &p)) {
                    (void)take_trial(oracle);
                }
            }
        }
    }
}

static void try_path(sim_oracle *oracle, const oracle_path *path)
{
    if (oracle->scene.many_latches) {
        if (!try_fast(oracle, path) && oracle->has_hit) {
            try_profiles(oracle, path);
        }
        return;
    }
    if (!try_fast(oracle, path) && oracle->has_hit &&
        oracle_search_run(oracle->search, &oracle->scene, path, best_ticks(oracle), &oracle->work,
                          &oracle->trial)) {
        (void)take_trial(oracle);
    }
}

static sim_oracle_result result_of(const sim_oracle *oracle)
{
    const double ttg_s = oracle->best.n_ticks * TICK_S;
    return (sim_oracle_result){oracle->found, oracle->found ? ttg_s : (double)NAN};
}

static bool begin(sim_oracle *oracle, const sim_scenario *scenario, const sim_scene *scene)
{
    oracle->work = SEARCH_WORK;
    oracle->found = false;
    oracle->has_hit = false;
    oracle_scene_begin(&oracle->scene, scenario, scene);
    return oracle_path_route(scenario, &oracle->scene.rules, &oracle->route);
}

/* ---- Drives with a swerve ---- */

/* Offsets from the route that are tried, left and right; the benchmark allows 4 m. */
static const double OFFSETS_M[] = {0.4, 0.8, 1.2, 1.6, 2.0, 2.2, 2.4, 2.7, 3.0, 3.5, 4.0};
/* How a swerve is laid: its easing in and out as a fraction of what the speed at the obstacle
 * needs, and how long before the obstacle it must be complete (negative: the corner is cut). */
static const struct swerve_style {
    double fraction, before_m;
} STYLES[] = {{1.0, 1.0}, {0.6, -1.0}, {0.3, -2.0}, {1.0, -2.5}, {2.0, 0.0}, {2.0, 6.0}};

enum {
    N_OFFSETS = sizeof OFFSETS_M / sizeof OFFSETS_M[0],
    N_STYLES = sizeof STYLES / sizeof STYLES[0],
    N_SWERVES = 2 * N_OFFSETS * N_STYLES,
};

#define EASE_BEND 5.7735  /* largest second derivative of the easing curve */
#define EASE_SLOPE 1.875  /* and its largest first derivative */
#define MAX_SLOPE 0.7     /* of a swerve: the vehicle turns no more than 35 degrees */
#define HOLD_AFTER_M 10.0 /* the offset is held to here behind the place of the hit */

/** The i-th swerve around the place where the fastest drive on the route hits something. */
static oracle_swerve swerve_at(double hit_s_m, double hit_mps, uint32_t i)
{
    const struct swerve_style style = STYLES[i / 2 / N_OFFSETS];
    const double offset_m = (i % 2 == 0 ? 1.0 : -1.0) * OFFSETS_M[i / 2 % N_OFFSETS];
    const double bend_m = hit_mps * sqrt(EASE_BEND * fabs(offset_m) / SIM_ORACLE_LATERAL_MPS2);
    const double ease_m = fmax(bend_m * style.fraction, EASE_SLOPE * fabs(offset_m) / MAX_SLOPE);
    const double from_m = hit_s_m - style.before_m;
    return (oracle_swerve){.offset_m = offset_m,
                           .begin_m = from_m - ease_m,
                           .in_m = ease_m,
                           .hold_m = style.before_m + HOLD_AFTER_M,
                           .out_m = ease_m};
}

/** Builds the i-th swerve's path; false if it starts before the route or leaves what is allowed. */
static bool swerve_build(sim_oracle *oracle, double hit_s_m, double hit_mps, uint32_t i,
                         bool pavement)
{
    const sim_scenario *scenario = oracle->scene.scenario;
    const oracle_swerve swerve = swerve_at(hit_s_m, hit_mps, i);
    return swerve.begin_m >= 0.0 &&
           oracle_path_swerve(scenario, &oracle->scene.rules, &oracle->route, &swerve,
                              &oracle->path) &&
           oracle_path_drivable(scenario, &oracle->path, pavement);
}

/** All swerves around the hit: first as fast as they can be driven, then, if that leaves room, by
 *  search. */
static void try_swerves(sim_oracle *oracle, double hit_s_m, double hit_mps, bool pavement)
{
    uint32_t second[N_SWERVES];
    uint32_t n = 0;
    for (uint32_t i = 0; i < N_SWERVES; ++i) {
        if (swerve_build(oracle, hit_s_m, hit_mps, i, pavement) &&
            !try_fast(oracle, &oracle->path) && oracle->has_hit) {
            second[n++] = i;
        }
    }
    for (uint32_t k = 0; k < n && best_ticks(oracle) > oracle->route.fast_ticks + GOOD_TICKS; ++k) {
        if (swerve_build(oracle, hit_s_m, hit_mps, second[k], pavement) &&
            oracle_search_run(oracle->search, &oracle->scene, &oracle->path, best_ticks(oracle),
                              &oracle->work, &oracle->trial)) {
            (void)take_trial(oracle);
        }
    }
}

static double speed_at(const oracle_path *path, double s_m)
{
    uint32_t k = 0;
    while (k < path->fast_ticks && path->fast_s_m[k] < s_m) {
        ++k;
    }
    return path->fast_v_mps[k];
}

/** True if a parked car stands on the route before the goal; *s_m: where the ego would touch it. */
static bool route_blocked(const sim_oracle *oracle, double *s_m)
{
    oracle_spans free;
    oracle_spans_set(&free, 0.0, oracle->route.goal_s_m);
    for (uint32_t i = 0; i < oracle->scene.n_parked; ++i) {
        oracle_path_forbid(&oracle->route, &oracle->scene.rules, &oracle->scene.parked[i], &free);
    }
    *s_m = free.n > 0 ? free.at[0].hi_m : 0.0;
    return *s_m < oracle->route.goal_s_m;
}

static void run_a(sim_oracle *oracle)
{
    double s_m = 0.0;
    if (route_blocked(oracle, &s_m)) {
        try_swerves(oracle, s_m, speed_at(&oracle->route, s_m), false);
    } else {
        try_path(oracle, &oracle->route);
    }
}

/** Where a bend slows the route down, its inner side may be the shorter way, whoever is there. Not
 * over the pavement: that is for who is in need. */
static void cut_bends(sim_oracle *oracle)
{
    const oracle_path *route = &oracle->route;
    uint32_t first = 0;
    while (first < route->n_caps && route->curve_mps[first] >= oracle->scene.rules.limit_mps) {
        ++first;
    }
    uint32_t last = first;
    while (last < route->n_caps && route->curve_mps[last] < oracle->scene.rules.limit_mps) {
        ++last;
    }
    for (uint32_t k = 0; route->capped && k <= 4; ++k) {
        const uint32_t at = first + k * (last - first) / 4;
        try_swerves(oracle, at * ORACLE_CAP_STEP_M, route->curve_mps[first], false);
    }
}

sim_oracle_result sim_oracle_a(sim_oracle *oracle, const sim_scenario *scenario,
                               const sim_scene *scene)
{
    if (begin(oracle, scenario, scene)) {
        run_a(oracle);
    }
    return result_of(oracle);
}

sim_oracle_result sim_oracle_b(sim_oracle *oracle, const sim_scenario *scenario,
                               const sim_scene *scene)
{
    if (!begin(oracle, scenario, scene)) {
        return result_of(oracle);
    }
    double s_m = 0.0;
    if (!route_blocked(oracle, &s_m)) {
        if (try_fast(oracle, &oracle->route) || !oracle->has_hit) {
            cut_bends(oracle);
            return result_of(oracle);
        }
        s_m = oracle->hit_s_m;
    }
    const double mps = speed_at(&oracle->route, s_m);
    run_a(oracle);
    try_swerves(oracle, s_m, mps, true);
    cut_bends(oracle);
    return result_of(oracle);
}
