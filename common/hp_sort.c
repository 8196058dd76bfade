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
