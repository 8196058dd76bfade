/* The codec among friends: round trips to the bit, and tables that leave no field out. */
#include "common/hp_bus.h"
#include "proto/hp_tensor.h"
#include "tests/support/hp_test.h"
#include "tests/unit/proto/codec_random.h"
#include "tests/unit/proto/packed_sizes.h"

#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 10000, MAX_LAYOUTS = 32 };

typedef struct fixture {
    hp_codec *codec;
    hp_message in, out;
    unsigned char bytes[HP_BUS_MAX_MESSAGE];
    unsigned char again[HP_BUS_MAX_MESSAGE];
} fixture;

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    if (f == NULL || hp_codec_create(&f->codec) != HP_OK) {
        return -1;
    }
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    hp_codec_destroy(&f->codec);
    free(f);
    return 0;
}

/** The room behind a tensor's bytes, which is left as it was. */
static void clear_bytes(unsigned char *data, size_t cap, uint32_t used, int was)
{
    for (size_t i = used; i < cap; ++i) {
        assert_int_equal(data[i], was);
        data[i] = 0;
    }
}

static void clear_room(hp_msg_type type, hp_message *message, int was)
{
    hp_evaluate_request *q = &message->as_hp_evaluate_request;
    hp_evaluate_reply *r = &message->as_hp_evaluate_reply;
    if (type == HP_MSG_EVALUATE_REQUEST) {
        clear_bytes(q->scene.data, sizeof q->scene.data, q->scene.head.n_bytes, was);
        clear_bytes(q->looks.data, sizeof q->looks.data, q->looks.head.n_bytes, was);
    } else if (type == HP_MSG_EVALUATE_REPLY) {
        clear_bytes(r->answers.data, sizeof r->answers.data, r->answers.head.n_bytes, was);
    }
}

static void round_trip(fixture *f, hp_msg_type type, uint64_t sequence)
{
    const hp_envelope sent = {.type = type,
                              .sender = (hp_role)(sequence % HP_ROLE_COUNT),
                              .generation = 7,
                              .sequence = sequence,
                              .tick = UINT64_MAX - sequence,
                              .monotonic_ns = -(int64_t)sequence};
    hp_envelope got;
    hp_error error = {{0}};
    size_t len = 0;
    if (hp_message_check(type, &f->in, &error) != HP_OK) {
        fail_msg("%s", error.text);
    }
    assert_int_equal(hp_encode(f->codec, &sent, &f->in, f->bytes, sizeof f->bytes, &len), HP_OK);
    memset(&f->out, 0xa5, hp_msg_size(type));
    if (hp_decode(f->codec, f->bytes, len, &got, &f->out, &error) != HP_OK) {
        fail_msg("%s", error.text);
    }
    clear_room(type, &f->out, 0xa5);
    assert_memory_equal(&f->in, &f->out, hp_msg_size(type));
    assert_int_equal(got.type, sent.type);
    assert_int_equal(got.sender, sent.sender);
    assert_int_equal(got.generation, sent.generation);
    assert_true(got.sequence == sent.sequence && got.tick == sent.tick);
    assert_true(got.monotonic_ns == sent.monotonic_ns);
}

static void test_random_messages_survive(void **state)
{
    fixture *f = *state;
    const hp_rng root = hp_rng_seed(1);
    for (unsigned type = 0; type < HP_MSG_COUNT; ++type) {
        for (uint64_t k = 0; k < ROUNDS; ++k) {
            codec_random((hp_msg_type)type, CODEC_ANY, hp_rng_lane(hp_rng_lane(root, type), k),
                         &f->in);
            round_trip(f, (hp_msg_type)type, k);
        }
    }
}

static void test_largest_messages_fit(void **state)
{
    fixture *f = *state;
    for (unsigned type = 0; type < HP_MSG_COUNT; ++type) {
        codec_random((hp_msg_type)type, CODEC_FULL, hp_rng_seed(type), &f->in);
        round_trip(f, (hp_msg_type)type, type);
    }
}

static void test_negative_zero_survives(void **state)
{
    fixture *f = *state;
    f->in = (hp_message){0};
    f->in.as_hp_command = (hp_command){.accel_mps2 = -0.0, .steer_rad = 0.0};
    round_trip(f, HP_MSG_COMMAND, 1);
    assert_true(signbit(f->out.as_hp_command.accel_mps2));
    assert_false(signbit(f->out.as_hp_command.steer_rad));
}

static void test_a_frame_of_before_its_world_is_refused(void **state)
{
    fixture *f = *state;
    hp_error error = {{0}};
    f->in = (hp_message){0};
    f->in.as_hp_frame.stamp_ns = -1;
    assert_int_equal(hp_message_check(HP_MSG_FRAME, &f->in, &error), HP_EINVAL);
    assert_non_null(strstr(error.text, "stamp_ns"));
}

/** Our packer and protobuf-c's write the same bytes (where no -0.0 is about). */
static void test_payload_is_what_protobuf_c_writes(void **state)
{
    fixture *f = *state;
    for (unsigned type = 0; type < HP_MSG_COUNT; ++type) {
        for (uint64_t k = 0; k < 20; ++k) {
            const codec_size size = k == 0 ? CODEC_FULL : CODEC_TWO;
            codec_random((hp_msg_type)type, size, hp_rng_seed(k), &f->in);
            const hp_layout *layout = hp_layout_of((hp_msg_type)type);
            const size_t len = hp_layout_pack(layout, &f->in, f->bytes);
            ProtobufCMessage *tree =
                protobuf_c_message_unpack(layout->descriptor, NULL, len, f->bytes);
            assert_non_null(tree);
            assert_int_equal(protobuf_c_message_get_packed_size(tree), len);
            assert_int_equal(protobuf_c_message_pack(tree, f->again), len);
            assert_memory_equal(f->bytes, f->again, len);
            protobuf_c_message_free_unpacked(tree, NULL);
        }
    }
}

static void test_short_buffer_tells_the_length(void **state)
{
    fixture *f = *state;
    codec_random(HP_MSG_FRAME, CODEC_TWO, hp_rng_seed(3), &f->in);
    const hp_envelope envelope = {.type = HP_MSG_FRAME};
    size_t needed = 0;
    size_t len = 0;
    assert_int_equal(hp_encode(f->codec, &envelope, &f->in, NULL, 0, &needed), HP_EFULL);
    memset(f->bytes, 0x5a, needed);
    assert_int_equal(hp_encode(f->codec, &envelope, &f->in, f->bytes, needed - 1, &len), HP_EFULL);
    assert_int_equal(f->bytes[0], 0x5a);
    assert_int_equal(hp_encode(f->codec, &envelope, &f->in, f->bytes, needed, &len), HP_OK);
    assert_int_equal(len, needed);
    size_t payload_len = 0;
    assert_ptr_equal(hp_payload(f->bytes, len, &payload_len), f->bytes + HP_ENVELOPE_BYTES);
    assert_int_equal(payload_len, len - HP_ENVELOPE_BYTES);
    assert_null(hp_payload(f->bytes, HP_ENVELOPE_BYTES - 1, &payload_len));
}

/** The envelope's places are a promise to other languages. */
static void test_envelope_bytes(void **state)
{
    fixture *f = *state;
    f->in = (hp_message){0};
    const hp_envelope envelope = {.type = HP_MSG_EPISODE_END,
                                  .sender = HP_ROLE_POLICY,
                                  .generation = 0x01020304,
                                  .sequence = 0x1112131415161718,
                                  .tick = 0x2122232425262728,
                                  .monotonic_ns = 0x3132333435363738};
    size_t len = 0;
    assert_int_equal(hp_encode(f->codec, &envelope, &f->in, f->bytes, sizeof f->bytes, &len),
                     HP_OK);
    const unsigned char head[] = {'H', 'P', 'L', 'N', HP_PROTOCOL_VERSION, 0, HP_MSG_EPISODE_END,
                                  0};
    const unsigned char rest[] = {
        HP_ROLE_POLICY, 0,    0,    0,    4,    3,    2,    1,    0x18, 0x17,
        0x16,           0x15, 0x14, 0x13, 0x12, 0x11, 0x28, 0x27, 0x26, 0x25,
        0x24,           0x23, 0x22, 0x21, 0x38, 0x37, 0x36, 0x35, 0x34, 0x33,
        0x32,           0x31, 0,    0,    0,    0,    0,    0,    0,    0};
    assert_int_equal(len, HP_ENVELOPE_BYTES); /* a message of zeros has an empty payload */
    assert_memory_equal(f->bytes, head, sizeof head);
    assert_memory_equal(f->bytes + 16, rest, sizeof rest);
    uint64_t schema = 0;
    for (unsigned i = 0; i < 8; ++i) {
        schema |= (uint64_t)f->bytes[8 + i] << (8 * i);
    }
    assert_true(schema != 0);
}

/** A tensor's bytes are a promise, too: payload of a request of one row, 1.0 and -2.0. */
static void test_tensor_bytes(void **state)
{
    static const unsigned char WANTED[] = {
        0x1a, 0x00, /* scene: empty */
        0x22, 0x1c, /* looks, 28 bytes: */
        0x0a, 0x10, 1,    0,    0,    0,    0,    0,    0,    0,
        2,    0,    0,    0,    0,    0,    0,    0,               /* shape, packed */
        0x1a, 0x08, 0x00, 0x00, 0x80, 0x3f, 0x00, 0x00, 0x00, 0xc0 /* F32 is 0: absent; data */
    };
    fixture *f = *state;
    const float numbers[] = {1.0F, -2.0F};
    hp_evaluate_request *q = &f->in.as_hp_evaluate_request;
    memset(&f->in, 0, sizeof f->in);
    hp_tensor_put(&q->looks.head, q->looks.data, HP_NUMBER_F32, (const uint32_t[]){1, 2}, numbers);
    const size_t len = hp_layout_pack(hp_layout_of(HP_MSG_EVALUATE_REQUEST), &f->in, f->bytes);
    assert_int_equal(len, sizeof WANTED);
    assert_memory_equal(f->bytes, WANTED, sizeof WANTED);
    round_trip(f, HP_MSG_EVALUATE_REQUEST, 1);
    assert_true(hp_tensor_is(&f->out.as_hp_evaluate_request.looks.head, HP_NUMBER_F32, 1, 2));
    assert_true(hp_tensor_is(&f->out.as_hp_evaluate_request.scene.head, HP_NUMBER_F32, 0, 0));
}

/* ---- The tables ---- */

static size_t collect(const hp_layout *layout, const hp_layout **all, size_t n)
{
    for (size_t i = 0; i < n; ++i) {
        if (all[i] == layout) {
            return n;
        }
    }
    assert_true(n < MAX_LAYOUTS);
    all[n++] = layout;
    for (size_t i = 0; i < layout->n_fields; ++i) {
        if (layout->fields[i].kind == HP_KIND_STRUCT) {
            n = collect(layout->fields[i].layout, all, n);
        }
    }
    return n;
}

static size_t collect_all(const hp_layout **all)
{
    size_t n = 0;
    for (unsigned type = 0; type < HP_MSG_COUNT; ++type) {
        n = collect(hp_layout_of((hp_msg_type)type), all, n);
    }
    return n;
}

static size_t value_size(const hp_field *field)
{
    switch (field->kind) {
    case HP_KIND_DOUBLE:
    case HP_KIND_U64:
    case HP_KIND_I64:
        return 8;
    case HP_KIND_U32:
    case HP_KIND_ENUM:
        return 4;
    case HP_KIND_BOOL:
    case HP_KIND_BYTES:
        return 1;
    case HP_KIND_TEXT:
        return HP_TEXT;
    case HP_KIND_STRUCT:
        return packed_size(field->layout->name);
    }
    return 0;
}

static void test_every_member_has_a_row(void **state)
{
    (void)state;
    const hp_layout *all[MAX_LAYOUTS];
    const size_t n = collect_all(all);
    for (size_t i = 0; i < n; ++i) {
        size_t bytes = 0;
        for (size_t k = 0; k < all[i]->n_fields; ++k) {
            const hp_field *field = &all[i]->fields[k];
            bytes += value_size(field) * field->cap;
            bytes += field->count == HP_COUNT_MEMBER ? sizeof(uint32_t) : 0;
        }
        if (bytes != packed_size(all[i]->name)) {
            fail_msg("%s: rows for %zu bytes of %zu", all[i]->name, bytes,
                     packed_size(all[i]->name));
        }
    }
}

static void claim(unsigned char *taken, size_t size, size_t at, size_t n)
{
    assert_true(at + n <= size);
    for (size_t i = 0; i < n; ++i) {
        assert_int_equal(taken[at + i]++, 0);
    }
}

static void test_rows_do_not_overlap(void **state)
{
    fixture *f = *state;
    const hp_layout *all[MAX_LAYOUTS];
    const size_t n = collect_all(all);
    for (size_t i = 0; i < n; ++i) {
        assert_true(all[i]->size <= sizeof f->bytes);
        memset(f->bytes, 0, all[i]->size);
        for (size_t k = 0; k < all[i]->n_fields; ++k) {
            const hp_field *field = &all[i]->fields[k];
            const size_t size =
                field->kind == HP_KIND_STRUCT ? field->layout->size : value_size(field);
            for (size_t e = 0; e < field->cap; ++e) {
                claim(f->bytes, all[i]->size, field->offset + e * field->stride, size);
            }
            if (field->count == HP_COUNT_MEMBER) {
                claim(f->bytes, all[i]->size, field->count_offset, sizeof(uint32_t));
            }
        }
    }
}

static void test_every_wire_field_has_its_row(void **state)
{
    (void)state;
    const hp_layout *all[MAX_LAYOUTS];
    const size_t n = collect_all(all);
    for (size_t i = 0; i < n; ++i) {
        assert_int_equal(hp_layout_verify(all[i]), HP_OK);
        for (size_t k = 0; k < all[i]->n_fields; ++k) {
            const hp_field *field = &all[i]->fields[k];
            assert_true(field->range.lo <= field->range.hi);
            assert_true(field->cap >= 1 && field->count_min <= field->cap);
        }
    }
}

/** A table that lost, swapped or retyped a row does not pass. */
static void test_verify_sees_a_wrong_row(void **state)
{
    (void)state;
    const hp_layout *good = hp_layout_of(HP_MSG_COMMAND);
    hp_field rows[16];
    assert_true(good->n_fields < HP_ARRAY_LEN(rows));
    memcpy(rows, good->fields, good->n_fields * sizeof rows[0]);
    hp_layout bad = *good;
    bad.fields = rows;
    assert_int_equal(hp_layout_verify(&bad), HP_OK);
    bad.n_fields -= 1;
    assert_int_equal(hp_layout_verify(&bad), HP_EVERSION);
    bad.n_fields += 1;
    rows[1].kind = HP_KIND_DOUBLE;
    assert_int_equal(hp_layout_verify(&bad), HP_EVERSION);
    rows[1] = good->fields[2];
    rows[2] = good->fields[1];
    assert_int_equal(hp_layout_verify(&bad), HP_EVERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_wire_field_has_its_row),
        cmocka_unit_test(test_every_member_has_a_row),
        cmocka_unit_test(test_rows_do_not_overlap),
        cmocka_unit_test(test_verify_sees_a_wrong_row),
        cmocka_unit_test(test_envelope_bytes),
        cmocka_unit_test(test_tensor_bytes),
        cmocka_unit_test(test_negative_zero_survives),
        cmocka_unit_test(test_a_frame_of_before_its_world_is_refused),
        cmocka_unit_test(test_short_buffer_tells_the_length),
        cmocka_unit_test(test_payload_is_what_protobuf_c_writes),
        cmocka_unit_test(test_largest_messages_fit),
        cmocka_unit_test(test_random_messages_survive),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
