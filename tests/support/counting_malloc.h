/** @file counting_malloc.h malloc, calloc and realloc of the whole program, the C library's own use
 * included, counted. For one test program, in one of its files; not under sanitizers, which bring
 * their own. */
#ifndef COUNTING_MALLOC_H
#define COUNTING_MALLOC_H

#include <stdlib.h>

extern void *__libc_malloc(size_t size); /* glibc's own, below the functions replaced here */
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *old, size_t size);

static unsigned long calls; /* a test program's counter, not a library's */

void *malloc(size_t size)
{
    ++calls;
    return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    ++calls;
    return __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
    ++calls;
    return __libc_realloc(old, size);
}

#endif
