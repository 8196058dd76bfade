/** @file plan_leave.h Who stands beside the ego and waits, so that both would wait for ever: the
 * ego leaves him behind, slowly and with its wheels straight, so that no part of it comes nearer to
 * him than it is. Ownership: plain data. Threads: pure. Allocation: none. */
#ifndef PLAN_LEAVE_H
#define PLAN_LEAVE_H

#include "planner/plan_path.h"
#include "planner/plan_track.h"

/** Marks the tracks that wait, and waits[i] for frame->agents[i]; true if anybody does. To be
 * called after plan_tracks_update with the same frame. */
bool plan_leave_update(const plan_guard_config *config, const hp_world_info *info,
                       const plan_path *path, const hp_frame *frame, plan_tracks *tracks,
                       bool waits[]);
/** The acceleration with which the ego leaves: no faster than leave_mps. */
double plan_leave_accel(const plan_guard_config *config, double speed_mps, double accel_mps2);

#endif
