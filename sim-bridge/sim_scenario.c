#include "sim-bridge/sim_scenario.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define KMH (1.0 / 3.6)
#define DEG (HP_PI / 180.0)
#define FAR_M 10000.0

/* Tables of the YAML files. Speeds (km/h) and angles (degrees) are read as written and turned into
 * m/s and radians by finish(). */

static const hp_field POSE_FIELDS[] = {
    HP_F_NUMBER(hp_pose, "x_m", x_m, -FAR_M, FAR_M, "m", "east"),
    HP_F_NUMBER(hp_pose, "y_m", y_m, -FAR_M, FAR_M, "m", "north"),
    HP_F_NUMBER(hp_pose, "yaw_deg", yaw_rad, -360.0, 360.0, "deg", "counter-clockwise from east"),
    HP_F_END};

static const hp_field POINT_FIELDS[] = {
    HP_F_NUMBER(hp_vec2, "x_m", x_m, -FAR_M, FAR_M, "m", "east"),
    HP_F_NUMBER(hp_vec2, "y_m", y_m, -FAR_M, FAR_M, "m", "north"), HP_F_END};

static const hp_field DIRECTION_FIELDS[] = {
    HP_F_NUMBER(hp_vec2, "x", x_m, -1.0, 1.0, NULL, "east"),
    HP_F_NUMBER(hp_vec2, "y", y_m, -1.0, 1.0, NULL, "north"), HP_F_END};

static const hp_field RECT_FIELDS[] = {
    HP_F_NUMBER(hp_rect, "x_min_m", x_min_m, -FAR_M, FAR_M, "m", "west edge"),
    HP_F_NUMBER(hp_rect, "y_min_m", y_min_m, -FAR_M, FAR_M, "m", "south edge"),
    HP_F_NUMBER(hp_rect, "x_max_m", x_max_m, -FAR_M, FAR_M, "m", "east edge"),
    HP_F_NUMBER(hp_rect, "y_max_m", y_max_m, -FAR_M, FAR_M, "m", "north edge"), HP_F_END};

static const char *const CHARACTERS[] = {"scripted", "yielding", "forcing", NULL};

static const hp_field WALKER_FIELDS[] = {
    {.key = "start",
     .type = HP_FIELD_STRUCT,
     .offset = offsetof(sim_walker_spec, start),
     .sub = POINT_FIELDS,
     .required = true,
     .help = "where he is at first"},
    HP_F_STRUCT(sim_walker_spec, before, DIRECTION_FIELDS,
                "unit direction before the trigger; absent or zero: stands"),
    {.key = "after",
     .type = HP_FIELD_STRUCT,
     .offset = offsetof(sim_walker_spec, after),
     .sub = DIRECTION_FIELDS,
     .required = true,
     .help = "unit direction from the trigger on"},
    HP_F_STRUCT(sim_walker_spec, trigger_axis, DIRECTION_FIELDS,
                "unit; triggers when |axis . (ego - walker)| < the scene's distance"),
    HP_F_STRUCT(sim_walker_spec, stop_normal, DIRECTION_FIELDS,
                "stops where stop_normal . position > stop_offset_m; absent: never"),
    HP_F_DOUBLE(sim_walker_spec, stop_offset_m, -FAR_M, FAR_M, "m", "see stop_normal"),
    HP_F_DOUBLE(sim_walker_spec, length_m, 0.1, 3.0, "m", "extent along his heading"),
    HP_F_DOUBLE(sim_walker_spec, width_m, 0.1, 3.0, "m", "extent across"),
    HP_F_ENUM(sim_walker_spec, character, CHARACTERS, "how he takes notice of cars"),
    HP_F_END};

static const hp_field CAR_FIELDS[] = {
    {.key = "pose",
     .type = HP_FIELD_STRUCT,
     .offset = offsetof(sim_car_spec, pose),
     .sub = POSE_FIELDS,
     .required = true,
     .help = "where it is at first"},
    HP_F_DOUBLE(sim_car_spec, length_m, 0.5, 20.0, "m", "length of the box"),
    HP_F_DOUBLE(sim_car_spec, width_m, 0.3, 4.0, "m", "width of the box"),
    HP_F_BOOL(sim_car_spec, parked, "never moves"),
    {.key = "speed_kmh",
     .type = HP_FIELD_DOUBLE,
     .offset = offsetof(sim_car_spec, speed_mps),
     .min = 0.0,
     .max = 200.0,
     .unit = "km/h",
     .help = "absent: the scene's car speed"},
    HP_F_DOUBLE(sim_car_spec, decel_mps2, 0.0, 20.0, "m/s^2",
                "braking when a rule stops it; 0: at once"),
    HP_F_DOUBLE(sim_car_spec, stop_gap_m, 0.0, 100.0, "m",
                "stops for good when the centres are nearer than this; 0: never"),
    HP_F_DOUBLE(sim_car_spec, yield_gap_m, 0.0, 100.0, "m",
                "waits while a walker is less than this ahead, and where yield_normal says"),
    HP_F_STRUCT(sim_car_spec, yield_normal, DIRECTION_FIELDS,
                "waits for walkers with yield_normal . walker > yield_offset_m; absent: for none"),
    HP_F_DOUBLE(sim_car_spec, yield_offset_m, -FAR_M, FAR_M, "m", "see yield_normal"),
    HP_F_STRUCT(sim_car_spec, stop_normal, DIRECTION_FIELDS,
                "stops for good where stop_normal . position > stop_offset_m; absent: never"),
    HP_F_DOUBLE(sim_car_spec, stop_offset_m, -FAR_M, FAR_M, "m", "see stop_normal"),
    HP_F_END};

static const char *const VARIES[] = {"car", "walker", "approach", "draw", NULL};

/** What a file fills: the scenario, and the word that becomes a flag. */
typedef struct document {
    sim_scenario scenario;
    uint32_t varies;
} document;

#define AT(MEMBER) offsetof(document, scenario.MEMBER)
#define NUMBER(KEY, MEMBER, LO, HI, UNIT, HELP)                                                    \
    {                                                                                              \
        .key = (KEY), .type = HP_FIELD_DOUBLE, .offset = AT(MEMBER), .min = (LO), .max = (HI),     \
        .unit = (UNIT), .help = (HELP)                                                             \
    }
#define LIST(MEMBER, SUB, CAPACITY, LEAST, HELP)                                                   \
    {                                                                                              \
        .key = #MEMBER, .type = HP_FIELD_STRUCTS, .offset = AT(MEMBER), .sub = (SUB),              \
        .capacity = (CAPACITY), .min_count = (LEAST),                                              \
        .stride = sizeof(((sim_scenario *)0)->MEMBER[0]), .count_offset = AT(n_##MEMBER),          \
        .help = (HELP)                                                                             \
    }

static const hp_field SCENARIO_FIELDS[] = {
    {.key = "id",
     .type = HP_FIELD_STRING,
     .offset = AT(id),
     .capacity = HP_TEXT,
     .required = true,
     .help = "short name, in quotes"},
    {.key = "title",
     .type = HP_FIELD_STRING,
     .offset = AT(title),
     .capacity = 128,
     .help = "one line for people"},
    {.key = "ego",
     .type = HP_FIELD_STRUCT,
     .offset = AT(ego_start),
     .sub = POSE_FIELDS,
     .required = true,
     .help = "where the ego starts"},
    NUMBER("ego_speed_kmh", ego_speed_mps, 0.0, 200.0, "km/h", "its speed there"),
    {.key = "goal",
     .type = HP_FIELD_STRUCT,
     .offset = AT(goal),
     .sub = POSE_FIELDS,
     .required = true,
     .help = "where it wants to go"},
    NUMBER("goal_radius_m", goal_radius_m, 0.1, 50.0, "m", "reached when the centre is this near"),
    NUMBER("time_limit_s", time_limit_s, 1.0, 600.0, "s", "the episode ends then"),
    NUMBER("speed_limit_kmh", speed_limit_mps, 1.0, 200.0, "km/h", "for the verdict, not a cap"),
    NUMBER("force_throttle_below_kmh", force_throttle_below_mps, 0.0, 200.0, "km/h",
           "override below this speed: accelerates 3 m/s^2; 0: none"),
    NUMBER("force_brake_above_kmh", force_brake_above_mps, 0.0, 200.0, "km/h",
           "override above this speed: brakes 5.5 m/s^2; 0: none"),
    {.key = "near_miss_applies",
     .type = HP_FIELD_BOOL,
     .offset = AT(near_miss_applies),
     .help = "false: near misses are not counted"},
    {.key = "varies",
     .type = HP_FIELD_ENUM,
     .offset = offsetof(document, varies),
     .names = VARIES,
     .required = true,
     .help = "scenes are car speeds, (walker speed, trigger distance), (walker speed, distance at "
             "the start, draw), or draws"},
    {.key = "crowd_walkers",
     .type = HP_FIELD_UINT,
     .offset = AT(crowd_walkers),
     .max = SIM_MAX_WALKERS,
     .help = "varies: draw: so many walkers are placed"},
    {.key = "crowd_cars",
     .type = HP_FIELD_UINT,
     .offset = AT(crowd_cars),
     .max = SIM_MAX_CARS,
     .help = "varies: draw: so many driving cars are placed"},
    {.key = "route",
     .type = HP_FIELD_DOUBLES,
     .offset = AT(route_xy),
     .min = -FAR_M,
     .max = FAR_M,
     .capacity = 2 * (size_t)HP_MAX_ROUTE,
     .min_count = 4,
     .count_offset = AT(n_route),
     .required = true,
     .unit = "m",
     .help = "x, y, x, y, ..."},
    LIST(road, RECT_FIELDS, HP_MAX_RECTS, 0, "rectangles of road"),
    LIST(pavement, RECT_FIELDS, HP_MAX_RECTS, 0, "rectangles of pavement: legal but dear"),
    LIST(walkers, WALKER_FIELDS, SIM_MAX_WALKERS, 0, "who walks"),
    LIST(cars, CAR_FIELDS, SIM_MAX_CARS, 0, "other vehicles, parked or driving"),
    HP_F_END};

static void set_defaults(document *doc)
{
    sim_scenario *s = &doc->scenario;
    memset(doc, 0, sizeof *doc);
    s->goal_radius_m = 3.0;
    s->time_limit_s = 25.0;
    s->speed_limit_mps = 50.0; /* km/h until finish() */
    s->near_miss_applies = true;
    for (uint32_t i = 0; i < SIM_MAX_WALKERS; ++i) {
        s->walkers[i].length_m = 0.375;
        s->walkers[i].width_m = 0.375;
    }
    for (uint32_t i = 0; i < SIM_MAX_CARS; ++i) {
        s->cars[i].length_m = 4.182;
        s->cars[i].width_m = 1.994;
        s->cars[i].speed_mps = NAN;
    }
}

static bool is_direction(hp_vec2 d, bool may_be_zero)
{
    const double len2 = d.x_m * d.x_m + d.y_m * d.y_m;
    return fabs(len2 - 1.0) < 1e-6 || (may_be_zero && len2 == 0.0);
}

static hp_status check_bodies(const sim_scenario *s, const char *name, hp_error *error)
{
    for (uint32_t i = 0; i < s->n_walkers; ++i) {
        const sim_walker_spec *w = &s->walkers[i];
        if (!is_direction(w->before, true) || !is_direction(w->after, false) ||
            !is_direction(w->trigger_axis, true) || !is_direction(w->stop_normal, true)) {
            return hp_fail(error, HP_ECONFIG,
                           "%s: error: walkers[%u]: directions must have length 1 (before, "
                           "trigger_axis, stop_normal may be zero)",
                           name, i);
        }
    }
    for (uint32_t i = 0; i < s->n_cars; ++i) {
        if (!is_direction(s->cars[i].yield_normal, true) ||
            !is_direction(s->cars[i].stop_normal, true)) {
            return hp_fail(error, HP_ECONFIG,
                           "%s: error: cars[%u]: directions must have length 1 or be zero", name,
                           i);
        }
    }
    return HP_OK;
}

static hp_status check_rects(const hp_rect *rects, uint32_t n, const char *what, const char *name,
                             hp_error *error)
{
    for (uint32_t i = 0; i < n; ++i) {
        if (!(rects[i].x_min_m < rects[i].x_max_m && rects[i].y_min_m < rects[i].y_max_m)) {
            return hp_fail(error, HP_ECONFIG, "%s: error: %s[%u] is empty: min must be below max",
                           name, what, i);
        }
    }
    return HP_OK;
}

static hp_status check_route(const sim_scenario *s, uint32_t n_numbers, const char *name,
                             hp_error *error)
{
    if (n_numbers % 2 != 0) {
        return hp_fail(error, HP_ECONFIG, "%s: error: route has %u numbers: it takes pairs x, y",
                       name, n_numbers);
    }
    for (uint32_t i = 0; i + 1 < s->n_route; ++i) {
        const double *p = &s->route_xy[2 * (size_t)i];
        if (p[0] == p[2] && p[1] == p[3]) {
            return hp_fail(error, HP_ECONFIG,
                           "%s: error: route points %u and %u are the same: drop one", name, i,
                           i + 1);
        }
    }
    return HP_OK;
}

/** From the file's units to ours. */
static void finish(document *doc)
{
    sim_scenario *s = &doc->scenario;
    s->ego_start.yaw_rad *= DEG;
    s->goal.yaw_rad *= DEG;
    s->ego_speed_mps *= KMH;
    s->speed_limit_mps *= KMH;
    s->force_throttle_below_mps *= KMH;
    s->force_brake_above_mps *= KMH;
    for (uint32_t i = 0; i < s->n_cars; ++i) {
        s->cars[i].pose.yaw_rad *= DEG;
        s->cars[i].speed_mps *= KMH;
    }
    s->varies = (sim_varies)doc->varies;
}

static hp_status check(document *doc, const char *name, hp_error *error)
{
    sim_scenario *s = &doc->scenario;
    const uint32_t n_numbers = s->n_route;
    s->n_route = n_numbers / 2;
    hp_status status = check_route(s, n_numbers, name, error);
    if (status == HP_OK) {
        status = check_rects(s->road, s->n_road, "road", name, error);
    }
    if (status == HP_OK) {
        status = check_rects(s->pavement, s->n_pavement, "pavement", name, error);
    }
    return status == HP_OK ? check_bodies(s, name, error) : status;
}

/** Reads from the file name, or from text if there is one. */
static hp_status load(const char *text, size_t len, const char *name, sim_scenario *out,
                      hp_error *error)
{
    document *doc = malloc(sizeof *doc); /* too large for the stack */
    if (doc == NULL) {
        return hp_fail(error, HP_ENOMEM, "%s: error: out of memory", name);
    }
    set_defaults(doc);
    hp_status status = text != NULL ? hp_yaml_parse(text, len, name, SCENARIO_FIELDS, doc, error)
                                    : hp_yaml_read(name, SCENARIO_FIELDS, doc, error);
    if (status == HP_OK) {
        status = check(doc, name, error);
    }
    if (status == HP_OK) {
        finish(doc);
        *out = doc->scenario;
    }
    free(doc);
    return status;
}

hp_status sim_scenario_read(const char *path, sim_scenario *out, hp_error *error)
{
    return load(NULL, 0, path, out, error);
}

hp_status sim_scenario_parse(const char *text, size_t len, const char *name, sim_scenario *out,
                             hp_error *error)
{
    return load(text, len, name, out, error);
}
