/** @file hp_arena.h A bump allocator over one reserved block: full means NULL, reset is O(1).
 *  Ownership: the arena owns its block; pointers die with reset or destroy.
 *  Threads: one arena, one thread. Allocation: in hp_arena_create only. */
#ifndef HP_ARENA_H
#define HP_ARENA_H

#include "common/hp_status.h"

#include <stddef.h>

typedef struct hp_arena {
    unsigned char *block;
    size_t capacity, used, peak; /* bytes */
} hp_arena;

HP_NODISCARD hp_status hp_arena_create(size_t capacity, hp_arena *out);
void hp_arena_destroy(hp_arena *arena); /* leaves it empty; a zeroed arena is fine */
/** size bytes, aligned for any type, not cleared; NULL when it does not fit. */
void *hp_arena_alloc(hp_arena *arena, size_t size);
void hp_arena_reset(hp_arena *arena);

#endif
