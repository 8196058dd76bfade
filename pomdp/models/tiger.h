/** @file tiger.h The tiger problem: two doors, a tiger behind one, gold behind the other. Listening
 *  costs 1 and is right with probability 0.85; gold earns 10, the tiger costs 100; an opened door
 *  starts afresh. Kaelbling, Littman, Cassandra, Artificial Intelligence 101 (1998).
 *
 *  Shortest example of a model. The state also carries what was heard so far, which an observer
 *  knows, so that the default policy can be the sensible one: open when two more growls came from
 *  one side than from the other. */
#ifndef POMDP_MODELS_TIGER_H
#define POMDP_MODELS_TIGER_H

#include "common/hp_rng.h"
#include "pomdp/pomdp_model.h"

enum { TIGER_LISTEN, TIGER_OPEN_LEFT, TIGER_OPEN_RIGHT };
enum { TIGER_HEARD_LEFT, TIGER_HEARD_RIGHT, TIGER_HEARD_NOTHING };

#define TIGER_DISCOUNT 0.95
#define TIGER_HEARING_P 0.85

typedef struct tiger_state {
    uint8_t is_right;  /* 1: behind the right door */
    int8_t heard_left; /* growls from the left less those from the right since the last opening */
} tiger_state;

/** The model; it needs no ctx. */
pomdp_model tiger_model(void);
/** Fills states [n] (tiger_state) from the initial belief: either door, nothing heard. */
void tiger_sample(const void *ctx, hp_rng stream, uint32_t n, void *states);

#endif
