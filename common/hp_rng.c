#include "common/hp_rng.h"

#include <math.h>

double hp_rng_normal(hp_rng stream, uint64_t index)
{
    const double two_pi = 6.283185307179586;
    const double u = 1.0 - hp_rng_unit(stream, 2 * index); /* (0, 1]: the logarithm stays finite */
    const double v = hp_rng_unit(stream, 2 * index + 1);
    return sqrt(-2.0 * log(u)) * cos(two_pi * v);
}
