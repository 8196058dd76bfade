/* The codec among enemies: whatever is not a legal message is refused, and says why. */
#include "common/hp_bus.h"
#include "common/hp_clock.h"
#include "tests/unit/proto/codec_hostile.h"

#include <string.h>

/** A small legal message with every field in it, encoded. */
static void prepare(fixture *f, hp_msg_type type)
{
    const hp_envelope envelope = {.type = type, .sequence = 5};
    codec_random(type, CODEC_TWO, hp_rng_seed(17), &f->in);
    assert_int_equal(hp_encode(f->codec, &envelope, &f->in, f->bytes, sizeof f->bytes, &f->len),
                     HP_OK);
}

static void append(fixture *f, const void *data, size_t n)
{
    assert_true(f->len + n <= sizeof f->bytes);
    memcpy(f->bytes + f->len, data, n);
    f->len += n;
    codec_seal(f->bytes, f->len);
}

/* ---- Damage ---- */

static void test_every_truncation_is_refused(void **state)
{
    fixture *f = *state;
    for (unsigned type = 0; type < HP_MSG_COUNT; ++type) {
        prepare(f, (hp_msg_type)type);
        for (size_t len = 0; len < f->len; ++len) {
            assert_int_equal(decode(f, len), HP_EWIRE);
        }
    }
}

static void test_every_flipped_bit_is_refused(void **state)
{
    fixture *f = *state;
    for (unsigned type = 0; type < HP_MSG_COUNT; ++type) {
        prepare(f, (hp_msg_type)type);
        for (size_t bit = 0; bit < f->len * 8; ++bit) {
            f->bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
            const hp_status status = decode(f, f->len);
            assert_true(status == HP_EWIRE || status == HP_EVERSION);
            f->bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        }
        assert_int_equal(decode(f, f->len), HP_OK);
    }
}

/** The same by somebody who can compute the hash: nothing illegal passes. */
static void test_sealed_damage_never_passes_the_table(void **state)
{
    fixture *f = *state;
    for (unsigned type = 0; type < HP_MSG_COUNT; ++type) {
        prepare(f, (hp_msg_type)type);
        const size_t whole = f->len;
        for (size_t bit = (size_t)HP_ENVELOPE_BYTES * 8; bit < whole * 8; ++bit) {
            f->bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
            codec_seal(f->bytes, whole);
            const hp_status status = decode(f, whole);
            if (status == HP_OK) {
                assert_int_equal(hp_message_check((hp_msg_type)type, &f->out, NULL), HP_OK);
            } else {
                assert_int_equal(status, HP_EWIRE);
                assert_memory_equal(&f->out, &f->before, sizeof f->out);
            }
            f->bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        }
        for (size_t len = whole; len-- > HP_ENVELOPE_BYTES;) {
            codec_seal(f->bytes, len);
            const hp_status status = decode(f, len);
            assert_true(status == HP_OK || status == HP_EWIRE);
        }
    }
}

/* ---- Envelope ---- */

static void test_wrong_envelope_is_refused(void **state)
{
    static const struct {
        size_t at;
        hp_status status;
        const char *reason;
    } CASES[] = {
        {0, HP_EWIRE, "envelope.magic"},      {3, HP_EWIRE, "envelope.magic"},
        {4, HP_EVERSION, "envelope.version"}, {5, HP_EVERSION, "envelope.version"},
        {7, HP_EWIRE, "envelope.type"},       {8, HP_EVERSION, "envelope.schema"},
        {15, HP_EVERSION, "envelope.schema"}, {17, HP_EWIRE, "envelope.sender"},
        {52, HP_EWIRE, "envelope.length"},
    };
    fixture *f = *state;
    for (size_t i = 0; i < HP_ARRAY_LEN(CASES); ++i) {
        prepare(f, HP_MSG_FRAME);
        f->bytes[CASES[i].at] ^= 0x40;
        codec_seal(f->bytes, f->len);
        expect(f, f->len, CASES[i].status, CASES[i].reason);
    }
    prepare(f, HP_MSG_FRAME);
    f->bytes[6] = HP_MSG_COUNT;
    codec_seal(f->bytes, f->len);
    expect(f, f->len, HP_EWIRE, "envelope.type = 14");
    prepare(f, HP_MSG_FRAME);
    f->bytes[48] ^= 1;
    expect(f, f->len, HP_EWIRE, "envelope.length");
    prepare(f, HP_MSG_FRAME);
    f->bytes[60] ^= 1;
    expect(f, f->len, HP_EWIRE, "envelope.hash");
}

static void test_oversize_is_refused(void **state)
{
    fixture *f = *state;
    prepare(f, HP_MSG_FRAME);
    memset(f->bytes + f->len, 0, sizeof f->bytes - f->len);
    codec_seal(f->bytes, HP_BUS_MAX_MESSAGE + 1);
    expect(f, HP_BUS_MAX_MESSAGE + 1, HP_EWIRE, "bytes");
}

static void test_bad_types_are_not_encoded(void **state)
{
    fixture *f = *state;
    size_t len = 0;
    hp_envelope envelope = {.type = HP_MSG_COUNT};
    assert_int_equal(hp_encode(f->codec, &envelope, &f->in, f->bytes, sizeof f->bytes, &len),
                     HP_EINVAL);
    prepare(f, HP_MSG_COMMAND);
    envelope = (hp_envelope){.type = HP_MSG_COMMAND, .sender = HP_ROLE_COUNT};
    assert_int_equal(hp_encode(f->codec, &envelope, &f->in, f->bytes, sizeof f->bytes, &len),
                     HP_EINVAL);
}

/* ---- Every number, spoilt ---- */

static void expect_spoilt(fixture *f, hp_msg_type type, const hp_where *where, const char *reason)
{
    char path[160];
    hp_where_print(where, path, sizeof path);
    hp_error error = {{0}};
    assert_int_equal(hp_message_check(type, &f->in, &error), HP_EINVAL);
    if (strncmp(error.text, path, strlen(path)) != 0 || strstr(error.text, reason) == NULL) {
        fail_msg("'%s' does not begin with '%s' or lacks '%s'", error.text, path, reason);
    }
    size_t len = 0;
    const hp_envelope envelope = {.type = type};
    assert_int_equal(hp_encode(f->codec, &envelope, &f->in, f->bytes, sizeof f->bytes, &len),
                     HP_EINVAL);
    prepare(f, type); /* an envelope of the right type; it also restores f->in */
}

static void spoil_real(fixture *f, hp_msg_type type, const hp_where *where, const hp_field *field,
                       void *at)
{
    const double bad[] = {(double)NAN,
                          -(double)NAN,
                          (double)INFINITY,
                          -(double)INFINITY,
                          nextafter(field->range.hi, (double)INFINITY),
                          nextafter(field->range.lo, -(double)INFINITY)};
    for (size_t i = 0; i < HP_ARRAY_LEN(bad); ++i) {
        memcpy(at, &bad[i], sizeof bad[i]);
        seal_unchecked(f, type);
        expect(f, f->len, HP_EWIRE, field->name);
        expect_spoilt(f, type, where, isfinite(bad[i]) ? "must lie in" : "must be finite");
        ++f->refused;
    }
}

static void spoil_whole(fixture *f, hp_msg_type type, const hp_where *where, const hp_field *field,
                        void *at)
{
    const double top = field->range.hi;
    if (field->kind == HP_KIND_I64) {
        const int64_t bad[] = {INT64_MAX, INT64_MIN};
        for (size_t i = 0; i < HP_ARRAY_LEN(bad); ++i) {
            memcpy(at, &bad[i], sizeof bad[i]);
            seal_unchecked(f, type);
            expect(f, f->len, HP_EWIRE, field->name);
            expect_spoilt(f, type, where, "must lie in");
            ++f->refused;
        }
    } else if ((field->kind == HP_KIND_U32 && top < 0xffffffff) || field->kind == HP_KIND_ENUM) {
        const uint32_t bad[] = {(uint32_t)top + 1, UINT32_MAX};
        for (size_t i = 0; i < HP_ARRAY_LEN(bad); ++i) {
            memcpy(at, &bad[i], sizeof bad[i]);
            if (strcmp(field->name, "n_steps") != 0) { /* the lists do not go that far */
                seal_unchecked(f, type);
                expect(f, f->len, HP_EWIRE, field->name);
            }
            expect_spoilt(f, type, where, "must lie in");
            ++f->refused;
        }
    }
}

static void spoil_struct(fixture *f, hp_msg_type type, const hp_where *up, const hp_layout *layout,
                         unsigned char *base)
{
    for (size_t i = 0; i < layout->n_fields; ++i) {
        const hp_field *field = &layout->fields[i];
        const size_t n = hp_field_count(field, base, 2);
        for (size_t k = 0; k < n; ++k) {
            const hp_where here = {.up = up,
                                   .name = field->name,
                                   .index = field->count == HP_COUNT_ONE ? HP_NO_INDEX : k};
            unsigned char *at = base + field->offset + k * field->stride;
            if (field->kind == HP_KIND_STRUCT) {
                spoil_struct(f, type, &here, field->layout, at);
            } else if (field->kind == HP_KIND_DOUBLE) {
                spoil_real(f, type, &here, field, at);
            } else {
                spoil_whole(f, type, &here, field, at);
            }
        }
    }
}

static void test_every_spoilt_number_is_refused(void **state)
{
    fixture *f = *state;
    for (unsigned type = 0; type < HP_MSG_COUNT; ++type) {
        const hp_where root = {.name = hp_msg_name((hp_msg_type)type), .index = HP_NO_INDEX};
        prepare(f, (hp_msg_type)type);
        spoil_struct(f, (hp_msg_type)type, &root, hp_layout_of((hp_msg_type)type),
                     (unsigned char *)&f->in);
    }
    assert_true(f->refused > 1000);
}

static void test_error_names_message_field_and_value(void **state)
{
    fixture *f = *state;
    codec_random(HP_MSG_FRAME, CODEC_FULL, hp_rng_seed(2), &f->in);
    f->in.as_hp_frame.agents[3].vx_mps = (double)NAN;
    assert_int_equal(hp_message_check(HP_MSG_FRAME, &f->in, &f->error), HP_EINVAL);
    assert_string_equal(f->error.text, "frame.agents[3].vx_mps = nan: must be finite");
    f->in.as_hp_frame.agents[3].vx_mps = 201.0;
    assert_int_equal(hp_message_check(HP_MSG_FRAME, &f->in, &f->error), HP_EINVAL);
    assert_string_equal(f->error.text, "frame.agents[3].vx_mps = 201: must lie in [-200, 200]");
}

/* ---- Lists and texts ---- */

static void test_overlong_lists_are_not_encoded(void **state)
{
    fixture *f = *state;
    for (unsigned type = 0; type < HP_MSG_COUNT; ++type) {
        const hp_layout *layout = hp_layout_of((hp_msg_type)type);
        for (size_t i = 0; i < layout->n_fields; ++i) {
            const hp_field *field = &layout->fields[i];
            if (field->count != HP_COUNT_MEMBER) {
                continue;
            }
            const uint32_t bad[] = {(uint32_t)field->cap + 1, UINT32_MAX};
            for (size_t k = 0; k < HP_ARRAY_LEN(bad); ++k) {
                codec_random((hp_msg_type)type, CODEC_FULL, hp_rng_seed(2), &f->in);
                memcpy((unsigned char *)&f->in + field->count_offset, &bad[k], sizeof bad[k]);
                assert_int_equal(hp_message_check((hp_msg_type)type, &f->in, &f->error), HP_EINVAL);
                assert_non_null(strstr(f->error.text, field->name));
                assert_non_null(strstr(f->error.text, "entries"));
            }
        }
    }
}

/** Protobuf joins the lists of two messages that are written one after the other. */
static void test_overlong_lists_are_refused(void **state)
{
    static const hp_msg_type TYPES[] = {HP_MSG_WORLD_INFO,      HP_MSG_FRAME,
                                        HP_MSG_PREDICT_REQUEST, HP_MSG_PREDICT_REPLY,
                                        HP_MSG_PLAN_REQUEST,    HP_MSG_DECISION};
    fixture *f = *state;
    for (size_t i = 0; i < HP_ARRAY_LEN(TYPES); ++i) {
        prepare(f, TYPES[i]);
        codec_random(TYPES[i], CODEC_FULL, hp_rng_seed(2), &f->in);
        seal_unchecked(f, TYPES[i]);
        assert_int_equal(decode(f, f->len), HP_OK);
        append(f, f->bytes + HP_ENVELOPE_BYTES, f->len - HP_ENVELOPE_BYTES);
        assert_true(f->len <= HP_BUS_MAX_MESSAGE);
        expect(f, f->len, HP_EWIRE, "entries, at most");
    }
}

static void test_unequal_lists_are_refused(void **state)
{
    /* One more number in one list: field 16 is route_x_m, 17 route_y_m, 18 path_y_m, 9 stage_ns. */
    static const struct {
        hp_msg_type type;
        unsigned char id;
        const char *reason;
    } CASES[] = {
        {HP_MSG_WORLD_INFO, 16, "world_info.route_y_m: 2 entries, wanted 3"},
        {HP_MSG_WORLD_INFO, 17, "world_info.route_y_m: 3 entries, wanted 2"},
        {HP_MSG_PLAN_REQUEST, 18, "belief.path_y_m: 3 entries, wanted 2"},
        {HP_MSG_DECISION, 9, "decision.stage_ns: 8 entries, at most 7"},
    };
    fixture *f = *state;
    for (size_t i = 0; i < HP_ARRAY_LEN(CASES); ++i) {
        const unsigned key = (unsigned)CASES[i].id << 3 | 2;
        const unsigned char wide[] = {
            (unsigned char)(key | 0x80), (unsigned char)(key >> 7), 8, 0, 0, 0, 0, 0, 0, 0, 0};
        const unsigned char narrow[] = {(unsigned char)key, 8, 0, 0, 0, 0, 0, 0, 0, 0};
        prepare(f, CASES[i].type);
        if (key > 0x7f) {
            append(f, wide, sizeof wide);
        } else {
            append(f, narrow, sizeof narrow);
        }
        expect(f, f->len, HP_EWIRE, CASES[i].reason);
    }
}

static void test_short_lists_are_refused(void **state)
{
    fixture *f = *state;
    prepare(f, HP_MSG_PREDICT_REPLY);
    f->in.as_hp_predict_reply.forecasts[1].n_modes = 0;
    seal_unchecked(f, HP_MSG_PREDICT_REPLY);
    expect(f, f->len, HP_EWIRE, "prediction.forecasts[1].modes: 0 entries, must be 1 to 6");
    prepare(f, HP_MSG_WORLD_INFO);
    f->in.as_hp_world_info.n_route = 1;
    seal_unchecked(f, HP_MSG_WORLD_INFO);
    expect(f, f->len, HP_EWIRE, "world_info.route_x_m: 1 entries, must be 2 to 256");
}

static void test_rules_across_fields(void **state)
{
    fixture *f = *state;
    prepare(f, HP_MSG_PREDICT_REPLY);
    f->in.as_hp_predict_reply.forecasts[1].modes[0].probability *= 0.99;
    seal_unchecked(f, HP_MSG_PREDICT_REPLY);
    expect(f, f->len, HP_EWIRE, "prediction.forecasts[1]: the probabilities");
    prepare(f, HP_MSG_WORLD_INFO);
    hp_rect *rect = &f->in.as_hp_world_info.pavement[1];
    rect->y_min_m = rect->y_max_m + 1.0;
    seal_unchecked(f, HP_MSG_WORLD_INFO);
    expect(f, f->len, HP_EWIRE, "min above max");
}

static void test_bad_texts_are_refused(void **state)
{
    fixture *f = *state;
    prepare(f, HP_MSG_HELLO);
    memset(f->in.as_hp_hello.role, 'x', HP_TEXT);
    assert_int_equal(hp_message_check(HP_MSG_HELLO, &f->in, &f->error), HP_EINVAL);
    assert_string_equal(f->error.text, "hello.role: longer than 63 bytes");
    unsigned char text[2 + HP_TEXT] = {1 << 3 | 2, HP_TEXT};
    memset(text + 2, 'x', HP_TEXT);
    prepare(f, HP_MSG_HELLO);
    append(f, text, sizeof text);
    expect(f, f->len, HP_EWIRE, "hello.role: longer than 63 bytes");
    const unsigned char bad[] = {1, '\n', 0x1f, 0x7f, 0x80, 0xff};
    for (size_t i = 0; i < sizeof bad; ++i) {
        prepare(f, HP_MSG_HEALTH);
        f->in.as_hp_health.note[0] = 'a';
        f->in.as_hp_health.note[1] = (char)bad[i];
        seal_unchecked(f, HP_MSG_HEALTH);
        expect(f, f->len, HP_EWIRE, "health.note: byte 0x");
    }
}

/* ---- Protobuf's own freedoms ---- */

static void test_unknown_fields_are_refused(void **state)
{
    static const unsigned char UNKNOWN[] = {0xc0, 0x3e, 1};               /* field 1000 = 1 */
    static const unsigned char WITHIN[] = {6 << 3 | 2, 3, 0xc0, 0x3e, 1}; /* in a third agent */
    fixture *f = *state;
    for (unsigned type = 0; type < HP_MSG_COUNT; ++type) {
        prepare(f, (hp_msg_type)type);
        append(f, UNKNOWN, sizeof UNKNOWN);
        expect(f, f->len, HP_EWIRE, "1 unknown fields");
    }
    prepare(f, HP_MSG_FRAME);
    append(f, WITHIN, sizeof WITHIN);
    expect(f, f->len, HP_EWIRE, "frame.agents[2]: 1 unknown fields");
}

static void test_absent_parts_are_refused(void **state)
{
    fixture *f = *state;
    prepare(f, HP_MSG_FRAME);
    f->len = HP_ENVELOPE_BYTES;
    append(f, "", 0);
    expect(f, f->len, HP_EWIRE, "frame.ego: missing");
    prepare(f, HP_MSG_DECISION);
    f->len = HP_ENVELOPE_BYTES;
    append(f, "", 0);
    expect(f, f->len, HP_EWIRE, "decision.plan: missing");
}

#define BOMB_NS INT64_C(5000000)

/** Half a mebibyte, the most that is looked at, of the smallest entries of each kind. */
static void test_bombs_are_refused_soon(void **state)
{
    static const struct {
        hp_msg_type type;
        unsigned char unit[3];
        size_t n;
    } BOMBS[] = {
        {HP_MSG_FRAME, {6 << 3 | 2, 0}, 2},         /* empty agents */
        {HP_MSG_PREDICT_REPLY, {6 << 3 | 2, 0}, 2}, /* empty forecasts */
        {HP_MSG_FRAME, {15 << 3, 1}, 2},            /* unknown numbers */
        {HP_MSG_HELLO, {1 << 3 | 2, 0}, 2},         /* empty texts */
        {HP_MSG_DECISION, {9 << 3 | 2, 0}, 2},      /* empty packed lists */
        {HP_MSG_DECISION, {4 << 3 | 2, 0}, 2},      /* a part that is merged again and again */
        {HP_MSG_PREDICT_REPLY, {4 << 3, 2}, 2},     /* one number again and again */
    };
    fixture *f = *state;
    for (size_t i = 0; i < HP_ARRAY_LEN(BOMBS); ++i) {
        prepare(f, BOMBS[i].type);
        for (size_t at = HP_ENVELOPE_BYTES; at + BOMBS[i].n <= HP_BUS_MAX_MESSAGE;
             at += BOMBS[i].n) {
            memcpy(f->bytes + at, BOMBS[i].unit, BOMBS[i].n);
        }
        codec_seal(f->bytes, HP_BUS_MAX_MESSAGE);
        int64_t spent_ns = INT64_MAX;
        for (int k = 0; k < 9 && spent_ns >= BOMB_NS; ++k) { /* a virtual machine's may be stolen */
            const int64_t start_ns = hp_clock_thread_cpu_ns();
            expect(f, HP_BUS_MAX_MESSAGE, HP_EWIRE, "");
            spent_ns = hp_clock_thread_cpu_ns() - start_ns;
        }
        print_message("bomb %zu: %.2f ms\n", i, (double)spent_ns / 1e6);
#ifndef HP_TEST_SANITIZED
        assert_true(spent_ns < BOMB_NS);
#endif
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_truncation_is_refused),
        cmocka_unit_test(test_every_flipped_bit_is_refused),
        cmocka_unit_test(test_sealed_damage_never_passes_the_table),
        cmocka_unit_test(test_wrong_envelope_is_refused),
        cmocka_unit_test(test_oversize_is_refused),
        cmocka_unit_test(test_bad_types_are_not_encoded),
        cmocka_unit_test(test_every_spoilt_number_is_refused),
        cmocka_unit_test(test_error_names_message_field_and_value),
        cmocka_unit_test(test_overlong_lists_are_not_encoded),
        cmocka_unit_test(test_overlong_lists_are_refused),
        cmocka_unit_test(test_unequal_lists_are_refused),
        cmocka_unit_test(test_short_lists_are_refused),
        cmocka_unit_test(test_rules_across_fields),
        cmocka_unit_test(test_bad_texts_are_refused),
        cmocka_unit_test(test_unknown_fields_are_refused),
        cmocka_unit_test(test_absent_parts_are_refused),
        cmocka_unit_test(test_bombs_are_refused_soon),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
