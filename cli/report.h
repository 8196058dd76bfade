/** @file report.h A run or a benchmark as data for its page, and the page itself.
 *  Ownership: JSON is the caller's. Threads: pure but for reading files. Allocation: while
 * composing.
 */
#ifndef REPORT_H
#define REPORT_H

#include "common/hp_status.h"

#include <jansson.h>
#include <stdbool.h>

/** Longest part of a run that a page shows: 20 minutes. What comes after it is left out, and said.
 */
enum { REPORT_MAX_TICKS = 24000 };

/** A run directory, or its run.mcap alone. HP_ENOENT: no recording there. A damaged recording is
 * shown as far as it goes. */
HP_NODISCARD hp_status report_run(const char *path, json_t **out, hp_error *error);
/** A benchmark's directory. HP_ENOENT: no episodes there. */
HP_NODISCARD hp_status report_bench(const char *path, json_t **out, hp_error *error);
/** The object's seed as text, for a page's numbers are too short for it; null if it has none. */
json_t *report_seed(const json_t *object);
/** A run's path as its name on a page, which must be UTF-8. */
json_t *report_name(const char *path);
/** The page: one HTML file that needs nothing else; for free(). other may be NULL. */
HP_NODISCARD hp_status report_page(const json_t *data, const json_t *other, char **html,
                                   size_t *len, hp_error *error);

#endif
