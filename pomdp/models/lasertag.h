/** @file lasertag.h Tag with a laser: eight beams give noisy distances to the nearest wall or
 * target, on a random floor. Somani, Ye, Hsu, Lee, NIPS (2013). Rules of the chase: pursuit.h.
 *
 *  Hardly anything is observed twice, so that below the root each particle is alone and knows its
 * future. What keeps the default policy honest is a whole filter in the state: where the target may
 * be by all that was observed, exactly. The policy goes to its likeliest cell, and the upper bound
 * is the game with a visible target. */
#ifndef POMDP_MODELS_LASERTAG_H
#define POMDP_MODELS_LASERTAG_H

#include "pomdp/models/pursuit.h"

enum {
    LASERTAG_STRIDE = 12, /* of the grid: a blocked cell behind each row of eleven */
    LASERTAG_GRID = 88,   /* seven rows, in whole vectors */
};

typedef struct lasertag_state {
    uint8_t robot, target; /* cells */
    uint8_t met;           /* 1: the target was felt here with the last step */
    uint8_t unused[5];     /* zero: a whole word */
    /* by place in the grid: probability that the target is there, to who knows the robot's moves
     * and readings */
    float at[LASERTAG_GRID];
} lasertag_state;

static inline uint32_t lasertag_place(uint32_t x, uint32_t y)
{
    return y * LASERTAG_STRIDE + x;
}

/** 7 x 11 cells of which 8 are blocked, by seed. HP_OK or HP_ENOMEM. */
HP_NODISCARD hp_status lasertag_open(uint64_t seed, pomdp_problem *out);

#endif
