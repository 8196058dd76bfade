#include "tests/unit/cli/bench_fixture.h"

#include <stdlib.h>
#include <unistd.h>

typedef struct place {
    cli_rundir dir;
    char file[CLI_PATH];
} place;

static int set_up(void **state)
{
    place *p = calloc(1, sizeof *p);
    assert_non_null(p);
    (void)snprintf(p->dir.path, sizeof p->dir.path, "/tmp/hyplan-test-XXXXXX");
    assert_non_null(mkdtemp(p->dir.path));
    assert_true(cli_rundir_path(&p->dir, BENCH_EPISODES, p->file));
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    place *p = *state;
    (void)unlink(p->file);
    (void)rmdir(p->dir.path);
    free(p);
    return 0;
}

static char *read_file(const char *path)
{
    char *text = NULL;
    size_t cap = 0;
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    assert_true(getdelim(&text, &cap, '\0', in) > 0);
    (void)fclose(in);
    return text;
}

static void write_file(const char *path, const char *text, size_t len)
{
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_int_equal(fwrite(text, 1, len, out), len);
    assert_int_equal(fclose(out), 0);
}

static hp_status load_fresh(const char *path, bench_book *book, hp_error *error)
{
    const bench_settings s = fixture_settings();
    assert_int_equal(bench_book_create(&s, book), HP_OK);
    return bench_book_load(book, path, error);
}

static void test_saved_book_loads_again(void **state)
{
    place *p = *state;
    bench_book book;
    bench_book back;
    fixture_fill(&book);
    assert_int_equal(bench_book_save(&book, &p->dir, NULL), HP_OK);
    assert_int_equal(load_fresh(p->file, &back, NULL), HP_OK);
    assert_int_equal(back.n_rows, book.n_rows);
    assert_memory_equal(&back.times[3], &book.times[3], sizeof back.times[3]);
    for (uint32_t i = 0; i < 25; i++) {
        assert_string_equal(back.lines[bench_book_at(&back, i, 3)],
                            book.lines[bench_book_at(&book, i, 3)]);
    }
    bench_book_destroy(&back);
    bench_book_destroy(&book);
}

static void test_missing_file_holds_no_rows(void **state)
{
    place *p = *state;
    bench_book book;
    assert_int_equal(load_fresh(p->file, &book, NULL), HP_OK);
    assert_int_equal(book.n_rows, 0);
    bench_book_destroy(&book);
}

/* Wherever an interruption tears the file, every whole row before it counts and nothing else. */
static void test_torn_last_row_is_dropped(void **state)
{
    place *p = *state;
    bench_book book;
    fixture_fill(&book);
    assert_int_equal(bench_book_save(&book, &p->dir, NULL), HP_OK);
    bench_book_destroy(&book);
    char *text = read_file(p->file);
    const size_t len = strlen(text);
    size_t last = len - 1; /* where the last row begins */
    while (text[last - 1] != '\n') {
        last--;
    }
    for (size_t cut = last; cut < len; cut++) {
        write_file(p->file, text, cut);
        assert_int_equal(load_fresh(p->file, &book, NULL), HP_OK);
        assert_int_equal(book.n_rows, 25 * FIXTURE_CONTENDERS - 1);
        bench_book_destroy(&book);
    }
    free(text);
}

static void test_bad_row_in_the_middle_is_an_error_with_its_place(void **state)
{
    place *p = *state;
    bench_book book;
    hp_error error;
    fixture_fill(&book);
    assert_int_equal(bench_book_save(&book, &p->dir, NULL), HP_OK);
    bench_book_destroy(&book);
    char *text = read_file(p->file);
    char *second = strchr(text, '\n') + 1;
    second[0] = 'x';
    write_file(p->file, text, strlen(text));
    assert_int_equal(load_fresh(p->file, &book, &error), HP_EINVAL);
    assert_non_null(strstr(error.text, "episodes.csv:2: error:"));
    bench_book_destroy(&book);
    free(text);
}

static void test_foreign_and_double_rows_are_refused(void **state)
{
    static bench_times times;
    bench_book book;
    (void)state;
    fixture_fill(&book);
    bench_row row = fixture_row(&book.settings, 3, FIXTURE_PLANNER);
    assert_int_equal(bench_book_add(&book, &row, &times, NULL), HP_EBUSY);
    row.index = 25;
    assert_int_equal(bench_book_add(&book, &row, &times, NULL), HP_EINVAL);
    row.index = 3;
    (void)snprintf(row.planner, sizeof row.planner, "nobody");
    assert_int_equal(bench_book_add(&book, &row, &times, NULL), HP_EINVAL);
    bench_book_destroy(&book);
}

static void test_joined_book_passes_over_the_same_drive_only(void **state)
{
    static bench_times times;
    bench_book book;
    hp_error error;
    (void)state;
    fixture_fill(&book);
    book.joined = true;
    const uint32_t before = book.n_rows;
    bench_row row = fixture_row(&book.settings, 3, FIXTURE_PLANNER);
    assert_int_equal(bench_book_add(&book, &row, &times, NULL), HP_OK);
    assert_int_equal(book.n_rows, before);
    row.command_hash++;
    assert_int_equal(bench_book_add(&book, &row, &times, &error), HP_EBUSY);
    assert_non_null(strstr(error.text, "driven otherwise"));
    bench_book_destroy(&book);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_saved_book_loads_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_missing_file_holds_no_rows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_torn_last_row_is_dropped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bad_row_in_the_middle_is_an_error_with_its_place,
                                        set_up, tear_down),
        cmocka_unit_test(test_foreign_and_double_rows_are_refused),
        cmocka_unit_test(test_joined_book_passes_over_the_same_drive_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
