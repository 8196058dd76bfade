#include "common/hp_sort.h"

#include <stdlib.h>

static int by_size(const void *left, const void *right)
{
    const double a = *(const double *)left;
    const double b = *(const double *)right;
    return (a > b) - (a < b);
}

void hp_sort(double *values, size_t n)
{
    qsort(values, n, sizeof *values, by_size);
}

double hp_median(double *values, size_t n)
{
    hp_sort(values, n);
    return 0.5 * (values[(n - 1) / 2] + values[n / 2]);
}
