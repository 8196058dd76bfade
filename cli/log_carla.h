/** @file log_carla.h hyplan log info of a file of CARLA's recorder.
 *  Threads: the main thread. Allocation: while reading. */
#ifndef LOG_CARLA_H
#define LOG_CARLA_H

#include "cli/options.h"

/** Prints what is in it; returns the exit status. */
int log_carla_info(const cli_usage *usage, const char *path, bool json);

#endif
