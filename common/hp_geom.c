#include "common/hp_geom.h"

#include "common/hp_search.h"

double hp_angle_wrap(double rad)
{
    const double r = fmod(rad, 2.0 * HP_PI);
    if (r > HP_PI) {
        return r - 2.0 * HP_PI;
    }
    return r <= -HP_PI ? r + 2.0 * HP_PI : r;
}

/** Coordinates of p in the box's own frame (x along yaw). */
static hp_vec2 to_box(const hp_box *box, hp_vec2 p)
{
    const double c = cos(box->centre.yaw_rad);
    const double s = sin(box->centre.yaw_rad);
    const double dx = p.x_m - box->centre.x_m;
    const double dy = p.y_m - box->centre.y_m;
    return (hp_vec2){c * dx + s * dy, c * dy - s * dx};
}

void hp_box_corners(const hp_box *box, hp_vec2 corners[4])
{
    const double c = cos(box->centre.yaw_rad);
    const double s = sin(box->centre.yaw_rad);
    const double hl = 0.5 * box->length_m;
    const double hw = 0.5 * box->width_m;
    const double along[4] = {hl, hl, -hl, -hl};
    const double across[4] = {hw, -hw, -hw, hw};
    for (int i = 0; i < 4; ++i) {
        corners[i].x_m = box->centre.x_m + c * along[i] - s * across[i];
        corners[i].y_m = box->centre.y_m + s * along[i] + c * across[i];
    }
}

/** True if b's corners leave a gap to box a along one of a's axes. */
static bool separated_by_axes_of(const hp_box *a, const hp_box *b)
{
    hp_vec2 corners[4];
    double x_min = INFINITY;
    double x_max = -INFINITY;
    double y_min = INFINITY;
    double y_max = -INFINITY;
    hp_box_corners(b, corners);
    for (int i = 0; i < 4; ++i) {
        const hp_vec2 p = to_box(a, corners[i]);
        x_min = fmin(x_min, p.x_m);
        x_max = fmax(x_max, p.x_m);
        y_min = fmin(y_min, p.y_m);
        y_max = fmax(y_max, p.y_m);
    }
    const double hl = 0.5 * a->length_m;
    const double hw = 0.5 * a->width_m;
    return x_min > hl || x_max < -hl || y_min > hw || y_max < -hw;
}

bool hp_box_overlap(const hp_box *a, const hp_box *b)
{
    const double reach = 0.5 * (hypot(a->length_m, a->width_m) + hypot(b->length_m, b->width_m));
    const double dx = a->centre.x_m - b->centre.x_m;
    const double dy = a->centre.y_m - b->centre.y_m;
    if (dx * dx + dy * dy > reach * reach) {
        return false;
    }
    return !separated_by_axes_of(a, b) && !separated_by_axes_of(b, a);
}

bool hp_box_contains(const hp_box *box, hp_vec2 p)
{
    const hp_vec2 q = to_box(box, p);
    return fabs(q.x_m) <= 0.5 * box->length_m && fabs(q.y_m) <= 0.5 * box->width_m;
}

double hp_box_distance(const hp_box *box, hp_vec2 p)
{
    const hp_vec2 q = to_box(box, p);
    return hypot(fmax(fabs(q.x_m) - 0.5 * box->length_m, 0.0),
                 fmax(fabs(q.y_m) - 0.5 * box->width_m, 0.0));
}

double hp_box_gap(const hp_box *a, const hp_box *b)
{
    hp_vec2 ca[4];
    hp_vec2 cb[4];
    double gap = INFINITY;
    if (hp_box_overlap(a, b)) {
        return 0.0;
    }
    /* The nearest points of two disjoint convex boxes include a corner of one of them. */
    hp_box_corners(a, ca);
    hp_box_corners(b, cb);
    for (int i = 0; i < 4; ++i) {
        gap = fmin(gap, hp_box_distance(b, ca[i]));
        gap = fmin(gap, hp_box_distance(a, cb[i]));
    }
    return gap;
}

/** Clips the parameter interval [*t0, *t1] of p + t d to |coordinate| <= half. */
static bool clip_slab(double p, double d, double half, double *t0, double *t1)
{
    if (fabs(d) < 1e-12) {
        return fabs(p) <= half;
    }
    double near = (-half - p) / d;
    double far = (half - p) / d;
    if (near > far) {
        const double swap = near;
        near = far;
        far = swap;
    }
    *t0 = fmax(*t0, near);
    *t1 = fmin(*t1, far);
    return *t0 <= *t1;
}

bool hp_box_cuts_segment(const hp_box *box, hp_vec2 a, hp_vec2 b)
{
    const hp_vec2 p = to_box(box, a);
    const hp_vec2 q = to_box(box, b);
    double t0 = 0.0;
    double t1 = 1.0;
    return clip_slab(p.x_m, q.x_m - p.x_m, 0.5 * box->length_m, &t0, &t1) &&
           clip_slab(p.y_m, q.y_m - p.y_m, 0.5 * box->width_m, &t0, &t1);
}

bool hp_rect_contains(const hp_rect *r, hp_vec2 p)
{
    return p.x_m >= r->x_min_m && p.x_m <= r->x_max_m && p.y_m >= r->y_min_m && p.y_m <= r->y_max_m;
}

double hp_polyline_lengths(const hp_vec2 *points, uint32_t n, double *s_m)
{
    double s = 0.0;
    s_m[0] = 0.0;
    for (uint32_t i = 1; i < n; ++i) {
        s += hp_dist(points[i - 1], points[i]);
        s_m[i] = s;
    }
    return s;
}

/** Index i of the segment [i, i+1] that holds arc length s. */
static uint32_t segment_at(const double *s_m, uint32_t n, double s)
{
    return (uint32_t)hp_search_begin(s_m, n - 1, sizeof *s_m, 0, s);
}

hp_pose hp_polyline_at(const hp_vec2 *points, const double *s_m, uint32_t n, double s)
{
    const uint32_t i = segment_at(s_m, n, s);
    const double length = s_m[i + 1] - s_m[i];
    const double t = length > 0.0 ? hp_clamp((s - s_m[i]) / length, 0.0, 1.0) : 0.0;
    const hp_vec2 d = hp_vec2_sub(points[i + 1], points[i]);
    return (hp_pose){points[i].x_m + t * d.x_m, points[i].y_m + t * d.y_m, atan2(d.y_m, d.x_m)};
}

/** The line's nearest point is no further from p than this: one of some of its corners. */
static double distance_bound(const hp_vec2 *points, uint32_t n, hp_vec2 p)
{
    double least = INFINITY;
    for (uint32_t i = 0; i < n; i += 16) {
        const hp_vec2 d = hp_vec2_sub(points[i], p);
        least = hp_min(least, d.x_m * d.x_m + d.y_m * d.y_m);
    }
    return sqrt(least);
}

hp_projection hp_polyline_project(const hp_vec2 *points, const double *s_m, uint32_t n, hp_vec2 p)
{
    static const double SLACK_M = 1e-6; /* for rounding */
    const double bound_m = distance_bound(points, n, p);
    hp_projection best = {0};
    double best_d2 = INFINITY;
    for (uint32_t i = 0; i + 1 < n;) {
        const hp_vec2 d = hp_vec2_sub(points[i + 1], points[i]);
        const hp_vec2 r = hp_vec2_sub(p, points[i]);
        const double len2 = d.x_m * d.x_m + d.y_m * d.y_m;
        const double t =
            len2 > 0.0 ? hp_clamp((r.x_m * d.x_m + r.y_m * d.y_m) / len2, 0.0, 1.0) : 0.0;
        const double ex = r.x_m - t * d.x_m;
        const double ey = r.y_m - t * d.y_m;
        const double d2 = ex * ex + ey * ey;
        if (d2 < best_d2) {
            best_d2 = d2;
            best.s_m = s_m[i] + t * (s_m[i + 1] - s_m[i]);
            best.segment = i;
        }
        /* Along the line the distance changes no faster than the arc length: what is nearer than
         * the bound comes no earlier than this. */
        const double next_m = s_m[i + 1] + sqrt(d2) - bound_m - SLACK_M;
        do {
            ++i;
        } while (i + 1 < n && s_m[i + 1] < next_m);
    }
    const hp_vec2 d = hp_vec2_sub(points[best.segment + 1], points[best.segment]);
    const hp_vec2 r = hp_vec2_sub(p, points[best.segment]);
    best.lateral_m = copysign(sqrt(best_d2), d.x_m * r.y_m - d.y_m * r.x_m);
    best.yaw_rad = atan2(d.y_m, d.x_m);
    return best;
}
