/** @file policy_ppo.h Proximal policy optimisation with generalised advantages, Adam, and linear
 *  schedules, over any policy_task.
 *
 *  Actor and critic are two networks of the same shape but for their outputs. Arrays are
 *  [step][environment]; a minibatch's advantages are normalised by themselves; the gradient is
 *  bounded over all parameters together.
 *  Ownership: create/destroy; task and ctx are borrowed. Threads: one user; the
 *  environments of a stretch are played by n_threads.
 *  Allocation: in create only. Determinism: a function of (config, task, seed) on one machine and
 *  binary; policy_ppo_state is all that a checkpoint needs between iterations. */
#ifndef POLICY_PPO_H
#define POLICY_PPO_H

#include "policy/policy_loss.h"
#include "policy/policy_net.h"
#include "policy/policy_task.h"

typedef struct policy_ppo_config {
    uint32_t n_envs, horizon; /* a stretch: horizon steps in each environment */
    uint32_t epochs, minibatch;
    uint64_t total_steps; /* in all environments; schedules end here */
    double learning_rate;
    double final_rate;    /* share of the learning rate at the end of the schedule */
    double final_clip;    /* the same of the clip */
    double final_entropy; /* and of the entropy's weight */
    double discount, gae_lambda;
    double clip, entropy, value_weight;
    double max_norm;     /* of the gradient */
    double crash_weight; /* the actor avoids crashes by so much more than rewards say */
    double reward_scale; /* rewards are learned times this */
    double log_std;      /* of a continuous action at the start */
    uint32_t n_encode, n_hidden, hidden[POLICY_MAX_HIDDEN];
    policy_activation activation;
    uint32_t n_heads, n_quantiles; /* of the critic, see policy_loss.h */
    uint32_t n_threads; /* environments are shared out among so many; changes nothing else */
} policy_ppo_config;

/** Of the last iteration. Returns are sums of unscaled rewards of episodes that ended in it. */
typedef struct policy_ppo_stats {
    uint64_t steps; /* so far */
    uint32_t episodes;
    double mean_return, mean_length, crash_share; /* NAN if none ended */
    double learning_rate, kl, clipped, entropy, value_loss, grad_norm;
    double explained;    /* 1 - variance of what the critic missed / variance of returns */
    policy_losses first; /* of the first minibatch, where old and new policy are one */
} policy_ppo_stats;

typedef struct policy_ppo policy_ppo;

/** Everything that training goes on from, but for the environments, which start new episodes. */
typedef struct policy_ppo_state {
    size_t n_params;
    policy_real *params, *m, *v; /* [n_params], owned by the trainer */
    uint64_t *iterations, *updates;
} policy_ppo_state;

HP_NODISCARD hp_status policy_ppo_create(const policy_ppo_config *config, const policy_task *task,
                                         uint64_t seed, policy_ppo **out, hp_error *error);
void policy_ppo_destroy(policy_ppo **ppo);
/** One stretch and its epochs. HP_EINVAL if numbers are no longer finite. */
HP_NODISCARD hp_status policy_ppo_iterate(policy_ppo *ppo, policy_ppo_stats *stats);
bool policy_ppo_done(const policy_ppo *ppo);
policy_ppo_state policy_ppo_state_of(policy_ppo *ppo);
const policy_shape *policy_ppo_actor(const policy_ppo *ppo);
const policy_shape *policy_ppo_critic(const policy_ppo *ppo);
/** Where the critic's parameters begin; the actor's begin at 0. */
size_t policy_ppo_critic_at(const policy_ppo *ppo);

/** Returns [episodes] of the greedy policy; crashes may be NULL. */
void policy_ppo_evaluate(policy_ppo *ppo, uint64_t seed, uint32_t episodes, double *returns,
                         uint32_t *crashes);
/** Mean of the critic's heads for one row, in scaled rewards. */
double policy_ppo_value(policy_ppo *ppo, const float *row);

#endif
