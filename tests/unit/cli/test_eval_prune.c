/* hyplan eval prune as users start it: as many beliefs that need a search as were asked for, the
 * others beside them, and the same sample for any number of workers. */
#include "cli/options.h"
#include "tests/support/shell.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { BELIEFS = 6, TIMES = 4 /* columns at a row's end that are wall-clock figures */ };

static char place[] = "/tmp/hyplan-eval-prune-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(place) != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return shell_remove(place);
}

static json_t *eval(unsigned workers)
{
    char path[64];
    const int status =
        shell_run("%s eval prune -q --json --beliefs %d --trials 20 --set "
                  "pomdp.prune.method=crude -j %u --out %s/%u > %s/out.json 2> %s/err.txt",
                  HYPLAN_PROGRAM, BELIEFS, workers, place, workers, place, place);
    assert_int_equal(status, CLI_DONE);
    (void)snprintf(path, sizeof path, "%s/out.json", place);
    json_t *all = json_load_file(path, 0, NULL);
    assert_non_null(all);
    return all;
}

static json_int_t number(const json_t *all, const char *group, const char *key)
{
    return json_integer_value(json_object_get(json_object_get(all, group), key));
}

/** The next row without its times. False: there is none. */
static bool next_row(FILE *csv, char line[512])
{
    if (fgets(line, 512, csv) == NULL) {
        return false;
    }
    for (int i = 0; i < TIMES; i++) {
        char *comma = strrchr(line, ',');
        assert_non_null(comma);
        *comma = '\0';
    }
    return true;
}

static FILE *rows_of(unsigned workers)
{
    char path[64];
    (void)snprintf(path, sizeof path, "%s/%u/beliefs.csv", place, workers);
    FILE *csv = fopen(path, "r");
    assert_non_null(csv);
    return csv;
}

static void test_sample_is_complete_and_the_same_for_any_number_of_workers(void **state)
{
    char one[512];
    char three[512];
    uint32_t hard = 0;
    uint32_t n = 0;
    uint32_t last = 0;
    (void)state;
    json_t *alone = eval(1);
    json_t *crew = eval(3);
    FILE *a = rows_of(1);
    FILE *b = rows_of(3);
    assert_true(next_row(a, one) && next_row(b, three)); /* the header */
    while (next_row(a, one)) {
        assert_true(next_row(b, three));
        assert_string_equal(one, three);
        assert_int_equal(sscanf(one, "%*u,%*u,%u", &last), 1);
        hard += last;
        n++;
    }
    assert_false(next_row(b, three));
    assert_int_equal(hard, BELIEFS);
    assert_int_equal(last, 1); /* no longer than it takes */
    assert_int_equal(number(alone, "hard", "beliefs"), BELIEFS);
    assert_int_equal(number(alone, "all", "beliefs"), n);
    assert_true(n > BELIEFS); /* the others are counted, not thrown away */

    json_t *glance = json_object_get(alone, "glance");
    assert_true(json_equal(glance, json_object_get(crew, "glance")));
    assert_true(number(alone, "glance", "settled") > 0);
    assert_true(number(alone, "glance", "settled") <= n);
    assert_true(number(alone, "glance", "all_say_otherwise") <= number(alone, "glance", "settled"));
    (void)fclose(a);
    (void)fclose(b);
    json_decref(alone);
    json_decref(crew);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sample_is_complete_and_the_same_for_any_number_of_workers),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
