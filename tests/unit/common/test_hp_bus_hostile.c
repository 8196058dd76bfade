/** The bus against hostile bytes, squatters and second instances. */
#include "tests/unit/common/bus_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <zmq.h>

enum { SILENT_CALLERS = 200 };

static void *raw_dealer(void *context, const fixture *f, const char *identity)
{
    char endpoint[HP_BUS_ENDPOINT];
    const int linger_ms = 0;
    void *raw = zmq_socket(context, ZMQ_DEALER);
    assert_int_equal(hp_endpoint(f->base, "bridge", endpoint, sizeof endpoint), HP_OK);
    (void)zmq_setsockopt(raw, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    if (identity != NULL) {
        (void)zmq_setsockopt(raw, ZMQ_IDENTITY, identity, strlen(identity));
    }
    assert_int_equal(zmq_connect(raw, endpoint), 0);
    return raw;
}

static void test_oversize_cuts_the_sender_only(void **state)
{
    fixture *f = *state;
    hp_socket *server = open_on(f->bus, f->base, HP_SOCKET_ROUTER, "bridge");
    hp_socket *client = open_on(f->bus, f->base, HP_SOCKET_DEALER, "bridge");
    ask(f, client, server, "before");
    void *context = zmq_ctx_new();
    void *raw = raw_dealer(context, f, NULL);
    unsigned char *big = calloc(1, HP_BUS_MAX_MESSAGE + 1);
    assert_non_null(big);
    assert_true(zmq_send(raw, big, HP_BUS_MAX_MESSAGE + 1, 0) > 0);
    free(big);
    assert_int_equal(wait_readable(server, 200), HP_EAGAIN);
    ask(f, client, server, "after");
    (void)zmq_close(raw);
    (void)zmq_ctx_term(context);
    hp_socket_close(&client);
    hp_socket_close(&server);
}

static void test_odd_parts_are_drained(void **state)
{
    fixture *f = *state;
    hp_socket *server = open_on(f->bus, f->base, HP_SOCKET_ROUTER, "bridge");
    void *context = zmq_ctx_new();
    void *raw = raw_dealer(context, f, NULL);
    size_t len = 0;
    for (int i = 0; i < 3; ++i) {
        assert_int_equal(zmq_send(raw, "part", 4, i < 2 ? ZMQ_SNDMORE : 0), 4);
    }
    assert_int_equal(zmq_send(raw, "good", 4, 0), 4);
    assert_int_equal(wait_readable(server, PATIENCE_MS), HP_OK);
    assert_int_equal(hp_socket_receive(server, f->data, sizeof f->data, &len, NULL), HP_EWIRE);
    expect_text(f, server, "good", NULL);
    (void)zmq_close(raw);
    raw = raw_dealer(context, f, "a name of more than thirty-two bytes");
    assert_int_equal(zmq_send(raw, "named", 5, 0), 5);
    assert_int_equal(wait_readable(server, PATIENCE_MS), HP_OK);
    hp_peer peer;
    assert_int_equal(hp_socket_receive(server, f->data, sizeof f->data, &len, &peer), HP_EWIRE);
    assert_int_equal(hp_socket_receive(server, f->data, sizeof f->data, &len, &peer), HP_EAGAIN);
    (void)zmq_close(raw);
    (void)zmq_ctx_term(context);
    hp_socket_close(&server);
}

static void test_single_parts_on_the_tap_are_refused(void **state)
{
    fixture *f = *state;
    hp_socket *pub = open_on(f->bus, f->base, HP_SOCKET_PUB, "tap");
    hp_socket *sub = open_on(f->bus, f->base, HP_SOCKET_SUB, "tap");
    publish_until_heard(pub, sub);
    char topic[16];
    size_t len = 0;
    while (hp_socket_receive_topic(sub, topic, sizeof topic, f->data, 64, &len) == HP_OK) {
    }
    assert_int_equal(hp_socket_send(pub, "alone", 5), HP_OK);
    hp_status status = HP_OK;
    for (int i = 0; i < 100 && status == HP_OK; ++i) { /* late ones of before may come first */
        assert_int_equal(wait_readable(sub, PATIENCE_MS), HP_OK);
        status = hp_socket_receive_topic(sub, topic, sizeof topic, f->data, 64, &len);
    }
    assert_int_equal(status, HP_EWIRE);
    assert_int_equal(hp_socket_publish(pub, "new\nline", "abc", 3, 0), HP_OK);
    assert_int_equal(wait_readable(sub, PATIENCE_MS), HP_OK);
    assert_int_equal(hp_socket_receive_topic(sub, topic, sizeof topic, f->data, 64, &len),
                     HP_EWIRE);
    hp_socket_close(&sub);
    hp_socket_close(&pub);
}

static int connect_raw(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/** libzmq also speaks with peers of its first protocol, which has no greeting: some noise arrives
 * as messages, which the codec refuses. Nothing else may come of it. */
static void test_random_bytes_do_no_harm(void **state)
{
    fixture *f = *state;
    hp_socket *server = open_on(f->bus, f->base, HP_SOCKET_ROUTER, "bridge");
    char path[96];
    (void)snprintf(path, sizeof path, "%s/bridge", f->dir);
    for (unsigned round = 0; round < 50; ++round) {
        const int fd = connect_raw(path);
        unsigned char noise[512];
        for (size_t i = 0; i < sizeof noise; ++i) {
            noise[i] = (unsigned char)(((round + 1) * 2654435761u * (unsigned)(i + 1)) >> 13);
        }
        if (round % 2 == 0) {
            noise[0] = 0xff; /* what a greeting begins with */
        }
        (void)send(fd, noise, sizeof noise, MSG_NOSIGNAL);
        (void)close(fd);
    }
    while (wait_readable(server, 100) == HP_OK) {
        size_t len = 0;
        const hp_status status = hp_socket_receive(server, f->data, sizeof f->data, &len, NULL);
        assert_true(status == HP_OK || status == HP_EWIRE);
        assert_true(len <= 512);
    }
    hp_socket *client = open_on(f->bus, f->base, HP_SOCKET_DEALER, "bridge");
    ask(f, client, server, "still there?");
    hp_socket_close(&client);
    hp_socket_close(&server);
}

/* ---- Files ---- */

static void test_socket_file_is_private(void **state)
{
    fixture *f = *state;
    const mode_t before = umask(0);
    hp_socket *server = open_on(f->bus, f->base, HP_SOCKET_ROUTER, "bridge");
    assert_int_equal(umask(before), 0); /* as it was found */
    char path[96];
    struct stat st;
    (void)snprintf(path, sizeof path, "%s/bridge", f->dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0077, 0);
    hp_socket_close(&server);
}

static void test_only_dead_sockets_are_replaced(void **state)
{
    fixture *f = *state;
    char path[96];
    char endpoint[HP_BUS_ENDPOINT];
    (void)snprintf(path, sizeof path, "%s/bridge", f->dir);
    assert_int_equal(hp_endpoint(f->base, "bridge", endpoint, sizeof endpoint), HP_OK);
    hp_socket *server = open_on(f->bus, f->base, HP_SOCKET_ROUTER, "bridge");
    hp_socket *second = NULL;
    hp_bus *other = NULL;
    assert_int_equal(hp_bus_create(&other), HP_OK);
    assert_int_equal(hp_socket_open(other, HP_SOCKET_ROUTER, endpoint, &second, &f->error),
                     HP_EBUSY);
    assert_non_null(strstr(f->error.text, "another process serves this socket"));
    hp_socket *client = open_on(f->bus, f->base, HP_SOCKET_DEALER, "bridge");
    ask(f, client, server, "not disturbed?");
    hp_socket_close(&client);
    hp_socket_close(&server);
    hp_bus_destroy(&other);

    const int file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    (void)close(file);
    assert_int_equal(hp_socket_open(f->bus, HP_SOCKET_ROUTER, endpoint, &second, &f->error),
                     HP_EIO);
    assert_non_null(strstr(f->error.text, "is no socket"));
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(unlink(path), 0);
}

static void test_stale_socket_is_bound_again(void **state)
{
    fixture *f = *state;
    char path[96];
    (void)snprintf(path, sizeof path, "%s/bridge", f->dir);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    (void)close(fd); /* as a killed server leaves it */
    hp_socket *server = open_on(f->bus, f->base, HP_SOCKET_ROUTER, "bridge");
    hp_socket *client = open_on(f->bus, f->base, HP_SOCKET_DEALER, "bridge");
    ask(f, client, server, "alive?");
    hp_socket_close(&client);
    hp_socket_close(&server);
}

/** Somebody put a socket of his own at our path: old friends stay, and we notice. */
static void test_socket_tells_when_its_endpoint_is_squatted(void **state)
{
    fixture *f = *state;
    char path[96];
    hp_bus *squatter = NULL;
    hp_socket *server = open_on(f->bus, f->base, HP_SOCKET_ROUTER, "bridge");
    hp_socket *client = open_on(f->bus, f->base, HP_SOCKET_DEALER, "bridge");
    ask(f, client, server, "before");
    assert_int_equal(hp_socket_check(server, &f->error), HP_OK);
    (void)snprintf(path, sizeof path, "%s/bridge", f->dir);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(hp_bus_create(&squatter), HP_OK);
    hp_socket *other = open_on(squatter, f->base, HP_SOCKET_ROUTER, "bridge");
    assert_int_equal(hp_socket_check(server, &f->error), HP_EBUSY);
    assert_non_null(strstr(f->error.text, "another process serves this socket"));
    assert_int_equal(hp_socket_check(server, &f->error), HP_EBUSY); /* and goes on noticing */
    ask(f, client, server, "still here");
    hp_socket_close(&other);
    hp_bus_destroy(&squatter);
    hp_socket_close(&client);
    hp_socket_close(&server);
}

static void test_socket_is_bound_again_when_its_file_has_vanished(void **state)
{
    fixture *f = *state;
    char path[96];
    hp_socket *server = open_on(f->bus, f->base, HP_SOCKET_ROUTER, "bridge");
    (void)snprintf(path, sizeof path, "%s/bridge", f->dir);
    assert_int_equal(unlink(path), 0);
    f->error.text[0] = '\0';
    assert_int_equal(hp_socket_check(server, &f->error), HP_OK);
    assert_non_null(strstr(f->error.text, "bound again"));
    hp_socket *client = open_on(f->bus, f->base, HP_SOCKET_DEALER, "bridge");
    ask(f, client, server, "found again");
    f->error.text[0] = '\0';
    assert_int_equal(hp_socket_check(server, &f->error), HP_OK);
    assert_string_equal(f->error.text, "");
    hp_socket_close(&client);
    hp_socket_close(&server);
}

static void test_second_instance_is_told_the_pid(void **state)
{
    fixture *f = *state;
    int ready[2];
    int done[2];
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(done), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char byte = 0;
        int fd = -1;
        const hp_status status = hp_bus_lock_dir(f->dir, "planner", &fd, NULL);
        (void)close(done[1]);
        (void)!write(ready[1], &byte, 1);
        (void)!read(done[0], &byte, 1); /* holds the lock until then */
        _exit(status == HP_OK ? 0 : 1);
    }
    char byte = 0;
    int fd = -1;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    const hp_status status = hp_bus_lock_dir(f->dir, "planner", &fd, &f->error);
    int exit_status = -1;
    assert_int_equal(write(done[1], &byte, 1), 1);
    assert_int_equal(waitpid(child, &exit_status, 0), child);
    assert_int_equal(exit_status, 0);
    char pid[32];
    (void)snprintf(pid, sizeof pid, "(pid %ld)", (long)child);
    assert_int_equal(status, HP_EBUSY);
    assert_non_null(strstr(f->error.text, pid));
    assert_int_equal(hp_bus_lock_dir(f->dir, "planner", &fd, &f->error), HP_OK); /* it is gone */
    (void)close(fd);
    for (int i = 0; i < 2; ++i) {
        (void)close(ready[i]);
        (void)close(done[i]);
    }
}

static void test_run_directory_must_be_ours(void **state)
{
    fixture *f = *state;
    char path[96];
    int fd = -1;
    struct stat st;
    (void)snprintf(path, sizeof path, "%s/link", f->dir);
    assert_int_equal(symlink(f->dir, path), 0);
    assert_int_equal(hp_bus_lock_dir(path, "planner", &fd, &f->error), HP_EIO);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(chmod(f->dir, 0770), 0);
    assert_int_equal(hp_bus_lock_dir(f->dir, "planner", &fd, &f->error), HP_EIO);
    assert_non_null(strstr(f->error.text, "others may write"));
    assert_int_equal(chmod(f->dir, 0700), 0);
    assert_int_equal(hp_bus_lock_dir(f->dir, "../x", &fd, &f->error), HP_EINVAL);
    (void)snprintf(path, sizeof path, "%s/none/new", f->dir);
    assert_int_equal(hp_bus_lock_dir(path, "planner", &fd, &f->error), HP_EIO);
    assert_int_equal(fd, -1);
    (void)snprintf(path, sizeof path, "%s/new", f->dir);
    assert_int_equal(hp_bus_lock_dir(path, "planner", &fd, &f->error), HP_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    (void)close(fd);
    (void)snprintf(path, sizeof path, "%s/new/planner.lock", f->dir);
    assert_int_equal(unlink(path), 0);
    (void)snprintf(path, sizeof path, "%s/new", f->dir);
    assert_int_equal(rmdir(path), 0);
}

/* ---- Callers who say nothing ---- */

static int call_silently(const char *dir)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)snprintf(at.sun_path, sizeof at.sun_path, "%s/bridge", dir);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&at, sizeof at) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

/** Calls, says nothing, and hears the other side's greeting to its end. */
static bool is_hung_up(int fd)
{
    unsigned char bytes[256];
    ssize_t n = 1;
    while (n > 0) {
        n = recv(fd, bytes, sizeof bytes, 0);
    }
    return n == 0 || errno == ECONNRESET;
}

/** So many callers in a process of their own, all at once; its end tells that all were hung up on.
 */
static pid_t flood(const char *dir, int callers, int *ready_fd)
{
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int fds[SILENT_CALLERS];
        bool good = true;
        for (int i = 0; i < callers; ++i) {
            fds[i] = call_silently(dir);
        }
        (void)!write(ready[1], "x", 1);
        for (int i = 0; i < callers; ++i) {
            good = (fds[i] < 0 || is_hung_up(fds[i])) && good;
        }
        _exit(good ? 0 : 1);
    }
    (void)close(ready[1]);
    *ready_fd = ready[0];
    return child;
}

static void flood_and_ask(fixture *f, hp_socket *server, hp_socket *client, int callers)
{
    char byte = 0;
    int ready_fd = -1;
    int status = -1;
    const pid_t child = flood(f->dir, callers, &ready_fd);
    assert_int_equal(read(ready_fd, &byte, 1), 1);
    ask(f, client, server, "in the crowd");
    assert_int_equal(waitpid(child, &status, 0), child); /* all of them are dropped in the end */
    assert_int_equal(status, 0);
    ask(f, client, server, "after the crowd");
    (void)close(ready_fd);
}

static void test_silent_callers_are_dropped_and_hold_nobody_up(void **state)
{
    fixture *f = *state;
    hp_socket *server = open_on(f->bus, f->base, HP_SOCKET_ROUTER, "bridge");
    hp_socket *client = open_on(f->bus, f->base, HP_SOCKET_DEALER, "bridge");
    ask(f, client, server, "before");
    flood_and_ask(f, server, client, SILENT_CALLERS);
    hp_socket_close(&client);
    hp_socket_close(&server);
}

static void test_silent_callers_do_no_harm_when_descriptors_run_out(void **state)
{
    fixture *f = *state;
    struct rlimit before;
    hp_socket *server = open_on(f->bus, f->base, HP_SOCKET_ROUTER, "bridge");
    hp_socket *client = open_on(f->bus, f->base, HP_SOCKET_DEALER, "bridge");
    ask(f, client, server, "before");
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    const int next = dup(STDERR_FILENO); /* the lowest that is free */
    (void)close(next);
    const struct rlimit few = {.rlim_cur = (rlim_t)next + 40, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    flood_and_ask(f, server, client, SILENT_CALLERS);
    /* A new caller of ours gets in once they are gone. */
    hp_socket *late = open_on(f->bus, f->base, HP_SOCKET_DEALER, "bridge");
    ask(f, late, server, "late");
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    hp_socket_close(&late);
    hp_socket_close(&client);
    hp_socket_close(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BUS_TEST(test_oversize_cuts_the_sender_only),
        BUS_TEST(test_odd_parts_are_drained),
        BUS_TEST(test_single_parts_on_the_tap_are_refused),
        BUS_TEST(test_random_bytes_do_no_harm),
        BUS_TEST(test_socket_file_is_private),
        BUS_TEST(test_only_dead_sockets_are_replaced),
        BUS_TEST(test_stale_socket_is_bound_again),
        BUS_TEST(test_socket_tells_when_its_endpoint_is_squatted),
        BUS_TEST(test_socket_is_bound_again_when_its_file_has_vanished),
        DIRECT_TEST(test_socket_file_is_private),
        DIRECT_TEST(test_only_dead_sockets_are_replaced),
        DIRECT_TEST(test_stale_socket_is_bound_again),
        DIRECT_TEST(test_socket_tells_when_its_endpoint_is_squatted),
        DIRECT_TEST(test_socket_is_bound_again_when_its_file_has_vanished),
        BUS_TEST(test_second_instance_is_told_the_pid),
        BUS_TEST(test_run_directory_must_be_ours),
        BUS_TEST(test_silent_callers_are_dropped_and_hold_nobody_up),
        BUS_TEST(test_silent_callers_do_no_harm_when_descriptors_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
