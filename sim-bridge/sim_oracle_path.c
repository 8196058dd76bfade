#include "sim-bridge/sim_oracle_internal.h"

#include "common/hp_search.h"

#include <math.h>
#include <string.h>

#define SWERVE_STEP_M 0.5 /* between points where the path bends */
/* Numerical slack by which forbidden spans are widened: far over rounding, far under a lattice
 * step. */
#define SLACK_M 1e-6

void oracle_spans_set(oracle_spans *spans, double lo_m, double hi_m)
{
    spans->n = lo_m <= hi_m ? 1 : 0;
    spans->at[0].lo_m = lo_m;
    spans->at[0].hi_m = hi_m;
}

void oracle_spans_remove(oracle_spans *spans, double lo_m, double hi_m)
{
    oracle_spans out = {.n = 0};
    for (uint32_t i = 0; i < spans->n; ++i) {
        const struct oracle_span s = spans->at[i];
        const double left_hi = fmin(s.hi_m, lo_m);
        const double right_lo = fmax(s.lo_m, hi_m);
        if (s.lo_m <= left_hi && out.n < ORACLE_MAX_SPANS) {
            out.at[out.n++] = (struct oracle_span){s.lo_m, left_hi};
        }
        if (right_lo <= s.hi_m && right_lo > left_hi && out.n < ORACLE_MAX_SPANS) {
            out.at[out.n++] = (struct oracle_span){right_lo, s.hi_m};
        }
    }
    *spans = out;
}

void oracle_spans_keep(oracle_spans *spans, double lo_m, double hi_m)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < spans->n; ++i) {
        const double lo = fmax(spans->at[i].lo_m, lo_m);
        const double hi = fmin(spans->at[i].hi_m, hi_m);
        if (lo <= hi) {
            spans->at[n++] = (struct oracle_span){lo, hi};
        }
    }
    spans->n = n;
}

void oracle_spans_intersect(oracle_spans *spans, const oracle_spans *other)
{
    oracle_spans out = {.n = 0};
    for (uint32_t i = 0; i < spans->n; ++i) {
        for (uint32_t j = 0; j < other->n; ++j) {
            const double lo = fmax(spans->at[i].lo_m, other->at[j].lo_m);
            const double hi = fmin(spans->at[i].hi_m, other->at[j].hi_m);
            if (lo <= hi && out.n < ORACLE_MAX_SPANS) {
                out.at[out.n++] = (struct oracle_span){lo, hi};
            }
        }
    }
    *spans = out;
}

static double path_length(const oracle_path *path)
{
    return path->s_m[path->n - 1];
}

/** Index of the segment that holds s. */
static uint32_t segment_at(const oracle_path *path, double s_m)
{
    return (uint32_t)hp_search_begin(path->s_m, path->n - 1, sizeof path->s_m[0], 0, s_m);
}

static hp_vec2 point_at(const oracle_path *path, double s_m, uint32_t *segment)
{
    const uint32_t i = segment_at(path, s_m);
    const double t = s_m - path->s_m[i];
    *segment = i;
    return (hp_vec2){path->points[i].x_m + t * path->along[i].x_m,
                     path->points[i].y_m + t * path->along[i].y_m};
}

hp_pose oracle_path_pose(const oracle_path *path, double s_m)
{
    uint32_t i = 0;
    const hp_vec2 p = point_at(path, s_m, &i);
    return (hp_pose){p.x_m, p.y_m, atan2(path->along[i].y_m, path->along[i].x_m)};
}

/** Appends a point unless it repeats the last; false when the path is full. */
static bool add_point(oracle_path *path, hp_vec2 p)
{
    if (path->n > 0 && hp_dist(path->points[path->n - 1], p) < 1e-6) {
        return true;
    }
    if (path->n == ORACLE_MAX_POINTS) {
        return false;
    }
    path->points[path->n++] = p;
    return true;
}

/** Arc lengths, directions, the goal. */
static bool measure(const sim_scenario *scenario, oracle_path *path)
{
    const hp_vec2 goal = {scenario->goal.x_m, scenario->goal.y_m};
    if (path->n < 2) {
        return false;
    }
    (void)hp_polyline_lengths(path->points, path->n, path->s_m);
    for (uint32_t i = 0; i + 1 < path->n; ++i) {
        const double len = path->s_m[i + 1] - path->s_m[i];
        const hp_vec2 d = hp_vec2_sub(path->points[i + 1], path->points[i]);
        path->along[i] = (hp_vec2){d.x_m / len, d.y_m / len};
    }
    path->along[path->n - 1] = path->along[path->n - 2];
    oracle_spans at_goal;
    oracle_path_near(path, (hp_vec2){0.0, 0.0}, goal, scenario->goal_radius_m, &at_goal);
    /* A drive that starts within the goal's radius is none. */
    path->goal_s_m =
        at_goal.n > 0 && at_goal.at[0].lo_m > 0.0 ? at_goal.at[0].lo_m + SLACK_M : (double)NAN;
    return !isnan(path->goal_s_m);
}

/** Time that the way to the goal takes at the speeds that curves allow. */
static void measure_left(oracle_path *path)
{
    double left_s = 0.0;
    for (uint32_t k = path->n_caps; k-- > 0;) {
        const double next = path->fast_mps[k + 1 < path->n_caps ? k + 1 : k];
        const double cell_m = fmin(path->goal_s_m - k * ORACLE_CAP_STEP_M, ORACLE_CAP_STEP_M);
        if (cell_m > 0.0) {
            left_s += cell_m / fmax(path->fast_mps[k], next);
        }
        path->left_s[k] = left_s;
    }
}

/** Speed that each place's curvature allows, and the same with braking in time for what follows. */
static void measure_caps(const oracle_rules *rules, oracle_path *path)
{
    path->n_caps = (uint32_t)fmin(path_length(path) / ORACLE_CAP_STEP_M + 2.0, ORACLE_MAX_CAPS);
    path->capped = false;
    for (uint32_t i = 0; i < path->n_caps; ++i) {
        path->curve_mps[i] = rules->limit_mps;
    }
    for (uint32_t i = 1; i + 1 < path->n; ++i) {
        const hp_vec2 a = path->along[i - 1];
        const hp_vec2 b = path->along[i];
        const double turn_rad =
            fabs(atan2(a.x_m * b.y_m - a.y_m * b.x_m, a.x_m * b.x_m + a.y_m * b.y_m));
        const double span_m = 0.5 * (path->s_m[i + 1] - path->s_m[i - 1]);
        const double mps = sqrt(SIM_ORACLE_LATERAL_MPS2 * span_m / fmax(turn_rad, 1e-9));
        const double lo_m = path->s_m[i] - span_m;
        const double hi_m = path->s_m[i] + span_m;
        if (mps >= rules->limit_mps) {
            continue;
        }
        path->capped = true;
        for (uint32_t k = (uint32_t)fmax(lo_m / ORACLE_CAP_STEP_M, 0.0);
             k < path->n_caps && k * ORACLE_CAP_STEP_M <= hi_m + ORACLE_CAP_STEP_M; ++k) {
            path->curve_mps[k] = fmin(path->curve_mps[k], mps);
        }
    }
    path->fast_mps[path->n_caps - 1] = path->curve_mps[path->n_caps - 1];
    for (uint32_t k = path->n_caps - 1; k > 0; --k) {
        const double next = path->fast_mps[k];
        path->fast_mps[k - 1] =
            fmin(path->curve_mps[k - 1],
                 sqrt(next * next + 2.0 * SIM_ORACLE_BRAKE_MPS2 * ORACLE_CAP_STEP_M));
    }
    measure_left(path);
}

double oracle_path_cap(const oracle_path *path, double s_m)
{
    const uint32_t k = (uint32_t)fmin(s_m / ORACLE_CAP_STEP_M, (double)(path->n_caps - 1));
    return fmin(path->fast_mps[k], path->fast_mps[k + 1 < path->n_caps ? k + 1 : k]);
}

/** The fastest and the slowest drive that mind nobody, tick by tick. */
static void measure_drives(const oracle_rules *rules, oracle_path *path)
{
    const double dt = SIM_ORACLE_TICK_S;
    const double up = SIM_ORACLE_ACCEL_MPS2 * dt;
    double slow_v = rules->start_mps;
    path->fast_s_m[0] = path->slow_s_m[0] = 0.0;
    path->fast_v_mps[0] = rules->start_mps;
    path->fast_ticks = rules->max_ticks + 1;
    for (uint32_t k = 0; k < rules->max_ticks; ++k) {
        const double s = path->fast_s_m[k];
        const double v = path->fast_v_mps[k];
        double w = fmin(v + up, rules->limit_mps);
        if (path->capped) {
            w = fmax(fmin(w, oracle_path_cap(path, s + 0.5 * (v + w) * dt)),
                     fmax(v - SIM_ORACLE_BRAKE_MPS2 * dt, 0.0));
        }
        path->fast_s_m[k + 1] = s + 0.5 * (v + w) * dt;
        path->fast_v_mps[k + 1] = w;
        if (path->fast_ticks > rules->max_ticks && path->fast_s_m[k + 1] >= path->goal_s_m) {
            path->fast_ticks = k + 1;
        }
        /* One braking step from the floor is allowed before the throttle is forced; a little less
         * than full throttle, since the search's lattice does not quite reach it. */
        const double next_v = slow_v < rules->floor_mps
                                  ? slow_v + 0.95 * up
                                  : fmax(slow_v - SIM_ORACLE_BRAKE_MPS2 * dt, 0.0);
        path->slow_s_m[k + 1] =
            rules->floor_mps > 0.0 ? path->slow_s_m[k] + 0.5 * (slow_v + next_v) * dt : 0.0;
        slow_v = next_v;
    }
}

static bool finish(const sim_scenario *scenario, const oracle_rules *rules, oracle_path *path)
{
    if (!measure(scenario, path)) {
        return false;
    }
    measure_caps(rules, path);
    measure_drives(rules, path);
    return true;
}

bool oracle_path_route(const sim_scenario *scenario, const oracle_rules *rules, oracle_path *path)
{
    path->n = 0;
    for (uint32_t i = 0; i < scenario->n_route; ++i) {
        if (!add_point(path, (hp_vec2){scenario->route_xy[2 * (size_t)i],
                                       scenario->route_xy[2 * (size_t)i + 1]})) {
            return false;
        }
    }
    return finish(scenario, rules, path);
}

/** From 0 to 1 with no jump in curvature. */
static double ease(double t)
{
    const double x = hp_clamp(t, 0.0, 1.0);
    return x * x * x * (10.0 + x * (6.0 * x - 15.0));
}

static double offset_at(const oracle_swerve *swerve, double s_m)
{
    double f = ease((s_m - swerve->begin_m) / swerve->in_m);
    if (swerve->out_m > 0.0) {
        f -= ease((s_m - swerve->begin_m - swerve->in_m - swerve->hold_m) / swerve->out_m);
    }
    return swerve->offset_m * f;
}

/** True if the offset changes around s: there the path needs points. */
static bool bends_at(const oracle_swerve *swerve, double s_m)
{
    const double in = s_m - swerve->begin_m;
    const double out = in - swerve->in_m - swerve->hold_m;
    return (in > -SWERVE_STEP_M && in < swerve->in_m + SWERVE_STEP_M) ||
           (swerve->out_m > 0.0 && out > -SWERVE_STEP_M && out < swerve->out_m + SWERVE_STEP_M);
}

static bool add_offset_point(const oracle_path *route, const oracle_swerve *swerve, double s_m,
                             oracle_path *path)
{
    uint32_t i = 0;
    const hp_vec2 p = point_at(route, s_m, &i);
    const double d = offset_at(swerve, s_m);
    return add_point(path,
                     (hp_vec2){p.x_m - d * route->along[i].y_m, p.y_m + d * route->along[i].x_m});
}

bool oracle_path_swerve(const sim_scenario *scenario, const oracle_rules *rules,
                        const oracle_path *route, const oracle_swerve *swerve, oracle_path *path)
{
    const double length_m = path_length(route);
    path->n = 0;
    for (uint32_t i = 0; i < route->n; ++i) {
        if (!add_offset_point(route, swerve, route->s_m[i], path)) {
            return false;
        }
        const double end_m = i + 1 < route->n ? route->s_m[i + 1] : length_m;
        const uint32_t first = (uint32_t)(route->s_m[i] / SWERVE_STEP_M) + 1;
        /* A bend has points enough of its own. More between them would lie straight, and leave all
         * of its turn to half of the way. */
        const bool is_bend = end_m - route->s_m[i] < SWERVE_STEP_M;
        for (uint32_t k = first; !is_bend && k * SWERVE_STEP_M < end_m; ++k) {
            const double s = k * SWERVE_STEP_M;
            if (bends_at(swerve, s) && !add_offset_point(route, swerve, s, path)) {
                return false;
            }
        }
    }
    return finish(scenario, rules, path);
}

bool oracle_path_drivable(const sim_scenario *scenario, const oracle_path *path, bool pavement)
{
    for (uint32_t k = 0; k * SWERVE_STEP_M < path->goal_s_m; ++k) {
        uint32_t segment = 0;
        const hp_vec2 p = point_at(path, k * SWERVE_STEP_M, &segment);
        bool inside = false;
        for (uint32_t i = 0; i < scenario->n_road && !inside; ++i) {
            inside = hp_rect_contains(&scenario->road[i], p);
        }
        for (uint32_t i = 0; pavement && i < scenario->n_pavement && !inside; ++i) {
            inside = hp_rect_contains(&scenario->pavement[i], p);
        }
        if (!inside) {
            return false;
        }
    }
    return true;
}

/** Narrows [*t0, *t1] to where |offset + t * rate| <= reach. */
static bool narrow(double offset, double rate, double reach, double *t0, double *t1)
{
    if (fabs(rate) < 1e-12) {
        return fabs(offset) <= reach;
    }
    const double a = (-reach - offset) / rate;
    const double b = (reach - offset) / rate;
    *t0 = fmax(*t0, fmin(a, b));
    *t1 = fmin(*t1, fmax(a, b));
    return *t0 <= *t1;
}

/** The span of t for which the ego's box at p + t u, turned along u, overlaps the other box: the
 *  separating axes of both boxes, each a condition linear in t. */
static bool sliding_overlap(hp_vec2 p, hp_vec2 u, const oracle_rules *rules, const hp_box *box,
                            double *t0, double *t1)
{
    const hp_vec2 v = {cos(box->centre.yaw_rad), sin(box->centre.yaw_rad)};
    const double ehl = 0.5 * rules->length_m;
    const double ehw = 0.5 * rules->width_m;
    const double bhl = 0.5 * box->length_m;
    const double bhw = 0.5 * box->width_m;
    const double dx = p.x_m - box->centre.x_m;
    const double dy = p.y_m - box->centre.y_m;
    const double c = fabs(u.x_m * v.x_m + u.y_m * v.y_m);
    const double s = fabs(u.x_m * v.y_m - u.y_m * v.x_m);
    return narrow(dx * -u.y_m + dy * u.x_m, 0.0, ehw + bhl * s + bhw * c, t0, t1) &&
           narrow(dx * u.x_m + dy * u.y_m, 1.0, ehl + bhl * c + bhw * s, t0, t1) &&
           narrow(dx * v.x_m + dy * v.y_m, u.x_m * v.x_m + u.y_m * v.y_m, bhl + ehl * c + ehw * s,
                  t0, t1) &&
           narrow(dx * -v.y_m + dy * v.x_m, u.x_m * -v.y_m + u.y_m * v.x_m, bhw + ehl * s + ehw * c,
                  t0, t1);
}

void oracle_path_forbid(const oracle_path *path, const oracle_rules *rules, const hp_box *box,
                        oracle_spans *allowed)
{
    const hp_vec2 centre = {box->centre.x_m, box->centre.y_m};
    const double reach_m =
        0.5 * (hypot(rules->length_m, rules->width_m) + hypot(box->length_m, box->width_m));
    for (uint32_t i = 0; i + 1 < path->n; ++i) {
        const double len = path->s_m[i + 1] - path->s_m[i];
        const hp_vec2 u = path->along[i];
        const hp_vec2 d = hp_vec2_sub(centre, path->points[i]);
        const double ahead = d.x_m * u.x_m + d.y_m * u.y_m;
        const double beside = d.y_m * u.x_m - d.x_m * u.y_m;
        double t0 = 0.0;
        double t1 = len;
        if (ahead < -reach_m || ahead > len + reach_m || fabs(beside) > reach_m ||
            !sliding_overlap(path->points[i], u, rules, box, &t0, &t1)) {
            continue;
        }
        const double lo = path->s_m[i] + t0 - SLACK_M;
        const double hi = fmin(path->s_m[i] + t1 + SLACK_M, path->goal_s_m);
        if (lo < hi) {
            oracle_spans_remove(allowed, lo, hi);
        }
    }
}

void oracle_path_near(const oracle_path *path, hp_vec2 axis, hp_vec2 centre, double reach_m,
                      oracle_spans *out)
{
    const bool round = axis.x_m == 0.0 && axis.y_m == 0.0;
    out->n = 0;
    for (uint32_t i = 0; i + 1 < path->n; ++i) {
        const hp_vec2 u = path->along[i];
        const hp_vec2 d = hp_vec2_sub(path->points[i], centre);
        double t0 = 0.0;
        double t1 = path->s_m[i + 1] - path->s_m[i];
        bool meets = false;
        if (round) {
            const double beside = d.x_m * u.y_m - d.y_m * u.x_m;
            const double half2 = reach_m * reach_m - beside * beside;
            meets = half2 > 0.0 &&
                    narrow(d.x_m * u.x_m + d.y_m * u.y_m, 1.0, sqrt(fmax(half2, 0.0)), &t0, &t1);
        } else {
            meets = narrow(axis.x_m * d.x_m + axis.y_m * d.y_m, axis.x_m * u.x_m + axis.y_m * u.y_m,
                           reach_m, &t0, &t1);
        }
        if (!meets) {
            continue;
        }
        const double lo = path->s_m[i] + t0;
        const double hi = path->s_m[i] + t1;
        if (out->n > 0 && lo <= out->at[out->n - 1].hi_m + SLACK_M) {
            out->at[out->n - 1].hi_m = hi;
        } else if (out->n < ORACLE_MAX_SPANS) {
            out->at[out->n++] = (struct oracle_span){lo, hi};
        }
    }
}
