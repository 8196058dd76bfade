/* A viewer's queue and words. */
#include "tests/support/hp_test.h"

#include "cli/recorder_file.h"
#include "cli/view_client.h"

#include <stdlib.h>
#include <string.h>

enum { SCENE = RECORDER_EXTRA_CHANNEL + RECORDER_SCENE };

static int set_up(void **state)
{
    view_client *c = malloc(sizeof *c);
    assert_non_null(c);
    view_client_init(c);
    *state = c;
    return 0;
}

static int tear_down(void **state)
{
    view_client_fini(*state);
    free(*state);
    return 0;
}

static void say(view_client *c, const char *text)
{
    assert_true(view_client_hear(c, text, strlen(text), true));
}

static void subscribe(view_client *c)
{
    char text[96];
    (void)snprintf(text, sizeof text,
                   "{\"op\":\"subscribe\",\"subscriptions\":[{\"id\":9,\"channelId\":%d}]}", SCENE);
    say(c, text);
}

/** The number that a data letter carries. */
static uint32_t carried(const view_letter *letter)
{
    uint32_t value;
    assert_false(letter->text);
    memcpy(&value, letter->bytes + VIEW_ROOM + 13, sizeof value);
    return value;
}

static void test_view_client_drops_the_oldest_when_the_viewer_is_slow(void **state)
{
    view_client *c = *state;
    subscribe(c);
    for (uint32_t i = 0; i < VIEW_QUEUE + 10; i++) {
        view_client_send_data(c, SCENE, 5, &i, sizeof i);
    }
    assert_int_equal(c->n, VIEW_QUEUE);
    assert_int_equal(c->dropped, 10);
    for (uint32_t i = 10; i < VIEW_QUEUE + 10; i++) {
        assert_int_equal(carried(view_client_next(c)), i);
        view_client_sent(c);
    }
    assert_null(view_client_next(c));
    assert_int_equal(c->bytes, 0);
}

static void test_view_client_keeps_texts_and_bounds_bytes_when_messages_are_large(void **state)
{
    view_client *c = *state;
    const size_t large = 512 * 1024;
    uint8_t *bytes = calloc(1, large);
    assert_non_null(bytes);
    view_client_greet(c);
    subscribe(c);
    for (int i = 0; i < 40; i++) {
        view_client_send_data(c, SCENE, 5, bytes, large);
        assert_true(c->bytes <= VIEW_QUEUE_BYTES);
    }
    assert_true(c->dropped > 30);
    assert_true(view_client_next(c)->text); /* serverInfo, still in front */
    view_client_sent(c);
    assert_true(view_client_next(c)->text);
    view_client_sent(c);
    assert_false(view_client_next(c)->text);
    free(bytes);
}

static void test_view_client_sends_nothing_when_not_subscribed_or_no_longer(void **state)
{
    view_client *c = *state;
    view_client_send_data(c, SCENE, 5, "x", 1);
    assert_null(view_client_next(c));
    subscribe(c);
    view_client_send_data(c, SCENE - 1, 5, "x", 1);
    view_client_send_data(c, VIEW_CHANNELS + 5, 5, "x", 1);
    assert_null(view_client_next(c));
    say(c, "{\"op\":\"unsubscribe\",\"subscriptionIds\":[9]}");
    view_client_send_data(c, SCENE, 5, "x", 1);
    assert_null(view_client_next(c));
}

static void test_view_client_hears_a_text_that_comes_in_pieces(void **state)
{
    view_client *c = *state;
    const char *text = "{\"op\":\"subscribe\",\"subscriptions\":[{\"id\":9,\"channelId\":100}]}";
    for (size_t i = 0; text[i] != '\0'; i++) {
        assert_true(view_client_hear(c, text + i, 1, text[i + 1] == '\0'));
    }
    assert_true(c->subscribed[SCENE]);
    assert_int_equal(c->subscription[SCENE], 9);
}

static void test_view_client_refuses_a_text_without_end(void **state)
{
    static const char piece[1024] = {'x'};
    view_client *c = *state;
    size_t taken = 0;
    while (view_client_hear(c, piece, sizeof piece, false)) {
        taken += sizeof piece;
        assert_true(taken <= VIEW_MAX_TEXT);
    }
    assert_int_equal(taken, VIEW_MAX_TEXT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_view_client_drops_the_oldest_when_the_viewer_is_slow,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_view_client_keeps_texts_and_bounds_bytes_when_messages_are_large, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(
            test_view_client_sends_nothing_when_not_subscribed_or_no_longer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_view_client_hears_a_text_that_comes_in_pieces, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_view_client_refuses_a_text_without_end, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
