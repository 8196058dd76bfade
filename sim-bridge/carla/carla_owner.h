/** @file carla_owner.h Whose is an actor? What we spawn bears a mark, as its role_name, of the
 *  process that spawned it: who comes after a crash can tell what was left behind from what another
 *  run of ours still drives.
 *  Threads: pure, but for reading /proc. Allocation: none. */
#ifndef CARLA_OWNER_H
#define CARLA_OWNER_H

#include "sim-bridge/carla/carla_types.h"

#define CARLA_OUR_ROLE "hyplan"         /* begins every mark */
#define CARLA_EGO_ROLE "hero"           /* what others expect of an ego: it has no mark */
#define CARLA_GUEST_ROLE "hyplan guest" /* so those of sensors of ours on somebody else's ego */

enum { CARLA_MARK_TEXT = 96 };

/** The mark of this process in this episode. */
void carla_owner_mark(uint32_t episode, char text[CARLA_MARK_TEXT]);
void carla_owner_guest_mark(uint32_t episode, char text[CARLA_MARK_TEXT]);

typedef enum carla_claim {
    CARLA_CLAIM_NONE, /* not ours */
    CARLA_CLAIM_OURS, /* ours; who spawned it may still be at it */
    CARLA_CLAIM_DEAD, /* ours; who spawned it has ended, or is the bearer of own in an episode
                       * before
                       */
    CARLA_CLAIM_GUEST,
    CARLA_CLAIM_DEAD_GUEST,
} carla_claim;

/** own: the caller's mark, "" if it has none. */
carla_claim carla_owner_claim(carla_text role, const char *own);

#endif
