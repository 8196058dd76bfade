/** @file policy_kernel.h The arithmetic of forward passes, built once per kind of vectors and
 * chosen at run time.
 *
 *  Every output is one sum over k in order, whatever the number of rows: a row gives the same bits
 *  alone and in a batch. Between kinds the bits differ, for wider ones multiply and add in one
 * step. Weights are packed: for each panel of 16 outputs [n_in][16], padded with zeros. Ownership:
 * borrows everything. Threads: pure. Allocation: none. */
#ifndef POLICY_KERNEL_H
#define POLICY_KERNEL_H

#include "common/hp_adam.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { POLICY_PANEL = 16 };

static inline uint32_t policy_padded(uint32_t n)
{
    return (n + POLICY_PANEL - 1) / POLICY_PANEL * POLICY_PANEL;
}

/** y = x W + b, no less than 0 if relu. */
typedef struct policy_dense {
    uint32_t n_in, n_panels;
    bool relu;
    const float *weights;      /* [n_panels][n_in][16] */
    const float *biases;       /* [n_panels * 16] */
    size_t x_stride, y_stride; /* floats from row to row; y_stride >= n_panels * 16 */
} policy_dense;

typedef struct policy_kernel {
    const char *name; /* "scalar", "avx2", "avx512" */
    void (*dense)(const policy_dense *layer, const float *x, uint32_t rows, float *y);
    void (*tanh)(float *x, size_t n); /* within 4e-7 */
    /* For training. */
    /** y = tanh(y + biases), y [rows][n]. */
    void (*tanh_biased)(const float *biases, uint32_t rows, uint32_t n, float *y);
    /** dy *= 1 - y^2. */
    void (*tanh_back)(const float *y, float *dy, size_t n);
    /** sum [n] += the rows of x [rows][n]. */
    void (*add_rows)(const float *x, uint32_t rows, uint32_t n, float *sum);
    void (*adam)(const hp_adam_rule *rule, size_t n, const float *grads, float *m, float *v,
                 float *params);
} policy_kernel;

/** The widest that this processor has. */
const policy_kernel *policy_kernel_best(void);
/** By name ("auto": the best); NULL: unknown, or this processor has it not. */
const policy_kernel *policy_kernel_find(const char *name);

extern const policy_kernel POLICY_KERNEL_SCALAR;
#ifdef POLICY_HAS_WIDE
extern const policy_kernel POLICY_KERNEL_AVX2, POLICY_KERNEL_AVX512;
#endif

#endif
