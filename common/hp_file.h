/** @file hp_file.h Files that are whole or absent.
 *  Threads: one writer per path in a process; processes may write the same. Allocation:
 * hp_file_read's result only. */
#ifndef HP_FILE_H
#define HP_FILE_H

#include "common/hp_status.h"

#include <stddef.h>
#include <stdio.h>

/** Reads a regular file of at most so many bytes; *bytes [*len] is for free(), with a zero behind
 * it. HP_ENOENT, HP_ECONFIG if it is larger, HP_EIO, HP_ENOMEM; then *bytes is NULL. */
HP_NODISCARD hp_status hp_file_read(const char *path, size_t most, char **bytes, size_t *len,
                                    hp_error *error);

/** Writes DIR/NAME through a file without a name, fsync, DIR/NAME.PROCESS.tmp and rename: of two
 * processes' the last one stays, and of one that is killed meanwhile nothing. On file systems that
 * know no files without a name its DIR/NAME.PROCESS.tmp does. */
HP_NODISCARD hp_status hp_file_write(const char *dir, const char *name, const void *bytes,
                                     size_t len, hp_error *error);

/** Closes a stream that was written to; NULL is fine. HP_EIO if anything of it did not arrive. */
HP_NODISCARD hp_status hp_file_close(FILE **out, const char *path, hp_error *error);

#endif
