/** @file hp_realtime.h What a program asks of the kernel so that its ticks come in time: priority,
 * memory that stays, a processor of its own. What is not granted is told, and the program goes on.
 *  Ownership: plain data. Threads: the main thread, before others are started (they inherit it).
 *  Allocation: none. */
#ifndef HP_REALTIME_H
#define HP_REALTIME_H

#include "common/hp_yaml.h"

typedef struct hp_realtime_config {
    uint32_t priority; /* SCHED_FIFO; 0: as usual */
    bool lock_memory;
    bool pin;     /* to the processor below */
    uint32_t cpu; /* its number */
} hp_realtime_config;

extern const hp_field HP_REALTIME_FIELDS[];
/** Asks for what is configured. True if all of it was granted; else note says what was not. */
bool hp_realtime_ask(const hp_realtime_config *config, char *note, size_t cap);

#endif
