#include "common/hp_realtime.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

const hp_field HP_REALTIME_FIELDS[] = {
    HP_F_UINT(hp_realtime_config, priority, 0, 90, NULL,
              "SCHED_FIFO priority of the planner; 0: as every program"),
    HP_F_BOOL(hp_realtime_config, lock_memory, "keep the planner's memory from being paged out"),
    HP_F_BOOL(hp_realtime_config, pin, "run the planner on one processor only"),
    HP_F_UINT(hp_realtime_config, cpu, 0, 1023, NULL, "number of that processor"),
    HP_F_END,
};

/** Adds "WHAT: reason" to the note. */
static void complain(char *note, size_t cap, const char *what)
{
    const size_t used = strlen(note);
    (void)snprintf(note + used, cap - used, "%s%s: %s", used > 0 ? "; " : "", what,
                   strerror(errno));
}

bool hp_realtime_ask(const hp_realtime_config *config, char *note, size_t cap)
{
    note[0] = '\0';
    if (config->priority > 0) {
        const struct sched_param param = {.sched_priority = (int)config->priority};
        if (sched_setscheduler(0, SCHED_FIFO, &param) != 0) {
            complain(note, cap, "no real-time priority");
        }
    }
    if (config->lock_memory && mlockall(MCL_CURRENT | MCL_FUTURE) != 0) {
        complain(note, cap, "memory not locked");
    }
    if (config->pin) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(config->cpu, &set);
        if (sched_setaffinity(0, sizeof set, &set) != 0) {
            complain(note, cap, "not pinned");
        }
    }
    return note[0] == '\0';
}
