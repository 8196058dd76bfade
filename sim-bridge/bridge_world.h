/** @file bridge_world.h A world as the bridge sees it: built-in simulator, recording, CARLA.
 *  Ownership: a world owns itself until destroy. Threads: one world, one thread. */
#ifndef BRIDGE_WORLD_H
#define BRIDGE_WORLD_H

#include "proto/hp_msgs.h"
#include "sim-bridge/sim_judge.h"

typedef struct bridge_world_ops {
    const char *name;
    void (*info)(const void *self, hp_world_info *info);
    /** What the sensors tell now. Only what they could know. */
    void (*observe)(void *self, hp_frame *frame);
    /** Advances by one tick under a command (NULL: none came, the vehicle brakes). */
    void (*step)(void *self, const hp_command *command);
    /** Verdict and metrics so far; valid until destroy. */
    const sim_result *(*result)(const void *self);
    /** Why the world cannot go on (its verdict is STOPPED then), NULL: nothing is wrong. The
     * member itself may be NULL: nothing ever is. */
    const char *(*trouble)(const void *self);
    void (*destroy)(void *self);
} bridge_world_ops;

typedef struct bridge_world {
    const bridge_world_ops *ops;
    void *self;
} bridge_world;

#endif
