/** @file rundir.h A run's directory: made once, filled with files that are whole or absent.
 *  Ownership: plain data. Threads: one run, one writer. Allocation: while writing only. */
#ifndef RUNDIR_H
#define RUNDIR_H

#include "cli/options.h"

#include <jansson.h>
#include <stdio.h>

typedef struct cli_rundir {
    char path[CLI_PATH];
    int64_t start_s; /* wall clock */
} cli_rundir;

/** Makes --out, or runs/<time>-<name>; an existing directory is used as it is. */
HP_NODISCARD hp_status cli_rundir_open(const cli_common *common, const char *name, cli_rundir *out,
                                       hp_error *error);
/** DIR/file. False: too long. */
bool cli_rundir_path(const cli_rundir *dir, const char *file, char path[CLI_PATH]);
/** Writes a file through a temporary one and rename: whole or not at all. */
HP_NODISCARD hp_status cli_rundir_write(const cli_rundir *dir, const char *file, const void *bytes,
                                        size_t len, hp_error *error);
/** The same for a JSON object, indented. */
HP_NODISCARD hp_status cli_rundir_write_json(const cli_rundir *dir, const char *file,
                                             const json_t *json, hp_error *error);
/** A text that is put together in memory, and then becomes a file as above. */
typedef struct cli_draft {
    FILE *out;
    char *text;
    size_t len;
} cli_draft;

HP_NODISCARD hp_status cli_draft_open(cli_draft *draft, hp_error *error);
/** Closes the draft, and writes it unless it is empty. */
HP_NODISCARD hp_status cli_draft_write(cli_draft *draft, const cli_rundir *dir, const char *file,
                                       hp_error *error);
/** manifest.json: version, build, sources, ISA, host, seed, effective configuration, start, and the
 * verdict
 *  ("running" until the end is known). */
HP_NODISCARD hp_status cli_rundir_manifest(const cli_rundir *dir, const cli_common *common,
                                           const cli_config *config, const char *verdict,
                                           hp_error *error);

/** A double for JSON: null unless finite. */
json_t *cli_json_real(double value);

/** Writes config.yaml: give it to --config to run with the same again. */
HP_NODISCARD hp_status cli_rundir_config(const cli_rundir *dir, const cli_config *config,
                                         hp_error *error);

#endif
