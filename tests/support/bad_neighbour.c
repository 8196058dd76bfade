/* A library as one may be loaded with: it rounds upwards, flushes denormals, speaks the user's
 * language, and lets the wall clock jump by an hour with every look. For LD_PRELOAD. */
#include <fenv.h>
#include <locale.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

static atomic_uint looks;

__attribute__((constructor)) static void spoil(void)
{
    (void)setlocale(LC_ALL, "");
    (void)fesetround(FE_UPWARD);
#if defined(__SSE__)
    _mm_setcsr(_mm_getcsr() | 0x8040u); /* flush to zero, denormals are zero */
#endif
}

/** An hour back, on time, an hour ahead, and a year that the machine has never seen. */
static time_t jump(time_t t)
{
    static const time_t BY_S[] = {-3600, 0, 3600, 500000000};
    return t + BY_S[atomic_fetch_add(&looks, 1u) % 4u];
}

int clock_gettime(clockid_t id, struct timespec *t)
{
    const long r = syscall(SYS_clock_gettime, id, t);
    if (r == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) {
        t->tv_sec = jump(t->tv_sec);
    }
    return (int)r;
}

int gettimeofday(struct timeval *t, void *zone)
{
    struct timespec now;
    (void)zone;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    *t = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *out)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (out != NULL) {
        *out = now.tv_sec;
    }
    return now.tv_sec;
}
