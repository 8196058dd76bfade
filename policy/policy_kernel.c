/* Built several times, see CMakeLists.txt: LANES floats to a vector, tiles of ROWS rows and PANELS
 * panels, LONE panels for a row that is alone; KERNEL and NAME are what comes out. */
#include "policy/policy_kernel.h"

#include <string.h>

typedef float lanes __attribute__((vector_size(4 * LANES)));
typedef int32_t words __attribute__((vector_size(4 * LANES))); /* -1: true */
enum { PARTS = POLICY_PANEL / LANES };

static inline lanes load(const float *p)
{
    lanes v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline void store(float *p, lanes v)
{
    memcpy(p, &v, sizeof v);
}

/** One tile; rows and panels are constants where it is called, so that all loops but one vanish. */
static inline __attribute__((always_inline)) void tile(const policy_dense *l, const float *x,
                                                       uint32_t panel, float *y,
                                                       const uint32_t rows, const uint32_t panels)
{
    lanes sum[ROWS * PANELS * PARTS > LONE * PARTS ? ROWS * PANELS * PARTS : LONE * PARTS];
    const uint32_t n = panels * PARTS;
    const size_t panel_size = (size_t)l->n_in * POLICY_PANEL;
    const float *w = l->weights + panel * panel_size;
    const lanes zero = {0};
#pragma GCC unroll 64
    for (uint32_t i = 0; i < rows * n; i++) {
        sum[i] = zero;
    }
    for (uint32_t k = 0; k < l->n_in; k++) {
#pragma GCC unroll 64
        for (uint32_t j = 0; j < n; j++) {
            const lanes b =
                load(w + (j / PARTS) * panel_size + (size_t)k * POLICY_PANEL + (j % PARTS) * LANES);
#pragma GCC unroll 64
            for (uint32_t i = 0; i < rows; i++) {
                sum[i * n + j] += x[i * l->x_stride + k] * b;
            }
        }
    }
#pragma GCC unroll 64
    for (uint32_t i = 0; i < rows; i++) {
#pragma GCC unroll 64
        for (uint32_t j = 0; j < n; j++) {
            const size_t at = (size_t)panel * POLICY_PANEL + (size_t)j * LANES;
            lanes v = sum[i * n + j] + load(l->biases + at);
            v = l->relu ? (lanes)((v > zero) & (words)v) : v;
            store(y + i * l->y_stride + at, v);
        }
    }
}

/** rows (a constant) rows at once, over all panels. */
static inline __attribute__((always_inline)) void
strip(const policy_dense *l, const float *x, float *y, const uint32_t rows, const uint32_t panels)
{
    uint32_t p = 0;
    for (; p + panels <= l->n_panels; p += panels) {
        tile(l, x, p, y, rows, panels);
    }
    for (; p < l->n_panels; p++) {
        tile(l, x, p, y, rows, 1);
    }
}

static void dense(const policy_dense *l, const float *x, uint32_t rows, float *y)
{
    uint32_t i = 0;
    for (; i + ROWS <= rows; i += ROWS) {
        strip(l, x + i * l->x_stride, y + i * l->y_stride, ROWS, PANELS);
    }
    for (; i + 2 <= rows; i += 2) {
        strip(l, x + i * l->x_stride, y + i * l->y_stride, 2, PANELS);
    }
    for (; i < rows; i++) {
        strip(l, x + i * l->x_stride, y + i * l->y_stride, 1, LONE);
    }
}

/** tanh(x) = 1 - 2 / (e + 1), e = 2^(whole + part); 2^part by its series, 2^whole by exponent. */
static inline __attribute__((always_inline)) float tanh_one(float x)
{
    float v = x * 2.88539008F; /* 2 / ln 2 */
    v = v > 25.0F ? 25.0F : v;
    v = v < -25.0F ? -25.0F : v;
    const float whole = (v + 12582912.0F) - 12582912.0F; /* 1.5 * 2^23 rounds */
    const float f = v - whole;
    float p = 1.5403530e-4F;
    p = p * f + 1.3333558e-3F;
    p = p * f + 9.6181291e-3F;
    p = p * f + 5.5504109e-2F;
    p = p * f + 2.4022651e-1F;
    p = p * f + 6.9314718e-1F;
    p = p * f + 1.0F;
    const int32_t bits = ((int32_t)whole + 127) * (1 << 23);
    float scale;
    memcpy(&scale, &bits, sizeof scale);
    return 1.0F - 2.0F / (p * scale + 1.0F);
}

static void tanh_all(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        x[i] = tanh_one(x[i]);
    }
}

static void tanh_biased(const float *biases, uint32_t rows, uint32_t n, float *y)
{
    for (uint32_t i = 0; i < rows; i++) {
        float *row = y + (size_t)i * n;
        for (uint32_t j = 0; j < n; j++) {
            row[j] = tanh_one(row[j] + biases[j]);
        }
    }
}

static void tanh_back(const float *y, float *dy, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        dy[i] *= 1.0F - y[i] * y[i];
    }
}

static void add_rows(const float *x, uint32_t rows, uint32_t n, float *sum)
{
    uint32_t j = 0;
    for (; j + 4 * LANES <= n; j += 4 * LANES) { /* four sums stay in registers */
        lanes s[4] = {{0}};
        for (uint32_t i = 0; i < rows; i++) {
#pragma GCC unroll 4
            for (uint32_t k = 0; k < 4; k++) {
                s[k] += load(x + (size_t)i * n + j + (size_t)k * LANES);
            }
        }
#pragma GCC unroll 4
        for (uint32_t k = 0; k < 4; k++) {
            float *to = sum + j + (size_t)k * LANES;
            store(to, load(to) + s[k]);
        }
    }
    for (uint32_t i = 0; i < rows; i++) {
        for (uint32_t k = j; k < n; k++) {
            sum[k] += x[(size_t)i * n + k];
        }
    }
}

const policy_kernel KERNEL = {NAME,      dense,    tanh_all,    tanh_biased,
                              tanh_back, add_rows, hp_adam_step};
