/* Numbers in text, field by field. */
#include "common/hp_file.h"
#include "predictor/pred_data.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_NUMBER = 40 }; /* characters; a double never needs more than 24 */
#define MAX_VALUE 1e9     /* frames, ids, metres: nothing is larger */

typedef struct cursor {
    const char *at, *end;
    const char *name;
    size_t line; /* from 1 */
} cursor;

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void skip_blanks(cursor *c)
{
    while (c->at < c->end && is_blank(*c->at)) {
        ++c->at;
    }
}

static bool at_line_end(const cursor *c)
{
    return c->at == c->end || *c->at == '\n' || *c->at == '\r';
}

/** One field up to its separator or the line's end; false if it is no number. */
static bool take_number(cursor *c, bool commas, double *out)
{
    char digits[MAX_NUMBER + 1];
    size_t n = 0;
    while (!at_line_end(c) && !(commas ? *c->at == ',' : is_blank(*c->at))) {
        /* Other letters than an exponent's never reach strtod, which takes "nan" and "0x1". */
        if (n == MAX_NUMBER || strchr("+-.0123456789eE", *c->at) == NULL || *c->at == '\0') {
            return false;
        }
        digits[n++] = *c->at++;
    }
    digits[n] = '\0';
    char *end = digits;
    *out = strtod(digits, &end);
    return n > 0 && *end == '\0' && fabs(*out) <= MAX_VALUE;
}

static hp_status take_row(cursor *c, const pred_format *format, double *row, hp_error *error)
{
    for (uint32_t i = 0; i < format->columns; ++i) {
        if (!format->commas) {
            skip_blanks(c);
        }
        if (format->word == i + 1) {
            row[i] = 0.0;
            while (!at_line_end(c) && *c->at != ',') {
                ++c->at;
            }
        } else if (!take_number(c, format->commas, &row[i])) {
            return hp_fail(error, HP_ECONFIG, "%s:%zu: error: column %u is no number within +-%g",
                           c->name, c->line, i + 1, MAX_VALUE);
        }
        if (format->commas && i + 1 < format->columns) {
            if (at_line_end(c)) {
                return hp_fail(error, HP_ECONFIG, "%s:%zu: error: too few columns (want %u)",
                               c->name, c->line, format->columns);
            }
            ++c->at;
        }
    }
    skip_blanks(c);
    if (c->at < c->end && *c->at == '\r') {
        ++c->at;
    }
    if (c->at < c->end && *c->at != '\n') {
        return hp_fail(error, HP_ECONFIG, "%s:%zu: error: too many columns (want %u)", c->name,
                       c->line, format->columns);
    }
    c->at += c->at < c->end ? 1 : 0;
    return HP_OK;
}

static hp_status take_header(cursor *c, const char *header, hp_error *error)
{
    const size_t n = strlen(header);
    const bool same = (size_t)(c->end - c->at) > n && memcmp(c->at, header, n) == 0;
    c->at += same ? n : 0;
    if (same && *c->at == '\r' && c->at + 1 < c->end) {
        ++c->at;
    }
    if (!same || *c->at != '\n') {
        return hp_fail(error, HP_ECONFIG, "%s:1: error: the header must be '%s'", c->name, header);
    }
    ++c->at;
    ++c->line;
    return HP_OK;
}

/** Room for one row more. */
static bool grow(pred_table *t, size_t *capacity)
{
    if (t->n_rows < *capacity) {
        return true;
    }
    const size_t wanted = *capacity == 0 ? 1024 : 2 * *capacity;
    double *values = realloc(t->values, wanted * PRED_COLUMNS * sizeof *values);
    if (values == NULL) {
        return false;
    }
    t->values = values;
    *capacity = wanted;
    return true;
}

hp_status pred_table_parse(const char *text, size_t len, const char *name,
                           const pred_format *format, pred_table *out, hp_error *error)
{
    cursor c = {text, text + len, name, 1};
    size_t capacity = 0;
    hp_status st = HP_OK;
    *out = (pred_table){0};
    if (format->header != NULL) {
        st = take_header(&c, format->header, error);
    }
    for (; st == HP_OK && c.at < c.end; ++c.line) {
        if (out->n_rows == PRED_MAX_ROWS || !grow(out, &capacity)) {
            st = hp_fail(error, HP_ENOMEM, "%s: no room for more than %zu rows", name, out->n_rows);
            break;
        }
        double *row = &out->values[out->n_rows * PRED_COLUMNS];
        memset(row, 0, PRED_COLUMNS * sizeof *row);
        st = take_row(&c, format, row, error);
        out->n_rows += st == HP_OK ? 1 : 0;
    }
    if (st == HP_OK && out->n_rows == 0) {
        st = hp_fail(error, HP_ECONFIG, "%s:1: error: no rows", name);
    }
    if (st != HP_OK) {
        pred_table_free(out);
    }
    return st;
}

hp_status pred_table_read(const char *path, const pred_format *format, pred_table *out,
                          hp_error *error)
{
    *out = (pred_table){0};
    char *text = NULL;
    size_t len = 0;
    hp_status st = hp_file_read(path, PRED_MAX_FILE, &text, &len, error);
    if (st == HP_OK) {
        st = pred_table_parse(text, len, path, format, out, error);
    }
    free(text);
    return st;
}

void pred_table_free(pred_table *table)
{
    free(table->values);
    *table = (pred_table){0};
}
