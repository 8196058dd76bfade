#include "tests/support/hp_test.h"
#include "tests/support/mcap_sample.h"

#include <fcntl.h>
#include <unistd.h>

/** What one walk over a file has found. */
typedef struct walk {
    uint32_t messages, schemas, channels, attachments, metadata, indexes, chunks;
    uint32_t complaints;
    bool in_order; /* messages as they were written, each whole */
    hp_error first;
    hp_mcap_statistics statistics;
    uint64_t chunk_offset; /* of the last chunk index seen */
} walk;

static void look(walk *w, const hp_mcap_record *r)
{
    uint8_t payload[MCAP_SAMPLE_PAYLOAD];
    const hp_mcap_message *m = &r->as.message;
    w->schemas += r->op == HP_MCAP_SCHEMA ? 1 : 0;
    w->channels += r->op == HP_MCAP_CHANNEL ? 1 : 0;
    w->attachments += r->op == HP_MCAP_ATTACHMENT ? 1 : 0;
    w->metadata += r->op == HP_MCAP_METADATA ? 1 : 0;
    w->indexes += r->op == HP_MCAP_MESSAGE_INDEX ? 1 : 0;
    w->chunks += r->op == HP_MCAP_CHUNK ? 1 : 0;
    if (r->op == HP_MCAP_CHUNK_INDEX) {
        w->chunk_offset = r->as.chunk_index.chunk_offset;
    }
    if (r->op == HP_MCAP_STATISTICS) {
        w->statistics = r->as.statistics;
    }
    if (r->op == HP_MCAP_MESSAGE) {
        mcap_sample_payload(m->sequence, payload);
        w->in_order = w->in_order && m->data.len == sizeof payload &&
                      memcmp(m->data.data, payload, sizeof payload) == 0 &&
                      m->log_ns == 1000 + 10 * (uint64_t)m->sequence;
        w->messages++;
    }
}

static walk walk_over(const uint8_t *bytes, size_t len)
{
    walk w = {.in_order = true};
    hp_mcap_bytes span = {bytes, len};
    const hp_mcap_source source = hp_mcap_source_memory(&span, "sample");
    hp_mcap_reader *reader = NULL;
    hp_mcap_record record;
    hp_status st = hp_mcap_reader_create(&source, &reader, &w.first);
    if (st != HP_OK) {
        w.complaints = 1;
        return w;
    }
    for (uint32_t stuck = 0; st != HP_ENOENT && stuck < 3;) {
        const uint64_t before = hp_mcap_reader_offset(reader);
        st = hp_mcap_next(reader, &record, w.complaints == 0 ? &w.first : NULL);
        if (st == HP_OK) {
            look(&w, &record);
            stuck = 0;
        } else if (st != HP_ENOENT) {
            w.complaints++;
            stuck = hp_mcap_reader_offset(reader) == before ? stuck + 1 : 0;
        }
    }
    hp_mcap_reader_destroy(&reader);
    return w;
}

static mcap_memory recover(const uint8_t *bytes, size_t len, hp_mcap_recovered *out)
{
    mcap_memory copy = {0};
    hp_mcap_bytes span = {bytes, len};
    const hp_mcap_source source = hp_mcap_source_memory(&span, "sample");
    const hp_mcap_sink sink = mcap_memory_sink(&copy);
    const hp_mcap_options options = mcap_sample_options("zstd");
    hp_error error;
    const hp_status st = hp_mcap_recover(&source, &options, &sink, out, &error);
    if (len >= HP_MCAP_MAGIC_BYTES && memcmp(bytes, HP_MCAP_MAGIC, HP_MCAP_MAGIC_BYTES) == 0) {
        assert_int_equal(st, HP_OK);
    } else {
        assert_int_equal(st, HP_EWIRE);
    }
    return copy;
}

static const char *const COMPRESSIONS[] = {"", "zstd", "lz4"};

static void test_mcap_gives_everything_back_when_compressed_in_any_way(void **state)
{
    (void)state;
    for (size_t i = 0; i < HP_ARRAY_LEN(COMPRESSIONS); i++) {
        mcap_memory file = {0};
        const hp_mcap_options options = mcap_sample_options(COMPRESSIONS[i]);
        assert_true(mcap_sample_make(&options, &file));
        const walk w = walk_over(file.bytes, file.len);
        assert_string_equal(w.first.text, "");
        assert_int_equal(w.messages, MCAP_SAMPLE_MESSAGES);
        assert_true(w.in_order);
        assert_int_equal(w.attachments, 1);
        assert_int_equal(w.metadata, 1);
        assert_true(w.chunks > 4);
        assert_true(w.indexes > w.chunks);
        assert_int_equal(w.statistics.messages, MCAP_SAMPLE_MESSAGES);
        assert_int_equal(w.statistics.chunks, w.chunks);
        assert_int_equal(w.statistics.start_ns, 1000);
        assert_int_equal(w.statistics.end_ns, 1000 + 10 * (MCAP_SAMPLE_MESSAGES - 1));
        mcap_memory_free(&file);
    }
}

static void test_mcap_index_tells_where_each_chunk_is_and_begins(void **state)
{
    enum { MOST = 64 };
    uint64_t offsets[MOST];
    uint64_t starts_ns[MOST];
    uint32_t chunks = 0;
    uint32_t started = 0;
    uint32_t indexed = 0;
    mcap_memory file = {0};
    const hp_mcap_options options = mcap_sample_options("lz4");
    hp_mcap_reader *reader = NULL;
    hp_mcap_record r;
    hp_error error;
    (void)state;
    assert_true(mcap_sample_make(&options, &file));
    hp_mcap_bytes span = {file.bytes, file.len};
    const hp_mcap_source source = hp_mcap_source_memory(&span, "sample");
    assert_int_equal(hp_mcap_reader_create(&source, &reader, &error), HP_OK);
    while (hp_mcap_next(reader, &r, &error) == HP_OK) {
        if (r.op == HP_MCAP_CHUNK) {
            assert_true(chunks < MOST);
            offsets[chunks++] = r.offset;
        } else if (r.op == HP_MCAP_MESSAGE && started < chunks) {
            assert_true(r.in_chunk);
            starts_ns[started++] = r.as.message.log_ns;
        } else if (r.op == HP_MCAP_CHUNK_INDEX) {
            assert_true(indexed < started);
            assert_int_equal(r.as.chunk_index.chunk_offset, offsets[indexed]);
            assert_int_equal(r.as.chunk_index.start_ns, starts_ns[indexed++]);
        }
    }
    assert_true(chunks > 4);
    assert_int_equal(indexed, chunks);
    hp_mcap_reader_destroy(&reader);
    mcap_memory_free(&file);
}

/** Messages in chunks that lie wholly in the first len bytes. */
static uint32_t messages_within(const uint8_t *bytes, size_t whole, size_t len)
{
    hp_mcap_bytes span = {bytes, whole};
    const hp_mcap_source source = hp_mcap_source_memory(&span, "sample");
    hp_mcap_reader *reader = NULL;
    hp_mcap_record r;
    uint32_t n = 0;
    assert_int_equal(hp_mcap_reader_create(&source, &reader, NULL), HP_OK);
    while (hp_mcap_next(reader, &r, NULL) == HP_OK && hp_mcap_reader_offset(reader) <= len) {
        n += r.op == HP_MCAP_MESSAGE ? 1 : 0;
    }
    hp_mcap_reader_destroy(&reader);
    return n;
}

static void test_mcap_recovers_each_whole_chunk_when_cut_off_at_any_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < HP_ARRAY_LEN(COMPRESSIONS); i++) {
        mcap_memory file = {0};
        const hp_mcap_options options = mcap_sample_options(COMPRESSIONS[i]);
        assert_true(mcap_sample_make(&options, &file));
        for (size_t len = 0; len < file.len; len++) {
            hp_mcap_recovered out;
            uint8_t *cut = malloc(len + 1); /* so that sanitizers see a byte read too many */
            assert_non_null(cut);
            memcpy(cut, file.bytes, len);
            mcap_memory copy = recover(cut, len, &out);
            if (copy.len > 0) {
                const walk w = walk_over(copy.bytes, copy.len);
                assert_int_equal(w.complaints, 0);
                assert_int_equal(w.messages, out.messages);
                assert_int_equal(w.messages, messages_within(file.bytes, file.len, len));
                assert_true(w.in_order);
                assert_false(out.complete);
                assert_true(strlen(out.first.text) > 0);
            }
            mcap_memory_free(&copy);
            free(cut);
        }
        mcap_memory_free(&file);
    }
}

static void test_mcap_says_what_was_expected_when_a_record_is_cut_off(void **state)
{
    mcap_memory file = {0};
    hp_mcap_recovered out;
    const hp_mcap_options options = mcap_sample_options("zstd");
    (void)state;
    assert_true(mcap_sample_make(&options, &file));
    const walk whole = walk_over(file.bytes, file.len);
    mcap_memory copy = recover(file.bytes, (size_t)whole.chunk_offset + 20, &out);
    assert_non_null(strstr(out.first.text, "truncated in chunk, expected "));
    assert_non_null(strstr(out.first.text, "bytes, found 11 "));
    mcap_memory_free(&copy);
    mcap_memory_free(&file);
}

static void test_mcap_never_hands_out_wrong_bytes_when_any_byte_is_damaged(void **state)
{
    mcap_memory file = {0};
    const hp_mcap_options options = mcap_sample_options("zstd");
    (void)state;
    assert_true(mcap_sample_make(&options, &file));
    const walk whole = walk_over(file.bytes, file.len);
    for (size_t i = 0; i < file.len; i++) {
        file.bytes[i] ^= 0x41;
        const walk w = walk_over(file.bytes, file.len);
        file.bytes[i] ^= 0x41;
        assert_true(w.complaints > 0 || w.messages < whole.messages || w.chunks < whole.chunks ||
                    w.statistics.messages == whole.statistics.messages);
        if (w.complaints == 0) { /* only what no checksum covers: opcodes made unknown, indexes */
            assert_true(w.in_order);
        }
    }
    mcap_memory_free(&file);
}

static void test_mcap_saves_the_other_chunks_when_one_is_damaged(void **state)
{
    mcap_memory file = {0};
    hp_mcap_recovered out;
    const hp_mcap_options options = mcap_sample_options("");
    (void)state;
    assert_true(mcap_sample_make(&options, &file));
    const walk whole = walk_over(file.bytes, file.len);
    file.bytes[whole.chunk_offset + 120] ^= 1; /* inside the last chunk's records */
    mcap_memory copy = recover(file.bytes, file.len, &out);
    assert_true(out.messages < MCAP_SAMPLE_MESSAGES);
    assert_true(out.messages > MCAP_SAMPLE_MESSAGES / 2);
    assert_false(out.complete);
    assert_non_null(strstr(out.first.text, "checksum differs"));
    mcap_memory_free(&copy);
    mcap_memory_free(&file);
}

static void test_mcap_refuses_at_once_when_lengths_are_hostile(void **state)
{
    static const uint64_t LENGTHS[] = {UINT64_MAX, UINT64_MAX - 8, INT64_MAX, 1ull << 40, 60, 59};
    (void)state;
    for (unsigned op = 0; op < HP_MCAP_OP_COUNT + 1; op++) {
        for (size_t i = 0; i < HP_ARRAY_LEN(LENGTHS); i++) {
            uint8_t bytes[HP_MCAP_MAGIC_BYTES + 9 + 50];
            memset(bytes, 0xff, sizeof bytes);
            memcpy(bytes, HP_MCAP_MAGIC, HP_MCAP_MAGIC_BYTES);
            bytes[8] = (uint8_t)op;
            for (unsigned k = 0; k < 8; k++) {
                bytes[9 + k] = (uint8_t)(LENGTHS[i] >> (8 * k));
            }
            const walk w = walk_over(bytes, sizeof bytes);
            assert_true(w.complaints > 0);
            assert_int_equal(w.messages, 0);
        }
    }
}

static void test_mcap_refuses_a_chunk_when_it_claims_to_be_huge(void **state)
{
    mcap_memory file = {0};
    const hp_mcap_options options = mcap_sample_options("zstd");
    (void)state;
    assert_true(mcap_sample_make(&options, &file));
    const walk whole = walk_over(file.bytes, file.len);
    memset(file.bytes + whole.chunk_offset + 9 + 16, 0xff, 8); /* its uncompressed size */
    const walk w = walk_over(file.bytes, file.len);
    assert_true(w.messages < whole.messages);
    assert_non_null(strstr(w.first.text, "over the limit"));
    mcap_memory_free(&file);
}

static void test_mcap_counts_and_tells_again_when_the_sink_was_full(void **state)
{
    mcap_memory file = {0};
    const hp_mcap_options options = mcap_sample_options("zstd");
    const hp_mcap_sink sink = mcap_memory_sink(&file);
    hp_mcap_writer *w = NULL;
    uint32_t complaints = 0;
    hp_error error = {{0}};
    (void)state;
    assert_int_equal(hp_mcap_writer_create(&options, &sink, &w, NULL), HP_OK);
    assert_int_equal(mcap_sample_begin(w), HP_OK);
    file.full = true; /* the first chunk, with all definitions, is lost, and some after it */
    for (uint32_t i = 0; i < MCAP_SAMPLE_MESSAGES; i++) {
        if (i == 30) {
            file.full = false;
        }
        complaints += mcap_sample_message(w, i, &error) == HP_OK ? 0 : 1;
    }
    assert_int_equal(hp_mcap_writer_close(w, &error), HP_OK);
    const hp_mcap_written figures = hp_mcap_writer_figures(w);
    hp_mcap_writer_destroy(&w);
    assert_true(complaints > 0);
    assert_non_null(strstr(error.text, "full"));
    assert_true(figures.lost > 0);
    assert_int_equal(figures.lost + figures.messages, MCAP_SAMPLE_MESSAGES);
    const walk seen = walk_over(file.bytes, file.len);
    assert_int_equal(seen.complaints, 0);
    assert_int_equal(seen.messages, figures.messages);
    assert_int_equal(seen.statistics.messages, figures.messages);
    hp_mcap_recovered out;
    mcap_memory copy = recover(file.bytes, file.len, &out);
    assert_true(out.complete); /* no orphans: the definitions came again */
    mcap_memory_free(&copy);
    mcap_memory_free(&file);
}

static void test_mcap_refuses_what_no_reader_could_use_when_writing(void **state)
{
    mcap_memory file = {0};
    const hp_mcap_options options = mcap_sample_options("zstd");
    const hp_mcap_options unknown = mcap_sample_options("rar");
    const hp_mcap_sink sink = mcap_memory_sink(&file);
    const hp_mcap_bytes none = {0};
    hp_mcap_writer *w = NULL;
    hp_error error;
    (void)state;
    assert_int_equal(hp_mcap_writer_create(&unknown, &sink, &w, &error), HP_EINVAL);
    assert_null(w);
    assert_int_equal(hp_mcap_writer_create(&options, &sink, &w, NULL), HP_OK);
    assert_int_equal(hp_mcap_write_message(w, &(hp_mcap_message){.channel_id = 9}, &error),
                     HP_EINVAL);
    assert_string_equal(error.text, "there is no channel 9");
    assert_int_equal(hp_mcap_write_schema(w, &(hp_mcap_schema){0, none, none, none}, &error),
                     HP_EINVAL);
    assert_int_equal(hp_mcap_write_channel(w, &(hp_mcap_channel){1, 3, none, none, none}, &error),
                     HP_EINVAL);
    assert_int_equal(hp_mcap_write_channel(w, &(hp_mcap_channel){1, 0, none, none, none}, &error),
                     HP_OK);
    assert_int_equal(hp_mcap_write_channel(w, &(hp_mcap_channel){1, 0, none, none, none}, &error),
                     HP_EINVAL);
    hp_mcap_writer_destroy(&w);
    mcap_memory_free(&file);
}

static void test_mcap_map_holds_pairs_and_is_refused_when_there_is_no_room(void **state)
{
    static const char *const PAIRS[][2] = {{"a", "bc"}, {"", "d"}};
    uint8_t room[20];
    hp_mcap_bytes map;
    hp_mcap_bytes key;
    hp_mcap_bytes value;
    hp_error error;
    (void)state;
    assert_int_equal(hp_mcap_map(PAIRS, 2, room, sizeof room, &map, &error), HP_OK);
    assert_int_equal(map.len, sizeof room);
    assert_true(hp_mcap_next_text(&map, &key, &value));
    assert_true(hp_mcap_is(key, "a") && hp_mcap_is(value, "bc"));
    assert_true(hp_mcap_next_text(&map, &key, &value));
    assert_true(hp_mcap_is(key, "") && hp_mcap_is(value, "d"));
    for (size_t cap = 0; cap < sizeof room; cap++) {
        assert_int_equal(hp_mcap_map(PAIRS, 2, room, cap, &map, &error), HP_EFULL);
    }
}

static void test_mcap_file_sink_keeps_the_file_whole_when_a_write_fails(void **state)
{
    char path[] = "/tmp/hyplan-mcap-XXXXXX";
    const int fd = mkstemp(path);
    hp_mcap_file_sink file = {.fd = fd, .path = path};
    hp_error error;
    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(hp_mcap_file_append(&file, "abc", 3, &error), HP_OK);
    const int read_only = open(path, O_RDONLY | O_CLOEXEC);
    file.fd = read_only;
    assert_int_equal(hp_mcap_file_append(&file, "def", 3, &error), HP_EIO);
    assert_int_equal(file.offset, 3);
    file.fd = fd;
    assert_int_equal(hp_mcap_file_append(&file, "ghi", 3, &error), HP_OK);
    assert_int_equal(lseek(fd, 0, SEEK_END), 6);
    (void)close(read_only);
    (void)close(fd);
    (void)unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mcap_gives_everything_back_when_compressed_in_any_way),
        cmocka_unit_test(test_mcap_index_tells_where_each_chunk_is_and_begins),
        cmocka_unit_test(test_mcap_recovers_each_whole_chunk_when_cut_off_at_any_byte),
        cmocka_unit_test(test_mcap_says_what_was_expected_when_a_record_is_cut_off),
        cmocka_unit_test(test_mcap_never_hands_out_wrong_bytes_when_any_byte_is_damaged),
        cmocka_unit_test(test_mcap_saves_the_other_chunks_when_one_is_damaged),
        cmocka_unit_test(test_mcap_refuses_at_once_when_lengths_are_hostile),
        cmocka_unit_test(test_mcap_refuses_a_chunk_when_it_claims_to_be_huge),
        cmocka_unit_test(test_mcap_counts_and_tells_again_when_the_sink_was_full),
        cmocka_unit_test(test_mcap_refuses_what_no_reader_could_use_when_writing),
        cmocka_unit_test(test_mcap_map_holds_pairs_and_is_refused_when_there_is_no_room),
        cmocka_unit_test(test_mcap_file_sink_keeps_the_file_whole_when_a_write_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
