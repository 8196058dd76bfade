/** @file open_loop.h A recording's frames through the planner once more: does it command the same?
 *
 *  The pipeline runs in this thread. Configuration and seed are the recording's own, with --config
 * and
 *  --set on top; thresholds that were changed during the run change where they did. What cannot be
 * repeated is taken from the recorded decisions: that a worker did not answer, how many trials a
 * search with a time budget made, that the planner was started anew. With everything equal each
 * command is the same to the bit, on the binary that recorded it. Ownership: plain data. Threads:
 * the caller's. Allocation: while replaying. */
#ifndef OPEN_LOOP_H
#define OPEN_LOOP_H

#include "cli/options.h"

/** `hyplan replay FILE --open-loop`: prints, and gives the exit status: 0 all the same, 1 not. */
int open_loop_command(const cli_usage *usage, const char *path, const cli_common *common);

#endif
