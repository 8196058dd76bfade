/** @file stats.h Honest figures: intervals of rates, and times that merge.
 *  Ownership: plain data. Threads: pure. Allocation: none. */
#ifndef STATS_H
#define STATS_H

#include <stdint.h>
#include <stdio.h>

typedef struct stats_interval {
    double lo, hi;
} stats_interval;

/** Wilson's 95 % score interval of hits out of n; [0, 1] for n = 0.
 *  Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
 */
stats_interval stats_wilson(uint64_t hits, uint64_t n);

enum {
    STATS_PER_OCTAVE = 32, /* a bucket is 2.2 % wide: percentiles are off by 1.1 % at most */
    STATS_OCTAVES = 28,    /* 1 us to 268 s */
    STATS_BUCKETS = STATS_PER_OCTAVE * STATS_OCTAVES,
};

/** Durations in buckets of equal ratio. Count, sum, least and greatest are exact; merging
 * histograms gives the same as filling one. */
typedef struct stats_times {
    uint64_t n;
    int64_t sum_ns, max_ns;
    uint32_t buckets[STATS_BUCKETS];
} stats_times;

void stats_times_add(stats_times *times, int64_t ns);
void stats_times_merge(stats_times *into, const stats_times *from);
/** Nearest rank: the least bucket that has at least share q of all durations at or below it, as
 * that bucket's geometric middle, never above the greatest duration; NAN if there are none. */
double stats_times_percentile_ms(const stats_times *times, double q);
double stats_times_mean_ms(const stats_times *times); /* NAN if there are none */
double stats_times_max_ms(const stats_times *times);  /* NAN if there are none */
/** "n;sum;max;bucket:count;..." and back. Returns 0, or -1 if the text is no such thing. */
int stats_times_write(const stats_times *times, FILE *out);
int stats_times_read(const char *text, stats_times *times);

#endif
