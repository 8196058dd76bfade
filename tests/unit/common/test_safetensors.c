#include "common/hp_safetensors.h"
#include "tests/support/hp_test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[] = "/tmp/hp_safetensors_XXXXXX";
static const float WEIGHTS[6] = {1.0F, -2.5F, 3.0F, 0.0F, 1e-30F, 7.0F};
static const double SCALE = 0.1;
static const uint64_t SEEDS[2] = {UINT64_MAX, 3};
static const hp_tensor TENSORS[] = {
    {"layer.weight", HP_DTYPE_F32, 2, {2, 3}, WEIGHTS},
    {"scale", HP_DTYPE_F64, 0, {0}, &SCALE},
    {"seeds", HP_DTYPE_U64, 1, {2}, SEEDS},
};
static const hp_tensor_note NOTES[] = {{"trained_on", "two \"scenes\"\nand more"}};
static const hp_tensor_list LIST = {TENSORS, NOTES, 3, 1};

static int make_dir(void **state)
{
    (void)state;
    return mkdtemp(dir) == NULL;
}

static int drop_dir(void **state)
{
    char path[64];
    (void)state;
    (void)snprintf(path, sizeof path, "%s/m.safetensors", dir);
    (void)unlink(path);
    return rmdir(dir);
}

static hp_tensors *read_back(void)
{
    char path[64];
    hp_tensors *tensors = NULL;
    hp_error error;
    (void)snprintf(path, sizeof path, "%s/m.safetensors", dir);
    assert_int_equal(hp_tensors_write(dir, "m.safetensors", &LIST, &error), HP_OK);
    assert_int_equal(hp_tensors_read(path, &tensors, &error), HP_OK);
    return tensors;
}

static void test_safetensors_gives_back_what_was_written(void **state)
{
    (void)state;
    hp_tensors *tensors = read_back();
    hp_error error;
    hp_tensor wanted = {.name = "layer.weight", .n_dims = 2, .dims = {2, 3}};
    assert_int_equal(hp_tensors_list(tensors)->n_tensors, 3);
    assert_int_equal(hp_tensors_get(tensors, &wanted, &error), HP_OK);
    assert_memory_equal(wanted.data, WEIGHTS, sizeof WEIGHTS);
    wanted = (hp_tensor){.name = "scale", .dtype = HP_DTYPE_F64};
    assert_int_equal(hp_tensors_get(tensors, &wanted, &error), HP_OK);
    hp_assert_near(*(const double *)wanted.data, SCALE, 0.0);
    wanted = (hp_tensor){.name = "seeds", .dtype = HP_DTYPE_U64, .n_dims = 1, .dims = {2}};
    assert_int_equal(hp_tensors_get(tensors, &wanted, &error), HP_OK);
    assert_memory_equal(wanted.data, SEEDS, sizeof SEEDS);
    assert_string_equal(hp_tensors_note(tensors, "trained_on"), NOTES[0].value);
    assert_null(hp_tensors_note(tensors, "who"));
    hp_tensors_destroy(&tensors);
}

static void test_safetensors_refuses_a_tensor_when_name_type_or_shape_differ(void **state)
{
    (void)state;
    hp_tensors *tensors = read_back();
    hp_error error;
    const hp_tensor wrong[] = {
        {.name = "layer.bias", .n_dims = 2, .dims = {2, 3}},
        {.name = "layer.weight", .n_dims = 2, .dims = {3, 2}},
        {.name = "layer.weight", .n_dims = 1, .dims = {6}},
        {.name = "layer.weight", .dtype = HP_DTYPE_F64, .n_dims = 2, .dims = {2, 3}},
    };
    for (size_t i = 0; i < HP_ARRAY_LEN(wrong); ++i) {
        hp_tensor wanted = wrong[i];
        assert_int_equal(hp_tensors_get(tensors, &wanted, &error), HP_ECONFIG);
        assert_null(wanted.data);
        assert_non_null(strstr(error.text, wrong[i].name));
    }
    hp_tensors_destroy(&tensors);
}

static void test_safetensors_refuses_a_file_when_any_part_is_cut_off(void **state)
{
    (void)state;
    static unsigned char bytes[4096];
    char path[64];
    hp_error error;
    hp_tensors *tensors = read_back();
    hp_tensors_destroy(&tensors);
    (void)snprintf(path, sizeof path, "%s/m.safetensors", dir);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    const size_t size = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    assert_int_equal(hp_tensors_parse(bytes, size, "m", &tensors, &error), HP_OK);
    hp_tensors_destroy(&tensors);
    for (size_t n = 0; n < size; ++n) {
        assert_int_equal(hp_tensors_parse(bytes, n, "m", &tensors, &error), HP_ECONFIG);
        assert_null(tensors);
    }
}

static void test_safetensors_writes_no_file_when_a_number_is_not_finite(void **state)
{
    (void)state;
    const float bad = NAN;
    const hp_tensor tensor = {"a", HP_DTYPE_F32, 0, {0}, &bad};
    const hp_tensor_list list = {&tensor, NULL, 1, 0};
    hp_error error;
    assert_int_equal(hp_tensors_write(dir, "n.safetensors", &list, &error), HP_EINVAL);
}

static void test_safetensors_says_so_when_there_is_no_file(void **state)
{
    (void)state;
    hp_tensors *tensors = NULL;
    hp_error error;
    assert_int_equal(hp_tensors_read("/nowhere/m.safetensors", &tensors, &error), HP_ENOENT);
    assert_non_null(strstr(error.text, "/nowhere/m.safetensors"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_safetensors_gives_back_what_was_written),
        cmocka_unit_test(test_safetensors_refuses_a_tensor_when_name_type_or_shape_differ),
        cmocka_unit_test(test_safetensors_refuses_a_file_when_any_part_is_cut_off),
        cmocka_unit_test(test_safetensors_writes_no_file_when_a_number_is_not_finite),
        cmocka_unit_test(test_safetensors_says_so_when_there_is_no_file),
    };
    return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
