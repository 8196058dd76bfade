#include "predictor/pred_sample.h"

#include "predictor/pred_clock.h"

#include <stdlib.h>
#include <string.h>

#define NEAR_CAR_M 8.0
#define MAX_STEP_S 1.0 /* longer ones are filled in */

enum { MAX_PRESENT = 512 }; /* agents of one step */

const pred_protocol PRED_8_12 = {
    .n_past = 8, .n_future = 12, .min_past = 8, .min_future = 12, .min_agents = 1};
const pred_protocol PRED_6_6 = {
    .n_past = 6, .n_future = 6, .min_past = 6, .min_future = 6, .min_agents = 1};
const pred_protocol PRED_LOOSE = {
    .n_past = 8, .n_future = 12, .min_past = 2, .min_future = 4, .min_agents = 1};
const pred_protocol PRED_LOOSE_6 = {
    .n_past = 6, .n_future = 12, .min_past = 2, .min_future = 4, .min_agents = 1};

/* Recorded steps faster than this are slips of the recording: m/s. */
static const double JUMP_MPS[PRED_CLASSES] = {5.0, 20.0, 30.0, 30.0};

/** A window being cut: everybody at its last observed step. */
typedef struct window {
    const pred_recording *recording;
    const pred_protocol *protocol;
    uint32_t now;                /* step of the last observed point */
    double ahead_s[PRED_FUTURE]; /* from now: the steps to come */
    uint32_t n;
    pred_other others[MAX_PRESENT];
    const pred_row *rows[MAX_PRESENT]; /* of the same agents */
    pred_other walkers[MAX_PRESENT];   /* those who are no vehicles, where that is asked for */
} window;

static bool reserve(pred_samples *s)
{
    if (s->n < s->capacity) {
        return true;
    }
    const size_t wanted = s->capacity == 0 ? 4096 : 2 * s->capacity;
    pred_sample *items = realloc(s->items, wanted * sizeof *items);
    if (items == NULL) {
        return false;
    }
    s->items = items;
    s->capacity = wanted;
    return true;
}

/** Who is there now, with the way of his last step in grid steps. */
static void gather(window *w)
{
    const pred_recording *r = w->recording;
    w->n = 0;
    for (size_t i = r->first[w->now]; i < r->first[w->now + 1] && w->n < MAX_PRESENT; ++i) {
        const pred_row *row = &r->rows[i];
        const pred_row *before = w->now > 0 ? pred_recording_find(r, w->now - 1, row->id) : NULL;
        pred_other *o = &w->others[w->n];
        *o = (pred_other){.id = row->id, .kind = row->kind, .p = row->p};
        if (before != NULL) {
            const double steps = PRED_STEP_S / pred_recording_between_s(r, w->now - 1, w->now);
            o->step_m.x_m = steps * (row->p.x_m - before->p.x_m);
            o->step_m.y_m = steps * (row->p.y_m - before->p.y_m);
        }
        w->rows[w->n++] = row;
    }
}

static bool stays(const window *w, uint32_t id)
{
    const uint32_t end = w->now + w->protocol->min_future;
    for (uint32_t step = w->now + 1 - w->protocol->min_past; step <= end; ++step) {
        if (pred_recording_find(w->recording, step, id) == NULL) {
            return false;
        }
    }
    return true;
}

/** Faster than anybody of the class can be: a slip of the recording. */
static bool slips(pred_class kind, hp_vec2 a, hp_vec2 b, double step_s)
{
    return hp_dist(a, b) > JUMP_MPS[kind] * step_s;
}

/** Future on the grid, as far as the recording goes beyond the window, too; a slip ends it. */
static void write_future(const window *w, pred_sample *s)
{
    const pred_recording *r = w->recording;
    hp_vec2 a = s->here;
    uint32_t k = 0;
    for (uint32_t j = 1; k < PRED_FUTURE && w->now + j < r->n_steps; ++j) {
        const pred_row *row = pred_recording_find(r, w->now + j, s->id);
        const double begin_s = pred_recording_between_s(r, w->now, w->now + j - 1);
        const double step_s = pred_recording_between_s(r, w->now + j - 1, w->now + j);
        if (row == NULL || slips(s->input.kind, a, row->p, step_s)) {
            break;
        }
        while (k < PRED_FUTURE && (k + 1) * PRED_STEP_S <= begin_s + step_s + 1e-9) {
            const double u = ((k + 1) * PRED_STEP_S - begin_s) / step_s;
            s->future[k][0] = (float)(a.x_m + u * (row->p.x_m - a.x_m) - s->here.x_m);
            s->future[k][1] = (float)(a.y_m + u * (row->p.y_m - a.y_m) - s->here.y_m);
            ++k;
        }
        a = row->p;
    }
    s->n_future = k;
}

static const pred_row *row_at(const window *w, uint32_t step, uint32_t id)
{
    return step < w->recording->n_steps ? pred_recording_find(w->recording, step, id) : NULL;
}

static void write_truth(const window *w, pred_sample *s)
{
    for (uint32_t k = 0; k < w->protocol->n_future; ++k) {
        const pred_row *row = row_at(w, w->now + 1 + k, s->id);
        if (row == NULL) {
            break;
        }
        s->n_truth = k + 1;
        s->truth[k][0] = (float)(row->p.x_m - s->here.x_m);
        s->truth[k][1] = (float)(row->p.y_m - s->here.y_m);
        s->truth_s[k] = (float)w->ahead_s[k];
    }
}

/** The places of the last n_past steps, as far back as the agent was there without a break, newest
 *  last; returns how many. */
static uint32_t past_points(const window *w, uint32_t id, hp_vec2 points[PRED_PAST])
{
    const uint32_t most = w->protocol->n_past < w->now + 1 ? w->protocol->n_past : w->now + 1;
    uint32_t n = 0;
    while (n < most && pred_recording_find(w->recording, w->now - n, id) != NULL) {
        ++n;
    }
    for (uint32_t k = 0; k < n; ++k) {
        points[k] = pred_recording_find(w->recording, w->now + 1 - n + k, id)->p;
    }
    return n;
}

/** What is passed on of a past: frames that its clock has lost are filled in evenly, as a longer
 * gap would mean somebody else. Returns how many points there are then. */
static uint32_t fill_in(const double *times_s, const hp_vec2 *points, uint32_t n,
                        double filled_s[PRED_POINTS], hp_vec2 filled[PRED_POINTS])
{
    uint32_t used = 0;
    for (uint32_t k = 0; k < n; ++k) {
        const double gap_s = k > 0 ? times_s[k] - times_s[k - 1] : 0.0;
        const uint32_t parts = gap_s > MAX_STEP_S ? (uint32_t)ceil(gap_s / MAX_STEP_S) : 1;
        for (uint32_t j = 1; j <= parts && used < PRED_POINTS; ++j) {
            const double back = 1.0 - (double)j / parts;
            const hp_vec2 from = points[k > 0 ? k - 1 : 0];
            filled_s[used] = times_s[k] - back * gap_s;
            filled[used++] = (hp_vec2){points[k].x_m - back * (points[k].x_m - from.x_m),
                                       points[k].y_m - back * (points[k].y_m - from.y_m)};
        }
    }
    return used;
}

static void write_past(const window *w, hp_vec2 step_m, pred_sample *s)
{
    const pred_recording *r = w->recording;
    double times_s[PRED_PAST];
    double filled_s[PRED_POINTS];
    hp_vec2 points[PRED_PAST];
    hp_vec2 filled[PRED_POINTS];
    const uint32_t n = past_points(w, s->id, points);
    for (uint32_t k = 0; k < n; ++k) {
        times_s[k] = pred_recording_between_s(r, w->now, w->now + 1 - n + k);
        s->jumps |= k > 0 && slips(s->input.kind, points[k - 1], points[k], r->step_s);
    }
    pred_input_past(filled_s, filled, fill_in(times_s, points, n, filled_s, filled), step_m,
                    &s->input);
    const uint32_t back = n > 3 ? 3 : n - 1;
    const double steps = back > 0 ? PRED_STEP_S / -times_s[n - 1 - back] : 0.0;
    s->mean_step_m[0] = (float)(steps * (points[n - 1].x_m - points[n - 1 - back].x_m));
    s->mean_step_m[1] = (float)(steps * (points[n - 1].y_m - points[n - 1 - back].y_m));
}

/** Whether the recording slips among the points to predict. */
static bool truth_slips(const window *w, const pred_sample *s)
{
    hp_vec2 a = s->here;
    for (uint32_t k = 0; k < s->n_truth; ++k) {
        const hp_vec2 b = pred_recording_find(w->recording, w->now + 1 + k, s->id)->p;
        if (slips(s->input.kind, a, b, w->recording->step_s)) {
            return true;
        }
        a = b;
    }
    return false;
}

static void write_sample(const window *w, uint32_t self, uint32_t number, pred_sample *s)
{
    const pred_other *own = &w->others[self];
    memset(s, 0, sizeof *s);
    s->here = own->p;
    s->id = own->id;
    s->window = number;
    s->input.kind = own->kind;
    s->input.yaw_rad = (float)w->rows[self]->yaw_rad;
    for (uint32_t i = 0; i < w->n; ++i) {
        s->near_car |= i != self && w->others[i].kind == PRED_CAR &&
                       hp_dist(w->others[i].p, own->p) < NEAR_CAR_M;
    }
    write_past(w, own->step_m, s);
    write_future(w, s);
    write_truth(w, s);
    s->jumps |= truth_slips(w, s);
}

/** Fills walkers: all but vehicles other than self; returns self's place there. */
static uint32_t without_vehicles(window *w, uint32_t self, uint32_t *n)
{
    uint32_t at = 0;
    *n = 0;
    for (uint32_t i = 0; i < w->n; ++i) {
        if (i == self || !pred_is_vehicle(w->others[i].kind)) {
            at = i == self ? *n : at;
            w->walkers[(*n)++] = w->others[i];
        }
    }
    return at;
}

static void look(window *w, uint32_t self, pred_sample *s)
{
    if (w->protocol->no_vehicles) {
        uint32_t n = 0;
        const uint32_t at = without_vehicles(w, self, &n);
        pred_input_neighbours(w->walkers, n, at, &s->input);
    } else {
        pred_input_neighbours(w->others, w->n, self, &s->input);
    }
}

static hp_status cut(window *w, pred_samples *samples, hp_error *error)
{
    const size_t before = samples->n;
    gather(w);
    pred_clock_ahead(w->recording, w->now, PRED_FUTURE, w->ahead_s);
    for (uint32_t i = 0; i < w->n; ++i) {
        if (!w->rows[i]->scored || !stays(w, w->others[i].id)) {
            continue;
        }
        if (!reserve(samples)) {
            return hp_fail(error, HP_ENOMEM, "no memory for %zu samples", samples->n);
        }
        pred_sample *s = &samples->items[samples->n++];
        write_sample(w, i, samples->n_windows, s);
        s->recording = samples->n_recordings;
        s->step = w->now;
        look(w, i, s);
    }
    const size_t found = samples->n - before;
    if (found < w->protocol->min_agents || found == 0) {
        samples->n = before;
    } else {
        ++samples->n_windows;
    }
    return HP_OK;
}

hp_status pred_samples_add(pred_samples *samples, const pred_recording *recording,
                           const pred_protocol *protocol, hp_error *error)
{
    window *w = calloc(1, sizeof *w);
    hp_status st = w == NULL ? hp_fail(error, HP_ENOMEM, "no memory for a window") : HP_OK;
    for (uint32_t now = protocol->min_past - 1;
         st == HP_OK && now + protocol->min_future < recording->n_steps; ++now) {
        w->recording = recording;
        w->protocol = protocol;
        w->now = now;
        st = cut(w, samples, error);
    }
    ++samples->n_recordings;
    free(w);
    return st;
}

void pred_samples_free(pred_samples *samples)
{
    free(samples->items);
    *samples = (pred_samples){0};
}
