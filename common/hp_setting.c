#include "common/hp_setting.h"

#include "common/hp_yaml.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- Walking ---- */

/** A walk over two configurations of the same tables; b may be the same as a. */
typedef struct walk {
    bool (*leaf)(struct walk *w, const hp_setting_place *place, const unsigned char *other);
    void *ctx;
    char key[2 * HP_SETTING_KEY];
} walk;

/** False: the walk was ended by its leaf. */
static bool walk_fields(walk *w, const hp_field *fields, unsigned char *a, const unsigned char *b)
{
    const size_t len = strlen(w->key);
    bool go = true;
    for (const hp_field *f = fields; go && f->key != NULL; f++) {
        (void)snprintf(w->key + len, sizeof w->key - len, ".%s", f->key);
        if (f->type == HP_FIELD_STRUCT) {
            go = walk_fields(w, f->sub, a + f->offset, b + f->offset);
        } else {
            const hp_setting_place place = {w->key, f, a + f->offset};
            go = w->leaf(w, &place, b + f->offset);
        }
        if (go) {
            w->key[len] = '\0';
        }
    }
    return go;
}

static bool walk_sections(walk *w, const hp_section *a, const hp_section *b, size_t n)
{
    bool go = true;
    for (size_t i = 0; go && i < n; i++) {
        (void)snprintf(w->key, sizeof w->key, "%s", a[i].name);
        go = walk_fields(w, a[i].fields, a[i].target, b[i].target);
    }
    return go;
}

static bool is_below(const char *key, const char *const *paths)
{
    for (; *paths != NULL; paths++) {
        const size_t len = strlen(*paths);
        if (strncmp(key, *paths, len) == 0 && (key[len] == '.' || key[len] == '\0')) {
            return true;
        }
    }
    return false;
}

static bool may_change(const hp_setting_place *place, const char *const *paths)
{
    const hp_field_type type = place->field->type;
    return (type == HP_FIELD_DOUBLE || type == HP_FIELD_UINT || type == HP_FIELD_BOOL ||
            type == HP_FIELD_ENUM) &&
           is_below(place->key, paths) && strlen(place->key) < HP_SETTING_KEY;
}

/* ---- Visiting and listing ---- */

typedef struct visit {
    const char *const *paths;
    hp_setting_visitor *visitor;
    void *ctx;
} visit;

static bool visit_leaf(walk *w, const hp_setting_place *place, const unsigned char *other)
{
    const visit *v = w->ctx;
    (void)other;
    if (may_change(place, v->paths)) {
        v->visitor(v->ctx, place);
    }
    return true;
}

void hp_setting_visit(const hp_section *sections, size_t n, const char *const *paths,
                      hp_setting_visitor *visitor, void *ctx)
{
    visit v = {paths, visitor, ctx};
    walk w = {.leaf = visit_leaf, .ctx = &v};
    (void)walk_sections(&w, sections, sections, n);
}

double hp_setting_value(const hp_setting_place *place)
{
    double number = 0.0;
    uint32_t small = 0;
    bool truth = false;
    if (place->field->type == HP_FIELD_DOUBLE) {
        memcpy(&number, place->at, sizeof number);
    } else if (place->field->type == HP_FIELD_BOOL) {
        memcpy(&truth, place->at, sizeof truth);
        number = truth ? 1.0 : 0.0;
    } else {
        memcpy(&small, place->at, sizeof small);
        number = small;
    }
    return number;
}

typedef struct listing {
    hp_setting *out;
    size_t n, cap;
} listing;

static void put_in_list(void *ctx, const hp_setting_place *place)
{
    listing *list = ctx;
    if (list->n < list->cap) {
        hp_setting *s = &list->out[list->n];
        *s = (hp_setting){.value = hp_setting_value(place)};
        memcpy(s->key, place->key, strlen(place->key) + 1); /* may_change: it fits */
    }
    list->n++;
}

size_t hp_setting_list(const hp_section *sections, size_t n, const char *const *paths,
                       hp_setting *out, size_t cap)
{
    listing list = {out, 0, cap};
    hp_setting_visit(sections, n, paths, put_in_list, &list);
    return list.n;
}

/* ---- Setting ---- */

typedef struct assignment {
    const char *const *paths;
    const hp_setting *setting;
    hp_error *error;
    hp_status status;
} assignment;

/** Smallest and largest number that a field holds. */
static void limits(const hp_field *field, double *low, double *high)
{
    *low = field->min;
    *high = field->max;
    if (field->type == HP_FIELD_BOOL || field->type == HP_FIELD_ENUM) {
        *low = 0.0;
        *high = 1.0;
    }
    if (field->type == HP_FIELD_ENUM) {
        size_t words = 0;
        while (field->names[words] != NULL) {
            words++;
        }
        *high = (double)words - 1.0;
    }
}

static hp_status store(const hp_setting_place *place, const hp_setting *setting, hp_error *error)
{
    const double value = setting->value;
    const bool whole = place->field->type != HP_FIELD_DOUBLE;
    double low = 0.0;
    double high = 0.0;
    limits(place->field, &low, &high);
    if (!(value >= low && value <= high)) {
        return hp_fail(error, HP_ECONFIG, "'%s' is %g, out of range [%g, %g]", place->key, value,
                       low, high);
    }
    if (whole && value != nearbyint(value)) {
        return hp_fail(error, HP_ECONFIG, "'%s' wants a whole number, found %g", place->key, value);
    }
    const uint32_t small = whole ? (uint32_t)value : 0;
    const bool truth = small != 0;
    if (!whole) {
        memcpy(place->at, &value, sizeof value);
    } else if (place->field->type == HP_FIELD_BOOL) {
        memcpy(place->at, &truth, sizeof truth);
    } else {
        memcpy(place->at, &small, sizeof small);
    }
    return HP_OK;
}

static bool set_leaf(walk *w, const hp_setting_place *place, const unsigned char *other)
{
    assignment *a = w->ctx;
    (void)other;
    if (strcmp(place->key, a->setting->key) != 0) {
        return true;
    }
    a->status = may_change(place, a->paths)
                    ? store(place, a->setting, a->error)
                    : hp_fail(a->error, HP_ECONFIG,
                              "'%s' holds for a whole run: end it and start anew", place->key);
    return false;
}

hp_status hp_setting_set(const hp_section *sections, size_t n, const char *const *paths,
                         const hp_setting *setting, hp_error *error)
{
    assignment a = {paths, setting, error, HP_OK};
    walk w = {.leaf = set_leaf, .ctx = &a};
    if (walk_sections(&w, sections, sections, n)) {
        return hp_fail(error, HP_ECONFIG, "there is no key '%s'", setting->key);
    }
    return a.status;
}

/* ---- Comparing ---- */

static size_t size_of(const hp_field *field)
{
    switch (field->type) {
    case HP_FIELD_DOUBLE:
        return sizeof(double);
    case HP_FIELD_UINT:
    case HP_FIELD_ENUM:
        return sizeof(uint32_t);
    case HP_FIELD_BOOL:
        return sizeof(bool);
    case HP_FIELD_DOUBLES:
        return field->capacity * sizeof(double);
    case HP_FIELD_STRUCTS:
        return field->capacity * field->stride;
    case HP_FIELD_STRING:
    case HP_FIELD_STRUCT:
        break;
    }
    return 0;
}

static bool differ_leaf(walk *w, const hp_setting_place *place, const unsigned char *other)
{
    const visit *v = w->ctx;
    if (place->field->type == HP_FIELD_STRING) {
        return strcmp((const char *)place->at, (const char *)other) == 0;
    }
    return may_change(place, v->paths) || memcmp(place->at, other, size_of(place->field)) == 0;
}

bool hp_setting_differs(const hp_section *a, const hp_section *b, size_t n,
                        const char *const *paths, char key[HP_SETTING_KEY])
{
    visit v = {.paths = paths};
    walk w = {.leaf = differ_leaf, .ctx = &v};
    if (walk_sections(&w, a, b, n)) {
        return false;
    }
    (void)snprintf(key, HP_SETTING_KEY, "%.*s", HP_SETTING_KEY - 1, w.key);
    return true;
}
