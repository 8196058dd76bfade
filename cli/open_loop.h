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
#include "proto/hp_msgs.h"

typedef struct open_loop_result {
    uint32_t episodes, ticks; /* compared */
    uint32_t differing;       /* of those ticks */
    uint32_t configurations;  /* versions of the thresholds that were in force */
    uint32_t gaps;          /* episodes that could be compared in part only: messages are missing */
    uint32_t first_episode; /* if any differ: where the first one is ... */
    double first_t_s;
    hp_command recorded, again; /* ... and how */
} open_loop_result;

HP_NODISCARD hp_status open_loop_replay(const char *path, const cli_common *common,
                                        open_loop_result *out, hp_error *error);
/** `hyplan replay FILE --open-loop`: prints, and gives the exit status: 0 all the same, 1 not. */
int open_loop_command(const cli_usage *usage, const char *path, const cli_common *common);

#endif
