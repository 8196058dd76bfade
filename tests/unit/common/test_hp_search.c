#include "common/hp_search.h"
#include "tests/support/hp_test.h"

typedef struct record {
    char before;
    uint32_t id;
    double s_m;
} record;

static const record RECORDS[] = {{'a', 2, 0.0}, {'b', 5, 1.5}, {'c', 5, 1.5}, {'d', 9, 4.0}};

static size_t id_in(size_t n, uint32_t id)
{
    return hp_search_id(RECORDS, n, sizeof RECORDS[0], offsetof(record, id), id);
}

static size_t begin_in(size_t n, double x)
{
    return hp_search_begin(RECORDS, n, sizeof RECORDS[0], offsetof(record, s_m), x);
}

static void test_search_id_finds_the_first_that_is_no_less(void **state)
{
    static const size_t WANTED[] = {0, 0, 0, 1, 1, 1, 3, 3, 3, 3, 4};
    (void)state;
    for (uint32_t id = 0; id < sizeof WANTED / sizeof WANTED[0]; id++) {
        for (size_t n = 0; n <= 4; n++) {
            assert_int_equal(id_in(n, id), WANTED[id] < n ? WANTED[id] : n);
        }
    }
    assert_int_equal(hp_search_id(NULL, 0, sizeof(record), offsetof(record, id), 7), 0);
}

static void test_search_begin_finds_the_last_that_has_begun(void **state)
{
    (void)state;
    assert_int_equal(begin_in(4, -1.0), 0);
    assert_int_equal(begin_in(4, 0.0), 0);
    assert_int_equal(begin_in(4, 1.4), 0);
    assert_int_equal(begin_in(4, 1.5), 2);
    assert_int_equal(begin_in(4, 3.9), 2);
    assert_int_equal(begin_in(4, 4.0), 3);
    assert_int_equal(begin_in(4, 1e9), 3);
    assert_int_equal(begin_in(3, 1e9), 2);
    assert_int_equal(begin_in(1, 1e9), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_search_id_finds_the_first_that_is_no_less),
        cmocka_unit_test(test_search_begin_finds_the_last_that_has_begun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
