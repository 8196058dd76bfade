/** @file bridge_stage.h Sets up the world that the configuration names, episode after episode.
 *  Ownership: a stage owns its worlds; the one it hands out lives until the next begin or close.
 *  Threads: one stage, one thread. Allocation: in open and, for recordings, in begin. */
#ifndef BRIDGE_STAGE_H
#define BRIDGE_STAGE_H

#include "common/hp_clock.h"
#include "common/hp_log.h"
#include "sim-bridge/bridge_config.h"
#include "sim-bridge/bridge_world.h"
#include "sim-bridge/sim_world.h"

typedef struct bridge_stage bridge_stage;

/** clock and log must outlive the stage. */
typedef struct bridge_stage_setup {
    const bridge_config *bridge;
    const sim_config *sim;
    uint64_t seed;
    const hp_clock *clock;
    const hp_log *log;
} bridge_stage_setup;

/** Reads scenario or recording. HP_ECONFIG, HP_ENOENT, HP_EWIRE: with the place in *error. */
HP_NODISCARD hp_status bridge_stage_open(const bridge_stage_setup *setup, bridge_stage **out,
                                         hp_error *error);
void bridge_stage_close(bridge_stage **stage);
/** Starts an episode: 0, 1, ... */
HP_NODISCARD hp_status bridge_stage_begin(bridge_stage *stage, uint32_t episode,
                                          bridge_world *world, hp_error *error);
/** What is played, for people: "cts/03 speed=1.2,distance=20". */
const char *bridge_stage_title(const bridge_stage *stage);

#endif
