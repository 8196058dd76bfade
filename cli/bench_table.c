/* The benchmark's figures as tables for people. */
#include "cli/baselines.h"
#include "cli/bench_report.h"
#include "cli/table.h"

#include <math.h>
#include <string.h>

/* A figure, or a dash where there is none. */
static void cell_number(table *t, double value, int digits)
{
    if (isfinite(value)) {
        table_cell(t, "%.*f", digits, value);
    } else {
        table_cell(t, "-");
    }
}

static void cell_percent(table *t, uint64_t hits, uint64_t n)
{
    cell_number(t, 100.0 * bench_rate(hits, n), 1);
}

static void cell_interval(table *t, uint64_t hits, uint64_t n)
{
    const stats_interval w = stats_wilson(hits, n);
    if (n == 0) {
        table_cell(t, "-");
    } else {
        table_cell(t, "%.1f [%.1f-%.1f]", 100.0 * bench_rate(hits, n), 100.0 * w.lo, 100.0 * w.hi);
    }
}

static void heading(table *t, const char *const *names)
{
    table_init(t, 0);
    while (names[t->n_columns] != NULL) {
        t->n_columns++;
    }
    for (uint32_t i = 0; i < t->n_columns; i++) {
        table_cell(t, "%s", names[i]);
    }
}

static bool is_oracle(const char *name)
{
    return strcmp(name, BENCH_ORACLE_A) == 0 || strcmp(name, BENCH_ORACLE_B) == 0;
}

static bool shows(const bench_settings *s, uint32_t c)
{
    return s->shown[c] || is_oracle(s->contenders[c]);
}

static void finish(table *t, const char *title, FILE *out)
{
    (void)fprintf(out, "\n%s\n", title);
    table_print(t, out);
    table_free(t);
}

static void print_safety(const bench_board *board, FILE *out)
{
    static const char *const NAMES[] = {
        "planner",  "crash [95 %]", "fr/si/re/off", "critical", "near",  "goal", "arrival [95 %]",
        "critical", "impact",       "hard",         "false",    "guard", NULL};
    const bench_settings *s = &board->book->settings;
    table t;
    heading(&t, NAMES);
    for (uint32_t c = 0; c < s->n_contenders; c++) {
        const bench_score *x = bench_board_overall(board, c);
        if (!s->shown[c]) {
            continue;
        }
        table_cell(&t, "%s", s->contenders[c]);
        cell_interval(&t, x->crashes, x->scenes);
        table_cell(&t, "%u/%u/%u/%u", x->kinds[SIM_CRASH_FRONT], x->kinds[SIM_CRASH_SIDE],
                   x->kinds[SIM_CRASH_REAR], x->kinds[SIM_CRASH_OFFROAD]);
        cell_percent(&t, x->crashes_critical, x->critical);
        cell_percent(&t, x->near_misses, x->near_scenes);
        cell_percent(&t, x->goals, x->scenes);
        cell_interval(&t, x->arrivals, x->scenes);
        cell_percent(&t, x->arrivals_critical, x->critical);
        cell_number(&t, bench_mean(x->impact_mps, x->crashes), 1);
        cell_number(&t, bench_mean((double)x->hard_brakes, x->scenes), 2);
        cell_number(&t, bench_mean((double)x->false_brakings, x->scenes), 2);
        cell_number(&t, bench_mean((double)x->interventions, x->scenes), 1);
    }
    finish(
        &t,
        "Safety over all scenes, % (critical: of the scenes in which const crashes; arrival: goal "
        "in time, no crash, no\nspeeding; crashes counted front/side/rear/off the road; impact in "
        "m/s; hard brakes, false brakings (for nobody who\ncame near) and guard's interventions "
        "per "
        "scene)",
        out);
}

/** Crashes in scenes in which the others stayed within what the guard assumes, and in the rest. */
static void print_promise(const bench_board *board, FILE *out)
{
    static const char *const NAMES[] = {"planner", "scenes",       "crash [95 %]",
                                        "others",  "crash [95 %]", NULL};
    const bench_settings *s = &board->book->settings;
    table t;
    heading(&t, NAMES);
    for (uint32_t c = 0; c < s->n_contenders; c++) {
        const bench_score *x = bench_board_overall(board, c);
        bool guarded = false;
        if (!s->shown[c] || bench_contender_kind(s, c, &guarded) == NULL) {
            continue;
        }
        table_cell(&t, "%s", s->contenders[c]);
        table_cell(&t, "%u", x->within);
        cell_interval(&t, x->crashes_within, x->within);
        table_cell(&t, "%u", x->scenes - x->within);
        cell_interval(&t, x->crashes - x->crashes_within, x->scenes - x->within);
    }
    finish(
        &t,
        "Scenes in which everybody else stayed within the guard's bounds (accelerations, speeds, "
        "in sight in time), and others",
        out);
}

static void cell_duel(table *t, const bench_duel *d)
{
    if (d->scenes == 0) {
        table_cell(t, "-");
        table_cell(t, "-");
        return;
    }
    table_cell(t, "%u+ %u- of %u", d->mine, d->theirs, d->scenes);
    table_cell(t, "%+.2f [%+.2f, %+.2f]", d->points, d->points_95.lo, d->points_95.hi);
}

static void cell_race(table *t, const bench_duel *d)
{
    if (d->both < 2) {
        table_cell(t, "-");
        return;
    }
    table_cell(t, "%+.2f [%+.2f, %+.2f]", d->later_s, d->later_95.lo, d->later_95.hi);
}

static void print_duels(const bench_board *board, FILE *out)
{
    static const char *const NAMES[] = {"planner",  "only here, there", "points [95 %]",
                                        "critical", "points [95 %]",    "s later [95 %]",
                                        NULL};
    const bench_settings *s = &board->book->settings;
    uint32_t n = 0;
    table t;
    heading(&t, NAMES);
    for (uint32_t c = 0; c < s->n_contenders; c++) {
        const uint32_t longer = bench_board_longer(board, c);
        if (!s->shown[c] || longer == s->n_contenders) {
            continue;
        }
        const bench_duel all = bench_board_duel(board, c, longer, false);
        const bench_duel critical = bench_board_duel(board, c, longer, true);
        n++;
        table_cell(&t, "%s", s->contenders[c]);
        cell_duel(&t, &all);
        cell_duel(&t, &critical);
        cell_race(&t, &all);
    }
    if (n > 0) {
        finish(&t,
               "Against despot:x10 on the same scenes: crashes, difference of their rates; at the "
               "goal later by",
               out);
    } else {
        table_free(&t);
    }
}

static void print_time_to_goal(const bench_board *board, FILE *out)
{
    static const char *const NAMES[] = {
        "planner",      "SI90 01-09", "all",   "strict 01-09", "all",
        "arrive 01-09", "all",        "TTG s", "/oracle B",    NULL};
    const bench_settings *s = &board->book->settings;
    table t;
    heading(&t, NAMES);
    for (uint32_t c = 0; c < s->n_contenders; c++) {
        const bench_score *x = bench_board_overall(board, c);
        const bench_si90 nine = bench_board_si90(board, c, "09");
        const bench_si90 all = bench_board_si90(board, c, NULL);
        if (!shows(s, c)) {
            continue;
        }
        table_cell(&t, "%s", s->contenders[c]);
        table_cell(&t, "%u/%u", nine.si90, nine.of);
        table_cell(&t, "%u/%u", all.si90, all.of);
        table_cell(&t, "%u/%u", nine.strict, nine.of);
        table_cell(&t, "%u/%u", all.strict, all.of);
        table_cell(&t, "%u/%u", nine.arrive, nine.of);
        table_cell(&t, "%u/%u", all.arrive, all.of);
        cell_number(&t, bench_mean(x->ttg_s, x->goals), 2);
        cell_number(&t, x->paired_s / x->oracle_s, 3);
    }
    finish(&t,
           "Scenarios with at least 90 %: crash-free, strict (no near miss either), safe arrival; "
           "time to goal,\nits ratio on scenes that both finish",
           out);
}

static void cells_times(table *t, const stats_times *times)
{
    cell_number(t, stats_times_mean_ms(times), 2);
    cell_number(t, stats_times_percentile_ms(times, 0.50), 2);
    cell_number(t, stats_times_percentile_ms(times, 0.99), 2);
    cell_number(t, stats_times_max_ms(times), 2);
}

static void print_times(const bench_board *board, FILE *out)
{
    static const char *const NAMES[] = {"planner", "decisions", "mean",   "p50", "p99",
                                        "max",     "search",    "p50",    "p99", "max",
                                        "trials",  "nodes",     "pruned", NULL};
    const bench_settings *s = &board->book->settings;
    table t;
    heading(&t, NAMES);
    for (uint32_t c = 0; c < s->n_contenders; c++) {
        const bench_score *x = bench_board_overall(board, c);
        if (!s->shown[c]) {
            continue;
        }
        table_cell(&t, "%s", s->contenders[c]);
        table_cell(&t, "%llu", (unsigned long long)x->times.decision.n);
        cells_times(&t, &x->times.decision);
        cells_times(&t, &x->times.search);
        cell_number(&t, bench_mean((double)x->trials, x->searches), 0);
        cell_number(&t, bench_mean((double)x->nodes, x->searches), 0);
        cell_number(&t, bench_mean((double)x->pruned, x->searches), 0);
    }
    finish(&t,
           "Time per decision while somebody is in sight, and of the search in it: mean, p50, p99, "
           "max "
           "(thread CPU, ms, same\npass as the safety figures)",
           out);
}

static void cell_crash(table *t, const bench_score *x)
{
    cell_percent(t, x->crashes, x->scenes);
}

static void cell_crash_critical(table *t, const bench_score *x)
{
    cell_percent(t, x->crashes_critical, x->critical);
}

static void cell_arrival(table *t, const bench_score *x)
{
    cell_percent(t, x->arrivals, x->scenes);
}

static void cell_near(table *t, const bench_score *x)
{
    cell_percent(t, x->near_misses, x->near_scenes);
}

static void cell_ratio(table *t, const bench_score *x)
{
    cell_number(t, x->paired_s / x->oracle_s, 2);
}

static void print_matrix(const bench_board *board, const char *title, bool oracles,
                         void (*cell)(table *, const bench_score *), FILE *out)
{
    const bench_settings *s = &board->book->settings;
    table t;
    table_init(&t, s->n_scenarios + 2);
    table_cell(&t, "planner");
    for (uint32_t i = 0; i < s->n_scenarios; i++) {
        table_cell(&t, "%s", s->scenarios[i]);
    }
    table_cell(&t, "all");
    for (uint32_t c = 0; c < s->n_contenders; c++) {
        if (!s->shown[c] && !(oracles && is_oracle(s->contenders[c]))) {
            continue;
        }
        table_cell(&t, "%s", s->contenders[c]);
        for (uint32_t i = 0; i <= s->n_scenarios; i++) {
            cell(&t, bench_board_score(board, c, i));
        }
    }
    finish(&t, title, out);
}

static void print_recorded(const bench_board *board, FILE *out)
{
    static const char *const NAMES[] = {"planner", "ego-front", "side or rear",     "standing",
                                        "near",    "time s",    "progress / human", NULL};
    const bench_settings *s = &board->book->settings;
    table t;
    heading(&t, NAMES);
    for (uint32_t c = 0; c < s->n_contenders; c++) {
        const bench_score *x = bench_board_overall(board, c);
        if (!s->shown[c]) {
            continue;
        }
        table_cell(&t, "%s", s->contenders[c]);
        cell_percent(&t, x->kinds[SIM_CRASH_FRONT], x->scenes);
        cell_percent(&t, x->kinds[SIM_CRASH_SIDE] + x->kinds[SIM_CRASH_REAR], x->scenes);
        cell_percent(&t, x->standing_contacts, x->scenes);
        cell_percent(&t, x->near_misses, x->near_scenes);
        cell_number(&t, bench_mean(x->ttg_s, x->goals), 1);
        cell_number(&t, x->progress_m / x->human_m, 3);
    }
    finish(&t,
           "Contacts with recorded agents, who do not react (% of scenes); time to the end of the "
           "way, progress",
           out);
}

static void print_head(const bench_board *board, FILE *out)
{
    const bench_settings *s = &board->book->settings;
    const bench_score *first = bench_board_overall(board, 0);
    const uint32_t n = bench_board_scenarios(board);
    char params[256];
    char sources[256];
    baseline_describe(params, sizeof params);
    (void)fprintf(
        out, "%s, %s scenes: %u in %u scenario%s (%u critical), seed %llu, guard %s, %u trials\n",
        s->suite, s->grid, first->scenes, n, n == 1 ? "" : "s", first->critical,
        (unsigned long long)s->seed, s->guard, s->trials);
    (void)fprintf(out, "%s\n", params);
    if (bench_origin_list(&s->origin, BENCH_MIXED, sources, sizeof sources)) {
        (void)fprintf(out, "MIXED, rows are not all of the same: %s\n", sources);
    }
    if (bench_origin_list(&s->origin, BENCH_UNKNOWN, sources, sizeof sources)) {
        (void)fprintf(out, "not recorded, rows may not all be of the same: %s\n", sources);
    }
    if (s->shards > 1) {
        (void)fprintf(out, "shard %u of %u; put together with: hyplan bench merge DIR...\n",
                      s->shard, s->shards);
    }
}

void bench_report_table(const bench_board *board, FILE *out)
{
    const bool recorded = strcmp(board->book->settings.suite, "dut") == 0;
    print_head(board, out);
    print_safety(board, out);
    print_promise(board, out);
    print_duels(board, out);
    if (recorded) {
        print_recorded(board, out);
    } else {
        print_time_to_goal(board, out);
    }
    print_times(board, out);
    print_matrix(board, "Crash, % of scenes", false, cell_crash, out);
    print_matrix(board, "Crash, % of critical scenes", false, cell_crash_critical, out);
    print_matrix(board, "Near miss, %", false, cell_near, out);
    if (!recorded) {
        print_matrix(board, "Safe arrival, %", true, cell_arrival, out);
        print_matrix(board, "Time to goal / oracle B", true, cell_ratio, out);
    }
}

uint32_t bench_board_failures(const bench_board *board)
{
    return (board->beats > 0 ? 1U : 0U) + (board->missing > 0 ? 1U : 0U);
}

uint32_t bench_report_failures(const bench_board *board, FILE *out)
{
    const bench_settings *s = &board->book->settings;
    if (board->beats > 0) {
        const bench_row *row =
            bench_book_row(board->book, board->first_beat_index, board->first_beat_contender);
        (void)fprintf(
            out,
            "FAILED: the oracle is beaten in %u scene%s, which nobody can: judge or oracle "
            "is wrong\n        first: %s in %s, scene %s: safe arrival in %.2f s\n",
            board->beats, board->beats == 1 ? "" : "s", row->planner, row->scenario, row->scene,
            row->ttg_s);
    }
    if (board->missing > 0) {
        (void)fprintf(out, "FAILED: %u of %u scenes are missing%s\n", board->missing, s->n_scenes,
                      s->shards == 1 ? "" : " in this shard");
    }
    return bench_board_failures(board);
}
