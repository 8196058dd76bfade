/** @file bench_origin.h What a benchmark's rows come from: the program, and the content of every
 * file that decided them. Names and hashes; where a file lies does not matter. Ownership: plain
 * data; run is borrowed. Threads: pure but for reading files. Allocation: while reading files and
 * composing. */
#ifndef BENCH_ORIGIN_H
#define BENCH_ORIGIN_H

#include "common/hp_status.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum { BENCH_MAX_SOURCES = 24, BENCH_SOURCE_NAME = 32, BENCH_SOURCE_HASH = 40 };

typedef struct bench_source {
    char name[BENCH_SOURCE_NAME]; /* "program", "policy.model", "scenario 03" */
    char hash[BENCH_SOURCE_HASH]; /* or one of the words below */
    const char *run;              /* whose directory told it; NULL: none */
} bench_source;

#define BENCH_PROGRAM "program"
#define BENCH_UNKNOWN "unknown" /* of a run from before this was recorded */
#define BENCH_MIXED "mixed"     /* rows of several, by the user's wish */
#define BENCH_ABSENT "absent"   /* no such file, or none that can be read */

typedef struct bench_origin {
    uint32_t n;
    bench_source items[BENCH_MAX_SOURCES];
} bench_origin;

/** Adds this program: its version and sources. */
void bench_origin_add_program(bench_origin *origin);
/** Adds a file's content, under a name that is there already behind what that has. HP_ENOMEM. */
HP_NODISCARD hp_status bench_origin_add_file(bench_origin *origin, const char *name,
                                             const char *path, hp_error *error);
/** The hash of that name; NULL: there is none. */
const char *bench_origin_find(const bench_origin *origin, const char *name);
/** Takes in what others' rows come from; run is their directory, or NULL. HP_EINVAL where a name
 * has two hashes, unless mixed: then its hash becomes that word. Where one is unknown, both are. */
HP_NODISCARD hp_status bench_origin_join(bench_origin *all, const bench_origin *more,
                                         const char *run, bool mixed, hp_error *error);
/** The names with that word for a hash, with commas; false: none. */
bool bench_origin_list(const bench_origin *origin, const char *word, char *text, size_t cap);

json_t *bench_origin_json(const bench_origin *origin);
/** json NULL: a run from before this was recorded. False: not written by bench_origin_json. */
bool bench_origin_take(json_t *json, bench_origin *out);

#endif
