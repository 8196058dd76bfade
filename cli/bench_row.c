#include "cli/bench_row.h"

#include "common/hp_text.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

typedef enum column_type {
    COLUMN_TEXT,
    COLUMN_UINT,
    COLUMN_UINT64,
    COLUMN_DOUBLE,
    COLUMN_BOOL,
    COLUMN_VERDICT,
    COLUMN_CRASH,
} column_type;

typedef struct column {
    const char *name;
    column_type type;
    size_t offset, size; /* of the member; for texts its capacity */
} column;

#define COLUMN(NAME, TYPE, MEMBER)                                                                 \
    {                                                                                              \
        NAME, TYPE, offsetof(bench_row, MEMBER), sizeof(((bench_row *)0)->MEMBER)                  \
    }

static const column COLUMNS[] = {
    COLUMN("index", COLUMN_UINT, index),
    COLUMN("scenario", COLUMN_TEXT, scenario),
    COLUMN("scene", COLUMN_TEXT, scene),
    COLUMN("planner", COLUMN_TEXT, planner),
    COLUMN("seed", COLUMN_UINT64, seed),
    COLUMN("verdict", COLUMN_VERDICT, verdict),
    COLUMN("crash", COLUMN_CRASH, crash),
    COLUMN("safe_arrival", COLUMN_BOOL, safe_arrival),
    COLUMN("near_miss", COLUMN_BOOL, near_miss),
    COLUMN("near_miss_applies", COLUMN_BOOL, near_miss_applies),
    COLUMN("ttg_s", COLUMN_DOUBLE, ttg_s),
    COLUMN("impact_mps", COLUMN_DOUBLE, impact_mps),
    COLUMN("progress_m", COLUMN_DOUBLE, progress_m),
    COLUMN("min_ttc_s", COLUMN_DOUBLE, min_ttc_s),
    COLUMN("min_gap_m", COLUMN_DOUBLE, min_gap_m),
    COLUMN("max_jerk_mps3", COLUMN_DOUBLE, max_jerk_mps3),
    COLUMN("rms_jerk_mps3", COLUMN_DOUBLE, rms_jerk_mps3),
    COLUMN("pavement_s", COLUMN_DOUBLE, pavement_s),
    COLUMN("oncoming_s", COLUMN_DOUBLE, oncoming_s),
    COLUMN("speeding_s", COLUMN_DOUBLE, speeding_s),
    COLUMN("max_speed_mps", COLUMN_DOUBLE, max_speed_mps),
    COLUMN("ticks", COLUMN_UINT, ticks),
    COLUMN("hard_brakes", COLUMN_UINT, hard_brakes),
    COLUMN("brakings", COLUMN_UINT, brakings),
    COLUMN("false_brakings", COLUMN_UINT, false_brakings),
    COLUMN("switches", COLUMN_UINT, switches),
    COLUMN("interventions", COLUMN_UINT, interventions),
    COLUMN("breach", COLUMN_UINT, breach),
    COLUMN("by_search", COLUMN_UINT, sources[HP_SOURCE_SEARCH]),
    COLUMN("by_policy", COLUMN_UINT, sources[HP_SOURCE_POLICY]),
    COLUMN("by_comfort_brake", COLUMN_UINT, sources[HP_SOURCE_COMFORT_BRAKE]),
    COLUMN("by_hard_brake", COLUMN_UINT, sources[HP_SOURCE_HARD_BRAKE]),
    COLUMN("searches", COLUMN_UINT, searches),
    COLUMN("trials", COLUMN_UINT64, trials),
    COLUMN("nodes", COLUMN_UINT64, nodes),
    COLUMN("pruned", COLUMN_UINT64, pruned),
    COLUMN("command_hash", COLUMN_UINT64, command_hash),
};

/* The times follow the row's columns. */
enum { N_COLUMNS = HP_ARRAY_LEN(COLUMNS), N_FIELDS = N_COLUMNS + 2 };

static const char *crash_word(uint32_t crash)
{
    return sim_crash_text((sim_crash)crash);
}

static const char *verdict_word(uint32_t verdict)
{
    return sim_verdict_text((hp_verdict)verdict);
}

void bench_row_heading(FILE *out)
{
    for (size_t i = 0; i < N_COLUMNS; i++) {
        (void)fprintf(out, "%s,", COLUMNS[i].name);
    }
    (void)fputs("decision_times_ns,search_times_ns\n", out);
}

static void write_double(double value, FILE *out)
{
    if (isnan(value)) {
        return; /* an empty cell: not applicable */
    }
    (void)fprintf(out, "%.17g", value); /* infinities as "inf" */
}

static void write_cell(const column *c, const bench_row *row, FILE *out)
{
    const void *at = (const char *)row + c->offset;
    switch (c->type) {
    case COLUMN_TEXT: /* scenes hold commas; no text of ours holds quotes */
        (void)fprintf(out, strchr(at, ',') == NULL ? "%s" : "\"%s\"", (const char *)at);
        break;
    case COLUMN_UINT:
        (void)fprintf(out, "%" PRIu32, *(const uint32_t *)at);
        break;
    case COLUMN_UINT64:
        (void)fprintf(out, "%" PRIu64, *(const uint64_t *)at);
        break;
    case COLUMN_DOUBLE:
        write_double(*(const double *)at, out);
        break;
    case COLUMN_BOOL:
        (void)fputc(*(const bool *)at ? '1' : '0', out);
        break;
    case COLUMN_VERDICT:
        (void)fputs(verdict_word(*(const uint32_t *)at), out);
        break;
    case COLUMN_CRASH:
        (void)fputs(crash_word(*(const uint32_t *)at), out);
        break;
    }
    (void)fputc(',', out);
}

void bench_row_write(const bench_row *row, const bench_times *times, FILE *out)
{
    for (size_t i = 0; i < N_COLUMNS; i++) {
        write_cell(&COLUMNS[i], row, out);
    }
    (void)stats_times_write(&times->decision, out);
    (void)fputc(',', out);
    (void)stats_times_write(&times->search, out);
    (void)fputc('\n', out);
}

/* Cuts a line into its cells in place; returns how many, or 0 if quotes are wrong. */
static size_t cut(char *line, char *cells[N_FIELDS + 1])
{
    size_t n = 0;
    for (char *at = line; n <= N_FIELDS;) {
        char *end = NULL;
        if (*at == '"') {
            end = strchr(++at, '"');
            if (end == NULL) {
                return 0;
            }
            *end++ = '\0';
        } else {
            end = at + strcspn(at, ",");
        }
        cells[n++] = at;
        if (*end == '\0') {
            return n;
        }
        if (*end != ',') {
            return 0;
        }
        *end = '\0';
        at = end + 1;
    }
    return 0;
}

static bool read_word(const char *cell, uint32_t n, const char *(*word)(uint32_t), uint32_t *out)
{
    for (uint32_t i = 0; i < n; i++) {
        if (strcmp(word(i), cell) == 0) {
            *out = i;
            return true;
        }
    }
    return false;
}

static bool read_double(const char *cell, double *out)
{
    char *end = NULL;
    if (cell[0] == '\0') {
        *out = (double)NAN;
        return true;
    }
    *out = strtod(cell, &end);
    return *end == '\0' && !isnan(*out);
}

static bool read_u64(const char *cell, uint64_t max, uint64_t *out)
{
    char *end = NULL;
    if (cell[0] < '0' || cell[0] > '9') {
        return false;
    }
    errno = 0;
    const unsigned long long value = strtoull(cell, &end, 10);
    *out = value;
    return errno == 0 && *end == '\0' && value <= max;
}

static bool read_cell(const column *c, const char *cell, bench_row *row)
{
    void *at = (char *)row + c->offset;
    uint64_t number = 0;
    bool good = false;
    switch (c->type) {
    case COLUMN_TEXT:
        good = strlen(cell) < c->size && hp_text_is_line(cell);
        if (good) {
            memcpy(at, cell, strlen(cell) + 1);
        }
        break;
    case COLUMN_UINT:
        good = read_u64(cell, UINT32_MAX, &number);
        *(uint32_t *)at = (uint32_t)number;
        break;
    case COLUMN_UINT64:
        good = read_u64(cell, UINT64_MAX, (uint64_t *)at);
        break;
    case COLUMN_DOUBLE:
        good = read_double(cell, at);
        break;
    case COLUMN_BOOL:
        good = read_u64(cell, 1, &number);
        *(bool *)at = number == 1;
        break;
    case COLUMN_VERDICT:
        good = read_word(cell, HP_VERDICT_STOPPED + 1, verdict_word, at);
        break;
    case COLUMN_CRASH:
        good = read_word(cell, SIM_CRASH_COUNT, crash_word, at);
        break;
    }
    return good;
}

hp_status bench_row_read(char *line, bench_row *row, bench_times *times, hp_error *error)
{
    char *cells[N_FIELDS + 1];
    const size_t n = cut(line, cells);
    memset(row, 0, sizeof *row);
    if (n != N_FIELDS) {
        return hp_fail(error, HP_EINVAL, "a row of %d cells was expected", (int)N_FIELDS);
    }
    for (size_t i = 0; i < N_COLUMNS; i++) {
        if (!read_cell(&COLUMNS[i], cells[i], row)) {
            return hp_fail(error, HP_EINVAL, "'%.40s' is no value of column '%s'", cells[i],
                           COLUMNS[i].name);
        }
    }
    if (stats_times_read(cells[N_COLUMNS], &times->decision) != 0 ||
        stats_times_read(cells[N_COLUMNS + 1], &times->search) != 0) {
        return hp_fail(error, HP_EINVAL, "the times are malformed");
    }
    return HP_OK;
}
