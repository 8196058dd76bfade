#include "common/hp_status.h"

#include "common/hp_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *hp_status_text(hp_status status)
{
    static const char *const TEXTS[] = {
#define HP_STATUS_TEXT(code, text) text,
        HP_STATUS_LIST(HP_STATUS_TEXT)
#undef HP_STATUS_TEXT
    };
    if ((unsigned)status >= HP_ARRAY_LEN(TEXTS)) {
        return "unknown status";
    }
    return TEXTS[status];
}

hp_status hp_fail(hp_error *error, hp_status status, const char *format, ...)
{
    if (error != NULL) {
        va_list args;
        va_start(args, format);
        (void)vsnprintf(error->text, sizeof error->text, format, args);
        va_end(args);
        hp_text_line(error->text, '?'); /* whatever outside text went into it */
    }
    return status;
}
