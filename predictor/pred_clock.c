#include "predictor/pred_clock.h"

#include "common/hp_sort.h"

#include <stdlib.h>

#define MOVING_MPS 0.8  /* who is slower tells no time: his jitter is as long as his steps */
#define LONG_FACTOR 1.4 /* times the usual way: frames are missing */
#define MOST_FACTOR 8.0
#define SAME_SHARE 0.25    /* of the common factor: by so much a witness may differ from it */
#define UNLIKE 0.1         /* what a step counts that is not like now */
#define MOST_WITNESSES 0.6 /* of them must agree */

enum {
    WITNESSES = 3,  /* at least */
    REMEMBERED = 3, /* steps of a witness that tell what is usual for him */
    MIN_RHYTHM = 5, /* steps: losses that follow each other faster than that are one disturbance */
    OVERDUE = 3,    /* steps after which a loss is not waited for any more */
};

/** The usual velocity of somebody before a step; false: he has not been there for long enough. */
static bool usual_velocity(const pred_recording *r, const pred_row *now, hp_vec2 *out)
{
    double vx[REMEMBERED];
    double vy[REMEMBERED];
    size_t n = 0;
    const pred_row *next = now;
    for (uint32_t k = now->step; k > 0 && n < REMEMBERED; --k) {
        const pred_row *row = pred_recording_find(r, k - 1, now->id);
        if (row == NULL) {
            break;
        }
        const double step_s = pred_recording_between_s(r, k - 1, k);
        vx[n] = (next->p.x_m - row->p.x_m) / step_s;
        vy[n++] = (next->p.y_m - row->p.y_m) / step_s;
        next = row;
    }
    if (n < 2) {
        return false;
    }
    *out = (hp_vec2){hp_median(vx, n), hp_median(vy, n)};
    return true;
}

/** By which factor somebody came further in the step after row than he usually does; false: he
 *  cannot tell. */
static bool testify(const pred_recording *r, const pred_row *row, double *factor)
{
    hp_vec2 v;
    const pred_row *next = pred_recording_find(r, row->step + 1, row->id);
    if (next == NULL || !usual_velocity(r, row, &v)) {
        return false;
    }
    const double square = v.x_m * v.x_m + v.y_m * v.y_m;
    const double along = (next->p.x_m - row->p.x_m) * v.x_m + (next->p.y_m - row->p.y_m) * v.y_m;
    *factor = along / (square * r->step_s);
    return square > MOVING_MPS * MOVING_MPS;
}

/** What most of n witnesses say; 1: nothing unusual, or they disagree. */
static double common_factor(double *factors, size_t n)
{
    size_t agree = 0;
    if (n < WITNESSES) {
        return 1.0;
    }
    const double middle = hp_median(factors, n);
    for (size_t i = 0; i < n; ++i) {
        agree += fabs(factors[i] - middle) < SAME_SHARE * middle ? 1 : 0;
    }
    const bool sure = middle > LONG_FACTOR && (double)agree >= MOST_WITNESSES * (double)n;
    return sure ? fmin(middle, MOST_FACTOR) : 1.0;
}

hp_status pred_clock_mend(pred_recording *r, hp_error *error)
{
    double *factors = calloc(r->n_rows + 1, sizeof *factors);
    if (factors == NULL) {
        return hp_fail(error, HP_ENOMEM, "%s: no memory for its clock", r->name);
    }
    for (uint32_t k = 0; k + 1 < r->n_steps; ++k) {
        size_t n = 0;
        for (size_t i = r->first[k]; i < r->first[k + 1]; ++i) {
            n += testify(r, &r->rows[i], &factors[n]) ? 1 : 0;
        }
        r->late_s[k + 1] = r->late_s[k] + r->step_s * (common_factor(factors, n) - 1.0);
    }
    free(factors);
    return HP_OK;
}

/** By how much longer than usual the step after k lasted. */
static double lost_s(const pred_recording *r, uint32_t k)
{
    return r->late_s[k + 1] - r->late_s[k];
}

/** The step in which frames will be lost next, and for how long; false: there is no rhythm. */
static bool next_loss(const pred_recording *r, uint32_t now, uint32_t *step, double *more_s)
{
    uint32_t last = 0;
    uint32_t n_losses = 0;
    uint32_t n_periods = 0;
    double periods = 0.0;
    double losses_s = 0.0;
    for (uint32_t k = 0; k < now; ++k) {
        const double lost = lost_s(r, k);
        if (lost <= 0.0) {
            continue;
        }
        if (n_losses > 0 && k - last >= MIN_RHYTHM) {
            periods += k - last;
            ++n_periods;
        }
        losses_s += lost;
        ++n_losses;
        last = k;
    }
    if (n_periods == 0) {
        return false;
    }
    const uint32_t due = last + (uint32_t)lround(periods / n_periods);
    *step = due > now ? due : now;
    *more_s = losses_s / n_losses;
    return now <= due + OVERDUE;
}

/** Steps since the last loss before now; a great many where there was none. */
static uint32_t steps_since(const pred_recording *r, uint32_t now)
{
    uint32_t k = now;
    while (k > 0 && lost_s(r, k - 1) <= 0.0) {
        --k;
    }
    return k > 0 ? now - k : UINT32_MAX;
}

/** How late the n steps after now have been on average after steps like this one: as long after a
 *  loss. Others tell a little, too, and all of them together less than once that nothing is lost.
 */
static void usual_late(const pred_recording *r, uint32_t now, uint32_t n, double *late_s)
{
    const uint32_t since = steps_since(r, now);
    double weights[PRED_CLOCK_AHEAD] = {0.0};
    uint32_t there = UINT32_MAX; /* steps since the last loss, at p; none yet */
    for (uint32_t p = 1; p < now; ++p) {
        there = lost_s(r, p - 1) > 0.0 ? 0 : there < UINT32_MAX ? there + 1 : there;
        const bool alike = (there > since ? there - since : since - there) <= 1;
        for (uint32_t k = 0; k < n && p + k < now; ++k) {
            late_s[k] += (alike ? 1.0 : UNLIKE) * (r->late_s[p + k + 1] - r->late_s[p]);
            weights[k] += alike ? 1.0 : UNLIKE;
        }
    }
    for (uint32_t k = 0; k < n; ++k) {
        late_s[k] /= weights[k] + 1.0;
    }
}

void pred_clock_ahead(const pred_recording *r, uint32_t now, uint32_t n, double *ahead_s)
{
    double late_s[PRED_CLOCK_AHEAD] = {0.0};
    uint32_t step = 0;
    double more_s = 0.0;
    const bool rhythm = next_loss(r, now, &step, &more_s);
    if (r->late_s[now] > 0.0) {
        usual_late(r, now, n, late_s);
    }
    for (uint32_t k = 0; k < n; ++k) {
        const double by_rhythm_s = rhythm && now + k >= step ? more_s : 0.0;
        ahead_s[k] = (k + 1) * r->step_s + 0.5 * (late_s[k] + by_rhythm_s);
    }
}
