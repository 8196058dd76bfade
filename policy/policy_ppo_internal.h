/** @file policy_ppo_internal.h The trainer's insides, for the files that it is made of:
 *  policy_ppo.c builds and learns, policy_stretch.c plays and judges.
 *  Ownership, threads, determinism, allocation: as policy_ppo.h says. */
#ifndef POLICY_PPO_INTERNAL_H
#define POLICY_PPO_INTERNAL_H

#include "common/hp_crew.h"
#include "policy/policy_adam.h"
#include "policy/policy_ppo.h"

/** Streams of random numbers: what for, then iteration or environment, then step or episode. */
enum { LANE_INIT, LANE_EPISODE, LANE_ACTION, LANE_SHUFFLE, LANE_EVALUATE };

/** Episodes of one environment that ended in this stretch, added up. */
typedef struct policy_ended {
    uint32_t episodes;
    double returns, lengths, crashes;
} policy_ended;

struct policy_ppo {
    policy_ppo_config config;
    policy_loss_config loss;
    const policy_task *task;
    hp_rng stream;
    policy_shape actor, critic;
    policy_tape actor_tape, critic_tape;
    size_t log_std_at, critic_at;
    policy_adam adam;
    uint64_t iterations;
    hp_crew *crew;
    /* environments */
    void **envs;        /* [n_envs + 1]: the last one is for evaluation */
    uint64_t *episodes; /* [n_envs] begun so far in this process */
    double *sums;       /* [n_envs] of the running episode */
    uint32_t *lengths;
    policy_ended *ended; /* [n_envs] in this stretch */
    uint32_t step;       /* of the stretch, while it is played */
    uint8_t *heads_now;  /* [n_envs] which heads learn from the running episode */
    bool begun;
    /* one stretch, [horizon][n_envs]; rows have one more step: what follows */
    float *rows, *final_rows;
    policy_real *action, *logp, *reward, *cost, *value, *crash, *final_value, *final_crash;
    policy_real *advantage, *target, *crash_target;
    uint8_t *terminated, *truncated, *heads;
    policy_real *last_value, *last_crash; /* [n_envs] */
    /* one minibatch */
    uint32_t *order; /* [horizon * n_envs] */
    policy_real *mb_rows, *mb_action, *mb_logp, *mb_advantage, *mb_target, *mb_crash;
    uint8_t *mb_heads;
};

/** Numbers that make one action. */
static inline uint32_t policy_ppo_action_width(const policy_ppo *p)
{
    return p->task->continuous ? p->task->n_actions : 1;
}

static inline const policy_real *policy_ppo_log_std(const policy_ppo *p)
{
    return p->adam.params + p->log_std_at;
}

static inline void policy_to_reals(const float *from, size_t n, policy_real *to)
{
    for (size_t i = 0; i < n; i++) {
        to[i] = (policy_real)from[i];
    }
}

/** Plays one stretch with actions drawn at random. */
void policy_stretch_play(policy_ppo *ppo, policy_ppo_stats *stats);
/** Advantages and targets of the stretch. */
void policy_stretch_judge(policy_ppo *ppo);

#endif
