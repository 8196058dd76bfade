/** @file hp_clock.h The one place that reads time. Real clocks and a virtual one for tests.
 *  Logic uses monotonic time only; wall time serves names and logs.
 *  Threads: a real clock may be shared; a virtual clock belongs to one thread. Allocation: none. */
#ifndef HP_CLOCK_H
#define HP_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define HP_MS_NS INT64_C(1000000)
#define HP_S_NS INT64_C(1000000000)

typedef struct hp_clock {
    /** Monotonic nanoseconds. */
    int64_t (*now_ns)(const struct hp_clock *clock);
    int64_t virtual_ns; /* what a virtual clock shows; set it to move time */
} hp_clock;

/** CLOCK_MONOTONIC. */
hp_clock hp_clock_real(void);
/** The calling thread's CPU time: what else the machine does shortens nothing. Instants of one
 *  thread mean nothing to another. */
hp_clock hp_clock_thread_cpu(void);
/** Shows clock.virtual_ns, starting at start_ns. */
hp_clock hp_clock_virtual(int64_t start_ns);

static inline int64_t hp_clock_now_ns(const hp_clock *clock)
{
    return clock->now_ns(clock);
}

/** An instant that much later; the last that can be told instead of one beyond it. */
static inline int64_t hp_clock_later_ns(int64_t instant_ns, int64_t span_ns)
{
    const bool beyond = span_ns > 0 && instant_ns > INT64_MAX - span_ns;
    return beyond ? INT64_MAX : instant_ns + span_ns;
}

/** CPU time of the calling thread, for the figures that gate. */
int64_t hp_clock_thread_cpu_ns(void);
/** And of all threads of the process together. */
int64_t hp_clock_process_cpu_ns(void);
/** Seconds since 1970, for file names and manifests only. */
int64_t hp_clock_wall_s(void);
/** Sleeps until the monotonic instant; false: a signal has ended it early. */
bool hp_clock_sleep_until_ns(int64_t when_ns);

#endif
