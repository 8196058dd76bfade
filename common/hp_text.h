/** @file hp_text.h Texts from outside, before they go where only plain ones may.
 *  Ownership: the caller's. Threads: pure. Allocation: none. */
#ifndef HP_TEXT_H
#define HP_TEXT_H

#include <stdbool.h>

/** Puts something else in the place of all that is not printable ASCII: for letters, and where
 * names are to be compared by eye. */
static inline void hp_text_plain(char *text, char instead)
{
    for (; *text != '\0'; ++text) {
        *text = *text < 0x20 || *text > 0x7e ? instead : *text;
    }
}

/** Puts something else in the place of what ends lines, gives terminals orders (in UTF-8, too) or
 * is no UTF-8: for people and JSON, which may have umlauts. */
void hp_text_line(char *text, char instead);
/** True if hp_text_line would leave it as it is. */
bool hp_text_is_line(const char *text);

#endif
