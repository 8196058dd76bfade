/* Model files: what is written reads back, and what is wrong is refused by name. */
#include "tests/unit/policy/policy_fixture.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char dir[] = "/tmp/hyplan-model-XXXXXX";
static char path[64];

static int set_up(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof path, "%s/m", dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(dir);
}

static void write_with(const policy_model *m, const hp_tensor_list *more)
{
    hp_error error;
    assert_int_equal(policy_model_write(m, dir, "m", more, &error), HP_OK);
}

static void test_model_reads_back_with_the_same_hash(void **state)
{
    policy_model m = fixture_model(POLICY_RELU);
    policy_model back;
    hp_error error;
    (void)state;
    write_with(&m, &(hp_tensor_list){0});
    assert_int_equal(policy_model_read(path, &back, &error), HP_OK);
    assert_memory_equal(back.params, m.params, m.n_params * sizeof *m.params);
    assert_memory_equal(back.choices, m.choices, sizeof m.choices);
    assert_true(policy_model_hash(&back) == policy_model_hash(&m));
    back.params[3] += 1.0F;
    assert_true(policy_model_hash(&back) != policy_model_hash(&m));
    policy_model_destroy(&back);
    policy_model_destroy(&m);
}

static void test_image_model_reads_back(void **state)
{
    policy_model m = fixture_image();
    policy_model back;
    hp_error error;
    (void)state;
    write_with(&m, &(hp_tensor_list){0});
    assert_int_equal(policy_model_read(path, &back, &error), HP_OK);
    assert_memory_equal(&back.actor, &m.actor, sizeof m.actor);
    assert_true(policy_model_hash(&back) == policy_model_hash(&m));
    policy_model_destroy(&back);
    policy_model_destroy(&m);
}

static void test_read_refuses_when_the_file_is_cut(void **state)
{
    policy_model m = fixture_model(POLICY_RELU);
    policy_model back;
    hp_error error;
    (void)state;
    write_with(&m, &(hp_tensor_list){0});
    assert_int_equal(truncate(path, 3000), 0);
    assert_int_equal(policy_model_read(path, &back, &error), HP_ECONFIG);
    assert_null(back.params);
    policy_model_destroy(&m);
}

static void test_read_refuses_when_a_number_is_not_finite(void **state)
{
    policy_model m = fixture_model(POLICY_RELU);
    policy_model back;
    hp_error error;
    (void)state;
    write_with(&m, &(hp_tensor_list){0});
    const float nan = NAN;
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, -512, SEEK_END), 0);
    assert_int_equal(fwrite(&nan, sizeof nan, 1, f), 1);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(policy_model_read(path, &back, &error), HP_ECONFIG);
    assert_null(back.params);
    policy_model_destroy(&m);
}

/** Writes only tensor "shape" with these counts. */
static hp_status read_counts(uint64_t counts[15], hp_error *error)
{
    policy_model back;
    const hp_tensor shape = {"shape", HP_DTYPE_U64, 1, {15}, counts};
    const hp_tensor_list list = {&shape, NULL, 1, 0};
    assert_int_equal(hp_tensors_write(dir, "m", &list, error), HP_OK);
    const hp_status st = policy_model_read(path, &back, error);
    assert_null(back.params);
    return st;
}

static void test_read_refuses_when_shape_or_tensors_do_not_fit(void **state)
{
    uint64_t counts[15] = {3, 5, 3, 4, 9, 2, 33, 20, 0, 1, 3, 0, 2, 3};
    hp_error error;
    (void)state;
    assert_int_equal(read_counts(counts, &error), HP_ECONFIG); /* no weights */
    assert_non_null(strstr(error.text, "actor.0.weight"));
    counts[0] = 4;
    assert_int_equal(read_counts(counts, &error), HP_ECONFIG);
    assert_non_null(strstr(error.text, "version 4"));
    counts[0] = 3;
    counts[6] = 1U << 20;
    assert_int_equal(read_counts(counts, &error), HP_ECONFIG);
    assert_non_null(strstr(error.text, "describes no network"));
    counts[6] = 33;
    counts[10] = POLICY_MOST_CHOICES + 1;
    assert_int_equal(read_counts(counts, &error), HP_ECONFIG);
    assert_non_null(strstr(error.text, "describes no network"));
}

static void test_read_says_so_when_there_is_no_file(void **state)
{
    policy_model back;
    hp_error error;
    (void)state;
    assert_int_equal(policy_model_read("/nowhere/model", &back, &error), HP_ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_reads_back_with_the_same_hash),
        cmocka_unit_test(test_image_model_reads_back),
        cmocka_unit_test(test_read_refuses_when_the_file_is_cut),
        cmocka_unit_test(test_read_refuses_when_a_number_is_not_finite),
        cmocka_unit_test(test_read_refuses_when_shape_or_tensors_do_not_fit),
        cmocka_unit_test(test_read_says_so_when_there_is_no_file),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
