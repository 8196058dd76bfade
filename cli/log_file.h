/** @file log_file.h Messages of an MCAP file with their topics, one after the other.
 *  Ownership: a file owns its descriptor and reader; a message's bytes and texts are the file's,
 * until the next call. Threads: one. Allocation: in open, and while records find their size. */
#ifndef LOG_FILE_H
#define LOG_FILE_H

#include "common/hp_mcap_reader.h"

typedef struct log_message {
    const char *topic, *schema; /* schema: "" if there is none */
    const char *encoding;
    uint64_t time_ns; /* at most INT64_MAX */
    uint32_t sequence;
    hp_mcap_bytes data;
} log_message;

typedef struct log_file log_file;

HP_NODISCARD hp_status log_file_open(const char *path, log_file **out, hp_error *error);
void log_file_close(log_file **file);
/** HP_ENOENT: the end. HP_EWIRE: damaged or cut off here; what came before is good. */
HP_NODISCARD hp_status log_file_next(log_file *file, log_message *out, hp_error *error);
/** The next record of any kind, for those who want more than messages. */
HP_NODISCARD hp_status log_file_record(log_file *file, hp_mcap_record *out, hp_error *error);
/** Topic and schema of a message that log_file_record gave. False: its channel is unknown. */
bool log_file_resolve(const log_file *file, const hp_mcap_message *message, log_message *out);
/** An attachment as zero-terminated text, for free(). HP_ENOENT: there is none of this name. */
HP_NODISCARD hp_status log_file_attachment(const char *path, const char *name, char **text,
                                           size_t *len, hp_error *error);

#endif
