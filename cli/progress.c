#include "cli/progress.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const int64_t TERMINAL_PAUSE_NS = INT64_C(200000000);
static const int64_t FILE_PAUSE_NS = INT64_C(10000000000);
enum { LINE = 512 };

static unsigned terminal_columns(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

progress progress_start(bool quiet, const char *unit, uint64_t from, uint64_t all)
{
    progress p = {.out = quiet ? NULL : stderr,
                  .terminal = isatty(STDERR_FILENO) == 1,
                  .unit = unit,
                  .from = from,
                  .all = all,
                  .clock = hp_clock_real()};
    p.columns = p.terminal ? terminal_columns() : 0;
    p.start_ns = p.shown_ns = hp_clock_now_ns(&p.clock);
    return p;
}

/** "12/80 episodes  3.21/s  ETA 0:21  "; how fast it goes is known once something was done. */
static void put_count(const progress *p, uint64_t done, char line[LINE])
{
    const double spent_s = 1e-9 * (double)(p->shown_ns - p->start_ns);
    (void)snprintf(line, LINE, "%" PRIu64 "/%" PRIu64 " %.64s  ", done, p->all, p->unit);
    if (done > p->from && spent_s > 0.0) {
        const double rate = (double)(done - p->from) / spent_s;
        const double left_s = done < p->all ? (double)(p->all - done) / rate : 0.0;
        const size_t len = strlen(line);
        (void)snprintf(line + len, LINE - len, "%.*f/s  ETA %.0f:%02.0f  ", rate < 10.0 ? 2 : 0,
                       rate, floor(left_s / 60.0), floor(fmod(left_s, 60.0)));
    }
}

HP_PRINTF(4, 0)
static void put(progress *p, uint64_t done, bool stays, const char *format, va_list args)
{
    const int64_t now_ns = hp_clock_now_ns(&p->clock);
    const int64_t pause_ns = p->terminal ? TERMINAL_PAUSE_NS : FILE_PAUSE_NS;
    stays = stays || (p->unit != NULL && done >= p->all);
    if (p->out == NULL || (!stays && now_ns - p->shown_ns < pause_ns)) {
        return;
    }
    p->shown_ns = now_ns;
    char line[LINE] = "";
    if (p->unit != NULL) {
        put_count(p, done, line);
    }
    const size_t len = strlen(line);
    (void)vsnprintf(line + len, sizeof line - len, format, args);
    p->open = p->terminal && !stays;
    const int most = p->open && p->columns > 1 ? (int)p->columns - 1 : LINE;
    (void)fprintf(p->out, "%s%.*s%s", p->terminal ? "\r\033[K" : "", most, line,
                  p->open ? "" : "\n");
    (void)fflush(p->out);
}

void progress_show(progress *p, uint64_t done, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    put(p, done, false, format, args);
    va_end(args);
}

void progress_keep(progress *p, uint64_t done, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    put(p, done, true, format, args);
    va_end(args);
}

void progress_end(progress *p)
{
    if (p->open) {
        (void)fputc('\n', p->out);
        p->open = false;
    }
}
