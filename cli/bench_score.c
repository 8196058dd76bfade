#include "cli/bench_score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The oracle's times are multiples of a tick, and so are the planners': less is a tie. */
static const double TIE_S = 0.051;

double bench_mean(double sum, uint64_t n)
{
    return n == 0 ? (double)NAN : sum / (double)n;
}

double bench_rate(uint64_t hits, uint64_t n)
{
    return bench_mean((double)hits, n);
}

const bench_score *bench_board_score(const bench_board *board, uint32_t contender,
                                     uint32_t scenario)
{
    const size_t n = board->book->settings.n_scenarios + 1;
    return &board->scores[contender * n + scenario];
}

const bench_score *bench_board_overall(const bench_board *board, uint32_t contender)
{
    return bench_board_score(board, contender, board->book->settings.n_scenarios);
}

/* What a scene's other rows say about it. */
typedef struct context {
    const bench_row *first, *oracle, *human; /* const's row; NULL where there is none */
} context;

static bool beats_oracle(const bench_row *row, const bench_row *oracle)
{
    return oracle != NULL && row->safe_arrival &&
           (!oracle->safe_arrival || row->ttg_s < oracle->ttg_s - TIE_S);
}

static void score_add(bench_score *s, const bench_row *row, const context *scene)
{
    const bool crashed = bench_row_crashed(row);
    const bool critical = bench_row_crashed(scene->first);
    const bool near = row->near_miss && row->near_miss_applies;
    const bool goal = row->verdict == HP_VERDICT_GOAL;
    s->scenes++;
    s->critical += critical;
    s->crashes += crashed;
    s->crashes_critical += crashed && critical;
    s->kinds[row->crash]++;
    s->near_misses += near;
    s->near_scenes += row->near_miss_applies;
    s->unclean += crashed || near;
    s->goals += goal;
    s->arrivals += row->safe_arrival;
    s->arrivals_critical += row->safe_arrival && critical;
    s->standing_contacts += !crashed && row->min_gap_m <= 0.0;
    s->ttg_s += goal ? row->ttg_s : 0.0;
    if (goal && scene->oracle != NULL && scene->oracle->verdict == HP_VERDICT_GOAL) {
        s->paired++;
        s->paired_s += row->ttg_s;
        s->oracle_s += scene->oracle->ttg_s;
    }
    s->impact_mps += crashed ? row->impact_mps : 0.0;
    s->progress_m += row->progress_m;
    s->human_m += scene->human != NULL ? scene->human->progress_m : 0.0;
    s->hard_brakes += row->hard_brakes;
    s->brakings += row->brakings;
    s->false_brakings += row->false_brakings;
    s->interventions += row->interventions;
    s->within += row->breach == 0 ? 1 : 0;
    s->crashes_within += row->breach == 0 && crashed ? 1 : 0;
    s->searches += row->searches;
    s->trials += row->trials;
    s->nodes += row->nodes;
    s->pruned += row->pruned;
    s->pavement_s += row->pavement_s;
    s->beats += beats_oracle(row, scene->oracle);
}

static bool all_played(const bench_book *book, uint32_t index)
{
    for (uint32_t c = 0; c < book->settings.n_contenders; c++) {
        if (bench_book_row(book, index, c) == NULL) {
            return false;
        }
    }
    return true;
}

static const bench_row *row_of(const bench_book *book, uint32_t index, const char *name)
{
    const uint32_t c = bench_contender_find(&book->settings, name);
    return c < book->settings.n_contenders ? bench_book_row(book, index, c) : NULL;
}

static uint32_t scenario_of(const bench_settings *s, const bench_row *row)
{
    uint32_t i = 0;
    while (i + 1 < s->n_scenarios && strcmp(s->scenarios[i], row->scenario) != 0) {
        i++;
    }
    return i;
}

/* Variants join the sums only where there is nothing else. */
static bool counts_overall(const bench_settings *s, uint32_t scenario)
{
    bool only_variants = true;
    for (uint32_t i = 0; i < s->n_scenarios; i++) {
        only_variants &= bench_scenario_is_variant(s->scenarios[i]);
    }
    return only_variants || !bench_scenario_is_variant(s->scenarios[scenario]);
}

static void add_scene(bench_board *board, uint32_t index)
{
    const bench_book *book = board->book;
    const bench_settings *s = &book->settings;
    const context scene = {bench_book_row(book, index, 0), row_of(book, index, BENCH_ORACLE_B),
                           row_of(book, index, BENCH_HUMAN)};
    const uint32_t scenario = scenario_of(s, scene.first);
    for (uint32_t c = 0; c < s->n_contenders; c++) {
        const bench_row *row = bench_book_row(book, index, c);
        bench_score *scores = &board->scores[(size_t)c * (s->n_scenarios + 1)];
        score_add(&scores[scenario], row, &scene);
        if (counts_overall(s, scenario)) {
            score_add(&scores[s->n_scenarios], row, &scene);
        }
        const bool real = strcmp(row->planner, BENCH_ORACLE_A) != 0;
        if (real && beats_oracle(row, scene.oracle) && board->beats++ == 0) {
            board->first_beat_index = index;
            board->first_beat_contender = c;
        }
    }
}

static void add_times(bench_board *board)
{
    const bench_settings *s = &board->book->settings;
    for (uint32_t c = 0; c < s->n_contenders; c++) {
        bench_score *scores = &board->scores[(size_t)c * (s->n_scenarios + 1)];
        for (uint32_t i = 0; i < s->n_scenarios; i++) {
            const bench_times *times = &board->book->times[(size_t)c * s->n_scenarios + i];
            scores[i].times = *times;
            if (counts_overall(s, i)) {
                bench_times *sum = &scores[s->n_scenarios].times;
                stats_times_merge(&sum->decision, &times->decision);
                stats_times_merge(&sum->search, &times->search);
            }
        }
    }
}

hp_status bench_board_create(const bench_book *book, bench_board *out)
{
    const bench_settings *s = &book->settings;
    memset(out, 0, sizeof *out);
    out->book = book;
    out->scores = calloc((size_t)s->n_contenders * (s->n_scenarios + 1), sizeof *out->scores);
    if (out->scores == NULL) {
        return HP_ENOMEM;
    }
    for (uint32_t index = 0; index < s->n_scenes; index++) {
        if (all_played(book, index)) {
            add_scene(out, index);
        } else if (index % s->shards == s->shard - 1) {
            out->missing++;
        }
    }
    add_times(out);
    return HP_OK;
}

void bench_board_destroy(bench_board *board)
{
    free(board->scores);
    memset(board, 0, sizeof *board);
}

uint32_t bench_board_scenarios(const bench_board *board)
{
    const bench_settings *s = &board->book->settings;
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n_scenarios; i++) {
        n += counts_overall(s, i) ? 1 : 0;
    }
    return n;
}

bench_si90 bench_board_si90(const bench_board *board, uint32_t contender, const char *up_to)
{
    const bench_settings *s = &board->book->settings;
    bench_si90 si = {0};
    for (uint32_t i = 0; i < s->n_scenarios; i++) {
        const bench_score *score = bench_board_score(board, contender, i);
        if (bench_scenario_is_variant(s->scenarios[i]) || score->scenes == 0 ||
            (up_to != NULL && strcmp(s->scenarios[i], up_to) > 0)) {
            continue;
        }
        si.of++;
        si.si90 += 10 * score->crashes <= score->scenes;
        si.strict += 10 * score->unclean <= score->scenes;
        si.arrive += 10 * score->arrivals >= 9 * score->scenes;
    }
    return si;
}

uint32_t bench_board_longer(const bench_board *board, uint32_t contender)
{
    const bench_settings *s = &board->book->settings;
    const char *guard = strchr(s->contenders[contender], '+');
    char name[BENCH_NAME];
    (void)snprintf(name, sizeof name, "despot:x10%s", guard != NULL ? guard : "");
    const uint32_t found = bench_contender_find(s, name);
    return found == contender ? s->n_contenders : found;
}

/* Sums over the scenes that two contenders finish. */
typedef struct race {
    uint32_t n;
    double sum_s, squares_s2;
} race;

static void race_add(race *r, const bench_row *mine, const bench_row *theirs)
{
    if (mine->verdict == HP_VERDICT_GOAL && theirs->verdict == HP_VERDICT_GOAL) {
        const double later_s = mine->ttg_s - theirs->ttg_s;
        r->n++;
        r->sum_s += later_s;
        r->squares_s2 += later_s * later_s;
    }
}

static void race_finish(const race *r, bench_duel *d)
{
    const double mean = bench_mean(r->sum_s, r->n);
    const double spread_s2 = fmax(r->squares_s2 - r->sum_s * mean, 0.0);
    const double half = 1.959964 * sqrt(spread_s2 / ((double)r->n * (r->n - 1.0)));
    d->both = r->n;
    d->later_s = mean;
    d->later_95 = (stats_interval){mean - half, mean + half};
}

bench_duel bench_board_duel(const bench_board *board, uint32_t contender, uint32_t against,
                            bool critical)
{
    const bench_book *book = board->book;
    const bench_settings *s = &book->settings;
    bench_duel d = {0};
    race times = {0};
    for (uint32_t index = 0; index < s->n_scenes; index++) {
        if (!all_played(book, index)) {
            continue;
        }
        const bench_row *mine = bench_book_row(book, index, contender);
        const bool chosen = !critical || bench_row_crashed(bench_book_row(book, index, 0));
        if (chosen && counts_overall(s, scenario_of(s, mine))) {
            const bench_row *other = bench_book_row(book, index, against);
            const bool theirs = bench_row_crashed(other);
            race_add(&times, mine, other);
            d.scenes++;
            d.mine += bench_row_crashed(mine) && !theirs;
            d.theirs += theirs && !bench_row_crashed(mine);
        }
    }
    const double n = d.scenes + 2.0;
    const double share = ((double)d.mine - d.theirs) / n;
    const double both = (d.mine + d.theirs + 1.0) / n;
    const double half = 1.959964 * sqrt(fmax(both - share * share, 0.0) / n);
    d.points = 100.0 * bench_rate(1, d.scenes) * ((double)d.mine - d.theirs);
    d.points_95 = (stats_interval){100.0 * (share - half), 100.0 * (share + half)};
    race_finish(&times, &d);
    return d;
}
