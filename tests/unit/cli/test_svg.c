#include "cli/svg.h"
#include "tests/support/hp_test.h"

#include <stdlib.h>
#include <string.h>

static uint32_t count(const char *text, const char *word)
{
    uint32_t n = 0;
    for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word)) {
        n++;
    }
    return n;
}

static void test_texts_are_escaped(void **state)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    (void)state;
    svg_escape(out, "a<b>&\"c\"\n");
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, "a&lt;b&gt;&amp;&quot;c&quot;");
    free(text);
}

static void test_bars_are_drawn_but_for_missing_ones(void **state)
{
    const svg_bar bars[] = {{0.5, 0.4, 0.6}, {1.0, 0.9, 1.0}, {NAN, 0.0, 1.0}, {0.0, 0.0, 0.1}};
    const svg_panel panel = {"crash", bars};
    const char *groups[] = {"01", "02"};
    const char *series[] = {"aeb", "a<b"};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    (void)state;
    const svg_chart chart = {"title", &panel, groups, series, 1, 2, 2};
    svg_bar_chart(&chart, out);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(count(text, "class=\"w\""), 3);
    assert_int_equal(count(text, "a&lt;b"), 1);
    assert_int_equal(count(text, "prefers-color-scheme:dark"), 1);
    assert_int_equal(count(text, "nan"), 0);
    assert_int_equal(count(text, "</svg>"), 1);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_are_escaped),
        cmocka_unit_test(test_bars_are_drawn_but_for_missing_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
