#include "common/hp_yaml.h"

#include "common/hp_file.h"
#include "common/hp_yaml_internal.h"

#include <stdlib.h>
#include <string.h>

hp_status hp_yaml_check_duplicate(const hp_reader *r, const hp_node *map, const hp_node *key,
                                  const hp_place *at)
{
    /* The keys before this one are known and differ, so they are no more than the table has. */
    const char *word = hp_tree_text(r->tree, key);
    for (const hp_node *other = hp_tree_node(r->tree, map->first); other != NULL && other != key;
         other = hp_map_next(r->tree, other)) {
        if (strcmp(hp_tree_text(r->tree, other), word) == 0) {
            char within[HP_WITHIN_CAPACITY];
            return hp_yaml_fail(r->source, key->line, key->column,
                                "duplicate key '%s'%s, already given on line %u", word,
                                hp_place_within(at, within), other->line);
        }
    }
    return HP_OK;
}

const hp_field *hp_yaml_find_field(const hp_field *fields, const char *word, hp_nearest *nearest)
{
    *nearest = (hp_nearest){.wanted = word};
    for (const hp_field *field = fields; field->key != NULL; ++field) {
        if (strcmp(field->key, word) == 0) {
            return field;
        }
        hp_nearest_try(nearest, field->key);
    }
    hp_nearest_below(nearest, "", fields);
    return NULL;
}

bool hp_map_has(const hp_tree *tree, const hp_node *map, const char *word)
{
    const hp_node *key = hp_tree_node(tree, map->first);
    while (key != NULL && strcmp(hp_tree_text(tree, key), word) != 0) {
        key = hp_map_next(tree, key);
    }
    return key != NULL;
}

static hp_status check_required(const hp_reader *r, const hp_field *fields, const hp_node *map,
                                const hp_place *at)
{
    for (const hp_field *field = fields; !r->partial && field->key != NULL; ++field) {
        if (field->required && !hp_map_has(r->tree, map, field->key)) {
            char within[HP_WITHIN_CAPACITY];
            return hp_yaml_fail(
                r->source, map->line, map->column, "missing key '%s'%s%s%s%s", field->key,
                hp_place_within(at, within), field->help == NULL ? "" : " (",
                field->help == NULL ? "" : field->help, field->help == NULL ? "" : ")");
        }
    }
    return HP_OK;
}

hp_status hp_yaml_read_map(const hp_reader *r, const hp_field *fields, const hp_node *map,
                           unsigned char *base, const hp_place *at)
{
    if (map->kind != HP_NODE_MAP && !hp_node_is_nothing(map)) {
        return hp_yaml_wrong_type(r, map, at, "a mapping (key: value)");
    }
    for (const hp_node *key = hp_tree_node(r->tree, map->first); key != NULL;
         key = hp_map_next(r->tree, key)) {
        const hp_place here = {.parent = at, .key = hp_tree_text(r->tree, key)};
        hp_nearest nearest;
        const hp_field *field = hp_yaml_find_field(fields, here.key, &nearest);
        if (field == NULL) {
            return hp_yaml_unknown_key(r, key, at, &nearest);
        }
        hp_status status = hp_yaml_check_duplicate(r, map, key, at);
        if (status == HP_OK) {
            status = hp_yaml_read_value(r, field, hp_map_value(r->tree, key), base, &here);
        }
        if (status != HP_OK) {
            return status;
        }
    }
    return check_required(r, fields, map, at);
}

/** A list of numbers or of maps; an entry beyond the room is refused at its own place. */
static hp_status read_list(const hp_reader *r, const hp_field *field, const hp_node *list,
                           unsigned char *base, const hp_place *at)
{
    const bool maps = field->type == HP_FIELD_STRUCTS;
    const size_t stride = maps ? field->stride : sizeof(double);
    char path[HP_PLACE_CAPACITY];
    uint32_t count = 0;
    if (list->kind != HP_NODE_LIST) {
        return hp_yaml_wrong_type(r, list, at, maps ? "a list of mappings" : "a list of numbers");
    }
    for (const hp_node *entry = hp_tree_node(r->tree, list->first); entry != NULL;
         entry = hp_tree_node(r->tree, entry->next)) {
        if (count == field->capacity) {
            return hp_yaml_fail(r->source, entry->line, entry->column,
                                "'%s' has %u entries, at most %zu are allowed",
                                hp_place_show(at, path), list->n_children, field->capacity);
        }
        const hp_place here = {.parent = at, .index = count};
        unsigned char *out = base + field->offset + count * stride;
        const hp_status status = maps ? hp_yaml_read_map(r, field->sub, entry, out, &here)
                                      : hp_yaml_read_double(r, field, entry, out, &here);
        if (status != HP_OK) {
            return status;
        }
        ++count;
    }
    if (count < field->min_count) {
        return hp_yaml_fail(r->source, list->line, list->column,
                            "'%s' has %u entries, at least %zu are needed", hp_place_show(at, path),
                            count, field->min_count);
    }
    if (r->store) {
        memcpy(base + field->count_offset, &count, sizeof count);
    }
    return HP_OK;
}

hp_status hp_yaml_read_value(const hp_reader *r, const hp_field *field, const hp_node *node,
                             unsigned char *base, const hp_place *at)
{
    if (field->type == HP_FIELD_STRUCT) {
        return hp_yaml_read_map(r, field->sub, node, base + field->offset, at);
    }
    if (field->type == HP_FIELD_STRUCTS || field->type == HP_FIELD_DOUBLES) {
        return read_list(r, field, node, base, at);
    }
    return hp_yaml_read_scalar(r, field, node, base + field->offset, at);
}

hp_status hp_yaml_read_twice(const hp_reader *as, const char *text, size_t len, hp_yaml_visit visit,
                             const void *ctx)
{
    hp_c_locale locale;
    hp_tree tree;
    hp_status status = hp_c_locale_enter(&locale);
    if (status != HP_OK) {
        return hp_yaml_out_of_memory(as->source->name, as->source->error);
    }
    status = hp_tree_parse(text, len, as->source, &tree);
    if (status == HP_OK) {
        hp_reader r = *as;
        r.tree = &tree;
        status = visit(&r, ctx);
        if (status == HP_OK) {
            r.store = true;
            status = visit(&r, ctx);
        }
        hp_tree_free(&tree);
    }
    hp_c_locale_leave(&locale);
    return status;
}

static hp_status read_root(const hp_reader *r, const void *ctx)
{
    const hp_section *all = ctx;
    return hp_yaml_read_map(r, all->fields, r->tree->nodes, all->target, NULL);
}

hp_status hp_yaml_parse(const char *text, size_t len, const char *name, const hp_field *fields,
                        void *target, hp_error *error)
{
    const hp_source source = {.name = name, .has_lines = true, .error = error};
    const hp_section all = {.fields = fields, .target = target};
    return hp_yaml_read_twice(&(hp_reader){.source = &source}, text, len, read_root, &all);
}

hp_status hp_yaml_load(const char *path, char **text, size_t *len, hp_error *error)
{
    return hp_file_read(path, HP_YAML_MAX_BYTES, text, len, error);
}

hp_status hp_yaml_read(const char *path, const hp_field *fields, void *target, hp_error *error)
{
    char *text = NULL;
    size_t len = 0;
    hp_status status = hp_yaml_load(path, &text, &len, error);
    if (status == HP_OK) {
        status = hp_yaml_parse(text, len, path, fields, target, error);
    }
    free(text);
    return status;
}
