#include "cli/bench_row.h"
#include "tests/support/hp_test.h"

#include <stdlib.h>
#include <string.h>

static void fill(bench_row *row, bench_times *times)
{
    memset(row, 0, sizeof *row);
    memset(times, 0, sizeof *times);
    *row = (bench_row){
        .index = 17,
        .scenario = "10a",
        .scene = "speed=1.2,distance=20",
        .planner = "despot+guard",
        .seed = UINT64_MAX,
        .verdict = HP_VERDICT_CRASH,
        .crash = SIM_CRASH_SIDE,
        .near_miss_applies = true,
        .ttg_s = NAN,
        .impact_mps = 1.0 / 3.0,
        .min_ttc_s = INFINITY,
        .ticks = 99,
        .nodes = 1234567890123,
        .command_hash = 0x123456789abcdef0,
    };
    stats_times_add(&times->decision, 1500000);
    stats_times_add(&times->search, 1400000);
}

static char *line_of(const bench_row *row, const bench_times *times)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    bench_row_write(row, times, out);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(text[size - 1], '\n');
    text[size - 1] = '\0';
    return text;
}

static void test_row_reads_back_bit_for_bit(void **state)
{
    static bench_row row;
    static bench_row back;
    static bench_times times;
    static bench_times times_back;
    (void)state;
    fill(&row, &times);
    char *line = line_of(&row, &times);
    char *again = strdup(line);
    assert_int_equal(bench_row_read(again, &back, &times_back, NULL), HP_OK);
    assert_true(isnan(back.ttg_s));
    assert_true(isinf(back.min_ttc_s));
    assert_true(back.impact_mps == row.impact_mps);
    assert_string_equal(back.scene, row.scene);
    assert_memory_equal(&times, &times_back, sizeof times);
    char *second = line_of(&back, &times_back);
    assert_string_equal(second, line);
    free(second);
    free(again);
    free(line);
}

static void test_heading_has_a_name_per_cell(void **state)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    static bench_row row;
    static bench_times times;
    size_t names = 0;
    size_t cells = 0;
    (void)state;
    bench_row_heading(out);
    assert_int_equal(fclose(out), 0);
    fill(&row, &times);
    row.scene[0] = '\0'; /* so that no comma is inside a cell */
    char *line = line_of(&row, &times);
    for (const char *c = text; *c != '\0'; c++) {
        names += *c == ',';
    }
    for (const char *c = line; *c != '\0'; c++) {
        cells += *c == ',';
    }
    assert_int_equal(names, cells);
    free(line);
    free(text);
}

static void test_texts_that_order_a_terminal_about_are_refused(void **state)
{
    static bench_row row;
    static bench_row back;
    static bench_times times;
    static bench_times times_back;
    (void)state;
    fill(&row, &times);
    (void)snprintf(row.scene, sizeof row.scene, "\033[2J");
    char *line = line_of(&row, &times);
    assert_int_equal(bench_row_read(line, &back, &times_back, NULL), HP_EINVAL);
    free(line);
}

/* Cuts a good line at every byte: whatever is left is refused or whole, and nothing breaks. */
static void test_torn_lines_never_break_the_reader(void **state)
{
    static bench_row row;
    static bench_row back;
    static bench_times times;
    static bench_times times_back;
    uint32_t taken = 0;
    (void)state;
    fill(&row, &times);
    char *line = line_of(&row, &times);
    for (size_t cut = 0; cut < strlen(line); cut++) {
        char *torn = strndup(line, cut);
        taken += bench_row_read(torn, &back, &times_back, NULL) == HP_OK;
        free(torn);
    }
    assert_int_equal(taken, 0); /* the counts in the last cell must add up */
    free(line);
}

static void test_wrong_cells_are_named(void **state)
{
    static bench_row row;
    static bench_times times;
    hp_error error;
    (void)state;
    fill(&row, &times);
    row.scene[0] = '\0';
    char *line = line_of(&row, &times);
    line[0] = 'x';
    assert_int_equal(bench_row_read(line, &row, &times, &error), HP_EINVAL);
    assert_non_null(strstr(error.text, "'index'"));
    free(line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row_reads_back_bit_for_bit),
        cmocka_unit_test(test_heading_has_a_name_per_cell),
        cmocka_unit_test(test_texts_that_order_a_terminal_about_are_refused),
        cmocka_unit_test(test_torn_lines_never_break_the_reader),
        cmocka_unit_test(test_wrong_cells_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
