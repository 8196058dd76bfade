#include "planner/plan_phantom.h"

#include "planner/plan_track.h"

/** A box beside the path, in the path's coordinates. */
typedef struct shadow {
    double s_near_m, s_far_m; /* along the path */
    double inner_m;           /* smallest distance from the path, > 0 */
    double side;              /* +1: left of the path, -1: right */
    hp_vec2 corner;           /* the far inner corner, which hides what is behind it */
} shadow;

/** False if the box lies across the path and so hides nothing beside it. */
static bool cast(const plan_path *path, const hp_box *box, shadow *out)
{
    hp_vec2 corners[4];
    double s[4];
    double lateral[4];
    hp_box_corners(box, corners);
    for (int i = 0; i < 4; ++i) {
        const hp_projection p = plan_path_project(path, corners[i]);
        s[i] = p.s_m;
        lateral[i] = p.lateral_m;
    }
    const double side = lateral[0] > 0.0 ? 1.0 : -1.0;
    *out = (shadow){.s_near_m = INFINITY, .s_far_m = -INFINITY, .inner_m = INFINITY, .side = side};
    for (int i = 0; i < 4; ++i) {
        if (lateral[i] * side <= 0.0) {
            return false;
        }
        out->s_near_m = fmin(out->s_near_m, s[i]);
        out->s_far_m = fmax(out->s_far_m, s[i]);
        out->inner_m = fmin(out->inner_m, lateral[i] * side);
    }
    double best = INFINITY;
    for (int i = 0; i < 4; ++i) {
        const double off = out->s_far_m - s[i] + lateral[i] * side - out->inner_m;
        if (off < best) {
            best = off;
            out->corner = corners[i];
        }
    }
    return true;
}

/** The place where a walker behind the box would come into view from the ego's eye. */
static hp_phantom at_edge(const plan_phantom_config *config, const plan_path *path,
                          const shadow *box, double eye_s_m)
{
    const double s_walk = box->s_far_m + config->beyond_m;
    const double to_corner = fmax(box->s_far_m - eye_s_m, 0.5);
    const double depth = fmin(box->inner_m * config->beyond_m / to_corner, 4.0);
    const hp_pose foot = plan_path_at(path, s_walk);
    const double lateral = box->side * (box->inner_m + depth);
    return (hp_phantom){
        .edge = {foot.x_m - lateral * sin(foot.yaw_rad), foot.y_m + lateral * cos(foot.yaw_rad)},
        .heading_rad = hp_angle_wrap(foot.yaw_rad - box->side * 0.5 * HP_PI),
        .speed_mps = config->speed_mps,
        .rate_hz = config->rate_hz,
        .corner = box->corner,
    };
}

uint32_t plan_phantom_find(const plan_phantom_config *config, const hp_world_info *info,
                           const plan_path *path, const hp_frame *frame, hp_phantom *phantoms)
{
    double near_m[HP_MAX_PHANTOMS];
    uint32_t n = 0;
    if (!config->enabled) {
        return 0;
    }
    const double eye_s = plan_path_project(path, plan_track_eye(info, &frame->ego)).s_m;
    for (uint32_t i = 0; i < frame->n_occluders; ++i) {
        shadow box;
        if (!cast(path, &frame->occluders[i].box, &box) || box.s_far_m <= eye_s ||
            box.s_near_m > eye_s + config->range_m || box.inner_m > config->max_lateral_m) {
            continue;
        }
        uint32_t at = n;
        while (at > 0 && near_m[at - 1] > box.s_far_m) {
            --at;
        }
        if (at >= HP_MAX_PHANTOMS) {
            continue;
        }
        n = n < HP_MAX_PHANTOMS ? n + 1 : n;
        for (uint32_t k = n - 1; k > at; --k) {
            near_m[k] = near_m[k - 1];
            phantoms[k] = phantoms[k - 1];
        }
        near_m[at] = box.s_far_m;
        phantoms[at] = at_edge(config, path, &box, eye_s);
    }
    return n;
}
