#include "policy/policy_calib.h"

#include "common/hp_geom.h"
#include "common/hp_sort.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double SHARES[POLICY_GROUPS - 1] = {0.6, 0.9};       /* of samples below the edges */
static const double LEAST_SCORE = 0.005, WIDTHS_PER_SIGMA = 3.07; /* 15/16 - 1/16, normal */
/* Of the prefixes that the selective rule tests: the first one's share, and how they grow. */
static const double FIRST = 0.0625, GROWTH = 1.15;

void policy_calib_config_default(policy_calib_config *c)
{
    *c = (policy_calib_config){.alpha = 0.1, .epsilon = 0.1, .risk = 0.02, .delta = 0.05};
}

double policy_calib_score(const policy_answer *a)
{
    const double sigma = a->width / WIDTHS_PER_SIGMA;
    return sqrt(LEAST_SCORE * LEAST_SCORE + a->spread * a->spread + sigma * sigma);
}

uint32_t policy_calib_group(const policy_calib *calib, double crash_p)
{
    uint32_t g = 0;
    while (g + 1 < POLICY_GROUPS && crash_p >= calib->edges[g]) {
        g++;
    }
    return g;
}

static double z_of(const policy_sample *s)
{
    return (s->outcome - s->value) / s->score;
}

/** Quantiles of sorted z [n] at the levels; linear in between. */
static void levels_of(const double *z, uint32_t n, double levels[POLICY_LEVELS])
{
    for (uint32_t i = 0; i < POLICY_LEVELS; i++) {
        const double at = (n - 1.0) * i / (POLICY_LEVELS - 1);
        const uint32_t k = (uint32_t)at;
        const double next = z[k + 1 < n ? k + 1 : k];
        levels[i] = z[k] + (at - k) * (next - z[k]);
    }
}

double policy_binomial_bound(uint64_t k, uint64_t n, double delta)
{
    double lo = (double)k / (double)n;
    double hi = 1.0;
    for (int i = 0; i < 60 && k < n; i++) {
        const double p = 0.5 * (lo + hi);
        /* P(Bin(n, p) <= k), summed up from its greatest term's logarithm. */
        double sum = 0.0;
        double log_term = (double)n * log1p(-p);
        for (uint64_t j = 0; j <= k; j++) {
            sum += exp(log_term);
            log_term += log((double)(n - j) / (double)(j + 1)) + log(p) - log1p(-p);
        }
        if (sum > delta) {
            lo = p;
        } else {
            hi = p;
        }
    }
    return hi;
}

/** A sample as the selective rule sees it. */
typedef struct judged {
    double score;
    bool wrong;
} judged;

static int by_score(const void *left, const void *right)
{
    const judged *a = left;
    const judged *b = right;
    return (a->score > b->score) - (a->score < b->score);
}

static double accept_score(const policy_calib_config *c, const policy_sample *samples, uint32_t n,
                           judged *list)
{
    uint32_t done = 0;
    uint64_t wrong = 0;
    double accepted = 0.0;
    for (uint32_t i = 0; i < n; i++) {
        list[i] =
            (judged){samples[i].score, fabs(samples[i].outcome - samples[i].value) > c->epsilon};
    }
    qsort(list, n, sizeof *list, by_score);
    /* Fewer could not pass with a single error, and then all hangs on their luck. */
    double next = hp_max(ceil(log(1.0 / c->delta) / c->risk), floor(n * FIRST));
    while (next <= n) {
        const uint32_t m = (uint32_t)next;
        for (; done < m; done++) {
            wrong += list[done].wrong ? 1 : 0;
        }
        if (policy_binomial_bound(wrong, m, c->delta) > c->risk) {
            break;
        }
        accepted = list[m - 1].score;
        next = ceil(next * GROWTH);
    }
    return accepted;
}

static void fit_group(const policy_sample *samples, uint32_t n, uint32_t group, double *z,
                      policy_calib *out)
{
    uint32_t m = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (policy_calib_group(out, samples[i].crash_p) == group) {
            z[m++] = z_of(&samples[i]);
        }
    }
    out->n[group] = m;
    out->half_width[group] = INFINITY;
    if (m == 0) {
        memcpy(out->groups[group], out->crude, sizeof out->crude);
        return;
    }
    hp_sort(z, m);
    levels_of(z, m, out->groups[group]);
    const double rank = ceil((m + 1.0) * (1.0 - out->config.alpha));
    if (rank <= m) {
        for (uint32_t i = 0; i < m; i++) {
            z[i] = fabs(z[i]);
        }
        hp_sort(z, m);
        out->half_width[group] = z[(uint32_t)rank - 1];
    }
}

/** Groups of so many samples that each can be calibrated, whatever the network says. */
static void cut_groups(const policy_sample *samples, uint32_t n, double *sorted,
                       double edges[POLICY_GROUPS - 1])
{
    for (uint32_t i = 0; i < n; i++) {
        sorted[i] = samples[i].crash_p;
    }
    hp_sort(sorted, n);
    for (int g = 0; g < POLICY_GROUPS - 1; g++) {
        edges[g] = sorted[(uint32_t)(SHARES[g] * n)];
    }
}

hp_status policy_calib_fit(const policy_calib_config *config, const policy_sample *samples,
                           uint32_t n, policy_calib *out)
{
    memset(out, 0, sizeof *out);
    if (n == 0) {
        return HP_EINVAL;
    }
    double *z = calloc(n, sizeof *z);
    judged *list = calloc(n, sizeof *list);
    if (z == NULL || list == NULL) {
        free(z);
        free(list);
        return HP_ENOMEM;
    }
    out->config = *config;
    cut_groups(samples, n, z, out->edges);
    for (uint32_t i = 0; i < n; i++) {
        z[i] = z_of(&samples[i]);
    }
    hp_sort(z, n);
    levels_of(z, n, out->crude);
    for (uint32_t g = 0; g < POLICY_GROUPS; g++) {
        fit_group(samples, n, g, z, out);
    }
    out->accept_score = accept_score(config, samples, n, list);
    free(z);
    free(list);
    return HP_OK;
}

double policy_calib_quantile(const policy_calib *calib, const policy_sample *said, bool crude,
                             double p)
{
    const double *levels =
        crude ? calib->crude : calib->groups[policy_calib_group(calib, said->crash_p)];
    const double at = hp_clamp(p, 0.0, 1.0) * (POLICY_LEVELS - 1);
    const uint32_t k = (uint32_t)hp_min(at, POLICY_LEVELS - 2.0);
    return said->value + said->score * (levels[k] + (at - k) * (levels[k + 1] - levels[k]));
}

double policy_calib_half_width(const policy_calib *calib, const policy_sample *said)
{
    return said->score * calib->half_width[policy_calib_group(calib, said->crash_p)];
}

/** Share of the crude distribution at or below z. */
static double share_below(const policy_calib *calib, double z)
{
    uint32_t lo = 0;
    uint32_t hi = POLICY_LEVELS;
    while (lo < hi) { /* how many levels are at or below z */
        const uint32_t middle = (lo + hi) / 2;
        if (calib->crude[middle] <= z) {
            lo = middle + 1;
        } else {
            hi = middle;
        }
    }
    return hp_min((double)lo / (POLICY_LEVELS - 1), 1.0);
}

double policy_calib_confidence(const policy_calib *calib, const policy_sample *said,
                               double tolerance)
{
    const double z = tolerance / said->score;
    return hp_max(share_below(calib, z) - share_below(calib, -z), 0.0);
}

bool policy_calib_accepts(const policy_calib *calib, const policy_sample *said)
{
    return said->score <= calib->accept_score;
}

enum { N_TENSORS = 5, N_WORDS = 2 + POLICY_GROUPS, N_RULES = 5 + POLICY_GROUPS - 1 };
static const double NEVER = 1e300; /* a file holds finite numbers only */

static void table_of(hp_tensor t[N_TENSORS])
{
    const hp_tensor all[N_TENSORS] = {
        {"calibration.hashes", HP_DTYPE_U64, 1, {N_WORDS}, NULL},
        {"calibration.rules", HP_DTYPE_F64, 1, {N_RULES}, NULL},
        {"calibration.crude", HP_DTYPE_F64, 1, {POLICY_LEVELS}, NULL},
        {"calibration.groups", HP_DTYPE_F64, 2, {POLICY_GROUPS, POLICY_LEVELS}, NULL},
        {"calibration.half_width", HP_DTYPE_F64, 1, {POLICY_GROUPS}, NULL},
    };
    memcpy(t, all, sizeof all);
}

hp_status policy_calib_write(const policy_calib *c, const char *dir, const char *file,
                             hp_error *error)
{
    hp_tensor t[N_TENSORS];
    uint64_t words[N_WORDS] = {c->model_hash, c->mix_hash};
    double rules[N_RULES] = {c->config.alpha, c->config.epsilon, c->config.risk, c->config.delta,
                             c->accept_score};
    double half_width[POLICY_GROUPS];
    memcpy(words + 2, c->n, sizeof c->n);
    memcpy(rules + 5, c->edges, sizeof c->edges);
    for (int g = 0; g < POLICY_GROUPS; g++) {
        half_width[g] = hp_min(c->half_width[g], NEVER);
    }
    table_of(t);
    t[0].data = words;
    t[1].data = rules;
    t[2].data = c->crude;
    t[3].data = c->groups;
    t[4].data = half_width;
    const hp_tensor_list list = {t, NULL, N_TENSORS, 0};
    return hp_tensors_write(dir, file, &list, error);
}

static void take(const hp_tensor t[N_TENSORS], policy_calib *out)
{
    const uint64_t *words = t[0].data;
    const double *rules = t[1].data;
    out->model_hash = words[0];
    out->mix_hash = words[1];
    memcpy(out->n, words + 2, sizeof out->n);
    out->config = (policy_calib_config){rules[0], rules[1], rules[2], rules[3]};
    out->accept_score = rules[4];
    memcpy(out->edges, rules + 5, sizeof out->edges);
    memcpy(out->crude, t[2].data, sizeof out->crude);
    memcpy(out->groups, t[3].data, sizeof out->groups);
    for (int g = 0; g < POLICY_GROUPS; g++) {
        const double w = ((const double *)t[4].data)[g];
        out->half_width[g] = w >= NEVER ? (double)INFINITY : w;
    }
}

hp_status policy_calib_read(const char *path, uint64_t model_hash, uint64_t mix_hash,
                            policy_calib *out, hp_error *error)
{
    hp_tensor t[N_TENSORS];
    hp_tensors *tensors = NULL;
    memset(out, 0, sizeof *out);
    table_of(t);
    hp_status st = hp_tensors_read(path, &tensors, error);
    for (int i = 0; st == HP_OK && i < N_TENSORS; i++) {
        st = hp_tensors_get(tensors, &t[i], error);
    }
    if (st == HP_OK) {
        take(t, out);
        if (out->model_hash != model_hash || (mix_hash != 0 && out->mix_hash != mix_hash)) {
            memset(out, 0, sizeof *out);
            st = hp_fail(error, HP_ECONFIG,
                         "%s: belongs to another network or mix of scenes; calibrate anew with "
                         "hyplan calibrate policy",
                         path);
        }
    }
    hp_tensors_destroy(&tensors);
    return st;
}
