#include "pomdp/pomdp_internal.h"

#include <math.h>

uint32_t pomdp_tree_best_edge(const pomdp_solver *s, uint32_t node, bool by_lower)
{
    const uint32_t first = s->tree.nodes[node].first_edge;
    const pomdp_edge *edges = s->tree.edges;
    uint32_t best = by_lower ? first : first + s->tree.nodes[node].preferred;
    for (uint32_t e = first; e < first + s->model.n_actions; e++) {
        if (by_lower ? edges[e].lower > edges[best].lower : edges[e].upper > edges[best].upper) {
            best = e;
        }
    }
    return best;
}

uint32_t pomdp_tree_best_child(const pomdp_solver *s, uint32_t edge, double root_gap, bool *passed)
{
    const pomdp_tree *t = &s->tree;
    const uint32_t first = t->edges[edge].first_child;
    const double share = s->config.xi * root_gap;
    uint32_t best = POMDP_NONE;
    double best_excess = 0.0;
    *passed = false;
    for (uint32_t v = first; v < first + t->edges[edge].n_children; v++) {
        const double excess = t->upper[v] - t->lower[v] - share * t->weight[v];
        if (excess > 0.0 && t->nodes[v].valued == POMDP_WAITING) {
            *passed = true;
        } else if (excess > best_excess) {
            best_excess = excess;
            best = v;
        }
    }
    return best;
}

void pomdp_tree_update_edge(pomdp_solver *s, uint32_t edge)
{
    const pomdp_tree *t = &s->tree;
    pomdp_edge *e = &t->edges[edge];
    double lower = 0.0;
    double upper = 0.0;
    for (uint32_t v = e->first_child; v < e->first_child + e->n_children; v++) {
        lower += t->lower[v];
        upper += t->upper[v];
    }
    e->lower = e->reward - s->config.regularisation + lower;
    e->upper = e->reward - s->config.regularisation + upper;
    e->utility = e->upper;
    if (s->config.regularisation > 0.0) {
        double utility = 0.0;
        for (uint32_t v = e->first_child; v < e->first_child + e->n_children; v++) {
            utility += t->utility[v];
        }
        e->utility = e->reward + utility;
    }
}

/** Bounds never loosen: importance weights and approximate hooks may make a child's first bounds
 *  looser than its parent's, and the parent's still hold. */
void pomdp_tree_update_node(pomdp_solver *s, uint32_t node)
{
    pomdp_tree *t = &s->tree;
    const pomdp_edge *edges = &t->edges[t->nodes[node].first_edge];
    double lower = t->floor[node];
    double upper = t->floor[node];
    double utility = t->floor[node];
    for (uint32_t a = 0; a < s->model.n_actions; a++) {
        lower = fmax(lower, edges[a].lower);
        upper = fmax(upper, edges[a].upper);
        utility = fmax(utility, edges[a].utility);
    }
    t->lower[node] = fmax(t->lower[node], lower);
    t->upper[node] = fmax(fmin(t->upper[node], upper), t->lower[node]);
    t->utility[node] = fmax(fmin(t->utility[node], utility), t->upper[node]);
}

void pomdp_tree_backup(pomdp_solver *s, uint32_t node)
{
    const pomdp_tree *t = &s->tree;
    for (;;) {
        if (t->nodes[node].first_edge != POMDP_NONE) {
            pomdp_tree_update_node(s, node);
        }
        const uint32_t edge = t->nodes[node].parent_edge;
        if (edge == POMDP_NONE) {
            return;
        }
        pomdp_tree_update_edge(s, edge);
        node = t->edges[edge].node;
    }
}

/** An ancestor's default policy is so good that no policy tree reaching down to this node, with one
 *  lambda for each node on the way, can beat it. */
static bool is_blocked(const pomdp_solver *s, uint32_t node)
{
    const pomdp_tree *t = &s->tree;
    double cost = 0.0;
    for (uint32_t v = node;;) {
        if (t->utility[v] - t->floor[v] <= cost) {
            return true;
        }
        const uint32_t edge = t->nodes[v].parent_edge;
        if (edge == POMDP_NONE) {
            return false;
        }
        v = t->edges[edge].node;
        cost += s->config.regularisation;
    }
}

bool pomdp_tree_close_blocked(pomdp_solver *s, uint32_t node)
{
    pomdp_tree *t = &s->tree;
    bool closed = false;
    while (is_blocked(s, node)) {
        t->upper[node] = t->lower[node]; /* what it was seen to earn stays: bounds never loosen */
        t->utility[node] = t->lower[node];
        closed = true;
        const uint32_t edge = t->nodes[node].parent_edge;
        if (edge == POMDP_NONE) {
            break;
        }
        pomdp_tree_update_edge(s, edge);
        node = t->edges[edge].node;
        pomdp_tree_update_node(s, node);
    }
    return closed;
}

static const char *check_edge(const pomdp_solver *s, uint32_t edge, double tolerance)
{
    const pomdp_tree *t = &s->tree;
    const pomdp_edge *e = &t->edges[edge];
    double weight = 0.0;
    if (e->first_child != POMDP_NONE && e->first_child + e->n_children > t->used.n_nodes) {
        return "an edge leads beyond the tree";
    }
    for (uint32_t v = e->first_child; v < e->first_child + e->n_children; v++) {
        if (t->nodes[v].parent_edge != edge) {
            return "a child does not know its edge";
        }
        if (t->nodes[v].depth != t->nodes[e->node].depth + 1) {
            return "a child's depth is not its parent's plus one";
        }
        weight += t->weight[v];
    }
    if (weight > t->weight[e->node] + tolerance) {
        return "children weigh more than their parent";
    }
    return e->lower <= e->upper + tolerance ? NULL : "an edge's lower bound is above its upper";
}

static const char *check_node(const pomdp_solver *s, uint32_t node, double tolerance)
{
    const pomdp_tree *t = &s->tree;
    const pomdp_node *v = &t->nodes[node];
    double weight = 0.0;
    for (uint32_t i = v->first_particle; i < v->first_particle + v->n_particles; i++) {
        weight += t->particle_weight[i];
    }
    if (fabs(weight - t->weight[node]) > tolerance) {
        return "a node's weight is not its particles'";
    }
    if (!(t->floor[node] <= t->lower[node]) || !(t->lower[node] <= t->upper[node])) {
        return "a node's bounds are out of order";
    }
    if (v->depth > s->config.max_depth || v->n_particles == 0) {
        return "a node is too deep or empty";
    }
    if (v->first_edge == POMDP_NONE) {
        return NULL;
    }
    for (uint32_t a = 0; a < s->model.n_actions; a++) {
        const char *broken = t->edges[v->first_edge + a].node != node
                                 ? "an edge does not know its node"
                                 : check_edge(s, v->first_edge + a, tolerance);
        if (broken != NULL) {
            return broken;
        }
    }
    return NULL;
}

const char *pomdp_tree_check(const pomdp_solver *s)
{
    for (uint32_t v = 0; v < s->tree.used.n_nodes; v++) {
        const char *broken = check_node(s, v, 1e-9);
        if (broken != NULL) {
            return broken;
        }
    }
    return NULL;
}
