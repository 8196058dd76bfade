/** @file hp_boxes.h Two letter boxes in memory that two processes share, one for each direction:
 * for direct lines (hp_direct.c), whose socket brings the memory to the other side, rings where he
 * cannot hear otherwise, and tells when he has ended.
 *
 *  A letter costs no call of the kernel but the one that wakes a sleeper. What lies in a box is
 * whatever the other side put there, and he may change it at any time: each letter is copied once,
 * by numbers that are read once and checked, and nothing but the copy is looked at. The memory
 * cannot shrink under a reader. Somebody who lies about his numbers is found out or sends bytes
 * that no codec takes; nobody can make the other side wait, write or read where it should not.
 *  Ownership: create or map, then close. Threads: one user for each end. Allocation: the shared
 * memory. */
#ifndef HP_BOXES_H
#define HP_BOXES_H

#include "common/hp_status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HP_BOXES_AS_CALLED UINT32_MAX

typedef struct hp_box hp_box; /* in shared memory */

typedef struct hp_boxes {
    hp_box *out, *in; /* NULL: there are none */
    void *memory;
    /* Our own counts: what the memory says of them is for the other side only. */
    uint32_t put, taken;
    size_t end; /* of the last letter in out */
} hp_boxes;

/** Makes the memory; *fd is to be sent to the other side and closed. HP_ENOMEM, HP_EIO. */
HP_NODISCARD hp_status hp_boxes_create(hp_boxes *boxes, int *fd);
/** The other side's end of the memory at fd, which stays the caller's. HP_EWIRE: it is no such
 *  memory; HP_ENOMEM. */
HP_NODISCARD hp_status hp_boxes_map(hp_boxes *boxes, int fd);
/** Does nothing if there are none. */
void hp_boxes_close(hp_boxes *boxes);

/** HP_EAGAIN: the box is full. *ring: he must be rung for, as he sleeps elsewhere, or seems to be
 * gone. */
HP_NODISCARD hp_status hp_boxes_put(hp_boxes *boxes, const void *data, size_t len, bool *ring);
/** HP_EAGAIN: none there; HP_EFULL: larger than cap, and dropped; HP_EWIRE: what the other side
 * says of his box cannot be. */
HP_NODISCARD hp_status hp_boxes_take(hp_boxes *boxes, void *data, size_t cap, size_t *len);
/** Whether take would say anything but HP_EAGAIN. False where there are none. */
bool hp_boxes_has(const hp_boxes *boxes);
/** Sleeps until a letter comes, for limit_ns at most: 1, 0, or -1 and errno. May end early. */
int hp_boxes_nap(hp_boxes *boxes, long limit_ns);
/** Looks out for a letter without sleeping, a millisecond at most: true if there is one.
 * HP_BOXES_AS_CALLED: for as long as the other side asks for it. */
bool hp_boxes_watch(hp_boxes *boxes, uint32_t limit_us);
/** Asks the other side to look out before it sleeps; 0: no longer. Nothing where there are no
 * boxes. */
void hp_boxes_call(hp_boxes *boxes, uint32_t watch_us);
/** From now on whoever puts a letter in is told to ring, until one is taken. What came before is
 * there to be seen. */
void hp_boxes_leave(hp_boxes *boxes);

#endif
