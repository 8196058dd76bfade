#include "policy/policy_loss.h"

#include "common/hp_geom.h"

#include <math.h>

static const double HUBER = 0.05; /* quantile errors below this count as squares */

void policy_normalise(policy_real *x, uint32_t n)
{
    double sum = 0.0;
    double squares = 0.0;
    for (uint32_t i = 0; i < n; i++) {
        sum += (double)x[i];
    }
    const double mean = sum / n;
    for (uint32_t i = 0; i < n; i++) {
        const double d = (double)x[i] - mean;
        squares += d * d;
    }
    const double scale = 1.0 / (sqrt(squares / n) + 1e-8);
    for (uint32_t i = 0; i < n; i++) {
        x[i] = (policy_real)(((double)x[i] - mean) * scale);
    }
}

/** Log probabilities of all choices. */
static void log_softmax(const policy_real *logits, uint32_t n, double *logp)
{
    double top = (double)logits[0];
    double sum = 0.0;
    for (uint32_t i = 1; i < n; i++) {
        top = hp_max(top, (double)logits[i]);
    }
    for (uint32_t i = 0; i < n; i++) {
        sum += exp((double)logits[i] - top);
    }
    for (uint32_t i = 0; i < n; i++) {
        logp[i] = (double)logits[i] - top - log(sum);
    }
}

enum { MOST_ACTIONS = 8 };
static const double HALF_LOG_TAU = 0.91893853320467274178; /* log(2 pi) / 2 */

policy_real policy_logp(const policy_loss_config *config, const policy_real *out,
                        const policy_real *log_std, const policy_real *action)
{
    if (!config->continuous) {
        double logp[MOST_ACTIONS];
        log_softmax(out, config->n_actions, logp);
        return (policy_real)logp[(uint32_t)action[0]];
    }
    double sum = 0.0;
    for (uint32_t i = 0; i < config->n_actions; i++) {
        const double z = (double)(action[i] - out[i]) * exp(-(double)log_std[i]);
        sum -= 0.5 * z * z + (double)log_std[i] + HALF_LOG_TAU;
    }
    return (policy_real)sum;
}

/** The clipped surrogate of one row and its slope by the log probability. */
static double surrogate(const policy_loss_config *config, double log_ratio, double advantage,
                        policy_losses *losses, double *slope)
{
    const double ratio = exp(log_ratio);
    const double bounded = hp_clamp(ratio, 1.0 - config->clip, 1.0 + config->clip);
    losses->kl += ratio - 1.0 - log_ratio;
    losses->clipped += fabs(ratio - 1.0) > config->clip ? 1.0 : 0.0;
    if (ratio * advantage <= bounded * advantage) {
        *slope = -ratio * advantage;
        return -ratio * advantage;
    }
    *slope = 0.0;
    return -bounded * advantage;
}

static void choice_row(const policy_loss_config *config, const policy_batch *batch, uint32_t i,
                       const policy_real *logits, policy_real *d_out, policy_losses *losses)
{
    const uint32_t n = config->n_actions;
    const uint32_t chosen = (uint32_t)batch->action[i];
    double logp[MOST_ACTIONS];
    double entropy = 0.0;
    double slope;
    log_softmax(logits, n, logp);
    for (uint32_t k = 0; k < n; k++) {
        entropy -= exp(logp[k]) * logp[k];
    }
    losses->policy += surrogate(config, logp[chosen] - (double)batch->old_logp[i],
                                (double)batch->advantage[i], losses, &slope);
    losses->entropy += entropy;
    for (uint32_t k = 0; k < n; k++) {
        const double p = exp(logp[k]);
        const double by_choice = slope * ((k == chosen ? 1.0 : 0.0) - p);
        const double by_entropy = config->entropy * p * (logp[k] + entropy);
        d_out[k] = (policy_real)((by_choice + by_entropy) / batch->n);
    }
}

static void number_row(const policy_loss_config *config, const policy_batch *batch, uint32_t i,
                       const policy_real *mean, const policy_real *log_std, policy_real *d_out,
                       policy_real *d_log_std, policy_losses *losses)
{
    const uint32_t n = config->n_actions;
    const policy_real *action = batch->action + (size_t)i * n;
    const double logp = (double)policy_logp(config, mean, log_std, action);
    double slope;
    losses->policy += surrogate(config, logp - (double)batch->old_logp[i],
                                (double)batch->advantage[i], losses, &slope);
    for (uint32_t k = 0; k < n; k++) {
        const double shrink = exp(-(double)log_std[k]);
        const double z = (double)(action[k] - mean[k]) * shrink;
        losses->entropy += (double)log_std[k] + HALF_LOG_TAU + 0.5;
        d_out[k] = (policy_real)(slope * z * shrink / batch->n);
        d_log_std[k] += (policy_real)((slope * (z * z - 1.0) - config->entropy) / batch->n);
    }
}

void policy_loss_actor(const policy_loss_config *config, const policy_batch *batch,
                       const policy_real *out, const policy_real *log_std, policy_real *d_out,
                       policy_real *d_log_std, policy_losses *losses)
{
    const policy_losses before = *losses;
    for (uint32_t i = 0; i < batch->n; i++) {
        const size_t at = (size_t)i * config->n_actions;
        if (config->continuous) {
            number_row(config, batch, i, out + at, log_std, d_out + at, d_log_std, losses);
        } else {
            choice_row(config, batch, i, out + at, d_out + at, losses);
        }
    }
    losses->n += batch->n;
    losses->total +=
        losses->policy - before.policy - config->entropy * (losses->entropy - before.entropy);
}

/** Asymmetric Huber loss of one quantile, and its slope by q. */
static double quantile_loss(double q, double target, double share, double *slope)
{
    const double u = target - q;
    const double weight = u < 0.0 ? 1.0 - share : share;
    if (fabs(u) <= HUBER) {
        *slope = -weight * u / HUBER;
        return weight * 0.5 * u * u / HUBER;
    }
    *slope = u < 0.0 ? weight : -weight;
    return weight * (fabs(u) - 0.5 * HUBER);
}

static double head_row(const policy_loss_config *config, const policy_real *out, double target,
                       double scale, policy_real *d_out)
{
    const double error = (double)out[0] - target;
    double loss = 0.5 * error * error;
    d_out[0] = (policy_real)(scale * error);
    for (uint32_t k = 1; k <= config->n_quantiles; k++) {
        const double n = config->n_quantiles;
        double slope;
        loss += quantile_loss((double)out[k], target, (k - 0.5) / n, &slope) / n;
        d_out[k] = (policy_real)(scale * slope / n);
    }
    return loss;
}

/** Cross-entropy between a probability and log odds. */
static double crash_row(double log_odds, double crash, double scale, policy_real *d_out)
{
    const double p = 1.0 / (1.0 + exp(-log_odds));
    *d_out = (policy_real)(scale * (p - crash));
    return hp_max(log_odds, 0.0) - log_odds * crash + log1p(exp(-fabs(log_odds)));
}

void policy_loss_critic(const policy_loss_config *config, const policy_batch *batch,
                        const policy_real *out, policy_real *d_out, policy_losses *losses)
{
    const uint32_t width = policy_critic_out(config->n_heads, config->n_quantiles);
    const uint32_t per_head = 1 + config->n_quantiles;
    const double scale = config->value_weight / batch->n;
    double value = 0.0;
    double crash = 0.0;
    for (uint32_t i = 0; i < batch->n; i++) {
        const policy_real *o = out + (size_t)i * width;
        policy_real *d = d_out + (size_t)i * width;
        for (uint32_t h = 0; h < config->n_heads; h++, o += per_head, d += per_head) {
            const double weight = (batch->heads[i] >> h & 1U) != 0 ? 1.0 / config->n_heads : 0.0;
            value += weight * head_row(config, o, (double)batch->target[i], scale * weight, d);
        }
        crash += crash_row((double)*o, (double)batch->crash[i], scale, d);
    }
    losses->value += value;
    losses->crash += crash;
    losses->total += config->value_weight * (value + crash);
}

void policy_gae(const policy_stretch *s, policy_real *advantage)
{
    for (uint32_t e = 0; e < s->n_envs; e++) {
        double sum = 0.0;
        double next = (double)s->last_value[e];
        for (uint32_t t = s->n_steps; t-- > 0;) {
            const size_t at = (size_t)t * s->n_envs + e;
            if (s->terminated[at] != 0 || s->truncated[at] != 0) {
                next = s->terminated[at] != 0 ? 0.0 : (double)s->final_value[at];
                sum = 0.0;
            }
            const double value = (double)s->value[at];
            const double delta = (double)s->reward[at] + s->discount * next - value;
            sum = delta + s->discount * s->lambda * sum;
            advantage[at] = (policy_real)sum;
            next = value;
        }
    }
}
