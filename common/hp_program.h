/** @file hp_program.h The common command line of the programs that `hyplan run` starts:
 * configuration files, directories, generation, signals. Ownership: plain data; texts point into
 * argv. Threads: the main thread. Allocation: while reading configuration files only. */
#ifndef HP_PROGRAM_H
#define HP_PROGRAM_H

#include "common/hp_bus.h"
#include "common/hp_yaml.h"

typedef struct hp_program_args {
    const char *run_dir; /* where results go; "." by default */
    hp_place place;      /* of the sockets: run_dir by default */
    uint32_t generation;
    uint64_t seed;
} hp_program_args;

/** A program as its main() describes it. */
typedef struct hp_program {
    const char *name;           /* "hyplan-predictor" */
    const char *summary;        /* what it does, for --help */
    const hp_section *sections; /* that it reads strictly; other known ones are skipped */
    size_t n_sections;
    /** Rules between keys; NULL: none. */
    hp_status (*check)(const hp_section *sections, hp_error *error);
    /** What it is there for, until hp_program_stopping(); for hp_program_run. */
    hp_status (*serve)(const hp_section *sections, const hp_program_args *args, hp_error *error);
} hp_program;

/** Top-level sections that exist, NULL-terminated. */
extern const char *const HP_PROGRAM_SECTIONS[];

/** Undoes what libraries may have changed while they were loaded: rounding, traps, flushing of
 * denormals, the locale. The same bits depend on them. First in main(), before threads are started.
 */
void hp_program_begin(void);
/** Begins, then reads argv and configuration. True: run. False: exit with *exit_status; help,
 * version or complaint have been printed. */
HP_NODISCARD bool hp_program_start(const hp_program *program, int argc, char **argv,
                                   hp_program_args *args, int *exit_status);
/** Reads configuration files and --set again, as a running program was given them, into program's
 * sections, which hold the defaults. On failure they hold anything: keep them apart from those in
 * use. */
HP_NODISCARD hp_status hp_program_reread(const hp_program *program, int argc, char **argv,
                                         hp_error *error);
/** Keeps SIGHUP from ending or interrupting anything; hp_program_hung_up then tells of it. To be
 * called before threads are started. */
void hp_program_hold_hup(void);
/** True if SIGHUP has come since the last call. */
bool hp_program_hung_up(void);
/** SIGINT and SIGTERM no longer end the process but what it waits for; SIGPIPE is ignored. */
void hp_program_catch_stop(void);
/** True once SIGINT or SIGTERM has come. */
bool hp_program_stopping(void);
/** All of main() for a program that has nothing to do but to serve; returns the exit status. */
int hp_program_run(const hp_program *program, int argc, char **argv);
/** Complains on stderr; returns the exit status that fits: 2 configuration, 3 environment. */
int hp_program_fail(const hp_program *program, hp_status status, const hp_error *error);

#endif
