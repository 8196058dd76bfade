/** @file run_options.h What `hyplan run` was asked to do, resolved into a configuration.
 *  Ownership: texts point into argv. Threads: the main thread. Allocation: while reading files. */
#ifndef RUN_OPTIONS_H
#define RUN_OPTIONS_H

#include "cli/config.h"
#include "cli/options.h"
#include "common/hp_bus.h"

typedef struct run_options {
    cli_common common;
    cli_config config; /* with section bridge filled from the flags */
    bool embedded;
    bool unpruned;  /* --planner despot */
    bool record;    /* into run.mcap */
    hp_place place; /* sockets NULL: a directory of this run's own; else base */
    char base[HP_BUS_ENDPOINT];
} run_options;

/** CLI_GO, or the status to exit with after a complaint. */
int run_options_read(const cli_usage *usage, int argc, char **argv, run_options *out);

/** Reads files and --set again. HP_ECONFIG: a fault in them, or a change of what holds for a run.
 */
HP_NODISCARD hp_status run_options_reload(const run_options *options, cli_config *fresh,
                                          hp_error *error);

#endif
