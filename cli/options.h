/** @file options.h The command line's common ground: flags as tables, the effective configuration,
 *  where shipped files lie, and the exit statuses.
 *  Ownership: parsed texts point into argv; a configuration is plain data. Threads: the main
 * thread. Allocation: while reading configuration files only. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "cli/config.h"
#include "common/hp_status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CLI_DONE = 0,        /* done and passed */
    CLI_FAILED = 1,      /* ran but failed its criteria */
    CLI_USAGE = 2,       /* usage or configuration */
    CLI_ENVIRONMENT = 3, /* something outside is missing: file, port, memory, recordings */
    CLI_GO = -1,         /* of cli_parse: nothing to complain about, go on */
    CLI_MAX_TEXTS = 64,
    CLI_PATH = 1024,
    CLI_HINT = 80,
    CLI_DEFAULT_TRIALS = 300, /* where figures must not depend on the machine's load */
};

/** How to get what is never shipped. */
#define CLI_RECORDINGS_MEND                                                                        \
    "scripts/fetch-data of the source tree brings the DUT and CITR trajectories into data/; "      \
    "--data-dir DIR or HYPLAN_DATA tells where else they lie"

/** Texts of an option that may be given several times, or a comma-separated list's parts. */
typedef struct cli_texts {
    const char *items[CLI_MAX_TEXTS];
    uint32_t n;
} cli_texts;

typedef enum cli_flag_type {
    CLI_FLAG_SWITCH, /* bool */
    CLI_FLAG_TEXT,   /* const char * */
    CLI_FLAG_TEXTS,  /* cli_texts: each use adds one */
    CLI_FLAG_UINT,   /* uint32_t in [min, max] */
    CLI_FLAG_UINT64, /* uint64_t */
    CLI_FLAG_WORD,   /* uint32_t: index into words */
} cli_flag_type;

typedef struct cli_flag {
    const char *name; /* without dashes; NULL ends a table */
    char letter;      /* short form, 0: none */
    cli_flag_type type;
    void *target;
    const char *arg; /* name of the value in the help, NULL for a switch */
    const char *help;
    uint32_t min, max;        /* UINT */
    const char *const *words; /* WORD: NULL-terminated */
} cli_flag;

/** Common options that a command has no use for. */
enum {
    CLI_NO_CONFIG = 1, /* --config and --set */
    CLI_NO_SEED = 2,
    CLI_NO_OUT = 4,
    CLI_NO_DATA = 8,
    CLI_NO_JSON = 16,
    CLI_NO_JOBS = 32,
};

/** What `hyplan COMMAND --help` shows. */
typedef struct cli_usage {
    const char *command;  /* "bench" */
    const char *synopsis; /* "bench SUITE [options]" */
    const char *summary;
    const char *example;
    const char *out;  /* what --out is here: "FILE.html  the page"; NULL: a run's directory */
    uint32_t without; /* CLI_NO_...: refused with a word, and not in the help */
} cli_usage;

/** Options that mean the same in every command that takes them. */
typedef struct cli_common {
    cli_texts config_files; /* --config, later wins; none: the shipped config/hyplan.yaml */
    cli_texts sets;         /* --set a.b.c=value, wins over files */
    uint64_t seed;          /* --seed, default 1 */
    const char *out;        /* --out, NULL: runs/<time>-<name> */
    const char *data_dir;   /* --data-dir, HYPLAN_DATA, or data */
    bool json, quiet;
    uint32_t jobs; /* -j, default 1 */
} cli_common;

/** Reads argv of one command (argv[0] is the command's name) into common and the command's own
 * flags (a table ended by a NULL name; may be NULL). *rest gets what is no option; where rest is
 * NULL there may be nothing of the kind. Returns CLI_GO, or the status to exit with, after having
 * printed the help or the complaint. */
int cli_parse(const cli_usage *usage, const cli_flag *own, int argc, char **argv,
              cli_common *common, cli_texts *rest);

/** "hyplan COMMAND: error: ..." on stderr; returns status, so callers can `return cli_fail(...)`.
 */
int cli_fail(const cli_usage *usage, int status, const char *format, ...) HP_PRINTF(3, 4);
/** The exit status that fits a status code. */
int cli_exit_status(hp_status status);
/** The end of a command: CLI_DONE, or the status to exit with after having said what went wrong; by
 *  the status alone where the error is empty. */
int cli_end(const cli_usage *usage, hp_status status, const hp_error *error);

/** Splits "a,b,c" in place (text is changed). False if there are too many parts or an empty one. */
bool cli_split(char *text, cli_texts *out);
/** " (did you mean 'X'?)" with the candidate most like word, or nothing; returns out. */
const char *cli_hint(const char *word, const char *const *candidates, size_t n, char out[CLI_HINT]);
/** The candidate most like word, or NULL if none is near. */
const char *cli_nearest(const char *word, const char *const *candidates, size_t n);
/** Reads a whole number in [min, max], nothing else around it. */
bool cli_read_u64(const char *text, uint64_t min, uint64_t max, uint64_t *out);

/** Defaults, then files, then --set. Errors name file, line and column. */
HP_NODISCARD hp_status cli_config_load(const cli_common *common, cli_config *out, hp_error *error);

/** Finds a shipped file or folder ("config/hyplan.yaml", "scenarios/cts"): in the source tree above
 *  the executable, in the working directory, in ../share/hyplan beside it. False: nowhere. */
bool cli_find(const char *relative, char path[CLI_PATH]);

#endif
