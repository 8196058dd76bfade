#include "policy/policy_ppo_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/** One block of memory for an array; remembers failure. */
static void *array(bool *whole, size_t n, size_t size)
{
    void *a = calloc(n > 0 ? n : 1, size);
    *whole = *whole && a != NULL;
    return a;
}

static bool reserve(policy_ppo *p)
{
    const size_t n = (size_t)p->config.horizon * p->config.n_envs;
    const size_t envs = p->config.n_envs;
    const size_t row = policy_shape_row(&p->actor);
    const size_t mb = p->config.minibatch;
    const size_t width = policy_ppo_action_width(p);
    const size_t real = sizeof(policy_real);
    bool whole = true;
    p->envs = array(&whole, envs + 1, sizeof *p->envs);
    p->episodes = array(&whole, envs, sizeof *p->episodes);
    p->sums = array(&whole, envs, sizeof *p->sums);
    p->lengths = array(&whole, envs, sizeof *p->lengths);
    p->ended = array(&whole, envs, sizeof *p->ended);
    p->heads_now = array(&whole, envs, 1);
    p->rows = array(&whole, (n + envs) * row, sizeof(float));
    p->final_rows = array(&whole, n * row, sizeof(float));
    p->action = array(&whole, n * width, real);
    policy_real **const by_step[] = {&p->logp,   &p->reward,      &p->cost,        &p->value,
                                     &p->crash,  &p->final_value, &p->final_crash, &p->advantage,
                                     &p->target, &p->crash_target};
    for (size_t i = 0; i < sizeof by_step / sizeof by_step[0]; i++) {
        *by_step[i] = array(&whole, n, real);
    }
    p->terminated = array(&whole, n, 1);
    p->truncated = array(&whole, n, 1);
    p->heads = array(&whole, n, 1);
    p->last_value = array(&whole, envs, real);
    p->last_crash = array(&whole, envs, real);
    p->order = array(&whole, n, sizeof *p->order);
    p->mb_rows = array(&whole, (mb > envs ? mb : envs) * row, real);
    p->mb_action = array(&whole, mb * width, real);
    policy_real **const by_row[] = {&p->mb_logp, &p->mb_advantage, &p->mb_target, &p->mb_crash};
    for (size_t i = 0; i < sizeof by_row / sizeof by_row[0]; i++) {
        *by_row[i] = array(&whole, mb, real);
    }
    p->mb_heads = array(&whole, mb, 1);
    return whole;
}

void policy_ppo_destroy(policy_ppo **ppo)
{
    policy_ppo *p = *ppo;
    *ppo = NULL;
    if (p == NULL) {
        return;
    }
    for (uint32_t i = 0; p->envs != NULL && i <= p->config.n_envs; i++) {
        if (p->envs[i] != NULL) {
            p->task->destroy(p->envs[i]);
        }
    }
    policy_tape_destroy(&p->actor_tape);
    policy_tape_destroy(&p->critic_tape);
    policy_adam_destroy(&p->adam);
    hp_crew_destroy(&p->crew);
    void *const arrays[] = {p->envs,      p->episodes,     p->sums,        p->lengths,
                            p->heads_now, p->rows,         p->final_rows,  p->action,
                            p->logp,      p->reward,       p->cost,        p->value,
                            p->crash,     p->final_value,  p->final_crash, p->advantage,
                            p->target,    p->crash_target, p->terminated,  p->truncated,
                            p->heads,     p->last_value,   p->last_crash,  p->order,
                            p->mb_rows,   p->mb_action,    p->mb_logp,     p->mb_advantage,
                            p->mb_target, p->mb_crash,     p->mb_heads,    p->ended};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++) {
        free(arrays[i]);
    }
    free(p);
}

static hp_status check(const policy_ppo_config *c, const policy_task *task, hp_error *error)
{
    const uint64_t n = (uint64_t)c->horizon * c->n_envs;
    if (c->n_envs == 0 || c->horizon == 0 || c->epochs == 0 || n > 1U << 24 || c->minibatch == 0 ||
        c->minibatch > n || c->n_heads == 0 || c->n_heads > 8 || task->n_actions == 0 ||
        task->n_actions > POLICY_MAX_ACTIONS) {
        return hp_fail(error, HP_EINVAL,
                       "%s: %u environments, %u steps, %u epochs, minibatches of %u, %u heads do "
                       "not fit together",
                       task->name, c->n_envs, c->horizon, c->epochs, c->minibatch, c->n_heads);
    }
    return HP_OK;
}

static hp_status build(policy_ppo *p, hp_error *error)
{
    const policy_ppo_config *c = &p->config;
    const policy_task *task = p->task;
    const uint32_t most = c->minibatch > c->n_envs ? c->minibatch : c->n_envs;
    p->actor = (policy_shape){.n_plain = task->n_plain,
                              .n_slots = task->n_slots,
                              .n_slot = task->n_slot,
                              .n_merge = task->n_merge,
                              .n_encode = task->n_slots > 0 ? c->n_encode : 0,
                              .n_hidden = c->n_hidden,
                              .n_out = task->n_actions,
                              .activation = c->activation};
    memcpy(p->actor.hidden, c->hidden, sizeof p->actor.hidden);
    p->critic = p->actor;
    p->critic.n_out = policy_critic_out(c->n_heads, c->n_quantiles);
    hp_status st = policy_tape_create(&p->actor, most, &p->actor_tape);
    if (st == HP_OK) {
        st = policy_tape_create(&p->critic, most, &p->critic_tape);
    }
    if (st != HP_OK) {
        return hp_fail(error, st, "%s: no such network: %s", task->name, hp_status_text(st));
    }
    p->log_std_at = p->actor_tape.layers.n_params;
    p->critic_at = p->log_std_at + (task->continuous ? task->n_actions : 0);
    st = policy_adam_create(p->critic_at + p->critic_tape.layers.n_params, &p->adam);
    if (st != HP_OK || !reserve(p)) {
        return hp_fail(error, HP_ENOMEM, "%s: no memory for the trainer", task->name);
    }
    st = hp_crew_create(c->n_threads, &p->crew);
    if (st != HP_OK) {
        return hp_fail(error, st, "%s: %u threads: %s", task->name, c->n_threads,
                       hp_status_text(st));
    }
    for (uint32_t i = 0; st == HP_OK && i <= c->n_envs; i++) {
        st = task->create(task->ctx, i, &p->envs[i], error);
    }
    return st;
}

hp_status policy_ppo_create(const policy_ppo_config *config, const policy_task *task, uint64_t seed,
                            policy_ppo **out, hp_error *error)
{
    *out = NULL;
    hp_status st = check(config, task, error);
    if (st != HP_OK) {
        return st;
    }
    policy_ppo *p = calloc(1, sizeof *p);
    if (p == NULL) {
        return hp_fail(error, HP_ENOMEM, "%s: no memory for the trainer", task->name);
    }
    p->config = *config;
    p->task = task;
    p->stream = hp_rng_seed(seed);
    p->loss = (policy_loss_config){.n_actions = task->n_actions,
                                   .continuous = task->continuous,
                                   .n_heads = config->n_heads,
                                   .n_quantiles = config->n_quantiles,
                                   .value_weight = config->value_weight};
    st = build(p, error);
    if (st != HP_OK) {
        policy_ppo_destroy(&p);
        return st;
    }
    const hp_rng init = hp_rng_lane(p->stream, LANE_INIT);
    policy_net_init(&p->actor_tape.layers, hp_rng_lane(init, 0), 0.01, p->adam.params);
    policy_net_init(&p->critic_tape.layers, hp_rng_lane(init, 1), 1.0,
                    p->adam.params + p->critic_at);
    for (size_t i = p->log_std_at; i < p->critic_at; i++) {
        p->adam.params[i] = (policy_real)config->log_std;
    }
    *out = p;
    return HP_OK;
}

policy_ppo_state policy_ppo_state_of(policy_ppo *p)
{
    return (policy_ppo_state){p->adam.n, p->adam.params, p->adam.m,
                              p->adam.v, &p->iterations, &p->adam.updates};
}

const policy_shape *policy_ppo_actor(const policy_ppo *p)
{
    return &p->actor;
}

const policy_shape *policy_ppo_critic(const policy_ppo *p)
{
    return &p->critic;
}

size_t policy_ppo_critic_at(const policy_ppo *p)
{
    return p->critic_at;
}

static uint64_t steps_done(const policy_ppo *p)
{
    return p->iterations * p->config.horizon * p->config.n_envs;
}

bool policy_ppo_done(const policy_ppo *p)
{
    return steps_done(p) >= p->config.total_steps;
}

static double explained(const policy_ppo *p)
{
    const size_t n = (size_t)p->config.horizon * p->config.n_envs;
    double sum = 0.0;
    double squares = 0.0;
    double missed = 0.0;
    double missed2 = 0.0;
    for (size_t i = 0; i < n; i++) {
        const double y = (double)p->target[i];
        const double d = y - (double)p->value[i];
        sum += y;
        squares += y * y;
        missed += d;
        missed2 += d * d;
    }
    const double count = (double)n;
    const double variance = squares / count - sum / count * (sum / count);
    const double rest = missed2 / count - missed / count * (missed / count);
    return variance > 1e-12 ? 1.0 - rest / variance : (double)NAN;
}

/** The rows order[0 .. n) side by side. */
static policy_batch gather(policy_ppo *p, const uint32_t *order, uint32_t n)
{
    const size_t row = policy_shape_row(&p->actor);
    const uint32_t width = policy_ppo_action_width(p);
    for (uint32_t i = 0; i < n; i++) {
        const size_t at = order[i];
        policy_to_reals(p->rows + at * row, row, p->mb_rows + i * row);
        memcpy(p->mb_action + (size_t)i * width, p->action + at * width, width * sizeof *p->action);
        p->mb_logp[i] = p->logp[at];
        p->mb_advantage[i] = p->advantage[at];
        p->mb_target[i] = p->target[at];
        p->mb_crash[i] = p->crash_target[at];
        p->mb_heads[i] = p->heads[at];
    }
    policy_normalise(p->mb_advantage, n);
    return (policy_batch){n,           p->mb_action, p->mb_logp, p->mb_advantage, p->mb_target,
                          p->mb_crash, p->mb_heads};
}

/** Loss and gradient of one minibatch. */
static void differentiate(policy_ppo *p, const policy_batch *batch, policy_losses *losses)
{
    policy_real *params = p->adam.params;
    policy_real *grads = p->adam.grads;
    memset(grads, 0, p->adam.n * sizeof *grads);
    const policy_real *out = policy_net_forward(&p->actor_tape, params, p->mb_rows, batch->n);
    policy_loss_actor(&p->loss, batch, out, policy_ppo_log_std(p), policy_net_d_out(&p->actor_tape),
                      grads + p->log_std_at, losses);
    policy_net_backward(&p->actor_tape, params, grads);
    out = policy_net_forward(&p->critic_tape, params + p->critic_at, p->mb_rows, batch->n);
    policy_loss_critic(&p->loss, batch, out, policy_net_d_out(&p->critic_tape), losses);
    policy_net_backward(&p->critic_tape, params + p->critic_at, grads + p->critic_at);
}

static void shuffle(policy_ppo *p, uint32_t epoch, uint32_t n)
{
    const hp_rng lane =
        hp_rng_lane(hp_rng_lane(hp_rng_lane(p->stream, LANE_SHUFFLE), p->iterations), epoch);
    for (uint32_t i = 0; i < n; i++) {
        p->order[i] = i;
    }
    for (uint32_t i = n; i-- > 1;) {
        const uint32_t j = (uint32_t)(hp_rng_u64(lane, i) % (i + 1));
        const uint32_t swap = p->order[i];
        p->order[i] = p->order[j];
        p->order[j] = swap;
    }
}

static void learn(policy_ppo *p, double rate, policy_ppo_stats *stats)
{
    const uint32_t n = p->config.horizon * p->config.n_envs;
    policy_losses losses = {0};
    uint32_t updates = 0;
    for (uint32_t epoch = 0; epoch < p->config.epochs; epoch++) {
        shuffle(p, epoch, n);
        for (uint32_t i = 0; i < n; i += p->config.minibatch) {
            const uint32_t some = n - i < p->config.minibatch ? n - i : p->config.minibatch;
            const policy_batch batch = gather(p, p->order + i, some);
            differentiate(p, &batch, &losses);
            if (updates == 0) {
                stats->first = losses;
            }
            stats->grad_norm += policy_adam_step(&p->adam, rate, p->config.max_norm);
            updates++;
        }
    }
    stats->kl = losses.kl / losses.n;
    stats->clipped = losses.clipped / losses.n;
    stats->entropy = losses.entropy / losses.n;
    stats->value_loss = losses.value / losses.n;
    stats->grad_norm /= updates;
}

/** Linear from 1 at the start to final at the end of the schedule. */
static double schedule(const policy_ppo *p, double final)
{
    const double share = (double)steps_done(p) / (double)p->config.total_steps;
    return 1.0 + (final - 1.0) * fmin(share, 1.0);
}

hp_status policy_ppo_iterate(policy_ppo *p, policy_ppo_stats *stats)
{
    memset(stats, 0, sizeof *stats);
    stats->learning_rate = p->config.learning_rate * schedule(p, p->config.final_rate);
    p->loss.clip = p->config.clip * schedule(p, p->config.final_clip);
    p->loss.entropy = p->config.entropy * schedule(p, p->config.final_entropy);
    policy_stretch_play(p, stats);
    policy_stretch_judge(p);
    stats->explained = explained(p);
    learn(p, stats->learning_rate, stats);
    p->iterations++;
    stats->steps = steps_done(p);
    const double episodes = stats->episodes > 0 ? stats->episodes : (double)NAN;
    stats->mean_return /= episodes;
    stats->mean_length /= episodes;
    stats->crash_share /= episodes;
    return isfinite(stats->grad_norm) && isfinite(stats->value_loss) ? HP_OK : HP_EINVAL;
}
