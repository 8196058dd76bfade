#include "planner/planner_stats.h"

#include "common/hp_file.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BIN_RATIO 1.01
#define BIN_FIRST_MS 1e-3

static void add(planner_hist *hist, int64_t ns)
{
    const double ms = (double)ns * 1e-6;
    const double bin = ms > BIN_FIRST_MS ? log(ms / BIN_FIRST_MS) / log(BIN_RATIO) : 0.0;
    hist->bins[bin < PLANNER_BINS - 1 ? (size_t)bin : PLANNER_BINS - 1]++;
    hist->n++;
    hist->sum_ms += ms;
    hist->max_ms = fmax(hist->max_ms, ms);
}

/** Duration that a share p in (0, 1] of the samples does not exceed; 0 without samples. */
static double percentile_ms(const planner_hist *hist, double p)
{
    uint64_t seen = 0;
    for (size_t i = 0; i < PLANNER_BINS && hist->n > 0; i++) {
        seen += hist->bins[i];
        if ((double)seen >= p * (double)hist->n) {
            return fmin(BIN_FIRST_MS * pow(BIN_RATIO, (double)i + 1.0), hist->max_ms);
        }
    }
    return hist->max_ms;
}

void planner_stats_tick(planner_stats *stats, const hp_decision *decision, bool searched,
                        double deadline_ms)
{
    stats->ticks++;
    stats->sources[decision->command.source]++;
    if (deadline_ms > 0.0 && (double)decision->total_ns > deadline_ms * 1e6) {
        stats->missed_deadlines++;
    }
    if (!decision->decided) {
        return;
    }
    stats->decisions++;
    stats->predictor_fallbacks += decision->predictor_fallback ? 1 : 0;
    stats->search_fallbacks += searched ? 0 : 1;
    add(&stats->decision, decision->total_ns);
    if (searched) {
        stats->nodes += decision->plan.nodes;
        stats->trials += decision->plan.trials;
        stats->evaluated += decision->plan.evaluated;
        stats->pruned += decision->plan.pruned;
        stats->reopened += decision->plan.reopened;
        stats->batches += decision->plan.batches;
        stats->network_ns += decision->plan.network_ns;
        stats->transport_ns += decision->plan.transport_ns;
        add(&stats->search, decision->plan.search_ns);
    }
}

static json_t *hist_json(const planner_hist *h)
{
    return json_pack("{s:f, s:f, s:f, s:f}", "mean", h->n > 0 ? h->sum_ms / (double)h->n : 0.0,
                     "p50", percentile_ms(h, 0.5), "p99", percentile_ms(h, 0.99), "max", h->max_ms);
}

static json_t *worker_json(const hp_client_info *w)
{
    return json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:s}", "answering", w->answering,
                     "generation", (json_int_t)w->generation, "calls", (json_int_t)w->calls,
                     "failed", (json_int_t)w->failed, "late", (json_int_t)w->late, "lost",
                     (json_int_t)w->lost, "refused", (json_int_t)w->health.refused, "degraded",
                     w->health.degraded, "note", w->health.note);
}

/** Sums over all decisions. */
static json_t *pruning_json(const planner_stats *s)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:f, s:f}", "evaluated", (json_int_t)s->evaluated,
                     "pruned", (json_int_t)s->pruned, "reopened", (json_int_t)s->reopened,
                     "batches", (json_int_t)s->batches, "network_ms", (double)s->network_ns * 1e-6,
                     "transport_ms", (double)s->transport_ns * 1e-6);
}

static json_t *stats_json(const planner_stats *s, const hp_health *own)
{
    return json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:{s:I, s:I}, s:{s:I, s:I, s:I, s:I}, s:o, s:o}",
        "generation", (json_int_t)own->generation, "refused", (json_int_t)own->refused, "ticks",
        (json_int_t)s->ticks, "decisions", (json_int_t)s->decisions, "missed_deadlines",
        (json_int_t)s->missed_deadlines, "nodes", (json_int_t)s->nodes, "fallbacks", "predictor",
        (json_int_t)s->predictor_fallbacks, "search", (json_int_t)s->search_fallbacks, "sources",
        "search", (json_int_t)s->sources[HP_SOURCE_SEARCH], "policy",
        (json_int_t)s->sources[HP_SOURCE_POLICY], "comfort_brake",
        (json_int_t)s->sources[HP_SOURCE_COMFORT_BRAKE], "hard_brake",
        (json_int_t)s->sources[HP_SOURCE_HARD_BRAKE], "decision_ms", hist_json(&s->decision),
        "search_ms", hist_json(&s->search));
}

hp_status planner_stats_write(const planner_stats *stats, const hp_health *own,
                              const hp_client_info *const *workers, size_t n_workers,
                              const char *dir, hp_error *error)
{
    json_t *json = stats_json(stats, own);
    json_t *all = json_object();
    for (size_t i = 0; i < n_workers; i++) {
        (void)json_object_set_new(all, workers[i]->link, worker_json(workers[i]));
    }
    (void)json_object_set_new(json, "pruning", pruning_json(stats));
    (void)json_object_set_new(json, "workers", all); /* takes all over, also when it fails */
    char *text = json != NULL ? json_dumps(json, JSON_INDENT(2)) : NULL;
    json_decref(json);
    if (text == NULL) {
        return hp_fail(error, HP_ENOMEM, "cannot compose planner.json");
    }
    const size_t len = strlen(text);
    text[len] = '\n'; /* in the place of the zero: files end with a newline */
    const hp_status st = hp_file_write(dir, "planner.json", text, len + 1, error);
    free(text);
    return st;
}
