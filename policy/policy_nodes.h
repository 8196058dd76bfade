/** @file policy_nodes.h What the network said of tree nodes and what long searches found there, and
 * what follows for its word about other nodes.
 *
 *  A network learns returns of the road; a search asks for values by its own model of traffic, of
 *  those nodes that it finds hard. The two differ by more than any tolerance, so the word is first
 *  brought to the search's scale (policy_scale): a ridge regression on the share p of the way from
 *  the node's lower to its upper bound at which the long search's value lies, and another on how
 * far the first one is off, which is the score of calibration (policy_calib.h).
 *
 *  The file holds the nodes themselves, so that tolerance, risk and level may be chosen while
 * driving: the first n_fit, of which an episode may give several, are for the regression; of the
 * others every one is of an episode of its own, so that they are independent: they calibrate. They
 * belong to one network, one search and one mix of scenes, whose hashes they carry. Ownership:
 * policy_nodes owns its items. Threads: read only. Allocation: while reading. Determinism: the fit
 * is a function of the nodes. */
#ifndef POLICY_NODES_H
#define POLICY_NODES_H

#include "policy/policy_calib.h"

enum { POLICY_MAX_NODES = 1 << 20, POLICY_BASIS = 29 };

typedef struct policy_node_sample {
    double value, spread, width, crash_p; /* the network's word */
    double lower, upper;                  /* the search's bounds before it asked */
    double depth, ttc_s, particles;
    double outcome; /* what a long search found: its lower bound */
} policy_node_sample;

typedef struct policy_nodes {
    uint64_t model_hash, search_hash, mix_hash;
    uint32_t n_fit, n; /* the first n_fit of n */
    policy_node_sample *items;
} policy_nodes;

/** DIR/FILE as safetensors. */
HP_NODISCARD hp_status policy_nodes_write(const policy_nodes *nodes, const char *dir,
                                          const char *file, hp_error *error);
/** HP_ENOENT, or HP_ECONFIG for a file that holds anything else. */
HP_NODISCARD hp_status policy_nodes_read(const char *path, policy_nodes *out, hp_error *error);
void policy_nodes_destroy(policy_nodes *nodes);

/** From a network's word to a value on the search's scale, and how far that may be off. */
typedef struct policy_scale {
    double share[POLICY_BASIS], error[POLICY_BASIS];
} policy_scale;

/** HP_EINVAL: fewer nodes than unknowns. */
HP_NODISCARD hp_status policy_scale_fit(const policy_node_sample *nodes, uint32_t n,
                                        policy_scale *out);
/** value in [lower, upper], score > 0; outcome is the node's. */
policy_sample policy_scale_apply(const policy_scale *scale, const policy_node_sample *node);

#endif
