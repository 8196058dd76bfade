#include "pomdp/pomdp_internal.h"

#include <math.h>
#include <string.h>

/** Fills the batch with n particles of a node, once for each of n_actions actions. */
static void load_batch(pomdp_solver *s, const pomdp_node *node, uint32_t action, uint32_t n_actions)
{
    pomdp_batch *b = &s->batch;
    const uint32_t n = node->n_particles;
    const void *from = pomdp_state_at(s, s->tree.states, node->first_particle);

    pomdp_scenario_reach(s, node->depth + 1);
    const uint64_t *keys = pomdp_keys_at(s, node->depth);
    for (uint32_t i = 0; i < n; i++) {
        b->keys[i] = keys[s->tree.scenario[node->first_particle + i]];
    }
    for (uint32_t a = 0; a < n_actions; a++) {
        const size_t at = (size_t)a * n;
        memcpy(pomdp_state_at(s, b->states, at), from, n * s->model.state_size);
        for (uint32_t i = 0; i < n; i++) {
            b->actions[at + i] = action + a;
        }
        if (a > 0) {
            memcpy(&b->keys[at], b->keys, n * sizeof(*b->keys));
        }
    }
}

static bool is_weighed(const pomdp_solver *s)
{
    return s->config.importance_sampling && s->model.step_proposal != NULL;
}

static void step_batch(pomdp_solver *s, uint32_t n)
{
    pomdp_batch *b = &s->batch;
    const pomdp_model *m = &s->model;
    if (is_weighed(s)) {
        m->step_proposal(m->ctx, b->states, n, b->actions, b->keys, &b->out);
    } else {
        pomdp_steps out = b->out;
        out.weight = NULL;
        m->step(m->ctx, b->states, n, b->actions, b->keys, &out);
    }
    s->count.steps_tree += n;
}

/** Rows [at, at + n) of the batch: p/q becomes the particle's weight, and all of them together
 * weigh what the node does. A proposal that only met impossible futures (p = 0) weighs nothing. */
static void weigh_rows(pomdp_solver *s, const pomdp_node *node, double node_weight, uint32_t at)
{
    double *weight = s->batch.out.weight + at;
    const double *before = s->tree.particle_weight + node->first_particle;
    double sum = 0.0;
    if (!is_weighed(s)) {
        memcpy(weight, before, node->n_particles * sizeof(*weight));
        return;
    }
    for (uint32_t i = 0; i < node->n_particles; i++) {
        weight[i] *= before[i];
        sum += weight[i];
    }
    const double scale = sum > 0.0 ? node_weight / sum : 0.0;
    for (uint32_t i = 0; i < node->n_particles; i++) {
        weight[i] *= scale;
    }
}

/** Makes one child per group, their particles side by side in the order of the groups. From here on
 * partition.count says where each group's next particle goes. */
static void make_children(pomdp_solver *s, uint32_t edge, uint32_t depth)
{
    pomdp_tree *t = &s->tree;
    pomdp_partition *p = &s->partition;
    t->edges[edge].first_child = p->n_groups > 0 ? t->used.n_nodes : 0;
    t->edges[edge].n_children = p->n_groups;
    if (p->n_groups > 0 && depth > s->count.depth) {
        s->count.depth = depth;
    }
    for (uint32_t g = 0; g < p->n_groups; g++) {
        const uint32_t v = t->used.n_nodes++;
        t->nodes[v] = (pomdp_node){.parent_edge = edge,
                                   .first_edge = POMDP_NONE,
                                   .first_particle = t->used.n_particles,
                                   .depth = depth};
        const uint32_t n = p->count[g];
        p->count[g] = t->used.n_particles;
        t->used.n_particles += n;
    }
}

/** Copies a state to where its group's next one goes. Inlined with sizes that are known, so that
 * the copies are a few moves. */
static inline __attribute__((always_inline)) void scatter(pomdp_solver *s, const pomdp_node *parent,
                                                          uint32_t at, size_t size)
{
    const pomdp_tree t = s->tree; /* bytes that are written might be its pointers, to a compiler */
    const uint32_t *group = s->partition.group_of;
    uint32_t *next = s->partition.count;
    const unsigned char *from = s->batch.states + at * size;
    const double *weight = s->batch.out.weight + at;
    const uint32_t *scenario = t.scenario + parent->first_particle;
    const uint32_t n = parent->n_particles;
    for (uint32_t i = 0; i < n; i++) {
        if (group[i] == POMDP_NONE) {
            continue;
        }
        const size_t to = next[group[i]]++;
        memcpy(t.states + to * size, from + i * size, size);
        t.particle_weight[to] = weight[i];
        t.scenario[to] = scenario[i];
    }
}

/** The same where all live on and observe the same: one block. */
static void move_all(pomdp_solver *s, const pomdp_node *parent, uint32_t at)
{
    const size_t n = parent->n_particles;
    const size_t to = s->partition.count[0];
    memcpy(pomdp_state_at(s, s->tree.states, to), pomdp_state_at(s, s->batch.states, at),
           n * s->model.state_size);
    memcpy(&s->tree.particle_weight[to], &s->batch.out.weight[at], n * sizeof(double));
    memcpy(&s->tree.scenario[to], &s->tree.scenario[parent->first_particle], n * sizeof(uint32_t));
    s->partition.count[0] += parent->n_particles;
}

/** Sends the rows [at, at + n) to their groups, by sizes that the compiler knows. */
static void scatter_rows(pomdp_solver *s, const pomdp_node *parent, uint32_t at)
{
    switch (s->model.state_size) {
    case 8:
        scatter(s, parent, at, 8);
        break;
    case 24:
        scatter(s, parent, at, 24);
        break;
    case 56:
        scatter(s, parent, at, 56);
        break;
    default:
        scatter(s, parent, at, s->model.state_size);
        break;
    }
}

/** Moves the rows [at, at + n), which weigh so much, that live on to their child, whose weight is
 * theirs. */
static void fill_children(pomdp_solver *s, uint32_t edge, const pomdp_node *parent, uint32_t at,
                          double weight)
{
    pomdp_tree *t = &s->tree;
    pomdp_node *child = &t->nodes[t->edges[edge].first_child];
    double *child_weight = &t->weight[t->edges[edge].first_child];
    if (s->partition.n_groups == 1 &&
        t->used.n_particles - child->first_particle == parent->n_particles) {
        move_all(s, parent, at);
        child->n_particles = parent->n_particles;
        *child_weight = weight;
        return;
    }
    scatter_rows(s, parent, at);
    for (uint32_t g = 0; g < s->partition.n_groups; g++) {
        const uint32_t first = child[g].first_particle;
        const uint32_t end = s->partition.count[g];
        double sum = 0.0;
        for (uint32_t i = first; i < end; i++) {
            sum += t->particle_weight[i];
        }
        child[g].n_particles = end - first;
        child_weight[g] = sum;
    }
}

static uint32_t count_living(const pomdp_partition *p)
{
    uint32_t sum = 0;
    for (uint32_t g = 0; g < p->n_groups; g++) {
        sum += p->count[g];
    }
    return sum;
}

/** Turns the rows [at, at + n) of the stepped batch into an edge's reward and children. */
static hp_status make_edge(pomdp_solver *s, uint32_t edge, uint32_t at)
{
    pomdp_tree *t = &s->tree;
    const uint32_t node_index = t->edges[edge].node;
    const pomdp_node node = t->nodes[node_index];

    weigh_rows(s, &node, t->weight[node_index], at);
    pomdp_partition_run(&s->partition, &s->batch.out.obs[at], &s->batch.out.terminal[at],
                        node.n_particles);
    if (s->partition.n_groups > t->capacity.n_nodes - t->used.n_nodes ||
        count_living(&s->partition) > t->capacity.n_particles - t->used.n_particles) {
        return HP_EFULL;
    }
    double reward = 0.0;
    double weight = 0.0; /* in the same loop, for neither waits for the other */
    for (uint32_t i = 0; i < node.n_particles; i++) {
        reward += s->batch.out.weight[at + i] * s->batch.out.reward[at + i];
        weight += s->batch.out.weight[at + i];
    }
    t->edges[edge].reward = s->discount[node.depth] * reward;
    make_children(s, edge, node.depth + 1);
    fill_children(s, edge, &node, at, weight);
    return HP_OK;
}

/** Steps and bounds the actions of neighbouring edges, as many as the batch holds. */
static hp_status expand_edges(pomdp_solver *s, uint32_t edge, uint32_t n_edges)
{
    const pomdp_node *node = &s->tree.nodes[s->tree.edges[edge].node];
    const uint32_t n = node->n_particles;
    const uint32_t first_child = s->tree.used.n_nodes;

    if (pomdp_solver_late(s, n * n_edges)) {
        return HP_EDEADLINE;
    }
    load_batch(s, node, edge - node->first_edge, n_edges);
    step_batch(s, n * n_edges);
    for (uint32_t a = 0; a < n_edges; a++) {
        const hp_status st = make_edge(s, edge + a, a * n);
        if (st != HP_OK) {
            return st;
        }
    }
    const hp_status st = pomdp_bounds_init(s, first_child, s->tree.used.n_nodes - first_child);
    for (uint32_t a = 0; a < n_edges && st == HP_OK; a++) {
        pomdp_tree_update_edge(s, edge + a);
    }
    return st;
}

/** The edges that were not stepped promise what the model says, and surely earn nothing. */
static void bound_edges(pomdp_solver *s, uint32_t node_index)
{
    const pomdp_node *node = &s->tree.nodes[node_index];
    const double discount = s->discount[node->depth];
    double values[POMDP_MAX_ACTIONS];
    s->model.action_upper(s->model.ctx, pomdp_state_at(s, s->tree.states, node->first_particle),
                          s->tree.particle_weight + node->first_particle, node->n_particles,
                          values);
    for (uint32_t a = 0; a < s->model.n_actions; a++) {
        pomdp_edge *edge = &s->tree.edges[node->first_edge + a];
        if (edge->first_child == POMDP_NONE) {
            edge->lower = -HUGE_VAL;
            edge->utility = discount * values[a];
            edge->upper = edge->utility - s->config.regularisation;
        }
    }
}

static bool is_lazy(const pomdp_solver *s, uint32_t node)
{
    return node != 0 && s->config.lazy && s->model.action_upper != NULL && s->evaluator == NULL;
}

hp_status pomdp_expand_node(pomdp_solver *s, uint32_t node)
{
    pomdp_tree *t = &s->tree;
    const pomdp_mark before = t->used;
    const uint32_t n_actions = s->model.n_actions;
    const uint32_t at_once = s->batch.capacity / t->nodes[node].n_particles;
    if (n_actions > t->capacity.n_edges - t->used.n_edges) {
        return HP_EFULL;
    }
    t->used.n_edges += n_actions;
    t->nodes[node].first_edge = before.n_edges;
    for (uint32_t a = 0; a < n_actions; a++) {
        t->edges[before.n_edges + a] = (pomdp_edge){.node = node, .first_child = POMDP_NONE};
    }
    hp_status st = HP_OK;
    if (is_lazy(s, node)) {
        bound_edges(s, node);
    } else {
        for (uint32_t a = 0; a < n_actions && st == HP_OK; a += at_once) {
            const uint32_t left = n_actions - a;
            st = expand_edges(s, before.n_edges + a, left < at_once ? left : at_once);
        }
    }
    if (st != HP_OK) {
        t->used = before;
        t->nodes[node].first_edge = POMDP_NONE;
        return st;
    }
    s->count.expansions++;
    return HP_OK;
}

hp_status pomdp_expand_edge(pomdp_solver *s, uint32_t edge)
{
    const pomdp_mark before = s->tree.used;
    const pomdp_edge was = s->tree.edges[edge];
    const hp_status st = expand_edges(s, edge, 1);
    if (st != HP_OK) {
        s->tree.used = before;
        s->tree.edges[edge] = was;
    }
    return st;
}

void pomdp_expand_forget(pomdp_solver *s, uint32_t node)
{
    const pomdp_tree *t = &s->tree;
    pomdp_node *v = &t->nodes[node];
    if (v->first_edge >= t->used.n_edges) {
        v->first_edge = POMDP_NONE;
        return;
    }
    for (uint32_t e = v->first_edge; e < v->first_edge + s->model.n_actions; e++) {
        if (t->edges[e].first_child >= t->used.n_nodes) {
            t->edges[e] = (pomdp_edge){.node = node, .first_child = POMDP_NONE};
        }
    }
    bound_edges(s, node);
}
