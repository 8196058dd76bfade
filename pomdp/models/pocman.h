/** @file pocman.h Pocman: the arcade game for a player who sees no further than a corridor. Silver,
 *  Veness, "Monte-Carlo Planning in Large POMDPs", NIPS (2010).
 *
 *  A maze of 17 x 19 cells with a passage from one side to the other, four ghosts, pellets on half
 *  of the corridors' cells, and four pills. A step costs 1, walking into a wall 25 more; a pellet
 *  earns 10, the last one 1000 instead and ends the game; a ghost costs 100 and ends it, too, but
 *  for 15 steps after a pill the ghosts flee, and one that is caught earns 25 and starts at home. A
 *  ghost that is nearer than six cells hunts (or flees), others wander and never turn round.
 *  Observed are ten bits: a ghost in sight to the north, east, south, west; no wall to the north,
 *  east, south, west; a pellet within one cell, diagonals included, or just now below the player; a
 *  ghost within two steps as the crow flies. The maze is our own drawing, with about as many cells
 *  of each kind as the published one, the same homes and the passage in the same row. Returns are
 *  published without discount; the search discounts by 0.95.
 *
 *  Where the player is, is known, and so is which pellets may be left: cells that were entered, or
 *  near which nothing smelled, hold none. The state carries that, and the default policy goes for
 *  the nearest cell that may hold a pellet, round corners with ghosts, and chases ghosts while it
 *  may. The upper bound eats all pellets, nearest first, as if every one were on the way to the
 *  next; of ghosts it allows for each one once per pill. */
#ifndef POMDP_MODELS_POCMAN_H
#define POMDP_MODELS_POCMAN_H

#include "pomdp/models/problem.h"

enum { POCMAN_NORTH, POCMAN_EAST, POCMAN_SOUTH, POCMAN_WEST, POCMAN_N_ACTIONS };
enum { POCMAN_GHOSTS = 4, POCMAN_WORDS = 3 };
/* Bits of an observation, the first two by direction. */
enum { POCMAN_SEES_GHOST = 0, POCMAN_CAN_MOVE = 4, POCMAN_SMELLS = 8, POCMAN_HEARS = 9 };

typedef struct pocman_state {
    uint64_t food[POCMAN_WORDS];  /* bit per pellet cell: there is one */
    uint64_t maybe[POCMAN_WORDS]; /* the same: for all the player knows, there may be one */
    uint8_t cell;
    uint8_t power; /* steps for which ghosts can still be eaten */
    uint8_t seen;  /* the first four bits last observed */
    uint8_t way;   /* the last action; POCMAN_N_ACTIONS: none yet */
    uint8_t ghost[POCMAN_GHOSTS];
    uint8_t ghost_way[POCMAN_GHOSTS]; /* that it must not turn back from; POCMAN_N_ACTIONS: none */
    uint8_t unused[4];                /* zero: whole words */
} pocman_state;

/** HP_OK or HP_ENOMEM. */
HP_NODISCARD hp_status pocman_open(uint64_t seed, pomdp_problem *out);

#endif
