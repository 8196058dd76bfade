/** @file hp_geom.h Plane geometry: points, oriented boxes, polylines.
 *  One right-handed frame: x east, y north, yaw counter-clockwise; metres and radians.
 *  Threads: pure functions. Allocation: none. */
#ifndef HP_GEOM_H
#define HP_GEOM_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#define HP_PI 3.14159265358979323846

typedef struct hp_vec2 {
    double x_m, y_m;
} hp_vec2;

typedef struct hp_pose {
    double x_m, y_m, yaw_rad;
} hp_pose;

/** An oriented rectangle, given by its centre. */
typedef struct hp_box {
    hp_pose centre;
    double length_m, width_m; /* full extents along and across yaw */
} hp_box;

/** An axis-aligned rectangle of the map. */
typedef struct hp_rect {
    double x_min_m, y_min_m, x_max_m, y_max_m;
} hp_rect;

/** Where a point lies relative to a polyline. */
typedef struct hp_projection {
    double s_m;       /* arc length of the foot point, [0, length] */
    double lateral_m; /* signed distance, left of the line is positive */
    double yaw_rad;   /* heading of the segment there */
    uint32_t segment; /* index of the segment's first point */
} hp_projection;

static inline hp_vec2 hp_vec2_sub(hp_vec2 a, hp_vec2 b)
{
    return (hp_vec2){a.x_m - b.x_m, a.y_m - b.y_m};
}

static inline double hp_dist(hp_vec2 a, hp_vec2 b)
{
    return hypot(a.x_m - b.x_m, a.y_m - b.y_m);
}

/** Of two numbers that are not NaN; unlike fmin and fmax these compile to one instruction. */
static inline double hp_min(double a, double b)
{
    return a < b ? a : b;
}

static inline double hp_max(double a, double b)
{
    return a > b ? a : b;
}

static inline double hp_clamp(double x, double lo, double hi)
{
    return x < lo ? lo : (x > hi ? hi : x);
}

/** The same angle in (-pi, pi]. */
double hp_angle_wrap(double rad);
/** Corners in order front-left, front-right, rear-right, rear-left. */
void hp_box_corners(const hp_box *box, hp_vec2 corners[4]);
/** Separating-axis test; touching counts as overlap. */
bool hp_box_overlap(const hp_box *a, const hp_box *b);
bool hp_box_contains(const hp_box *box, hp_vec2 p);
/** Distance from a point to the box; 0 inside. */
double hp_box_distance(const hp_box *box, hp_vec2 p);
/** Smallest distance between two boxes; 0 if they overlap. */
double hp_box_gap(const hp_box *a, const hp_box *b);
/** True if the closed segment a-b meets the box. */
bool hp_box_cuts_segment(const hp_box *box, hp_vec2 a, hp_vec2 b);
bool hp_rect_contains(const hp_rect *r, hp_vec2 p);

/** Fills s_m [n] with the arc length at each point; returns the total. n >= 1. */
double hp_polyline_lengths(const hp_vec2 *points, uint32_t n, double *s_m);
/** Pose at arc length s (clamped to the ends). n >= 2; s_m as filled by hp_polyline_lengths. */
hp_pose hp_polyline_at(const hp_vec2 *points, const double *s_m, uint32_t n, double s);
/** Nearest point of the polyline, over all segments. n >= 2; s_m as above. */
hp_projection hp_polyline_project(const hp_vec2 *points, const double *s_m, uint32_t n, hp_vec2 p);

#endif
