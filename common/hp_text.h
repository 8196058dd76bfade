/** @file hp_text.h Texts from outside, before they go where only plain ones may.
 *  Ownership: the caller's. Threads: pure. Allocation: none. */
#ifndef HP_TEXT_H
#define HP_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/** Whether it is a control character: a new line, or an order to a terminal. */
static inline bool hp_text_is_control(char c)
{
    const unsigned char code = (unsigned char)c;
    return code < 0x20 || code == 0x7f;
}

/** Puts something else in the place of each control character: what is left is one line. */
static inline void hp_text_line(char *text, size_t len, char instead)
{
    for (size_t i = 0; i < len; ++i) {
        text[i] = hp_text_is_control(text[i]) ? instead : text[i];
    }
}

/** Puts something else in the place of all that is not printable ASCII: for terminals, JSON and
 * letters, which take no orders and no broken UTF-8. */
static inline void hp_text_plain(char *text, char instead)
{
    for (; *text != '\0'; ++text) {
        *text = *text < 0x20 || *text > 0x7e ? instead : *text;
    }
}

#endif
