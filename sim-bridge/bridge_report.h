/** @file bridge_report.h What the bridge leaves in the run directory: steps.csv, one row per tick,
 * and episodes.json, the judge's figures of every episode. Both are whole or absent: episodes.json
 * is replaced after each episode, steps.csv grows as steps.csv.tmp and gets its name at the end.
 *  Ownership: a report owns its files. Threads: one. Allocation: in open, and at episodes' ends. */
#ifndef BRIDGE_REPORT_H
#define BRIDGE_REPORT_H

#include "common/hp_status.h"
#include "sim-bridge/bridge_world.h"

typedef struct bridge_report bridge_report;

/** How an episode went, beside what the judge saw. */
typedef struct bridge_outcome {
    uint32_t episode;
    bool planner_lost; /* it did not answer any more: the car braked to the end */
    bool stopped;      /* ended from outside */
    uint32_t watchdog; /* ticks braked because no command came in time */
    uint32_t resent;   /* frames sent again */
    uint64_t refused;  /* letters, since the start */
    uint32_t planners; /* generation of the planner that was there at the end */
} bridge_outcome;

HP_NODISCARD hp_status bridge_report_open(const char *dir, const char *world, const char *title,
                                          uint64_t seed, bridge_report **out, hp_error *error);
/** Gives steps.csv its name. HP_EIO if anything could not be written since open. */
HP_NODISCARD hp_status bridge_report_close(bridge_report **report, hp_error *error);
/** One tick: what was seen and what was done about it (NULL: no command, the vehicle braked). */
void bridge_report_tick(bridge_report *report, uint32_t episode, const hp_frame *frame,
                        const hp_command *command);
HP_NODISCARD hp_status bridge_report_episode(bridge_report *report, const bridge_outcome *outcome,
                                             const sim_result *result, hp_error *error);

#endif
