#include "cli/svg.h"

#include <math.h>

enum { WIDTH = 1000, LEFT = 56, RIGHT = 16, TOP = 64, PANEL = 200, GAP = 56 };

/* Told apart by people with any kind of colour vision (Okabe and Ito's palette, the last two
 * added). */
static const char *const COLOURS[] = {"#0072b2", "#e69f00", "#009e73", "#d55e00",
                                      "#cc79a7", "#56b4e9", "#8a8a00", "#7f7f7f"};
enum { N_COLOURS = 8 };

void svg_escape(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        const char c = *text;
        if (c == '&') {
            (void)fputs("&amp;", out);
        } else if (c == '<') {
            (void)fputs("&lt;", out);
        } else if (c == '>') {
            (void)fputs("&gt;", out);
        } else if (c == '"') {
            (void)fputs("&quot;", out);
        } else if ((unsigned char)c >= 0x20) {
            (void)fputc(c, out);
        }
    }
}

static void head(FILE *out, const char *title, int height)
{
    (void)fprintf(out,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\">\n"
                  "<style>\n"
                  "text{font:13px sans-serif;fill:#222}.b{fill:#fff}.g{stroke:#ccc}"
                  ".w{stroke:#222}\n"
                  "@media (prefers-color-scheme:dark){text{fill:#ddd}.b{fill:#181818}"
                  ".g{stroke:#444}.w{stroke:#ddd}}\n"
                  "</style>\n"
                  "<rect class=\"b\" width=\"%d\" height=\"%d\"/>\n<title>",
                  WIDTH, height, WIDTH, height);
    svg_escape(out, title);
    (void)fputs("</title>\n<text x=\"16\" y=\"24\" font-weight=\"bold\">", out);
    svg_escape(out, title);
    (void)fputs("</text>\n", out);
}

static void legend(FILE *out, const char *const *series, uint32_t n)
{
    const double step = (double)(WIDTH - LEFT - RIGHT) / n;
    for (uint32_t i = 0; i < n; i++) {
        const double x = LEFT + step * i;
        (void)fprintf(out,
                      "<rect x=\"%.1f\" y=\"36\" width=\"12\" height=\"12\" fill=\"%s\"/>"
                      "<text x=\"%.1f\" y=\"47\">",
                      x, COLOURS[i % N_COLOURS], x + 16.0);
        svg_escape(out, series[i]);
        (void)fputs("</text>\n", out);
    }
}

static void grid(FILE *out, const char *title, double y0)
{
    (void)fprintf(out, "<text x=\"%d\" y=\"%.1f\">", LEFT, y0 - 8.0);
    svg_escape(out, title);
    (void)fputs("</text>\n", out);
    for (int k = 0; k <= 4; k++) {
        const double y = y0 + PANEL * (1.0 - 0.25 * k);
        (void)fprintf(out,
                      "<line class=\"g\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>"
                      "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%d %%</text>\n",
                      LEFT, WIDTH - RIGHT, y, y, LEFT - 6, y + 4.0, 25 * k);
    }
}

static void bar(FILE *out, const svg_bar *b, const char *colour, double x, double width, double y0)
{
    if (!isfinite(b->value)) {
        return;
    }
    const double middle = x + 0.5 * width;
    (void)fprintf(out,
                  "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" fill=\"%s\"/>"
                  "<line class=\"w\" x1=\"%.2f\" x2=\"%.2f\" y1=\"%.2f\" y2=\"%.2f\"/>\n",
                  x, y0 + PANEL * (1.0 - b->value), width, PANEL * b->value, colour, middle, middle,
                  y0 + PANEL * (1.0 - b->lo), y0 + PANEL * (1.0 - b->hi));
}

static void panel(FILE *out, const svg_chart *chart, uint32_t p)
{
    const double group = (double)(WIDTH - LEFT - RIGHT) / chart->n_groups;
    const double width = 0.8 * group / chart->n_series;
    const double y0 = TOP + 16.0 + p * (double)(PANEL + GAP);
    grid(out, chart->panels[p].title, y0);
    for (uint32_t g = 0; g < chart->n_groups; g++) {
        const double x0 = LEFT + group * (g + 0.1);
        const svg_bar *bars = &chart->panels[p].bars[(size_t)g * chart->n_series];
        (void)fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">",
                      LEFT + group * (g + 0.5), y0 + PANEL + 18.0);
        svg_escape(out, chart->groups[g]);
        (void)fputs("</text>\n", out);
        for (uint32_t s = 0; s < chart->n_series; s++) {
            bar(out, &bars[s], COLOURS[s % N_COLOURS], x0 + width * s, 0.9 * width, y0);
        }
    }
}

void svg_bar_chart(const svg_chart *chart, FILE *out)
{
    head(out, chart->title, TOP + (int)chart->n_panels * (PANEL + GAP));
    legend(out, chart->series, chart->n_series);
    for (uint32_t p = 0; p < chart->n_panels; p++) {
        panel(out, chart, p);
    }
    (void)fputs("</svg>\n", out);
}

typedef struct extent {
    double lo, hi;
} extent;

static void widen(extent *e, double value)
{
    if (isfinite(value)) {
        e->lo = fmin(e->lo, value);
        e->hi = fmax(e->hi, value);
    }
}

/* A little room on both sides, but none below 0 for what never is; and never nothing. */
static extent roomy(extent e)
{
    if (!(e.lo <= e.hi)) {
        return (extent){0.0, 1.0};
    }
    const double room = e.hi > e.lo ? 0.06 * (e.hi - e.lo) : 1.0;
    const double lo = e.lo - room;
    return (extent){e.lo >= 0.0 && lo < 0.0 ? -0.3 * room : lo, e.hi + room};
}

/* 1, 2 or 5 times a power of ten, such that three to seven steps fit. */
static double nice_step(const extent *e)
{
    const double raw = (e->hi - e->lo) / 6.0;
    const double power = pow(10.0, floor(log10(raw)));
    const double lead = raw / power;
    return power * (lead <= 1.0 ? 1.0 : (lead <= 2.0 ? 2.0 : (lead <= 5.0 ? 5.0 : 10.0)));
}

static double scaled(double value, bool log_scale)
{
    return log_scale ? log10(value) : value;
}

static double place(const extent *e, double value, double from, double to)
{
    return from + (to - from) * (value - e->lo) / (e->hi - e->lo);
}

/* Where a panel's points go. */
typedef struct axes {
    extent x, y;
    double y0;
    bool log_x;
} axes;

static double x_at(const axes *a, double x)
{
    return place(&a->x, scaled(x, a->log_x), LEFT, WIDTH - RIGHT);
}

static double y_at(const axes *a, double y)
{
    return place(&a->y, y, a->y0 + PANEL, a->y0);
}

static void plot_grid(FILE *out, const axes *a, const char *title)
{
    (void)fprintf(out, "<text x=\"%d\" y=\"%.1f\">", LEFT, a->y0 - 8.0);
    svg_escape(out, title);
    (void)fputs("</text>\n", out);
    const double dy = nice_step(&a->y);
    for (double y = dy * ceil(a->y.lo / dy); y <= a->y.hi; y += dy) {
        (void)fprintf(out,
                      "<line class=\"g\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>"
                      "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.5g</text>\n",
                      LEFT, WIDTH - RIGHT, y_at(a, y), y_at(a, y), LEFT - 6, y_at(a, y) + 4.0,
                      fabs(y) < 1e-9 * dy ? 0.0 : y);
    }
    const double dx = nice_step(&a->x);
    for (double x = dx * ceil(a->x.lo / dx); x <= a->x.hi; x += dx) {
        const double round = fabs(x) < 1e-9 * dx ? 0.0 : x;
        (void)fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%.3g</text>\n",
                      place(&a->x, x, LEFT, WIDTH - RIGHT), a->y0 + PANEL + 18.0,
                      a->log_x ? pow(10.0, round) : round);
    }
}

static void plot_line(FILE *out, const axes *a, const svg_plot_panel *panel)
{
    (void)fprintf(out, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\" points=\"",
                  COLOURS[0]);
    for (uint32_t i = 0; i < panel->n_points; i++) {
        const svg_point *p = &panel->points[i];
        if (p->on_line && isfinite(p->x) && isfinite(p->y)) {
            (void)fprintf(out, "%.1f,%.1f ", x_at(a, p->x), y_at(a, p->y));
        }
    }
    (void)fputs("\"/>\n", out);
}

static void plot_point(FILE *out, const axes *a, const svg_point *p)
{
    const double x = x_at(a, p->x);
    const double y = y_at(a, p->y);
    if (isfinite(p->lo) && isfinite(p->hi)) {
        (void)fprintf(out,
                      "<line class=\"w\" opacity=\"0.35\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" "
                      "y2=\"%.1f\"/>\n",
                      x, x, y_at(a, p->lo), y_at(a, p->hi));
    }
    (void)fprintf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%d\" fill=\"%s\"><title>", x, y,
                  p->marked ? 7 : 4, COLOURS[p->marked ? 3 : 0]);
    svg_escape(out, p->label);
    (void)fputs("</title></circle>\n", out);
    if (p->marked) {
        const bool left = x > 0.6 * WIDTH;
        (void)fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">",
                      left ? x - 10.0 : x + 10.0, y - 8.0, left ? "end" : "start");
        svg_escape(out, p->label);
        (void)fputs("</text>\n", out);
    }
}

static void plot_panel(FILE *out, const svg_plot *plot, const extent *x, uint32_t k)
{
    const svg_plot_panel *p = &plot->panels[k];
    extent y = {(double)INFINITY, -(double)INFINITY};
    for (uint32_t i = 0; i < p->n_points; i++) {
        widen(&y, p->points[i].y);
        widen(&y, p->points[i].lo);
        widen(&y, p->points[i].hi);
    }
    const axes a = {*x, roomy(y), TOP + k * (double)(PANEL + GAP), plot->log_x};
    plot_grid(out, &a, p->title);
    plot_line(out, &a, p);
    for (uint32_t i = 0; i < p->n_points; i++) {
        if (isfinite(p->points[i].x) && isfinite(p->points[i].y)) {
            plot_point(out, &a, &p->points[i]);
        }
    }
}

void svg_plot_write(const svg_plot *plot, FILE *out)
{
    const int height = TOP + (int)plot->n_panels * (PANEL + GAP) + 8;
    extent x = {(double)INFINITY, -(double)INFINITY};
    head(out, plot->title, height);
    for (uint32_t k = 0; k < plot->n_panels; k++) {
        for (uint32_t i = 0; i < plot->panels[k].n_points; i++) {
            widen(&x, scaled(plot->panels[k].points[i].x, plot->log_x));
        }
    }
    x = roomy(x);
    for (uint32_t k = 0; k < plot->n_panels; k++) {
        plot_panel(out, plot, &x, k);
    }
    (void)fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">", WIDTH / 2, height - 10);
    svg_escape(out, plot->x_name);
    (void)fputs("</text>\n</svg>\n", out);
}
