#include "cli/bench_origin.h"

#include "cli/version.h"
#include "common/hp_file.h"
#include "common/hp_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static const size_t MOST_BYTES = (size_t)256 << 20;

/** Where that name stands; n: nowhere. */
static uint32_t place_of(const bench_origin *origin, const char *name)
{
    uint32_t i = 0;
    while (i < origin->n && strcmp(origin->items[i].name, name) != 0) {
        i++;
    }
    return i;
}

const char *bench_origin_find(const bench_origin *origin, const char *name)
{
    const uint32_t i = place_of(origin, name);
    return i < origin->n ? origin->items[i].hash : NULL;
}

/** Sets a name's hash; false: no room. */
static bool put(bench_origin *origin, const char *name, const char *hash)
{
    const uint32_t i = place_of(origin, name);
    if (i == BENCH_MAX_SOURCES || strlen(name) >= BENCH_SOURCE_NAME ||
        strlen(hash) >= BENCH_SOURCE_HASH) {
        return false;
    }
    if (i == origin->n) {
        origin->items[i] = (bench_source){.run = NULL};
        origin->n++;
        (void)snprintf(origin->items[i].name, BENCH_SOURCE_NAME, "%s", name);
    }
    (void)snprintf(origin->items[i].hash, BENCH_SOURCE_HASH, "%s", hash);
    return true;
}

void bench_origin_add_program(bench_origin *origin)
{
    char text[BENCH_SOURCE_HASH];
    (void)snprintf(text, sizeof text, "%s %s", CLI_VERSION, CLI_SOURCES);
    (void)put(origin, BENCH_PROGRAM, text);
}

hp_status bench_origin_add_file(bench_origin *origin, const char *name, const char *path,
                                hp_error *error)
{
    const char *before = bench_origin_find(origin, name);
    char text[BENCH_SOURCE_HASH] = BENCH_ABSENT;
    char *bytes = NULL;
    size_t len = 0;
    const hp_status status = hp_file_read(path, MOST_BYTES, &bytes, &len, error);
    if (status == HP_ENOMEM) {
        return status;
    }
    if (status == HP_OK && (before == NULL || strcmp(before, BENCH_ABSENT) != 0)) {
        const uint64_t seed = before != NULL ? strtoull(before, NULL, 16) : 0;
        (void)snprintf(text, sizeof text, "%016" PRIx64, XXH3_64bits_withSeed(bytes, len, seed));
    }
    free(bytes);
    return put(origin, name, text) ? HP_OK : hp_fail(error, HP_EFULL, "%s: too many files", name);
}

static bool is(const bench_source *source, const char *word)
{
    return strcmp(source->hash, word) == 0;
}

/** What becomes of one name's hash, where others have theirs. */
static hp_status join_hash(bench_source *mine, const bench_source *theirs, const char *run,
                           bool mixed, hp_error *error)
{
    if (is(mine, theirs->hash)) {
        return HP_OK;
    }
    const bool any_mixed = is(mine, BENCH_MIXED) || is(theirs, BENCH_MIXED);
    const bool any_unknown = is(mine, BENCH_UNKNOWN) || is(theirs, BENCH_UNKNOWN);
    if (!mixed && (any_mixed || !any_unknown)) {
        return hp_fail(error, HP_EINVAL, "'%s' differs: %s%s%.120s, and %s%s%.120s", mine->name,
                       mine->hash, mine->run != NULL ? " in " : "",
                       mine->run != NULL ? mine->run : "", theirs->hash, run != NULL ? " in " : "",
                       run != NULL ? run : "");
    }
    (void)snprintf(mine->hash, sizeof mine->hash, "%s",
                   any_mixed || !any_unknown ? BENCH_MIXED : BENCH_UNKNOWN);
    return HP_OK;
}

hp_status bench_origin_join(bench_origin *all, const bench_origin *more, const char *run,
                            bool mixed, hp_error *error)
{
    for (uint32_t i = 0; i < more->n; i++) {
        const bench_source *theirs = &more->items[i];
        const uint32_t at = place_of(all, theirs->name);
        if (at == all->n) {
            if (!put(all, theirs->name, theirs->hash)) {
                return hp_fail(error, HP_EINVAL, "more than %d files", BENCH_MAX_SOURCES);
            }
            all->items[at].run = run;
            continue;
        }
        const hp_status status = join_hash(&all->items[at], theirs, run, mixed, error);
        if (status != HP_OK) {
            return status;
        }
    }
    return HP_OK;
}

bool bench_origin_list(const bench_origin *origin, const char *word, char *text, size_t cap)
{
    size_t len = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < origin->n && len < cap; i++) {
        if (strcmp(origin->items[i].hash, word) == 0) {
            len += (size_t)snprintf(text + len, cap - len, "%s%s", len > 0 ? ", " : "",
                                    origin->items[i].name);
        }
    }
    return len > 0;
}

json_t *bench_origin_json(const bench_origin *origin)
{
    json_t *json = json_object();
    for (uint32_t i = 0; i < origin->n; i++) {
        (void)json_object_set_new(json, origin->items[i].name, json_string(origin->items[i].hash));
    }
    return json;
}

bool bench_origin_take(json_t *json, bench_origin *out)
{
    *out = (bench_origin){.n = 0};
    if (json == NULL) {
        return put(out, BENCH_PROGRAM, BENCH_UNKNOWN);
    }
    bool good = json_is_object(json);
    const char *name = NULL;
    json_t *hash = NULL;
    json_object_foreach(json, name, hash)
    {
        const char *text = json_string_value(hash);
        good = good && text != NULL && put(out, name, text);
    }
    for (uint32_t i = 0; i < out->n; i++) { /* they go to tables and terminals */
        hp_text_plain(out->items[i].name, '?');
        hp_text_plain(out->items[i].hash, '?');
    }
    return good && bench_origin_find(out, BENCH_PROGRAM) != NULL;
}
