/** @file hp_setting.h Thresholds by name: which keys of a configuration may change while it is in
 *  use, their values, and how one is set.
 *
 *  A key is its path ("planner.guard.margin_m"), a value its number; switches are 0 and 1, words
 *  their place in the list. Whoever owns a configuration names the keys that may change by a list
 * of paths, each of which stands for everything below it. Lists, texts and 64-bit numbers never
 * change. Ownership: plain data. Threads: pure. Allocation: none. */
#ifndef HP_SETTING_H
#define HP_SETTING_H

#include "common/hp_status.h"

#include <stdbool.h>
#include <stddef.h>

struct hp_field;   /* of common/hp_yaml.h */
struct hp_section; /* the same */

enum { HP_SETTING_KEY = 64 };

typedef struct hp_setting {
    char key[HP_SETTING_KEY];
    double value;
} hp_setting;

/** One value of a configuration; at points to it. */
typedef struct hp_setting_place {
    const char *key;
    const struct hp_field *field;
    unsigned char *at;
} hp_setting_place;

typedef void hp_setting_visitor(void *ctx, const hp_setting_place *place);

/** Visits every value below paths (NULL-terminated) in the order of the tables. */
void hp_setting_visit(const struct hp_section *sections, size_t n, const char *const *paths,
                      hp_setting_visitor *visitor, void *ctx);
/** The number at a place. */
double hp_setting_value(const hp_setting_place *place);
/** All values below paths; returns how many there are, of which at most cap are written. */
size_t hp_setting_list(const struct hp_section *sections, size_t n, const char *const *paths,
                       hp_setting *out, size_t cap);
/** Sets one. HP_ECONFIG, and nothing is set, if the key is not below paths or the value does not
 * fit its row. Rules between keys are the owner's. */
HP_NODISCARD hp_status hp_setting_set(const struct hp_section *sections, size_t n,
                                      const char *const *paths, const hp_setting *setting,
                                      hp_error *error);
/** True if some value that is not below paths differs between two configurations of the same
 *  tables; key gets the first. */
bool hp_setting_differs(const struct hp_section *a, const struct hp_section *b, size_t n,
                        const char *const *paths, char key[HP_SETTING_KEY]);

#endif
