/** @file eval_predictor.h Predictions for whole sets of samples, scored by group.
 *  Ownership: the caller's. Threads: one. Determinism: by seed, but for the times. Allocation: in
 *  eval_predictor_run. */
#ifndef EVAL_PREDICTOR_H
#define EVAL_PREDICTOR_H

#include "cli/stats.h"
#include "predictor/pred_fan.h"
#include "predictor/pred_measure.h"

enum { EVAL_MAX_GROUPS = 4 };

/** Who is counted together. */
typedef struct eval_group {
    const char *name;
    bool (*holds)(const pred_sample *sample);
} eval_group;

typedef struct eval_job {
    const pred_samples *samples;
    const pred_model *model; /* NULL: the rival */
    pred_rival rival;
    const eval_group *groups; /* [n_groups] */
    uint32_t n_groups;
    bool drop_jumps; /* samples with slips of the recording do not count */
    bool adapt;      /* a network's spread follows what came of its earlier answers */
    uint64_t seed;
} eval_job;

typedef struct eval_result {
    pred_scores scores[EVAL_MAX_GROUPS];
    size_t n[EVAL_MAX_GROUPS];
    uint32_t n_windows;
    stats_times times; /* CPU time of one window's predictions */
} eval_result;

HP_NODISCARD hp_status eval_predictor_run(const eval_job *job, eval_result *out, hp_error *error);

#endif
