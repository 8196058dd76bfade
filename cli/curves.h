/** @file curves.h Training curves: a CSV of all figures, and an SVG of lines that reads well on
 * light and on dark ground. Ownership: borrows everything. Threads: one writer. Allocation: while
 * writing. */
#ifndef CURVES_H
#define CURVES_H

#include "cli/rundir.h"

#include <stdint.h>

enum { CURVES_MAX_SERIES = 8 };

/** values[point][series]; x is 1, 2, ... A NAN leaves a gap. */
typedef struct curves {
    const char *title, *x_name;
    const char *const *series;
    uint32_t n_series, n_points;
    const double *values;
} curves;

/** Writes curves.csv and curves.svg. */
HP_NODISCARD hp_status curves_write(const curves *c, const cli_rundir *dir, hp_error *error);

#endif
