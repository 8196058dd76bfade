/** @file log_export.h What `hyplan log` does with messages: walks over them, makes JSON of them,
 * writes tables and traces. Output goes to stdout, complaints to stderr. Ownership: options borrow
 * argv; JSON is the caller's. Threads: the main thread. Allocation: while reading. */
#ifndef LOG_EXPORT_H
#define LOG_EXPORT_H

#include "cli/log_file.h"
#include "cli/options.h"

#include <jansson.h>

typedef enum log_format { LOG_CSV, LOG_JSON, LOG_OSI } log_format;

typedef struct log_options {
    const cli_usage *usage;
    cli_common common;
    const char *topic, *attachment; /* NULL: all topics */
    uint32_t to;                    /* log_format */
    const char *path;
    uint64_t tick;
} log_options;

/** Walks over all messages of the topic. A damaged file ends with a complaint, after what was good.
 *  Returns the exit status. */
int log_each(const log_options *o, void (*use)(void *ctx, const log_message *m), void *ctx);
/** {time_ns, topic, message}. */
json_t *log_line_json(const log_message *m);
/** `hyplan log export`; returns the exit status. */
int log_export(const log_options *o);

#endif
