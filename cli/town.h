/** @file town.h Where a town's road map lies.
 *  Threads: the main thread. Allocation: none. */
#ifndef TOWN_H
#define TOWN_H

#include "cli/options.h"

/** Finds TOWN.xodr beside the recording, or below the data directory; false, and an empty path, if
 *  it is nowhere. */
bool town_find(const cli_common *common, const char *town, const char *recording,
               char path[CLI_PATH]);

#endif
