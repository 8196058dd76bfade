#include "sim-bridge/sim_clip_csv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NUMBER = 40 }; /* characters; a double never needs more than 24 */

static const char WALKER_HEADER[] = "id,frame,label,x_est,y_est,vx_est,vy_est";
static const char VEHICLE_HEADER[] = "id,frame,label,x_est,y_est,psi_est,vel_est";
static const char *const WALKER_COLUMNS[4] = {"x_est", "y_est", "vx_est", "vy_est"};
static const char *const VEHICLE_COLUMNS[4] = {"x_est", "y_est", "psi_est", "vel_est"};
/* Metres, metres per second, radians: what a camera over a street can see. */
static const double LIMITS[4] = {1e4, 1e4, 100.0, 100.0};

/** A field and where it stands. */
typedef struct span {
    const char *start;
    size_t len;
    size_t column; /* from 1 */
    bool last;     /* the line ends behind it */
} span;

static hp_status refuse(const sim_csv *csv, size_t column, hp_error *error, const char *what,
                        const char *mend)
{
    return hp_fail(error, HP_ECONFIG, "%s:%u:%zu: error: %s (%s)", csv->text->name, csv->line,
                   column, what, mend);
}

/** Cuts the next field off; false if the text ends inside it. */
static bool take_span(sim_csv *csv, span *out)
{
    const char *bytes = csv->text->bytes;
    size_t end = csv->pos;
    while (end < csv->text->len && bytes[end] != ',' && bytes[end] != '\n') {
        ++end;
    }
    *out = (span){bytes + csv->pos, end - csv->pos, csv->pos - csv->line_start + 1, false};
    if (end == csv->text->len) {
        return false;
    }
    out->last = bytes[end] == '\n';
    if (out->last && out->len > 0 && out->start[out->len - 1] == '\r') {
        --out->len;
    }
    csv->pos = end + 1;
    return true;
}

/** The next field of a row of seven; index counts from 0. */
static hp_status take_field(sim_csv *csv, uint32_t index, span *out, hp_error *error)
{
    if (!take_span(csv, out)) {
        return refuse(csv, out->column, error, "the file ends within a line",
                      "it was cut off: fetch it again");
    }
    if (out->last != (index == 6)) {
        return refuse(csv, out->column, error, out->last ? "too few columns" : "too many columns",
                      "every row has seven");
    }
    return HP_OK;
}

static hp_status take_uint(sim_csv *csv, uint32_t index, const char *column, uint32_t *out,
                           hp_error *error)
{
    span s;
    const hp_status st = take_field(csv, index, &s, error);
    uint32_t value = 0;
    if (st != HP_OK) {
        return st;
    }
    bool good = s.len > 0 && s.len <= 8;
    for (size_t i = 0; good && i < s.len; ++i) {
        good = s.start[i] >= '0' && s.start[i] <= '9';
        value = 10 * value + (good ? (uint32_t)(s.start[i] - '0') : 0);
    }
    if (!good || value > SIM_CLIP_MAX_FRAME) {
        return hp_fail(error, HP_ECONFIG,
                       "%s:%u:%zu: error: '%s' is not a whole number from 0 to %d", csv->text->name,
                       csv->line, s.column, column, SIM_CLIP_MAX_FRAME);
    }
    *out = value;
    return HP_OK;
}

static hp_status take_number(sim_csv *csv, uint32_t index, bool vehicles, double *out,
                             hp_error *error)
{
    span s;
    char digits[MAX_NUMBER + 1];
    bool good = false;
    const hp_status st = take_field(csv, index, &s, error);
    if (st != HP_OK) {
        return st;
    }
    /* Letters other than an exponent's are refused before strtod may take "nan", "inf" or "0x1". */
    double value = NAN;
    if (s.len > 0 && s.len <= MAX_NUMBER && strspn(s.start, "+-.0123456789eE") >= s.len) {
        memcpy(digits, s.start, s.len);
        digits[s.len] = '\0';
        char *end = digits;
        value = strtod(digits, &end);
        good = end == digits + s.len;
    }
    const uint32_t k = index - 3;
    if (!good || !(fabs(value) <= LIMITS[k])) {
        return hp_fail(error, HP_ECONFIG, "%s:%u:%zu: error: '%s' is not a number within +-%g",
                       csv->text->name, csv->line, s.column,
                       (vehicles ? VEHICLE_COLUMNS : WALKER_COLUMNS)[k], LIMITS[k]);
    }
    *out = value;
    return HP_OK;
}

static hp_status take_label(sim_csv *csv, bool vehicles, hp_error *error)
{
    span s;
    const char *want = vehicles ? "veh" : "ped";
    const hp_status st = take_field(csv, 2, &s, error);
    if (st != HP_OK) {
        return st;
    }
    if (s.len != 3 || memcmp(s.start, want, 3) != 0) {
        return refuse(csv, s.column, error, "wrong label",
                      vehicles ? "a vehicle file's is 'veh'" : "a pedestrian file's is 'ped'");
    }
    return HP_OK;
}

hp_status sim_csv_begin(const sim_clip_text *text, bool vehicles, sim_csv *csv, hp_error *error)
{
    const char *want = vehicles ? VEHICLE_HEADER : WALKER_HEADER;
    const size_t n = strlen(want);
    *csv = (sim_csv){.text = text, .line = 1};
    size_t end = n;
    if (text->len > n && text->bytes[n] == '\r') {
        ++end;
    }
    if (text->len <= end || memcmp(text->bytes, want, n) != 0 || text->bytes[end] != '\n') {
        return refuse(csv, 1, error, "wrong header", want);
    }
    csv->pos = end + 1;
    csv->line_start = csv->pos;
    return HP_OK;
}

hp_status sim_csv_next(sim_csv *csv, bool vehicles, sim_csv_row *row, hp_error *error)
{
    if (csv->pos == csv->text->len) {
        return HP_EAGAIN;
    }
    csv->line_start = csv->pos;
    row->line = ++csv->line;
    hp_status st = take_uint(csv, 0, "id", &row->id, error);
    if (st == HP_OK) {
        st = take_uint(csv, 1, "frame", &row->frame, error);
    }
    if (st == HP_OK) {
        st = take_label(csv, vehicles, error);
    }
    for (uint32_t k = 0; st == HP_OK && k < 4; ++k) {
        st = take_number(csv, 3 + k, vehicles, &row->value[k], error);
    }
    return st;
}
