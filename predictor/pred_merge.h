/** @file pred_merge.h From the network's twenty modes to the few that a belief holds.
 *  Ownership: the caller's. Threads: pure. Determinism: ties go to the lowest index. Allocation:
 *  none. */
#ifndef PRED_MERGE_H
#define PRED_MERGE_H

#include "predictor/pred_model.h"
#include "proto/hp_msgs.h"

/** Merges until at most HP_MAX_MODES are left and none end within half a metre of each other, the
 * pair first whose merging moves least probability least far (Ward's criterion): so what is left
 * still covers where the agent may go, and no probability is lost. Points are those of the
 * network's grid, along the world's axes, from the agent; sigma_m is one standard deviation per
 * axis. Most probable first. */
void pred_merge(const pred_answer *answer, hp_forecast *out);

#endif
