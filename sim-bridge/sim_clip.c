#include "sim-bridge/sim_clip.h"

#include "common/hp_file.h"
#include "common/hp_search.h"
#include "sim-bridge/sim_clip_csv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FILE = 192 * 1000 * 1000 }; /* bytes: SIM_CLIP_MAX_ROWS at their longest */

#define TRANSIENT_S 0.4 /* of the recordings' Kalman filter, at each track's beginning */
#define ELIGIBLE_MOVE_M 10.0
#define WALKER_SIZE_M 0.375 /* as the benchmark's walkers */
#define STILL_MPS 0.05      /* slower pedestrians keep the direction they had */

/** What a recording is made of. */
typedef struct clip_profile {
    double frames_hz;
    double car_length_m, car_width_m;
    double centre_ahead_m; /* of the box, seen from the recorded point */
} clip_profile;

/* CITR's golf cart reaches 1.0 m ahead of the recorded point and 1.2 m behind it. */
static const clip_profile PROFILES[] = {
    [SIM_CLIP_DUT] = {23.98, 4.5, 1.8, 0.0},
    [SIM_CLIP_CITR] = {29.97, 2.2, 1.2, -0.1},
};

struct sim_clip {
    sim_clip_row *rows;
    sim_track *tracks;
    uint32_t n_tracks, n_walkers; /* walkers' tracks come first */
    double duration_s;
};

/** The rows of one file, and its tracks while they are collected. */
typedef struct file_rows {
    sim_csv_row *rows;
    uint32_t n_rows, cap;
    uint32_t n_tracks;
    struct file_track {
        uint32_t id, n, last_frame, first_frame;
        double yaw_rad;            /* of the row converted last */
        sim_clip_row *next;        /* where its next converted row goes */
    } tracks[SIM_CLIP_MAX_TRACKS]; /* sorted by id */
} file_rows;

/** Index of the track with this id, or where it belongs. */
static size_t track_slot(const file_rows *file, uint32_t id)
{
    return hp_search_id(file->tracks, file->n_tracks, sizeof file->tracks[0],
                        offsetof(struct file_track, id), id);
}

static hp_status refuse_frame(const sim_csv *csv, const sim_csv_row *row, uint32_t last,
                              hp_error *error)
{
    const char *what = "out of order";
    if (row->frame == last) {
        what = "given twice";
    } else if (row->frame > last + 1) {
        what = "after a gap";
    }
    return hp_fail(
        error, HP_ECONFIG,
        "%s:%u:1: error: frame %u of id %u is %s (the one before is %u; every frame must "
        "be there once, in order)",
        csv->text->name, csv->line, row->frame, row->id, what, last);
}

/** Enters a row into its track and checks that it is the track's next frame. */
static hp_status track_add(file_rows *file, const sim_csv *csv, const sim_csv_row *row,
                           hp_error *error)
{
    const size_t i = track_slot(file, row->id);
    if (i < file->n_tracks && file->tracks[i].id == row->id) {
        if (row->frame != file->tracks[i].last_frame + 1) {
            return refuse_frame(csv, row, file->tracks[i].last_frame, error);
        }
        file->tracks[i].last_frame = row->frame;
        ++file->tracks[i].n;
        return HP_OK;
    }
    if (file->n_tracks == SIM_CLIP_MAX_TRACKS) {
        return hp_fail(error, HP_EFULL, "%s:%u:1: error: more than %d tracks", csv->text->name,
                       csv->line, SIM_CLIP_MAX_TRACKS);
    }
    memmove(&file->tracks[i + 1], &file->tracks[i], (file->n_tracks - i) * sizeof file->tracks[0]);
    file->tracks[i].id = row->id;
    file->tracks[i].n = 1;
    file->tracks[i].first_frame = row->frame;
    file->tracks[i].last_frame = row->frame;
    ++file->n_tracks;
    return HP_OK;
}

static hp_status rows_append(file_rows *file, const sim_csv *csv, const sim_csv_row *row,
                             hp_error *error)
{
    if (file->n_rows == SIM_CLIP_MAX_ROWS) {
        return hp_fail(error, HP_EFULL, "%s:%u:1: error: more than %d rows", csv->text->name,
                       csv->line, SIM_CLIP_MAX_ROWS);
    }
    if (file->n_rows == file->cap) {
        const uint32_t cap = file->cap == 0 ? 1024 : 2 * file->cap;
        sim_csv_row *grown = realloc(file->rows, cap * sizeof *grown);
        if (grown == NULL) {
            return hp_fail(error, HP_ENOMEM, "%s: out of memory", csv->text->name);
        }
        file->rows = grown;
        file->cap = cap;
    }
    file->rows[file->n_rows++] = *row;
    return HP_OK;
}

static hp_status rows_read(const sim_clip_text *text, bool vehicles, file_rows *file,
                           hp_error *error)
{
    sim_csv csv;
    sim_csv_row row;
    hp_status st = sim_csv_begin(text, vehicles, &csv, error);
    while (st == HP_OK) {
        st = sim_csv_next(&csv, vehicles, &row, error);
        if (st == HP_OK) {
            st = track_add(file, &csv, &row, error);
        }
        if (st == HP_OK) {
            st = rows_append(file, &csv, &row, error);
        }
    }
    if (st == HP_EAGAIN) {
        return file->n_rows > 0 ? HP_OK
                                : hp_fail(error, HP_ECONFIG,
                                          "%s:1:1: error: no rows (a header alone)", text->name);
    }
    return st;
}

/** A row of the file in our frame: y up, centre of the box. */
static sim_clip_row convert(const sim_csv_row *row, bool vehicle, const clip_profile *profile,
                            double yaw_before_rad)
{
    sim_clip_row out = {.pose = {row->value[0], -row->value[1], 0.0}};
    if (vehicle) {
        const double c = cos(row->value[2]);
        const double s = -sin(row->value[2]);
        out.pose.yaw_rad = atan2(s, c);
        out.pose.x_m += profile->centre_ahead_m * c;
        out.pose.y_m += profile->centre_ahead_m * s;
        out.vx_mps = row->value[3] * c;
        out.vy_mps = row->value[3] * s;
        return out;
    }
    out.vx_mps = row->value[2];
    out.vy_mps = -row->value[3];
    out.pose.yaw_rad =
        hypot(out.vx_mps, out.vy_mps) > STILL_MPS ? atan2(out.vy_mps, out.vx_mps) : yaw_before_rad;
    return out;
}

/** Enters the file's tracks into the clip and reserves their rows from *used on. */
static void tracks_enter(sim_clip *clip, file_rows *file, bool vehicles,
                         const clip_profile *profile, uint32_t frame0, uint32_t *used)
{
    const uint32_t drop = (uint32_t)ceil(TRANSIENT_S * profile->frames_hz);
    for (uint32_t i = 0; i < file->n_tracks; ++i) {
        struct file_track *from = &file->tracks[i];
        if (from->n < drop + 2) {
            continue; /* nothing left of it that could be interpolated */
        }
        from->next = clip->rows + *used;
        sim_track *track = &clip->tracks[clip->n_tracks++];
        *track = (sim_track){.id = from->id,
                             .kind = vehicles ? HP_CLASS_CAR : HP_CLASS_WALKER,
                             .length_m = vehicles ? profile->car_length_m : WALKER_SIZE_M,
                             .width_m = vehicles ? profile->car_width_m : WALKER_SIZE_M,
                             .n_rows = from->n - drop,
                             .rows = from->next};
        from->first_frame += drop;
        track->start_s = (from->first_frame - frame0) / profile->frames_hz;
        track->end_s = (from->last_frame - frame0) / profile->frames_hz;
        *used += track->n_rows;
    }
}

/** Converts the rows, which may come in any mixture of tracks, each to its track's place. */
static void tracks_fill(file_rows *file, bool vehicles, const clip_profile *profile)
{
    for (uint32_t k = 0; k < file->n_rows; ++k) {
        const sim_csv_row *row = &file->rows[k];
        struct file_track *to = &file->tracks[track_slot(file, row->id)];
        if (to->next == NULL) {
            continue;
        }
        const sim_clip_row converted = convert(row, vehicles, profile, to->yaw_rad);
        to->yaw_rad = converted.pose.yaw_rad;
        if (row->frame >= to->first_frame) {
            *to->next++ = converted;
        }
    }
}

static void frame_range(const file_rows *file, uint32_t *first, uint32_t *last)
{
    for (uint32_t i = 0; i < file->n_tracks; ++i) {
        if (file->tracks[i].first_frame < *first) {
            *first = file->tracks[i].first_frame;
        }
        if (file->tracks[i].last_frame > *last) {
            *last = file->tracks[i].last_frame;
        }
    }
}

/** One clip of both files' rows. */
static hp_status clip_build(file_rows *walkers, file_rows *vehicles, sim_clip_kind kind,
                            sim_clip **out)
{
    const clip_profile *profile = &PROFILES[kind];
    uint32_t first = UINT32_MAX;
    uint32_t last = 0;
    uint32_t used = 0;
    sim_clip *clip = calloc(1, sizeof *clip);
    if (clip == NULL) {
        return HP_ENOMEM;
    }
    /* One more each, for an allocation of nothing is nothing one can check. */
    clip->rows = calloc((size_t)walkers->n_rows + vehicles->n_rows + 1, sizeof *clip->rows);
    clip->tracks = calloc((size_t)walkers->n_tracks + vehicles->n_tracks + 1, sizeof *clip->tracks);
    if (clip->rows == NULL || clip->tracks == NULL) {
        sim_clip_destroy(&clip);
        return HP_ENOMEM;
    }
    frame_range(walkers, &first, &last);
    frame_range(vehicles, &first, &last);
    clip->duration_s = (last - first) / profile->frames_hz;
    tracks_enter(clip, walkers, false, profile, first, &used);
    clip->n_walkers = clip->n_tracks;
    tracks_enter(clip, vehicles, true, profile, first, &used);
    tracks_fill(walkers, false, profile);
    tracks_fill(vehicles, true, profile);
    *out = clip;
    return HP_OK;
}

hp_status sim_clip_adopt(sim_track *tracks, uint32_t n_tracks, sim_clip_row *rows,
                         double duration_s, sim_clip **out)
{
    sim_clip *clip = calloc(1, sizeof *clip);
    *out = NULL;
    if (clip == NULL || tracks == NULL || rows == NULL) {
        free(clip);
        free(tracks);
        free(rows);
        return HP_ENOMEM;
    }
    *clip =
        (sim_clip){.rows = rows, .tracks = tracks, .n_tracks = n_tracks, .duration_s = duration_s};
    while (clip->n_walkers < n_tracks && tracks[clip->n_walkers].kind == HP_CLASS_WALKER) {
        clip->n_walkers += 1;
    }
    *out = clip;
    return HP_OK;
}

hp_status sim_clip_parse(const sim_clip_text *walkers, const sim_clip_text *vehicles,
                         sim_clip_kind kind, sim_clip **out, hp_error *error)
{
    *out = NULL;
    file_rows *files = calloc(2, sizeof *files);
    if (files == NULL) {
        return hp_fail(error, HP_ENOMEM, "%s: out of memory", walkers->name);
    }
    hp_status st = rows_read(walkers, false, &files[0], error);
    if (st == HP_OK) {
        st = rows_read(vehicles, true, &files[1], error);
    }
    if (st == HP_OK && files[0].n_rows + files[1].n_rows > SIM_CLIP_MAX_ROWS) {
        st = hp_fail(error, HP_EFULL, "%s:1:1: error: more than %d rows with %s", vehicles->name,
                     SIM_CLIP_MAX_ROWS, walkers->name);
    }
    if (st == HP_OK && clip_build(&files[0], &files[1], kind, out) != HP_OK) {
        st = hp_fail(error, HP_ENOMEM, "%s: out of memory", walkers->name);
    }
    free(files[0].rows);
    free(files[1].rows);
    free(files);
    return st;
}

hp_status sim_clip_read(const char *prefix, sim_clip_kind kind, sim_clip **out, hp_error *error)
{
    char paths[2][600];
    char *bytes[2] = {NULL, NULL};
    size_t len[2] = {0, 0};
    hp_status st = HP_OK;
    *out = NULL;
    for (int i = 0; i < 2 && st == HP_OK; ++i) {
        const int n = snprintf(paths[i], sizeof paths[i], "%s_traj_%s_filtered.csv", prefix,
                               i == 0 ? "ped" : "veh");
        st = n > 0 && (size_t)n < sizeof paths[i]
                 ? hp_file_read(paths[i], MAX_FILE, &bytes[i], &len[i], error)
                 : hp_fail(error, HP_EINVAL, "%.64s...: path too long", prefix);
    }
    if (st == HP_OK) {
        const sim_clip_text walkers = {paths[0], bytes[0], len[0]};
        const sim_clip_text vehicles = {paths[1], bytes[1], len[1]};
        st = sim_clip_parse(&walkers, &vehicles, kind, out, error);
    }
    free(bytes[0]);
    free(bytes[1]);
    return st;
}

void sim_clip_destroy(sim_clip **clip)
{
    if (*clip != NULL) {
        free((*clip)->rows);
        free((*clip)->tracks);
        free(*clip);
        *clip = NULL;
    }
}

uint32_t sim_clip_tracks(const sim_clip *clip, const sim_track **tracks)
{
    *tracks = clip->tracks;
    return clip->n_tracks;
}

double sim_clip_duration_s(const sim_clip *clip)
{
    return clip->duration_s;
}

const sim_track *sim_clip_car(const sim_clip *clip, uint32_t car_id)
{
    for (uint32_t i = clip->n_walkers; i < clip->n_tracks; ++i) {
        if (clip->tracks[i].id == car_id) {
            return &clip->tracks[i];
        }
    }
    return NULL;
}

static bool moves_enough(const sim_track *track)
{
    const hp_pose *a = &track->rows[0].pose;
    for (uint32_t i = 1; i < track->n_rows; ++i) {
        const hp_pose *b = &track->rows[i].pose;
        if (hypot(b->x_m - a->x_m, b->y_m - a->y_m) >= ELIGIBLE_MOVE_M) {
            return true;
        }
    }
    return false;
}

uint32_t sim_clip_eligible(const sim_clip *clip, uint32_t *car_ids, uint32_t cap)
{
    uint32_t n = 0;
    for (uint32_t i = clip->n_walkers; i < clip->n_tracks; ++i) {
        if (moves_enough(&clip->tracks[i])) {
            if (n < cap) {
                car_ids[n] = clip->tracks[i].id;
            }
            ++n;
        }
    }
    return n;
}

bool sim_track_at(const sim_track *track, double clip_s, sim_clip_row *row)
{
    /* Half a microsecond absorbs the rounding of tick times; frames are 33 ms apart. */
    if (clip_s < track->start_s - 5e-7 || clip_s > track->end_s + 5e-7) {
        return false;
    }
    const double steps = (double)(track->n_rows - 1);
    const double x =
        hp_clamp((clip_s - track->start_s) / (track->end_s - track->start_s) * steps, 0.0, steps);
    const uint32_t i = x >= steps ? track->n_rows - 2 : (uint32_t)x;
    const double f = x - (double)i;
    const sim_clip_row *a = &track->rows[i];
    const sim_clip_row *b = &track->rows[i + 1];
    row->pose.x_m = a->pose.x_m + f * (b->pose.x_m - a->pose.x_m);
    row->pose.y_m = a->pose.y_m + f * (b->pose.y_m - a->pose.y_m);
    row->pose.yaw_rad =
        hp_angle_wrap(a->pose.yaw_rad + f * hp_angle_wrap(b->pose.yaw_rad - a->pose.yaw_rad));
    row->vx_mps = a->vx_mps + f * (b->vx_mps - a->vx_mps);
    row->vy_mps = a->vy_mps + f * (b->vy_mps - a->vy_mps);
    return true;
}
