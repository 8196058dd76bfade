#include "cli/scene_json.h"

#include "common/hp_status.h"

#include <math.h>

#define TTC_HORIZON_S 5.0
#define TTC_STEP_S 0.1

json_t *scene_rounded_json(double value)
{
    json_t *real = json_real(round(value * 1e3) / 1e3);
    return real != NULL ? real : json_null();
}

static void add(json_t *list, double value)
{
    (void)json_array_append_new(list, scene_rounded_json(value));
}

static json_t *numbers(const double *values, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        add(list, values[i]);
    }
    return list;
}

static json_t *points_json(const hp_vec2 *points, uint32_t n)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < n; i++) {
        add(list, points[i].x_m);
        add(list, points[i].y_m);
    }
    return list;
}

static json_t *rects_json(const hp_rect *rects, uint32_t n)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < n; i++) {
        const double r[] = {rects[i].x_min_m, rects[i].y_min_m, rects[i].x_max_m, rects[i].y_max_m};
        (void)json_array_append_new(list, numbers(r, 4));
    }
    return list;
}

json_t *scene_world_json(const hp_world_info *info)
{
    const double goal[] = {info->goal.x_m, info->goal.y_m, info->goal_radius_m};
    const double ego[] = {info->ego_length_m, info->ego_width_m};
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:f, s:f, s:b}", "road",
                     rects_json(info->road, info->n_road), "pavement",
                     rects_json(info->pavement, info->n_pavement), "route",
                     points_json(info->route, info->n_route), "goal", numbers(goal, 3), "ego",
                     numbers(ego, 2), "speed_limit_mps", info->speed_limit_mps, "tick_s",
                     info->tick_s, "synchronous", info->synchronous);
}

/* ---- A tick ---- */

static hp_box ego_box(const hp_world_info *info, const hp_ego_state *e)
{
    return (hp_box){e->pose, info->ego_length_m, info->ego_width_m};
}

/** The first moment at which both, going on as they do, would touch; INFINITY if within 5 s none.
 */
static double time_to_collision(const hp_world_info *info, const hp_ego_state *e, const hp_agent *a)
{
    const double vx = e->speed_mps * cos(e->pose.yaw_rad);
    const double vy = e->speed_mps * sin(e->pose.yaw_rad);
    for (int k = 0; k <= (int)(TTC_HORIZON_S / TTC_STEP_S); k++) {
        const double t = k * TTC_STEP_S;
        hp_box ego = ego_box(info, e);
        hp_box other = {a->pose, a->length_m, a->width_m};
        ego.centre.x_m += vx * t;
        ego.centre.y_m += vy * t;
        other.centre.x_m += a->vx_mps * t;
        other.centre.y_m += a->vy_mps * t;
        if (hp_box_overlap(&ego, &other)) {
            return t;
        }
    }
    return INFINITY;
}

static json_t *agents_json(const hp_world_info *info, const hp_frame *frame, double *ttc_s,
                           double *gap_m)
{
    json_t *list = json_array();
    const hp_box ego = ego_box(info, &frame->ego);
    for (uint32_t i = 0; i < frame->n_agents; i++) {
        const hp_agent *a = &frame->agents[i];
        const hp_box box = {a->pose, a->length_m, a->width_m};
        const double row[] = {
            a->id,           a->kind,     a->pose.x_m, a->pose.y_m,
            a->pose.yaw_rad, a->length_m, a->width_m,  hypot(a->vx_mps, a->vy_mps)};
        (void)json_array_append_new(list, numbers(row, HP_ARRAY_LEN(row)));
        *gap_m = fmin(*gap_m, hp_box_gap(&ego, &box));
        *ttc_s = fmin(*ttc_s, time_to_collision(info, &frame->ego, a));
    }
    return list;
}

static json_t *occluders_json(const hp_frame *frame)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < frame->n_occluders; i++) {
        const hp_box *b = &frame->occluders[i].box;
        const double row[] = {b->centre.x_m, b->centre.y_m, b->centre.yaw_rad, b->length_m,
                              b->width_m};
        (void)json_array_append_new(list, numbers(row, HP_ARRAY_LEN(row)));
    }
    return list;
}

static void set(json_t *object, const char *key, double value)
{
    (void)json_object_set_new(object, key, scene_rounded_json(value));
}

static json_t *pruning_json(const hp_plan_reply *p)
{
    json_t *by_depth = json_array();
    for (uint32_t d = 1; d < HP_MAX_DEPTHS; d++) {
        (void)json_array_append_new(by_depth, json_integer(p->pruned_at[d]));
    }
    return json_pack("{s:i, s:i, s:i, s:i, s:o, s:o, s:o}", "valued", (int)p->evaluated, "refused",
                     (int)p->refused, "reopened", (int)p->reopened, "calls", (int)p->batches,
                     "by_depth", by_depth, "network_ms",
                     scene_rounded_json((double)p->network_ns * 1e-6), "transport_ms",
                     scene_rounded_json((double)p->transport_ns * 1e-6));
}

json_t *scene_tick_json(const hp_world_info *info, const hp_frame *f, const hp_decision *d)
{
    double ttc_s = INFINITY;
    double gap_m = INFINITY;
    const double ego[] = {f->ego.pose.x_m,  f->ego.pose.y_m,   f->ego.pose.yaw_rad,
                          f->ego.speed_mps, f->ego.accel_mps2, f->ego.steer_rad};
    json_t *tick = json_object();
    set(tick, "t", (double)f->stamp_ns * 1e-9);
    (void)json_object_set_new(tick, "tick", json_integer(d->tick));
    (void)json_object_set_new(tick, "ego", numbers(ego, HP_ARRAY_LEN(ego)));
    (void)json_object_set_new(tick, "agents", agents_json(info, f, &ttc_s, &gap_m));
    (void)json_object_set_new(tick, "boxes", occluders_json(f));
    set(tick, "ttc", ttc_s);
    set(tick, "gap", gap_m);
    set(tick, "cmd", d->command.accel_mps2);
    (void)json_object_set_new(tick, "src", json_integer(d->command.source));
    (void)json_object_set_new(tick, "guard", json_integer(d->command.guarded ? 1 : 0));
    if (d->decided) {
        const double plan[] = {d->plan.trials, d->plan.depth,       d->plan.nodes,
                               d->plan.pruned, d->plan.value_lower, d->plan.value_upper};
        set(tick, "ms", (double)d->total_ns * 1e-6);
        (void)json_object_set_new(tick, "plan", numbers(plan, HP_ARRAY_LEN(plan)));
        if (d->plan.batches > 0) {
            (void)json_object_set_new(tick, "pruning", pruning_json(&d->plan));
        }
        (void)json_object_set_new(
            tick, "miss",
            json_integer((d->search_failed ? 1 : 0) + (d->predictor_fallback ? 2 : 0)));
    }
    return tick;
}

/* ---- A belief ---- */

static json_t *modes_json(const hp_plan_request *b)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < b->n_agents; i++) {
        for (uint32_t m = 0; m < b->agents[i].n_modes; m++) {
            const hp_mode *mode = &b->agents[i].modes[m];
            const hp_vec2 here = {b->agents[i].pose.x_m, b->agents[i].pose.y_m};
            json_t *row = json_array();
            add(row, b->agents[i].kind);
            add(row, mode->probability);
            add(row, here.x_m);
            add(row, here.y_m);
            for (uint32_t k = 0; k < b->n_steps; k++) {
                add(row, mode->mean[k].x_m);
                add(row, mode->mean[k].y_m);
            }
            (void)json_array_append_new(list, row);
        }
    }
    return list;
}

json_t *scene_belief_json(const hp_plan_request *b, bool with_path)
{
    json_t *phantoms = json_array();
    for (uint32_t i = 0; i < b->n_phantoms; i++) {
        const hp_phantom *p = &b->phantoms[i];
        const double row[] = {p->edge.x_m, p->edge.y_m, p->heading_rad, p->speed_mps, p->rate_hz};
        (void)json_array_append_new(phantoms, numbers(row, HP_ARRAY_LEN(row)));
    }
    return json_pack("{s:i, s:o, s:o, s:o}", "tick", (int)b->tick, "modes", modes_json(b),
                     "phantoms", phantoms, "path",
                     with_path ? points_json(b->path, b->n_path) : json_null());
}
