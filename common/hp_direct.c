#include "common/hp_direct.h"

#include "common/hp_line.h"
#include "common/hp_pair.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum {
    LINES = 8,     /* that a server holds */
    AT_DOOR = 128, /* callers let in at once, more than can wait */
    LOOKS = 32,    /* for a message among lines that turn out to be dead, in one receive */
    ENTRY = LINES, /* the listening socket's number among the events */
    FAIRLY = 64,   /* letters between two looks at the sockets */
    CHECK_MS = 20, /* a client looks again whether the server is still there */
    STAY_MS = 20,  /* a server stays with him whom it has answered */
};

#define MS_NS 1000000L

struct hp_direct {
    hp_bus_file file; /* server: ours; client: the server's */
    int fd;           /* server: listens */
    int events;       /* server: of all lines; client: HP_LINE_DOWN */
    uint64_t callers, words;
    hp_line lines[LINES]; /* client: the first one */
    struct epoll_event next;
    bool rings;     /* next has happened */
    bool near;      /* the last letter came by a box: likely the next one does, and soon */
    uint32_t last;  /* whose */
    cpu_set_t home; /* server: where it may run */
    /* client */
    bool away; /* its socket is polled by others */
    bool met;  /* it has heard from the server, which therefore has been home */
    hp_pair pair;

    uint32_t watch_us; /* for so long it looks out for an answer before it sleeps */
};

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
        const hp_line *l = &d->lines[i];
        const hp_line *b = &d->lines[best];
        if (l->fd == HP_LINE_DOWN) {
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
        hp_line_end(&d->lines[k]);
        if (!listens_for(d, EPOLL_CTL_ADD, fd, k, EPOLLIN)) {
            hp_line_hang_up(&fd);
        }
        hp_pair_place_at(0, &d->home); /* a client that ended may have left it elsewhere */
        d->callers++;
        d->lines[k] = (hp_line){.fd = fd, .number = d->callers};
    }
}

/** Waits for the next event, which is kept until somebody looks after it. As poll(2). */
static int look(hp_direct *d, int timeout_ms)
{
    const int n = d->rings ? 1 : epoll_wait(d->events, &d->next, 1, timeout_ms);
    d->rings = n == 1;
    return n;
}

/** Whose box has a letter; whoever had the last turn comes last. */
static hp_line *find_letter(hp_direct *d)
{
    for (uint32_t i = 1; i <= LINES; i++) {
        hp_line *l = &d->lines[(d->last + i) % LINES];
        if (hp_boxes_has(&l->boxes)) {
            return l;
        }
    }
    return NULL;
}

/** Looks after the event that rings. A line whose socket may have a letter, or NULL. */
static hp_line *attend(hp_direct *d)
{
    const uint32_t k = d->next.data.u32;
    d->rings = false;
    if (k == ENTRY) {
        let_in(d);
        return NULL;
    }
    hp_line *l = &d->lines[k];
    if (l->boxes.memory != NULL) {
        hp_line_hear(l);
        return NULL;
    }
    return l->fd != HP_LINE_DOWN ? l : NULL;
}

static hp_line *next_line(hp_direct *d)
{
    for (int i = 0; i < LOOKS; i++) {
        const bool outside = i == 0 && d->words % FAIRLY == 0;
        hp_line *l = outside ? NULL : find_letter(d);
        if (l == NULL && look(d, 0) == 1) {
            l = attend(d);
        } else if (l == NULL && !outside) {
            return NULL;
        }
        if (l != NULL) {
            return l;
        }
    }
    return NULL;
}

static hp_status receive_any(hp_direct *d, void *data, size_t cap, size_t *len, hp_peer *peer)
{
    for (int i = 0; i < LOOKS; i++) {
        hp_line *l = next_line(d);
        if (l == NULL) {
            return HP_EAGAIN;
        }
        const bool boxed = l->boxes.memory != NULL;
        const hp_status st = boxed || l->heard > 0 ? hp_line_take(l, data, cap, len)
                                                   : hp_line_take_first(l, data, cap, len);
        if (st == HP_OK && peer != NULL) {
            *peer = (hp_peer){.len = sizeof l->number};
            memcpy(peer->id, &l->number, sizeof l->number);
        }
        if (st != HP_EAGAIN) {
            d->words++;
            l->heard = d->words;
            d->near = boxed;
            d->last = (uint32_t)(l - d->lines);
            return st;
        }
    }
    return HP_EAGAIN;
}

/** From now on whoever has something to say rings. True: somebody has said it before. */
static bool leave_boxes(hp_direct *d)
{
    for (uint32_t i = 0; i < LINES; i++) {
        if (d->lines[i].boxes.memory != NULL) {
            hp_boxes_leave(&d->lines[i].boxes);
        }
    }
    return find_letter(d) != NULL;
}

/** Whether he has boxes and nobody else has a line. */
static bool is_alone(const hp_direct *d, const hp_line *l)
{
    for (uint32_t i = 0; i < LINES; i++) {
        if (d->lines[i].fd != HP_LINE_DOWN && &d->lines[i] != l) {
            return false;
        }
    }
    return l->boxes.memory != NULL;
}

/** For a moment at the box of whom it has answered, as he likely has another question; then
 * wherever somebody may ring. */
static int wait_any(hp_direct *d, int timeout_ms)
{
    hp_line *l = &d->lines[d->last];
    if (find_letter(d) != NULL) {
        return 1;
    }
    if (d->near && timeout_ms != 0 && is_alone(d, l)) {
        const bool found = hp_boxes_watch(&l->boxes, HP_BOXES_AS_CALLED);
        const int rc = found ? 1 : hp_boxes_nap(&l->boxes, STAY_MS * MS_NS);
        d->near = false;
        if (rc != 0) {
            return rc;
        }
    }
    return leave_boxes(d) ? 1 : look(d, timeout_ms);
}

static hp_status send_to(hp_direct *d, const hp_peer *peer, const void *data, size_t len)
{
    for (uint32_t i = 0; i < LINES; i++) {
        hp_line *l = &d->lines[i];
        if (l->fd != HP_LINE_DOWN && peer->len == sizeof l->number &&
            memcmp(peer->id, &l->number, sizeof l->number) == 0) {
            return hp_line_put(l, data, len);
        }
    }
    return HP_EAGAIN;
}

static hp_status open_door(hp_direct *d, hp_error *error)
{
    int fd = HP_LINE_DOWN;
    const hp_status st = hp_bus_file_listen(&d->file, &fd, error);
    if (st != HP_OK) {
        return st;
    }
    hp_line_hang_up(&d->fd);
    d->fd = fd;
    return listens_for(d, EPOLL_CTL_ADD, fd, ENTRY, EPOLLIN)
               ? HP_OK
               : hp_fail(error, HP_EIO, "%s: %s", d->file.address.sun_path, strerror(errno));
}

hp_status hp_direct_check(hp_direct *d, hp_error *error)
{
    if (d->events == HP_LINE_DOWN) {
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
        hp_line_hang_up(&fd);
    }
    if (fd >= 0) {
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &queue, sizeof queue);
        d->lines[0].fd = fd;
        d->met = false;
        d->pair.other = 0;
        hp_line_bring_boxes(&d->lines[0]);
    }
    return fd >= 0;
}

void hp_direct_hold(hp_direct *d, uint32_t watch_us)
{
    if (d->pair.place == HP_PAIR_FREE) {
        d->watch_us = watch_us;
        hp_pair_hold(&d->pair, watch_us > 0 && d->lines[0].boxes.memory != NULL);
        if (d->pair.place == HP_PAIR_APART) {
            hp_boxes_call(&d->lines[0].boxes, watch_us);
        }
    }
}

void hp_direct_let_go(hp_direct *d)
{
    if (d->pair.place == HP_PAIR_APART) {
        hp_boxes_call(&d->lines[0].boxes, 0);
    }
    hp_pair_let_go(&d->pair);
}

/** Nobody is held for a server that was found to have ended. */
static void let_go_of_ended(hp_direct *d)
{
    if (d->lines[0].fd == HP_LINE_DOWN) {
        hp_direct_let_go(d);
    }
}

/** Who is apart looks out for the answer for a while. If it does not come in time, the server may
 * not be running where it is: it gets this processor, which sleeps anyway. */
static bool watch_for_server(hp_direct *d)
{
    hp_boxes *boxes = &d->lines[0].boxes;
    if (d->pair.place != HP_PAIR_APART) {
        return false;
    }
    if (hp_boxes_watch(boxes, d->watch_us / 2)) {
        return true;
    }
    hp_boxes_call(boxes, 0);
    hp_pair_join(&d->pair);
    return false;
}

/** Sleeps at the box, and wakes now and then to hear whether the server has ended. */
static int wait_for_server(hp_direct *d, int timeout_ms)
{
    hp_line *l = &d->lines[0];
    if (timeout_ms != 0 && watch_for_server(d)) {
        return 1;
    }
    for (int left = timeout_ms;; left -= CHECK_MS) {
        const bool last = timeout_ms >= 0 && left <= CHECK_MS;
        const int rc = hp_boxes_nap(&l->boxes, (last ? left : CHECK_MS) * MS_NS);
        if (rc != 0) {
            return rc;
        }
        hp_line_hear(l);
        let_go_of_ended(d);
        if (l->fd == HP_LINE_DOWN || last) {
            return l->fd == HP_LINE_DOWN ? 1 : 0;
        }
    }
}

/* ---- Both ---- */

static hp_direct *create(const hp_bus_file *file)
{
    hp_direct *d = calloc(1, sizeof *d);
    if (d != NULL) {
        d->file = *file;
        d->fd = d->events = HP_LINE_DOWN;
        for (uint32_t i = 0; i < LINES; i++) {
            d->lines[i].fd = HP_LINE_DOWN;
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
    const hp_status st = d->events != HP_LINE_DOWN
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
        hp_line_end(&d->lines[i]);
    }
    if (d->events != HP_LINE_DOWN) {
        hp_bus_file_remove(&d->file);
        hp_pair_place_at(0, &d->home);
    }
    hp_line_hang_up(&d->events);
    hp_line_hang_up(&d->fd);
    free(d);
    *direct = NULL;
}

hp_status hp_direct_send(hp_direct *d, const hp_peer *peer, const void *data, size_t len)
{
    assert((peer != NULL) == (d->events != HP_LINE_DOWN));
    if (len == 0 || len > HP_BUS_MAX_MESSAGE) {
        return HP_EINVAL;
    }
    if (peer != NULL) {
        return send_to(d, peer, data, len);
    }
    if (d->lines[0].fd == HP_LINE_DOWN && !call(d)) {
        return HP_EAGAIN;
    }
    const hp_status st = hp_line_put(&d->lines[0], data, len);
    let_go_of_ended(d);
    return st;
}

hp_status hp_direct_receive(hp_direct *d, void *data, size_t cap, size_t *len, hp_peer *peer)
{
    *len = 0;
    if (d->events != HP_LINE_DOWN) {
        return receive_any(d, data, cap, len, peer);
    }
    hp_line *l = &d->lines[0];
    const hp_status st = l->fd != HP_LINE_DOWN ? hp_line_take(l, data, cap, len) : HP_EAGAIN;
    if (st == HP_OK && !d->met) {
        hp_pair_meet(&d->pair, l->fd);
        d->met = true;
    }
    if (st == HP_EAGAIN && d->away) {
        d->away = false;
        hp_line_hear(l);
    }
    let_go_of_ended(d);
    return st;
}

bool hp_direct_connected(const hp_direct *d)
{
    struct pollfd end = {.fd = d->lines[0].fd};
    return end.fd != HP_LINE_DOWN && poll(&end, 1, 0) == 0; /* it would tell of a hang-up */
}

int hp_direct_wait(hp_direct *d, int timeout_ms)
{
    struct pollfd end = {.fd = d->lines[0].fd, .events = POLLIN};
    if (d->events != HP_LINE_DOWN) {
        return wait_any(d, timeout_ms);
    }
    return d->lines[0].boxes.memory != NULL ? wait_for_server(d, timeout_ms)
                                            : poll(&end, 1, timeout_ms);
}

bool hp_direct_leave(hp_direct *d)
{
    d->away = d->events == HP_LINE_DOWN && d->lines[0].boxes.memory != NULL;
    return leave_boxes(d);
}

int hp_direct_fd(const hp_direct *d)
{
    return d->events != HP_LINE_DOWN ? d->events : d->lines[0].fd;
}
