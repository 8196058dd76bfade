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

/** What the model surely earns from the beliefs of the nodes, who earn known by the default policy;
 * known becomes the better of both. */
static void raise_lower(pomdp_solver *s, uint32_t first, uint32_t n, double *known)
{
    const pomdp_tree *t = &s->tree;
    const pomdp_model *m = &s->model;
    const uint32_t block = t->nodes[first].first_particle;
    uint32_t action = 0;
    if (m->beliefs_lower != NULL) {
        pomdp_batch *b = &s->batch;
        for (uint32_t i = 0; i < n; i++) {
            b->index[i] = t->nodes[first + i].n_particles;
            b->hook[i] = known[i];
        }
        const pomdp_beliefs beliefs = {.states = pomdp_state_at(s, t->states, block),
                                       .weights = &t->particle_weight[block],
                                       .n = b->index,
                                       .n_beliefs = n,
                                       .room = b->states,
                                       .room_bytes = b->capacity * m->state_size};
        s->count.steps_bounds += m->beliefs_lower(m->ctx, &beliefs, b->hook);
        for (uint32_t i = 0; i < n; i++) {
            known[i] = fmax(known[i], b->hook[i]);
        }
        return;
    }
    for (uint32_t i = 0; i < n && m->belief_lower != NULL; i++) {
        const pomdp_node *node = &t->nodes[first + i];
        known[i] = fmax(known[i],
                        m->belief_lower(m->ctx, pomdp_state_at(s, t->states, node->first_particle),
                                        &t->particle_weight[node->first_particle],
                                        node->n_particles, known[i], &action));
    }
}

/** floor and lower of the nodes, from batch.returned and the model's own bound. */
static void set_lower(pomdp_solver *s, uint32_t first, uint32_t n, uint32_t block)
{
    pomdp_tree *t = &s->tree;
    double *floor = &t->floor[first];
    for (uint32_t i = 0; i < n; i++) {
        const pomdp_node *node = &t->nodes[first + i];
        const uint32_t at = node->first_particle;
        floor[i] = weighted_sum(&t->particle_weight[at], &s->batch.returned[at - block],
                                node->n_particles);
    }
    raise_lower(s, first, n, floor);
    for (uint32_t i = 0; i < n; i++) {
        floor[i] *= s->discount[t->nodes[first + i].depth];
        t->lower[first + i] = floor[i];
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
