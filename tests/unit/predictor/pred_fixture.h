/** @file pred_fixture.h A network with drawn weights, and scenes of people who walk. */
#ifndef PRED_FIXTURE_H
#define PRED_FIXTURE_H

#include "common/hp_rng.h"
#include "predictor/pred_model.h"
#include "proto/hp_msgs.h"

#include <string.h>

static inline void pred_draw_model(uint64_t seed, pred_model *model)
{
    float *w = (float *)&model->weights;
    for (size_t i = 0; i < PRED_N_WEIGHTS; ++i) {
        w[i] = (float)(0.15 * hp_rng_normal(hp_rng_seed(seed), i));
    }
    model->temperature = 0.8F;
    model->spread = 1.1F;
}

/** n walkers and cars with full histories at a rate of their own. */
static inline void pred_draw_request(uint64_t seed, uint32_t n, hp_predict_request *request)
{
    memset(request, 0, sizeof *request);
    request->tick = 3;
    request->ego = (hp_ego_state){.pose = {-8.0, 1.0, 0.1}, .speed_mps = 7.0};
    request->n_tracks = n;
    for (uint32_t i = 0; i < n; ++i) {
        const hp_rng lane = hp_rng_lane(hp_rng_seed(seed), i);
        hp_track *t = &request->tracks[i];
        const double rate_s = hp_rng_range(lane, 0, 0.05, 0.6);
        *t = (hp_track){
            .id = 10 + 3 * i,
            .kind = i % 4 == 3 ? HP_CLASS_CAR : HP_CLASS_WALKER,
            .length_m = i % 4 == 3 ? 4.2 : 0.5,
            .width_m = 0.5,
            .pose = {hp_rng_range(lane, 1, -10.0, 10.0), hp_rng_range(lane, 2, -10.0, 10.0), 0.0},
            .vx_mps = hp_rng_range(lane, 3, -1.5, 1.5),
            .vy_mps = hp_rng_range(lane, 4, -1.5, 1.5),
            .visible = true,
            .n_history = 1 + i % HP_MAX_HISTORY};
        for (uint32_t k = 0; k < t->n_history; ++k) {
            const double ago_s = rate_s * (t->n_history - 1 - k);
            t->history_t_s[k] = -ago_s;
            t->history[k] =
                (hp_vec2){t->pose.x_m - ago_s * t->vx_mps, t->pose.y_m - ago_s * t->vy_mps};
        }
    }
}

#endif
