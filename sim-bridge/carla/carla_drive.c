#include "sim-bridge/carla/carla_drive.h"

#include "common/hp_file.h"
#include "common/hp_search.h"
#include "common/hp_text.h"
#include "sim-bridge/carla/carla_ground.h"
#include "sim-bridge/carla/carla_log.h"
#include "sim-bridge/sim_clip.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_SAMPLES = 4000000, /* of all actors */
    TRACKED = 2,           /* kinds of actors that are taken */
};

#define STEP_S 0.05
#define MORE_TIME 1.5 /* the ego may take longer than the hero: by half, and a start from rest */
#define LATE_S 5.0
#define FAR_CM 1e8
#define MOST_S 36000.0

typedef struct sample {
    double t_s;
    hp_pose pose;
} sample;

/** An actor while its samples are collected. */
typedef struct figure {
    uint32_t id;
    hp_agent_class kind;
    bool hero;
    double length_m, width_m;
    hp_vec2 centre_m; /* of its box, in its own frame */
    sample *samples;
    uint32_t n, cap;
} figure;

typedef struct collector {
    const char *name;
    figure *figures; /* SIM_CLIP_MAX_TRACKS, by rising id */
    uint32_t n_figures, n_samples;
    double now_s;
} collector;

struct carla_drive {
    sim_clip *clip;
    xodr_map *map;
    char town[64];
    uint32_t hero; /* 0: none */
};

/* ---- Collecting ---- */

static size_t slot_of(const collector *c, uint32_t id)
{
    return hp_search_id(c->figures, c->n_figures, sizeof *c->figures, offsetof(figure, id), id);
}

static figure *find(collector *c, uint32_t id)
{
    const size_t i = slot_of(c, id);
    return i < c->n_figures && c->figures[i].id == id ? &c->figures[i] : NULL;
}

static bool has_role(const carla_log_actor *actor, const char *role)
{
    return carla_text_is(carla_description_value(&actor->description, "role_name"), role);
}

static figure new_figure(const carla_log_actor *actor)
{
    figure f = {.id = actor->pose.id, .kind = HP_CLASS_CAR, .length_m = 4.5, .width_m = 1.9};
    if (actor->kind == CARLA_LOG_WALKER) {
        f.kind = HP_CLASS_WALKER;
        f.length_m = f.width_m = 0.375;
    } else if (carla_text_is(carla_description_value(&actor->description, "number_of_wheels"),
                             "2")) {
        f.kind = HP_CLASS_CYCLIST;
        f.length_m = 1.8;
        f.width_m = 0.6;
    }
    f.hero = f.kind == HP_CLASS_CAR && (has_role(actor, "hero") || has_role(actor, "ego_vehicle"));
    return f;
}

static hp_status collect_actors(collector *c, const carla_log_packet *packet, hp_error *error)
{
    carla_log_actor actor;
    size_t at = 0;
    hp_status st = HP_OK;
    while ((st = carla_log_actor_read(packet, &at, &actor, error)) == HP_OK) {
        if ((actor.kind != CARLA_LOG_VEHICLE && actor.kind != CARLA_LOG_WALKER) ||
            find(c, actor.pose.id) != NULL) {
            continue;
        }
        if (c->n_figures == SIM_CLIP_MAX_TRACKS) {
            return hp_fail(error, HP_EFULL, "%s: more than %d vehicles and walkers", c->name,
                           SIM_CLIP_MAX_TRACKS);
        }
        const size_t i = slot_of(c, actor.pose.id);
        memmove(&c->figures[i + 1], &c->figures[i], (c->n_figures - i) * sizeof *c->figures);
        c->figures[i] = new_figure(&actor);
        c->n_figures += 1;
    }
    return st == HP_EAGAIN ? HP_OK : st;
}

/** Half an extent in cm as a full one in m; walkers and two-wheelers are recorded with nonsense. */
static double full_m(float half_cm, double otherwise)
{
    return half_cm >= 10.0F && half_cm <= 1000.0F ? 0.02 * (double)half_cm : otherwise;
}

static void collect_boxes(collector *c, const carla_log_packet *packet)
{
    const uint32_t n = carla_log_count(packet);
    if (packet->size != 2 + (size_t)n * CARLA_LOG_POSE_BYTES) {
        return;
    }
    for (uint32_t i = 0; i < n; ++i) { /* id, origin, extent: laid out like a pose */
        const carla_log_pose box = carla_log_pose_read(packet, i);
        figure *f = find(c, box.id);
        if (f == NULL) {
            continue;
        }
        f->length_m = full_m(box.turn_deg.x, f->length_m);
        f->width_m = full_m(box.turn_deg.y, f->width_m);
        if (fabsf(box.location_cm.x) < 500.0F && fabsf(box.location_cm.y) < 500.0F) {
            f->centre_m =
                (hp_vec2){0.01 * (double)box.location_cm.x, -0.01 * (double)box.location_cm.y};
        }
    }
}

static hp_status add_sample(collector *c, figure *f, const carla_log_pose *pose, hp_error *error)
{
    if (f->n > 0 && f->samples[f->n - 1].t_s >= c->now_s) {
        return HP_OK; /* twice in a frame */
    }
    if (c->n_samples == MAX_SAMPLES) {
        return hp_fail(error, HP_EFULL, "%s: more than %d positions", c->name, MAX_SAMPLES);
    }
    if (f->n == f->cap) {
        const uint32_t cap = f->cap == 0 ? 256 : 2 * f->cap;
        sample *grown = realloc(f->samples, cap * sizeof *grown);
        if (grown == NULL) {
            return hp_fail(error, HP_ENOMEM, "%s: out of memory", c->name);
        }
        f->samples = grown;
        f->cap = cap;
    }
    const double yaw_rad = hp_angle_wrap(-(double)pose->turn_deg.z * HP_PI / 180.0);
    f->samples[f->n++] = (sample){
        c->now_s,
        {0.01 * (double)pose->location_cm.x, -0.01 * (double)pose->location_cm.y, yaw_rad}};
    c->n_samples += 1;
    return HP_OK;
}

static hp_status collect_poses(collector *c, const carla_log_packet *packet, hp_error *error)
{
    hp_status st = carla_log_poses_check(packet, error);
    const uint32_t n = st == HP_OK ? carla_log_count(packet) : 0;
    for (uint32_t i = 0; i < n && st == HP_OK; ++i) {
        const carla_log_pose pose = carla_log_pose_read(packet, i);
        figure *f = find(c, pose.id);
        if (!(fabs((double)pose.location_cm.x) <= FAR_CM &&
              fabs((double)pose.location_cm.y) <= FAR_CM && isfinite(pose.turn_deg.z))) {
            return hp_fail(error, HP_EWIRE, "%s: byte %zu: actor %u is nowhere", c->name,
                           packet->at, pose.id);
        }
        st = f != NULL ? add_sample(c, f, &pose, error) : HP_OK;
    }
    return st;
}

static hp_status collect_frame(collector *c, const carla_log_packet *packet, hp_error *error)
{
    carla_log_frame frame;
    const hp_status st = carla_log_frame_read(packet, &frame, error);
    if (st != HP_OK) {
        return st;
    }
    if (!(frame.elapsed_s >= c->now_s && frame.elapsed_s <= MOST_S)) {
        return hp_fail(error, HP_EWIRE,
                       "%s: byte %zu: a frame at %g s after one at %g s (at most %.0f h are taken)",
                       c->name, packet->at, frame.elapsed_s, c->now_s, MOST_S / 3600.0);
    }
    c->now_s = frame.elapsed_s;
    return HP_OK;
}

static hp_status collect(collector *c, carla_log *log, hp_error *error)
{
    carla_log_packet packet;
    hp_status st = HP_OK;
    while (st == HP_OK && (st = carla_log_next(log, &packet, error)) == HP_OK) {
        if (packet.id == CARLA_LOG_FRAME_START) {
            st = collect_frame(c, &packet, error);
        } else if (packet.id == CARLA_LOG_EVENT_ADD) {
            st = collect_actors(c, &packet, error);
        } else if (packet.id == CARLA_LOG_POSITION) {
            st = collect_poses(c, &packet, error);
        } else if (packet.id == CARLA_LOG_BOXES) {
            collect_boxes(c, &packet);
        }
    }
    return st == HP_EAGAIN ? HP_OK : st;
}

/* ---- Tracks ---- */

/** Even steps between a figure's first and last sample; 0: it is there for less than one. */
static uint32_t rows_of(const figure *f)
{
    if (f->n < 2 || f->samples[f->n - 1].t_s - f->samples[0].t_s < STEP_S) {
        return 0;
    }
    return 1 + (uint32_t)ceil((f->samples[f->n - 1].t_s - f->samples[0].t_s) / STEP_S);
}

/** Where the figure's box is at a time; *at goes forward through its samples. */
static hp_pose pose_at(const figure *f, double t_s, uint32_t *at)
{
    while (*at + 2 < f->n && f->samples[*at + 1].t_s < t_s) {
        *at += 1;
    }
    const sample *a = &f->samples[*at];
    const sample *b = a + 1;
    const double u = hp_clamp((t_s - a->t_s) / (b->t_s - a->t_s), 0.0, 1.0);
    const double yaw =
        hp_angle_wrap(a->pose.yaw_rad + u * hp_angle_wrap(b->pose.yaw_rad - a->pose.yaw_rad));
    const double c = cos(yaw);
    const double s = sin(yaw);
    return (hp_pose){
        a->pose.x_m + u * (b->pose.x_m - a->pose.x_m) + c * f->centre_m.x_m - s * f->centre_m.y_m,
        a->pose.y_m + u * (b->pose.y_m - a->pose.y_m) + s * f->centre_m.x_m + c * f->centre_m.y_m,
        yaw};
}

static void fill_rows(const figure *f, double step_s, sim_clip_row *rows, uint32_t n)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < n; ++i) {
        rows[i].pose = pose_at(f, f->samples[0].t_s + i * step_s, &at);
    }
    for (uint32_t i = 0; i < n; ++i) { /* central differences, one-sided at the ends */
        const uint32_t a = i == 0 ? 0 : i - 1;
        const uint32_t b = i + 1 == n ? i : i + 1;
        rows[i].vx_mps = (rows[b].pose.x_m - rows[a].pose.x_m) / ((b - a) * step_s);
        rows[i].vy_mps = (rows[b].pose.y_m - rows[a].pose.y_m) / ((b - a) * step_s);
    }
}

/** Walkers first, then vehicles, as clips have them. */
static hp_status make_clip(const collector *c, sim_clip **out, hp_error *error)
{
    static const bool WALKS[TRACKED] = {true, false};
    uint32_t n_rows = 0;
    uint32_t n_tracks = 0;
    for (uint32_t i = 0; i < c->n_figures; ++i) {
        n_rows += rows_of(&c->figures[i]);
    }
    if (n_rows > SIM_CLIP_MAX_ROWS) {
        return hp_fail(error, HP_EFULL, "%s: more than %d positions at 20 Hz", c->name,
                       SIM_CLIP_MAX_ROWS);
    }
    sim_clip_row *rows = calloc((size_t)n_rows + 1, sizeof *rows);
    sim_track *tracks = calloc((size_t)c->n_figures + 1, sizeof *tracks);
    sim_clip_row *next = rows;
    for (int k = 0; k < TRACKED && rows != NULL && tracks != NULL; ++k) {
        for (uint32_t i = 0; i < c->n_figures; ++i) {
            const figure *f = &c->figures[i];
            const uint32_t n = rows_of(f);
            if (n == 0 || (f->kind == HP_CLASS_WALKER) != WALKS[k]) {
                continue;
            }
            const double start_s = f->samples[0].t_s;
            const double end_s = f->samples[f->n - 1].t_s;
            fill_rows(f, (end_s - start_s) / (n - 1), next, n);
            tracks[n_tracks++] =
                (sim_track){f->id, f->kind, f->length_m, f->width_m, start_s, end_s, n, next};
            next += n;
        }
    }
    return sim_clip_adopt(tracks, n_tracks, rows, c->now_s * MORE_TIME + LATE_S, out) == HP_OK
               ? HP_OK
               : hp_fail(error, HP_ENOMEM, "%s: out of memory", c->name);
}

/* ---- Drives ---- */

/** A name for people, and for a file. */
static void copy_town(const carla_log *log, char *out, size_t cap)
{
    carla_text_copy(log->map, out, cap);
    hp_text_line(out, '?');
}

hp_status carla_drive_parse(const char *name, const void *bytes, size_t len, carla_drive **out,
                            hp_error *error)
{
    carla_log log;
    collector c = {.name = name};
    *out = NULL;
    hp_status st = carla_log_open(name, bytes, len, &log, error);
    if (st != HP_OK) {
        return st;
    }
    carla_drive *drive = calloc(1, sizeof *drive);
    c.figures = calloc(SIM_CLIP_MAX_TRACKS + 1, sizeof *c.figures);
    st = drive == NULL || c.figures == NULL ? hp_fail(error, HP_ENOMEM, "%s: out of memory", name)
                                            : collect(&c, &log, error);
    if (st == HP_OK) {
        st = make_clip(&c, &drive->clip, error);
    }
    for (uint32_t i = 0; i < c.n_figures; ++i) {
        if (st == HP_OK && c.figures[i].hero && rows_of(&c.figures[i]) > 0 && drive->hero == 0) {
            drive->hero = c.figures[i].id;
        }
        free(c.figures[i].samples);
    }
    free(c.figures);
    if (st != HP_OK) {
        carla_drive_destroy(&drive);
        return st;
    }
    copy_town(&log, drive->town, sizeof drive->town);
    *out = drive;
    return HP_OK;
}

bool carla_drive_is_log(const char *path)
{
    const size_t len = strlen(path);
    return len > 4 && strcmp(path + len - 4, ".log") == 0;
}

hp_status carla_drive_read(const char *path, const char *map, carla_drive **out, hp_error *error)
{
    char *bytes = NULL;
    size_t len = 0;
    *out = NULL;
    hp_status st = hp_file_read(path, CARLA_LOG_MAX_FILE, &bytes, &len, error);
    if (st == HP_OK) {
        st = carla_drive_parse(path, bytes, len, out, error);
    }
    free(bytes);
    if (st == HP_OK && map[0] != '\0') {
        st = xodr_read(map, &(*out)->map, error);
    }
    if (st != HP_OK) {
        carla_drive_destroy(out);
    }
    return st;
}

hp_status carla_drive_town_of(const char *path, char *town, size_t cap, hp_error *error)
{
    uint8_t head[512];
    carla_log log;
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        return hp_fail(error, HP_ENOENT, "%s: no file that can be read", path);
    }
    const size_t n = fread(head, 1, sizeof head, f);
    (void)fclose(f);
    const hp_status st = carla_log_open(path, head, n, &log, error);
    if (st == HP_OK) {
        copy_town(&log, town, cap);
    }
    return st;
}

void carla_drive_destroy(carla_drive **drive)
{
    if (*drive != NULL) {
        sim_clip_destroy(&(*drive)->clip);
        xodr_destroy(&(*drive)->map);
        free(*drive);
        *drive = NULL;
    }
}

const sim_clip *carla_drive_clip(const carla_drive *drive)
{
    return drive->clip;
}

const char *carla_drive_town(const carla_drive *drive)
{
    return drive->town;
}

hp_status carla_drive_hero(const carla_drive *drive, uint32_t *id, hp_error *error)
{
    *id = drive->hero;
    return drive->hero != 0 || sim_clip_eligible(drive->clip, id, 1) > 0
               ? HP_OK
               : hp_fail(error, HP_ENOENT,
                         "no vehicle of this recording is a hero, or moves at least 10 m");
}

hp_status carla_drive_world(const carla_drive *drive, uint32_t car_id, bool human,
                            const sim_config *config, bridge_world *out, hp_error *error)
{
    const hp_status st = sim_replay_create(drive->clip, car_id, human, config, out, error);
    if (st == HP_OK && drive->map != NULL) {
        hp_world_info *info = sim_replay_info(out);
        info->speed_limit_mps = fmax(info->speed_limit_mps, carla_ground_beside(drive->map, info));
    }
    return st;
}
