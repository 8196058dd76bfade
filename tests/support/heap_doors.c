#include "tests/support/heap_doors.h"

#include <pthread.h>
#include <stdlib.h>

enum { MAX_LIVE = 16384, MAX_FAILURES = 20000 };

static _Thread_local uint64_t until_failure; /* 1: the next one fails; 0: none does */
static _Thread_local bool failed;
static _Thread_local bool listed; /* what this thread allocates is */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *live[MAX_LIVE]; /* under lock, for others may free it */
static size_t n_live;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void __wrap_free(void *p);

static bool fails(void)
{
    const bool now = until_failure == 1;
    until_failure -= until_failure > 0 ? 1 : 0;
    failed = failed || now;
    return now;
}

static void *hold(void *p)
{
    if (p != NULL && listed) {
        (void)pthread_mutex_lock(&lock);
        assert_true(n_live < MAX_LIVE);
        live[n_live++] = p;
        (void)pthread_mutex_unlock(&lock);
    }
    return p;
}

/** What libraries allocated for us is not on the list. */
static void let_go(const void *p)
{
    (void)pthread_mutex_lock(&lock);
    for (size_t i = n_live; i > 0; i--) {
        if (live[i - 1] == p) {
            live[i - 1] = live[--n_live];
            break;
        }
    }
    (void)pthread_mutex_unlock(&lock);
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : hold(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : hold(__real_calloc(n, size));
}

void *__wrap_realloc(void *old, size_t size)
{
    if (fails()) {
        return NULL;
    }
    let_go(old);
    return hold(__real_realloc(old, size));
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : hold(__real_aligned_alloc(alignment, size));
}

void __wrap_free(void *p)
{
    let_go(p);
    __real_free(p);
}

void heap_doors_open(void)
{
    until_failure = 0;
}

void heap_doors_try(const maker *m)
{
    hp_error error = {{0}};
    unsigned long long n = 1;
    listed = true;
    for (failed = true; failed; n++) {
        const size_t before = n_live;
        failed = false;
        until_failure = n;
        const hp_status st = m->make(&error);
        until_failure = 0;
        if (st != HP_OK && !failed) {
            fail_msg("%s: %s", m->name, error.text);
        }
        if (failed && st == HP_OK && !m->tells_later) {
            fail_msg("%s: allocation %llu failed, and it says all is well", m->name, n);
        }
        if (n_live != before) {
            fail_msg("%s: %zu pieces left when allocation %llu fails", m->name, n_live - before, n);
        }
        assert_true(n < MAX_FAILURES);
    }
    listed = false;
    print_message("%s: %llu allocations\n", m->name, n - 2);
    assert_true(n > 2); /* at least one failed */
}
