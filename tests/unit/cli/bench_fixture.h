/** @file bench_fixture.h A small made-up run: two scenarios and a variant, known outcomes. */
#ifndef BENCH_FIXTURE_H
#define BENCH_FIXTURE_H

#include "cli/bench_book.h"
#include "tests/support/hp_test.h"

#include <string.h>

enum { FIXTURE_CONST, FIXTURE_ORACLE_A, FIXTURE_ORACLE_B, FIXTURE_PLANNER, FIXTURE_CONTENDERS };

/* Ten scenes each of 01 and 11, five of the variant 10a. */
static inline bench_settings fixture_settings(void)
{
    bench_settings s = {.suite = "cts",
                        .grid = "validation",
                        .scenes = "10",
                        .guard = "off",
                        .config_hash = "0123456789abcdef",
                        .seed = 1,
                        .trials = 300,
                        .shard = 1,
                        .shards = 1,
                        .n_scenes = 25,
                        .n_scenarios = 3,
                        .n_contenders = FIXTURE_CONTENDERS,
                        .scenarios = {"01", "11", "10a"},
                        .contenders = {"const", BENCH_ORACLE_A, BENCH_ORACLE_B, "despot"},
                        .shown = {true, false, false, true}};
    return s;
}

/* const crashes in every fourth scene; the oracles arrive in 10 s; the planner takes 11 s, but hits
 * somebody in scenes 0 and 4, nearly in scene 1, and stands still in scene 2. */
static inline bench_row fixture_row(const bench_settings *s, uint32_t index, uint32_t contender)
{
    const uint32_t scenario = index < 10 ? 0 : (index < 20 ? 1 : 2);
    bench_row row = {.index = index,
                     .verdict = HP_VERDICT_GOAL,
                     .safe_arrival = true,
                     .near_miss_applies = scenario != 1,
                     .ttg_s = contender == FIXTURE_PLANNER ? 11.0 : 10.0,
                     .impact_mps = NAN,
                     .min_gap_m = 1.0};
    bool crash = contender == FIXTURE_CONST && index % 4 == 0;
    (void)snprintf(row.scenario, sizeof row.scenario, "%s", s->scenarios[scenario]);
    (void)snprintf(row.scene, sizeof row.scene, "speed=1,distance=%u", index);
    (void)snprintf(row.planner, sizeof row.planner, "%s", s->contenders[contender]);
    if (contender == FIXTURE_PLANNER) {
        crash = index == 0 || index == 4;
        row.near_miss = index == 1;
        row.searches = 10;
        row.nodes = 1000;
        if (index == 2) {
            row.verdict = HP_VERDICT_TIMEOUT;
            row.safe_arrival = false;
            row.ttg_s = NAN;
        }
    }
    if (crash) {
        row.verdict = HP_VERDICT_CRASH;
        row.crash = index == 4 ? SIM_CRASH_SIDE : SIM_CRASH_FRONT;
        row.safe_arrival = false;
        row.ttg_s = NAN;
        row.impact_mps = 3.0;
    }
    return row;
}

static inline void fixture_add(bench_book *book, uint32_t index, uint32_t contender)
{
    static bench_times times; /* too large for the stack */
    const bench_row row = fixture_row(&book->settings, index, contender);
    memset(&times, 0, sizeof times);
    stats_times_add(&times.decision, 1000000 + index);
    assert_int_equal(bench_book_add(book, &row, &times, NULL), HP_OK);
}

static inline void fixture_fill(bench_book *book)
{
    const bench_settings s = fixture_settings();
    assert_int_equal(bench_book_create(&s, book), HP_OK);
    for (uint32_t i = 0; i < s.n_scenes; i++) {
        for (uint32_t c = 0; c < s.n_contenders; c++) {
            fixture_add(book, i, c);
        }
    }
}

#endif
