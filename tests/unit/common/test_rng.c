#include "tests/support/hp_test.h"

#include "common/hp_rng.h"

#include <stdlib.h>

enum { N = 200000 };

/* Written down once: a change of these bits changes every recorded run. */
static void test_rng_keeps_its_bits(void **state)
{
    const hp_rng root = hp_rng_seed(42);
    const hp_rng lane = hp_rng_lane(root, 7);
    (void)state;
    assert_true(root.key == UINT64_C(0xbdd732262feb6e95));
    assert_true(lane.key == UINT64_C(0xbc16a3d4cc48678e));
    assert_true(hp_rng_u64(root, 0) == UINT64_C(0x42361fbc3495a5f2));
    assert_true(hp_rng_u64(lane, 0) == UINT64_C(0xfacfd8aa9954a7cd));
    assert_true(hp_rng_u64(lane, 1000000) == UINT64_C(0x663aa47e30f0e77e));
    assert_true(hp_rng_unit(root, 3) == 0x1.4d1cce1d4d9ccp-1);
    assert_true(hp_rng_unit(lane, 3) == 0x1.89d57d06dc94ep-2);
    /* Logarithm and cosine are the C library's: its last bit is not ours to promise. */
    hp_assert_near(hp_rng_normal(lane, 3), 0x1.5b1ee6cd91615p-3, 1e-15);
}

static void test_rng_stays_in_its_interval(void **state)
{
    const hp_rng stream = hp_rng_seed(1);
    double least = 1.0;
    double most = 0.0;
    (void)state;
    for (uint64_t i = 0; i < N; ++i) {
        const double u = hp_rng_unit(stream, i);
        const double r = hp_rng_range(stream, i, -3.0, 5.0);
        assert_true(u >= 0.0 && u < 1.0);
        assert_true(r >= -3.0 && r < 5.0);
        least = fmin(least, u);
        most = fmax(most, u);
    }
    assert_true(least < 1e-4 && most > 1.0 - 1e-4);
}

/** Pearson's statistic of counts against an even spread. */
static double chi_square(const uint32_t *counts, uint32_t n, double expected)
{
    double sum = 0.0;
    for (uint32_t i = 0; i < n; ++i) {
        const double off = counts[i] - expected;
        sum += off * off / expected;
    }
    return sum;
}

/** 255 degrees of freedom: mean 255, standard deviation 22.6; the bounds are 5 deviations away.
 *  Too even a spread is as suspicious as an uneven one. */
static void assert_even(const uint32_t counts[256], double n)
{
    const double x = chi_square(counts, 256, n / 256.0);
    if (x < 255.0 - 5.0 * 22.6 || x > 255.0 + 5.0 * 22.6) {
        print_error("chi square %.1f with 255 degrees of freedom\n", x);
        fail();
    }
}

static void test_rng_is_uniform_in_every_byte(void **state)
{
    (void)state;
    for (uint32_t shift = 0; shift < 64; shift += 8) {
        uint32_t counts[256] = {0};
        const hp_rng stream = hp_rng_seed(99);
        for (uint64_t i = 0; i < N; ++i) {
            ++counts[hp_rng_u64(stream, i) >> shift & 0xff];
        }
        assert_even(counts, N);
    }
}

static void test_rng_is_uniform_along_lanes_and_seeds(void **state)
{
    uint32_t along_lanes[256] = {0};
    uint32_t along_seeds[256] = {0};
    uint32_t pairs[256] = {0}; /* neighbours in the same stream: 4 bits of each */
    const hp_rng root = hp_rng_seed(5);
    (void)state;
    for (uint64_t i = 0; i < N; ++i) {
        ++along_lanes[hp_rng_u64(hp_rng_lane(root, i), 0) >> 56];
        ++along_seeds[hp_rng_u64(hp_rng_seed(i), 0) >> 56];
        ++pairs[(hp_rng_u64(root, 2 * i) >> 60) << 4 | hp_rng_u64(root, 2 * i + 1) >> 60];
    }
    assert_even(along_lanes, N);
    assert_even(along_seeds, N);
    assert_even(pairs, N);
}

/** Correlation of two streams over n numbers; for independent ones its deviation is 1/sqrt(n). */
static double correlation(hp_rng a, hp_rng b, uint64_t shift)
{
    double sum = 0.0;
    for (uint64_t i = 0; i < N; ++i) {
        sum += (hp_rng_unit(a, i) - 0.5) * (hp_rng_unit(b, i + shift) - 0.5);
    }
    return 12.0 * sum / N;
}

static void test_rng_lanes_are_independent(void **state)
{
    const hp_rng root = hp_rng_seed(3);
    const double bound = 5.0 / sqrt((double)N);
    (void)state;
    for (uint64_t lane = 0; lane < 8; ++lane) {
        const hp_rng a = hp_rng_lane(root, lane);
        const hp_rng b = hp_rng_lane(root, lane + 1);
        hp_assert_near(correlation(a, b, 0), 0.0, bound);
        hp_assert_near(correlation(a, b, 1), 0.0, bound);
        hp_assert_near(correlation(root, a, 0), 0.0, bound);
        hp_assert_near(correlation(a, a, 1), 0.0, bound);
        hp_assert_near(correlation(hp_rng_seed(lane), hp_rng_seed(lane + 1), 0), 0.0, bound);
    }
}

static int compare_words(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void test_rng_words_differ_over_lanes_and_indices(void **state)
{
    enum { LANES = 200, WORDS = 200 };
    const size_t n = (size_t)LANES * WORDS;
    uint64_t *all = test_malloc(n * sizeof *all);
    const hp_rng root = hp_rng_seed(0);
    (void)state;
    for (uint64_t lane = 0; lane < LANES; ++lane) {
        for (uint64_t i = 0; i < WORDS; ++i) {
            all[lane * WORDS + i] = hp_rng_u64(hp_rng_lane(root, lane), i);
        }
    }
    qsort(all, n, sizeof *all, compare_words);
    for (size_t i = 1; i < n; ++i) { /* of 2^64 words, 40000 should not meet */
        assert_true(all[i] != all[i - 1]);
    }
    test_free(all);
}

static void test_rng_normal_has_normal_moments(void **state)
{
    const hp_rng stream = hp_rng_seed(17);
    double sum[5] = {0};
    uint32_t beyond_two = 0;
    (void)state;
    for (uint64_t i = 0; i < N; ++i) {
        const double z = hp_rng_normal(stream, i);
        double power = 1.0;
        assert_true(isfinite(z));
        for (int k = 1; k < 5; ++k) {
            power *= z;
            sum[k] += power;
        }
        beyond_two += fabs(z) > 2.0 ? 1 : 0;
    }
    /* Deviations of the k-th mean moment over n draws: sqrt(1, 2, 15, 96 over n). */
    hp_assert_near(sum[1] / N, 0.0, 5.0 * sqrt(1.0 / N));
    hp_assert_near(sum[2] / N, 1.0, 5.0 * sqrt(2.0 / N));
    hp_assert_near(sum[3] / N, 0.0, 5.0 * sqrt(15.0 / N));
    hp_assert_near(sum[4] / N, 3.0, 5.0 * sqrt(96.0 / N));
    hp_assert_near((double)beyond_two / N, 0.0455003, 5.0 * sqrt(0.0455 * 0.9545 / N));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rng_keeps_its_bits),
        cmocka_unit_test(test_rng_stays_in_its_interval),
        cmocka_unit_test(test_rng_is_uniform_in_every_byte),
        cmocka_unit_test(test_rng_is_uniform_along_lanes_and_seeds),
        cmocka_unit_test(test_rng_lanes_are_independent),
        cmocka_unit_test(test_rng_words_differ_over_lanes_and_indices),
        cmocka_unit_test(test_rng_normal_has_normal_moments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
