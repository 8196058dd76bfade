/** @file hp_pair.h Where two processes run of which one asks and the other answers, many times in a
 * row: for the asker's end of a direct line (hp_direct.c).
 *
 *  Together, on one processor: they take turns anyway, and the kernel is quick to switch there, but
 * slow to wake somebody on another processor. Or apart, where the asker looks out for the answer
 * and the other for the next question instead of sleeping: quicker still, as long as the other
 * really runs. If he was seen not to, they are together for the rest of a hold, and, the oftener it
 * happens, for 0, 1, 3, 7 ... of the next ones. So on a machine that has no processor to spare it
 * is tried hardly ever.
 *  Ownership: plain data. Threads: the asker's. Allocation: none. */
#ifndef HP_PAIR_H
#define HP_PAIR_H

#include <sched.h> /* cpu_set_t, with _GNU_SOURCE */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef enum hp_pair_place { HP_PAIR_FREE, HP_PAIR_TOGETHER, HP_PAIR_APART } hp_pair_place;

typedef struct hp_pair {
    pid_t other; /* 0: not known, or not to be moved */
    hp_pair_place place;
    cpu_set_t own, home; /* where we may run, and the other */
    cpu_set_t here;      /* where we are held */
    uint32_t patience;   /* holds that they are together after the next failure */
    uint32_t left;       /* of these, after the last one */
} hp_pair;

/** Takes note of who is at the other end of a Unix socket. */
void hp_pair_meet(hp_pair *pair, int fd);
/** Holds both until hp_pair_let_go; apart only if that is wanted. Nothing if they are held already,
 * or where the kernel refuses. */
void hp_pair_hold(hp_pair *pair, bool apart);
/** The other one does not run: from apart to together. */
void hp_pair_join(hp_pair *pair);
void hp_pair_let_go(hp_pair *pair);

/** Lets a process or thread run in these places; 0: the caller. Refused: it is only slower. */
void hp_pair_place_at(pid_t who, const cpu_set_t *where);

#endif
