#include "common/hp_clock.h"

#include <time.h>

static int64_t read_ns(clockid_t id)
{
    struct timespec t;
    (void)clock_gettime(id, &t);
    return (int64_t)t.tv_sec * HP_S_NS + t.tv_nsec;
}

static int64_t real_now_ns(const hp_clock *clock)
{
    (void)clock;
    return read_ns(CLOCK_MONOTONIC);
}

static int64_t thread_cpu_now_ns(const hp_clock *clock)
{
    (void)clock;
    return read_ns(CLOCK_THREAD_CPUTIME_ID);
}

static int64_t virtual_now_ns(const hp_clock *clock)
{
    return clock->virtual_ns;
}

hp_clock hp_clock_real(void)
{
    return (hp_clock){.now_ns = real_now_ns};
}

hp_clock hp_clock_thread_cpu(void)
{
    return (hp_clock){.now_ns = thread_cpu_now_ns};
}

hp_clock hp_clock_virtual(int64_t start_ns)
{
    return (hp_clock){.now_ns = virtual_now_ns, .virtual_ns = start_ns};
}

int64_t hp_clock_thread_cpu_ns(void)
{
    return read_ns(CLOCK_THREAD_CPUTIME_ID);
}

int64_t hp_clock_process_cpu_ns(void)
{
    return read_ns(CLOCK_PROCESS_CPUTIME_ID);
}

int64_t hp_clock_wall_s(void)
{
    return read_ns(CLOCK_REALTIME) / HP_S_NS;
}

bool hp_clock_sleep_until_ns(int64_t when_ns)
{
    const struct timespec t = {.tv_sec = (time_t)(when_ns / HP_S_NS),
                               .tv_nsec = (long)(when_ns % HP_S_NS)};
    return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == 0;
}
