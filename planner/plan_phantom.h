/** @file plan_phantom.h Where somebody whom nobody has seen may step out: the edges of sight behind
 *  standing boxes along the path.
 *  Ownership: plain data. Threads: pure. Allocation: none. */
#ifndef PLAN_PHANTOM_H
#define PLAN_PHANTOM_H

#include "planner/plan_path.h"

/** Fills phantoms [HP_MAX_PHANTOMS], nearest first; returns how many. */
uint32_t plan_phantom_find(const plan_phantom_config *config, const hp_world_info *info,
                           const plan_path *path, const hp_frame *frame, hp_phantom *phantoms);

#endif
