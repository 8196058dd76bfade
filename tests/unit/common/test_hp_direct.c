/** Direct lines: callers who send anything, say nothing, or do not listen.
 * What they share with other sockets is in test_hp_bus and test_hp_bus_hostile. */
#include "tests/unit/common/bus_fixture.h"

#include "common/hp_boxes.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

enum { CALLERS = 60, LINES = 8 };

/** Somebody's own socket at the server's path; -1: it does not get in. */
static int call_raw(const fixture *f)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    (void)snprintf(at.sun_path, sizeof at.sun_path, "%s/bridge", f->dir);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&at, sizeof at) != 0) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

static bool is_hung_up(int fd)
{
    unsigned char byte;
    return recv(fd, &byte, 1, MSG_DONTWAIT) == 0 || errno == ECONNRESET;
}

/** One look of the server at whoever is there, as hp_server does it. */
static void look(fixture *f, hp_socket *server)
{
    size_t len = 0;
    hp_peer peer;
    if (wait_readable(server, 0) == HP_OK) {
        (void)!hp_socket_receive(server, f->data, sizeof f->data, &len, &peer);
    }
}

static void test_any_bytes_arrive_as_they_are(void **state)
{
    fixture *f = *state;
    hp_socket *server = open_on(f->bus, f->base, HP_SOCKET_ROUTER, "bridge");
    const int fd = call_raw(f);
    for (size_t n = 1; n < 600; n++) {
        unsigned char noise[600];
        size_t len = 0;
        for (size_t i = 0; i < n; i++) {
            noise[i] = (unsigned char)((n * 2654435761U * (i + 1)) >> 13);
        }
        assert_int_equal(send(fd, noise, n, MSG_NOSIGNAL), n);
        assert_int_equal(wait_readable(server, PATIENCE_MS), HP_OK);
        hp_status st = HP_EAGAIN;
        while (st == HP_EAGAIN) { /* the first look lets him in */
            st = hp_socket_receive(server, f->data, sizeof f->data, &len, NULL);
        }
        assert_int_equal(st, HP_OK);
        assert_int_equal(len, n);
        assert_memory_equal(f->data, noise, n);
    }
    (void)close(fd);
    hp_socket_close(&server);
}

/** A message of nothing, and one that no part of ours could send. */
static void test_odd_messages_end_their_line_only(void **state)
{
    fixture *f = *state;
    const int most = 4 << 20;
    size_t len = 0;
    hp_socket *server = open_on(f->bus, f->base, HP_SOCKET_ROUTER, "bridge");
    hp_socket *client = open_on(f->bus, f->base, HP_SOCKET_DEALER, "bridge");
    ask(f, client, server, "before");
    const int empty = call_raw(f);
    const int big = call_raw(f);
    look(f, server);
    assert_int_equal(send(empty, "", 0, MSG_NOSIGNAL), 0);
    look(f, server);
    assert_true(is_hung_up(empty));
    (void)setsockopt(big, SOL_SOCKET, SO_SNDBUF, &most, sizeof most);
    assert_int_equal(send(big, f->data, 1001, MSG_NOSIGNAL), 1001);
    assert_int_equal(wait_readable(server, PATIENCE_MS), HP_OK);
    assert_int_equal(hp_socket_receive(server, f->data, 1000, &len, NULL), HP_EFULL);
    assert_int_equal(len, 1001);
    assert_true(is_hung_up(big));
    ask(f, client, server, "after");
    assert_int_equal(hp_socket_send(client, "", 0), HP_EINVAL);
    assert_int_equal(hp_socket_send(client, f->data, HP_BUS_MAX_MESSAGE + 1), HP_EINVAL);
    (void)close(empty);
    (void)close(big);
    hp_socket_close(&client);
    hp_socket_close(&server);
}

enum { MOST_GIFTS = 3 };

/** Sends a message and a descriptor with it, so many times. */
static void send_gifts(int fd, const char *text, int gift, size_t n)
{
    union {
        struct cmsghdr head;
        unsigned char room[CMSG_SPACE(MOST_GIFTS * sizeof(int))];
    } control = {.room = {0}};
    char copy[32];
    struct iovec body = {.iov_base = copy, .iov_len = strlen(text)};
    const struct msghdr message = {.msg_iov = &body,
                                   .msg_iovlen = 1,
                                   .msg_control = control.room,
                                   .msg_controllen = CMSG_SPACE(n * sizeof(int))};
    (void)snprintf(copy, sizeof copy, "%s", text);
    control.head = (struct cmsghdr){
        .cmsg_len = CMSG_LEN(n * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    for (size_t i = 0; i < n; i++) {
        memcpy(CMSG_DATA(&control.head) + i * sizeof(int), &gift, sizeof gift);
    }
    assert_int_equal(sendmsg(fd, &message, MSG_NOSIGNAL), strlen(text));
}

static void send_gift(int fd, const char *text, int gift)
{
    send_gifts(fd, text, gift, 1);
}

/** Descriptors that come with a message are not taken, but those of boxes, which are closed. */
static void test_descriptors_do_not_come_in(void **state)
{
    fixture *f = *state;
    hp_socket *server = open_on(f->bus, f->base, HP_SOCKET_ROUTER, "bridge");
    const int fd = call_raw(f);
    look(f, server);
    const int before = dup(STDERR_FILENO);
    (void)close(before);
    send_gift(fd, "with a gift", fd);
    expect_text(f, server, "with a gift", NULL);
    send_gift(fd, "and another", fd);
    expect_text(f, server, "and another", NULL);
    const int after = dup(STDERR_FILENO);
    (void)close(after);
    assert_int_equal(after, before);
    (void)close(fd);
    hp_socket_close(&server);
}

/** A first message may bring one, of boxes: two and more are closed as well. */
static void test_descriptors_do_not_come_in_when_they_are_many(void **state)
{
    fixture *f = *state;
    hp_socket *server = open_on(f->bus, f->base, HP_SOCKET_ROUTER, "bridge");
    for (size_t n = 1; n <= MOST_GIFTS; n++) {
        const int fd = call_raw(f);
        look(f, server);
        const int before = dup(STDERR_FILENO);
        (void)close(before);
        send_gifts(fd, "many", fd, n);
        expect_text(f, server, "many", NULL);
        const int after = dup(STDERR_FILENO);
        (void)close(after);
        assert_int_equal(after, before);
        (void)close(fd);
        look(f, server);
    }
    hp_socket_close(&server);
}

/** He writes into his boxes what he likes: that ends his line, or is noise for whoever reads it. */
static void test_liar_at_a_box_harms_himself_only(void **state)
{
    fixture *f = *state;
    hp_socket *server = open_on(f->bus, f->base, HP_SOCKET_ROUTER, "bridge");
    for (unsigned lie = 0; lie < 64; lie++) {
        hp_boxes boxes;
        int memory = -1;
        const int fd = call_raw(f);
        assert_int_equal(hp_boxes_create(&boxes, &memory), HP_OK);
        send_gift(fd, "boxes", memory);
        for (int i = 0; i < 3; i++) {
            look(f, server);
        }
        memset(boxes.out, (int)(4 * lie + 3), 400); /* counts, places and lengths */
        assert_int_equal(send(fd, "", 1, MSG_NOSIGNAL), 1);
        for (int i = 0; i < 3; i++) {
            look(f, server);
        }
        assert_true(is_hung_up(fd));
        hp_boxes_close(&boxes);
        (void)close(memory);
        (void)close(fd);
        hp_socket *client = open_on(f->bus, f->base, HP_SOCKET_DEALER, "bridge");
        ask(f, client, server, "and the others?");
        hp_socket_close(&client);
    }
    hp_socket_close(&server);
}

/** A crowd that says nothing: whoever has spoken keeps his line, and whoever comes later gets one.
 */
static void test_silent_callers_hold_nobody_up(void **state)
{
    fixture *f = *state;
    int fds[CALLERS];
    hp_socket *server = open_on(f->bus, f->base, HP_SOCKET_ROUTER, "bridge");
    hp_socket *client = open_on(f->bus, f->base, HP_SOCKET_DEALER, "bridge");
    ask(f, client, server, "before");
    size_t left = 0;
    for (int i = 0; i < CALLERS; i++) {
        fds[i] = call_raw(f);
        assert_true(fds[i] >= 0);
        look(f, server);
    }
    for (int i = 0; i < CALLERS; i++) {
        left += is_hung_up(fds[i]) ? 0 : 1;
    }
    assert_int_equal(left, LINES - 1);
    assert_true(hp_socket_connected(client));
    ask(f, client, server, "in the crowd");
    hp_socket *late = open_on(f->bus, f->base, HP_SOCKET_DEALER, "bridge");
    ask(f, late, server, "late");
    for (int i = 0; i < CALLERS; i++) {
        (void)close(fds[i]);
    }
    look(f, server);
    ask(f, client, server, "after the crowd");
    hp_socket_close(&late);
    hp_socket_close(&client);
    hp_socket_close(&server);
}

/** Without a descriptor for him a caller waits; the server sleeps meanwhile, and lets him in later.
 */
static void test_server_rests_when_descriptors_run_out(void **state)
{
    fixture *f = *state;
    struct rlimit before;
    hp_socket *server = open_on(f->bus, f->base, HP_SOCKET_ROUTER, "bridge");
    hp_socket *client = open_on(f->bus, f->base, HP_SOCKET_DEALER, "bridge");
    ask(f, client, server, "before");
    const int caller = call_raw(f);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    const int next = dup(STDERR_FILENO); /* the lowest that is free */
    (void)close(next);
    const struct rlimit none = {.rlim_cur = (rlim_t)next, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    look(f, server);
    assert_int_equal(wait_readable(server, 20), HP_EAGAIN); /* no bell that rings on and on */
    ask(f, client, server, "the others go on");
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(send(caller, "patience", 8, MSG_NOSIGNAL), 8);
    assert_int_equal(hp_socket_check(server, &f->error), HP_OK);
    assert_int_equal(wait_readable(server, PATIENCE_MS), HP_OK);
    look(f, server);
    assert_memory_equal(f->data, "patience", 8);
    (void)close(caller);
    hp_socket_close(&client);
    hp_socket_close(&server);
}

/** His queue fills, and that is his own loss. */
static void test_server_does_not_wait_for_one_who_does_not_listen(void **state)
{
    fixture *f = *state;
    hp_peer deaf;
    hp_socket *server = open_on(f->bus, f->base, HP_SOCKET_ROUTER, "bridge");
    hp_socket *client = open_on(f->bus, f->base, HP_SOCKET_DEALER, "bridge");
    hp_socket *other = open_on(f->bus, f->base, HP_SOCKET_DEALER, "bridge");
    send_patiently(client, "x", 1);
    expect_text(f, server, "x", &deaf);
    hp_status st = HP_OK;
    for (int i = 0; i < 10000 && st == HP_OK; i++) {
        st = hp_socket_send_to(server, &deaf, f->data, 4096);
    }
    assert_int_equal(st, HP_EAGAIN);
    ask(f, other, server, "and I?");
    hp_socket_close(&other);
    hp_socket_close(&client);
    hp_socket_close(&server);
}

/** Whoever waits for an answer is woken by the server's end, and knows. */
static void test_client_wakes_when_the_server_ends(void **state)
{
    fixture *f = *state;
    size_t len = 0;
    hp_socket *server = open_on(f->bus, f->base, HP_SOCKET_ROUTER, "bridge");
    hp_socket *client = open_on(f->bus, f->base, HP_SOCKET_DEALER, "bridge");
    ask(f, client, server, "before");
    assert_int_equal(wait_readable(client, 0), HP_EAGAIN);
    hp_socket_close(&server);
    assert_int_equal(wait_readable(client, PATIENCE_MS), HP_OK);
    assert_false(hp_socket_connected(client));
    assert_int_equal(hp_socket_receive(client, f->data, sizeof f->data, &len, NULL), HP_EAGAIN);
    assert_false(hp_socket_connected(client));
    assert_int_equal(wait_readable(client, 1), HP_EAGAIN); /* and there is nothing to hear */
    hp_socket_close(&client);
}

/** Both kinds in one wait, as a server with two doors has them. */
static void test_poll_tells_direct_lines_from_others(void **state)
{
    fixture *f = *state;
    char ipc[HP_BUS_ENDPOINT];
    bool ready[2];
    (void)snprintf(ipc, sizeof ipc, "ipc://%s", f->dir);
    hp_socket *servers[] = {open_on(f->bus, ipc, HP_SOCKET_ROUTER, "tap"),
                            open_on(f->bus, f->base, HP_SOCKET_ROUTER, "bridge")};
    hp_socket *clients[] = {open_on(f->bus, ipc, HP_SOCKET_DEALER, "tap"),
                            open_on(f->bus, f->base, HP_SOCKET_DEALER, "bridge")};
    for (size_t i = 0; i < 2; i++) {
        ask(f, clients[i], servers[i], "first");
    }
    assert_int_equal(hp_bus_poll(servers, ready, 2, 20), HP_EAGAIN);
    for (size_t i = 0; i < 2; i++) {
        send_patiently(clients[i], "bell", 4);
        assert_int_equal(hp_bus_poll(servers, ready, 2, PATIENCE_MS), HP_OK);
        assert_true(ready[i]);
        assert_false(ready[1 - i]);
        expect_text(f, servers[i], "bell", NULL);
    }
    for (size_t i = 0; i < 2; i++) {
        hp_socket_close(&clients[i]);
        hp_socket_close(&servers[i]);
    }
}

/** A server in a process of its own, which answers until it is killed. */
static pid_t fork_server(const fixture *f)
{
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        hp_bus *bus = NULL;
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nobody behind */
        static unsigned char bytes[64];
        char endpoint[HP_BUS_ENDPOINT];
        hp_socket *server = NULL;
        bool good = hp_bus_create(&bus) == HP_OK &&
                    hp_endpoint(f->base, "bridge", endpoint, sizeof endpoint) == HP_OK &&
                    hp_socket_open(bus, HP_SOCKET_ROUTER, endpoint, &server, NULL) == HP_OK;
        while (good) {
            bool ready = false;
            size_t len = 0;
            hp_peer peer;
            const hp_status st = hp_bus_poll(&server, &ready, 1, PATIENCE_MS);
            good = st == HP_OK || st == HP_EAGAIN;
            if (hp_socket_receive(server, bytes, sizeof bytes, &len, &peer) == HP_OK) {
                (void)!hp_socket_send_to(server, &peer, bytes, len);
            }
        }
        _exit(1);
    }
    return child;
}

static void end_server(pid_t server)
{
    assert_int_equal(kill(server, SIGKILL), 0);
    assert_int_equal(waitpid(server, NULL, 0), server);
}

static hp_socket *call_server(fixture *f)
{
    hp_socket *client = open_on(f->bus, f->base, HP_SOCKET_DEALER, "bridge");
    send_patiently(client, "hello", 5);
    expect_text(f, client, "hello", NULL);
    return client;
}

static cpu_set_t cpus_of(pid_t who)
{
    cpu_set_t set;
    assert_int_equal(sched_getaffinity(who, sizeof set, &set), 0);
    return set;
}

static void assert_cpus(pid_t who, const cpu_set_t *wanted)
{
    const cpu_set_t set = cpus_of(who);
    assert_true(CPU_EQUAL(&set, wanted));
}

/** The end of a server is seen by a look at the line at the latest. */
static void expect_cpus(fixture *f, hp_socket *client, const cpu_set_t *wanted)
{
    size_t len = 0;
    for (int waited_ms = 0; waited_ms < PATIENCE_MS; waited_ms += 10) {
        const cpu_set_t set = cpus_of(0);
        if (CPU_EQUAL(&set, wanted)) {
            return;
        }
        if (wait_readable(client, 10) == HP_OK) {
            (void)!hp_socket_receive(client, f->data, sizeof f->data, &len, NULL);
        }
    }
    fail_msg("still held");
}

/** Both ends stay on one processor for as long as the client says, and not a word longer: not if
 * the server ends meanwhile, nor, for the server, if the client does. */
static void test_ends_share_a_processor_while_they_are_held(void **state)
{
    fixture *f = *state;
    const cpu_set_t home = cpus_of(0);
    pid_t server = fork_server(f);
    hp_socket *client = call_server(f);
    hp_socket_hold(client, 0);
    const cpu_set_t here = cpus_of(0);
    assert_int_equal(CPU_COUNT(&here), 1);
    assert_cpus(server, &here);
    send_patiently(client, "near", 4);
    expect_text(f, client, "near", NULL);
    hp_socket_let_go(client);
    assert_cpus(0, &home);
    assert_cpus(server, &home);
    hp_socket_hold(client, 0);
    hp_socket_close(&client); /* with it goes the hold */
    assert_cpus(0, &home);
    assert_cpus(server, &home);

    const pid_t other = fork(); /* a client that is killed while it holds */
    assert_true(other >= 0);
    if (other == 0) {
        hp_socket_hold(call_server(f), 0);
        (void)raise(SIGKILL);
    }
    assert_int_equal(waitpid(other, NULL, 0), other);
    client = call_server(f);
    assert_cpus(server, &home);
    hp_socket_hold(client, 0);
    end_server(server);
    server = fork_server(f);
    send_patiently(client, "again", 5); /* to whomever: another server, or the dead one's box */
    expect_cpus(f, client, &home);
    hp_socket_let_go(client);
    assert_cpus(0, &home);
    hp_socket_close(&client);
    end_server(server);
}

/** Who looks out for answers leaves the server another processor, where there is one, but not if it
 * does not run there: it is waited for as long as it was going to be, and no longer. */
static void test_ends_are_apart_while_both_look_out(void **state)
{
    fixture *f = *state;
    const cpu_set_t home = cpus_of(0);
    const pid_t server = fork_server(f);
    hp_socket *client = call_server(f);
    cpu_set_t both;
    hp_socket_hold(client, 1000);
    const cpu_set_t here = cpus_of(0);
    const cpu_set_t there = cpus_of(server);
    assert_int_equal(CPU_COUNT(&here), 1);
    CPU_AND(&both, &here, &there);
    assert_int_equal(CPU_COUNT(&both), CPU_COUNT(&home) > 1 ? 0 : 1);
    for (int i = 0; i < 100; i++) {
        send_patiently(client, "apart", 5);
        expect_text(f, client, "apart", NULL);
    }
    assert_int_equal(kill(server, SIGSTOP), 0);
    send_patiently(client, "late", 4);
    assert_int_equal(wait_readable(client, 30), HP_EAGAIN);
    assert_cpus(server, &here); /* it may have this one */
    assert_int_equal(kill(server, SIGCONT), 0);
    expect_text(f, client, "late", NULL);
    hp_socket_let_go(client);
    assert_cpus(0, &home);
    assert_cpus(server, &home);
    hp_socket_hold(client, 1000);
    send_patiently(client, "lost", 4);
    end_server(server);
    for (int i = 0; i < 2; i++) { /* its answer, perhaps, and its end */
        size_t len = 0;
        assert_int_equal(wait_readable(client, PATIENCE_MS), HP_OK);
        (void)!hp_socket_receive(client, f->data, sizeof f->data, &len, NULL);
        if (!hp_socket_connected(client)) {
            break;
        }
    }
    assert_false(hp_socket_connected(client));
    hp_socket_close(&client);
    assert_cpus(0, &home);
}

/** Only questions and answers go by a direct line. */
static void test_other_patterns_are_refused(void **state)
{
    fixture *f = *state;
    static const hp_socket_kind OTHERS[] = {HP_SOCKET_PUB, HP_SOCKET_SUB, HP_SOCKET_LATEST};
    for (size_t i = 0; i < HP_ARRAY_LEN(OTHERS); i++) {
        char endpoint[HP_BUS_ENDPOINT];
        hp_socket *socket = NULL;
        assert_int_equal(hp_endpoint(f->base, "tap", endpoint, sizeof endpoint), HP_OK);
        assert_int_equal(hp_socket_open(f->bus, OTHERS[i], endpoint, &socket, &f->error),
                         HP_EINVAL);
        assert_null(socket);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIRECT_TEST(test_any_bytes_arrive_as_they_are),
        DIRECT_TEST(test_odd_messages_end_their_line_only),
        DIRECT_TEST(test_descriptors_do_not_come_in),
        DIRECT_TEST(test_descriptors_do_not_come_in_when_they_are_many),
        DIRECT_TEST(test_liar_at_a_box_harms_himself_only),
        DIRECT_TEST(test_silent_callers_hold_nobody_up),
        DIRECT_TEST(test_server_rests_when_descriptors_run_out),
        DIRECT_TEST(test_server_does_not_wait_for_one_who_does_not_listen),
        DIRECT_TEST(test_client_wakes_when_the_server_ends),
        DIRECT_TEST(test_poll_tells_direct_lines_from_others),
        DIRECT_TEST(test_ends_share_a_processor_while_they_are_held),
        DIRECT_TEST(test_ends_are_apart_while_both_look_out),
        DIRECT_TEST(test_other_patterns_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
