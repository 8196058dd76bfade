/** @file policy_calib.h How sure the network may be: what its errors were on episodes that neither
 *  training nor evaluation used.
 *
 *  A sample is one decision drawn from one episode, so samples are independent. Its error in units
 *  of the network's own score is z = (outcome - value) / score.
 *   - crude (Zelikman et al., 2020): one distribution of z for all.
 *   - conformal: one per group (by the predicted probability of a crash), with the finite-sample
 *     correction, so that a new sample of the group lies inside with at least the level asked.
 *   - selective: the greatest score up to which the share of errors beyond epsilon is below risk,
 *     by a binomial test over growing prefixes (fixed sequence), at confidence 1 - delta. The
 *     first prefix is a sixteenth of the samples, or as many as pass without an error if that is
 * more. It belongs to one network and one mix of scenes, whose hashes it carries. Ownership: plain
 * data. Threads: pure. Allocation: while fitting and reading only. */
#ifndef POLICY_CALIB_H
#define POLICY_CALIB_H

#include "common/hp_status.h"
#include "policy/policy_infer.h"

enum { POLICY_GROUPS = 3, POLICY_LEVELS = 101 };

typedef struct policy_sample {
    double value, score, crash_p; /* what the network said */
    double outcome;               /* what came: the discounted return */
} policy_sample;

typedef struct policy_calib_config {
    double alpha;   /* intervals miss so often at most */
    double epsilon; /* tolerated error, in reward units */
    double risk;    /* greatest share of accepted samples with a larger error */
    double delta;   /* chance that calibration misjudges that */
} policy_calib_config;

typedef struct policy_calib {
    uint64_t model_hash, mix_hash;
    policy_calib_config config;
    double edges[POLICY_GROUPS - 1]; /* of crash_p: 60 and 90 % of the samples lie below */
    uint64_t n[POLICY_GROUPS];       /* samples of each group */
    double crude[POLICY_LEVELS];     /* quantiles of z at 0, 1/100, ..., 1 */
    double groups[POLICY_GROUPS][POLICY_LEVELS];
    double half_width[POLICY_GROUPS]; /* conformal quantile of |z|; INFINITY: too few samples */
    double accept_score;              /* selective; 0: accept nothing */
} policy_calib;

void policy_calib_config_default(policy_calib_config *config);
/** Spread between heads and width of the return in one number > 0. */
double policy_calib_score(const policy_answer *answer);
uint32_t policy_calib_group(const policy_calib *calib, double crash_p);

HP_NODISCARD hp_status policy_calib_fit(const policy_calib_config *config,
                                        const policy_sample *samples, uint32_t n,
                                        policy_calib *out);
/** Calibrated p-quantile of the outcome; by group, or crude. */
double policy_calib_quantile(const policy_calib *calib, const policy_sample *said, bool crude,
                             double p);
/** Half of the conformal interval around the value; INFINITY: do not rely on it. */
double policy_calib_half_width(const policy_calib *calib, const policy_sample *said);
/** Probability that the value is right within tolerance, by the crude distribution. */
double policy_calib_confidence(const policy_calib *calib, const policy_sample *said,
                               double tolerance);
/** True if the selective rule takes the value as it is. */
bool policy_calib_accepts(const policy_calib *calib, const policy_sample *said);

/** Upper confidence bound 1 - delta of a binomial probability, k of n seen (Clopper and Pearson).
 */
double policy_binomial_bound(uint64_t k, uint64_t n, double delta);

/** DIR/FILE as safetensors. */
HP_NODISCARD hp_status policy_calib_write(const policy_calib *calib, const char *dir,
                                          const char *file, hp_error *error);
/** HP_ECONFIG if it belongs to another network or mix (mix_hash 0: any). */
HP_NODISCARD hp_status policy_calib_read(const char *path, uint64_t model_hash, uint64_t mix_hash,
                                         policy_calib *out, hp_error *error);

#endif
