/* The space of a tuning, its front, and its choice. */
#include "cli/tune_result.h"
#include "tests/support/hp_test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static tune_space parsed(const char *a, const char *b, uint32_t steps)
{
    tune_space space;
    hp_error error = {{0}};
    const cli_texts texts = {{a, b}, b != NULL ? 2 : 1};
    if (tune_space_parse(&texts, steps, &space, &error) != HP_OK) {
        fail_msg("%s", error.text);
    }
    return space;
}

static void test_sweep_is_the_product_with_both_ends(void **state)
{
    const tune_space space = parsed("pomdp.xi=0.5..0.9", "pomdp.prune.method=off|crude", 3);
    static const char *const WANT[][2] = {
        {"pomdp.xi=0.5", "pomdp.prune.method=off"}, {"pomdp.xi=0.5", "pomdp.prune.method=crude"},
        {"pomdp.xi=0.7", "pomdp.prune.method=off"}, {"pomdp.xi=0.7", "pomdp.prune.method=crude"},
        {"pomdp.xi=0.9", "pomdp.prune.method=off"}, {"pomdp.xi=0.9", "pomdp.prune.method=crude"}};
    tune_point p;
    (void)state;
    assert_int_equal(tune_space_sweep_size(&space), 6);
    for (uint64_t i = 0; i < 6; i++) {
        tune_space_sweep(&space, i, &p);
        assert_string_equal(p.sets[0], WANT[i][0]);
        assert_string_equal(p.sets[1], WANT[i][1]);
    }
}

static void test_ranges_go_by_proportion_or_whole_numbers_when_asked(void **state)
{
    const tune_space space = parsed("a=0.01..1:log", "b=10..20:int", 3);
    tune_point p;
    (void)state;
    tune_space_sweep(&space, 4, &p);
    assert_string_equal(p.sets[0], "a=0.1");
    assert_string_equal(p.sets[1], "b=15");
    assert_true(fabs(p.values[0] - 0.1) < 1e-12);
}

static void test_draws_repeat_and_stay_inside(void **state)
{
    const tune_space space = parsed("a=-2..3", "b=x|y|z", 5);
    uint32_t seen[3] = {0};
    (void)state;
    for (uint64_t i = 0; i < 300; i++) {
        tune_point p;
        tune_point q;
        tune_space_draw(&space, 9, i, &p);
        tune_space_draw(&space, 9, i, &q);
        assert_memory_equal(&p, &q, sizeof p);
        assert_true(p.values[0] >= -2.0 && p.values[0] <= 3.0);
        seen[(int)p.values[1]]++;
    }
    assert_true(seen[0] > 60 && seen[1] > 60 && seen[2] > 60);
}

static void test_bad_axes_are_refused_with_what_they_take(void **state)
{
    static const char *const BAD[] = {"pomdp.xi",  "=1..2",  "a=2..1",     "a=1..1",
                                      "a=x..2",    "a=1..y", "a=0..2:log", "a=1..2:cube",
                                      "a=on||off", "a=",     "a=nan..2",   "a=1..inf"};
    (void)state;
    for (size_t i = 0; i < HP_ARRAY_LEN(BAD); i++) {
        tune_space space;
        hp_error error = {{0}};
        const cli_texts texts = {{BAD[i]}, 1};
        assert_int_equal(tune_space_parse(&texts, 3, &space, &error), HP_EINVAL);
        assert_non_null(strstr(error.text, "KEY=LO..HI"));
    }
    const cli_texts twice = {{"a=1..2", "a=3..4"}, 2};
    tune_space space;
    hp_error error = {{0}};
    assert_int_equal(tune_space_parse(&twice, 3, &space, &error), HP_EINVAL);
}

static tune_result result(uint32_t crashes, uint32_t unclean, uint32_t arrivals, double p99_ms)
{
    return (tune_result){.scenes = 100,
                         .crashes = crashes,
                         .unclean = unclean,
                         .arrivals = arrivals,
                         .p99_ms = p99_ms};
}

static void test_choice_is_the_fastest_that_is_no_less_safe(void **state)
{
    tune_result r[] = {
        result(1, 4, 98, 50.0), /* as configured */
        result(1, 4, 98, 20.0), /* the one */
        result(2, 4, 98, 10.0), /* more crashes */
        result(1, 5, 98, 9.0),  /* more near misses */
        result(1, 4, 97, 8.0),  /* arrives less often */
        result(0, 1, 99, 30.0), /* safer, slower */
        result(1, 4, 98, 25.0), /* beaten */
    };
    tuning t = {.results = r, .n = HP_ARRAY_LEN(r)};
    static const bool FRONT[] = {false, false, false, false, true, true, false};
    (void)state;
    tuning_judge(&t);
    assert_int_equal(t.chosen, 1);
    for (size_t i = 0; i < HP_ARRAY_LEN(r); i++) {
        assert_int_equal(r[i].front, FRONT[i]);
    }
}

static char *text_of(const tuning *t, void (*write)(const tuning *t, FILE *out))
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    write(t, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

/** A driver without a search who nowhere arrives, and a list as the value. */
static void test_files_are_whole_when_figures_are_missing_and_words_hold_commas(void **state)
{
    const tune_space space = parsed("pomdp.actions_mps2=[3,0,-8]|[\"3\"]", NULL, 1);
    tune_result r[] = {{.name = "as configured", .scenes = 2, .p99_ms = 1.5}, {.scenes = 2}};
    const tuning t = {&space, "aeb", "cts", "validation", r, HP_ARRAY_LEN(r), 0};
    (void)state;
    tune_space_sweep(&space, 0, &r[1].point);
    for (size_t i = 0; i < HP_ARRAY_LEN(r); i++) {
        r[i].ttg_s = r[i].nodes = r[i].trials = r[i].pruned = (double)NAN;
    }
    char *csv = text_of(&t, tuning_csv);
    char *table = text_of(&t, tuning_table);
    assert_non_null(strstr(csv, "\n0,,2,0,0,0,,0,0,1.5,,,0,1\n"));
    assert_non_null(strstr(csv, "\n1,\"[3,0,-8]\",2,0,0,0,,0,0,0,,,0,0\n"));
    assert_null(strstr(table, "nan"));
    tune_space_sweep(&space, 1, &r[1].point);
    char *quoted = text_of(&t, tuning_csv);
    assert_non_null(strstr(quoted, "\n1,\"[\"\"3\"\"]\",2,"));
    free(csv);
    free(table);
    free(quoted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sweep_is_the_product_with_both_ends),
        cmocka_unit_test(test_ranges_go_by_proportion_or_whole_numbers_when_asked),
        cmocka_unit_test(test_draws_repeat_and_stay_inside),
        cmocka_unit_test(test_bad_axes_are_refused_with_what_they_take),
        cmocka_unit_test(test_choice_is_the_fastest_that_is_no_less_safe),
        cmocka_unit_test(test_files_are_whole_when_figures_are_missing_and_words_hold_commas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
