/** @file xodr_internal.h The document behind a map, as its file has it, and the map itself.
 *  Private to sim-bridge/xodr. Ownership: a map owns its arrays. Threads: as xodr.h. */
#ifndef XODR_INTERNAL_H
#define XODR_INTERNAL_H

#include "sim-bridge/xodr/xodr.h"

#include <stdbool.h>

enum {
    XODR_MAX_ROADS = 20000,
    XODR_MAX_LANES = 400000,    /* in all sections */
    XODR_MAX_RECORDS = 1000000, /* of geometries, widths, links, each */
    XODR_MAX_SAMPLES = 1000000, /* of all lanes */
    XODR_MAX_GRID = 4000000,    /* entries */
};
#define XODR_MAX_ROAD_M 1e5
#define XODR_MAX_PLACE_M 1e6
#define XODR_MAX_TURN_RAD 200.0 /* of one geometry */

/** A growing array: its items are of one size. */
typedef struct xodr_list {
    void *items;
    uint32_t n, cap;
} xodr_list;

/** A new, zeroed item at the end, or NULL: no memory, or more than most. */
void *xodr_push(xodr_list *list, size_t size, uint32_t most);

typedef enum xodr_shape { XODR_LINE, XODR_ARC, XODR_SPIRAL, XODR_POLY3, XODR_PARAM } xodr_shape;

typedef struct xodr_geometry {
    double s_m, x_m, y_m, yaw_rad, length_m;
    xodr_shape shape;
    bool by_length; /* XODR_PARAM: the parameter runs to the length, not to 1 */
    double k[8];    /* curvature; start and end curvature; a b c d; aU bU cU dU aV bV cV dV */
} xodr_geometry;

typedef struct xodr_cubic {
    double s_m, k[4];
} xodr_cubic;

/** Items [first, first + n) of a list. */
typedef struct xodr_span {
    uint32_t first, n;
} xodr_span;

typedef enum xodr_target { XODR_NOWHERE, XODR_TO_ROAD, XODR_TO_JUNCTION } xodr_target;

typedef struct xodr_link {
    xodr_target target;
    uint32_t id;
    bool at_end; /* of the road that is linked to */
} xodr_link;

typedef struct xodr_strip { /* a <lane> */
    int32_t id;
    xodr_kind kind;
    bool has_before, has_after;
    int32_t before, after; /* ids of predecessor and successor */
    double limit_mps;
    xodr_span widths;
    int32_t lane; /* in map->lanes, -1: not sampled */
} xodr_strip;

typedef struct xodr_section {
    double s_m;
    xodr_span strips; /* by falling id after reading */
} xodr_section;

typedef struct xodr_road {
    uint32_t id;
    double length_m, limit_mps;
    xodr_link before, after;
    xodr_span geometries, offsets, sections;
    uint32_t line; /* in the file */
} xodr_road;

typedef struct xodr_connection {
    uint32_t junction, incoming, connecting;
    bool at_end; /* of the connecting road */
    xodr_span links;
} xodr_connection;

typedef struct xodr_lane_link {
    int32_t from, to;
} xodr_lane_link;

struct xodr_map {
    xodr_facts facts;
    xodr_list roads, sections, strips, geometries, widths, offsets, connections, lane_links;
    xodr_lane *lanes;
    uint32_t n_lanes;
    uint32_t *next;     /* of all lanes */
    hp_vec2 *points;    /* left, centre and right of all lanes */
    double *lengths;    /* along the centres */
    uint32_t n_samples; /* of each of the above */
    hp_vec2 grid_min;   /* cells of XODR_CELL_M hold the pieces of lanes that reach into them */
    uint32_t grid_w, grid_h;
    uint32_t *cell_first; /* grid_w * grid_h + 1 */
    uint32_t *cell_piece; /* samples: a piece runs from a sample to the next of its lane */
    uint32_t *piece_lane; /* by sample */
};
#define XODR_CELL_M 4.0

static inline xodr_road *xodr_road_of(const xodr_map *map, uint32_t i)
{
    return (xodr_road *)map->roads.items + i;
}
static inline xodr_section *xodr_section_of(const xodr_map *map, uint32_t i)
{
    return (xodr_section *)map->sections.items + i;
}
static inline xodr_strip *xodr_strip_of(const xodr_map *map, uint32_t i)
{
    return (xodr_strip *)map->strips.items + i;
}

/** Reads the document into a map's lists, roads by rising id. xodr_parse.c */
hp_status xodr_document(const char *name, const char *text, size_t len, xodr_map *map,
                        hp_error *error);
/** Point and heading of a road's reference line at s. xodr_curve.c */
hp_pose xodr_reference(const xodr_map *map, const xodr_road *road, double s_m);
/** Value at s of the cubics [span] of a list, by the one that holds at key: where values jump from
 *  one section to the next, the key tells which side is meant. */
double xodr_cubics(const xodr_list *list, xodr_span span, double key_m, double s_m);
/** Samples the lanes and finds who follows whom. xodr_lanes.c, xodr_links.c */
hp_status xodr_sample(xodr_map *map, hp_error *error);
hp_status xodr_connect(xodr_map *map, hp_error *error);
/** Files the lanes' pieces by place. xodr_grid.c */
hp_status xodr_file_pieces(xodr_map *map, hp_error *error);
/** The nearest driving lane within reach that leads the given way within 90 degrees, or -1;
 *  *s_m: the foot point along its centre line. */
int32_t xodr_nearest(const xodr_map *map, hp_pose pose, double reach_m, double *s_m);
/** End of section i of a road. */
double xodr_section_end(const xodr_map *map, const xodr_road *road, uint32_t i);

#endif
