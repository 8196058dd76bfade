/** @file carla_hero.h We in the place of somebody else's hero in a stand-in, for tests. */
#ifndef CARLA_HERO_H
#define CARLA_HERO_H

#include "sim-bridge/carla/carla_attach.h"
#include "tests/unit/sim-bridge/carla_proxy.h"

/** A scenario along the stand-in's road, which runs along x = 0 from y = -400 to 300, 3 m to each
 *  side. */
extern const char HERO_AHEAD[];

hp_status hero_attach(rig *r, const char *scenario, bridge_world *out, hp_error *error);
/** By another clock than the rig's. */
hp_status hero_attach_by(rig *r, const char *scenario, const hp_clock *clock, bridge_world *out,
                         hp_error *error);

#endif
