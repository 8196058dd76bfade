/** @file policy_loss.h The parts of proximal policy optimisation (Schulman et al., 2017) that are
 *  pure functions: advantages, and both networks' losses with their gradients.
 *  Ownership: borrows everything. Threads: pure. Allocation: none. */
#ifndef POLICY_LOSS_H
#define POLICY_LOSS_H

#include "policy/policy_real.h"

#include <stddef.h>

/** Outputs of the critic: for each head [mean, quantile 1, ..., quantile n_quantiles], then the log
 *  odds of a crash. Quantile k of n stands for the share (k - 1/2) / n. */
typedef struct policy_loss_config {
    uint32_t n_actions;
    bool continuous;
    double clip;    /* ratios beyond 1 +- clip earn nothing more */
    double entropy; /* weight of the actor's entropy */
    uint32_t n_heads, n_quantiles;
    double value_weight;
} policy_loss_config;

static inline uint32_t policy_critic_out(uint32_t n_heads, uint32_t n_quantiles)
{
    return n_heads * (1 + n_quantiles) + 1;
}

/** What both losses look at; n rows. */
typedef struct policy_batch {
    uint32_t n;
    const policy_real *action;    /* [n] index as a number, or [n][n_actions] */
    const policy_real *old_logp;  /* [n] of that action when it was taken */
    const policy_real *advantage; /* [n] normalised over the batch */
    const policy_real *target;    /* [n] discounted return */
    const policy_real *crash;     /* [n] probability of a crash from here on */
    const uint8_t *heads;         /* [n] bit h: head h learns from this row */
} policy_batch;

/** Means over the batches since they were zeroed, each batch weighing n. */
typedef struct policy_losses {
    double policy, entropy, value, crash;
    double kl;      /* estimate of the divergence from the old policy: mean of ratio - 1 - log */
    double clipped; /* share of ratios beyond the clip */
    double total;   /* what the gradients belong to */
    double n;
} policy_losses;

/** out: logits or means [n][n_actions]. Writes d_out; adds to d_log_std [n_actions] if continuous
 *  (log_std NULL otherwise). */
void policy_loss_actor(const policy_loss_config *config, const policy_batch *batch,
                       const policy_real *out, const policy_real *log_std, policy_real *d_out,
                       policy_real *d_log_std, policy_losses *losses);
/** out: [n][policy_critic_out]. Writes d_out. */
void policy_loss_critic(const policy_loss_config *config, const policy_batch *batch,
                        const policy_real *out, policy_real *d_out, policy_losses *losses);

/** Log probability of an action; action as in policy_batch. */
policy_real policy_logp(const policy_loss_config *config, const policy_real *out,
                        const policy_real *log_std, const policy_real *action);
/** Makes mean 0 and deviation 1 of x [n]. */
void policy_normalise(policy_real *x, uint32_t n);

/** A stretch of n_steps steps in each of n_envs environments, arrays [n_steps][n_envs]. */
typedef struct policy_stretch {
    uint32_t n_steps, n_envs;
    double discount, lambda;
    const policy_real *reward, *value;
    const uint8_t *terminated, *truncated;
    const policy_real *final_value; /* where truncated: value of what was seen last */
    const policy_real *last_value;  /* [n_envs] of what follows the stretch */
} policy_stretch;

/** Generalised advantages (Schulman et al., 2016). A sum never crosses an episode's end; there the
 *  value of what would follow is 0 if terminated and final_value if truncated. */
void policy_gae(const policy_stretch *stretch, policy_real *advantage);

#endif
