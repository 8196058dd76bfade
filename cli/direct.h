/** @file direct.h HyPlan's whole pipeline in one thread, without sockets: the planner's cycle with
 *  the predictor and the search called directly. Same code and same numbers as the processes.
 *  Ownership, threads, allocation, determinism: as in driver.h. */
#ifndef DIRECT_H
#define DIRECT_H

#include "cli/driver.h"

enum { DIRECT_AS_CONFIGURED = POMDP_PRUNE_METHODS };

/** guard overrides planner.guard.enabled, method (a pomdp_prune_method, or DIRECT_AS_CONFIGURED)
 * pomdp.prune.method. HP_ECONFIG if it cannot prune as it should: figures of another search than
 * the one that was asked for would be worse than none. */
HP_NODISCARD hp_status direct_driver_create(const cli_config *config, bool guard, uint32_t method,
                                            driver **out, hp_error *error);
/** The same with a search that always wants to go: only path and guard are left. */
HP_NODISCARD hp_status reckless_driver_create(const cli_config *config, bool guard, driver **out,
                                              hp_error *error);

#endif
