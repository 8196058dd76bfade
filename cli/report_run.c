#include "cli/report.h"

#include "cli/log_file.h"
#include "cli/options.h"
#include "cli/scene.h"
#include "cli/scene_json.h"
#include "proto/hp_schema.h"
#include "sim-bridge/sim_judge.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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

/* ---- Episodes ---- */

static void begin_episode(gather *g, const hp_world_info *info, uint64_t time_ns)
{
    if (g->has_world && g->world.world_id == info->world_id) {
        return; /* told again for those who came late */
    }
    json_t *episode =
        json_pack("{s:i, s:o, s:[], s:[], s:[], s:n}", "episode", (int)info->episode, "world",
                  scene_world_json(info), "ticks", "beliefs", "events", "verdict");
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
    (void)json_array_append_new(g->ticks, scene_tick_json(&g->world, f, d));
}

/* ---- Beliefs ---- */

static void take_belief(gather *g, const hp_plan_request *b)
{
    if (!g->has_world || g->cut_short) {
        return;
    }
    const bool news = json_array_size(g->beliefs) == 0 || b->n_path != g->belief.n_path ||
                      memcmp(b->path, g->belief.path, b->n_path * sizeof b->path[0]) != 0;
    (void)json_array_append_new(g->beliefs, scene_belief_json(b, news)); /* it seldom changes */
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
    (void)json_object_set_new(
        event, "t", scene_rounded_json((double)((int64_t)m->time_ns - g->start_ns) * 1e-9));
    (void)json_object_set(event, "level", json_object_get(log, "level"));
    (void)json_object_set(event, "text", json_object_get(log, "message"));
    (void)json_array_append_new(g->events, event);
    json_decref(log);
}

static void take_end(gather *g, const hp_episode_end *end)
{
    json_t *episode = json_array_get(g->episodes, json_array_size(g->episodes) - 1);
    if (episode != NULL && g->has_world && end->world_id == g->world.world_id) {
        (void)json_object_set_new(episode, "verdict", json_string(sim_verdict_text(end->verdict)));
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
        json_pack("{s:s, s:o, s:o, s:o}", "kind", "run", "name", report_name(path), "manifest",
                  side_file(dir, "manifest.json"), "summary", side_file(dir, "summary.json"));
    (void)json_object_set_new(page, "seed", report_seed(json_object_get(page, "manifest")));
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
