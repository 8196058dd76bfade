/* Reference lines: where a road's line is, and which way it goes, at an arc length. */
#include "common/hp_search.h"
#include "sim-bridge/xodr/xodr_internal.h"

#define STRAIGHT 1e-12 /* a curvature this small is none */
#define PANEL_RAD 0.3  /* a spiral is integrated in pieces that turn by this much at most */

/** A displacement in the frame of a geometry's start, and the heading there. */
typedef hp_pose step;

static step arc(double curvature, double s)
{
    const double turn = curvature * s;
    if (fabs(curvature) < STRAIGHT) {
        return (step){s, 0.0, turn};
    }
    return (step){sin(turn) / curvature, (1.0 - cos(turn)) / curvature, turn};
}

/** Gauss-Legendre with three points a panel. */
static step spiral(const xodr_geometry *g, double s)
{
    static const double NODES[3] = {-0.7745966692414834, 0.0, 0.7745966692414834};
    static const double WEIGHTS[3] = {5.0 / 9.0, 8.0 / 9.0, 5.0 / 9.0};
    const double rate = g->length_m > 0.0 ? (g->k[1] - g->k[0]) / g->length_m : 0.0;
    const double bend = fmax(fabs(g->k[0]), fabs(g->k[1]));
    const uint32_t n = 1 + (uint32_t)(bend * s / PANEL_RAD); /* bounded by XODR_MAX_TURN_RAD */
    const double half = 0.5 * s / n;
    step out = {0.0, 0.0, s * (g->k[0] + 0.5 * rate * s)};
    for (uint32_t i = 0; i < n; ++i) {
        for (int k = 0; k < 3; ++k) {
            const double u = half * (2.0 * i + 1.0 + NODES[k]);
            const double yaw = u * (g->k[0] + 0.5 * rate * u);
            out.x_m += half * WEIGHTS[k] * cos(yaw);
            out.y_m += half * WEIGHTS[k] * sin(yaw);
        }
    }
    return out;
}

static double poly(const double k[4], double u)
{
    return k[0] + u * (k[1] + u * (k[2] + u * k[3]));
}

static double slope(const double k[4], double u)
{
    return k[1] + u * (2.0 * k[2] + u * 3.0 * k[3]);
}

static step shape_at(const xodr_geometry *g, double s)
{
    const double u = g->by_length || g->length_m <= 0.0 ? s : s / g->length_m;
    switch (g->shape) {
    case XODR_LINE:
        break;
    case XODR_ARC:
        return arc(g->k[0], s);
    case XODR_SPIRAL:
        return spiral(g, s);
    case XODR_POLY3: /* over its own axis: a little longer than the arc length, as is customary */
        return (step){s, poly(g->k, s), atan(slope(g->k, s))};
    case XODR_PARAM:
        return (step){poly(g->k, u), poly(g->k + 4, u), atan2(slope(g->k + 4, u), slope(g->k, u))};
    }
    return (step){s, 0.0, 0.0};
}

hp_pose xodr_reference(const xodr_map *map, const xodr_road *road, double s_m)
{
    const xodr_geometry *all = (const xodr_geometry *)map->geometries.items;
    const xodr_geometry *first = all + road->geometries.first;
    const xodr_geometry *g = first + hp_search_begin(first, road->geometries.n, sizeof *first,
                                                     offsetof(xodr_geometry, s_m), s_m);
    const step d = shape_at(g, hp_clamp(s_m - g->s_m, 0.0, g->length_m));
    const double c = cos(g->yaw_rad);
    const double s = sin(g->yaw_rad);
    return (hp_pose){g->x_m + c * d.x_m - s * d.y_m, g->y_m + s * d.x_m + c * d.y_m,
                     g->yaw_rad + d.yaw_rad};
}

double xodr_cubics(const xodr_list *list, xodr_span span, double key_m, double s_m)
{
    if (span.n == 0) {
        return 0.0;
    }
    const xodr_cubic *first = (const xodr_cubic *)list->items + span.first;
    const xodr_cubic *c =
        first + hp_search_begin(first, span.n, sizeof *first, offsetof(xodr_cubic, s_m), key_m);
    return poly(c->k, s_m - c->s_m);
}

double xodr_section_end(const xodr_map *map, const xodr_road *road, uint32_t i)
{
    return i + 1 < road->sections.n ? xodr_section_of(map, road->sections.first + i + 1)->s_m
                                    : road->length_m;
}
