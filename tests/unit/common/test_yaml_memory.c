/* Each allocation of hp_yaml fails in turn: the status says so, and nothing leaks or changes. */
#include "tests/support/hp_test.h"
#include "tests/support/yaml_sample.h"

#include <locale.h>
#include <stdlib.h>
#include <unistd.h>

/* The linker puts these in front of the C library's (--wrap). */
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);
locale_t __real_newlocale(int mask, const char *name, locale_t base);
locale_t __wrap_newlocale(int mask, const char *name, locale_t base);

static uint32_t left = UINT32_MAX; /* allocations that still succeed */

static bool runs_out(void)
{
    if (left == UINT32_MAX) {
        return false;
    }
    if (left == 0) {
        return true;
    }
    --left;
    return false;
}

void *__wrap_malloc(size_t size)
{
    return runs_out() ? NULL : __real_malloc(size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return runs_out() ? NULL : __real_realloc(old, size);
}

locale_t __wrap_newlocale(int mask, const char *name, locale_t base)
{
    return runs_out() ? (locale_t)0 : __real_newlocale(mask, name, base);
}

/** A file with more nodes and texts than the first pieces of memory hold. */
static void make_file(char *path)
{
    const int descriptor = mkstemp(path);
    FILE *file = fdopen(descriptor, "w");
    assert_non_null(file);
    (void)fprintf(file, "solver: {scenarios: 9, model: x}\nplanner:\n");
    for (int i = 0; i < 1000; ++i) {
        (void)fprintf(file, "  - {name: %d}\n", i);
    }
    assert_int_equal(fclose(file), 0);
}

static void test_yaml_reports_when_memory_runs_out(void **state)
{
    static const char *const KNOWN[] = {"planner", NULL};
    char path[] = "/tmp/hp_yaml_XXXXXX";
    sample_solver s = sample_defaults();
    const sample_solver before = s;
    const hp_section section = {"solver", SAMPLE_SOLVER_FIELDS, &s};
    hp_status status = HP_ENOMEM;
    uint32_t n = 0;
    (void)state;
    make_file(path);
    for (; status != HP_OK && n < 100; ++n) {
        hp_error error = {""};
        assert_memory_equal(&s, &before, sizeof s);
        left = n;
        status = hp_config_read(path, &section, 1, KNOWN, &error);
        left = UINT32_MAX;
        assert_true(status == HP_OK || status == HP_ENOMEM);
        assert_true(status == HP_OK || strstr(error.text, ": error: out of memory") != NULL);
    }
    assert_int_equal(status, HP_OK);
    assert_int_equal(s.scenarios, 9);
    assert_true(n > 6); /* the file, the locale, and growing pieces of the tree */
    assert_int_equal(unlink(path), 0);
}

static void test_config_set_and_print_report_when_memory_runs_out(void **state)
{
    sample_solver s = sample_defaults();
    const hp_section section = {"solver", SAMPLE_SOLVER_FIELDS, &s};
    hp_error error = {""};
    (void)state;
    for (uint32_t n = 0; n < 3; ++n) {
        left = n;
        const hp_status status = hp_config_set("solver.scenarios=3", &section, 1, NULL, &error);
        left = UINT32_MAX;
        assert_int_equal(status, HP_ENOMEM);
        assert_int_equal(s.scenarios, 500);
        assert_non_null(strstr(error.text, "--set solver.scenarios=3: error: out of memory"));
    }
    left = 0;
    const hp_status status = hp_config_print(stderr, &section, 1, false);
    left = UINT32_MAX;
    assert_int_equal(status, HP_ENOMEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_yaml_reports_when_memory_runs_out),
        cmocka_unit_test(test_config_set_and_print_report_when_memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
