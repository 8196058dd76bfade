/* Tensors that lie about themselves are refused, and the message stays as it was. */
#include "proto/hp_tensor.h"
#include "tests/unit/proto/codec_hostile.h"

/** An envelope of the type in f->bytes; f->in is cleared. */
static void prepare(fixture *f, hp_msg_type type)
{
    const hp_envelope envelope = {.type = type};
    memset(&f->in, 0, sizeof f->in);
    assert_int_equal(hp_encode(f->codec, &envelope, &f->in, f->bytes, sizeof f->bytes, &f->len),
                     HP_OK);
}

/** Looks of two rows and three columns, of which the test spoils something. */
static hp_evaluate_request *request_of_six(fixture *f)
{
    const float numbers[6] = {1.0F, 2.0F, 3.0F, 4.0F, 5.0F, 6.0F};
    hp_evaluate_request *q = &f->in.as_hp_evaluate_request;
    prepare(f, HP_MSG_EVALUATE_REQUEST);
    hp_tensor_put(&q->looks.head, q->looks.data, HP_NUMBER_F32, (const uint32_t[]){2, 3}, numbers);
    return q;
}

static void refuse_request(fixture *f, const char *reason)
{
    seal_unchecked(f, HP_MSG_EVALUATE_REQUEST);
    expect(f, f->len, HP_EWIRE, reason);
    assert_int_equal(hp_message_check(HP_MSG_EVALUATE_REQUEST, &f->in, &f->error), HP_EINVAL);
    assert_non_null(strstr(f->error.text, reason));
}

static void test_tensors_are_refused_when_shape_type_and_bytes_disagree(void **state)
{
    fixture *f = *state;
    hp_evaluate_request *q = request_of_six(f);
    seal_unchecked(f, HP_MSG_EVALUATE_REQUEST);
    assert_int_equal(decode(f, f->len), HP_OK);
    q->looks.head.shape[0] = 3;
    refuse_request(f, "evaluate_request.looks: shape and data differ in size");
    q = request_of_six(f);
    q->looks.head.n_bytes--;
    refuse_request(f, "shape and data differ in size");
    q = request_of_six(f);
    q->looks.head.n_dims = 0; /* bytes without a shape */
    refuse_request(f, "shape and data differ in size");
    q = request_of_six(f);
    q->looks.head.dtype = HP_NUMBER_F64;
    refuse_request(f, "shape and data differ in size");
    q = request_of_six(f);
    q->looks.head.shape[0] = 0;
    refuse_request(f, "evaluate_request.looks.shape[0] = 0");
    q = request_of_six(f);
    q->looks.head.shape[0] = UINT64_C(1) << 63; /* times another would overflow */
    refuse_request(f, "must lie in");
}

static void test_tensors_are_refused_when_they_are_not_what_is_asked_for(void **state)
{
    fixture *f = *state;
    static const float narrow[HP_MAX_LOOKS * HP_MAX_FEATURES];
    hp_evaluate_request *q = request_of_six(f);
    q->looks.head = (hp_tensor_head){.n_dims = 1, .shape = {6}, .n_bytes = 24};
    refuse_request(f, "the looks are not");
    q = request_of_six(f);
    q->looks.head =
        (hp_tensor_head){.n_dims = 1, .shape = {3}, .dtype = HP_NUMBER_F64, .n_bytes = 24};
    memset(q->looks.data, 0, 24);
    refuse_request(f, "the looks are not");
    q = request_of_six(f);
    hp_tensor_put(&q->looks.head, q->looks.data, HP_NUMBER_F32,
                  (const uint32_t[]){HP_MAX_LOOKS + 1, 2}, narrow);
    refuse_request(f, "the looks are not");
    q = request_of_six(f);
    hp_tensor_put(&q->scene.head, q->scene.data, HP_NUMBER_F32, (const uint32_t[]){2, 3}, narrow);
    refuse_request(f, "the scene is not");
}

static void test_tensors_are_refused_when_a_number_is_not_finite(void **state)
{
    fixture *f = *state;
    const float bad[] = {NAN, -NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < HP_ARRAY_LEN(bad); ++i) {
        hp_evaluate_request *q = request_of_six(f);
        memcpy(q->looks.data + 5 * sizeof(float), &bad[i], sizeof bad[i]);
        refuse_request(f, "evaluate_request.looks: a number is not finite");
    }
}

static void refuse_answer(fixture *f, uint32_t column, double x, const char *reason)
{
    double said[HP_SAID_CHOICES + 3] = {1.0, 0.5, 0.1, 0.2, 0.01, 0.2, 0.3, 0.5};
    hp_evaluate_reply *r = &f->in.as_hp_evaluate_reply;
    prepare(f, HP_MSG_EVALUATE_REPLY);
    said[column] = x;
    hp_tensor_put(&r->answers.head, r->answers.data, HP_NUMBER_F64,
                  (const uint32_t[]){1, HP_ARRAY_LEN(said)}, said);
    seal_unchecked(f, HP_MSG_EVALUATE_REPLY);
    if (reason == NULL) {
        assert_int_equal(decode(f, f->len), HP_OK);
    } else {
        expect(f, f->len, HP_EWIRE, reason);
    }
}

static void test_answers_are_refused_when_out_of_range(void **state)
{
    fixture *f = *state;
    refuse_answer(f, HP_SAID_VALUE, -2.0, NULL);
    refuse_answer(f, HP_SAID_VALID, 0.5, "out of range");
    refuse_answer(f, HP_SAID_VALUE, 1e10, "out of range");
    refuse_answer(f, HP_SAID_VALUE, (double)NAN, "not finite");
    refuse_answer(f, HP_SAID_SPREAD, -0.1, "out of range");
    refuse_answer(f, HP_SAID_WIDTH, -0.1, "out of range");
    refuse_answer(f, HP_SAID_CRASH_P, 1.5, "out of range");
    refuse_answer(f, HP_SAID_CHOICES + 2, -0.5, "out of range");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tensors_are_refused_when_shape_type_and_bytes_disagree),
        cmocka_unit_test(test_tensors_are_refused_when_they_are_not_what_is_asked_for),
        cmocka_unit_test(test_tensors_are_refused_when_a_number_is_not_finite),
        cmocka_unit_test(test_answers_are_refused_when_out_of_range),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
