/** @file hp_search.h Where something is among records that are sorted by a key. Records lie one
 *  behind the other, each of size bytes, with its key at key_at. Inline, so that both are
 * constants. Ownership: borrows the records. Threads: pure. Allocation: none. */
#ifndef HP_SEARCH_H
#define HP_SEARCH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** Index of the first of n records whose id is at least this: where it is, or belongs. */
static inline size_t hp_search_id(const void *items, size_t n, size_t size, size_t key_at,
                                  uint32_t id)
{
    size_t lo = 0;
    size_t hi = n;
    while (lo < hi) {
        const size_t mid = lo + (hi - lo) / 2;
        uint32_t key;
        memcpy(&key, (const char *)items + mid * size + key_at, sizeof key);
        if (key < id) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

/** Index of the last of n records that begins at or before x; 0 if none does. */
static inline size_t hp_search_begin(const void *items, size_t n, size_t size, size_t key_at,
                                     double x)
{
    size_t lo = 0;
    size_t hi = n;
    while (lo + 1 < hi) {
        const size_t mid = lo + (hi - lo) / 2;
        double begin;
        memcpy(&begin, (const char *)items + mid * size + key_at, sizeof begin);
        if (begin <= x) {
            lo = mid;
        } else {
            hi = mid;
        }
    }
    return lo;
}

#endif
