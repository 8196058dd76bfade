#include "cli/curves.h"

#include "cli/svg.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

enum { WIDTH = 800, HEIGHT = 400, LEFT = 64, RIGHT = 16, TOP = 72, BOTTOM = 40, LINES = 4 };

static const char *const COLOURS[CURVES_MAX_SERIES] = {"#0072b2", "#e69f00", "#009e73", "#d55e00",
                                                       "#cc79a7", "#56b4e9", "#8a8a00", "#7f7f7f"};

static void write_csv(const curves *c, FILE *out)
{
    (void)fputs(c->x_name, out);
    for (uint32_t s = 0; s < c->n_series; ++s) {
        (void)fprintf(out, ",%s", c->series[s]);
    }
    (void)fputc('\n', out);
    for (uint32_t i = 0; i < c->n_points; ++i) {
        (void)fprintf(out, "%u", i + 1);
        for (uint32_t s = 0; s < c->n_series; ++s) {
            (void)fprintf(out, ",%.9g", c->values[(size_t)i * c->n_series + s]);
        }
        (void)fputc('\n', out);
    }
}

typedef struct extent {
    double lo, hi;
} extent;

static extent extent_of(const curves *c)
{
    extent e = {(double)INFINITY, -(double)INFINITY};
    for (size_t i = 0; i < (size_t)c->n_points * c->n_series; ++i) {
        if (isfinite(c->values[i])) {
            e.lo = fmin(e.lo, c->values[i]);
            e.hi = fmax(e.hi, c->values[i]);
        }
    }
    if (!(e.lo < e.hi)) {
        e = isfinite(e.lo) ? (extent){e.lo - 1.0, e.lo + 1.0} : (extent){0.0, 1.0};
    }
    return e;
}

static double y_of(const extent *e, double value)
{
    return TOP + (HEIGHT - TOP - BOTTOM) * (e->hi - value) / (e->hi - e->lo);
}

static void frame(const curves *c, const extent *e, FILE *out)
{
    (void)fprintf(out,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\">\n"
                  "<style>text{font:13px sans-serif;fill:#222}.b{fill:#fff}.g{stroke:#ccc}\n"
                  "@media (prefers-color-scheme:dark){text{fill:#ddd}.b{fill:#181818}"
                  ".g{stroke:#444}}</style>\n<rect class=\"b\" width=\"%d\" height=\"%d\"/>\n"
                  "<text x=\"16\" y=\"24\" font-weight=\"bold\">",
                  WIDTH, HEIGHT, WIDTH, HEIGHT);
    svg_escape(out, c->title);
    (void)fputs("</text>\n", out);
    for (int k = 0; k <= LINES; ++k) {
        const double value = e->lo + (e->hi - e->lo) * k / LINES;
        const double y = y_of(e, value);
        (void)fprintf(out,
                      "<line class=\"g\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>"
                      "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.3g</text>\n",
                      LEFT, WIDTH - RIGHT, y, y, LEFT - 6, y + 4.0, value);
    }
    (void)fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">", WIDTH - RIGHT, HEIGHT - 12);
    svg_escape(out, c->x_name);
    (void)fprintf(out, " 1 to %u</text>\n", c->n_points);
}

static void line(const curves *c, const extent *e, uint32_t series, FILE *out)
{
    const double step = (double)(WIDTH - LEFT - RIGHT) / (c->n_points > 1 ? c->n_points - 1 : 1);
    const char *colour = COLOURS[series % CURVES_MAX_SERIES];
    const double x_name = LEFT + (double)(WIDTH - LEFT - RIGHT) * series / c->n_series;
    bool down = false;
    (void)fprintf(out, "<path fill=\"none\" stroke-width=\"2\" stroke=\"%s\" d=\"", colour);
    for (uint32_t i = 0; i < c->n_points; ++i) {
        const double value = c->values[(size_t)i * c->n_series + series];
        if (isfinite(value)) {
            (void)fprintf(out, "%c%.1f %.1f", down ? 'L' : 'M', LEFT + step * i, y_of(e, value));
        }
        down = isfinite(value);
    }
    (void)fprintf(out,
                  "\"/>\n<rect x=\"%.1f\" y=\"38\" width=\"12\" height=\"12\" fill=\"%s\"/>"
                  "<text x=\"%.1f\" y=\"49\">",
                  x_name, colour, x_name + 16.0);
    svg_escape(out, c->series[series]);
    (void)fputs("</text>\n", out);
}

static void write_svg(const curves *c, FILE *out)
{
    const extent e = extent_of(c);
    frame(c, &e, out);
    for (uint32_t s = 0; s < c->n_series; ++s) {
        line(c, &e, s, out);
    }
    (void)fputs("</svg>\n", out);
}

hp_status curves_write(const curves *c, const cli_rundir *dir, hp_error *error)
{
    static const struct {
        const char *file;
        void (*write)(const curves *c, FILE *out);
    } FORMS[] = {{"curves.csv", write_csv}, {"curves.svg", write_svg}};
    hp_status st = HP_OK;
    for (size_t i = 0; i < HP_ARRAY_LEN(FORMS) && st == HP_OK; ++i) {
        cli_draft draft;
        st = cli_draft_open(&draft, error);
        if (st == HP_OK) {
            FORMS[i].write(c, draft.out);
            st = cli_draft_write(&draft, dir, FORMS[i].file, error);
        }
    }
    return st;
}
