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

bool pomdp_evaluate_wants(const pomdp_solver *s, uint32_t node)
{
    const pomdp_node *v = &s->tree.nodes[node];
    return s->evaluator != NULL && node != 0 && v->first_edge == POMDP_NONE &&
           v->valued == POMDP_UNVALUED;
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

static void apply(pomdp_solver *s, uint32_t v, const pomdp_estimate *e)
{
    pomdp_tree *t = &s->tree;
    if (!is_usable(s, e)) {
        s->count.refused++;
        return;
    }
    s->count.evaluated++;
    t->nodes[v].preferred = (uint16_t)e->preferred;
    if (e->decision != POMDP_KEEP) {
        const double scale = s->discount[t->nodes[v].depth] * t->weight[v];
        const double spread = e->decision == POMDP_PRUNE ? 0.0 : e->spread;
        draw_in(t, v, scale * (e->value - spread), scale * (e->value + spread));
        s->count.pruned += e->decision == POMDP_PRUNE;
    }
}

void pomdp_evaluate_waiting(pomdp_solver *s)
{
    const pomdp_tree *t = &s->tree;
    const uint32_t n = s->waiting.n;
    pomdp_leaf leaves[POMDP_MAX_WAITING] = {{0}};
    pomdp_estimate estimates[POMDP_MAX_WAITING] = {{0}};
    for (uint32_t i = 0; i < n; i++) {
        const pomdp_node *v = &t->nodes[s->waiting.node[i]];
        leaves[i] = (pomdp_leaf){.states = pomdp_state_at(s, t->states, v->first_particle),
                                 .weights = &t->particle_weight[v->first_particle],
                                 .n = v->n_particles,
                                 .depth = v->depth,
                                 .weight = t->weight[s->waiting.node[i]]};
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
