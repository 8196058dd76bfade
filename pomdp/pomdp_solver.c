#include "pomdp/pomdp_solver.h"

#include "pomdp/pomdp_internal.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void pomdp_config_default(pomdp_config *config)
{
    *config = (pomdp_config){.n_scenarios = 500,
                             .max_depth = 90,
                             .rollout_depth = 90,
                             .max_nodes = 65536,
                             .max_particles = 262144,
                             .target_gap = 1e-6,
                             .xi = 0.95,
                             .regularisation = 0.0,
                             .importance_sampling = true,
                             .lazy = true};
}

static bool model_is_valid(const pomdp_model *m)
{
    return m->step != NULL && m->default_policy != NULL && m->n_actions >= 1 &&
           m->n_actions <= POMDP_MAX_ACTIONS && m->state_size >= 1 &&
           m->state_size <= POMDP_MAX_STATE && m->discount > 0.0 && m->discount <= 1.0 &&
           isfinite(m->reward_max) && (m->discount < 1.0 || m->upper != NULL);
}

/** The pools must hold the root and one expansion of it, whatever is observed. */
static bool pools_hold_the_root(const pomdp_model *m, const pomdp_config *c)
{
    const uint32_t stepped = c->n_scenarios * m->n_actions;
    return c->max_nodes >= 1 + stepped && c->max_particles >= c->n_scenarios + stepped;
}

static bool config_is_valid(const pomdp_config *c)
{
    return c->algorithm < POMDP_N_ALGORITHMS && c->n_scenarios >= 1 &&
           c->n_scenarios <= POMDP_MAX_SCENARIOS && c->max_depth >= 1 &&
           c->max_depth <= POMDP_MAX_DEPTH && c->rollout_depth <= POMDP_MAX_ROLLOUT &&
           c->max_nodes <= POMDP_MAX_NODES && c->max_particles <= POMDP_MAX_PARTICLES &&
           c->target_gap >= 0.0 && isfinite(c->target_gap) && c->xi > 0.0 && c->xi < 1.0 &&
           c->regularisation >= 0.0 && isfinite(c->regularisation);
}

hp_status pomdp_solver_create(const pomdp_model *model, const pomdp_config *config,
                              pomdp_solver **out)
{
    *out = NULL;
    if (!model_is_valid(model) || !config_is_valid(config) || !pools_hold_the_root(model, config)) {
        return HP_EINVAL;
    }
    pomdp_solver *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return HP_ENOMEM;
    }
    s->model = *model;
    s->config = *config;
    const hp_status st = pomdp_memory_reserve(s);
    if (st != HP_OK) {
        pomdp_solver_destroy(&s);
        return st;
    }
    *out = s;
    return HP_OK;
}

void pomdp_solver_destroy(pomdp_solver **solver)
{
    if (*solver != NULL) {
        free((*solver)->slab);
        free(*solver);
        *solver = NULL;
    }
}

size_t pomdp_solver_bytes(const pomdp_solver *solver)
{
    return sizeof(*solver) + solver->slab_bytes;
}

bool pomdp_solver_late(pomdp_solver *s, uint32_t steps)
{
    if (!s->may_be_late) {
        return false;
    }
    s->unclocked_steps += steps;
    if (s->unclocked_steps < POMDP_CLOCK_EVERY) {
        return false;
    }
    s->unclocked_steps = 0;
    return hp_clock_now_ns(s->budget.clock) >= s->budget.deadline_ns;
}

static bool is_spent(const pomdp_solver *s)
{
    return s->budget.max_steps > 0 &&
           s->count.steps_tree + s->count.steps_rollout >= s->budget.max_steps;
}

static double root_gap(const pomdp_solver *s)
{
    return s->tree.upper[0] - s->tree.lower[0];
}

static double target_gap(const pomdp_solver *s)
{
    return fmax(s->config.target_gap, s->budget.target_gap);
}

static bool may_expand(const pomdp_solver *s, uint32_t node)
{
    return s->tree.nodes[node].depth < s->config.max_depth &&
           s->tree.upper[node] > s->tree.lower[node];
}

/** Nothing is backed up before the trial's end, so that undoing it is forgetting the new nodes. */
static void undo_trial(pomdp_solver *s, const pomdp_mark *used, const pomdp_count *count,
                       uint32_t grown_at)
{
    s->tree.used = *used;
    s->count = *count;
    if (grown_at != POMDP_NONE) {
        pomdp_expand_forget(s, grown_at);
    }
}

/** Makes sure that the edge of largest upper bound was stepped, and gives it. HP_EAGAIN when the
 *  steps are spent, HP_EFULL, HP_EDEADLINE. *grew: the tree is larger now. */
static hp_status grow(pomdp_solver *s, uint32_t node, uint32_t *edge, bool *grew)
{
    const pomdp_tree *t = &s->tree;
    *grew = false;
    if (t->nodes[node].first_edge == POMDP_NONE) {
        const hp_status st = is_spent(s) ? HP_EAGAIN : pomdp_expand_node(s, node);
        if (st != HP_OK) {
            return st;
        }
        *grew = true;
    }
    *edge = pomdp_tree_best_edge(s, node, false);
    while (t->edges[*edge].first_child == POMDP_NONE) {
        const hp_status st = is_spent(s) ? HP_EAGAIN : pomdp_expand_edge(s, *edge);
        if (st != HP_OK) {
            return st;
        }
        *grew = true;
        *edge = pomdp_tree_best_edge(s, node, false);
    }
    return HP_OK;
}

hp_status pomdp_solver_trial(pomdp_solver *s, bool *progress)
{
    const pomdp_mark used = s->tree.used;
    const pomdp_count count = s->count;
    const double gap = root_gap(s);
    uint32_t grown_at = POMDP_NONE; /* the old leaf under which this trial's nodes hang */
    uint32_t node = 0;

    *progress = false;
    s->starved = false;
    for (uint32_t next = 0; next != POMDP_NONE;) {
        node = next;
        if (s->config.regularisation > 0.0 && pomdp_tree_close_blocked(s, node)) {
            *progress = true;
            break;
        }
        if (!may_expand(s, node)) {
            break;
        }
        if (pomdp_evaluate_wants(s, node)) {
            pomdp_evaluate_later(s, node);
            *progress = true;
            break;
        }
        uint32_t edge = POMDP_NONE;
        bool grew = false;
        const hp_status st = grow(s, node, &edge, &grew);
        if (grew) {
            grown_at = grown_at == POMDP_NONE ? node : grown_at;
            *progress = true;
        }
        if (st == HP_EDEADLINE) {
            undo_trial(s, &used, &count, grown_at);
            return st;
        }
        if (st != HP_OK) {
            s->pool_full = st == HP_EFULL;
            break;
        }
        bool passed = false;
        next = pomdp_tree_best_child(s, edge, gap, &passed);
        s->starved = next == POMDP_NONE && passed;
    }
    pomdp_tree_backup(s, node);
    return HP_OK;
}

/** The root with its first bounds. */
static hp_status prepare_root(pomdp_solver *s, const pomdp_particles *belief, hp_rng stream,
                              const pomdp_budget *budget)
{
    if (budget->deadline_ns != 0 && budget->clock == NULL) {
        return HP_EINVAL;
    }
    s->budget = *budget;
    s->may_be_late = false;
    s->pool_full = false;
    s->unclocked_steps = 0;
    s->count = (pomdp_count){0};
    memset(s->pruned_at, 0, sizeof(s->pruned_at));
    s->waiting.n = 0;
    const hp_status st = pomdp_scenario_draw(s, belief, stream);
    return st == HP_OK ? pomdp_bounds_init(s, 0, 1) : st;
}

hp_status pomdp_solver_begin(pomdp_solver *s, const pomdp_particles *belief, hp_rng stream,
                             const pomdp_budget *budget, double *gap_begin)
{
    hp_status st = prepare_root(s, belief, stream, budget);
    if (st == HP_OK) {
        *gap_begin = root_gap(s);
        st = pomdp_expand_node(s, 0);
    }
    if (st != HP_OK) {
        return st;
    }
    pomdp_tree_update_node(s, 0);
    s->may_be_late = budget->deadline_ns != 0;
    return HP_OK;
}

static bool is_late(const pomdp_solver *s)
{
    return s->may_be_late && hp_clock_now_ns(s->budget.clock) >= s->budget.deadline_ns;
}

static uint32_t trials_allowed(const pomdp_budget *b)
{
    return b->max_trials > 0 || b->deadline_ns == 0 ? b->max_trials : UINT32_MAX;
}

/** Whether another trial is worth it. Where nothing is left to find, leaves may be opened again,
 * until there is. */
static bool goes_on(pomdp_solver *s, bool progress)
{
    const bool reopens = s->evaluator != NULL && s->evaluator->reopens;
    if (s->pool_full || is_spent(s) || is_late(s)) {
        return false;
    }
    while (!progress || root_gap(s) <= target_gap(s)) {
        progress = reopens && pomdp_evaluate_reopen(s);
        if (!progress) {
            return false;
        }
    }
    return true;
}

/** Runs trials until the gap, the budget or the pool ends them; returns how many were completed. */
static uint32_t search(pomdp_solver *s)
{
    const uint32_t max_trials = trials_allowed(&s->budget);
    uint32_t trials = 0;
    bool progress = true;
    while (trials < max_trials && goes_on(s, progress)) {
        if (pomdp_solver_trial(s, &progress) != HP_OK) {
            break;
        }
        trials++;
        if (s->waiting.n > 0 &&
            (s->waiting.n == s->evaluator->max_batch || s->starved || !progress)) {
            pomdp_evaluate_waiting(s);
            progress = true;
        }
    }
    return trials;
}

/** What the policy behind the root's floor does there: belief_lower's where that gave it, otherwise
 *  the default policy's action with most weight. */
static uint32_t floor_action(pomdp_solver *s)
{
    double votes[POMDP_MAX_ACTIONS] = {0.0};
    const uint32_t n = s->config.n_scenarios;
    uint32_t best = 0;
    if (s->model.belief_lower != NULL &&
        s->model.belief_lower(s->model.ctx, s->tree.states, s->tree.particle_weight, n, -INFINITY,
                              &best) >= s->tree.floor[0]) {
        assert(best < s->model.n_actions);
        return best;
    }
    best = 0;
    s->model.default_policy(s->model.ctx, s->tree.states, n, s->batch.actions);
    for (uint32_t k = 0; k < n; k++) {
        assert(s->batch.actions[k] < s->model.n_actions);
        votes[s->batch.actions[k]] += s->tree.particle_weight[k];
    }
    for (uint32_t a = 1; a < s->model.n_actions; a++) {
        if (votes[a] > votes[best]) {
            best = a;
        }
    }
    return best;
}

/** Under regularisation the policy behind the floor is a choice of its own, as it costs no lambda.
 */
static uint32_t choose_action(pomdp_solver *s)
{
    const uint32_t edge = pomdp_tree_best_edge(s, 0, true);
    if (s->config.regularisation > 0.0 && s->tree.floor[0] >= s->tree.edges[edge].lower) {
        return floor_action(s);
    }
    return edge - s->tree.nodes[0].first_edge;
}

static void report_tree(pomdp_solver *s, pomdp_plan *plan)
{
    const pomdp_edge *edges = &s->tree.edges[s->tree.nodes[0].first_edge];
    plan->action = choose_action(s);
    plan->nodes = s->tree.used.n_nodes;
    for (uint32_t a = 0; a < s->model.n_actions; a++) {
        plan->action_lower[a] = edges[a].lower;
        plan->action_upper[a] = edges[a].upper;
    }
}

static void report_counts(const pomdp_solver *s, pomdp_plan *plan)
{
    plan->value_lower = s->tree.lower[0];
    plan->value_upper = s->tree.upper[0];
    plan->expansions = s->count.expansions;
    plan->depth = s->count.depth;
    plan->steps_tree = s->count.steps_tree;
    plan->steps_rollout = s->count.steps_rollout;
    plan->steps_bounds = s->count.steps_bounds;
    plan->evaluated = s->count.evaluated;
    plan->pruned = s->count.pruned;
    plan->refused = s->count.refused;
    plan->batches = s->count.batches;
    plan->reopened = s->count.reopened;
    memcpy(plan->pruned_at, s->pruned_at, sizeof(plan->pruned_at));
    plan->pool_full = s->pool_full;
    plan->n_actions = s->model.n_actions;
}

/** Simulations until the budget ends; each is far shorter than any deadline that can be kept. */
static uint32_t simulate(pomdp_solver *s, hp_rng stream)
{
    const uint32_t max_trials = trials_allowed(&s->budget);
    uint32_t trials = 0;
    pomdp_pomcp_begin(s);
    s->may_be_late = s->budget.deadline_ns != 0;
    while (trials < max_trials && !is_late(s)) {
        pomdp_pomcp_trial(s, stream, trials);
        trials++;
    }
    return trials;
}

/** With the root prepared. */
static void plan_by_pomcp(pomdp_solver *s, hp_rng stream, pomdp_plan *plan)
{
    *plan = (pomdp_plan){.gap_begin = root_gap(s), .action = floor_action(s)};
    plan->trials = simulate(s, stream);
    report_counts(s, plan);
    pomdp_pomcp_report(s, plan);
}

hp_status pomdp_solver_plan(pomdp_solver *solver, const pomdp_particles *belief, hp_rng stream,
                            const pomdp_budget *budget, pomdp_plan *plan)
{
    double gap_begin = 0.0;
    if (solver->config.algorithm == POMDP_POMCP) {
        const hp_status st = prepare_root(solver, belief, stream, budget);
        if (st == HP_OK) {
            plan_by_pomcp(solver, stream, plan);
        }
        return st;
    }
    const hp_status st = pomdp_solver_begin(solver, belief, stream, budget, &gap_begin);
    if (st != HP_OK) {
        return st;
    }
    *plan = (pomdp_plan){.gap_begin = gap_begin};
    plan->trials = search(solver);
    report_counts(solver, plan);
    report_tree(solver, plan);
    return HP_OK;
}

hp_status pomdp_solver_glance(pomdp_solver *solver, const pomdp_particles *belief, hp_rng stream,
                              double gap, pomdp_plan *plan)
{
    const pomdp_budget none = {0};
    const hp_status st = prepare_root(solver, belief, stream, &none);
    if (st != HP_OK) {
        return st;
    }
    *plan = (pomdp_plan){.gap_begin = root_gap(solver), .action = floor_action(solver)};
    report_counts(solver, plan);
    plan->nodes = 1;
    for (uint32_t a = 0; a < plan->n_actions; a++) {
        plan->action_lower[a] = a == plan->action ? plan->value_lower : (double)-INFINITY;
        plan->action_upper[a] = plan->value_upper;
    }
    return plan->gap_begin <= gap ? HP_OK : HP_EAGAIN;
}
