/* Products against their definition, in all four orders and with strides. */
#include "common/hp_linalg.h"
#include "common/hp_rng.h"
#include "tests/support/hp_test.h"

enum { M = 5, N = 7, K = 6, STRIDE = 9 };

static void fill(double *x, uint64_t lane)
{
    for (uint64_t i = 0; i < (uint64_t)STRIDE * STRIDE; i++) {
        x[i] = hp_rng_normal(hp_rng_lane(hp_rng_seed(1), lane), i);
    }
}

static double wanted(const hp_gemm *g, const double *a, const double *b, uint32_t i, uint32_t j)
{
    double sum = 0.0;
    for (uint32_t k = 0; k < g->k; k++) {
        const double x = g->a_transposed ? a[k * STRIDE + i] : a[i * STRIDE + k];
        const double y = g->b_transposed ? b[j * STRIDE + k] : b[k * STRIDE + j];
        sum += x * y;
    }
    return sum;
}

static void check(bool a_transposed, bool b_transposed, double beta)
{
    double a[STRIDE * STRIDE];
    double b[STRIDE * STRIDE];
    double c[STRIDE * STRIDE];
    double before[STRIDE * STRIDE];
    const hp_gemm g = {.a_transposed = a_transposed,
                       .b_transposed = b_transposed,
                       .m = M,
                       .n = N,
                       .k = K,
                       .a_stride = STRIDE,
                       .b_stride = STRIDE,
                       .c_stride = STRIDE,
                       .beta = beta};
    fill(a, 0);
    fill(b, 1);
    fill(c, 2);
    fill(before, 2);
    hp_linalg_gemm64(&g, a, b, c);
    for (uint32_t i = 0; i < STRIDE; i++) {
        for (uint32_t j = 0; j < STRIDE; j++) {
            const double old = before[i * STRIDE + j];
            const bool inside = i < M && j < N;
            hp_assert_near(c[i * STRIDE + j], inside ? wanted(&g, a, b, i, j) + beta * old : old,
                           1e-12);
        }
    }
}

static void test_linalg_gemm64_gives_the_sum_of_products(void **state)
{
    (void)state;
    hp_linalg_start();
    for (int order = 0; order < 4; order++) {
        check((order & 1) != 0, (order & 2) != 0, 0.0);
        check((order & 1) != 0, (order & 2) != 0, 1.0);
    }
}

static void test_linalg_gemm_takes_packed_rows_when_stride_is_zero(void **state)
{
    (void)state;
    const float a[6] = {1, 2, 3, 4, 5, 6};
    const float b[6] = {1, 0, 0, 1, 1, 1};
    float c[4] = {9, 9, 9, 9};
    const hp_gemm g = {.m = 2, .n = 2, .k = 3};
    hp_linalg_gemm(&g, a, b, c);
    const float want[4] = {4, 5, 10, 11};
    for (int i = 0; i < 4; i++) {
        hp_assert_near((double)c[i], (double)want[i], 0.0);
    }
}

static void test_linalg_names_its_kernels(void **state)
{
    (void)state;
    assert_true(hp_linalg_kernels()[0] != '\0');
    const char *better = hp_linalg_better_kernels();
    assert_true(better == NULL || better[0] != '\0');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_linalg_gemm64_gives_the_sum_of_products),
        cmocka_unit_test(test_linalg_gemm_takes_packed_rows_when_stride_is_zero),
        cmocka_unit_test(test_linalg_names_its_kernels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
