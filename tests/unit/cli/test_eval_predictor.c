/* The evaluator whose spread follows what came: it learns from the past only, and it does learn. */
#include "cli/eval_predictor.h"

#include "tests/support/hp_test.h"
#include "tests/unit/predictor/pred_fixture.h"
#include "tests/unit/predictor/pred_people.h"

#include <string.h>

enum { WINDOWS = 400 };

static pred_sample items[WINDOWS];
static pred_model model;
static eval_result result;

static bool everybody(const pred_sample *s)
{
    (void)s;
    return true;
}

/** One walker in each window, another one in each tenth; their futures stray by so many metres from
 * standing, from window `from` on by so many more. */
static void make_samples(double stray_m, uint32_t from, double more_m)
{
    memset(items, 0, sizeof items);
    for (uint32_t w = 0; w < WINDOWS; ++w) {
        pred_sample *s = &items[w];
        const hp_rng lane = hp_rng_lane(hp_rng_seed(1), w);
        s->window = w;
        s->step = w;
        s->id = w / 10;
        s->input.n_past = PRED_PAST;
        s->n_truth = PRED_FUTURE;
        pred_even_truth(s);
        const double by_m = stray_m + (w >= from ? more_m : 0.0);
        for (uint32_t k = 0; k < PRED_FUTURE; ++k) {
            s->truth[k][0] = (float)(by_m * hp_rng_normal(lane, 2 * k));
            s->truth[k][1] = (float)(by_m * hp_rng_normal(lane, 2 * k + 1));
        }
    }
}

/** Scores of the windows before `end`. */
static pred_scores judge(bool adapt, uint32_t end)
{
    static const eval_group ALL[] = {{"all", everybody}};
    const pred_samples samples = {.items = items, .n = end, .n_windows = end, .n_recordings = 1};
    const eval_job job = {.samples = &samples,
                          .model = &model,
                          .groups = ALL,
                          .n_groups = 1,
                          .adapt = adapt,
                          .seed = 1};
    hp_error error;
    assert_int_equal(eval_predictor_run(&job, &result, &error), HP_OK);
    assert_int_equal(result.n[0], end);
    return result.scores[0];
}

static void test_eval_predictor_covers_better_when_its_spread_follows(void **state)
{
    (void)state;
    make_samples(6.0, WINDOWS, 0.0);
    const pred_scores fixed = judge(false, WINDOWS);
    const pred_scores follows = judge(true, WINDOWS);
    assert_true(fixed.cover[1] < 0.7);
    assert_true(follows.cover[1] > fixed.cover[1] + 0.05);
    hp_assert_near(follows.single.ade, fixed.single.ade, 0.0);
}

static void test_eval_predictor_learns_from_whole_paths_only_when_they_are_over(void **state)
{
    (void)state;
    /* What changes from window 200 on is known at window 212 at the earliest. */
    make_samples(6.0, 200, 0.0);
    const pred_scores before = judge(true, 200);
    make_samples(6.0, 200, 50.0);
    const pred_scores same = judge(true, 200);
    assert_memory_equal(&before, &same, sizeof same);
    /* Twelve windows whose truth alone differs: their densities do, their spreads do not. */
    static double nll[2];
    for (int i = 0; i < 2; ++i) {
        make_samples(6.0, 200, i == 0 ? 0.0 : 50.0);
        for (uint32_t w = 201; w < 212; ++w) { /* what they are scored by is alike */
            memset(items[w].truth, 0, sizeof items[w].truth);
        }
        nll[i] = 212.0 * judge(true, 212).nll - 201.0 * judge(true, 201).nll;
    }
    hp_assert_near(nll[0], nll[1], 1e-9 * fabs(nll[0]));
}

static int set_up(void **state)
{
    (void)state;
    pred_draw_model(3, &model);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_eval_predictor_covers_better_when_its_spread_follows),
        cmocka_unit_test(test_eval_predictor_learns_from_whole_paths_only_when_they_are_over),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
