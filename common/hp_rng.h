/** @file hp_rng.h Counter-based random numbers: a number is f(stream, index), a stream f(parent,
 * lane). There is no cursor, so the same answer comes in any order and on any thread. Threads: pure
 * functions. Allocation: none. Determinism: bit-identical everywhere. */
#ifndef HP_RNG_H
#define HP_RNG_H

#include <stdint.h>

typedef struct hp_rng {
    uint64_t key;
} hp_rng;

/** SplitMix64's finaliser: a bijection of 64-bit words that scatters neighbouring inputs. */
static inline uint64_t hp_mix64(uint64_t x)
{
    x ^= x >> 30;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 27;
    x *= UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/** The root stream of a run. */
static inline hp_rng hp_rng_seed(uint64_t seed)
{
    return (hp_rng){hp_mix64(seed + UINT64_C(0x9e3779b97f4a7c15))};
}

/** An independent child stream, for example per tick, per scenario, per agent. */
static inline hp_rng hp_rng_lane(hp_rng parent, uint64_t lane)
{
    return (hp_rng){hp_mix64(parent.key + UINT64_C(0x9e3779b97f4a7c15) * (lane + 1))};
}

/** The index-th 64-bit word of the stream. */
static inline uint64_t hp_rng_u64(hp_rng stream, uint64_t index)
{
    return hp_mix64(stream.key ^ (UINT64_C(0xd1342543de82ef95) * (index + 1)));
}

/** The index-th number of the stream, uniform in [0, 1). */
static inline double hp_rng_unit(hp_rng stream, uint64_t index)
{
    return (double)(hp_rng_u64(stream, index) >> 11) * 0x1.0p-53;
}

/** Uniform in [lo, hi). */
static inline double hp_rng_range(hp_rng stream, uint64_t index, double lo, double hi)
{
    return lo + (hi - lo) * hp_rng_unit(stream, index);
}

/** The index-th standard normal number (Box-Muller over words 2*index and 2*index + 1). */
double hp_rng_normal(hp_rng stream, uint64_t index);

#endif
