#include "cli/tune_result.h"

#include "cli/svg.h"
#include "cli/table.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void tune_result_take(const bench_board *board, const char *planner, tune_result *out)
{
    const uint32_t c = bench_contender_find(&board->book->settings, planner);
    const bench_score *s = bench_board_overall(board, c);
    out->scenes = s->scenes;
    out->crashes = s->crashes;
    out->near_misses = s->near_misses;
    out->unclean = s->unclean;
    out->arrivals = s->arrivals;
    out->ttg_s = bench_mean(s->ttg_s, s->goals);
    out->mean_ms = stats_times_mean_ms(&s->times.decision);
    out->p50_ms = stats_times_percentile_ms(&s->times.decision, 0.5);
    out->p99_ms = stats_times_percentile_ms(&s->times.decision, 0.99);
    out->nodes = bench_mean((double)s->nodes, s->searches);
    out->trials = bench_mean((double)s->trials, s->searches);
    out->pruned = bench_mean((double)s->pruned, s->searches);
}

static bool beats(const tune_result *a, const tune_result *b)
{
    return a->unclean <= b->unclean && a->p99_ms <= b->p99_ms &&
           (a->unclean < b->unclean || a->p99_ms < b->p99_ms);
}

void tuning_judge(tuning *t)
{
    const tune_result *base = &t->results[0];
    t->chosen = 0;
    for (uint32_t i = 0; i < t->n; i++) {
        tune_result *r = &t->results[i];
        r->front = true;
        for (uint32_t k = 0; k < t->n; k++) {
            r->front = r->front && !beats(&t->results[k], r);
        }
        if (r->crashes <= base->crashes && r->unclean <= base->unclean &&
            r->arrivals >= base->arrivals && r->p99_ms < t->results[t->chosen].p99_ms) {
            t->chosen = i;
        }
    }
}

static void values_text(const tuning *t, const tune_result *r, char *text, size_t cap)
{
    size_t used = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < t->space->n_axes && r->point.sets[i][0] != '\0'; i++) {
        const int n = snprintf(text + used, cap - used, "%s%s", i > 0 ? " " : "", r->point.sets[i]);
        if (n < 0 || (size_t)n >= cap - used) {
            return;
        }
        used += (size_t)n;
    }
}

static const char *remark(const tuning *t, uint32_t i)
{
    if (i == t->chosen) {
        return t->results[i].front ? "chosen, front" : "chosen";
    }
    return t->results[i].front ? "front" : "";
}

/* A figure, or a dash where there is none: nobody arrived, nothing was searched. */
static void cell_number(table *rows, double value, int digits)
{
    if (isfinite(value)) {
        table_cell(rows, "%.*f", digits, value);
    } else {
        table_cell(rows, "-");
    }
}

void tuning_table(const tuning *t, FILE *out)
{
    static const char *const NAMES[] = {"point",     "crash %", "crash + near miss %",
                                        "arrival %", "TTG s",   "mean ms",
                                        "p50",       "p99",     "nodes",
                                        "pruned",    "",        "values"};
    table rows;
    table_init(&rows, HP_ARRAY_LEN(NAMES));
    for (size_t i = 0; i < HP_ARRAY_LEN(NAMES); i++) {
        table_cell(&rows, "%s", NAMES[i]);
    }
    for (uint32_t i = 0; i < t->n; i++) {
        const tune_result *r = &t->results[i];
        const stats_interval w = stats_wilson(r->unclean, r->scenes);
        char values[TUNE_MAX_AXES * TUNE_SET];
        values_text(t, r, values, sizeof values);
        table_cell(&rows, "%s", r->name);
        table_cell(&rows, "%.1f", 100.0 * bench_rate(r->crashes, r->scenes));
        table_cell(&rows, "%.1f [%.1f-%.1f]", 100.0 * bench_rate(r->unclean, r->scenes),
                   100.0 * w.lo, 100.0 * w.hi);
        table_cell(&rows, "%.1f", 100.0 * bench_rate(r->arrivals, r->scenes));
        cell_number(&rows, r->ttg_s, 2);
        cell_number(&rows, r->mean_ms, 2);
        cell_number(&rows, r->p50_ms, 2);
        cell_number(&rows, r->p99_ms, 2);
        cell_number(&rows, r->nodes, 0);
        cell_number(&rows, r->pruned, 0);
        table_cell(&rows, "%s", remark(t, i));
        table_cell(&rows, "%s", values);
    }
    (void)fprintf(out, "%s on %s, %s scenes, %u a point\n\n", t->planner, t->suite, t->grid,
                  t->results[0].scenes);
    table_print(&rows, out);
    table_free(&rows);
}

static json_t *result_json(const tuning *t, uint32_t i)
{
    const tune_result *r = &t->results[i];
    const stats_interval w = stats_wilson(r->unclean, r->scenes);
    json_t *sets = json_array();
    for (uint32_t k = 0; k < t->space->n_axes && r->point.sets[k][0] != '\0'; k++) {
        (void)json_array_append_new(sets, json_string(r->point.sets[k]));
    }
    return json_pack(
        "{s:s, s:o, s:i, s:i, s:i, s:i, s:i, s:[o,o], s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:b}",
        "name", r->name, "sets", sets, "scenes", (int)r->scenes, "crashes", (int)r->crashes,
        "near_misses", (int)r->near_misses, "crash_or_near_miss", (int)r->unclean, "safe_arrivals",
        (int)r->arrivals, "crash_or_near_miss_interval", cli_json_real(w.lo), cli_json_real(w.hi),
        "ttg_s", cli_json_real(r->ttg_s), "decision_mean_ms", cli_json_real(r->mean_ms),
        "decision_p50_ms", cli_json_real(r->p50_ms), "decision_p99_ms", cli_json_real(r->p99_ms),
        "nodes", cli_json_real(r->nodes), "trials", cli_json_real(r->trials), "pruned",
        cli_json_real(r->pruned), "front", r->front ? 1 : 0, "chosen", i == t->chosen ? 1 : 0);
}

json_t *tuning_json(const tuning *t)
{
    json_t *points = json_array();
    for (uint32_t i = 0; i < t->n; i++) {
        (void)json_array_append_new(points, result_json(t, i));
    }
    return json_pack("{s:s, s:s, s:s, s:o}", "planner", t->planner, "suite", t->suite, "grid",
                     t->grid, "points", points);
}

/* A word of the configuration as a cell; lists hold commas. */
static void csv_text(const char *text, FILE *out)
{
    if (strpbrk(text, ",\"") == NULL) {
        (void)fputs(text, out);
        return;
    }
    (void)fputc('"', out);
    for (; *text != '\0'; text++) {
        (void)fprintf(out, *text == '"' ? "\"\"" : "%c", *text);
    }
    (void)fputc('"', out);
}

/* An empty cell where there is no such figure. */
static void csv_number(double value, FILE *out)
{
    (void)fprintf(out, isfinite(value) ? ",%.6g" : ",", value);
}

void tuning_csv(const tuning *t, FILE *out)
{
    (void)fputs("point", out);
    for (uint32_t k = 0; k < t->space->n_axes; k++) {
        (void)fprintf(out, ",%s", t->space->axes[k].key);
    }
    (void)fputs(
        ",scenes,crashes,crash_or_near_miss,safe_arrivals,ttg_s,mean_ms,p50_ms,p99_ms,nodes,"
        "pruned,front,chosen\n",
        out);
    for (uint32_t i = 0; i < t->n; i++) {
        const tune_result *r = &t->results[i];
        (void)fprintf(out, "%u", i);
        for (uint32_t k = 0; k < t->space->n_axes; k++) {
            const char *value = strchr(r->point.sets[k], '=');
            (void)fputc(',', out);
            csv_text(value != NULL ? value + 1 : "", out);
        }
        const double figures[] = {r->ttg_s, r->mean_ms, r->p50_ms, r->p99_ms, r->nodes, r->pruned};
        (void)fprintf(out, ",%u,%u,%u,%u", r->scenes, r->crashes, r->unclean, r->arrivals);
        for (size_t k = 0; k < HP_ARRAY_LEN(figures); k++) {
            csv_number(figures[k], out);
        }
        (void)fprintf(out, ",%d,%d\n", r->front, i == t->chosen);
    }
}

static int by_x(const void *a, const void *b)
{
    const double d = ((const svg_point *)a)->x - ((const svg_point *)b)->x;
    return d < 0.0 ? -1 : (d > 0.0 ? 1 : 0);
}

void tuning_svg(const tuning *t, FILE *out)
{
    svg_point *points = calloc(t->n, sizeof *points);
    if (points == NULL) {
        return;
    }
    for (uint32_t i = 0; i < t->n; i++) {
        const tune_result *r = &t->results[i];
        const stats_interval w = stats_wilson(r->unclean, r->scenes);
        points[i] = (svg_point){r->p99_ms,
                                100.0 * bench_rate(r->unclean, r->scenes),
                                100.0 * w.lo,
                                100.0 * w.hi,
                                r->name,
                                r->front,
                                i == 0 || i == t->chosen};
    }
    qsort(points, t->n, sizeof *points, by_x);
    const svg_plot_panel panel = {"crashes and near misses, % of scenes (whiskers: 95 %)", points,
                                  t->n};
    svg_plot_write(&(svg_plot){"Safety against time; the line joins the points that nobody beats",
                               "p99 of a decision, ms", &panel, 1, false},
                   out);
    free(points);
}

enum { CURVE_PANELS = 5 };

static double curve_value(const tune_result *r, uint32_t panel)
{
    const double values[CURVE_PANELS] = {
        100.0 * bench_rate(r->crashes, r->scenes), 100.0 * bench_rate(r->unclean, r->scenes),
        100.0 * bench_rate(r->arrivals, r->scenes), r->p99_ms, r->nodes};
    return values[panel];
}

bool tuning_curve_svg(const tuning *t, FILE *out)
{
    static const char *const TITLES[CURVE_PANELS] = {
        "crashes, % of scenes", "crashes and near misses, % of scenes", "safe arrivals, %",
        "p99 of a decision, ms", "nodes per search"};
    svg_plot_panel panels[CURVE_PANELS];
    const uint32_t n = t->n - 1; /* the base has no value on the axis */
    if (t->space->n_axes != 1 || t->space->axes[0].n_words > 0 || n == 0) {
        return false;
    }
    svg_point *points = calloc((size_t)CURVE_PANELS * n, sizeof *points);
    if (points == NULL) {
        return false;
    }
    for (uint32_t p = 0; p < CURVE_PANELS; p++) {
        svg_point *row = &points[(size_t)p * n];
        for (uint32_t i = 0; i < n; i++) {
            const tune_result *r = &t->results[i + 1];
            row[i] = (svg_point){.x = r->point.values[0],
                                 .y = curve_value(r, p),
                                 .lo = (double)NAN,
                                 .hi = (double)NAN,
                                 .label = r->name,
                                 .on_line = true,
                                 .marked = i + 1 == t->chosen};
        }
        qsort(row, n, sizeof *row, by_x);
        panels[p] = (svg_plot_panel){TITLES[p], row, n};
    }
    svg_plot_write(&(svg_plot){"Along the range", t->space->axes[0].key, panels, CURVE_PANELS,
                               t->space->axes[0].log},
                   out);
    free(points);
    return true;
}
