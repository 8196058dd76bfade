/** @file plan_bounds.h Whether what frames show stays within what the guard assumes of others: how
 * fast they go and change their velocity, and that whoever comes into sight does so while the ego
 * can still stop for him. Beyond that the guard promises nothing; this tells on which side a
 * contact was. Ownership: plain data. Threads: one user. Allocation: none. */
#ifndef PLAN_BOUNDS_H
#define PLAN_BOUNDS_H

#include "planner/plan_path.h"

typedef enum plan_breach {
    PLAN_BREACH_NONE,
    PLAN_BREACH_WALKER, /* changed his velocity, or went, faster than the bounds have it */
    PLAN_BREACH_CAR,    /* a vehicle did, or left its strip */
    PLAN_BREACH_SIGHT,  /* came into sight, or was there at the start, too near to stop */
    PLAN_BREACH_COUNT
} plan_breach;

typedef struct plan_bounds {
    plan_breach breach; /* the first one */
    uint32_t n;
    hp_agent agents[HP_MAX_AGENTS]; /* of the last frame */
    hp_frame alone;                 /* somebody new, by himself */
} plan_bounds;

void plan_bounds_reset(plan_bounds *bounds);
/** Takes in the next frame, tick_s after the last. */
void plan_bounds_watch(const plan_guard_config *config, const hp_world_info *info,
                       const plan_path *path, const hp_frame *frame, plan_bounds *bounds);

#endif
