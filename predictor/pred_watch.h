/** @file pred_watch.h Holds the network to its word on the road: of each agent in sight one answer
 * is kept for one of its moments, drawn; when that has come, was he inside the 90 % region? The
 * classes' spreads follow (pred_region.h). All is forgotten when the world changes or time runs
 * back. Ownership: plain data. Threads: one user. Determinism: by ids and stamps; in whatever order
 * agents are listed. Allocation: none. */
#ifndef PRED_WATCH_H
#define PRED_WATCH_H

#include "predictor/pred_region.h"
#include "proto/hp_msgs.h"

typedef struct pred_promise {
    uint32_t id;
    pred_class kind;
    int64_t due_ns;
    hp_vec2 from; /* where the agent was */
    pred_frame frame;
    pred_mixture mixture; /* in that frame */
} pred_promise;

typedef struct pred_watch {
    uint64_t world_id;
    int64_t stamp_ns;
    pred_adapt adapt;
    uint32_t n;
    pred_promise promises[HP_MAX_AGENTS];
} pred_watch;

/** A new request: takes in what has come of earlier answers. */
void pred_watch_look(pred_watch *watch, const hp_predict_request *request);
/** Keeps an answer about a track of that request, unless one is being waited for. */
void pred_watch_keep(pred_watch *watch, const hp_track *track, pred_class kind,
                     const pred_answer *answer);

#endif
