#include "common/hp_yaml.h"

#include "common/hp_yaml_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ASSIGNMENT_SHOWN = 120, /* bytes of an assignment in an error */
    KEYS_CAPACITY = 256     /* "a.b.c" with its zero */
};

/** What a document is read into. */
typedef struct sections {
    const hp_section *list;
    size_t n;
    const char *const *known_names; /* of other programs' sections; may be NULL */
} sections;

static const hp_section *find_section(const sections *all, const char *word, hp_nearest *nearest)
{
    for (size_t i = 0; i < all->n; ++i) {
        if (strcmp(all->list[i].name, word) == 0) {
            return &all->list[i];
        }
        hp_nearest_try(nearest, all->list[i].name);
    }
    for (size_t i = 0; i < all->n && nearest->below[0] == '\0'; ++i) {
        const hp_field whole[] = {
            {.key = all->list[i].name, .type = HP_FIELD_STRUCT, .sub = all->list[i].fields},
            {.key = NULL},
        };
        hp_nearest_below(nearest, "", whole);
    }
    return NULL;
}

static bool is_known_name(const sections *all, const char *word, hp_nearest *nearest)
{
    for (const char *const *name = all->known_names; name != NULL && *name != NULL; ++name) {
        if (strcmp(*name, word) == 0) {
            return true;
        }
        hp_nearest_try(nearest, *name);
    }
    return false;
}

/** "a.b.c: 1", as --set would take it. */
static hp_status refuse_dots(const hp_reader *r, const hp_node *key, const char *word)
{
    char text[HP_YAML_SHOW_CAPACITY];
    return hp_yaml_fail(r->source, key->line, key->column,
                        "unknown key '%s': dots are for --set; in a file keys stand below each "
                        "other, as in 'pomdp: {budget: {trials: 300}}'",
                        hp_yaml_show(word, strlen(word), text));
}

static hp_status read_section(const hp_reader *r, const sections *all, const hp_node *root,
                              const hp_node *key)
{
    const hp_place here = {.key = hp_tree_text(r->tree, key)};
    hp_nearest nearest = {.wanted = here.key};
    const hp_section *section = find_section(all, here.key, &nearest);
    if (section == NULL && !is_known_name(all, here.key, &nearest)) {
        return strchr(here.key, '.') == NULL ? hp_yaml_unknown_key(r, key, NULL, &nearest)
                                             : refuse_dots(r, key, here.key);
    }
    const hp_status status = hp_yaml_check_duplicate(r, root, key, NULL);
    if (status != HP_OK || section == NULL) {
        return status;
    }
    return hp_yaml_read_map(r, section->fields, hp_map_value(r->tree, key), section->target, &here);
}

/** A section that is not there is one with nothing in it: its required keys are missed too. */
static hp_status read_absent(const hp_reader *r, const sections *all, const hp_node *root)
{
    const hp_node nothing = {.kind = HP_NODE_SCALAR, .line = root->line, .column = root->column};
    hp_status status = HP_OK;
    for (size_t i = 0; status == HP_OK && i < all->n; ++i) {
        const hp_section *section = &all->list[i];
        const hp_place here = {.key = section->name};
        if (!hp_map_has(r->tree, root, section->name)) {
            status = hp_yaml_read_map(r, section->fields, &nothing, section->target, &here);
        }
    }
    return status;
}

static hp_status read_sections(const hp_reader *r, const void *ctx)
{
    const sections *all = ctx;
    const hp_node *root = r->tree->nodes;
    if (root->kind != HP_NODE_MAP && !hp_node_is_nothing(root)) {
        return hp_yaml_wrong_type(r, root, NULL, "a mapping (section: ...)");
    }
    const hp_node *key = hp_tree_node(r->tree, root->first);
    while (key != NULL) {
        const hp_status status = read_section(r, all, root, key);
        if (status != HP_OK) {
            return status;
        }
        key = hp_map_next(r->tree, key);
    }
    return read_absent(r, all, root);
}

/* NOLINTNEXTLINE(readability-function-size): a text, its targets, its report, each of two words */
hp_status hp_config_parse(const char *text, size_t len, const char *name, const hp_section *list,
                          size_t n, const char *const *known_names, hp_error *error)
{
    const hp_source source = {.name = name, .has_lines = true, .error = error};
    const sections all = {list, n, known_names};
    return hp_yaml_read_twice(&(hp_reader){.source = &source}, text, len, read_sections, &all);
}

hp_status hp_config_read(const char *path, const hp_section *list, size_t n,
                         const char *const *known_names, hp_error *error)
{
    char *text = NULL;
    size_t len = 0;
    hp_status status = hp_yaml_load(path, &text, &len, error);
    if (status == HP_OK) {
        status = hp_config_parse(text, len, path, list, n, known_names, error);
    }
    free(text);
    return status;
}

/** Cuts the first key off "a.b.c" and returns it; *rest becomes what follows, NULL at the end. */
static char *next_key(char **rest)
{
    char *key = *rest;
    char *dot = strchr(key, '.');
    if (dot != NULL) {
        *dot = '\0';
        ++dot;
    }
    *rest = dot;
    return key;
}

/** The last of the keys "a.b.c" that the tree has, from the root down; NULL: not even the first. */
static const hp_node *find_key(const hp_tree *tree, char *rest)
{
    const hp_node *found = NULL;
    const hp_node *map = tree->nodes;
    while (rest != NULL && map->kind == HP_NODE_MAP) {
        const char *word = next_key(&rest);
        const hp_node *key = hp_tree_node(tree, map->first);
        while (key != NULL && strcmp(hp_tree_text(tree, key), word) != 0) {
            key = hp_map_next(tree, key);
        }
        if (key == NULL) {
            return NULL;
        }
        found = key;
        map = hp_map_value(tree, key);
    }
    return rest == NULL ? found : NULL;
}

bool hp_config_find(const char *path, const char *keys, uint32_t *line, uint32_t *column)
{
    hp_error unused;
    hp_tree tree;
    char *text = NULL;
    size_t len = 0;
    char copy[KEYS_CAPACITY];
    const hp_source source = {.name = path, .has_lines = true, .error = &unused};
    if (strlen(keys) >= sizeof copy || hp_yaml_load(path, &text, &len, &unused) != HP_OK) {
        return false;
    }
    const hp_status status = hp_tree_parse(text, len, &source, &tree);
    free(text);
    if (status != HP_OK) {
        return false;
    }
    (void)snprintf(copy, sizeof copy, "%s", keys);
    const hp_node *key = find_key(&tree, copy);
    if (key != NULL) {
        *line = key->line;
        *column = key->column;
    }
    hp_tree_free(&tree);
    return key != NULL;
}

/** Follows rest ("b.c") down from a struct to a value and reads the tree's root into it. */
static hp_status set_within(const hp_reader *r, const hp_field *fields, unsigned char *base,
                            char *rest, const hp_place *top)
{
    hp_place chain[HP_YAML_MAX_DEPTH];
    const hp_place *at = top;
    for (size_t depth = 0; rest != NULL && depth < HP_ARRAY_LEN(chain); ++depth) {
        const char *word = next_key(&rest);
        hp_nearest nearest;
        const hp_field *field = hp_yaml_find_field(fields, word, &nearest);
        if (field == NULL) {
            return hp_yaml_unknown_key(r, r->tree->nodes, at, &nearest);
        }
        chain[depth] = (hp_place){.parent = at, .key = word};
        at = &chain[depth];
        if (rest == NULL) {
            return hp_yaml_read_value(r, field, r->tree->nodes, base, at);
        }
        if (field->type != HP_FIELD_STRUCT) {
            char path[HP_PLACE_CAPACITY];
            return hp_yaml_fail(r->source, 0, 0, "'%s' is one value: nothing can follow it",
                                hp_place_show(at, path));
        }
        fields = field->sub;
        base += field->offset;
    }
    return hp_yaml_read_map(r, fields, r->tree->nodes, base, at);
}

/** A value and where it belongs. */
typedef struct setting {
    const sections *all;
    const char *keys; /* "a.b.c" */
} setting;

static hp_status set_keys(const hp_reader *r, const void *ctx)
{
    const setting *s = ctx;
    const sections *all = s->all;
    char copy[KEYS_CAPACITY];
    char *rest = copy;
    (void)snprintf(copy, sizeof copy, "%s", s->keys);
    const char *name = next_key(&rest);
    const hp_place top = {.key = name};
    hp_nearest nearest = {.wanted = name};
    const hp_section *section = find_section(all, name, &nearest);
    if (section != NULL) {
        return set_within(r, section->fields, section->target, rest, &top);
    }
    return is_known_name(all, name, &nearest)
               ? HP_OK
               : hp_yaml_unknown_key(r, r->tree->nodes, NULL, &nearest);
}

hp_status hp_config_set(const char *assignment, const hp_section *list, size_t n,
                        const char *const *known_names, hp_error *error)
{
    char name[ASSIGNMENT_SHOWN + 16];
    char keys[KEYS_CAPACITY];
    const char *equals = strchr(assignment, '=');
    const sections all = {list, n, known_names};
    const hp_source source = {.name = name, .has_lines = false, .error = error};
    (void)snprintf(name, sizeof name, "--set %.*s%s", ASSIGNMENT_SHOWN, assignment,
                   strlen(assignment) > ASSIGNMENT_SHOWN ? "..." : "");
    const size_t n_keys = equals == NULL ? 0 : (size_t)(equals - assignment);
    if (n_keys > 0 && n_keys < sizeof keys && equals[1 + strspn(equals + 1, " ")] == '\0') {
        return hp_yaml_fail(&source, 0, 0,
                            "no value; an empty text is written '%.*s=\"\"', quotes and all",
                            (int)n_keys, assignment);
    }
    if (n_keys == 0 || n_keys >= sizeof keys) {
        return hp_yaml_fail(&source, 0, 0, "wanted key=value, for example pomdp.scenarios=300");
    }
    memcpy(keys, assignment, n_keys);
    keys[n_keys] = '\0';
    const hp_reader as = {.source = &source, .partial = true};
    const setting one = {&all, keys};
    return hp_yaml_read_twice(&as, equals + 1, strlen(equals + 1), set_keys, &one);
}
