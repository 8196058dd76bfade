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
    KILLS = 10,
    PATIENCE_MS = 20000,
    DEFINITIONS = 16 * 1024, /* more than the first chunk has that holds no message yet */
};

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
    static const char *const FILES[] = {"run.mcap", "saved.mcap", "recorder.json", "log"};
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

/** Frames of a file, each once and in order; complete: it ends as it should. A slow recorder misses
 * some of a fast tap's, by design: how many is the matter of
 * test_recorder_tells_what_it_missed_when_messages_are_lost. */
static uint32_t frames_of(const char *path, bool *complete)
{
    log_file *file = NULL;
    log_message m;
    hp_error error = {{0}};
    hp_codec *codec = NULL;
    uint32_t n = 0;
    uint32_t last = 0;
    hp_status st = log_file_open(path, &file, &error);
    hp_message *message = malloc(sizeof *message);
    assert_non_null(message);
    assert_int_equal(hp_codec_create(&codec), HP_OK);
    while (st == HP_OK && (st = log_file_next(file, &m, &error)) == HP_OK) {
        if (strcmp(m.topic, "frame") == 0) {
            assert_int_equal(hp_decode_payload(codec, HP_MSG_FRAME, m.data.data, (size_t)m.data.len,
                                               message, &error),
                             HP_OK);
            assert_true(n == 0 || message->as_hp_frame.tick > last);
            last = message->as_hp_frame.tick;
            n++;
        }
    }
    *complete = st == HP_ENOENT;
    log_file_close(&file);
    hp_codec_destroy(&codec);
    free(message);
    return n;
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

static void test_recorder_leaves_whole_chunks_when_killed(void **state)
{
    fixture *f = *state;
    for (int i = 0; i < KILLS; i++) {
        char saved[128];
        char path[128];
        bool complete = true;
        start(f, 0);
        speak_until_written(f);
        for (int k = 0; k < 37 * i; k++) {
            fake_tap_tick(&f->tap);
        }
        (void)kill(f->recorder, SIGKILL);
        (void)waitpid(f->recorder, NULL, 0);
        f->recorder = 0;
        in_dir(f, "run.mcap", path);
        const uint32_t in_file = frames_of(path, &complete);
        assert_false(complete);
        const hp_mcap_recovered out = recover(f, saved);
        assert_int_equal(out.orphans, 0);
        assert_true(in_file > 0);
        assert_int_equal(frames_of(saved, &complete), in_file);
        assert_true(complete);
        (void)unlink(path);
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
    char path[128];
    char saved[128];
    bool complete = false;
    start(f, (rlim_t)160 * 1024); /* header, definitions, and a chunk or two */
    speak_until_written(f);
    for (int ms = 0; !log_says(f, "cannot write"); ms += 2) {
        assert_true(ms < PATIENCE_MS);
        fake_tap_tick(&f->tap);
        fake_tap_pause_ms(2);
    }
    json_t *figures = end_and_read_figures(f);
    in_dir(f, "run.mcap", path);
    (void)frames_of(path, &complete);
    assert_true(figure(figures, "lost") > 0);
    assert_true(log_says(f, "the run goes on, the recording has a gap"));
    const hp_mcap_recovered out = recover(f, saved);
    assert_true(out.messages > 0);
    assert_int_equal(out.orphans, 0);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_recorder_leaves_whole_chunks_when_killed, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_recorder_goes_on_and_counts_when_the_disk_is_full,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_recorder_tells_what_it_missed_when_messages_are_lost,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_recorder_refuses_and_counts_when_the_tap_tells_nonsense, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
