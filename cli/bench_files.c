/* The benchmark's files: JUnit for CI servers, a picture, and everything into the run's directory.
 */
#include "cli/bench_report.h"
#include "cli/svg.h"

#include <stdlib.h>
#include <string.h>

/** The name of a suite's part; names come from files. */
static void put_name(const char *suite, const char *part, FILE *out)
{
    svg_escape(out, suite);
    (void)fputc('.', out);
    svg_escape(out, part);
}

static void junit_case(const bench_board *board, uint32_t c, uint32_t i, FILE *out)
{
    const bench_settings *s = &board->book->settings;
    const bench_score *x = bench_board_score(board, c, i);
    (void)fputs("    <testcase classname=\"", out);
    put_name(s->suite, s->contenders[c], out);
    (void)fputs("\" name=\"", out);
    svg_escape(out, s->scenarios[i]);
    (void)fputs("\">\n", out);
    if (x->beats > 0) {
        (void)fprintf(out, "      <failure message=\"beats the oracle in %u of %u scenes\"/>\n",
                      x->beats, x->scenes);
    }
    (void)fprintf(out,
                  "      <system-out>scenes=%u critical=%u crashes=%u near_misses=%u "
                  "safe_arrivals=%u</system-out>\n    </testcase>\n",
                  x->scenes, x->critical, x->crashes, x->near_misses, x->arrivals);
}

void bench_report_junit(const bench_board *board, FILE *out)
{
    const bench_settings *s = &board->book->settings;
    (void)fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n", out);
    for (uint32_t c = 0; c < s->n_contenders; c++) {
        uint32_t failures = 0;
        if (!s->shown[c]) {
            continue;
        }
        for (uint32_t i = 0; i < s->n_scenarios; i++) {
            failures += bench_board_score(board, c, i)->beats > 0;
        }
        (void)fputs("  <testsuite name=\"", out);
        put_name(s->suite, s->contenders[c], out);
        (void)fprintf(out, "\" tests=\"%u\" failures=\"%u\">\n", s->n_scenarios, failures);
        for (uint32_t i = 0; i < s->n_scenarios; i++) {
            junit_case(board, c, i, out);
        }
        (void)fputs("  </testsuite>\n", out);
    }
    if (board->missing > 0) {
        (void)fputs("  <testsuite name=\"", out);
        svg_escape(out, s->suite);
        (void)fputs("\" tests=\"1\" failures=\"1\">\n    <testcase classname=\"", out);
        svg_escape(out, s->suite);
        (void)fprintf(out,
                      "\" name=\"complete\">\n"
                      "      <failure message=\"%u scenes are missing\"/>\n"
                      "    </testcase>\n  </testsuite>\n",
                      board->missing);
    }
    (void)fputs("</testsuites>\n", out);
}

static svg_bar bar_of(uint64_t hits, uint64_t n)
{
    const stats_interval w = stats_wilson(hits, n);
    return (svg_bar){bench_rate(hits, n), w.lo, w.hi};
}

static void report_svg(const bench_board *board, FILE *out)
{
    const bench_settings *s = &board->book->settings;
    const char *series[BENCH_MAX_CONTENDERS];
    const char *groups[BENCH_MAX_SCENARIOS + 1];
    uint32_t shown[BENCH_MAX_CONTENDERS];
    uint32_t n_series = 0;
    char title[160];
    char mixed[48];
    const uint32_t n_groups = s->n_scenarios + 1;
    svg_bar *bars = calloc((size_t)2 * n_groups * BENCH_MAX_CONTENDERS, sizeof *bars);
    if (bars == NULL) {
        return;
    }
    for (uint32_t c = 0; c < s->n_contenders; c++) {
        if (s->shown[c]) {
            series[n_series] = s->contenders[c];
            shown[n_series++] = c;
        }
    }
    svg_bar *arrivals = bars + (size_t)n_groups * n_series;
    for (uint32_t g = 0; g < n_groups; g++) {
        groups[g] = g < s->n_scenarios ? s->scenarios[g] : "all";
        for (uint32_t k = 0; k < n_series; k++) {
            const bench_score *x = bench_board_score(board, shown[k], g);
            bars[g * n_series + k] = bar_of(x->crashes, x->scenes);
            arrivals[g * n_series + k] = bar_of(x->arrivals, x->scenes);
        }
    }
    const svg_panel panels[] = {{"crash", bars}, {"safe arrival", arrivals}};
    (void)snprintf(title, sizeof title, "hyplan bench %s, %s scenes, seed %llu, guard %s", s->suite,
                   s->grid, (unsigned long long)s->seed, s->guard);
    if (bench_origin_list(&s->origin, BENCH_MIXED, mixed, sizeof mixed)) {
        const size_t len = strlen(title);
        (void)snprintf(title + len, sizeof title - len, ", MIXED: %s", mixed);
    }
    const svg_chart chart = {title,    panels,  groups, series, HP_ARRAY_LEN(panels),
                             n_groups, n_series};
    svg_bar_chart(&chart, out);
    free(bars);
}

static hp_status write_composed(const bench_board *board, const cli_rundir *dir, const char *file,
                                void (*compose)(const bench_board *, FILE *), hp_error *error)
{
    cli_draft draft;
    const hp_status status = cli_draft_open(&draft, error);
    if (status != HP_OK) {
        return status;
    }
    compose(board, draft.out);
    return cli_draft_write(&draft, dir, file, error);
}

hp_status bench_report_write(const bench_board *board, const cli_rundir *dir, hp_error *error)
{
    json_t *json = bench_report_json(board);
    hp_status status = json == NULL ? hp_fail(error, HP_ENOMEM, "out of memory")
                                    : cli_rundir_write_json(dir, "summary.json", json, error);
    json_decref(json);
    if (status == HP_OK) {
        status = write_composed(board, dir, "table.txt", bench_report_table, error);
    }
    if (status == HP_OK) {
        status = write_composed(board, dir, "junit.xml", bench_report_junit, error);
    }
    if (status == HP_OK) {
        status = write_composed(board, dir, "bars.svg", report_svg, error);
    }
    return status;
}
