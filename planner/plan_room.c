#include "planner/plan_room.h"

#define NEAR_M 70.0   /* others further away than this do not matter now */
#define STROLLS_S 0.5 /* who sets out passes through every pace on the way to his own */

double plan_room_beside(const plan_guard_config *config, const hp_pose *here,
                        const plan_tracks *tracks)
{
    uint32_t walkers = 0;
    bool strolls = false;
    for (uint32_t i = 0; i < tracks->n; ++i) {
        const plan_track *item = &tracks->items[i];
        const hp_pose *there = &item->track.pose;
        if (item->track.kind != HP_CLASS_CAR &&
            hypot(there->x_m - here->x_m, there->y_m - here->y_m) < NEAR_M) {
            ++walkers;
            strolls = item->slow_s >= STROLLS_S;
        }
    }
    return walkers == 1 && strolls ? config->room_m : 0.0;
}
