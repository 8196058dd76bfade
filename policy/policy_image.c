#include "policy/policy_image.h"

#include <math.h>
#include <string.h>

static const double BEHIND_M = 8.0, ALONG_M = 2.0, ACROSS_M = 1.0; /* first row; sizes of a cell */
static const double TRAIL_S = 1.0;                                 /* how far back the past goes */
static const float PATH = 0.2F, TRAIL = 0.5F, HIDDEN = 0.7F, BODY = 1.0F;

enum { BODIES, FUTURES }; /* channels */

/** Where a cell of a channel lies in the picture: patches of PATCH x PATCH cells, MERGE of them
 * (two by two) together. */
static uint32_t place_of(int channel, uint32_t along, uint32_t across)
{
    enum { P = POLICY_IMAGE_PATCH, BLOCKS_ACROSS = POLICY_IMAGE_ACROSS / (2 * P) };
    const uint32_t patch_a = along / P;
    const uint32_t patch_c = across / P;
    const uint32_t block = patch_a / 2 * BLOCKS_ACROSS + patch_c / 2;
    const uint32_t patch = block * POLICY_IMAGE_MERGE + patch_a % 2 * 2 + patch_c % 2;
    const uint32_t cell = along % P * P + across % P;
    return patch * POLICY_IMAGE_NUMBERS + cell * 2 + (uint32_t)channel;
}

static void raise_cell(float *picture, int channel, int along, int across, float value)
{
    if (along < 0 || along >= POLICY_IMAGE_ALONG || across < 0 || across >= POLICY_IMAGE_ACROSS) {
        return;
    }
    float *cell = &picture[place_of(channel, (uint32_t)along, (uint32_t)across)];
    *cell = value > *cell ? value : *cell;
}

/** A point between cells shows in the four around it, the more the nearer it is. */
static void dot(float *picture, int channel, double ahead_m, double lateral_m, double value)
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
    raise_cell(picture, channel, along, across, (float)(value * (1.0 - u) * (1.0 - v)));
    raise_cell(picture, channel, along + 1, across, (float)(value * u * (1.0 - v)));
    raise_cell(picture, channel, along, across + 1, (float)(value * (1.0 - u) * v));
    raise_cell(picture, channel, along + 1, across + 1, (float)(value * u * v));
}

static void draw_path(const policy_scene *scene, float *picture)
{
    const double rest_m = scene->goal_s_m - scene->root.ego_s_m;
    for (int along = 0; along < POLICY_IMAGE_ALONG; along++) {
        const double ahead_m = (along + 0.5) * ALONG_M - BEHIND_M;
        for (double c = 0.5 * ACROSS_M; ahead_m < rest_m && c < scene->ego_half_width_m + 0.5;
             c += ACROSS_M) {
            dot(picture, BODIES, ahead_m, c, (double)PATH);
            dot(picture, BODIES, ahead_m, -c, (double)PATH);
        }
    }
}

static void draw_body(const policy_other *o, double ahead_m, double lateral_m, float *picture)
{
    const double value = (double)(o->phantom ? HIDDEN : BODY);
    const int n = (int)hp_clamp(ceil(o->half_along_m / ALONG_M), 1.0, 8.0);
    const int m = (int)hp_clamp(ceil(o->half_across_m / ACROSS_M), 1.0, 8.0);
    for (int i = -n; i <= n; i++) {
        for (int j = -m; j <= m; j++) {
            dot(picture, BODIES, ahead_m + o->half_along_m * i / n,
                lateral_m + o->half_across_m * j / m, value);
        }
    }
}

static void draw_trail(const policy_place *p, double ahead_m, float *picture)
{
    for (int k = 1; k <= 4; k++) {
        const double ago_s = TRAIL_S * k / 4;
        dot(picture, BODIES, ahead_m - p->along_mps * ago_s, p->lateral_m - p->across_mps * ago_s,
            (double)TRAIL);
    }
}

/** Futures, weighed by their probability, paler the later. */
static void draw_futures(const policy_scene *scene, uint32_t i, float *picture)
{
    const policy_other *o = &scene->others[i];
    for (uint32_t m = 0; m < o->n_modes; m++) {
        for (uint32_t k = 1; k <= scene->n_steps; k++) {
            dot(picture, FUTURES, o->s_m[m][k] - scene->root.ego_s_m, o->lateral_m[m][k],
                scene->root.places[i].weights[m] / (1.0 + k * scene->step_s));
        }
    }
}

void policy_image_draw(const policy_scene *scene, float picture[POLICY_IMAGE_PICTURE])
{
    memset(picture, 0, POLICY_IMAGE_PICTURE * sizeof *picture);
    draw_path(scene, picture);
    for (uint32_t i = 0; i < scene->n_others; i++) {
        const policy_place *p = &scene->root.places[i];
        const double ahead_m = p->s_m - scene->root.ego_s_m;
        draw_trail(p, ahead_m, picture);
        draw_body(&scene->others[i], ahead_m, p->lateral_m, picture);
        draw_futures(scene, i, picture);
    }
}

void policy_image_date(float numbers[POLICY_IMAGE_LOOK], double age_s, double way_m)
{
    numbers[POLICY_IMAGE_AGE] = (float)hp_clamp(age_s / 2.0, 0.0, 4.0);
    numbers[POLICY_IMAGE_AGE + 1] = (float)hp_clamp(way_m / 20.0, -1.0, 4.0);
}

void policy_image_look(const policy_scene *scene, const policy_look *look,
                       float numbers[POLICY_IMAGE_LOOK])
{
    /* Of a slot of policy_features: ahead, aside, closing, in the strip once the ego is there. */
    static const uint32_t SAID[POLICY_IMAGE_OTHER - 1] = {4, 5, 6, 21, 22};
    float row[POLICY_ROW];
    policy_features(scene, look, row);
    memcpy(numbers, row, POLICY_PLAIN * sizeof *row);
    policy_image_date(numbers, look->time_s, look->ego_s_m - scene->root.ego_s_m);
    for (uint32_t i = 0; i < POLICY_SLOTS; i++) {
        const float *slot = row + POLICY_PLAIN + (size_t)i * POLICY_SLOT;
        float *to = numbers + POLICY_IMAGE_OTHERS + (size_t)i * POLICY_IMAGE_OTHER;
        to[0] = slot[0] - 2.0F * slot[3]; /* 1: a body, -1: one who may step out, 0: nobody */
        for (uint32_t k = 0; k < HP_ARRAY_LEN(SAID); k++) {
            to[1 + k] = slot[SAID[k]];
        }
    }
}
