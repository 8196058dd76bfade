/* A loop that does nothing but be in time: wakes 20 times a second, passes 4 KiB through a socket,
 * and counts how often that ended after the planner's deadline. What it misses, no program on this
 * machine could have kept (scripts/hogs). usage: bench_late SECONDS PRIORITY   (0: no SCHED_FIFO)
 */
#include "common/hp_clock.h"
#include "common/hp_realtime.h"
#include "common/hp_sort.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PERIOD_MS = 50, DEADLINE_MS = 40, BYTES = 4096, MAX_TICKS = 20 * 3600 };

static double late_ms[MAX_TICKS];

/** Runs the loop; false if the socket fails. */
static bool loop(const int fds[2], size_t ticks)
{
    static char bytes[BYTES];
    const hp_clock clock = hp_clock_real();
    const int64_t start_ns = hp_clock_now_ns(&clock) + PERIOD_MS * HP_MS_NS;
    for (size_t i = 0; i < ticks; i++) {
        const int64_t due_ns =
            start_ns + (int64_t)i * PERIOD_MS * HP_MS_NS; /* late ones do not move it */
        hp_clock_sleep_until_ns(due_ns);
        if (write(fds[0], bytes, BYTES) != BYTES || read(fds[1], bytes, BYTES) != BYTES) {
            return false;
        }
        late_ms[i] = (double)(hp_clock_now_ns(&clock) - due_ns) * 1e-6;
    }
    return true;
}

int main(int argc, char **argv)
{
    int fds[2];
    char note[64] = "";
    const unsigned long seconds = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
    const hp_realtime_config want = {.priority =
                                         argc == 3 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0};
    const size_t ticks = seconds * 1000 / PERIOD_MS;
    if (ticks == 0 || ticks > MAX_TICKS) {
        (void)fprintf(stderr, "usage: bench_late SECONDS PRIORITY (at most an hour)\n");
        return 2;
    }
    const bool granted = want.priority == 0 || hp_realtime_ask(&want, note, sizeof note);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0 || !loop(fds, ticks)) {
        perror("bench_late");
        return 1;
    }
    size_t late = 0;
    for (size_t i = 0; i < ticks; i++) {
        late += late_ms[i] > DEADLINE_MS ? 1 : 0;
    }
    hp_sort(late_ms, ticks);
    (void)printf("{\"ticks\": %zu, \"late\": %zu, \"p50_ms\": %.2f, \"p99_ms\": %.2f, "
                 "\"max_ms\": %.2f, \"granted\": %s}\n",
                 ticks, late, late_ms[ticks / 2], late_ms[ticks * 99 / 100], late_ms[ticks - 1],
                 granted ? "true" : "false");
    return 0;
}
