/** @file hp_mcap_reader.h Reads MCAP files record by record, from any place that can be read at an
 *  offset; memory is bounded by the largest record, not by the file.
 *
 *  Trusts nothing: lengths are held against the file before anything is allocated, checksums are
 *  checked, and every complaint says where in the file. After a damaged record the next call goes
 * on behind it; a file that is cut off gives the same complaint again. Ownership: a record's bytes
 * are the reader's, until the next call. Threads: one reader, one thread. Allocation: while records
 * find their size. */
#ifndef HP_MCAP_READER_H
#define HP_MCAP_READER_H

#include "common/hp_mcap.h"
#include "common/hp_mcap_writer.h"

/** Where the bytes come from. */
typedef struct hp_mcap_source {
    /** Reads len bytes at offset, all of which lie below size. */
    hp_status (*read_at)(void *ctx, uint64_t offset, void *data, size_t len, hp_error *error);
    void *ctx;
    uint64_t size;
    const char *name; /* for complaints */
} hp_mcap_source;

/** An open file as a source; fd stays the caller's. */
HP_NODISCARD hp_status hp_mcap_source_file(int *fd, const char *name, hp_mcap_source *out,
                                           hp_error *error);
/** Bytes in memory as a source; bytes is borrowed. */
hp_mcap_source hp_mcap_source_memory(hp_mcap_bytes *bytes, const char *name);

typedef struct hp_mcap_reader hp_mcap_reader;

/** Checks the magic. HP_EWIRE: no MCAP file. */
HP_NODISCARD hp_status hp_mcap_reader_create(const hp_mcap_source *source, hp_mcap_reader **out,
                                             hp_error *error);
void hp_mcap_reader_destroy(hp_mcap_reader **reader);

/** The next record; chunks are opened, their records come with in_chunk set. HP_ENOENT: the end of
 *  a complete file. HP_EWIRE: damaged or cut off; HP_EFULL: a record over the limit of 256 MiB;
 *  HP_EVERSION: a chunk in an unknown compression. */
HP_NODISCARD hp_status hp_mcap_next(hp_mcap_reader *reader, hp_mcap_record *out, hp_error *error);
/** Where the next record outside of chunks starts: stands still when nothing more can be read. */
uint64_t hp_mcap_reader_offset(const hp_mcap_reader *reader);

/** What a recovery has saved and lost. */
typedef struct hp_mcap_recovered {
    uint64_t messages;
    uint32_t attachments, metadata;
    uint32_t damaged; /* records that could not be read */
    uint64_t orphans; /* messages whose channel is lost */
    bool complete;    /* nothing was wrong with the file */
    hp_error first;   /* the first complaint */
} hp_mcap_recovered;

/** Copies whatever can be read into a new file with indexes and summary. HP_OK also when something
 *  is lost: *out tells. */
HP_NODISCARD hp_status hp_mcap_recover(const hp_mcap_source *source, const hp_mcap_options *options,
                                       const hp_mcap_sink *sink, hp_mcap_recovered *out,
                                       hp_error *error);

#endif
