#include "tests/support/hp_test.h"

#include "common/hp_status.h"

#include <string.h>

static void test_status_has_own_text_for_every_code(void **state)
{
    (void)state;
    for (uint32_t a = 0; a < HP_STATUS_COUNT; ++a) {
        const char *text = hp_status_text((hp_status)a);
        assert_true(strlen(text) > 0);
        assert_string_not_equal(text, "unknown status");
        for (uint32_t b = 0; b < a; ++b) {
            assert_string_not_equal(text, hp_status_text((hp_status)b));
        }
    }
    assert_string_equal(hp_status_text(HP_OK), "ok");
    assert_string_equal(hp_status_text(HP_EINTERRUPTED), "interrupted by a signal");
}

static void test_status_is_unknown_when_outside_the_list(void **state)
{
    (void)state;
    assert_string_equal(hp_status_text(HP_STATUS_COUNT), "unknown status");
}

static void test_fail_formats_and_returns_status(void **state)
{
    hp_error error = {""};
    (void)state;
    assert_int_equal(hp_fail(&error, HP_EIO, "%s:%d", "a", 5), HP_EIO);
    assert_string_equal(error.text, "a:5");
    assert_int_equal(hp_fail(NULL, HP_EFULL, "%d", 1), HP_EFULL);
}

static void test_fail_terminates_when_text_is_too_long(void **state)
{
    char longer[2 * sizeof(hp_error)];
    hp_error error;
    (void)state;
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    memset(&error, '!', sizeof error);
    assert_int_equal(hp_fail(&error, HP_EINVAL, "%s", longer), HP_EINVAL);
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
}

static void test_fail_keeps_one_line_when_outside_text_orders_a_terminal_about(void **state)
{
    hp_error error = {""};
    (void)state;
    assert_int_equal(hp_fail(&error, HP_EWIRE, "said '%s'", "\033[2Ja\nb\x7f\u00e4"), HP_EWIRE);
    assert_string_equal(error.text, "said '?[2Ja?b?\u00e4'");
    /* CSI as one character of UTF-8, and as the byte that is none */
    assert_int_equal(hp_fail(&error, HP_EWIRE, "said '%s'",
                             "\xc2\x9b"
                             "2J\x9b"
                             "2J"),
                     HP_EWIRE);
    assert_string_equal(error.text, "said '?2J?2J'");
}

static void test_fail_cuts_no_character_in_two_when_text_is_too_long(void **state)
{
    enum { ROOM = sizeof((hp_error *)0)->text - 1 };
    char longer[ROOM + 2];
    hp_error error;
    (void)state;
    memset(longer, 'x', ROOM - 1);
    (void)snprintf(longer + ROOM - 1, 3, "\u00e4");
    assert_int_equal(hp_fail(&error, HP_EINVAL, "%s", longer), HP_EINVAL);
    assert_int_equal(strlen(error.text), ROOM);
    assert_int_equal(error.text[ROOM - 1], '?');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status_has_own_text_for_every_code),
        cmocka_unit_test(test_status_is_unknown_when_outside_the_list),
        cmocka_unit_test(test_fail_formats_and_returns_status),
        cmocka_unit_test(test_fail_terminates_when_text_is_too_long),
        cmocka_unit_test(test_fail_cuts_no_character_in_two_when_text_is_too_long),
        cmocka_unit_test(test_fail_keeps_one_line_when_outside_text_orders_a_terminal_about),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
