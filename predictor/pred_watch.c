#include "predictor/pred_watch.h"

#include <string.h>

#define NS 1e9
#define LATE_S 0.3 /* who is looked at again later than this is not judged */

static const hp_track *find(const hp_predict_request *request, uint32_t id)
{
    for (uint32_t i = 0; i < request->n_tracks; ++i) {
        if (request->tracks[i].id == id && request->tracks[i].visible) {
            return &request->tracks[i];
        }
    }
    return NULL;
}

/** Where he was when it was due, seen from where he had been, in the answer's frame. */
static hp_vec2 place_then(const pred_promise *promise, const hp_track *track, double late_s)
{
    const float world[2] = {(float)(track->pose.x_m - late_s * track->vx_mps - promise->from.x_m),
                            (float)(track->pose.y_m - late_s * track->vy_mps - promise->from.y_m)};
    float p[2];
    pred_frame_in(&promise->frame, world, p);
    return (hp_vec2){(double)p[0], (double)p[1]};
}

static bool missed(const pred_promise *promise, hp_vec2 p)
{
    const hp_rng stream = hp_rng_lane(hp_rng_seed(promise->id), (uint64_t)promise->due_ns);
    const double density = pred_mixture_density(&promise->mixture, p);
    return pred_mixture_rank(&promise->mixture, density, stream) >= PRED_REGION_SHARE * PRED_RANKS;
}

void pred_watch_look(pred_watch *watch, const hp_predict_request *request)
{
    double n[PRED_CLASSES] = {0.0};
    double misses[PRED_CLASSES] = {0.0};
    uint32_t kept = 0;
    if (request->world_id != watch->world_id || request->stamp_ns < watch->stamp_ns) {
        memset(watch, 0, sizeof *watch);
    }
    watch->world_id = request->world_id;
    watch->stamp_ns = request->stamp_ns;
    for (uint32_t i = 0; i < watch->n; ++i) {
        const pred_promise *promise = &watch->promises[i];
        const double late_s = (double)(request->stamp_ns - promise->due_ns) / NS;
        const hp_track *track = late_s < 0.0 ? NULL : find(request, promise->id);
        if (late_s < 0.0) {
            watch->promises[kept++] = *promise;
        } else if (track != NULL && late_s < LATE_S) {
            n[promise->kind] += 1.0;
            misses[promise->kind] +=
                missed(promise, place_then(promise, track, late_s)) ? 1.0 : 0.0;
        }
    }
    watch->n = kept;
    for (uint32_t c = 0; c < PRED_CLASSES; ++c) {
        pred_adapt_note(&watch->adapt, (pred_class)c, misses[c], n[c]);
    }
}

void pred_watch_keep(pred_watch *watch, const hp_track *track, pred_class kind,
                     const pred_answer *answer)
{
    for (uint32_t i = 0; i < watch->n; ++i) {
        if (watch->promises[i].id == track->id) {
            return;
        }
    }
    if (watch->n == HP_MAX_AGENTS) {
        return;
    }
    const hp_rng stream = hp_rng_lane(hp_rng_seed(track->id), (uint64_t)watch->stamp_ns);
    const uint32_t k = (uint32_t)(hp_rng_u64(stream, 0) % PRED_FUTURE);
    pred_promise *promise = &watch->promises[watch->n++];
    *promise =
        (pred_promise){.id = track->id,
                       .kind = kind,
                       .due_ns = watch->stamp_ns + (int64_t)((k + 1) * PRED_STEP_S * NS + 0.5),
                       .from = {track->pose.x_m, track->pose.y_m},
                       .frame = answer->frame};
    pred_mixture_at(answer, k, &promise->mixture);
}
