/** @file carla_version.h What differs between releases of the simulator.
 *  Threads: pure. Allocation: none. */
#ifndef CARLA_VERSION_H
#define CARLA_VERSION_H

#include "common/hp_status.h"

#include <stddef.h>
#include <stdint.h>

/** Releases whose layouts are known. */
typedef enum carla_version {
    CARLA_0_9_12,
    CARLA_0_9_13,
    CARLA_0_9_14,
    CARLA_0_9_15,
    CARLA_0_9_16,
    CARLA_0_10_0, /* recognised, so that it can be refused by name */
    CARLA_VERSIONS
} carla_version;

/** "0.9.15". */
const char *carla_version_text(carla_version version);
/** Takes the leading A.B.C of what a server reports; source builds add more. HP_EVERSION for
 *  releases that are not known and for 0.10, whose layouts differ: *error says which are. */
HP_NODISCARD hp_status carla_version_parse(const char *text, size_t len, carla_version *out,
                                           hp_error *error);

/** Type of a string attribute; 0.9.16 counts from 1. */
uint32_t carla_version_string_type(carla_version version);
/** sensor_type in the header of world snapshots. */
uint32_t carla_version_observer_type(carla_version version);

#endif
