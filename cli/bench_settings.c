/* settings.json: what a run was, so that it can be resumed and merged. */
#include "cli/bench_suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ORIGIN "provenance"
#define CONFIG_DIFFERS "'config_hash' differs"

json_t *bench_settings_json(const bench_settings *s)
{
    json_t *scenarios = json_array();
    json_t *contenders = json_array();
    json_t *shown = json_array();
    for (uint32_t i = 0; i < s->n_scenarios; i++) {
        (void)json_array_append_new(scenarios, json_string(s->scenarios[i]));
    }
    for (uint32_t i = 0; i < s->n_contenders; i++) {
        (void)json_array_append_new(contenders, json_string(s->contenders[i]));
        (void)json_array_append_new(shown, json_boolean(s->shown[i]));
    }
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:i, s:i, s:i, s:i, s:o, s:o, s:o, s:o}",
                     "suite", s->suite, "grid", s->grid, "scenes", s->scenes, "guard", s->guard,
                     "config_hash", s->config_hash, "seed", (json_int_t)s->seed, "trials",
                     (int)s->trials, "shard", (int)s->shard, "shards", (int)s->shards, "n_scenes",
                     (int)s->n_scenes, "scenarios", scenarios, "contenders", contenders, "shown",
                     shown, ORIGIN, bench_origin_json(&s->origin));
}

static bool take_text(const json_t *value, char *out, size_t cap)
{
    const char *text = json_string_value(value);
    return text != NULL && (size_t)snprintf(out, cap, "%s", text) < cap;
}

static bool take_uint(const json_t *json, const char *key, uint32_t min, uint32_t *out)
{
    const json_t *value = json_object_get(json, key);
    const json_int_t number = json_integer_value(value);
    *out = (uint32_t)number;
    return json_is_integer(value) && number >= (json_int_t)min && number <= INT32_MAX;
}

static bool take_lists(const json_t *json, bench_settings *s)
{
    const json_t *scenarios = json_object_get(json, "scenarios");
    const json_t *contenders = json_object_get(json, "contenders");
    const json_t *shown = json_object_get(json, "shown");
    const size_t n_scenarios = json_array_size(scenarios);
    const size_t n_contenders = json_array_size(contenders);
    if (n_scenarios == 0 || n_scenarios > BENCH_MAX_SCENARIOS || n_contenders == 0 ||
        n_contenders > BENCH_MAX_CONTENDERS || json_array_size(shown) != n_contenders) {
        return false;
    }
    bool good = true;
    s->n_scenarios = (uint32_t)n_scenarios;
    s->n_contenders = (uint32_t)n_contenders;
    for (size_t i = 0; i < n_scenarios; i++) {
        good &= take_text(json_array_get(scenarios, i), s->scenarios[i], sizeof s->scenarios[i]);
    }
    for (size_t i = 0; i < n_contenders; i++) {
        good &= take_text(json_array_get(contenders, i), s->contenders[i], BENCH_NAME);
        s->shown[i] = json_is_true(json_array_get(shown, i));
    }
    return good;
}

static bool take_settings(const json_t *json, bench_settings *s)
{
    s->seed = (uint64_t)json_integer_value(json_object_get(json, "seed"));
    return take_text(json_object_get(json, "suite"), s->suite, sizeof s->suite) &&
           take_text(json_object_get(json, "grid"), s->grid, sizeof s->grid) &&
           take_text(json_object_get(json, "scenes"), s->scenes, sizeof s->scenes) &&
           take_text(json_object_get(json, "guard"), s->guard, sizeof s->guard) &&
           take_text(json_object_get(json, "config_hash"), s->config_hash, sizeof s->config_hash) &&
           json_is_integer(json_object_get(json, "seed")) &&
           take_uint(json, "trials", 0, &s->trials) && take_uint(json, "shards", 1, &s->shards) &&
           take_uint(json, "shard", 1, &s->shard) && s->shard <= s->shards &&
           take_uint(json, "n_scenes", 1, &s->n_scenes) && take_lists(json, s);
}

hp_status bench_settings_read(const char *path, bench_settings *out, hp_error *error)
{
    json_error_t where;
    json_t *json = json_load_file(path, JSON_REJECT_DUPLICATES, &where);
    memset(out, 0, sizeof *out);
    if (json == NULL) {
        return where.line > 0
                   ? hp_fail(error, HP_EINVAL, "%s:%d:%d: error: %s", path, where.line,
                             where.column, where.text)
                   : hp_fail(error, HP_ENOENT, "%s; is this a benchmark's directory?", where.text);
    }
    const bool good =
        take_settings(json, out) && bench_origin_take(json_object_get(json, ORIGIN), &out->origin);
    json_decref(json);
    return good ? HP_OK : hp_fail(error, HP_EINVAL, "%s: not written by hyplan bench", path);
}

/* What may differ between runs that are put together: which scenes and who drove. */
static bool may_differ(const char *key)
{
    return strcmp(key, "shard") == 0 || strcmp(key, "shards") == 0 ||
           strcmp(key, "contenders") == 0 || strcmp(key, "shown") == 0;
}

hp_status bench_settings_same(const bench_settings *a, const bench_settings *b, bool parts,
                              hp_error *error)
{
    json_t *left = bench_settings_json(a);
    json_t *right = bench_settings_json(b);
    hp_status status = HP_OK;
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(left, key, value)
    {
        const json_t *other = json_object_get(right, key);
        if (strcmp(key, ORIGIN) == 0 || (parts && may_differ(key)) || json_equal(value, other)) {
            continue;
        }
        char *was = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        char *is = json_dumps(other, JSON_ENCODE_ANY | JSON_COMPACT);
        status = hp_fail(error, HP_EINVAL, "'%s' differs: %.100s and %.100s", key,
                         was != NULL ? was : "?", is != NULL ? is : "?");
        free(was);
        free(is);
        break;
    }
    json_decref(left);
    json_decref(right);
    return status;
}

static bool load_kept(const char *dir, cli_config *out)
{
    char path[CLI_PATH];
    hp_error unused;
    const cli_common common = {.config_files = {{path}, 1}};
    const int n = snprintf(path, sizeof path, "%s/config.yaml", dir);
    return n > 0 && (size_t)n < sizeof path && cli_config_load(&common, out, &unused) == HP_OK;
}

void bench_settings_explain(const char *a, const char *b, const cli_config *mine, hp_error *why)
{
    char key[HP_SETTING_KEY];
    cli_config *kept = malloc(2 * sizeof *kept);
    if (kept != NULL && strncmp(why->text, CONFIG_DIFFERS, strlen(CONFIG_DIFFERS)) == 0 &&
        load_kept(a, &kept[0]) && (mine != NULL || load_kept(b, &kept[1])) &&
        cli_config_differs(&kept[0], mine != NULL ? mine : &kept[1], key)) {
        (void)hp_fail(why, HP_EINVAL, "the configuration differs, first in '%s'%s", key,
                      mine != NULL ? "" : "; hyplan config diff on the config.yaml of both");
    }
    free(kept);
}

hp_status bench_settings_join(bench_settings *settings, const bench_settings *more, hp_error *error)
{
    for (uint32_t i = 0; i < more->n_contenders; i++) {
        const uint32_t at = bench_contender_find(settings, more->contenders[i]);
        if (at == BENCH_MAX_CONTENDERS) {
            return hp_fail(error, HP_EINVAL, "more than %d planners", BENCH_MAX_CONTENDERS);
        }
        if (at == settings->n_contenders) {
            memcpy(settings->contenders[at], more->contenders[i], BENCH_NAME);
            settings->shown[at] = false;
            settings->n_contenders++;
        }
        settings->shown[at] = settings->shown[at] || more->shown[i];
    }
    return HP_OK;
}
