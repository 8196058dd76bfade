/** @file hp_linalg.h Products of matrices for training: the one place that calls OpenBLAS.
 *
 *  One thread: threaded kernels allocate, reorder sums, and are slower at these sizes. The result
 * is the same from run to run on one machine; another processor gets other kernels, so what passed
 *  through here is compared with a tolerance. Inference does not come this way.
 *  Ownership: borrows everything. Threads: one caller at a time. Allocation: inside OpenBLAS. */
#ifndef HP_LINALG_H
#define HP_LINALG_H

#include <stdbool.h>
#include <stdint.h>

/** C = op(A) op(B) + beta C, all row by row. op(A) is m x k, op(B) k x n, C m x n. */
typedef struct hp_gemm {
    bool a_transposed, b_transposed;       /* stored as k x m, as n x k */
    uint32_t m, n, k;                      /* each > 0 */
    uint32_t a_stride, b_stride, c_stride; /* elements from row to row, as stored; 0: packed */
    double beta;                           /* 0: C is only written */
} hp_gemm;

void hp_linalg_gemm(const hp_gemm *shape, const float *a, const float *b, float *c);
void hp_linalg_gemm64(const hp_gemm *shape, const double *a, const double *b, double *c);

/** Sets OpenBLAS to one thread; once, before the first product. */
void hp_linalg_start(void);
/** The processor whose kernels OpenBLAS chose, for logs. */
const char *hp_linalg_kernels(void);
/** The name that makes OpenBLAS choose kernels for this processor, when set as OPENBLAS_CORETYPE
 *  before the program starts; NULL: what it chose is right. Releases do not know processors that
 *  are younger than they and then fall back to kernels several times slower. */
const char *hp_linalg_better_kernels(void);

#endif
