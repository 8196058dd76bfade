#include "tests/pipeline/view_rig.h"

#include "tests/support/hp_test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- The program ---- */

void view_rig_start(view_rig *f, const char *dir)
{
    int out[2];
    char line[128] = "";
    assert_int_equal(pipe(out), 0);
    f->view = fork();
    assert_true(f->view >= 0);
    if (f->view == 0) {
        (void)dup2(out[1], STDOUT_FILENO);
        (void)execl(HYPLAN_BIN "/hyplan-view", "hyplan-view", dir, "--port", "0", (char *)NULL);
        _exit(127);
    }
    (void)close(out[1]);
    FILE *in = fdopen(out[0], "r");
    assert_non_null(in);
    assert_non_null(fgets(line, sizeof line, in));
    (void)fclose(in);
    const char *colon = strrchr(line, ':');
    assert_non_null(colon);
    f->port = (uint16_t)strtoul(colon + 1, NULL, 10);
    assert_true(f->port > 0);
    const char *hash = strchr(line, '#');
    assert_non_null(hash);
    (void)snprintf(f->key, sizeof f->key, "%.*s", (int)strcspn(hash + 1, "\n"), hash + 1);
    assert_int_equal(strlen(f->key), 32);
}

int view_rig_set_up(void **state)
{
    view_rig *f = calloc(1, sizeof *f);
    assert_non_null(f);
    fake_tap_open(&f->tap);
    view_rig_start(f, f->tap.dir);
    *state = f;
    return 0;
}

int view_rig_tear_down(void **state)
{
    view_rig *f = *state;
    int status = 0;
    (void)kill(f->view, SIGTERM);
    assert_int_equal(waitpid(f->view, &status, 0), f->view);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0); /* whatever was done to it */
    fake_tap_close(&f->tap, NULL, 0);
    free(f);
    return 0;
}

/* ---- A client ---- */

int view_rig_dial(const view_rig *f)
{
    const struct timeval patience = {VIEW_PATIENCE_S, 0};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(f->port)};
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

void view_rig_say(int fd, const void *bytes, size_t len)
{
    assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

int view_rig_ask(view_rig *f, const char *request)
{
    const int fd = view_rig_dial(f);
    view_rig_say(fd, request, strlen(request));
    f->len = 0;
    ssize_t n = 1;
    while (n > 0 && f->len < VIEW_ANSWER - 1) {
        do { /* the view may tell us by a signal */
            n = recv(fd, f->answer + f->len, VIEW_ANSWER - 1 - f->len, 0);
        } while (n < 0 && errno == EINTR);
        f->len += n > 0 ? (size_t)n : 0;
        f->answer[f->len] = '\0';
        const char *body = strstr(f->answer, "\r\n\r\n");
        const char *length = strcasestr(f->answer, "content-length:");
        if (body != NULL && length != NULL && strlen(body + 4) >= strtoul(length + 15, NULL, 10)) {
            break; /* all there, whether the connection closes or not */
        }
    }
    (void)close(fd);
    assert_true(f->len > 12);
    return (int)strtol(f->answer + 9, NULL, 10);
}

int view_rig_get(view_rig *f, const char *path, const char *host)
{
    char request[256];
    (void)snprintf(request, sizeof request,
                   "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, host);
    return view_rig_ask(f, request);
}

const char *view_rig_body(const view_rig *f)
{
    const char *body = strstr(f->answer, "\r\n\r\n");
    assert_non_null(body);
    return body + 4;
}
