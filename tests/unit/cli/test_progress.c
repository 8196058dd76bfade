/* The line of a long job, on a clock and a terminal made up here. */
#include "cli/progress.h"
#include "tests/support/hp_test.h"

#include <stdlib.h>

static const int64_t S = INT64_C(1000000000);

static char *text;
static size_t size;

/** As progress_start, but into text, at 0 s. */
static progress started(bool quiet, bool terminal, uint64_t from, uint64_t all)
{
    progress p = progress_start(quiet, "episodes", from, all);
    if (p.out != NULL) {
        p.out = open_memstream(&text, &size);
        assert_non_null(p.out);
    }
    p.terminal = terminal;
    p.columns = 0;
    p.clock = hp_clock_virtual(0);
    p.start_ns = p.shown_ns = 0;
    return p;
}

static void assert_written(progress *p, const char *wanted)
{
    progress_end(p);
    assert_int_equal(fclose(p->out), 0);
    assert_string_equal(text, wanted);
    free(text);
}

static void test_progress_writes_a_terminals_line_over_again_until_all_is_done(void **state)
{
    (void)state;
    progress p = started(false, true, 0, 100);
    p.clock.virtual_ns = 10 * S;
    progress_show(&p, 5, "%d crashes", 1);
    p.clock.virtual_ns = 20 * S;
    progress_show(&p, 100, "%d crashes", 2);
    assert_written(&p, "\r\033[K5/100 episodes  0.50/s  ETA 3:10  1 crashes"
                       "\r\033[K100/100 episodes  5.00/s  ETA 0:00  2 crashes\n");
}

static void test_progress_shows_five_lines_a_second_at_most_on_a_terminal(void **state)
{
    (void)state;
    progress p = started(false, true, 0, 100);
    for (int i = 1; i <= 50; i++) { /* a second, from 0.02 s on */
        p.clock.virtual_ns = i * S / 50;
        progress_show(&p, (uint64_t)i, "x");
    }
    progress_end(&p);
    assert_int_equal(fclose(p.out), 0);
    int n = 0;
    for (const char *c = text; *c != '\0'; c++) {
        n += *c == '\r' ? 1 : 0;
    }
    assert_int_equal(n, 5);
    assert_int_equal(text[size - 1], '\n'); /* it ended before all was done */
    free(text);
}

static void test_progress_writes_plain_lines_each_ten_seconds_when_it_is_no_terminal(void **state)
{
    (void)state;
    progress p = started(false, false, 0, 2000);
    for (int i = 1; i < 25; i++) {
        p.clock.virtual_ns = i * S;
        progress_show(&p, 20 * (uint64_t)i, "x");
    }
    assert_written(&p, "200/2000 episodes  20/s  ETA 1:30  x\n"
                       "400/2000 episodes  20/s  ETA 1:20  x\n");
}

static void test_progress_keeps_a_line_at_once_when_asked(void **state)
{
    (void)state;
    progress p = started(false, true, 0, 3);
    p.clock.virtual_ns = S;
    progress_show(&p, 0, "first");
    p.clock.virtual_ns = S + 1;
    progress_keep(&p, 1, "point");
    assert_written(&p, "\r\033[K0/3 episodes  first"
                       "\r\033[K1/3 episodes  1.00/s  ETA 0:02  point\n");
}

static void test_progress_reckons_with_its_own_part_when_it_goes_on(void **state)
{
    (void)state;
    progress p = started(false, false, 60, 100);
    p.clock.virtual_ns = 20 * S;
    progress_show(&p, 80, "x"); /* 20 in 20 s: as many are left */
    assert_written(&p, "80/100 episodes  1.00/s  ETA 0:20  x\n");
}

static void test_progress_shows_the_text_alone_when_there_is_no_unit(void **state)
{
    (void)state;
    progress p = started(false, false, 0, 0);
    p.unit = NULL;
    progress_show(&p, 0, "too early");
    p.clock.virtual_ns = 10 * S;
    progress_show(&p, 0, "t 3.2 s");
    assert_written(&p, "t 3.2 s\n");
}

/** What is longer than the terminal is wide would stay there, line after line. */
static void test_progress_cuts_what_a_narrow_terminal_cannot_write_over(void **state)
{
    (void)state;
    progress p = started(false, true, 0, 100);
    p.columns = 30;
    p.clock.virtual_ns = 10 * S;
    progress_show(&p, 5, "%d crashes", 1);
    p.clock.virtual_ns = 20 * S;
    progress_show(&p, 100, "%d crashes", 2); /* stays: whole */
    assert_written(&p, "\r\033[K5/100 episodes  0.50/s  ETA 3"
                       "\r\033[K100/100 episodes  5.00/s  ETA 0:00  2 crashes\n");
}

static void test_progress_shows_nothing_when_quiet(void **state)
{
    (void)state;
    progress p = started(true, true, 0, 1);
    assert_null(p.out);
    progress_show(&p, 1, "x");
    progress_keep(&p, 1, "x");
    progress_end(&p);
    assert_false(p.open);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_progress_writes_a_terminals_line_over_again_until_all_is_done),
        cmocka_unit_test(test_progress_shows_five_lines_a_second_at_most_on_a_terminal),
        cmocka_unit_test(test_progress_writes_plain_lines_each_ten_seconds_when_it_is_no_terminal),
        cmocka_unit_test(test_progress_keeps_a_line_at_once_when_asked),
        cmocka_unit_test(test_progress_reckons_with_its_own_part_when_it_goes_on),
        cmocka_unit_test(test_progress_shows_the_text_alone_when_there_is_no_unit),
        cmocka_unit_test(test_progress_cuts_what_a_narrow_terminal_cannot_write_over),
        cmocka_unit_test(test_progress_shows_nothing_when_quiet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
