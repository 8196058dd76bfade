#include "common/hp_text.h"

#include "common/hp_yaml_internal.h"

#include <string.h>

void hp_text_line(char *text, char instead)
{
    char *to = text;
    for (size_t left = strlen(text); left > 0;) {
        uint32_t code = 0;
        const size_t n = hp_utf8_next(text, left, &code);
        const size_t step = n == 0 ? 1 : n;
        if (n == 0 || code < 0x20 || !hp_utf8_allowed(code)) {
            *to++ = instead;
        } else {
            memmove(to, text, n);
            to += n;
        }
        text += step;
        left -= step;
    }
    *to = '\0';
}
