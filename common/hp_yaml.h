/** @file hp_yaml.h YAML documents read into C structs by tables, with errors that name the place.
 *
 *  A table of hp_field says, for each key: where it goes, its type, range, unit and meaning. One
 *  table serves reading, checking, `--set`, printing with comments, and the documentation.
 *  Refused with "FILE:LINE:COL: error: ...": unknown keys (with the nearest known one), wrong
 * types, values out of range, nan and infinities, duplicate keys, aliases, tags, more than one
 * document, files over 256 KiB, nesting over 32, anything but UTF-8, missing required keys.
 *
 *  A byte order mark in front is skipped; a document without content sets nothing. The same for a
 *  mapping: "pruning:" with nothing after it. Numbers are decimal, with a point in every locale.
 *
 *  Status: HP_ENOENT no such file, HP_EIO a file that cannot be read, HP_ECONFIG what is in it.
 *  On any failure the targets are untouched: a document is checked whole before it is stored. So a
 *  reload may read straight into the live struct of the thread that uses it.
 *  Ownership: readers fill caller's structs and keep nothing. Threads: pure but for reading the
 *  file; the calling thread's locale is changed and put back. Allocation: while reading only. */
#ifndef HP_YAML_H
#define HP_YAML_H

#include "common/hp_status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef enum hp_field_type {
    HP_FIELD_DOUBLE,  /* double, finite, in [min, max] */
    HP_FIELD_UINT,    /* uint32_t in [min, max] */
    HP_FIELD_BOOL,    /* bool */
    HP_FIELD_STRING,  /* char[capacity], never truncated: too long is an error */
    HP_FIELD_ENUM,    /* uint32_t index into names (NULL-terminated list) */
    HP_FIELD_STRUCT,  /* a nested mapping, read by sub */
    HP_FIELD_STRUCTS, /* a sequence of mappings: struct[capacity], stride bytes apart, count at
                         count_offset */
    HP_FIELD_DOUBLES, /* a flow sequence of numbers: double[capacity], count at count_offset */
} hp_field_type;

typedef struct hp_field {
    const char *key; /* NULL ends a table */
    hp_field_type type;
    size_t offset;              /* of the value in the struct the table describes */
    double min, max;            /* closed range of numbers (and of each entry of DOUBLES) */
    const char *const *names;   /* ENUM: allowed words, NULL-terminated */
    const struct hp_field *sub; /* STRUCT, STRUCTS: table of the nested struct */
    size_t capacity;            /* STRING: bytes with the zero; STRUCTS, DOUBLES: most entries */
    size_t min_count;           /* STRUCTS, DOUBLES: fewest entries */
    size_t stride;              /* STRUCTS: sizeof one entry */
    size_t count_offset;        /* STRUCTS, DOUBLES: where the uint32_t count lies */
    bool required;              /* an absent key is an error */
    const char *unit;           /* "m/s", NULL if none */
    const char *help;           /* one line for people */
} hp_field;

/** A top-level section of a configuration: `name:` and the struct that it fills. */
typedef struct hp_section {
    const char *name;
    const hp_field *fields;
    void *target; /* holds the defaults before reading */
} hp_section;

/** Reads one YAML file into target by a table; keys absent from the file leave target as it is.
 *  A list is set whole: its count is the file's, and keys absent from an entry leave that entry's
 *  member as it is, so fill all of capacity with defaults first. */
HP_NODISCARD hp_status hp_yaml_read(const char *path, const hp_field *fields, void *target,
                                    hp_error *error);
/** The same from memory; name stands for the file in errors. */
HP_NODISCARD hp_status hp_yaml_parse(const char *text, size_t len, const char *name,
                                     const hp_field *fields, void *target, hp_error *error);

/** Reads a configuration file into its sections. Top-level keys that are in known_names (NULL-
 *  terminated, may be NULL) but not among the sections are skipped; all others must be sections.
 *  Files in layers are read one after the other, the last one wins; a required key must be in each
 *  of them, so keys of sections should have defaults instead. */
HP_NODISCARD hp_status hp_config_read(const char *path, const hp_section *sections, size_t n,
                                      const char *const *known_names, hp_error *error);
HP_NODISCARD hp_status hp_config_parse(const char *text, size_t len, const char *name,
                                       const hp_section *sections, size_t n,
                                       const char *const *known_names, hp_error *error);
/** Applies one "a.b.c=value" as from `--set`; the value is YAML too ("[1, 2]"). Assignments to
 *  sections that are only in known_names are skipped. Errors: "--set a.b.c=value: error: ...". */
HP_NODISCARD hp_status hp_config_set(const char *assignment, const hp_section *sections, size_t n,
                                     const char *const *known_names, hp_error *error);
/** Where a file has the key "a.b.c". False: nowhere, or the file cannot be read. */
bool hp_config_find(const char *path, const char *keys, uint32_t *line, uint32_t *column);
/** Prints sections as YAML that reads back to the same bits; comments adds help, unit and range.
 *  HP_EINVAL if a value has no such form (not finite, an enum's index outside its words, text that
 *  is not UTF-8), HP_EIO if out fails; what is printed by then stays. */
HP_NODISCARD hp_status hp_config_print(FILE *out, const hp_section *sections, size_t n,
                                       bool comments);

/** Shorthands for tables. S is the struct, M its member. */
#define HP_F_DOUBLE(S, M, LO, HI, UNIT, HELP)                                                      \
    {                                                                                              \
        .key = #M, .type = HP_FIELD_DOUBLE, .offset = offsetof(S, M), .min = (LO), .max = (HI),    \
        .unit = (UNIT), .help = (HELP)                                                             \
    }
#define HP_F_UINT(S, M, LO, HI, UNIT, HELP)                                                        \
    {                                                                                              \
        .key = #M, .type = HP_FIELD_UINT, .offset = offsetof(S, M), .min = (LO), .max = (HI),      \
        .unit = (UNIT), .help = (HELP)                                                             \
    }
#define HP_F_BOOL(S, M, HELP)                                                                      \
    {                                                                                              \
        .key = #M, .type = HP_FIELD_BOOL, .offset = offsetof(S, M), .help = (HELP)                 \
    }
#define HP_F_STRING(S, M, HELP)                                                                    \
    {                                                                                              \
        .key = #M, .type = HP_FIELD_STRING, .offset = offsetof(S, M),                              \
        .capacity = sizeof(((S *)0)->M), .help = (HELP)                                            \
    }
#define HP_F_ENUM(S, M, NAMES, HELP)                                                               \
    {                                                                                              \
        .key = #M, .type = HP_FIELD_ENUM, .offset = offsetof(S, M), .names = (NAMES),              \
        .help = (HELP)                                                                             \
    }
#define HP_F_STRUCT(S, M, SUB, HELP)                                                               \
    {                                                                                              \
        .key = #M, .type = HP_FIELD_STRUCT, .offset = offsetof(S, M), .sub = (SUB), .help = (HELP) \
    }
/** As HP_F_DOUBLE, under another name than the member's, and demanded. */
#define HP_F_NUMBER(S, KEY, M, LO, HI, UNIT, HELP)                                                 \
    {                                                                                              \
        .key = (KEY), .type = HP_FIELD_DOUBLE, .offset = offsetof(S, M), .min = (LO), .max = (HI), \
        .required = true, .unit = (UNIT), .help = (HELP)                                           \
    }
#define HP_F_END                                                                                   \
    {                                                                                              \
        .key = NULL                                                                                \
    }

#endif
