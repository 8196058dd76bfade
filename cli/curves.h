/** @file curves.h Training curves: a CSV of all figures, and an SVG of lines that reads well on
 * light and on dark ground. Ownership: borrows everything. Threads: pure. Allocation: none. */
#ifndef CURVES_H
#define CURVES_H

#include <stdint.h>
#include <stdio.h>

enum { CURVES_MAX_SERIES = 8 };

/** values[point][series]; x is 1, 2, ... A NAN leaves a gap. */
typedef struct curves {
    const char *title, *x_name;
    const char *const *series;
    uint32_t n_series, n_points;
    const double *values;
} curves;

void curves_csv(const curves *c, FILE *out);
void curves_svg(const curves *c, FILE *out);

#endif
