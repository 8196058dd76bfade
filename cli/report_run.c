#include "cli/report.h"

#include "cli/log_file.h"
#include "cli/options.h"
#include "cli/scene.h"
#include "proto/hp_schema.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define TTC_HORIZON_S 5.0
#define TTC_STEP_S 0.1

typedef struct gather {
    hp_codec *codec;
    hp_message *message;
    json_t *episodes;
    json_t *ticks, *beliefs, *events; /* of the episode that is being read; borrowed */
    hp_world_info world;
    hp_frame frame;
    bool has_world, has_frame, cut_short;
    size_t n_ticks;
    int64_t start_ns; /* of the episode, in the file's time */
    hp_plan_request belief;
} gather;

/** Millimetres are enough for a picture, and keep the page small. */
static json_t *rounded(double value)
{
    json_t *real = json_real(round(value * 1e3) / 1e3);
    return real != NULL ? real : json_null();
}

static void add(json_t *list, double value)
{
    (void)json_array_append_new(list, rounded(value));
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

/* ---- Episodes ---- */

static void begin_episode(gather *g, const hp_world_info *info, uint64_t time_ns)
{
    if (g->has_world && g->world.world_id == info->world_id) {
        return; /* told again for those who came late */
    }
    const double goal[] = {info->goal.x_m, info->goal.y_m, info->goal_radius_m};
    const double ego[] = {info->ego_length_m, info->ego_width_m};
    json_t *world = json_pack("{s:o, s:o, s:o, s:o, s:o, s:f, s:f, s:b}", "road",
                              rects_json(info->road, info->n_road), "pavement",
                              rects_json(info->pavement, info->n_pavement), "route",
                              points_json(info->route, info->n_route), "goal", numbers(goal, 3),
                              "ego", numbers(ego, 2), "speed_limit_mps", info->speed_limit_mps,
                              "tick_s", info->tick_s, "synchronous", info->synchronous);
    json_t *episode = json_pack("{s:i, s:o, s:[], s:[], s:[], s:n}", "episode", (int)info->episode,
                                "world", world, "ticks", "beliefs", "events", "verdict");
    g->ticks = json_object_get(episode, "ticks");
    g->beliefs = json_object_get(episode, "beliefs");
    g->events = json_object_get(episode, "events");
    (void)json_array_append_new(g->episodes, episode);
    g->world = *info;
    g->has_world = true;
    g->has_frame = false;
    g->start_ns = (int64_t)time_ns;
}

/* ---- Ticks ---- */

static hp_box ego_box(const gather *g)
{
    return (hp_box){g->frame.ego.pose, g->world.ego_length_m, g->world.ego_width_m};
}

/** The first moment at which both, going on as they do, would touch; INFINITY if within 5 s none.
 */
static double time_to_collision(const gather *g, const hp_agent *a)
{
    const hp_ego_state *e = &g->frame.ego;
    const double vx = e->speed_mps * cos(e->pose.yaw_rad);
    const double vy = e->speed_mps * sin(e->pose.yaw_rad);
    for (int k = 0; k <= (int)(TTC_HORIZON_S / TTC_STEP_S); k++) {
        const double t = k * TTC_STEP_S;
        hp_box ego = ego_box(g);
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

static json_t *agents_json(const gather *g, double *ttc_s, double *gap_m)
{
    json_t *list = json_array();
    const hp_box ego = ego_box(g);
    for (uint32_t i = 0; i < g->frame.n_agents; i++) {
        const hp_agent *a = &g->frame.agents[i];
        const hp_box box = {a->pose, a->length_m, a->width_m};
        const double row[] = {
            a->id,           a->kind,     a->pose.x_m, a->pose.y_m,
            a->pose.yaw_rad, a->length_m, a->width_m,  hypot(a->vx_mps, a->vy_mps)};
        (void)json_array_append_new(list, numbers(row, HP_ARRAY_LEN(row)));
        *gap_m = fmin(*gap_m, hp_box_gap(&ego, &box));
        *ttc_s = fmin(*ttc_s, time_to_collision(g, a));
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
    (void)json_object_set_new(object, key, rounded(value));
}

static void take_decision(gather *g, const hp_decision *d)
{
    const hp_frame *f = &g->frame;
    if (!g->has_world || !g->has_frame || f->tick != d->tick || f->world_id != d->world_id) {
        return; /* its frame was lost */
    }
    if (g->n_ticks == REPORT_MAX_TICKS) {
        g->cut_short = true;
        return;
    }
    g->n_ticks++;
    double ttc_s = INFINITY;
    double gap_m = INFINITY;
    const double ego[] = {f->ego.pose.x_m,  f->ego.pose.y_m,   f->ego.pose.yaw_rad,
                          f->ego.speed_mps, f->ego.accel_mps2, f->ego.steer_rad};
    json_t *tick = json_object();
    set(tick, "t", (double)f->stamp_ns * 1e-9);
    (void)json_object_set_new(tick, "tick", json_integer(d->tick));
    (void)json_object_set_new(tick, "ego", numbers(ego, HP_ARRAY_LEN(ego)));
    (void)json_object_set_new(tick, "agents", agents_json(g, &ttc_s, &gap_m));
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
        (void)json_object_set_new(
            tick, "miss",
            json_integer((d->search_failed ? 1 : 0) + (d->predictor_fallback ? 2 : 0)));
    }
    (void)json_array_append_new(g->ticks, tick);
}

/* ---- Beliefs ---- */

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

static void take_belief(gather *g, const hp_plan_request *b)
{
    if (!g->has_world || g->cut_short) {
        return;
    }
    json_t *phantoms = json_array();
    json_t *path = json_null();
    for (uint32_t i = 0; i < b->n_phantoms; i++) {
        const hp_phantom *p = &b->phantoms[i];
        const double row[] = {p->edge.x_m, p->edge.y_m, p->heading_rad, p->speed_mps, p->rate_hz};
        (void)json_array_append_new(phantoms, numbers(row, HP_ARRAY_LEN(row)));
    }
    if (json_array_size(g->beliefs) == 0 || b->n_path != g->belief.n_path ||
        memcmp(b->path, g->belief.path, b->n_path * sizeof b->path[0]) != 0) {
        path = points_json(b->path, b->n_path); /* it seldom changes: told when it does */
    }
    (void)json_array_append_new(g->beliefs,
                                json_pack("{s:i, s:o, s:o, s:o}", "tick", (int)b->tick, "modes",
                                          modes_json(b), "phantoms", phantoms, "path", path));
    g->belief = *b;
}

/* ---- Messages ---- */

static void take_log(gather *g, const log_message *m)
{
    json_t *log = NULL;
    if (!g->has_world ||
        hp_schema_json(SCENE_LOG, m->data.data, (size_t)m->data.len, &log) != HP_OK) {
        return;
    }
    json_t *event = json_object();
    set(event, "t", (double)((int64_t)m->time_ns - g->start_ns) * 1e-9);
    (void)json_object_set(event, "level", json_object_get(log, "level"));
    (void)json_object_set(event, "text", json_object_get(log, "message"));
    (void)json_array_append_new(g->events, event);
    json_decref(log);
}

static void take_end(gather *g, const hp_episode_end *end)
{
    static const char *const VERDICTS[] = {"running", "goal", "crash", "timeout", "stopped"};
    json_t *episode = json_array_get(g->episodes, json_array_size(g->episodes) - 1);
    if (episode != NULL && g->has_world && end->world_id == g->world.world_id) {
        (void)json_object_set_new(episode, "verdict", json_string(VERDICTS[end->verdict]));
    }
}

static void take(gather *g, const log_message *m)
{
    static const hp_msg_type USED[] = {HP_MSG_WORLD_INFO, HP_MSG_FRAME, HP_MSG_PLAN_REQUEST,
                                       HP_MSG_DECISION, HP_MSG_EPISODE_END};
    hp_msg_type type = HP_MSG_COUNT;
    for (size_t i = 0; i < HP_ARRAY_LEN(USED); i++) {
        type = strcmp(m->schema, hp_schema_name(USED[i])) == 0 ? USED[i] : type;
    }
    if (strcmp(m->schema, SCENE_LOG) == 0) {
        take_log(g, m);
    } else if (type != HP_MSG_COUNT &&
               hp_decode_payload(g->codec, type, m->data.data, (size_t)m->data.len, g->message,
                                 NULL) == HP_OK) {
        if (type == HP_MSG_WORLD_INFO) {
            begin_episode(g, &g->message->as_hp_world_info, m->time_ns);
        } else if (type == HP_MSG_FRAME) {
            g->frame = g->message->as_hp_frame;
            g->has_frame = true;
        } else if (type == HP_MSG_PLAN_REQUEST) {
            take_belief(g, &g->message->as_hp_plan_request);
        } else if (type == HP_MSG_DECISION) {
            take_decision(g, &g->message->as_hp_decision);
        } else {
            take_end(g, &g->message->as_hp_episode_end);
        }
    }
}

/* ---- The whole ---- */

/** A JSON file beside the recording; null if there is none. */
static json_t *side_file(const char *dir, const char *name)
{
    char path[CLI_PATH];
    json_error_t why;
    const int n = snprintf(path, sizeof path, "%s/%s", dir, name);
    json_t *json = n > 0 && (size_t)n < sizeof path ? json_load_file(path, 0, &why) : NULL;
    return json != NULL ? json : json_null();
}

static hp_status read_all(gather *g, const char *path, json_t *page, hp_error *error)
{
    log_file *file = NULL;
    log_message m;
    hp_error why = {{0}};
    hp_status st = log_file_open(path, &file, error);
    if (st != HP_OK) {
        return st;
    }
    while ((st = log_file_next(file, &m, &why)) == HP_OK) {
        take(g, &m);
    }
    log_file_close(&file);
    if (st != HP_ENOENT) {
        (void)json_object_set_new(page, "damage", json_string(why.text));
    }
    if (json_array_size(g->episodes) == 0) {
        return hp_fail(error, HP_ENOENT, "%s: no episode is recorded there", path);
    }
    return HP_OK;
}

static hp_status gather_open(gather **out, hp_error *error)
{
    gather *g = calloc(1, sizeof *g);
    *out = g;
    if (g == NULL || (g->message = malloc(sizeof *g->message)) == NULL ||
        hp_codec_create(&g->codec) != HP_OK) {
        return hp_fail(error, HP_ENOMEM, "no memory for a report");
    }
    g->episodes = json_array();
    return HP_OK;
}

static void gather_close(gather *g)
{
    if (g != NULL) {
        hp_codec_destroy(&g->codec);
        free(g->message);
        json_decref(g->episodes);
        free(g);
    }
}

hp_status report_run(const char *path, json_t **out, hp_error *error)
{
    char dir[CLI_PATH];
    char file[CLI_PATH + 16];
    struct stat st;
    gather *g = NULL;
    *out = NULL;
    if (snprintf(dir, sizeof dir, "%s", path) >= (int)sizeof dir || stat(path, &st) != 0) {
        return hp_fail(error, HP_ENOENT, "%s: no such run", path);
    }
    if (S_ISDIR(st.st_mode)) {
        (void)snprintf(file, sizeof file, "%s/run.mcap", path);
    } else {
        char *slash = strrchr(dir, '/');
        (void)snprintf(file, sizeof file, "%s", path);
        (void)snprintf(slash != NULL ? slash : dir, 2, "%s", slash != NULL ? "" : ".");
    }
    json_t *page =
        json_pack("{s:s, s:s, s:o, s:o}", "kind", "run", "name", path, "manifest",
                  side_file(dir, "manifest.json"), "summary", side_file(dir, "summary.json"));
    hp_status status = gather_open(&g, error);
    if (status == HP_OK) {
        status = read_all(g, file, page, error);
    }
    if (status == HP_OK) {
        (void)json_object_set(page, "episodes", g->episodes);
        (void)json_object_set_new(page, "cut_short", json_boolean(g->cut_short));
        *out = page;
    } else {
        json_decref(page);
    }
    gather_close(g);
    return status;
}
