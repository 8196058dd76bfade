/** @file car_lanes.h Eight particles side by side, or sixteen where registers hold so many: vectors
 * of the compiler. Every operation is lane by lane and rounds as its scalar does, so all builds of
 * a kernel give the same bits. Masks are all ones or all zeros per lane. What has one instruction
 * that the compiler does not find is named at the top, once for every width; the rest knows no
 * instruction set. Threads: pure. Allocation: none. */
#ifndef CAR_LANES_H
#define CAR_LANES_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef CAR_WIDE
#include <immintrin.h>
enum { CAR_LANES = 16 };
#define LANES_VECTOR __attribute__((vector_size(64)))
#define LANES_OF(x) x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x
#else
enum { CAR_LANES = 8 };
#define LANES_VECTOR __attribute__((vector_size(32)))
#define LANES_OF(x) x, x, x, x, x, x, x, x
#endif

typedef float car_f LANES_VECTOR;
typedef int32_t car_i LANES_VECTOR;
typedef uint32_t car_u LANES_VECTOR;
typedef double car_d LANES_VECTOR; /* half as many */
typedef uint8_t car_b __attribute__((vector_size(CAR_LANES)));
typedef float car_f4 __attribute__((vector_size(16)));
typedef float car_f8 __attribute__((vector_size(32)));

/** Rows of four numbers, turned: one vector per column. */
typedef struct car_columns {
    car_f c[4];
} car_columns;

static inline car_f lanes_all(float x)
{
    return (car_f){LANES_OF(x)};
}

static inline car_i lanes_all_i(int32_t x)
{
    return (car_i){LANES_OF(x)};
}

static inline car_i lanes_pick_i(car_i mask, car_i yes, car_i no)
{
    return no ^ (mask & (yes ^ no));
}

static inline car_f lanes_pick(car_i mask, car_f yes, car_f no)
{
    return (car_f)lanes_pick_i(mask, (car_i)yes, (car_i)no);
}

#ifdef CAR_WIDE

/** Each lane's number. */
#define LANE ((car_i){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15})

/** Four numbers of a row to each lane of four, for all fours. */
#define LANES_ZIP(x, y, a, b, c, d)                                                                \
    __builtin_shufflevector(x, y, a, b, c, d, (a) + 4, (b) + 4, (c) + 4, (d) + 4, (a) + 8,         \
                            (b) + 8, (c) + 8, (d) + 8, (a) + 12, (b) + 12, (c) + 12, (d) + 12)

/** Lanes to be kept: a bit for each. */
typedef uint32_t car_order;

static inline car_f lanes_min(car_f a, car_f b)
{
    return (car_f)_mm512_min_ps((__m512)a, (__m512)b);
}

static inline car_f lanes_max(car_f a, car_f b)
{
    return (car_f)_mm512_max_ps((__m512)a, (__m512)b);
}

static inline car_f lanes_sqrt(car_f x)
{
    return (car_f)_mm512_sqrt_ps((__m512)x);
}

/** One bit per lane. */
static inline uint32_t lanes_bits(car_i mask)
{
    return _mm512_movepi32_mask((__m512i)mask);
}

static inline bool lanes_any(car_i mask)
{
    return lanes_bits(mask) != 0;
}

static inline car_order lanes_order(uint32_t bits)
{
    return bits;
}

/** Stores the lanes of an order side by side; what comes behind them is any. */
static inline void lanes_store_ordered(car_u x, car_order order, uint32_t to[CAR_LANES])
{
    const __m512i kept = _mm512_maskz_compress_epi32((__mmask16)order, (__m512i)x);
    memcpy(to, &kept, sizeof kept);
}

/** Row j, and those of four, eight and twelve lanes on. */
static inline car_f lanes_load_fours(const unsigned char *base, const size_t place[CAR_LANES],
                                     int j)
{
    car_f4 r[4];
    for (int q = 0; q < 4; ++q) {
        memcpy(&r[q], base + place[j + 4 * q], sizeof r[q]);
    }
    const car_f8 low = __builtin_shufflevector(r[0], r[1], 0, 1, 2, 3, 4, 5, 6, 7);
    const car_f8 high = __builtin_shufflevector(r[2], r[3], 0, 1, 2, 3, 4, 5, 6, 7);
    return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

static inline car_f8 lanes_low(car_f x)
{
    return __builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7);
}

static inline car_f8 lanes_high(car_f x)
{
    return __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15);
}

static inline void lanes_store_fours(unsigned char *base, const size_t place[CAR_LANES], int j,
                                     car_f x)
{
    const car_f8 half[2] = {lanes_low(x), lanes_high(x)};
    for (int q = 0; q < 2; ++q) {
        const car_f4 low = __builtin_shufflevector(half[q], half[q], 0, 1, 2, 3);
        const car_f4 high = __builtin_shufflevector(half[q], half[q], 4, 5, 6, 7);
        memcpy(base + place[j + 8 * q], &low, sizeof low);
        memcpy(base + place[j + 8 * q + 4], &high, sizeof high);
    }
}

/** Every second word of two vectors, from the first or the second on. */
#define LANES_EVENS(x, y, from)                                                                    \
    __builtin_shufflevector(x, y, (from), (from) + 2, (from) + 4, (from) + 6, (from) + 8,          \
                            (from) + 10, (from) + 12, (from) + 14, (from) + 16, (from) + 18,       \
                            (from) + 20, (from) + 22, (from) + 24, (from) + 26, (from) + 28,       \
                            (from) + 30)
/** Half of two vectors' words in turns, from a word on. */
#define LANES_TURNS(x, y, from)                                                                    \
    __builtin_shufflevector(x, y, (from), (from) + 16, (from) + 1, (from) + 17, (from) + 2,        \
                            (from) + 18, (from) + 3, (from) + 19, (from) + 4, (from) + 20,         \
                            (from) + 5, (from) + 21, (from) + 6, (from) + 22, (from) + 7,          \
                            (from) + 23)

#else

#define LANE ((car_i){0, 1, 2, 3, 4, 5, 6, 7})

#define LANES_ZIP(x, y, a, b, c, d)                                                                \
    __builtin_shufflevector(x, y, a, b, c, d, (a) + 4, (b) + 4, (c) + 4, (d) + 4)

/** Lanes to be kept: their numbers, one after the other. */
typedef car_i car_order;

/** a < b ? a : b */
static inline car_f lanes_min(car_f a, car_f b)
{
#ifdef __AVX__
    return __builtin_ia32_minps256(a, b);
#else
    return lanes_pick(a < b, a, b);
#endif
}

/** a > b ? a : b */
static inline car_f lanes_max(car_f a, car_f b)
{
#ifdef __AVX__
    return __builtin_ia32_maxps256(a, b);
#else
    return lanes_pick(a > b, a, b);
#endif
}

static inline car_f lanes_sqrt(car_f x)
{
#ifdef __AVX__
    return __builtin_ia32_sqrtps256(x);
#else
    for (int j = 0; j < CAR_LANES; ++j) {
        x[j] = sqrtf(x[j]);
    }
    return x;
#endif
}

static inline bool lanes_any(car_i mask)
{
#ifdef __AVX__
    return __builtin_ia32_movmskps256((car_f)mask) != 0;
#else
    uint64_t w[4];
    memcpy(w, &mask, sizeof w);
    return ((w[0] | w[1]) | (w[2] | w[3])) != 0;
#endif
}

static inline uint32_t lanes_bits(car_i mask)
{
#ifdef __AVX__
    return (uint32_t)__builtin_ia32_movmskps256((car_f)mask);
#else
    uint32_t bits = 0;
    for (uint32_t j = 0; j < CAR_LANES; ++j) {
        bits |= (uint32_t)(mask[j] & 1) << j;
    }
    return bits;
#endif
}

static inline car_order lanes_order(uint32_t bits)
{
    typedef uint8_t car_b8 __attribute__((vector_size(8)));
    static const uint32_t FOUR[16] = {0,      0,        1,        0x0100,    2,      0x0200,
                                      0x0201, 0x020100, 3,        0x0300,    0x0301, 0x030100,
                                      0x0302, 0x030200, 0x030201, 0x03020100};
    const uint32_t low = bits & 15;
    const uint64_t high = FOUR[bits >> 4] + UINT32_C(0x04040404);
    const uint64_t order = FOUR[low] | high << (8 * __builtin_popcount(low));
    car_b8 bytes;
    memcpy(&bytes, &order, sizeof bytes);
    return __builtin_convertvector(bytes, car_i);
}

static inline void lanes_store_ordered(car_u x, car_order order, uint32_t to[CAR_LANES])
{
#ifdef __AVX2__
    x = (car_u)__builtin_ia32_permvarsi256((car_i)x, order);
    memcpy(to, &x, sizeof x);
#else
    uint32_t from[CAR_LANES];
    memcpy(from, &x, sizeof x);
    for (int j = 0; j < CAR_LANES; ++j) {
        to[j] = from[order[j]];
    }
#endif
}

static inline car_f4 lanes_low(car_f x)
{
    return __builtin_shufflevector(x, x, 0, 1, 2, 3);
}

static inline car_f4 lanes_high(car_f x)
{
    return __builtin_shufflevector(x, x, 4, 5, 6, 7);
}

static inline car_f lanes_load_fours(const unsigned char *base, const size_t place[CAR_LANES],
                                     int j)
{
    car_f4 a;
    car_f4 b;
    memcpy(&a, base + place[j], sizeof a);
    memcpy(&b, base + place[j + 4], sizeof b);
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7);
}

static inline void lanes_store_fours(unsigned char *base, const size_t place[CAR_LANES], int j,
                                     car_f x)
{
    const car_f4 low = lanes_low(x);
    const car_f4 high = lanes_high(x);
    memcpy(base + place[j], &low, sizeof low);
    memcpy(base + place[j + 4], &high, sizeof high);
}

#define LANES_EVENS(x, y, from)                                                                    \
    __builtin_shufflevector(x, y, (from), (from) + 2, (from) + 4, (from) + 6, (from) + 8,          \
                            (from) + 10, (from) + 12, (from) + 14)
#define LANES_TURNS(x, y, from)                                                                    \
    __builtin_shufflevector(x, y, (from), (from) + 8, (from) + 1, (from) + 9, (from) + 2,          \
                            (from) + 10, (from) + 3, (from) + 11)

#endif

static inline car_f lanes_clamp(car_f x, float lo, float hi)
{
    return lanes_min(lanes_max(x, lanes_all(lo)), lanes_all(hi));
}

static inline car_f lanes_abs(car_f x)
{
    return (car_f)((car_i)x & lanes_all_i(INT32_MAX));
}

/** Towards zero. */
static inline car_i lanes_to_int(car_f x)
{
    return __builtin_convertvector(x, car_i);
}

static inline car_f lanes_to_float(car_i x)
{
    return __builtin_convertvector(x, car_f);
}

/** 4 x 4 blocks, turned, in each four of the lanes. Its own inverse. */
static inline car_columns lanes_turn(car_columns m)
{
    enum { Y = CAR_LANES }; /* where the second vector's lanes begin */
    const car_f a = LANES_ZIP(m.c[0], m.c[1], 0, Y, 1, Y + 1);
    const car_f b = LANES_ZIP(m.c[0], m.c[1], 2, Y + 2, 3, Y + 3);
    const car_f c = LANES_ZIP(m.c[2], m.c[3], 0, Y, 1, Y + 1);
    const car_f d = LANES_ZIP(m.c[2], m.c[3], 2, Y + 2, 3, Y + 3);
    return (car_columns){{LANES_ZIP(a, c, 0, 1, Y, Y + 1), LANES_ZIP(a, c, 2, 3, Y + 2, Y + 3),
                          LANES_ZIP(b, d, 0, 1, Y, Y + 1), LANES_ZIP(b, d, 2, 3, Y + 2, Y + 3)}};
}

/** Four numbers each from so many places, bytes from a base. */
static inline car_columns lanes_load_rows(const unsigned char *base, const size_t place[CAR_LANES])
{
    car_columns m;
    for (int j = 0; j < 4; ++j) {
        m.c[j] = lanes_load_fours(base, place, j);
    }
    return lanes_turn(m);
}

/** The word after each of the rows of four numbers. */
static inline car_u lanes_load_fifths(const unsigned char *base, const size_t place[CAR_LANES])
{
    return (car_u)lanes_load_rows(base + 4, place).c[3]; /* of the second to the fifth */
}

/** The first n of the lanes' numbers: to copy all of them takes no call. */
static inline void lanes_copy(void *to, const void *from, uint32_t n, size_t size)
{
    if (n == CAR_LANES) {
        memcpy(to, from, CAR_LANES * size);
    } else {
        memcpy(to, from, n * size);
    }
}

/** The lanes as sizes. None is negative. */
static inline void lanes_to_sizes(car_i x, size_t out[CAR_LANES])
{
    uint64_t pair[CAR_LANES / 2];
    memcpy(pair, &x, sizeof pair);
    for (int j = 0; j < CAR_LANES / 2; ++j) {
        out[2 * j] = (uint32_t)pair[j];
        out[2 * j + 1] = pair[j] >> 32;
    }
}

/** The four-number rows of a table, by index. */
static inline car_columns lanes_table_rows(const float (*table)[4], car_i index)
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
        lanes_store_fours(base, place, j, m.c[j]);
    }
}

/** Numbers of a table, by index. */
static inline car_f lanes_table(const float *table, car_i index)
{
    size_t at[CAR_LANES];
    car_f x;
    lanes_to_sizes(index, at);
    for (int j = 0; j < CAR_LANES; ++j) {
        x[j] = table[at[j]];
    }
    return x;
}

static inline void lanes_store_doubles(car_f x, double out[CAR_LANES])
{
    const car_d both[2] = {__builtin_convertvector(lanes_low(x), car_d),
                           __builtin_convertvector(lanes_high(x), car_d)};
    memcpy(out, both, sizeof both);
}

/** 1 where a mask is set. */
static inline void lanes_store_flags(car_i mask, uint8_t out[CAR_LANES])
{
    const car_b flags = __builtin_convertvector(mask & 1, car_b);
    memcpy(out, &flags, sizeof flags);
}

/** Low and high halves of 64-bit words. */
static inline void lanes_load_words(const uint64_t words[CAR_LANES], car_u *low, car_u *high)
{
    car_u v[2]; /* each of its own: a copy of both goes through memory in halves */
    memcpy(&v[0], words, sizeof v[0]);
    memcpy(&v[1], words + CAR_LANES / 2, sizeof v[1]);
    *low = LANES_EVENS(v[0], v[1], 0);
    *high = LANES_EVENS(v[0], v[1], 1);
}

static inline void lanes_store_words(car_u low, car_u high, uint64_t words[CAR_LANES])
{
    const car_u v[2] = {LANES_TURNS(low, high, 0), LANES_TURNS(low, high, CAR_LANES / 2)};
    memcpy(words, v, sizeof v);
}

/** MurmurHash3's finaliser: scatters neighbouring words. */
static inline car_u lanes_mix(car_u x)
{
    x ^= x >> 16;
    x *= UINT32_C(0x85ebca6b);
    x ^= x >> 13;
    x *= UINT32_C(0xc2b2ae35);
    return x ^ (x >> 16);
}

/** e^x for x in [-80, 0], below that as at -80; the relative error is at most 4e-7. */
static inline car_f lanes_exp(car_f x)
{
    const car_f y = lanes_max(x, lanes_all(-80.0f));
    const car_i n = lanes_to_int(y * 1.44269504f - 0.5f); /* to nearest: y is not positive */
    const car_f k = lanes_to_float(n);
    const car_f f = (y - k * 0.693359375f) + k * 2.12194440e-4f; /* ln 2 in two parts */
    car_f p = f * (1.0f / 5040.0f) + 1.0f / 720.0f;
    p = p * f + 1.0f / 120.0f;
    p = p * f + 1.0f / 24.0f;
    p = p * f + 1.0f / 6.0f;
    p = p * f + 0.5f;
    p = p * f + 1.0f;
    p = p * f + 1.0f;
    return p * (car_f)((n + 127) << 23);
}

#endif
