/** @file driver.h Who holds the wheel in a benchmark: HyPlan's pipeline, or a baseline. All of them
 *  get the same frames and nothing else.
 *  Ownership: create/destroy. Threads: one driver, one thread. Allocation: in create only.
 *  Determinism: with a budget of trials, a function of (configuration, seed, world info, frames).
 */
#ifndef DRIVER_H
#define DRIVER_H

#include "cli/config.h"
#include "common/hp_status.h"
#include "proto/hp_msgs.h"

typedef struct driver driver;

typedef struct driver_ops {
    void (*begin)(driver *self, const hp_world_info *info, uint64_t seed);
    /** The command for this frame; decision may be NULL. */
    void (*tick)(driver *self, const hp_frame *frame, hp_command *command, hp_decision *decision);
    void (*destroy)(driver *self);
} driver_ops;

struct driver {
    const driver_ops *ops;
};

/** Files of the configuration that a driver may load. */
enum {
    DRIVER_ASKS_PREDICTOR = 1,   /* predictor.model */
    DRIVER_ASKS_POLICY = 2,      /* policy.model */
    DRIVER_ASKS_CALIBRATION = 4, /* pomdp.prune.calibration */
};

/** A driver that can be asked for by name. */
typedef struct driver_kind {
    const char *name, *help;
    bool baseline;    /* no guard, no search: there to compare with */
    uint32_t variant; /* baseline_kind, or pomdp_prune_method of the pipeline */
    uint32_t asks;    /* DRIVER_ASKS_...: the files that decide what it does */
    /** NULL: the variant is all there is to it. */
    hp_status (*create)(const cli_config *config, bool guard, driver **out, hp_error *error);
} driver_kind;

/** All of them, baselines first; ended by a NULL name. */
extern const driver_kind DRIVER_KINDS[];
/** NULL: no such driver. */
const driver_kind *driver_kind_find(const char *name);
HP_NODISCARD hp_status driver_create(const driver_kind *kind, const cli_config *config, bool guard,
                                     driver **out, hp_error *error);
/** HP_EINVAL: there is no such driver, and which was meant. */
hp_status driver_kind_refuse(const char *option, const char *name, hp_error *error);

static inline void driver_destroy(driver **self)
{
    if (*self != NULL) {
        (*self)->ops->destroy(*self);
        *self = NULL;
    }
}

#endif
