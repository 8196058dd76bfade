/** @file direct.h HyPlan's whole pipeline in one thread, without sockets: the planner's cycle with
 *  the predictor and the search called directly. Same code and same numbers as the processes.
 *  Ownership, threads, allocation, determinism: as in driver.h. */
#ifndef DIRECT_H
#define DIRECT_H

#include "cli/driver.h"

/** guard overrides planner.guard.enabled. */
HP_NODISCARD hp_status direct_driver_create(const cli_config *config, bool guard, driver **out);
/** The same with a search that always wants to go: only path and guard are left. */
HP_NODISCARD hp_status reckless_driver_create(const cli_config *config, bool guard, driver **out);

#endif
