/* A run whose parts meet over tcp: the same commands as by files, nothing secret in what it leaves,
 * and no second one at the same ports. */
#include "tests/pipeline/run_rig.h"

#include "common/hp_keys.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRIALS "pomdp.budget.trials=12"

typedef struct fixture {
    char dir[64], keys[80];
    char address[32];
    hp_keys ours;
} fixture;

static bool is_free(int port)
{
    const int again = 1;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool is = fd >= 0 &&
                    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &again, sizeof again) == 0 &&
                    bind(fd, (const struct sockaddr *)&at, sizeof at) == 0;
    (void)close(fd);
    return is;
}

/** The first of so many ports as a run needs, all free; where one looks first differs from process
 * to process, so that two that look at the same time do not find the same. */
static int find_ports(void)
{
    enum { NEEDED = 6, BLOCK = 16, BLOCKS = 500 };
    for (int i = 0; i < BLOCKS; i++) {
        const int first = 20000 + ((int)getpid() + i) % BLOCKS * BLOCK;
        int n = 0;
        while (n < NEEDED && is_free(first + n)) {
            n++;
        }
        if (n == NEEDED) {
            return first;
        }
    }
    fail_msg("no free ports");
    return 0;
}

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    hp_error error = {{0}};
    if (f == NULL) {
        return -1;
    }
    (void)snprintf(f->dir, sizeof f->dir, "/tmp/hyplan-tcp-XXXXXX");
    if (mkdtemp(f->dir) == NULL) {
        return -1;
    }
    (void)snprintf(f->keys, sizeof f->keys, "%s/keys", f->dir);
    (void)snprintf(f->address, sizeof f->address, "127.0.0.1:%d", find_ports());
    if (hp_keys_make(f->keys, NULL, &error) != HP_OK ||
        hp_keys_load(f->keys, &f->ours, &error) != HP_OK) {
        return -1;
    }
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    static const char *const FILES[] = {"secret", "public", "server", "allowed"};
    char path[128];
    for (size_t i = 0; i < HP_ARRAY_LEN(FILES); i++) {
        (void)snprintf(path, sizeof path, "%s/%s", f->keys, FILES[i]);
        (void)unlink(path);
    }
    (void)rmdir(f->keys);
    const int rc = rmdir(f->dir);
    free(f);
    return rc;
}

/** Whether a file holds these bytes anywhere. */
static bool holds(const char *path, const char *text)
{
    static char bytes[1 << 16];
    size_t kept = 0;
    bool found = false;
    FILE *in = fopen(path, "r");
    while (in != NULL && !found) {
        const size_t n = fread(bytes + kept, 1, sizeof bytes - kept, in);
        if (n == 0) {
            break;
        }
        const size_t len = kept + n;
        for (size_t i = 0; i + strlen(text) <= len && !found; i++) {
            found = memcmp(bytes + i, text, strlen(text)) == 0;
        }
        kept = len < strlen(text) ? len : strlen(text) - 1;
        memmove(bytes, bytes + len - kept, kept);
    }
    if (in != NULL) {
        (void)fclose(in);
    }
    return found;
}

static unsigned files_that_hold(const char *dir, const char *text)
{
    unsigned n = 0;
    DIR *entries = opendir(dir);
    assert_non_null(entries);
    for (const struct dirent *e = readdir(entries); e != NULL; e = readdir(entries)) {
        char path[RIG_PATH + 300];
        (void)snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        n += holds(path, text);
    }
    (void)closedir(entries);
    return n;
}

static void command_hash(rig *r, const char *const *args, char *hash, size_t cap)
{
    (void)rig_run(r, args);
    json_t *summary = rig_json(r, "summary.json");
    rig_text(summary, "command_hash", hash, cap);
    assert_true(rig_number(summary, "fallbacks/search") <= 0.0);
    json_decref(summary);
}

static void test_run_is_the_same_over_tcp_and_leaves_no_secret(void **state)
{
    const fixture *f = *state;
    rig far = {.pid = 0};
    rig near = {.pid = 0};
    char hashes[2][48];
    const char *const by_tcp[] = {"--scenario", "cts/03", "--set", TRIALS, "--tcp",
                                  f->address,   "--keys", f->keys, NULL};
    const char *const by_files[] = {"--scenario", "cts/03", "--set", TRIALS, NULL};
    rig_set_up(&far);
    rig_set_up(&near);
    command_hash(&far, by_tcp, hashes[0], sizeof hashes[0]);
    command_hash(&near, by_files, hashes[1], sizeof hashes[1]);
    assert_string_equal(hashes[0], hashes[1]);
    assert_true(files_that_hold(far.dir, "planner calls (generation 1)") == 1); /* it does look */
    assert_int_equal(files_that_hold(far.dir, f->ours.secret), 0);
    rig_tear_down(&far);
    rig_tear_down(&near);
}

static void test_second_run_is_refused_when_the_ports_are_taken(void **state)
{
    const fixture *f = *state;
    rig first = {.pid = 0};
    rig second = {.pid = 0};
    const char *const args[] = {"--scenario", "cts/03",     "--set", TRIALS,
                                "--realtime", "--episodes", "100",   "--tcp",
                                f->address,   "--keys",     f->keys, NULL};
    rig_set_up(&first);
    rig_set_up(&second);
    rig_start(&first, NULL, args);
    rig_wait_log(&first, "episode 0 begins");
    assert_int_equal(rig_run(&second, args), CLI_ENVIRONMENT);
    assert_true(rig_log_has(&second, "Address already in use"));
    assert_false(rig_log_has(&first, "refused"));
    rig_signal(&first, SIGTERM);
    (void)rig_wait(&first);
    rig_tear_down(&second);
    rig_tear_down(&first);
}

static void test_run_is_refused_when_keys_are_open_or_missing(void **state)
{
    const fixture *f = *state;
    rig r = {.pid = 0};
    const char *const alone[] = {"--scenario", "cts/03", "--tcp", f->address, NULL};
    const char *const nowhere[] = {"--scenario", "cts/03",        "--tcp", f->address,
                                   "--keys",     "/tmp/hyplan-0", NULL};
    rig_set_up(&r);
    assert_int_equal(rig_run(&r, alone), CLI_USAGE);
    assert_int_equal(rig_run(&r, nowhere), CLI_USAGE);
    rig_tear_down(&r);
}

/** Dies in a directory where it may leave a dump, with keys or without. */
static void die(const fixture *f, bool keys)
{
    static hp_host host;
    hp_error error;
    struct rlimit core;
    const hp_place place = {.sockets = keys ? "tcp://127.0.0.1:1" : f->dir,
                            .keys = keys ? f->keys : NULL};
    if (chdir(f->dir) != 0 || getrlimit(RLIMIT_CORE, &core) != 0) {
        _exit(2);
    }
    core.rlim_cur = core.rlim_max;
    if (setrlimit(RLIMIT_CORE, &core) != 0 ||
        hp_host_open(&host, HP_ROLE_PLANNER, 1, &place, stderr, &error) != HP_OK) {
        _exit(3);
    }
    if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != (keys ? 0 : 1)) {
        _exit(4);
    }
    abort();
}

/** The status with which it ended. */
static int death(const fixture *f, bool keys)
{
    int status = 0;
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        die(f, keys);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static unsigned cores_in(const char *dir)
{
    unsigned n = 0;
    DIR *entries = opendir(dir);
    assert_non_null(entries);
    for (const struct dirent *e = readdir(entries); e != NULL; e = readdir(entries)) {
        if (strncmp(e->d_name, "core", 4) == 0) {
            n++;
            assert_int_equal(unlinkat(dirfd(entries), e->d_name, 0), 0);
        }
    }
    (void)closedir(entries);
    return n;
}

static void test_process_leaves_no_dump_when_it_holds_keys(void **state)
{
    const fixture *f = *state;
    const int open_status = death(f, false);
    assert_true(WIFSIGNALED(open_status));
    assert_int_equal(WTERMSIG(open_status), SIGABRT);
    print_message("without keys: %s\n",
                  WCOREDUMP(open_status) ? "a dump" : "no dump either (the machine forbids them)");
    (void)cores_in(f->dir);
    const int status = death(f, true);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_false(WCOREDUMP(status));
    assert_int_equal(cores_in(f->dir), 0);
}

int main(void)
{
#define TCP_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TCP_TEST(test_run_is_the_same_over_tcp_and_leaves_no_secret),
        TCP_TEST(test_second_run_is_refused_when_the_ports_are_taken),
        TCP_TEST(test_run_is_refused_when_keys_are_open_or_missing),
        TCP_TEST(test_process_leaves_no_dump_when_it_holds_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
