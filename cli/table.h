/** @file table.h Plain tables for terminals: columns as wide as their widest cell, numbers to the
 * right. Ownership: a table owns its cells. Threads: one table, one thread. Allocation: per cell.
 */
#ifndef TABLE_H
#define TABLE_H

#include "common/hp_status.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { TABLE_MAX_COLUMNS = 24 };

typedef struct table {
    uint32_t n_columns, n_cells;
    size_t capacity;
    char **cells; /* row by row; the first row is the heading */
} table;

void table_init(table *t, uint32_t n_columns);
void table_free(table *t);
/** The next cell, left to right, row by row. Out of memory shows as an empty cell. */
void table_cell(table *t, const char *format, ...) HP_PRINTF(2, 3);
/** First column to the left, the others to the right, a rule below the heading. */
void table_print(const table *t, FILE *out);

#endif
