#include "cli/run_report.h"

#include "cli/table.h"
#include "common/hp_rng.h"
#include "proto/hp_codec.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/** The judge's verdicts, as static texts. */
static const char *const VERDICTS[] = {"goal", "crash", "timeout"};

/** Reads a JSON file of the run directory; NULL if it is not there or no JSON. */
static json_t *load(const cli_rundir *dir, const char *file)
{
    char path[CLI_PATH];
    json_error_t why;
    return cli_rundir_path(dir, file, path) ? json_load_file(path, JSON_REJECT_DUPLICATES, &why)
                                            : NULL;
}

static bool flag(const json_t *episode, const char *key)
{
    return json_is_true(json_object_get(episode, key));
}

static int64_t whole(const json_t *object, const char *key)
{
    return (int64_t)json_integer_value(json_object_get(object, key));
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value != NULL ? value : "";
}

/** How one episode ended, as a static text. */
static const char *verdict_of(const json_t *episode)
{
    if (flag(episode, "planner_lost")) {
        return "planner_lost";
    }
    if (flag(episode, "stopped")) {
        return "stopped";
    }
    for (size_t i = 0; i < HP_ARRAY_LEN(VERDICTS); i++) {
        if (strcmp(text(episode, "verdict"), VERDICTS[i]) == 0) {
            return VERDICTS[i];
        }
    }
    return "stopped";
}

/** Sums over episodes. */
typedef struct totals {
    const char *verdict; /* of the first episode that missed its goal, else "goal" */
    uint32_t episodes, goals;
    bool crash, near_miss;
    double ttg_sum_s;
    int64_t ticks, watchdog, sources[HP_SOURCE_COUNT];
    uint64_t hash; /* the episode's, or all of them mixed */
} totals;

static void add_episode(totals *t, const json_t *episode)
{
    const bool goal = flag(episode, "goal");
    const uint64_t hash = strtoull(text(episode, "command_hash"), NULL, 16);
    if (!goal && t->episodes == t->goals) {
        t->verdict = verdict_of(episode);
    }
    t->hash = t->episodes == 0 ? hash : hp_mix64(t->hash ^ hash);
    t->episodes++;
    t->goals += goal ? 1 : 0;
    t->crash = t->crash || flag(episode, "crash");
    t->near_miss = t->near_miss || flag(episode, "near_miss");
    t->ttg_sum_s += goal ? json_real_value(json_object_get(episode, "ttg_s")) : 0.0;
    t->ticks += whole(episode, "ticks");
    t->watchdog += whole(episode, "watchdog");
    for (unsigned i = 0; i < HP_SOURCE_COUNT; i++) {
        t->sources[i] += whole(json_object_get(episode, "sources"), hp_source_name((hp_source)i));
    }
}

static totals add_all(const json_t *episodes)
{
    totals t = {.verdict = "goal"};
    for (size_t i = 0; i < json_array_size(episodes); i++) {
        add_episode(&t, json_array_get(episodes, i));
    }
    return t;
}

static json_t *fallbacks_json(const totals *t, const json_t *planner)
{
    const json_t *counted = json_object_get(planner, "fallbacks");
    return json_pack("{s:I, s:I, s:I, s:I, s:I}", "predictor", whole(counted, "predictor"),
                     "search", whole(counted, "search"), "comfort_brake",
                     t->sources[HP_SOURCE_COMFORT_BRAKE], "hard_brake",
                     t->sources[HP_SOURCE_HARD_BRAKE], "watchdog", t->watchdog);
}

static json_t *restarts_json(const run_facts *facts)
{
    json_t *json = json_object();
    for (size_t i = 0; i < HP_ARRAY_LEN(facts->names) && facts->names[i] != NULL; i++) {
        (void)json_object_set_new(json, facts->names[i],
                                  json_pack("{s:I, s:b}", "restarts",
                                            (json_int_t)facts->restarts[i], "given_up",
                                            facts->given_up[i]));
    }
    return json;
}

/** A copy of a member of the planner's own report; null if there is none. */
static json_t *copy(const json_t *planner, const char *key)
{
    json_t *value = json_object_get(planner, key);
    return value != NULL ? json_incref(value) : json_null();
}

/** recording is taken over. */
static json_t *summary_json(const totals *t, const run_facts *facts, json_t *episodes,
                            const json_t *planner, json_t *recording)
{
    char hash[20];
    (void)snprintf(hash, sizeof hash, "%016" PRIx64, t->hash);
    const bool all = t->goals == facts->episodes;
    json_t *json =
        json_pack("{s:s, s:b, s:b, s:b, s:o, s:I, s:o, s:o, s:s, s:o, s:o, s:o, s:o}", "verdict",
                  t->verdict, "goal", all, "crash", t->crash, "near_miss", t->near_miss, "ttg_s",
                  t->goals > 0 ? cli_json_real(t->ttg_sum_s / t->goals) : json_null(), "ticks",
                  (json_int_t)t->ticks, "fallbacks", fallbacks_json(t, planner), "missed_deadlines",
                  copy(planner, "missed_deadlines"), "command_hash", hash, "decision_ms",
                  copy(planner, "decision_ms"), "search_ms", copy(planner, "search_ms"), "workers",
                  copy(planner, "workers"), "parts", restarts_json(facts));
    (void)json_object_set_new(json, "recording", recording);
    (void)json_object_set(json, "episodes", episodes);
    return json;
}

/** A number with two decimals, or a dash where there is none. */
static void cell_real(table *t, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (json_is_number(value)) {
        table_cell(t, "%.2f", json_number_value(value));
    } else {
        table_cell(t, "-");
    }
}

static void print_table(const json_t *episodes)
{
    static const char *const HEADS[] = {"episode", "verdict", "crash",     "near miss",
                                        "ttg s",   "ticks",   "min gap m", "max km/h",
                                        "brakes",  "guard",   "hash"};
    table t;
    table_init(&t, HP_ARRAY_LEN(HEADS));
    for (size_t i = 0; i < HP_ARRAY_LEN(HEADS); i++) {
        table_cell(&t, "%s", HEADS[i]);
    }
    for (size_t i = 0; i < json_array_size(episodes); i++) {
        const json_t *e = json_array_get(episodes, i);
        const json_t *sources = json_object_get(e, "sources");
        table_cell(&t, "%" PRId64, whole(e, "episode"));
        table_cell(&t, "%s", verdict_of(e));
        table_cell(&t, "%s", text(e, "crash_kind"));
        table_cell(&t, "%s", flag(e, "near_miss") ? "yes" : "no");
        cell_real(&t, e, "ttg_s");
        table_cell(&t, "%" PRId64, whole(e, "ticks"));
        cell_real(&t, e, "min_gap_m");
        table_cell(&t, "%.1f", json_number_value(json_object_get(e, "max_speed_mps")) * 3.6);
        table_cell(&t, "%" PRId64,
                   whole(sources, "comfort_brake") + whole(sources, "hard_brake") +
                       whole(e, "watchdog"));
        table_cell(&t, "%" PRId64, whole(e, "interventions"));
        table_cell(&t, "%.8s", text(e, "command_hash"));
    }
    table_print(&t, stdout);
    table_free(&t);
}

static void print_end(const cli_rundir *dir, const totals *t, const json_t *summary,
                      const json_t *episodes)
{
    const json_t *ms = json_object_get(summary, "decision_ms");
    print_table(episodes);
    (void)printf("\nverdict %s%s", t->verdict, t->crash ? " (crash)" : "");
    if (json_is_object(ms)) {
        (void)printf(", decisions p50 %.1f ms, p99 %.1f ms",
                     json_number_value(json_object_get(ms, "p50")),
                     json_number_value(json_object_get(ms, "p99")));
    }
    (void)printf("; everything in %s\n", dir->path);
    const json_t *recording = json_object_get(summary, "recording");
    const int64_t gone = whole(recording, "dropped") + whole(recording, "lost");
    if (gone > 0) {
        (void)printf("%" PRId64 " messages are missing in %s\n", gone, text(recording, "file"));
    }
}

hp_status run_report(const cli_rundir *dir, const run_facts *facts, bool json, const char **verdict,
                     bool *passed, hp_error *error)
{
    json_t *bridge = load(dir, "episodes.json");
    json_t *planner = load(dir, "planner.json"); /* absent if no planner lived to write it */
    json_t *episodes = json_object_get(bridge, "episodes");
    totals t = add_all(episodes);
    if (t.episodes < facts->episodes && t.episodes == t.goals) {
        t.verdict = facts->interrupted ? "stopped" : "failed";
    }
    *passed = t.goals == facts->episodes && !t.crash && !facts->failed && !facts->interrupted;
    *verdict = t.verdict;
    json_t *list = episodes != NULL ? json_incref(episodes) : json_array();
    json_t *recording = load(dir, "recorder.json");
    json_t *summary =
        summary_json(&t, facts, list, planner, recording != NULL ? recording : json_null());
    const hp_status st = cli_rundir_write_json(dir, "summary.json", summary, error);
    if (json) {
        (void)json_dumpf(summary, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
        (void)fputc('\n', stdout);
    } else {
        print_end(dir, &t, summary, list);
    }
    json_decref(summary);
    json_decref(list);
    json_decref(planner);
    json_decref(bridge);
    return st;
}
