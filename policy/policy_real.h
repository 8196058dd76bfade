/** @file policy_real.h The number of the trainer: float, or double in the build that checks
 *  gradients against finite differences.
 *  Threads: pure. Allocation: none. */
#ifndef POLICY_REAL_H
#define POLICY_REAL_H

#include "common/hp_linalg.h"

#ifdef POLICY_DOUBLE
typedef double policy_real;
static inline void policy_gemm(const hp_gemm *g, const policy_real *a, const policy_real *b,
                               policy_real *c)
{
    hp_linalg_gemm64(g, a, b, c);
}
#else
typedef float policy_real;
static inline void policy_gemm(const hp_gemm *g, const policy_real *a, const policy_real *b,
                               policy_real *c)
{
    hp_linalg_gemm(g, a, b, c);
}
#endif

#endif
