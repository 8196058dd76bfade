/* Lanes as lines: cross sections about a metre apart, each lane in its direction of travel. */
#include "sim-bridge/xodr/xodr_internal.h"

#include <stdlib.h>

#define STEP_M 1.0
#define LEAST_SECTION_M 1e-9
#define INSIDE_M 1e-3 /* records of offsets and sections do not begin at just the same place */
#define MOST_WIDTH_M 100.0

/** The sections that are sampled, one after the other. */
typedef struct sampler {
    xodr_map *map;
    const xodr_road *road;
    uint32_t section; /* of the road */
    double from_m, to_m;
    uint32_t n; /* cross sections */
} sampler;

static uint32_t samples_in(double length_m)
{
    return 2 + (uint32_t)(length_m / STEP_M);
}

static bool is_sampled(const xodr_strip *strip)
{
    return strip->id != 0 && strip->kind != XODR_OTHER;
}

/** Counts lanes and samples, so that both are allocated once. */
static hp_status count(xodr_map *map, hp_error *error)
{
    uint64_t samples = 0;
    for (uint32_t i = 0; i < map->roads.n; ++i) {
        const xodr_road *road = xodr_road_of(map, i);
        for (uint32_t k = 0; k < road->sections.n; ++k) {
            const xodr_section *section = xodr_section_of(map, road->sections.first + k);
            const double length_m = xodr_section_end(map, road, k) - section->s_m;
            for (uint32_t j = 0; j < section->strips.n && length_m > LEAST_SECTION_M; ++j) {
                if (is_sampled(xodr_strip_of(map, section->strips.first + j))) {
                    samples += samples_in(length_m);
                    map->n_lanes += 1;
                }
            }
        }
    }
    if (samples > XODR_MAX_SAMPLES) {
        return hp_fail(error, HP_EFULL, "a map with more than %d m of lanes is not taken",
                       XODR_MAX_SAMPLES);
    }
    map->n_samples = (uint32_t)samples;
    map->lanes = calloc(map->n_lanes + 1, sizeof *map->lanes);
    map->points = calloc(3 * (size_t)map->n_samples + 1, sizeof *map->points);
    map->lengths = calloc((size_t)map->n_samples + 1, sizeof *map->lengths);
    return map->lanes == NULL || map->points == NULL || map->lengths == NULL
               ? hp_fail(error, HP_ENOMEM, "no memory for a map's lanes")
               : HP_OK;
}

/** Inner and outer border of a lane beside the reference line at s; left is positive. */
static void borders(const sampler *m, const xodr_section *section, uint32_t index, double s,
                    double t[2])
{
    const xodr_strip *strips = xodr_strip_of(m->map, section->strips.first);
    const bool left = strips[index].id > 0;
    const double inside = hp_min(INSIDE_M, 0.25 * (m->to_m - m->from_m));
    const double key = hp_clamp(s, m->from_m + inside, m->to_m - inside);
    t[0] = xodr_cubics(&m->map->offsets, m->road->offsets, key, s);
    t[1] = t[0];
    /* Strips lie by falling id: from the middle outwards means backwards on the left. */
    for (uint32_t k = 0; k < section->strips.n; ++k) {
        const uint32_t i = left ? section->strips.n - 1 - k : k;
        if (strips[i].id == 0 || (strips[i].id > 0) != left) {
            continue;
        }
        const double width_m =
            hp_clamp(xodr_cubics(&m->map->widths, strips[i].widths, key - m->from_m, s - m->from_m),
                     0.0, MOST_WIDTH_M);
        t[0] = t[1];
        t[1] += left ? width_m : -width_m;
        if (i == index) {
            return;
        }
    }
}

static hp_vec2 beside(const hp_pose *line, double t)
{
    return (hp_vec2){line->x_m - t * sin(line->yaw_rad), line->y_m + t * cos(line->yaw_rad)};
}

/** Samples lane `index` of a section into the arrays from sample `at` on. */
static void sample_lane(const sampler *m, const xodr_section *section, uint32_t index, uint32_t at,
                        xodr_lane *lane)
{
    xodr_map *map = m->map;
    xodr_strip *strip = xodr_strip_of(map, section->strips.first + index);
    hp_vec2 *left = map->points + at;
    hp_vec2 *centre = left + map->n_samples;
    hp_vec2 *right = centre + map->n_samples;
    double *s_m = map->lengths + at;
    const bool against = strip->id > 0;
    double turn_rad = 0.0;
    double yaw_rad = 0.0;
    for (uint32_t k = 0; k < m->n; ++k) {
        const uint32_t j = against ? m->n - 1 - k : k;
        const double s = m->from_m + (m->to_m - m->from_m) * j / (m->n - 1);
        const hp_pose line = xodr_reference(map, m->road, s);
        double t[2];
        borders(m, section, index, s, t);
        centre[k] = beside(&line, 0.5 * (t[0] + t[1]));
        left[k] = beside(&line, t[0]); /* the inner border is on the left of both directions */
        right[k] = beside(&line, t[1]);
        turn_rad += k == 0 ? 0.0 : hp_angle_wrap(line.yaw_rad - yaw_rad);
        yaw_rad = line.yaw_rad;
        s_m[k] = k == 0 ? 0.0 : s_m[k - 1] + hp_dist(centre[k], centre[k - 1]);
        const double t_mid = 0.5 * (t[0] + t[1]);
        lane->t_min_m = k == 0 ? t_mid : hp_min(lane->t_min_m, t_mid);
        lane->t_max_m = k == 0 ? t_mid : hp_max(lane->t_max_m, t_mid);
    }
    strip->lane = (int32_t)(lane - map->lanes);
    lane->road = m->road->id;
    lane->section = m->section;
    lane->id = strip->id;
    lane->kind = strip->kind;
    lane->n = m->n;
    lane->left = left;
    lane->centre = centre;
    lane->right = right;
    lane->s_m = s_m;
    lane->reference_m = m->to_m - m->from_m;
    lane->turn_rad = against ? -turn_rad : turn_rad;
    lane->limit_mps = strip->limit_mps > 0.0 ? strip->limit_mps : m->road->limit_mps;
    lane->beside_left = lane->beside_right = -1;
}

/** Driving lanes of one side that touch: who is whose neighbour. */
static void set_beside(const xodr_map *map, const xodr_section *section)
{
    for (uint32_t i = 1; i < section->strips.n; ++i) {
        const xodr_strip *a = xodr_strip_of(map, section->strips.first + i - 1);
        const xodr_strip *b = a + 1; /* to the right of a, along the reference line */
        if (a->lane < 0 || b->lane < 0 || a->kind != XODR_DRIVING || b->kind != XODR_DRIVING ||
            (a->id > 0) != (b->id > 0)) {
            continue;
        }
        if (a->id > 0) {
            map->lanes[a->lane].beside_left = b->lane;
            map->lanes[b->lane].beside_right = a->lane;
        } else {
            map->lanes[a->lane].beside_right = b->lane;
            map->lanes[b->lane].beside_left = a->lane;
        }
    }
}

static void add_length(xodr_facts *facts, const xodr_lane *lane)
{
    const double length_m = lane->s_m[lane->n - 1];
    facts->driving_m += lane->kind == XODR_DRIVING ? length_m : 0.0;
    facts->pavement_m += lane->kind == XODR_PAVEMENT ? length_m : 0.0;
}

hp_status xodr_sample(xodr_map *map, hp_error *error)
{
    uint32_t at = 0;
    uint32_t n = 0;
    const hp_status st = count(map, error);
    if (st != HP_OK) {
        return st;
    }
    for (uint32_t i = 0; i < map->roads.n; ++i) {
        sampler m = {.map = map, .road = xodr_road_of(map, i)};
        for (m.section = 0; m.section < m.road->sections.n; ++m.section) {
            const xodr_section *section = xodr_section_of(map, m.road->sections.first + m.section);
            m.from_m = section->s_m;
            m.to_m = xodr_section_end(map, m.road, m.section);
            m.n = samples_in(m.to_m - m.from_m);
            for (uint32_t j = 0; j < section->strips.n && m.to_m - m.from_m > LEAST_SECTION_M;
                 ++j) {
                if (is_sampled(xodr_strip_of(map, section->strips.first + j))) {
                    sample_lane(&m, section, j, at, &map->lanes[n]);
                    add_length(&map->facts, &map->lanes[n]);
                    at += m.n;
                    n += 1;
                }
            }
            set_beside(map, section);
        }
    }
    map->facts.n_roads = map->roads.n;
    map->facts.n_lanes = n;
    return HP_OK;
}
