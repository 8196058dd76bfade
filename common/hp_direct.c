#include "common/hp_direct.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    LINES = 8,     /* that a server holds */
    AT_DOOR = 128, /* callers let in at once, more than can wait */
    LOOKS = 32,    /* for a message among lines that turn out to be dead, in one receive */
    ENTRY = LINES, /* the listening socket's number among the events */
    DOWN = -1,
};

typedef struct line {
    int fd; /* DOWN: free */
    uint64_t number;
    uint64_t heard; /* count of words when it last said one; 0: it never has */
} line;

struct hp_direct {
    hp_bus_file file; /* server: ours; client: the server's */
    int fd;           /* server: listens; client: the line */
    int events;       /* server: of all lines; client: DOWN */
    uint64_t callers, words;
    line lines[LINES];
    struct epoll_event next;
    bool rings;     /* next has happened */
    cpu_set_t home; /* where the server may run; a client knows it once it has heard from it */
    /* client */
    bool met;      /* it has heard from the server */
    bool held;     /* both are on one processor */
    pid_t server;  /* 0: not to be moved */
    cpu_set_t own; /* where the client may run */
};

/* ---- A line's end ---- */

static void hang_up(int *fd)
{
    if (*fd != DOWN) {
        (void)close(*fd);
        *fd = DOWN;
    }
}

static hp_status put(int *fd, const void *data, size_t len)
{
    if (send(*fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len) {
        return HP_OK;
    }
    if (errno == EMSGSIZE) {
        return HP_EINVAL;
    }
    if (errno != EAGAIN && errno != EINTR && errno != ENOBUFS && errno != ENOMEM) {
        hang_up(fd);
    }
    return HP_EAGAIN;
}

static hp_status take(int *fd, void *data, size_t cap, size_t *len)
{
    const ssize_t n = recv(*fd, data, cap, MSG_DONTWAIT | MSG_TRUNC);
    if (n > 0 && (size_t)n <= cap) {
        *len = (size_t)n;
        return HP_OK;
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return HP_EAGAIN;
    }
    *len = n > 0 ? (size_t)n : 0;
    hang_up(fd); /* the other side is gone, or does what no part of ours does */
    return n > 0 ? HP_EFULL : HP_EAGAIN;
}

/* ---- One processor for two who take turns ---- */

static void run_at(pid_t who, const cpu_set_t *where)
{
    (void)sched_setaffinity(who, sizeof *where, where); /* refused: it is only slower */
}

/** The server's process, and where it may run. It has spoken, so it has been home. */
static void meet_server(hp_direct *d)
{
    struct ucred who = {.pid = 0};
    socklen_t len = sizeof who;
    if (getsockopt(d->fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 && who.pid != getpid() &&
        sched_getaffinity(who.pid, sizeof d->home, &d->home) == 0) {
        d->server = who.pid;
    }
    d->met = true;
}

void hp_direct_hold(hp_direct *d)
{
    const int at = sched_getcpu();
    cpu_set_t here;
    CPU_ZERO(&here);
    if (d->held || d->server == 0 || at < 0 || !CPU_ISSET((size_t)at, &d->home) ||
        sched_getaffinity(0, sizeof d->own, &d->own) != 0) {
        return;
    }
    CPU_SET((size_t)at, &here);
    run_at(0, &here);
    run_at(d->server, &here);
    d->held = true;
}

void hp_direct_let_go(hp_direct *d)
{
    if (d->held) {
        run_at(d->server, &d->home);
        run_at(0, &d->own);
        d->held = false;
    }
}

/* ---- The server ---- */

static bool listens_for(hp_direct *d, int op, int fd, uint32_t number, uint32_t what)
{
    struct epoll_event event = {.events = what, .data = {.u32 = number}};
    return epoll_ctl(d->events, op, fd, &event) == 0;
}

/** The line that a new caller gets. */
static uint32_t find_line(const hp_direct *d)
{
    uint32_t best = 0;
    for (uint32_t i = 0; i < LINES; i++) {
        const line *l = &d->lines[i];
        const line *b = &d->lines[best];
        if (l->fd == DOWN) {
            return i;
        }
        if (l->heard < b->heard || (l->heard == b->heard && l->number < b->number)) {
            best = i;
        }
    }
    return best;
}

static void let_in(hp_direct *d)
{
    for (int i = 0; i < AT_DOOR; i++) {
        int fd = accept4(d->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
            /* No more descriptors, say: the door would ring on and on. hp_direct_check opens it. */
            (void)listens_for(d, EPOLL_CTL_MOD, d->fd, ENTRY, 0);
        }
        if (fd < 0) {
            return;
        }
        const uint32_t k = find_line(d);
        hang_up(&d->lines[k].fd);
        if (!listens_for(d, EPOLL_CTL_ADD, fd, k, EPOLLIN)) {
            hang_up(&fd);
        }
        run_at(0, &d->home); /* a client that ended may have left it elsewhere */
        d->callers++;
        d->lines[k] = (line){.fd = fd, .number = d->callers};
    }
}

/** Waits for the next event, which is kept until somebody looks after it. As poll(2). */
static int look(hp_direct *d, int timeout_ms)
{
    const int n = d->rings ? 1 : epoll_wait(d->events, &d->next, 1, timeout_ms);
    d->rings = n == 1;
    return n;
}

static hp_status receive_any(hp_direct *d, void *data, size_t cap, size_t *len, hp_peer *peer)
{
    for (int i = 0; i < LOOKS && look(d, 0) == 1; i++) {
        const uint32_t k = d->next.data.u32;
        d->rings = false;
        if (k == ENTRY) {
            let_in(d);
            continue;
        }
        line *l = &d->lines[k];
        const hp_status st = l->fd != DOWN ? take(&l->fd, data, cap, len) : HP_EAGAIN;
        if (st == HP_OK && peer != NULL) {
            *peer = (hp_peer){.len = sizeof l->number};
            memcpy(peer->id, &l->number, sizeof l->number);
        }
        if (st == HP_OK || st == HP_EFULL) {
            d->words++;
            l->heard = d->words;
            return st;
        }
    }
    return HP_EAGAIN;
}

static hp_status send_to(hp_direct *d, const hp_peer *peer, const void *data, size_t len)
{
    for (uint32_t i = 0; i < LINES; i++) {
        line *l = &d->lines[i];
        if (l->fd != DOWN && peer->len == sizeof l->number &&
            memcmp(peer->id, &l->number, sizeof l->number) == 0) {
            return put(&l->fd, data, len);
        }
    }
    return HP_EAGAIN;
}

static hp_status open_door(hp_direct *d, hp_error *error)
{
    int fd = DOWN;
    const hp_status st = hp_bus_file_listen(&d->file, &fd, error);
    if (st != HP_OK) {
        return st;
    }
    hang_up(&d->fd);
    d->fd = fd;
    return listens_for(d, EPOLL_CTL_ADD, fd, ENTRY, EPOLLIN)
               ? HP_OK
               : hp_fail(error, HP_EIO, "%s: %s", d->file.address.sun_path, strerror(errno));
}

hp_status hp_direct_check(hp_direct *d, hp_error *error)
{
    if (d->events == DOWN) {
        return HP_OK;
    }
    if (hp_bus_file_is_ours(&d->file)) {
        (void)listens_for(d, EPOLL_CTL_MOD, d->fd, ENTRY, EPOLLIN);
        return HP_OK;
    }
    const hp_status st = open_door(d, error);
    return st == HP_OK
               ? hp_fail(error, HP_OK, "%s: was gone and is bound again", d->file.address.sun_path)
               : st;
}

/* ---- The client ---- */

static bool call(hp_direct *d)
{
    const int queue = (int)HP_BUS_MAX_MESSAGE;
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    hp_direct_let_go(d); /* whoever was there is gone */
    if (fd >= 0 &&
        connect(fd, (const struct sockaddr *)&d->file.address, sizeof d->file.address) != 0) {
        hang_up(&fd);
    }
    if (fd >= 0) {
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &queue, sizeof queue);
        d->fd = fd;
        d->met = false;
        d->server = 0;
    }
    return d->fd != DOWN;
}

/* ---- Both ---- */

static hp_direct *create(const hp_bus_file *file)
{
    hp_direct *d = calloc(1, sizeof *d);
    if (d != NULL) {
        d->file = *file;
        d->fd = d->events = DOWN;
        for (uint32_t i = 0; i < LINES; i++) {
            d->lines[i].fd = DOWN;
        }
    }
    return d;
}

hp_status hp_direct_listen(const hp_bus_file *file, hp_direct **out, hp_error *error)
{
    const char *path = file->address.sun_path;
    hp_direct *d = create(file);
    *out = NULL;
    if (d == NULL) {
        return hp_fail(error, HP_ENOMEM, "%s: out of memory", path);
    }
    d->events = epoll_create1(EPOLL_CLOEXEC);
    (void)sched_getaffinity(0, sizeof d->home, &d->home);
    const hp_status st = d->events != DOWN
                             ? open_door(d, error)
                             : hp_fail(error, HP_EIO, "%s: %s", path, strerror(errno));
    if (st != HP_OK) {
        hp_direct_close(&d);
        return st;
    }
    *out = d;
    return HP_OK;
}

hp_status hp_direct_connect(const hp_bus_file *file, hp_direct **out)
{
    *out = create(file);
    if (*out == NULL) {
        return HP_ENOMEM;
    }
    (void)call(*out);
    return HP_OK;
}

void hp_direct_close(hp_direct **direct)
{
    hp_direct *d = *direct;
    if (d == NULL) {
        return;
    }
    hp_direct_let_go(d);
    for (uint32_t i = 0; i < LINES; i++) {
        hang_up(&d->lines[i].fd);
    }
    if (d->events != DOWN) {
        hp_bus_file_remove(&d->file);
        run_at(0, &d->home);
    }
    hang_up(&d->events);
    hang_up(&d->fd);
    free(d);
    *direct = NULL;
}

hp_status hp_direct_send(hp_direct *d, const hp_peer *peer, const void *data, size_t len)
{
    assert((peer != NULL) == (d->events != DOWN));
    if (len == 0 || len > HP_BUS_MAX_MESSAGE) {
        return HP_EINVAL;
    }
    if (peer != NULL) {
        return send_to(d, peer, data, len);
    }
    if (d->fd == DOWN && !call(d)) {
        return HP_EAGAIN;
    }
    return put(&d->fd, data, len);
}

hp_status hp_direct_receive(hp_direct *d, void *data, size_t cap, size_t *len, hp_peer *peer)
{
    *len = 0;
    if (d->events != DOWN) {
        return receive_any(d, data, cap, len, peer);
    }
    const hp_status st = d->fd != DOWN ? take(&d->fd, data, cap, len) : HP_EAGAIN;
    if (st == HP_OK && !d->met) {
        meet_server(d);
    }
    return st;
}

bool hp_direct_connected(const hp_direct *d)
{
    struct pollfd end = {.fd = d->fd};
    return d->fd != DOWN && poll(&end, 1, 0) == 0; /* it would tell of a hang-up */
}

int hp_direct_wait(hp_direct *d, int timeout_ms)
{
    struct pollfd end = {.fd = d->fd, .events = POLLIN};
    return d->events != DOWN ? look(d, timeout_ms) : poll(&end, 1, timeout_ms);
}

int hp_direct_fd(const hp_direct *d)
{
    return d->events != DOWN ? d->events : d->fd;
}
