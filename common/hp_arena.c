#include "common/hp_arena.h"

#include <assert.h>
#include <stdlib.h>

enum { ALIGNMENT = _Alignof(max_align_t) };

hp_status hp_arena_create(size_t capacity, hp_arena *out)
{
    *out = (hp_arena){0};
    if (capacity == 0) {
        return HP_EINVAL;
    }
    unsigned char *block = malloc(capacity);
    if (block == NULL) {
        return HP_ENOMEM;
    }
    *out = (hp_arena){.block = block, .capacity = capacity};
    return HP_OK;
}

void hp_arena_destroy(hp_arena *arena)
{
    free(arena->block);
    *arena = (hp_arena){0};
}

void *hp_arena_alloc(hp_arena *arena, size_t size)
{
    /* malloc aligns the block for any type, so an aligned offset is an aligned pointer. */
    assert(arena->used % ALIGNMENT == 0 || arena->used == arena->capacity);
    const size_t left = arena->capacity - arena->used;
    if (size > left || left == 0) {
        return NULL;
    }
    const size_t whole = size == 0 ? 1 : size; /* no two live pointers are equal */
    const size_t over = whole % ALIGNMENT;
    const size_t padding = over == 0 ? 0 : ALIGNMENT - over;
    void *place = arena->block + arena->used;
    arena->used = padding > left - whole ? arena->capacity : arena->used + whole + padding;
    if (arena->used > arena->peak) {
        arena->peak = arena->used;
    }
    return place;
}

void hp_arena_reset(hp_arena *arena)
{
    arena->used = 0;
}
