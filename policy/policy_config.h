/** @file policy_config.h Section "policy" of the configuration. It has no keys as long as there is
 * no network to load, and the reader refuses any: a model that would silently not be used helps
 * nobody. Ownership: plain data. Threads: pure. Allocation: none. */
#ifndef POLICY_CONFIG_H
#define POLICY_CONFIG_H

#include "common/hp_yaml.h"

extern const hp_field POLICY_FIELDS[];

#endif
