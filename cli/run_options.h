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
    bool record;    /* into run.mcap */
    hp_place place; /* sockets NULL: a directory of this run's own; else base */
    char base[HP_BUS_ENDPOINT];
} run_options;

/** CLI_GO, or the status to exit with after a complaint. */
int run_options_read(const cli_usage *usage, int argc, char **argv, run_options *out);

#endif
