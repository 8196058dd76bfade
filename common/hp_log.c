#include "common/hp_log.h"

#include "common/hp_clock.h"
#include "common/hp_text.h"

#include <stdarg.h>
#include <string.h>
#include <time.h>

enum { LINE_CAPACITY = 1024 }; /* bytes with the newline; what is longer is cut */

static const char *level_name(hp_log_level level)
{
    static const char *const NAMES[] = {"error", "warn", "info"};
    return NAMES[level];
}

/** "2031-05-04T12:00:00Z info planner "; returns its length. */
static size_t write_head(const hp_log *log, hp_log_level level, char *line)
{
    const time_t now_s = (time_t)hp_clock_wall_s();
    struct tm utc = {0};
    char stamp[32] = "";
    (void)gmtime_r(&now_s, &utc);
    (void)strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", &utc);
    const int n =
        snprintf(line, LINE_CAPACITY / 2, "%s %s %s ", stamp, level_name(level), log->program);
    return n < LINE_CAPACITY / 2 ? (size_t)n : (size_t)(LINE_CAPACITY / 2 - 1);
}

void hp_log_line(const hp_log *log, hp_log_level level, const char *format, ...)
{
    char line[LINE_CAPACITY + 1]; /* and the zero */
    if (log->out == NULL) {
        return;
    }
    const size_t head = write_head(log, level, line);
    const size_t room = LINE_CAPACITY - head; /* for the message and its zero */
    va_list args;
    va_start(args, format);
    const int wanted = vsnprintf(line + head, room, format, args);
    va_end(args);
    if (wanted < 0) {
        return;
    }
    size_t len = head + (size_t)wanted;
    if ((size_t)wanted >= room) {
        len = LINE_CAPACITY - 1;
        memset(line + len - 3, '.', 3);
    }
    line[len] = '\0';
    hp_text_line(line, ' '); /* one record, one line, whatever outside text went into it */
    len = strlen(line);
    line[len++] = '\n';
    /* A line fits any stream's buffer: write and flush make one write(2). */
    (void)fwrite(line, 1, len, log->out);
    (void)fflush(log->out);
}
