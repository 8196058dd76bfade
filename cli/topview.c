#include "cli/topview.h"

#include <string.h>

enum { COLUMNS = 112, ROWS = 40, BORDER_M = 8 };

typedef struct view {
    hp_rect area;
    double dx_m, dy_m; /* of one character */
    uint32_t columns, rows;
    char cells[ROWS][COLUMNS];
} view;

static void widen(hp_rect *r, double x_m, double y_m)
{
    r->x_min_m = fmin(r->x_min_m, x_m);
    r->x_max_m = fmax(r->x_max_m, x_m);
    r->y_min_m = fmin(r->y_min_m, y_m);
    r->y_max_m = fmax(r->y_max_m, y_m);
}

static hp_rect area_of(const sim_scenario *s)
{
    hp_rect r = {INFINITY, INFINITY, -INFINITY, -INFINITY};
    for (uint32_t i = 0; i < s->n_route; i++) {
        const double *p = &s->route_xy[2 * (size_t)i];
        widen(&r, p[0], p[1]);
    }
    for (uint32_t i = 0; i < s->n_walkers; i++) {
        widen(&r, s->walkers[i].start.x_m, s->walkers[i].start.y_m);
    }
    for (uint32_t i = 0; i < s->n_cars; i++) {
        widen(&r, s->cars[i].pose.x_m, s->cars[i].pose.y_m);
    }
    return (hp_rect){r.x_min_m - BORDER_M, r.y_min_m - 2.0, r.x_max_m + BORDER_M, r.y_max_m + 2.0};
}

static hp_vec2 cell_centre(const view *v, uint32_t row, uint32_t column)
{
    return (hp_vec2){v->area.x_min_m + (column + 0.5) * v->dx_m,
                     v->area.y_max_m - (row + 0.5) * v->dy_m};
}

static bool inside_any(const hp_rect *rects, uint32_t n, hp_vec2 p)
{
    for (uint32_t i = 0; i < n; i++) {
        if (hp_rect_contains(&rects[i], p)) {
            return true;
        }
    }
    return false;
}

static void put(view *v, double x_m, double y_m, char mark)
{
    const double column = (x_m - v->area.x_min_m) / v->dx_m;
    const double row = (v->area.y_max_m - y_m) / v->dy_m;
    if (column >= 0.0 && column < v->columns && row >= 0.0 && row < v->rows) {
        v->cells[(uint32_t)row][(uint32_t)column] = mark;
    }
}

/* Every cell that the box covers, and its centre at least. */
static void put_box(view *v, const hp_box *box, char mark)
{
    for (uint32_t r = 0; r < v->rows; r++) {
        for (uint32_t c = 0; c < v->columns; c++) {
            if (hp_box_contains(box, cell_centre(v, r, c))) {
                v->cells[r][c] = mark;
            }
        }
    }
    put(v, box->centre.x_m, box->centre.y_m, mark);
}

static void fill(view *v, const sim_scenario *s)
{
    memset(v->cells, ' ', sizeof v->cells);
    for (uint32_t r = 0; r < v->rows; r++) {
        for (uint32_t c = 0; c < v->columns; c++) {
            const hp_vec2 p = cell_centre(v, r, c);
            if (inside_any(s->road, s->n_road, p)) {
                v->cells[r][c] = '.';
            } else if (inside_any(s->pavement, s->n_pavement, p)) {
                v->cells[r][c] = ':';
            }
        }
    }
    for (uint32_t i = 0; i + 1 < s->n_route; i++) {
        const double *a = &s->route_xy[2 * (size_t)i];
        const double length = hypot(a[2] - a[0], a[3] - a[1]);
        const uint32_t n = (uint32_t)ceil(length / 0.5); /* two marks a metre leave no gap */
        for (uint32_t k = 0; k < n; k++) {
            put(v, a[0] + (a[2] - a[0]) * k / n, a[1] + (a[3] - a[1]) * k / n, '|');
        }
    }
}

void topview_print(const sim_scenario *s, FILE *out)
{
    view v = {.area = area_of(s)};
    const double width = v.area.x_max_m - v.area.x_min_m;
    const double height = v.area.y_max_m - v.area.y_min_m;
    v.dx_m = fmax(1.0, width / COLUMNS);
    v.dy_m = fmax(2.0, height / ROWS);
    v.columns = (uint32_t)fmin(COLUMNS, ceil(width / v.dx_m));
    v.rows = (uint32_t)fmin(ROWS, ceil(height / v.dy_m));
    fill(&v, s);
    for (uint32_t i = 0; i < s->n_cars; i++) {
        const hp_box box = {s->cars[i].pose, s->cars[i].length_m, s->cars[i].width_m};
        put_box(&v, &box, s->cars[i].parked ? 'P' : 'C');
    }
    put(&v, s->ego_start.x_m, s->ego_start.y_m, 'E');
    put(&v, s->goal.x_m, s->goal.y_m, 'G');
    for (uint32_t i = 0; i < s->n_walkers; i++) {
        put(&v, s->walkers[i].start.x_m, s->walkers[i].start.y_m, 'W');
    }
    for (uint32_t r = 0; r < v.rows; r++) {
        (void)fprintf(out, "%8.1f %.*s\n", cell_centre(&v, r, 0).y_m, (int)v.columns, v.cells[r]);
    }
    (void)fprintf(
        out,
        "\nE ego, G goal, W walker, P parked car, C driving car, | route, . road, : "
        "pavement;\na character is %.1f m wide and %.1f m high, north (y, at the left) is up\n",
        v.dx_m, v.dy_m);
}
