#include "cli/stats.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

stats_interval stats_wilson(uint64_t hits, uint64_t n)
{
    const double z = 1.959963984540054; /* 97.5 % point of the standard normal */
    if (n == 0) {
        return (stats_interval){0.0, 1.0};
    }
    const double m = (double)n;
    const double p = (double)hits / m;
    const double scale = 1.0 / (1.0 + z * z / m);
    const double centre = scale * (p + z * z / (2.0 * m));
    const double half = scale * z * sqrt(p * (1.0 - p) / m + z * z / (4.0 * m * m));
    /* The ends are exact at 0 and 1; rounding must not leave them. */
    return (stats_interval){hits == 0 ? 0.0 : fmax(0.0, centre - half),
                            hits == n ? 1.0 : fmin(1.0, centre + half)};
}

static uint32_t bucket_of(int64_t ns)
{
    const double octaves = log2((double)ns * 1e-3);
    if (!(octaves > 0.0)) {
        return 0;
    }
    const double bucket = floor(octaves * STATS_PER_OCTAVE);
    return bucket >= STATS_BUCKETS ? STATS_BUCKETS - 1 : (uint32_t)bucket;
}

void stats_times_add(stats_times *times, int64_t ns)
{
    times->buckets[bucket_of(ns)]++;
    times->n++;
    times->sum_ns += ns;
    times->max_ns = ns > times->max_ns ? ns : times->max_ns;
}

void stats_times_merge(stats_times *into, const stats_times *from)
{
    for (uint32_t i = 0; i < STATS_BUCKETS; i++) {
        into->buckets[i] += from->buckets[i];
    }
    into->n += from->n;
    into->sum_ns += from->sum_ns;
    into->max_ns = from->max_ns > into->max_ns ? from->max_ns : into->max_ns;
}

double stats_times_percentile_ms(const stats_times *times, double q)
{
    const double wanted = fmax(1.0, ceil(q * (double)times->n));
    uint64_t below = 0;
    if (times->n == 0) {
        return (double)NAN;
    }
    for (uint32_t i = 0; i < STATS_BUCKETS; i++) {
        below += times->buckets[i];
        if ((double)below >= wanted) {
            const double middle_ms = 1e-3 * exp2(((double)i + 0.5) / STATS_PER_OCTAVE);
            return fmin(middle_ms, 1e-6 * (double)times->max_ns);
        }
    }
    return 1e-6 * (double)times->max_ns;
}

double stats_times_mean_ms(const stats_times *times)
{
    return times->n == 0 ? (double)NAN : 1e-6 * (double)times->sum_ns / (double)times->n;
}

double stats_times_max_ms(const stats_times *times)
{
    return times->n == 0 ? (double)NAN : 1e-6 * (double)times->max_ns;
}

int stats_times_write(const stats_times *times, FILE *out)
{
    int bad = fprintf(out, "%" PRIu64 ";%" PRId64 ";%" PRId64, times->n, times->sum_ns,
                      times->max_ns) < 0;
    for (uint32_t i = 0; i < STATS_BUCKETS; i++) {
        if (times->buckets[i] > 0) {
            bad |= fprintf(out, ";%u:%u", i, times->buckets[i]) < 0;
        }
    }
    return bad ? -1 : 0;
}

/* One whole number followed by stop or the end; moves *text on behind it. */
static int read_number(const char **text, char stop, uint64_t max, uint64_t *out)
{
    char *end = NULL;
    if (**text < '0' || **text > '9') {
        return -1;
    }
    errno = 0;
    const unsigned long long value = strtoull(*text, &end, 10);
    if (errno != 0 || value > max || (*end != stop && *end != '\0')) {
        return -1;
    }
    *out = value;
    *text = *end == '\0' ? end : end + 1;
    return 0;
}

int stats_times_read(const char *text, stats_times *times)
{
    uint64_t head[3];
    uint64_t counted = 0;
    memset(times, 0, sizeof *times);
    for (int i = 0; i < 3; i++) {
        if (read_number(&text, ';', INT64_MAX, &head[i]) != 0) {
            return -1;
        }
    }
    while (*text != '\0') {
        uint64_t bucket = 0;
        uint64_t count = 0;
        if (read_number(&text, ':', STATS_BUCKETS - 1, &bucket) != 0 ||
            read_number(&text, ';', UINT32_MAX, &count) != 0) {
            return -1;
        }
        times->buckets[bucket] += (uint32_t)count;
        counted += count;
    }
    times->n = head[0];
    times->sum_ns = (int64_t)head[1];
    times->max_ns = (int64_t)head[2];
    return counted == times->n ? 0 : -1;
}
