#include "common/hp_yaml_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_MAX = 64 }; /* bytes of a number's text */

/** "a.b[2].c", each step with its leading dot cut off at the front. */
const char *hp_place_show(const hp_place *at, char out[HP_PLACE_CAPACITY])
{
    const hp_place *chain[2 * HP_YAML_MAX_DEPTH + 2];
    size_t n = 0;
    size_t used = 0;
    for (; at != NULL && n < HP_ARRAY_LEN(chain); at = at->parent) {
        chain[n++] = at;
    }
    out[0] = '\0';
    while (n > 0 && used + 1 < HP_PLACE_CAPACITY) {
        const hp_place *step = chain[--n];
        const size_t room = HP_PLACE_CAPACITY - used;
        const int wrote = step->key == NULL
                              ? snprintf(out + used, room, "[%u]", step->index)
                              : snprintf(out + used, room, "%s%s", used == 0 ? "" : ".", step->key);
        used += (size_t)wrote;
    }
    return out;
}

/** " in 'a.b'", or nothing at the top level. */
const char *hp_place_within(const hp_place *at, char out[HP_WITHIN_CAPACITY])
{
    char path[HP_PLACE_CAPACITY];
    out[0] = '\0';
    if (at != NULL) {
        (void)snprintf(out, HP_WITHIN_CAPACITY, " in '%s'", hp_place_show(at, path));
    }
    return out;
}

static bool is_null_word(const char *text)
{
    return strcmp(text, "~") == 0 || strcmp(text, "null") == 0 || strcmp(text, "Null") == 0 ||
           strcmp(text, "NULL") == 0;
}

hp_status hp_yaml_wrong_type(const hp_reader *r, const hp_node *node, const hp_place *at,
                             const char *wanted)
{
    char subject[HP_WITHIN_CAPACITY] = "the document";
    char found[HP_WITHIN_CAPACITY] = "nothing";
    char shown[HP_PLACE_CAPACITY];
    if (at != NULL) {
        (void)snprintf(subject, sizeof subject, "'%s'", hp_place_show(at, shown));
    }
    if (node->kind != HP_NODE_SCALAR) {
        (void)snprintf(found, sizeof found, "%s",
                       node->kind == HP_NODE_LIST ? "a list" : "a mapping");
    } else if (!hp_node_is_nothing(node)) {
        char text[HP_YAML_SHOW_CAPACITY];
        (void)snprintf(found, sizeof found, "%s'%s'", node->quoted ? "the quoted text " : "",
                       hp_yaml_show(hp_tree_text(r->tree, node), node->len, text));
    }
    return hp_yaml_fail(r->source, node->line, node->column, "%s wants %s, found %s", subject,
                        wanted, found);
}

static hp_status out_of_range(const hp_reader *r, const hp_node *node, const hp_place *at,
                              const hp_field *field, double min, double max)
{
    char path[HP_PLACE_CAPACITY];
    char text[HP_YAML_SHOW_CAPACITY];
    char low[32];
    char high[32];
    const char *unit = field->unit == NULL ? "" : field->unit;
    return hp_yaml_fail(
        r->source, node->line, node->column, "'%s' is %s, out of range [%s, %s]%s%s",
        hp_place_show(at, path), hp_yaml_show(hp_tree_text(r->tree, node), node->len, text),
        hp_yaml_number(min, low), hp_yaml_number(max, high), unit[0] == '\0' ? "" : " ", unit);
}

static const char *skip_digits(const char *text)
{
    return text + strspn(text, "0123456789");
}

/** Decimal numbers of YAML's core schema: no hexadecimal, no underscores, no words. */
static bool is_number(const char *text)
{
    const char *at = text + (*text == '+' || *text == '-' ? 1 : 0);
    const char *whole_end = skip_digits(at);
    size_t digits = (size_t)(whole_end - at);
    at = whole_end;
    if (*at == '.') {
        const char *fraction_end = skip_digits(at + 1);
        digits += (size_t)(fraction_end - (at + 1));
        at = fraction_end;
    }
    if (digits > 0 && (*at == 'e' || *at == 'E')) {
        const char *exponent = at + 1 + (at[1] == '+' || at[1] == '-' ? 1 : 0);
        at = skip_digits(exponent);
        digits = at == exponent ? 0 : digits;
    }
    return digits > 0 && *at == '\0';
}

static bool is_not_finite_word(const char *text)
{
    static const char *const WORDS[] = {".nan", "nan", ".inf", "inf", "infinity"};
    char lower[16];
    size_t n = 0;
    text += *text == '+' || *text == '-' ? 1 : 0;
    for (; text[n] != '\0' && n + 1 < sizeof lower; ++n) {
        lower[n] = text[n] >= 'A' && text[n] <= 'Z' ? (char)(text[n] - 'A' + 'a') : text[n];
    }
    lower[n] = '\0';
    for (size_t i = 0; i < HP_ARRAY_LEN(WORDS); ++i) {
        if (strcmp(lower, WORDS[i]) == 0) {
            return true;
        }
    }
    return false;
}

hp_status hp_yaml_read_double(const hp_reader *r, const hp_field *field, const hp_node *node,
                              unsigned char *out, const hp_place *at)
{
    const char *text = node->kind == HP_NODE_SCALAR ? hp_tree_text(r->tree, node) : "";
    char path[HP_PLACE_CAPACITY];
    if (!node->quoted && is_not_finite_word(text)) {
        return hp_yaml_fail(r->source, node->line, node->column,
                            "'%s' wants a finite number, found '%s'", hp_place_show(at, path),
                            text);
    }
    if (node->quoted || node->len > NUMBER_MAX || !is_number(text)) {
        return hp_yaml_wrong_type(r, node, at, "a number");
    }
    const double value = strtod(text, NULL);
    if (isinf(value)) {
        return hp_yaml_fail(r->source, node->line, node->column,
                            "'%s' wants a finite number, but '%s' is too large to be one",
                            hp_place_show(at, path), text);
    }
    if (!(value >= field->min && value <= field->max)) {
        return out_of_range(r, node, at, field, field->min, field->max);
    }
    if (r->store) {
        memcpy(out, &value, sizeof value);
    }
    return HP_OK;
}

/** Whole decimal without leading zeros. *fits is false for negative ones and those over 64 bits. */
static bool parse_whole(const char *text, uint64_t *value, bool *fits)
{
    const bool negative = *text == '-';
    const char *digit = text + (negative ? 1 : 0);
    if (*digit == '\0' || *skip_digits(digit) != '\0' || (digit[0] == '0' && digit[1] != '\0')) {
        return false;
    }
    *value = 0;
    *fits = !negative || strcmp(digit, "0") == 0;
    for (; *digit != '\0'; ++digit) {
        const uint64_t next = (uint64_t)(*digit - '0');
        if (*value > (UINT64_MAX - next) / 10) {
            *fits = false;
            return true;
        }
        *value = *value * 10 + next;
    }
    return true;
}

static hp_status read_uint(const hp_reader *r, const hp_field *field, const hp_node *node,
                           unsigned char *out, const hp_place *at)
{
    uint64_t value = 0;
    bool fits = false;
    if (node->kind != HP_NODE_SCALAR || node->quoted ||
        !parse_whole(hp_tree_text(r->tree, node), &value, &fits)) {
        return hp_yaml_wrong_type(r, node, at, "a whole number");
    }
    const double max = fmin(field->max, (double)UINT32_MAX);
    if (!fits || (double)value < field->min || (double)value > max) {
        return out_of_range(r, node, at, field, fmax(field->min, 0.0), max);
    }
    if (r->store) {
        const uint32_t small = (uint32_t)value;
        memcpy(out, &small, sizeof small);
    }
    return HP_OK;
}

static hp_status read_bool(const hp_reader *r, const hp_node *node, unsigned char *out,
                           const hp_place *at)
{
    const char *text = node->kind == HP_NODE_SCALAR ? hp_tree_text(r->tree, node) : "";
    const bool value = strcmp(text, "true") == 0;
    if (node->quoted || (!value && strcmp(text, "false") != 0)) {
        return hp_yaml_wrong_type(r, node, at, "true or false");
    }
    if (r->store) {
        memcpy(out, &value, sizeof value);
    }
    return HP_OK;
}

static hp_status read_string(const hp_reader *r, const hp_field *field, const hp_node *node,
                             unsigned char *out, const hp_place *at)
{
    if (node->kind != HP_NODE_SCALAR ||
        (!node->quoted && (node->len == 0 || is_null_word(hp_tree_text(r->tree, node))))) {
        return hp_yaml_wrong_type(r, node, at, "text (\"\" if empty)");
    }
    if (node->len >= field->capacity) {
        char path[HP_PLACE_CAPACITY];
        return hp_yaml_fail(r->source, node->line, node->column,
                            "'%s' is %u bytes long, at most %zu are allowed",
                            hp_place_show(at, path), node->len, field->capacity - 1);
    }
    if (r->store) {
        memset(out, 0, field->capacity); /* equal texts are equal bytes */
        memcpy(out, hp_tree_text(r->tree, node), node->len);
    }
    return HP_OK;
}

/** "off | minmax | crude", cut where it gets long. */
static const char *show_words(const char *const *names, char *out, size_t capacity)
{
    size_t used = 0;
    out[0] = '\0';
    for (; *names != NULL && used + 1 < capacity; ++names) {
        used +=
            (size_t)snprintf(out + used, capacity - used, "%s%s", used == 0 ? "" : " | ", *names);
    }
    return out;
}

static hp_status read_enum(const hp_reader *r, const hp_field *field, const hp_node *node,
                           unsigned char *out, const hp_place *at)
{
    char words[128];
    char path[HP_PLACE_CAPACITY];
    char text[HP_YAML_SHOW_CAPACITY];
    char hint[HP_YAML_SHOW_CAPACITY];
    show_words(field->names, words, sizeof words);
    if (node->kind != HP_NODE_SCALAR || hp_node_is_nothing(node)) {
        return hp_yaml_wrong_type(r, node, at, words);
    }
    const char *word = hp_tree_text(r->tree, node);
    hp_nearest nearest = {.wanted = word};
    for (uint32_t i = 0; field->names[i] != NULL; ++i) {
        if (strcmp(field->names[i], word) == 0) {
            if (r->store) {
                memcpy(out, &i, sizeof i);
            }
            return HP_OK;
        }
        hp_nearest_try(&nearest, field->names[i]);
    }
    return hp_yaml_fail(r->source, node->line, node->column, "'%s' wants %s, found '%s'%s",
                        hp_place_show(at, path), words, hp_yaml_show(word, node->len, text),
                        hp_nearest_hint(&nearest, hint));
}

hp_status hp_yaml_unknown_key(const hp_reader *r, const hp_node *key, const hp_place *at,
                              const hp_nearest *nearest)
{
    char within[HP_WITHIN_CAPACITY];
    char text[HP_YAML_SHOW_CAPACITY];
    char hint[HP_YAML_SHOW_CAPACITY];
    return hp_yaml_fail(r->source, key->line, key->column, "unknown key '%s'%s%s",
                        hp_yaml_show(nearest->wanted, strlen(nearest->wanted), text),
                        hp_place_within(at, within), hp_nearest_hint(nearest, hint));
}

hp_status hp_yaml_read_scalar(const hp_reader *r, const hp_field *field, const hp_node *node,
                              unsigned char *out, const hp_place *at)
{
    switch (field->type) {
    case HP_FIELD_DOUBLE:
        return hp_yaml_read_double(r, field, node, out, at);
    case HP_FIELD_UINT:
        return read_uint(r, field, node, out, at);
    case HP_FIELD_BOOL:
        return read_bool(r, node, out, at);
    case HP_FIELD_STRING:
        return read_string(r, field, node, out, at);
    case HP_FIELD_ENUM:
        return read_enum(r, field, node, out, at);
    case HP_FIELD_STRUCT:
    case HP_FIELD_STRUCTS:
    case HP_FIELD_DOUBLES:
        break;
    }
    return HP_EINVAL; /* a table with a type from nowhere */
}
