/** @file topview.h A scenario's street from above, in characters.
 *  Ownership: borrows the scenario. Threads: pure. Allocation: none. */
#ifndef TOPVIEW_H
#define TOPVIEW_H

#include "sim-bridge/sim_scenario.h"

#include <stdio.h>

/** North is up; a character is 1 m wide, and high enough for some 40 rows. */
void topview_print(const sim_scenario *scenario, FILE *out);

#endif
