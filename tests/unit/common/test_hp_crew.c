#include "common/hp_crew.h"
#include "tests/support/hp_test.h"

/** Counts how often each chore was done. */
static void count(void *ctx, uint32_t index)
{
    ((uint32_t *)ctx)[index]++;
}

static void test_crew_does_every_chore_once(void **state)
{
    enum { CHORES = 50, ROUNDS = 200 };
    uint32_t done[CHORES] = {0};
    hp_crew *crew = NULL;
    (void)state;
    assert_int_equal(hp_crew_create(3, &crew), HP_OK);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        hp_crew_run(crew, count, done, round % (CHORES + 1));
    }
    for (uint32_t i = 0; i < CHORES; i++) {
        uint32_t rounds = 0;
        for (uint32_t round = 0; round < ROUNDS; round++) {
            rounds += round % (CHORES + 1) > i ? 1 : 0;
        }
        assert_int_equal(done[i], rounds);
    }
    hp_crew_destroy(&crew);
    assert_int_equal(hp_crew_create(0, &crew), HP_EINVAL);
    assert_null(crew);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crew_does_every_chore_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
