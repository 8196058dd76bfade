#include "tests/support/hp_test.h"

#include "common/hp_arena.h"

#include <stdbool.h>
#include <string.h>

/* The linker puts these in front of malloc (--wrap). */
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

static bool malloc_fails;

void *__wrap_malloc(size_t size)
{
    return malloc_fails ? NULL : __real_malloc(size);
}

static void test_arena_hands_out_aligned_disjoint_pieces(void **state)
{
    unsigned char *pieces[200];
    hp_arena arena;
    uint32_t n = 0;
    (void)state;
    assert_int_equal(hp_arena_create(10000, &arena), HP_OK);
    for (;; ++n) {
        const size_t size = 1 + n % 97;
        unsigned char *piece = hp_arena_alloc(&arena, size);
        if (piece == NULL) {
            break;
        }
        assert_int_equal((uintptr_t)piece % _Alignof(max_align_t), 0);
        assert_true(piece >= arena.block && piece + size <= arena.block + arena.capacity);
        memset(piece, (int)n, size);
        pieces[n] = piece;
    }
    assert_true(n > 100);
    for (uint32_t i = 0; i < n; ++i) { /* nobody wrote over anybody */
        for (size_t k = 0; k < 1 + i % 97; ++k) {
            assert_int_equal(pieces[i][k], i & 0xff);
        }
    }
    hp_arena_destroy(&arena);
}

static void test_arena_fits_exactly_when_capacity_is_odd(void **state)
{
    hp_arena arena;
    (void)state;
    assert_int_equal(hp_arena_create(17, &arena), HP_OK);
    assert_null(hp_arena_alloc(&arena, 18));
    assert_int_equal(arena.used, 0);
    assert_non_null(hp_arena_alloc(&arena, 16));
    assert_non_null(hp_arena_alloc(&arena, 1));
    assert_null(hp_arena_alloc(&arena, 1));
    assert_null(hp_arena_alloc(&arena, 0));
    hp_arena_reset(&arena);
    assert_non_null(hp_arena_alloc(&arena, 17));
    assert_null(hp_arena_alloc(&arena, 1));
    hp_arena_destroy(&arena);
}

static void test_arena_refuses_when_size_would_overflow(void **state)
{
    hp_arena arena;
    (void)state;
    assert_int_equal(hp_arena_create(64, &arena), HP_OK);
    assert_non_null(hp_arena_alloc(&arena, 1));
    for (size_t back = 0; back < 40; ++back) {
        assert_null(hp_arena_alloc(&arena, SIZE_MAX - back));
    }
    assert_true(arena.used <= arena.capacity);
    hp_arena_destroy(&arena);
}

static void test_arena_gives_distinct_pointers_when_size_is_zero(void **state)
{
    hp_arena arena;
    (void)state;
    assert_int_equal(hp_arena_create(64, &arena), HP_OK);
    const void *a = hp_arena_alloc(&arena, 0);
    const void *b = hp_arena_alloc(&arena, 0);
    assert_non_null(a);
    assert_non_null(b);
    assert_ptr_not_equal(a, b);
    hp_arena_destroy(&arena);
}

static void test_arena_keeps_peak_when_reset(void **state)
{
    hp_arena arena;
    (void)state;
    assert_int_equal(hp_arena_create(1024, &arena), HP_OK);
    void *first = hp_arena_alloc(&arena, 100);
    assert_non_null(hp_arena_alloc(&arena, 200));
    const size_t peak = arena.peak;
    assert_true(peak >= 300);
    hp_arena_reset(&arena);
    assert_int_equal(arena.used, 0);
    assert_ptr_equal(hp_arena_alloc(&arena, 10), first);
    assert_int_equal(arena.peak, peak);
    hp_arena_destroy(&arena);
    assert_null(arena.block);
    assert_int_equal(arena.capacity, 0);
    hp_arena_destroy(&arena); /* twice is fine */
    assert_null(hp_arena_alloc(&arena, 1));
}

static void test_arena_create_fails_when_there_is_no_memory(void **state)
{
    hp_arena arena = {.capacity = 1};
    (void)state;
    malloc_fails = true;
    const hp_status status = hp_arena_create(64, &arena);
    malloc_fails = false;
    assert_int_equal(status, HP_ENOMEM);
    assert_null(arena.block);
    assert_int_equal(arena.capacity, 0);
    arena.capacity = 1;
    assert_int_equal(hp_arena_create(0, &arena), HP_EINVAL);
    assert_null(arena.block);
    assert_int_equal(arena.capacity, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arena_hands_out_aligned_disjoint_pieces),
        cmocka_unit_test(test_arena_fits_exactly_when_capacity_is_odd),
        cmocka_unit_test(test_arena_refuses_when_size_would_overflow),
        cmocka_unit_test(test_arena_gives_distinct_pointers_when_size_is_zero),
        cmocka_unit_test(test_arena_keeps_peak_when_reset),
        cmocka_unit_test(test_arena_create_fails_when_there_is_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
