#include "cli/scene.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define NS_PER_S INT64_C(1000000000)

typedef struct color {
    double r, g, b, a;
} color;

static const color ROAD = {0.45, 0.47, 0.50, 1.0}, PAVEMENT = {0.66, 0.65, 0.62, 1.0},
                   ROUTE = {0.55, 0.75, 0.55, 0.6}, GOAL = {0.20, 0.70, 0.35, 1.0},
                   EGO = {0.16, 0.47, 0.84, 0.95}, WALKER = {0.90, 0.45, 0.15, 0.95},
                   CAR = {0.60, 0.35, 0.75, 0.95}, BOX = {0.40, 0.40, 0.42, 0.9},
                   PATH = {0.16, 0.47, 0.84, 0.9}, PHANTOM = {0.85, 0.20, 0.35, 0.8},
                   TEXT = {0.95, 0.95, 0.95, 1.0};

static void put_time(pb_out *out, uint32_t field, int64_t time_ns)
{
    const size_t at = pb_begin(out, field);
    pb_varint(out, 1, (uint64_t)(time_ns / NS_PER_S));
    pb_varint(out, 2, (uint64_t)(time_ns % NS_PER_S));
    pb_end(out, at);
}

static void put_yaw(pb_out *out, uint32_t field, double yaw_rad)
{
    const size_t at = pb_begin(out, field);
    pb_double(out, 3, sin(yaw_rad / 2.0));
    pb_double(out, 4, cos(yaw_rad / 2.0));
    pb_end(out, at);
}

static void put_pose(pb_out *out, uint32_t field, const hp_pose *pose, double z_m)
{
    const size_t at = pb_begin(out, field);
    pb_three(out, 1, pose->x_m, pose->y_m, z_m);
    put_yaw(out, 2, pose->yaw_rad);
    pb_end(out, at);
}

static void put_color(pb_out *out, uint32_t field, color c)
{
    const size_t at = pb_begin(out, field);
    pb_double(out, 1, c.r);
    pb_double(out, 2, c.g);
    pb_double(out, 3, c.b);
    pb_double(out, 4, c.a);
    pb_end(out, at);
}

/* ---- Primitives of an entity ---- */

static void put_cube(pb_out *out, const hp_box *box, double height_m, color c)
{
    const size_t at = pb_begin(out, 8);
    put_pose(out, 1, &box->centre, height_m / 2.0);
    pb_three(out, 2, box->length_m, box->width_m, height_m);
    put_color(out, 3, c);
    pb_end(out, at);
}

static void put_line(pb_out *out, const hp_vec2 *points, uint32_t n, double width_m, color c)
{
    const size_t at = pb_begin(out, 11);
    pb_double(out, 3, width_m);
    for (uint32_t i = 0; i < n; i++) {
        pb_three(out, 5, points[i].x_m, points[i].y_m, 0.1);
    }
    put_color(out, 6, c);
    pb_end(out, at);
}

static void put_label(pb_out *out, const hp_pose *pose, double z_m, const char *text)
{
    const size_t at = pb_begin(out, 13);
    put_pose(out, 1, pose, z_m);
    pb_varint(out, 2, 1);
    pb_double(out, 3, 0.7);
    put_color(out, 5, TEXT);
    pb_text(out, 6, text);
    pb_end(out, at);
}

static size_t begin_entity(pb_out *out, const char *id, int64_t time_ns)
{
    const size_t at = pb_begin(out, 2);
    put_time(out, 1, time_ns);
    pb_text(out, 2, "map");
    pb_text(out, 3, id);
    return at;
}

/* ---- Entities ---- */

static void put_ground(pb_out *out, const hp_rect *rects, uint32_t n, double height_m, color c)
{
    for (uint32_t i = 0; i < n; i++) {
        const hp_rect *r = &rects[i];
        const hp_box box = {{(r->x_min_m + r->x_max_m) / 2.0, (r->y_min_m + r->y_max_m) / 2.0, 0.0},
                            r->x_max_m - r->x_min_m,
                            r->y_max_m - r->y_min_m};
        put_cube(out, &box, height_m, c);
    }
}

/** Road, or road and pavement, as boxes between the points of a route with edges. */
static void put_strips(pb_out *out, const hp_world_info *info, bool pavement)
{
    for (uint32_t i = 0; i + 1 < info->n_edges; i++) {
        const hp_edges *e = &info->edges[i];
        const hp_vec2 a = info->route[i];
        const hp_vec2 d = hp_vec2_sub(info->route[i + 1], a);
        const double yaw_rad = atan2(d.y_m, d.x_m);
        const double left_m = e->road_left_m + (pavement ? e->pavement_left_m : 0.0);
        const double right_m = e->road_right_m + (pavement ? e->pavement_right_m : 0.0);
        const double beside_m = 0.5 * (left_m - right_m);
        const hp_box box = {{a.x_m + 0.5 * d.x_m - beside_m * sin(yaw_rad),
                             a.y_m + 0.5 * d.y_m + beside_m * cos(yaw_rad), yaw_rad},
                            hypot(d.x_m, d.y_m),
                            left_m + right_m};
        put_cube(out, &box, pavement ? 0.02 : 0.04, pavement ? PAVEMENT : ROAD);
    }
}

void scene_world(const hp_world_info *info, int64_t time_ns, pb_out *out)
{
    enum { GOAL_CORNERS = 24 };
    hp_vec2 ring[GOAL_CORNERS + 1];
    for (int i = 0; i <= GOAL_CORNERS; i++) {
        const double angle = 2.0 * HP_PI * i / GOAL_CORNERS;
        ring[i] = (hp_vec2){info->goal.x_m + info->goal_radius_m * cos(angle),
                            info->goal.y_m + info->goal_radius_m * sin(angle)};
    }
    const size_t deletion = pb_begin(out, 1);
    put_time(out, 1, time_ns);
    pb_varint(out, 2, 1); /* all */
    pb_end(out, deletion);
    const size_t entity = begin_entity(out, "world", time_ns);
    put_strips(out, info, true);
    put_strips(out, info, false);
    put_ground(out, info->pavement, info->n_pavement, 0.04, PAVEMENT);
    put_ground(out, info->road, info->n_road, 0.02, ROAD);
    put_line(out, info->route, info->n_route, 0.2, ROUTE);
    put_line(out, ring, GOAL_CORNERS + 1, 0.15, GOAL);
    pb_end(out, entity);
}

void scene_seen(const hp_world_info *info, const hp_frame *frame, int64_t time_ns, pb_out *out)
{
    const hp_box ego = {frame->ego.pose, info->ego_length_m, info->ego_width_m};
    const size_t entity = begin_entity(out, "seen", time_ns);
    put_cube(out, &ego, 1.4, EGO);
    for (uint32_t i = 0; i < frame->n_agents; i++) {
        const hp_agent *a = &frame->agents[i];
        const hp_box box = {a->pose, a->length_m, a->width_m};
        char label[48];
        put_cube(out, &box, a->kind == HP_CLASS_CAR ? 1.5 : 1.75,
                 a->kind == HP_CLASS_CAR ? CAR : WALKER);
        (void)snprintf(label, sizeof label, "%" PRIu32 " %.1f m/s", a->id,
                       hypot(a->vx_mps, a->vy_mps));
        put_label(out, &a->pose, 2.3, label);
    }
    for (uint32_t i = 0; i < frame->n_occluders; i++) {
        put_cube(out, &frame->occluders[i].box, 1.5, BOX);
    }
    pb_end(out, entity);
}

void scene_belief(const hp_plan_request *belief, int64_t time_ns, pb_out *out)
{
    const size_t entity = begin_entity(out, "belief", time_ns);
    put_line(out, belief->path, belief->n_path, 0.25, PATH);
    for (uint32_t i = 0; i < belief->n_agents; i++) {
        const hp_belief_agent *a = &belief->agents[i];
        for (uint32_t m = 0; m < a->n_modes; m++) {
            color c = a->kind == HP_CLASS_CAR ? CAR : WALKER;
            c.a = a->modes[m].probability;
            put_line(out, a->modes[m].mean, belief->n_steps, 0.15, c);
        }
    }
    for (uint32_t i = 0; i < belief->n_phantoms; i++) {
        const hp_phantom *p = &belief->phantoms[i];
        const hp_vec2 step[2] = {p->edge,
                                 {p->edge.x_m + p->speed_mps * cos(p->heading_rad),
                                  p->edge.y_m + p->speed_mps * sin(p->heading_rad)}};
        const hp_box body = {{p->edge.x_m, p->edge.y_m, p->heading_rad}, 0.5, 0.5};
        put_cube(out, &body, 1.7, PHANTOM);
        put_line(out, step, 2, 0.1, PHANTOM);
    }
    pb_end(out, entity);
}

void scene_transform(const hp_pose *ego, int64_t time_ns, pb_out *out)
{
    put_time(out, 1, time_ns);
    pb_text(out, 2, "map");
    pb_text(out, 3, "ego");
    pb_three(out, 4, ego->x_m, ego->y_m, 0.0);
    put_yaw(out, 5, ego->yaw_rad);
}

void scene_log(scene_level level, const char *name, const char *text, int64_t time_ns, pb_out *out)
{
    put_time(out, 1, time_ns);
    pb_varint(out, 2, (uint64_t)level);
    pb_text(out, 3, text);
    pb_text(out, 4, name);
}
