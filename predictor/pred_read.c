/* From tables of numbers to recordings. */
#include "common/hp_search.h"
#include "predictor/pred_data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLASS_ID 1000000U /* the two files of a clip count ids apart */

enum { MAX_ID = 900000 };

/** A row before its frame has become a step. */
typedef struct sight {
    double frame;
    pred_row row;
} sight;

static int by_frame_and_id(const void *a, const void *b)
{
    const sight *x = a;
    const sight *y = b;
    if (x->frame != y->frame) {
        return x->frame > y->frame ? 1 : -1;
    }
    return (x->row.id > y->row.id) - (x->row.id < y->row.id);
}

static bool take_whole(double value, double max, uint32_t *out)
{
    const bool good = value >= 0.0 && value <= max && value == floor(value);
    *out = good ? (uint32_t)value : 0;
    return good;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/** Sorts the sights, numbers their frames and moves them into a recording. */
static hp_status settle(sight *sights, size_t n, const char *name, double step_s,
                        pred_recording *out, hp_error *error)
{
    *out = (pred_recording){.step_s = step_s, .n_rows = n};
    (void)snprintf(out->name, sizeof out->name, "%s", base_name(name));
    qsort(sights, n, sizeof *sights, by_frame_and_id);
    out->rows = calloc(n > 0 ? n : 1, sizeof *out->rows);
    out->first = calloc(n + 2, sizeof *out->first);
    out->late_s = calloc(n + 1, sizeof *out->late_s);
    if (out->rows == NULL || out->first == NULL || out->late_s == NULL) {
        pred_recording_free(out);
        return hp_fail(error, HP_ENOMEM, "%s: no memory for %zu rows", name, n);
    }
    for (size_t i = 0; i < n; ++i) {
        const bool same = i > 0 && sights[i].frame == sights[i - 1].frame;
        if (same && sights[i].row.id == sights[i - 1].row.id) {
            const hp_status st = hp_fail(error, HP_ECONFIG, "%s: error: id %u twice in frame %.0f",
                                         name, sights[i].row.id, sights[i].frame);
            pred_recording_free(out);
            return st;
        }
        if (!same) {
            out->first[out->n_steps++] = i;
        }
        out->rows[i] = sights[i].row;
        out->rows[i].step = out->n_steps - 1;
    }
    out->first[out->n_steps] = n;
    return HP_OK;
}

/** Turns the numbers of a row into a sight; NULL, or what is wrong with them. */
typedef const char *(*take_row)(const double *v, sight *out);

/** A file each of whose rows is a sight. */
static hp_status read_sights(const char *path, uint32_t columns, double step_s, take_row take,
                             pred_recording *out, hp_error *error)
{
    const pred_format format = {.columns = columns};
    pred_table t;
    hp_status st = pred_table_read(path, &format, &t, error);
    if (st != HP_OK) {
        return st;
    }
    sight *sights = calloc(t.n_rows, sizeof *sights);
    if (sights == NULL) {
        pred_table_free(&t);
        return hp_fail(error, HP_ENOMEM, "%s: no memory", path);
    }
    for (size_t i = 0; st == HP_OK && i < t.n_rows; ++i) {
        const char *wrong = take(&t.values[i * PRED_COLUMNS], &sights[i]);
        if (wrong != NULL) {
            st = hp_fail(error, HP_ECONFIG, "%s:%zu: error: %s", path, i + 1, wrong);
        }
    }
    if (st == HP_OK) {
        st = settle(sights, t.n_rows, path, step_s, out, error);
    }
    free(sights);
    pred_table_free(&t);
    return st;
}

static const char *take_eth(const double *v, sight *out)
{
    *out = (sight){
        .frame = v[0],
        .row = {.kind = PRED_WALKER, .scored = true, .p = {v[2], v[3]}, .yaw_rad = (double)NAN}};
    return take_whole(v[1], MAX_ID, &out->row.id) ? NULL : "column 2 is no id";
}

hp_status pred_read_eth(const char *path, pred_recording *out, hp_error *error)
{
    return read_sights(path, 4, PRED_STEP_S, take_eth, out, error);
}

static const char *take_apollo(const double *v, sight *out)
{
    static const pred_class KINDS[6] = {PRED_CAR,    PRED_CAR,     PRED_LARGE,
                                        PRED_WALKER, PRED_CYCLIST, PRED_LARGE};
    uint32_t type = 0;
    if (!take_whole(v[1], MAX_ID, &out->row.id) || !take_whole(v[2], 5, &type) || type == 0) {
        return "columns 2 and 3 are no id and type (1 to 5)";
    }
    out->frame = v[0];
    out->row.kind = KINDS[type];
    out->row.scored = type != 5;
    out->row.p = (hp_vec2){v[3], v[4]};
    out->row.yaw_rad = v[9];
    return NULL;
}

hp_status pred_read_apollo(const char *path, pred_recording *out, hp_error *error)
{
    return read_sights(path, 10, 0.5, take_apollo, out, error);
}

/* ---- DUT and CITR ---- */

/** Rows `id frame label x y ...` of one file, sorted by id and frame. */
typedef struct tracks {
    pred_table table;
    bool vehicles;
} tracks;

static int by_id_and_frame(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;
    if (x[0] != y[0]) {
        return x[0] > y[0] ? 1 : -1;
    }
    return (x[1] > y[1]) - (x[1] < y[1]);
}

static hp_status read_tracks(const char *stem, bool vehicles, tracks *out, hp_error *error)
{
    char path[1200];
    const pred_format format = {.header = vehicles ? "id,frame,label,x_est,y_est,psi_est,vel_est"
                                                   : "id,frame,label,x_est,y_est,vx_est,vy_est",
                                .commas = true,
                                .columns = 7,
                                .word = 3};
    const int n =
        snprintf(path, sizeof path, "%s_traj_%s_filtered.csv", stem, vehicles ? "veh" : "ped");
    if (n < 0 || (size_t)n >= sizeof path) {
        return hp_fail(error, HP_EINVAL, "%s: path too long", stem);
    }
    out->vehicles = vehicles;
    hp_status st = pred_table_read(path, &format, &out->table, error);
    for (size_t i = 0; st == HP_OK && i < out->table.n_rows; ++i) {
        const double *v = &out->table.values[i * PRED_COLUMNS];
        uint32_t id = 0;
        uint32_t frame = 0;
        if (!take_whole(v[0], MAX_ID, &id) || !take_whole(v[1], 1e7, &frame)) {
            st = hp_fail(error, HP_ECONFIG, "%s:%zu: error: columns 1 and 2 are no id and frame",
                         path, i + 2);
            pred_table_free(&out->table);
        }
    }
    if (st == HP_OK) {
        qsort(out->table.values, out->table.n_rows, PRED_COLUMNS * sizeof(double), by_id_and_frame);
    }
    return st;
}

typedef struct clip_clock {
    double first_frame, frames_per_step;
} clip_clock;

/** Between two rows of a track. Image axes have y down: it is turned up here, and with it the yaw.
 */
static sight between(const tracks *t, const double *a, const double *b, double frame, uint32_t step)
{
    const double span = b[1] - a[1];
    const double u = span > 0.0 ? (frame - a[1]) / span : 0.0;
    return (sight){
        .frame = step,
        .row = {.id = (uint32_t)a[0] + (t->vehicles ? CLASS_ID : 0),
                .kind = t->vehicles ? PRED_CAR : PRED_WALKER,
                .scored = true,
                .p = {a[3] + u * (b[3] - a[3]), -(a[4] + u * (b[4] - a[4]))},
                .yaw_rad = t->vehicles ? -(a[5] + u * hp_angle_wrap(b[5] - a[5])) : (double)NAN}};
}

/** Appends the sights of one track, rows[0..n-1], without the first. */
static void resample(const tracks *t, const double *rows, size_t n, const clip_clock *clock,
                     sight *out, size_t *used)
{
    const double *last = &rows[(n - 1) * PRED_COLUMNS];
    const double start = (rows[1] - clock->first_frame) / clock->frames_per_step;
    uint32_t k = (uint32_t)ceil(start - 1e-9) + 1;
    size_t i = 0;
    for (;; ++k) {
        const double frame = clock->first_frame + k * clock->frames_per_step;
        if (frame > last[1] + 1e-9) {
            return;
        }
        while (i + 2 < n && rows[(i + 1) * PRED_COLUMNS + 1] < frame) {
            ++i;
        }
        const double *a = &rows[i * PRED_COLUMNS];
        out[(*used)++] = between(t, a, n > 1 ? a + PRED_COLUMNS : a, frame, k);
    }
}

static void resample_all(const tracks *t, const clip_clock *clock, sight *out, size_t *used)
{
    const double *v = t->table.values;
    size_t begin = 0;
    for (size_t i = 1; i <= t->table.n_rows; ++i) {
        if (i == t->table.n_rows || v[i * PRED_COLUMNS] != v[begin * PRED_COLUMNS]) {
            resample(t, &v[begin * PRED_COLUMNS], i - begin, clock, out, used);
            begin = i;
        }
    }
}

static double first_frame(const tracks *t, double before)
{
    for (size_t i = 0; i < t->table.n_rows; ++i) {
        before = fmin(before, t->table.values[i * PRED_COLUMNS + 1]);
    }
    return before;
}

/** Sights that a file can give at most: each step lies after a row of its own, or in a gap. */
static size_t most_sights(const tracks *t, const clip_clock *clock)
{
    double steps = 0.0;
    const double *v = t->table.values;
    for (size_t i = 0; i < t->table.n_rows; ++i) {
        const bool goes_on = i > 0 && v[i * PRED_COLUMNS] == v[(i - 1) * PRED_COLUMNS];
        const double frames = goes_on ? v[i * PRED_COLUMNS + 1] - v[(i - 1) * PRED_COLUMNS + 1] : 0;
        steps += frames / clock->frames_per_step + (goes_on ? 0.0 : 2.0);
    }
    return (size_t)fmin(steps, 1e9) + 1;
}

hp_status pred_read_clip(const char *stem, double fps, double late, pred_recording *out,
                         hp_error *error)
{
    tracks walkers = {0};
    tracks vehicles = {0};
    hp_status st = read_tracks(stem, false, &walkers, error);
    if (st != HP_OK) {
        return st;
    }
    st = read_tracks(stem, true, &vehicles, error);
    st = st == HP_ENOENT ? HP_OK : st; /* some clips have no car */
    const double frames_per_step = PRED_STEP_S * fps;
    const double start = first_frame(&vehicles, first_frame(&walkers, INFINITY));
    const clip_clock clock = {start + late * frames_per_step, frames_per_step};
    const size_t most = most_sights(&walkers, &clock) + most_sights(&vehicles, &clock);
    sight *sights = NULL;
    if (st == HP_OK) {
        sights = most > PRED_MAX_ROWS ? NULL : calloc(most, sizeof *sights);
        st = sights == NULL ? hp_fail(error, HP_ENOMEM, "%s: too many rows", stem) : HP_OK;
    }
    if (sights != NULL) {
        size_t n = 0;
        resample_all(&walkers, &clock, sights, &n);
        resample_all(&vehicles, &clock, sights, &n);
        st = settle(sights, n, stem, PRED_STEP_S, out, error);
    }
    free(sights);
    pred_table_free(&walkers.table);
    pred_table_free(&vehicles.table);
    return st;
}

void pred_recording_free(pred_recording *recording)
{
    free(recording->rows);
    free(recording->late_s);
    free(recording->first);
    *recording = (pred_recording){0};
}

double pred_recording_between_s(const pred_recording *recording, uint32_t from, uint32_t to)
{
    return ((double)to - from) * recording->step_s + recording->late_s[to] -
           recording->late_s[from];
}

const pred_row *pred_recording_find(const pred_recording *recording, uint32_t step, uint32_t id)
{
    const pred_row *rows = &recording->rows[recording->first[step]];
    const size_t n = recording->first[step + 1] - recording->first[step];
    const size_t i = hp_search_id(rows, n, sizeof *rows, offsetof(pred_row, id), id);
    return i < n && rows[i].id == id ? &rows[i] : NULL;
}
