/* Hot: products of small matrices. Each element is a sum in the order of k, whatever the row, so
 * that an agent's bits do not depend on who is listed beside him. */
#include "predictor/pred_net.h"

#include <string.h>

#ifdef __AVX2__
enum { LANES = 8 };
#else
enum { LANES = 4 };
#endif
enum { TILE = 2 * LANES, ROWS = 4 };

/** Compilers lower this to what the machine has; no lane's sum depends on another's. */
typedef pred_real lanes __attribute__((vector_size(LANES * sizeof(pred_real))));

/** ROWS rows times TILE columns; rows beyond `rows` repeat the last one and are not stored. */
static void tile(uint32_t rows, uint32_t n, uint32_t k, const pred_real *x, const pred_real *w,
                 pred_real *y)
{
    lanes sum[ROWS][2] = {{{0}}};
    const pred_real *row[ROWS];
    for (uint32_t r = 0; r < ROWS; ++r) {
        row[r] = &x[(size_t)(r < rows ? r : rows - 1) * k];
    }
    for (uint32_t i = 0; i < k; ++i) {
        lanes a;
        lanes b;
        memcpy(&a, &w[(size_t)i * n], sizeof a);
        memcpy(&b, &w[(size_t)i * n + LANES], sizeof b);
#pragma GCC unroll 4
        for (uint32_t r = 0; r < ROWS; ++r) {
            sum[r][0] += row[r][i] * a;
            sum[r][1] += row[r][i] * b;
        }
    }
#pragma GCC unroll 4
    for (uint32_t r = 0; r < ROWS; ++r) {
        if (r < rows) {
            memcpy(&y[(size_t)r * n], &sum[r][0], sizeof(lanes));
            memcpy(&y[(size_t)r * n + LANES], &sum[r][1], sizeof(lanes));
        }
    }
}

/** The columns that fill no tile. */
static void rest(uint32_t rows, uint32_t n, uint32_t k, const pred_real *x, const pred_real *w,
                 pred_real *y, uint32_t from)
{
    for (uint32_t r = 0; r < rows; ++r) {
        for (uint32_t c = from; c < n; ++c) {
            pred_real sum = 0;
            for (uint32_t i = 0; i < k; ++i) {
                sum += x[(size_t)r * k + i] * w[(size_t)i * n + c];
            }
            y[(size_t)r * n + c] = sum;
        }
    }
}

void PRED_PRODUCT(uint32_t m, uint32_t n, uint32_t k, const pred_real *x, const pred_real *w,
                  pred_real *y)
{
    const uint32_t whole = n / TILE * TILE;
    for (uint32_t r = 0; r < m; r += ROWS) {
        const uint32_t rows = m - r < ROWS ? m - r : ROWS;
        const pred_real *from = &x[(size_t)r * k];
        pred_real *to = &y[(size_t)r * n];
        for (uint32_t c = 0; c < whole; c += TILE) {
            tile(rows, n, k, from, w + c, to + c);
        }
        rest(rows, n, k, from, w, to, whole);
    }
}
