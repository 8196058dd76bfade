/* What lies at a point: the pieces of lanes, filed by square cells. */
#include "sim-bridge/xodr/xodr_internal.h"

#include <stdlib.h>

#define PROBE_M 0.25 /* between the points at which a reach is looked for */
#define EDGE_M2 1e-7 /* rounding: pieces that touch leave no crack between them */

/** Index range of the cells that a piece may reach into. */
typedef struct cells {
    uint32_t x0, y0, x1, y1;
} cells;

static cells cells_of(const xodr_map *map, hp_vec2 low, hp_vec2 high)
{
    const double w = map->grid_w - 1.0;
    const double h = map->grid_h - 1.0;
    return (cells){(uint32_t)hp_clamp((low.x_m - map->grid_min.x_m) / XODR_CELL_M, 0.0, w),
                   (uint32_t)hp_clamp((low.y_m - map->grid_min.y_m) / XODR_CELL_M, 0.0, h),
                   (uint32_t)hp_clamp((high.x_m - map->grid_min.x_m) / XODR_CELL_M, 0.0, w),
                   (uint32_t)hp_clamp((high.y_m - map->grid_min.y_m) / XODR_CELL_M, 0.0, h)};
}

static void widen(hp_vec2 p, hp_vec2 *low, hp_vec2 *high)
{
    low->x_m = hp_min(low->x_m, p.x_m);
    low->y_m = hp_min(low->y_m, p.y_m);
    high->x_m = hp_max(high->x_m, p.x_m);
    high->y_m = hp_max(high->y_m, p.y_m);
}

/** Cells of the piece between samples k and k + 1 of a lane. */
static cells piece_cells(const xodr_map *map, const xodr_lane *lane, uint32_t k)
{
    hp_vec2 low = lane->left[k];
    hp_vec2 high = low;
    widen(lane->left[k + 1], &low, &high);
    widen(lane->right[k], &low, &high);
    widen(lane->right[k + 1], &low, &high);
    return cells_of(map, low, high);
}

/** Visits every piece: counts its cells (pieces NULL), or enters it into them. */
static uint64_t visit(xodr_map *map, uint32_t *pieces)
{
    uint64_t entries = 0;
    for (uint32_t i = 0; i < map->n_lanes; ++i) {
        const xodr_lane *lane = &map->lanes[i];
        const uint32_t first = (uint32_t)(lane->left - map->points);
        for (uint32_t k = 0; k + 1 < lane->n && entries <= XODR_MAX_GRID; ++k) {
            const cells c = piece_cells(map, lane, k);
            map->piece_lane[first + k] = i;
            for (uint32_t y = c.y0; y <= c.y1 && entries <= XODR_MAX_GRID; ++y) {
                for (uint32_t x = c.x0; x <= c.x1; ++x) {
                    uint32_t *cell = &map->cell_first[(size_t)y * map->grid_w + x];
                    if (pieces != NULL) {
                        pieces[--*cell] = first + k;
                    } else {
                        *cell += 1;
                    }
                    entries += 1;
                }
            }
        }
    }
    return entries;
}

static hp_status lay_grid(xodr_map *map, hp_error *error)
{
    hp_vec2 low = map->points[0];
    hp_vec2 high = low;
    for (size_t i = 0; i < 3 * (size_t)map->n_samples; ++i) {
        if (!(fabs(map->points[i].x_m) <= 2.0 * XODR_MAX_PLACE_M &&
              fabs(map->points[i].y_m) <= 2.0 * XODR_MAX_PLACE_M)) {
            return hp_fail(error, HP_EWIRE, "a lane leaves the earth");
        }
        widen(map->points[i], &low, &high);
    }
    map->grid_min = low;
    const double w = 1.0 + floor((high.x_m - low.x_m) / XODR_CELL_M);
    const double h = 1.0 + floor((high.y_m - low.y_m) / XODR_CELL_M);
    if (w * h > XODR_MAX_GRID) {
        return hp_fail(error, HP_EFULL, "a map of %.0f by %.0f km is too large",
                       1e-3 * XODR_CELL_M * w, 1e-3 * XODR_CELL_M * h);
    }
    map->grid_w = (uint32_t)w;
    map->grid_h = (uint32_t)h;
    return HP_OK;
}

hp_status xodr_file_pieces(xodr_map *map, hp_error *error)
{
    const hp_status st = lay_grid(map, error);
    if (st != HP_OK) {
        return st;
    }
    const size_t n = (size_t)map->grid_w * map->grid_h;
    map->cell_first = calloc(n + 1, sizeof *map->cell_first);
    map->piece_lane = calloc((size_t)map->n_samples + 1, sizeof *map->piece_lane);
    if (map->cell_first == NULL || map->piece_lane == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory for a map's cells");
    }
    const uint64_t entries = visit(map, NULL);
    if (entries > XODR_MAX_GRID) {
        return hp_fail(error, HP_EFULL, "a map whose lanes are too wide");
    }
    for (size_t i = 1; i <= n; ++i) { /* ends of the cells, which visit() turns into beginnings */
        map->cell_first[i] += map->cell_first[i - 1];
    }
    map->cell_piece = calloc((size_t)entries + 1, sizeof *map->cell_piece);
    if (map->cell_piece == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory for a map's cells");
    }
    (void)visit(map, map->cell_piece);
    return HP_OK;
}

/* ---- Asking ---- */

static double side(hp_vec2 a, hp_vec2 b, hp_vec2 p)
{
    return (b.x_m - a.x_m) * (p.y_m - a.y_m) - (b.y_m - a.y_m) * (p.x_m - a.x_m);
}

static bool in_triangle(hp_vec2 a, hp_vec2 b, hp_vec2 c, hp_vec2 p)
{
    const double u = side(a, b, p);
    const double v = side(b, c, p);
    const double w = side(c, a, p);
    return (u >= -EDGE_M2 && v >= -EDGE_M2 && w >= -EDGE_M2) ||
           (u <= EDGE_M2 && v <= EDGE_M2 && w <= EDGE_M2);
}

static bool in_piece(const xodr_lane *lane, uint32_t k, hp_vec2 p)
{
    return in_triangle(lane->left[k], lane->left[k + 1], lane->right[k], p) ||
           in_triangle(lane->right[k], lane->left[k + 1], lane->right[k + 1], p);
}

/** Index of the cell at a point; false beyond the map. */
static bool cell_at(const xodr_map *map, hp_vec2 p, size_t *cell)
{
    const double x = floor((p.x_m - map->grid_min.x_m) / XODR_CELL_M);
    const double y = floor((p.y_m - map->grid_min.y_m) / XODR_CELL_M);
    if (!(x >= 0.0 && y >= 0.0 && x < map->grid_w && y < map->grid_h)) {
        return false;
    }
    *cell = (size_t)y * map->grid_w + (size_t)x;
    return true;
}

/** The lane of a filed piece, and which of its pieces it is. */
static const xodr_lane *lane_of(const xodr_map *map, uint32_t piece, uint32_t *k)
{
    const xodr_lane *lane = &map->lanes[map->piece_lane[piece]];
    *k = piece - (uint32_t)(lane->left - map->points);
    return lane;
}

xodr_kind xodr_at(const xodr_map *map, hp_vec2 p)
{
    static const int RANK[XODR_KINDS] = {
        [XODR_OTHER] = 0, [XODR_PAVEMENT] = 1, [XODR_ROAD] = 2, [XODR_DRIVING] = 3};
    xodr_kind best = XODR_OTHER;
    size_t cell = 0;
    if (!cell_at(map, p, &cell)) {
        return best;
    }
    for (uint32_t i = map->cell_first[cell]; i < map->cell_first[cell + 1]; ++i) {
        uint32_t k = 0;
        const xodr_lane *lane = lane_of(map, map->cell_piece[i], &k);
        if (RANK[lane->kind] > RANK[best] && in_piece(lane, k, p)) {
            best = lane->kind;
        }
    }
    return best;
}

/** The driving lane at a point that leads most nearly the given way, or -1. */
static int32_t lane_along(const xodr_map *map, hp_pose pose)
{
    const hp_vec2 p = {pose.x_m, pose.y_m};
    double best = 0.0; /* cosine of the angle between the ways */
    int32_t found = -1;
    size_t cell = 0;
    if (!cell_at(map, p, &cell)) {
        return found;
    }
    for (uint32_t i = map->cell_first[cell]; i < map->cell_first[cell + 1]; ++i) {
        uint32_t k = 0;
        const xodr_lane *lane = lane_of(map, map->cell_piece[i], &k);
        const hp_vec2 d = hp_vec2_sub(lane->centre[k + 1], lane->centre[k]);
        const double length_m = hypot(d.x_m, d.y_m);
        const double along =
            length_m > 0.0 ? (d.x_m * cos(pose.yaw_rad) + d.y_m * sin(pose.yaw_rad)) / length_m
                           : 0.0;
        if (lane->kind == XODR_DRIVING && along > best && in_piece(lane, k, p)) {
            best = along;
            found = (int32_t)(lane - map->lanes);
        }
    }
    return found;
}

double xodr_limit_at(const xodr_map *map, hp_pose pose)
{
    const int32_t lane = lane_along(map, pose);
    return lane >= 0 ? map->lanes[lane].limit_mps : 0.0;
}

/** Foot point of p on a piece's centre line, at most *distance away and along the pose. */
static bool nearer(const xodr_lane *lane, uint32_t k, hp_pose pose, double *distance_m, double *s_m)
{
    const hp_vec2 a = lane->centre[k];
    const hp_vec2 d = hp_vec2_sub(lane->centre[k + 1], a);
    const double length2 = d.x_m * d.x_m + d.y_m * d.y_m;
    if (length2 <= 0.0 || d.x_m * cos(pose.yaw_rad) + d.y_m * sin(pose.yaw_rad) <= 0.0) {
        return false;
    }
    const double u =
        hp_clamp(((pose.x_m - a.x_m) * d.x_m + (pose.y_m - a.y_m) * d.y_m) / length2, 0.0, 1.0);
    const double away = hypot(a.x_m + u * d.x_m - pose.x_m, a.y_m + u * d.y_m - pose.y_m);
    if (away >= *distance_m) {
        return false;
    }
    *distance_m = away;
    *s_m = lane->s_m[k] + u * sqrt(length2);
    return true;
}

int32_t xodr_nearest(const xodr_map *map, hp_pose pose, double reach_m, double *s_m)
{
    const hp_vec2 low = {pose.x_m - reach_m, pose.y_m - reach_m};
    const hp_vec2 high = {pose.x_m + reach_m, pose.y_m + reach_m};
    const cells c = cells_of(map, low, high);
    int32_t found = -1;
    for (uint32_t y = c.y0; y <= c.y1; ++y) {
        for (uint32_t x = c.x0; x <= c.x1; ++x) {
            const size_t cell = (size_t)y * map->grid_w + x;
            for (uint32_t i = map->cell_first[cell]; i < map->cell_first[cell + 1]; ++i) {
                uint32_t k = 0;
                const xodr_lane *lane = lane_of(map, map->cell_piece[i], &k);
                if (lane->kind == XODR_DRIVING && nearer(lane, k, pose, &reach_m, s_m)) {
                    found = (int32_t)(lane - map->lanes);
                }
            }
        }
    }
    return found;
}

/** How far road, and pavement beyond it, reach to one side. */
static void reach_to(const xodr_map *map, hp_pose pose, double sign, double *road_m,
                     double *pavement_m)
{
    const hp_vec2 out = {-sign * sin(pose.yaw_rad), sign * cos(pose.yaw_rad)};
    bool on_road = true;
    for (uint32_t i = 0; i <= (uint32_t)(XODR_REACH_M / PROBE_M); ++i) {
        const double d = i * PROBE_M;
        const xodr_kind kind =
            xodr_at(map, (hp_vec2){pose.x_m + d * out.x_m, pose.y_m + d * out.y_m});
        on_road = on_road && (kind == XODR_DRIVING || kind == XODR_ROAD);
        if (on_road) {
            *road_m = d;
        } else if (kind != XODR_PAVEMENT) {
            break;
        }
        *pavement_m = d;
    }
}

xodr_reach xodr_reach_of(const xodr_map *map, hp_pose pose)
{
    xodr_reach reach = {0};
    reach_to(map, pose, 1.0, &reach.road_left_m, &reach.pavement_left_m);
    reach_to(map, pose, -1.0, &reach.road_right_m, &reach.pavement_right_m);
    return reach;
}
