#include "sim-bridge/carla/carla_net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SLICE_MS = 20 };

carla_wait carla_wait_for(const hp_clock *clock, double seconds, const char *what)
{
    return (carla_wait){clock, hp_clock_now_ns(clock) + (int64_t)(seconds * 1e9), what};
}

static int left_ms(const carla_wait *wait)
{
    const int64_t left = wait->until_ns - hp_clock_now_ns(wait->clock);
    return left <= 0 ? 0 : (int)((left + 999999) / 1000000);
}

/** Waits until the socket is ready; in slices, so that the clock that was given decides. */
static hp_status await(int fd, short events, const carla_wait *wait, hp_error *error)
{
    struct pollfd p = {.fd = fd, .events = events};
    int left = left_ms(wait);
    int n = poll(&p, 1, left < SLICE_MS ? left : SLICE_MS);
    while (n == 0 && left > SLICE_MS) {
        left = left_ms(wait);
        n = poll(&p, 1, left < SLICE_MS ? left : SLICE_MS);
    }
    if (n > 0) {
        return HP_OK;
    }
    if (n == 0) {
        return hp_fail(error, HP_EDEADLINE, "waited too long for %s", wait->what);
    }
    return errno == EINTR
               ? hp_fail(error, HP_EINTERRUPTED, "interrupted while waiting for %s", wait->what)
               : hp_fail(error, HP_EIO, "%s: poll: %s", wait->what, strerror(errno));
}

bool carla_net_prepare(int fd)
{
    const int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
           fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

static hp_status try_connect(int fd, const struct addrinfo *to, const carla_wait *wait,
                             hp_error *error)
{
    int failure = 0;
    socklen_t len = sizeof failure;
    if (!carla_net_prepare(fd)) {
        return hp_fail(error, HP_EIO, "%s: %s", wait->what, strerror(errno));
    }
    if (connect(fd, to->ai_addr, to->ai_addrlen) != 0) {
        if (errno != EINPROGRESS) {
            return hp_fail(error, HP_EUNAVAILABLE, "%s: %s", wait->what, strerror(errno));
        }
        const hp_status st = await(fd, POLLOUT, wait, error);
        if (st != HP_OK) {
            return st;
        }
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &len) != 0 || failure != 0) {
            return hp_fail(error, HP_EUNAVAILABLE, "%s: %s", wait->what, strerror(failure));
        }
    }
    return HP_OK;
}

hp_status carla_net_connect(const char *host, uint16_t port, const carla_wait *wait, int *fd,
                            hp_error *error)
{
    const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char service[8];
    *fd = -1;
    (void)snprintf(service, sizeof service, "%" PRIu16, port);
    const int bad = getaddrinfo(host, service, &hints, &found);
    if (bad != 0) {
        return hp_fail(error, HP_EUNAVAILABLE, "%s: host '%s': %s", wait->what, host,
                       gai_strerror(bad));
    }
    const int s = socket(AF_INET, SOCK_STREAM, 0);
    hp_status st = s >= 0 ? try_connect(s, found, wait, error)
                          : hp_fail(error, HP_EIO, "%s: socket: %s", wait->what, strerror(errno));
    freeaddrinfo(found);
    if (st != HP_OK && s >= 0) {
        (void)close(s);
    }
    *fd = st == HP_OK ? s : -1;
    return st;
}

hp_status carla_net_listen(const char *address, uint16_t *port, int *fd, hp_error *error)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(*port)};
    socklen_t len = sizeof at;
    const int on = 1;
    if (inet_pton(AF_INET, address, &at.sin_addr) != 1) {
        return hp_fail(error, HP_ECONFIG, "'%s' is no IPv4 address to listen on", address);
    }
    const int s = socket(AF_INET, SOCK_STREAM, 0);
    if (s < 0) {
        return hp_fail(error, HP_EIO, "socket: %s", strerror(errno));
    }
    (void)setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const bool bound = carla_net_prepare(s) && bind(s, (struct sockaddr *)&at, sizeof at) == 0 &&
                       listen(s, 16) == 0 && getsockname(s, (struct sockaddr *)&at, &len) == 0;
    if (!bound) {
        const int why = errno;
        (void)close(s);
        return hp_fail(error, why == EADDRINUSE ? HP_EBUSY : HP_EIO,
                       "port %u: %s (is another simulator running? choose another port)", *port,
                       strerror(why));
    }
    *port = ntohs(at.sin_port);
    *fd = s;
    return HP_OK;
}

hp_status carla_net_send(int fd, const void *bytes, size_t len, const carla_wait *wait,
                         hp_error *error)
{
    const char *p = bytes;
    while (len > 0) {
        const ssize_t n = send(fd, p, len, MSG_NOSIGNAL);
        if (n > 0) {
            p += n;
            len -= (size_t)n;
            continue;
        }
        if (errno != EAGAIN && errno != EINTR) {
            return hp_fail(error, HP_EUNAVAILABLE, "%s: the connection is gone: %s", wait->what,
                           strerror(errno));
        }
        const hp_status st = await(fd, POLLOUT, wait, error);
        if (st != HP_OK) {
            return st;
        }
    }
    return HP_OK;
}

void carla_net_close(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
        *fd = -1;
    }
}

hp_status carla_inbox_create(size_t capacity, carla_inbox *out)
{
    *out = (carla_inbox){.bytes = malloc(capacity), .capacity = capacity};
    return out->bytes != NULL ? HP_OK : HP_ENOMEM;
}

void carla_inbox_destroy(carla_inbox *inbox)
{
    free(inbox->bytes);
    *inbox = (carla_inbox){0};
}

void carla_inbox_use(carla_inbox *inbox, size_t n)
{
    inbox->begin += n;
    if (inbox->begin == inbox->end) {
        inbox->begin = inbox->end = 0;
    }
}

hp_status carla_inbox_take(carla_inbox *inbox, int fd, hp_error *error)
{
    if (inbox->end == inbox->capacity && inbox->begin > 0) {
        memmove(inbox->bytes, inbox->bytes + inbox->begin, inbox->end - inbox->begin);
        inbox->end -= inbox->begin;
        inbox->begin = 0;
    }
    if (inbox->end == inbox->capacity) {
        return hp_fail(error, HP_EFULL, "a message of more than %zu bytes", inbox->capacity);
    }
    const ssize_t n = recv(fd, inbox->bytes + inbox->end, inbox->capacity - inbox->end, 0);
    if (n > 0) {
        inbox->end += (size_t)n;
        return HP_OK;
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return HP_EAGAIN;
    }
    return hp_fail(error, HP_EUNAVAILABLE, "the peer has closed the connection%s%s",
                   n < 0 ? ": " : "", n < 0 ? strerror(errno) : "");
}

hp_status carla_inbox_fill(carla_inbox *inbox, int fd, const carla_wait *wait, hp_error *error)
{
    hp_error inner = {{0}};
    hp_status st = HP_EAGAIN;
    while (st == HP_EAGAIN) {
        st = await(fd, POLLIN, wait, error);
        if (st != HP_OK) {
            return st;
        }
        st = carla_inbox_take(inbox, fd, &inner);
    }
    return st == HP_OK ? HP_OK
                       : hp_fail(error, st, "while waiting for %s: %s", wait->what, inner.text);
}
