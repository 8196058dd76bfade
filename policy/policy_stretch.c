#include "policy/policy_ppo_internal.h"

#include <math.h>
#include <string.h>

static void begin_episode(policy_ppo *p, uint32_t e, float *row)
{
    const hp_rng lane = hp_rng_lane(hp_rng_lane(p->stream, LANE_EPISODE), e);
    /* A resumed run goes on with other episodes than it began with. */
    const hp_rng stream = hp_rng_lane(hp_rng_lane(lane, p->iterations), p->episodes[e]++);
    const uint64_t bits = hp_rng_u64(stream, UINT32_MAX);
    p->heads_now[e] = p->config.n_heads == 1 ? 1 : (uint8_t)(bits | bits >> 8);
    p->sums[e] = 0.0;
    p->lengths[e] = 0;
    p->task->reset(p->envs[e], stream, row);
}

/** Draws an action for one row of the actor's outputs. */
static void draw(const policy_ppo *p, const policy_real *out, hp_rng stream, policy_real *action)
{
    const uint32_t n = p->task->n_actions;
    if (p->task->continuous) {
        for (uint32_t i = 0; i < n; i++) {
            const double std = exp((double)policy_ppo_log_std(p)[i]);
            action[i] = (policy_real)((double)out[i] + std * hp_rng_normal(stream, i));
        }
        return;
    }
    double rest = hp_rng_unit(stream, 0);
    uint32_t i = 0;
    for (; i + 1 < n; i++) {
        const policy_real index = (policy_real)i;
        rest -= exp((double)policy_logp(&p->loss, out, NULL, &index));
        if (rest < 0.0) {
            break;
        }
    }
    action[0] = (policy_real)i;
}

/** One step of one environment; a chore of the crew. */
static void perform(void *ctx, uint32_t e)
{
    policy_ppo *p = ctx;
    const uint32_t n_envs = p->config.n_envs;
    const size_t at = (size_t)p->step * n_envs + e;
    const size_t row = policy_shape_row(&p->actor);
    const uint32_t width = policy_ppo_action_width(p);
    float action[POLICY_MAX_ACTIONS];
    float *next = p->rows + (at + n_envs) * row;
    policy_step step;
    for (uint32_t i = 0; i < width; i++) {
        action[i] = (float)p->action[at * width + i];
    }
    p->task->step(p->envs[e], action, &step, next);
    p->reward[at] = (policy_real)(p->config.reward_scale * step.reward);
    p->cost[at] = (policy_real)step.cost;
    p->terminated[at] = step.terminated ? 1 : 0;
    p->truncated[at] = step.truncated ? 1 : 0;
    p->heads[at] = p->heads_now[e];
    p->sums[e] += step.reward;
    p->lengths[e]++;
    if (step.terminated || step.truncated) {
        memcpy(p->final_rows + at * row, next, row * sizeof *next);
        p->ended[e].episodes++;
        p->ended[e].returns += p->sums[e];
        p->ended[e].lengths += p->lengths[e];
        p->ended[e].crashes += step.cost;
        begin_episode(p, e, next);
    }
}

/** The first row of a stretch; a chore of the crew. */
static void go_on(void *ctx, uint32_t e)
{
    policy_ppo *p = ctx;
    const size_t row = policy_shape_row(&p->actor);
    if (!p->begun) {
        begin_episode(p, e, p->rows + e * row);
    } else {
        memcpy(p->rows + e * row,
               p->rows + ((size_t)p->config.horizon * p->config.n_envs + e) * row,
               row * sizeof *p->rows);
    }
    p->ended[e] = (policy_ended){0};
}

static void choose(policy_ppo *p, uint32_t t)
{
    const uint32_t n_envs = p->config.n_envs;
    const size_t row = policy_shape_row(&p->actor);
    const size_t first = (size_t)t * n_envs;
    const uint32_t width = policy_ppo_action_width(p);
    const hp_rng lane = hp_rng_lane(hp_rng_lane(p->stream, LANE_ACTION), p->iterations);
    policy_to_reals(p->rows + first * row, n_envs * row, p->mb_rows);
    const policy_real *out = policy_net_forward(&p->actor_tape, p->adam.params, p->mb_rows, n_envs);
    for (uint32_t e = 0; e < n_envs; e++) {
        const policy_real *o = out + (size_t)e * p->task->n_actions;
        policy_real *action = p->action + (first + e) * width;
        draw(p, o, hp_rng_lane(lane, first + e), action);
        p->logp[first + e] = policy_logp(&p->loss, o, policy_ppo_log_std(p), action);
    }
}

void policy_stretch_play(policy_ppo *p, policy_ppo_stats *stats)
{
    const uint32_t n_envs = p->config.n_envs;
    hp_crew_run(p->crew, go_on, p, n_envs);
    p->begun = true;
    for (p->step = 0; p->step < p->config.horizon; p->step++) {
        choose(p, p->step);
        hp_crew_run(p->crew, perform, p, n_envs);
    }
    for (uint32_t e = 0; e < n_envs; e++) { /* in this order, whoever played them */
        stats->episodes += p->ended[e].episodes;
        stats->mean_return += p->ended[e].returns;
        stats->mean_length += p->ended[e].lengths;
        stats->crash_share += p->ended[e].crashes;
    }
}

/** Mean of the heads, and the probability of a crash, of one row of the critic's outputs. */
static void read_critic(const policy_ppo *p, const policy_real *out, policy_real *value,
                        policy_real *crash)
{
    const uint32_t heads = p->config.n_heads;
    const uint32_t per_head = 1 + p->config.n_quantiles;
    policy_real sum = 0;
    for (uint32_t h = 0; h < heads; h++) {
        sum += out[h * per_head];
    }
    *value = sum / (policy_real)heads;
    *crash = (policy_real)(1.0 / (1.0 + exp(-(double)out[heads * per_head])));
}

/** The critic over rows [n], a minibatch at a time. */
static void judge(policy_ppo *p, const float *rows, size_t n, policy_real *value,
                  policy_real *crash)
{
    const size_t row = policy_shape_row(&p->critic);
    const uint32_t most = p->critic_tape.max_rows;
    for (size_t i = 0; i < n; i += most) {
        const uint32_t some = (uint32_t)(n - i < most ? n - i : most);
        policy_to_reals(rows + i * row, some * row, p->mb_rows);
        const policy_real *out =
            policy_net_forward(&p->critic_tape, p->adam.params + p->critic_at, p->mb_rows, some);
        for (uint32_t k = 0; k < some; k++) {
            read_critic(p, out + (size_t)k * p->critic.n_out, &value[i + k], &crash[i + k]);
        }
    }
}

double policy_ppo_value(policy_ppo *p, const float *row)
{
    policy_real value;
    policy_real crash;
    judge(p, row, 1, &value, &crash);
    return (double)value;
}

void policy_stretch_judge(policy_ppo *p)
{
    const uint32_t n_envs = p->config.n_envs;
    const size_t n = (size_t)p->config.horizon * n_envs;
    const size_t row = policy_shape_row(&p->critic);
    judge(p, p->rows, n, p->value, p->crash);
    judge(p, p->rows + n * row, n_envs, p->last_value, p->last_crash);
    for (size_t i = 0; i < n; i++) {
        if (p->truncated[i] != 0) {
            judge(p, p->final_rows + i * row, 1, &p->final_value[i], &p->final_crash[i]);
        }
    }
    policy_stretch s = {.n_steps = p->config.horizon,
                        .n_envs = n_envs,
                        .discount = p->config.discount,
                        .lambda = p->config.gae_lambda,
                        .reward = p->reward,
                        .value = p->value,
                        .terminated = p->terminated,
                        .truncated = p->truncated,
                        .final_value = p->final_value,
                        .last_value = p->last_value};
    policy_gae(&s, p->advantage);
    /* A crash is a reward of one, undiscounted: its value is the probability to crash. */
    s.discount = 1.0;
    s.reward = p->cost;
    s.value = p->crash;
    s.final_value = p->final_crash;
    s.last_value = p->last_crash;
    policy_gae(&s, p->crash_target);
    for (size_t i = 0; i < n; i++) {
        p->target[i] = p->advantage[i] + p->value[i];
        p->advantage[i] -= (policy_real)p->config.crash_weight * p->crash_target[i];
        const policy_real crash = p->crash_target[i] + p->crash[i];
        p->crash_target[i] = crash < 0 ? 0 : (crash > 1 ? 1 : crash);
    }
}

void policy_ppo_evaluate(policy_ppo *p, uint64_t seed, uint32_t episodes, double *returns,
                         uint32_t *crashes)
{
    const hp_rng lane = hp_rng_lane(hp_rng_seed(seed), LANE_EVALUATE);
    void *env = p->envs[p->config.n_envs];
    const size_t row = policy_shape_row(&p->actor);
    const uint32_t n = p->task->n_actions;
    float *seen = p->final_rows; /* free between iterations */
    float action[POLICY_MAX_ACTIONS];
    uint32_t crashed = 0;
    for (uint32_t i = 0; i < episodes; i++) {
        policy_step step = {0};
        returns[i] = 0.0;
        p->task->reset(env, hp_rng_lane(lane, i), seen);
        while (!step.terminated && !step.truncated) {
            policy_to_reals(seen, row, p->mb_rows);
            const policy_real *out =
                policy_net_forward(&p->actor_tape, p->adam.params, p->mb_rows, 1);
            uint32_t best = 0;
            for (uint32_t k = 0; k < n; k++) {
                best = out[k] > out[best] ? k : best;
                action[k] = (float)out[k];
            }
            action[0] = p->task->continuous ? action[0] : (float)best;
            p->task->step(env, action, &step, seen);
            returns[i] += step.reward;
        }
        crashed += step.cost > 0.0 ? 1 : 0;
    }
    if (crashes != NULL) {
        *crashes = crashed;
    }
}
