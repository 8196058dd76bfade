#include "policy/policy_image.h"

#include <math.h>
#include <string.h>

static const double BEHIND_M = 8.0, ALONG_M = 2.0, ACROSS_M = 1.0; /* first row; sizes of a cell */
static const double TRAIL_S = 1.0;                                 /* how far back the past goes */
static const float PATH = 0.2F, TRAIL = 0.5F, HIDDEN = 0.7F, BODY = 1.0F;

enum { BODIES, FUTURES }; /* channels */

/** Where a cell of a channel lies among the row's features: patches of PATCH x PATCH cells, MERGE
 * of them (two by two) together. */
static uint32_t place_of(int channel, uint32_t along, uint32_t across)
{
    enum { P = POLICY_IMAGE_PATCH, BLOCKS_ACROSS = POLICY_IMAGE_ACROSS / (2 * P) };
    const uint32_t patch_a = along / P;
    const uint32_t patch_c = across / P;
    const uint32_t block = patch_a / 2 * BLOCKS_ACROSS + patch_c / 2;
    const uint32_t patch = block * POLICY_IMAGE_MERGE + patch_a % 2 * 2 + patch_c % 2;
    const uint32_t cell = along % P * P + across % P;
    return POLICY_PLAIN + patch * POLICY_IMAGE_NUMBERS + cell * 2 + (uint32_t)channel;
}

static void raise_cell(float *row, int channel, int along, int across, float value)
{
    if (along < 0 || along >= POLICY_IMAGE_ALONG || across < 0 || across >= POLICY_IMAGE_ACROSS) {
        return;
    }
    float *cell = &row[place_of(channel, (uint32_t)along, (uint32_t)across)];
    *cell = value > *cell ? value : *cell;
}

/** A point between cells shows in the four around it, the more the nearer it is. */
static void dot(float *row, int channel, double ahead_m, double lateral_m, double value)
{
    const double a = (ahead_m + BEHIND_M) / ALONG_M - 0.5;
    const double c = lateral_m / ACROSS_M + 0.5 * POLICY_IMAGE_ACROSS - 0.5;
    if (!(fabs(a) < 1e3 && fabs(c) < 1e3)) {
        return;
    }
    const int along = (int)floor(a);
    const int across = (int)floor(c);
    const double u = a - along;
    const double v = c - across;
    raise_cell(row, channel, along, across, (float)(value * (1.0 - u) * (1.0 - v)));
    raise_cell(row, channel, along + 1, across, (float)(value * u * (1.0 - v)));
    raise_cell(row, channel, along, across + 1, (float)(value * (1.0 - u) * v));
    raise_cell(row, channel, along + 1, across + 1, (float)(value * u * v));
}

static void draw_path(const policy_scene *scene, const policy_look *look, float *row)
{
    const double rest_m = scene->goal_s_m - look->ego_s_m;
    for (int along = 0; along < POLICY_IMAGE_ALONG; along++) {
        const double ahead_m = (along + 0.5) * ALONG_M - BEHIND_M;
        for (double c = 0.5 * ACROSS_M; ahead_m < rest_m && c < scene->ego_half_width_m + 0.5;
             c += ACROSS_M) {
            dot(row, BODIES, ahead_m, c, (double)PATH);
            dot(row, BODIES, ahead_m, -c, (double)PATH);
        }
    }
}

static void draw_body(const policy_other *o, double ahead_m, double lateral_m, float *row)
{
    const double value = (double)(o->phantom ? HIDDEN : BODY);
    const int n = (int)hp_clamp(ceil(o->half_along_m / ALONG_M), 1.0, 8.0);
    const int m = (int)hp_clamp(ceil(o->half_across_m / ACROSS_M), 1.0, 8.0);
    for (int i = -n; i <= n; i++) {
        for (int j = -m; j <= m; j++) {
            dot(row, BODIES, ahead_m + o->half_along_m * i / n,
                lateral_m + o->half_across_m * j / m, value);
        }
    }
}

/** Futures from now on, weighed by their probability, paler the later. */
static void draw_futures(const policy_scene *scene, const policy_look *look, uint32_t i, float *row)
{
    const policy_other *o = &scene->others[i];
    const policy_place *p = &look->places[i];
    const double now = look->time_s / scene->step_s;
    const uint32_t first = (uint32_t)fmin(now, scene->n_steps);
    for (uint32_t m = 0; m < o->n_modes; m++) {
        for (uint32_t k = first + 1; k <= scene->n_steps; k++) {
            const double later = (k - now) * scene->step_s;
            dot(row, FUTURES, p->s_m - look->ego_s_m + o->s_m[m][k] - o->s_m[m][first],
                p->lateral_m + o->lateral_m[m][k] - o->lateral_m[m][first],
                p->weights[m] / (1.0 + later));
        }
    }
}

void policy_image(const policy_scene *scene, const policy_look *look, float row[POLICY_IMAGE_ROW])
{
    float plain[POLICY_ROW];
    policy_features(scene, look, plain);
    memset(row, 0, POLICY_IMAGE_ROW * sizeof *row);
    memcpy(row, plain, POLICY_PLAIN * sizeof *row);
    draw_path(scene, look, row);
    for (uint32_t i = 0; i < scene->n_others; i++) {
        const policy_place *p = &look->places[i];
        const double ahead_m = p->s_m - look->ego_s_m;
        for (int k = 1; k <= 4; k++) {
            const double ago_s = TRAIL_S * k / 4;
            dot(row, BODIES, ahead_m - p->along_mps * ago_s, p->lateral_m - p->across_mps * ago_s,
                (double)TRAIL);
        }
        draw_body(&scene->others[i], ahead_m, p->lateral_m, row);
        draw_futures(scene, look, i, row);
    }
}
