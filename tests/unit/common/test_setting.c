#include "common/hp_setting.h"
#include "common/hp_yaml.h"
#include "tests/support/hp_test.h"

#include <string.h>

typedef struct inner {
    double width_m;
    uint32_t n;
} inner;

typedef struct sample {
    double gap_m;
    bool on;
    uint32_t mood;
    char name[8];
    inner box;
    uint32_t n_list;
    double list[3];
} sample;

static const char *const MOODS[] = {"calm", "cross", NULL};
static const hp_field INNER[] = {HP_F_DOUBLE(inner, width_m, 0.0, 2.0, "m", "w"),
                                 HP_F_UINT(inner, n, 1, 9, NULL, "n"), HP_F_END};
static const hp_field FIELDS[] = {
    HP_F_DOUBLE(sample, gap_m, -1.0, 1.0, "m", "gap"),
    HP_F_BOOL(sample, on, "on"),
    HP_F_ENUM(sample, mood, MOODS, "mood"),
    HP_F_STRING(sample, name, "name"),
    HP_F_STRUCT(sample, box, INNER, "box"),
    {.key = "list",
     .type = HP_FIELD_DOUBLES,
     .offset = offsetof(sample, list),
     .min = 0.0,
     .max = 9.0,
     .capacity = 3,
     .count_offset = offsetof(sample, n_list)},
    HP_F_END,
};

static const sample START = {.gap_m = 0.5, .on = true, .box = {1.0, 3}, .name = "a"};
static const char *const ALL[] = {"s", NULL};
static const char *const SOME[] = {"s.box", "s.on", "s.bo", NULL};

static hp_section section(sample *s)
{
    return (hp_section){"s", FIELDS, s};
}

static hp_status set(sample *s, const char *const *paths, const char *key, double value,
                     hp_error *error)
{
    const hp_section one = section(s);
    hp_setting setting = {.value = value};
    (void)snprintf(setting.key, sizeof setting.key, "%s", key);
    return hp_setting_set(&one, 1, paths, &setting, error);
}

static void test_settings_are_listed_in_order_with_their_numbers(void **state)
{
    sample s = START;
    const hp_section one = section(&s);
    hp_setting list[8];
    (void)state;
    assert_int_equal(hp_setting_list(&one, 1, ALL, list, 8), 5);
    assert_string_equal(list[0].key, "s.gap_m");
    hp_assert_near(list[0].value, 0.5, 0.0);
    assert_string_equal(list[1].key, "s.on");
    hp_assert_near(list[1].value, 1.0, 0.0);
    assert_string_equal(list[4].key, "s.box.n");
    hp_assert_near(list[4].value, 3.0, 0.0);
    assert_int_equal(hp_setting_list(&one, 1, SOME, list, 1), 3); /* one written, three there */
}

static void test_setting_is_taken_or_refused_whole(void **state)
{
    sample s = START;
    hp_error error = {{0}};
    (void)state;
    assert_int_equal(set(&s, ALL, "s.gap_m", -0.25, &error), HP_OK);
    assert_int_equal(set(&s, ALL, "s.on", 0.0, &error), HP_OK);
    assert_int_equal(set(&s, ALL, "s.mood", 1.0, &error), HP_OK);
    assert_int_equal(set(&s, ALL, "s.box.n", 9.0, &error), HP_OK);
    hp_assert_near(s.gap_m, -0.25, 0.0);
    assert_false(s.on);
    assert_int_equal(s.mood, 1);
    assert_int_equal(s.box.n, 9);
    const sample before = s;
    assert_int_equal(set(&s, ALL, "s.gap_m", 1.5, &error), HP_ECONFIG);
    assert_non_null(strstr(error.text, "out of range"));
    assert_int_equal(set(&s, ALL, "s.gap_m", (double)NAN, &error), HP_ECONFIG);
    assert_int_equal(set(&s, ALL, "s.box.n", 2.5, &error), HP_ECONFIG);
    assert_non_null(strstr(error.text, "whole number"));
    assert_int_equal(set(&s, ALL, "s.mood", 2.0, &error), HP_ECONFIG);
    assert_int_equal(set(&s, ALL, "s.on", -1.0, &error), HP_ECONFIG);
    assert_int_equal(set(&s, ALL, "s.list", 2.0, &error), HP_ECONFIG);
    assert_int_equal(set(&s, ALL, "s.box", 2.0, &error), HP_ECONFIG);
    assert_int_equal(set(&s, SOME, "s.gap_m", 0.0, &error), HP_ECONFIG);
    assert_non_null(strstr(error.text, "holds for a whole run"));
    assert_int_equal(set(&s, ALL, "s.gap", 0.0, &error), HP_ECONFIG);
    assert_non_null(strstr(error.text, "there is no key"));
    assert_memory_equal(&s, &before, sizeof s);
}

static void test_settings_differ_only_where_they_may_not_change(void **state)
{
    sample a = START;
    sample b = START;
    const hp_section one = section(&a);
    const hp_section two = section(&b);
    char key[HP_SETTING_KEY];
    (void)state;
    b.name[3] = 'x'; /* behind its end */
    b.box.width_m = 2.0;
    b.on = false;
    assert_false(hp_setting_differs(&one, &two, 1, SOME, key));
    b.gap_m = 0.0;
    assert_true(hp_setting_differs(&one, &two, 1, SOME, key));
    assert_string_equal(key, "s.gap_m");
    assert_false(hp_setting_differs(&one, &two, 1, ALL, key));
    b.list[0] = 1.0; /* lists hold for a whole run */
    assert_true(hp_setting_differs(&one, &two, 1, ALL, key));
    assert_string_equal(key, "s.list");
    b = a;
    b.name[0] = 'b';
    assert_true(hp_setting_differs(&one, &two, 1, ALL, key));
    assert_string_equal(key, "s.name");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings_are_listed_in_order_with_their_numbers),
        cmocka_unit_test(test_setting_is_taken_or_refused_whole),
        cmocka_unit_test(test_settings_differ_only_where_they_may_not_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
