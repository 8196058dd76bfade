/** @file hp_text.h Texts from outside, before they go where only plain ones may.
 *  Ownership: the caller's. Threads: pure. Allocation: none. */
#ifndef HP_TEXT_H
#define HP_TEXT_H

/** Puts something else in the place of all that is not printable ASCII: for terminals, JSON and
 * letters, which take no orders and no broken UTF-8. */
static inline void hp_text_plain(char *text, char instead)
{
    for (; *text != '\0'; ++text) {
        *text = *text < 0x20 || *text > 0x7e ? instead : *text;
    }
}

#endif
