/* The benchmark's figures as JSON. */
#include "cli/bench_report.h"

#include <string.h>

static json_t *interval_json(uint64_t hits, uint64_t n)
{
    const stats_interval w = stats_wilson(hits, n);
    return n == 0 ? json_null() : json_pack("[f, f]", w.lo, w.hi);
}

static json_t *times_json(const stats_times *t)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:I}", "mean", cli_json_real(stats_times_mean_ms(t)),
                     "p50", cli_json_real(stats_times_percentile_ms(t, 0.50)), "p99",
                     cli_json_real(stats_times_percentile_ms(t, 0.99)), "max",
                     cli_json_real(stats_times_max_ms(t)), "n", (json_int_t)t->n);
}

static void set_rate(json_t *json, const char *key, uint64_t hits, uint64_t n)
{
    (void)json_object_set_new(json, key, cli_json_real(bench_rate(hits, n)));
}

static void set_mean(json_t *json, const char *key, double sum, uint64_t n)
{
    (void)json_object_set_new(json, key, cli_json_real(bench_mean(sum, n)));
}

static json_t *kinds_json(const bench_score *s)
{
    json_t *json = json_object();
    for (int kind = SIM_CRASH_FRONT; kind < SIM_CRASH_COUNT; kind++) {
        set_rate(json, sim_crash_text((sim_crash)kind), s->kinds[kind], s->scenes);
    }
    return json;
}

static json_t *score_json(const bench_score *s, bool recorded)
{
    json_t *json = json_object();
    (void)json_object_set_new(json, "scenes", json_integer(s->scenes));
    (void)json_object_set_new(json, "critical", json_integer(s->critical));
    set_rate(json, "crash", s->crashes, s->scenes);
    (void)json_object_set_new(json, "crash_ci95", interval_json(s->crashes, s->scenes));
    set_rate(json, "crash_critical", s->crashes_critical, s->critical);
    (void)json_object_set_new(json, "crash_kinds", kinds_json(s));
    set_rate(json, "near_miss", s->near_misses, s->near_scenes);
    set_rate(json, "goal", s->goals, s->scenes);
    set_rate(json, "safe_arrival", s->arrivals, s->scenes);
    (void)json_object_set_new(json, "safe_arrival_ci95", interval_json(s->arrivals, s->scenes));
    set_rate(json, "safe_arrival_critical", s->arrivals_critical, s->critical);
    set_mean(json, "ttg_s", s->ttg_s, s->goals);
    (void)json_object_set_new(
        json, "ttg_over_oracle",
        cli_json_real(bench_mean(s->paired_s, s->paired) / bench_mean(s->oracle_s, s->paired)));
    set_mean(json, "impact_mps", s->impact_mps, s->crashes);
    set_mean(json, "hard_brakes", (double)s->hard_brakes, s->scenes);
    set_mean(json, "brakings", (double)s->brakings, s->scenes);
    set_mean(json, "false_brakings", (double)s->false_brakings, s->scenes);
    set_mean(json, "pavement_s", s->pavement_s, s->scenes);
    set_mean(json, "interventions", (double)s->interventions, s->scenes);
    (void)json_object_set_new(json, "within_bounds", json_integer(s->within));
    (void)json_object_set_new(json, "crashes_within_bounds", json_integer(s->crashes_within));
    (void)json_object_set_new(json, "decision_ms", times_json(&s->times.decision));
    (void)json_object_set_new(json, "search_ms", times_json(&s->times.search));
    set_mean(json, "trials", (double)s->trials, s->searches);
    set_mean(json, "nodes", (double)s->nodes, s->searches);
    set_mean(json, "pruned", (double)s->pruned, s->searches);
    (void)json_object_set_new(json, "beats_oracle", json_integer(s->beats));
    if (recorded) {
        set_rate(json, "standing_contact", s->standing_contacts, s->scenes);
        (void)json_object_set_new(json, "progress_over_human",
                                  cli_json_real(s->progress_m / s->human_m));
    }
    return json;
}

static json_t *oracle_score_json(const bench_score *s)
{
    json_t *json = json_object();
    (void)json_object_set_new(json, "scenes", json_integer(s->scenes));
    (void)json_object_set_new(json, "critical", json_integer(s->critical));
    set_rate(json, "safe_arrival", s->arrivals, s->scenes);
    set_rate(json, "safe_arrival_critical", s->arrivals_critical, s->critical);
    set_mean(json, "ttg_s", s->ttg_s, s->goals);
    return json;
}

static json_t *contender_json(const bench_board *board, uint32_t c, bool oracle)
{
    const bench_settings *s = &board->book->settings;
    const bool recorded = strcmp(s->suite, "dut") == 0;
    json_t *json = json_object();
    json_t *scenarios = json_object();
    for (uint32_t i = 0; i < s->n_scenarios; i++) {
        const bench_score *score = bench_board_score(board, c, i);
        (void)json_object_set_new(scenarios, s->scenarios[i],
                                  oracle ? oracle_score_json(score) : score_json(score, recorded));
    }
    const bench_score *all = bench_board_overall(board, c);
    (void)json_object_set_new(json, "overall",
                              oracle ? oracle_score_json(all) : score_json(all, recorded));
    (void)json_object_set_new(json, "scenarios", scenarios);
    return json;
}

static void set_duels(json_t *json, const bench_board *board, uint32_t c)
{
    static const char *const KEYS[] = {"against_x10", "against_x10_critical"};
    for (uint32_t i = 0; i < HP_ARRAY_LEN(KEYS); i++) {
        const bench_duel d = bench_board_duel(board, c, bench_board_longer(board, c), i == 1);
        (void)json_object_set_new(
            json, KEYS[i],
            json_pack("{s:i, s:i, s:i, s:o, s:[o, o], s:i, s:o, s:[o, o]}", "scenes", (int)d.scenes,
                      "only_here_crashes", (int)d.mine, "only_there_crashes", (int)d.theirs,
                      "points", cli_json_real(d.points), "points_ci95",
                      cli_json_real(d.points_95.lo), cli_json_real(d.points_95.hi), "both_arrive",
                      (int)d.both, "later_s", cli_json_real(d.later_s), "later_s_ci95",
                      cli_json_real(d.later_95.lo), cli_json_real(d.later_95.hi)));
    }
}

static void set_si90(json_t *json, const bench_board *board, uint32_t c)
{
    const bench_si90 all = bench_board_si90(board, c, NULL);
    const bench_si90 nine = bench_board_si90(board, c, "09");
    (void)json_object_set_new(json, "si90", json_integer(all.si90));
    (void)json_object_set_new(json, "si90_strict", json_integer(all.strict));
    (void)json_object_set_new(json, "si90_arrive", json_integer(all.arrive));
    (void)json_object_set_new(json, "si90_of", json_integer(all.of));
    (void)json_object_set_new(json, "si90_01_09", json_integer(nine.si90));
    (void)json_object_set_new(json, "si90_strict_01_09", json_integer(nine.strict));
    (void)json_object_set_new(json, "si90_arrive_01_09", json_integer(nine.arrive));
    (void)json_object_set_new(json, "si90_of_01_09", json_integer(nine.of));
}

json_t *bench_report_json(const bench_board *board)
{
    const bench_settings *s = &board->book->settings;
    json_t *json = bench_settings_json(s);
    json_t *planners = json_object();
    json_t *oracle = json_object();
    for (uint32_t c = 0; c < s->n_contenders; c++) {
        const char *name = s->contenders[c];
        if (strcmp(name, BENCH_ORACLE_A) == 0 || strcmp(name, BENCH_ORACLE_B) == 0) {
            const char *which = strcmp(name, BENCH_ORACLE_A) == 0 ? "a" : "b";
            (void)json_object_set_new(oracle, which, contender_json(board, c, true));
        } else if (s->shown[c]) {
            json_t *planner = contender_json(board, c, false);
            set_si90(planner, board, c);
            if (bench_board_longer(board, c) < s->n_contenders) {
                set_duels(planner, board, c);
            }
            (void)json_object_set_new(planners, name, planner);
        }
    }
    (void)json_object_set_new(json, "missing", json_integer(board->missing));
    (void)json_object_set_new(json, "times",
                              json_string("thread CPU, same pass as the safety figures"));
    (void)json_object_set_new(json, "planners", planners);
    (void)json_object_set_new(json, "oracle", oracle);
    return json;
}
