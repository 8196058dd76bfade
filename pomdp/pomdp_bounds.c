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

/** Sums of weight times return, of the default policy's and of the optimistic ones. In one loop,
 * for neither waits for the other. */
typedef struct sums {
    double lower, upper;
} sums;

static sums weighted_sums(const double *weight, const double *lower, const double *upper,
                          uint32_t n)
{
    sums sum = {0.0, 0.0};
    for (uint32_t i = 0; i < n; i++) {
        sum.lower += weight[i] * lower[i];
        sum.upper += weight[i] * upper[i];
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
    double *lower = s->batch.out.reward; /* of steps that are done with */
    uint32_t action = 0;
    if (m->beliefs_lower != NULL) {
        pomdp_batch *b = &s->batch;
        for (uint32_t i = 0; i < n; i++) {
            b->index[i] = t->nodes[first + i].n_particles;
            lower[i] = known[i];
        }
        const pomdp_beliefs beliefs = {.states = pomdp_state_at(s, t->states, block),
                                       .weights = &t->particle_weight[block],
                                       .n = b->index,
                                       .n_beliefs = n,
                                       .room = b->states,
                                       .room_bytes = b->capacity * m->state_size};
        s->count.steps_bounds += m->beliefs_lower(m->ctx, &beliefs, lower);
        for (uint32_t i = 0; i < n; i++) {
            known[i] = fmax(known[i], lower[i]);
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

/** upper and utility of a node whose optimistic return is best. */
static void set_upper(pomdp_solver *s, uint32_t v, double best)
{
    pomdp_tree *t = &s->tree;
    t->utility[v] = fmax(best, t->floor[v]);
    t->upper[v] = fmax(best - s->config.regularisation, t->floor[v]);
}

/** Bounds of the nodes from batch.returned and the model's own bound, and from batch.hook; closed
 * ones have no upper bound but the lower one. */
static void set_bounds(pomdp_solver *s, uint32_t first, uint32_t n, bool closed)
{
    pomdp_tree *t = &s->tree;
    const uint32_t block = t->nodes[first].first_particle;
    double *floor = &t->floor[first];
    double *best = &t->upper[first];
    for (uint32_t i = 0; i < n; i++) {
        const pomdp_node *node = &t->nodes[first + i];
        const uint32_t at = node->first_particle - block;
        const sums sum = weighted_sums(&t->particle_weight[block + at], &s->batch.returned[at],
                                       &s->batch.hook[at], node->n_particles);
        floor[i] = sum.lower;
        best[i] = sum.upper; /* of closed ones it is not read */
    }
    raise_lower(s, first, n, floor);
    for (uint32_t i = 0; i < n; i++) {
        const double discount = s->discount[t->nodes[first + i].depth];
        floor[i] *= discount;
        t->lower[first + i] = floor[i];
        if (!closed) {
            set_upper(s, first + i, discount * best[i]);
        }
    }
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
    const bool closed = last->depth >= s->config.max_depth;

    const hp_status st = pomdp_rollout_run(s, block, n_block, last->depth);
    if (st != HP_OK) {
        return st;
    }
    if (!closed) {
        upper_of_block(s, block, n_block);
    }
    set_bounds(s, first, n, closed);
    if (closed) {
        close_nodes(t, first, n);
    }
    return HP_OK;
}

void pomdp_bounds_reset(pomdp_solver *s, uint32_t node)
{
    const pomdp_node *v = &s->tree.nodes[node];
    const double *weight = &s->tree.particle_weight[v->first_particle];
    s->tree.lower[node] = s->tree.floor[node];
    upper_of_block(s, v->first_particle, v->n_particles);
    set_upper(s, node, s->discount[v->depth] * weighted_sum(weight, s->batch.hook, v->n_particles));
}
