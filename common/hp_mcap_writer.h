/** @file hp_mcap_writer.h Writes MCAP files: chunks, indexes, statistics, summary, checksums.
 *
 *  Messages are gathered into a chunk in memory; a chunk goes to the sink in one call together with
 *  its indexes. A process that is killed loses the open chunk and nothing before it. A sink that
 *  fails (a full disk) costs that chunk: its messages are counted as lost, the file stays as it
 * was, and the next chunk is tried again. Ownership: the writer copies what it is given. Threads:
 * one writer, one thread. Allocation: in create, while chunks find their size, and about 100 bytes
 * for each chunk's line in the summary. */
#ifndef HP_MCAP_WRITER_H
#define HP_MCAP_WRITER_H

#include "common/hp_mcap.h"

/** Where the bytes go. */
typedef struct hp_mcap_sink {
    /** Appends all bytes or none: after a failure the next call goes on at the same place. */
    hp_status (*append)(void *ctx, const void *data, size_t len, hp_error *error);
    void *ctx;
} hp_mcap_sink;

/** A file as a sink; ctx points to it. */
typedef struct hp_mcap_file_sink {
    int fd;
    uint64_t offset; /* of the next byte */
    const char *path;
} hp_mcap_file_sink;
hp_status hp_mcap_file_append(void *ctx, const void *data, size_t len, hp_error *error);

typedef struct hp_mcap_options {
    const char *profile, *library;
    bool chunked;
    const char *compression; /* "", "zstd" or "lz4" */
    int level;               /* of zstd */
    size_t chunk_bytes;      /* a chunk is written when it has so many */
    bool message_index, chunk_index, statistics;
    bool repeat_schemas, repeat_channels, attachment_index, metadata_index, summary_offsets;
    hp_mcap_bytes padding; /* behind each record that may grow: to try readers */
} hp_mcap_options;

/** Everything that helps readers; zstd, 1 MiB chunks. */
hp_mcap_options hp_mcap_options_default(void);

typedef struct hp_mcap_writer hp_mcap_writer;

/** Writes magic and header. HP_EINVAL: an unknown compression. */
HP_NODISCARD hp_status hp_mcap_writer_create(const hp_mcap_options *options,
                                             const hp_mcap_sink *sink, hp_mcap_writer **out,
                                             hp_error *error);
/** Frees; what was not closed stays without its summary. */
void hp_mcap_writer_destroy(hp_mcap_writer **writer);

/** A schema and a channel come before the first message that needs them. HP_EINVAL: its id is
 *  taken (for a schema also 0), a text is too long, a channel's schema is not there. */
HP_NODISCARD hp_status hp_mcap_write_schema(hp_mcap_writer *w, const hp_mcap_schema *schema,
                                            hp_error *error);
HP_NODISCARD hp_status hp_mcap_write_channel(hp_mcap_writer *w, const hp_mcap_channel *channel,
                                             hp_error *error);
/** HP_EINVAL: no such channel. HP_EIO: a chunk was due and could not be written. */
HP_NODISCARD hp_status hp_mcap_write_message(hp_mcap_writer *w, const hp_mcap_message *message,
                                             hp_error *error);
/** Attachments and metadata go straight to the sink. crc is computed here. */
HP_NODISCARD hp_status hp_mcap_write_attachment(hp_mcap_writer *w, const hp_mcap_attachment *a,
                                                hp_error *error);
HP_NODISCARD hp_status hp_mcap_write_metadata(hp_mcap_writer *w, const hp_mcap_metadata *m,
                                              hp_error *error);
/** Writes the open chunk, if there is anything in it. */
HP_NODISCARD hp_status hp_mcap_writer_flush(hp_mcap_writer *w, hp_error *error);
/** Flushes and writes DataEnd, summary, footer and magic: the file is complete. */
HP_NODISCARD hp_status hp_mcap_writer_close(hp_mcap_writer *w, hp_error *error);

/** Figures so far. */
typedef struct hp_mcap_written {
    uint64_t messages; /* in chunks that are written */
    uint64_t lost;     /* in chunks that the sink refused */
    uint64_t bytes;
    uint32_t chunks;
} hp_mcap_written;
hp_mcap_written hp_mcap_writer_figures(const hp_mcap_writer *w);
/** Messages of a channel in chunks that the sink refused; with an index of messages only. */
uint64_t hp_mcap_writer_lost(const hp_mcap_writer *w, uint16_t channel_id);

#endif
