/* Recordings whose times nobody would believe: they come out in order, and nothing overflows. */
#include "cli/commands.h"
#include "cli/log_export.h"
#include "cli/recorder_file.h"
#include "tests/support/hp_test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FAR_NS INT64_C(0x4000000000000000) /* as far as a world's time goes */

static char dir[64];

static char *in_dir(const char *name)
{
    static char paths[2][128];
    static int turn;
    turn = 1 - turn;
    (void)snprintf(paths[turn], sizeof paths[turn], "%s/%s", dir, name);
    return paths[turn];
}

static void put(recorder_file *file, hp_codec *codec, hp_msg_type type, const void *message)
{
    static uint8_t bytes[1 << 17];
    const hp_envelope envelope = {.type = type};
    size_t len = 0;
    hp_error error = {{0}};
    if (hp_encode(codec, &envelope, message, bytes, sizeof bytes, &len) != HP_OK ||
        recorder_file_own(file, type, FAR_NS, bytes + HP_ENVELOPE_BYTES, len - HP_ENVELOPE_BYTES,
                          &error) != HP_OK) {
        fail_msg("%s", error.text);
    }
}

/** Worlds that each end as late as can be. */
static void record(const char *path, uint64_t worlds)
{
    static hp_frame frame;
    static hp_world_info world = {.n_route = 2,
                                  .route = {{0.0, 0.0}, {0.0, 100.0}},
                                  .tick_s = 0.05,
                                  .ego_length_m = 4.0,
                                  .ego_width_m = 2.0,
                                  .ego_wheelbase_m = 2.5};
    recorder_file *file = NULL;
    hp_codec *codec = NULL;
    hp_mcap_written figures;
    hp_error error = {{0}};
    assert_int_equal(hp_codec_create(&codec), HP_OK);
    assert_int_equal(recorder_file_open(path, &file, &error), HP_OK);
    for (uint64_t id = 1; id <= worlds; id++) {
        world.world_id = frame.world_id = id;
        frame.stamp_ns = FAR_NS;
        put(file, codec, HP_MSG_WORLD_INFO, &world);
        put(file, codec, HP_MSG_FRAME, &frame);
    }
    assert_int_equal(recorder_file_close(&file, &figures, &error), HP_OK);
    hp_codec_destroy(&codec);
}

/** Seconds of a GroundTruth's timestamp: field 2, behind the version, and in it field 1. */
static uint64_t seconds_of(const log_message *m)
{
    const uint8_t *p = m->data.data;
    uint64_t seconds = 0;
    assert_int_equal(p[0], 0x0a);
    p += 2 + p[1];
    assert_int_equal(p[0], 0x12);
    assert_int_equal(p[2], 0x08);
    p += 3;
    for (unsigned shift = 0;; shift += 7) {
        seconds |= (uint64_t)(*p & 0x7fU) << shift;
        if ((*p++ & 0x80U) == 0) {
            return seconds;
        }
    }
}

static void test_osi_export_goes_on_when_worlds_last_for_centuries(void **state)
{
    enum { WORLDS = 4 };
    static const cli_usage USAGE = {.command = "log"};
    static log_options o;
    log_file *file = NULL;
    log_message m;
    hp_error error = {{0}};
    uint64_t last_s = 0;
    int n = 0;
    (void)state;
    record(in_dir("run.mcap"), WORLDS);
    o.usage = &USAGE;
    o.to = LOG_OSI;
    o.common.out = in_dir("osi.mcap");
    o.path = in_dir("run.mcap");
    assert_int_equal(log_export(&o), CLI_DONE);
    assert_int_equal(log_file_open(o.common.out, &file, &error), HP_OK);
    for (; log_file_next(file, &m, &error) == HP_OK; n++) {
        const uint64_t now_s = seconds_of(&m);
        assert_true(now_s >= last_s && now_s <= INT64_MAX / 1000000000);
        last_s = now_s;
    }
    assert_int_equal(n, WORLDS);
    log_file_close(&file);
}

static void test_log_file_tells_times_that_fit_when_they_are_beyond_all(void **state)
{
    recorder_file *out = NULL;
    log_file *file = NULL;
    hp_mcap_written figures;
    log_message m;
    hp_error error = {{0}};
    (void)state;
    assert_int_equal(recorder_file_open(in_dir("late.mcap"), &out, &error), HP_OK);
    assert_int_equal(recorder_file_extra(out, RECORDER_LOG, -1, "", 0, &error), HP_OK);
    assert_int_equal(recorder_file_close(&out, &figures, &error), HP_OK);
    assert_int_equal(log_file_open(in_dir("late.mcap"), &file, &error), HP_OK);
    assert_int_equal(log_file_next(file, &m, &error), HP_OK);
    assert_true(m.time_ns == INT64_MAX);
    log_file_close(&file);
}

static bool said_nothing_but_lines(const char *path)
{
    char text[4096];
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    const size_t n = fread(text, 1, sizeof text, in);
    (void)fclose(in);
    assert_true(n > 0);
    for (size_t i = 0; i < n; i++) {
        const uint8_t c = (uint8_t)text[i];
        if (c != '\n' && (c < 0x20 || c > 0x7e)) {
            return false;
        }
    }
    return true;
}

/** Runs `hyplan log` with its output in a file. */
static void say(const char *verb, const char *name, const char *flag, const char *value)
{
    const char *const words[] = {"log", verb, in_dir(name), flag, value};
    static char texts[5][128];
    char *argv[6] = {NULL};
    int argc = 0;
    for (size_t i = 0; i < HP_ARRAY_LEN(words) && words[i] != NULL; i++) {
        (void)snprintf(texts[i], sizeof texts[i], "%s", words[i]);
        argv[argc++] = texts[i];
    }
    (void)fflush(stdout);
    const int before = dup(STDOUT_FILENO);
    const int to = open(in_dir("said"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(before >= 0 && to >= 0 && dup2(to, STDOUT_FILENO) >= 0);
    const int status = cmd_log(argc, argv);
    (void)fflush(stdout);
    (void)dup2(before, STDOUT_FILENO);
    (void)close(before);
    (void)close(to);
    assert_int_equal(status, CLI_DONE);
}

static void test_log_gives_terminals_no_orders_when_a_recording_has_some(void **state)
{
    /* CSI as a character of UTF-8, behind the names that terminals know: clears the screen */
    static const char *const PAIRS[][2] = {{"k\xc2\x9b"
                                            "2J",
                                            "v\xc2\x9b"
                                            "2J"}};
    recorder_file *out = NULL;
    hp_mcap_written figures;
    hp_error error = {{0}};
    (void)state;
    FILE *odd = fopen(in_dir("a\xc2\x9b"
                             "2J"),
                      "w");
    assert_non_null(odd);
    (void)fclose(odd);
    assert_int_equal(recorder_file_open(in_dir("sly.mcap"), &out, &error), HP_OK);
    recorder_file_attach(out,
                         in_dir("a\xc2\x9b"
                                "2J"),
                         1);
    assert_int_equal(recorder_file_metadata(out,
                                            "m\xc2\x9b"
                                            "2J",
                                            PAIRS, 1, &error),
                     HP_OK);
    /* level, and a message: field 3 */
    static const uint8_t LOG[] = {0x1a, 5, 'h', 0xc2, 0x9b, '2', 'J'};
    assert_int_equal(recorder_file_extra(out, RECORDER_LOG, 1, LOG, sizeof LOG, &error), HP_OK);
    assert_int_equal(recorder_file_close(&out, &figures, &error), HP_OK);
    say("info", "sly.mcap", NULL, NULL);
    assert_true(said_nothing_but_lines(in_dir("said")));
    say("info", "sly.mcap", "--json", NULL);
    assert_true(said_nothing_but_lines(in_dir("said")));
    say("cat", "sly.mcap", NULL, NULL);
    assert_true(said_nothing_but_lines(in_dir("said")));
    say("export", "sly.mcap", "--topic", RECORDER_EXTRA_TOPICS[RECORDER_LOG]);
    assert_true(said_nothing_but_lines(in_dir("said")));
}

static void test_log_info_is_json_when_the_file_has_an_old_name(void **state)
{
    json_error_t why;
    (void)state;
    record(in_dir("sly.mcap"), 1);
    assert_int_equal(rename(in_dir("sly.mcap"), in_dir("old\xe9.mcap")), 0); /* Latin 1 */
    say("info", "old\xe9.mcap", "--json", NULL);
    json_t *json = json_load_file(in_dir("said"), 0, &why);
    assert_non_null(json);
    assert_int_equal(json_integer_value(json_object_get(json, "messages")), 2);
    json_decref(json);
}

static int open_dir(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof dir, "/tmp/hyplan-log-XXXXXX");
    return mkdtemp(dir) != NULL ? 0 : -1;
}

static int close_dir(void **state)
{
    static const char ORDER[] = "a\xc2\x9b"
                                "2J"; /* else 2 is a digit of the byte before */
    const char *const files[] = {"run.mcap",     "osi.mcap", "late.mcap", "sly.mcap",
                                 "old\xe9.mcap", "said",     ORDER};
    (void)state;
    for (size_t i = 0; i < HP_ARRAY_LEN(files); i++) {
        (void)unlink(in_dir(files[i]));
    }
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_osi_export_goes_on_when_worlds_last_for_centuries),
        cmocka_unit_test(test_log_gives_terminals_no_orders_when_a_recording_has_some),
        cmocka_unit_test(test_log_info_is_json_when_the_file_has_an_old_name),
        cmocka_unit_test(test_log_file_tells_times_that_fit_when_they_are_beyond_all),
    };
    return cmocka_run_group_tests(tests, open_dir, close_dir);
}
