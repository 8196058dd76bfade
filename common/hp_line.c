#include "common/hp_line.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BELLS = 32 }; /* that are taken off a socket at once */

void hp_line_hang_up(int *fd)
{
    if (*fd != HP_LINE_DOWN) {
        (void)close(*fd);
        *fd = HP_LINE_DOWN;
    }
}

void hp_line_end(hp_line *l)
{
    hp_line_hang_up(&l->fd);
    hp_boxes_close(&l->boxes);
}

static hp_status put_by_socket(hp_line *l, const void *data, size_t len)
{
    if (send(l->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len) {
        return HP_OK;
    }
    if (errno == EMSGSIZE) {
        return HP_EINVAL;
    }
    if (errno != EAGAIN && errno != EINTR && errno != ENOBUFS && errno != ENOMEM) {
        hp_line_end(l);
    }
    return HP_EAGAIN;
}

/** The descriptor that came with a message; more than one are closed. */
static void take_gift(const struct msghdr *message, int *gift)
{
    const struct cmsghdr *c = CMSG_FIRSTHDR(message);
    if (c == NULL || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) {
        return;
    }
    const size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof *gift; /* padding is room for a second */
    for (size_t i = 0; i < n; i++) {
        int fd = HP_LINE_DOWN;
        memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
        if (n == 1) {
            *gift = fd;
        } else {
            hp_line_hang_up(&fd);
        }
    }
}

/** One message off the socket; with it a descriptor, if one comes and gift is not NULL. */
static ssize_t receive_with(int fd, void *data, size_t cap, int *gift)
{
    union {
        struct cmsghdr head;
        unsigned char room[CMSG_SPACE(sizeof *gift)];
    } control;
    struct iovec body = {.iov_base = data, .iov_len = cap};
    struct msghdr message = {.msg_iov = &body, .msg_iovlen = 1};
    if (gift != NULL) {
        message.msg_control = control.room;
        message.msg_controllen = sizeof control.room;
    }
    const ssize_t n = recvmsg(fd, &message, MSG_DONTWAIT | MSG_TRUNC | MSG_CMSG_CLOEXEC);
    if (n >= 0 && gift != NULL) {
        take_gift(&message, gift);
    }
    return n;
}

static hp_status take_by_socket(hp_line *l, void *data, size_t cap, size_t *len, int *gift)
{
    const ssize_t n = receive_with(l->fd, data, cap, gift);
    if (n > 0 && (size_t)n <= cap) {
        *len = (size_t)n;
        return HP_OK;
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return HP_EAGAIN;
    }
    *len = n > 0 ? (size_t)n : 0;
    hp_line_end(l); /* the other side is gone, or does what no part of ours does */
    return n > 0 ? HP_EFULL : HP_EAGAIN;
}

hp_status hp_line_take(hp_line *l, void *data, size_t cap, size_t *len)
{
    if (l->boxes.memory == NULL) {
        return take_by_socket(l, data, cap, len, NULL);
    }
    const hp_status st = hp_boxes_take(&l->boxes, data, cap, len);
    if (st != HP_OK && st != HP_EAGAIN) {
        hp_line_end(l);
    }
    return st;
}

/** Takes off the socket of a line with boxes what has rung. */
void hp_line_hear(hp_line *l)
{
    unsigned char bell[64];
    size_t len = 0;
    for (int i = 0; i < BELLS && l->fd != HP_LINE_DOWN; i++) {
        if (take_by_socket(l, bell, sizeof bell, &len, NULL) != HP_OK) {
            return;
        }
    }
}

hp_status hp_line_put(hp_line *l, const void *data, size_t len)
{
    bool ring = false;
    if (l->boxes.memory == NULL) {
        return put_by_socket(l, data, len);
    }
    const hp_status st = hp_boxes_put(&l->boxes, data, len, &ring);
    if (ring) {
        (void)put_by_socket(l, "", 1); /* a full socket is full of bells */
    } else if (st != HP_OK) {
        hp_line_hear(l); /* he may have ended */
    }
    return l->fd != HP_LINE_DOWN ? st : HP_EAGAIN;
}

/** Brings the server boxes. Without them the line is as good, but slower. */
void hp_line_bring_boxes(hp_line *l)
{
    union {
        struct cmsghdr head;
        unsigned char room[CMSG_SPACE(sizeof(int))];
    } control = {.room = {0}};
    char bell[] = "";
    struct iovec body = {.iov_base = bell, .iov_len = 1};
    const struct msghdr message = {.msg_iov = &body,
                                   .msg_iovlen = 1,
                                   .msg_control = control.room,
                                   .msg_controllen = sizeof control.room};
    int fd = HP_LINE_DOWN;
    if (hp_boxes_create(&l->boxes, &fd) != HP_OK) {
        return;
    }
    control.head = (struct cmsghdr){
        .cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
    if (sendmsg(l->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) != 1) {
        hp_boxes_close(&l->boxes);
    }
    hp_line_hang_up(&fd);
}

/** The first word of a line may bring boxes. */
hp_status hp_line_take_first(hp_line *l, void *data, size_t cap, size_t *len)
{
    int gift = HP_LINE_DOWN;
    hp_status st = take_by_socket(l, data, cap, len, &gift);
    if (gift != HP_LINE_DOWN && st == HP_OK) {
        const hp_status mapped = hp_boxes_map(&l->boxes, gift);
        st = mapped == HP_EWIRE ? HP_OK : HP_EAGAIN; /* anything else is no business of ours */
        if (mapped == HP_ENOMEM) {
            hp_line_end(l);
        }
    }
    hp_line_hang_up(&gift);
    return st;
}
