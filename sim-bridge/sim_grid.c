/* The grids of scenes. Numbers are hundredths (thousandths for car speeds), so that a value is the
 * double that its decimal text reads as. */
#include "sim-bridge/sim_scenario.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/** first, first + step, ... up to last. */
typedef struct range {
    int first, last, step;
} range;

/** Walker speeds come in two pieces (the second may be empty), all in hundredths. */
typedef struct walker_grid {
    range speed_low, speed_high;    /* 0.01 m/s */
    range distance;                 /* 0.01 m */
    range car;                      /* 0.001 km/h */
    range approach_speed, approach; /* 0.01 m/s, 0.01 m: of SIM_VARIES_APPROACH */
    range draw;                     /* of SIM_VARIES_DRAW, and base of the draws of approaches */
} walker_grid;

static const range NONE = {1, 0, 1};

static walker_grid grid_of(sim_grid grid)
{
    switch (grid) {
    case SIM_GRID_VALIDATION:
        return (walker_grid){{20, 50, 10},        {210, 280, 10}, {425, 4925, 100},
                             {10050, 19950, 100}, {165, 195, 10}, {4650, 9450, 100},
                             {20001, 20500, 1}};
    case SIM_GRID_TRAINING:
        return (walker_grid){{60, 200, 10},      NONE,           {100, 4000, 100},
                             {8250, 21750, 500}, {150, 210, 20}, {4500, 9700, 100},
                             {30001, 31000, 1}};
    case SIM_GRID_CALIBRATION:
        return (walker_grid){{30, 280, 10},       NONE,           {450, 4950, 100},
                             {10025, 19925, 100}, {162, 198, 12}, {4625, 9425, 100},
                             {40001, 40500, 1}};
    case SIM_GRID_EVALUATION:
    case SIM_GRID_COUNT:
        break;
    }
    return (walker_grid){{25, 285, 10},       NONE,           {475, 4975, 100},
                         {10000, 20000, 100}, {160, 200, 10}, {4600, 9500, 100},
                         {10001, 10500, 1}};
}

static void add_walker_scenes(range speed, range distance, sim_scene *scenes, uint32_t *n)
{
    for (int s = speed.first; s <= speed.last; s += speed.step) {
        for (int d = distance.first; d <= distance.last; d += distance.step) {
            if (*n < SIM_MAX_SCENES) {
                scenes[*n] = sim_scene_default();
                scenes[*n].speed_mps = s / 100.0;
                scenes[*n].distance_m = d / 100.0;
                *n += 1;
            }
        }
    }
}

/** Draws differ from scene to scene and from grid to grid. */
static void number_scenes(uint32_t first, sim_scene *scenes, uint32_t n)
{
    for (uint32_t i = 0; i < n; ++i) {
        scenes[i].draw = first + i;
    }
}

static uint32_t car_scenes(range car, sim_scene *scenes)
{
    uint32_t n = 0;
    for (int u = car.first; u <= car.last; u += car.step, ++n) {
        scenes[n] = sim_scene_default();
        scenes[n].car_speed_mps = u / 1000.0 / 3.6;
    }
    return n;
}

static uint32_t draw_scenes(range draw, sim_scene *scenes)
{
    const uint32_t n = (uint32_t)(draw.last - draw.first + 1);
    for (uint32_t i = 0; i < n; ++i) {
        scenes[i] = sim_scene_default();
    }
    number_scenes((uint32_t)draw.first, scenes, n);
    return n;
}

uint32_t sim_grid_scenes(const sim_scenario *scenario, sim_grid grid, sim_scene *scenes)
{
    const walker_grid ranges = grid_of(grid);
    uint32_t n = 0;
    switch (scenario->varies) {
    case SIM_VARIES_CAR:
        return car_scenes(ranges.car, scenes);
    case SIM_VARIES_DRAW:
        return draw_scenes(ranges.draw, scenes);
    case SIM_VARIES_APPROACH:
        add_walker_scenes(ranges.approach_speed, ranges.approach, scenes, &n);
        number_scenes((uint32_t)ranges.draw.first, scenes, n);
        return n;
    case SIM_VARIES_WALKER:
        break;
    }
    add_walker_scenes(ranges.speed_low, ranges.distance, scenes, &n);
    add_walker_scenes(ranges.speed_high, ranges.distance, scenes, &n);
    return n;
}

/** A scene on its way through the sorting. */
typedef struct ticket {
    uint64_t hash;
    uint32_t rank;         /* how many of its cell come before it */
    uint32_t fine, coarse; /* its cells */
    sim_scene scene;
} ticket;

enum { FINE_CELLS = 9, COARSE_CELLS = 3 }; /* per axis */

static int by_rank_then_hash(const void *left, const void *right)
{
    const ticket *a = left;
    const ticket *b = right;
    if (a->rank != b->rank) {
        return a->rank < b->rank ? -1 : 1;
    }
    return a->hash == b->hash ? 0 : (a->hash < b->hash ? -1 : 1);
}

/** Ranks each ticket within its cell, in the present order, and sorts by rank: so every beginning
 * of the list takes from all cells alike. */
static void interleave(ticket *tickets, uint32_t n, bool coarse)
{
    uint32_t seen[FINE_CELLS * FINE_CELLS] = {0};
    for (uint32_t i = 0; i < n; ++i) {
        tickets[i].rank = seen[coarse ? tickets[i].coarse : tickets[i].fine]++;
    }
    qsort(tickets, n, sizeof *tickets, by_rank_then_hash);
}

static uint32_t cell(double value, double lo, double hi, uint32_t cells)
{
    const double share = hi > lo ? (value - lo) / (hi - lo) : 0.0;
    const uint32_t i = (uint32_t)(share * cells);
    return i < cells ? i : cells - 1;
}

/** Lowest and highest values over the grid: speed, distance, car speed. */
typedef struct extent {
    double lo[3], hi[3];
} extent;

static extent extent_of(const sim_scene *scenes, uint32_t n)
{
    extent e = {{INFINITY, INFINITY, INFINITY}, {-INFINITY, -INFINITY, -INFINITY}};
    for (uint32_t i = 0; i < n; ++i) {
        const double v[3] = {scenes[i].speed_mps, scenes[i].distance_m, scenes[i].car_speed_mps};
        for (int k = 0; k < 3; ++k) {
            e.lo[k] = fmin(e.lo[k], v[k]);
            e.hi[k] = fmax(e.hi[k], v[k]);
        }
    }
    return e;
}

static ticket ticket_for(const sim_scenario *scenario, const sim_scene *scene, const extent *e)
{
    const double v[3] = {scene->speed_mps, scene->distance_m, scene->car_speed_mps};
    const uint64_t key = XXH3_64bits(scenario->id, strlen(scenario->id)) + scene->draw;
    const int x = scenario->varies == SIM_VARIES_CAR ? 2 : 0;
    const int y = 1; /* constant where the car varies: one cell */
    return (ticket){
        .hash = XXH3_64bits_withSeed(v, sizeof v, key),
        .fine = cell(v[x], e->lo[x], e->hi[x], FINE_CELLS) * FINE_CELLS +
                cell(v[y], e->lo[y], e->hi[y], FINE_CELLS),
        .coarse = cell(v[x], e->lo[x], e->hi[x], COARSE_CELLS) * COARSE_CELLS +
                  cell(v[y], e->lo[y], e->hi[y], COARSE_CELLS),
        .scene = *scene,
    };
}

uint32_t sim_grid_sample(const sim_scenario *scenario, sim_grid grid, uint32_t n, sim_scene *scenes)
{
    const uint32_t all = sim_grid_scenes(scenario, grid, scenes);
    const uint32_t taken = n < all ? n : all;
    ticket *tickets = calloc(all, sizeof *tickets);
    if (tickets == NULL) {
        return 0;
    }
    const extent e = extent_of(scenes, all);
    for (uint32_t i = 0; i < all; ++i) {
        tickets[i] = ticket_for(scenario, &scenes[i], &e);
    }
    qsort(tickets, all, sizeof *tickets, by_rank_then_hash); /* all ranks 0: by hash */
    interleave(tickets, all, false);
    interleave(tickets, all, true);
    for (uint32_t i = 0; i < taken; ++i) {
        scenes[i] = tickets[i].scene;
    }
    free(tickets);
    return taken;
}

sim_scene sim_scene_default(void)
{
    return (sim_scene){.speed_mps = 1.4, .distance_m = 20.0, .car_speed_mps = 15.0 / 3.6};
}

/** One "key=number" of len bytes. */
static hp_status parse_part(const char *part, size_t len, sim_scene *scene, hp_error *error)
{
    char text[64];
    if (len >= sizeof text) {
        return hp_fail(error, HP_EINVAL, "scene: error: '%.20s...' is too long", part);
    }
    memcpy(text, part, len);
    text[len] = '\0';
    char *number = strchr(text, '=');
    if (number == NULL) {
        return hp_fail(error, HP_EINVAL, "scene: error: '%s' is not KEY=NUMBER", text);
    }
    *number++ = '\0';
    char *end = NULL;
    const double value = strtod(number, &end);
    const double max = strcmp(text, "draw") == 0 ? 1e9 : 1000.0;
    if (end == number || *end != '\0' || !(value >= 0.0 && value <= max)) {
        return hp_fail(error, HP_EINVAL, "scene: error: '%s' is not a number in [0, %.0f]", number,
                       max);
    }
    if (strcmp(text, "speed") == 0) {
        scene->speed_mps = value;
    } else if (strcmp(text, "distance") == 0) {
        scene->distance_m = value;
    } else if (strcmp(text, "car_speed") == 0) {
        scene->car_speed_mps = value / 3.6;
    } else if (strcmp(text, "draw") == 0 && value == floor(value)) {
        scene->draw = (uint32_t)value;
    } else {
        return hp_fail(error, HP_EINVAL,
                       "scene: error: unknown key '%s' (known: speed, distance, car_speed, draw: a "
                       "whole number)",
                       text);
    }
    return HP_OK;
}

hp_status sim_scene_parse(const char *text, sim_scene *scene, hp_error *error)
{
    sim_scene parsed = *scene;
    for (const char *part = text;;) {
        const size_t len = strcspn(part, ",");
        const hp_status status = parse_part(part, len, &parsed, error);
        if (status != HP_OK) {
            return status;
        }
        if (part[len] == '\0') {
            *scene = parsed;
            return HP_OK;
        }
        part += len + 1;
    }
}

void sim_scene_print(const sim_scenario *scenario, const sim_scene *scene, char *buf, size_t cap)
{
    char draw[24] = "";
    if (scene->draw != 0 && scenario->varies != SIM_VARIES_DRAW) {
        (void)snprintf(draw, sizeof draw, ",draw=%u", scene->draw);
    }
    switch (scenario->varies) {
    case SIM_VARIES_CAR:
        (void)snprintf(buf, cap, "car_speed=%.6g%s", scene->car_speed_mps * 3.6, draw);
        return;
    case SIM_VARIES_DRAW:
        (void)snprintf(buf, cap, "draw=%u", scene->draw);
        return;
    case SIM_VARIES_WALKER:
    case SIM_VARIES_APPROACH:
        break;
    }
    (void)snprintf(buf, cap, "speed=%.6g,distance=%.6g%s", scene->speed_mps, scene->distance_m,
                   draw);
}
