#include "cli/bench_report.h"
#include "tests/unit/cli/bench_fixture.h"

#include <math.h>
#include <stdlib.h>

static void test_figures_follow_from_the_rows(void **state)
{
    bench_book book;
    bench_board board;
    (void)state;
    fixture_fill(&book);
    assert_int_equal(bench_board_create(&book, &board), HP_OK);
    const bench_score *x = bench_board_score(&board, FIXTURE_PLANNER, 0);
    assert_int_equal(x->scenes, 10);
    assert_int_equal(x->critical, 3); /* scenes 0, 4, 8 */
    assert_int_equal(x->crashes, 2);
    assert_int_equal(x->crashes_critical, 2);
    assert_int_equal(x->kinds[SIM_CRASH_FRONT], 1);
    assert_int_equal(x->kinds[SIM_CRASH_SIDE], 1);
    assert_int_equal(x->near_misses, 1);
    assert_int_equal(x->unclean, 3);
    assert_int_equal(x->goals, 7);
    assert_int_equal(x->arrivals, 7);
    assert_int_equal(x->paired, 7);
    hp_assert_near(x->paired_s / x->oracle_s, 1.1, 1e-12);
    hp_assert_near(x->impact_mps / x->crashes, 3.0, 1e-12);
    assert_int_equal(x->times.decision.n, 10);
    bench_board_destroy(&board);
    bench_book_destroy(&book);
}

static void test_variants_stay_out_of_the_sums(void **state)
{
    bench_book book;
    bench_board board;
    (void)state;
    fixture_fill(&book);
    assert_int_equal(bench_board_create(&book, &board), HP_OK);
    assert_int_equal(bench_board_overall(&board, FIXTURE_PLANNER)->scenes, 20);
    assert_int_equal(bench_board_overall(&board, FIXTURE_PLANNER)->times.decision.n, 20);
    assert_int_equal(bench_board_overall(&board, FIXTURE_PLANNER)->near_scenes, 10);
    assert_int_equal(bench_board_score(&board, FIXTURE_PLANNER, 2)->scenes, 5);
    bench_board_destroy(&board);
    bench_book_destroy(&book);
}

static void test_si90_counts_scenarios(void **state)
{
    bench_book book;
    bench_board board;
    (void)state;
    fixture_fill(&book);
    assert_int_equal(bench_board_create(&book, &board), HP_OK);
    const bench_si90 all = bench_board_si90(&board, FIXTURE_PLANNER, NULL);
    assert_int_equal(all.of, 2); /* 01 and 11; no variant */
    assert_int_equal(all.si90, 1);
    assert_int_equal(all.arrive, 1);
    const bench_si90 nine = bench_board_si90(&board, FIXTURE_PLANNER, "09");
    assert_int_equal(nine.of, 1);
    assert_int_equal(nine.si90, 0);
    const bench_si90 oracle = bench_board_si90(&board, FIXTURE_ORACLE_B, NULL);
    assert_int_equal(oracle.strict, 2);
    bench_board_destroy(&board);
    bench_book_destroy(&book);
}

static void assert_fits(const char *text)
{
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
        if (strcspn(line, "\n") > 120) {
            print_error("%.*s\n", (int)strcspn(line, "\n"), line);
            fail();
        }
    }
}

/** A planner that hits somebody where ten times the trials hit nobody, and const where both do. */
static void test_duels_count_the_scenes_in_which_one_of_two_crashes(void **state)
{
    static bench_times times;
    bench_settings s = fixture_settings();
    bench_book book;
    bench_board board;
    char *text = NULL;
    size_t size = 0;
    (void)state;
    (void)snprintf(s.contenders[FIXTURE_ORACLE_A], BENCH_NAME, "despot:x10");
    assert_int_equal(bench_book_create(&s, &book), HP_OK);
    for (uint32_t i = 0; i < s.n_scenes; i++) {
        for (uint32_t c = 0; c < s.n_contenders; c++) {
            bench_row row = fixture_row(&s, i, c);
            row.ttg_s += c == FIXTURE_PLANNER && i == 5 ? 1.7 : 0.0;
            assert_int_equal(bench_book_add(&book, &row, &times, NULL), HP_OK);
        }
    }
    assert_int_equal(bench_board_create(&book, &board), HP_OK);
    const uint32_t longer = bench_board_longer(&board, FIXTURE_PLANNER);
    assert_int_equal(longer, FIXTURE_ORACLE_A);
    assert_int_equal(bench_board_longer(&board, longer), s.n_contenders);
    const bench_duel all = bench_board_duel(&board, FIXTURE_PLANNER, longer, false);
    assert_int_equal(all.scenes, 20); /* no variant */
    assert_int_equal(all.mine, 2);
    assert_int_equal(all.theirs, 0);
    hp_assert_near(all.points, 10.0, 1e-12);
    /* (2.5 - 0.5) / 22 +- 1.96 sqrt((3 - 4 / 22) / 22^2) */
    hp_assert_near(all.points_95.lo,
                   100.0 * (2.0 / 22.0 - 1.959964 * sqrt(3.0 - 4.0 / 22.0) / 22.0), 1e-9);
    hp_assert_near(all.points_95.hi,
                   100.0 * (2.0 / 22.0 + 1.959964 * sqrt(3.0 - 4.0 / 22.0) / 22.0), 1e-9);
    /* 17 of 20 arrive, sixteen of them a second later, one 2.7 s; the variance is 1.7^2 / 17 */
    assert_int_equal(all.both, 17);
    hp_assert_near(all.later_s, 1.1, 1e-12);
    hp_assert_near(all.later_95.hi, 1.1 + 1.959964 * 1.7 / 17.0, 1e-9);
    hp_assert_near(all.later_95.lo, 1.1 - 1.959964 * 1.7 / 17.0, 1e-9);
    const bench_duel critical = bench_board_duel(&board, FIXTURE_PLANNER, FIXTURE_CONST, true);
    assert_int_equal(critical.scenes, 5);
    assert_int_equal(critical.theirs, 3);
    assert_true(critical.points < 0.0);
    FILE *out = open_memstream(&text, &size);
    bench_report_table(&board, out);
    assert_int_equal(fclose(out), 0);
    assert_non_null(strstr(text, "2+ 0- of 20"));
    assert_non_null(strstr(text, "+1.10 [+0.90, +1.30]"));
    assert_fits(text);
    free(text);
    json_t *json = bench_report_json(&board);
    const json_t *planner = json_object_get(json_object_get(json, "planners"), "despot");
    const json_t *duel = json_object_get(planner, "against_x10");
    assert_int_equal(json_integer_value(json_object_get(duel, "only_here_crashes")), 2);
    assert_int_equal(json_integer_value(json_object_get(duel, "both_arrive")), 17);
    json_decref(json);
    bench_board_destroy(&board);
    bench_book_destroy(&book);
}

static void test_beating_the_oracle_fails_loudly(void **state)
{
    const bench_settings s = fixture_settings();
    static bench_times times;
    bench_book book;
    bench_board board;
    char *text = NULL;
    size_t size = 0;
    (void)state;
    assert_int_equal(bench_book_create(&s, &book), HP_OK);
    for (uint32_t i = 0; i < s.n_scenes; i++) {
        for (uint32_t c = 0; c < s.n_contenders; c++) {
            bench_row row = fixture_row(&s, i, c);
            row.ttg_s = i == 7 && c == FIXTURE_PLANNER ? 9.9 : row.ttg_s;
            assert_int_equal(bench_book_add(&book, &row, &times, NULL), HP_OK);
        }
    }
    assert_int_equal(bench_board_create(&book, &board), HP_OK);
    assert_int_equal(board.beats, 1);
    FILE *out = open_memstream(&text, &size);
    assert_int_equal(bench_report_failures(&board, out), 1);
    bench_report_junit(&board, out);
    assert_int_equal(fclose(out), 0);
    assert_non_null(strstr(text, "speed=1,distance=7"));
    assert_non_null(strstr(text, "<failure message=\"beats the oracle in 1 of 10 scenes\"/>"));
    free(text);
    bench_board_destroy(&board);
    bench_book_destroy(&book);
}

static void test_junit_is_xml_when_a_scenario_has_an_odd_name(void **state)
{
    bench_settings s = fixture_settings();
    bench_book book;
    bench_board board;
    char *text = NULL;
    size_t size = 0;
    (void)state;
    (void)snprintf(s.scenarios[0], sizeof s.scenarios[0], "a&\"<b");
    assert_int_equal(bench_book_create(&s, &book), HP_OK);
    assert_int_equal(bench_board_create(&book, &board), HP_OK);
    FILE *out = open_memstream(&text, &size);
    bench_report_junit(&board, out);
    assert_int_equal(fclose(out), 0);
    assert_non_null(strstr(text, "name=\"a&amp;&quot;&lt;b\""));
    assert_null(strstr(text, "a&\""));
    free(text);
    bench_board_destroy(&board);
    bench_book_destroy(&book);
}

static void test_settings_are_refused_when_they_order_a_terminal_about(void **state)
{
    const char *path = "test_bench_score_settings.json";
    bench_settings s = fixture_settings();
    bench_settings back;
    hp_error error = {{0}};
    (void)state;
    for (int k = 0; k < 2; k++) {
        json_t *json = bench_settings_json(&s);
        (void)json_object_del(json, "provenance"); /* settings of before it was noted are taken */
        assert_int_equal(json_dump_file(json, path, 0), 0);
        json_decref(json);
        assert_int_equal(bench_settings_read(path, &back, &error), k == 0 ? HP_OK : HP_EINVAL);
        (void)snprintf(s.scenes, sizeof s.scenes, "\033[2J");
    }
    (void)remove(path);
}

static void test_scenes_that_somebody_has_not_played_count_for_nobody(void **state)
{
    const bench_settings s = fixture_settings();
    bench_book book;
    bench_board board;
    char *text = NULL;
    size_t size = 0;
    (void)state;
    assert_int_equal(bench_book_create(&s, &book), HP_OK);
    for (uint32_t i = 0; i < s.n_scenes; i++) {
        for (uint32_t c = 0; c < s.n_contenders; c++) {
            if (i != 5 || c != FIXTURE_PLANNER) {
                fixture_add(&book, i, c);
            }
        }
    }
    assert_int_equal(bench_board_create(&book, &board), HP_OK);
    assert_int_equal(board.missing, 1);
    assert_int_equal(bench_board_score(&board, FIXTURE_CONST, 0)->scenes, 9);
    FILE *out = open_memstream(&text, &size);
    assert_int_equal(bench_report_failures(&board, out), 1);
    assert_int_equal(fclose(out), 0);
    free(text);
    bench_board_destroy(&board);
    bench_book_destroy(&book);
}

static void test_json_has_the_stable_keys(void **state)
{
    static const char *const TOP[] = {"suite", "seed", "grid", "planners", "oracle"};
    static const char *const SCORE[] = {
        "scenes", "critical", "crash",        "crash_critical", "near_miss",
        "goal",   "ttg_s",    "safe_arrival", "impact_mps",     "ttg_over_oracle",
        "nodes",  "pruned",   "decision_ms",  "interventions",  "search_ms"};
    static const char *const TIMES[] = {"mean", "p50", "p99", "max"};
    bench_book book;
    bench_board board;
    (void)state;
    fixture_fill(&book);
    assert_int_equal(bench_board_create(&book, &board), HP_OK);
    json_t *json = bench_report_json(&board);
    for (size_t i = 0; i < HP_ARRAY_LEN(TOP); i++) {
        assert_non_null(json_object_get(json, TOP[i]));
    }
    const json_t *planner = json_object_get(json_object_get(json, "planners"), "despot");
    assert_int_equal(json_integer_value(json_object_get(planner, "si90")), 1);
    assert_non_null(json_object_get(planner, "si90_strict"));
    assert_non_null(json_object_get(planner, "si90_arrive"));
    const json_t *one = json_object_get(json_object_get(planner, "scenarios"), "01");
    const json_t *overall = json_object_get(planner, "overall");
    for (size_t i = 0; i < HP_ARRAY_LEN(SCORE); i++) {
        assert_non_null(json_object_get(one, SCORE[i]));
        assert_non_null(json_object_get(overall, SCORE[i]));
    }
    for (size_t i = 0; i < HP_ARRAY_LEN(TIMES); i++) {
        assert_non_null(json_object_get(json_object_get(one, "decision_ms"), TIMES[i]));
    }
    hp_assert_near(json_real_value(json_object_get(one, "crash")), 0.2, 1e-12);
    hp_assert_near(json_real_value(json_object_get(overall, "nodes")), 100.0, 1e-12);
    assert_null(json_object_get(json_object_get(json, "planners"), BENCH_ORACLE_B));
    json_decref(json);
    bench_board_destroy(&board);
    bench_book_destroy(&book);
}

static void test_table_fits_120_columns(void **state)
{
    bench_book book;
    bench_board board;
    char *text = NULL;
    size_t size = 0;
    (void)state;
    fixture_fill(&book);
    assert_int_equal(bench_board_create(&book, &board), HP_OK);
    FILE *out = open_memstream(&text, &size);
    bench_report_table(&board, out);
    assert_int_equal(fclose(out), 0);
    assert_fits(text);
    assert_non_null(strstr(text, "20 in 2 scenarios (")); /* without the variant */
    free(text);
    bench_board_destroy(&board);
    bench_book_destroy(&book);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_figures_follow_from_the_rows),
        cmocka_unit_test(test_variants_stay_out_of_the_sums),
        cmocka_unit_test(test_si90_counts_scenarios),
        cmocka_unit_test(test_duels_count_the_scenes_in_which_one_of_two_crashes),
        cmocka_unit_test(test_beating_the_oracle_fails_loudly),
        cmocka_unit_test(test_junit_is_xml_when_a_scenario_has_an_odd_name),
        cmocka_unit_test(test_settings_are_refused_when_they_order_a_terminal_about),
        cmocka_unit_test(test_scenes_that_somebody_has_not_played_count_for_nobody),
        cmocka_unit_test(test_json_has_the_stable_keys),
        cmocka_unit_test(test_table_fits_120_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
