/** @file hp_mcap.h MCAP files (version 0): the records, and how one of them is read from bytes.
 *
 *  A file is magic, Header, data section, DataEnd, summary section, Footer, magic. A record is an
 *  opcode, a length and its content; unknown opcodes and bytes behind the known fields are passed
 *  over, as the format asks. hp_mcap_writer.h writes such files, hp_mcap_reader.h reads them.
 *  Ownership: texts, bytes and maps point into the bytes that were parsed. Threads: pure.
 *  Allocation: none. */
#ifndef HP_MCAP_H
#define HP_MCAP_H

#include "common/hp_status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum hp_mcap_op {
    HP_MCAP_HEADER = 1,
    HP_MCAP_FOOTER,
    HP_MCAP_SCHEMA,
    HP_MCAP_CHANNEL,
    HP_MCAP_MESSAGE,
    HP_MCAP_CHUNK,
    HP_MCAP_MESSAGE_INDEX,
    HP_MCAP_CHUNK_INDEX,
    HP_MCAP_ATTACHMENT,
    HP_MCAP_ATTACHMENT_INDEX,
    HP_MCAP_STATISTICS,
    HP_MCAP_METADATA,
    HP_MCAP_METADATA_INDEX,
    HP_MCAP_SUMMARY_OFFSET,
    HP_MCAP_DATA_END,
    HP_MCAP_OP_COUNT
} hp_mcap_op;

enum {
    HP_MCAP_MAGIC_BYTES = 8,
    HP_MCAP_HEAD_BYTES = 9, /* opcode and length of a record */
};
/** The first and the last bytes of every file. */
extern const uint8_t HP_MCAP_MAGIC[HP_MCAP_MAGIC_BYTES];

/** Bytes inside a record: a text (not terminated), data, or a map. */
typedef struct hp_mcap_bytes {
    const uint8_t *data;
    uint64_t len;
} hp_mcap_bytes;

typedef struct hp_mcap_header {
    hp_mcap_bytes profile, library;
} hp_mcap_header;

typedef struct hp_mcap_footer {
    uint64_t summary_start, summary_offset_start; /* 0: none */
    uint32_t summary_crc;                         /* 0: not given */
} hp_mcap_footer;

typedef struct hp_mcap_schema {
    uint16_t id; /* never 0 */
    hp_mcap_bytes name, encoding, data;
} hp_mcap_schema;

typedef struct hp_mcap_channel {
    uint16_t id, schema_id; /* schema 0: none */
    hp_mcap_bytes topic, message_encoding;
    hp_mcap_bytes metadata; /* map of text to text: hp_mcap_next_text */
} hp_mcap_channel;

typedef struct hp_mcap_message {
    uint16_t channel_id;
    uint32_t sequence;
    uint64_t log_ns, publish_ns;
    hp_mcap_bytes data;
} hp_mcap_message;

typedef struct hp_mcap_chunk {
    uint64_t start_ns, end_ns, uncompressed_size;
    uint32_t uncompressed_crc; /* 0: not given */
    hp_mcap_bytes compression; /* "", "zstd", "lz4" */
    hp_mcap_bytes records;     /* as they are stored */
} hp_mcap_chunk;

typedef struct hp_mcap_message_index {
    uint16_t channel_id;
    hp_mcap_bytes entries; /* pairs of u64: log time, offset within the chunk */
} hp_mcap_message_index;

typedef struct hp_mcap_chunk_index {
    uint64_t start_ns, end_ns, chunk_offset, chunk_length;
    hp_mcap_bytes index_offsets; /* map of u16 to u64: hp_mcap_next_count */
    uint64_t index_length;
    hp_mcap_bytes compression;
    uint64_t compressed_size, uncompressed_size;
} hp_mcap_chunk_index;

typedef struct hp_mcap_attachment {
    uint64_t log_ns, create_ns;
    hp_mcap_bytes name, media_type, data;
    uint32_t crc;      /* of the fields before it; 0: not given */
    uint32_t true_crc; /* what it should be */
} hp_mcap_attachment;

typedef struct hp_mcap_attachment_index {
    uint64_t offset, length, log_ns, create_ns, data_size;
    hp_mcap_bytes name, media_type;
} hp_mcap_attachment_index;

typedef struct hp_mcap_statistics {
    uint64_t messages;
    uint16_t schemas;
    uint32_t channels, attachments, metadata, chunks;
    uint64_t start_ns, end_ns;
    hp_mcap_bytes channel_messages; /* map of u16 to u64: hp_mcap_next_count */
} hp_mcap_statistics;

typedef struct hp_mcap_metadata {
    hp_mcap_bytes name;
    hp_mcap_bytes entries; /* map of text to text: hp_mcap_next_text */
} hp_mcap_metadata;

typedef struct hp_mcap_metadata_index {
    uint64_t offset, length;
    hp_mcap_bytes name;
} hp_mcap_metadata_index;

typedef struct hp_mcap_summary_offset {
    uint8_t group_op;
    uint64_t start, length;
} hp_mcap_summary_offset;

typedef struct hp_mcap_data_end {
    uint32_t crc; /* of the file up to here; 0: not given */
} hp_mcap_data_end;

/** One record; op says which member holds, none for an opcode that is not known. */
typedef struct hp_mcap_record {
    uint8_t op;
    uint64_t offset; /* of its opcode in the file, or in the chunk that it came from */
    uint64_t length; /* of its content */
    bool in_chunk;
    union {
        hp_mcap_header header;
        hp_mcap_footer footer;
        hp_mcap_schema schema;
        hp_mcap_channel channel;
        hp_mcap_message message;
        hp_mcap_chunk chunk;
        hp_mcap_message_index message_index;
        hp_mcap_chunk_index chunk_index;
        hp_mcap_attachment attachment;
        hp_mcap_attachment_index attachment_index;
        hp_mcap_statistics statistics;
        hp_mcap_metadata metadata;
        hp_mcap_metadata_index metadata_index;
        hp_mcap_summary_offset summary_offset;
        hp_mcap_data_end data_end;
    } as;
} hp_mcap_record;

/** "chunk index"; "record" for an opcode that is not known. */
const char *hp_mcap_op_name(unsigned op);
/** Reads the content of a record of kind op. HP_EWIRE: a field or map goes beyond the content;
 *  the error names record and field. Every map is walked through once, so the hp_mcap_next_ calls
 *  below cannot fail on what was accepted. */
HP_NODISCARD hp_status hp_mcap_parse(uint8_t op, const uint8_t *content, uint64_t len,
                                     hp_mcap_record *out, hp_error *error);

/** Takes the next pair off a map; false at its end. */
bool hp_mcap_next_text(hp_mcap_bytes *map, hp_mcap_bytes *key, hp_mcap_bytes *value);
bool hp_mcap_next_count(hp_mcap_bytes *map, uint16_t *key, uint64_t *value);

/** Pairs of texts as such a map, in bytes of the caller's; HP_EFULL: it is longer than cap. */
HP_NODISCARD hp_status hp_mcap_map(const char *const pairs[][2], size_t n, uint8_t *bytes,
                                   size_t cap, hp_mcap_bytes *out, hp_error *error);

/** The bytes are this text. */
bool hp_mcap_is(hp_mcap_bytes bytes, const char *text);
hp_mcap_bytes hp_mcap_text(const char *text);

/** zlib's CRC-32, going on from crc (0 at the start). */
uint32_t hp_mcap_crc(uint32_t crc, const void *data, uint64_t len);

#endif
