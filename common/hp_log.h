/** @file hp_log.h Lines for people and scripts: "time level program key=value ...", to a stream.
 *  Ownership: a log borrows its stream. Threads: each line is one write, so processes may share a
 *  file; one hp_log belongs to one thread. Allocation: none. */
#ifndef HP_LOG_H
#define HP_LOG_H

#include "common/hp_status.h"

#include <stdio.h>

typedef enum hp_log_level { HP_LOG_ERROR, HP_LOG_WARN, HP_LOG_INFO } hp_log_level;

typedef struct hp_log {
    const char *program; /* "planner" */
    FILE *out;           /* NULL: silent */
} hp_log;

/** Writes one line; longer than 1 KiB is cut. Never call it from the planning loop's hot part. */
void hp_log_line(const hp_log *log, hp_log_level level, const char *format, ...) HP_PRINTF(3, 4);

#define hp_log_error(log, ...) hp_log_line((log), HP_LOG_ERROR, __VA_ARGS__)
#define hp_log_warn(log, ...) hp_log_line((log), HP_LOG_WARN, __VA_ARGS__)
#define hp_log_info(log, ...) hp_log_line((log), HP_LOG_INFO, __VA_ARGS__)

#endif
