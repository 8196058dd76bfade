/** @file xodr.h Road maps in OpenDRIVE: lanes as lines in our frame, what a point lies on, routes.
 *
 *  OpenDRIVE's frame is ours (x east, y north); heights are left out, so that roads on bridges lie
 *  on those below. Traffic keeps to the right, as in all towns of CARLA. Input is untrusted: sizes
 *  are limited, and what is wrong is told with FILE:LINE.
 *  Ownership: a map owns everything that it shows. Threads: read only after reading. Allocation:
 *  in read, parse and route. */
#ifndef XODR_H
#define XODR_H

#include "common/hp_geom.h"
#include "common/hp_status.h"

#include <stddef.h>

typedef struct xodr_map xodr_map;

typedef enum xodr_kind {
    XODR_OTHER,   /* nothing for cars, nothing for walkers: verges, medians */
    XODR_DRIVING, /* may be driven along in its direction */
    XODR_ROAD,    /* may be driven on: parking, shoulder, turning lanes of both directions */
    XODR_PAVEMENT,
    XODR_KINDS
} xodr_kind;

/** A lane within one section of one road, sampled in its direction of travel. */
typedef struct xodr_lane {
    uint32_t road, section; /* the road's id, and the section's index */
    int32_t id;             /* < 0: along the reference line, > 0: against it */
    xodr_kind kind;
    uint32_t n;                   /* samples, >= 2 */
    const hp_vec2 *left, *centre; /* borders as seen in the direction of travel */
    const hp_vec2 *right;
    const double *s_m; /* along the centre line, from 0 */
    double t_min_m;    /* least and largest offset of the centre from the reference line */
    double t_max_m;
    double turn_rad;     /* of the reference line within the section */
    double reference_m;  /* length of the section */
    double limit_mps;    /* 0: none is given */
    uint32_t first_next; /* of the lanes that follow, see xodr_next */
    uint32_t n_next;     /* only of driving lanes */
    int32_t beside_left; /* driving lane of the same direction on that side, -1: none */
    int32_t beside_right;
} xodr_lane;

typedef struct xodr_facts {
    char name[64];
    uint32_t n_roads, n_junctions, n_lanes; /* lanes in sections, those of XODR_OTHER left out */
    uint32_t n_gaps;                        /* links whose ends do not meet; they are not used */
    double driving_m, pavement_m;           /* lengths */
} xodr_facts;

enum { XODR_MAX_BYTES = 64 << 20 };

HP_NODISCARD hp_status xodr_read(const char *path, xodr_map **out, hp_error *error);
/** The same from memory; name stands for the file in errors. */
HP_NODISCARD hp_status xodr_parse(const char *name, const char *text, size_t len, xodr_map **out,
                                  hp_error *error);
void xodr_destroy(xodr_map **map);

xodr_facts xodr_facts_of(const xodr_map *map);
const xodr_lane *xodr_lane_at(const xodr_map *map, uint32_t i);
/** Index of the k-th lane that follows a driving lane. */
uint32_t xodr_next(const xodr_map *map, const xodr_lane *lane, uint32_t k);

/** What lies at a point; a driving lane outweighs the rest. */
xodr_kind xodr_at(const xodr_map *map, hp_vec2 p);
/** Limit of the driving lane there; 0: none. */
double xodr_limit_at(const xodr_map *map, hp_pose pose);

/** Points of the caller's, and how many of them are taken. */
typedef struct xodr_line {
    hp_vec2 *points;
    uint32_t cap, n;
} xodr_line;

/** The shortest way along driving lanes, changing over to the neighbour where that is shorter:
 *  points about a metre apart, from beside from to beside to. out: points and cap are given; n is 0
 * if there is none. HP_ENOENT: from or to is on no driving lane (none within 5 m), or no way leads
 * there. HP_EFULL: longer than cap points allow. */
HP_NODISCARD hp_status xodr_route(const xodr_map *map, hp_pose from, hp_pose to, xodr_line *out,
                                  hp_error *error);

/** How far road and pavement reach beside a point, seen along yaw: the road to the left ends at
 *  road_left, and pavement that begins there ends at pavement_left. Up to XODR_REACH_M. */
typedef struct xodr_reach {
    double road_left_m, road_right_m, pavement_left_m, pavement_right_m;
} xodr_reach;
#define XODR_REACH_M 20.0
xodr_reach xodr_reach_of(const xodr_map *map, hp_pose pose);

#endif
