/** @file recorder_file.h A run's MCAP file: its channels, attachments, and what goes into them.
 *  Ownership: a file owns its descriptor and writer. Threads: one. Allocation: in open, and in the
 *  writer. */
#ifndef RECORDER_FILE_H
#define RECORDER_FILE_H

#include "common/hp_mcap_writer.h"
#include "proto/hp_codec.h"

/** Channels beside those of our own messages. */
typedef enum recorder_extra {
    RECORDER_SCENE,
    RECORDER_TRANSFORM,
    RECORDER_LOG,
    RECORDER_EXTRAS
} recorder_extra;

enum { RECORDER_EXTRA_CHANNEL = 100, RECORDER_TAP_LEN = 9 };
/** Our messages that travel on the tap: channel 1 + type each. */
extern const hp_msg_type RECORDER_TAP[RECORDER_TAP_LEN];
/** Topics and schemas of the extras, by recorder_extra. */
extern const char *const RECORDER_EXTRA_TOPICS[RECORDER_EXTRAS];
extern const char *const RECORDER_EXTRA_SCHEMAS[RECORDER_EXTRAS];

typedef struct recorder_file recorder_file;

/** Makes path anew. */
HP_NODISCARD hp_status recorder_file_open(const char *path, recorder_file **out, hp_error *error);
/** Attaches a file of the run, if it is there and of at most 4 MiB. */
void recorder_file_attach(recorder_file *file, const char *path, int64_t wall_ns);
HP_NODISCARD hp_status recorder_file_metadata(recorder_file *file, const char *name,
                                              const char *const pairs[][2], size_t n,
                                              hp_error *error);
HP_NODISCARD hp_status recorder_file_own(recorder_file *file, hp_msg_type type, int64_t time_ns,
                                         const void *payload, size_t len, hp_error *error);
HP_NODISCARD hp_status recorder_file_extra(recorder_file *file, recorder_extra extra,
                                           int64_t time_ns, const void *payload, size_t len,
                                           hp_error *error);
HP_NODISCARD hp_status recorder_file_flush(recorder_file *file, hp_error *error);
/** Completes the file and frees; *figures gets the last figures, with our own messages alone among
 *  the lost: what was drawn beside them does not count. */
HP_NODISCARD hp_status recorder_file_close(recorder_file **file, hp_mcap_written *figures,
                                           hp_error *error);

#endif
