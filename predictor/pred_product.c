/* Hot: products of small matrices. Each element is a sum in the order of k, whatever the row, so
 * that an agent's bits do not depend on who is listed beside him. */
#include "predictor/pred_net.h"

enum { TILE = 16, ROWS = 4 };

/** rows (at most ROWS) times TILE columns. */
static inline void tile(uint32_t rows, uint32_t n, uint32_t k, const pred_real *x,
                        const pred_real *w, pred_real *y)
{
    pred_real sum[ROWS][TILE] = {{0}};
    for (uint32_t i = 0; i < k; ++i) {
        const pred_real *row = &w[(size_t)i * n];
        for (uint32_t r = 0; r < rows; ++r) {
            const pred_real factor = x[(size_t)r * k + i];
            for (uint32_t c = 0; c < TILE; ++c) {
                sum[r][c] += factor * row[c];
            }
        }
    }
    for (uint32_t r = 0; r < rows; ++r) {
        for (uint32_t c = 0; c < TILE; ++c) {
            y[(size_t)r * n + c] = sum[r][c];
        }
    }
}

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
            if (rows == ROWS) {
                tile(ROWS, n, k, from, w + c, to + c);
            } else {
                tile(rows, n, k, from, w + c, to + c);
            }
        }
        rest(rows, n, k, from, w, to, whole);
    }
}
