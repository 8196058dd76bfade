/** @file plan_room.h How much more room the path keeps beside a walker, so that the guard lets the
 *  ego drive past him: for one who has strolled for a while, as he is neither let go first nor left
 *  standing, and who is the only walker near. Between several, room kept from one is taken from
 *  another. Ownership: borrows what it is given. Threads: pure. Allocation: none. */
#ifndef PLAN_ROOM_H
#define PLAN_ROOM_H

#include "planner/plan_track.h"

/** For a path that is laid from here. */
double plan_room_beside(const plan_guard_config *config, const hp_pose *here,
                        const plan_tracks *tracks);

#endif
