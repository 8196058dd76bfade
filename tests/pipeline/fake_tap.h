/** @file fake_tap.h A planner's tap without a planner, for the tests of onlookers. */
#ifndef FAKE_TAP_H
#define FAKE_TAP_H

#include "proto/hp_node.h"

#include <stdint.h>

typedef struct fake_tap {
    char dir[64]; /* sockets and results, fresh below /tmp */
    hp_host host;
    hp_mail mail;
    hp_socket *tap;
    uint32_t tick;
    uint64_t published; /* as the planner would count */
} fake_tap;

void fake_tap_open(fake_tap *f);
/** Closes, and removes these files and the directory. */
void fake_tap_close(fake_tap *f, const char *const *files, size_t n);
void fake_tap_publish(fake_tap *f, hp_msg_type type, const void *message);
void fake_tap_world(fake_tap *f);
/** A frame of many agents that move, and its decision. */
void fake_tap_tick(fake_tap *f);
void fake_tap_pause_ms(long ms);

#endif
