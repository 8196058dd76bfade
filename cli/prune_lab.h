/** @file prune_lab.h Root beliefs and tree nodes outside of a drive, to see what pruning does: root
 * beliefs are drawn from episodes of the greedy network, nodes from searches of them, and each may
 * be searched again, longer and without pruning. Ownership: create/destroy; the setting is
 * borrowed. Threads: one user. Allocation: in create only. Determinism: a function of (setting,
 * model, seed) but for times. */
#ifndef PRUNE_LAB_H
#define PRUNE_LAB_H

#include "cli/drive_task.h"
#include "pomdp/car/car_leaf.h"
#include "pomdp/pomdp_solver.h"

typedef struct prune_lab prune_lab;

/** One node, what the network says of it, and what a long search finds there. */
typedef struct prune_node {
    policy_node_sample said;
    double found_upper; /* the long search's upper bound; the lower one is the outcome */
} prune_node;

HP_NODISCARD hp_status prune_lab_create(drive_setting *setting, prune_lab **out, hp_error *error);
void prune_lab_destroy(prune_lab **lab);

/** Plays an episode of the stream and keeps the belief of one decision, all alike likely, in
 *  which there is somebody to reckon with. False: there was none. */
bool prune_lab_play(prune_lab *lab, hp_rng stream, uint32_t episode);
/** Searches the belief. method and thresholds are those of the setting's pomdp.prune; off: alone.
 *  cpu_ns: of the search. HP_EINVAL: it cannot be searched. */
HP_NODISCARD hp_status prune_lab_search(prune_lab *lab, bool prunes, const pomdp_budget *budget,
                                        pomdp_plan *plan, int64_t *cpu_ns);
/** Steps that a search like the last one may take on the road. */
uint64_t prune_lab_steps(const prune_lab *lab);
/** Looks at the belief as the planner glances before a search. True: it would settle the decision,
 *  as *plan says. */
bool prune_lab_glance(prune_lab *lab, pomdp_plan *plan);
/** Searches the belief alone, draws one of the leaves that the search came to, and searches that
 *  one with so many trials. False: it came to no leaf, or the network says nothing of it. */
bool prune_lab_label(prune_lab *lab, uint32_t trials, uint32_t label_trials, hp_rng stream,
                     prune_node *node);
/** Searches the belief with pruning, draws one of the leaves that were pruned, and searches that.
 */
bool prune_lab_audit(prune_lab *lab, uint32_t trials, uint32_t label_trials, hp_rng stream,
                     prune_node *node);
/** The word about a node, on the search's scale, is farther from what was found there than
 *  pomdp.prune.value_tolerance. */
bool prune_lab_is_off(const prune_lab *lab, const prune_node *node);
/** The samples that calibrate, for the caller to free; NULL: none, or no memory. */
policy_sample *prune_lab_samples(const prune_lab *lab, uint32_t *n);
/** What hyplan-pomdp would complain of. NULL: nothing. */
const char *prune_lab_note(const prune_lab *lab);
uint64_t prune_lab_model_hash(const prune_lab *lab);
uint32_t prune_lab_scenario(const prune_lab *lab);

#endif
