/** @file car_leaf.h A driving network as the search's evaluator: tree nodes become the rows of
 * features that it was trained on, its answers become opinions (pomdp_prune.h).
 *
 *  The scene is encoded once per decision; a node adds a look at it: where everybody is by then, by
 * its particles. The network is asked here, or elsewhere by a call (car_remote); both give the same
 * bits. It works only with the errors that belong to network, search and mix of scenes. Without
 * them, or without a network, there is no pruning and car_leaf_note says why. Where a vehicle may
 * be in the ego's way, or the speed limit is another, which the network was never trained for,
 * nothing is pruned either, nor while the ego stands or creeps. Ownership: create/destroy; config
 * and remote are borrowed. Threads: one user. Allocation: in create and configure only.
 * Determinism: bit-identical for one kind of kernel. */
#ifndef CAR_LEAF_H
#define CAR_LEAF_H

#include "policy/policy_config.h"
#include "policy/policy_encoder.h"
#include "policy/policy_infer.h"
#include "policy/policy_nodes.h"
#include "pomdp/car/car_model.h"

/** What comes back for rows. */
typedef struct car_values {
    policy_answer *answers; /* [n], the caller's, to be filled */
    uint64_t model_hash;    /* of the network that answered */
    int64_t network_ns;     /* wall time that it took itself */
} car_values;

/** What a network is asked: looks at a scene, see policy_encoder.h. */
typedef struct car_question {
    uint32_t n, n_look, n_scene; /* n_scene may be 0 */
    const float *looks;          /* [n][n_look] */
    const float *scene;          /* [n_scene], the same for all questions of a decision */
} car_question;

/** Looks are answered elsewhere, by a network with the encoder of policy.encoder. */
typedef struct car_remote {
    /** Anything but HP_OK: no answers. */
    hp_status (*ask)(void *ctx, const car_question *question, int64_t deadline_ns, car_values *out);
    void *ctx;
} car_remote;

typedef struct car_leaf_setup {
    const car_config *config;
    const policy_config *policy;
    const car_remote *remote; /* NULL: the network is loaded here */
} car_leaf_setup;

/** What valuing cost since car_leaf_begin. */
typedef struct car_leaf_times {
    int64_t network_ns, transport_ns; /* wall time */
} car_leaf_times;

typedef struct car_leaf car_leaf;

/** HP_ENOMEM alone fails: whatever else is wrong makes a leaf that values nothing. */
HP_NODISCARD hp_status car_leaf_create(const car_leaf_setup *setup, car_leaf **out);
void car_leaf_destroy(car_leaf **leaf);
/** Takes the thresholds in config anew. HP_ENOMEM: then it values nothing, and says so. */
hp_status car_leaf_configure(car_leaf *leaf);
/** Why it does not prune although it was asked to; NULL: nothing is wrong. */
const char *car_leaf_note(const car_leaf *leaf);

/** A new decision; scene is of this request and stays until the next. The evaluator for its search,
 *  or NULL: search without one. */
const pomdp_evaluator *car_leaf_begin(car_leaf *leaf, const hp_plan_request *request,
                                      const car_scene *scene);
/** The network's answers to leaves of the decision, n <= POMDP_MAX_WAITING, and nothing else. */
HP_NODISCARD hp_status car_leaf_ask(car_leaf *leaf, const pomdp_leaf *leaves, uint32_t n,
                                    int64_t deadline_ns, policy_answer *answers);
/** What a calibration keeps of a leaf; the outcome is 0. */
policy_node_sample car_leaf_sample(const policy_answer *answer, const pomdp_leaf *node,
                                   double ttc_s);
/** The word about a leaf on the search's scale. */
policy_sample car_leaf_value(const car_leaf *leaf, const policy_node_sample *said);
/** The samples that calibrate under the thresholds in force, into out [cap]; NULL: how many at
 * most. */
uint32_t car_leaf_samples(const car_leaf *leaf, policy_sample *out);
/** Least time to a meeting over a leaf's particles, by constant velocities; INFINITY: none. */
double car_leaf_ttc_s(const car_scene *scene, const pomdp_leaf *leaf);
car_leaf_times car_leaf_spent(const car_leaf *leaf);

/** What errors of values belong to, besides network and scenes: the model and the search. */
uint64_t car_leaf_search_hash(const car_config *config);

#endif
