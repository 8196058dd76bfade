#include "cli/report.h"

#include "cli/bench_row.h"
#include "cli/bench_suite.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** "speed=1.75,distance=8.75": the number behind key, or NaN. */
static double scene_number(const char *scene, const char *key)
{
    const char *at = strstr(scene, key);
    char *end = NULL;
    const double value = at != NULL ? strtod(at + strlen(key), &end) : (double)NAN;
    return at != NULL && end != at + strlen(key) ? value : (double)NAN;
}

static json_t *real_or_null(double value)
{
    json_t *real = json_real(value);
    return real != NULL ? real : json_null();
}

/** 0 safe arrival, 1 near miss, 2 no safe arrival (late, or by speeding), 3 crash. */
static int outcome(const bench_row *row)
{
    if (bench_row_crashed(row)) {
        return 3;
    }
    if (row->near_miss) {
        return 1;
    }
    return row->safe_arrival ? 0 : 2;
}

/** "scenes/03-17-despot": where a scene that was driven again is kept, below the benchmark. */
static void kept_name(const bench_row *row, char name[CLI_PATH])
{
    (void)snprintf(name, CLI_PATH, "scenes/%s-%" PRIu32 "-%s", row->scenario, row->index,
                   row->planner);
}

/** A page of that scene is there. */
static bool is_kept(const char *dir, const char *name)
{
    char path[2 * CLI_PATH];
    (void)snprintf(path, sizeof path, "%s/%s/report.html", dir, name);
    return access(path, R_OK) == 0;
}

static json_t *row_json(const char *dir, const bench_row *row)
{
    char seed[24];
    char kept[CLI_PATH];
    (void)snprintf(seed, sizeof seed, "%" PRIu64, row->seed); /* too long for a number of a page */
    kept_name(row, kept);
    return json_pack("[s, s, s, o, o, i, o, o, o, i, i, s, s, b]", row->scenario, row->planner,
                     row->scene, real_or_null(scene_number(row->scene, "speed=")),
                     real_or_null(scene_number(row->scene, "distance=")), outcome(row),
                     real_or_null(row->impact_mps), real_or_null(row->min_gap_m),
                     real_or_null(row->ttg_s), (int)row->interventions, (int)row->index, seed, kept,
                     outcome(row) != 0 && is_kept(dir, kept));
}

static hp_status read_rows(const char *dir, const char *path, json_t *rows, hp_error *error)
{
    char *line = NULL;
    size_t cap = 0;
    FILE *in = fopen(path, "re");
    if (in == NULL) {
        return hp_fail(error, HP_ENOENT, "%s: no benchmark there", path);
    }
    bench_row row;
    bench_times *times = calloc(1, sizeof *times);
    hp_status st = times != NULL ? HP_OK : hp_fail(error, HP_ENOMEM, "out of memory");
    unsigned number = 0;
    for (ssize_t n = getline(&line, &cap, in); n > 0 && st == HP_OK; n = getline(&line, &cap, in)) {
        line[strcspn(line, "\r\n")] = '\0';
        hp_error why = {{0}};
        number++;
        if (number == 1) {
            continue; /* the heading */
        }
        st = bench_row_read(line, &row, times, &why);
        if (st == HP_OK && strncmp(row.planner, "oracle", 6) != 0) {
            (void)json_array_append_new(rows, row_json(dir, &row));
        } else if (st != HP_OK) {
            (void)hp_fail(error, st, "%s:%u: %s", path, number, why.text);
        }
    }
    free(times);
    free(line);
    (void)fclose(in);
    return st;
}

/** Where the suite's scenarios lie below scenarios/, to drive one again; NULL: recordings. */
static const char *folder_of(const json_t *summary)
{
    const char *suite = json_string_value(json_object_get(summary, "suite"));
    const bench_family *family = suite != NULL ? bench_family_find(suite) : NULL;
    return family != NULL ? family->folder : NULL;
}

hp_status report_bench(const char *path, json_t **out, hp_error *error)
{
    char file[CLI_PATH];
    json_error_t why;
    *out = NULL;
    if (snprintf(file, sizeof file, "%s/summary.json", path) >= (int)sizeof file) {
        return hp_fail(error, HP_EINVAL, "%s: path too long", path);
    }
    json_t *summary = json_load_file(file, 0, &why);
    if (summary == NULL) {
        return hp_fail(error, HP_ENOENT, "%s: %s", file, why.text);
    }
    json_t *rows = json_array();
    (void)snprintf(file, sizeof file, "%s/episodes.csv", path);
    const hp_status st = read_rows(path, file, rows, error);
    if (st != HP_OK) {
        json_decref(rows);
        json_decref(summary);
        return st;
    }
    *out = json_pack("{s:s, s:o, s:o, s:s?, s:o, s:o}", "kind", "bench", "name", report_name(path),
                     "seed", report_seed(summary), "folder", folder_of(summary), "summary", summary,
                     "rows", rows);
    return HP_OK;
}
