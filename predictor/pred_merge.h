/** @file pred_merge.h From the network's twenty modes to the few that a belief holds.
 *  Ownership: the caller's. Threads: pure. Determinism: ties go to the lowest index. Allocation:
 *  none. */
#ifndef PRED_MERGE_H
#define PRED_MERGE_H

#include "predictor/pred_model.h"
#include "proto/hp_msgs.h"

/** Modes that are becoming one. */
typedef struct pred_cluster {
    double p;
    hp_vec2 mean[PRED_FUTURE];  /* in the agent's frame */
    double square[PRED_FUTURE]; /* mean over both axes of variance */
} pred_cluster;

/** Room to merge in. */
typedef struct pred_merge_room {
    pred_cluster clusters[PRED_MODES];
    /* Of each pair, for the higher index second: what merging costs, squared distance of ends. */
    double cost[PRED_MODES][PRED_MODES], apart2[PRED_MODES][PRED_MODES];
} pred_merge_room;

/** Merges until at most HP_MAX_MODES are left and none end within half a metre of each other, the
 * pair first whose merging moves least probability least far (Ward's criterion): so what is left
 * still covers where the agent may go, and no probability is lost. Points are those of the
 * network's grid, along the world's axes, from the agent; sigma_m is one standard deviation per
 * axis. Most probable first. */
void pred_merge(const pred_answer *answer, pred_merge_room *room, hp_forecast *out);

#endif
