/** @file policy_driver.h The network alone at the wheel: the planner's cycle with the greedy policy
 *  in the search's place. Ownership, threads, allocation, determinism: as in driver.h. */
#ifndef POLICY_DRIVER_H
#define POLICY_DRIVER_H

#include "cli/driver.h"

HP_NODISCARD hp_status policy_driver_create(const cli_config *config, bool guard, driver **out,
                                            hp_error *error);

#endif
