#include "pomdp/pomdp_internal.h"

#include <math.h>

hp_status pomdp_solver_set_evaluator(pomdp_solver *solver, const pomdp_evaluator *evaluator)
{
    if (evaluator != NULL &&
        (evaluator->evaluate == NULL || evaluator->max_batch < 1 ||
         evaluator->max_batch > POMDP_MAX_WAITING || solver->config.algorithm != POMDP_DESPOT)) {
        return HP_EINVAL;
    }
    solver->evaluator = evaluator;
    return HP_OK;
}

/** A leaf that weighs nothing has bounds of nothing. */
static pomdp_leaf leaf_of(const pomdp_solver *s, uint32_t node)
{
    const pomdp_tree *t = &s->tree;
    const pomdp_node *v = &t->nodes[node];
    pomdp_leaf leaf = {.states = pomdp_state_at(s, t->states, v->first_particle),
                       .weights = &t->particle_weight[v->first_particle],
                       .n = v->n_particles,
                       .depth = v->depth,
                       .weight = t->weight[node]};
    const double scale = s->discount[leaf.depth] * leaf.weight;
    if (scale > 0.0) {
        leaf.lower = t->lower[node] / scale;
        leaf.upper = t->upper[node] / scale;
    }
    return leaf;
}

bool pomdp_evaluate_wants(pomdp_solver *s, uint32_t node)
{
    pomdp_node *v = &s->tree.nodes[node];
    if (s->evaluator == NULL || node == 0 || v->first_edge != POMDP_NONE ||
        v->valued != POMDP_UNVALUED) {
        return false;
    }
    const pomdp_leaf leaf = leaf_of(s, node);
    if (s->evaluator->asks != NULL && !s->evaluator->asks(s->evaluator->ctx, &leaf)) {
        v->valued = POMDP_VALUED;
        return false;
    }
    return true;
}

void pomdp_evaluate_later(pomdp_solver *s, uint32_t node)
{
    s->tree.nodes[node].valued = POMDP_WAITING;
    s->waiting.node[s->waiting.n++] = node;
}

static bool is_usable(const pomdp_solver *s, const pomdp_estimate *e)
{
    return e->decision < POMDP_N_DECISIONS && isfinite(e->value) && isfinite(e->spread) &&
           e->spread >= 0.0 && e->preferred < s->model.n_actions;
}

/** Draws a node's bounds in to [low, high], never beyond each other or out of what they were. */
static void draw_in(pomdp_tree *t, uint32_t v, double low, double high)
{
    low = fmin(fmax(low, t->lower[v]), t->upper[v]);
    high = fmax(fmin(high, t->upper[v]), t->lower[v]);
    t->lower[v] = fmin(low, high);
    t->upper[v] = fmax(low, high);
    t->utility[v] = t->upper[v];
}

/** As published, a value without the node's weight beside bounds that have it. What the default
 * policy was seen to earn still counts, so that bounds stay in order. */
static void blend(pomdp_solver *s, uint32_t v, const pomdp_estimate *e)
{
    pomdp_tree *t = &s->tree;
    const double value = s->discount[t->nodes[v].depth] * e->value;
    const double share = fmin(e->spread, 1.0);
    t->lower[v] = fmax(share * t->lower[v] + (1.0 - share) * value, t->floor[v]);
    t->upper[v] = fmax(value, t->lower[v]);
    t->utility[v] = t->upper[v];
}

static void close_leaf(pomdp_solver *s, uint32_t v, double error)
{
    const uint32_t depth = s->tree.nodes[v].depth;
    s->tree.nodes[v].valued = POMDP_CLOSED;
    s->tree.error[v] = error;
    s->pruned_at[depth < POMDP_PLAN_DEPTHS ? depth : POMDP_PLAN_DEPTHS - 1]++;
    s->count.pruned++;
}

static void apply(pomdp_solver *s, uint32_t v, const pomdp_estimate *e)
{
    pomdp_tree *t = &s->tree;
    if (!is_usable(s, e)) {
        s->count.refused++;
        return;
    }
    s->count.evaluated++;
    t->nodes[v].preferred = (uint16_t)e->preferred;
    const double scale = s->discount[t->nodes[v].depth] * t->weight[v];
    switch (e->decision) {
    case POMDP_CAP:
        draw_in(t, v, t->lower[v], scale * (e->value + e->spread));
        break;
    case POMDP_TIGHTEN:
        draw_in(t, v, scale * (e->value - e->spread), scale * (e->value + e->spread));
        break;
    case POMDP_PRUNE:
        draw_in(t, v, scale * e->value, scale * e->value);
        close_leaf(s, v, scale * e->spread);
        break;
    case POMDP_BLEND:
        blend(s, v, e);
        break;
    case POMDP_KEEP:
    case POMDP_N_DECISIONS:
        break;
    }
}

/** Which of the root's edges a node lies under. */
static uint32_t root_edge_of(const pomdp_tree *t, uint32_t node)
{
    uint32_t edge = t->nodes[node].parent_edge;
    while (t->edges[edge].node != 0) {
        edge = t->nodes[t->edges[edge].node].parent_edge;
    }
    return edge;
}

/** How far the lower bound of each of the root's edges is from what would change the choice. */
static void find_margins(const pomdp_solver *s, double margin[POMDP_MAX_ACTIONS])
{
    const uint32_t n = s->model.n_actions;
    const pomdp_edge *edges = &s->tree.edges[s->tree.nodes[0].first_edge];
    const uint32_t best = pomdp_tree_best_edge(s, 0, true) - s->tree.nodes[0].first_edge;
    margin[best] = INFINITY;
    for (uint32_t a = 0; a < n; a++) {
        if (a != best) {
            margin[a] = edges[best].lower - edges[a].lower;
            margin[best] = fmin(margin[best], margin[a]);
        }
    }
}

/** Bounds up to the root once more from below: they may loosen here, and only here. */
static void loosen(pomdp_solver *s, uint32_t node)
{
    for (;;) {
        const uint32_t edge = s->tree.nodes[node].parent_edge;
        if (edge == POMDP_NONE) {
            return;
        }
        pomdp_tree_update_edge(s, edge);
        node = s->tree.edges[edge].node;
        pomdp_bounds_reset(s, node);
        pomdp_tree_update_node(s, node);
    }
}

bool pomdp_evaluate_reopen(pomdp_solver *s)
{
    pomdp_tree *t = &s->tree;
    double margin[POMDP_MAX_ACTIONS];
    uint32_t worst = POMDP_NONE;
    double most = 0.0;
    if (s->count.pruned == s->count.reopened || s->model.n_actions < 2) {
        return false;
    }
    find_margins(s, margin);
    for (uint32_t v = 1; v < t->used.n_nodes; v++) {
        if (t->nodes[v].valued == POMDP_CLOSED && t->error[v] > most &&
            t->error[v] > margin[root_edge_of(t, v) - t->nodes[0].first_edge]) {
            most = t->error[v];
            worst = v;
        }
    }
    if (worst == POMDP_NONE) {
        return false;
    }
    t->nodes[worst].valued = POMDP_VALUED;
    s->count.reopened++;
    pomdp_bounds_reset(s, worst);
    loosen(s, worst);
    return true;
}

void pomdp_evaluate_waiting(pomdp_solver *s)
{
    const pomdp_tree *t = &s->tree;
    const uint32_t n = s->waiting.n;
    pomdp_leaf leaves[POMDP_MAX_WAITING] = {{0}};
    pomdp_estimate estimates[POMDP_MAX_WAITING] = {{0}};
    for (uint32_t i = 0; i < n; i++) {
        leaves[i] = leaf_of(s, s->waiting.node[i]);
    }
    const hp_status st =
        s->evaluator->evaluate(s->evaluator->ctx, leaves, n, s->budget.deadline_ns, estimates);
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t v = s->waiting.node[i];
        t->nodes[v].valued = POMDP_VALUED;
        if (st == HP_OK) {
            apply(s, v, &estimates[i]);
            pomdp_tree_backup(s, v);
        }
    }
    s->count.refused += st == HP_OK ? 0 : n;
    s->count.batches++;
    s->waiting.n = 0;
}
