/** @file car_lanes.h Eight particles side by side: vectors of the compiler, no instruction set
 * named. Every operation is lane by lane and rounds as its scalar does, so all builds of a kernel
 * give the same bits. Masks are all ones or all zeros per lane. Threads: pure. Allocation: none. */
#ifndef CAR_LANES_H
#define CAR_LANES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { CAR_LANES = 8 };

typedef float car_f8 __attribute__((vector_size(32)));
typedef int32_t car_i8 __attribute__((vector_size(32)));
typedef uint32_t car_u8 __attribute__((vector_size(32)));
typedef float car_f4 __attribute__((vector_size(16)));
typedef double car_d4 __attribute__((vector_size(32)));
typedef uint8_t car_b8 __attribute__((vector_size(8)));

/** Eight rows of four numbers, turned: one vector per column. */
typedef struct car_columns {
    car_f8 c[4];
} car_columns;

static inline car_f8 lanes_all(float x)
{
    return (car_f8){x, x, x, x, x, x, x, x};
}

static inline car_i8 lanes_all_i(int32_t x)
{
    return (car_i8){x, x, x, x, x, x, x, x};
}

static inline car_i8 lanes_pick_i(car_i8 mask, car_i8 yes, car_i8 no)
{
    return no ^ (mask & (yes ^ no));
}

static inline car_f8 lanes_pick(car_i8 mask, car_f8 yes, car_f8 no)
{
    return (car_f8)lanes_pick_i(mask, (car_i8)yes, (car_i8)no);
}

/** Each lane's number. */
#define LANE ((car_i8){0, 1, 2, 3, 4, 5, 6, 7})

/** a < b ? a : b. The compiler does not see on its own that this is one instruction. */
static inline car_f8 lanes_min(car_f8 a, car_f8 b)
{
#ifdef __AVX__
    return __builtin_ia32_minps256(a, b);
#else
    return lanes_pick(a < b, a, b);
#endif
}

/** a > b ? a : b */
static inline car_f8 lanes_max(car_f8 a, car_f8 b)
{
#ifdef __AVX__
    return __builtin_ia32_maxps256(a, b);
#else
    return lanes_pick(a > b, a, b);
#endif
}

static inline car_f8 lanes_clamp(car_f8 x, float lo, float hi)
{
    return lanes_min(lanes_max(x, lanes_all(lo)), lanes_all(hi));
}

static inline car_f8 lanes_abs(car_f8 x)
{
    return (car_f8)((car_i8)x & lanes_all_i(INT32_MAX));
}

static inline bool lanes_any(car_i8 mask)
{
#ifdef __AVX__
    return __builtin_ia32_movmskps256((car_f8)mask) != 0;
#else
    uint64_t w[4];
    memcpy(w, &mask, sizeof w);
    return ((w[0] | w[1]) | (w[2] | w[3])) != 0;
#endif
}

/** One bit per lane. */
static inline uint32_t lanes_bits(car_i8 mask)
{
#ifdef __AVX__
    return (uint32_t)__builtin_ia32_movmskps256((car_f8)mask);
#else
    uint32_t bits = 0;
    for (uint32_t j = 0; j < CAR_LANES; ++j) {
        bits |= (uint32_t)(mask[j] & 1) << j;
    }
    return bits;
#endif
}

/** Which lanes have their bit set, in their order; those behind them are any. */
static inline car_i8 lanes_order(uint32_t bits)
{
    static const uint32_t FOUR[16] = {0,      0,        1,        0x0100,    2,      0x0200,
                                      0x0201, 0x020100, 3,        0x0300,    0x0301, 0x030100,
                                      0x0302, 0x030200, 0x030201, 0x03020100};
    const uint32_t low = bits & 15;
    const uint64_t high = FOUR[bits >> 4] + UINT32_C(0x04040404);
    const uint64_t order = FOUR[low] | high << (8 * __builtin_popcount(low));
    car_b8 bytes;
    memcpy(&bytes, &order, sizeof bytes);
    return __builtin_convertvector(bytes, car_i8);
}

/** Stores lane order[j] in place j. */
static inline void lanes_store_ordered(car_u8 x, car_i8 order, uint32_t to[CAR_LANES])
{
#ifdef __AVX2__
    x = (car_u8)__builtin_ia32_permvarsi256((car_i8)x, order);
    memcpy(to, &x, sizeof x);
#else
    uint32_t from[CAR_LANES];
    memcpy(from, &x, sizeof x);
    for (int j = 0; j < CAR_LANES; ++j) {
        to[j] = from[order[j]];
    }
#endif
}

static inline car_f8 lanes_load(const float x[CAR_LANES])
{
    car_f8 v;
    memcpy(&v, x, sizeof v);
    return v;
}

/** Towards zero. */
static inline car_i8 lanes_to_int(car_f8 x)
{
    return __builtin_convertvector(x, car_i8);
}

static inline car_f8 lanes_to_float(car_i8 x)
{
    return __builtin_convertvector(x, car_f8);
}

/** 4 x 4 blocks, turned, in each half of the vectors. Its own inverse. */
static inline car_columns lanes_turn(car_columns m)
{
    const car_f8 a = __builtin_shufflevector(m.c[0], m.c[1], 0, 8, 1, 9, 4, 12, 5, 13);
    const car_f8 b = __builtin_shufflevector(m.c[0], m.c[1], 2, 10, 3, 11, 6, 14, 7, 15);
    const car_f8 c = __builtin_shufflevector(m.c[2], m.c[3], 0, 8, 1, 9, 4, 12, 5, 13);
    const car_f8 d = __builtin_shufflevector(m.c[2], m.c[3], 2, 10, 3, 11, 6, 14, 7, 15);
    return (car_columns){{__builtin_shufflevector(a, c, 0, 1, 8, 9, 4, 5, 12, 13),
                          __builtin_shufflevector(a, c, 2, 3, 10, 11, 6, 7, 14, 15),
                          __builtin_shufflevector(b, d, 0, 1, 8, 9, 4, 5, 12, 13),
                          __builtin_shufflevector(b, d, 2, 3, 10, 11, 6, 7, 14, 15)}};
}

static inline car_f8 lanes_row_pair(const void *low, const void *high)
{
    car_f4 a;
    car_f4 b;
    memcpy(&a, low, sizeof a);
    memcpy(&b, high, sizeof b);
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7);
}

/** Four numbers each from eight places, bytes from a base. */
static inline car_columns lanes_load_rows(const unsigned char *base, const size_t place[CAR_LANES])
{
    car_columns m;
    for (int j = 0; j < 4; ++j) {
        m.c[j] = lanes_row_pair(base + place[j], base + place[j + 4]);
    }
    return lanes_turn(m);
}

/** The word after each of eight rows of four numbers. */
static inline car_u8 lanes_load_fifths(const unsigned char *base, const size_t place[CAR_LANES])
{
    car_columns m; /* second to fifth, and the last column of their turn */
    for (int j = 0; j < 4; ++j) {
        m.c[j] = lanes_row_pair(base + place[j] + 4, base + place[j + 4] + 4);
    }
    return (car_u8)lanes_turn(m).c[3];
}

/** The first n of eight numbers: to copy all of them takes no call. */
static inline void lanes_copy(void *to, const void *from, uint32_t n, size_t size)
{
    if (n == CAR_LANES) {
        memcpy(to, from, CAR_LANES * size);
    } else {
        memcpy(to, from, n * size);
    }
}

/** The lanes as sizes. None is negative. */
static inline void lanes_to_sizes(car_i8 x, size_t out[CAR_LANES])
{
    uint64_t pair[CAR_LANES / 2];
    memcpy(pair, &x, sizeof pair);
    for (int j = 0; j < CAR_LANES / 2; ++j) {
        out[2 * j] = (uint32_t)pair[j];
        out[2 * j + 1] = pair[j] >> 32;
    }
}

/** The four-number rows of a table, by index. */
static inline car_columns lanes_table_rows(const float (*table)[4], car_i8 index)
{
    size_t place[CAR_LANES];
    lanes_to_sizes(index * (int32_t)sizeof table[0], place);
    return lanes_load_rows((const unsigned char *)table, place);
}

static inline void lanes_store_rows(unsigned char *base, const size_t place[CAR_LANES],
                                    car_columns m)
{
    m = lanes_turn(m);
    for (int j = 0; j < 4; ++j) {
        const car_f4 low = __builtin_shufflevector(m.c[j], m.c[j], 0, 1, 2, 3);
        const car_f4 high = __builtin_shufflevector(m.c[j], m.c[j], 4, 5, 6, 7);
        memcpy(base + place[j], &low, sizeof low);
        memcpy(base + place[j + 4], &high, sizeof high);
    }
}

/** Numbers of a table, by index. */
static inline car_f8 lanes_table(const float *table, car_i8 index)
{
    size_t at[CAR_LANES];
    lanes_to_sizes(index, at);
    return (car_f8){table[at[0]], table[at[1]], table[at[2]], table[at[3]],
                    table[at[4]], table[at[5]], table[at[6]], table[at[7]]};
}

static inline void lanes_store_doubles(car_f8 x, double out[CAR_LANES])
{
    const car_f4 low = __builtin_shufflevector(x, x, 0, 1, 2, 3);
    const car_f4 high = __builtin_shufflevector(x, x, 4, 5, 6, 7);
    const car_d4 both[2] = {__builtin_convertvector(low, car_d4),
                            __builtin_convertvector(high, car_d4)};
    memcpy(out, both, sizeof both);
}

/** Low and high halves of eight 64-bit words. */
static inline void lanes_load_words(const uint64_t words[CAR_LANES], car_u8 *low, car_u8 *high)
{
    car_u8 v[2];
    memcpy(v, words, sizeof v);
    *low = __builtin_shufflevector(v[0], v[1], 0, 2, 4, 6, 8, 10, 12, 14);
    *high = __builtin_shufflevector(v[0], v[1], 1, 3, 5, 7, 9, 11, 13, 15);
}

static inline void lanes_store_words(car_u8 low, car_u8 high, uint64_t words[CAR_LANES])
{
    const car_u8 v[2] = {__builtin_shufflevector(low, high, 0, 8, 1, 9, 2, 10, 3, 11),
                         __builtin_shufflevector(low, high, 4, 12, 5, 13, 6, 14, 7, 15)};
    memcpy(words, v, sizeof v);
}

/** MurmurHash3's finaliser: scatters neighbouring words. */
static inline car_u8 lanes_mix(car_u8 x)
{
    x ^= x >> 16;
    x *= UINT32_C(0x85ebca6b);
    x ^= x >> 13;
    x *= UINT32_C(0xc2b2ae35);
    return x ^ (x >> 16);
}

/** e^x for x in [-80, 0], below that as at -80; the relative error is at most 4e-7. */
static inline car_f8 lanes_exp(car_f8 x)
{
    const car_f8 y = lanes_max(x, lanes_all(-80.0f));
    const car_i8 n = lanes_to_int(y * 1.44269504f - 0.5f); /* to nearest: y is not positive */
    const car_f8 k = lanes_to_float(n);
    const car_f8 f = (y - k * 0.693359375f) + k * 2.12194440e-4f; /* ln 2 in two parts */
    car_f8 p = f * (1.0f / 5040.0f) + 1.0f / 720.0f;
    p = p * f + 1.0f / 120.0f;
    p = p * f + 1.0f / 24.0f;
    p = p * f + 1.0f / 6.0f;
    p = p * f + 0.5f;
    p = p * f + 1.0f;
    p = p * f + 1.0f;
    return p * (car_f8)((n + 127) << 23);
}

#endif
