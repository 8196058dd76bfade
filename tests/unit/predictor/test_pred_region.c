/* Regions of highest density, and whether they keep their word where the world is not as
 * calibrated. */
#include "predictor/pred_region.h"

#include "tests/support/hp_test.h"

#include <string.h>

/** Two futures far apart, said to stray by one metre. */
static void make_answer(pred_answer *a)
{
    memset(a, 0, sizeof *a);
    a->n_modes = 2;
    a->has_scales = true;
    a->p[0] = 0.75F;
    a->p[1] = 0.25F;
    for (uint32_t c = 0; c < PRED_PATH; ++c) {
        a->path[1][c] = 50.0F;
        a->scale[0][c] = a->scale[1][c] = 1.0F;
    }
}

static double laplace(hp_rng stream, uint64_t index, double scale)
{
    const double u = hp_rng_unit(stream, index) - 0.5;
    return -scale * copysign(1.0, u) * log(1.0 - 2.0 * fabs(u));
}

static void test_pred_mixture_density_is_that_of_laplace_distributions(void **state)
{
    (void)state;
    static pred_answer a;
    pred_mixture m;
    make_answer(&a);
    pred_mixture_at(&a, 3, &m);
    hp_assert_near(pred_mixture_density(&m, (hp_vec2){0.0, 0.0}), 0.75 / 4.0, 1e-9);
    hp_assert_near(pred_mixture_density(&m, (hp_vec2){1.0, -2.0}), 0.75 / 4.0 * exp(-3.0), 1e-9);
    hp_assert_near(pred_mixture_density(&m, (hp_vec2){50.0, 50.0}), 0.25 / 4.0, 1e-9);
}

static void test_pred_mixture_rank_grows_outwards(void **state)
{
    (void)state;
    static pred_answer a;
    pred_mixture m;
    make_answer(&a);
    pred_mixture_at(&a, 0, &m);
    hp_assert_near(pred_mixture_rank(&m, 0.75 / 4.0, hp_rng_seed(1)), 0.5, 0.0);
    hp_assert_near(pred_mixture_rank(&m, 0.0, hp_rng_seed(1)), PRED_RANKS - 0.5, 0.0);
    /* Each point is as likely to have any rank: 90 % of those drawn lie inside the region of 90 %.
     */
    uint32_t inside = 0;
    enum { N = 4000 };
    for (uint32_t i = 0; i < N; ++i) {
        const hp_rng s = hp_rng_lane(hp_rng_seed(2), i);
        const double at = hp_rng_unit(s, 0) < 0.75 ? 0.0 : 50.0;
        const hp_vec2 p = {at + laplace(s, 1, 1.0), at + laplace(s, 2, 1.0)};
        const double rank = pred_mixture_rank(&m, pred_mixture_density(&m, p), hp_rng_lane(s, 3));
        inside += rank < PRED_REGION_SHARE * PRED_RANKS ? 1 : 0;
    }
    hp_assert_near((double)inside / N, 0.9, 0.02);
}

/** The share inside of the 90 % regions, of the last half of 2000 points that really stray by so
 *  much. */
static double cover(double scale, bool adapts)
{
    pred_adapt adapt = {.n = {0.0}};
    uint32_t inside = 0;
    for (uint32_t i = 0; i < 2000; ++i) {
        static pred_answer a;
        pred_mixture m;
        const hp_rng s = hp_rng_lane(hp_rng_seed(3), i);
        make_answer(&a);
        pred_adapt_apply(&adapt, PRED_CYCLIST, &a);
        pred_mixture_at(&a, 5, &m);
        const hp_vec2 p = {laplace(s, 1, scale), laplace(s, 2, scale)};
        const double rank = pred_mixture_rank(&m, pred_mixture_density(&m, p), hp_rng_lane(s, 3));
        const bool missed = rank >= PRED_REGION_SHARE * PRED_RANKS;
        if (adapts) {
            pred_adapt_note(&adapt, PRED_CYCLIST, missed ? 1.0 : 0.0, 1.0);
        }
        inside += i >= 1000 && !missed ? 1 : 0;
    }
    hp_assert_near(adapt.log_factor[PRED_WALKER], 0.0, 0.0); /* not his business */
    return inside / 1000.0;
}

static void test_pred_adapt_keeps_regions_to_their_word_when_the_world_is_wilder(void **state)
{
    (void)state;
    assert_true(cover(2.0, false) < 0.75);
    hp_assert_near(cover(2.0, true), 0.9, 0.02);
    assert_true(cover(0.5, false) > 0.95);
    hp_assert_near(cover(0.5, true), 0.9, 0.02);
}

static void test_pred_adapt_stays_bounded_when_everything_misses(void **state)
{
    (void)state;
    static pred_answer a;
    pred_adapt adapt = {.n = {0.0}};
    for (uint32_t i = 0; i < 10000; ++i) {
        pred_adapt_note(&adapt, PRED_WALKER, 1.0, 1.0);
    }
    make_answer(&a);
    pred_adapt_apply(&adapt, PRED_WALKER, &a);
    hp_assert_near(a.scale[0][0], exp(1.5), 1e-5);
    for (uint32_t i = 0; i < 100000; ++i) {
        pred_adapt_note(&adapt, PRED_WALKER, 0.0, 1.0);
    }
    make_answer(&a);
    pred_adapt_apply(&adapt, PRED_WALKER, &a);
    hp_assert_near(a.scale[0][0], exp(-1.5), 1e-5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pred_mixture_density_is_that_of_laplace_distributions),
        cmocka_unit_test(test_pred_mixture_rank_grows_outwards),
        cmocka_unit_test(test_pred_adapt_keeps_regions_to_their_word_when_the_world_is_wilder),
        cmocka_unit_test(test_pred_adapt_stays_bounded_when_everything_misses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
