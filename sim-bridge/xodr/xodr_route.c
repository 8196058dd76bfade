/* Routes: Dijkstra over lanes, then their centre lines, with a swing where the lane is changed. */
#include "sim-bridge/xodr/xodr_internal.h"

#include <stdlib.h>

#define REACH_M 5.0         /* start and goal lie this near to a lane */
#define CHANGE_M 10.0       /* what changing over costs */
#define LEAST_CHANGE_M 15.0 /* it takes this much of a lane */
#define APART_M 0.05        /* points nearer than this to each other are one */

/** How a lane is reached. */
typedef struct node {
    double cost_m;
    int32_t from; /* lane before, -1: the start */
    bool change;  /* sideways */
    bool done;
} node;

typedef struct heap_item {
    double cost_m;
    uint32_t lane;
} heap_item;

typedef struct search {
    const xodr_map *map;
    node *nodes;
    heap_item *heap;
    uint32_t n, cap;
    uint32_t goal;
    double from_s_m, to_s_m; /* on the first and the last lane */
    uint32_t first;
} search;

/* ---- The shortest way ---- */

static bool before(const heap_item *a, const heap_item *b)
{
    return a->cost_m != b->cost_m ? a->cost_m < b->cost_m : a->lane < b->lane;
}

static void heap_push(search *s, double cost_m, uint32_t lane)
{
    if (s->n == s->cap) {
        return; /* cannot be: every link and neighbour is pushed once */
    }
    uint32_t i = s->n++;
    const heap_item item = {cost_m, lane};
    while (i > 0 && before(&item, &s->heap[(i - 1) / 2])) {
        s->heap[i] = s->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    s->heap[i] = item;
}

static heap_item heap_pop(search *s)
{
    const heap_item top = s->heap[0];
    const heap_item last = s->heap[--s->n];
    uint32_t i = 0;
    while (2 * i + 1 < s->n) {
        uint32_t child = 2 * i + 1;
        if (child + 1 < s->n && before(&s->heap[child + 1], &s->heap[child])) {
            child += 1;
        }
        if (!before(&s->heap[child], &last)) {
            break;
        }
        s->heap[i] = s->heap[child];
        i = child;
    }
    s->heap[i] = last;
    return top;
}

static double length_of(const xodr_lane *lane)
{
    return lane->s_m[lane->n - 1];
}

static void relax(search *s, uint32_t from, uint32_t to, double cost_m, bool change)
{
    node *n = &s->nodes[to];
    if (!n->done && cost_m < n->cost_m) {
        *n = (node){.cost_m = cost_m, .from = (int32_t)from, .change = change};
        heap_push(s, cost_m, to);
    }
}

/** Costs are paid at a lane's end: cost_m of a node is the way to its lane's beginning, or, for a
 *  change, to the beginning of both. */
static void expand(search *s, uint32_t lane)
{
    const xodr_lane *l = &s->map->lanes[lane];
    const double here = s->nodes[lane].cost_m;
    const double rest_m = length_of(l) - (lane == s->first ? s->from_s_m : 0.0);
    for (uint32_t k = 0; k < l->n_next; ++k) {
        relax(s, lane, xodr_next(s->map, l, k), here + length_of(l), false);
    }
    const int32_t sides[2] = {l->beside_left, l->beside_right};
    for (int k = 0; k < 2 && rest_m >= LEAST_CHANGE_M && !s->nodes[lane].change; ++k) {
        const bool behind =
            lane == s->first && sides[k] == (int32_t)s->goal && s->to_s_m < s->from_s_m;
        if (sides[k] >= 0 && !behind) {
            relax(s, lane, (uint32_t)sides[k], here + CHANGE_M, true);
        }
    }
}

/** True if this is the goal's lane, and the goal lies ahead on it. */
static bool arrives(const search *s, uint32_t lane)
{
    const bool set_out = lane == s->first && s->nodes[lane].from < 0;
    return lane == s->goal && (!set_out || s->to_s_m >= s->from_s_m);
}

static bool find(search *s)
{
    s->nodes[s->first].cost_m = 0.0;
    heap_push(s, 0.0, s->first);
    while (s->n > 0) {
        const uint32_t lane = heap_pop(s).lane;
        if (s->nodes[lane].done) {
            continue;
        }
        s->nodes[lane].done = true;
        if (arrives(s, lane)) {
            return true;
        }
        expand(s, lane);
        if (lane == s->first && s->goal == s->first) {
            s->nodes[lane] = (node){.cost_m = INFINITY, .from = -1}; /* once round the block */
        }
    }
    return false;
}

/* ---- The line along it ---- */

typedef struct line {
    hp_vec2 *points;
    uint32_t n, cap;
    bool full;
} line;

static void line_add(line *l, hp_vec2 p)
{
    if (l->n > 0 && hp_dist(p, l->points[l->n - 1]) < APART_M) {
        return;
    }
    if (l->n == l->cap) {
        l->full = true;
        return;
    }
    l->points[l->n++] = p;
}

static hp_vec2 lane_point(const xodr_lane *lane, double s_m)
{
    const hp_pose at = hp_polyline_at(lane->centre, lane->s_m, lane->n, s_m);
    return (hp_vec2){at.x_m, at.y_m};
}

/** A lane from one place to another. */
static void line_lane(line *l, const xodr_lane *lane, double from_m, double to_m)
{
    line_add(l, lane_point(lane, from_m));
    for (uint32_t k = 0; k < lane->n; ++k) {
        if (lane->s_m[k] > from_m && lane->s_m[k] < to_m) {
            line_add(l, lane->centre[k]);
        }
    }
    line_add(l, lane_point(lane, to_m));
}

/** Swings over from a lane to its neighbour; both have the same cross sections. */
static void line_change(line *l, const xodr_lane *a, const xodr_lane *b, double from_m, double to_m)
{
    const double share = length_of(b) / fmax(length_of(a), 1e-6);
    const uint32_t n = 1 + (uint32_t)(to_m - from_m);
    for (uint32_t i = 0; i < n; ++i) {
        const double u = (double)i / n;
        const double s = from_m + u * (to_m - from_m);
        const double w = u * u * (3.0 - 2.0 * u);
        const hp_vec2 p = lane_point(a, s);
        const hp_vec2 q = lane_point(b, s * share);
        line_add(l, (hp_vec2){p.x_m + w * (q.x_m - p.x_m), p.y_m + w * (q.y_m - p.y_m)});
    }
    line_add(l, lane_point(b, to_m * share));
}

/** The lanes of the way found, from the start on; returns how many. */
static uint32_t way(const search *s, uint32_t *lanes)
{
    uint32_t n = 0;
    int32_t at = (int32_t)s->goal;
    do {
        lanes[n++] = (uint32_t)at;
        at = s->nodes[at].from;
    } while (at >= 0 && (n == 1 || lanes[n - 1] != s->first));
    for (uint32_t i = 0; i < n / 2; ++i) {
        const uint32_t swap = lanes[i];
        lanes[i] = lanes[n - 1 - i];
        lanes[n - 1 - i] = swap;
    }
    return n;
}

static void draw(const search *s, const uint32_t *lanes, uint32_t n, line *l)
{
    for (uint32_t i = 0; i < n; ++i) {
        const xodr_lane *lane = &s->map->lanes[lanes[i]];
        const double from_m = i == 0 ? s->from_s_m : 0.0;
        const bool change = i + 1 < n && s->nodes[lanes[i + 1]].change;
        if (change) { /* its neighbour is done with, too */
            const bool last = i + 2 == n;
            line_change(l, lane, &s->map->lanes[lanes[i + 1]], from_m,
                        last ? fmax(s->to_s_m, from_m + 1.0) : length_of(lane));
            i += 1;
        } else {
            line_lane(l, lane, from_m, i + 1 == n ? s->to_s_m : length_of(lane));
        }
    }
}

static hp_status prepare(search *s, hp_error *error)
{
    const uint32_t n = s->map->n_lanes;
    uint32_t links = 2 * n + 2;
    for (uint32_t i = 0; i < n; ++i) {
        links += s->map->lanes[i].n_next;
    }
    s->cap = 2 * links;
    s->nodes = calloc((size_t)n + 1, sizeof *s->nodes);
    s->heap = calloc((size_t)s->cap + 1, sizeof *s->heap);
    if (s->nodes == NULL || s->heap == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory for a route");
    }
    for (uint32_t i = 0; i < n; ++i) {
        s->nodes[i] = (node){.cost_m = INFINITY, .from = -1};
    }
    return HP_OK;
}

static hp_status trace(search *s, line *l, hp_error *error)
{
    hp_status st = prepare(s, error);
    if (st != HP_OK) {
        return st;
    }
    if (!find(s)) {
        return hp_fail(error, HP_ENOENT, "no way leads along the lanes from start to goal");
    }
    uint32_t *lanes = calloc((size_t)s->map->n_lanes + 2, sizeof *lanes);
    if (lanes == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory for a route");
    }
    draw(s, lanes, way(s, lanes), l);
    free(lanes);
    return l->full ? hp_fail(error, HP_EFULL, "the route has more than %u points", l->cap) : HP_OK;
}

hp_status xodr_route(const xodr_map *map, hp_pose from, hp_pose to, xodr_line *out, hp_error *error)
{
    search s = {.map = map};
    line l = {.points = out->points, .cap = out->cap};
    const int32_t first = xodr_nearest(map, from, REACH_M, &s.from_s_m);
    const int32_t goal = xodr_nearest(map, to, REACH_M, &s.to_s_m);
    out->n = 0;
    if (first < 0 || goal < 0) {
        const hp_pose *lost = first < 0 ? &from : &to;
        return hp_fail(error, HP_ENOENT, "no lane leads that way within %.0f m of (%.1f, %.1f)",
                       REACH_M, lost->x_m, lost->y_m);
    }
    s.first = (uint32_t)first;
    s.goal = (uint32_t)goal;
    const hp_status st = trace(&s, &l, error);
    free(s.nodes);
    free(s.heap);
    out->n = st == HP_OK ? l.n : 0;
    return st;
}
