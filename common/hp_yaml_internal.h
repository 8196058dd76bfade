/** @file hp_yaml_internal.h What the parts of hp_yaml share: the document as a tree, and error
 * texts. hp_yaml_text.c bytes and words, hp_yaml_tree.c libyaml's events into a tree, hp_yaml.c
 * trees into structs, hp_yaml_print.c structs into text. Threads: pure. Allocation: the tree only.
 */
#ifndef HP_YAML_INTERNAL_H
#define HP_YAML_INTERNAL_H

#include "common/hp_status.h"
#include "common/hp_yaml.h"

#include <locale.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HP_YAML_MAX_BYTES = 256 * 1024,
    HP_YAML_MAX_DEPTH = 32,     /* collections within collections */
    HP_YAML_SHOW_CAPACITY = 64, /* for hp_yaml_show */
    HP_PLACE_CAPACITY = 160,    /* for hp_place_show */
    HP_WITHIN_CAPACITY = HP_PLACE_CAPACITY + 8
};

typedef enum hp_node_kind { HP_NODE_SCALAR, HP_NODE_LIST, HP_NODE_MAP } hp_node_kind;

/** One value. A map's children alternate: key, value, key, value. */
typedef struct hp_node {
    hp_node_kind kind;
    bool quoted;           /* scalar: was in quotes or a block, so it is text and nothing else */
    uint32_t line, column; /* from 1 */
    uint32_t first, next;  /* child and sibling; 0: none (the root is nobody's child) */
    uint32_t n_children;
    uint32_t text, len; /* scalar: offset into the tree's texts (zero-terminated there), bytes */
} hp_node;

typedef struct hp_tree {
    hp_node *nodes; /* [0] is the root */
    char *texts;
    uint32_t n_nodes, node_capacity;
    uint32_t n_text, text_capacity;
} hp_tree;

/** What is being read, for errors. */
typedef struct hp_source {
    const char *name; /* file, or "--set a.b=1" */
    bool has_lines;   /* errors carry line and column */
    hp_error *error;  /* may be NULL */
} hp_source;

static inline const char *hp_tree_text(const hp_tree *tree, const hp_node *node)
{
    return tree->texts + node->text;
}

/** Child and sibling; NULL: none. */
static inline const hp_node *hp_tree_node(const hp_tree *tree, uint32_t index)
{
    return index == 0 ? NULL : &tree->nodes[index];
}

/** Reads one document; of an empty one the root is an empty scalar. HP_ECONFIG or HP_ENOMEM with
 * nothing to free.
 */
HP_NODISCARD hp_status hp_tree_parse(const char *text, size_t len, const hp_source *source,
                                     hp_tree *out);
void hp_tree_free(hp_tree *tree);

/** The value of a map's key, which always has one. */
static inline const hp_node *hp_map_value(const hp_tree *tree, const hp_node *key)
{
    return &tree->nodes[key->next];
}

/** The key after this one; NULL: none. */
static inline const hp_node *hp_map_next(const hp_tree *tree, const hp_node *key)
{
    return hp_tree_node(tree, hp_map_value(tree, key)->next);
}

static inline bool hp_node_is_nothing(const hp_node *node)
{
    return node->kind == HP_NODE_SCALAR && !node->quoted && node->len == 0;
}

/** Search for the known word nearest to an unknown one. */
typedef struct hp_nearest {
    const char *wanted; /* the unknown word */
    const char *word;   /* nearest so far, NULL if nothing is reasonably near */
    uint32_t distance;
    char below[44]; /* path of that very word further down, "" if it is not there; goes first */
} hp_nearest;

void hp_nearest_try(hp_nearest *nearest, const char *word);
/** Looks for the wanted word itself below the mappings of a table, which is at prefix ("", "a.").
 */
void hp_nearest_below(hp_nearest *nearest, const char *prefix, const hp_field *fields);
/** " (did you mean 'x'?)", or nothing; returns out. */
const char *hp_nearest_hint(const hp_nearest *nearest, char out[HP_YAML_SHOW_CAPACITY]);

/** Where we are in the document, as a chain from the value up to the root. */
typedef struct hp_place {
    const struct hp_place *parent; /* NULL: top level */
    const char *key;               /* NULL: entry of a list */
    uint32_t index;                /* of the entry */
} hp_place;

/** One walk over a tree. A document is walked twice: to check, then to store what cannot fail. */
typedef struct hp_reader {
    const hp_tree *tree;
    const hp_source *source;
    bool store;
    bool partial; /* --set gives part of a struct, so required keys may be absent */
} hp_reader;

/** Reads something out of r->tree; stores it only if r->store. */
typedef hp_status (*hp_yaml_visit)(const hp_reader *r, const void *ctx);

/** Parses a text and visits its tree as a reader with as's source and rights: once to check all of
 *  it, and once more to store. */
HP_NODISCARD hp_status hp_yaml_read_twice(const hp_reader *as, const char *text, size_t len,
                                          hp_yaml_visit visit, const void *ctx);

/** Reads a value of any type into out. */
HP_NODISCARD hp_status hp_yaml_read_value(const hp_reader *r, const hp_field *field,
                                          const hp_node *node, unsigned char *out,
                                          const hp_place *at);
/** Reads a map, or nothing at all, into the struct at base; at is NULL at the top level. */
HP_NODISCARD hp_status hp_yaml_read_map(const hp_reader *r, const hp_field *fields,
                                        const hp_node *map, unsigned char *base,
                                        const hp_place *at);
/** The part of hp_yaml_read_value for types that are one scalar. */
HP_NODISCARD hp_status hp_yaml_read_scalar(const hp_reader *r, const hp_field *field,
                                           const hp_node *node, unsigned char *out,
                                           const hp_place *at);
/** The double of hp_yaml_read_scalar, also for entries of a list. */
HP_NODISCARD hp_status hp_yaml_read_double(const hp_reader *r, const hp_field *field,
                                           const hp_node *node, unsigned char *out,
                                           const hp_place *at);
bool hp_map_has(const hp_tree *tree, const hp_node *map, const char *word);
/** Refuses a key that an elder sibling has too. */
HP_NODISCARD hp_status hp_yaml_check_duplicate(const hp_reader *r, const hp_node *map,
                                               const hp_node *key, const hp_place *at);
/** The field of that key, else NULL with the nearest one for the error. */
const hp_field *hp_yaml_find_field(const hp_field *fields, const char *word, hp_nearest *nearest);

/** Reads a whole file of at most HP_YAML_MAX_BYTES; *text is the caller's to free. */
HP_NODISCARD hp_status hp_yaml_load(const char *path, char **text, size_t *len, hp_error *error);

/** "a.b[2].c"; returns out. */
const char *hp_place_show(const hp_place *at, char out[HP_PLACE_CAPACITY]);
/** " in 'a.b'", or nothing at the top level; returns out. */
const char *hp_place_within(const hp_place *at, char out[HP_WITHIN_CAPACITY]);
hp_status hp_yaml_wrong_type(const hp_reader *r, const hp_node *node, const hp_place *at,
                             const char *wanted);
hp_status hp_yaml_unknown_key(const hp_reader *r, const hp_node *key, const hp_place *at,
                              const hp_nearest *nearest);

/** Reports HP_ECONFIG as "NAME:LINE:COL: error: ..." */
hp_status hp_yaml_fail(const hp_source *source, uint32_t line, uint32_t column, const char *format,
                       ...) HP_PRINTF(4, 5);

/** Reports HP_ENOMEM as "NAME: error: out of memory". */
hp_status hp_yaml_out_of_memory(const char *name, hp_error *error);

/** Decodes the code point at text[0..len), len > 0; returns its bytes, 0 if it is not UTF-8. */
size_t hp_utf8_next(const char *text, size_t len, uint32_t *code);
/** True if the code point may stand in a document: no control, no byte order mark, no exotic break.
 */
bool hp_utf8_allowed(uint32_t code);

/** Outside text made fit for one line of an error: shortened, controls as '?'. Returns out. */
const char *hp_yaml_show(const char *text, size_t len, char out[HP_YAML_SHOW_CAPACITY]);
/** Shortest decimal that reads back to the same double; out has room for 32 bytes. Returns out. */
const char *hp_yaml_number(double value, char out[32]);

/** Numbers are read and written with a decimal point whatever the program's locale: enter and leave
 *  enclose such code, for the calling thread only. */
typedef struct hp_c_locale {
    locale_t c, before;
} hp_c_locale;

HP_NODISCARD hp_status hp_c_locale_enter(hp_c_locale *scope);
void hp_c_locale_leave(hp_c_locale *scope);

#endif
