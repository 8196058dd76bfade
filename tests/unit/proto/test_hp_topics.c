/* The topic table: every message travels, on a link that exists, between two different parts. */
#include "proto/hp_node.h"
#include "tests/support/hp_test.h"

#include <string.h>

typedef struct topic {
    const char *link;
    hp_msg_type message;
    hp_role from, to;
    int rate_hz, max_age_ms;
} topic;

static const topic TOPICS[] = {
#define TOPIC(link, message, from, to, rate_hz, max_age_ms)                                        \
    {HP_LINK_##link, message, HP_ROLE_##from, HP_ROLE_##to, rate_hz, max_age_ms},
#include "proto/topics.def"
#undef TOPIC
};

static void test_every_message_travels(void **state)
{
    (void)state;
    for (int type = 0; type < HP_MSG_COUNT; ++type) {
        size_t n = 0;
        for (size_t i = 0; i < HP_ARRAY_LEN(TOPICS); ++i) {
            n += TOPICS[i].message == (hp_msg_type)type;
        }
        if (n == 0) {
            fail_msg("%s is on no link", hp_msg_name((hp_msg_type)type));
        }
    }
}

static void test_rows_are_sane_and_unique(void **state)
{
    (void)state;
    for (size_t i = 0; i < HP_ARRAY_LEN(TOPICS); ++i) {
        const topic *a = &TOPICS[i];
        assert_int_not_equal(a->from, a->to);
        assert_in_range(a->rate_hz, 0, 1000);
        assert_in_range(a->max_age_ms, 0, 10000);
        for (size_t k = i + 1; k < HP_ARRAY_LEN(TOPICS); ++k) {
            const topic *b = &TOPICS[k];
            assert_false(strcmp(a->link, b->link) == 0 && a->message == b->message &&
                         a->from == b->from && a->to == b->to);
        }
    }
}

/** Links "policy" and "policy-direct" are both policy's. */
static bool is_named_after(const char *link, hp_role role)
{
    const size_t n = strcspn(link, "-");
    return strlen(hp_role_name(role)) == n && strncmp(link, hp_role_name(role), n) == 0;
}

/** A link is named after who binds it: one side of each of its topics, but for state and tap. */
static void test_links_belong_to_their_server(void **state)
{
    (void)state;
    for (size_t i = 0; i < HP_ARRAY_LEN(TOPICS); ++i) {
        const topic *t = &TOPICS[i];
        if (strcmp(t->link, HP_LINK_STATE) == 0) {
            assert_int_equal(t->from, HP_ROLE_BRIDGE);
        } else if (strcmp(t->link, HP_LINK_TAP) == 0) {
            assert_int_equal(t->from, HP_ROLE_PLANNER);
            assert_int_equal(t->to, HP_ROLE_CLI);
        } else {
            assert_true(is_named_after(t->link, t->from) || is_named_after(t->link, t->to));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_message_travels),
        cmocka_unit_test(test_rows_are_sane_and_unique),
        cmocka_unit_test(test_links_belong_to_their_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
