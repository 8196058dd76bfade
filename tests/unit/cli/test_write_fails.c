/* Disks that are full: each file of runs and benchmarks again and again, with the first write
 * failing, the second, and so on, and then with room for so many bytes and no more. Each time it
 * must be said, what was there before must still be there and whole, and nothing half must lie
 * about. (Recordings: test_hp_mcap, test_recorder.) */
#include "tests/unit/cli/bench_fixture.h"

#include "cli/bench_report.h"
#include "cli/bench_score.h"
#include "common/hp_file.h"
#include "planner/planner_stats.h"
#include "sim-bridge/bridge_report.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { MAX_CALLS = 200, SPAN = 4096 };

/* The doors to the disk (the linker wraps them): the n-th call fails. */
static unsigned until_failure; /* 1: the next one fails; 0: none does */
static int failure;            /* its errno; 0: a write takes one byte only, and all is well */
static bool failed;
static bool nameless_stay_so; /* as where there is no /proc */

ssize_t __real_write(int fd, const void *bytes, size_t len);
int __real_fsync(int fd);
int __real_rename(const char *from, const char *to);
ssize_t __wrap_write(int fd, const void *bytes, size_t len);
int __wrap_fsync(int fd);
int __wrap_rename(const char *from, const char *to);
int __real_linkat(int from_dir, const char *from, int to_dir, const char *to, int flags);
int __wrap_linkat(int from_dir, const char *from, int to_dir, const char *to, int flags);

static bool fails(void)
{
    const bool now = until_failure == 1;
    until_failure -= until_failure > 0 ? 1 : 0;
    failed = failed || now;
    errno = now ? failure : errno;
    return now;
}

ssize_t __wrap_write(int fd, const void *bytes, size_t len)
{
    if (fails()) {
        return failure != 0 ? -1 : __real_write(fd, bytes, 1);
    }
    return __real_write(fd, bytes, len);
}

int __wrap_fsync(int fd)
{
    return fails() && failure != 0 ? -1 : __real_fsync(fd);
}

int __wrap_rename(const char *from, const char *to)
{
    return fails() && failure != 0 ? -1 : __real_rename(from, to);
}

int __wrap_linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
    return nameless_stay_so ? -1 : __real_linkat(from_dir, from, to_dir, to, flags);
}

/* ---- What is written ---- */

static cli_rundir dir;
static bench_book book;
static bench_board board;

static hp_status write_text(hp_error *error)
{
    return hp_file_write(dir.path, "text", "so much", 7, error);
}

static hp_status write_book(hp_error *error)
{
    return bench_book_save(&book, &dir, error);
}

static hp_status write_report(hp_error *error)
{
    return bench_report_write(&board, &dir, error);
}

static hp_status write_planner(hp_error *error)
{
    static const planner_stats STATS = {.ticks = 1};
    static const hp_health OWN = {.generation = 1};
    return planner_stats_write(&STATS, &OWN, NULL, 0, dir.path, error);
}

static hp_status write_json(hp_error *error)
{
    json_t *json = json_pack("{s:s}", "key", "a value");
    assert_non_null(json);
    const hp_status st = cli_rundir_write_json(&dir, "some.json", json, error);
    json_decref(json);
    return st;
}

static hp_status write_steps(hp_error *error)
{
    static hp_frame frame;
    static const sim_result RESULT = {.verdict = HP_VERDICT_GOAL};
    const bridge_outcome outcome = {.episode = 0};
    bridge_report *report = NULL;
    hp_status st = bridge_report_open(dir.path, "sim", "a title", 1, &report, error);
    for (uint32_t i = 0; st == HP_OK && i < 100; i++) {
        frame.tick = i;
        bridge_report_tick(report, 0, &frame, NULL);
    }
    if (st == HP_OK) {
        st = bridge_report_episode(report, &outcome, &RESULT, error);
    }
    const hp_status closed = bridge_report_close(&report, st == HP_OK ? error : NULL);
    return st == HP_OK ? closed : st;
}

typedef struct maker {
    const char *name;
    hp_status (*make)(hp_error *error);
    const char *files[5]; /* NULL-terminated */
} maker;

static const maker MAKERS[] = {
    {"text", write_text, {"text"}},
    {"json", write_json, {"some.json"}},
    {"episodes.csv", write_book, {BENCH_EPISODES}},
    {"bench report", write_report, {"summary.json", "table.txt", "junit.xml", "bars.svg"}},
    {"planner.json", write_planner, {"planner.json"}},
    {"run", write_steps, {"episodes.json", "steps.csv"}},
};

/* ---- What lies there ---- */

/** A file's bytes, NULL if there is none; free() it. */
static char *content(const char *name, size_t *len)
{
    char path[CLI_PATH];
    char *text = NULL;
    size_t cap = 0;
    assert_true(cli_rundir_path(&dir, name, path));
    FILE *in = fopen(path, "r");
    *len = 0;
    if (in == NULL) {
        return NULL;
    }
    const ssize_t n = getdelim(&text, &cap, '\0', in);
    *len = n > 0 ? (size_t)n : 0;
    (void)fclose(in);
    return text;
}

static void clear(void)
{
    DIR *entries = opendir(dir.path);
    assert_non_null(entries);
    for (const struct dirent *e = readdir(entries); e != NULL; e = readdir(entries)) {
        if (e->d_name[0] != '.') {
            assert_int_equal(unlinkat(dirfd(entries), e->d_name, 0), 0);
        }
    }
    (void)closedir(entries);
}

/** Every file is absent or whole; steps.csv alone may be left under its other name. */
static void check_whole(const maker *m, char *const *whole, const size_t *len, bool all)
{
    for (size_t i = 0; m->files[i] != NULL; i++) {
        char name[64];
        size_t n = 0;
        char *now = content(m->files[i], &n);
        if (all && now == NULL) {
            fail_msg("%s: %s is not there", m->name, m->files[i]);
        }
        if (now != NULL && (whole[i] == NULL || n != len[i] || memcmp(now, whole[i], n) != 0)) {
            fail_msg("%s: %s has %zu bytes, wanted %zu", m->name, m->files[i], n, len[i]);
        }
        free(now);
        (void)snprintf(name, sizeof name, "%s.%ld.tmp", m->files[i], (long)getpid());
        now = content(name, &n);
        if (now != NULL) {
            fail_msg("%s: %s is left", m->name, name);
        }
        (void)snprintf(name, sizeof name, "%s.tmp", m->files[i]);
        now = content(name, &n);
        if (now != NULL && (all || strcmp(m->files[i], "steps.csv") != 0)) {
            fail_msg("%s: %s is left", m->name, name);
        }
        free(now);
    }
}

static void learn_whole(const maker *m, char **whole, size_t *len)
{
    hp_error error = {{0}};
    clear();
    if (m->make(&error) != HP_OK) {
        fail_msg("%s: %s", m->name, error.text);
    }
    for (size_t i = 0; m->files[i] != NULL; i++) {
        whole[i] = content(m->files[i], &len[i]);
        assert_non_null(whole[i]);
    }
}

static void forget(const maker *m, char **whole)
{
    for (size_t i = 0; m->files[i] != NULL; i++) {
        free(whole[i]);
    }
}

/** Returns how many calls there were. */
static unsigned fail_each_call(const maker *m, char *const *whole, const size_t *len, bool replaces)
{
    unsigned n = 1;
    for (bool more = true; more; n++) {
        hp_error error = {{0}};
        assert_true(n < MAX_CALLS);
        clear();
        if (replaces) { /* what was there before */
            assert_int_equal(m->make(&error), HP_OK);
        }
        failed = false;
        until_failure = n;
        const hp_status st = m->make(&error);
        until_failure = 0;
        more = failed;
        const bool harmless = !failed || failure == EINTR || failure == 0;
        if (harmless ? st != HP_OK : (st != HP_EIO || error.text[0] == '\0')) {
            fail_msg("%s: call %u fails with %d, and it says %d %s", m->name, n, failure, st,
                     error.text);
        }
        check_whole(m, whole, len, harmless);
    }
    return n - 2;
}

static void test_files_are_whole_or_absent_when_any_call_fails(void **state)
{
    static const int FAILURES[] = {ENOSPC, EIO, 0};
    (void)state;
    for (size_t i = 0; i < HP_ARRAY_LEN(MAKERS); i++) {
        char *whole[5] = {NULL};
        size_t len[5] = {0};
        unsigned calls = 0;
        learn_whole(&MAKERS[i], whole, len);
        for (size_t k = 0; k < HP_ARRAY_LEN(FAILURES); k++) {
            failure = FAILURES[k];
            calls = fail_each_call(&MAKERS[i], whole, len, false);
            (void)fail_each_call(&MAKERS[i], whole, len, true);
        }
        print_message("%s: %u calls\n", MAKERS[i].name, calls);
        assert_true(calls > 0);
        forget(&MAKERS[i], whole);
    }
}

static void test_writes_go_on_when_a_signal_interrupts_them(void **state)
{
    hp_error error = {{0}};
    (void)state;
    clear();
    failure = EINTR;
    until_failure = 1; /* the write */
    assert_int_equal(write_text(&error), HP_OK);
    assert_true(failed);
}

/** Room for so many bytes in any file. */
static void set_room(rlim_t bytes)
{
    const struct rlimit room = {.rlim_cur = bytes, .rlim_max = RLIM_INFINITY};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &room), 0);
}

static size_t longest(const maker *m, const size_t *len)
{
    size_t most = 0;
    for (size_t i = 0; m->files[i] != NULL; i++) {
        most = len[i] > most ? len[i] : most;
    }
    return most;
}

static void test_files_are_whole_or_absent_when_the_disk_is_full(void **state)
{
    (void)state;
    for (size_t i = 0; i < HP_ARRAY_LEN(MAKERS); i++) {
        const maker *m = &MAKERS[i];
        char *whole[5] = {NULL};
        size_t len[5] = {0};
        learn_whole(m, whole, len);
        const size_t most = longest(m, len);
        const size_t step = most / 97 + 1; /* each byte of small files; always the last but one */
        for (size_t room = 0; room <= most;
             room += room + step > most && room + 1 < most ? most - 1 - room : step) {
            hp_error error = {{0}};
            clear();
            set_room(room);
            const hp_status st = m->make(&error);
            set_room(RLIM_INFINITY);
            if (room < most && (st != HP_EIO || error.text[0] == '\0')) {
                fail_msg("%s: room for %zu of %zu bytes, and it says %d", m->name, room, most, st);
            }
            check_whole(m, whole, len, false);
        }
        forget(m, whole);
    }
}

static void test_stream_tells_when_earlier_bytes_were_lost(void **state)
{
    char path[CLI_PATH];
    hp_error error = {{0}};
    (void)state;
    clear();
    assert_true(cli_rundir_path(&dir, "stream", path));
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    set_room(10);
    for (int i = 0; i < SPAN; i++) {
        (void)fputs("0123456789", out);
    }
    (void)fflush(out);
    set_room(RLIM_INFINITY);
    assert_int_equal(hp_file_close(&out, path, &error), HP_EIO); /* though there is room again */
    assert_non_null(strstr(error.text, "stream: cannot write"));
    assert_null(out);
    assert_int_equal(hp_file_close(&out, path, &error), HP_OK); /* closed before: nothing to lose */
}

static int set_up(void **state)
{
    (void)state;
    (void)signal(SIGXFSZ, SIG_IGN);
    (void)snprintf(dir.path, sizeof dir.path, "/tmp/hyplan-write-XXXXXX");
    fixture_fill(&book);
    return mkdtemp(dir.path) != NULL && bench_board_create(&book, &board) == HP_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    clear();
    bench_board_destroy(&board);
    bench_book_destroy(&book);
    return rmdir(dir.path);
}

static void test_files_are_whole_when_those_without_a_name_cannot_be_given_one(void **state)
{
    hp_error error = {{0}};
    size_t n = 0;
    (void)state;
    clear();
    nameless_stay_so = true;
    const hp_status st = write_text(&error);
    nameless_stay_so = false;
    assert_int_equal(st, HP_OK);
    char *now = content("text", &n);
    assert_non_null(now);
    assert_string_equal(now, "so much");
    free(now);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_are_whole_or_absent_when_any_call_fails),
        cmocka_unit_test(test_files_are_whole_when_those_without_a_name_cannot_be_given_one),
        cmocka_unit_test(test_writes_go_on_when_a_signal_interrupts_them),
        cmocka_unit_test(test_files_are_whole_or_absent_when_the_disk_is_full),
        cmocka_unit_test(test_stream_tells_when_earlier_bytes_were_lost),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
