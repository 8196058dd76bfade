/** @file carla_net.h TCP with a deadline on every wait; each error says what was waited for.
 *  A signal ends a wait with HP_EINTERRUPTED. Names are resolved by the system's resolver, whose
 *  own patience is the only one here that is not ours.
 *  Threads: one socket, one thread. Allocation: in carla_inbox_create. */
#ifndef CARLA_NET_H
#define CARLA_NET_H

#include "common/hp_clock.h"
#include "common/hp_status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct carla_wait {
    const hp_clock *clock;
    int64_t until_ns;
    const char *what; /* "the answer to spawn_actor" */
} carla_wait;

carla_wait carla_wait_for(const hp_clock *clock, double seconds, const char *what);

/** HP_EUNAVAILABLE: refused; HP_EDEADLINE: no answer. */
HP_NODISCARD hp_status carla_net_connect(const char *host, uint16_t port, const carla_wait *wait,
                                         int *fd, hp_error *error);
/** Listens on address (dotted IPv4) and port, 0: any free one; *port tells which. HP_EBUSY: taken.
 */
HP_NODISCARD hp_status carla_net_listen(const char *address, uint16_t *port, int *fd,
                                        hp_error *error);
HP_NODISCARD hp_status carla_net_send(int fd, const void *bytes, size_t len, const carla_wait *wait,
                                      hp_error *error);
/** Not blocking, without delay, not inherited. */
bool carla_net_prepare(int fd);
void carla_net_close(int *fd);

/** Bytes that have come and are not used up yet. */
typedef struct carla_inbox {
    uint8_t *bytes;
    size_t capacity, begin, end;
} carla_inbox;

HP_NODISCARD hp_status carla_inbox_create(size_t capacity, carla_inbox *out);
void carla_inbox_destroy(carla_inbox *inbox);
/** Drops the first n bytes. */
void carla_inbox_use(carla_inbox *inbox, size_t n);
/** Takes what has come, without waiting: HP_EAGAIN nothing, HP_EUNAVAILABLE the peer has closed,
 *  HP_EFULL no room. */
HP_NODISCARD hp_status carla_inbox_take(carla_inbox *inbox, int fd, hp_error *error);
/** The same, but waits until something has come. */
HP_NODISCARD hp_status carla_inbox_fill(carla_inbox *inbox, int fd, const carla_wait *wait,
                                        hp_error *error);

#endif
