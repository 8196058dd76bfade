#include "pomdp/pomdp_internal.h"

#include <stdlib.h>
#include <string.h>

enum { SLAB_ALIGN = 64 };

/** Cuts arrays out of one block. With base NULL it only adds up what they need. */
typedef struct slab {
    unsigned char *base;
    size_t used;
    bool overflow;
} slab;

static void *slab_cut(slab *b, size_t n, size_t size)
{
    size_t bytes = 0;
    size_t end = 0;
    if (__builtin_mul_overflow(n, size, &bytes) ||
        __builtin_add_overflow(bytes, (size_t)SLAB_ALIGN - 1, &bytes) ||
        __builtin_add_overflow(b->used, bytes & ~((size_t)SLAB_ALIGN - 1), &end)) {
        b->overflow = true;
        return NULL;
    }
    void *cut = b->base != NULL ? b->base + b->used : NULL;
    b->used = end;
    return cut;
}

static void cut_tree(pomdp_solver *s, slab *b)
{
    pomdp_tree *t = &s->tree;
    const size_t n_nodes = t->capacity.n_nodes;
    const size_t n_particles = t->capacity.n_particles;
    t->nodes = slab_cut(b, n_nodes, sizeof(*t->nodes));
    t->lower = slab_cut(b, n_nodes, sizeof(*t->lower));
    t->upper = slab_cut(b, n_nodes, sizeof(*t->upper));
    t->weight = slab_cut(b, n_nodes, sizeof(*t->weight));
    t->floor = slab_cut(b, n_nodes, sizeof(*t->floor));
    t->utility = slab_cut(b, n_nodes, sizeof(*t->utility));
    t->error = slab_cut(b, n_nodes, sizeof(*t->error));
    t->edges = slab_cut(b, t->capacity.n_edges, sizeof(*t->edges));
    t->states = slab_cut(b, n_particles, s->model.state_size);
    t->particle_weight = slab_cut(b, n_particles, sizeof(*t->particle_weight));
    t->scenario = slab_cut(b, n_particles, sizeof(*t->scenario));
}

static void cut_batch(pomdp_solver *s, slab *b)
{
    pomdp_batch *batch = &s->batch;
    const size_t n = batch->capacity;
    batch->states = slab_cut(b, n, s->model.state_size);
    batch->actions = slab_cut(b, n, sizeof(*batch->actions));
    batch->keys = slab_cut(b, n, sizeof(*batch->keys));
    batch->index = slab_cut(b, n, sizeof(*batch->index));
    batch->returned = slab_cut(b, n, sizeof(*batch->returned));
    batch->hook = slab_cut(b, n, sizeof(*batch->hook));
    batch->out.reward = slab_cut(b, n, sizeof(*batch->out.reward));
    batch->out.weight = slab_cut(b, n, sizeof(*batch->out.weight));
    batch->out.obs = slab_cut(b, n, sizeof(*batch->out.obs));
    batch->out.terminal = slab_cut(b, n, sizeof(*batch->out.terminal));
}

static void cut_rest(pomdp_solver *s, slab *b)
{
    pomdp_partition *p = &s->partition;
    const size_t n_scenarios = s->config.n_scenarios;
    p->slots = slab_cut(b, (size_t)p->mask + 1, sizeof(*p->slots));
    p->group_of = slab_cut(b, n_scenarios, sizeof(*p->group_of));
    p->count = slab_cut(b, n_scenarios, sizeof(*p->count));
    s->scenario_key = slab_cut(b, n_scenarios, sizeof(*s->scenario_key));
    s->step_keys =
        slab_cut(b, ((size_t)s->config.max_depth + s->config.rollout_depth) * n_scenarios,
                 sizeof(*s->step_keys));
    s->discount = slab_cut(b, (size_t)s->config.max_depth + 1, sizeof(*s->discount));
}

static void cut_pomcp(pomdp_solver *s, slab *b)
{
    pomdp_pomcp *p = &s->pomcp;
    p->visits = slab_cut(b, p->max_nodes, sizeof(*p->visits));
    p->arms = slab_cut(b, (size_t)p->max_nodes * s->model.n_actions, sizeof(*p->arms));
    p->slots = slab_cut(b, (size_t)p->mask + 1, sizeof(*p->slots));
    p->cumulated = slab_cut(b, s->config.n_scenarios, sizeof(*p->cumulated));
}

static size_t cut_all(pomdp_solver *s, unsigned char *base)
{
    slab b = {.base = base};
    cut_tree(s, &b);
    cut_batch(s, &b);
    cut_rest(s, &b);
    if (s->config.algorithm == POMDP_POMCP) {
        cut_pomcp(s, &b);
    }
    return b.overflow ? 0 : b.used;
}

/** POMCP has a root of the usual kind and a tree of its own, of as many arms as there may be nodes.
 */
static void choose_pomcp_capacities(pomdp_solver *s)
{
    pomdp_pomcp *p = &s->pomcp;
    s->tree.capacity = (pomdp_mark){.n_nodes = 1, .n_particles = s->config.n_scenarios};
    p->max_nodes = s->config.max_nodes / s->model.n_actions;
    p->mask = 15;
    while (p->mask + 1 < 2 * p->max_nodes) {
        p->mask = 2 * p->mask + 1;
    }
}

static void choose_capacities(pomdp_solver *s)
{
    const pomdp_config *c = &s->config;
    const uint32_t n_actions = s->model.n_actions;
    const uint32_t all_actions = c->n_scenarios * n_actions;

    /* Stepped at once, n_actions edges come with at least as many nodes, unless episodes end.
     * Stepped one by one they come first, so that edges may be the pool that ends growth. */
    s->tree.capacity = (pomdp_mark){.n_nodes = c->max_nodes,
                                    .n_edges = c->max_nodes + n_actions,
                                    .n_particles = c->max_particles};
    s->batch.capacity = all_actions < POMDP_BATCH ? all_actions : POMDP_BATCH;
    if (s->batch.capacity < c->n_scenarios) {
        s->batch.capacity = c->n_scenarios;
    }
    s->partition.mask = 15;
    while (s->partition.mask + 1 < 2 * c->n_scenarios) {
        s->partition.mask = 2 * s->partition.mask + 1;
    }
}

hp_status pomdp_memory_reserve(pomdp_solver *s)
{
    choose_capacities(s);
    if (s->config.algorithm == POMDP_POMCP) {
        choose_pomcp_capacities(s);
    }
    s->slab_bytes = cut_all(s, NULL);
    if (s->slab_bytes == 0) {
        return HP_ENOMEM;
    }
    s->slab = aligned_alloc(SLAB_ALIGN, s->slab_bytes);
    if (s->slab == NULL) {
        return HP_ENOMEM;
    }
    memset(s->slab, 0, s->slab_bytes); /* also maps every page now, not within a deadline */
    (void)cut_all(s, s->slab);
    s->discount[0] = 1.0;
    for (uint32_t d = 1; d <= s->config.max_depth; d++) {
        s->discount[d] = s->discount[d - 1] * s->model.discount;
    }
    return HP_OK;
}
