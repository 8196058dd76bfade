/* What a benchmark's page is told: outcomes, and how to drive a scene again. */
#include "cli/bench_report.h"
#include "cli/report.h"
#include "tests/unit/cli/bench_fixture.h"

#include <stdlib.h>
#include <unistd.h>

enum { OUTCOME_SAFE, OUTCOME_NEAR, OUTCOME_NOT_SAFE, OUTCOME_CRASH, OUTCOME_AT = 5 };

/** The page's data of the fixture's run under another suite's name. */
static json_t *page_of(bench_book *book, const char *suite)
{
    cli_rundir dir = {.path = "/tmp/hyplan-test-XXXXXX"};
    static const char *const FILES[] = {"summary.json", BENCH_EPISODES};
    bench_board board;
    json_t *page = NULL;
    hp_error error = {{0}};
    assert_non_null(mkdtemp(dir.path));
    (void)snprintf(book->settings.suite, sizeof book->settings.suite, "%s", suite);
    assert_int_equal(bench_board_create(book, &board), HP_OK);
    json_t *summary = bench_report_json(&board);
    assert_int_equal(cli_rundir_write_json(&dir, FILES[0], summary, &error), HP_OK);
    assert_int_equal(bench_book_save(book, &dir, &error), HP_OK);
    assert_int_equal(report_bench(dir.path, &page, &error), HP_OK);
    for (size_t i = 0; i < HP_ARRAY_LEN(FILES); i++) {
        char path[CLI_PATH];
        assert_true(cli_rundir_path(&dir, FILES[i], path));
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir(dir.path), 0);
    json_decref(summary);
    bench_board_destroy(&board);
    return page;
}

static json_int_t outcome_of(const json_t *page, uint32_t index)
{
    const json_t *rows = json_object_get(page, "rows");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        if (strcmp(json_string_value(json_array_get(row, 1)), "despot") == 0 &&
            json_integer_value(json_array_get(row, 10)) == index) {
            return json_integer_value(json_array_get(row, OUTCOME_AT));
        }
    }
    fail_msg("scene %u is not there", index);
    return -1;
}

static void test_page_calls_safe_what_the_judge_does(void **state)
{
    bench_book book;
    (void)state;
    fixture_fill(&book);
    bench_row row = fixture_row(&book.settings, 3, FIXTURE_PLANNER);
    row.safe_arrival = false; /* there in time, but too fast on the way */
    book.n_rows--;
    free(book.lines[bench_book_at(&book, 3, FIXTURE_PLANNER)]);
    book.lines[bench_book_at(&book, 3, FIXTURE_PLANNER)] = NULL;
    static const bench_times NONE;
    assert_int_equal(bench_book_add(&book, &row, &NONE, NULL), HP_OK);
    json_t *page = page_of(&book, "cts");
    assert_int_equal(outcome_of(page, 0), OUTCOME_CRASH);
    assert_int_equal(outcome_of(page, 1), OUTCOME_NEAR);
    assert_int_equal(outcome_of(page, 2), OUTCOME_NOT_SAFE);
    assert_int_equal(outcome_of(page, 3), OUTCOME_NOT_SAFE);
    assert_int_equal(outcome_of(page, 5), OUTCOME_SAFE);
    json_decref(page);
    bench_book_destroy(&book);
}

static void test_page_names_the_folder_of_the_scenarios(void **state)
{
    static const struct {
        const char *suite, *folder;
    } CASES[] = {
        {"cts", "cts"}, {"cts-x", "cts"}, {"icts", "icts"}, {"crowd", "crowd"}, {"dut", NULL}};
    bench_book book;
    (void)state;
    fixture_fill(&book);
    for (size_t i = 0; i < HP_ARRAY_LEN(CASES); i++) {
        json_t *page = page_of(&book, CASES[i].suite);
        const char *folder = json_string_value(json_object_get(page, "folder"));
        assert_true(json_object_get(page, "folder") != NULL);
        assert_int_equal(folder == NULL, CASES[i].folder == NULL);
        assert_true(folder == NULL || strcmp(folder, CASES[i].folder) == 0);
        json_decref(page);
    }
    bench_book_destroy(&book);
}

static void test_page_holds_the_seed_to_its_last_digit(void **state)
{
    bench_book book;
    (void)state;
    fixture_fill(&book);
    book.settings.seed = UINT64_MAX - 1;
    json_t *page = page_of(&book, "cts");
    const char *seed = json_string_value(json_object_get(page, "seed"));
    assert_non_null(seed);
    assert_string_equal(seed, "18446744073709551614");
    json_decref(page);
    bench_book_destroy(&book);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page_calls_safe_what_the_judge_does),
        cmocka_unit_test(test_page_names_the_folder_of_the_scenarios),
        cmocka_unit_test(test_page_holds_the_seed_to_its_last_digit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
