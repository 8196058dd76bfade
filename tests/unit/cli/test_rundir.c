#include "cli/rundir.h"
#include "common/hp_bus.h"
#include "tests/support/hp_test.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void make_place(char place[64])
{
    (void)snprintf(place, 64, "/tmp/hyplan-test-XXXXXX");
    assert_non_null(mkdtemp(place));
}

static void test_directory_is_made_with_its_parents(void **state)
{
    char place[64];
    char out[128];
    cli_rundir dir;
    hp_error error;
    struct stat st;
    (void)state;
    make_place(place);
    (void)snprintf(out, sizeof out, "%s/a/b", place);
    const cli_common common = {.out = out};
    assert_int_equal(cli_rundir_open(&common, "x", &dir, &error), HP_OK);
    assert_int_equal(stat(out, &st), 0);
    assert_int_equal(cli_rundir_open(&common, "x", &dir, &error), HP_OK); /* again: as it is */
}

/** As users have it whose group is theirs alone. */
static void test_directory_may_be_a_runs_whatever_the_umask(void **state)
{
    char place[64];
    char out[128];
    char before[512];
    cli_rundir dir;
    hp_error error = {{0}};
    int lock = -1;
    (void)state;
    make_place(place);
    (void)snprintf(out, sizeof out, "%s/a/b", place);
    const cli_common given = {.out = out};
    const cli_common fresh = {.out = NULL};
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(place), 0);
    const mode_t umask_before = umask(0002);
    assert_int_equal(cli_rundir_open(&given, "x", &dir, &error), HP_OK);
    assert_int_equal(hp_bus_lock_dir(dir.path, "run", &lock, &error), HP_OK);
    (void)close(lock);
    assert_int_equal(cli_rundir_open(&fresh, "x", &dir, &error), HP_OK);
    assert_int_equal(hp_bus_lock_dir(dir.path, "run", &lock, &error), HP_OK);
    (void)close(lock);
    (void)umask(umask_before);
    assert_int_equal(chdir(before), 0);
}

static void test_draft_becomes_a_file_unless_it_is_empty(void **state)
{
    char place[64];
    char path[128];
    char text[16] = "";
    cli_rundir dir;
    cli_draft draft;
    hp_error error;
    (void)state;
    make_place(place);
    const cli_common common = {.out = place};
    assert_int_equal(cli_rundir_open(&common, "x", &dir, &error), HP_OK);
    assert_int_equal(cli_draft_open(&draft, &error), HP_OK);
    (void)fprintf(draft.out, "%d lines", 2);
    assert_int_equal(cli_draft_write(&draft, &dir, "full", &error), HP_OK);
    assert_int_equal(cli_draft_open(&draft, &error), HP_OK);
    assert_int_equal(cli_draft_write(&draft, &dir, "empty", &error), HP_OK);
    (void)snprintf(path, sizeof path, "%s/empty", place);
    assert_int_equal(access(path, F_OK), -1);
    (void)snprintf(path, sizeof path, "%s/full", place);
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    assert_int_equal(fread(text, 1, sizeof text - 1, in), 7);
    (void)fclose(in);
    assert_string_equal(text, "2 lines");
    assert_int_equal(cli_draft_open(&draft, &error), HP_OK);
    (void)fputc('x', draft.out);
    assert_int_equal(cli_draft_write(&draft, &dir, "no/such/folder", &error), HP_EIO);
    assert_non_null(strstr(error.text, "no/such/folder"));
}

static void test_file_in_the_way_is_an_error(void **state)
{
    char place[64];
    char out[128];
    cli_rundir dir;
    hp_error error;
    (void)state;
    make_place(place);
    const cli_common parent = {.out = place};
    assert_int_equal(cli_rundir_open(&parent, "x", &dir, &error), HP_OK);
    assert_int_equal(cli_rundir_write(&dir, "file", "1", 1, &error), HP_OK);
    (void)snprintf(out, sizeof out, "%s/file", place);
    const cli_common common = {.out = out};
    assert_int_equal(cli_rundir_open(&common, "x", &dir, &error), HP_EIO);
}

static void test_writing_replaces_the_whole_file(void **state)
{
    char place[64];
    char path[CLI_PATH];
    char back[16] = "";
    cli_rundir dir;
    hp_error error;
    (void)state;
    make_place(place);
    const cli_common common = {.out = place};
    assert_int_equal(cli_rundir_open(&common, "x", &dir, &error), HP_OK);
    assert_int_equal(cli_rundir_write(&dir, "f", "long text", 9, &error), HP_OK);
    assert_int_equal(cli_rundir_write(&dir, "f", "ab", 2, &error), HP_OK);
    assert_true(cli_rundir_path(&dir, "f", path));
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    assert_int_equal(fread(back, 1, sizeof back, in), 2);
    (void)fclose(in);
    (void)snprintf(path, sizeof path, "%s/f.%ld.tmp", place, (long)getpid());
    assert_int_not_equal(access(path, F_OK), 0);
}

enum { ROUNDS = 60, MOST_BYTES = 200000 };

/** Writes n bytes of a letter again and again; returns how often that failed. */
static int write_on(const cli_rundir *dir, char letter, size_t n)
{
    static char text[MOST_BYTES];
    int failed = 0;
    memset(text, letter, n);
    for (int i = 0; i < ROUNDS; i++) {
        hp_error error;
        failed += cli_rundir_write(dir, "f", text, n, &error) != HP_OK ? 1 : 0;
    }
    return failed;
}

/** As when two onlookers change a threshold, or make the same page. */
static void test_writing_leaves_one_whole_file_when_two_processes_write_it(void **state)
{
    static char back[MOST_BYTES + 1];
    char place[64];
    char path[CLI_PATH];
    cli_rundir dir;
    hp_error error;
    int status = -1;
    (void)state;
    make_place(place);
    const cli_common common = {.out = place};
    assert_int_equal(cli_rundir_open(&common, "x", &dir, &error), HP_OK);
    const pid_t other = fork();
    assert_true(other >= 0);
    if (other == 0) {
        _exit(write_on(&dir, 'a', MOST_BYTES) == 0 ? 0 : 1);
    }
    assert_int_equal(write_on(&dir, 'b', MOST_BYTES / 2), 0);
    assert_int_equal(waitpid(other, &status, 0), other);
    assert_int_equal(status, 0);
    assert_true(cli_rundir_path(&dir, "f", path));
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    const size_t n = fread(back, 1, sizeof back, in);
    (void)fclose(in);
    assert_true(n == (back[0] == 'a' ? MOST_BYTES : MOST_BYTES / 2));
    for (size_t i = 1; i < n; i++) {
        assert_true(back[i] == back[0]);
    }
}

static int entries(const char *path)
{
    int n = 0;
    DIR *all = opendir(path);
    assert_non_null(all);
    for (const struct dirent *e = readdir(all); e != NULL; e = readdir(all)) {
        n += e->d_name[0] != '.';
    }
    (void)closedir(all);
    return n;
}

/** The kernel ends a process that writes more than it may: here, in the middle of a file. */
static void test_writing_leaves_nothing_when_the_process_is_killed(void **state)
{
    static char much[1 << 16];
    const struct rlimit little = {.rlim_cur = sizeof much / 2, .rlim_max = sizeof much / 2};
    char place[64];
    char path[CLI_PATH];
    char back[16] = "";
    cli_rundir dir;
    hp_error error;
    int how = 0;
    (void)state;
    make_place(place);
    const cli_common common = {.out = place};
    assert_int_equal(cli_rundir_open(&common, "x", &dir, &error), HP_OK);
    const int probe = open(place, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
    if (probe < 0) {
        skip(); /* this file system keeps whatever is written */
    }
    (void)close(probe);
    assert_int_equal(cli_rundir_write(&dir, "f", "before", 6, &error), HP_OK);
    const int before = entries(place);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)setrlimit(RLIMIT_FSIZE, &little);
        (void)!cli_rundir_write(&dir, "f", much, sizeof much, &error);
        _exit(1);
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGXFSZ);
    assert_int_equal(entries(place), before);
    assert_true(cli_rundir_path(&dir, "f", path));
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    assert_int_equal(fread(back, 1, sizeof back, in), 6);
    (void)fclose(in);
    assert_string_equal(back, "before");
}

static void test_manifest_holds_what_a_run_was(void **state)
{
    static cli_config config;
    static const char *const KEYS[] = {"version", "build", "isa",         "host",  "seed",
                                       "start",   "end",   "config_hash", "config"};
    char place[64];
    char path[CLI_PATH];
    cli_rundir dir;
    hp_error error;
    (void)state;
    make_place(place);
    const cli_common common = {.out = place, .seed = 42};
    cli_config_default(&config);
    assert_int_equal(cli_rundir_open(&common, "x", &dir, &error), HP_OK);
    assert_int_equal(cli_rundir_manifest(&dir, &common, &config, "done", &error), HP_OK);
    assert_true(cli_rundir_path(&dir, "manifest.json", path));
    json_t *json = json_load_file(path, 0, NULL);
    assert_non_null(json);
    for (size_t i = 0; i < HP_ARRAY_LEN(KEYS); i++) {
        assert_non_null(json_object_get(json, KEYS[i]));
    }
    assert_int_equal(json_integer_value(json_object_get(json, "seed")), 42);
    assert_string_equal(json_string_value(json_object_get(json, "verdict")), "done");
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_directory_is_made_with_its_parents),
        cmocka_unit_test(test_directory_may_be_a_runs_whatever_the_umask),
        cmocka_unit_test(test_draft_becomes_a_file_unless_it_is_empty),
        cmocka_unit_test(test_file_in_the_way_is_an_error),
        cmocka_unit_test(test_writing_replaces_the_whole_file),
        cmocka_unit_test(test_writing_leaves_one_whole_file_when_two_processes_write_it),
        cmocka_unit_test(test_writing_leaves_nothing_when_the_process_is_killed),
        cmocka_unit_test(test_manifest_holds_what_a_run_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
