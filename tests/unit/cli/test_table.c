#include "cli/table.h"
#include "tests/support/hp_test.h"

#include <stdlib.h>
#include <string.h>

static char *printed(const table *t)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    table_print(t, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void test_columns_are_as_wide_as_their_cells(void **state)
{
    table t;
    (void)state;
    table_init(&t, 3);
    table_cell(&t, "name");
    table_cell(&t, "a");
    table_cell(&t, "long");
    table_cell(&t, "x");
    table_cell(&t, "%d", 1234);
    table_cell(&t, "%s", "");
    char *text = printed(&t);
    assert_string_equal(text, "name     a  long\n"
                              "----------------\n"
                              "x     1234      \n");
    free(text);
    table_free(&t);
}

static void test_long_cells_are_whole(void **state)
{
    char line[302];
    table t;
    (void)state;
    memset(line, 'x', 300);
    line[300] = '\0';
    table_init(&t, 1);
    table_cell(&t, "%s", line);
    char *text = printed(&t);
    line[300] = '\n';
    assert_memory_equal(text, line, 301);
    free(text);
    table_free(&t);
}

static void test_wide_characters_take_one_place(void **state)
{
    table t;
    (void)state;
    table_init(&t, 2);
    table_cell(&t, "\xc3\xa4\xc3\xb6");
    table_cell(&t, "b");
    table_cell(&t, "ab");
    table_cell(&t, "c");
    char *text = printed(&t);
    assert_string_equal(text, "\xc3\xa4\xc3\xb6  b\n"
                              "-----\n"
                              "ab  c\n");
    free(text);
    table_free(&t);
}

static void test_many_rows_grow_the_table(void **state)
{
    table t;
    (void)state;
    table_init(&t, 2);
    for (int i = 0; i < 1000; i++) {
        table_cell(&t, "%d", i);
    }
    assert_int_equal(t.n_cells, 1000);
    assert_string_equal(t.cells[999], "999");
    table_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns_are_as_wide_as_their_cells),
        cmocka_unit_test(test_long_cells_are_whole),
        cmocka_unit_test(test_wide_characters_take_one_place),
        cmocka_unit_test(test_many_rows_grow_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
