#include "cli/prune_study.h"

#include "common/hp_sort.h"

#include <math.h>
#include <stdlib.h>

enum { LONGER = 10, AUDIT_LONGER = 4, BOOTSTRAPS = 1000, LANE_AUDIT = 11 };

static void audit(prune_lab *lab, uint32_t trials, hp_rng stream, prune_case *out)
{
    prune_node node;
    out->audited =
        prune_lab_audit(lab, trials, AUDIT_LONGER * trials, hp_rng_lane(stream, LANE_AUDIT), &node);
    out->off = out->audited && prune_lab_is_off(lab, &node);
}

bool prune_case_run(prune_lab *lab, uint32_t trials, double target_gap, hp_rng stream,
                    prune_case *out)
{
    const pomdp_budget once = {.max_trials = trials};
    const pomdp_budget longer = {.max_trials = LONGER * trials};
    int64_t unused_ns = 0;
    if (prune_lab_search(lab, false, &once, &out->alone, &out->alone_ns) != HP_OK) {
        return false;
    }
    const pomdp_budget road = {.max_trials = trials, .max_steps = prune_lab_steps(lab)};
    const pomdp_budget to_gap = {
        .max_trials = LONGER * trials,
        .target_gap = fmax(out->alone.value_upper - out->alone.value_lower, target_gap)};
    out->scenario = prune_lab_scenario(lab);
    out->hard = out->alone.gap_begin > target_gap;
    if (prune_lab_search(lab, true, &to_gap, &out->to_gap, &out->to_gap_ns) != HP_OK ||
        prune_lab_search(lab, true, &road, &out->live, &out->live_ns) != HP_OK ||
        prune_lab_search(lab, false, &road, &out->plain, &out->plain_ns) != HP_OK ||
        prune_lab_search(lab, false, &longer, &out->longest, &unused_ns) != HP_OK) {
        return false;
    }
    out->glanced = prune_lab_glance(lab, &out->glance);
    audit(lab, trials, stream, out);
    return true;
}

double prune_case_loss(const prune_case *c, uint32_t action)
{
    return c->longest.action_lower[c->longest.action] - c->longest.action_lower[action];
}

/** Median of a bootstrap sample: the middle of n ranks drawn from n. Counting beats sorting. */
static double resampled_median(const double *sorted, uint32_t n, hp_rng stream, uint32_t *count)
{
    for (uint32_t i = 0; i < n; i++) {
        count[i] = 0;
    }
    for (uint32_t i = 0; i < n; i++) {
        count[hp_rng_u64(stream, i) % n]++;
    }
    uint32_t seen = 0;
    uint32_t at = 0;
    while (2 * (seen += count[at]) < n) {
        at++;
    }
    return sorted[at];
}

double prune_median(double *values, uint32_t n, stats_interval *interval)
{
    double medians[BOOTSTRAPS];
    uint32_t *count = n > 0 ? calloc(n, sizeof *count) : NULL;
    *interval = (stats_interval){(double)NAN, (double)NAN};
    if (count == NULL) {
        return (double)NAN;
    }
    hp_sort(values, n);
    for (uint32_t i = 0; i < BOOTSTRAPS; i++) {
        medians[i] = resampled_median(values, n, hp_rng_lane(hp_rng_seed(n), i), count);
    }
    free(count);
    hp_sort(medians, BOOTSTRAPS);
    *interval =
        (stats_interval){medians[BOOTSTRAPS / 40], medians[BOOTSTRAPS - 1 - BOOTSTRAPS / 40]};
    return n % 2 == 1 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
}

static void shuffle(policy_sample *samples, uint32_t n, hp_rng stream)
{
    for (uint32_t i = n; i > 1; i--) {
        const uint32_t k = (uint32_t)(hp_rng_u64(stream, i) % i);
        const policy_sample held = samples[i - 1];
        samples[i - 1] = samples[k];
        samples[k] = held;
    }
}

hp_status prune_risk_run(const policy_calib_config *rules, policy_sample *samples, uint32_t n,
                         uint32_t resamples, hp_rng stream, prune_risk *out)
{
    *out = (prune_risk){.resamples = resamples};
    for (uint32_t r = 0; r < resamples; r++) {
        policy_calib calib;
        uint64_t accepted = 0;
        uint64_t wrong = 0;
        shuffle(samples, n, hp_rng_lane(stream, r));
        const hp_status st = policy_calib_fit(rules, samples, n / 2, &calib);
        if (st != HP_OK) {
            return st;
        }
        for (uint32_t i = n / 2; i < n; i++) {
            const policy_sample *s = &samples[i];
            if (policy_calib_accepts(&calib, s)) {
                accepted++;
                wrong += fabs(s->outcome - s->value) > rules->epsilon ? 1 : 0;
            }
        }
        out->kept += (double)wrong <= rules->risk * (double)accepted ? 1 : 0;
        out->accepted += accepted;
        out->wrong += wrong;
        out->judged += n - n / 2;
    }
    return HP_OK;
}
