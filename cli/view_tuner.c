#include "cli/view_tuner.h"

#include "cli/config.h"
#include "common/hp_file.h"
#include "common/hp_program.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CHANGES = 64, PATIENCE_S = 5, MAX_FILE = 256 * 1024, PATH = VIEW_TUNER_PATH + 16 };

void view_tuner_init(view_tuner *t, const tap_state *state, const char *run_dir)
{
    *t = (view_tuner){.state = state};
    const int n = run_dir != NULL ? snprintf(t->run_dir, sizeof t->run_dir, "%s", run_dir) : 0;
    if (n < 0 || n >= (int)sizeof t->run_dir) {
        t->run_dir[0] = '\0';
    }
}

void view_tuner_fini(view_tuner *t)
{
    free(t->before);
    t->before = NULL;
}

/* ---- Changing ---- */

static hp_status read_file(const view_tuner *t, char **text, size_t *len, hp_error *error)
{
    char path[PATH];
    (void)snprintf(path, sizeof path, "%s/config.yaml", t->run_dir);
    return hp_file_read(path, MAX_FILE, text, len, error);
}

/** "KEY=VALUE" of one member of "set". */
static hp_status take_assignment(const char *key, const json_t *value, const hp_section *sections,
                                 hp_error *error)
{
    char assignment[2 * HP_SETTING_KEY + 64];
    const char *text = json_string_value(value);
    const int n = text != NULL ? snprintf(assignment, sizeof assignment, "%s=%s", key, text) : -1;
    if (n < 0 || n >= (int)sizeof assignment) {
        return hp_fail(error, HP_ECONFIG, "%.80s: its value must be a short text", key);
    }
    return hp_config_set(assignment, sections, CLI_SECTIONS, HP_PROGRAM_SECTIONS, error);
}

static hp_status take_assignments(json_t *set, const hp_section *sections, hp_error *error)
{
    const char *key;
    json_t *value;
    hp_status st = HP_OK;
    if (!json_is_object(set) || json_object_size(set) == 0 || json_object_size(set) > MAX_CHANGES) {
        return hp_fail(error, HP_ECONFIG, "wanted {\"set\": {KEY: VALUE, ..}}, up to %d of them",
                       MAX_CHANGES);
    }
    json_object_foreach(set, key, value)
    {
        st = st == HP_OK ? take_assignment(key, value, sections, error) : st;
    }
    return st;
}

/** The configurations before and after, both in memory of their own: they are large. */
typedef struct pair {
    cli_config old, new;
} pair;

static hp_status compose_pair(pair *p, const char *before, json_t *set, hp_error *error)
{
    hp_section old[CLI_SECTIONS];
    hp_section new[CLI_SECTIONS];
    char key[HP_SETTING_KEY];
    cli_config_default(&p->old);
    cli_config_sections(&p->old, old);
    cli_config_sections(&p->new, new);
    hp_status st = hp_config_parse(before, strlen(before), "config.yaml", old, CLI_SECTIONS,
                                   HP_PROGRAM_SECTIONS, error);
    p->new = p->old;
    if (st == HP_OK) {
        st = take_assignments(set, new, error);
    }
    if (st == HP_OK && hp_setting_differs(old, new, CLI_SECTIONS, PLAN_LIVE_PATHS, key)) {
        st = hp_fail(error, HP_ECONFIG, "'%s' holds for a whole run: end it and start anew", key);
    }
    return st == HP_OK ? cli_config_check(&p->new, error) : st;
}

/** The file's text with the changes; for free(). */
static hp_status compose(const char *before, json_t *set, char **after, hp_error *error)
{
    pair *p = calloc(1, sizeof *p);
    hp_status st = p != NULL ? compose_pair(p, before, set, error) : HP_ENOMEM;
    *after = st == HP_OK ? cli_config_text(&p->new, false) : NULL;
    free(p);
    if (*after == NULL && (st == HP_OK || st == HP_ENOMEM)) {
        st = HP_ENOMEM;
        (void)!hp_fail(error, st, "no memory for it");
    }
    return st;
}

static pid_t planner_pid(const view_tuner *t)
{
    const uint64_t pid = t->state->has_configuration ? t->state->configuration.pid : 0;
    return pid > 1 && pid <= INT32_MAX ? (pid_t)pid : 0;
}

static hp_status put(const view_tuner *t, const char *text, size_t len, hp_error *error)
{
    return hp_file_write(t->run_dir, "config.yaml", text, len, error);
}

static hp_status change(view_tuner *t, json_t *set, hp_error *error)
{
    char *before = NULL;
    char *after = NULL;
    size_t len = 0;
    const pid_t pid = planner_pid(t);
    hp_status st = HP_OK;
    if (t->run_dir[0] == '\0' || pid == 0) {
        return hp_fail(error, HP_EUNAVAILABLE,
                       t->run_dir[0] == '\0'
                           ? "start hyplan-view with the run's directory to change thresholds"
                           : "no planner that reads its files again has been heard");
    }
    if (t->stage == VIEW_TUNER_ASKED) {
        return hp_fail(error, HP_EUNAVAILABLE, "the planner has not answered the last change yet");
    }
    st = read_file(t, &before, &len, error);
    if (st == HP_OK) {
        st = compose(before, set, &after, error);
    }
    if (st == HP_OK) {
        st = put(t, after, strlen(after), error);
    }
    if (st == HP_OK && kill(pid, SIGHUP) != 0) {
        st = hp_fail(error, HP_EUNAVAILABLE, "the planner (process %d) cannot be told", (int)pid);
        (void)!put(t, before, len, NULL);
    }
    if (st == HP_OK) {
        free(t->before);
        t->before = before;
        before = NULL;
        t->stage = VIEW_TUNER_ASKED;
        t->version = t->state->configuration.version;
        t->refused = t->state->configuration.refused;
        t->asked_ns = hp_clock_now_ns(t->state->clock);
    }
    free(after);
    free(before);
    return st;
}

hp_status view_tuner_ask(view_tuner *t, const char *text, size_t len, hp_error *error)
{
    json_error_t why;
    json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
    const hp_status st = json != NULL
                             ? change(t, json_object_get(json, "set"), error)
                             : hp_fail(error, HP_ECONFIG, "that is no request: %.100s", why.text);
    json_decref(json);
    return st;
}

void view_tuner_step(view_tuner *t)
{
    const hp_configuration *told = &t->state->configuration;
    if (t->stage != VIEW_TUNER_ASKED) {
        return;
    }
    if (told->refused > t->refused) {
        t->stage = VIEW_TUNER_REFUSED;
        (void)!put(t, t->before, strlen(t->before), NULL);
    } else if (told->version != t->version) { /* lower: a new planner, that has read the file */
        t->stage = VIEW_TUNER_CONFIRMED;
    } else if (hp_clock_now_ns(t->state->clock) - t->asked_ns > PATIENCE_S * HP_S_NS) {
        t->stage = VIEW_TUNER_IDLE; /* it may still answer; nobody has to wait for it */
    }
}

/* ---- Showing ---- */

typedef struct listing {
    const view_tuner *tuner;
    json_t *keys;
} listing;

/** The value in force; what the planner has not told is the file's. */
static double value_in_force(const hp_configuration *told, const hp_setting_place *place)
{
    for (uint32_t i = 0; i < told->n_settings; i++) {
        if (strcmp(told->settings[i].key, place->key) == 0) {
            return told->settings[i].value;
        }
    }
    return hp_setting_value(place);
}

static void list_key(void *ctx, const hp_setting_place *place)
{
    static const char *const KINDS[] = {
        [HP_FIELD_DOUBLE] = "number", [HP_FIELD_UINT] = "whole", [HP_FIELD_ENUM] = "word"};
    const listing *l = ctx;
    const hp_field *f = place->field;
    json_t *words = json_array();
    for (size_t i = 0; f->type == HP_FIELD_ENUM && f->names[i] != NULL; i++) {
        (void)json_array_append_new(words, json_string(f->names[i]));
    }
    (void)json_array_append_new(
        l->keys, json_pack("{s:s, s:f, s:s, s:f, s:f, s:s, s:s, s:o}", "key", place->key, "value",
                           value_in_force(&l->tuner->state->configuration, place), "kind",
                           f->type == HP_FIELD_BOOL ? "switch" : KINDS[f->type], "min", f->min,
                           "max", f->max, "unit", f->unit != NULL ? f->unit : "", "help",
                           f->help != NULL ? f->help : "", "words", words));
}

static json_t *keys_json(const view_tuner *t)
{
    plan_live live; /* for its tables; values are told by the planner */
    hp_section sections[PLAN_LIVE_SECTIONS];
    listing l = {t, json_array()};
    plan_live_default(&live);
    plan_live_sections(&live, sections);
    if (t->state->has_configuration) {
        hp_setting_visit(sections, PLAN_LIVE_SECTIONS, PLAN_LIVE_PATHS, list_key, &l);
    }
    return l.keys;
}

json_t *view_tuner_json(const view_tuner *t)
{
    static const char *const STAGES[] = {"idle", "asked", "confirmed", "refused"};
    const hp_configuration *told = &t->state->configuration;
    return json_pack("{s:i, s:i, s:s, s:s, s:b, s:o}", "version", (int)told->version, "since_tick",
                     (int)t->state->configuration_tick, "stage", STAGES[t->stage], "text",
                     t->stage == VIEW_TUNER_REFUSED ? told->complaint : "", "may_change",
                     t->run_dir[0] != '\0' && planner_pid(t) != 0, "keys", keys_json(t));
}
