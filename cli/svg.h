/** @file svg.h Bar charts and plots that read well on light and on dark ground.
 *  Ownership: borrows everything. Threads: pure. Allocation: none. */
#ifndef SVG_H
#define SVG_H

#include <stdbool.h>
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
typedef struct svg_point {
    double x, y, lo, hi; /* lo..hi is drawn as a whisker; not finite: none */
    const char *label;   /* shown when pointed at */
    bool on_line;        /* those are joined, in the order given */
    bool marked;         /* drawn large, with its label beside it */
} svg_point;

typedef struct svg_plot_panel {
    const char *title; /* says what y is, and its unit */
    const svg_point *points;
    uint32_t n_points;
} svg_plot_panel;

/** Panels below one another over the same x. */
typedef struct svg_plot {
    const char *title, *x_name;
    const svg_plot_panel *panels;
    uint32_t n_panels;
    bool log_x; /* all x are above 0 */
} svg_plot;

void svg_plot_write(const svg_plot *plot, FILE *out);
/** Writes a text so that XML reads it back: & < > " escaped, control characters dropped. */
void svg_escape(FILE *out, const char *text);

#endif
