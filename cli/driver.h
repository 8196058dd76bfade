/** @file driver.h Who holds the wheel in a benchmark: HyPlan's pipeline, or a baseline. All of them
 *  get the same frames and nothing else.
 *  Ownership: create/destroy. Threads: one driver, one thread. */
#ifndef DRIVER_H
#define DRIVER_H

#include "common/hp_status.h"
#include "proto/hp_msgs.h"

typedef struct driver driver;

typedef struct driver_ops {
    const char *name, *help;
    void (*begin)(driver *self, const hp_world_info *info, uint64_t seed);
    /** The command for this frame; decision may be NULL. */
    void (*tick)(driver *self, const hp_frame *frame, hp_command *command, hp_decision *decision);
    void (*destroy)(driver *self);
} driver_ops;

struct driver {
    const driver_ops *ops;
};

#endif
