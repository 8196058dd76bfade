#include "pomdp/pomdp_internal.h"

#include <math.h>

/** Fills batch.hook with the model's optimistic return of n particles of the pool. */
static void upper_of_block(pomdp_solver *s, uint32_t first, uint32_t n)
{
    if (s->model.upper != NULL) {
        s->model.upper(s->model.ctx, pomdp_state_at(s, s->tree.states, first), n, s->batch.hook);
        return;
    }
    const double best = s->model.reward_max / (1.0 - s->model.discount);
    for (uint32_t i = 0; i < n; i++) {
        s->batch.hook[i] = best;
    }
}

static double weighted_sum(const double *weight, const double *value, uint32_t n)
{
    double sum = 0.0;
    for (uint32_t i = 0; i < n; i++) {
        sum += weight[i] * value[i];
    }
    return sum;
}

/** floor and lower of the nodes, from batch.returned and the model's own bound. */
static void set_lower(pomdp_solver *s, uint32_t first, uint32_t n, uint32_t block)
{
    pomdp_tree *t = &s->tree;
    for (uint32_t v = first; v < first + n; v++) {
        const pomdp_node *node = &t->nodes[v];
        const uint32_t at = node->first_particle;
        const double *weight = &t->particle_weight[at];
        double sum = weighted_sum(weight, &s->batch.returned[at - block], node->n_particles);
        if (s->model.belief_lower != NULL) {
            uint32_t action = 0;
            sum = fmax(sum, s->model.belief_lower(s->model.ctx, pomdp_state_at(s, t->states, at),
                                                  weight, node->n_particles, sum, &action));
        }
        t->floor[v] = s->discount[node->depth] * sum;
        t->lower[v] = t->floor[v];
    }
}

/** upper and utility of a node, from batch.hook, which begins with particle block. */
static void set_upper(pomdp_solver *s, uint32_t v, uint32_t block)
{
    pomdp_tree *t = &s->tree;
    const pomdp_node *node = &t->nodes[v];
    const double best =
        s->discount[node->depth] * weighted_sum(&t->particle_weight[node->first_particle],
                                                &s->batch.hook[node->first_particle - block],
                                                node->n_particles);
    t->utility[v] = fmax(best, t->floor[v]);
    t->upper[v] = fmax(best - s->config.regularisation, t->floor[v]);
}

static void close_nodes(pomdp_tree *t, uint32_t first, uint32_t n)
{
    for (uint32_t v = first; v < first + n; v++) {
        t->utility[v] = t->floor[v];
        t->upper[v] = t->floor[v];
    }
}

hp_status pomdp_bounds_init(pomdp_solver *s, uint32_t first, uint32_t n)
{
    pomdp_tree *t = &s->tree;
    if (n == 0) {
        return HP_OK;
    }
    const pomdp_node *last = &t->nodes[first + n - 1];
    const uint32_t block = t->nodes[first].first_particle;
    const uint32_t n_block = last->first_particle + last->n_particles - block;

    const hp_status st = pomdp_rollout_run(s, block, n_block, last->depth);
    if (st != HP_OK) {
        return st;
    }
    set_lower(s, first, n, block);
    if (last->depth >= s->config.max_depth) {
        close_nodes(t, first, n);
        return HP_OK;
    }
    upper_of_block(s, block, n_block);
    for (uint32_t v = first; v < first + n; v++) {
        set_upper(s, v, block);
    }
    return HP_OK;
}

void pomdp_bounds_reset(pomdp_solver *s, uint32_t node)
{
    const pomdp_node *v = &s->tree.nodes[node];
    s->tree.lower[node] = s->tree.floor[node];
    upper_of_block(s, v->first_particle, v->n_particles);
    set_upper(s, node, v->first_particle);
}
