#include "common/hp_text.h"

#include "common/hp_yaml_internal.h"

#include <string.h>

/** Bytes of the character at the head of a text that has some; *good: it may stay. */
static size_t character(const char *text, size_t left, bool *good)
{
    uint32_t code = 0;
    const size_t n = hp_utf8_next(text, left, &code);
    *good = n > 0 && code >= 0x20 && hp_utf8_allowed(code);
    return n > 0 ? n : 1;
}

void hp_text_line(char *text, char instead)
{
    char *to = text;
    for (size_t left = strlen(text); left > 0;) {
        bool good = false;
        const size_t n = character(text, left, &good);
        if (good) {
            memmove(to, text, n);
            to += n;
        } else {
            *to++ = instead;
        }
        text += n;
        left -= n;
    }
    *to = '\0';
}

bool hp_text_is_line(const char *text)
{
    bool good = true;
    for (size_t left = strlen(text); left > 0 && good;) {
        const size_t n = character(text, left, &good);
        text += n;
        left -= n;
    }
    return good;
}
