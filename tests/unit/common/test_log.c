#include "tests/support/hp_test.h"

#include "common/hp_clock.h"
#include "common/hp_log.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/** A log into memory. */
typedef struct sink {
    hp_log log;
    char *text;
    size_t len;
} sink;

static void sink_open(sink *s)
{
    *s = (sink){.log = {.program = "planner"}};
    s->log.out = open_memstream(&s->text, &s->len);
    assert_non_null(s->log.out);
}

static void sink_close(sink *s)
{
    assert_int_equal(fclose(s->log.out), 0);
    free(s->text);
}

static void test_log_writes_time_level_program_and_message(void **state)
{
    struct tm utc;
    char stamp[32];
    sink s;
    (void)state;
    sink_open(&s);
    const time_t before = (time_t)hp_clock_wall_s();
    hp_log_info(&s.log, "tick=%d gap_m=%.1f", 7, 2.5);
    const time_t after = (time_t)hp_clock_wall_s();
    bool found = false;
    for (time_t t = before; t <= after; ++t) {
        (void)strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &utc));
        found = found || strncmp(s.text, stamp, strlen(stamp)) == 0;
    }
    assert_true(found);
    assert_string_equal(strchr(s.text, ' '), " info planner tick=7 gap_m=2.5\n");
    sink_close(&s);
}

static void test_log_names_each_level(void **state)
{
    static const char *const NAMES[] = {"error", "warn", "info"};
    sink s;
    (void)state;
    sink_open(&s);
    hp_log_error(&s.log, "x");
    hp_log_warn(&s.log, "x");
    hp_log_info(&s.log, "x");
    for (size_t i = 0; i < HP_ARRAY_LEN(NAMES); ++i) {
        char part[32];
        (void)snprintf(part, sizeof part, " %s planner x\n", NAMES[i]);
        assert_non_null(strstr(s.text, part));
    }
    sink_close(&s);
}

static void test_log_is_silent_when_it_has_no_stream(void **state)
{
    const hp_log log = {.program = "planner"};
    (void)state;
    hp_log_error(&log, "%s", "nobody hears");
}

static void test_log_cuts_line_when_longer_than_1_kib(void **state)
{
    char message[3000];
    (void)state;
    memset(message, 'm', sizeof message - 1);
    message[sizeof message - 1] = '\0';
    for (size_t n = 900; n < 1100; ++n) { /* over the edge, byte by byte */
        sink s;
        sink_open(&s);
        hp_log_info(&s.log, "%.*s", (int)n, message);
        const size_t whole = strlen("2031-05-04T12:00:00Z info planner ") + n + 1;
        assert_int_equal(s.len, whole <= 1024 ? whole : 1024);
        assert_int_equal(s.text[s.len - 1], '\n');
        assert_int_equal(strcmp(s.text + s.len - 4, "...\n") == 0, whole > 1024);
        sink_close(&s);
    }
    sink s;
    sink_open(&s);
    s.log.program = message;
    hp_log_info(&s.log, "%s", message);
    assert_int_equal(s.len, 1024);
    sink_close(&s);
}

static void test_log_stays_on_one_line_when_message_has_controls(void **state)
{
    sink s;
    (void)state;
    sink_open(&s);
    hp_log_info(&s.log, "a\nb\rc\x1b[1md\x7f \xc3\xa9");
    assert_string_equal(strstr(s.text, "planner"), "planner a b c [1md  \xc3\xa9\n");
    sink_close(&s);
}

/** Processes share a file only if a line is one write: a packet socket shows the writes apart. */
static void test_log_makes_one_write_of_each_line(void **state)
{
    int ends[2];
    char packet[4096];
    char message[1500];
    (void)state;
    memset(message, 'm', sizeof message - 1);
    message[sizeof message - 1] = '\0';
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    hp_log log = {.program = "p", .out = fdopen(ends[0], "w")};
    for (int mode = 0; mode < 3; ++mode) {
        static const int MODES[] = {_IOFBF, _IOLBF, _IONBF};
        assert_int_equal(setvbuf(log.out, NULL, MODES[mode], BUFSIZ), 0);
        for (int n = 0; n < 1500; n += 250) {
            hp_log_info(&log, "%.*s", n, message);
            const ssize_t len = recv(ends[1], packet, sizeof packet, 0);
            assert_true(len > 20);
            assert_int_equal(packet[len - 1], '\n');
            assert_int_equal(recv(ends[1], packet, sizeof packet, MSG_DONTWAIT), -1);
        }
    }
    assert_int_equal(fclose(log.out), 0);
    assert_int_equal(close(ends[1]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_writes_time_level_program_and_message),
        cmocka_unit_test(test_log_names_each_level),
        cmocka_unit_test(test_log_is_silent_when_it_has_no_stream),
        cmocka_unit_test(test_log_cuts_line_when_longer_than_1_kib),
        cmocka_unit_test(test_log_stays_on_one_line_when_message_has_controls),
        cmocka_unit_test(test_log_makes_one_write_of_each_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
