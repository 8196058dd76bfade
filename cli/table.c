#include "cli/table.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void table_init(table *t, uint32_t n_columns)
{
    *t = (table){.n_columns = n_columns};
}

void table_free(table *t)
{
    for (uint32_t i = 0; i < t->n_cells; i++) {
        free(t->cells[i]);
    }
    free(t->cells);
    *t = (table){0};
}

void table_cell(table *t, const char *format, ...)
{
    if (t->n_cells == t->capacity) {
        const size_t capacity = t->capacity == 0 ? 64 : 2 * t->capacity;
        char **cells = realloc(t->cells, capacity * sizeof *cells);
        if (cells == NULL) {
            return;
        }
        t->cells = cells;
        t->capacity = capacity;
    }
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = n >= 0 ? malloc((size_t)n + 1) : NULL;
    if (text != NULL) {
        va_start(args, format);
        (void)vsnprintf(text, (size_t)n + 1, format, args);
        va_end(args);
    }
    t->cells[t->n_cells++] = text;
}

/* Characters as a terminal shows them: UTF-8 continuation bytes take no room. */
static size_t shown(const char *text)
{
    size_t n = 0;
    for (; text != NULL && *text != '\0'; text++) {
        n += ((unsigned char)*text & 0xc0U) != 0x80U;
    }
    return n;
}

static void column_widths(const table *t, size_t widths[TABLE_MAX_COLUMNS])
{
    memset(widths, 0, TABLE_MAX_COLUMNS * sizeof *widths);
    for (uint32_t i = 0; i < t->n_cells; i++) {
        const size_t width = shown(t->cells[i]);
        const uint32_t column = i % t->n_columns;
        widths[column] = width > widths[column] ? width : widths[column];
    }
}

static size_t width_of(const table *t, const size_t widths[TABLE_MAX_COLUMNS])
{
    size_t sum = 2 * ((size_t)t->n_columns - 1);
    for (uint32_t c = 0; c < t->n_columns; c++) {
        sum += widths[c];
    }
    return sum;
}

static void pad(FILE *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        (void)fputc(' ', out);
    }
}

void table_print(const table *t, FILE *out)
{
    size_t widths[TABLE_MAX_COLUMNS];
    column_widths(t, widths);
    for (uint32_t i = 0; i < t->n_cells; i++) {
        const uint32_t column = i % t->n_columns;
        const char *text = t->cells[i] == NULL ? "" : t->cells[i];
        const size_t room = widths[column] - shown(text);
        const int last = column + 1 == t->n_columns;
        if (column > 0) {
            pad(out, 2 + room);
        }
        (void)fputs(text, out);
        if (column == 0 && !last) {
            pad(out, room);
        }
        if (last) {
            (void)fputc('\n', out);
        }
        if (i + 1 == t->n_columns) {
            for (size_t k = width_of(t, widths); k > 0; k--) {
                (void)fputs("-", out);
            }
            (void)fputc('\n', out);
        }
    }
}
