#include "sim-bridge/sim_oracle_search_internal.h"

#include <math.h>
#include <string.h>

static const row NO_ROW = {UINT32_MAX, 0};

static void quarters_of(const oracle_search *search, const oracle_spans *spans, quarter_spans *out)
{
    const double limit = 256.0 * ORACLE_MAX_WORDS; /* places, times 4; all that there are */
    out->n = 0;
    for (uint32_t i = 0; i < spans->n; ++i) {
        const double lo = ceil(4.0 * spans->at[i].lo_m / search->place_m);
        const double hi = floor(4.0 * spans->at[i].hi_m / search->place_m);
        out->at[out->n].lo = (int64_t)hp_clamp(lo, -limit, limit);
        out->at[out->n++].hi = (int64_t)hp_clamp(hi, -limit, limit);
    }
}

/** Where curves allow a level's speed. */
static void level_allow(oracle_search *search, uint32_t level)
{
    const oracle_path *path = search->path;
    const double mps = level * search->level_mps - 1e-9;
    oracle_spans allowed;
    oracle_spans_set(&allowed, -INFINITY, INFINITY);
    for (uint32_t k = 0; path->capped && k < path->n_caps; ++k) {
        const uint32_t first = k;
        while (k < path->n_caps && mps > path->curve_mps[k]) {
            ++k;
        }
        if (k > first) {
            oracle_spans_remove(&allowed, first * ORACLE_CAP_STEP_M, k * ORACLE_CAP_STEP_M);
        }
    }
    quarters_of(search, &allowed, &search->level_ok[level]);
}

/** Empties the lattice; after this every word is 0 and every row empty. */
static void lattice_clear(oracle_search *search)
{
    memset(search->words, 0, search->used_words * sizeof *search->words);
    search->used_words = 0;
    for (uint32_t k = 0; k <= MAX_STEPS; ++k) {
        for (uint32_t i = 0; i < ORACLE_MAX_LEVELS; ++i) {
            search->rows[k][i] = NO_ROW;
        }
    }
}

/** Sizes the lattice for the path; false if it does not fit. */
bool oracle_lattice_begin(oracle_search *search)
{
    const oracle_rules *rules = &search->scene->rules;
    const oracle_path *path = search->path;
    const double levels = ceil(rules->limit_mps / (SIM_ORACLE_ACCEL_MPS2 * STEP_S) - 1e-9);
    if (!(levels >= 1.0) || levels >= ORACLE_MAX_LEVELS) {
        return false;
    }
    search->n_levels = (uint32_t)levels + 1;
    search->level_mps = rules->limit_mps / levels;
    search->place_m = 0.5 * search->level_mps * STEP_S;
    search->start_level = (uint32_t)floor(rules->start_mps / search->level_mps + 1e-9);
    const double words = ceil((path->goal_s_m + BEHIND_GOAL_M) / search->place_m / 64.0) + 1.0;
    if (words > ORACLE_MAX_WORDS) {
        return false;
    }
    search->n_words = (uint32_t)words;
    lattice_clear(search);
    for (uint32_t i = 0; i < search->n_levels; ++i) {
        level_allow(search, i);
    }
    return true;
}

static uint64_t *layer(const oracle_search *search, uint32_t step, uint32_t level)
{
    return search->words + ((size_t)step * search->n_levels + level) * search->n_words;
}

/** dst |= (bits lo to hi of src) << shift; keeps *to's range. */
static void or_shifted(uint64_t *dst, row *to, const uint64_t *src, uint32_t lo, uint32_t hi,
                       uint32_t shift)
{
    const uint32_t up = shift / 64;
    const uint32_t by = shift % 64;
    for (uint32_t w = lo / 64; w <= hi / 64; ++w) {
        uint64_t bits = src[w];
        if (w == lo / 64) {
            bits &= UINT64_MAX << (lo % 64);
        }
        if (w == hi / 64) {
            bits &= UINT64_MAX >> (63 - hi % 64);
        }
        if (bits == 0) {
            continue;
        }
        const uint64_t low = bits << by;
        const uint64_t high = by > 0 ? bits >> (64 - by) : 0;
        dst[w + up] |= low;
        if (high != 0) {
            dst[w + up + 1] |= high;
        }
        const uint32_t first = low != 0 ? w + up : w + up + 1;
        const uint32_t last = high != 0 ? w + up + 1 : w + up;
        to->first = first < to->first ? first : to->first;
        to->last = last > to->last ? last : to->last;
    }
}

/** Speeds that may follow level i. */
static uint32_t moves_from(const oracle_search *search, uint32_t i, uint32_t next[MOVES])
{
    const double floor_mps = search->scene->rules.floor_mps;
    uint32_t n = 0;
    if (i + 1 < search->n_levels) {
        next[n++] = i + 1;
    }
    if (i * search->level_mps < floor_mps - 1e-9) {
        return n;
    }
    next[n++] = i;
    for (uint32_t down = 1; down <= 2 && down <= i; ++down) {
        /* Below the floor the throttle is forced, in the middle of the move too. */
        if ((i - 0.5 * down) * search->level_mps >= floor_mps - 1e-9) {
            next[n++] = i - down;
        }
    }
    return n;
}

static int64_t max_of(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t min_of(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/** Quarters to whole places, upwards and downwards, for numbers of either sign. */
static int64_t place_above(int64_t quarters)
{
    return quarters > 0 ? (quarters + 3) / 4 : -(-quarters / 4);
}

static int64_t place_below(int64_t quarters)
{
    return quarters >= 0 ? quarters / 4 : -((3 - quarters) / 4);
}

/** Way that can be covered from a speed in so many ticks: full throttle up to the limit. */
static double way_within(const oracle_rules *rules, double v_mps, uint32_t ticks)
{
    const double t = ticks * SIM_ORACLE_TICK_S;
    const double up_s = fmin(t, (rules->limit_mps - v_mps) / SIM_ORACLE_ACCEL_MPS2);
    return v_mps * up_s + 0.5 * SIM_ORACLE_ACCEL_MPS2 * up_s * up_s + rules->limit_mps * (t - up_s);
}

/** One move for all places of a level: those from which its middle and its end are allowed. */
static void move_level(oracle_search *search, uint32_t step, uint32_t i, uint32_t j)
{
    const uint32_t tick = (step + 1) * STEP_TICKS;
    const uint32_t left = search->deadline > tick ? search->deadline - tick : 0;
    const double needed_m =
        search->path->goal_s_m - way_within(&search->scene->rules, j * search->level_mps, left);
    const row from = search->rows[step][i];
    const int64_t to_middle = 3 * (int64_t)i + j;
    const int64_t to_end = (int64_t)i + j;
    /* Who is behind here cannot arrive in time any more. */
    const int64_t first =
        max_of(64 * (int64_t)from.first, (int64_t)(needed_m / search->place_m) - to_end - 1);
    const int64_t last = 64 * (int64_t)from.last + 63;
    for (uint32_t a = 0; a < search->middle.n; ++a) {
        const int64_t mid_lo = max_of(first, place_above(search->middle.at[a].lo - to_middle));
        const int64_t mid_hi = min_of(last, place_below(search->middle.at[a].hi - to_middle));
        for (uint32_t b = 0; mid_lo <= mid_hi && b < search->end.n; ++b) {
            for (uint32_t c = 0; c < search->level_ok[j].n; ++c) {
                const int64_t end_lo = max_of(search->end.at[b].lo, search->level_ok[j].at[c].lo);
                const int64_t end_hi = min_of(search->end.at[b].hi, search->level_ok[j].at[c].hi);
                const int64_t lo = max_of(mid_lo, place_above(end_lo) - to_end);
                const int64_t hi = min_of(mid_hi, place_below(end_hi) - to_end);
                if (lo <= hi) {
                    search->work += (uint64_t)(hi - lo) / 64 + 4; /* 4: the call itself */
                    or_shifted(layer(search, step + 1, j), &search->rows[step + 1][j],
                               layer(search, step, i), (uint32_t)lo, (uint32_t)hi, i + j);
                }
            }
        }
    }
}

static bool has_place(const oracle_search *search, uint32_t step, uint32_t level, uint32_t place)
{
    const row r = search->rows[step][level];
    const uint32_t w = place / 64;
    return w >= r.first && w <= r.last && (layer(search, step, level)[w] >> (place % 64) & 1) != 0;
}

/** The farthest place reached at a level, if any. */
static bool last_place(const oracle_search *search, uint32_t step, uint32_t level, uint32_t *place)
{
    const row r = search->rows[step][level];
    if (r.first > r.last) {
        return false;
    }
    const uint64_t bits = layer(search, step, level)[r.last];
    *place = 64 * r.last + 63 - (uint32_t)__builtin_clzll(bits);
    return true;
}

/** Empties one step: only what was filled. */
static void step_clear(oracle_search *search, uint32_t step)
{
    const size_t end = (size_t)(step + 1) * search->n_levels * search->n_words;
    for (uint32_t i = 0; i < search->n_levels; ++i) {
        const row r = search->rows[step][i];
        if (r.first <= r.last) {
            memset(layer(search, step, i) + r.first, 0,
                   (r.last - r.first + 1) * sizeof *search->words);
        }
        search->rows[step][i] = NO_ROW;
    }
    search->used_words = end > search->used_words ? end : search->used_words;
}

/** One step of the whole lattice; false if nothing is left. */
static bool step_all(oracle_search *search, uint32_t step)
{
    const uint32_t tick = step * STEP_TICKS;
    bool any = false;
    step_clear(search, step + 1);
    quarters_of(search, &search->tube[tick + 1], &search->middle);
    quarters_of(search, &search->tube[tick + STEP_TICKS], &search->end);
    for (uint32_t i = 0; i < search->n_levels; ++i) {
        uint32_t next[MOVES];
        if (search->rows[step][i].first > search->rows[step][i].last) {
            continue;
        }
        any = true;
        const uint32_t n = moves_from(search, i, next);
        for (uint32_t m = 0; m < n; ++m) {
            move_level(search, step, i, next[m]);
        }
    }
    return any;
}

/** A place of the lattice on its way to the goal. */
typedef struct node {
    uint32_t level, place;
} node;

/** The node before *at at the step before, by the first move that leads here. */
static bool node_before(const oracle_search *search, uint32_t step, node *at)
{
    const node end = *at;
    for (uint32_t i = 0; i < search->n_levels; ++i) {
        uint32_t next[MOVES];
        const uint32_t n = moves_from(search, i, next);
        for (uint32_t m = 0; m < n; ++m) {
            if (next[m] != end.level || end.place < i + end.level) {
                continue;
            }
            const uint32_t place = end.place - i - end.level;
            const double mid_m = search->place_m * (place + 0.25 * (3.0 * i + end.level));
            bool free = false;
            const oracle_spans *mids = &search->tube[(step - 1) * STEP_TICKS + 1];
            for (uint32_t k = 0; k < mids->n; ++k) {
                free =
                    free || (mid_m >= mids->at[k].lo_m - 1e-9 && mid_m <= mids->at[k].hi_m + 1e-9);
            }
            if (free && has_place(search, step - 1, i, place)) {
                *at = (node){i, place};
                return true;
            }
        }
    }
    return false;
}

/** Writes ticks [2 (step - 1), 2 step] of the drive: constant acceleration from a to b. */
static void drive_write(const oracle_search *search, uint32_t step, node a, node b,
                        sim_oracle_drive *drive)
{
    const uint32_t tick = (step - 1) * STEP_TICKS;
    const double place[3] = {a.place, a.place + 0.25 * (3.0 * a.level + b.level), b.place};
    const double level[3] = {a.level, 0.5 * ((double)a.level + b.level), b.level};
    for (uint32_t k = 0; k <= STEP_TICKS; ++k) {
        if (tick + k <= SIM_ORACLE_MAX_TICKS) {
            drive->poses[tick + k] = oracle_path_pose(search->path, place[k] * search->place_m);
            drive->speed_mps[tick + k] = level[k] * search->level_mps;
        }
    }
}

/** True if some last move reaches the goal at its middle already. */
static bool arrives_midway(const oracle_search *search, uint32_t step, node *before, node *end)
{
    for (uint32_t i = 0; i < search->n_levels; ++i) {
        uint32_t place = 0;
        uint32_t next[MOVES];
        if (!last_place(search, step - 1, i, &place)) {
            continue;
        }
        const uint32_t n = moves_from(search, i, next);
        for (uint32_t m = 0; m < n; ++m) {
            const double mid_m = search->place_m * (place + 0.25 * (3.0 * i + next[m]));
            const node to = {next[m], place + i + next[m]};
            if (mid_m >= search->path->goal_s_m && has_place(search, step, to.level, to.place)) {
                *before = (node){i, place};
                *end = to;
                return true;
            }
        }
    }
    return false;
}

/** Follows the lattice back from the goal, which was reached in this step, and writes the drive. */
static void drive_trace(const oracle_search *search, uint32_t step, node end,
                        sim_oracle_drive *drive)
{
    node before = end;
    drive->n_ticks = step * STEP_TICKS;
    if (arrives_midway(search, step, &before, &end)) {
        --drive->n_ticks;
    } else if (!node_before(search, step, &before)) {
        drive->n_ticks = 0;
        return;
    }
    drive_write(search, step, before, end, drive);
    for (uint32_t k = step - 1; k > 0; --k) {
        end = before;
        if (!node_before(search, k, &before)) {
            drive->n_ticks = 0;
            return;
        }
        drive_write(search, k, before, end, drive);
    }
}

/** The fastest drive through the tube, by ticks [0, deadline]. */
bool oracle_lattice_run(oracle_search *search, uint32_t deadline, sim_oracle_drive *drive)
{
    const size_t layer_words = (size_t)search->n_levels * search->n_words;
    const uint32_t steps = (deadline + STEP_TICKS - 1) / STEP_TICKS;
    search->deadline = steps * STEP_TICKS;
    if ((steps + 1) * layer_words > search->cap_words) {
        return false;
    }
    step_clear(search, 0);
    layer(search, 0, search->start_level)[0] = 1;
    search->rows[0][search->start_level] = (row){0, 0};
    for (uint32_t step = 0; step < steps; ++step) {
        if (!step_all(search, step) || search->work > search->max_work) {
            return false;
        }
        for (uint32_t i = search->n_levels; i-- > 0;) {
            node end = {i, 0};
            if (last_place(search, step + 1, i, &end.place) &&
                end.place * search->place_m >= search->path->goal_s_m) {
                drive_trace(search, step + 1, end, drive);
                return drive->n_ticks > 0;
            }
        }
    }
    return false;
}
