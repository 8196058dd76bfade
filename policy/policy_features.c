#include "policy/policy_features.h"

#include <string.h>

static const double BRAKE_MPS2 = 5.5, COMFORT_MPS2 = 3.0, ACCEL_MPS2 = 3.0;
static const double MARGIN_M = 0.3; /* around the ego's strip */
static const double BEHIND_M = 8.0; /* others further behind do not matter */
enum { MOST_AGENTS = 6 };

/** Relevance: small is relevant. */
typedef struct candidate {
    double distance;
    uint32_t index;
    hp_projection at;
} candidate;

static void insert(candidate *list, uint32_t *n, uint32_t cap, candidate c)
{
    uint32_t i = *n < cap ? (*n)++ : cap;
    if (i == cap && c.distance >= list[cap - 1].distance) {
        return;
    }
    for (i = i == cap ? cap - 1 : i; i > 0 && list[i - 1].distance > c.distance; i--) {
        list[i] = list[i - 1];
    }
    list[i] = c;
}

static void add_agent(const hp_plan_request *r, const candidate *c, policy_scene *scene)
{
    const hp_belief_agent *a = &r->agents[c->index];
    policy_place *place = &scene->root.places[scene->n_others];
    policy_other *o = &scene->others[scene->n_others++];
    const double cosine = cos(c->at.yaw_rad);
    const double sine = sin(c->at.yaw_rad);
    const double turn = a->pose.yaw_rad - c->at.yaw_rad;
    const double half_l = 0.5 * a->length_m;
    const double half_w = 0.5 * a->width_m;
    o->phantom = false;
    o->walker = a->kind == HP_CLASS_WALKER;
    o->agent = c->index;
    o->half_along_m = fabs(half_l * cos(turn)) + fabs(half_w * sin(turn));
    o->half_across_m = fabs(half_l * sin(turn)) + fabs(half_w * cos(turn));
    o->age_s = a->age_s;
    o->rate_hz = a->cross_hz;
    o->walk_mps = 0.0;
    o->n_modes = a->n_modes;
    place->age_s = a->age_s;
    place->s_m = c->at.s_m;
    place->lateral_m = c->at.lateral_m;
    place->along_mps = a->vx_mps * cosine + a->vy_mps * sine;
    place->across_mps = a->vy_mps * cosine - a->vx_mps * sine;
    for (uint32_t m = 0; m < a->n_modes; m++) {
        place->weights[m] = a->modes[m].probability;
        o->s_m[m][0] = c->at.s_m;
        o->lateral_m[m][0] = c->at.lateral_m;
        o->sigma_m[m][0] = 0.1;
        for (uint32_t k = 0; k < r->n_steps; k++) {
            const double dx = a->modes[m].mean[k].x_m - a->pose.x_m;
            const double dy = a->modes[m].mean[k].y_m - a->pose.y_m;
            o->s_m[m][k + 1] = c->at.s_m + dx * cosine + dy * sine;
            o->lateral_m[m][k + 1] = c->at.lateral_m + dy * cosine - dx * sine;
            o->sigma_m[m][k + 1] = a->modes[m].sigma_m[k];
        }
    }
}

static void add_phantom(const hp_plan_request *r, const candidate *c, policy_scene *scene)
{
    const hp_phantom *p = &r->phantoms[c->index];
    policy_place *place = &scene->root.places[scene->n_others];
    policy_other *o = &scene->others[scene->n_others++];
    o->phantom = true;
    o->walker = true;
    o->agent = c->index;
    o->half_along_m = o->half_across_m = 0.25;
    o->age_s = 0.0;
    o->rate_hz = p->rate_hz;
    o->walk_mps = p->speed_mps;
    o->n_modes = 0;
    *place = (policy_place){.s_m = c->at.s_m, .lateral_m = c->at.lateral_m};
}

static void find_others(const hp_plan_request *r, policy_scene *scene)
{
    candidate list[POLICY_SLOTS];
    uint32_t n = 0;
    for (uint32_t i = 0; i < r->n_agents; i++) {
        const hp_vec2 p = {r->agents[i].pose.x_m, r->agents[i].pose.y_m};
        const hp_projection at = hp_polyline_project(r->path, scene->path_s_m, r->n_path, p);
        const double ahead = at.s_m - r->ego_s_m;
        if (ahead > -BEHIND_M) {
            insert(list, &n, MOST_AGENTS,
                   (candidate){fabs(ahead) + 2.0 * fabs(at.lateral_m), i, at});
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        add_agent(r, &list[i], scene);
    }
    scene->n_agents = n;
    n = 0;
    const uint32_t room = POLICY_SLOTS - scene->n_others;
    for (uint32_t i = 0; i < r->n_phantoms; i++) {
        const hp_projection at =
            hp_polyline_project(r->path, scene->path_s_m, r->n_path, r->phantoms[i].edge);
        const double ahead = at.s_m - r->ego_s_m;
        if (ahead > -1.0) {
            insert(list, &n, room, (candidate){ahead, i, at});
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        add_phantom(r, &list[i], scene);
    }
}

void policy_scene_encode(const hp_plan_request *r, policy_scene *scene)
{
    scene->goal_s_m = r->goal_s_m;
    scene->limit_mps = r->speed_limit_mps;
    scene->floor_mps = r->speed_floor_mps;
    scene->ego_half_length_m = 0.5 * r->ego_length_m;
    scene->ego_half_width_m = 0.5 * r->ego_width_m;
    scene->step_s = r->step_s;
    scene->n_steps = r->n_steps;
    scene->n_path = r->n_path;
    scene->n_others = 0;
    (void)hp_polyline_lengths(r->path, r->n_path, scene->path_s_m);
    memcpy(scene->path_mps, r->path_speed_mps, r->n_path * sizeof scene->path_mps[0]);
    memset(&scene->root, 0, sizeof scene->root);
    scene->root.ego_s_m = r->ego_s_m;
    scene->root.ego_speed_mps = r->ego_speed_mps;
    scene->root.ego_accel_mps2 = r->ego_accel_mps2;
    scene->root.last_action = r->last_action;
    find_others(r, scene);
}

static double path_speed(const policy_scene *scene, double s_m)
{
    const double step = scene->path_s_m[1] - scene->path_s_m[0]; /* points are evenly spaced */
    const double at = hp_clamp(s_m / hp_max(step, 0.01), 0.0, scene->n_path - 1.0);
    return scene->path_mps[(uint32_t)at];
}

/** Where a future is time_s after the scene: between its points, and beyond them at its last
 * velocity. */
static double on_future(const double *points, const policy_scene *scene, double time_s)
{
    const double at = time_s / scene->step_s;
    uint32_t k = (uint32_t)at;
    k = k >= scene->n_steps ? scene->n_steps - 1 : k;
    return points[k] + (at - k) * (points[k + 1] - points[k]);
}

/** Logistic stand-in for the normal distribution function; within 0.01. */
static double below(double z)
{
    return 1.0 / (1.0 + exp(-1.702 * z));
}

/** An other as the ego meets it. */
typedef struct meeting {
    const policy_scene *scene;
    const policy_other *other;
    const policy_place *place;
    double now_s;   /* time of the look */
    double strip_m; /* half width of the strip in which they would touch */
    double side;
} meeting;

static double lateral_after(const meeting *m, uint32_t mode, double after_s)
{
    const double *points = m->other->lateral_m[mode];
    return m->place->lateral_m + on_future(points, m->scene, m->now_s + after_s) -
           on_future(points, m->scene, m->now_s);
}

static bool is_phantom(const meeting *m)
{
    return m->other->phantom && !m->place->emerged;
}

/** How far off a forecast may be so long after it was made: as at the root, at every node anew. */
static double sigma_after(const meeting *m, uint32_t mode, double after_s)
{
    const policy_other *o = m->other;
    return hp_max(mode < o->n_modes ? on_future(o->sigma_m[mode], m->scene, after_s) : 0.1, 0.1);
}

static double in_strip_at(const meeting *m, double lateral_m, double sigma_m)
{
    return below((m->strip_m - lateral_m) / sigma_m) - below((-m->strip_m - lateral_m) / sigma_m);
}

/** Probability that the other is in the strip then, over its futures. */
static double in_strip(const meeting *m, double after_s)
{
    const policy_other *o = m->other;
    const policy_place *place = m->place;
    double p = 0.0;
    if (is_phantom(m)) {
        const double way = fabs(m->place->lateral_m) - m->strip_m;
        const double late = after_s - hp_max(way, 0.0) / hp_max(o->walk_mps, 0.1);
        return late > 0.0 ? 1.0 - exp(-o->rate_hz * late) : 0.0;
    }
    for (uint32_t i = 0; i < o->n_modes; i++) {
        p += place->weights[i] *
             in_strip_at(m, lateral_after(m, i, after_s), sigma_after(m, i, after_s));
    }
    if (place->straight_p > 0.0) {
        p += place->straight_p *
             in_strip_at(m, place->lateral_m + after_s * place->straight_across_mps,
                         sigma_after(m, 0, after_s));
    }
    if (place->stands_p > 0.0) {
        p += place->stands_p * in_strip_at(m, place->lateral_m, sigma_after(m, 0, 0.0));
    }
    return p;
}

static double mean_lateral(const meeting *m, double after_s)
{
    double sum = 0.0;
    double weight = 0.0;
    for (uint32_t i = 0; i < m->other->n_modes; i++) {
        sum += m->place->weights[i] * m->side * lateral_after(m, i, after_s);
        weight += m->place->weights[i];
    }
    if (m->place->straight_p > 0.0 || m->place->stands_p > 0.0) {
        const policy_place *p = m->place;
        sum += (p->straight_p + p->stands_p) * m->side * p->lateral_m +
               p->straight_p * m->side * after_s * p->straight_across_mps;
        weight += p->straight_p + p->stands_p;
    }
    return weight > 0.0 ? sum / weight : fabs(m->place->lateral_m);
}

/** Time to go so far while accelerating up to the limit. */
static double time_for(double way_m, double speed_mps, double limit_mps)
{
    if (way_m <= 0.0) {
        return 0.0;
    }
    const double ramp_s = hp_max(limit_mps - speed_mps, 0.0) / ACCEL_MPS2;
    const double ramp_m = (speed_mps + 0.5 * ACCEL_MPS2 * ramp_s) * ramp_s;
    if (way_m < ramp_m) {
        return (sqrt(speed_mps * speed_mps + 2.0 * ACCEL_MPS2 * way_m) - speed_mps) / ACCEL_MPS2;
    }
    return ramp_s + (way_m - ramp_m) / hp_max(hp_max(limit_mps, speed_mps), 0.5);
}

static float bound(double x, double lo, double hi)
{
    return (float)hp_clamp(x, lo, hi);
}

static void fill_slot(const meeting *m, const policy_look *look, float *f)
{
    const policy_other *o = m->other;
    const double v = hp_max(look->ego_speed_mps, 0.0);
    const double ahead = m->place->s_m - look->ego_s_m;
    const double gap = ahead - m->scene->ego_half_length_m - o->half_along_m;
    const double past = ahead + m->scene->ego_half_length_m + o->half_along_m;
    const double closing = -m->side * m->place->across_mps;
    const double outside = fabs(m->place->lateral_m) - m->strip_m;
    const double reach = hp_clamp(gap / hp_max(v, 1.0), 0.0, 8.0);
    const double soon = hp_clamp(time_for(gap, v, m->scene->limit_mps), 0.0, 8.0);
    const double gone = hp_clamp(time_for(past, v, m->scene->limit_mps), 0.0, 8.0);
    f[0] = 1.0F;
    f[1] = o->walker && !is_phantom(m) ? 1.0F : 0.0F;
    f[2] = o->walker ? 0.0F : 1.0F;
    f[3] = is_phantom(m) ? 1.0F : 0.0F;
    f[4] = bound(ahead / 40.0, -1.0, 2.0);
    f[5] = bound(fabs(m->place->lateral_m) / 6.0, 0.0, 2.0);
    f[6] = bound(closing / 3.0, -1.5, 1.5);
    f[7] = bound(m->place->along_mps / 10.0, -2.0, 2.0);
    f[8] = bound(o->half_along_m / 3.0, 0.0, 2.0);
    f[9] = bound(o->half_across_m, 0.0, 2.0);
    f[10] = bound(m->place->age_s / 5.0, 0.0, 1.0);
    f[11] = bound(o->rate_hz, 0.0, 1.0);
    f[12] = bound(reach / 8.0, 0.0, 1.0);
    f[13] = bound(soon / 8.0, 0.0, 1.0);
    f[14] = bound((gap - v * v / (2.0 * BRAKE_MPS2)) / 20.0, -1.0, 2.0);
    f[15] = bound((gap - v * v / (2.0 * COMFORT_MPS2)) / 20.0, -1.0, 2.0);
    f[16] = (float)in_strip(m, 0.5);
    f[17] = (float)in_strip(m, 1.0);
    f[18] = (float)in_strip(m, 2.0);
    f[19] = (float)in_strip(m, 3.0);
    f[20] = (float)in_strip(m, 4.0);
    f[21] = (float)in_strip(m, reach);
    f[22] = (float)in_strip(m, soon);
    f[23] = (float)in_strip(m, gone);
    f[24] = bound(mean_lateral(m, 1.0) / 6.0, -2.0, 2.0);
    f[25] = bound(mean_lateral(m, 2.5) / 6.0, -2.0, 2.0);
    f[26] = bound(outside / 2.0, -1.0, 2.0);
    f[27] = closing > 0.05 ? bound(outside / closing / 8.0, 0.0, 1.0) : 1.0F;
}

void policy_features(const policy_scene *scene, const policy_look *look, float row[POLICY_ROW])
{
    const double v = hp_max(look->ego_speed_mps, 0.0);
    const double limit = hp_max(scene->limit_mps, 1.0);
    const double rest = hp_max(scene->goal_s_m - look->ego_s_m, 0.0);
    memset(row, 0, POLICY_ROW * sizeof *row);
    row[0] = bound(v / limit, 0.0, 2.0);
    row[1] = bound(look->ego_accel_mps2 / 5.0, -2.0, 2.0);
    row[2] = bound(rest / 100.0, 0.0, 2.0);
    row[3] = (float)(1.0 / (1.0 + rest / 10.0));
    row[4] = bound(path_speed(scene, look->ego_s_m) / limit, 0.0, 2.0);
    row[5] = bound(path_speed(scene, look->ego_s_m + 8.0) / limit, 0.0, 2.0);
    row[6] = bound(path_speed(scene, look->ego_s_m + 20.0) / limit, 0.0, 2.0);
    row[7] = scene->floor_mps > 0.0 ? 1.0F : 0.0F;
    row[8 + (look->last_action < POLICY_CHOICES ? look->last_action : 1)] = 1.0F;
    row[11] = (float)scene->n_agents / POLICY_SLOTS;
    row[12] = (float)(scene->n_others - scene->n_agents) / POLICY_SLOTS;
    row[13] = bound(scene->limit_mps / 20.0, 0.0, 2.0);
    row[14] = bound(v * v / (2.0 * BRAKE_MPS2) / 20.0, 0.0, 2.0);
    row[15] = bound(v / 15.0, 0.0, 2.0);
    for (uint32_t i = 0; i < scene->n_others; i++) {
        const policy_place *place = &look->places[i];
        const meeting m = {.scene = scene,
                           .other = &scene->others[i],
                           .place = place,
                           .now_s = look->time_s,
                           .strip_m =
                               scene->ego_half_width_m + scene->others[i].half_across_m + MARGIN_M,
                           .side = place->lateral_m < 0.0 ? -1.0 : 1.0};
        fill_slot(&m, look, row + POLICY_PLAIN + i * POLICY_SLOT);
    }
}
