/** @file pocman_internal.h The maze as tables: shared by the game, by the code that builds them,
 * and by their tests. */
#ifndef POMDP_MODELS_POCMAN_INTERNAL_H
#define POMDP_MODELS_POCMAN_INTERNAL_H

#include "pomdp/models/pocman.h"

enum {
    POCMAN_COLUMNS = 17,
    POCMAN_ROWS = 19,
    POCMAN_MAX_CELLS = 208,
    POCMAN_MAX_FOOD = 64 * POCMAN_WORDS,
    POCMAN_NO_CELL = 255,
};

/* What two cells are to each other, as bits. */
enum {
    POCMAN_IN_SIGHT = 15, /* bit of the direction in which the first sees the second */
    POCMAN_IN_EAR = 16,   /* within two cells */
    POCMAN_IN_RANGE = 32, /* nearer than six: ghosts hunt */
};

typedef struct pocman_maze {
    uint32_t n_cells, n_food;
    uint8_t x[POCMAN_MAX_CELLS], y[POCMAN_MAX_CELLS];
    uint8_t move[POCMAN_MAX_CELLS][POCMAN_N_ACTIONS]; /* next cell; NO_CELL: a wall */
    uint8_t relation[POCMAN_MAX_CELLS][POCMAN_MAX_CELLS];
    uint8_t distance[POCMAN_MAX_CELLS][POCMAN_MAX_CELLS];   /* steps */
    uint8_t toward[POCMAN_MAX_CELLS][POCMAN_MAX_CELLS];     /* first step of a shortest way */
    uint8_t food_cell[POCMAN_MAX_FOOD];                     /* where a pellet may lie */
    uint8_t by_distance[POCMAN_MAX_CELLS][POCMAN_MAX_FOOD]; /* pellets, nearest first */
    uint8_t food_at[POCMAN_MAX_CELLS];                      /* its pellet; NO_CELL: none */
    uint64_t smell[POCMAN_MAX_CELLS][POCMAN_WORDS];         /* pellets within one cell */
    uint64_t all_food[POCMAN_WORDS], pills[POCMAN_WORDS];
    uint8_t home, ghost_home[POCMAN_GHOSTS];
} pocman_maze;

void pocman_build(pocman_maze *maze);

#endif
