/* Encoding and decoding take no memory after create: malloc is ours here, and counts. */
#include "common/hp_bus.h"
#include "tests/support/counting_malloc.h"
#include "tests/support/hp_test.h"
#include "tests/unit/proto/codec_random.h"

#include <string.h>

static hp_message in, out;
static unsigned char bytes[HP_BUS_MAX_MESSAGE];

static void test_wire_is_live(void **state)
{
    (void)state;
    const unsigned long before = calls;
    hp_codec *codec = NULL;
    assert_int_equal(hp_codec_create(&codec), HP_OK);
    assert_true(calls > before);
    hp_codec_destroy(&codec);
}

static void test_no_allocation_after_create(void **state)
{
    (void)state;
    hp_codec *codec = NULL;
    assert_int_equal(hp_codec_create(&codec), HP_OK);
    for (unsigned type = 0; type < HP_MSG_COUNT; ++type) {
        for (uint64_t k = 0; k < 20; ++k) {
            codec_random((hp_msg_type)type, k == 0 ? CODEC_FULL : CODEC_ANY, hp_rng_seed(k), &in);
            const hp_envelope envelope = {.type = (hp_msg_type)type};
            hp_envelope got;
            hp_error error;
            size_t len = 0;
            const unsigned long before = calls;
            const hp_status encoded = hp_encode(codec, &envelope, &in, bytes, sizeof bytes, &len);
            const hp_status decoded = hp_decode(codec, bytes, len, &got, &out, &error);
            bytes[len / 2] ^= 1;
            const hp_status refused = hp_decode(codec, bytes, len, &got, &out, &error);
            const unsigned long after = calls;
            assert_int_equal(encoded, HP_OK);
            assert_int_equal(decoded, HP_OK);
            assert_int_not_equal(refused, HP_OK);
            assert_int_equal(after, before);
        }
    }
    hp_codec_destroy(&codec);
}

/** Half a mebibyte of empty agents would be fifty times that in protobuf-c's own memory. */
static void test_no_allocation_for_a_bomb(void **state)
{
    (void)state;
    hp_codec *codec = NULL;
    assert_int_equal(hp_codec_create(&codec), HP_OK);
    const hp_envelope envelope = {.type = HP_MSG_FRAME};
    hp_envelope got;
    size_t len = 0;
    codec_random(HP_MSG_FRAME, CODEC_TWO, hp_rng_seed(1), &in);
    assert_int_equal(hp_encode(codec, &envelope, &in, bytes, sizeof bytes, &len), HP_OK);
    for (size_t i = HP_ENVELOPE_BYTES; i < sizeof bytes; i += 2) {
        bytes[i] = 6 << 3 | 2;
        bytes[i + 1] = 0;
    }
    codec_seal(bytes, sizeof bytes);
    const unsigned long before = calls;
    const hp_status status = hp_decode(codec, bytes, sizeof bytes, &got, &out, NULL);
    const unsigned long after = calls;
    assert_int_equal(status, HP_EWIRE);
    assert_int_equal(after, before);
    hp_codec_destroy(&codec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wire_is_live),
        cmocka_unit_test(test_no_allocation_after_create),
        cmocka_unit_test(test_no_allocation_for_a_bomb),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
