/* The recorder among hostile circumstances: killed in the middle, with a full disk, in front of a
 * tap that tells nonsense. */
#include "tests/pipeline/fake_tap.h"
#include "tests/support/hp_test.h"

#include "cli/log_file.h"
#include "cli/recorder_node.h"
#include "proto/hp_schema.h"

#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    PATIENCE_MS = 120000,
    DEFINITIONS = 16 * 1024, /* more than the first chunk has that holds no message yet */
};

static long kills = 10;

/** A tap, and a recorder that listens. */
typedef struct fixture {
    fake_tap tap;
    pid_t recorder;
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    fake_tap_open(&f->tap);
    *state = f;
    return 0;
}

static void in_dir(const fixture *f, const char *name, char path[128])
{
    (void)snprintf(path, 128, "%s/%s", f->tap.dir, name);
}

static int tear_down(void **state)
{
    static const char *const FILES[] = {"run.mcap", "saved.mcap", "acked.mcap", "recorder.json",
                                        "log"};
    fixture *f = *state;
    if (f->recorder > 0) {
        (void)kill(f->recorder, SIGKILL);
        (void)waitpid(f->recorder, NULL, 0);
    }
    fake_tap_close(&f->tap, FILES, HP_ARRAY_LEN(FILES));
    free(f);
    return 0;
}

/** max_bytes: no file may grow beyond; 0: any. */
static void start(fixture *f, rlim_t max_bytes)
{
    char log[128];
    in_dir(f, "log", log);
    f->recorder = fork();
    assert_true(f->recorder >= 0);
    if (f->recorder == 0) {
        const int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
        const struct rlimit limit = {max_bytes, max_bytes};
        (void)dup2(out, STDERR_FILENO);
        if (max_bytes > 0) {
            (void)signal(SIGXFSZ, SIG_IGN); /* the write fails instead, as on a full disk */
            (void)setrlimit(RLIMIT_FSIZE, &limit);
        }
        (void)execl(HYPLAN_BIN "/hyplan-recorder", "hyplan-recorder", "--run-dir", f->tap.dir,
                    "--sockets", f->tap.dir, (char *)NULL);
        _exit(127);
    }
}

static bool file_grows_beyond(const fixture *f, off_t size)
{
    char path[128];
    in_dir(f, "run.mcap", path);
    const int fd = open(path, O_RDONLY);
    const off_t now = fd >= 0 ? lseek(fd, 0, SEEK_END) : -1;
    if (fd >= 0) {
        (void)close(fd);
    }
    return now > size;
}

/** Speaks until the recorder has written a chunk with messages. */
static void speak_until_written(fixture *f)
{
    fake_tap_world(&f->tap);
    for (int ms = 0; !file_grows_beyond(f, DEFINITIONS); ms += 2) {
        assert_true(ms < PATIENCE_MS);
        fake_tap_tick(&f->tap);
        fake_tap_pause_ms(2);
    }
}

/** What is in a file. */
typedef struct content {
    uint32_t frames, own; /* own: messages of the tap */
    uint32_t last;        /* tick of the last frame */
    bool complete;        /* it ends as it should */
} content;

static bool is_drawing(const char *topic)
{
    return topic[0] == '/';
}

/** Frames come each once and in order. A slow recorder misses some of a fast tap's, by design: how
 * many is the matter of test_recorder_tells_what_it_missed_when_messages_are_lost. */
static content content_of(const char *path)
{
    log_file *file = NULL;
    log_message m;
    hp_error error = {{0}};
    hp_codec *codec = NULL;
    content c = {0};
    hp_status st = log_file_open(path, &file, &error);
    hp_message *message = malloc(sizeof *message);
    assert_non_null(message);
    assert_int_equal(hp_codec_create(&codec), HP_OK);
    while (st == HP_OK && (st = log_file_next(file, &m, &error)) == HP_OK) {
        c.own += is_drawing(m.topic) ? 0 : 1;
        if (strcmp(m.topic, "frame") == 0) {
            assert_int_equal(hp_decode_payload(codec, HP_MSG_FRAME, m.data.data, (size_t)m.data.len,
                                               message, &error),
                             HP_OK);
            assert_true(c.frames == 0 || message->as_hp_frame.tick > c.last);
            c.last = message->as_hp_frame.tick;
            c.frames++;
        }
    }
    c.complete = st == HP_ENOENT;
    log_file_close(&file);
    hp_codec_destroy(&codec);
    free(message);
    return c;
}

static uint32_t frames_of(const char *path, bool *complete)
{
    const content c = content_of(path);
    *complete = c.complete;
    return c.frames;
}

static hp_mcap_recovered recover(const fixture *f, char saved[128])
{
    char path[128];
    hp_mcap_source source;
    hp_mcap_recovered out;
    in_dir(f, "run.mcap", path);
    in_dir(f, "saved.mcap", saved);
    int in = open(path, O_RDONLY);
    const int to = open(saved, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    hp_mcap_file_sink file = {.fd = to, .path = saved};
    const hp_mcap_options options = hp_mcap_options_default();
    assert_int_equal(hp_mcap_source_file(&in, path, &source, NULL), HP_OK);
    assert_int_equal(
        hp_mcap_recover(&source, &options, &(hp_mcap_sink){hp_mcap_file_append, &file}, &out, NULL),
        HP_OK);
    (void)close(in);
    (void)close(to);
    return out;
}

/** A copy of what the file holds at this moment: the kernel has it, it is acknowledged. */
static void copy_acknowledged(const fixture *f, char acked[128])
{
    static uint8_t bytes[64 * 1024];
    char path[128];
    ssize_t n = 0;
    in_dir(f, "run.mcap", path);
    in_dir(f, "acked.mcap", acked);
    const int in = open(path, O_RDONLY);
    const int to = open(acked, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(in >= 0 && to >= 0);
    while ((n = read(in, bytes, sizeof bytes)) > 0) {
        assert_true(write(to, bytes, (size_t)n) == n);
    }
    (void)close(in);
    (void)close(to);
}

static void kill_and_check(fixture *f)
{
    char saved[128];
    char acked[128];
    char path[128];
    copy_acknowledged(f, acked);
    (void)kill(f->recorder, SIGKILL);
    (void)waitpid(f->recorder, NULL, 0);
    f->recorder = 0;
    in_dir(f, "run.mcap", path);
    const content safe = content_of(acked);
    const content in_file = content_of(path);
    assert_false(in_file.complete);
    assert_true(safe.frames > 0);
    assert_true(in_file.own >= safe.own && in_file.last >= safe.last);
    const hp_mcap_recovered out = recover(f, saved);
    const content after = content_of(saved);
    assert_true(after.complete);
    assert_int_equal(out.orphans, 0);
    assert_int_equal(after.frames, in_file.frames);
    assert_int_equal(after.own, in_file.own);
    assert_int_equal(after.last, in_file.last);
    (void)unlink(path);
}

static void test_recorder_loses_no_acknowledged_chunk_when_killed(void **state)
{
    fixture *f = *state;
    for (long i = 0; i < kills; i++) {
        start(f, 0);
        speak_until_written(f);
        for (long k = 0; k < 37 * (i % 40); k++) { /* at ever other moments */
            fake_tap_tick(&f->tap);
        }
        kill_and_check(f);
    }
}

static json_t *end_and_read_figures(fixture *f)
{
    char path[128];
    int status = 0;
    json_error_t why;
    (void)kill(f->recorder, SIGTERM);
    assert_int_equal(waitpid(f->recorder, &status, 0), f->recorder);
    f->recorder = 0;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    in_dir(f, "recorder.json", path);
    json_t *figures = json_load_file(path, 0, &why);
    assert_non_null(figures);
    return figures;
}

static json_int_t figure(const json_t *figures, const char *key)
{
    return json_integer_value(json_object_get(figures, key));
}

static bool log_says(const fixture *f, const char *text)
{
    char path[128];
    char line[512];
    bool found = false;
    in_dir(f, "log", path);
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    while (!found && fgets(line, sizeof line, in) != NULL) {
        found = strstr(line, text) != NULL;
    }
    (void)fclose(in);
    return found;
}

static void test_recorder_goes_on_and_counts_when_the_disk_is_full(void **state)
{
    fixture *f = *state;
    char saved[128];
    start(f, (rlim_t)160 * 1024); /* header, definitions, and a chunk or two */
    speak_until_written(f);
    for (int ms = 0; !log_says(f, "cannot write"); ms += 2) {
        assert_true(ms < PATIENCE_MS);
        fake_tap_tick(&f->tap);
        fake_tap_pause_ms(2);
    }
    fake_tap_pause_ms(300); /* what is still under way comes in */
    json_t *figures = end_and_read_figures(f);
    assert_true(figure(figures, "lost") > 0);
    assert_true(log_says(f, "the run goes on, the recording has a gap"));
    const hp_mcap_recovered out = recover(f, saved);
    const content there = content_of(saved);
    assert_true(there.frames > 0);
    assert_int_equal(out.orphans, 0);
    /* Each message is in the file, lost with its chunk, or dropped before it came. */
    assert_int_equal(there.own + figure(figures, "lost"), figure(figures, "messages"));
    assert_int_equal(figure(figures, "messages") + figure(figures, "dropped"), f->tap.published);
    json_decref(figures);
}

static void test_recorder_tells_what_it_missed_when_messages_are_lost(void **state)
{
    fixture *f = *state;
    char path[128];
    bool complete = false;
    start(f, 0);
    speak_until_written(f);
    fake_tap_pause_ms(50);
    f->tap.published += 11; /* as if so many had been dropped on the way */
    fake_tap_tick(&f->tap);
    fake_tap_pause_ms(300);
    json_t *figures = end_and_read_figures(f);
    in_dir(f, "run.mcap", path);
    const uint32_t frames = frames_of(path, &complete);
    assert_true(complete);
    assert_int_equal(figure(figures, "lost"), 0);
    /* What was told before it listened counts too: each tick is two messages, the world one. */
    assert_int_equal(figure(figures, "dropped"),
                     (json_int_t)f->tap.published - figure(figures, "messages"));
    assert_true(figure(figures, "dropped") >= 11);
    assert_true(frames <= f->tap.tick);
    json_decref(figures);
}

static void test_recorder_refuses_and_counts_when_the_tap_tells_nonsense(void **state)
{
    fixture *f = *state;
    char path[128];
    bool complete = false;
    start(f, 0);
    speak_until_written(f);
    assert_int_equal(hp_socket_publish(f->tap.tap, "frame", "\xff\xff\xff\xff", 4, 0), HP_OK);
    assert_int_equal(hp_socket_publish(f->tap.tap, "gossip", "x", 1, 0), HP_OK);
    fake_tap_tick(&f->tap);
    fake_tap_pause_ms(300);
    json_t *figures = end_and_read_figures(f);
    assert_int_equal(figure(figures, "refused"), 2);
    in_dir(f, "run.mcap", path);
    assert_true(frames_of(path, &complete) > 0);
    assert_true(complete);
    json_decref(figures);
}

/** With a number as argument, so many kills. */
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_recorder_loses_no_acknowledged_chunk_when_killed,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_recorder_goes_on_and_counts_when_the_disk_is_full,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_recorder_tells_what_it_missed_when_messages_are_lost,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_recorder_refuses_and_counts_when_the_tap_tells_nonsense, set_up, tear_down),
    };
    kills = argc > 1 ? strtol(argv[1], NULL, 10) : kills;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
