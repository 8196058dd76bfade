#include "sim-bridge/sim_oracle_search_internal.h"

#include <math.h>
#include <stdlib.h>

/* The lattice may run ahead of the fast drive's sampled speed caps by this much. */
#define CAP_SLACK_M 0.1
#define LATCH_SLACK_M 1e-6
#define LAYER_WORDS ((size_t)3 * 1024 * 1024)

hp_status oracle_search_create(oracle_search **out)
{
    *out = NULL;
    oracle_search *search = calloc(1, sizeof *search);
    if (search == NULL) {
        return HP_ENOMEM;
    }
    search->cap_words = LAYER_WORDS;
    search->words = calloc(search->cap_words, sizeof *search->words);
    if (search->words == NULL) {
        oracle_search_destroy(&search);
        return HP_ENOMEM;
    }
    *out = search;
    return HP_OK;
}

void oracle_search_destroy(oracle_search **search)
{
    if (*search != NULL) {
        free((*search)->words);
        free(*search);
        *search = NULL;
    }
}

/* ---- What can be reached if acceleration is free: bounds and the tube ---- */

/** Takes out what bodies forbid at a tick; script: where they are. */
static void forbid_moving(const oracle_search *search, const oracle_script *script, uint32_t tick,
                          oracle_spans *spans)
{
    for (uint32_t i = 0; i < script->n_moving && spans->n > 0; ++i) {
        oracle_path_forbid(search->path, &search->scene->rules, &script->boxes[tick][i], spans);
    }
}

static void forbid_parked(const oracle_search *search, oracle_spans *spans)
{
    for (uint32_t i = 0; i < search->scene->n_parked && spans->n > 0; ++i) {
        oracle_path_forbid(search->path, &search->scene->rules, &search->scene->parked[i], spans);
    }
}

/** Most that one tick covers at or within a metre of s. */
static double way_at(const oracle_search *search, double s_m)
{
    const oracle_path *path = search->path;
    double mps = search->scene->rules.limit_mps;
    if (path->capped) {
        const double first = fmax(s_m - 1.0, 0.0) / ORACLE_CAP_STEP_M;
        mps = 0.0;
        for (uint32_t k = (uint32_t)first; k < path->n_caps && k <= first + 9.0; ++k) {
            mps = fmax(mps, path->fast_mps[k]);
        }
    }
    return mps * SIM_ORACLE_TICK_S;
}

/** Where one tick leads from *from, were there nobody. */
static void spread(const oracle_search *search, const oracle_spans *from, uint32_t tick,
                   oracle_spans *to)
{
    const oracle_path *path = search->path;
    to->n = 0;
    for (uint32_t i = 0; i < from->n; ++i) {
        const double hi = from->at[i].hi_m + way_at(search, from->at[i].hi_m);
        if (to->n > 0 && from->at[i].lo_m <= to->at[to->n - 1].hi_m) {
            to->at[to->n - 1].hi_m = hi;
        } else {
            to->at[to->n++] = (struct oracle_span){from->at[i].lo_m, hi};
        }
    }
    oracle_spans_keep(to, path->slow_s_m[tick],
                      fmin(path->fast_s_m[tick] + CAP_SLACK_M, path->goal_s_m + BEHIND_GOAL_M));
}

/** Ticks that the rest of the way takes at least. */
static uint32_t ticks_left(const oracle_search *search, double s_m)
{
    const oracle_path *path = search->path;
    const uint32_t k = (uint32_t)(fmax(s_m, 0.0) / ORACLE_CAP_STEP_M) + 1;
    return k < path->n_caps ? (uint32_t)(path->left_s[k] / SIM_ORACLE_TICK_S) : 0;
}

/** Moves what fires the latch at a tick from *reach to at_latch. A hair's breadth belongs to
 * neither, so that rounding cannot decide otherwise in the drive itself. */
static void split_by_latch(oracle_search *search, uint32_t tick, oracle_spans *reach)
{
    const oracle_latch *latch = &search->scene->latch;
    const hp_vec2 centre = oracle_scene_latch_centre(search->scene, tick);
    oracle_spans *fires = &search->at_latch[tick];
    oracle_spans near;
    oracle_path_near(search->path, latch->axis, centre, latch->reach_m + LATCH_SLACK_M, &near);
    oracle_path_near(search->path, latch->axis, centre, latch->reach_m - LATCH_SLACK_M, fires);
    oracle_spans_intersect(fires, reach);
    for (uint32_t i = 0; i < near.n; ++i) {
        oracle_spans_remove(reach, near.at[i].lo_m, near.at[i].hi_m);
    }
}

/** The reach while the latch has not fired, and where it can fire; returns the first tick at which
 *  the goal can be reached so, or ORACLE_NEVER. */
static uint32_t spread_calm(oracle_search *search)
{
    const oracle_scene *scene = search->scene;
    uint32_t arrival = ORACLE_NEVER;
    for (uint32_t k = 0; k <= scene->rules.max_ticks; ++k) {
        oracle_spans *reach = &search->calm[k];
        if (k == 0) {
            oracle_spans_set(reach, 0.0, 0.0);
        } else {
            spread(search, &search->calm[k - 1], k, reach);
            forbid_moving(search, &scene->calm, k, reach);
            forbid_parked(search, reach);
        }
        search->at_latch[k].n = 0;
        if (scene->latch.present) {
            split_by_latch(search, k, reach);
        }
        if (arrival == ORACLE_NEVER && reach->n > 0 &&
            reach->at[reach->n - 1].hi_m >= search->path->goal_s_m) {
            arrival = k;
        }
    }
    return arrival;
}

/** Fills reach from the latch on, up to tick last. */
static void spread_latched(oracle_search *search, uint32_t latch, uint32_t last)
{
    search->reach[latch] = search->at_latch[latch];
    for (uint32_t k = latch + 1; k <= last; ++k) {
        spread(search, &search->reach[k - 1], k, &search->reach[k]);
        forbid_moving(search, &search->scene->latched, k, &search->reach[k]);
        forbid_parked(search, &search->reach[k]);
    }
}

/** The first tick at which the goal can be reached, had the latch fired at this tick; ORACLE_NEVER
 * if that cannot be before best. */
static uint32_t bound_latched(oracle_search *search, uint32_t latch, uint32_t best)
{
    oracle_spans reach = search->at_latch[latch];
    oracle_spans next;
    for (uint32_t k = latch; k < best && reach.n > 0; ++k) {
        const double hi_m = reach.at[reach.n - 1].hi_m;
        if (hi_m >= search->path->goal_s_m) {
            return k;
        }
        if (k + ticks_left(search, hi_m) >= best) {
            return ORACLE_NEVER;
        }
        spread(search, &reach, k + 1, &next);
        forbid_moving(search, &search->scene->latched, k + 1, &next);
        forbid_parked(search, &next);
        reach = next;
    }
    return ORACLE_NEVER;
}

/** Bounds for every tick at which the latch may fire, best first. */
static int by_ticks(const void *a, const void *b)
{
    const candidate *x = a;
    const candidate *y = b;
    if (x->ticks != y->ticks) {
        return x->ticks < y->ticks ? -1 : 1;
    }
    return x->latch < y->latch ? -1 : (x->latch > y->latch ? 1 : 0);
}

static void candidates_find(oracle_search *search, uint32_t best)
{
    oracle_scene *scene = search->scene;
    const uint32_t calm = spread_calm(search);
    search->n_candidates = 0;
    if (calm < best) {
        search->candidates[search->n_candidates++] = (candidate){calm, ORACLE_NEVER};
    }
    for (uint32_t k = 0; scene->latch.present && k < scene->rules.max_ticks && k < best; ++k) {
        const oracle_spans *fires = &search->at_latch[k];
        if (fires->n == 0 || k + ticks_left(search, fires->at[fires->n - 1].hi_m) >= best) {
            continue;
        }
        oracle_scene_latch(scene, k);
        const uint32_t ticks = bound_latched(search, k, best);
        if (ticks < best) {
            search->candidates[search->n_candidates++] = (candidate){ticks, k};
        }
    }
    qsort(search->candidates, search->n_candidates, sizeof search->candidates[0], by_ticks);
}

/** Where the ego must be at each tick to arrive by the deadline, acceleration still free. */
static void tube_build(oracle_search *search, uint32_t latch, uint32_t deadline)
{
    for (uint32_t k = deadline + 1; k-- > 0;) {
        oracle_spans *tube = &search->tube[k];
        *tube = latch != ORACLE_NEVER && k >= latch ? search->reach[k] : search->calm[k];
        if (k == deadline) {
            oracle_spans_keep(tube, search->path->goal_s_m, INFINITY);
            continue;
        }
        oracle_spans back = search->tube[k + 1];
        uint32_t n = 0;
        for (uint32_t i = 0; i < back.n; ++i) {
            const double lo = back.at[i].lo_m - way_at(search, back.at[i].lo_m);
            if (n > 0 && lo <= back.at[n - 1].hi_m) {
                back.at[n - 1].hi_m = back.at[i].hi_m;
            } else {
                back.at[n++] = (struct oracle_span){lo, back.at[i].hi_m};
            }
        }
        back.n = n;
        oracle_spans_intersect(tube, &back);
    }
    /* Who arrives earlier is past the goal from then on, where nothing forbids. */
    for (uint32_t k = deadline + 1; k <= deadline + STEP_TICKS; ++k) {
        oracle_spans_set(&search->tube[k], search->path->goal_s_m, INFINITY);
    }
}

/** The fastest drive of one candidate. Deadlines grow: a narrow tube is searched fast. */
static bool candidate_run(oracle_search *search, const candidate *c, uint32_t best,
                          sim_oracle_drive *drive)
{
    for (uint32_t slack = 4;; slack *= 12) {
        const uint32_t deadline = c->ticks + slack < best - 1 ? c->ticks + slack : best - 1;
        tube_build(search, c->latch, deadline);
        if (search->tube[0].n > 0 && oracle_lattice_run(search, deadline, drive)) {
            return drive->n_ticks < best;
        }
        if (deadline == best - 1 || search->work > search->max_work) {
            return false;
        }
    }
}

bool oracle_search_run(oracle_search *search, oracle_scene *scene, const oracle_path *path,
                       uint32_t best_ticks, uint64_t *work, sim_oracle_drive *drive)
{
    search->scene = scene;
    search->path = path;
    search->work = 0;
    search->max_work = *work;
    bool found = false;
    uint32_t best = best_ticks <= scene->rules.max_ticks ? best_ticks : scene->rules.max_ticks + 1;
    if (scene->many_latches || !oracle_lattice_begin(search)) {
        return false;
    }
    candidates_find(search, best);
    for (uint32_t i = 0; i < search->n_candidates && search->candidates[i].ticks < best &&
                         search->work <= search->max_work;
         ++i) {
        const candidate *c = &search->candidates[i];
        if (c->latch != ORACLE_NEVER) {
            oracle_scene_latch(scene, c->latch);
            spread_latched(search, c->latch, best - 1);
        }
        if (candidate_run(search, c, best, drive)) {
            best = drive->n_ticks;
            found = true;
        }
    }
    *work -= search->work < *work ? search->work : *work;
    return found;
}
