#include "predictor/pred_input.h"

#include "common/hp_sort.h"

#include <string.h>

#define SAME 1e-6      /* seconds: grid and point fall together */
#define MAX_GAP_S 1.05 /* longer ago than this before the next point: somebody else */
#define STILL_M 1e-3   /* who came less far has no direction of his own */
#define MIN_STEPS 3    /* fewer tell nothing about what is usual */
#define SLACK_M 0.5    /* jitter of a place */
#define MAX_SLIP_M 15.0
#define TURN_FROM_M 0.8  /* vehicles faster than this per step keep their turn rate */
#define MAX_TURN_RAD 0.2 /* per step */

const pred_change PRED_AS_IT_IS = {.size = 1.0, .flip = 1.0};

/* Units per metre: what a walker does in four seconds, others do several times over. */
static const double UNITS[PRED_CLASSES] = {1.0, 0.4, 0.25, 0.25};
/* Faster than this nobody of the class goes: m/s. */
static const double MAX_SPEED_MPS[PRED_CLASSES] = {12.0, 25.0, 60.0, 60.0};
/* Nor does a walker differ for a single step by more than this from his usual velocity: m/s. */
#define MAX_ODD_MPS 3.0

/** The velocity of the median step, axis by axis. Times ascend. */
static hp_vec2 usual_velocity(const double *times_s, const hp_vec2 *points, uint32_t n)
{
    double vx[PRED_POINTS];
    double vy[PRED_POINTS];
    for (uint32_t i = 1; i < n; ++i) {
        const double gap_s = times_s[i] - times_s[i - 1];
        vx[i - 1] = (points[i].x_m - points[i - 1].x_m) / gap_s;
        vy[i - 1] = (points[i].y_m - points[i - 1].y_m) / gap_s;
    }
    return (hp_vec2){hp_median(vx, n - 1), hp_median(vy, n - 1)};
}

/** Index of the first point after the last gap of more than a second. */
static uint32_t after_gap(const double *times_s, uint32_t n)
{
    uint32_t i = n - 1;
    while (i > 0 && times_s[i] > times_s[i - 1] && times_s[i] - times_s[i - 1] <= MAX_GAP_S) {
        --i;
    }
    return i;
}

/** Where a recorder's box slips from one place to another, the points before are moved along, as if
 * that step had been a usual one. */
static void mend_slips(const double *times_s, hp_vec2 *points, uint32_t n)
{
    if (n <= MIN_STEPS) {
        return;
    }
    const hp_vec2 usual = usual_velocity(times_s, points, n);
    hp_vec2 moved = {0.0, 0.0};
    hp_vec2 next = points[n - 1]; /* as recorded */
    for (uint32_t i = n - 1; i-- > 0;) {
        const double gap_s = times_s[i + 1] - times_s[i];
        const hp_vec2 odd = {next.x_m - points[i].x_m - gap_s * usual.x_m,
                             next.y_m - points[i].y_m - gap_s * usual.y_m};
        const double odd_m = hypot(odd.x_m, odd.y_m);
        if (odd_m > MAX_ODD_MPS * gap_s + SLACK_M && odd_m < MAX_SLIP_M) {
            moved.x_m += odd.x_m;
            moved.y_m += odd.y_m;
        }
        next = points[i];
        points[i].x_m += moved.x_m;
        points[i].y_m += moved.y_m;
    }
}

/** Index of the first point, from begin on, after the last leap that nobody can make. */
static uint32_t after_leap(const double *times_s, const hp_vec2 *points, uint32_t begin, uint32_t n,
                           pred_class kind)
{
    uint32_t i = n - 1;
    while (i > begin && hp_dist(points[i], points[i - 1]) <=
                            MAX_SPEED_MPS[kind] * (times_s[i] - times_s[i - 1]) + SLACK_M) {
        --i;
    }
    return i;
}

/** Carries the past back evenly before its oldest observed point. */
static void carry_back(pred_input *out, const float step[2])
{
    for (uint32_t k = PRED_PAST - out->n_past; k-- > 0;) {
        out->past[k][0] = out->past[k + 1][0] - step[0];
        out->past[k][1] = out->past[k + 1][1] - step[1];
    }
}

void pred_input_past(const double *times_s, const hp_vec2 *recorded, uint32_t n, hp_vec2 step_m,
                     pred_input *out)
{
    hp_vec2 points[PRED_POINTS];
    const uint32_t skipped = n > PRED_POINTS ? n - PRED_POINTS : 0;
    times_s += skipped;
    n -= skipped;
    memcpy(points, recorded + skipped, n * sizeof *points);
    const uint32_t begin = after_gap(times_s, n);
    if (out->kind == PRED_WALKER) {
        mend_slips(&times_s[begin], &points[begin], n - begin);
    }
    const uint32_t first = after_leap(times_s, points, begin, n, out->kind);
    const hp_vec2 here = points[n - 1];
    uint32_t i = n - 1;
    memset(out->past, 0, sizeof out->past);
    out->n_past = 1;
    for (uint32_t k = 1; k < PRED_PAST; ++k) {
        const double t = -(k * PRED_STEP_S);
        while (i > first && times_s[i - 1] > t + SAME) {
            --i;
        }
        if (i == first) { /* times_s[i - 1] <= t < times_s[i] is what it takes */
            break;
        }
        const double u = fmin((t - times_s[i - 1]) / (times_s[i] - times_s[i - 1]), 1.0);
        const double x = points[i - 1].x_m + u * (points[i].x_m - points[i - 1].x_m);
        const double y = points[i - 1].y_m + u * (points[i].y_m - points[i - 1].y_m);
        out->past[PRED_PAST - 1 - k][0] = (float)(x - here.x_m);
        out->past[PRED_PAST - 1 - k][1] = (float)(y - here.y_m);
        ++out->n_past;
    }
    float step[2] = {(float)step_m.x_m, (float)step_m.y_m};
    if (out->n_past > 1) {
        const uint32_t oldest = PRED_PAST - out->n_past;
        step[0] = out->past[oldest + 1][0] - out->past[oldest][0];
        step[1] = out->past[oldest + 1][1] - out->past[oldest][1];
    }
    carry_back(out, step);
}

void pred_input_forget(pred_input *input, uint32_t n)
{
    if (n >= input->n_past) {
        return;
    }
    /* Of a single point the velocity is known, too: trackers measure it. */
    const uint32_t oldest = PRED_PAST - (n > 1 ? n : 2);
    const float step[2] = {input->past[oldest + 1][0] - input->past[oldest][0],
                           input->past[oldest + 1][1] - input->past[oldest][1]};
    input->n_past = n;
    carry_back(input, step);
}

/** How far one is from being a neighbour: distance, vehicles 8 m nearer; infinity: out of reach. */
static double remoteness(const pred_other *self, const pred_other *other)
{
    const bool vehicles = pred_is_vehicle(self->kind) || pred_is_vehicle(other->kind);
    const double d = hp_dist(self->p, other->p);
    if (!(d <= (vehicles ? 30.0 : 8.0))) {
        return (double)INFINITY;
    }
    return pred_is_vehicle(other->kind) ? d - 8.0 : d;
}

void pred_input_neighbours(const pred_other *others, uint32_t n, uint32_t self, pred_input *out)
{
    const pred_other *best[PRED_NEIGHBOURS];
    double keys[PRED_NEIGHBOURS];
    uint32_t used = 0;
    for (uint32_t i = 0; i < n; ++i) {
        const double key = i == self ? (double)INFINITY : remoteness(&others[self], &others[i]);
        if (!(key < (double)INFINITY)) {
            continue;
        }
        uint32_t at = used;
        while (at > 0 &&
               (key < keys[at - 1] || (key == keys[at - 1] && others[i].id < best[at - 1]->id))) {
            --at;
        }
        if (at == PRED_NEIGHBOURS) {
            continue;
        }
        used += used < PRED_NEIGHBOURS ? 1 : 0;
        memmove(&best[at + 1], &best[at], (used - 1 - at) * sizeof(const pred_other *));
        memmove(&keys[at + 1], &keys[at], (used - 1 - at) * sizeof keys[0]);
        best[at] = &others[i];
        keys[at] = key;
    }
    out->n_neighbours = used;
    for (uint32_t i = 0; i < used; ++i) {
        out->neighbours[i] = (pred_neighbour){.x_m = (float)(best[i]->p.x_m - others[self].p.x_m),
                                              .y_m = (float)(best[i]->p.y_m - others[self].p.y_m),
                                              .vx_m = (float)best[i]->step_m.x_m,
                                              .vy_m = (float)best[i]->step_m.y_m,
                                              .kind = best[i]->kind};
    }
}

pred_frame pred_frame_of(const pred_input *input, const pred_change *change)
{
    /* Over three steps: from p5 to p8, as recorded points jitter. */
    const float *from = input->past[PRED_PAST - 4];
    const double way_m = hypot((double)from[0], (double)from[1]);
    double yaw = 0.0;
    if (way_m > (pred_is_vehicle(input->kind) ? 0.5 : STILL_M)) {
        yaw = atan2(-(double)from[1], -(double)from[0]);
    } else if (isfinite(input->yaw_rad)) {
        yaw = (double)input->yaw_rad;
    }
    yaw += change->turn_rad;
    const double unit = UNITS[input->kind];
    return (pred_frame){.cos = cos(yaw),
                        .sin = sin(yaw),
                        .flip = change->flip,
                        .scale = unit * change->size,
                        .floor = unit * PRED_MIN_SCALE_M};
}

void pred_frame_in(const pred_frame *frame, const float world[2], float out[2])
{
    const double x = (double)world[0];
    const double y = (double)world[1];
    out[0] = (float)(frame->scale * (frame->cos * x + frame->sin * y));
    out[1] = (float)(frame->scale * frame->flip * (frame->cos * y - frame->sin * x));
}

void pred_frame_out(const pred_frame *frame, const float in[2], float world[2])
{
    const double x = (double)in[0] / frame->scale;
    const double y = (double)in[1] * frame->flip / frame->scale;
    world[0] = (float)(frame->cos * x - frame->sin * y);
    world[1] = (float)(frame->sin * x + frame->cos * y);
}

/** Turn per step, from the last two steps and the two before. */
static double turn_of(const float past[PRED_PAST][2], double step_length)
{
    const float *a = past[PRED_PAST - 5];
    const float *b = past[PRED_PAST - 3];
    const double old = atan2((double)(b[1] - a[1]), (double)(b[0] - a[0]));
    const double new = atan2(-(double)b[1], -(double)b[0]);
    const double moved = hypot((double)(b[0] - a[0]), (double)(b[1] - a[1]));
    return moved < step_length
               ? 0.0
               : hp_clamp(0.5 * hp_angle_wrap(new - old), -MAX_TURN_RAD, MAX_TURN_RAD);
}

static void write_base(const pred_input *input, const pred_frame *frame,
                       const float past[PRED_PAST][2], float *base)
{
    const double vx = -(double)past[PRED_PAST - 2][0];
    const double vy = -(double)past[PRED_PAST - 2][1];
    const double speed = hypot(vx, vy);
    const bool turns = pred_is_vehicle(input->kind) && speed > TURN_FROM_M * frame->scale;
    const double turn = turns ? turn_of(past, speed) : 0.0;
    double heading = atan2(vy, vx);
    double x = 0.0;
    double y = 0.0;
    for (size_t k = 0; k < PRED_FUTURE; ++k) {
        heading += turn;
        x = turns ? x + speed * cos(heading) : (double)(k + 1) * vx;
        y = turns ? y + speed * sin(heading) : (double)(k + 1) * vy;
        base[2 * k] = (float)x;
        base[2 * k + 1] = (float)y;
    }
}

static void write_pair(const pred_neighbour *other, const float own_step[2],
                       const pred_frame *frame, double size, float *row)
{
    /* In metres: the unit of the agent's class does not concern his neighbour. */
    const pred_frame metres = {frame->cos, frame->sin, frame->flip, size, 0.0};
    const float velocity[2] = {other->vx_m - own_step[0], other->vy_m - own_step[1]};
    const float place[2] = {other->x_m, other->y_m};
    float p[2];
    float v[2];
    pred_frame_in(&metres, place, p);
    pred_frame_in(&metres, velocity, v);
    const double px = (double)p[0];
    const double py = (double)p[1];
    const double vx = (double)v[0];
    const double vy = (double)v[1];
    const double v2 = vx * vx + vy * vy;
    const double closest = v2 > 1e-8 ? -(px * vx + py * vy) / v2 : 0.0;
    const double within = hp_clamp(closest, 0.0, PRED_FUTURE);
    const double miss = hypot(px + within * vx, py + within * vy);
    row[0] = (float)(px / 5.0);
    row[1] = (float)(py / 5.0);
    row[2] = (float)hp_clamp(vx / 0.5, -8.0, 8.0);
    row[3] = (float)hp_clamp(vy / 0.5, -8.0, 8.0);
    row[4] = (float)(1.0 / (hypot(px, py) + 0.3));
    row[5] = (float)hp_clamp(closest / PRED_FUTURE, -1.0, 1.0);
    row[6] = (float)(miss / 5.0);
    for (uint32_t c = 0; c < PRED_CLASSES; ++c) {
        row[7 + c] = other->kind == c ? 1.0F : 0.0F;
    }
}

void pred_input_write(const pred_input *input, const pred_frame *frame, double size, float *x,
                      float *pairs, float *base)
{
    float past[PRED_PAST][2];
    double length = 0.0;
    for (size_t k = 0; k < PRED_PAST; ++k) {
        pred_frame_in(frame, input->past[k], past[k]);
        x[2 * k] = past[k][0];
        x[2 * k + 1] = past[k][1];
    }
    for (uint32_t k = 0; k + 1 < PRED_PAST; ++k) {
        const float dx = past[k + 1][0] - past[k][0];
        const float dy = past[k + 1][1] - past[k][1];
        x[PRED_AT_STEPS + 2 * k] = dx;
        x[PRED_AT_STEPS + 1 + 2 * k] = dy;
        length += hypot((double)dx, (double)dy) / (PRED_PAST - 1);
    }
    x[30] = (float)log(length + 0.02);
    for (uint32_t c = 0; c < PRED_CLASSES; ++c) {
        x[PRED_AT_CLASS + c] = input->kind == c ? 1.0F : 0.0F;
    }
    x[35] = (float)input->n_past / PRED_PAST;
    write_base(input, frame, (const float(*)[2])past, base);
    const float own_step[2] = {-input->past[PRED_PAST - 2][0], -input->past[PRED_PAST - 2][1]};
    for (uint32_t i = 0; i < input->n_neighbours; ++i) {
        write_pair(&input->neighbours[i], own_step, frame, size, &pairs[(size_t)i * PRED_PAIRS]);
    }
}
