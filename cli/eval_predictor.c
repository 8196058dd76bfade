#include "cli/eval_predictor.h"

#include "common/hp_clock.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 16 }; /* agents that the network takes at a time */

/** Room for one window. */
typedef struct bench {
    uint32_t capacity;
    pred_answer *answers;
    const pred_sample **samples; /* of a group */
    const pred_answer **chosen;
    pred_acts acts;
    pred_adapt adapt;
    double *missed; /* of each sample, until its truth is known; NAN: not waited for */
    size_t n_known; /* samples whose truth is known */
} bench;

static uint32_t window_end(const pred_samples *s, size_t begin)
{
    size_t end = begin;
    while (end < s->n && s->items[end].window == s->items[begin].window) {
        ++end;
    }
    return (uint32_t)(end - begin);
}

static hp_status make_bench(const pred_samples *s, bench *b, hp_error *error)
{
    *b = (bench){.capacity = 1};
    for (size_t i = 0; i < s->n;) {
        const uint32_t n = window_end(s, i);
        b->capacity = n > b->capacity ? n : b->capacity;
        i += n;
    }
    b->answers = calloc(b->capacity, sizeof *b->answers);
    b->samples = calloc(b->capacity, sizeof(pred_sample *));
    b->chosen = calloc(b->capacity, sizeof(pred_answer *));
    b->missed = calloc(s->n > 0 ? s->n : 1, sizeof *b->missed);
    const bool good = b->answers != NULL && b->samples != NULL && b->chosen != NULL &&
                      b->missed != NULL && pred_acts_create(CHUNK, &b->acts) == HP_OK;
    return good ? HP_OK : hp_fail(error, HP_ENOMEM, "no memory for %u agents", b->capacity);
}

static void drop_bench(bench *b)
{
    free(b->answers);
    free(b->samples);
    free(b->chosen);
    free(b->missed);
    pred_acts_destroy(&b->acts);
}

static void answer(const eval_job *job, const pred_sample *first, uint32_t n, bench *b,
                   stats_times *times)
{
    const hp_rng window = hp_rng_lane(hp_rng_seed(job->seed), first->window);
    const int64_t start_ns = hp_clock_thread_cpu_ns();
    if (job->model != NULL) {
        pred_model_answer(job->model, &b->acts, &first->input, sizeof *first, n, b->answers);
    }
    for (uint32_t i = 0; job->model == NULL && i < n; ++i) {
        pred_rival_answer(job->rival, &first[i], hp_rng_lane(window, first[i].id), &b->answers[i]);
    }
    stats_times_add(times, hp_clock_thread_cpu_ns() - start_ns);
}

/** Takes in what has come of earlier answers by the time of a sample, whole paths only: that
 *  somebody would stay to the end of his was not known before. */
static void learn_from(const pred_samples *s, const pred_sample *now, bench *b)
{
    for (; &s->items[b->n_known] < now; ++b->n_known) {
        const pred_sample *old = &s->items[b->n_known];
        if (old->recording == now->recording && old->step + old->n_truth > now->step) {
            return;
        }
        if (isfinite(b->missed[b->n_known])) {
            pred_adapt_note(&b->adapt, old->input.kind, b->missed[b->n_known], 1.0);
        }
    }
}

/** Whether an earlier answer about the same agent is still being waited for: on the road, too, one
 *  of each is kept at a time. */
static bool is_waited_for(const pred_samples *s, size_t at, const bench *b)
{
    for (size_t i = b->n_known; i < at; ++i) {
        if (s->items[i].id == s->items[at].id && s->items[i].recording == s->items[at].recording &&
            isfinite(b->missed[i])) {
            return true;
        }
    }
    return false;
}

/** Sizes the answers by what is known so far, and notes how they did. */
static void adapt(const eval_job *job, const pred_sample *first, uint32_t n, bench *b)
{
    const hp_rng window = hp_rng_lane(hp_rng_seed(job->seed + 2), first->window);
    learn_from(job->samples, first, b);
    for (uint32_t i = 0; i < n; ++i) {
        const size_t at = (size_t)(first + i - job->samples->items);
        pred_adapt_apply(&b->adapt, first[i].input.kind, &b->answers[i]);
        b->missed[at] =
            is_waited_for(job->samples, at, b)
                ? (double)NAN
                : pred_missed(&first[i], &b->answers[i], hp_rng_lane(window, first[i].id));
    }
}

static void score(const eval_job *job, const pred_sample *first, uint32_t n, bench *b,
                  pred_tally tallies[EVAL_MAX_GROUPS])
{
    const hp_rng window = hp_rng_lane(hp_rng_seed(job->seed + 1), first->window);
    for (uint32_t g = 0; g < job->n_groups; ++g) {
        uint32_t used = 0;
        for (uint32_t i = 0; i < n; ++i) {
            if (job->groups[g].holds(&first[i]) && !(job->drop_jumps && first[i].jumps)) {
                b->samples[used] = &first[i];
                b->chosen[used++] = &b->answers[i];
            }
        }
        pred_tally_add(&tallies[g], b->samples, b->chosen, used, window);
    }
}

hp_status eval_predictor_run(const eval_job *job, eval_result *out, hp_error *error)
{
    bench b;
    pred_tally tallies[EVAL_MAX_GROUPS] = {{.has_scales = false}};
    const pred_samples *s = job->samples;
    memset(out, 0, sizeof *out);
    const hp_status st = make_bench(s, &b, error);
    for (size_t i = 0; st == HP_OK && i < s->n;) {
        const uint32_t n = window_end(s, i);
        answer(job, &s->items[i], n, &b, &out->times);
        if (job->adapt && job->model != NULL) {
            adapt(job, &s->items[i], n, &b);
        }
        score(job, &s->items[i], n, &b, tallies);
        ++out->n_windows;
        i += n;
    }
    for (uint32_t g = 0; g < job->n_groups; ++g) {
        out->scores[g] = pred_tally_scores(&tallies[g]);
        out->n[g] = tallies[g].sums.n;
    }
    drop_bench(&b);
    return st;
}
