/** @file hp_line.h One end of a direct line (hp_direct.c): a Unix socket, which carries letters
 * itself, or rings for those that lie in boxes. The caller brings the boxes with his first word; a
 * socket alone is as good, but slower. Nothing here waits.
 *
 *  Ownership: plain data until there is an fd; hp_line_end. Threads: one user. Allocation: the
 * boxes' memory. */
#ifndef HP_LINE_H
#define HP_LINE_H

#include "common/hp_boxes.h"

enum { HP_LINE_DOWN = -1 };

typedef struct hp_line {
    int fd; /* HP_LINE_DOWN: free */
    uint64_t number;
    uint64_t heard; /* count of words when it last said one; 0: it never has */
    hp_boxes boxes; /* where there are any, letters go through them, and the socket only rings */
} hp_line;

/** Closes and forgets a descriptor, if there is one. */
void hp_line_hang_up(int *fd);
void hp_line_end(hp_line *line);

/** The caller's: makes boxes and sends them. */
void hp_line_bring_boxes(hp_line *line);
/** As hp_socket_send; the line is down afterwards if the other side was found to have ended. */
HP_NODISCARD hp_status hp_line_put(hp_line *line, const void *data, size_t len);
/** As hp_socket_receive. Anything but a letter that fits, or none, ends the line. */
HP_NODISCARD hp_status hp_line_take(hp_line *line, void *data, size_t cap, size_t *len);
/** The same for the first word of a line without boxes, which may bring them: then HP_EAGAIN. */
HP_NODISCARD hp_status hp_line_take_first(hp_line *line, void *data, size_t cap, size_t *len);
/** Takes off the socket of a line with boxes what has rung. The line is down afterwards if the
 * other side has ended. */
void hp_line_hear(hp_line *line);

#endif
