/** @file svg.h Bar charts that read well on light and on dark ground.
 *  Ownership: borrows everything. Threads: pure. Allocation: none. */
#ifndef SVG_H
#define SVG_H

#include <stdint.h>
#include <stdio.h>

typedef struct svg_bar {
    double value, lo, hi; /* shares in [0, 1]; lo..hi is drawn as a whisker; NAN: no bar */
} svg_bar;

typedef struct svg_panel {
    const char *title;
    const svg_bar *bars; /* [n_groups][n_series] */
} svg_panel;

/** Panels below one another, groups along x, one colour per series. */
typedef struct svg_chart {
    const char *title;
    const svg_panel *panels;
    const char *const *groups, *const *series;
    uint32_t n_panels, n_groups, n_series; /* at least one each */
} svg_chart;

void svg_bar_chart(const svg_chart *chart, FILE *out);
/** Writes a text so that XML reads it back: & < > " escaped, control characters dropped. */
void svg_escape(FILE *out, const char *text);

#endif
