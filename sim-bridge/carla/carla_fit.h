/** @file carla_fit.h Finds out what pedals and wheel of the server's ego do, by driving it.
 *
 *  On the longest straight lane of the loaded map an ego is spawned, driven by fixed pedals, and
 * put back, several times; then it weaves. A line through its accelerations gives section
 * bridge.carla: throttle, brake, rolling, drag; and how far the wheels turn. Afterwards the server
 * is as it was. Threads: one. Allocation: the session and the samples. Determinism: as the
 * server's. */
#ifndef CARLA_FIT_H
#define CARLA_FIT_H

#include "common/hp_status.h"
#include "sim-bridge/carla/carla_config.h"

#include <stdbool.h>

typedef struct carla_fit {
    double throttle_mps2, brake_mps2, rolling_mps2, drag_mps2_per_mps2, steer_gain;
    double rms_mps2; /* what the line leaves of the accelerations */
    uint32_t n_samples;
    double straight_m; /* length of the lane that was driven on */
} carla_fit;

/** stopping is asked before each tick; NULL: it goes on to the end. HP_ENOENT: the map has no
 * straight lane that is long enough; HP_EINVAL: what was measured fits no such map of pedals;
 * HP_EBUSY: somebody else owns the clock; HP_EINTERRUPTED: it was to stop. */
HP_NODISCARD hp_status carla_fit_drive(const carla_config *config, double tick_s,
                                       bool (*stopping)(void), carla_fit *out, hp_error *error);

#endif
