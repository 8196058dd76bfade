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
