/** @file pomdp_internal.h The search's data and inner calls, for pomdp/ and its tests only.
 *
 *  A tree of beliefs. Node: a belief, a slice of the particle pool. Edge: an action taken in a
 * node; its children, one per observation, are neighbours in the pool. Indices are 32 bits wide,
 * pools grow by bumping a counter, and a new search begins with the counters at zero.
 *
 *  Bounds of nodes and edges are discounted to the root and weighted with the node's weight, so
 * that an edge is its reward plus the plain sum over its children, and the root's are true values.
 */
#ifndef POMDP_INTERNAL_H
#define POMDP_INTERNAL_H

#include "pomdp/pomdp_evaluator.h"
#include "pomdp/pomdp_solver.h"

#include <string.h>

#define POMDP_NONE UINT32_MAX
enum {
    POMDP_MAX_SCENARIOS = 8192,
    POMDP_MAX_DEPTH = 128,
    POMDP_MAX_ROLLOUT = 256,
    POMDP_MAX_NODES = 1 << 26,
    POMDP_MAX_PARTICLES = 1 << 28,
    POMDP_MAX_STATE = 65536,  /* bytes */
    POMDP_BATCH = 8192,       /* particles stepped together, K at least */
    POMDP_CLOCK_EVERY = 2048, /* particle steps between two looks at the clock */
};

enum { POMDP_UNVALUED, POMDP_WAITING, POMDP_VALUED, POMDP_CLOSED };

typedef struct pomdp_node {
    uint32_t parent_edge; /* POMDP_NONE at the root */
    uint32_t first_edge;  /* of n_actions neighbours; POMDP_NONE until expanded */
    uint32_t first_particle, n_particles;
    uint32_t depth;
    uint16_t valued;    /* by the evaluator: POMDP_UNVALUED and so on */
    uint16_t preferred; /* action that wins ties; 0 is what would win anyway */
} pomdp_node;

typedef struct pomdp_edge {
    double reward;        /* of the step, without lambda */
    double lower, upper;  /* less lambda */
    double utility;       /* upper without lambda */
    uint32_t node;        /* where it starts */
    uint32_t first_child; /* POMDP_NONE until the action is stepped; 0 where nobody lived on */
    uint32_t n_children;
} pomdp_edge;

typedef struct pomdp_mark {
    uint32_t n_nodes, n_edges, n_particles;
} pomdp_mark;

typedef struct pomdp_tree {
    pomdp_mark used, capacity;
    pomdp_node *nodes;
    double *lower, *upper; /* [nodes] */
    double *weight;        /* [nodes] probability of getting there, root 1 */
    double *floor;         /* [nodes] the default policy's value: L at birth */
    double *utility;       /* [nodes] U without lambda, what blocking compares */
    double *error;         /* [nodes] of leaves that were pruned: how far off they may be */
    pomdp_edge *edges;
    unsigned char *states;   /* [particles][state_size] */
    double *particle_weight; /* [particles] */
    uint32_t *scenario;      /* [particles] */
} pomdp_tree;

/** Room to step a batch of particles. */
typedef struct pomdp_batch {
    uint32_t capacity;     /* particles */
    unsigned char *states; /* [capacity][state_size] */
    uint32_t *actions;
    uint64_t *keys;
    uint32_t *index;  /* which particle of the block each row is */
    double *returned; /* [capacity] by particle of the block */
    double *hook;     /* [capacity] what tail and upper give */
    pomdp_steps out;
} pomdp_batch;

/** Groups equal keys: an open-addressing table emptied by raising its stamp. */
typedef struct pomdp_slot {
    uint64_t key;
    uint32_t stamp, group;
} pomdp_slot;

typedef struct pomdp_partition {
    pomdp_slot *slots;  /* [mask + 1] */
    uint32_t mask;      /* power of two - 1, at least twice the particles */
    uint32_t stamp;     /* entries of other stamps are empty */
    uint32_t *group_of; /* [n] POMDP_NONE for those left out */
    uint32_t *count;    /* [groups] members */
    uint32_t n_groups;
} pomdp_partition;

/** The tree of POMCP: a node is what was done and seen, its arms are neighbours. */
typedef struct pomdp_arm {
    double mean; /* of the returns from here, discounted to here */
    uint32_t visits;
} pomdp_arm;

/** Which node follows an arm and an observation: an open-addressing table emptied by its stamp. */
typedef struct pomdp_history {
    uint64_t obs;
    uint32_t arm, node, stamp;
} pomdp_history;

typedef struct pomdp_pomcp {
    uint32_t n_nodes, max_nodes;
    uint32_t *visits;     /* [max_nodes] */
    pomdp_arm *arms;      /* [max_nodes][n_actions] */
    pomdp_history *slots; /* [mask + 1], at least twice the nodes */
    uint32_t mask, stamp;
    double *cumulated;  /* [K] weights of the root's particles */
    double exploration; /* of UCB1: the root's first gap, the scale of what is at stake */
} pomdp_pomcp;

typedef struct pomdp_count {
    uint32_t expansions, depth;
    uint64_t steps_tree, steps_rollout, steps_bounds;
    uint32_t evaluated, pruned, refused, batches, reopened; /* leaves, by the evaluator */
} pomdp_count;

/** Leaves that trials left for the evaluator. */
typedef struct pomdp_waiting {
    uint32_t node[POMDP_MAX_WAITING];
    uint32_t n;
} pomdp_waiting;

struct pomdp_solver {
    pomdp_model model; /* a copy of the table; ctx stays borrowed */
    pomdp_config config;
    pomdp_tree tree;
    pomdp_batch batch;
    pomdp_partition partition;
    pomdp_pomcp pomcp;      /* of that algorithm only */
    uint64_t *scenario_key; /* [K] a stream per scenario */
    uint64_t *step_keys;    /* [max_depth + rollout_depth][K] its words, as far as drawn */
    uint32_t n_step_keys;   /* depths drawn in this search */
    double *discount;       /* [max_depth + 1] powers */
    void *slab;             /* everything above lies in it */
    size_t slab_bytes;

    const pomdp_evaluator *evaluator; /* borrowed, may be NULL */

    /* of the search under way */
    pomdp_waiting waiting;
    uint32_t pruned_at[POMDP_PLAN_DEPTHS];
    bool starved; /* a trial found nothing but waiting leaves where it wanted to go */
    pomdp_budget budget;
    bool may_be_late; /* false while the root is prepared, and without a deadline */
    bool pool_full;
    uint32_t unclocked_steps;
    pomdp_count count;
};

static inline void *pomdp_state_at(const pomdp_solver *s, unsigned char *states, size_t i)
{
    return states + i * s->model.state_size;
}

/** Small states are copied word by word in place: a call per particle would cost more. */
static inline void pomdp_state_copy(void *restrict to, const void *restrict from, size_t size)
{
    if (size > 64 || size % sizeof(uint64_t) != 0) {
        memcpy(to, from, size);
        return;
    }
    for (size_t i = 0; i < size; i += sizeof(uint64_t)) {
        memcpy((unsigned char *)to + i, (const unsigned char *)from + i, sizeof(uint64_t));
    }
}

/** The keys of all scenarios' steps at a depth: the same for every action and node. Only of depths
 *  below n_step_keys. */
static inline const uint64_t *pomdp_keys_at(const pomdp_solver *s, uint32_t depth)
{
    return &s->step_keys[(size_t)depth * s->config.n_scenarios];
}

/** Cuts every pool out of one block, sized by model and config. HP_OK or HP_ENOMEM. */
HP_NODISCARD hp_status pomdp_memory_reserve(pomdp_solver *s);

/** Counts work and looks at the clock now and then; true once the deadline has passed. */
bool pomdp_solver_late(pomdp_solver *s, uint32_t steps);

/** Draws the root's K particles into the empty tree: node 0, without bounds. */
HP_NODISCARD hp_status pomdp_scenario_draw(pomdp_solver *s, const pomdp_particles *belief,
                                           hp_rng stream);

/** Draws the scenarios' keys of all depths below n. */
void pomdp_scenario_reach(pomdp_solver *s, uint32_t n);

/** Groups obs[i] of the particles with skip[i] == 0, groups numbered by first appearance. */
void pomdp_partition_run(pomdp_partition *p, const uint64_t *obs, const uint8_t *skip, uint32_t n);

/** Follows the default policy from n particles of the pool, in lockstep; batch.returned[i] is the
 *  return of particle first + i. n <= batch.capacity. HP_OK or HP_EDEADLINE. */
HP_NODISCARD hp_status pomdp_rollout_run(pomdp_solver *s, uint32_t first, uint32_t n,
                                         uint32_t depth);

/** Gives the nodes [first, first + n), whose particles are neighbours in the pool, their first
 *  bounds. HP_OK or HP_EDEADLINE. */
HP_NODISCARD hp_status pomdp_bounds_init(pomdp_solver *s, uint32_t first, uint32_t n);
/** Puts a node's bounds back to its first ones; what was seen below it is for the caller. */
void pomdp_bounds_reset(pomdp_solver *s, uint32_t node);

/** Expands a node by all actions, or, lazily, with a bound for each. HP_OK; HP_EFULL or
 *  HP_EDEADLINE with the tree as it was. */
HP_NODISCARD hp_status pomdp_expand_node(pomdp_solver *s, uint32_t node);
/** Steps an edge's action, which was not yet. As above. */
HP_NODISCARD hp_status pomdp_expand_edge(pomdp_solver *s, uint32_t edge);
/** A node whose newest edges or children are beyond the counters: forgets them. */
void pomdp_expand_forget(pomdp_solver *s, uint32_t node);

/** Index of the edge with the largest upper (or lower) bound; ties to the preferred action where
 *  upper bounds count, then to the lowest. */
uint32_t pomdp_tree_best_edge(const pomdp_solver *s, uint32_t node, bool by_lower);
/** The child to explore: largest positive excess uncertainty; POMDP_NONE if there is none.
 *  Waiting leaves are passed over; *passed: there was one. */
uint32_t pomdp_tree_best_child(const pomdp_solver *s, uint32_t edge, double root_gap, bool *passed);
/** Recomputes an edge from its children, a node from its edges. */
void pomdp_tree_update_edge(pomdp_solver *s, uint32_t edge);
void pomdp_tree_update_node(pomdp_solver *s, uint32_t node);
/** Carries a node's bounds up to the root. */
void pomdp_tree_backup(pomdp_solver *s, uint32_t node);
/** Closes the node, and then its ancestors, while regularisation makes what lies below useless.
 *  True if the node was closed. */
bool pomdp_tree_close_blocked(pomdp_solver *s, uint32_t node);
/** NULL if every node and edge holds its invariants, otherwise which one broke. For tests. */
const char *pomdp_tree_check(const pomdp_solver *s);

/** Whether a trial must leave the node to the evaluator; puts it in the queue, which is not full;
 *  values all that wait and backs them up. */
bool pomdp_evaluate_wants(pomdp_solver *s, uint32_t node);
void pomdp_evaluate_later(pomdp_solver *s, uint32_t node);
void pomdp_evaluate_waiting(pomdp_solver *s);
/** Opens the pruned leaf on which the root's action hangs most; false if it hangs on none. */
bool pomdp_evaluate_reopen(pomdp_solver *s);

/** POMCP: an empty tree over the root's particles and bounds; one simulation; what it came to. The
 *  report leaves action and value as they are if no simulation was run. */
void pomdp_pomcp_begin(pomdp_solver *s);
void pomdp_pomcp_trial(pomdp_solver *s, hp_rng stream, uint32_t index);
void pomdp_pomcp_report(const pomdp_solver *s, pomdp_plan *plan);

/** A new search: the root expanded. HP_OK or HP_EINVAL as pomdp_solver_plan. */
HP_NODISCARD hp_status pomdp_solver_begin(pomdp_solver *s, const pomdp_particles *belief,
                                          hp_rng stream, const pomdp_budget *budget,
                                          double *gap_begin);
/** One trial: down from the root, expanding, and the backup. *progress: something changed. HP_OK;
 *  HP_EDEADLINE with the tree as before the trial. */
HP_NODISCARD hp_status pomdp_solver_trial(pomdp_solver *s, bool *progress);

#endif
