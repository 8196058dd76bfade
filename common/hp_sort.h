/** @file hp_sort.h Numbers in order.
 *  Ownership: the caller's. Threads: pure. Allocation: the C library's, where there are many. */
#ifndef HP_SORT_H
#define HP_SORT_H

#include <stddef.h>

/** The least first; none is NaN. */
void hp_sort(double *values, size_t n);
/** The middle one of n >= 1 values, or between the two in the middle; they are sorted on the way.
 */
double hp_median(double *values, size_t n);

#endif
