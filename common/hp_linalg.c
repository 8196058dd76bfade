#include "common/hp_linalg.h"

#include <cblas.h>
#include <stddef.h>
#include <string.h>

typedef struct strides {
    int a, b, c;
} strides;

static strides strides_of(const hp_gemm *g)
{
    const uint32_t a = g->a_transposed ? g->m : g->k;
    const uint32_t b = g->b_transposed ? g->k : g->n;
    return (strides){(int)(g->a_stride > 0 ? g->a_stride : a),
                     (int)(g->b_stride > 0 ? g->b_stride : b),
                     (int)(g->c_stride > 0 ? g->c_stride : g->n)};
}

static CBLAS_TRANSPOSE op(bool transposed)
{
    return transposed ? CblasTrans : CblasNoTrans;
}

void hp_linalg_gemm(const hp_gemm *g, const float *a, const float *b, float *c)
{
    const strides s = strides_of(g);
    cblas_sgemm(CblasRowMajor, op(g->a_transposed), op(g->b_transposed), (int)g->m, (int)g->n,
                (int)g->k, 1.0F, a, s.a, b, s.b, (float)g->beta, c, s.c);
}

void hp_linalg_gemm64(const hp_gemm *g, const double *a, const double *b, double *c)
{
    const strides s = strides_of(g);
    cblas_dgemm(CblasRowMajor, op(g->a_transposed), op(g->b_transposed), (int)g->m, (int)g->n,
                (int)g->k, 1.0, a, s.a, b, s.b, g->beta, c, s.c);
}

void hp_linalg_start(void)
{
    openblas_set_num_threads(1);
}

const char *hp_linalg_kernels(void)
{
    return openblas_get_corename();
}

const char *hp_linalg_better_kernels(void)
{
#if defined(__x86_64__)
    static const char *const WIDE[] = {"SkylakeX", "Cooperlake", "Sapphirerapids"};
    static const char *const MIDDLE[] = {"Haswell", "Zen"};
    const char *chosen = openblas_get_corename();
    for (size_t i = 0; i < sizeof WIDE / sizeof WIDE[0]; i++) {
        if (strcmp(chosen, WIDE[i]) == 0) {
            return NULL;
        }
    }
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")) {
        return WIDE[0];
    }
    for (size_t i = 0; i < sizeof MIDDLE / sizeof MIDDLE[0]; i++) {
        if (strcmp(chosen, MIDDLE[i]) == 0) {
            return NULL;
        }
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        return MIDDLE[0];
    }
#endif
    return NULL;
}
